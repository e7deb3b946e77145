"""What must hold in a country at any time, whatever has just gone wrong in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from kakine.clients.carrier import filed_of
from kakine.country import LOGS
from kakine.crypto.hashing import digest
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.runtime import codebook
from kakine.wire.checkpoint import origin_of

from land import Land

REQUEST, OUTCOME = 1, 2
MAILBOXES = ("mailbox-a", "mailbox-b")


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


def log(folder: Path, ledger: str = LOGS[0].ledger) -> list[bytes]:
    """The 80-byte entries of one ledger, in order."""
    return [bytes(row[0]) for row in rows(folder, ledger, "SELECT bytes FROM entry ORDER BY idx")]  # type: ignore[arg-type]


def of_origin(note: bytes) -> str:
    """The ledger whose checkpoint this is."""
    return next(each.ledger for each in LOGS if each.origin == origin_of(note))


def entries_of(folder: Path, kind: int) -> int:
    """How many different entries of a kind there are; a lost answer may leave one in both logs."""
    entries = {entry for each in LOGS for entry in log(folder, each.ledger)}
    return sum(entry[1] == kind for entry in entries)


def check(land: Land) -> None:
    """The invariants: receipts hold, nothing is filed twice or without its place, nothing answered unrecorded."""
    _receipts_hold(land)
    _filings_stand_in_the_log_once(land.folder)
    _released_exchanges_are_in_the_log(land.folder)
    _answers_have_their_request_in_the_log(land.folder)


def _receipts_hold(land: Land) -> None:
    keys = log_keys(land.country.book("yokohama").in_force(land.clock()), LOGS)
    for _, filed, entries, _ in codebook.receipts(land.yokohama.office.db.read()):
        receipt = filed_of(filed).receipt
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, entries, keys)
        logged = log(land.folder, of_origin(receipt.checkpoint))
        assert b"".join(logged[receipt.first : receipt.first + len(entries) // 80]) == entries


def _filings_stand_in_the_log_once(folder: Path) -> None:
    """Every filing of a record keeper that has a place has its entries there; no entry stands twice in one log."""
    for each in LOGS:
        entries = log(folder, each.ledger)
        tags = rows(folder, each.ledger, "SELECT tag FROM entry")
        assert len(set(entries)) == len(set(tags)) == len(tags) == len(entries)
    filed = "SELECT log, first, entries, checkpoint FROM filing WHERE first IS NOT NULL"
    placed = [found for keeper in MAILBOXES for found in rows(folder, keeper, filed)]
    for origin, first, blob, note in placed:
        assert isinstance(first, int)
        assert isinstance(blob, bytes)
        assert isinstance(note, bytes)
        assert origin == origin_of(note)
        assert b"".join(log(folder, of_origin(note))[first : first + len(blob) // 80]) == blob


def _released_exchanges_are_in_the_log(folder: Path) -> None:
    """Every exchange that a converter has released for stands where its receipt said."""
    tagged = {
        (each.origin, *row)
        for each in LOGS
        for row in rows(folder, each.ledger, "SELECT tag, idx FROM entry")
    }
    for name in ("converter-1", "converter-2", "converter-3"):
        for xid, origin, position in rows(folder, name, "SELECT xid, log, position FROM used_exchange"):
            assert isinstance(xid, bytes)
            assert (origin, digest("xid", xid), position) in tagged


def _answers_have_their_request_in_the_log(folder: Path) -> None:
    """The provider has decided nothing whose request is not filed and logged."""
    filed = _logged(folder)
    for (request,) in rows(folder, "yokohama", "SELECT request FROM incoming"):
        assert request in filed


def _logged(folder: Path) -> set[object]:
    """What every record keeper has filed and knows to be in the log."""
    found = [
        {row[0] for row in rows(folder, keeper, "SELECT id FROM filing WHERE first IS NOT NULL")}
        for keeper in MAILBOXES
    ]
    return set.intersection(*found)


def outcomes_recorded(land: Land, requests: list[bytes]) -> bool:
    """Whether the outcome of each of these requests stands in the log."""
    known = _logged(land.folder)
    return all(digest("outcome-of", request) in known for request in requests)


def finished(land: Land) -> list[bytes]:
    """Requests for which the asking side keeps a receipt."""
    return [row[0] for row in codebook.receipts(land.yokohama.office.db.read())]
