"""What an objection is settled with: the request behind it, who was to convert what, and who says otherwise.

Two sources must agree before anybody is judged. Which request it was: what converters say, and what the record keepers
signed when it was filed. Q and the hop records: whoever kept them, held against those filings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.converter import DISPUTED, Disputed, Hop, SeenRequest
from kakine.contracts.gateway import DISPUTABLE, Disputable
from kakine.contracts.ledger import ENTRIES, RECEIPT, ByIndex, ByTag, Proved
from kakine.contracts.mailbox import FILED_AT, FiledAt, FiledThere
from kakine.parties.commission import disputes
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.disputes import Case
from kakine.protocols.gates import check_hops, filed_legs, hops_digest
from kakine.protocols.heads import Heads
from kakine.protocols.records import outcome_tag
from kakine.values.calendar import minutes
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import (
    CheckpointInvalid,
    ClaimUnfit,
    ExchangeUnknown,
    FilingMismatch,
    FilingUnknown,
    GroundUnfit,
    HopMismatch,
    InternalFault,
    NotCanonical,
    ObjectionOpen,
    PartyUnavailable,
    Problem,
    RequestUnknown,
    SignatureInvalid,
    StoreFailed,
    TagUnknown,
)
from kakine.wire import filing as filings
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import LENGTH, Entry
from kakine.wire.filing import Filing
from kakine.wire.objection import Finding, Shown
from kakine.wire.request import HopRecord, Place, RecordPart, points_digest, public_digest, request_digest

OPEN = (PartyUnavailable, StoreFailed, InternalFault, ObjectionOpen)
"""Problems after which nothing is settled, and the next run tries again."""

SETTLED_MINUTES = 12
"""So old, an exchange that is not released any more will not be; as in the counting of releases."""

_SILENT = (PartyUnavailable, StoreFailed, InternalFault)

Settled = tuple[Finding, str, str]


class Fault(Exception):
    """Who is at fault, and for what. Never leaves this module: a finding does."""

    def __init__(self, party: str, what: str) -> None:
        super().__init__(what)
        self.party, self.what = party, what


@dataclass(frozen=True)
class _Filed:
    """One record keeper's filing of the disputed request, opened."""

    keeper: PartyName
    filing: Filing
    there: FiledThere


async def settle(office: Office, xid: bytes, shown: Shown) -> Settled:
    """(finding, party at fault, what). Raises one of `OPEN`, with the party that it waits for."""
    try:
        return await _settle(office, xid, shown)
    except Fault as fault:
        return Finding.FAULT, fault.party, fault.what


@dataclass(frozen=True)
class _Heard:
    """What record keepers and converters say of a disputed request."""

    disputed: Proved
    filed: Sequence[_Filed]
    item: int
    told: Sequence[SeenRequest | None]


async def link_of(office: Office, xid: bytes, shown: Shown) -> tuple[SeenRequest, int]:
    """The released request of a disputed entry, whom it was between, and the position of the entry in it.

    Raises `ClaimUnfit` where there is none, or parties differ about it, and one of `OPEN`.
    """
    try:
        heard = await _hear(office, xid, shown)
        if all(each is None for each in heard.told):
            raise ClaimUnfit(what="not-released")
        return _link(office, heard.told), heard.item
    except Fault as fault:
        raise ClaimUnfit(what=fault.what) from fault


async def _hear(office: Office, xid: bytes, shown: Shown) -> _Heard:
    heads = Heads()
    disputed = await entry_at(office, heads, shown.place)
    objection = await entry_at(office, heads, shown.objection)
    filed = await _filings(office, shown.place, disputed)
    request, item = filed[0].filing.request, shown.place.index - filed[0].there.first
    objected = await _filings(office, shown.objection, objection)
    evidence = Disputed(
        encode(shown),
        disputed,
        objection,
        objected[0].there.tags,
        [each.there.signed for each in objected],
    )
    told = [await _told(office, name, evidence, xid, request) for name in office.converters]
    return _Heard(disputed, filed, item, told)


