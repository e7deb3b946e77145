"""Committed works a second: SQLite, PostgreSQL and bare asyncpg on the same rows, in turns, as ratios.

    .venv/bin/python bench/stores.py [--works 4000] [--turns 5]

A work inserts one row (a 32-byte tag, 80 bytes) and is answered when it is durable. `bare asyncpg` is a transaction of
one INSERT per work, each caller with a connection of its own: what a program without group commit pays.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from statistics import median

import asyncpg
import psycopg
from sqlalchemy import Column, LargeBinary, MetaData, Table, insert

from kakine.institutions.postgres import Cluster
from kakine.runtime.database import Database, sql
from kakine.runtime.postgres import Address

METADATA = MetaData()
ROW = Table(
    "rows",
    METADATA,
    Column("tag", LargeBinary, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
ADD = sql(insert(ROW))
CALLERS = (1, 16, 64)


async def rate(callers: int, works: int, write: Callable[[int], Awaitable[object]]) -> float:
    """Works a second in a closed loop of so many callers."""

    async def caller(me: int) -> None:
        for _ in range(works // callers):
            await write(me)

    start = time.perf_counter()
    await asyncio.gather(*(caller(me) for me in range(callers)))
    return works // callers * callers / (time.perf_counter() - start)


async def of_store(path: Path, callers: int, works: int) -> float:
    with closing(Database.open(path, METADATA)) as database:

        async def write(_: int) -> None:
            values = {"tag": secrets.token_bytes(32), "data": bytes(80)}
            await database.write(lambda db: db.execute(ADD, values))

        return await rate(callers, works, write)


async def of_asyncpg(server: str, callers: int, works: int) -> float:
    given = psycopg.conninfo.conninfo_to_dict(server)
    wanted = {name: given[name] for name in ("host", "user", "passfile")} | {"database": given["dbname"]}
    open_ = [await asyncpg.connect(port=5432, **wanted) for _ in range(callers)]
    text = "INSERT INTO rows (tag, data) VALUES ($1, $2)"

    async def write(me: int) -> None:
        await open_[me].execute(text, secrets.token_bytes(32), bytes(80))

    try:
        return await rate(callers, works, write)
    finally:
        for each in open_:
            await each.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--works", type=int, default=4000)
    options.add_argument("--turns", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kakine-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        cluster = Cluster(folder)
        cluster.make(os.urandom)
        cluster.start()
        try:
            served = folder / "rows.postgresql"
            served.write_text(Address(server := cluster.add("rows", METADATA, os.urandom)).text())
            runs: dict[str, Callable[[int, int], Awaitable[float]]] = {
                "SQLite": lambda callers, works: of_store(folder / "rows.sqlite", callers, works),
                "PostgreSQL": lambda callers, works: of_store(served, callers, works),
                "bare asyncpg": lambda callers, works: of_asyncpg(server, callers, works),
            }
            print(
                "| callers | SQLite /s | PostgreSQL /s | bare asyncpg /s | SQLite : PostgreSQL | PostgreSQL : asyncpg |"
            )
            print("|---|---|---|---|---|---|")
            for callers in CALLERS:
                works = given.works if callers > 1 else given.works // 8
                found: dict[str, list[float]] = {engine: [] for engine in runs}
                for _ in range(given.turns):
                    for engine, run in runs.items():
                        found[engine].append(asyncio.run(_awaited(run(callers, works))))
                lite, post, bare = (median(found[engine]) for engine in runs)
                print(
                    f"| {callers} | {lite:,.0f} | {post:,.0f} | {bare:,.0f} | {lite / post:.1f} | {post / bare:.1f} |"
                )
                sys.stdout.flush()
        finally:
            cluster.stop()


async def _awaited(work: Awaitable[float]) -> float:
    return await work


if __name__ == "__main__":
    main()
