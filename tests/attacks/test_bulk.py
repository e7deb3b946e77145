"""A job asks about everybody in its file once: nobody twice after a crash at any write, nobody for whom another is
refused; and its answers stay no longer than they are needed."""

from __future__ import annotations

import asyncio
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulk_order import PEOPLE, order
from exchange_state import REQUEST, check, entries_of
from kakine.cli.asking_many import people_in, write_answers
from kakine.parties.gateway.bulk import jobs, store
from kakine.parties.gateway.bulk.jobs import Order
from kakine.parties.gateway.bulk.store import Job, Step
from kakine.parties.gateway.desk import journal
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.values.problems import (
    JobOver,
    PartyUnavailable,
    PeopleFileMalformed,
    Problem,
    RowUnknown,
    StoreFailed,
)

import land as lands
from land import CHILDREN, TAX, Land


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("bulk") / "land", PEOPLE, (CHILDREN, TAX)) as founded:
        yield founded


@pytest.fixture(autouse=True)
def few_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several requests for few people."""
    monkeypatch.setattr(jobs, "TOGETHER", 2)


def begun(land: Land, what: Order) -> Job:
    return land.run(jobs.begin(land.yokohama.office, what))


def run(land: Land, job: Job) -> None:
    land.run(jobs.run(land.yokohama.desk, land.yokohama.office, job))


def steps(land: Land, job: Job) -> dict[Step, int]:
    return store.counts(land.yokohama.office.db.read(), job.id)


def asked(land: Land) -> int:
    """Entries about questions in the logs, one for each person and time."""
    return entries_of(land.folder, REQUEST)


def test_everybody_is_asked_about_once_and_a_stranger_stops_nobody(land: Land) -> None:
    before, told = asked(land), list[int]()
    what = order("plain", b"nobody", b"ref-0 ")
    job = begun(land, what)
    land.run(jobs.run(land.yokohama.desk, land.yokohama.office, job, told.append))
    assert (asked(land) - before, sum(told)) == (PEOPLE, PEOPLE + 2)
    lines = list(store.lines(land.yokohama.office.db.read(), job.id))
    assert [line.reference for line in lines] == [person.reference for person in what.people]
    assert [line.result for line in lines] == ["delivered"] * PEOPLE + ["", ""]
    assert [line.problem for line in lines[PEOPLE:]] == ["person-not-known"] * 2
    assert [b'"income":%d' % j in line.data for j, line in enumerate(lines[:PEOPLE])] == [True] * PEOPLE
    assert store.results(land.yokohama.office.db.read(), job.id) == {
        "delivered": PEOPLE,
        "person-not-known": 2,
    }


def test_lanes_that_look_at_one_moment_take_different_people(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every commit comes late, so that all lanes have looked before the first of them has written."""
    write, before = Database.write, asked(land)

    async def late(self: Database, work: Callable[[Any], Any]) -> Any:
        for _ in range(50):
            await asyncio.sleep(0)
        return await write(self, work)

    job = begun(land, order("lanes"))
    monkeypatch.setattr(Database, "write", late)
    run(land, job)
    assert asked(land) == before + PEOPLE
    assert steps(land, job) == {Step.ANSWERED: PEOPLE}


def test_the_same_order_is_the_same_job_and_is_not_asked_again(land: Land) -> None:
    before = asked(land)
    job = begun(land, order("same"))
    run(land, job)
    assert begun(land, order("same")) == job
    run(land, job)
    assert asked(land) == before + PEOPLE
    land.run(jobs.end(land.yokohama.office, job))
    with pytest.raises(JobOver):
        begun(land, order("same"))
    assert asked(land) == before + PEOPLE


def test_nobody_and_no_answer_is_left_when_the_answers_were_handed_over(land: Land) -> None:
    job = begun(land, order("ended"))
    with pytest.raises(ValueError, match="everybody"):
        land.run(jobs.end(land.yokohama.office, job))
    run(land, job)
    land.run(jobs.end(land.yokohama.office, job))
    db = land.yokohama.office.db.read()
    assert list(store.lines(db, job.id)) == []
    found = store.find(db, job.id)
    assert found is not None
    assert (found.total, found.ended_ms > 0) == (PEOPLE, True)
    acts = [line.what for line in journal.latest(db, CHILDREN, 99) if job.id.hex() in line.about]
    assert sorted(acts) == ["bulk-begun", "bulk-ended"]