async def _settle(office: Office, xid: bytes, shown: Shown) -> Settled:
    heard = await _hear(office, xid, shown)
    disputed, filed, item, told = heard.disputed, heard.filed, heard.item, heard.told
    age_minutes = minutes(office.clock()) - Entry.decode(disputed.entries).minutes
    if not await _released(office, xid, told, age_minutes <= SETTLED_MINUTES):
        return Finding.NOT_RELEASED, "", ""
    case = await _case(office, filed, _link(office, told))
    party, what, legs, hops = await _walk(office, case, item)
    if what == InternalFault.code:
        raise InternalFault(party=party)
    if party:
        return Finding.FAULT, party, what
    return _as_filed(filed, legs, hops)


async def entry_at(office: Office, heads: Heads, place: Place) -> Proved:
    """One entry of a log with its proof, verified."""
    given = await office.peers.ask(office.log_of(place.log).ledger, ENTRIES, ByIndex(place.index))
    receipt = given.receipt
    if origin_of(receipt.checkpoint) != place.log:
        raise CheckpointInvalid(part="origin")
    heads.verify(place.index, receipt.proof, receipt.checkpoint, given.entries, office.log_keys())
    return given


async def _filings(office: Office, place: Place, proved: Proved) -> list[_Filed]:
    """What every record keeper signed for the entry at this place. The log took it under all their filings, so one that
    has none now, or another, is at fault."""
    found: list[_Filed] = []
    for name in office.law.in_force(office.clock()).keeper_parties:
        try:
            there = await office.peers.ask(name, FILED_AT, FiledAt(place))
            filed = filings.opened(there.signed.filing, there.signed.signature, office.key(name))
            filed.covers(there.entries, there.tags)
        except _SILENT as silent:
            silent.facts = {**silent.facts, "party": name}
            raise
        except (FilingUnknown, FilingMismatch, SignatureInvalid, NotCanonical) as wrong:
            raise Fault(name, wrong.code) from wrong
        at = (place.index - there.first) * LENGTH
        if place.index < there.first or there.entries[at : at + LENGTH] != proved.entries:
            raise Fault(name, "filing")
        found.append(_Filed(name, filed, there))
    bound = {(each.filing.request, each.filing.hops, each.there.first) for each in found}
    if len(bound) != 1:
        raise Fault("record-keepers", "filings-differ")
    return found


async def _told(
    office: Office, name: PartyName, evidence: Disputed, xid: bytes, request: bytes
) -> SeenRequest | None:
    """The request as a converter has it; None where it says that it has released no such exchange."""
    try:
        found = await office.peers.ask(name, DISPUTED, evidence)
        office.key(name).verify(found.signature, "disputed", xid, found.request.request)
    except _SILENT as silent:
        silent.facts = {**silent.facts, "party": name}
        raise
    except ExchangeUnknown:
        return None
    except Problem as refusal:
        raise Fault(name, refusal.code) from refusal
    if found.request.request != request:
        raise Fault(name, "another-request")
    return found.request


async def _released(office: Office, xid: bytes, told: Sequence[SeenRequest | None], young: bool) -> bool:
    """Whether every converter has released the exchange. One that denies it is at fault where the log has the outcome,
    which nobody could write without its release. Raises `ObjectionOpen` while one may still release it."""
    denying = [name for name, each in zip(office.converters, told, strict=True) if each is None]
    if not denying:
        return True
    if await _has_outcome(office, xid):
        raise Fault(denying[0], "release-denied")
    if young:
        raise ObjectionOpen()
    return False


async def _has_outcome(office: Office, xid: bytes) -> bool:
    for log in office.logs:
        try:
            await office.peers.ask(log.ledger, RECEIPT, ByTag(outcome_tag(xid)))
        except TagUnknown:
            continue
        return True
    return False


