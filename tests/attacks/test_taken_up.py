"""What an outage has broken off is taken up by the gateway that works: the same bytes, once, while they are young."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange_state import OUTCOME, REQUEST, check, entries_of
from kakine.clients import carrier
from kakine.country import CONVERTERS
from kakine.parties.gateway import asking
from kakine.parties.gateway import start as gateway_start
from kakine.parties.gateway.bulk import jobs
from kakine.parties.gateway.bulk import store as lines
from kakine.parties.gateway.bulk.store import Step
from kakine.runtime import codebook
from kakine.runtime.database import Database
from kakine.runtime.footing import Site
from kakine.values.problems import DomainMoving, PartyUnavailable, Problem
from road import away, instead

from land import CHILDREN, TAX, TAX_ROW, Land, ref

FIRST = CONVERTERS[0]
PEOPLE = 4
LOOKS = 1500
"""Of the chore at most, until a test gives up."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("taken") / "land", PEOPLE, (CHILDREN, TAX)) as land:
        yield land


@pytest.fixture
def land(founded: Land, monkeypatch: pytest.MonkeyPatch) -> Iterator[Land]:
    monkeypatch.setattr(asking, "GIVES_BACK_S", 0.02)
    yield founded
    founded.run(through(founded))
    assert still_open(founded) == set()
    check(founded)


def still_open(land: Land) -> set[bytes]:
    return {each.request for each in codebook.unfinished(land.yokohama.office.db.read())}


def counts(land: Land) -> tuple[int, int]:
    return entries_of(land.folder, REQUEST), entries_of(land.folder, OUTCOME)


async def through(land: Land) -> int:
    """The chore again and again, until nothing is open; how many ended."""
    ended, desk = 0, land.yokohama.desk
    for _ in range(LOOKS):
        ended += int(await desk.go_on() or 0)
        if not still_open(land):
            break
    return ended + int(await desk.go_on() or 0)


def broken_off(land: Land, count: int) -> set[bytes]:
    """So many questions whose requests left and had no end, since the first converter was away."""

    async def asked() -> list[Any]:
        asks = (land.ask(j % PEOPLE, unit=f"unit {j}") for j in range(count))
        return list(await asyncio.gather(*asks, return_exceptions=True))

    before = still_open(land)
    with away(land.country, FIRST):
        assert all(isinstance(each, PartyUnavailable) for each in land.run(asked()))
    return still_open(land) - before


class Counting:
    """Before the first converter: which requests came to it, how often, how many at once. While `shut` none goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.came: Counter[bytes] = Counter()
        self.there = self.most = 0
        self.arrived, self.going = asyncio.Event(), asyncio.Event()
        self.going.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()

        async def again() -> Any:
            return message

        if scope["path"].endswith("/convert"):
            self.came[message["body"]] += 1
            self.there += 1
            self.most = max(self.most, self.there)
            self.arrived.set()
            await self.going.wait()
            self.there -= 1
        await self._app(scope, again, send)


@contextmanager
def counting(land: Land) -> Iterator[Counting]:
    with instead(land.country, FIRST, Counting(land.country.apps[FIRST])) as app:
        assert isinstance(app, Counting)
        try:
            yield app
        finally:
            app.going.set()


@asynccontextmanager
async def held(land: Land) -> AsyncIterator[Counting]:
    """A question is being asked, and is with the first converter."""
    with counting(land) as seen:
        seen.going.clear()
        asked = asyncio.ensure_future(land.ask(0))
        await seen.arrived.wait()
        yield seen
        seen.going.set()
        assert (await asked).result == "delivered"


def test_what_was_broken_off_is_taken_up_while_the_gateway_works(land: Land) -> None:
    requests, outcomes = counts(land)
    left = broken_off(land, 3)
    assert len(left) == 3
    assert land.run(through(land)) == 3
    assert all(codebook.has_receipt(land.yokohama.office.db.read(), request) for request in left)
    assert counts(land) == (requests + 3, outcomes + 3)


def test_while_somebody_is_away_it_stays_open_and_is_filed_once_afterwards(land: Land) -> None:
    requests, outcomes = counts(land)
    left = broken_off(land, 2)
    with away(land.country, "ledger-a"), away(land.country, "ledger-b"):
        for _ in range(3):
            assert not land.run(land.yokohama.desk.go_on())
            land.run(idle(land))
        assert still_open(land) == left
    land.run(through(land))
    assert counts(land) == (requests + 2, outcomes + 2)


async def idle(land: Land) -> None:
    """What goes on beside has come to an end, or to none."""
    await asyncio.gather(*land.yokohama.desk.carrier._beside.values())


def test_who_is_away_is_asked_less_and_less_often(land: Land) -> None:
    """Looks at the same requests, over and over: a gateway has other things to do."""
    broken_off(land, 2)

    async def looks(count: int) -> None:
        for _ in range(count):
            await land.yokohama.desk.go_on()
            await idle(land)

    with away(land.country, FIRST) as page:
        land.run(looks(30))
    assert 2 <= len(page.bodies) <= 2 * 6


def test_what_is_too_old_is_closed_and_not_sent(land: Land) -> None:
    before = counts(land)
    broken_off(land, 2)
    land.clock.advance(121)
    with counting(land) as seen:
        assert land.run(through(land)) == 2
    assert not seen.came
    assert still_open(land) == set()
    assert counts(land) == before


def test_what_a_task_that_lives_is_carrying_is_not_sent_by_another(land: Land) -> None:
    """Neither by the chore nor by a clerk who asks for it; whoever waited hears of its end."""

    async def both() -> Counting:
        async with held(land) as seen:
            clerk = asyncio.ensure_future(land.yokohama.desk.resume())
            for _ in range(3):
                await land.yokohama.desk.go_on()
            assert not clerk.done()
        await clerk
        return seen

    seen = land.run(both())
    assert list(seen.came.values()) == [1]


def test_a_request_is_carried_from_before_it_is_written_down(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chore looks in the moment between the commit and the first call."""
    write, desk = Database.write, land.yokohama.desk

    async def looked_at(self: Database, work: Callable[..., Any]) -> Any:
        before = still_open(land)
        value = await write(self, work)
        if self is land.yokohama.office.db and still_open(land) - before:
            await desk.go_on()
        return value

    async def asked() -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(type(land.yokohama.office.db), "write", looked_at)
            answer = await land.ask(1)
        await through(land)
        return answer

    with counting(land) as seen:
        assert land.run(asked()).result == "delivered"
    assert list(seen.came.values()) == [1]


