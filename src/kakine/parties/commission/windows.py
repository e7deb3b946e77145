"""Every S0+ request is checked after its release, in windows of one link (spec/lcx.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from kakine.contracts.converter import (
    RATIOS,
    SEEN,
    WINDOW,
    RatiosGiven,
    SeenRequest,
    SeenSince,
    WindowCheck,
    WindowStep,
)
from kakine.contracts.converter import Ratios as AskRatios
from kakine.contracts.mailbox import VECTORS, VectorRow, Vectors
from kakine.crypto.group import Scalar
from kakine.parties.commission import audit_store
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Verdict
from kakine.parties.commission.disputes import Case, settle
from kakine.protocols import audit
from kakine.protocols.audit import MOST_IN_WINDOW, Exchanged, Ratios
from kakine.protocols.gates import WINDOW_MS, check_hops
from kakine.protocols.linear_check import draw_weights
from kakine.values.problems import (
    HopAtFault,
    HopMismatch,
    PartyUnavailable,
    Problem,
    ScalarInvalid,
    SignatureInvalid,
    StoreFailed,
    WindowMismatch,
)
from kakine.wire.canonical import plain
from kakine.wire.request import points_digest

SETTLED_MS = 3 * WINDOW_MS
"""So old, a request that is not released any more will not be."""

_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_rows = msgspec.msgpack.Decoder(VectorRow)


class Plan(msgspec.Struct, frozen=True):
    """A window as it was begun: which requests, what each converter told of them, and the auditor's own 32 bytes."""

    requests: list[bytes]
    given: list[RatiosGiven]
    fresh: bytes


_plans = msgspec.msgpack.Decoder(Plan)

Link = tuple[object, ...]


class Fault(Exception):
    """Who is at fault in a window, and for what. Never leaves this module: a verdict does."""

    def __init__(self, party: str, what: str) -> None:
        super().__init__(what)
        self.party, self.what = party, what


async def run(office: Office) -> list[Verdict]:
    """Read what is new, judge what is ready; the verdicts of this run. Goes on where a crash stopped it.

    Raises `PartyUnavailable` where a party did not answer: what is not judged stays for the next run.
    """
    before = len(audit_store.verdicts(office.db.read()))
    await _read_vectors(office)
    seen = await _read_seen(office)
    rows = {row.request: row for row in map(_rows.decode, audit_store.all_waiting(office.db.read()))}
    for data in audit_store.windows(office.db.read()):
        plan = _plans.decode(data)
        await _judge(office, plan, [rows.pop(request) for request in plan.requests], seen[0])
    groups = await _sort(office, rows, seen)
    for group in groups.values():
        for at in range(0, len(group), MOST_IN_WINDOW):
            await _window(office, group[at : at + MOST_IN_WINDOW], seen[0])
    await _missing(office, seen)
    return audit_store.verdicts(office.db.read())[before:]


async def _read_vectors(office: Office) -> None:
    """By the record keeper's own numbering, all links together: it does not learn which window is next."""
    while True:
        after = audit_store.mark(office.db.read(), "vectors")
        given = await office.peers.ask(office.keeper, VECTORS, Vectors(after))
        if not given.rows:
            return
        kept = [(row.request, _encoder.encode(row)) for row in given.rows]
        last = given.rows[-1].position
        await office.db.write(partial(audit_store.add_waiting, rows=kept, after=last))


Seen = Mapping[bytes, SeenRequest]


async def _read_seen(office: Office) -> list[Seen]:
    """What each converter took part in since the oldest request without a verdict."""
    found: list[Seen] = []
    for name in office.converters:
        since, rows = audit_store.mark(office.db.read(), "since"), {}
        while True:
            given = await office.peers.ask(name, SEEN, SeenSince(since))
            fresh = [row for row in given.rows if row.request not in rows]
            if not fresh:
                break
            rows.update({row.request: row for row in fresh})
            since = fresh[-1].time_ms
        found.append(rows)
    return found


async def _sort(
    office: Office, rows: dict[bytes, VectorRow], seen: list[Seen]
) -> dict[Link, list[VectorRow]]:
    """Rows by link that every converter has released. What can be judged without a window is judged here."""
    groups: dict[Link, list[VectorRow]] = {}
    waiting = [office.clock() - SETTLED_MS]
    for request, row in rows.items():
        told = [each.get(request) for each in seen]
        absent = next((n for n, t in zip(office.converters, told, strict=True) if t is None), None)
        known = [t for t in told if t is not None]
        if audit_store.is_judged(office.db.read(), request):
            await office.db.write(partial(audit_store.drop_waiting, request=request))
        elif not known:
            # Nobody is asked any more about so old a time: the record keeper shows it late, or made it up.
            await _verdict(office, [request], office.keeper, "vectors-late", request)
        elif absent is not None:
            await _verdict(office, [request], absent, "not-listed", request)
        elif len({_link(t) for t in known}) > 1:
            await _verdict(office, [request], "converters", "different-links", request)
        elif all(t.released for t in known):
            groups.setdefault(_link(known[0]), []).append(row)
        elif office.clock() - known[0].time_ms > SETTLED_MS:
            await _verdict(office, [request], "", "", request)
        else:
            waiting.append(known[0].time_ms)
    oldest = max(0, min(waiting))
    await office.db.write(lambda db: audit_store.set_mark(db, "next-since", oldest))
    return groups


def _link(row: SeenRequest) -> Link:
    return row.requester, row.requester_epoch, row.recipient, row.recipient_epoch, row.keepers


