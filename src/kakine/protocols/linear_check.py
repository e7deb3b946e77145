"""The linear check (spec/lcx.md section 7): one random combination of a batch, converted with a proof at every hop,
must equal the same combination of the outputs. A single wrong item, a swapped leg or another person's point makes it
fail except with probability 2⁻¹²⁶.

The weights come from one seed over the *whole* batch and fresh randomness of the verifier. Weights that depend on
their own pair only (as in RFC 9497) let a prover forge large batches with a generalised-birthday search;
`tests/attacks/test_a15_*` does it in a small group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain as joined

from kakine.crypto.group import Entropy, Scalar, group
from kakine.crypto.hashing import digest
from kakine.crypto.proofs import DleqProof, prove_equal, verify_equal, weights
from kakine.values.problems import BatchMalformed, ProofInvalid

GENERATOR = group.mul_base(Scalar((1).to_bytes(32, "little")))


@dataclass(frozen=True)
class Transcript:
    """All that is fixed before the weights are drawn: hR, Q, every leg's outputs, every hop's F of each leg."""

    request: bytes
    blinded: bytes
    outs: Sequence[bytes]
    factors: Sequence[Sequence[bytes]]


@dataclass(frozen=True)
class Step:
    """One hop's answer for each leg: Z, with 64-byte proofs that log_G F = log_{Z before} Z."""

    points: Sequence[bytes]
    proofs: Sequence[bytes]


def weight_seed(transcript: Transcript, fresh: bytes) -> bytes:
    """The seed of the weights, from the verifier's 32 fresh bytes and the whole transcript."""
    told = joined.from_iterable(transcript.factors)
    return digest("weights", fresh, transcript.request, transcript.blinded, *transcript.outs, *told)


def draw_weights(seed: bytes, count: int) -> list[Scalar]:
    """d_j, 128 bits each."""
    return weights(seed, count=count)


def combination(drawn: Sequence[Scalar], points: bytes) -> bytes:
    """Σ d_j · P_j."""
    if len(points) != 32 * len(drawn):
        raise BatchMalformed()
    return group.combine(drawn, points)


def context(request: bytes, position: int, leg: int) -> bytes:
    """What a hop's proof is bound to, so that it serves no other request, hop or leg."""
    return request + bytes([position, leg])


def answer_leg(
    factor: Scalar,
    commitment: bytes,
    point: bytes,
    bound: bytes,
    nonce_key: bytes,
    entropy: Entropy,
) -> tuple[bytes, bytes]:
    """A converter's (Z, proof) for one leg. It proves only on points it computed itself."""
    out = group.mul(factor, point)
    proof = prove_equal(factor, GENERATOR, commitment, point, out, bound, nonce_key, entropy)
    return out, proof.encode()


def verify_leg(
    start: bytes,
    end: bytes,
    request: bytes,
    leg: int,
    commitments: Sequence[bytes],
    points: Sequence[bytes],
    proofs: Sequence[bytes],
) -> None:
    """Raise `ProofInvalid` unless every hop proves its step and the last point is `end`."""
    if not len(commitments) == len(points) == len(proofs):
        raise ProofInvalid(leg=leg)
    before = start
    for position, (factor, point, proof) in enumerate(zip(commitments, points, proofs, strict=True), 1):
        verify_equal(
            DleqProof.decode(proof),
            GENERATOR,
            factor,
            before,
            point,
            context(request, position, leg),
        )
        before = point
    if before != end:
        raise ProofInvalid(leg=leg)


def verify(transcript: Transcript, drawn: Sequence[Scalar], steps: Sequence[Step]) -> None:
    """The whole check of a batch. Raises `ProofInvalid`; does not say which item is wrong (a dispute does)."""
    legs = len(transcript.outs)
    if any(not len(step.points) == len(step.proofs) == legs for step in steps):
        raise ProofInvalid()
    start = combination(drawn, transcript.blinded)
    for leg, out in enumerate(transcript.outs):
        verify_leg(
            start,
            combination(drawn, out),
            transcript.request,
            leg,
            [hop[leg] for hop in transcript.factors],
            [step.points[leg] for step in steps],
            [step.proofs[leg] for step in steps],
        )
