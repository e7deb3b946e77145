"""Carry a request through, once: the intent is on disk before the first call, the receipt after the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from kakine.clients.exchange import Requester, request_of
from kakine.contracts.converter import Converted, Filed, Hop
from kakine.contracts.gateway import Disputable, DisputableKept
from kakine.protocols.gates import WINDOW_MS
from kakine.runtime import codebook
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock
from kakine.runtime.replicas import carries
from kakine.values.calendar import RETENTION_MONTHS, months_since_2000, retained_from_ms
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    BootFence,
    ExpiredRequest,
    HeadMoved,
    InternalFault,
    ObjectionUnfit,
    OutsideWindow,
    PartyStarting,
    PartyUnavailable,
    Problem,
    RecordRefused,
    RequestUnknown,
    StoreFailed,
    StoreInUse,
)
from kakine.wire.answer import Answered, Kept, Prepared
from kakine.wire.canonical import decode, encode, plain
from kakine.wire.request import NO_RECIPIENT, PublicPart, RecordPart

_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_filed = msgspec.msgpack.Decoder(Filed)
_disputable = msgspec.msgpack.Decoder(DisputableKept)

OPEN = (PartyUnavailable, PartyStarting, StoreFailed, StoreInUse, HeadMoved, InternalFault)
"""Problems after which nothing is concluded: the same bytes may be sent again. None of them says that a request was not
filed."""

UNFILED = (RecordRefused, ObjectionUnfit, OutsideWindow, BootFence, BatchMalformed)
"""Problems that prove a request unfiled, also when it is sent again: somebody on its way does not know it, and from now
on it is refused or too old there. Whoever knows it gives the same output at any age."""

AT_ONCE = 8
"""So many open requests are taken up side by side: more would take the chain from new ones."""

MOST_REST = 8
"""So many looks at most pass by what was taken up and found no end."""

Begun = Callable[[Connection, bytes, bytes], None]
"""(store, context, hR): what it means to the sender that a request goes out; runs in the commit of the intent."""

Note = Callable[[Connection, bytes], None]
"""(store, context): what it means to the sender that a request is filed; runs in the commit that keeps the receipt."""


Arrived = Callable[[Connection, bytes, Sequence[Answered]], None]
"""(store, context, answers): keeps what was answered; runs in the commit that keeps the receipt."""


RequesterOf = Callable[[bytes], Requester]
"""(context): who sends a request again. Raises what keeps it from being sent now; the request stays open then."""

Refused = Callable[[bytes, Problem], Awaitable[None]]
"""(context, problem): what was taken up is closed with this problem."""


async def _untold(_: bytes, __: Problem) -> None:
    """Nobody wants to hear of it."""


def filed_of(data: bytes) -> Filed:
    """A kept receipt."""
    return _filed.decode(data)


Taken = tuple[bytes, tuple[Answered, ...] | Problem]
"""(context, answers or the problem): what came of a request that was taken up. No answers where there are none, or
another task has them."""


class Carrier:
    """The asking party's own record of what it has asked."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        note: Note = lambda *_: None,
        arrived: Arrived = lambda *_: None,
        begun: Begun = lambda *_: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._note = note
        self._arrived = arrived
        self._begun = begun
        self._carried: dict[bytes, asyncio.Event] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._beside: dict[bytes, asyncio.Task[Taken]] = {}
        self._rests: dict[bytes, tuple[int, int]] = {}

    @asynccontextmanager
    async def _alone(self, request: bytes) -> AsyncIterator[None]:
        """No other task of this process carries the request meanwhile; who comes second waits for the first."""
        while (other := self._carried.get(request)) is not None:
            await other.wait()
        self._carried[request] = over = asyncio.Event()
        try:
            yield
        finally:
            del self._carried[request]
            over.set()

    async def send(self, requester: Requester, prepared: Prepared, context: bytes) -> tuple[Answered, ...]:
        """Write the intent down, then carry the request through.

        Ends with the answers and the receipt kept, or with a refusal and the request closed. Where a party did not
        answer the request stays open for `resume`. `context` is the caller's note of what the request was for.

        A request to the record keeper alone (RETIRE, SWITCH) ends with its receipt and no answers, or with one of
        `UNFILED`; after any other refusal it stays open, for it may have been filed.
        """
        request, kept = request_of(prepared), encode(prepared.kept)
        now_ms = self._clock()
        me = self._db.replica

        def work(db: Connection) -> None:
            codebook.keep_outgoing(db, request, kept, context, now_ms, me)
            self._begun(db, context, request)

        # Before it is written down: what is found open and carried by nobody is taken up.
        async with self._alone(request):
            await self._db.write(work)
            return await self._carry(requester, prepared, context)

    async def _carry(self, requester: Requester, prepared: Prepared, context: bytes) -> tuple[Answered, ...]:
        converted, alone = None, _keeper_alone(prepared.kept)
        try:
            converted = await requester.convert(prepared)
            if alone:
                requester.check_filed(prepared, converted)
            answers = () if alone else await _answers(requester, prepared, converted)
        except OPEN:
            raise
        except Problem as problem:
            if not alone or isinstance(problem, UNFILED):
                await self._close(prepared, converted, context)
            raise
        await self._close(prepared, converted, context, answers)
        return answers

    async def _close(
        self,
        prepared: Prepared,
        converted: Converted | None,
        context: bytes,
        answers: Sequence[Answered] = (),
    ) -> None:
        now_ms = self._clock()

        def work(db: Connection) -> None:
            request = request_of(prepared)
            codebook.finish(db, request)
            if converted is not None:
                _keep_disputable(db, request, prepared.kept, converted.hops)
                filed = _encoder.encode(converted.filed)
                codebook.keep_receipt(db, request, filed, prepared.entries, prepared.tags, now_ms)
                self._note(db, context)
            if answers:
                self._arrived(db, context, answers)

        await self._db.write(work)

    async def take_up(self, requester: Requester, context: bytes) -> bool:
        """Send again what is open for the record keeper alone under this context: the same bytes, at any age.

        True if it is filed now, also if it had been before; False if nothing is open, or what is open was never filed
        (it is closed then, and may be prepared anew). Raises what `send` raises and leaves open.
        """
        for left in self._left():
            kept = decode(left.kept, Kept)
            if left.context == context and _keeper_alone(kept):
                try:
                    await self._once_more(left, lambda _: requester)
                except UNFILED:
                    return False
                return codebook.has_receipt(self._db.read(), left.request)
        return False

    async def again(self, requester: Requester, context: bytes) -> tuple[Answered, ...] | None:
        """Send again what is open under this context, and its answers; None where nothing is, or what is open is too
        old to be sent (it is closed then). For requests that somebody answers. Raises as `send`."""
        for left in self._left():
            if left.context == context:
                try:
                    return await self._once_more(left, lambda _: requester)
                except ExpiredRequest:
                    continue
        return None

    def _left(self, of: str | None = None) -> list[codebook.Unfinished]:
        """What is open and this replica's to carry, or that of another name."""
        name = self._db.replica if of is None else of
        return [each for each in codebook.unfinished(self._db.read()) if carries(name, each.replica)]

    async def resume(
        self,
        requester_of: RequesterOf,
        wanted: Callable[[bytes], bool] = lambda _: True,
        of: str | None = None,
        refused: Refused = _untold,
        at_once: int = 1,
    ) -> list[Taken]:
        """Take up what was left open: the same bytes again while they are young enough, else closed as expired.
        Requests to the record keeper alone are sent at any age. So many side by side: more than one only where no
        request follows from another.

        Gives (context, answers or problem) of each whose context is `wanted` and that this replica carries (or that
        stands under the name `of`), oldest first. Nothing is asked twice: the same request has its effect once, and
        what another task of this process carries is waited for.
        """
        month = months_since_2000(self._clock())
        await self._db.write(partial(codebook.drop_disputable, month=month))
        slots, wanting = asyncio.Semaphore(at_once), [left for left in self._left(of) if wanted(left.context)]
        taking = (self._take(left, slots, requester_of, refused) for left in wanting)
        return _values(await asyncio.gather(*taking, return_exceptions=True))

    async def go_on(self, requester_of: RequesterOf, refused: Refused, at_most_s: float) -> int:
        """As `resume`, in a process that works: begins with all that is open and that no task of it carries or has
        begun with, and returns after this time at the latest, while they go on. How many have come to an end since it
        was called last. What finds no end is begun with again at later calls, each time after a longer rest."""
        lefts = self._left()
        self._rests = {left.request: self._rests.get(left.request, (0, 1)) for left in lefts}
        for left in lefts:
            busy = left.request in self._carried or left.request in self._beside
            if not busy and self._is_due(left.request):
                taking = self._take(left, self._slots, requester_of, refused)
                self._beside[left.request] = asyncio.create_task(taking)
        if self._beside:
            await asyncio.wait(self._beside.values(), timeout=at_most_s)
        over = {request: task for request, task in self._beside.items() if task.done()}
        for request in over:
            del self._beside[request]
        _values(await asyncio.gather(*over.values(), return_exceptions=True))
        return sum(not codebook.is_open(self._db.read(), request) for request in over)

    def _is_due(self, request: bytes) -> bool:
        # By looks and not by a clock. To prepare a request again costs more than to hear that somebody is away.
        rest, longer = self._rests[request]
        self._rests[request] = (rest - 1, longer) if rest else (longer, min(2 * longer, MOST_REST))
        return not rest

    def stop(self) -> None:
        """Break off what goes on beside; it stays open."""
        for task in self._beside.values():
            task.cancel()

    async def _take(
        self,
        left: codebook.Unfinished,
        slots: asyncio.Semaphore,
        requester_of: RequesterOf,
        refused: Refused,
    ) -> Taken:
        async with slots:
            try:
                return left.context, await self._once_more(left, requester_of) or ()
            except OPEN as problem:
                return left.context, problem
            except Problem as problem:
                # What keeps it from being sent now, a domain that moves say, refuses nothing.
                if not codebook.is_open(self._db.read(), left.request):
                    await refused(left.context, problem)
                return left.context, problem

    async def _once_more(
        self, left: codebook.Unfinished, requester_of: RequesterOf
    ) -> tuple[Answered, ...] | None:
        """The same bytes; None if they came to an end while another task carried them. Raises as `send`, and
        `ExpiredRequest` where they are too old: closed then."""
        async with self._alone(left.request):
            if not codebook.is_open(self._db.read(), left.request):
                return None
            kept = decode(left.kept, Kept)
            old = self._clock() - left.time_ms > WINDOW_MS
            if old and not _keeper_alone(kept):
                await self._db.write(partial(_expire, request=left.request, kept=kept))
                raise ExpiredRequest()
            requester = requester_of(left.context)
            return await self._carry(requester, await requester.restore(kept), left.context)


