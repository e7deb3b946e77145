"""A job: its people written down before anybody is asked, its answers kept as they come, taken up after a crash.

Who is asked about, and how far that is, stands in the store at every moment. A question whose request left goes again
as the same bytes or, when these are too old, not at all: nobody's history gets two entries of one job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kakine.clients.carrier import OPEN
from kakine.crypto.hashing import digest
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.bulk import arrivals, store
from kakine.parties.gateway.bulk.store import Job, Line, Step
from kakine.parties.gateway.desk import journal
from kakine.parties.gateway.desk.arrivals import going
from kakine.parties.gateway.desk.journal import Act, What
from kakine.parties.gateway.office import Office
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName
from kakine.values.problems import JobIncomplete, JobOver, PeopleFileMalformed, PersonNotKnown, Problem
from kakine.wire.request import Mode

TOGETHER = 64
"""People in one request. Larger ones cost a little less each and let single questions wait longer."""
LANES = 2
"""Requests under way at a time: while one is written to disk the other is worked on."""
GIVES_WAY_S = 1.0
"""How long a request of a job waits for single questions at most, so that a job ends on a busy day too."""
BATCH = 4
"""The channel that the history shows: 一括処理."""


@dataclass(frozen=True, repr=False)
class Person:
    """By the domain's own reference, under a case number of the domain's own."""

    reference: bytes
    case: str

    @property
    def mark(self) -> bytes:
        """32 bytes by which the record names the case."""
        return digest("case-number", self.case.encode())


@dataclass(frozen=True, repr=False)
class Order:
    """What is asked of everybody in a file. `official` is the organisation's own reference of who is responsible."""

    domain: DomainName
    provider: DomainName
    procedure: str
    rows: tuple[str, ...]
    official: str
    unit: str
    people: tuple[Person, ...]

    @property
    def id(self) -> bytes:
        """12 bytes, the same for the same order."""
        people = ((each.reference, each.mark) for each in self.people)
        rows = " ".join(sorted(self.rows))
        return job_id((self.domain, self.provider, self.procedure, rows, self.official, self.unit), people)


