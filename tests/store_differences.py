"""Whether the tables of a store are those that this version of the program declares."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from kakine.runtime.postgres import BOOKKEEPING
from kakine.runtime.statements import kind_of


def differences(store: Connection, metadata: MetaData) -> list[Any]:
    """What tells the tables in a store from their declaration, in Alembic's words."""
    context = MigrationContext.configure(store, opts={"compare_type": _other_type, "include_name": _ours})
    return list(compare_metadata(context, metadata))


def _other_type(context: MigrationContext, _: Any, __: Any, present: Any, declared: Any) -> bool | None:
    if context.dialect.name == "postgresql":
        return kind_of(present) != kind_of(declared)
    return None  # Alembic's own comparison


def _ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name in BOOKKEEPING.tables)