def test_open_requests_go_side_by_side_and_not_all_at_once(land: Land) -> None:
    left = broken_off(land, carrier.AT_ONCE + 3)
    with counting(land) as seen:

        async def going() -> None:
            seen.going.clear()
            for _ in range(3):
                await land.yokohama.desk.go_on()
            assert seen.there == carrier.AT_ONCE
            # New questions do not wait for those.
            asked = asyncio.ensure_future(land.ask(2))
            for _ in range(LOOKS):
                await asyncio.sleep(0.02 if seen.there == carrier.AT_ONCE else 0)
            seen.going.set()
            assert (await asked).result == "delivered"
            await through(land)

        land.run(going())
    assert seen.most == carrier.AT_ONCE + 1
    assert set(seen.came.values()) == {1}
    assert len(seen.came) == len(left) + 1


def test_what_cannot_be_sent_yet_is_not_refused(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything of it left again: a job's lines stay under way, and are answered when it can be sent."""
    desk, office = land.yokohama.desk, land.yokohama.office
    before, job = counts(land)[0], begun(land, "moving")
    with away(land.country, FIRST), pytest.raises(PartyUnavailable):
        land.run(jobs.run(desk, office, job))
    under_way = steps(land, job)

    def moving(_: str) -> Any:
        raise DomainMoving(domain=str(CHILDREN))

    with monkeypatch.context() as patched:
        patched.setattr(office, "requester", moving)
        land.run(desk.go_on())
        land.run(idle(land))
    assert steps(land, job) == under_way
    land.run(through(land))
    land.run(jobs.run(desk, office, job))
    assert steps(land, job) == {Step.ANSWERED: PEOPLE}
    assert counts(land)[0] == before + PEOPLE


def test_nobody_of_a_job_is_asked_about_twice_while_the_gateway_takes_up(land: Land) -> None:
    """The job goes on beside the chore, over an outage in the middle."""
    desk, office = land.yokohama.desk, land.yokohama.office
    before, job = counts(land)[0], begun(land, "beside")

    async def worked() -> None:
        stop = False

        async def chore() -> None:
            while not stop:
                await desk.go_on()
                await asyncio.sleep(0)

        beside = asyncio.create_task(chore())
        with away(land.country, "ledger-a"), away(land.country, "ledger-b"), pytest.raises(PartyUnavailable):
            await jobs.run(desk, office, job)
        for _ in range(LOOKS):
            await jobs.run(desk, office, job)
            if steps(land, job) == {Step.ANSWERED: PEOPLE}:
                break
            await asyncio.sleep(0.02)
        stop = True
        await beside

    land.run(worked())
    assert counts(land)[0] == before + PEOPLE


def begun(land: Land, case: str) -> lines.Job:
    people = tuple(jobs.Person(ref(j), f"{case}-{j}") for j in range(PEOPLE))
    order = jobs.Order(CHILDREN, TAX, "JO106", (TAX_ROW,), "official-7", "children's desk", people)
    return land.run(jobs.begin(land.yokohama.office, order))


def steps(land: Land, job: lines.Job) -> dict[Step, int]:
    return lines.counts(land.yokohama.office.db.read(), job.id)


def test_a_process_makes_what_was_left_its_own_before_it_answers_a_call(
    founded: Land, tmp_path: Path
) -> None:
    """A line that is asked about by this process is not put back as one of the process before."""
    land, name = founded, founded.yokohama.office.identity.name
    job, office = begun(land, "start"), land.yokohama.office
    land.run(office.db.write(lambda db: lines.go(db, [line.id for line in waiting(db, job)], "")))
    request = broken_off(land, 1)
    land.yokohama.office.db.close()
    own, site = gateway_start.Own([str(CHILDREN), str(TAX)]), Site(tmp_path, nobody)
    made = land.run(gateway_start.work(land.country._footing(name), own, site))
    try:
        assert made.store is not None
        db = made.store.read()
        assert {each.request: each.replica for each in codebook.unfinished(db)} == dict.fromkeys(request, "+")
        assert lines.counts(db, job.id) == {Step.WAITING: PEOPLE}
        (chore,) = [each for each in made.chores if each.name == "open"]
        with instead(land.country, name, made.app()):
            for _ in range(LOOKS):
                land.run(chore.work())
                if not codebook.unfinished(db):
                    break
            assert not codebook.unfinished(db)
    finally:
        made.close()
        again = land.reopened()
        land.country, land.loop = again.country, again.loop


def waiting(db: Any, job: lines.Job) -> list[lines.Line]:
    return lines.at_step(db, job.id, Step.WAITING, PEOPLE)


async def nobody(*_: object) -> tuple[int, str, bytes]:
    raise Problem
