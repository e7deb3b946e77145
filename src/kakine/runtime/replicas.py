"""Several processes of one party on one store: who carries what, and when it may be taken over (spec/replicas.md).

Work that goes on after a crash (a request sent and not concluded) stands in the store under the name of the replica
that carries it. What a dead one has left is taken over under a name of its own, so that nobody takes what is under way
here for what was left. Nothing here looks at a clock: a replica is dead when it has written nothing over so many looks,
and before anything of its is touched it can write no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import Column, String, Table, bindparam, select, update

from kakine.runtime.database import Connection, Database, Mark, sql

LOOKS = 10
"""So many in a row without a sign of life: at a look every three seconds half a minute."""
COLUMN = "replica"


def carrier_column() -> Column[str]:
    """The name of the replica that carries a row."""
    return Column(COLUMN, String, nullable=False, server_default="")


def left_to(replica: str, by: str = "") -> str:
    """What a replica has taken over, of another or of its own earlier life."""
    return f"{replica}+{by}"


def carries(replica: str, row: str) -> bool:
    """Whether this row is a replica's: what it has begun, or taken over."""
    return row == replica or row.startswith(left_to(replica))


def handing_over(table: Table) -> Callable[[Connection, Callable[[str], bool], str], None]:
    """(store, whose rows, new name): give rows of a table to somebody else, in the caller's transaction."""
    column = table.c[COLUMN]
    names = sql(select(column).distinct())
    give = sql(update(table).where(column == bindparam("old")).values(**{COLUMN: bindparam("new")}))

    def hand_over(db: Connection, whose: Callable[[str], bool], to: str) -> None:
        for (name,) in db.execute(names).fetchall():
            if name != to and whose(name):
                db.execute(give, {"old": name, "new": to})

    return hand_over


class Watch:
    """Of one store, for those who share it: who has not been heard of for `LOOKS` looks in a row."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: dict[str, tuple[Mark, int]] = {}
        self._over: dict[str, Mark] = {}

    def silent(self) -> Iterator[tuple[str, Mark]]:
        """Look once. Names and last signs of those that have been silent for too long and were not ended before."""
        for name, mark in self._db.others().items():
            before, looks = self._seen.get(name, (mark, 0))
            looks = looks + 1 if mark == before else 0
            self._seen[name] = mark, looks
            if looks >= LOOKS and self._over.get(name) != mark:
                yield name, mark

    async def ended(self) -> list[str]:
        """Look once, and end those that are silent: they write nothing more, whatever they still think."""
        return [name for name, mark in list(self.silent()) if await self._end(name, mark)]

    async def _end(self, name: str, mark: Mark) -> bool:
        if not await self._db.end(name, mark):
            return False
        self._over[name] = Mark(mark.fence + 1, mark.last)
        return True


def whoever(names: Iterable[str]) -> Callable[[str], bool]:
    """Rows of any of these replicas."""
    known = tuple(names)
    return lambda row: any(carries(name, row) for name in known)


def everybody(row: str) -> bool:
    """Rows of all: for the only writer of a store."""
    return True
