"""The algebra of the chain, over random shares, people and sizes, with any number of converters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kakine.crypto.group import (
    ORDER,
    Scalar,
    group,
    inv_each,
    random_scalar,
    scalar_inv,
    scalar_mul,
)
from kakine.crypto.proofs import DleqProof, prove_equal, verify_equal
from kakine.crypto.wrapping import WrapKey
from kakine.protocols.chain import (
    EndKeys,
    HopKeys,
    blind,
    blind_share,
    factors,
    keeper_mask,
    person_blind,
    recipient_mask,
    release_value,
    unblind,
    unmask,
)
from kakine.protocols.linear_check import combination, draw_weights
from kakine.values.codes import Code, CodeVector, MaskedVector
from kakine.values.problems import ProofInvalid, WrappedCodeInvalid

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZES, CONVERTERS, KEEPERS = st.integers(1, 8), st.integers(1, 5), st.integers(1, 3)
SEEDS = st.binary(min_size=8, max_size=8)


@dataclass
class Draw:
    """Bytes that follow from a seed."""

    seed: bytes
    calls: int = 0

    def __call__(self, length: int) -> bytes:
        self.calls += 1
        return hashlib.shake_256(self.seed + self.calls.to_bytes(4, "big")).digest(length)


@dataclass(frozen=True)
class Site:
    """A domain: each converter's share and the key shared with it."""

    shares: Sequence[Scalar]
    keys: Sequence[bytes]

    def end(self, i: int) -> EndKeys:
        return EndKeys(self.shares[i], self.keys[i])

    def code(self, point: bytes) -> Code:
        return Code(group.mul(scalar_mul(*self.shares), point))

    def codes(self, people: Sequence[bytes]) -> CodeVector:
        return CodeVector.of(self.code(point) for point in people)


def site(draw: Draw, n: int) -> Site:
    return Site([random_scalar(draw) for _ in range(n)], [draw(32) for _ in range(n)])


def people(draw: Draw, m: int) -> list[bytes]:
    return [group.hash_to_group(draw(32)) for _ in range(m)]


@dataclass(frozen=True)
class Run:
    """One batch on its way; `release` are the converters' release keys, `order` the one they multiply in."""

    request: bytes
    batch: bytes
    seed: bytes
    release: Sequence[bytes]
    order: Sequence[int]

    def out(self, asker: Site, to: Site, keepers: Sequence[Site], codes: CodeVector) -> list[bytes]:
        """Q, then every leg: the record keepers', the recipient's."""
        points = bytes(blind(codes, self.seed, self.batch, asker.keys))
        return [points, *self.through(asker, to, keepers, points)]

    def through(self, asker: Site, to: Site, keepers: Sequence[Site], points: bytes) -> list[bytes]:
        legs = [points] * (len(keepers) + 1)
        for i in self.order:
            keys = HopKeys(asker.end(i), [keeper.end(i) for keeper in keepers], to.end(i))
            made = factors(keys, self.request, self.batch, release_value(self.release[i], self.request))
            legs = [group.mul_each(factor, leg) for factor, leg in zip(made, legs, strict=True)]
        return legs

    def masks(self, to: Site) -> list[Scalar]:
        return [
            recipient_mask(key, self.request, release_value(self.release[i], self.request))
            for i, key in enumerate(to.keys)
        ]

    def opened(
        self, asker: Site, to: Site, keepers: Sequence[Site], codes: CodeVector
    ) -> tuple[CodeVector, list[CodeVector]]:
        """The recipient's codes, and every record keeper's."""
        _, *legs, last = self.out(asker, to, keepers, codes)
        masks = [[keeper_mask(key, self.request) for key in keeper.keys] for keeper in keepers]
        kept = [unmask(MaskedVector(leg), self.seed, own) for leg, own in zip(legs, masks, strict=True)]
        return unmask(MaskedVector(last), self.seed, self.masks(to)), kept


def run_of(draw: Draw, n: int) -> Run:
    return Run(draw(32), draw(16), draw(32), [draw(32) for _ in range(n)], list(range(n)))


