"""Which version of its tables a store has, in Alembic's own table.

A party's tables are declared once; the folder `migrations/<store>` holds one revision per change, numbered 0001 on.
A new store is made from the declaration at once and marked with the last number; an older one is brought there by
`runtime.migrating`. Tables without `info["store"]` have no versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Column, MetaData, String, Table, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from kakine.runtime.statements import Sql, sql
from kakine.values.problems import StoreOutdated

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"

VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_FIND = sql(select(VERSION.c.version_num))


def revisions(metadata: MetaData) -> Path | None:
    """The folder with the revisions of these tables; None where they have no versions."""
    store = metadata.info.get("store")
    return None if store is None else MIGRATIONS / store


def head(metadata: MetaData) -> str | None:
    """The last revision of these tables."""
    folder = revisions(metadata)
    return None if folder is None else _last(folder)


@cache
def _last(folder: Path) -> str:
    return max(path.name for path in folder.glob("[0-9]*.py"))[:4]


class Asked(Protocol):
    """What a version is read from: a store, or a server before there is one."""

    def execute(self, sql: str, /) -> Iterable[Any]:
        """Run a statement made by `sql`."""


def require(db: Asked, wanted: str) -> None:
    """Raises `StoreOutdated` for a store without a version, or with another one, older or later.

    The caller has seen that the store is not empty.
    """
    try:
        found = [row[0] for row in db.execute(_FIND)]
    except Exception as fault:
        # Each engine has a class of its own for a table that is not there.
        raise StoreOutdated(table="alembic_version") from fault
    if found != [wanted]:
        raise StoreOutdated(table="alembic_version")


def creation(metadata: MetaData) -> Iterator[Sql]:
    """What makes these tables and their indexes, where they are missing, and the mark of their version."""
    for table in metadata.sorted_tables:
        yield sql(CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            yield sql(CreateIndex(index, if_not_exists=True))
    if (last := head(metadata)) is not None:
        yield sql(CreateTable(VERSION, if_not_exists=True))
        yield sql(insert(VERSION).values(version_num=last))
