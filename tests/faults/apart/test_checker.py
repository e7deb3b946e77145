"""The checker of a run is seen to fail: each copy of a good outcome that somebody has doctored is named by its rule.

The outcome is of a small country in one process, whose stores are those that parties apart have.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faults.apart.checker import RULES, check
from faults.apart.collect import calls_of, write_calls, write_law
from faults.apart.load import case_of
from faults.apart.outcome import CONVERTERS, LEDGERS, Writing, opened, sqlite_rows
from kakine.cli.own_history import own_history

from land import Land, ref

QUESTIONS = 6


def journal(results: list[str]) -> list[bytes]:
    """As the load writes it."""
    begun = '{{"number":{0},"agency":"yokohama","person":"{1}","case":"{2}"}}'
    said = [begun.format(n, ref(n % 4).decode(), case_of(n).hex()).encode() for n in range(len(results))]
    return said + [f'{{"number":{n},"result":"{result}"}}'.encode() for n, result in enumerate(results)]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outcome of a run to which nothing was done."""
    folder = tmp_path_factory.mktemp("outcome")
    with Land.founded(folder / "land") as land:
        answers = [land.run(land.ask(n % 4, case=case_of(n))) for n in range(QUESTIONS)]
        writing = Writing(folder / "outcome.sqlite")
        write_calls(writing, calls_of(journal([each.result for each in answers])))
        write_law(writing, land.country.book("portal").in_force(land.clock()), land.country.logs)
        for j in range(4):
            read = land.run(own_history(land.country, ref(j)))
            writing.add("reading", [(ref(j).decode(), read.signed, read.verified, len(read.hidden))])
            writing.add(
                "seen_line",
                ((ref(j).decode(), line.case, line.result, line.origin, line.index) for line in read.lines),
            )
        land.run(asyncio.sleep(0))
        rows = sqlite_rows(lambda party: land.folder / f"{party}.sqlite")
        for name in LEDGERS:
            writing.add("head_seen", ((name, note) for (note,) in rows(name, "SELECT note FROM checkpoint")))
            signed = rows(f"{name}-signer", "SELECT origin, size, root FROM signed")
            writing.add("signed_last", ((f"{name}-signer", *each) for each in signed))
        for name in CONVERTERS:
            writing.add("head_seen", ((name, note) for (note,) in rows(name, "SELECT note FROM seen_head")))
        writing.add("rival", [("ledger-a", "refused")])
        writing.stores(rows, ["yokohama"])
        writing.close()
    return folder / "outcome.sqlite"


def broken(path: Path) -> set[str]:
    with opened(path) as outcome:
        return {breach.rule for breach in check(outcome).breaches}


def test_a_good_outcome_breaks_no_rule_and_everything_in_it_was_looked_at(good: Path) -> None:
    with opened(good) as outcome:
        verdict = check(outcome)
    assert verdict.breaches == []
    assert verdict.looked_at["questions"] == QUESTIONS
    assert verdict.looked_at["answers held against their person's list"] == QUESTIONS
    assert verdict.looked_at["answers decided"] >= QUESTIONS
    assert verdict.looked_at["receipts of agencies"] >= QUESTIONS
    assert verdict.looked_at["receipts of record keepers"] >= 4 * QUESTIONS
    assert verdict.looked_at["uses of exchange ids"] >= 3 * QUESTIONS
    assert verdict.looked_at["histories read"] == 4


_PARTS = {
    "first_use": "position = (SELECT min(position) FROM used)",
    # Of an answer to the load, and not of a reading of one's own history.
    "request": "(SELECT filing.id FROM filing JOIN seen_line ON seen_line.log = filing.log"
    " AND seen_line.place = filing.first JOIN call ON call.caseno = seen_line.caseno"
    " WHERE filing.party = 'mailbox-b' AND call.number = 0)",
}