@FEW
@given(SEEDS, CONVERTERS, KEEPERS, SIZES, st.randoms(use_true_random=False))
def test_p1_a_chain_in_any_order_gives_every_recipient_its_own_codes(seed, n, k, m, dice) -> None:  # type: ignore[no-untyped-def]
    draw = Draw(seed)
    a, b, p, who = site(draw, n), site(draw, n), [site(draw, n) for _ in range(k)], people(draw, m)
    order = list(range(n))
    dice.shuffle(order)
    run = replace(run_of(draw, n), order=order)
    assert run.opened(a, b, p, a.codes(who)) == (b.codes(who), [each.codes(who) for each in p])


@FEW
@given(SEEDS, CONVERTERS, SIZES)
def test_p2_there_and_back_is_nothing_and_a_detour_is_the_straight_way(seed: bytes, n: int, m: int) -> None:
    draw = Draw(seed)
    a, b, d, q, who = *(site(draw, n) for _ in range(4)), people(draw, m)
    p = [q, site(draw, n)]
    there, _ = run_of(draw, n).opened(a, b, p, a.codes(who))
    back, _ = run_of(draw, n).opened(b, a, p, there)
    assert back == a.codes(who)
    detour, _ = run_of(draw, n).opened(b, d, p, there)
    straight, _ = run_of(draw, n).opened(a, d, p, a.codes(who))
    assert detour == straight


@FEW
@given(SEEDS, CONVERTERS)
def test_p3_the_opened_code_does_not_hang_on_masks_and_one_wrong_mask_opens_none(seed: bytes, n: int) -> None:
    draw = Draw(seed)
    a, b, who = site(draw, n), site(draw, n), people(draw, 2)
    p = [site(draw, n), site(draw, n)]
    runs = [run_of(draw, n) for _ in range(2)]
    outs = [run.out(a, b, p, a.codes(who)) for run in runs]
    assert outs[0][-1] != outs[1][-1]
    for run, (*_, first) in zip(runs, outs, strict=True):
        masks = run.masks(b)
        assert unmask(MaskedVector(first), run.seed, masks) == b.codes(who)
        for i in range(n):
            wrong = [*masks[:i], random_scalar(draw), *masks[i + 1 :]]
            opened = unmask(MaskedVector(first), run.seed, wrong)
            assert not {opened.item(j) for j in range(2)} & {b.code(x) for x in who}


@FEW
@given(SEEDS, SIZES)
def test_p4_a_combination_of_inputs_comes_out_as_the_combination_of_outputs(seed: bytes, m: int) -> None:
    draw = Draw(seed)
    a, b, who = site(draw, 3), site(draw, 3), people(draw, m)
    p = [site(draw, 3), site(draw, 3)]
    run = run_of(draw, 3)
    points, *legs = run.out(a, b, p, a.codes(who))
    drawn = draw_weights(draw(32), m)
    assert run.through(a, b, p, combination(drawn, points)) == [combination(drawn, leg) for leg in legs]


@FEW
@given(SEEDS, SIZES)
def test_p5_refreshed_shares_change_no_code(seed: bytes, m: int) -> None:
    """Two converters move a factor between them in every domain: weekly, and nobody notices."""
    draw = Draw(seed)
    who, delta = people(draw, m), random_scalar(draw)

    def refreshed(old: Site) -> Site:
        shares = [
            scalar_mul(old.shares[0], delta),
            scalar_mul(old.shares[1], scalar_inv(delta)),
            old.shares[2],
        ]
        return replace(old, shares=shares)

    a, b, *p = (site(draw, 3) for _ in range(4))
    run = run_of(draw, 3)
    assert refreshed(b).codes(who) == b.codes(who)
    after = run.opened(refreshed(a), refreshed(b), [refreshed(each) for each in p], a.codes(who))
    assert after == (b.codes(who), [each.codes(who) for each in p])


@FEW
@given(SEEDS, CONVERTERS, SIZES)
def test_p5_a_rekeyed_code_converts_to_the_same_as_before(seed: bytes, n: int, m: int) -> None:
    draw = Draw(seed)
    a, new, b, q, who = *(site(draw, n) for _ in range(4)), people(draw, m)
    p = [q, site(draw, n)]
    batch, own = draw(16), draw(32)
    points = bytes(blind(a.codes(who), own, batch, a.keys))
    for i in range(n):
        down = scalar_inv(scalar_mul(a.shares[i], blind_share(a.keys[i], batch)))
        points = group.mul_each(scalar_mul(new.shares[i], down), points)
    moved = unblind(MaskedVector(points), own)
    assert moved == new.codes(who)
    assert run_of(draw, n).opened(new, b, p, moved) == (b.codes(who), [each.codes(who) for each in p])


