"""A15: weights that depend on their own pair only (the shape of RFC 9497 section 2.2.1) let a prover forge a whole
batch with a k-list birthday search (Wagner 2002); weights over the whole batch and fresh randomness do not.

The group is a toy: the squares modulo a safe prime of 48 bits, written multiplicatively. The forger's work grows with
2^(bits/5) here; for 252 bits and 1,024 items it is about 2^23 by the same search.
"""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from kakine.crypto.group import Scalar, group
from kakine.protocols.linear_check import Transcript, draw_weights, weight_seed

Q = 140737488355781
P = 2 * Q + 1
ITEMS, LISTS, SIZE = 64, 16, 1 << 11


def is_prime(n: int) -> bool:
    """Miller-Rabin with the bases that decide below 3.3·10^24."""
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41):
        x = pow(base, d, n)
        if x in (1, n - 1) or base % n == 0:
            continue
        if all((x := x * x % n) != n - 1 for _ in range(s - 1)):
            return False
    return True


@dataclass(frozen=True)
class Batch:
    """Inputs C and claimed outputs D."""

    inputs: Sequence[int]
    outputs: Sequence[int]


def own_weight(seed: bytes, j: int, c: int, d: int) -> int:
    """RFC 9497: d_j = H(seed, j, C_j, D_j), and nothing of the other items."""
    data = seed + j.to_bytes(4, "big") + c.to_bytes(8, "big") + d.to_bytes(8, "big")
    return int.from_bytes(hashlib.sha512(data).digest(), "big") % Q


def per_item(batch: Batch, fresh: bytes) -> list[int]:
    seed = b"public key of the prover"
    return [
        own_weight(seed, j, c, d) for j, (c, d) in enumerate(zip(batch.inputs, batch.outputs, strict=True))
    ]


def whole_batch(batch: Batch, fresh: bytes) -> list[int]:
    """Ours: the functions of the real check, over the batch in their place for points."""
    points = [b"".join(value.to_bytes(32, "big") for value in side) for side in (batch.inputs, batch.outputs)]
    seed = weight_seed(Transcript(b"r" * 32, points[0], [points[1]], []), fresh)
    return [int.from_bytes(weight, "little") % Q for weight in draw_weights(seed, len(batch.inputs))]


def accepts(batch: Batch, weights: Sequence[int], key: int) -> bool:
    """What the verifier of the combined proof sees: whether the combination of the outputs is the combination of the
    inputs to the key, which is when an honest proof can be made."""
    left, right = 1, 1
    for weight, c, d in zip(weights, batch.inputs, batch.outputs, strict=True):
        left, right = left * pow(c, weight, P) % P, right * pow(d, weight, P) % P
    return pow(left, key, P) == right


Sum = tuple[int, tuple[int, ...]]


