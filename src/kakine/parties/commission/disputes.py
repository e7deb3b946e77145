"""Which converter, if any, did not convert an item as it had to (spec/lcx.md section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from kakine.contracts.converter import (
    DISPUTE,
    LINK,
    WITNESS,
    Dispute,
    Explained,
    LinkAsked,
    Witness,
)
from kakine.crypto.signing import VerifyKey
from kakine.parties.commission import audit_store
from kakine.parties.commission.audit_office import Office
from kakine.protocols.audit import (
    KEEPER,
    RECIPIENT,
    Account,
    Link,
    check_account,
    check_link,
    explained_item,
    signed_hop,
)
from kakine.values.labels import PartyName
from kakine.values.problems import (
    GroundUnfit,
    HopAtFault,
    LinkMismatch,
    PartyUnavailable,
    Problem,
    SignatureInvalid,
    StoreFailed,
)
from kakine.wire.request import ONE_LEG, HopRecord, Kind, PublicPart, RecordPart, points_digest

Domain = tuple[str, int]


@dataclass(frozen=True)
class Case:
    """A disputed request: hR, Q as the requester kept it, the link, and whether it had two legs."""

    request: bytes
    blinded: bytes
    requester: Domain
    recipient: Domain
    keeper: Domain
    two_legs: bool = True


def case_of(public: PublicPart, record: RecordPart, request: bytes, blinded: bytes) -> Case:
    """From what a requester keeps. The digest of Q in the record part is compared with the first hop record."""
    return Case(
        request,
        blinded,
        (public.requester, public.requester_epoch),
        (public.recipient, public.recipient_epoch),
        (public.keeper, public.keeper_epoch),
        Kind(record.kind) not in ONE_LEG,
    )


async def settle(
    office: Office, case: Case, item: int, ends: tuple[bytes, bytes] | None = None
) -> tuple[str, str]:
    """(party at fault, what) for one item of a request, or ("", "") where every hop was right.

    `ends` are the output legs as the record keeper has them. Raises `PartyUnavailable` and `StoreFailed`, and
    `GroundUnfit` where a converter says that it has not released the request: none of them settles anything. A
    converter that refuses otherwise is at fault.
    """
    legs = (case.blinded if case.two_legs else b""), case.blinded
    for position, name in enumerate(office.converters, 1):
        try:
            legs = await _hop(office, case, item, position, name, legs)
        except HopAtFault as fault:
            return name, str(fault.facts["what"])
        except LinkMismatch:
            return name, "link"
        except (PartyUnavailable, StoreFailed, GroundUnfit):
            raise
        except Problem as refusal:
            return name, refusal.code
    if ends is not None and ends != legs:
        return office.keeper, "points"
    return "", ""


async def _hop(
    office: Office, case: Case, item: int, position: int, name: PartyName, legs: tuple[bytes, bytes]
) -> tuple[bytes, bytes]:
    key = office.key(name)
    given = await office.peers.ask(name, WITNESS, Witness(case.request))
    hop = signed_hop(given.record, given.signature, key, case.request, position)
    if (points_digest(legs[0]), points_digest(legs[1])) != (hop.recipient_in, hop.keeper_in):
        raise HopAtFault(position=position, what="input")
    told = await office.peers.ask(name, DISPUTE, Dispute(case.request, item, *legs))
    _signed(told, case, item, position, key)
    if case.two_legs:
        link = await published(office, name, position, case.requester, case.recipient)
        account = Account(told.recipient_out, told.recipient_scalar, told.recipient_proof)
        check_account(hop, RECIPIENT, link, legs[0], item, account)
    await _keeper_leg(office, case, item, position, name, legs[1], hop, told)
    return told.recipient_out, told.keeper_out


async def _keeper_leg(
    office: Office,
    case: Case,
    item: int,
    position: int,
    name: PartyName,
    points: bytes,
    hop: HopRecord,
    told: Explained,
) -> None:
    link = await published(office, name, position, case.requester, case.keeper)
    check_account(
        hop, KEEPER, link, points, item, Account(told.keeper_out, told.keeper_scalar, told.keeper_proof)
    )


def _signed(told: Explained, case: Case, item: int, position: int, key: VerifyKey) -> None:
    parts = (
        told.recipient_out,
        told.keeper_out,
        told.recipient_scalar,
        told.keeper_scalar,
        told.recipient_proof,
        told.keeper_proof,
    )
    try:
        key.verify(told.signature, "explained", *explained_item(case.request, item), *parts)
    except SignatureInvalid as wrong:
        raise HopAtFault(position=position, what="signature") from wrong


async def published(office: Office, name: PartyName, position: int, start: Domain, end: Domain) -> bytes:
    """T of a converter for a link, signed, proved, and fitting every V the auditor has seen of it before."""
    given = await office.peers.ask(name, LINK, LinkAsked(*start, *end))
    link = Link(given.requester_public, given.recipient_public, given.link, given.proof, given.signature)
    check_link(link, start, end, position, office.key(name))
    for domain, public in ((start, link.requester_public), (end, link.recipient_public)):
        keep = partial(audit_store.keep_public, converter=name, domain=domain, public=public)
        if await office.db.write(keep) != public:
            raise LinkMismatch(position=position)
    return link.link
