"""Areas of the own data that their person has closed, and the acts of closing and opening one (spec/own-data.md 4).

The holders keep an area closed, under their own codes. What is kept here is for three things: to show the person what
is closed, to tell holders that come into the order later, and to have one act after another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from kakine.contracts.portal import SealedOwnData
from kakine.crypto.sealing import SealKey
from kakine.parties.portal.acts import shield, store
from kakine.parties.portal.acts.engine import ActKind
from kakine.parties.portal.acts.store import Act, State
from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import ActImpossible, ActUnderWay, AreaUnknown, CounterNeeded
from kakine.wire.own_data import Order

CLOSE, OPEN = "own-area-closed", "own-area-opened"
LIFTED = b"/lifted"
"""After the area, in the detail of an opening that lifts the shield as well."""

Ask = Callable[[bytes, str, SealKey, Order], Awaitable[list[SealedOwnData]]]
"""(account, area, session, order): ask every holder of the area, whoever the person is. Raises what one refuses."""

_own = MetaData()
_CLOSED = Table(
    "closed_area",
    _own,
    Column("account", LargeBinary, primary_key=True),
    Column("area", String, primary_key=True),
    Column("act", LargeBinary, nullable=False),
)
_THIS = (_CLOSED.c.account == bindparam("account")) & (_CLOSED.c.area == bindparam("area"))
_ADD = sql(insert(_CLOSED).on_conflict_do_nothing())
_DROP = sql(delete(_CLOSED).where(_THIS))
_FIND = sql(select(_CLOSED.c.act).where(_THIS))
_OF = sql(select(_CLOSED.c.area).where(_CLOSED.c.account == bindparam("account")).order_by(_CLOSED.c.area))


def area_tables(into: MetaData) -> MetaData:
    """Add this table to the portal's own schema."""
    _CLOSED.to_metadata(into)
    return into


class Areas:
    """Everything that is asked of the holders of an area, in order: whoever looks while an area is being closed or
    opened comes before or after, and undoes nothing of it."""

    def __init__(self, db: Database, clock: Clock, entropy: Entropy, ask: Ask) -> None:
        self._db = db
        self._clock = clock
        self._entropy = entropy
        self._ask = ask
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def closed(self, account: bytes) -> Sequence[str]:
        """The areas that this account's person has closed."""
        return [area for (area,) in self._db.read().execute(_OF, {"account": account})]

    async def show(self, account: bytes, area: str, session: SealKey) -> list[SealedOwnData]:
        """What each holder has. Of a closed area each is told again that it is: one that came into the order after the
        closing, or has lost what it kept, would show it."""
        async with self._lock(account):
            closed = area in self.closed(account)
            return await self._ask(account, area, session, Order.CLOSE if closed else Order.SHOW)

    def raise_shield(self, db: Connection, account: bytes) -> None:
        """In the caller's transaction: the shield is up, and its area closed by no act, so that undoing one does not
        open it."""
        now_ms = self._clock()
        shield.raise_(db, account, now_ms)
        db.execute(_DROP, {"account": account, "area": shield.AREA})
        db.execute(_ADD, {"account": account, "area": shield.AREA, "act": self._entropy(16)})

    def kinds(self) -> tuple[ActKind, ActKind]:
        """Closing is done at once, and takes step-up to undo; opening waits in sight, and any visit undoes it."""
        return (
            ActKind(
                CLOSE,
                "自己情報の一つの分野を閉じること",
                "an area of own data is closed",
                do=_nothing,
                undo=_nothing,
                send=self._send_closing,
                wait_ms=0,
                protects=True,
            ),
            ActKind(
                OPEN,
                "閉じた自己情報をまた開けること",
                "a closed area of own data is opened",
                do=_nothing,
                undo=_nothing,
                ask=self._opening,
                send=self._send_opening,
            ),
        )

    def _opening(self, db: Connection, act: Act) -> None:
        if _others(db, act, OPEN, but=(State.DONE, State.UNDONE)):
            raise ActUnderWay()
        if _closed_by(db, act) is None:
            raise ActImpossible()
        up = shield.raised_ms(db, act.account) is not None and _area(act) == shield.AREA
        if up and not (_lifts(act) and act.seen):
            raise CounterNeeded()

    async def _send_closing(self, act: Act, forth: bool) -> None:
        """Undone, it opens what this very act has closed, unless the area was closed once more since."""
        async with self._lock(act.account):
            db = self._db.read()
            if forth:
                await self._close(act)
            elif _closed_by(db, act) == act.id and not _others(db, act, CLOSE, but=(State.UNDONE,)):
                await self._open(act)

    async def _send_opening(self, act: Act, forth: bool) -> None:
        """A closing or a shield that was asked for later goes before it."""
        async with self._lock(act.account):
            db = self._db.read()
            if not forth:
                if _lifts(act):
                    await self._db.write(lambda db: self.raise_shield(db, act.account))
                await self._close(act)
            elif _others(db, act, CLOSE, but=(State.UNDONE,)) or _shielded(db, act):
                raise ActImpossible()
            else:
                await self._open(act)

    async def _close(self, act: Act) -> None:
        """It counts as closed here from before the first holder hears it."""
        await self._db.write(lambda db: db.execute(_ADD, _place(act) | {"act": act.id}))
        await self._tell(act, Order.CLOSE)

    async def _open(self, act: Act) -> None:
        """And until the last holder has heard the opposite; a shield that went up meanwhile stays."""
        await self._tell(act, Order.OPEN)
        if not await self._db.write(lambda db: _opened(db, act)):
            raise ActImpossible()

    async def _tell(self, act: Act, order: Order) -> None:
        nobody = SealKey(self._entropy(32))  # a session that no one can open: there is nothing to show
        with suppress(AreaUnknown):  # nobody gives it any more
            await self._ask(act.account, _area(act), nobody, order)

    def _lock(self, account: bytes) -> asyncio.Lock:
        return self._locks.setdefault(account, asyncio.Lock())


def _nothing(db: Connection, act: Act) -> None:
    """The effect is at the holders."""


def _area(act: Act) -> str:
    return act.detail.removesuffix(LIFTED).decode()


def _lifts(act: Act) -> bool:
    return act.detail.endswith(LIFTED)


def _shielded(db: Connection, act: Act) -> bool:
    """Whether the shield keeps this area closed, whatever the act says: it does not lift it, or was asked for before
    the shield was."""
    since_ms = shield.raised_ms(db, act.account) if _area(act) == shield.AREA else None
    return since_ms is not None and (not _lifts(act) or since_ms >= act.asked_ms)


def _opened(db: Connection, act: Act) -> bool:
    if _shielded(db, act):
        return False
    db.execute(_DROP, _place(act))
    if _lifts(act):
        shield.lift(db, act.account)
    return True


def _place(act: Act) -> dict[str, object]:
    return {"account": act.account, "area": _area(act)}


def _closed_by(db: Connection, act: Act) -> bytes | None:
    """The act that has closed this area, if it is closed."""
    row = db.execute(_FIND, _place(act)).fetchone()
    return bytes(row[0]) if row else None


def _others(db: Connection, act: Act, kind: str, but: Sequence[State]) -> list[Act]:
    """Acts of this kind about the same area in other states than these; of closings, those asked for no earlier."""
    found = [each for each in store.of_account(db, act.account) if each.kind == kind and each.id != act.id]
    alike = [each for each in found if _area(each) == _area(act) and each.state not in but]
    return [each for each in alike if kind == OPEN or each.asked_ms >= act.asked_ms]
