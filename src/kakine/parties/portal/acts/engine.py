"""Carries acts that weigh: told before they wait, done once, taken back once, across every interruption.

    asked ──told──> waiting ──due──> done ──undo──> undone          effects in the portal's own store: one commit each
                    waiting ──due──> doing ──> done ──> undoing ──> undone       effects at another party (`send`)
    an undo before `done` makes it undone; one in `doing` lets it arrive, and then takes it back

Every arrow is one commit, with the effect in it; it happens only if the act is still where the arrow begins. So of an
undo and an effect at the same moment one comes first, and the other sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from kakine.parties.portal.acts import store
from kakine.parties.portal.acts.store import Act, News, State
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import ActImpossible, ActOver, ActsTooMany, ActUnknown, Problem
from kakine.wire.decision import ActAsked, ActUndone

DAY_MS = 86_400_000
MOST_OPEN = 20
"""Acts of one account at a time that are not undone and can still be; those that only protect are not counted."""
_CONTEXT = b"act:"

Effect = Callable[[Connection, Act], None]
Tell = Callable[[bytes, ActAsked | ActUndone, bytes], Awaitable[None]]
"""(account, decision, context): file it in the own history, once for each context however often it is called, and
have `Acts.note` called with the context in the commit that knows it filed."""


def _nothing(db: Connection, act: Act) -> None:
    """Nothing to do."""


@dataclass(frozen=True)
class ActKind:
    """One kind of act. `name` is permanent; it waits `wait_ms` from being told, and can be undone for `back_ms` after.

    With `at_counter` it is done at once where a paper from a counter was shown in the visit. With `protects` it takes
    step-up to undo it, where any visit can otherwise, and no number of acts keeps anybody from asking for it.

    `ask` checks it and does what holds from the first moment, in the commit of asking; `drop` takes that back, if it is
    undone before it is done. `do` and `undo` are its effect, each in the commit that says so. `send(act, forth)` is an
    effect at another party, before that commit; it MUST have its effect once for an id and direction, whenever it is
    repeated, and raises `ActImpossible` where it cannot be: then the act is undone. None of the others may raise for
    what `ask` could have found, and none may wait within a commit.
    """

    name: str
    ja: str
    en: str
    do: Effect
    undo: Effect
    ask: Effect = _nothing
    drop: Effect = _nothing
    send: Callable[[Act, bool], Awaitable[None]] | None = None
    wait_ms: int = 3 * DAY_MS
    back_ms: int = 30 * DAY_MS
    at_counter: bool = False
    protects: bool = False


class Acts:
    """All acts under way at one portal."""

    def __init__(self, db: Database, clock: Clock, entropy: Entropy, tell: Tell) -> None:
        self._db = db
        self._clock = clock
        self._entropy = entropy
        self._tell = tell
        self._kinds: dict[str, ActKind] = {}
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def register(self, kind: ActKind) -> None:
        """Take acts of this kind from now on. Raises `ValueError` if there is one of this name."""
        if kind.name in self._kinds:
            raise ValueError(kind.name)
        self._kinds[kind.name] = kind

    def kind(self, name: str) -> ActKind:
        """Raises `ActUnknown`."""
        if name not in self._kinds:
            raise ActUnknown()
        return self._kinds[name]

    def of_account(self, account: bytes) -> Sequence[Act]:
        """What the portal shows at every visit of this account: what waits, and what can still be taken back."""
        return store.of_account(self._db.read(), account)

    async def ask(
        self,
        account: bytes,
        kind: str,
        detail: bytes,
        label: str = "",
        *,
        by: Sequence[bytes] = (),
        seen: bool = False,
    ) -> bytes:
        """The id (16 bytes) of a new act. The caller has checked who asks (`visits.require_step_up`).

        `detail` and `label` must not name a relying party; `by` are handles of cards that were shown. `seen`: a clerk
        has seen the person. Raises `ActsTooMany`, `ActUnknown` for the kind, what its `ask` raises, and what filing it
        in the history raises: then it stands, and goes on by itself (`tick`).
        """
        of, now_ms = self.kind(kind), self._clock()
        due_ms = now_ms + (0 if seen and of.at_counter else of.wait_ms)
        until_ms, id_ = due_ms + of.back_ms, self._entropy(16)
        times = now_ms, due_ms, until_ms
        act = Act(id_, account, kind, label, detail, b"".join(by), seen, State.ASKED, *times)

        def work(db: Connection) -> None:
            if not of.protects and len(self._weighing(db, account)) >= MOST_OPEN:
                raise ActsTooMany()
            of.ask(db, act)
            store.add(db, act)

        await self._db.write(work)
        await self._carry(id_)
        return id_

    def _weighing(self, db: Connection, account: bytes) -> Sequence[Act]:
        standing = [each for each in store.of_account(db, account) if each.state is not State.UNDONE]
        return [each for each in standing if not self.kind(each.kind).protects]

    async def undo(self, account: bytes, id_: bytes) -> None:
        """Undo an act of this account: before it is done it never is, afterwards it is taken back; again it changes
        nothing. Raises `ActUnknown`, `ActOver`, and what filing it raises: then it is undone all the same.
        """
        now_ms = self._clock()

        def work(db: Connection) -> None:
            act = store.find(db, id_)
            if act is None or act.account != account:
                raise ActUnknown()
            if act.state is State.DONE and now_ms >= act.until_ms:
                raise ActOver()
            self._turn(db, act)

        await self._db.write(work)
        await self._carry(id_)

    def _turn(self, db: Connection, act: Act) -> None:
        kind = self.kind(act.kind)
        match act.state:
            case State.ASKED | State.WAITING:
                kind.drop(db, act)
                self._undone(db, act)
            case State.DOING:
                store.move(db, act.id, State.TURNING)
            case State.DONE if kind.send is not None:
                store.move(db, act.id, State.UNDOING)
            case State.DONE:
                kind.undo(db, act)
                self._undone(db, act)

    def _undone(self, db: Connection, act: Act) -> None:
        store.move(db, act.id, State.UNDONE)
        store.add_news(db, act.id, News.UNDONE)

    async def tick(self) -> Sequence[Problem]:
        """Carry on whatever is due or was interrupted; what could not be carried on now, by its problems. The same
        comes again at the next tick."""
        now_ms, problems = self._clock(), list[Problem]()
        await self._db.write(lambda db: store.forget(db, now_ms))
        for id_ in store.ready(self._db.read(), now_ms):
            try:
                await self._carry(id_)
            except Problem as problem:
                problems.append(problem)
        return problems

    async def _carry(self, id_: bytes) -> None:
        lock = self._locks.setdefault(id_, asyncio.Lock())
        async with lock:
            while True:
                for what in store.news_of(self._db.read(), id_):
                    await self._say(id_, what)
                if not await self._step(id_):
                    return

    async def _say(self, id_: bytes, what: News) -> None:
        act = store.find(self._db.read(), id_)
        assert act is not None  # noqa: S101 - what has news is not forgotten
        said: ActAsked | ActUndone = ActUndone(id_)
        if what is News.ASKED:
            said = ActAsked(id_, act.kind, act.label, act.due_ms, act.until_ms)
        await self._tell(act.account, said, _CONTEXT + id_ + what.value.encode())

    def note(self, db: Connection, context: bytes) -> None:
        """A decision of this context is filed (`clients.carrier.Note`); those of others are not ours."""
        if context.startswith(_CONTEXT):
            named = context.removeprefix(_CONTEXT)
            store.told(db, named[:16], News(named[16:].decode()), self._clock())

    async def _step(self, id_: bytes) -> bool:
        """One arrow; whether there was one to go now."""
        act, now_ms = store.find(self._db.read(), id_), self._clock()
        if act is None or act.state not in _ARROWS or (act.state is State.WAITING and now_ms < act.due_ms):
            return False
        kind = self.kind(act.kind)
        if act.state is State.WAITING and kind.send is None:
            to: State = State.DONE
        else:
            to = _ARROWS[act.state]
            if act.state is not State.WAITING and kind.send is not None:
                try:
                    await kind.send(act, act.state is not State.UNDOING)
                except ActImpossible:
                    return await self._db.write(lambda db: self._give_up(db, act, kind))
        return await self._db.write(lambda db: self._go(db, act, kind, to))

    def _go(self, db: Connection, seen: Act, kind: ActKind, to: State) -> bool:
        act = store.find(db, seen.id)
        if act is None or act.state is not seen.state:
            return True  # somebody was there before: look again
        if to is State.DONE or act.state is State.TURNING:
            kind.do(db, act)
        if to is State.UNDONE:
            kind.undo(db, act)
            self._undone(db, act)
        else:
            store.move(db, act.id, to)
        return True

    def _give_up(self, db: Connection, seen: Act, kind: ActKind) -> bool:
        """It cannot be done there, or has gone there with the person: it ends undone, and that is told."""
        act = store.find(db, seen.id)
        if act is not None and act.state in (State.DOING, State.TURNING):
            kind.drop(db, act)
            self._undone(db, act)
        elif act is not None and act.state is State.UNDOING:
            kind.undo(db, act)
            self._undone(db, act)
        return True


_ARROWS = {
    State.WAITING: State.DOING,
    State.DOING: State.DONE,
    State.TURNING: State.UNDOING,
    State.UNDOING: State.UNDONE,
}
