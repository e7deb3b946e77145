"""Old and new certificates (新旧シリアル番号のひも付け): how a holder asks, and what a relying party checks. Pure."""

from __future__ import annotations

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.values.problems import LinkInvalid, NotCanonical, SignatureInvalid
from kakine.wire.canonical import decode
from kakine.wire.continuity import LABEL, Link, LinkShown, link_bound, link_to

LIFE_MS = 600_000
"""How long a link can be shown at the portal after the authority has signed it."""


def ask_digest(wish: bytes) -> bytes:
    """The 32 bytes that the present certificate's key signs."""
    return digest("link-ask", wish)


def opened(shown: bytes, authority: VerifyKey) -> tuple[LinkShown, Link]:
    """What is shown, if the authority has signed it. For whom, and after which certificate, cannot be seen by it.
    Raises `LinkInvalid`."""
    try:
        given = decode(shown, LinkShown)
        authority.verify(given.signature, LABEL, given.link)
        return given, decode(given.link, Link)
    except (NotCanonical, SignatureInvalid) as fault:
        raise LinkInvalid() from fault


def check_link(shown: bytes, client: str, old: bytes, new: bytes, authority: VerifyKey) -> None:
    """What a relying party does with it: raise `LinkInvalid` unless the authority says, to this very relying party,
    that the certificate with SHA-256 `new` is of the account of the one with SHA-256 `old`.

    Not checked: that the new certificate stands now, which is found out as for every certificate; who showed it. A
    relying party holds it against the old certificate that it has of the person who has logged in, and no other.
    """
    given, link = opened(shown, authority)
    if link.new != new or link.bound != link_bound(link_to(given.salt, client), old):
        raise LinkInvalid()
