"""A question of a case that is broken off at any place: asked once, and its answer arrives or is known not to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk_land import DeskLand, desk_of
from kakine.parties.gateway.desk import case_store, cases, inquiries
from kakine.parties.gateway.desk.case_store import Inquiry, Step
from kakine.runtime import codebook
from kakine.values.problems import PartyUnavailable

from land import TAX, Land


@pytest.fixture
def land(tmp_path: Path) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path / "land") as founded:
        yield founded


def failing(land: DeskLand, path: str) -> Any:
    """The road of Yokohama's gateway, on which calls of this kind do not arrive until it is mended."""
    peers = land.land.yokohama.office.seat.peers
    ask = peers.ask

    async def broken(to: Any, call: Any, message: Any) -> Any:
        if call.path.endswith(path):
            raise PartyUnavailable(party=str(to))
        return await ask(to, call, message)

    peers.ask = broken  # type: ignore[method-assign]
    return lambda: setattr(peers, "ask", ask)


def only(land: DeskLand, number: str) -> Inquiry:
    (found,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    return found


@pytest.mark.parametrize("call", ["/convert", "/release", "/deliver"])
def test_what_did_not_arrive_is_taken_up_once(land: DeskLand, call: str) -> None:
    case = land.open(land.hana, 0)
    mend = failing(land, call)
    asked = land.ask(land.hana, case.number)
    assert asked.step is Step.UNDER_WAY
    again = land.run(inquiries.take_up(land.desk, land.hana, case.number, asked.id))
    assert again.step is Step.UNDER_WAY
    mend()
    arrived = land.run(inquiries.take_up(land.desk, land.hana, case.number, asked.id))
    assert (arrived.step, arrived.result) == (Step.ANSWERED, "delivered")
    assert arrived.data
    assert len(codebook.receipts(land.desk.office.db.read())) == 1
    assert land.run(inquiries.take_up(land.desk, land.hana, case.number, asked.id)) == arrived


def test_a_start_brings_the_answer_of_what_was_open(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    failing(land, "/deliver")
    land.ask(land.hana, case.number)
    land.land.country.close()
    again = Land(land.land.folder, land.land.clock, land.land.law)
    try:
        desk = desk_of(again)
        (found,) = case_store.inquiries(desk.office.db.read(), desk.domain, case.number)
        assert (found.step, found.result) == (Step.ANSWERED, "delivered")
    finally:
        again.close()


def test_a_refusal_that_was_not_noted_is_known_after_a_start(land: DeskLand) -> None:
    """The process ends between the end of the request and the note of it in the case."""
    case = land.open(land.hana, 0)
    failing(land, "/deliver")
    asked = land.ask(land.hana, case.number)
    db = land.desk.office.db
    for left in codebook.unfinished(db.read()):
        land.run(db.write(lambda c, request=left.request: codebook.finish(c, request)))
    land.run(land.desk.asking.resume())
    assert only(land, case.number).step is Step.LOST
    assert asked.id == only(land, case.number).id


def test_an_answer_that_comes_after_the_case_was_closed_is_not_kept(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    mend = failing(land, "/deliver")
    land.ask(land.hana, case.number)
    land.run(cases.close(land.desk, land.hana, case.number))
    mend()
    land.run(land.desk.asking.resume())
    found = only(land, case.number)
    assert (found.step, found.result, found.data) == (Step.ANSWERED, "delivered", b"")


def test_two_clerks_questions_travel_together_and_come_apart_rightly(land: DeskLand) -> None:
    mine, hers = land.open(land.hana, 0).number, land.open(land.taro, 1).number

    async def both() -> list[Inquiry]:
        first = inquiries.ask(land.desk, land.hana, mine, 0, ("JO106.2",), TAX)
        others = [inquiries.ask(land.desk, land.taro, hers, 0, ("JO106.2",), TAX) for _ in range(3)]
        return list(await asyncio.gather(first, *others))

    answered = land.run(both())
    assert [
        b'"total_income":%d' % (3_456_000 + j) in each.data
        for j, each in zip((0, 1, 1, 1), answered, strict=True)
    ] == [True] * 4
    assert len({each.request for each in answered}) < 4
