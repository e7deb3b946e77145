"""Jobs over the road: for the agency alone, whole or not begun, and nobody asked about twice whoever goes away."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bulk_order import PEOPLE, order
from exchange_state import REQUEST, check, entries_of
from kakine.cli import apart_asking
from kakine.cli.apart_asking import LANES, Asking
from kakine.cli.progress import Work
from kakine.contracts.agency import (
    BULK_BEGIN,
    BULK_END,
    BULK_LINES,
    BULK_PEOPLE,
    BULK_WORK,
    BulkFrom,
    BulkJob,
    BulkOrder,
    BulkPart,
)
from kakine.contracts.call import Body, Call
from kakine.parties.gateway.bulk import calls, jobs, store
from kakine.parties.gateway.bulk.jobs import Order, Person
from kakine.parties.gateway.bulk.store import Step
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    HeadMoved,
    JobIncomplete,
    JobOver,
    PartyStarting,
    PartyUnavailable,
    PeopleFileMalformed,
    Problem,
    RowUnknown,
    StoreInUse,
)

from land import CHILDREN, TAX, Land, ref

ME = PartyName("yokohama")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("calls") / "land", PEOPLE, (CHILDREN, TAX)) as founded:
        yield founded


@pytest.fixture(autouse=True)
def few_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several requests for few people, several messages for one file, no waiting; one call goes through a whole job,
    however slow the machine."""
    monkeypatch.setattr(jobs, "TOGETHER", 2)
    monkeypatch.setattr(apart_asking, "PART", 2)
    monkeypatch.setattr(calls, "PAGE", 2)
    monkeypatch.setattr(calls, "WORK_MS", 10**9)
    monkeypatch.setattr(apart_asking, "PAUSE_S", 0.0)


def system(land: Land, what: Order) -> Asking:
    """The agency's own system."""
    own: Any = SimpleNamespace(peers=land.country.peers(ME), settings=SimpleNamespace(name=ME))
    return Asking(own, what)


def call(land: Land, of: Call[Any, Any], message: Body, caller: str = ME) -> Any:
    return land.run(land.country.peers(caller).ask(ME, of, message))


def wanted(what: Order, total: int = 0) -> BulkOrder:
    told = what.domain, what.provider, what.procedure, list(what.rows), what.official, what.unit
    return BulkOrder(what.id, *told, total or len(what.people))


def part(what: Order, first: int = 0, people: Sequence[Person] | None = None) -> BulkPart:
    some = what.people[first:] if people is None else people
    return BulkPart(what.id, first, [each.reference for each in some], [each.mark for each in some])


def kept(land: Land, what: Order) -> list[tuple[bytes, bytes]]:
    return store.people(land.yokohama.office.db.read(), what.id)


def steps(land: Land, what: Order) -> dict[Step, int]:
    return store.counts(land.yokohama.office.db.read(), what.id)


def entries(land: Land) -> int:
    return entries_of(land.folder, REQUEST)


async def answers(asking: Asking) -> list[str]:
    begun = await asking.begin()
    shown = Work("", begun.total)
    told = await asking.ask(shown, lambda: False)
    assert told is not None
    assert shown.count == told.over == told.total
    return [each.result or each.problem for each in await asking.answers()]


def test_everybody_is_asked_about_once_and_the_answers_go_to_whoever_asked(land: Land) -> None:
    before, what = entries(land), order("whole", b"nobody")
    asking = system(land, what)
    assert land.run(answers(asking)) == ["delivered"] * PEOPLE + ["person-not-known"]
    assert land.run(answers(asking)) == ["delivered"] * PEOPLE + ["person-not-known"]  # as it was left
    assert entries(land) == before + PEOPLE

    land.run(asking.forget())
    land.run(asking.forget())  # whose answer was lost
    assert kept(land, what) == []
    for again in (asking.begin(), asking.answers()):
        with pytest.raises(JobOver):
            land.run(again)
    assert entries(land) == before + PEOPLE


