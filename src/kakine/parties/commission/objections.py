"""Objections taken, judged, answered and logged, in this order, each step on disk before the next (spec/objections.md).

received    what the person shows proves an objection in the log to a request in the log
verdict     kept together with the signed answer and the entry in which it will be logged
logged      under a tag of the exchange, so the log takes one answer and a repeat finds it
told        to whoever shows the same objection again, sealed to that session

What the person has against an agency is passed on to it before the answer, which waits for the agency (`passing`).
"""

from __future__ import annotations

from dataclasses import replace

from kakine.contracts.commission_audit import Objected, Objection
from kakine.contracts.ledger import APPEND, RECEIPT, Append, ByTag
from kakine.crypto.sealing import SealKey, open_sealed, seal
from kakine.parties.commission import audit_store, cases, passing
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Objection as Kept
from kakine.parties.commission.audit_store import Passed, Verdict
from kakine.protocols import objections
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, present
from kakine.runtime.database import Connection
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import InternalFault, PartyUnavailable, StoreFailed, TagUnknown
from kakine.wire import filing as filings
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry
from kakine.wire.objection import (
    Aim,
    Answer,
    Asked,
    Finding,
    Logged,
    Shown,
    Told,
    to_commission,
    to_session,
)
from kakine.wire.request import Place

_NOTHING = bytes(32)


async def take(office: Office, caller: PartyName, asked: Objection) -> Objected:
    """What the person is told of the own objection: since when it is known, and the answer if there is one.

    Raises `ObjectionInvalid` and what does not verify; then nothing is kept. Where a party is silent the objection
    stays open and the next run goes on.
    """
    opened = decode(open_sealed(office.identity.opening, to_commission(), asked.sealed), Asked)
    xid, since_ms = await _checked(office, opened.shown)
    told = Told(0, b"")
    if opened.aim is not Aim.LOOK or audit_store.find_objection(office.db.read(), xid) is not None:
        kept = await _go_on(office, await _keep(office, xid, opened, since_ms))
        passed = await passing.told(office, kept, opened.claim)
        told = Told(kept.received_ms, kept.logged or b"", passed)
    return Objected(seal(SealKey(opened.session), to_session(xid), encode(told)))


async def _keep(office: Office, xid: bytes, asked: Asked, since_ms: int) -> Kept:
    """The objection as it is known now, and with it what is to be passed on; after the answer nothing is any more."""
    fresh = Kept(xid, encode(asked.shown.place), encode(asked.shown), office.clock())
    passes = asked.aim in (Aim.ASKER, Aim.HOLDER) and asked.claim

    def work(db: Connection) -> Kept:
        kept = audit_store.keep_objection(db, fresh)
        if passes and kept.answer is None:
            audit_store.pass_on(db, Passed(xid, asked.aim.value, asked.claim, since_ms))
        return kept

    return await office.db.write(work)


async def run(office: Office) -> list[Kept]:
    """Take up every objection that is not answered; those that still are not, each with the party that is silent."""
    left = [await _go_on(office, kept) for kept in audit_store.open_objections(office.db.read())]
    return [kept for kept in left if kept.logged is None]


async def _checked(office: Office, shown: Shown) -> tuple[bytes, int]:
    """The xid that is disputed, and the objection's own minute. Both entries are asked of the log itself."""
    heads = Heads()
    disputed = await cases.entry_at(office, heads, shown.place)
    objection = await cases.entry_at(office, heads, shown.objection)
    objected = Entry.decode(objection.entries)
    return objections.check_shown(shown, Entry.decode(disputed.entries), objected), objected.minutes * 60_000


async def _go_on(office: Office, kept: Kept) -> Kept:
    """As far as it goes now."""
    try:
        if kept.answer is None:
            kept = await _judge(office, kept)
        if kept.answer is not None and kept.logged is None:
            kept = await _log(office, kept)
    except cases.OPEN as silent:
        party = str(silent.facts.get("party", ""))
        await office.db.write(lambda db: audit_store.set_waiting(db, kept.xid, party))
        return replace(kept, waiting=party)
    return kept


async def _judge(office: Office, kept: Kept) -> Kept:
    """The verdict and the answer that says so, in one transaction. Raises what leaves it open."""
    try:
        finding, party, fault = await cases.settle(office, kept.xid, decode(kept.shown, Shown))
        if finding is Finding.RIGHT:
            party, fault = await passing.settled(office, kept)
            finding = Finding.FAULT if party else finding
    except (PartyUnavailable, StoreFailed, InternalFault) as silent:
        party, fault = str(silent.facts.get("party", "")), "no-answer"
        late = office.clock() - kept.received_ms > office.limits.patience_ms
        if not late or party in ("", *(log.ledger for log in office.logs)):
            raise
        finding = Finding.FAULT
    now_ms = office.clock()
    answer = Answer(kept.xid, decode(kept.place, Place), finding, party[:40], fault[:40], now_ms)
    data, entry = encode(answer), objections.entry_of(answer, now_ms)
    signature = office.identity.signing.sign("objection-answer", data)
    verdict = Verdict("objection", now_ms, kept.place, party, fault, 1)

    def work(db: Connection) -> Kept:
        known = audit_store.find_objection(db, kept.xid)
        if known is not None and known.answer is not None:
            return known  # the same objection twice at the same time
        audit_store.judge(db, verdict, [])
        audit_store.set_answer(db, kept.xid, data, signature, entry)
        return replace(kept, answer=data, signature=signature, entry=entry)

    return await office.db.write(work)


async def _log_of_answer(office: Office, origin: str, tag: bytes) -> Log:
    log = office.log_of(origin)
    if log.final is None or log.dead:
        return present(office.logs, log)
    try:
        await office.peers.ask(log.ledger, RECEIPT, ByTag(tag))
    except TagUnknown:
        return present(office.logs, log)
    return log


async def _log(office: Office, kept: Kept) -> Kept:
    """Under a tag of its own and with the entry that was kept: a repeat finds it where it stands."""
    entry, tag = kept.entry or b"", objections.answer_tag(kept.xid)
    filed = filings.filing_of(
        request=_NOTHING,
        points=_NOTHING,
        entries=entry,
        tags=tag,
        hops=_NOTHING,
        minutes=minutes(decode(kept.answer or b"", Answer).time_ms),
    )
    signed = filings.sign(filed, office.identity.name, office.identity.signing)
    # In the log of the objection and no other, so that whoever counts in one log finds both; after its end in the one
    # that took its place.
    log = await _log_of_answer(office, decode(kept.shown, Shown).objection.log, tag)
    receipt = await office.peers.ask(log.ledger, APPEND, Append(entry, tag, [signed]))
    Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, entry, office.log_keys())
    place = receipt.first, tuple(receipt.proof), receipt.checkpoint
    logged = encode(Logged(kept.answer or b"", kept.signature or b"", entry, *place))
    await office.db.write(lambda db: audit_store.set_logged(db, kept.xid, logged))
    return replace(kept, logged=logged, waiting="")