def _values(ended: Sequence[Taken | BaseException]) -> list[Taken]:
    """Raises the first fault, when all have ended."""
    values = []
    for each in ended:
        if isinstance(each, BaseException):
            raise each
        values.append(each)
    return values


async def forget(db: Database, now_ms: int) -> int:
    """Delete what a party keeps of exchanges whose records have expired: the answers it gave, and requests that were
    never concluded, each with the seed from which records and envelopes follow. How many there were.

    Receipts stay: they hold entries, signatures and proofs, which are public, and nothing else. So does an open request
    to the record keeper alone, which is taken up at any age.
    """
    before_ms = retained_from_ms(now_ms)

    def work(connection: Connection) -> int:
        codebook.drop_disputable(connection, month=months_since_2000(now_ms))
        count = codebook.forget_incoming(connection, before_ms)
        for left in codebook.unfinished(connection):
            if left.time_ms < before_ms and not _keeper_alone(decode(left.kept, Kept)):
                codebook.finish(connection, left.request)
                count += 1
        return count

    count = await db.write(work)
    await db.forget()
    return count


def disputables(db: Connection) -> list[tuple[bytes, DisputableKept]]:
    """(hR, what is kept) of every request of the last 84 months."""
    return [(request, _disputable.decode(kept)) for request, kept in codebook.all_disputable(db)]


