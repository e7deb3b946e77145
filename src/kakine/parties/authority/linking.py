"""Tell a holder, for one relying party, that the present certificate follows an old one. Nothing is written down.

The authority sees the account, as with every certificate of its own. It does not see for whom: `to` is a salted hash.
"""

from __future__ import annotations

from kakine.contracts.authority import AskLink, LinkGiven
from kakine.crypto.cards import CardKey
from kakine.crypto.sealing import SealKey, open_sealed, seal
from kakine.parties.authority import store
from kakine.parties.authority.office import Office
from kakine.parties.authority.store import Row, State
from kakine.protocols.continuity import ask_digest
from kakine.runtime.database import Connection
from kakine.values.certificates import Profile, Reason
from kakine.values.labels import PartyName
from kakine.values.problems import LinkRefused
from kakine.wire.canonical import decode, encode
from kakine.wire.continuity import (
    LABEL,
    Link,
    LinkAsked,
    LinkWish,
    SignedLink,
    link_bound,
    to_authority,
    to_holder,
)

WINDOW_MS = 120_000
_RENEWED = (Reason.SUPERSEDED, Reason.AFFILIATION_CHANGED)
"""How a certificate may have ended that another may be linked to. Loss, death, emigration and the holder's own wish
have one reason in common, and after a loss somebody else may have used the old one: who goes by it must look at the
person again."""


async def link(office: Office, caller: PartyName, asked: AskLink) -> LinkGiven:
    """A signed link, sealed to the holder. Raises `SealInvalid`, `NotCanonical`, `Suspended`, and `LinkRefused` for
    whatever else does not fit, without a difference."""
    now_ms = office.clock()
    office.law.in_force(now_ms).require_running(now_ms, caller, office.identity.name)
    told = decode(open_sealed(office.identity.opening, to_authority(), asked.sealed), LinkAsked)
    wish = decode(told.wish, LinkWish)
    db = office.db.read()
    new, old = store.by_serial(db, wish.serial), store.by_serial(db, wish.old_serial)
    key = CardKey(told.public)
    if abs(now_ms - wish.time_ms) > WINDOW_MS or new is None or key.spki != new.spki:
        raise LinkRefused()
    key.verify(told.signature, ask_digest(told.wish))
    if old is None or not _stands(db, new, office.now_s) or not _follows(db, new, old, wish.old):
        raise LinkRefused()
    assert new.hashed is not None  # noqa: S101 - one that is issued has it
    said = encode(Link(new.hashed, link_bound(wish.to, wish.old), now_ms))
    signed = SignedLink(said, office.identity.signing.sign(LABEL, said))
    return LinkGiven(seal(SealKey(told.session), to_holder(told.wish), encode(signed)))


def _stands(db: Connection, row: Row, now_s: int) -> bool:
    issued = row.state is State.ISSUED and row.kind is not Profile.PARTY
    return issued and row.not_before_s <= now_s <= row.not_after_s and store.standing(db, row.serial) is None


def _follows(db: Connection, new: Row, old: Row, shown: bytes) -> bool:
    """Both are of one account and one use, the old one is the one that is named, and it ended by being renewed."""
    ended = store.standing(db, old.serial)
    return (
        old.state is State.ISSUED
        and old.serial != new.serial
        and (old.handle, old.kind.use, old.hashed) == (new.handle, new.kind.use, shown)
        and old.number < new.number
        and (ended is None or ended.reason in _RENEWED)
    )
