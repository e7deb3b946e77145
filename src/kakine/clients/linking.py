"""The holder's side of a link between certificates: ask the authority without telling it for whom, and keep what only
one relying party can read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from kakine.crypto.base64url import base64url
from kakine.crypto.cards import CardCertificate
from kakine.crypto.sealing import OpenKey, SealKey, open_sealed, seal
from kakine.crypto.signing import VerifyKey
from kakine.protocols.continuity import ask_digest, check_link
from kakine.runtime.identity import Entropy
from kakine.wire.canonical import decode, encode
from kakine.wire.continuity import (
    LinkAsked,
    LinkShown,
    LinkWish,
    SignedLink,
    link_to,
    to_authority,
    to_holder,
)

Sign = Callable[[bytes], bytes]
"""The present certificate's key over 32 bytes: a card that has its PIN, or a key in a file."""


@dataclass(frozen=True, repr=False)
class Asking:
    """What goes to the authority, `sealed`, and what is needed to read its answer."""

    sealed: bytes
    wish: bytes
    session: OpenKey
    salt: bytes
    client: str
    old: bytes
    new: bytes

    def shown(self, answer: bytes, authority: VerifyKey) -> str:
        """What to pass on to the relying party at the login. Raises `SealInvalid`, `NotCanonical`, and `LinkInvalid` if
        the authority has signed something else than was asked."""
        signed = decode(open_sealed(self.session, to_holder(self.wish), answer), SignedLink)
        data = encode(LinkShown(signed.link, signed.signature, self.salt))
        check_link(data, self.client, self.old, self.new, authority)
        return base64url(data)


def asking(
    certificate: bytes, sign: Sign, old: bytes, client: str, authority: SealKey, now_ms: int, entropy: Entropy
) -> Asking:
    """Ask that the holder's `certificate` follows the `old` one (both DER), for this relying party and no other."""
    present, salt, session = CardCertificate(certificate), entropy(32), OpenKey(entropy(32))
    named = hashlib.sha256(old).digest(), link_to(salt, client)
    wish = encode(LinkWish(present.serial, CardCertificate(old).serial, *named, now_ms))
    asked = LinkAsked(wish, present.public, sign(ask_digest(wish)), bytes(session.public))
    sealed = seal(authority, to_authority(), encode(asked))
    return Asking(sealed, wish, session, salt, client, named[0], hashlib.sha256(certificate).digest())
