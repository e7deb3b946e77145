"""Bring a store to the tables of this version of the program, with Alembic, on either engine.

Each revision is one transaction, its number included: what is interrupted is as if it had not begun, and the next
call goes on from there. NOT done: no way back down; a backup is the way back.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError, RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.pool import NullPool

from kakine.runtime.sqlite import exclusive
from kakine.runtime.versions import head, revisions
from kakine.values.problems import StoreOutdated

registry.register("kakine", "kakine.runtime.statements", "MigratingDialect")


@contextmanager
def sqlite_store(path: Path) -> Iterator[Connection]:
    """An SQLite store, open here and nowhere else. Raises `StoreInUse`."""
    lock = exclusive(path)
    try:
        # No transaction but those that are begun below: the driver's own would leave DDL out.
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(path, isolation_level=None), poolclass=NullPool
        )
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with engine.connect() as connection:
            yield connection
    finally:
        os.close(lock)


@contextmanager
def postgres_store(server: str) -> Iterator[Connection]:
    """A PostgreSQL store, by a connection string of the role that owns its tables."""
    engine = create_engine("kakine://", creator=lambda: psycopg.connect(server), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def upgrade(store: Connection, metadata: MetaData, *, new: bool = False) -> list[str]:
    """Carry out the revisions that are missing; their numbers. `new` for a store with no table yet.

    Raises `StoreOutdated` for a store without a version or with one that this program does not know.
    """
    scripts, done = _scripts(metadata), list[str]()
    if not new:
        _known(store, scripts)

    def steps_from(present: Any, _: object) -> Any:
        steps = scripts._upgrade_revs("heads", present)
        done.extend(str(step.revision.revision) for step in steps)
        return steps

    with EnvironmentContext(Config(), scripts, fn=steps_from) as environment:
        environment.configure(
            store, transactional_ddl=True, transaction_per_migration=True, render_as_batch=True
        )
        environment.run_migrations()
    store.commit()
    return done


def missing(store: Connection, metadata: MetaData) -> list[str]:
    """What `upgrade` would do: number and first line of each revision, in order. Raises `StoreOutdated` as it does."""
    scripts = _scripts(metadata)
    steps = scripts.iterate_revisions("heads", _known(store, scripts))
    return [f"{step.revision} {step.doc}" for step in steps][::-1]


def behind(store: Connection, metadata: MetaData) -> bool:
    """Whether revisions are missing. Raises `StoreOutdated` as `upgrade` does."""
    return _known(store, _scripts(metadata)) != head(metadata)


def _scripts(metadata: MetaData) -> ScriptDirectory:
    folder = revisions(metadata)
    if folder is None:
        raise StoreOutdated(table="none with versions")
    return ScriptDirectory(str(folder), version_locations=[str(folder)])


def _known(store: Connection, scripts: ScriptDirectory) -> str:
    found = MigrationContext.configure(store).get_current_revision()
    store.rollback()
    try:
        if found is None or scripts.get_revision(found) is None:
            raise StoreOutdated(table="alembic_version")
    except (CommandError, ResolutionError, RevisionError) as fault:
        raise StoreOutdated(table="alembic_version") from fault
    return found
