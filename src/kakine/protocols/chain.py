"""The chain of converters (spec/lcx.md section 5): blind, hop, unmask. Pure; nothing here knows a network or a clock.

    Q_j  = ρ_{0,j} · Π ρ_i · core_A(u_j)            requester; ρ_0 from a sealed seed, ρ_i shared with converter i
    f_i  = (s_{X,i} / s_{A,i}) · μ_{i,X} / ρ_i      converter i, once for each leg X: record keepers, then recipient
    core_X(u_j) = (ρ_{0,j} · Π μ_{i,X})⁻¹ · out_j   recipient X

All legs start from the same Q: that is what binds the records to the person who is asked about.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.crypto.group import Scalar, group, inv_each, prf_scalar, scalar_inv, scalar_mul
from kakine.values.codes import BlindedVector, CodeVector, MaskedVector


def blind_share(key: bytes, batch: bytes) -> Scalar:
    """ρ_i of one batch, known to the requester and converter i, who share `key`."""
    return prf_scalar(key, "blind", batch)


def release_value(release_key: bytes, request: bytes) -> bytes:
    """w_i = HMAC-SHA-256(κ_i, hR): what the recipient lacks until the record is filed. 32 bytes."""
    return hmac.digest(release_key, request, "sha256")


def recipient_mask(key: bytes, request: bytes, release: bytes) -> Scalar:
    """μ_{i,B}: needs w_i besides the key that converter i shares with the recipient."""
    return prf_scalar(key, "mask", request, release)


def keeper_mask(key: bytes, request: bytes) -> Scalar:
    """μ_{i,P}: the record keeper can take it off at once."""
    return prf_scalar(key, "mask", request)


def person_blind(seed: bytes, position: int) -> Scalar:
    """ρ_0 of the person at `position` of a batch."""
    return prf_scalar(seed, "rho", position.to_bytes(4, "big"))


def blind(codes: CodeVector, seed: bytes, batch: bytes, keys: Sequence[bytes]) -> BlindedVector:
    """Q of a batch. `keys` are the requester's with the converters, in chain order; `seed` 32 fresh bytes."""
    shared = scalar_mul(*(blind_share(key, batch) for key in keys))
    scalars = [scalar_mul(person_blind(seed, j), shared) for j in range(codes.size)]
    return BlindedVector(group.mul_pairs(scalars, codes))


@dataclass(frozen=True)
class EndKeys:
    """What one converter holds for the end of one leg: its share of the domain, and the key it shares with it."""

    share: Scalar
    key: bytes


@dataclass(frozen=True)
class HopKeys:
    """What one converter holds for one link. `recipient` is None where the record keepers are the only ends."""

    requester: EndKeys
    keepers: Sequence[EndKeys]
    recipient: EndKeys | None


def factors(keys: HopKeys, request: bytes, batch: bytes, release: bytes) -> list[Scalar]:
    """f_i of each leg in order. One inversion serves all."""
    base = scalar_inv(scalar_mul(keys.requester.share, blind_share(keys.requester.key, batch)))
    made = [scalar_mul(end.share, keeper_mask(end.key, request), base) for end in keys.keepers]
    if keys.recipient is not None:
        mask = recipient_mask(keys.recipient.key, request, release)
        made.append(scalar_mul(keys.recipient.share, mask, base))
    return made


def unmask(points: MaskedVector, seed: bytes, masks: Sequence[Scalar]) -> CodeVector:
    """The codes of the recipient whose masks these are. A wrong mask, seed or point gives a value that is no code;
    nothing here can tell, the table of valid codes does."""
    shared = scalar_mul(*masks)
    scalars = [scalar_mul(person_blind(seed, j), shared) for j in range(points.size)]
    return CodeVector(group.mul_pairs(inv_each(scalars), points))


def unblind(points: MaskedVector, seed: bytes) -> CodeVector:
    """The requester's own codes after a re-key, which masks nothing: only ρ_0 is left to take off."""
    scalars = [person_blind(seed, j) for j in range(points.size)]
    return CodeVector(group.mul_pairs(inv_each(scalars), points))
