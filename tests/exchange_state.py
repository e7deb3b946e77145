"""What must hold in a country at any time, whatever has just gone wrong in it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from kakine.clients.carrier import filed_of
from kakine.country import ORIGIN
from kakine.crypto.hashing import digest
from kakine.protocols import receipts
from kakine.runtime import codebook

from land import Land

REQUEST, OUTCOME = 1, 2


def rows(folder: Path, party: str, text: str) -> list[tuple[object, ...]]:
    """A query on a party's store, from outside."""
    with closing(sqlite3.connect(f"file:{folder / party}.sqlite?mode=ro", uri=True)) as db:
        return db.execute(text).fetchall()


def snapshot(folder: Path, party: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything in a party's store."""
    names = rows(folder, party, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        str(name): sorted(rows(folder, party, f"SELECT * FROM {name}"), key=repr)  # noqa: S608
        for (name,) in names
    }


def log(folder: Path) -> list[bytes]:
    """The 80-byte entries, in order."""
    return [bytes(row[0]) for row in rows(folder, "ledger-a", "SELECT bytes FROM entry ORDER BY idx")]  # type: ignore[arg-type]


def entries_of(folder: Path, kind: int) -> int:
    """How many entries of a kind the log has."""
    return sum(entry[1] == kind for entry in log(folder))


def check(land: Land) -> None:
    """The invariants: receipts hold, nothing is filed twice or without its place, nothing answered unrecorded."""
    _receipts_hold(land)
    _filings_stand_in_the_log_once(land.folder)
    _released_exchanges_are_in_the_log(land.folder)
    _answers_have_their_request_in_the_log(land.folder)


def _receipts_hold(land: Land) -> None:
    key = land.country.book("yokohama").in_force(land.clock()).log_key("ledger-a")
    for _, filed, entries, _ in codebook.receipts(land.yokohama.office.db.read()):
        receipt = filed_of(filed).receipt
        receipts.verify(
            first=receipt.first,
            proof=receipt.proof,
            checkpoint=receipt.checkpoint,
            entries=entries,
            origin=ORIGIN,
            key=key,
        )
        assert b"".join(log(land.folder)[receipt.first : receipt.first + len(entries) // 80]) == entries


def _filings_stand_in_the_log_once(folder: Path) -> None:
    """Every filing of the record keeper that has a place has its entries there; no entry stands there twice."""
    entries = log(folder)
    assert max(Counter(entries).values()) == 1
    tags = rows(folder, "ledger-a", "SELECT tag FROM entry")
    assert len(set(tags)) == len(tags) == len(entries)
    for first, blob in rows(folder, "mailbox", "SELECT first, entries FROM filing WHERE first IS NOT NULL"):
        assert isinstance(first, int)
        assert isinstance(blob, bytes)
        assert b"".join(entries[first : first + len(blob) // 80]) == blob


def _released_exchanges_are_in_the_log(folder: Path) -> None:
    tagged = dict(rows(folder, "ledger-a", "SELECT tag, idx FROM entry"))  # type: ignore[arg-type]
    for name in ("converter-1", "converter-2", "converter-3"):
        for xid, position in rows(folder, name, "SELECT xid, position FROM used_exchange"):
            assert isinstance(xid, bytes)
            assert tagged[digest("xid", xid)] == position


def _answers_have_their_request_in_the_log(folder: Path) -> None:
    """The provider has decided nothing whose request is not filed and logged."""
    filed = {row[0] for row in rows(folder, "mailbox", "SELECT id FROM filing WHERE first IS NOT NULL")}
    for (request,) in rows(folder, "yokohama", "SELECT request FROM incoming"):
        assert request in filed


def outcomes_recorded(land: Land, requests: list[bytes]) -> bool:
    """Whether the outcome of each of these requests stands in the log."""
    filed = rows(land.folder, "mailbox", "SELECT id FROM filing WHERE first IS NOT NULL")
    known = {row[0] for row in filed}
    return all(digest("outcome-of", request) in known for request in requests)


def finished(land: Land) -> list[bytes]:
    """Requests for which the asking side keeps a receipt."""
    return [row[0] for row in codebook.receipts(land.yokohama.office.db.read())]
