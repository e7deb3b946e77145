"""Ask: one person or many, under a procedure and its rows; single questions that wait together go together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kakine.clients.carrier import OPEN, Carrier
from kakine.clients.exchange import Wish
from kakine.parties.gateway.bulk import arrivals as bulk
from kakine.parties.gateway.bulk import store as lines
from kakine.parties.gateway.desk import arrivals, case_store
from kakine.parties.gateway.office import Office
from kakine.protocols.seals import DAY_MS
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.runtime.replicas import left_to
from kakine.values.codes import CodeVector
from kakine.values.labels import DomainName
from kakine.values.problems import PersonNotKnown, Problem
from kakine.wire.answer import Answered
from kakine.wire.request import AskedPerson, Kind, Mode

MOST = 256
"""People in one request. The gate is all-or-nothing, so larger batches would punish many for one."""

GATHERED = 64
"""Single questions that travel as one request."""
FULL, LANES = 16, 3
"""So many waiting questions are worth a request of their own while others of their group are out, and so many requests
of one group may be."""


@dataclass(frozen=True)
class Question:
    """What a case worker asks of one person. `official` is the organisation's own reference, `case` a digest of the
    case number, `reference` the asking domain's local one; `parent` names the exchange this one follows from. For
    `seal_days` days the person is not shown it, where the law lets that be. `inquiry` is the id (16 bytes) of a
    question that belongs to a case of the agency's desk; its answer is kept there."""

    domain: DomainName
    provider: DomainName
    procedure: str
    rows: tuple[str, ...]
    reference: bytes
    official: str
    case: bytes
    unit: str
    channel: int = 2
    mode: Mode = Mode.S0_PLUS
    parent: bytes = b""
    seal_days: int = 0
    inquiry: bytes = b""

    @property
    def group(self) -> tuple[object, ...]:
        """Questions of one group may share a request: all common fields are equal."""
        return (
            self.domain,
            self.provider,
            self.procedure,
            self.rows,
            self.unit,
            self.channel,
            self.mode,
            self.seal_days,
        )

    @property
    def alone(self) -> bool:
        """Whether it must not share a request: what is withheld concerns one person."""
        return self.seal_days > 0