def _link(office: Office, told: Sequence[SeenRequest | None]) -> SeenRequest:
    seen = [each for each in told if each is not None]
    links = {(e.requester, e.requester_epoch, e.recipient, e.recipient_epoch, e.keepers) for e in seen}
    if len(links) != 1:
        raise Fault("converters", "different-links")
    return seen[0]


async def _case(office: Office, filed: Sequence[_Filed], link: SeenRequest) -> Case:
    """With Q from the record keepers, where they keep it (mode S0+), or from the requester."""
    blinded, hops = _from_keepers(office, filed, link) or await _from_requester(office, filed, link)
    ends = [*((end.name, end.epoch) for end in link.keepers), (link.recipient, link.recipient_epoch)]
    return Case(link.request, blinded, (link.requester, link.requester_epoch), ends, hops)


def _from_keepers(
    office: Office, filed: Sequence[_Filed], link: SeenRequest
) -> tuple[bytes, list[bytes]] | None:
    """Q and the hop records it was filed with. Each record keeper is held against the filings, which bind the same hop
    records and thereby the same Q: two that pass agree."""
    found = None
    for each in filed:
        row = each.there.vectors
        if row is None:
            continue
        hops = _linked(office, row.hops, link.request, row.blinded, [points_digest(leg) for leg in row.legs])
        if hops is None or hops_digest(hops) != each.filing.hops:
            raise Fault(each.keeper, "vectors")
        found = row.blinded, hops
    return found


async def _from_requester(
    office: Office, filed: Sequence[_Filed], link: SeenRequest
) -> tuple[bytes, list[bytes]]:
    """Q, whose digest the signed request binds. Hop records count if they are those that were filed."""
    domain = link.recipient if link.requester == HASH else link.requester
    name = DomainName(domain).party
    try:
        kept = await office.peers.ask(name, DISPUTABLE, Disputable(link.request))
        record = decode(kept.record, RecordPart)
    except _SILENT as silent:
        silent.facts = {**silent.facts, "party": name}
        raise
    except RequestUnknown as lost:
        raise Fault(name, "not-kept") from lost
    except Problem as refusal:
        raise Fault(name, refusal.code) from refusal
    same = request_digest(public_digest(kept.public), kept.record) == link.request
    if not same or points_digest(kept.blinded) != record.blinded:
        raise Fault(name, "kept")
    outs = list(decode(kept.hops[-1].record, HopRecord).outs) if kept.hops else []
    hops = _linked(office, kept.hops, link.request, kept.blinded, outs)
    if hops is None or hops_digest(hops) != filed[0].filing.hops:
        return kept.blinded, []
    return kept.blinded, hops


def _linked(
    office: Office, hops: Sequence[Hop], request: bytes, blinded: bytes, outs: Sequence[bytes]
) -> list[bytes] | None:
    keys = [office.key(name) for name in office.converters]
    signed = [(hop.record, hop.signature) for hop in hops]
    try:
        check_hops(signed, keys, request, points_digest(blinded), outs)
    except (HopMismatch, SignatureInvalid, NotCanonical):
        return None
    return [hop.record for hop in hops]


async def _walk(office: Office, case: Case, item: int) -> tuple[str, str, Sequence[bytes], list[bytes]]:
    try:
        return await disputes.walk(office, case, item)
    except GroundUnfit as denial:
        # It has just said that it did release it.
        raise Fault(str(denial.facts["party"]), "release-denied") from denial


def _as_filed(filed: Sequence[_Filed], legs: Sequence[bytes], hops: Sequence[bytes]) -> Settled:
    """Every hop is right; so is what was filed, if it is what these hops put out."""
    outs = filed_legs([points_digest(leg) for leg in legs])
    for each in filed:
        if hops_digest(hops) != each.filing.hops:
            return Finding.FAULT, "converters", "hops-differ"
        if each.filing.points != outs:
            return Finding.FAULT, each.keeper, "points"
    return Finding.RIGHT, "", ""
