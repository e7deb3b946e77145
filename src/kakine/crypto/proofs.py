"""Proofs about secret scalars, and the weights of the linear check (spec/lcx.md, section on proofs).

Equality of logarithms is Chaum-Pedersen in the shape of RFC 9497 section 2.2, knowledge of one is Schnorr;
both are made non-interactive over a labelled transcript. Nonces are hedged: drawn by a keyed PRF over fresh
entropy *and* the transcript, so neither a bad random source nor a repeated one alone gives the secret away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

from kakine.crypto.group import Entropy, Scalar, group, hash_to_scalar, prf_scalar, scalar_mul, scalar_sub
from kakine.crypto.hashing import framed
from kakine.values.problems import PointInvalid, ProofInvalid, ScalarInvalid


@dataclass(frozen=True)
class _Response:
    c: Scalar
    s: Scalar

    def encode(self) -> bytes:
        """64 bytes, c ‖ s."""
        return bytes(self.c) + bytes(self.s)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Raise `ProofInvalid` unless `value` is two scalars in range: s + ORDER is no second form of s."""
        if len(value) != 64:
            raise ProofInvalid(length=len(value))
        try:
            return cls(Scalar(value[:32]), Scalar(value[32:]))
        except ScalarInvalid as wrong:
            raise ProofInvalid() from wrong


class DleqProof(_Response):
    """That log_A B = log_C D, for points and a context the verifier already has."""


class KnowledgeProof(_Response):
    """That the sender of V knows log_G V."""


def prove_equal(
    k: Scalar, a: bytes, b: bytes, c: bytes, d: bytes, context: bytes, nonce_key: bytes, entropy: Entropy
) -> DleqProof:
    """Prove b = k·a and d = k·c. `nonce_key` is secret to the prover; `entropy(n)` gives n fresh bytes.

    Not checked: that the statement is true. A proof of a false one does not verify. Prove only about points
    the prover made itself, since a proof on points of the caller's choice answers "is d = k·c?".
    """
    nonce = prf_scalar(nonce_key, "dleq-nonce", entropy(32), context, a, b, c, d)
    challenge = _equal_challenge(context, a, b, c, d, group.mul(nonce, a), group.mul(nonce, c))
    return DleqProof(challenge, scalar_sub(nonce, scalar_mul(challenge, k)))


def verify_equal(proof: DleqProof, a: bytes, b: bytes, c: bytes, d: bytes, context: bytes) -> None:
    """Raise `ProofInvalid` unless the proof holds and all four points are canonical and not the identity."""
    try:
        first = group.add(group.mul(proof.s, a), group.mul(proof.c, b))
        second = group.add(group.mul(proof.s, c), group.mul(proof.c, d))
    except PointInvalid as wrong:
        raise ProofInvalid() from wrong
    if _equal_challenge(context, a, b, c, d, first, second) != proof.c:
        raise ProofInvalid()


def prove_knowledge(
    k: Scalar, v: bytes, context: bytes, nonce_key: bytes, entropy: Entropy
) -> KnowledgeProof:
    """Prove knowledge of k with v = k·G. Not checked: that v is k·G."""
    nonce = prf_scalar(nonce_key, "knowledge-nonce", entropy(32), context, v)
    challenge = hash_to_scalar("knowledge", context, v, group.mul_base(nonce))
    return KnowledgeProof(challenge, scalar_sub(nonce, scalar_mul(challenge, k)))


def verify_knowledge(proof: KnowledgeProof, v: bytes, context: bytes) -> None:
    """Raise `ProofInvalid` unless the proof holds and v is canonical and not the identity."""
    try:
        commitment = group.add(group.mul_base(proof.s), group.mul(proof.c, v))
    except PointInvalid as wrong:
        raise ProofInvalid() from wrong
    if hash_to_scalar("knowledge", context, v, commitment) != proof.c:
        raise ProofInvalid()


def weights(fresh: bytes, *transcript: bytes, count: int) -> list[Scalar]:
    """`count` weights of 128 bits for one linear check: blocks of SHA-512(seed ‖ j), seed over `fresh` and
    transcript.

    `fresh` is 32 bytes the verifier draws after everything in the transcript is fixed. The seed covers the
    whole batch: weights that depend on their own pair only, as in RFC 9497, fall to a generalised-birthday
    search in large batches. Not checked: that `fresh` is fresh.
    """
    if len(fresh) != 32:
        raise ScalarInvalid(length=len(fresh))
    seed = hashlib.sha512(fresh + framed("weights", *transcript)).digest()
    blocks = b"".join(hashlib.sha512(seed + j.to_bytes(4, "big")).digest() for j in range(-(-count // 4)))
    return [Scalar(blocks[at : at + 16] + bytes(16)) for at in range(0, 16 * count, 16)]


def _equal_challenge(context: bytes, *points: bytes) -> Scalar:
    return hash_to_scalar("dleq", context, *points)
