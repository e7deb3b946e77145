"""The one place where the log grows (spec/ledger.md section 5).

One task takes what is queued, extends the tree, stores entries and head in one transaction, reads them back, has the
head signed by a party that signs only what extends its last head, and only then answers. There is no timer: while
one group is being stored the next one gathers, and the one before is being signed. Whatever goes wrong, the callers
are told that nothing was concluded, and the memory is thrown away and built anew from the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kakine.contracts.ledger import Appended
from kakine.crypto.merkle import leaf_hash
from kakine.parties.ledger.attest import Attestor, Others, Signed, compare, nobody
from kakine.parties.ledger.head import Head, load
from kakine.parties.ledger.store import Growth, Store
from kakine.values.problems import (
    InternalFault,
    LedgerDiverged,
    LedgerForked,
    LogClosed,
    LogListBroken,
    PartyUnavailable,
    Problem,
    TagConflict,
)
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.heartbeat import Heartbeat

log = logging.getLogger("kakine")

GROUP = 1000
"""Entries after which a group is closed; a larger single request makes a group of its own."""


@dataclass
class _Waiting:
    """Entries of one request; `first` is set once it is known where they stand."""

    entries: Sequence[bytes]
    tags: Sequence[bytes]
    answer: asyncio.Future[Appended]
    since: int
    first: int = -1


@dataclass(frozen=True)
class _Stored:
    """Requests whose entries are durable, and the head that has them all. It may not be signed yet."""

    group: list[_Waiting]
    at: Checkpoint


def _known(waiting: _Waiting, places: Mapping[bytes, tuple[int, bytes]]) -> int:
    """The index of the first entry of a repeat, -1 if all tags are new. Raises `TagConflict`."""
    if len(set(waiting.tags)) != len(waiting.tags):
        raise TagConflict(part="twice")
    found = [places.get(tag) for tag in waiting.tags]
    start = found[0]
    if start is None:
        if any(found):
            raise TagConflict(part="some")
        return -1
    if found != list(enumerate(waiting.entries, start[0])):
        raise TagConflict(part="other")
    return start[0]


class Sequencer:
    """Grows one log, once its store has been held against its signer's head and against those of `others`."""

    def __init__(
        self, store: Store, attestor: Attestor, others: Others = nobody, begins: bytes = b""
    ) -> None:
        """`begins` are the entries with which the log must begin, if it follows another."""
        self._begins = begins
        self._ended = False
        self._store = store
        self._attestor = attestor
        self._others = others
        self._compared = False
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._door = asyncio.Lock()
        self._head: Head | None = None
        self._unkept: Signed | None = None

    async def head(self) -> Head:
        """The durable and signed head. Raises what `head.load` raises if store and signer do not agree."""
        async with self._door:
            if self._head is None:
                self._head = head = await load(self._store, self._attestor)
                self._unkept = Signed(head.at, head.note) if head.at.size else None
                self._ended = self._ended or head.closed
            return self._head

    async def start(self) -> None:
        """Compare with everybody who keeps heads of this log. Nothing is appended before that has succeeded.

        The last checkpoint is stored if it was not yet. Raises `LedgerBehind` or `LedgerForked`, and what `head`
        raises; `StoreFailed`.
        """
        head = await self.head()
        compare(head.tree, self._attestor.opened(await self._others()))
        self._compared = True
        if self._unkept is not None:
            await self._store.keep(self._unkept)

    async def append(self, entries: Sequence[bytes], tags: Sequence[bytes], since: int = 0) -> Appended:
        """Append m entries next to each other, or find them where they stand already under the same tags. The receipt
        shows how the log has grown since the size `since`.

        Raises `TagConflict` if a tag stands for another entry or twice in the request, or if only some are
        known or they do not stand next to each other; `LogClosed` for new entries when the log has ended;
        `LogListBroken` for first entries that are not those this log must begin with; `StoreFailed`,
        `InternalFault`, `PartyUnavailable` or what `start` raises if no answer can be given, in which case the
        same request may be sent again.
        """
        waiting = _Waiting(entries, tags, asyncio.get_running_loop().create_future(), since)
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await waiting.answer

    async def end(self) -> bytes:
        """Take nothing new, have what is being appended signed, and have the signer sign no more: the last checkpoint
        of this log. A repeat gives it again. Raises what `head` raises, and `PartyUnavailable`: then nothing is taken
        either, until it is asked again."""
        self._ended = True
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})
        head, last = await self.head(), await self._attestor.close()
        if last.at != head.at:
            raise LedgerForked(known_to=self._attestor.name, size=last.at.size)
        return last.note

    async def beat(self, minutes: int) -> bool:
        """Append a heartbeat of the present head at `minutes` since 1970, unless others are being appended, or the log
        has ended or not begun."""
        head = await self.head()
        if self._ended or (self._begins and not head.at.size):
            return False
        if self._queue or (self._task is not None and not self._task.done()):
            return False
        # Nothing can come between: the queue is empty and what follows does not wait before it is in there.
        beat = Heartbeat(head.at.size, head.at.root, minutes)
        await self.append([beat.entry()], [beat.tag()])
        return True

    async def _run(self) -> None:
        stored: _Stored | None = None
        while self._queue or stored:
            group = self._take()
            before = stored.group if stored else []
            try:
                signed, grown = await asyncio.gather(
                    self._attest(stored), self._grow(group, stored), return_exceptions=True
                )
            except asyncio.CancelledError:
                self._head = None
                self._refuse([*before, *group, *self._queue], PartyUnavailable())
                self._queue.clear()
                raise
            if isinstance(signed, BaseException):
                self._fail(before, signed)
            if isinstance(grown, BaseException):
                self._fail(group, grown)
            elif self._head is None:
                self._refuse(group, PartyUnavailable())
            stored = grown if isinstance(grown, _Stored) and self._head else None

    def _fail(self, group: list[_Waiting], fault: BaseException) -> None:
        """A fault of any kind leaves the memory in doubt: the next step starts from the store."""
        self._head = None
        log.error("sequencer", extra={"fault": type(fault).__name__})
        self._refuse(group, fault)

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        entries = 0
        while self._queue and (not group or entries + len(self._queue[0].entries) <= GROUP):
            waiting = self._queue.popleft()
            entries += len(waiting.entries)
            group.append(waiting)
        return group

    async def _grow(self, group: list[_Waiting], before: _Stored | None) -> _Stored | None:
        """Make the entries of a group durable, and see that they are what is in the store."""
        if not group:
            return None
        if not self._compared:
            await self.start()
        head = await self.head()
        old = before.at if before else head.at
        entries, tags = self._place(group, old.size)
        if not entries:
            refused = all(waiting.answer.done() for waiting in group)
            return None if refused else _Stored(group, old)
        # Readers go on with the old head, whose size hides the new leaves of the tree that both share.
        leaves = [leaf_hash(entry) for entry in entries]
        head.tree.append(leaves)
        at = Checkpoint(head.tree.size, head.tree.root())
        signed, self._unkept = self._unkept, None
        await self._store.grow(Growth(old, at, entries, tags, signed))
        if [leaf_hash(entry) for entry in self._store.entries(old.size, len(entries))] != leaves:
            raise LedgerDiverged(part="read back")
        return _Stored(group, at)

    async def _attest(self, stored: _Stored | None) -> None:
        """Have the head of a stored group signed, show it, and answer the group."""
        if stored is None:
            return
        head = await self.head()
        if stored.at != head.at:
            signed = await self._attestor.sign(head.tree, head.at, stored.at)
            head = self._head = Head(head.tree, signed.at, signed.note)
            self._unkept = signed
        for waiting in stored.group:
            if not waiting.answer.done():
                count = len(waiting.entries)
                waiting.answer.set_result(head.receipt(waiting.first, count, waiting.since))

    def _place(self, group: list[_Waiting], size: int) -> tuple[list[bytes], list[bytes]]:
        """Give each request its place and collect the entries that are new; refuse conflicts one by one."""
        places = self._store.find_all([tag for waiting in group for tag in waiting.tags])
        entries: list[bytes] = []
        tags: list[bytes] = []
        for waiting in group:
            try:
                waiting.first = _known(waiting, places)
                self._check_new(waiting, size + len(entries))
            except (TagConflict, LogClosed, LogListBroken) as conflict:
                self._refuse([waiting], conflict)
                continue
            if waiting.first < 0:
                waiting.first = size + len(entries)
                numbered = enumerate(zip(waiting.tags, waiting.entries, strict=True), waiting.first)
                places.update((tag, (index, entry)) for index, (tag, entry) in numbered)
                entries += waiting.entries
                tags += waiting.tags
        return entries, tags

    def _check_new(self, waiting: _Waiting, place: int) -> None:
        if waiting.first >= 0:
            return
        if self._ended:
            raise LogClosed()
        if place == 0 and self._begins and b"".join(waiting.entries) != self._begins:
            raise LogListBroken(part="first")

    def _refuse(self, waitings: Sequence[_Waiting], fault: BaseException) -> None:
        for waiting in waitings:
            if not waiting.answer.done():
                problem = type(fault)(**fault.facts) if isinstance(fault, Problem) else InternalFault()
                problem.__cause__ = fault
                waiting.answer.set_exception(problem)