def merged(first: list[Sum], second: list[Sum], window: int) -> list[Sum]:
    """Pairs whose sum modulo Q is within `window` of zero, with the choices that make them."""
    second = sorted(second)
    keys, out = [value for value, _ in second], []
    for value, choice in first:
        for target in ((-value) % Q, (-value) % Q - Q, (-value) % Q + Q):
            low, high = bisect_left(keys, target - window), bisect_right(keys, target + window)
            for at in range(low, high):
                total = (value + keys[at] + Q // 2) % Q - Q // 2
                out.append((total % Q, choice + second[at][1]))
    return out


def forged(key: int, dice: random.Random, weight_of) -> tuple[Batch, list[int]]:  # type: ignore[no-untyped-def]
    """A batch in which every output is wrong by a known power e_j of 4 and Σ d_j·e_j = 0.

    All but `LISTS` items are fixed first; of each of the others many e_j are tried, and one of each is picked by
    halving the window of the partial sums at every level of a tree.
    """
    inputs = [pow(4, dice.randrange(1, Q), P) for _ in range(ITEMS)]
    honest = [pow(c, key, P) for c in inputs]
    errors = [dice.randrange(1, Q) for _ in range(ITEMS)]
    outputs = [d * pow(4, e, P) % P for d, e in zip(honest, errors, strict=True)]
    fixed = sum(weight_of(j, inputs[j], outputs[j]) * errors[j] for j in range(LISTS, ITEMS)) % Q
    lists: list[list[Sum]] = []
    for j in range(LISTS):
        start = fixed if j == 0 else 0
        tried = [dice.randrange(1, Q) for _ in range(SIZE)]
        lists.append(
            [((start + weight_of(j, inputs[j], honest[j] * pow(4, e, P) % P) * e) % Q, (e,)) for e in tried]
        )
    window = Q // 2
    while len(lists) > 1:
        window = window * 2 // SIZE if len(lists) > 2 else 0
        lists = [merged(a, b, window)[: 4 * SIZE] for a, b in zip(lists[::2], lists[1::2], strict=True)]
    chosen = lists[0][0][1]
    for j, e in enumerate(chosen):
        errors[j], outputs[j] = e, honest[j] * pow(4, e, P) % P
    return Batch(inputs, outputs), errors


@pytest.fixture(scope="module")
def forgery() -> tuple[Batch, int]:
    dice = random.Random(9497)
    key = dice.randrange(1, Q)
    batch, errors = forged(key, dice, lambda j, c, d: own_weight(b"public key of the prover", j, c, d))
    assert all(e % Q for e in errors)
    return batch, key


def test_the_toy_group_is_one(forgery: tuple[Batch, int]) -> None:
    assert is_prime(Q)
    assert is_prime(P)
    assert all(pow(value, Q, P) == 1 for value in forgery[0].inputs)


def test_weights_of_their_own_pair_only_accept_a_batch_that_is_all_wrong(forgery: tuple[Batch, int]) -> None:
    batch, key = forgery
    wrong = [d != pow(c, key, P) for c, d in zip(batch.inputs, batch.outputs, strict=True)]
    assert all(wrong)
    assert accepts(batch, per_item(batch, b""), key)


def test_weights_over_the_whole_batch_and_fresh_bytes_reject_the_same_batch(
    forgery: tuple[Batch, int],
) -> None:
    batch, key = forgery
    right = Batch(batch.inputs, [pow(c, key, P) for c in batch.inputs])
    for n in range(20):
        fresh = n.to_bytes(32, "big")
        assert not accepts(batch, whole_batch(batch, fresh), key)
        assert accepts(right, whole_batch(right, fresh), key)


def points(count: int, mark: bytes) -> bytes:
    return b"".join(group.hash_to_group(mark + bytes([j])) for j in range(count))


def drawn(fresh: bytes, **changed: object) -> list[Scalar]:
    plain: dict[str, object] = {
        "request": bytes(32),
        "blinded": points(4, b"q"),
        "outs": [points(4, b"p"), points(4, b"r"), points(4, b"b")],
        "factors": [[points(1, b"f"), points(1, b"g"), points(1, b"h")]] * 2,
    }
    return draw_weights(weight_seed(Transcript(**{**plain, **changed}), fresh), 4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request", bytes(31) + b"\1"),
        ("blinded", points(3, b"q") + points(1, b"x")),
        ("outs", [points(3, b"p") + points(1, b"x"), points(4, b"r"), points(4, b"b")]),
        ("outs", [points(4, b"p"), points(3, b"r") + points(1, b"x"), points(4, b"b")]),
        ("outs", [points(4, b"p"), points(4, b"r"), points(3, b"b") + points(1, b"x")]),
        ("outs", [points(4, b"r"), points(4, b"p"), points(4, b"b")]),
        ("factors", [[points(1, b"x"), points(1, b"g"), points(1, b"h")]] * 2),
        ("factors", [[points(1, b"f"), points(1, b"x"), points(1, b"h")]] * 2),
        ("factors", [[points(1, b"f"), points(1, b"g"), points(1, b"x")]] * 2),
    ],
)
def test_every_weight_changes_with_anything_in_the_transcript(field: str, value: object) -> None:
    """A forger who varies one item draws all weights anew, so lists cannot be built item by item."""
    before, after = drawn(bytes(32)), drawn(bytes(32), **{field: value})
    assert all(a != b for a, b in zip(before, after, strict=True))


def test_every_weight_changes_with_the_verifiers_own_bytes() -> None:
    """A forger cannot even try one batch before it is fixed."""
    assert not set(drawn(bytes(32))) & set(drawn(bytes(31) + b"\1"))
