"""Ask: one person or many, under a procedure and its rows; single questions that wait together go together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from kakine.clients.carrier import AT_ONCE, Carrier
from kakine.clients.exchange import Requester, Wish
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
from kakine.values.problems import BootFence, PersonNotKnown, Problem
from kakine.wire.answer import Answered
from kakine.wire.request import AskedPerson, Kind, Mode

MOST = 256
"""People in one request. The gate is all-or-nothing, so larger batches would punish many for one."""

GATHERED = 64
"""Single questions that travel as one request."""
FULL, LANES = 24, 2
"""So many waiting questions are worth a request of their own while another of their group is out, and so many requests
of one group may be (decision 0066)."""

FENCED_S = (0.0, 0.2, 1.0, 3.0)
"""Pauses before what a converter's boot fence refused is asked anew: its clock may be ahead of ours."""

GIVES_BACK_S = 2.0
"""So long one look at what was broken off waits for its end; what takes longer goes on."""


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
    """Questions of one group that wait; its lanes, how many of them have a request out, and with how many people."""

    queue: deque[tuple[Question, asyncio.Future[Answered]]] = field(default_factory=deque)
    lanes: int = 0
    out: int = 0
    people: int = 0

    @property
    def due(self) -> bool:
        """Whether a lane more is to be opened for what waits, beside what the open ones are about to take."""
        about_to = self.lanes - self.out
        return not self.lanes or (self.lanes < LANES and len(self.queue) >= FULL * (about_to + 1))

    def some(self) -> list[tuple[Question, asyncio.Future[Answered]]]:
        """What one of the lanes takes now: everything, or its even share of all that wait and are out where another
        lane is worth it; nothing of less than `FULL` while another is out, which will take it."""
        waits = len(self.queue)
        if not waits or (self.out and waits < FULL):
            return []
        if self.queue[0][0].alone:
            share = 1
        elif not self.out and waits < 2 * FULL:
            share = waits
        else:
            share = max(FULL, -(-(waits + self.people) // LANES))
        taken = [self.queue.popleft() for _ in range(min(share, waits, GATHERED))]
        self.out += 1
        self.people += len(taken)
        return taken

    def back(self, count: int) -> None:
        """A request with so many people is over."""
        self.out -= 1
        self.people -= count


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
        self._widen(question.group, waiting)
        return await future

    def _widen(self, group: tuple[object, ...], waiting: Waiting) -> None:
        if waiting.due:
            waiting.lanes += 1
            self._quiet.clear()
            task = asyncio.create_task(self._drain(group, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self, group: tuple[object, ...], waiting: Waiting) -> None:
        while taken := waiting.some():
            self._widen(group, waiting)
            await self._together(taken)
            waiting.back(len(taken))
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
        """At most `MOST` questions of one group as one request, all or none. A request that was overtaken by the start
        of a converter was not filed (spec/replicas.md REP-2.2) and is made anew."""
        for pause in FENCED_S:
            try:
                return await self._ask_once(questions)
            except BootFence:
                await asyncio.sleep(pause)
        return await self._ask_once(questions)

    async def _ask_once(self, questions: Sequence[Question]) -> list[Answered]:
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

        await self.carrier.resume(self._requester_of, wanted, whose, self._refused, AT_ONCE)
        await office.db.write(partial(self._settle, whose=whose, inquiry=inquiry))

    async def go_on(self) -> str:
        """Take up what was broken off, beside all that is being asked: again and again, while the process works. Says
        how much of it has ended."""
        ended = await self.carrier.go_on(self._requester_of, self._refused, GIVES_BACK_S)
        return str(ended) if ended else ""

    async def take_over(self, whose: Callable[[str], bool], by: str = "") -> str:
        """Make what others have left this replica's by the books, so that nobody else carries it: under which name.
        It is to be taken up (`resume`, `go_on`); of what is in no request nothing is to come."""
        mine = left_to(self._office.db.replica, by)

        def work(db: Connection) -> None:
            for hand_over in (codebook.hand_over_outgoing, case_store.hand_over, lines.hand_over):
                hand_over(db, whose, mine)
            self._settle(db, mine, b"")

        await self._office.db.write(work)
        return mine

    def _requester_of(self, context: bytes) -> Requester:
        return self._office.requester(arrivals.domain_of(context))

    async def _refused(self, context: bytes, problem: Problem) -> None:
        now_ms, ids = self._office.clock(), arrivals.inquiries_of(context)

        def work(db: Connection) -> None:
            arrivals.refused(db, ids, problem, now_ms)
            bulk.refused(db, ids, problem, again=True)

        await self._office.db.write(work)

    def _settle(self, db: Connection, whose: str, inquiry: bytes) -> None:
        arrivals.settle(db, self._office.clock(), whose, inquiry)
        if not inquiry:
            bulk.settle(db, arrivals.going(db), whose)

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
