"""A1, A2: conversion is linear, so A could ask about c·code or code + code'. The table of codes has neither."""

from __future__ import annotations

import pytest

from attacks.insider import filings, log_size, rewritten, scalar
from kakine.crypto.group import group
from kakine.values.problems import RecordRefused
from kakine.wire.request import Mode

from land import CHILDREN, TAX, Land, person

CHOSEN = 0xC0FFEE


def refused(land: Land, codes: list[bytes], mode: Mode = Mode.S0) -> list[int]:
    """The positions refused, after nothing at all was kept, logged or given out."""
    before = filings(land), log_size(land)
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish(codes, mode)))
    with pytest.raises(RecordRefused) as refusal:
        land.run(requester.convert(prepared))
    assert (filings(land), log_size(land)) == before
    indexes = refusal.value.facts["indexes"]
    assert isinstance(indexes, list)
    return indexes


@pytest.mark.parametrize("mode", list(Mode))
def test_a_scaled_code_is_refused(shared_land: Land, mode: Mode) -> None:
    """A1: c·code for a factor A chose would come out as c·code at B, who could divide."""
    scaled = group.mul(scalar(CHOSEN), shared_land.code(CHILDREN, 0))
    assert refused(shared_land, [scaled], mode) == [0]


def test_the_negative_of_a_code_is_refused(shared_land: Land) -> None:
    """A1: the factor -1 is a factor too."""
    negative = group.mul(scalar(-1), shared_land.code(CHILDREN, 0))
    assert refused(shared_land, [negative]) == [0]


def test_a_factor_that_the_blinding_shares_would_hide_is_refused(shared_land: Land) -> None:
    """A1: A blinds with other scalars than the seed says, so that the record keeper unblinds to c·code."""
    requester = shared_land.requester()
    plain = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    crooked = rewritten(shared_land, plain, blinded=group.mul(scalar(CHOSEN), plain.blinded))
    with pytest.raises(RecordRefused):
        shared_land.run(requester.convert(crooked))


@pytest.mark.parametrize("combine", [group.add, group.sub], ids=["sum", "difference"])
def test_a_combination_of_two_codes_is_refused(shared_land: Land, combine: object) -> None:
    """A2: B, who gets code + code', could look for the pair among its own codes; no record would be anybody's."""
    assert callable(combine)
    both = combine(shared_land.code(CHILDREN, 0), shared_land.code(CHILDREN, 1))
    assert refused(shared_land, [both]) == [0]


def test_one_bad_code_stops_the_whole_batch(shared_land: Land) -> None:
    """A1: hiding a scaled code among good ones converts none of them."""
    good = [shared_land.code(CHILDREN, j) for j in range(2)]
    scaled = group.mul(scalar(CHOSEN), good[0])
    assert refused(shared_land, [good[0], scaled, good[1]]) == [1]


def test_two_halves_of_one_code_do_not_pass(shared_land: Land) -> None:
    """A2: P and code - P for any P are two unknown points, both refused."""
    part = group.hash_to_group(b"any point")
    rest = group.sub(shared_land.code(CHILDREN, 0), part)
    assert refused(shared_land, [part, rest]) == [0, 1]


def test_one_person_cannot_be_both_halves_of_a_pair(shared_land: Land) -> None:
    """A2: where places of a batch belong together, one code in two places is refused (here: ended twice)."""
    before = filings(shared_land)
    with pytest.raises(RecordRefused):
        shared_land.run(shared_land.country.registry.codes.retire([person(3), person(3)]))
    assert filings(shared_land) == before


def test_a_code_of_another_domain_is_refused(shared_land: Land) -> None:
    """A2: the tax office's codes, asked about by the children's desk of the same town, are nobody's."""
    assert refused(shared_land, [shared_land.code(TAX, 0)]) == [0]