def test_only_the_agency_itself_has_jobs_at_its_gateway(land: Land) -> None:
    what = order("stranger")
    call(land, BULK_PEOPLE, part(what))
    call(land, BULK_BEGIN, wanted(what))
    job, other = BulkJob(what.id), order("other")
    messages: list[tuple[Call[Any, Any], Body]] = [
        (BULK_PEOPLE, part(other)),
        (BULK_BEGIN, wanted(what)),
        (BULK_WORK, job),
        (BULK_LINES, BulkFrom(what.id, 0)),
        (BULK_END, job),
    ]
    for of, message in messages:
        with pytest.raises(CallerNotAllowed):
            call(land, of, message, "insurer")
    assert kept(land, other) == []
    assert steps(land, what) == {Step.WAITING: PEOPLE}


def test_a_job_begins_with_exactly_the_people_of_its_id_or_not_at_all(land: Land) -> None:
    what = order("exact")
    stranger = Person(b"somebody-else", "x")
    for people in (what.people[:-1], (*what.people, stranger), (*what.people[1:], stranger)):
        call(land, BULK_PEOPLE, part(what, 0, people))
        with pytest.raises(JobIncomplete):
            call(land, BULK_BEGIN, wanted(what, total=len(people)))
        assert kept(land, what) == []
    for wrong in (BulkFrom(what.id, 0), BulkJob(what.id)):
        with pytest.raises(JobIncomplete):
            call(land, BULK_LINES if isinstance(wrong, BulkFrom) else BULK_WORK, wrong)

    call(land, BULK_PEOPLE, part(what, 3))
    call(land, BULK_PEOPLE, part(what, 0, what.people[:3]))
    call(land, BULK_PEOPLE, part(what, 3))
    assert call(land, BULK_BEGIN, wanted(what)).over == 0
    call(land, BULK_PEOPLE, part(what, PEOPLE, [stranger]))  # too late: it has begun
    assert len(kept(land, what)) == PEOPLE


def test_somebody_who_is_in_it_twice_ends_a_job_before_it_begins(land: Land) -> None:
    what = order("twice")
    what = replace(what, people=(*what.people, Person(ref(0), "another case")))
    call(land, BULK_PEOPLE, part(what))
    before = entries(land)
    with pytest.raises(PeopleFileMalformed):
        call(land, BULK_BEGIN, wanted(what))
    assert kept(land, what) == []
    assert entries(land) == before


def test_a_job_without_a_row_of_the_law_takes_nobody(land: Land) -> None:
    what = replace(order("lawless"), rows=("JO106.999",))
    with pytest.raises(RowUnknown):
        land.run(system(land, what).begin())
    assert kept(land, what) == []


def test_answers_are_not_forgotten_while_somebody_is_still_to_be_asked(land: Land) -> None:
    what = order("early")
    asking = system(land, what)
    land.run(asking.begin())
    with pytest.raises(JobIncomplete):
        land.run(asking.forget())
    assert steps(land, what) == {Step.WAITING: PEOPLE}