class Strike:
    """Fails one write of the store, before it is done or just after, and every later one: the power is gone."""

    def __init__(self, db: Database, number: int, *, after: bool) -> None:
        self._write, self._left, self._after = db.write, number, after
        self.struck = False

    async def __call__(self, work: Callable[..., Any]) -> Any:
        if self.struck:
            raise StoreFailed(reason="no power")
        self._left -= 1
        if self._left < 0:
            self.struck = True
            if self._after:
                await self._write(work)
            raise StoreFailed(reason="no power")
        return await self._write(work)


@contextmanager
def no_power(land: Land, number: int, *, after: bool) -> Iterator[Strike]:
    db = land.yokohama.office.db
    strike = Strike(db, number, after=after)
    db.write = strike  # type: ignore[method-assign]
    try:
        yield strike
    finally:
        del db.write  # type: ignore[method-assign]


def test_a_crash_at_any_write_leaves_nobody_out_and_asks_about_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every second write of a job, after the others."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    people = 3
    land = Land.founded(tmp_path / "land", people, (CHILDREN, TAX))
    try:
        for number in range(100):
            before = asked(land)
            job = begun(land, order(f"cut-{number}", people=people))
            with no_power(land, number, after=number % 2 == 1) as strike:
                try:
                    run(land, job)
                except StoreFailed:
                    assert strike.struck
            land = land.reopened()
            run(land, job)
            assert steps(land, job) == {Step.ANSWERED: people}, number
            assert asked(land) == before + people, number
            if not strike.struck:
                break
        else:
            pytest.fail("a job has no end")
        assert number > 8
        check(land)
    finally:
        land.close()


def test_two_runs_of_one_job_at_once_share_its_people(land: Land) -> None:
    before, job = asked(land), begun(land, order("twice"))

    async def both() -> None:
        desk, office = land.yokohama.desk, land.yokohama.office
        await asyncio.gather(jobs.run(desk, office, job), jobs.run(desk, office, job))

    land.run(both())
    assert asked(land) == before + PEOPLE
    assert steps(land, job) == {Step.ANSWERED: PEOPLE}


@contextmanager
def _answering(monkeypatch: pytest.MonkeyPatch, problem: Callable[[int], Problem | None]) -> Iterator[None]:
    """Calls of converters after the first so many end in a problem."""
    ask, calls = Peers.ask, 0

    async def instead(self: Peers, to: Any, call: Any, message: Any) -> Any:
        nonlocal calls
        if call.path.endswith("/release"):
            calls += 1
            found = problem(calls)
            if found is not None:
                raise found
        return await ask(self, to, call, message)

    with monkeypatch.context() as patch:
        patch.setattr(Peers, "ask", instead)
        yield


