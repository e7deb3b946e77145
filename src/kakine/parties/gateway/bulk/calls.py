"""Jobs over the road, for the agency's own systems (spec/bulk.md section 4).

These drive, so that a job stops with whoever wants its answers; what must not be lost is kept here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from kakine.contracts.agency import (
    BULK_BEGIN,
    BULK_END,
    BULK_LINES,
    BULK_PEOPLE,
    BULK_WORK,
    BulkDone,
    BulkFrom,
    BulkJob,
    BulkLine,
    BulkLines,
    BulkOrder,
    BulkPart,
    BulkTold,
)
from kakine.contracts.call import Nothing
from kakine.parties.gateway.asking import Desk
from kakine.parties.gateway.bulk import jobs, store
from kakine.parties.gateway.bulk.store import Job, Step
from kakine.parties.gateway.front import require_own
from kakine.parties.gateway.office import Office
from kakine.runtime.http import Duty
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, JobIncomplete, JobOver, PartyUnavailable

WORK_MS = 2000
"""So long a call works before it tells how far it is."""
PAGE = 1000
"""Lines in one answer."""


class Jobs:
    """Of one gateway. In memory only what a request without an end has left; after a start the store has it."""

    def __init__(self, office: Office, desk: Desk) -> None:
        self._office = office
        self._desk = desk
        self._left: dict[bytes, list[jobs.Left]] = {}
        self._lanes: set[asyncio.Task[BulkDone]] = set()

    @property
    def duties(self) -> Sequence[Duty]:  # type: ignore[type-arg]
        """For the gateway's application."""
        return (
            Duty(BULK_PEOPLE, self.people),
            Duty(BULK_BEGIN, self.begin),
            Duty(BULK_WORK, self.work),
            Duty(BULK_LINES, self.lines),
            Duty(BULK_END, self.end),
        )

    async def people(self, caller: PartyName, part: BulkPart) -> Nothing:
        """Keep people of a job that is to begin. Raises `CallerNotAllowed`, `BatchMalformed`."""
        require_own(self._office, caller, BULK_PEOPLE.path)
        if len(part.references) != len(part.marks):
            raise BatchMalformed()
        pairs = list(zip(part.references, part.marks, strict=True))
        await jobs.add_people(self._office, part.job, part.first, pairs)
        return Nothing()

    async def begin(self, caller: PartyName, asked: BulkOrder) -> BulkTold:
        """Raises `CallerNotAllowed` and as `jobs.begin_with`."""
        require_own(self._office, caller, BULK_BEGIN.path)
        told = asked.domain, asked.provider, asked.procedure, " ".join(sorted(asked.rows))
        wanted = Job(asked.job, *told, asked.official, asked.unit, asked.total, self._office.clock())
        return self._told(await jobs.begin_with(self._office, wanted))

    async def work(self, caller: PartyName, asked: BulkJob) -> BulkDone:
        """One lane, for a while. Raises `CallerNotAllowed`, `JobIncomplete`, `JobOver`, the problem that stops a job,
        and `PartyUnavailable` where something has no end yet; then the same call goes on."""
        job = self._begun(caller, BULK_WORK.path, asked.job)
        # Whoever asked may be gone before a request has come to its end, which must not leave that in the air.
        lane = asyncio.create_task(self._lane(job))
        self._lanes.add(lane)
        lane.add_done_callback(self._lanes.discard)
        return await asyncio.shield(lane)

    async def _lane(self, job: Job) -> BulkDone:
        until = self._office.clock() + WORK_MS
        left = self._left.setdefault(job.id, [])
        while left:
            each, ended = left.pop(), False
            try:
                ended = await jobs.take_up(self._desk, self._office, each)
            finally:
                if not ended:
                    left.append(each)
            if not ended:
                raise PartyUnavailable()
        done = list[int]()
        stop = partial(self._over, until)
        idle = await jobs.go_on(self._desk, self._office, job, done.append, stop, left.append)
        return BulkDone(sum(done), idle)

    def _over(self, until: int) -> bool:
        return self._office.clock() >= until

    async def lines(self, caller: PartyName, asked: BulkFrom) -> BulkLines:
        """What came of some. Raises as `work`."""
        job = self._begun(caller, BULK_LINES.path, asked.job)
        found = store.some_lines(self._office.db.read(), job.id, asked.first, PAGE)
        return BulkLines(
            [BulkLine(each.step, each.result, each.items, each.data, each.problem) for each in found]
        )

    async def end(self, caller: PartyName, asked: BulkJob) -> Nothing:
        """Forget the answers. Raises as `work`; again without effect."""
        require_own(self._office, caller, BULK_END.path)
        found = store.find(self._office.db.read(), asked.job)
        if found is not None and found.ended_ms:
            return Nothing()
        job = self._begun(caller, BULK_END.path, asked.job)
        if self._told(job).over < job.total:
            raise JobIncomplete()
        await jobs.end(self._office, job)
        return Nothing()

    def _begun(self, caller: PartyName, call: str, id_: bytes) -> Job:
        require_own(self._office, caller, call)
        job = store.find(self._office.db.read(), id_)
        if job is None:
            raise JobIncomplete(people=0)
        if job.ended_ms:
            raise JobOver(job=job.id.hex())
        return job

    def _told(self, job: Job) -> BulkTold:
        db = self._office.db.read()
        counts = store.counts(db, job.id)
        over = job.total - counts.get(Step.WAITING, 0) - counts.get(Step.UNDER_WAY, 0)
        return BulkTold(job.total, over, store.results(db, job.id))
