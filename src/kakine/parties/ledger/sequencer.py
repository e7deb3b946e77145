"""The one place where the log grows (spec/ledger.md section 5).

One task at a time takes what is queued, extends the tree, signs the head, stores all in one transaction,
reads it back and only then answers. There is no timer: while one group is being stored the next one gathers.
Whatever goes wrong, the callers are told that nothing was concluded, and the memory is thrown away and built
anew from the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.ledger import Appended
from kakine.crypto.merkle import leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.head import Head, load
from kakine.parties.ledger.store import Growth, Store
from kakine.values.problems import InternalFault, LedgerDiverged, PartyUnavailable, Problem, TagConflict
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

log = logging.getLogger("kakine")

GROUP = 1000
"""Entries after which a group is closed; a larger single request makes a group of its own."""


@dataclass
class _Waiting:
    """Entries of one request; `first` is set once it is known where they stand."""

    entries: Sequence[bytes]
    tags: Sequence[bytes]
    answer: asyncio.Future[Appended]
    first: int = -1


class Sequencer:
    """Grows one log. Opening it checks the whole store (`LedgerDiverged`)."""

    def __init__(self, store: Store, origin: str, key: SigningKey) -> None:
        self._store = store
        self._origin = origin
        self._key = key
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._head: Head | None = load(store, origin, key)

    def head(self) -> Head:
        """The durable head. `LedgerDiverged` if the store no longer agrees with itself."""
        if self._head is None:
            self._head = load(self._store, self._origin, self._key)
        return self._head

    async def append(self, entries: Sequence[bytes], tags: Sequence[bytes]) -> Appended:
        """Append m entries next to each other, or find them where they stand already under the same tags.

        Raises `TagConflict` if a tag stands for another entry or twice in the request, or if only some are
        known or they do not stand next to each other; `StoreFailed`, `InternalFault`, `LedgerDiverged` or
        `PartyUnavailable` if no answer can be given, in which case the same request may be sent again.
        """
        waiting = _Waiting(entries, tags, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        while self._queue:
            group = self._take()
            try:
                head = await self._sequence(group)
                for waiting in group:
                    if not waiting.answer.done():
                        waiting.answer.set_result(head.receipt(waiting.first, len(waiting.entries)))
            except asyncio.CancelledError:
                self._head = None
                self._refuse([*group, *self._queue], PartyUnavailable())
                self._queue.clear()
                raise
            except Exception as fault:  # noqa: BLE001 - a fault of any kind leaves the memory in doubt
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

    async def _sequence(self, group: list[_Waiting]) -> Head:
        head = self.head()
        entries, tags = self._place(group, head.at.size)
        if not entries:
            return head
        # Readers go on with the old head, whose size hides the new leaves of the tree that both share.
        leaves = [leaf_hash(entry) for entry in entries]
        head.tree.append(leaves)
        at = Checkpoint(head.tree.size, head.tree.root())
        note = notes.make(self._origin, at.size, at.root, self._key)
        await self._store.grow(Growth(head.at, at, entries, tags, note))
        stored = self._store.entries(head.at.size, len(entries))
        if [leaf_hash(entry) for entry in stored] != leaves:
            raise LedgerDiverged(part="read back")
        self._head = Head(head.tree, at, note)
        return self._head

    def _place(self, group: list[_Waiting], size: int) -> tuple[list[bytes], list[bytes]]:
        """Give each request its place and collect the entries that are new; refuse conflicts one by one."""
        placed: dict[bytes, tuple[int, bytes]] = {}
        entries: list[bytes] = []
        for waiting in group:
            try:
                waiting.first = self._known(waiting, placed)
            except TagConflict as conflict:
                self._refuse([waiting], conflict)
                continue
            if waiting.first < 0:
                waiting.first = size + len(entries)
                numbered = enumerate(zip(waiting.tags, waiting.entries, strict=True), waiting.first)
                placed.update((tag, (index, entry)) for index, (tag, entry) in numbered)
                entries += waiting.entries
        return entries, list(placed)

    def _known(self, waiting: _Waiting, placed: dict[bytes, tuple[int, bytes]]) -> int:
        """The index of the first entry of a repeat, -1 if all tags are new."""
        if len(set(waiting.tags)) != len(waiting.tags):
            raise TagConflict(part="twice")
        found = [placed.get(tag) or self._store.find(tag) for tag in waiting.tags]
        start = found[0]
        if start is None:
            if any(found):
                raise TagConflict(part="some")
            return -1
        if found != list(enumerate(waiting.entries, start[0])):
            raise TagConflict(part="other")
        return start[0]

    def _refuse(self, waitings: Sequence[_Waiting], fault: Exception) -> None:
        for waiting in waitings:
            if not waiting.answer.done():
                problem = type(fault)(**fault.facts) if isinstance(fault, Problem) else InternalFault()
                problem.__cause__ = fault
                waiting.answer.set_exception(problem)
