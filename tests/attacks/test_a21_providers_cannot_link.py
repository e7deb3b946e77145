"""A21: two providers and any two converters cannot link what A asked both about.

The providers know the seed of A's blinding, the converters Q and their own share of the blinding. Without the share of
the third converter, what they can compute of one person is different in every batch.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from attacks.insider import mask_keys, office_of
from kakine.crypto.group import Scalar, group, inv_each, prf_scalar, scalar_inv, scalar_mul
from kakine.parties.converter.keys import share_of
from kakine.protocols.chain import blind_share
from kakine.values.labels import DomainName
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.request import Payload, RecordPart

from land import CHILDREN, KOSEKI, RESIDENTS, TAX, Land

PEOPLE = 4
ONE = Scalar((1).to_bytes(32, "little"))


def asked(land: Land, recipient: DomainName, row: str) -> Prepared:
    """A asks one provider about all people; really converted and answered."""
    requester = land.requester()
    codes = [land.code(CHILDREN, j) for j in range(PEOPLE)]
    prepared = land.run(requester.prepare(land.wish(codes, recipient=recipient, rows=(row,))))
    land.run(requester.convert(prepared))
    return prepared


@pytest.fixture(scope="module")
def both(shared_land: Land) -> tuple[Prepared, Prepared]:
    """The same people, asked of the tax office and of the family register."""
    return asked(shared_land, TAX, "JO106.2"), asked(shared_land, KOSEKI, "JO106.1")


def unblinded(land: Land, prepared: Prepared, converters: tuple[int, ...]) -> list[bytes]:
    """Q with everything taken off that a provider (the seed) and these converters (their shares) know."""
    payload, batch = decode(prepared.payload, Payload), decode(prepared.record, RecordPart).batch
    keys = mask_keys(land)
    known = scalar_mul(ONE, *(blind_share(keys[i - 1], batch) for i in converters))
    own = [prf_scalar(payload.seed, "rho", j.to_bytes(4, "big")) for j in range(PEOPLE)]
    points = group.mul_pairs(inv_each([scalar_mul(each, known) for each in own]), prepared.blinded)
    return [points[at : at + 32] for at in range(0, len(points), 32)]


@pytest.mark.parametrize("who", [(), (1,), (2,), (3,), *combinations((1, 2, 3), 2)], ids=str)
def test_two_providers_and_two_converters_cannot_link(
    shared_land: Land, both: tuple[Prepared, Prepared], who: tuple[int, ...]
) -> None:
    """A21: no value of one batch comes up in the other."""
    first, second = (unblinded(shared_land, each, who) for each in both)
    assert not set(first) & set(second)


def test_with_all_three_converters_they_can(shared_land: Land, both: tuple[Prepared, Prepared]) -> None:
    """A21: the same computation with the third share gives A's own codes in both batches: it is that share alone that
    keeps them apart, and the tests above could fail."""
    first, second = (unblinded(shared_land, each, (1, 2, 3)) for each in both)
    assert first == second == [bytes(shared_land.code(CHILDREN, j)) for j in range(PEOPLE)]


def shares(land: Land, domain: DomainName, who: tuple[int, ...]) -> Scalar:
    """The product of these converters' shares of a domain."""
    return scalar_mul(ONE, *(share_of(office_of(land, i), domain, 1)[0] for i in who))


def linked(land: Land, who: tuple[int, ...]) -> list[bool]:
    """Whether these converters turn the children's desk's codes into the tax office's."""
    factor = scalar_mul(shares(land, TAX, who), scalar_inv(shares(land, CHILDREN, who)))
    return [group.mul(factor, land.code(CHILDREN, j)) == bytes(land.code(TAX, j)) for j in range(PEOPLE)]


@pytest.mark.parametrize("who", list(combinations((1, 2, 3), 2)), ids=str)
def test_two_converters_cannot_convert_past_the_record(shared_land: Land, who: tuple[int, ...]) -> None:
    """A21: with both agencies' plain codes in hand, two converters' shares do not lead from one to the other."""
    assert linked(shared_land, who) == [False] * PEOPLE


def test_three_converters_and_the_agencies_can(shared_land: Land) -> None:
    """A21: the limit of the design, stated: all converters with both agencies' live keys."""
    assert linked(shared_land, (1, 2, 3)) == [True] * PEOPLE


def test_two_domains_of_one_agency_do_not_share_codes(shared_land: Land) -> None:
    """A21: the town's children's desk and tax office hold different codes of each person, and no equal ones."""
    desk = {bytes(shared_land.code(CHILDREN, j)) for j in range(PEOPLE)}
    office = {bytes(shared_land.code(TAX, j)) for j in range(PEOPLE)}
    assert not desk & office
    assert RESIDENTS not in shared_land.domains


def test_no_two_requests_show_equal_points(shared_land: Land, both: tuple[Prepared, Prepared]) -> None:
    """A21: what goes over the road is different for every person and request."""
    points = [
        part for each in both for part in (each.blinded[at : at + 32] for at in range(0, 32 * PEOPLE, 32))
    ]
    assert len(set(points)) == 2 * PEOPLE
