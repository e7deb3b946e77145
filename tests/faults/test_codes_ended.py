"""A person's code is replaced, or retired at a death, and each write from the last request on fails once.

Repeated or restarted, at once or long after, it ends as if nothing had happened: one code in force or none, one
history, nothing left open.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attacks.insider import MAILBOXES, mailbox, rows_of, taken_over
from kakine.clients.carrier import OPEN
from kakine.clients.exchange import Requester
from kakine.contracts import converter
from kakine.contracts.registry import ENTER, REPORT, Died, Enter, Entry, Numbered, Report, Subject
from kakine.country import CONVERTERS, REGISTRY
from kakine.parties.mailbox import store
from kakine.parties.registry.codes import Codes
from kakine.runtime import codebook
from kakine.runtime.database import Database
from kakine.values.problems import RecordRefused, StoreFailed, Suspended
from kakine.wire.answer import Prepared
from registry_office import HANAKO

import land as lands
from land import CHILDREN, TAX, Land, person

DOMAINS = (CHILDREN, TAX)
WRITES = 17
"""The intent, three hops, three checks of linearity for each of two record keepers, two filings, the log, its signer,
the number in the list at each of the two record keepers, the receipt."""

POINTS = range(WRITES)

AT_THE_LOG = (12, 13)
"""Nobody who asks learns of these: the other log takes the entry."""


@contextmanager
def failing(codes: Codes, point: int) -> Iterator[list[int]]:
    """Once the registry sends a request to the record keeper alone, the write at `point` of all parties fails."""
    count = [-1]
    send, write = codes.carrier.send, Database.write

    async def counted(requester: Requester, prepared: Prepared, context: bytes) -> Any:
        if context.startswith((b"switch:", b"retire:")):
            count[0] = 0
        return await send(requester, prepared, context)

    async def struck(self: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
        if count[0] >= 0:
            number, count[0] = count[0], count[0] + 1
            if number == point:
                raise StoreFailed(reason="planted")
        return await write(self, work)

    codes.carrier.send = counted  # type: ignore[method-assign]
    Database.write = struck  # type: ignore[assignment, method-assign]
    try:
        yield count
    finally:
        codes.carrier.send = send  # type: ignore[method-assign]
        Database.write = write  # type: ignore[method-assign]


def fails(codes: Codes, point: int) -> AbstractContextManager[object]:
    """`failing`, and whoever asks gets a problem that leaves the request open."""
    both = ExitStack()
    if point not in AT_THE_LOG:
        both.enter_context(pytest.raises(OPEN))
    both.enter_context(failing(codes, point))
    return both


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Land]]:
    """A land in a list, so that a test may put the restarted one there; its randomness is new at every start."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    held = [Land.founded(tmp_path / "land", 1, DOMAINS)]
    yield held
    held[0].close()


def codes_of(land: Land) -> Codes:
    return land.country.registry.codes


def states(land: Land) -> dict[str, int]:
    """How many codes are in each state; every record keeper has the same."""
    text = "SELECT state, count(*) FROM code GROUP BY state ORDER BY state"
    found = [dict(mailbox(land, name).db.read().execute(text).fetchall()) for name in MAILBOXES]
    assert found[0] == found[1]
    return found[0]


def logged(land: Land) -> int:
    """Filings that have their entries in the log. One that a record keeper alone has signed has none, and no effect."""
    text = "SELECT id FROM filing WHERE first IS NOT NULL"
    found = [set(mailbox(land, name).db.read().execute(text).fetchall()) for name in MAILBOXES]
    assert found[0] == found[1]
    return len(found[0])


def open_requests(land: Land) -> list[bytes]:
    return [left.context for left in codebook.unfinished(land.country.registry.db.read())]


def replaced(land: Land) -> bool:
    """Whether the registry has no successor that waits."""
    held = codebook.references_after(land.country.registry.db.read(), REGISTRY, b"", 100)
    return not any(reference.startswith(b"successor:") for reference in held)


def check_one_history(land: Land) -> None:
    """At every record keeper, each list that an active code leads to is whole; the others are empty."""
    for name in MAILBOXES:
        db = mailbox(land, name).db.read()
        lists = [row[0] for row in db.execute("SELECT list FROM code WHERE state = 'active'")]
        assert len(set(lists)) == len(lists)
        for each in lists:
            assert store.find_list(db, each)[0] == len(store.rows_of_list(db, each)) > 0


WAYS = [(restart, late) for restart in (False, True) for late in (False, True)]


def went_on(small: list[Land], restart: bool, late: bool) -> Land:
    if late:
        small[0].clock.advance(600)
    if restart:
        small[0] = small[0].reopened()
    return small[0]


def test_a_request_to_the_record_keeper_alone_makes_this_many_writes(small: list[Land]) -> None:
    codes = codes_of(small[0])
    for act in (codes.rekey_person(person(0), DOMAINS), codes.retire([person(0)])):
        with failing(codes, WRITES) as count:
            small[0].run(act)
        assert count == [WRITES]


