"""The parts of a demonstration, where a whole run would not show what goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kakine.cli.demo_journal import BULK, SINGLE, Asked, Journal
from kakine.cli.demo_steps import Stage
from kakine.institutions.families import Roster
from kakine.values.problems import DemoDiffers, PersonNotKnown, PromiseBroken, StoreInUse

from land import Land


def asked(name: str, began: int, ended: int, kind: str = SINGLE, start: int = 1) -> Asked:
    return Asked(name, kind, start, began, ended, "delivered")


async def filled(path: Path, *answers: Asked) -> Journal:
    journal = Journal(path / "demo.sqlite")
    await journal.keep(list(answers))
    journal.close()
    return Journal(path / "demo.sqlite")


def test_what_stops_one_desk_is_named_and_not_wrapped(tmp_path: Path) -> None:
    """Nobody was entered: the first question fails, and its own problem comes out of all desks."""
    with Land(tmp_path / "land") as land:
        journal = Journal(tmp_path / "demo.sqlite")
        stage = Stage(land.country, journal, Roster(60, 1), plain=True)
        with pytest.raises(PersonNotKnown):
            land.run(stage.interview())
        with pytest.raises(PromiseBroken):
            stage.protagonist()
        journal.close()


def test_figures_leave_out_the_time_between_two_starts(tmp_path: Path) -> None:
    """Two starts of one second each, an hour apart, four exchanges: two a second."""
    answers = [
        asked("a", 0, 500_000),
        asked("b", 400_000, 1_000_000),
        asked("c", 3_600_000_000, 3_600_500_000, start=2),
        asked("d", 3_600_500_000, 3_601_000_000, start=2),
    ]
    journal = asyncio.run(filled(tmp_path, *answers))
    assert journal.start == 3
    assert journal.figures().per_second == 2.0
    journal.close()


def test_latencies_are_those_of_single_questions(tmp_path: Path) -> None:
    """A bulk request's time is not that of one question."""
    singles = [asked(str(j), 0, 1000 * (j + 1)) for j in range(100)]
    journal = asyncio.run(filled(tmp_path, *singles, asked("bulk", 0, 9_000_000, BULK)))
    assert (journal.figures().p50_ms, journal.figures().p99_ms) == (51.0, 100.0)
    journal.close()


def test_a_step_keeps_what_came_of_it_the_first_time(tmp_path: Path) -> None:
    """Also over a restart."""

    async def twice() -> list[int]:
        journal = await filled(tmp_path)
        first = [await journal.done("chosen", 7), await journal.done("chosen", 8)]
        journal.close()
        again = await filled(tmp_path)
        first.append(await again.done("chosen", 9))
        again.close()
        return first

    assert asyncio.run(twice()) == [7, 7, 7]


def test_a_journal_is_of_one_demonstration_in_one_process(tmp_path: Path) -> None:
    """Another size is refused, and so is a second opening."""

    async def other() -> None:
        journal = await filled(tmp_path)
        await journal.about(60, 1)
        with pytest.raises(StoreInUse):
            Journal(tmp_path / "demo.sqlite")
        try:
            await journal.about(61, 1)
        finally:
            journal.close()

    with pytest.raises(DemoDiffers):
        asyncio.run(other())