async def _missing(office: Office, seen: list[Seen]) -> None:
    """Released without a row at the record keeper: it signed a receipt and hides what it filed."""
    db = office.db.read()
    waiting = {_rows.decode(row).request for row in audit_store.all_waiting(db)}
    for request, row in {k: v for each in seen for k, v in each.items() if v.released}.items():
        old = office.clock() - row.time_ms > SETTLED_MS
        if old and request not in waiting and not audit_store.is_judged(db, request):
            await _verdict(office, [request], office.keeper, "vectors-missing", request)
    since = audit_store.mark(office.db.read(), "next-since")
    await office.db.write(lambda db: audit_store.set_mark(db, "since", since))


async def _verdict(
    office: Office, requests: list[bytes], party: str, fault: str, subject: bytes, window: bytes = b""
) -> None:
    verdict = Verdict("window", office.clock(), subject, party, fault, len(requests))
    await office.db.write(lambda db: audit_store.judge(db, verdict, requests, window))


async def _window(office: Office, rows: list[VectorRow], seen: Seen) -> None:
    """Begin a window: ratios first, randomness after them, both on disk before any converter sees a weight."""
    requests = [row.request for row in rows]
    try:
        given = [await _ask_ratios(office, i, requests) for i in range(len(office.converters))]
    except Fault as fault:
        await _verdict(office, requests, fault.party, fault.what, audit.window_id(requests))
        return
    plan = Plan(requests, given, office.entropy(32))
    data = _encoder.encode(plan)
    await office.db.write(lambda db: audit_store.begin_window(db, audit.window_id(requests), data))
    await _judge(office, plan, rows, seen)


async def _ask_ratios(office: Office, index: int, requests: list[bytes]) -> RatiosGiven:
    name = office.converters[index]
    try:
        return await office.peers.ask(name, RATIOS, AskRatios(requests))
    except (PartyUnavailable, StoreFailed):
        raise
    except Problem as refusal:
        raise Fault(name, refusal.code) from refusal


async def _judge(office: Office, plan: Plan, rows: list[VectorRow], seen: Seen) -> None:
    """Take a window through the chain; where it does not fit, find the item and the converter."""
    window = audit.window_id(plan.requests)
    try:
        exchanged = [_exchanged(office, row) for row in rows]
        await _check(office, window, exchanged, plan)
        party, what = "", ""
    except Fault as fault:
        party, what = fault.party, fault.what
    except WindowMismatch:
        party, what = await _find(office, rows, seen)
    await _verdict(office, plan.requests, party, what, window, window)


def _exchanged(office: Office, row: VectorRow) -> Exchanged:
    """Raises `Fault` of the record keeper, which files nothing whose hop records do not link up."""
    try:
        hops = check_hops(
            [(hop.record, hop.signature) for hop in row.hops],
            [office.key(name) for name in office.converters],
            row.request,
            points_digest(row.blinded),
            [points_digest(leg) for leg in row.legs],
        )
    except (HopMismatch, SignatureInvalid) as wrong:
        raise Fault(office.keeper, "vectors") from wrong
    return Exchanged(row.request, row.blinded, row.legs, hops)


async def _check(office: Office, window: bytes, rows: Sequence[Exchanged], plan: Plan) -> None:
    given = [_ratios(office, i, told) for i, told in enumerate(plan.given)]
    try:
        for position, each in enumerate(given, 1):
            audit.check_ratios(rows, position, each)
    except HopAtFault as fault:
        raise _at(office, fault) from fault
    seed = audit.window_seed(rows, given, plan.fresh)
    drawn = draw_weights(seed, sum(len(row.blinded) // 32 for row in rows))
    start = audit.window_start(rows, drawn)
    points: Sequence[bytes] = [start] * len(rows[0].legs)
    blinded = [row.blinded for row in rows]
    steps: list[WindowStep] = []
    for index, each in enumerate(given):
        asked = WindowCheck(plan.requests, seed, blinded, list(steps))
        steps.append(await _step(office, window, index, each, asked, points))
        points = steps[-1].points
    audit.check_ends(points, audit.window_ends(rows, given, drawn))


def _ratios(office: Office, index: int, told: RatiosGiven) -> Ratios:
    try:
        return Ratios([[Scalar(each) for each in leg] for leg in told.ratios], told.factors)
    except ScalarInvalid as wrong:
        raise Fault(office.converters[index], "ratios") from wrong


async def _step(
    office: Office, window: bytes, index: int, given: Ratios, asked: WindowCheck, before: Sequence[bytes]
) -> WindowStep:
    name = office.converters[index]
    try:
        told = await office.peers.ask(name, WINDOW, asked)
        if not len(told.points) == len(told.proofs) == len(before):
            raise HopAtFault(position=index + 1, what="legs")
        for leg, (start, end, proof) in enumerate(zip(before, told.points, told.proofs, strict=True)):
            audit.check_step(window, index + 1, leg, given.factors[leg], start, end, proof)
    except (PartyUnavailable, StoreFailed):
        raise
    except HopAtFault as fault:
        raise _at(office, fault) from fault
    except Problem as refusal:
        raise Fault(name, refusal.code) from refusal
    return WindowStep(list(given.factors), told.points, told.proofs)


def _at(office: Office, fault: HopAtFault) -> Fault:
    return Fault(office.converters[int(str(fault.facts["position"])) - 1], str(fault.facts["what"]))


async def _find(office: Office, rows: Sequence[VectorRow], seen: Seen) -> tuple[str, str]:
    """The first item of a window that was not converted rightly. The window has shown that there is one."""
    for row in rows:
        told = seen[row.request]
        case = Case(
            row.request,
            row.blinded,
            (told.requester, told.requester_epoch),
            [*((end.name, end.epoch) for end in told.keepers), (told.recipient, told.recipient_epoch)],
        )
        for item in range(len(row.blinded) // 32):
            party, what = await settle(office, case, item, row.legs)
            if party:
                return party, what
    return "converters", "unexplained"
