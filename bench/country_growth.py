"""What a country costs as it grows: more residents, and more leaves in its logs. Part of bench/country.py.

Real: a hundred residents or so with codes, data and questions, every party, every exchange measured, every head, every
proof. Filled: rows of everybody else, each like a real one with other keys, written past the stopped parties; and
leaves of the right form with random content, under a root that is theirs. A filled person has no code that anybody
could convert, and is never asked about; a filled leaf has no sealed record at the record keepers. Keys are filled in
ascending order, so pages are fuller than chance would leave them. Who reads along every hour (the record keepers'
indexes, the auditor's counts, the commission's figures) is told that it has read what was filled.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

import country_cost as cost
from country_engines import Store, disk_mb, opened, settled
from kakine.cli.apart_processes import Processes, about
from kakine.country import COMMISSION, CONVERTERS, KEEPERS, LOGS, REGISTRY
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.parties.commission.bureau.reading import Read
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryFlags, EntryKind

POINTS = "10000/0,100000/0,1000000/0,1000000/1000000,1000000/10000000"
"""Residents and leaves of each log."""
STRIDE = 50_000
EXPIRY_MONTHS = 409
AGENCIES = ("yokohama", "koseki")
"""Every filled person is known to both: no agency has more people than the country."""

_HEADS = [
    Entry(kind, 0b111, EXPIRY_MONTHS, EntryFlags(0), 29_000_000, bytes(32), bytes(32)).encode()[:16]
    for kind in (EntryKind.REQUEST, EntryKind.OUTCOME)
]


def _key(number: int, length: int) -> bytes:
    """Ascending with `number`; otherwise random."""
    return (number << 16).to_bytes(6, "big") + os.urandom(length - 6)


def _like(
    store: Store, table: str, where: str, fresh: dict[str, Callable[[int], Any]], numbers: range
) -> None:
    """One row for each number, like a real one but for these columns. Nothing where there is no real one."""
    columns = list(fresh)
    others = [each for each in store.columns(table) if each not in fresh]
    wanted = ", ".join(f'"{each}"' for each in others) or "1"
    found = store.one(f'SELECT {wanted} FROM "{table}" {where} LIMIT 1')  # noqa: S608 - names of the schema
    if found is not None:
        same = tuple(found) if others else ()
        rows = (same + tuple(make(n) for make in fresh.values()) for n in numbers)
        store.add(table, [*others, *columns], rows)


def _agency(store: Store, domains: list[str], numbers: range) -> None:
    for domain in domains:
        known = f"WHERE domain = '{domain}'"
        token = {n: _key(n, 48) for n in numbers}
        _like(
            store, "holding", known, {"reference": lambda n: b"filled-%09d" % n, "token": token.get}, numbers
        )
        _like(store, "data_copy", known, {"token": token.get}, numbers)


def _keeper(store: Store, numbers: range) -> None:
    last = (store.one('SELECT max("id") FROM "list"') or (0,))[0] or 0
    first = numbers.start - last - 1
    _like(
        store,
        "list",
        "",
        {"id": lambda n: n - first, "count": lambda _: 0, "head": lambda _: bytes(32)},
        numbers,
    )
    _like(store, "code", "", {"token": lambda n: _key(n, 48), "list": lambda n: n - first}, numbers)


def _registry(store: Store, numbers: range) -> None:
    person = {n: _key(n, 16) for n in numbers}
    _like(
        store,
        "person",
        "",
        {"id": person.get, "household": person.get, "kana_key": lambda n: f"{n:09}"},
        numbers,
    )
    _like(store, "number", "", {"number": lambda n: f"9{n:011}", "person": person.get}, numbers)
    _like(store, "record_code", "", {"code": lambda n: f"Z{n:010}", "person": person.get}, numbers)
    token = {n: _key(n, 48) for n in numbers}
    _like(store, "holding", "", {"reference": person.get, "token": token.get}, numbers)


def people(folder: Path, numbers: range) -> None:
    """Rows of so many more residents, everywhere."""
    domains = {str(each[end]) for each in about(folder).questions for end in ("domain", "provider")}
    for low in range(numbers.start, numbers.stop, STRIDE):
        some = range(low, min(low + STRIDE, numbers.stop))
        for name in AGENCIES:
            with opened(folder, name) as store:
                _agency(store, sorted(each for each in domains if each.startswith(f"{name}/")), some)
        for keeper in KEEPERS:
            with opened(folder, str(keeper.party)) as store:
                _keeper(store, some)
        with opened(folder, str(REGISTRY.party)) as store:
            _registry(store, some)


def leaves(folder: Path, log: tuple[str, str], more: int) -> int:
    """Grow a log by so many entries while its ledger and its signer are stopped: entries, tree, and the head that the
    signer has signed last. Its size then."""
    (ledger, origin), tree = log, Tree()
    with opened(folder, ledger) as store, opened(folder, f"{ledger}-signer") as signer:
        for low in range(0, _size(store), STRIDE):
            rows = store.all(
                f"SELECT bytes FROM entry WHERE {low} <= idx AND idx < {low + STRIDE} ORDER BY idx"  # noqa: S608
            )
            tree.append([leaf_hash(bytes(row[0])) for row in rows])
        first = tree.size
        for low in range(first, first + more, STRIDE):
            some = range(low, min(low + STRIDE, first + more))
            made = dict(zip(some, _entries(some), strict=True))
            tree.append([leaf_hash(entry) for entry in made.values()])
            fresh = {"idx": int, "tag": lambda n: _key(n, 32), "bytes": made.__getitem__}
            _like(store, "entry", "", fresh, some)
        head = Checkpoint(tree.size, tree.root())
        store.run("UPDATE tree SET size = ?, root = ? WHERE id = 1", (head.size, head.root))
        signer.run("UPDATE signed SET size = ?, root = ? WHERE origin = ?", (head.size, head.root, origin))
    return head.size


def read_along(folder: Path, origin: str, size: int) -> None:
    """Whoever reads the log as it grows has read up to here; otherwise all of it would be read at the next start."""
    for keeper in KEEPERS:
        with opened(folder, str(keeper.party)) as store:
            newest = "start = (SELECT max(start) FROM index_root WHERE log = ?)"
            store.run(f'UPDATE index_root SET "end" = ? WHERE log = ? AND {newest}', (size, origin, origin))  # noqa: S608
    with opened(folder, str(COMMISSION), "auditor") as store:
        for mark in ("count-start", "count-end", "index-roots"):
            store.run("DELETE FROM audit_mark WHERE name = ?", (f"{mark}/{origin}",))
            store.add("audit_mark", ["name", "value"], [(f"{mark}/{origin}", size)])
    with opened(folder, str(COMMISSION)) as store:
        name, data = f"read/{origin}", msgspec.msgpack.encode(Read(size))
        store.run("DELETE FROM snapshot WHERE name = ?", (name,))
        store.add("snapshot", ["name", "time_ms", "data"], [(name, 0, data)])


def _size(store: Store) -> int:
    return int((store.one("SELECT size FROM tree WHERE id = 1") or (0,))[0])


def _entries(numbers: range) -> Iterator[bytes]:
    random = os.urandom(64 * len(numbers))
    for at, number in enumerate(numbers):
        yield _HEADS[number & 1] + random[64 * at : 64 * at + 64]


def restarts(folder: Path) -> dict[str, float]:
    """Seconds until each of those whose stores have grown takes calls again, one after the other."""
    processes, found = Processes(folder), {}
    parties = LOGS[0].ledger, KEEPERS[0].party, REGISTRY.party, AGENCIES[0], CONVERTERS[0], COMMISSION
    names = [str(each) for each in parties]
    for name in names:
        processes.end(name)
        begun = time.perf_counter()
        processes.up([name])
        processes.wait([name], 300)
        found[name] = time.perf_counter() - begun
    return found


def fill(folder: Path, residents: range, more: int) -> None:
    """So many residents more, and so many leaves of each log, in a country that is stopped."""
    server = Processes(folder).server
    if server is not None:
        server.start()
    people(folder, residents)
    if more:
        with ProcessPoolExecutor(2) as both:
            grown = [both.submit(leaves, folder, (str(log.ledger), log.origin), more) for log in LOGS]
        for log, size in zip(LOGS, grown, strict=True):
            read_along(folder, log.origin, size.result())
    settled(folder)


def measure(
    folder: Path, points: str, running: Any, load_process: Any, country: Any, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Each point on top of the one before, in one country."""
    residents, grown, found = 0, 0, []
    for point in points.split(","):
        wanted, leaf = (int(each) for each in point.split("/"))
        begun = time.perf_counter()
        fill(folder, range(residents, max(wanted, residents)), max(leaf - grown, 0))
        residents, grown = max(wanted, residents), max(leaf, grown)
        filled = time.perf_counter() - begun
        say(f"{residents:,} residents and {grown:,} leaves filled in {filled:.0f} s")
        with running(folder) as ready:
            with closing(load_process(folder)) as load:
                here = country(folder, load, 8)
                load.run(mix="one", callers=16, seconds=3)
                here.rest()
                lone, several = (here.figures(mix="one", callers=callers) for callers in (1, 16))
            found.append(
                {
                    "residents": residents,
                    "leaves": grown,
                    "filled_s": filled,
                    "ready_s": ready,
                    "lone": lone,
                    "several": several,
                    "memory_mb": cost.memory_mb(folder),
                    "disk_mb": disk_mb(folder),
                    "restart_s": restarts(folder),
                }
            )
    return found
