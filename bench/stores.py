"""Committed works a second: SQLite, PostgreSQL and bare asyncpg on the same rows, in turns, as ratios.

    .venv/bin/python bench/stores.py [--works 4000] [--turns 5]

*One row*: a work inserts one row (a 32-byte tag, 80 bytes). *Mixed*: a work inserts a row, counts it in its caller's
row and leaves a note; then its caller reads the row back on the reading connection. Both are answered when they are
durable. `bare asyncpg` does the same statements on a connection for each caller, a transaction a work: what a program
without group commit pays. Ratios are medians of the ratios of one turn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import asyncpg
import psycopg
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, bindparam, insert, select, update

from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.postgres import Address
from private_server import private_server

METADATA = MetaData()
ROW = Table(
    "rows",
    METADATA,
    Column("tag", LargeBinary, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
NOTE = Table("notes", METADATA, Column("tag", LargeBinary, primary_key=True))
COUNT = Table(
    "counts", METADATA, Column("caller", Integer, primary_key=True), Column("n", Integer, nullable=False)
)
ADD = sql(insert(ROW))
KEEP = sql(insert(NOTE))
BEGIN = sql(insert(COUNT))
MORE = sql(update(COUNT).where(COUNT.c.caller == bindparam("who")).values(n=COUNT.c.n + 1))
FIND = sql(select(ROW.c.data).where(ROW.c.tag == bindparam("wanted")))
CALLERS = (1, 16, 64)


@dataclass(frozen=True)
class Shape:
    """What every caller does, again and again."""

    name: str
    mixed: bool


SHAPES = (Shape("one row", mixed=False), Shape("mixed", mixed=True))


async def rate(callers: int, works: int, write: Callable[[int], Awaitable[object]]) -> float:
    """Works a second in a closed loop of so many callers."""

    async def caller(me: int) -> None:
        for _ in range(works // callers):
            await write(me)

    start = time.perf_counter()
    await asyncio.gather(*(caller(me) for me in range(callers)))
    return works // callers * callers / (time.perf_counter() - start)


async def of_store(path: Path, callers: int, works: int, shape: Shape) -> float:
    with closing(Database.open(path, METADATA)) as database:
        present = {row[0] for row in database.read().execute(sql(select(COUNT.c.caller))).fetchall()}
        fresh = [{"caller": me, "n": 0} for me in range(callers) if me not in present]
        await database.write(lambda db: db.executemany(BEGIN, fresh))

        async def write(me: int) -> None:
            tag = secrets.token_bytes(32)

            def work(db: Connection) -> None:
                db.execute(ADD, {"tag": tag, "data": bytes(80)})
                if shape.mixed:
                    db.execute(MORE, {"who": me})
                    db.execute(KEEP, {"tag": tag})

            await database.write(work)
            if shape.mixed:
                assert database.read().execute(FIND, {"wanted": tag}).fetchone() == (bytes(80),)

        return await rate(callers, works, write)


async def of_asyncpg(server: str, callers: int, works: int, shape: Shape) -> float:
    given = psycopg.conninfo.conninfo_to_dict(server)
    wanted = {name: given[name] for name in ("host", "user", "passfile")} | {"database": given["dbname"]}
    open_ = [await asyncpg.connect(port=5432, **wanted) for _ in range(callers)]
    add = "INSERT INTO rows (tag, data) VALUES ($1, $2)"

    async def write(me: int) -> None:
        line, tag = open_[me], secrets.token_bytes(32)
        if not shape.mixed:
            await line.execute(add, tag, bytes(80))
            return
        async with line.transaction():
            await line.execute(add, tag, bytes(80))
            await line.execute("UPDATE counts SET n = n + 1 WHERE caller = $1", me)
            await line.execute("INSERT INTO notes (tag) VALUES ($1)", tag)
        assert await line.fetchval("SELECT data FROM rows WHERE tag = $1", tag) == bytes(80)

    try:
        return await rate(callers, works, write)
    finally:
        for each in open_:
            await each.close()


def compare(folder: Path, served: Path, server: str, works: int, turns: int, shape: Shape) -> None:
    """Print the table of one shape."""
    runs: dict[str, Callable[[int, int], Awaitable[float]]] = {
        "SQLite": lambda callers, works: of_store(folder / "rows.sqlite", callers, works, shape),
        "PostgreSQL": lambda callers, works: of_store(served, callers, works, shape),
        "bare asyncpg": lambda callers, works: of_asyncpg(server, callers, works, shape),
    }
    print(
        f"\n| {shape.name}, callers | SQLite /s | PostgreSQL /s | bare asyncpg /s"
        " | SQLite : PostgreSQL | PostgreSQL : asyncpg |\n|---|---|---|---|---|---|"
    )
    for callers in CALLERS:
        many = works if callers > 1 else works // 8
        found = [[asyncio.run(_awaited(run(callers, many))) for run in runs.values()] for _ in range(turns)]
        lite, post, bare = (median(turn[j] for turn in found) for j in range(3))
        files, peers = (median(turn[j] / turn[j + 1] for turn in found) for j in range(2))
        print(f"| {callers} | {lite:,.0f} | {post:,.0f} | {bare:,.0f} | {files:.1f} | {peers:.1f} |")
        sys.stdout.flush()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--works", type=int, default=4000)
    options.add_argument("--turns", type=int, default=5)
    given = options.parse_args()
    with private_server() as (folder, cluster):
        served = folder / "rows.postgresql"
        served.write_text(Address(server := cluster.add("rows", METADATA, os.urandom)).text())
        for shape in SHAPES:
            compare(folder, served, server, given.works, given.turns, shape)


async def _awaited(work: Awaitable[float]) -> float:
    return await work


if __name__ == "__main__":
    main()
