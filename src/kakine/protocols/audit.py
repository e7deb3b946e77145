"""What an auditor verifies: windows of mode S0+, disputed items, sampled enrolments (spec/lcx.md section 7).

    out_k = Π_i (t_i·μ_{i,k}/ρ_{i,k}) · Q_k        what the chain made of request k
    r_{i,k} = ν_i·ρ_{i,k}/μ_{i,k}                  what converter i tells of it: ν_i is its own for this window
    Π_i r_{i,k} · out_k = Π_i (t_i·ν_i) · Q_k      so all requests of a window come under one factor

Pure: every function takes public values and raises; anybody who has the values can repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain as joined

from kakine.crypto.group import Scalar, group, scalar_mul
from kakine.crypto.hashing import digest
from kakine.crypto.proofs import DleqProof, verify_equal
from kakine.crypto.signing import VerifyKey
from kakine.protocols.linear_check import GENERATOR, combination, context
from kakine.values.problems import (
    BatchMalformed,
    HopAtFault,
    LinkMismatch,
    NotEvidence,
    PointInvalid,
    ProofInvalid,
    ScalarInvalid,
    SignatureInvalid,
    WindowMismatch,
)
from kakine.wire.canonical import decode
from kakine.wire.request import HopRecord, Kind, points_digest

MOST_IN_WINDOW = 64
"""Requests that are checked together."""

ENROLS = frozenset({Kind.ENROL, Kind.SUCCEED})


@dataclass(frozen=True)
class Exchanged:
    """One request as the record keeper filed it: Q, every leg's outputs, the converters' hop records in order."""

    request: bytes
    blinded: bytes
    legs: Sequence[bytes]
    hops: Sequence[HopRecord]


@dataclass(frozen=True)
class Ratios:
    """One converter's r_k for each leg and request, and F = t·ν·G of the window for each leg."""

    legs: Sequence[Sequence[Scalar]]
    factors: Sequence[bytes]


def window_id(requests: Sequence[bytes]) -> bytes:
    """What a window is known by and its factors are derived from."""
    return digest("window", *requests)


def check_ratios(rows: Sequence[Exchanged], position: int, given: Ratios) -> None:
    """Raise `HopAtFault` unless each ratio brings this converter's committed factor of the request to that of the
    window: r_k·F_k = F. A ratio is thereby fixed before any weight is drawn."""
    if len(given.legs) != len(given.factors) or any(len(leg) != len(rows) for leg in given.legs):
        raise HopAtFault(position=position, what="ratios")
    for k, row in enumerate(rows):
        committed = row.hops[position - 1].factors
        if len(committed) != len(given.legs):
            raise HopAtFault(position=position, what="ratios")
        for ratios, own, factor in zip(given.legs, committed, given.factors, strict=True):
            if _times(ratios[k], own, position) != factor:
                raise HopAtFault(position=position, what="ratios")


def _times(scalar: Scalar, point: bytes, position: int) -> bytes:
    try:
        return group.mul(scalar, point)
    except PointInvalid as wrong:
        raise HopAtFault(position=position, what="commitment") from wrong


def window_seed(rows: Sequence[Exchanged], given: Sequence[Ratios], fresh: bytes) -> bytes:
    """The seed of the weights: the auditor's 32 fresh bytes and everything that is fixed before they are drawn."""
    points = joined.from_iterable((r.request, r.blinded, *r.legs) for r in rows)
    told = joined.from_iterable((*(b"".join(leg) for leg in each.legs), *each.factors) for each in given)
    return digest("window-weights", fresh, *points, *told)


def window_start(rows: Sequence[Exchanged], drawn: Sequence[Scalar]) -> bytes:
    """Σ d_j·Q_j over all people of all requests."""
    return combination(drawn, b"".join(row.blinded for row in rows))