@dataclass
class Waiting:
    """Questions of one group that wait, and how many requests of the group are out."""

    queue: deque[tuple[Question, asyncio.Future[Answered]]] = field(default_factory=deque)
    lanes: int = 0

    @property
    def due(self) -> bool:
        """Whether a lane more is to be opened for what waits."""
        return not self.lanes or (self.lanes < LANES and len(self.queue) >= FULL)

    def some(self) -> list[tuple[Question, asyncio.Future[Answered]]]:
        """What one of the lanes takes now: everything, or its share where others could be filled too; nothing of less
        than `FULL` while another lane is out, which will take it."""
        waits = len(self.queue)
        if not waits or (self.lanes > 1 and waits < FULL):
            return []
        if self.queue[0][0].alone:
            return [self.queue.popleft()]
        share = waits if waits < 2 * FULL else max(FULL, -(-waits // (LANES - self.lanes + 1)))
        return [self.queue.popleft() for _ in range(min(share, waits, GATHERED))]


class Desk:
    """The asking side of a gateway."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.carrier = Carrier(office.db, office.clock, arrived=self._arrived, begun=_travels)
        self._groups: dict[tuple[object, ...], Waiting] = {}
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answered:
        """One person's answer. Alone it goes at once; what comes while a request of the same group is out goes
        together, when that is back or when `FULL` wait (spec/lcx.md section 10). Raises the problem of whoever refused.
        """
        waiting = self._groups.setdefault(question.group, Waiting())
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        waiting.queue.append((question, future))
        if waiting.due:
            waiting.lanes += 1
            self._quiet.clear()
            task = asyncio.create_task(self._drain(question.group, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self, group: tuple[object, ...], waiting: Waiting) -> None:
        while taken := waiting.some():
            await self._together(taken)
        waiting.lanes -= 1
        if not waiting.lanes:
            self._groups.pop(group, None)
        if not self._groups:
            self._quiet.set()

    async def quiet(self, at_most_s: float) -> None:
        """Return when no single question is being asked, or after this time: what can wait gives way."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), at_most_s)

    async def _together(self, taken: list[tuple[Question, asyncio.Future[Answered]]]) -> None:
        """One request for all; whoever the record keeper refuses gets the refusal, the others go again."""
        try:
            answers = await self.ask_many([question for question, _ in taken])
        except Problem as problem:
            refused = _positions(problem, len(taken))
            for j in refused:
                _fail(taken[j][1], problem)
            rest = [pair for j, pair in enumerate(taken) if j not in refused]
            if rest:
                await self._together(rest)
            return
        except Exception as fault:  # noqa: BLE001 - the callers wait; each must hear of it
            for _, future in taken:
                _fail(future, fault)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def ask_many(self, questions: Sequence[Question]) -> list[Answered]:
        """At most `MOST` questions of one group as one request, all or none."""
        office, first = self._office, questions[0]
        if len(questions) > MOST or any(q.group != first.group for q in questions):
            raise ValueError("questions of one request must be of one group, and not too many")
        law = office.law.in_force(office.clock())
        now_ms = office.clock()
        law.permit(first.domain, first.provider, first.procedure, first.rows, now_ms)
        until = now_ms // DAY_MS + first.seal_days if first.seal_days else 0
        law.permit_seal(first.rows, len(questions), now_ms, until)
        requester = office.requester(first.domain)
        context = arrivals.context_of(first.domain, [question.inquiry for question in questions])
        wish = Wish(
            Kind.EXCHANGE,
            first.mode,
            first.procedure,
            tuple(sorted(first.rows)),
            first.provider,
            self.codes(first.domain, questions),
            tuple(_asked(office, question) for question in questions),
            law.items(first.rows),
            first.unit,
            first.channel,
            sealed_until=until,
        )
        return list(await self.carrier.send(requester, await requester.prepare(wish), context))

    async def resume(self, inquiry: bytes = b"", of: str | None = None) -> None:
        """Take up what was left open: everything at a start, later what this question travels in. Nothing that another
        replica carries; `of` for what one has left (`runtime.replicas`). Raises nothing that concerns a single request;
        what is refused now is noted with its questions."""
        office = self._office
        whose = office.db.replica if of is None else of

        def wanted(context: bytes) -> bool:
            return not inquiry or inquiry in arrivals.inquiries_of(context)

        results = await self.carrier.resume(lambda c: office.requester(arrivals.domain_of(c)), wanted, whose)
        refused = [
            (c, each) for c, each in results if isinstance(each, Problem) and not isinstance(each, OPEN)
        ]
        now_ms = office.clock()

        def work(db: Connection) -> None:
            for context, problem in refused:
                ids = arrivals.inquiries_of(context)
                arrivals.refused(db, ids, problem, now_ms)
                bulk.refused(db, ids, problem)
            arrivals.settle(db, now_ms, whose, inquiry)
            if not inquiry:
                bulk.settle(db, arrivals.going(db), whose)

        await office.db.write(work)

    async def take_over(self, whose: Callable[[str], bool], by: str = "") -> None:
        """Carry what others have left: first it is this replica's by the books, so that nobody else does."""
        mine = left_to(self._office.db.replica, by)

        def work(db: Connection) -> None:
            for hand_over in (codebook.hand_over_outgoing, case_store.hand_over, lines.hand_over):
                hand_over(db, whose, mine)

        await self._office.db.write(work)
        await self.resume(of=mine)

    def _arrived(self, db: Connection, context: bytes, answers: Sequence[Answered]) -> None:
        arrivals.arrived(db, context, answers, self._office.clock())
        bulk.arrived(db, context, answers)

    def codes(self, domain: DomainName, questions: Sequence[Question]) -> CodeVector:
        """Of the people these are about, in order. Raises `PersonNotKnown` with the position."""
        office = self._office
        site, codes = office.site(domain), []
        wanted = [question.reference for question in questions]
        for position, token in enumerate(codebook.tokens_of(office.db.read(), domain, wanted)):
            if token is None:
                raise PersonNotKnown(indexes=[position])
            codes.append(site.unwrapped(token))
        return CodeVector.of(codes)


def _travels(db: Connection, context: bytes, request: bytes) -> None:
    if arrivals.inquiries_of(context):
        arrivals.travels(db, context, request)
        bulk.travels(db, context, request)


def _asked(office: Office, question: Question) -> AskedPerson:
    return AskedPerson(office.entropy(16), question.official, question.case, question.parent, b"")


def _positions(problem: Problem, count: int) -> set[int]:
    """Whom a refusal concerns: the positions it names, or everybody where it names none that was asked about."""
    return bulk.named(problem, count) or set(range(count))


def _fail(future: asyncio.Future[Answered], fault: Exception) -> None:
    if not future.done():
        future.set_exception(fault)
