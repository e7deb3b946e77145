"""The rules of a login as pure functions: scopes, what a card signs, where a browser may be sent back to.

spec/login.md says them in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from kakine.crypto.hashing import digest
from kakine.values.problems import MandateNotInForce, ScopeNotAllowed
from kakine.wire.canonical import encode
from kakine.wire.login import BoundCard, CardsFound, CardsLost, Challenge, Paper, Vouched
from kakine.wire.mandate import Appoint, AskMandates, EndMandate, StandBy

OPENID = "openid"
SIGN = "sign"
LATEST = "latest"
"""A grant to ask for items again later, without the person (spec/decisions.md)."""
ATTRIBUTES = ("address", "birthdate", "gender", "lives_in", "name", "over_18", "over_20")
"""Scopes for which the registry is asked, each about the one thing that it is called by."""
LINK = "link"
"""That the present certificate follows the one that the relying party knows."""
REPRESENTED = "represented"
"""Scope of a relying party that understands `act`: without it nobody comes there by a delegate. The registry is asked
by the same word whether somebody may be represented."""
SCOPES = frozenset({*ATTRIBUTES, SIGN, LATEST, LINK, REPRESENTED})

CARD, COUNTER, PASSKEY = "urn:kakine:acr:card", "urn:kakine:acr:counter", "urn:kakine:acr:passkey"
"""How somebody logged in (`acr`). Card and counter are of one assurance; a passkey is below both."""
STRONG = frozenset({CARD, COUNTER})
WEIGHTY = frozenset({"address"})
"""Items that are released only to whom a clerk has seen: a card that was found, with its PIN, must not be enough."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def challenge_digest(challenge: Challenge) -> bytes:
    """The 32 bytes that a card signs to log in. Never anything that a page chose: the helper makes them itself of
    fields that it has shown."""
    return digest("card-login", encode(challenge))


def scopes_of(text: str, allowed: Iterable[str]) -> tuple[str, ...]:
    """The scopes of a request, sorted, without `openid`. Raises `ScopeNotAllowed` unless `openid` is there and all
    others are allowed."""
    asked = set(text.split(" "))
    if OPENID not in asked or not asked - {OPENID} <= set(allowed):
        raise ScopeNotAllowed()
    return tuple(sorted(asked - {OPENID}))


def offered(items: Iterable[str], acr: str) -> tuple[str, ...]:
    """Of these items or scopes those that a person who came in this way may agree to."""
    return tuple(item for item in items if item not in WEIGHTY or acr == COUNTER)


def may_return_to(address: str) -> bool:
    """Whether the law may name this address: https, or http to the same machine, and no fragment (RFC 6749 section
    3.1.2)."""
    parts = urlsplit(address)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return (
        secure and bool(parts.netloc) and "#" not in address and parts.username is None and address.isascii()
    )


def said_of(what: Vouched) -> tuple[str, ...]:
    """The items of a voucher's record: what the person reads of it. The portal refuses one that says otherwise."""
    match what:
        case Paper():
            return ("paper",)
        case BoundCard():
            return ("card",)
        case CardsLost():
            return ("card-lost",)
        case CardsFound():
            return ("card-found",)
        case StandBy():
            return ("mandate", "stand-by")
        case Appoint(terms=terms):
            return ("mandate", "appoint", terms.basis.value)
        case EndMandate():
            return ("mandate", "end")
        case AskMandates():
            return ("mandate", "list")


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, which are misread."""
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})
PAPER_BYTES = 10


def paper_code(random: bytes) -> str:
    """80 random bits as four groups of four characters, for paper."""
    number = int.from_bytes(random, "big")
    digits = [_DIGITS[number >> 5 * k & 31] for k in range(15, -1, -1)]
    return "-".join("".join(digits[k : k + 4]) for k in range(0, 16, 4))


def paper_bytes(code: str) -> bytes:
    """The 10 bytes of which `paper_code` makes this text, however it was typed. Raises `MandateNotInForce` for another:
    only the number of a mandate is read back."""
    typed = _typed(code).decode("utf-8")
    if len(typed) != 16 or not set(typed) <= set(_DIGITS):
        raise MandateNotInForce()
    return sum(_DIGITS.index(each) << 5 * k for k, each in enumerate(reversed(typed))).to_bytes(
        PAPER_BYTES, "big"
    )


def paper_digest(code: str) -> bytes:
    """What stands for a paper code at rest: 32 bytes, however it was typed. 80 bits cannot be tried out."""
    return digest("paper-code", _typed(code))


def loss_digest(code: str) -> bytes:
    """What stands for a code by which a card is reported lost: as `paper_digest`, and never the same."""
    return digest("loss-code", _typed(code))


def _typed(code: str) -> bytes:
    return "".join(code.split()).replace("-", "").upper().translate(_MISREAD).encode()
