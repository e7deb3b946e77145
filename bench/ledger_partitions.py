"""What partitions would cost the ledger's entries on PostgreSQL: one table, ranges of the index, or tags apart.

    .venv/bin/python bench/ledger_partitions.py [--entries 300000] [--groups 200]

For each layout, `entries` rows are there already; then come groups of 64 as the sequencer writes them: all tags of the
group are looked up (none is there), and the rows are inserted, in one transaction. The layouts take turns group by
group. Everything is in memory, so what is measured is work, not the disk. `ranges` has no key over all tags: the
look-up is the only thing that keeps a tag from standing twice.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import time
from statistics import median
from typing import Any

import psycopg
from sqlalchemy import MetaData

from private_server import private_server

GROUP = 64
LAYOUTS = {"one table": 0, "12 ranges": 12, "60 ranges": 60, "60 ranges, tags apart": 60}
_FIND = """WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < {count})
    SELECT t.idx FROM place JOIN {table} t ON t.tag = substr(%s::bytea, place.at * 32 + 1, 32)"""


def make(db: psycopg.Connection[Any], schema: str, ranges: int, entries: int) -> None:
    """The tables of one layout, filled."""
    apart = "apart" in schema
    unique = "" if apart else ", UNIQUE (idx, tag)" if ranges else ", UNIQUE (tag)"
    by = "PARTITION BY RANGE (idx)" if ranges else ""
    run = db.execute
    run(f'CREATE SCHEMA "{schema}"'.encode())
    run(f'SET search_path = "{schema}"'.encode())
    run(
        f"CREATE TABLE entry (idx BIGINT PRIMARY KEY, tag BYTEA NOT NULL, bytes BYTEA NOT NULL{unique}) {by}".encode()
    )
    step = entries // max(ranges - 1, 1)
    for k in range(ranges):
        above = f"{(k + 1) * step}" if k < ranges - 1 else "MAXVALUE"
        run(f"CREATE TABLE entry_{k} PARTITION OF entry FOR VALUES FROM ({k * step}) TO ({above})".encode())
        if not apart:
            run(f"CREATE UNIQUE INDEX ON entry_{k} (tag)".encode())
    if apart:
        run(b"CREATE TABLE tag (tag BYTEA PRIMARY KEY, idx BIGINT NOT NULL)")
    numbers = f"generate_series(0, {entries - 1}) AS k"
    row = "k, sha256(k::text::bytea), decode(repeat('00', 80), 'hex')"
    run(f"INSERT INTO entry SELECT {row} FROM {numbers}".encode())  # noqa: S608 - a number of ours
    if apart:
        run(f"INSERT INTO tag SELECT sha256(k::text::bytea), k FROM {numbers}".encode())  # noqa: S608
    run(b"ANALYZE")


def group(db: psycopg.Connection[Any], schema: str, first: int) -> tuple[float, float]:
    """Seconds of looking 64 tags up, and of inserting their rows with the commit."""
    tags = [hashlib.sha256(secrets.token_bytes(16)).digest() for _ in range(GROUP)]
    numbers, apart = list(range(first, first + GROUP)), "apart" in schema
    db.execute(f'SET search_path = "{schema}"'.encode())
    start = time.perf_counter()
    find = _FIND.format(count=GROUP, table="tag" if apart else "entry").encode()
    assert db.execute(find, [b"".join(tags)], prepare=True).fetchall() == []
    looked = time.perf_counter()
    with db.transaction():
        rows = (numbers, tags, [bytes(80)] * GROUP)
        add = b"INSERT INTO entry SELECT * FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[])"
        db.execute(add, rows, prepare=True)
        if apart:
            more = b"INSERT INTO tag SELECT * FROM unnest(%b::bytea[], %b::bigint[])"
            db.execute(more, (tags, numbers), prepare=True)
    return looked - start, time.perf_counter() - looked


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=300_000)
    options.add_argument("--groups", type=int, default=200)
    given = options.parse_args()
    with private_server() as (_, cluster):
        cluster.add("entries", MetaData(), os.urandom)
        with psycopg.connect(cluster.server("entries", "postgres"), autocommit=True) as db:
            measure(db, given.entries, given.groups)


def measure(db: psycopg.Connection[Any], entries: int, groups: int) -> None:
    """Print the table."""
    for schema, ranges in LAYOUTS.items():
        make(db, schema, ranges, entries)
    found: dict[str, list[tuple[float, float]]] = {schema: [] for schema in LAYOUTS}
    for k in range(groups):
        for schema in LAYOUTS:
            found[schema].append(group(db, schema, entries + k * GROUP))
    print(
        f"| {entries:,} entries | look-up of 64 tags, ms | insert of 64, ms | bytes an entry |\n|---|---|---|---|"
    )
    for schema, times in found.items():
        warm = times[10:]
        looked, added = (median(each[j] for each in warm) * 1e3 for j in (0, 1))
        size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        size += " AND relnamespace = %s::regnamespace"
        row = db.execute(size.encode(), [f'"{schema}"']).fetchone()
        assert row is not None
        print(f"| {schema} | {looked:.2f} | {added:.2f} | {int(row[0]) / (entries + groups * GROUP):.0f} |")


if __name__ == "__main__":
    main()
