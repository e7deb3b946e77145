"""Every statement of every store is one that PostgreSQL takes: each is prepared there, over tables of its own."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import psycopg
from sqlalchemy import Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import UpdateBase

import kakine
from kakine.runtime import versions
from kakine.runtime.statements import Sql
from postgres_server import server

GIVEN = {
    ("kakine.parties.converter.store._INSERT_USED", "xids"): "bytea",
    ("kakine.parties.ledger.store._FIND_ALL", "wanted"): "bytea",
    ("kakine.runtime.postgres._MARK", "number"): "bigint",
}
"""What the driver says of values whose type their place does not tell."""


def statements() -> Iterator[tuple[str, Sql]]:
    """All to which a module gives a name."""
    for found in pkgutil.walk_packages(kakine.__path__, "kakine."):
        if not found.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(found.name)).items():
                if isinstance(value, Sql) and isinstance(value._statement, visitors.Visitable):
                    yield f"{found.name}.{name}", value


def tables_of(statement: Sql) -> set[Table]:
    """Those that it names."""
    parts = list(visitors.iterate(statement._statement))
    into = [each.table for each in parts if isinstance(each, UpdateBase)]
    columns = [getattr(each, "table", None) for each in parts]
    return {each for each in (*parts, *into, *columns) if isinstance(each, Table)}


def test_postgresql_prepares_each() -> None:
    refused, seen, cluster = {}, 0, server()
    with psycopg.connect(cluster.server("postgres", "postgres"), autocommit=True) as driver:
        for name, statement in statements():
            seen += 1
            try:
                with driver.transaction(force_rollback=True):
                    driver.execute("CREATE SCHEMA tried")
                    driver.execute("SET LOCAL search_path = tried")
                    for metadata in {
                        id(each.metadata): each.metadata for each in tables_of(statement)
                    }.values():
                        for made in versions.creation(metadata):
                            driver.execute(made.postgres.encode())
                    text, names, _ = statement.numbered
                    types = ", ".join(GIVEN.get((name, each), "unknown") for each in names)
                    driver.execute(f"PREPARE tried{f'({types})' if names else ''} AS ".encode() + text)
            except psycopg.Error as fault:
                refused[name] = f"{type(fault).__name__}: {fault}"
            finally:
                driver.execute("DEALLOCATE ALL")
    assert not refused, "\n".join(f"{name}: {why}" for name, why in refused.items())
    assert seen > 300