@pytest.mark.parametrize(("restart", "late"), WAYS)
def test_a_new_code_is_in_force_everywhere_whatever_came_between(
    small: list[Land], restart: bool, late: bool
) -> None:
    plain = rows_of(small[0], 0)
    small[0].run(codes_of(small[0]).rekey_person(person(0), DOMAINS))
    grown = rows_of(small[0], 0) - plain
    for point in POINTS:
        before, land = rows_of(small[0], 0), small[0]
        with fails(codes_of(land), point):
            land.run(codes_of(land).rekey_person(person(0), DOMAINS))
        land = went_on(small, restart, late)
        if restart and point:  # the intent was kept: nobody need call again
            assert replaced(land), point
        elif not replaced(land):
            land.run(codes_of(land).rekey_person(person(0), DOMAINS))
        assert replaced(land), point
        assert open_requests(land) == [], point
        assert states(land) == {"active": 1, "retired": point + 2}, point
        check_one_history(land)
        if restart and point:
            assert rows_of(land, 0) == before + grown, point
        assert land.run(land.ask(0)).result == "delivered", point
    assert set(small[0].run(codes_of(small[0]).issue(CHILDREN, [(person(0), b"ref-0")]))) == {"delivered"}


def entered(land: Land, count: int) -> list[Subject]:
    """So many residents of Yokohama, each with a code at the record keeper."""
    births = [HANAKO.birth + timedelta(days=j) for j in range(count)]
    entries = [
        Entry(land.entropy(16), HANAKO.name, HANAKO.kana, birth, HANAKO.sex, bytes(16), birth, HANAKO.address)
        for birth in births
    ]
    given = land.run(land.country.peers("yokohama").ask(REGISTRY.party, ENTER, Enter(entries))).outcomes
    assert all(isinstance(each, Numbered) for each in given)
    return [Subject(each.number, birth) for each, birth in zip(given, births, strict=True)]


@pytest.mark.parametrize(("restart", "late"), WAYS)
def test_the_dead_have_no_code_whatever_came_between(small: list[Land], restart: bool, late: bool) -> None:
    subjects = entered(small[0], WRITES)
    for point, subject in enumerate(subjects):
        land = small[0]
        before, living = logged(land), states(land)["active"]
        died = Report(land.entropy(16), subject, subject.birth, Died())
        with fails(codes_of(land), point):
            land.run(land.country.peers("yokohama").ask(REGISTRY.party, REPORT, died))
        land = went_on(small, restart, late)
        if not restart or not point:
            land.run(land.country.peers("yokohama").ask(REGISTRY.party, REPORT, died))
        assert open_requests(land) == [], point
        assert states(land) == {"active": living - 1, "retired": point + 1}, point
        assert logged(land) == before + 1, point
        land.run(land.country.peers("yokohama").ask(REGISTRY.party, REPORT, died))
        assert logged(land) == before + 1, point
        # Also has what the first log stored, but has not yet had signed, signed before the next write is struck.
        assert land.run(land.ask(0)).result == "delivered", point


def test_a_death_while_a_new_code_is_on_its_way_retires_that_one(small: list[Land]) -> None:
    land = small[0]
    with failing(codes_of(land), WRITES - 1), pytest.raises(StoreFailed):
        land.run(codes_of(land).rekey_person(person(0), DOMAINS))
    land.run(codes_of(land).retire([person(0)]))
    assert states(land) == {"retired": 2}


def test_a_refusal_that_proves_nothing_leaves_the_request_open(small: list[Land]) -> None:
    """SWITCH is filed and its receipt lost; the law stops its ground before it is sent again, and gives it free."""
    land, codes = small[0], codes_of(small[0])
    with failing(codes, WRITES - 1), pytest.raises(StoreFailed):
        land.run(codes.rekey_person(person(0), DOMAINS))

    async def stopped(*_: object) -> None:
        raise Suspended()

    with taken_over(land, CONVERTERS[0], converter.CONVERT, stopped), pytest.raises(Suspended):
        land.run(codes.rekey_person(person(0), DOMAINS))
    assert len(open_requests(land)) == 1
    land.run(codes.rekey_person(person(0), DOMAINS))
    assert replaced(land)
    assert open_requests(land) == []
    assert states(land) == {"active": 1, "retired": 1}
    assert land.run(land.ask(0)).result == "delivered"


def test_a_request_that_the_record_keeper_refuses_is_closed(small: list[Land]) -> None:
    """Nothing is sent again of what was refused for good."""
    codes = codes_of(small[0])
    small[0].run(codes.retire([person(0)]))
    with pytest.raises(RecordRefused):
        small[0].run(codes.retire([person(0)]))
    assert open_requests(small[0]) == []
