"""What a converter shows to whoever checks it: the linear check of a batch, windows, disputes (spec/lcx.md 7)."""

from __future__ import annotations

import hmac
import sqlite3

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
from kakine.parties.converter.gate import _known
from kakine.parties.converter.hop import request_factors
from kakine.parties.converter.keys import hop_keys, share_of
from kakine.parties.converter.office import Office
from kakine.parties.converter.store import Seen
from kakine.protocols.audit import ENROLS, MOST_IN_WINDOW, dispute_context, explained_item, window_id
from kakine.protocols.chain import HopKeys, blind_share, keeper_mask, recipient_mask, release_value
from kakine.protocols.linear_check import (
    GENERATOR,
    answer_leg,
    combination,
    context,
    draw_weights,
    verify_leg,
)
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, BatchReused, CallerNotAllowed, GroundUnfit
from kakine.wire.canonical import decode
from kakine.wire.request import ONE_LEG, HopRecord, Mode, points_digest

MOST_SEEN = 4096
"""Rows in one answer."""

RECOMPUTED = 16
"""One check in so many is recomputed from Q and the weights before it is answered; which, the verifier cannot tell."""


def _leg(
    office: Office, seen: Seen, leg: str, factor: Scalar | None, commitment: bytes, point: bytes
) -> tuple[bytes, bytes]:
    if factor is None:
        return b"", b""
    bound = context(seen.request, office.settings.position, leg)
    return answer_leg(factor, commitment, point, bound, office.nonce_key, office.entropy)


async def check(office: Office, caller: PartyName, message: Check) -> Checked:
    """One hop of the linear check before the receipt (mode S1). One combination a request, and no other.

    The outputs stay masked, so the record keeper gets no conversion of the combination out of it.
    """
    seen = _known(office, message.request)
    if caller != office.settings.keeper or seen.mode != Mode.S1:
        raise CallerNotAllowed(call="check")
    if hmac.digest(office.nonce_key, message.request, "sha256")[0] % RECOMPUTED == 0:
        _recompute(seen, office, message)
    asked = digest("checked", message.recipient_point, message.keeper_point)
    await office.db.write(lambda db: _once(db, message.request, asked))
    made = request_factors(office, seen)
    hop = decode(seen.hop, HopRecord)
    first = _leg(office, seen, "recipient", made.recipient, hop.recipient_factor, message.recipient_point)
    second = _leg(office, seen, "keeper", made.keeper, hop.keeper_factor, message.keeper_point)
    return Checked(first[0], second[0], first[1], second[1])


