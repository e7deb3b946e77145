"""Acts under way in the portal's own store, until they can be taken back no more. They name no relying party."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from kakine.runtime.database import Connection, sql


class State(StrEnum):
    """Where an act is. What has no effect yet: ASKED (not yet told), WAITING. On its way at another party: DOING, and
    TURNING, the same of one that was undone meanwhile. DONE. On its way back: UNDOING. UNDONE."""

    ASKED = "asked"
    WAITING = "waiting"
    DOING = "doing"
    TURNING = "turning"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class News(StrEnum):
    """What is told of an act in its person's history, in this order."""

    ASKED = "asked"
    UNDONE = "undone"


@dataclass(frozen=True)
class Act:
    """One act. `by` are the cards that were shown in the visit that asked for it, as handles of 32 bytes in a row;
    `seen` says that a paper was shown, too. It is not done before `due_ms` and can be undone until `until_ms`."""

    id: bytes
    account: bytes
    kind: str
    label: str
    detail: bytes
    by: bytes
    seen: bool
    state: State
    asked_ms: int
    due_ms: int
    until_ms: int


_own = MetaData()

_ACT = Table(
    "act",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("label", String, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("by", LargeBinary, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("asked_ms", Integer, nullable=False),
    Column("due_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
)
_NEWS = Table(
    "act_news",
    _own,
    Column("act", LargeBinary, primary_key=True),
    Column("what", String, primary_key=True),
)


def act_tables(into: MetaData) -> MetaData:
    """Add these tables to the portal's own schema."""
    for table in (_ACT, _NEWS):
        table.to_metadata(into)
    return into


_ADD = sql(insert(_ACT))
_FIND = sql(select(*_ACT.c).where(_ACT.c.id == bindparam("id")))
_OF = sql(select(*_ACT.c).where(_ACT.c.account == bindparam("account")).order_by(_ACT.c.asked_ms, _ACT.c.id))
_READY = sql(
    select(_ACT.c.id).where(
        or_(
            (_ACT.c.state == State.WAITING.value) & (_ACT.c.due_ms <= bindparam("now_ms")),
            _ACT.c.state == State.DOING.value,
            _ACT.c.state == State.TURNING.value,
            _ACT.c.state == State.UNDOING.value,
            _ACT.c.id.in_(select(_NEWS.c.act)),
        )
    )
)
_MOVE = sql(update(_ACT).where(_ACT.c.id == bindparam("which")).values(state=bindparam("new")))
_CLEAR = sql(update(_ACT).where(_ACT.c.id == bindparam("which")).values(detail=bindparam("new")))
_TOLD = sql(
    update(_ACT)
    .where(_ACT.c.id == bindparam("which"), _ACT.c.state == State.ASKED.value)
    .values(state=State.WAITING.value, due_ms=bindparam("due"), until_ms=bindparam("until"))
)
_ADD_NEWS = sql(insert(_NEWS))
_NEWS_OF = sql(select(_NEWS.c.what).where(_NEWS.c.act == bindparam("act")).order_by(_NEWS.c.what))
_DROP_NEWS = sql(delete(_NEWS).where(_NEWS.c.act == bindparam("act"), _NEWS.c.what == bindparam("what")))
_FORGET = sql(
    delete(_ACT).where(
        or_(_ACT.c.state == State.DONE.value, _ACT.c.state == State.UNDONE.value),
        _ACT.c.until_ms < bindparam("now_ms"),
        _ACT.c.id.not_in(select(_NEWS.c.act)),
    )
)


def _act(row: Sequence[Any]) -> Act:
    id_, account, kind, label, detail, by, seen, state, *times = row
    return Act(
        bytes(id_), bytes(account), kind, label, bytes(detail), bytes(by), bool(seen), State(state), *times
    )


def add(db: Connection, act: Act) -> None:
    """A new act, which has still to be told."""
    db.execute(_ADD, {**asdict(act), "state": act.state.value, "seen": int(act.seen)})
    add_news(db, act.id, News.ASKED)


def find(db: Connection, id_: bytes) -> Act | None:
    """The act of this id."""
    row = db.execute(_FIND, {"id": id_}).fetchone()
    return _act(row) if row else None


def of_account(db: Connection, account: bytes) -> list[Act]:
    """Every act of an account that is kept, the oldest first."""
    return [_act(row) for row in db.execute(_OF, {"account": account})]


def ready(db: Connection, now_ms: int) -> list[bytes]:
    """The acts with which something is to be done now."""
    return [bytes(row[0]) for row in db.execute(_READY, {"now_ms": now_ms})]


def move(db: Connection, id_: bytes, to: State) -> None:
    """The act is there from now on."""
    db.execute(_MOVE, {"which": id_, "new": to.value})


def clear_detail(db: Connection, id_: bytes) -> None:
    """Keep no longer what was asked for."""
    db.execute(_CLEAR, {"which": id_, "new": b""})


def add_news(db: Connection, id_: bytes, what: News) -> None:
    """This has to be told."""
    db.execute(_ADD_NEWS, {"act": id_, "what": what.value})


def news_of(db: Connection, id_: bytes) -> list[News]:
    """What has still to be told of an act, in order."""
    return [News(row[0]) for row in db.execute(_NEWS_OF, {"act": id_})]


def told(db: Connection, id_: bytes, what: News, now_ms: int) -> None:
    """This has been told. Its time to wait, and to be taken back, begins only now, however late that is."""
    db.execute(_DROP_NEWS, {"act": id_, "what": what.value})
    act = find(db, id_)
    if act is not None and what is News.ASKED:
        due_ms = now_ms + act.due_ms - act.asked_ms
        db.execute(_TOLD, {"which": id_, "due": due_ms, "until": due_ms + act.until_ms - act.due_ms})


def forget(db: Connection, now_ms: int) -> None:
    """Drop acts that can be taken back no more and of which all is told: the history has them."""
    db.execute(_FORGET, {"now_ms": now_ms})
