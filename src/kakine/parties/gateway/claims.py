"""Objections and correction requests (訂正請求) that are passed on to this agency, and its answers (spec/objections.md
section 8). The commission carries both and can open neither."""

from __future__ import annotations

from collections.abc import Callable

from kakine.clients.log import entries_between
from kakine.contracts.claims import Claimed, ClaimTaken
from kakine.crypto.sealing import SealKey, open_sealed, seal
from kakine.parties.gateway import claims_store as store
from kakine.parties.gateway.claims_store import Kept
from kakine.parties.gateway.office import Office
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.protocols.objections import check_shown
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid, ClaimUnfit
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry
from kakine.wire.objection import Claim, Outcome, Replied, Reply, from_agency, to_agency
from kakine.wire.request import Place


async def take(office: Office, caller: PartyName, message: Claimed) -> ClaimTaken:
    """Keep what a person has against an exchange of this agency; the answer, once there is one, for whoever shows the
    same objection again, sealed to that session.

    Raises `DomainNotRun`, `ObjectionInvalid` and what does not verify; then nothing is kept. Not checked: whose the
    exchange was, for which the commission's word stands, and what the claim says beside the two openings.
    """
    domain = str(office.site(message.domain).name)
    claim = decode(open_sealed(office.identity.opening, to_agency(), message.sealed), Claim)
    shown, heads = claim.shown, Heads()
    objection = await _entry(office, heads, shown.objection)
    xid = check_shown(shown, await _entry(office, heads, shown.place), objection)
    since_ms, now_ms = objection.minutes * 60_000, office.clock()
    fresh = Kept(xid, domain, message.request, message.item, encode(claim), since_ms, now_ms)
    kept = await office.db.write(lambda db: store.keep(db, fresh))
    if not kept.reply:
        return ClaimTaken()
    sealed = seal(SealKey(claim.session), from_agency(xid), kept.reply)
    return ClaimTaken(kept.replied, kept.signature, sealed)


async def _entry(office: Office, heads: Heads, place: Place) -> Entry:
    logs = office.network.logs
    log = next((log for log in logs if log.origin == place.log), None)
    if log is None:
        raise CheckpointInvalid(part="origin")
    keys = log_keys(office.law.in_force(office.clock()), logs)
    found = await entries_between(office.peers, log, heads, keys, place.index, place.index + 1)
    return found[place.index]


def _nothing(db: Connection) -> None:
    """Nothing is noted beside it."""


async def reply(
    office: Office,
    domain: str,
    xid: bytes,
    outcome: Outcome,
    words: str,
    noted: Callable[[Connection], None] = _nothing,
) -> Kept:
    """Answer a claim, once: it is signed and kept, and told to whoever asks next; `noted` is in the same commit. Raises
    `ClaimUnfit` where there is none in this domain, or it has been answered."""
    kept = store.find(office.db.read(), xid)
    if kept is None or kept.domain != domain:
        raise ClaimUnfit(what="unknown")
    said = _signed(office, kept, outcome, words)

    def work(db: Connection) -> None:
        if not store.answer(db, xid, *said):
            raise ClaimUnfit(what="answered")
        noted(db)

    await office.db.write(work)
    return store.find(office.db.read(), xid) or kept


def _signed(office: Office, kept: Kept, outcome: Outcome, words: str) -> tuple[bytes, bytes, bytes]:
    place, identity, now_ms = decode(kept.claim, Claim).shown.place, office.identity, office.clock()
    party = str(identity.name)
    said = encode(Reply(kept.xid, place, party, outcome, words, now_ms, office.entropy(32)))
    replied = encode(Replied(kept.xid, place, party, decode(said, Reply).digest, now_ms))
    return said, replied, identity.signing.sign("claim-replied", replied)