def window_ends(rows: Sequence[Exchanged], given: Sequence[Ratios], drawn: Sequence[Scalar]) -> list[bytes]:
    """Σ d_j·(Π_i r_{i,k})·out_j of each leg."""
    if sum(len(row.blinded) // 32 for row in rows) != len(drawn):
        raise BatchMalformed()
    ends = []
    for leg in range(len(given[0].legs)):
        scalars: list[Scalar] = []
        for k, row in enumerate(rows):
            ratio = scalar_mul(*(each.legs[leg][k] for each in given))
            count = len(row.blinded) // 32
            scalars += [scalar_mul(weight, ratio) for weight in drawn[len(scalars) : len(scalars) + count]]
        ends.append(combination(scalars, b"".join(row.legs[leg] for row in rows)))
    return ends


def check_step(
    window: bytes, position: int, leg: int, factor: bytes, before: bytes, after: bytes, proof: bytes
) -> None:
    """Raise `HopAtFault` unless after = f·before for the f of F = f·G."""
    try:
        bound = context(window, position, leg)
        verify_equal(DleqProof.decode(proof), GENERATOR, factor, before, after, bound)
    except ProofInvalid as wrong:
        raise HopAtFault(position=position, what="window-proof") from wrong


def check_ends(reached: Sequence[bytes], expected: Sequence[bytes]) -> None:
    """Raise `WindowMismatch` unless every leg of the window is what went through the chain."""
    wrong = [leg for leg, (a, b) in enumerate(zip(reached, expected, strict=True)) if a != b]
    if wrong:
        raise WindowMismatch(legs=wrong)


# --- links and disputes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """What a converter publishes of one link: V of both domains, T, the proof and its signature."""

    requester_public: bytes
    recipient_public: bytes
    link: bytes
    proof: bytes
    signature: bytes


def link_between(requester: tuple[str, int], recipient: tuple[str, int]) -> tuple[bytes, ...]:
    """What a converter's signature on a link says of its two ends, each (domain, epoch)."""
    ends = (requester, recipient)
    return tuple(joined.from_iterable((name.encode(), epoch.to_bytes(2, "big")) for name, epoch in ends))


def check_link(
    link: Link, requester: tuple[str, int], recipient: tuple[str, int], position: int, key: VerifyKey
) -> None:
    """Raise `LinkMismatch` unless the converter signed T for these ends and proved that T fits both V.

    Not checked: that V is the one the domain was given when it joined. The domain has that, signed.
    """
    signed = *link_between(requester, recipient), link.requester_public, link.recipient_public
    try:
        key.verify(link.signature, "link", *signed, link.link, link.proof)
        proof = DleqProof.decode(link.proof)
        ends = link.requester_public, link.recipient_public
        verify_equal(proof, GENERATOR, ends[0], link.link, ends[1], b"link")
    except (SignatureInvalid, ProofInvalid) as wrong:
        raise LinkMismatch(position=position) from wrong


@dataclass(frozen=True)
class Account:
    """A converter's answer to a dispute on one leg: the whole output vector, ν = μ/ρ of the batch, and the proof."""

    out: bytes
    scalar: bytes
    proof: bytes


def explained_item(request: bytes, item: int) -> tuple[bytes, bytes]:
    """What a converter's signature on an explanation says it is about."""
    return request, item.to_bytes(4, "big")


def dispute_context(request: bytes, position: int, leg: int) -> bytes:
    """What the proof of an explanation is bound to."""
    return b"dispute" + context(request, position, leg)


def check_account(hop: HopRecord, leg: int, link: bytes, points: bytes, item: int, account: Account) -> None:
    """Raise `HopAtFault` unless the output that the converter signed for is its input times ν times the link's factor.

    `points` is the whole input vector of the leg, `link` the T of `check_link`. Where the hop record commits to a
    factor (S0+, S1) ν·T must be that. In mode S0 ν itself stays unproved: a wrong one is the same person's point
    scaled, which no table knows.
    """
    if not 0 <= leg < min(len(hop.ins), len(hop.outs), len(hop.factors)):
        raise HopAtFault(position=hop.position, what="legs")
    signed_in, signed_out, committed = hop.ins[leg], hop.outs[leg], hop.factors[leg]
    if points_digest(points) != signed_in:
        raise HopAtFault(position=hop.position, what="input")
    if points_digest(account.out) != signed_out or len(account.out) != len(points):
        raise HopAtFault(position=hop.position, what="output")
    place = slice(item * 32, item * 32 + 32)
    try:
        scalar = Scalar(account.scalar)
        if committed and group.mul(scalar, link) != committed:
            raise HopAtFault(position=hop.position, what="commitment")
        start = group.mul(scalar, points[place])
        proof, bound = DleqProof.decode(account.proof), dispute_context(hop.request, hop.position, leg)
        verify_equal(proof, GENERATOR, link, start, account.out[place], bound)
    except (ProofInvalid, PointInvalid, ScalarInvalid) as wrong:
        raise HopAtFault(position=hop.position, what="proof") from wrong


def signed_hop(data: bytes, signature: bytes, key: VerifyKey, request: bytes, position: int) -> HopRecord:
    """A hop record, if the converter at `position` signed it for this request; else `HopAtFault`."""
    try:
        key.verify(signature, "hop", data)
    except SignatureInvalid as wrong:
        raise HopAtFault(position=position, what="signature") from wrong
    hop = decode(data, HopRecord)
    if (hop.request, hop.position) != (request, position):
        raise HopAtFault(position=position, what="request")
    return hop


def equivocation(
    first: tuple[bytes, bytes], second: tuple[bytes, bytes], key: VerifyKey
) -> tuple[HopRecord, HopRecord]:
    """Two hop records of one converter for one request that differ: evidence by themselves, whoever shows them.

    Each is (record, signature). Raises `NotEvidence` where they agree or are of different requests, and
    `SignatureInvalid` where the converter did not sign both.
    """
    for data, signature in (first, second):
        key.verify(signature, "hop", data)
    one, other = decode(first[0], HopRecord), decode(second[0], HopRecord)
    if (one.request, one.position) != (other.request, other.position) or one == other:
        raise NotEvidence()
    return one, other


# --- enrolments -----------------------------------------------------------------------------------------------


def blind_digest(request: bytes, item: int, blind: Scalar) -> bytes:
    """What the record keeper keeps of the ρ_0 with which it opened one person of an enrolment."""
    return digest("person-blind", request, item.to_bytes(4, "big"), blind)


def check_root(
    point: bytes, root: bytes, blind: Scalar, shares: Sequence[Scalar], kept: bytes, request: bytes, item: int
) -> None:
    """Raise `NotEvidence` unless the enrolled point is a hash output: Q_j = ρ_0·Π ρ_i·H2G(u).

    All three factors come from different hands: u and ρ_0 from the registry, `kept` (a digest of ρ_0) from the record
    keeper that opened the batch with it, `shares` from the converters. With ρ_0 of its own choice the registry could
    show somebody else's u for a multiple of that person's point. Not found: a registry in league with the record
    keeper or with a converter that names a wrong share.
    """
    if blind_digest(request, item, blind) != kept:
        raise NotEvidence(what="blinding")
    if group.mul(scalar_mul(blind, *shares), group.hash_to_group(root)) != point:
        raise NotEvidence(what="point")
