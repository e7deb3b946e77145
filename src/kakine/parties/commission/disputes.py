"""Which converter, if any, did not convert an item as it had to (spec/lcx.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence
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
from kakine.wire.request import PublicPart, points_digest

Domain = tuple[str, int]


@dataclass(frozen=True)
class Case:
    """A disputed request: hR, Q as the requester kept it, and both ends of every leg. `hops` are the hop records that
    came with the filed batch, where somebody has kept them."""

    request: bytes
    blinded: bytes
    requester: Domain
    ends: Sequence[Domain]
    hops: Sequence[bytes] = ()


def case_of(public: PublicPart, request: bytes, blinded: bytes) -> Case:
    """From what a requester keeps. The digest of Q in the record part is compared with the first hop record."""
    ends = [(keeper.name, keeper.epoch) for keeper in public.keepers]
    recipient = public.recipient, public.recipient_epoch
    return Case(request, blinded, (public.requester, public.requester_epoch), [*ends, recipient])


async def settle(
    office: Office, case: Case, item: int, outs: Sequence[bytes] | None = None
) -> tuple[str, str]:
    """(party at fault, what) for one item of a request, or ("", "") where every hop was right.

    `outs` are the output legs as the record keeper has them. Raises `PartyUnavailable` and `StoreFailed`, and
    `GroundUnfit` where a converter says that it has not released the request, with its name: none of them settles
    anything. A converter that refuses otherwise is at fault.
    """
    party, what, legs, _ = await walk(office, case, item)
    if not party and outs is not None and list(outs) != list(legs):
        return office.keeper, "points"
    return party, what


async def walk(office: Office, case: Case, item: int) -> tuple[str, str, Sequence[bytes], list[bytes]]:
    """(party at fault, what, output legs, hop records as the converters show them now); raises as `settle`."""
    legs: Sequence[bytes] = [case.blinded] * len(case.ends)
    shown: list[bytes] = []
    for position, name in enumerate(office.converters, 1):
        try:
            legs = await _hop(office, case, item, position, name, legs, shown)
        except HopAtFault as fault:
            return name, str(fault.facts["what"]), legs, shown
        except LinkMismatch:
            return name, "link", legs, shown
        except (PartyUnavailable, StoreFailed, GroundUnfit) as open_still:
            open_still.facts = {**open_still.facts, "party": name}
            raise
        except Problem as refusal:
            return name, refusal.code, legs, shown
    return "", "", legs, shown


async def _hop(
    office: Office,
    case: Case,
    item: int,
    position: int,
    name: PartyName,
    legs: Sequence[bytes],
    shown: list[bytes],
) -> Sequence[bytes]:
    key = office.key(name)
    given = await office.peers.ask(name, WITNESS, Witness(case.request))
    hop = signed_hop(given.record, given.signature, key, case.request, position)
    shown.append(given.record)
    if case.hops and given.record != case.hops[position - 1]:
        raise HopAtFault(position=position, what="equivocation")
    if tuple(map(points_digest, legs)) != hop.ins:
        raise HopAtFault(position=position, what="input")
    told = await office.peers.ask(name, DISPUTE, Dispute(case.request, item, list(legs)))
    _signed(told, case, item, position, key)
    if not len(told.outs) == len(told.scalars) == len(told.proofs) == len(legs):
        raise HopAtFault(position=position, what="legs")
    for leg, end in enumerate(case.ends):
        link = await published(office, name, position, case.requester, end)
        account = Account(told.outs[leg], told.scalars[leg], told.proofs[leg])
        check_account(hop, leg, link, legs[leg], item, account)
    return told.outs


def _signed(told: Explained, case: Case, item: int, position: int, key: VerifyKey) -> None:
    about = explained_item(case.request, item)
    try:
        key.verify(told.signature, "explained", *about, *told.outs, *told.scalars, *told.proofs)
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
