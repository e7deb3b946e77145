"""Sampled enrolments: every enrolled point must be the hash of something, never a multiple of somebody's."""

from __future__ import annotations

from kakine.contracts.converter import SEEN, WITNESS, SeenSince, Witness
from kakine.contracts.mailbox import BLINDS, Blinds
from kakine.contracts.registry_audit import INFO, SAMPLE, Sample
from kakine.crypto.group import Scalar
from kakine.crypto.sealing import open_sealed
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Verdict
from kakine.protocols.audit import check_root, signed_hop
from kakine.values.labels import PartyName
from kakine.values.problems import (
    EnrolmentUnknown,
    FilingUnknown,
    HopAtFault,
    NotEvidence,
    PartyUnavailable,
    ScalarInvalid,
    SealInvalid,
    SignatureInvalid,
    StoreFailed,
)
from kakine.wire.request import points_digest


async def sample(office: Office, most: int) -> list[Verdict]:
    """Verdicts on `most` people, or on all where there are fewer. Requests are taken from the converters, so that the
    registry cannot leave one out."""
    places = [(request, item) for request, count in await _enrolled(office) for item in range(count)]
    verdicts = []
    for _ in range(min(most, len(places))):
        chosen = int.from_bytes(office.entropy(16), "big") % len(places)
        verdicts.append(await _look(office, *places.pop(chosen)))
    return verdicts


async def _enrolled(office: Office) -> list[tuple[bytes, int]]:
    """(request, people) of every filed enrolment: the record keeper has one digest for each person in it. One that a
    converter saw and the record keeper refused has no people."""
    seen: dict[bytes, None] = {}
    for name in office.converters:
        seen |= await _seen_by(office, name)
    return [(request, len(await _kept(office, request)) // 32) for request in seen]


async def _seen_by(office: Office, name: PartyName) -> dict[bytes, None]:
    """Every enrolment that one converter took part in, whatever the others have shown: one of them may hide some."""
    own: dict[bytes, None] = {}
    since = 0
    while True:
        rows = (await office.peers.ask(name, SEEN, SeenSince(since, enrolments=True))).rows
        if all(row.request in own for row in rows):
            return own
        own |= {row.request: None for row in rows}
        since = rows[-1].time_ms


async def _kept(office: Office, request: bytes) -> bytes:
    try:
        return (await office.peers.ask(office.keeper, BLINDS, Blinds(request))).digests
    except FilingUnknown:
        return b""


async def _look(office: Office, request: bytes, item: int) -> Verdict:
    try:
        await _check(office, request, item)
        party, what = "", ""
    except (PartyUnavailable, StoreFailed):
        raise
    except HopAtFault as fault:
        party, what = office.converters[int(str(fault.facts["position"])) - 1], str(fault.facts["what"])
    except (NotEvidence, SealInvalid, ScalarInvalid, EnrolmentUnknown) as fault:
        party, what = office.registry, str(fault.facts.get("what", fault.code))
    return Verdict("enrolment", office.clock(), request, party, what, 1)


async def _check(office: Office, request: bytes, item: int) -> None:
    shown = await office.peers.ask(office.registry, SAMPLE, Sample(request, item))
    opened = open_sealed(office.identity.opening, INFO, shown.sealed)
    kept = (await _kept(office, request))[item * 32 : item * 32 + 32]
    shares = [await _share(office, i, request, shown.blinded) for i in range(len(office.converters))]
    point = shown.blinded[item * 32 : item * 32 + 32]
    check_root(point, opened[:32], Scalar(opened[32:]), shares, kept, request, item)


async def _share(office: Office, index: int, request: bytes, blinded: bytes) -> Scalar:
    """ρ_i as converter i names it, signed. The first also bears witness that this Q is the one it was sent."""
    name, position = office.converters[index], index + 1
    given = await office.peers.ask(name, WITNESS, Witness(request))
    hop = signed_hop(given.record, given.signature, office.key(name), request, position)
    try:
        office.key(name).verify(given.proof, "witnessed", request, given.blind)
        share = Scalar(given.blind)
    except (SignatureInvalid, ScalarInvalid) as wrong:
        raise HopAtFault(position=position, what="witness") from wrong
    if position == 1 and hop.keeper_in != points_digest(blinded):
        raise NotEvidence(what="points")
    return share
