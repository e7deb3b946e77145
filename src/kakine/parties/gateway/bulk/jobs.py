"""A job: its people written down before anybody is asked, its answers kept as they come, taken up after a crash.

Who is asked about, and how far that is, stands in the store at every moment. A question whose request left goes again
as the same bytes or, when these are too old, not at all: nobody's history gets two entries of one job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kakine.clients.carrier import OPEN
from kakine.crypto.hashing import digest
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.bulk import arrivals, store
from kakine.parties.gateway.bulk.store import Job, Line, Step
from kakine.parties.gateway.desk import journal
from kakine.parties.gateway.desk.journal import Act, What
from kakine.parties.gateway.office import Office
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName
from kakine.values.problems import JobOver, PersonNotKnown, Problem
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
        rows = " ".join(sorted(self.rows))  # as one part: else a row could stand for what comes after it
        told = [self.domain, self.provider, self.procedure, rows, self.official, self.unit]
        people = [part for each in self.people for part in (each.reference, each.case.encode())]
        return digest("bulk-job", *(text.encode() for text in told), *people)[:12]


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
    mark = digest("case-number", person.case.encode())
    return Line(job.id + at.to_bytes(4), job.id, person.reference, mark)


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


@dataclass
class _Asking:
    desk: Desk
    office: Office
    job: Job
    told: Callable[[int], None]
    stop: Callable[[], bool]
    stopped: bool = False

    async def lane(self) -> None:
        try:
            while not (self.stopped or self.stop()):
                await self.desk.quiet(GIVES_WAY_S)
                taken = await self.office.db.write(self._take)
                if not taken:
                    return
                await self._ask(taken)
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
            raise
        except Problem as problem:
            refusal = problem
            await self.office.db.write(lambda db: arrivals.refused(db, ids, refusal))
            self.told(self._over(ids))
            if not arrivals.named(problem, len(ids)):
                raise
        else:
            self.told(len(ids))

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
