"""What the record keeper says in public of its part of the log: counts and log indices, signed.

It says nothing of lists, and is asked by anybody, so it must never learn more here than a range of log indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Index, bindparam, exists, func, or_, select

from kakine.contracts.mailbox import AskStanding, StandingGiven
from kakine.parties.mailbox import indexing, sealed, store
from kakine.parties.mailbox.office import Office
from kakine.runtime.database import Connection, sql
from kakine.values.labels import PartyName
from kakine.values.problems import RangeOutside
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import LENGTH
from kakine.wire.filing import Filing
from kakine.wire.request import NO_RECIPIENT, Kind, outcome_id
from kakine.wire.standing import (
    LABEL,
    LEAST_OLDER_MS,
    MOST_ENTRIES,
    MOST_HEADS,
    MOST_NAMED,
    Counts,
    Remade,
    Standing,
)

AWAITING = frozenset(Kind) - NO_RECIPIENT
"""Kinds that hand codes to a recipient, who owes an outcome."""

_MOST_COUNT = 4096
_MINUTE_MS = 60_000

_filing, _row, _place, _sealed = store.filing, store.row, store.place, sealed.table
_index = store.index_root
Index("place_by_record", _place.c.filing, _place.c.position)
Index("sealed_by_record", _sealed.c.filing, _sealed.c.position)

_IN_RANGE = sql(
    select(
        _filing.c.id,
        _filing.c.filing,
        _filing.c.first,
        func.length(_filing.c.entries) // LENGTH,
        func.substr(_filing.c.entries, 2, 1),
        _filing.c.kind,
    ).where(
        _filing.c.log == bindparam("log"),
        _filing.c.first > bindparam("low"),
        _filing.c.first < bindparam("high"),
    )
)
_HELD = sql(
    select(_row.c.position).where(
        _row.c.filing == bindparam("filing"),
        or_(
            exists().where(_place.c.filing == _row.c.filing, _place.c.position == _row.c.position),
            exists().where(_sealed.c.filing == _row.c.filing, _sealed.c.position == _row.c.position),
        ),
    )
)
_FIRST = sql(select(_filing.c.first).where(_filing.c.id == bindparam("id")))
_UNLOGGED = sql(
    select(func.coalesce(func.sum(func.length(_filing.c.entries)), 0) // LENGTH).where(
        _filing.c.first.is_(None)
    )
)
_UNLOGGED_INDEXES = sql(select(func.count()).select_from(_index).where(_index.c.shown.is_(None)))
_INDEXES_IN = sql(
    select(_index.c.start, _index.c.end)
    .where(
        _index.c.log == bindparam("log"),
        _index.c.start >= bindparam("first"),
        _index.c.start < bindparam("end"),
    )
    .order_by(_index.c.start)
)
_NEWEST = sql(
    select(_filing.c.checkpoint)
    .where(_filing.c.log == bindparam("log"))
    .order_by(_filing.c.first.desc())
    .limit(1)
)


_OLDER = sql(
    select(_filing.c.id, _filing.c.kind, func.length(_filing.c.entries) // LENGTH).where(
        _filing.c.log == bindparam("log"), func.substr(_filing.c.entries, 9, 4) <= bindparam("latest")
    )
)
_OVER = sql(
    select(_filing.c.checkpoint, _filing.c.size)
    .where(
        _filing.c.log == bindparam("log"),
        _filing.c.first > bindparam("low"),
        _filing.c.first <= bindparam("index"),
        _filing.c.first + func.length(_filing.c.entries) // LENGTH > bindparam("index"),
    )
    .distinct()
    .order_by(_filing.c.size.desc())
    .limit(MOST_HEADS)
)


@dataclass(frozen=True)
class _Part:
    """The part of one logged filing that lies in the asked range."""

    request: bytes
    filing: bytes
    kind: int
    awaits: bool
    indices: range
    held: int


class Standings:
    """The keeper's public word. Sums over the whole log are made at most once a minute for each age that is asked."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._sums: dict[tuple[str, int], tuple[int, int]] = {}

    async def give(self, caller: PartyName, asked: AskStanding) -> StandingGiven:
        """The signed statement. Raises `RangeOutside` for a range that is too long or an age that is too young."""
        if not 0 <= asked.end - asked.first <= MOST_ENTRIES or asked.older_ms < LEAST_OLDER_MS:
            raise RangeOutside(most=MOST_ENTRIES)
        db, now_ms = self._office.db.read(), self._office.clock()
        sums = 0, 0
        if asked.first == asked.end:
            sums = self._all(db, asked.origin, max(now_ms - asked.older_ms, 0) // _MINUTE_MS)
        said = encode(_standing(self._office, db, asked, sums))
        return StandingGiven(said, self._office.identity.signing.sign(LABEL, said))

    def _all(self, db: Connection, origin: str, latest: int) -> tuple[int, int]:
        """(awaited, owed) of all requests of a log up to a minute."""
        if (origin, latest) not in self._sums:
            found = db.execute(_OLDER, {"log": origin, "latest": latest.to_bytes(4, "big")})
            rows = [(request, count) for request, kind, count in found if kind in AWAITING]
            owed = sum(count for request, count in rows if not _answered(db, request))
            self._sums = {at: sums for at, sums in self._sums.items() if at[1] == latest}
            self._sums[origin, latest] = sum(count for _, count in rows), owed
        return self._sums[origin, latest]


def _standing(office: Office, db: Connection, asked: AskStanding, sums: tuple[int, int]) -> Standing:
    now_ms, parts = office.clock(), list(_parts(db, asked))
    old = [part for part in parts if part.awaits and _age_ms(part, now_ms) >= asked.older_ms]
    late = [part for part in old if not _answered(db, part.request)]
    return Standing(
        origin=asked.origin,
        first=asked.first,
        end=asked.end,
        **Counts.of([part.kind for part in parts for _ in range(part.held)])._asdict(),
        indexes=_indexes(office, db, asked),
        awaited=sums[0],
        owed=sums[1],
        unanswered=tuple(sorted(index for part in late for index in part.indices))[:MOST_NAMED],
        unlogged=sum(db.execute(count).fetchone()[0] for count in (_UNLOGGED, _UNLOGGED_INDEXES)),
        older_ms=asked.older_ms,
        time_ms=now_ms,
        checkpoints=_heads(db, asked),
    )


def _indexes(office: Office, db: Connection, asked: AskStanding) -> tuple[Remade, ...]:
    within = {"log": asked.origin, "first": asked.first, "end": asked.end}
    kept = db.execute(_INDEXES_IN, within).fetchall()
    return tuple(Remade(start, indexing.remade(office, asked.origin, start, end)) for start, end in kept)


def _heads(db: Connection, asked: AskStanding) -> tuple[bytes, ...]:
    if asked.end - asked.first == 1:
        over = {"log": asked.origin, "low": asked.first - _MOST_COUNT, "index": asked.first}
        return tuple(row[0] for row in db.execute(_OVER, over))
    return tuple(row[0] for row in db.execute(_NEWEST, {"log": asked.origin}))


def _parts(db: Connection, asked: AskStanding) -> Iterator[_Part]:
    first, end = asked.first, asked.end
    found = db.execute(_IN_RANGE, {"log": asked.origin, "low": first - _MOST_COUNT, "high": end}).fetchall()
    for identity, data, start, count, kind, awaits in found:
        indices = range(max(start, first), min(start + count, end))
        if indices:
            positions = [start + row[0] for row in db.execute(_HELD, {"filing": identity})]
            held = sum(index in indices for index in positions)
            yield _Part(identity, data, kind[0], awaits in AWAITING, indices, held)


def _answered(db: Connection, request: bytes) -> bool:
    found = db.execute(_FIRST, {"id": outcome_id(request)}).fetchone()
    return found is not None and found[0] is not None


def _age_ms(part: _Part, now_ms: int) -> int:
    return now_ms - decode(part.filing, Filing).minutes * _MINUTE_MS