def _recompute(seen: Seen, office: Office, message: Check) -> None:
    """Is this point really the combination of Q? Only the first converter's input can be recomputed by itself."""
    drawn = draw_weights(message.seed, len(message.blinded) // 32)
    if points_digest(message.blinded) != decode(seen.hop, HopRecord).keeper_in:
        if office.settings.position == 1:
            raise BatchMalformed()
        return
    point = combination(drawn, message.blinded)
    if message.keeper_point != point or message.recipient_point not in (b"", point):
        raise BatchMalformed()


def _once(db: sqlite3.Connection, request: bytes, asked: bytes) -> None:
    seen = store.find_seen(db, request)
    if seen is None or (seen.checked is not None and seen.checked != asked):
        raise BatchReused()
    store.set_checked(db, request, asked)


async def seen_since(office: Office, caller: PartyName, asked: SeenSince) -> SeenRequests:
    """Which links the S0+ requests since a time were on: metadata that a converter has anyway, for the auditor."""
    db = office.db.read()
    if asked.enrolments:
        rows = store.enrolments_since(db, asked.since_ms, MOST_SEEN)
    else:
        rows = store.seen_since(db, asked.since_ms, Mode.S0_PLUS, MOST_SEEN)
    return SeenRequests([_shown(row) for row in rows])


def _shown(row: Seen) -> SeenRequest:
    return SeenRequest(
        row.request,
        row.requester,
        row.recipient,
        row.keeper,
        row.requester_epoch,
        row.recipient_epoch,
        row.keeper_epoch,
        row.time_ms,
        bool(row.released),
    )


async def witness(office: Office, caller: PartyName, asked: Witness) -> Witnessed:
    """What this converter signed for a request. For an enrolment also its share of the blinding, which lets the
    commission test the point of a person it has sampled and of nobody else: the other factor is that person's own."""
    seen = _known(office, asked.request)
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
    rows = [_known(office, request) for request in requests]
    links = {(r.requester, r.requester_epoch, r.recipient, r.recipient_epoch, r.keeper_epoch) for r in rows}
    if len(links) != 1 or any(r.mode != Mode.S0_PLUS or not r.released for r in rows):
        raise GroundUnfit(kind="WINDOW")
    row = rows[0]
    if row.kind in ONE_LEG:
        raise GroundUnfit(kind="WINDOW")
    keys = hop_keys(
        office,
        (row.requester, row.requester_epoch),
        (row.recipient, row.recipient_epoch),
        (row.keeper, row.keeper_epoch),
    )
    return rows, keys, window_id(requests)


def _window_factors(keys: HopKeys, window: bytes) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """(ν_B, ν_P, t_AB·ν_B, t_AP·ν_P)."""
    assert keys.recipient_share is not None  # noqa: S101 - _window refuses one-leg kinds
    first = prf_scalar(keys.recipient_key, "window", window)
    second = prf_scalar(keys.keeper_key, "window", window)
    base = scalar_inv(keys.requester_share)
    return (
        first,
        second,
        scalar_mul(keys.recipient_share, base, first),
        scalar_mul(keys.keeper_share, base, second),
    )


async def ratios(office: Office, caller: PartyName, asked: Ratios) -> RatiosGiven:
    """For each request of a window ν·ρ/μ on both legs: with the other converters' ratios, the auditor brings all
    outputs under one factor without holding any mask."""
    rows, keys, window = _window(office, asked.requests)
    first, second, with_first, with_second = _window_factors(keys, window)
    to_recipient, to_keeper = [], []
    for row in rows:
        release = release_value(office.release_key, row.request)
        blind = blind_share(keys.requester_key, row.batch)
        mask = scalar_inv(recipient_mask(keys.recipient_key, row.request, release))
        to_recipient.append(bytes(scalar_mul(first, blind, mask)))
        mask = scalar_inv(keeper_mask(keys.keeper_key, row.request))
        to_keeper.append(bytes(scalar_mul(second, blind, mask)))
    return RatiosGiven(to_recipient, to_keeper, group.mul_base(with_first), group.mul_base(with_second))


async def window(office: Office, caller: PartyName, asked: WindowCheck) -> Checked:
    """One hop of the check of a window, under the window's own factor. A request is in one window and under one
    combination of it, and no other: repeated, the check would be a conversion without a record.

    Every converter makes the combination itself out of the Q it took part in, and follows the proofs of the hops
    before it: no point of anybody's choice gets in, not even with another converter's help.
    """
    rows, keys, number = _window(office, asked.requests)
    before = _window_input(office, rows, number, asked)
    points = digest("window-checked", number, *before)
    await office.db.write(lambda db: _each_once(db, asked.requests, points))
    _, _, first, second = _window_factors(keys, number)
    legs = []
    for leg, factor, point in (("recipient", first, before[0]), ("keeper", second, before[1])):
        bound = context(number, office.settings.position, leg)
        legs.append(
            answer_leg(factor, group.mul_base(factor), point, bound, office.nonce_key, office.entropy)
        )
    return Checked(legs[0][0], legs[1][0], legs[0][1], legs[1][1])


def _window_input(office: Office, rows: list[Seen], number: bytes, asked: WindowCheck) -> tuple[bytes, bytes]:
    """What comes to this hop on both legs. Raises `BatchMalformed` where Q is not that of the requests, and
    `ProofInvalid` where an earlier hop does not prove its step."""
    if [points_digest(points) for points in asked.blinded] != [row.blinded for row in rows]:
        raise BatchMalformed()
    if len(asked.steps) != office.settings.position - 1:
        raise BatchMalformed()
    together = b"".join(asked.blinded)
    start = combination(draw_weights(asked.seed, len(together) // 32), together)
    if not asked.steps:
        return start, start
    last = asked.steps[-1]
    for leg, end, path in (
        (
            "recipient",
            last.recipient_point,
            [(step.recipient_factor, step.recipient_point, step.recipient_proof) for step in asked.steps],
        ),
        (
            "keeper",
            last.keeper_point,
            [(step.keeper_factor, step.keeper_point, step.keeper_proof) for step in asked.steps],
        ),
    ):
        factors, points, proofs = zip(*path, strict=True)
        verify_leg(start, end, number, leg, factors, points, proofs)
    return last.recipient_point, last.keeper_point


def _each_once(db: sqlite3.Connection, requests: list[bytes], asked: bytes) -> None:
    for request in requests:
        _once(db, request, asked)


async def explain(office: Office, caller: PartyName, asked: Dispute) -> Explained:
    """Show that item `position` was converted with this link's factor, or be at fault.

    The scalar ν = μ/ρ of the batch is revealed, so the item's input and output are tied to T by one proof a leg. With
    the requester's ρ that opens the recipient's code, so only what was recorded and released is explained, and nothing
    whose only recipient is the record keeper.
    """
    seen = _known(office, asked.request)
    if seen.kind in ONE_LEG or not seen.released:
        raise GroundUnfit(kind="DISPUTE")
    hop = decode(seen.hop, HopRecord)
    fits = points_digest(asked.recipient_in), points_digest(asked.keeper_in)
    if fits != (hop.recipient_in, hop.keeper_in) or asked.position >= len(asked.keeper_in) // 32:
        raise BatchMalformed()
    keys = hop_keys(
        office,
        (seen.requester, seen.requester_epoch),
        (seen.recipient, seen.recipient_epoch),
        (seen.keeper, seen.keeper_epoch),
    )
    base = scalar_inv(blind_share(keys.requester_key, seen.batch))
    release = release_value(office.release_key, seen.request)
    assert keys.recipient_share is not None  # noqa: S101 - requests with one leg are refused above
    legs = []
    for leg, points, share, mask in (
        (
            "recipient",
            asked.recipient_in,
            keys.recipient_share,
            recipient_mask(keys.recipient_key, seen.request, release),
        ),
        ("keeper", asked.keeper_in, keys.keeper_share, keeper_mask(keys.keeper_key, seen.request)),
    ):
        scalar = scalar_mul(mask, base)
        legs.append(_explain_leg(office, seen, leg, points, asked.position, share, keys, scalar))
    parts = (legs[0][0], legs[1][0], legs[0][1], legs[1][1], legs[0][2], legs[1][2])
    about = explained_item(asked.request, asked.position)
    signature = office.identity.signing.sign("explained", *about, *parts)
    return Explained(*parts, signature)


def _explain_leg(
    office: Office,
    seen: Seen,
    leg: str,
    points: bytes,
    position: int,
    share: Scalar,
    keys: HopKeys,
    scalar: Scalar,
) -> tuple[bytes, bytes, bytes]:
    link = scalar_mul(share, scalar_inv(keys.requester_share))
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
    return outs, bytes(scalar), proof.encode()
