"""Shares, mask keys, links and month keys: what a converter makes and publishes (spec/lcx.md section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.contracts.call import Role
from kakine.contracts.converter import (
    Join,
    Joined,
    LinkAsked,
    LinkPublished,
    MonthAsked,
    MonthKey,
)
from kakine.crypto.group import Scalar, group, random_scalar, scalar_inv, scalar_mul
from kakine.crypto.hashing import digest
from kakine.crypto.proofs import prove_equal, prove_knowledge
from kakine.crypto.sealing import OpenKey, seal
from kakine.parties.converter import erasure_store, store
from kakine.parties.converter.office import Office
from kakine.protocols.audit import link_between
from kakine.protocols.chain import EndKeys, HopKeys
from kakine.protocols.linear_check import GENERATOR
from kakine.values.calendar import months_since_2000
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import CallerNotAllowed, DomainNotEnrolled, OutsideWindow
from kakine.wire.request import Keeper

_ONE = Scalar((1).to_bytes(32, "little"))
NEAR = 1
"""Months from now whose keys are given out: clocks differ, months turn."""


def share_of(office: Office, domain: str, epoch: int) -> tuple[Scalar, bytes]:
    """(share, mask key) of a domain's epoch. Every share of the hash domain is one. Raises `DomainNotEnrolled`."""
    found = office.shares.get((domain, epoch))
    if found is None:
        row = store.find_share(office.db.read(), domain, epoch)
        if row is None:
            raise DomainNotEnrolled(domain=domain, epoch=epoch)
        found = office.shares[domain, epoch] = (Scalar(row[0]), row[1])
    return found


Domain = tuple[str, int]


def hop_keys(
    office: Office, requester: Domain, keepers: Sequence[Keeper], recipient: Domain | None
) -> HopKeys:
    """What this converter holds for one link; `LinkWithheld` where its operator has deleted the link."""
    if recipient is not None:
        store.require_link(office.db.read(), requester[0], recipient[0])
    to_keepers = [EndKeys(*share_of(office, keeper.name, keeper.epoch)) for keeper in keepers]
    to_recipient = None if recipient is None else EndKeys(*share_of(office, *recipient))
    return HopKeys(EndKeys(*share_of(office, *requester)), to_keepers, to_recipient)


async def join(office: Office, caller: PartyName, asked: Join) -> Joined:
    """Enrol a domain's epoch: make its share and mask key. Joining adds no work to domains already there.

    The mask key is sealed to the key the gazette names for the party, so a repeat (after a lost answer) may have it
    again. Only the present epoch and the next can be joined, by the party that runs the domain.
    """
    law = office.law.in_force(office.clock())
    domain = DomainName(asked.domain)
    if domain == HASH:
        runs = Role.REGISTRY in law.roles(caller) and asked.epoch == 1
    else:
        present = law.epoch(domain)
        runs = domain.party == caller and asked.epoch in (present, present + 1)
    if not runs:
        raise CallerNotAllowed(call="join")
    fresh = _ONE if domain == HASH else random_scalar(office.entropy), office.entropy(32)
    kept = await office.db.write(lambda db: store.keep_share(db, domain, asked.epoch, *fresh))
    secret, mask_key = Scalar(kept[0]), kept[1]
    public = group.mul_base(secret)
    bound = digest("joined", domain.encode(), asked.epoch.to_bytes(2, "big"))
    proof = prove_knowledge(secret, public, bound, office.nonce_key, office.entropy).encode()
    return Joined(
        public,
        proof,
        seal(law.seal_key(caller), bound, mask_key),
        office.identity.signing.sign("joined", bound, public, proof),
    )


async def link(office: Office, caller: PartyName, asked: LinkAsked) -> LinkPublished:
    """T = t·G of a link with the proof that it fits V of both domains. Deterministic but for the proof's nonce."""
    store.require_link(office.db.read(), asked.requester, asked.recipient)
    start, _ = share_of(office, asked.requester, asked.requester_epoch)
    end, _ = share_of(office, asked.recipient, asked.recipient_epoch)
    factor = scalar_mul(end, scalar_inv(start))
    before, after, published = group.mul_base(start), group.mul_base(end), group.mul_base(factor)
    # s_A·T = V_B: the logarithm of V_A to base G is that of V_B to base T.
    proof = prove_equal(
        start, GENERATOR, before, published, after, b"link", office.nonce_key, office.entropy
    ).encode()
    between = link_between((asked.requester, asked.requester_epoch), (asked.recipient, asked.recipient_epoch))
    signature = office.identity.signing.sign("link", *between, before, after, published, proof)
    return LinkPublished(before, after, published, proof, signature)


async def withhold(office: Office, requester: DomainName, recipient: DomainName) -> None:
    """The operator's own act: this converter takes no part in this link from now on. Cannot be undone by a call."""
    await office.db.write(lambda db: store.add_withheld(db, requester, recipient))


async def month_key(office: Office, caller: PartyName, asked: MonthAsked) -> MonthKey:
    """The public key that envelopes of a month are sealed to; made when first asked for.

    Only of this month and its neighbours (clocks differ, months turn): else anybody could fill the
    store. Raises `OutsideWindow`, and `MonthDestroyed` whatever the clock says: no key is made twice.
    """
    if abs(asked.month - months_since_2000(office.clock())) > NEAR:
        raise OutsideWindow()
    if asked.month not in office.months:
        fresh = office.entropy(32)
        # One after the other, whichever process asks: the second finds the first one's key.
        await office.db.write(lambda db: erasure_store.keep_month(db, asked.month, fresh))
    public = bytes(opening_key(office, asked.month).public)
    month = asked.month.to_bytes(2, "big")
    return MonthKey(public, office.identity.signing.sign("month-key", month, public))


def opening_key(office: Office, month: int) -> OpenKey:
    """This converter's private key of a month. Raises `DomainNotEnrolled` when it never made one, `MonthDestroyed` when
    it is destroying it or has.

    Kept in memory are those of now, which nobody destroys yet: another process of this converter may have destroyed an
    older one, and must not have said so while it is here.
    """
    present = months_since_2000(office.clock())
    for old in [each for each in office.months if abs(each - present) > NEAR]:
        del office.months[old]
    known = office.months.get(month)
    if known is None:
        erasure_store.require_kept(office.db.read(), month)
        seed = erasure_store.find_month(office.db.read(), month)
        if seed is None:
            raise DomainNotEnrolled(month=month)
        known = OpenKey(seed)
        if abs(month - present) <= NEAR:
            office.months[month] = known
    return known