@FEW
@given(SEEDS)
def test_p7_a_wrapped_code_comes_back_only_in_its_own_domain(seed: bytes) -> None:
    draw = Draw(seed)
    code, key, other = Code(people(draw, 1)[0]), WrapKey(draw(64)), WrapKey(draw(64))
    token = key.wrap(code, "a/b")
    assert key.unwrap(token, "a/b") == code
    assert key.wrap(code, "a/b") == token
    assert token not in (key.wrap(code, "a/c"), other.wrap(code, "a/b"))
    for opener, domain in ((key, "a/c"), (other, "a/b")):
        with pytest.raises(WrappedCodeInvalid):
            opener.unwrap(token, domain)


@FEW
@given(SEEDS, st.integers(1, 64))
def test_p8_a_batch_is_its_singles(seed: bytes, m: int) -> None:
    draw = Draw(seed)
    a, own, batch = site(draw, 3), draw(32), draw(16)
    codes = a.codes(people(draw, m))
    together = blind(codes, own, batch, a.keys)
    shared = scalar_mul(*(blind_share(key, batch) for key in a.keys))
    apart = [group.mul(scalar_mul(person_blind(own, j), shared), codes.item(j)) for j in range(m)]
    assert bytes(together) == b"".join(apart)
    factor = random_scalar(draw)
    assert group.mul_each(factor, together) == b"".join(group.mul(factor, point) for point in apart)
    scalars = [random_scalar(draw) for _ in range(m)]
    assert inv_each(scalars) == [scalar_inv(scalar) for scalar in scalars]


@FEW
@given(SEEDS, st.integers(0, 64 * 8 - 1), st.integers(0, 3), st.integers(0, 255))
def test_p9_a_proof_holds_for_its_own_statement_and_no_bit_of_it_may_differ(
    seed: bytes, bit: int, which: int, place: int
) -> None:
    draw = Draw(seed)
    key, generator = random_scalar(draw), people(draw, 2)
    statement = [generator[0], group.mul(key, generator[0]), generator[1], group.mul(key, generator[1])]
    proof = prove_equal(key, *statement, b"context", draw(32), draw)
    verify_equal(proof, *statement, b"context")
    encoded = proof.encode()
    flipped = bytearray(encoded)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofInvalid):
        verify_equal(DleqProof.decode(bytes(flipped)), *statement, b"context")
    changed = bytearray(statement[which])
    changed[place // 8] ^= 1 << place % 8
    wrong = [bytes(changed) if i == which else point for i, point in enumerate(statement)]
    with pytest.raises(ProofInvalid):
        verify_equal(proof, *wrong, b"context")
    with pytest.raises(ProofInvalid):
        verify_equal(proof, *statement, b"contexT")
    larger = (int.from_bytes(encoded[32:], "little") + ORDER).to_bytes(33, "little")
    if larger[32] == 0:
        with pytest.raises(ProofInvalid):
            DleqProof.decode(encoded[:32] + larger[:32])


@FEW
@given(SEEDS, st.integers(2, ORDER - 1))
def test_p11_what_converters_see_fits_every_person_alike(seed: bytes, ratio: int) -> None:
    """Exact blindness, for points of known ratio c: Q of (w, ρ) is Q of (u, c·ρ), and everything a converter computes
    follows from Q. So no view says which of the two it was."""
    draw = Draw(seed)
    a, b, *p = (site(draw, 3) for _ in range(4))
    (u,), c, rho = people(draw, 1), Scalar(ratio.to_bytes(32, "little")), random_scalar(draw)
    w = group.mul(c, u)
    run = run_of(draw, 3)
    of_w, of_u = group.mul(rho, a.code(w)), group.mul(scalar_mul(c, rho), a.code(u))
    assert a.code(w) != a.code(u)
    assert of_w == of_u
    assert run.through(a, b, p, of_w) == run.through(a, b, p, of_u)