DOCTORED = {
    "a question that nobody heard of again": (
        "questions-end",
        "UPDATE call SET ends = 0, result = '' WHERE number = 2",
    ),
    "a question that ended twice": ("questions-end", "UPDATE call SET ends = 2 WHERE number = 2"),
    "an end without a name": (
        "questions-end",
        "UPDATE call SET result = '', fault = 'ValueError' WHERE number = 2",
    ),
    "a request left open": ("nothing-left-open", "INSERT INTO outgoing VALUES ('yokohama', x'01')"),
    "one row lost from the list of a person": (
        "answers-in-lists",
        "DELETE FROM listed WHERE party = 'mailbox-b' AND filing = {request}",
    ),
    "an answer that its person is not shown": (
        "answers-in-lists",
        "DELETE FROM seen_line WHERE caseno = (SELECT caseno FROM call WHERE number = 1)",
    ),
    "an answer that is shown as not given": (
        "answers-in-lists",
        "UPDATE seen_line SET result = '' WHERE caseno = (SELECT caseno FROM call WHERE number = 1)",
    ),
    "a question that stands in the list once more": (
        "answers-in-lists",
        "INSERT INTO seen_line SELECT person, caseno, '', log, place + 1 FROM seen_line"
        " WHERE caseno = (SELECT caseno FROM call WHERE number = 1)",
    ),
    "an answer to a question that nobody recorded": (
        "answers-recorded",
        "DELETE FROM receipt WHERE request = {request}",
    ),
    "an answer without record": (
        "answers-released",
        "UPDATE filing SET first = NULL WHERE party = 'mailbox-a' AND id = {request}",
    ),
    "an answer that one converter has not released": (
        "answers-released",
        "DELETE FROM used WHERE party = 'converter-3' AND request = {request}",
    ),
    "a receipt of an entry that is not logged": (
        "receipts-hold",
        "UPDATE receipt SET entries = CAST(substr(entries, 1, 40) || x'00ff' || substr(entries, 43) AS BLOB)",
    ),
    "a filing that its keeper has not signed": (
        "filings-hold",
        "UPDATE filing SET signature = zeroblob(64) WHERE party = 'mailbox-b' AND id = (SELECT id FROM filing LIMIT 1)",
    ),
    "a record that one keeper has lost": (
        "filings-hold",
        "DELETE FROM filing WHERE party = 'mailbox-b' AND id = {request}",
    ),
    "an exchange id used twice at one converter": (
        "ids-used-once",
        "INSERT INTO used SELECT party, xid, log, position + 1, request FROM used LIMIT 1",
    ),
    "an exchange id used for two places": (
        "ids-used-once",
        "UPDATE used SET position = position + 1 WHERE party = 'converter-2' AND {first_use}",
    ),
    "two exchange ids for one place": (
        "ids-used-once",
        "UPDATE used SET xid = CAST(x'07' || substr(xid, 2) AS BLOB) WHERE party = 'converter-1' AND {first_use}",
    ),
    "an entry lost from the log": ("entries-once", "DELETE FROM entry WHERE ledger = 'ledger-a' AND idx = 3"),
    "an entry that stands twice": (
        "entries-once",
        "INSERT INTO entry SELECT ledger, (SELECT max(idx) + 1 FROM entry e WHERE e.ledger = entry.ledger), tag, bytes"
        " FROM entry WHERE idx = 2",
    ),
    "a log that was cut behind a head": (
        "one-history",
        "DELETE FROM entry WHERE ledger = 'ledger-a' AND idx = (SELECT max(idx) FROM entry WHERE ledger = 'ledger-a')",
    ),
    "a witness that was shown two histories": (
        "one-history",
        "INSERT INTO fork VALUES ('university', x'00')",
    ),
    "a signer that went another way": ("one-history", "UPDATE signed_last SET root = zeroblob(32)"),
    "a release of what names no converter": (
        "counts-agree",
        "UPDATE used SET position ="
        " (SELECT max(idx) FROM entry WHERE ledger = 'ledger-a' AND substr(bytes, 2, 1) = x'02')"
        " WHERE party = 'converter-1' AND {first_use}",
    ),
    "something that the monitor found": ("monitor-clean", "INSERT INTO finding VALUES ('head-behind', '')"),
    "a person who is shown less than was signed for": (
        "lists-agree",
        "UPDATE reading SET verified = verified - 1",
    ),
    "a second sequencer that ran on": (
        "one-sequencer",
        "INSERT INTO rival VALUES ('ledger-b', 'ran beside')",
    ),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_a_doctored_outcome_is_named_by_its_rule(good: Path, tmp_path: Path, what: str) -> None:
    rule, text = DOCTORED[what][0], DOCTORED[what][1].format(**_PARTS)
    copy = tmp_path / "outcome.sqlite"
    shutil.copy(good, copy)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute(text).rowcount > 0
        database.commit()
    assert rule in broken(copy)


def test_each_rule_has_been_seen_to_break() -> None:
    assert {rule for rule, _ in DOCTORED.values()} == set(RULES)
