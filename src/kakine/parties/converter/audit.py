"""What a converter shows to whoever checks it: the linear check of a batch, windows, disputes (spec/lcx.md 7)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from kakine.contracts.converter import (
    Check,
    Checked,
    Dispute,
    Explained,
    Ratios,
    RatiosGiven,
    SeenRequest,
    SeenRequests,
    SeenSince,
    WindowCheck,
    Witness,
    Witnessed,
)
from kakine.crypto.group import Scalar, group, prf_scalar, scalar_inv, scalar_mul
from kakine.crypto.hashing import digest
from kakine.crypto.proofs import prove_equal
from kakine.parties.converter import store
from kakine.parties.converter.gate import known
from kakine.parties.converter.hop import request_factors, request_keys
from kakine.parties.converter.keys import share_of
from kakine.parties.converter.office import Office
from kakine.parties.converter.store import Seen
from kakine.protocols.audit import ENROLS, MOST_IN_WINDOW, dispute_context, explained_item, window_id
from kakine.protocols.chain import EndKeys, HopKeys, blind_share, keeper_mask, recipient_mask, release_value
from kakine.protocols.linear_check import (
    GENERATOR,
    answer_leg,
    combination,
    context,
    draw_weights,
    verify_leg,
)
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import BatchMalformed, BatchReused, CallerNotAllowed, GroundUnfit
from kakine.wire.canonical import decode
from kakine.wire.request import NO_RECIPIENT, HopRecord, Mode, points_digest

MOST_SEEN = 4096
"""Rows in one answer."""

RECOMPUTED = 16
"""One check in so many is recomputed from Q and the weights before it is answered; which, the verifier cannot tell."""


async def check(office: Office, caller: PartyName, message: Check) -> Checked:
    """One hop of the linear check before the receipt (mode S1). One combination a request and record keeper, and no
    other.

    The outputs stay masked, so a record keeper gets no conversion of the combination out of it.
    """
    seen = known(office, message.request)
    keepers = [DomainName(keeper.name).party for keeper in seen.ends]
    if caller not in keepers or seen.mode != Mode.S1:
        raise CallerNotAllowed(call="check")
    hop = decode(seen.hop, HopRecord)
    if len(message.points) != len(hop.factors):
        raise BatchMalformed()
    if hmac.digest(office.nonce_key, message.request, "sha256")[0] % RECOMPUTED == 0:
        _recompute(hop, office, message)
    asked = digest("checked", *message.points)
    await office.db.write(lambda db: _once(db, message.request, caller, asked))
    made = request_factors(office, seen)
    return _answered(office, seen.request, made, hop.factors, message.points)


def _answered(
    office: Office,
    bound_to: bytes,
    made: Sequence[Scalar],
    committed: Sequence[bytes],
    points: Sequence[bytes],
) -> Checked:
    """Z and its proof for every leg."""
    legs = []
    for leg, (factor, commitment, point) in enumerate(zip(made, committed, points, strict=True)):
        bound = context(bound_to, office.settings.position, leg)
        legs.append(answer_leg(factor, commitment, point, bound, office.nonce_key, office.entropy))
    return Checked([point for point, _ in legs], [proof for _, proof in legs])


def _recompute(hop: HopRecord, office: Office, message: Check) -> None:
    """Is this point really the combination of Q? Only the first converter's input can be recomputed by itself."""
    drawn = draw_weights(message.seed, len(message.blinded) // 32)
    if points_digest(message.blinded) != hop.ins[0]:
        if office.settings.position == 1:
            raise BatchMalformed()
        return
    point = combination(drawn, message.blinded)
    if any(given != point for given in message.points):
        raise BatchMalformed()


def _once(db: Connection, request: bytes, party: str, asked: bytes) -> None:
    if store.keep_checked(db, request, party, asked) != asked:
        raise BatchReused()


async def seen_since(office: Office, caller: PartyName, asked: SeenSince) -> SeenRequests:
    """Which links the S0+ requests since a time were on: metadata that a converter has anyway, for the auditor."""
    db = office.db.read()
    if asked.enrolments:
        rows = store.enrolments_since(db, asked.since_ms, MOST_SEEN)
    else:
        rows = store.seen_since(db, asked.since_ms, Mode.S0_PLUS, MOST_SEEN)
    return SeenRequests([shown_request(row) for row in rows])


def shown_request(row: Seen) -> SeenRequest:
    """What the commission may see of a request."""
    return SeenRequest(
        row.request,
        row.requester,
        row.recipient,
        row.requester_epoch,
        row.recipient_epoch,
        row.ends,
        row.time_ms,
        bool(row.released),
    )


async def witness(office: Office, caller: PartyName, asked: Witness) -> Witnessed:
    """What this converter signed for a request. For an enrolment also its share of the blinding, which lets the
    commission test the point of a person it has sampled and of nobody else: the other factor is that person's own."""
    seen = known(office, asked.request)
    blind = b""
    if seen.kind in ENROLS:
        _, key = share_of(office, seen.requester, seen.requester_epoch)
        blind = bytes(blind_share(key, seen.batch))
    sign = office.identity.signing.sign
    return Witnessed(seen.hop, sign("hop", seen.hop), blind, sign("witnessed", asked.request, blind))


def _window(office: Office, requests: list[bytes]) -> tuple[list[Seen], HopKeys, bytes]:
    """The requests of a window, which must all be S0+, released, on one link; and the window's id."""
    if len(requests) > MOST_IN_WINDOW:
        raise BatchMalformed()
    rows = [known(office, request) for request in requests]
    links = {(r.requester, r.requester_epoch, r.recipient, r.recipient_epoch, r.keepers) for r in rows}
    if len(links) != 1 or any(r.mode != Mode.S0_PLUS or not r.released for r in rows):
        raise GroundUnfit(kind="WINDOW")
    if rows[0].kind in NO_RECIPIENT:
        raise GroundUnfit(kind="WINDOW")
    return rows, request_keys(office, rows[0]), window_id(requests)


def _ends(keys: HopKeys) -> list[EndKeys]:
    assert keys.recipient is not None  # noqa: S101 - whoever comes here has refused requests without a recipient
    return [*keys.keepers, keys.recipient]


def _window_factors(keys: HopKeys, window: bytes) -> tuple[list[Scalar], list[Scalar]]:
    """(ν of each leg, t·ν of each leg)."""
    base = scalar_inv(keys.requester.share)
    own = [prf_scalar(end.key, "window", window) for end in _ends(keys)]
    return own, [scalar_mul(end.share, base, nu) for end, nu in zip(_ends(keys), own, strict=True)]


def _masks(office: Office, keys: HopKeys, request: bytes) -> list[Scalar]:
    """μ of each leg."""
    *keepers, recipient = _ends(keys)
    masks = [keeper_mask(end.key, request) for end in keepers]
    return [*masks, recipient_mask(recipient.key, request, release_value(office.release_key, request))]


async def ratios(office: Office, caller: PartyName, asked: Ratios) -> RatiosGiven:
    """For each request of a window ν·ρ/μ on every leg: with the other converters' ratios, the auditor brings all
    outputs under one factor without holding any mask."""
    rows, keys, window = _window(office, asked.requests)
    own, made = _window_factors(keys, window)
    told: list[list[bytes]] = [[] for _ in made]
    for row in rows:
        blind = blind_share(keys.requester.key, row.batch)
        for leg, mask in enumerate(_masks(office, keys, row.request)):
            told[leg].append(bytes(scalar_mul(own[leg], blind, scalar_inv(mask))))
    return RatiosGiven(told, [group.mul_base(factor) for factor in made])


async def window(office: Office, caller: PartyName, asked: WindowCheck) -> Checked:
    """One hop of the check of a window, under the window's own factor. A request is in one window and under one
    combination of it, and no other: repeated, the check would be a conversion without a record.

    Every converter makes the combination itself out of the Q it took part in, and follows the proofs of the hops
    before it: no point of anybody's choice gets in, not even with another converter's help.
    """
    rows, keys, number = _window(office, asked.requests)
    before = _window_input(office, rows, number, asked)
    points = digest("window-checked", number, *before)
    await office.db.write(lambda db: _each_once(db, asked.requests, caller, points))
    _, made = _window_factors(keys, number)
    return _answered(office, number, made, [group.mul_base(factor) for factor in made], before)


def _window_input(office: Office, rows: list[Seen], number: bytes, asked: WindowCheck) -> list[bytes]:
    """What comes to this hop on every leg. Raises `BatchMalformed` where Q is not that of the requests, and
    `ProofInvalid` where an earlier hop does not prove its step."""
    if [points_digest(points) for points in asked.blinded] != [row.blinded for row in rows]:
        raise BatchMalformed()
    legs = len(rows[0].ends) + 1
    told = [vector for step in asked.steps for vector in (step.factors, step.points, step.proofs)]
    if len(asked.steps) != office.settings.position - 1 or any(len(vector) != legs for vector in told):
        raise BatchMalformed()
    together = b"".join(asked.blinded)
    start = combination(draw_weights(asked.seed, len(together) // 32), together)
    if not asked.steps:
        return [start] * legs
    ends = asked.steps[-1].points
    for leg, end in enumerate(ends):
        factors = [step.factors[leg] for step in asked.steps]
        points = [step.points[leg] for step in asked.steps]
        verify_leg(start, end, number, leg, factors, points, [step.proofs[leg] for step in asked.steps])
    return ends


def _each_once(db: Connection, requests: list[bytes], party: str, asked: bytes) -> None:
    for request in requests:
        _once(db, request, party, asked)


async def explain(office: Office, caller: PartyName, asked: Dispute) -> Explained:
    """Show that item `position` was converted with this link's factor, or be at fault.

    The scalar ν = μ/ρ of the batch is revealed, so the item's input and output are tied to T by one proof a leg. With
    the requester's ρ that opens the recipient's code, so only what was recorded and released is explained, and nothing
    whose only recipient is the record keeper.
    """
    seen = known(office, asked.request)
    if seen.kind in NO_RECIPIENT or not seen.released:
        raise GroundUnfit(kind="DISPUTE")
    hop = decode(seen.hop, HopRecord)
    if tuple(map(points_digest, asked.ins)) != hop.ins or asked.position >= len(asked.ins[0]) // 32:
        raise BatchMalformed()
    keys = request_keys(office, seen)
    base = scalar_inv(blind_share(keys.requester.key, seen.batch))
    outs, scalars, proofs = [], [], []
    for leg, mask in enumerate(_masks(office, keys, seen.request)):
        scalar = scalar_mul(mask, base)
        link = scalar_mul(_ends(keys)[leg].share, scalar_inv(keys.requester.share))
        out, proof = _explain_leg(office, seen, leg, asked.ins[leg], asked.position, link, scalar)
        outs.append(out)
        scalars.append(bytes(scalar))
        proofs.append(proof)
    about = explained_item(asked.request, asked.position)
    signature = office.identity.signing.sign("explained", *about, *outs, *scalars, *proofs)
    return Explained(outs, scalars, proofs, signature)


def _explain_leg(
    office: Office, seen: Seen, leg: int, points: bytes, position: int, link: Scalar, scalar: Scalar
) -> tuple[bytes, bytes]:
    outs = group.mul_each(scalar_mul(link, scalar), points)
    item = slice(position * 32, position * 32 + 32)
    start = group.mul(scalar, points[item])
    bound = dispute_context(seen.request, office.settings.position, leg)
    proof = prove_equal(
        link,
        GENERATOR,
        group.mul_base(link),
        start,
        outs[item],
        bound,
        office.nonce_key,
        office.entropy,
    )
    return outs, proof.encode()
