"""A municipality that works against residents of another one: it has a gateway, a certificate and a place in the law,
and knows number and birth date of whom it wants. README.md of this folder lists the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from counter import REGISTRY, Counter
from kakine.contracts.registry import (
    VOUCH,
    Change,
    Died,
    Moved,
    MovedOut,
    NumberChanged,
    NumberReason,
    ShieldSet,
    Subject,
    Vouch,
    WentAbroad,
)
from kakine.protocols.validity import LEAVE_DAYS
from kakine.values.certificates import Use
from kakine.values.problems import NotMovedOut, NotTheirMunicipality
from registry_office import HANAKO, NOW_MS, TOYONAKA, YOKOHAMA, Office

SAPPORO = "011002"
TAKES = Moved("大阪府豊中市本町3丁目1番16号", bytes(16))
DAY_MS = 86_400_000


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with Counter.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "registry.sqlite")
    yield opened
    opened.close()


def test_a_town_that_claims_a_move_takes_nobody_from_another_town(counter: Counter) -> None:
    counter.report(ShieldSet(undisclosed=True, own_view_stopped=False))
    with pytest.raises(NotMovedOut):
        counter.report(TAKES, town="toyonaka")
    for change in (ShieldSet(False, False), NumberChanged(NumberReason.ASKED), Died()):
        with pytest.raises(NotTheirMunicipality):
            counter.report(change, town="toyonaka")
    asked = Vouch(Subject(counter.number, HANAKO.birth), Use.SIGNATURE)
    with pytest.raises(NotTheirMunicipality):
        counter.land.run(counter.peers("toyonaka").ask(REGISTRY, VOUCH, asked))
    assert counter.vouched(Use.SIGNATURE)


@pytest.mark.parametrize(
    "before",
    [
        [],
        [MovedOut(SAPPORO)],
        [MovedOut(str(TOYONAKA)), MovedOut(SAPPORO)],
        [MovedOut(str(TOYONAKA)), Moved(HANAKO.address, bytes(16))],
        [MovedOut(str(TOYONAKA)), WentAbroad()],
        [WentAbroad()],
    ],
    ids=["nothing", "for another", "changed", "taken back", "abroad instead", "abroad"],
)
def test_only_the_town_that_the_last_departure_names_takes_somebody(
    office: Office, before: list[Change]
) -> None:
    done = office.enter()
    for change in before:
        office.report(done.number, change)
    stored = office.snapshot()
    with pytest.raises(NotMovedOut):
        office.report(done.number, TAKES, town=TOYONAKA)
    assert office.snapshot() == stored
    assert office.person(done).municipality == YOKOHAMA


def test_a_departure_that_is_weeks_old_lets_nobody_go(office: Office) -> None:
    done = office.enter()
    office.report(done.number, MovedOut(str(TOYONAKA)))
    with pytest.raises(NotMovedOut):
        office.report(done.number, TAKES, town=TOYONAKA, now_ms=NOW_MS + (LEAVE_DAYS + 1) * DAY_MS)


def test_nobody_but_the_town_of_record_lets_somebody_go(office: Office) -> None:
    done = office.enter()
    with pytest.raises(NotTheirMunicipality):
        office.report(done.number, MovedOut(str(TOYONAKA)), town=TOYONAKA)