def test_when_a_party_is_away_the_job_stops_and_the_same_requests_go_on(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, job = asked(land), begun(land, order("away"))
    with _answering(monkeypatch, lambda n: PartyUnavailable(party="converter-1") if n > 3 else None):
        with pytest.raises(PartyUnavailable):
            run(land, job)
        under_way = steps(land, job)[Step.UNDER_WAY]
        assert 0 < under_way < PEOPLE
        land.run(land.yokohama.desk.resume())
        assert steps(land, job)[Step.UNDER_WAY] == under_way
    land.run(land.yokohama.desk.resume())
    assert Step.UNDER_WAY not in steps(land, job)
    run(land, job)
    assert steps(land, job) == {Step.ANSWERED: PEOPLE}
    assert asked(land) == before + PEOPLE


def test_what_was_recorded_and_refused_after_that_is_reported_and_not_asked_again(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused at release, when the entry stands: a second question would be a second entry."""
    before, job = asked(land), begun(land, order("late"))
    with _answering(monkeypatch, lambda _: RowUnknown()), pytest.raises(RowUnknown):
        run(land, job)
    lost = steps(land, job).get(Step.LOST, 0)
    assert lost == asked(land) - before > 0
    run(land, job)
    assert steps(land, job) == {Step.ANSWERED: PEOPLE - lost, Step.LOST: lost}
    assert asked(land) == before + PEOPLE


def test_a_request_too_old_to_be_sent_again_is_reported_as_lost(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(land, order("old"))
    with (
        _answering(monkeypatch, lambda _: PartyUnavailable(party="converter-1")),
        pytest.raises(PartyUnavailable),
    ):
        run(land, job)
    under_way = steps(land, job)[Step.UNDER_WAY]
    land.clock.advance(121)
    land.run(land.yokohama.desk.resume())
    assert steps(land, job)[Step.LOST] == under_way
    run(land, job)
    problems = {line.problem for line in store.lines(land.yokohama.office.db.read(), job.id)}
    assert problems == {"", "request-expired"}


def test_a_job_without_a_row_of_the_law_is_not_begun(land: Land) -> None:
    before = asked(land)
    wrong = replace(order("lawless"), rows=("JO106.999",))
    with pytest.raises(Problem):
        begun(land, wrong)
    assert store.find(land.yokohama.office.db.read(), wrong.id) is None
    assert asked(land) == before


def test_a_single_question_does_not_wait_for_a_job(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """While single questions are asked a job begins no new request: the clerk's answer is there with the job undone."""
    monkeypatch.setattr(jobs, "GIVES_WAY_S", 60.0)
    monkeypatch.setattr(jobs, "TOGETHER", 1)
    monkeypatch.setattr(jobs, "LANES", 1)
    job, left = begun(land, order("way")), list[int]()

    async def both() -> None:
        desk, office = land.yokohama.desk, land.yokohama.office
        questions = [asyncio.create_task(land.ask(j)) for j in range(3)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        running = asyncio.create_task(jobs.run(desk, office, job))
        await asyncio.gather(*questions)
        left.append(store.counts(office.db.read(), job.id).get(Step.WAITING, 0))
        await running

    land.run(both())
    assert left == [PEOPLE]
    assert steps(land, job) == {Step.ANSWERED: PEOPLE}


GOOD = "reference,case\nref-0,令8-1\nref-1,令8-2\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 0),
        ("reference,case\n", 0),
        ("ref-0,1\n", 1),
        ("reference;case\nref-0;1\n", 1),
        (GOOD + "ref-0,3\n", 4),
        (GOOD + "ref-2\n", 4),
        (GOOD + ",3\n", 4),
        (GOOD + "ref-2,\n", 4),
        (GOOD + "ref-2,3,4\n", 4),
        (GOOD + "r" * 65 + ",3\n", 4),
        (GOOD + "ref-2,\u202e3\n", 4),
        (GOOD + "\n", 4),
        (GOOD + 'ref-2,"3\n', 4),
    ],
)
def test_a_file_with_one_bad_line_asks_about_nobody_and_names_the_line_only(
    tmp_path: Path, text: str, line: int
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text)
    with pytest.raises(PeopleFileMalformed) as refused:
        people_in(file)
    assert refused.value.facts["line"] == line
    assert "ref" not in str(refused.value.facts)


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with pytest.raises(PeopleFileMalformed):
        people_in(file)
    file.write_bytes(b"reference,case\n\xff\xfe,1\n")
    with pytest.raises(PeopleFileMalformed):
        people_in(file)


def test_answers_are_for_this_user_alone_and_in_the_order_of_the_file(land: Land, tmp_path: Path) -> None:
    what, out = order("out"), tmp_path / "answers.csv"
    out.write_text("before")
    job = begun(land, what)
    run(land, job)
    write_answers(out, what.people, store.lines(land.yokohama.office.db.read(), job.id))
    rows = out.read_text().splitlines()
    assert rows[0] == "reference,case,result,items,data,problem"
    assert [row.split(",")[0] for row in rows[1:]] == [f"ref-{j}" for j in range(PEOPLE)]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]
