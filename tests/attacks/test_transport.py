"""The transport of parties, from inside: what an agency's own systems may do, no other agency may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kakine.contracts.agency import ASK, PAPER, Asking, AskPaper
from kakine.values.labels import PartyName
from kakine.values.problems import CallerNotAllowed

from land import CHILDREN, RESIDENTS, TAX, TAX_ROW, Land, ref


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("transport") / "land", 1, (CHILDREN, TAX)) as founded:
        yield founded


def asking() -> Asking:
    return Asking(CHILDREN, TAX, "JO106", [TAX_ROW], ref(0), "official-7", bytes(32), "children's desk")


def test_an_agency_cannot_ask_through_the_gateway_of_another(land: Land) -> None:
    gateway = PartyName("yokohama")
    with pytest.raises(CallerNotAllowed):
        land.run(land.country.peers("sapporo").ask(gateway, ASK, asking()))
    told = land.run(land.country.peers(gateway).ask(gateway, ASK, asking()))
    assert (told.result, told.items) == ("delivered", ["TK-0002"])


def test_an_agency_cannot_have_a_paper_printed_by_the_residents_desk_of_another(land: Land) -> None:
    asked = AskPaper(RESIDENTS, ref(0), "official-7", bytes(32), "desk")
    with pytest.raises(CallerNotAllowed):
        land.run(land.country.peers("sapporo").ask(PartyName("yokohama"), PAPER, asked))
