"""RFC 9497 (OPRF, VOPRF, POPRF) for ristretto255-SHA512, over `crypto.group`, with its exact transcript.

Kakine does not run this protocol: it judges the group, hashing to it and the proof equation from outside.
"""

from __future__ import annotations

import hashlib

from kakine.crypto.group import (
    Scalar,
    expand_message,
    group,
    scalar_add,
    scalar_from_wide,
    scalar_inv,
    scalar_mul,
    scalar_sub,
)
from kakine.values.problems import ProofInvalid

OPRF, VOPRF, POPRF = 0, 1, 2
G = group.mul_base(Scalar((1).to_bytes(32, "little")))


def sized(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


class Suite:
    """One mode; the names of the methods are those of the RFC."""

    def __init__(self, mode: int) -> None:
        self.context = b"OPRFV1-" + bytes([mode]) + b"-ristretto255-SHA512"

    def hash_to_scalar(self, data: bytes, name: bytes = b"HashToScalar-") -> Scalar:
        return scalar_from_wide(expand_message(data, name + self.context, 64))

    def derive_key(self, seed: bytes, info: bytes) -> Scalar:
        return self.hash_to_scalar(seed + sized(info) + b"\0", b"DeriveKeyPair")

    def blind(self, data: bytes, blind: Scalar) -> bytes:
        return group.mul(blind, group.hash_to_group(data, b"HashToGroup-" + self.context))

    def finalize(self, data: bytes, blind: Scalar, evaluated: bytes, *info: bytes) -> bytes:
        opened = group.mul(scalar_inv(blind), evaluated)
        return hashlib.sha512(sized(data, *info, opened) + b"Finalize").digest()

    def tweak(self, info: bytes) -> Scalar:
        return self.hash_to_scalar(b"Info" + sized(info))

    def composites(self, public: bytes, left: list[bytes], right: list[bytes]) -> tuple[bytes, bytes]:
        seed = hashlib.sha512(sized(public, b"Seed-" + self.context)).digest()
        weights = [
            self.hash_to_scalar(sized(seed) + i.to_bytes(2, "big") + sized(c, d) + b"Composite")
            for i, (c, d) in enumerate(zip(left, right, strict=True))
        ]
        return group.combine(weights, b"".join(left)), group.combine(weights, b"".join(right))

    def challenge(self, *points: bytes) -> Scalar:
        return self.hash_to_scalar(sized(*points) + b"Challenge")

    def generate_proof(self, k: Scalar, left: list[bytes], right: list[bytes], nonce: Scalar) -> bytes:
        public = group.mul_base(k)
        m, z = self.composites(public, left, right)
        c = self.challenge(public, m, z, group.mul_base(nonce), group.mul(nonce, m))
        return bytes(c) + bytes(scalar_sub(nonce, scalar_mul(c, k)))

    def verify_proof(self, public: bytes, left: list[bytes], right: list[bytes], proof: bytes) -> None:
        c, s = Scalar(proof[:32]), Scalar(proof[32:])
        m, z = self.composites(public, left, right)
        t2 = group.add(group.mul_base(s), group.mul(c, public))
        t3 = group.add(group.mul(s, m), group.mul(c, z))
        if self.challenge(public, m, z, t2, t3) != c:
            raise ProofInvalid()

    def tweaked(self, secret: Scalar, info: bytes) -> Scalar:
        return scalar_add(secret, self.tweak(info))