def job_id(told: Sequence[str], people: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Of (domain, provider, procedure, rows in order with blanks between, official, unit) and of (reference, mark) of
    everybody."""
    # Rows are one part: else a row could stand for what comes after it.
    return digest("bulk-job", *(text.encode() for text in told), *(part for each in people for part in each))[
        :12
    ]


async def begin(office: Office, order: Order) -> Job:
    """Write the job down, or find it as it was left, by whichever process. Raises `JobOver`, and what the law lacks
    (`Law.permit`, `DomainNotRun`); then nothing is written."""
    office.site(order.domain)
    found, now_ms = store.find(office.db.read(), order.id), office.clock()
    if found is not None:
        if found.ended_ms:
            raise JobOver(job=found.id.hex())
        return found
    office.law.in_force(now_ms).permit(order.domain, order.provider, order.procedure, order.rows, now_ms)
    rows = " ".join(sorted(order.rows))
    told = order.domain, order.provider, order.procedure, rows, order.official, order.unit
    job = Job(order.id, *told, len(order.people), now_ms)

    def work(db: Connection) -> Job:
        known = store.find(db, job.id)  # begun by another process meanwhile
        if known is None:
            store.add(db, job, (_line(job, at, each) for at, each in enumerate(order.people)))
            journal.write(db, _act(job, What.BULK_BEGUN), now_ms)
        return known or job

    return await office.db.write(work)


def _line(job: Job, at: int, person: Person) -> Line:
    return Line(job.id + at.to_bytes(4), job.id, person.reference, person.mark)


async def add_people(office: Office, job: bytes, first: int, people: Sequence[tuple[bytes, bytes]]) -> None:
    """Keep (reference, mark) of people of a job that is to begin, from this position on; again without effect, and none
    once the job has begun."""
    lines = [
        Line(job + at.to_bytes(4), job, reference, mark, Step.TO_BEGIN)
        for at, (reference, mark) in enumerate(people, first)
    ]

    def work(db: Connection) -> None:
        if store.find(db, job) is None:
            store.add_lines(db, lines)

    await office.db.write(work)


async def begin_with(office: Office, wanted: Job) -> Job:
    """Begin a job whose people have been added, or find it as it was left. Raises as `begin`, and `JobIncomplete` where
    they are not all here, or others than its id says, and `PeopleFileMalformed` for somebody who is in it twice; then
    those that were added are forgotten."""
    office.site(DomainName(wanted.domain))
    rows, now_ms = tuple(wanted.rows.split()), wanted.begun_ms
    if store.find(office.db.read(), wanted.id) is None:
        domains = DomainName(wanted.domain), DomainName(wanted.provider)
        office.law.in_force(now_ms).permit(*domains, wanted.procedure, rows, now_ms)

    def work(db: Connection) -> Job | Problem:
        if (known := store.find(db, wanted.id)) is not None:
            return JobOver(job=known.id.hex()) if known.ended_ms else known
        people = store.people(db, wanted.id)
        told = wanted.domain, wanted.provider, wanted.procedure, wanted.rows, wanted.official, wanted.unit
        fault: Problem | None = None
        if len(people) != wanted.total or job_id(told, people) != wanted.id:
            fault = JobIncomplete(people=len(people))
        elif len({reference for reference, _ in people}) < len(people):
            fault = PeopleFileMalformed(line=0)
        if fault is not None:
            store.drop_people(db, wanted.id)
            return fault
        store.begin(db, wanted)
        journal.write(db, _act(wanted, What.BULK_BEGUN), now_ms)
        return wanted

    found = await office.db.write(work)
    if isinstance(found, Problem):
        raise found
    return found


def _act(job: Job, what: What) -> Act:
    return Act(job.domain, job.official, job.unit, what, "", f"{job.id.hex()} {job.total} {job.rows}")


async def run(
    desk: Desk,
    office: Office,
    job: Job,
    told: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Ask about everybody who waits, until `stop` says so; `told` hears after each request how many more are over. What
    is left of an earlier run must have been taken up (`Desk.resume`, as a gateway does at its start).

    Raises the problem by which a request as a whole was refused, or after which nothing is concluded: what has not been
    asked then waits, and the same call goes on. Two runs of a job at once share its people.
    """
    ask = _Asking(desk, office, job, told, stop)
    lanes = [asyncio.create_task(ask.lane()) for _ in range(LANES)]
    ended = await asyncio.gather(*lanes, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, BaseException):
            raise fault


@dataclass(frozen=True)
class Left:
    """Lines that went together, and the hR they went under (empty if they never had one)."""

    ids: tuple[bytes, ...]
    request: bytes


def _nobody(_: Left) -> None:
    """Whoever starts anew takes it up."""


@dataclass
class _Asking:
    desk: Desk
    office: Office
    job: Job
    told: Callable[[int], None]
    stop: Callable[[], bool]
    left: Callable[[Left], None] = _nobody
    stopped: bool = False

    async def lane(self) -> bool:
        """Whether nobody waits any more."""
        try:
            while not (self.stopped or self.stop()):
                await self.desk.quiet(GIVES_WAY_S)
                taken = await self.office.db.write(self._take)
                if not taken:
                    return True
                await self._ask(taken)
            return False
        except BaseException:
            self.stopped = True
            raise

    def _take(self, db: Connection) -> list[Line]:
        """The next who wait, marked in the commit that finds them, so that no other lane takes them."""
        taken = store.at_step(db, self.job.id, Step.WAITING, TOGETHER)
        store.go(db, [line.id for line in taken], self.office.db.replica)
        return taken

    async def _ask(self, taken: list[Line]) -> None:
        known = [line for line in taken if self._known(line)]
        strangers = [line.id for line in taken if not self._known(line)]
        if strangers:
            code = PersonNotKnown.code
            await self.office.db.write(lambda db: store.settle(db, strangers, Step.REFUSED, problem=code))
        self.told(len(strangers))
        if known:
            await self._together(known)

    def _known(self, line: Line) -> bool:
        token = codebook.token_of(self.office.db.read(), self.job.domain, line.reference)
        return token is not None

    async def _together(self, lines: list[Line]) -> None:
        ids = [line.id for line in lines]
        try:
            await self.desk.ask_many([self._question(line) for line in lines])
        except OPEN:
            self.left(Left(tuple(ids), self._request_of(ids[0])))
            raise
        except Problem as problem:
            refusal = problem
            await self.office.db.write(lambda db: arrivals.refused(db, ids, refusal))
            self.told(self._over(ids))
            if not arrivals.named(problem, len(ids)):
                raise
        else:
            self.told(len(ids))

    def _request_of(self, id_: bytes) -> bytes:
        found = store.step_of(self.office.db.read(), id_)
        return found[1] if found else b""

    def _over(self, ids: Sequence[bytes]) -> int:
        found = (store.step_of(self.office.db.read(), id_) for id_ in ids)
        return sum(each is not None and each[0] not in (Step.WAITING, Step.UNDER_WAY) for each in found)

    def _question(self, line: Line) -> Question:
        job = self.job
        return Question(
            DomainName(job.domain),
            DomainName(job.provider),
            job.procedure,
            tuple(job.rows.split()),
            line.reference,
            job.official,
            line.mark,
            job.unit,
            channel=BATCH,
            mode=Mode.S1,
            inquiry=line.id,
        )


async def go_on(
    desk: Desk,
    office: Office,
    job: Job,
    told: Callable[[int], None],
    stop: Callable[[], bool],
    left: Callable[[Left], None],
) -> bool:
    """One lane of `run`, and whether nobody waits any more. `left` hears the lines that a request without an end has
    left, for `take_up`."""
    return await _Asking(desk, office, job, told, stop, left).lane()


async def take_up(desk: Desk, office: Office, left: Left) -> bool:
    """What a request without an end has left in a process that lives: the same bytes again, or back to those who wait.
    False if it still has none. What the gateway has taken up by itself meanwhile, and another lane has asked anew, is
    that lane's."""
    await desk.resume(left.ids[0])

    def work(db: Connection) -> bool:
        found = ((id_, store.step_of(db, id_)) for id_ in left.ids)
        mine = [id_ for id_, now in found if now is not None and now[1] == left.request]
        if mine and mine[0] in going(db):
            return False
        arrivals.back(db, mine)
        return True

    return await office.db.write(work)


async def end(office: Office, job: Job) -> None:
    """The answers have been handed over: forget them, and whom they were about. Raises `ValueError` while somebody is
    still to be asked."""
    now_ms = office.clock()

    def work(db: Connection) -> None:
        left = store.counts(db, job.id)
        if left.get(Step.WAITING) or left.get(Step.UNDER_WAY):
            raise ValueError("a job ends when everybody was asked about")
        store.end(db, job.id, now_ms)
        journal.write(db, _act(job, What.BULK_ENDED), now_ms)

    await office.db.write(work)
