"""Own data through a visit: whose it is nobody can choose, and some of it one way in does not open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kakine.crypto.sealing import OpenKey
from kakine.values.problems import StepUpNeeded, VisitUnknown
from kakine.wire.own_data import opened
from visitor import Doorstep, Visitor

SESSION = OpenKey(bytes(range(32)))


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorstep]:
    with Doorstep.opened(tmp_path_factory.mktemp("own") / "land") as made:
        yield made


def pulled(visitor: Visitor, area: str) -> set[str]:
    """Domains that have answered this session."""
    given = visitor.site.run(visitor.visits.own_data(visitor.name, area, SESSION.public))
    assert given
    return {opened(SESSION, each.request, each.sealed).domain for each in given}


def test_one_way_in_opens_what_is_not_sensitive(at: Doorstep) -> None:
    assert "yokohama/tax" in pulled(at.visitor().by_card(at.card), "tax")


def test_a_found_card_with_its_pin_opens_no_sensitive_area(at: Doorstep) -> None:
    """A paper from a counter does, where a clerk has seen the person; so do card and passkey together."""
    found = at.visitor().by_card(at.card)
    for area in ("health", "welfare", "family-register"):
        with pytest.raises(StepUpNeeded):
            pulled(found, area)
    assert pulled(at.by_paper(), "health")
    both = at.visitor().by_card(at.card)
    assert pulled(both.by_passkey(at.passkey()), "health")


def test_without_a_visit_nothing_is_asked(at: Doorstep) -> None:
    stranger = at.visitor()
    for area in ("tax", "health"):
        with pytest.raises(VisitUnknown):
            pulled(stranger, area)