def test_told_to_stop_it_goes_on_later_where_it_was(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    before, what = entries(land), order("stop")
    asking, turns = system(land, what), itertools.cycle((False, True))
    monkeypatch.setattr(apart_asking, "LANES", 1)
    monkeypatch.setattr(calls.Jobs, "_over", lambda *_: next(turns))  # one request a call

    async def scene() -> None:
        begun = await asking.begin()
        shown = Work("", begun.total)
        assert await asking.ask(shown, lambda: True) is None
        assert shown.count == 0
        assert await asking.ask(shown, lambda: shown.count > 0) is None
        assert 0 < shown.count < PEOPLE
        assert (await asking.begin()).over == shown.count

    land.run(scene())
    assert land.run(answers(asking)) == ["delivered"] * PEOPLE
    assert entries(land) == before + PEOPLE


@contextmanager
def _gate(
    monkeypatch: pytest.MonkeyPatch, before: Callable[[int], Any], what: str = "/release"
) -> Iterator[None]:
    """Something happens before each such call, by its number."""
    ask, number = Peers.ask, 0

    async def instead(self: Peers, to: Any, of: Any, message: Any) -> Any:
        nonlocal number
        if of.path.endswith(what):
            number += 1
            await before(number)
        return await ask(self, to, of, message)

    with monkeypatch.context() as patch:
        patch.setattr(Peers, "ask", instead)
        yield


def test_when_a_party_is_away_the_job_stops_and_the_same_calls_go_on_in_a_gateway_that_lives(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, what = entries(land), order("away")
    monkeypatch.setattr(apart_asking, "PATIENCE_S", 0.0)

    async def away(number: int) -> None:
        if number > 1:
            raise PartyUnavailable(party="converter-1")

    asking = system(land, what)
    with _gate(monkeypatch, away):
        for _ in range(3):
            with pytest.raises(PartyUnavailable):
                land.run(answers(asking))
        assert 0 < steps(land, what)[Step.UNDER_WAY] < PEOPLE
    assert land.run(answers(asking)) == ["delivered"] * PEOPLE
    assert entries(land) == before + PEOPLE
    check(land)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        (PartyStarting(), "delivered"),
        (StoreInUse(), "delivered"),
        (HeadMoved(), "delivered"),
        (RowUnknown(), "row-unknown"),  # reported as lost
    ],
    ids=lambda each: getattr(each, "code", each),
)
def test_what_was_recorded_and_is_refused_when_sent_again_is_not_asked_anew(
    land: Land, monkeypatch: pytest.MonkeyPatch, said: Problem, ends: str
) -> None:
    before, what = entries(land), order(f"again-{said.code}")
    monkeypatch.setattr(apart_asking, "PATIENCE_S", 0.0)

    async def away(_: int) -> None:
        raise PartyUnavailable(party="converter-1")

    async def refused(number: int) -> None:
        if number <= LANES:
            raise said

    asking = system(land, what)
    with _gate(monkeypatch, away), pytest.raises(PartyUnavailable):
        land.run(answers(asking))
    under_way = steps(land, what)[Step.UNDER_WAY]
    assert entries(land) == before + under_way  # recorded, and not released
    with _gate(monkeypatch, refused, "/convert"), suppress(Problem):
        land.run(answers(asking))
    found = Counter(land.run(answers(asking)))
    assert found == Counter({ends: under_way}) + Counter({"delivered": PEOPLE - under_way})
    assert steps(land, what).get(Step.LOST, 0) == (0 if ends == "delivered" else under_way)
    assert entries(land) == before + PEOPLE
    check(land)


def test_what_another_lane_asks_about_anew_is_not_put_back_by_whoever_had_asked_before(land: Land) -> None:
    """The gateway takes up by itself what was broken off; a lane may have taken the people since."""
    what = order("stale")
    land.run(system(land, what).begin())
    office = land.yokohama.office
    ids = tuple(what.id + at.to_bytes(4) for at in range(PEOPLE))
    land.run(office.db.write(lambda db: store.go(db, ids, office.db.replica)))
    stale = jobs.Left(ids, bytes(range(32)))
    assert land.run(jobs.take_up(land.yokohama.desk, office, stale))
    assert steps(land, what) == {Step.UNDER_WAY: PEOPLE}
    assert land.run(jobs.take_up(land.yokohama.desk, office, jobs.Left(ids, b"")))
    assert steps(land, what) == {Step.WAITING: PEOPLE}
    assert land.run(answers(system(land, what))) == ["delivered"] * PEOPLE


def test_a_request_comes_to_its_end_when_whoever_asked_has_gone(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, what = entries(land), order("gone")
    asking = system(land, what)

    async def scene() -> None:
        reached, go = asyncio.Event(), asyncio.Event()

        async def hold(number: int) -> None:
            reached.set()
            await go.wait()

        await asking.begin()
        with _gate(monkeypatch, hold):
            asked = asyncio.create_task(asking._call(BULK_WORK, BulkJob(what.id)))
            await reached.wait()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            go.set()
            async with asyncio.timeout(120):
                while {Step.UNDER_WAY, Step.WAITING} & steps(land, what).keys():
                    await asyncio.sleep(0)

    land.run(scene())
    assert steps(land, what) == {Step.ANSWERED: PEOPLE}
    assert land.run(answers(asking)) == ["delivered"] * PEOPLE
    assert entries(land) == before + PEOPLE


def test_a_gateway_that_starts_forgets_whom_nobody_began_to_ask_about(land: Land) -> None:
    what, begun = order("unbegun"), order("begun")
    call(land, BULK_PEOPLE, part(what))
    land.run(system(land, begun).begin())
    land.run(land.yokohama.start())
    assert kept(land, what) == []
    assert steps(land, begun) == {Step.WAITING: PEOPLE}
    assert land.run(answers(system(land, what))) == ["delivered"] * PEOPLE  # they are sent again