def _keep_disputable(db: Connection, request: bytes, kept: Kept, hops: Sequence[Hop]) -> None:
    """What the commission asks for if a person of the request objects: Q, not the seed that opens it."""
    public, record = decode(kept.public, PublicPart), decode(kept.record, RecordPart)
    if record.kind in NO_RECIPIENT:
        return
    packed = _encoder.encode(DisputableKept(kept.public, kept.record, kept.blinded, list(hops)))
    expiry = months_since_2000(public.time_ms) + RETENTION_MONTHS
    codebook.keep_disputable(db, request, packed, expiry)


def _expire(db: Connection, request: bytes, kept: Kept) -> None:
    """Nobody sends it again, but it may have been filed."""
    codebook.finish(db, request)
    _keep_disputable(db, request, kept, [])


async def disputable(db: Database, caller: PartyName, asked: Disputable) -> DisputableKept:
    """What a requester shows the commission of a disputed request. Raises `RequestUnknown`."""
    found = codebook.find_disputable(db.read(), asked.request)
    if found is None:
        raise RequestUnknown()
    return _disputable.decode(found)


def _keeper_alone(kept: Kept) -> bool:
    return decode(kept.record, RecordPart).kind in NO_RECIPIENT


async def _answers(requester: Requester, prepared: Prepared, converted: Converted) -> tuple[Answered, ...]:
    released = await requester.release(prepared, converted)
    delivered = await requester.deliver(prepared, converted, released)
    return requester.open(prepared, converted, delivered)
