"""What kinds of certificates there are, as data: profiles, object identifiers, reasons of revocation.

All object identifiers lie under 1.3.6.1.4.1.32473, the arc for documentation (RFC 5612), so that nothing issued here
can be taken for a certificate of the real authority. Who runs a country puts an own arc here.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

ARC = "1.3.6.1.4.1.32473"
ITEMS = f"{ARC}.8.5.5"
"""Under it the items in a signature certificate: .1 name, .2 its substitute flags, .3 sex, .4 birth, .5 address, .6
its substitute flags (design of the real profile, with an own arc)."""
STATUS_REFERENCE = f"{ARC}.8.6.1"
"""Extension: where the certificate's one bit stands (spec/authority.md section 5)."""
STATUS_SIGNER = f"{ARC}.8.6.2"
"""Extended key usage of the key that signs status lists; the IETF draft has no number for it yet."""
ORGANISATION = "Kakine"
HOST = "kakine.example"
"""A party's name in a certificate lies under it: `converter-1.kakine.example`."""


class Use(StrEnum):
    """What a certificate is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    PARTY = "party"


class Algorithm(StrEnum):
    """A key with the hash that its signatures use."""

    RSA_2048 = "rsa-2048"
    P_256 = "p-256"
    P_384 = "p-384"


class _Rules(NamedTuple):
    use: Use
    algorithm: Algorithm
    policy: str
    unit: str
    ja: str


class Profile(StrEnum):
    """A root and what it issues. The interop profiles have the shape of the real ones of 2026, RSA throughout; the
    product profiles are P-384 and show no municipality."""

    AUTHENTICATION_INTEROP = "authentication-interop"
    AUTHENTICATION = "authentication-product"
    SIGNATURE_INTEROP = "signature-interop"
    SIGNATURE = "signature-product"
    PARTY = "party"

    @property
    def use(self) -> Use:
        """What its certificates are for."""
        return _RULES[self].use

    @property
    def algorithm(self) -> Algorithm:
        """Of its root, and of the keys it certifies."""
        return _RULES[self].algorithm

    @property
    def policy(self) -> str:
        """The object identifier of its certificate policy."""
        return _RULES[self].policy

    @property
    def unit(self) -> str:
        """The organisational unit in the names of its root and lists."""
        return _RULES[self].unit

    @property
    def ja(self) -> str:
        """The root's name in Japanese."""
        return _RULES[self].ja

    @property
    def interop(self) -> bool:
        """Whether it has the shape that stock software of 2026 expects."""
        return self.algorithm is Algorithm.RSA_2048


_RULES: dict[Profile, _Rules] = {
    Profile.AUTHENTICATION_INTEROP: _Rules(
        Use.AUTHENTICATION,
        Algorithm.RSA_2048,
        f"{ARC}.8.5.1.3.30",
        "Kakine for user authentication",
        "垣根利用者証明用認証局",
    ),
    Profile.AUTHENTICATION: _Rules(
        Use.AUTHENTICATION,
        Algorithm.P_384,
        f"{ARC}.8.5.1.3.31",
        "Kakine for user authentication P-384",
        "垣根利用者証明用認証局二",
    ),
    Profile.SIGNATURE_INTEROP: _Rules(
        Use.SIGNATURE,
        Algorithm.RSA_2048,
        f"{ARC}.8.5.1.1.20",
        "Kakine for digital signature",
        "垣根署名用認証局",
    ),
    Profile.SIGNATURE: _Rules(
        Use.SIGNATURE,
        Algorithm.P_384,
        f"{ARC}.8.5.1.1.21",
        "Kakine for digital signature P-384",
        "垣根署名用認証局二",
    ),
    Profile.PARTY: _Rules(
        Use.PARTY, Algorithm.P_384, f"{ARC}.8.5.1.9.10", "Kakine for parties", "垣根機関間通信用認証局"
    ),
}

PERSONAL = tuple(profile for profile in Profile if profile.use is not Use.PARTY)


class Reason(IntEnum):
    """Why a certificate is not valid, by its number in RFC 5280 section 5.3.1. Death, emigration, loss and the holder's
    wish have one reason in common: a list that anybody may read must not tell them apart."""

    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
