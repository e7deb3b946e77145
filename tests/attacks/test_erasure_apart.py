"""Erasing where every party is a process of its own: by the commission's operator over the road, and what agencies,
registry and portal keep goes after the notice, never by a clock alone.

The parties here are in one process, with the calls and the chores that their own processes have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import MAILBOXES, mailbox, taken_over
from attacks.test_erasure import MONTHS, all_signed, expiry_of, forward, notices, sealed_rows
from kakine.clients.forgetting import Forgetting
from kakine.contracts.call import Nothing
from kakine.contracts.commission import ERASE, ERASURES, HOLD_ON, LET_GO
from kakine.contracts.mailbox import EXPIRING
from kakine.contracts.retention import (
    EndHold,
    Erased,
    Erasures,
    ErasuresGiven,
    Expiring,
    ExpiringAsked,
    HoldWanted,
    NoticeLogged,
)
from kakine.country import COMMISSION, LOGIN, LOGS, ORIGIN, REGISTRY
from kakine.parties.commission import erasure_store as store
from kakine.protocols.erasure import notice_entry, notice_tag
from kakine.runtime.codebook import incoming
from kakine.runtime.database import Database
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CheckpointInvalid,
    ErasureConflict,
    ErasureMismatch,
    HoldInvalid,
    InclusionInvalid,
    PartyUnavailable,
    SignatureInvalid,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.erasure import Notice, Order, Signed, notice_digest
from road import away

from land import CHILDREN, TAX, Land

REFUSALS = (ErasureMismatch, SignatureInvalid, CheckpointInvalid, InclusionInvalid)


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Land]:
    """Two people, an exchange about each; nothing has expired."""
    with Land.founded(tmp_path / "land", 2, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        for j in (0, 1):
            land.run(land.ask(j))
        yield land


@pytest.fixture
def old(lived: Land) -> Land:
    """The same after seven years, nothing erased yet."""
    forward(lived)
    return lived


def erase(land: Land, caller: str = COMMISSION) -> list[Order]:
    told = land.run(land.country.peers(caller).ask(COMMISSION, ERASE, Nothing()))
    assert told.over
    return [decode(each, Order) for each in told.orders]


def forgetting(land: Land, name: str = "yokohama", db: Database | None = None) -> Forgetting:
    country = land.country
    store = db or land.yokohama.office.db
    return Forgetting(store, country.book(name), country.logs_of(name), country.peers(name), land.clock)


def kept(land: Land) -> int:
    """Answers that the tax desk's agency still has."""
    asked = f"SELECT COUNT(*) FROM {incoming.name}"  # noqa: S608
    return int(land.yokohama.office.db.read().execute(asked).fetchone()[0])


@contextmanager
def showing(land: Land, *shown: NoticeLogged) -> Iterator[None]:
    """The commission gives these notices to anybody."""

    async def serve(caller: PartyName, asked: Erasures) -> ErasuresGiven:
        return ErasuresGiven(list(shown) if asked.expiry == 0 else [])

    with taken_over(land, COMMISSION, ERASURES, serve):
        yield


def test_what_the_commission_erases_by_call_agencies_registry_and_portal_follow(old: Land) -> None:
    expiry, before = expiry_of(old), kept(old)
    assert before > 0
    orders = erase(old)
    assert orders[0].expiry == expiry
    assert sealed_rows(old) == []
    parties = {
        "yokohama": old.yokohama.office.db,
        REGISTRY.party: old.country.registry.codes.db,
        LOGIN.party: old.country.portal.db,
    }
    for name, db in parties.items():
        work = forgetting(old, name, db)
        said = old.run(work.run())
        assert (name != "yokohama") or said == f"{before} forgotten"
        assert old.run(work.run()) == ""
    assert kept(old) == 0
    assert erase(old) == []  # again, and nothing is left to do


def test_no_party_forgets_by_its_clock_alone(old: Land) -> None:
    before = kept(old)
    assert old.run(forgetting(old).run()) == ""
    assert kept(old) == before > 0


def test_no_party_forgets_before_its_own_clock_says_so(lived: Land) -> None:
    """Whatever all others have signed: here their clocks are seven years ahead."""
    now_ms = lived.clock()
    forward(lived, MONTHS)
    erase(lived)
    work = forgetting(lived)
    work.clock = lambda: now_ms
    assert lived.run(work.run()) == ""
    assert kept(lived) > 0


def forgeries(land: Land) -> Iterator[NoticeLogged]:
    """The last notice with something in it that is not so."""
    genuine = notices(land).notices[-1]
    notice, receipt = decode(genuine.notice, Notice), genuine.receipt
    order = decode(notice.order.data, Order)
    unsigned = Signed(notice.order.data, bytes([notice.order.signature[0] ^ 1, *notice.order.signature[1:]]))
    lacking = (
        msgspec.structs.replace(notice, keepers=notice.keepers[:-1]),
        msgspec.structs.replace(notice, converters=notice.converters[:-1]),
        msgspec.structs.replace(notice, order=unsigned),
    )
    for number, wrong in enumerate(lacking, 1):
        # A commission that lies logs it nevertheless.
        entry = notice_entry(notice_digest(encode(wrong)), land.clock())
        office = land.country.commission._office
        logged = land.run(office.log(entry, notice_tag(order.expiry + number)))
        yield NoticeLogged(encode(wrong), entry, logged)
    # Another one, which all have signed as well and which no log has.
    unlogged = all_signed(land, msgspec.structs.replace(order, time_ms=order.time_ms + 1))
    yield msgspec.structs.replace(genuine, notice=encode(unlogged))
    note = receipt.checkpoint.replace(b"/2026/", b"/2027/")
    for lie in (
        msgspec.structs.replace(receipt, checkpoint=note),
        msgspec.structs.replace(receipt, first=receipt.first + 1),
    ):
        yield msgspec.structs.replace(genuine, receipt=lie)


def test_no_party_forgets_by_a_notice_that_is_not_signed_by_all_and_logged(old: Land) -> None:
    erase(old)
    before = kept(old)
    for forged in forgeries(old):
        with showing(old, forged), pytest.raises(REFUSALS):
            old.run(forgetting(old).run())
    assert kept(old) == before > 0
    assert old.run(forgetting(old).run()) == f"{before} forgotten"


def test_nobody_but_the_commission_itself_has_anything_erased_or_held(old: Land) -> None:
    messages: list[tuple[Any, Any]] = [
        (ERASE, Nothing()),
        (HOLD_ON, HoldWanted(ORIGIN, [3], "litigation")),
        (LET_GO, EndHold(bytes(32))),
    ]
    for caller in ("ministry", "yokohama", "mailbox-a", "portal"):
        for call, message in messages:
            with pytest.raises(CallerNotAllowed):
                old.run(old.country.peers(caller).ask(COMMISSION, call, message))
    # A hold is of a log that there is.
    told = HoldWanted("ledger.example/1999/a", [1], "litigation")
    with pytest.raises(HoldInvalid):
        old.run(old.country.peers(COMMISSION).ask(COMMISSION, HOLD_ON, told))
    assert sealed_rows(old)


def test_by_call_nothing_goes_while_a_log_is_away_or_a_count_does_not_agree(old: Land) -> None:
    for log in LOGS:
        with away(old.country, log.ledger), pytest.raises(PartyUnavailable):
            erase(old)

    async def fewer(caller: PartyName, asked: ExpiringAsked) -> Expiring:
        return Expiring((), [])

    with taken_over(old, MAILBOXES[1], EXPIRING, fewer), pytest.raises(ErasureMismatch):
        erase(old)
    assert sealed_rows(old)
    assert notices(old).notices == []
    assert erase(old)


def test_two_calls_at_once_are_one_erasure_and_no_hold_comes_in_between(old: Land) -> None:
    peers, first_month = old.country.peers(COMMISSION), expiry_of(old)
    found = mailbox(old, MAILBOXES[0]).db.read().execute("SELECT MAX(first) FROM filing").fetchone()
    wanted = HoldWanted(ORIGIN, [int(found[0])], "litigation")
    counting, go_on = asyncio.Event(), asyncio.Event()
    asked_for = list[int]()

    async def slow(caller: PartyName, asked: ExpiringAsked) -> Expiring:
        asked_for.append(asked.expiry)
        counting.set()
        await go_on.wait()
        return Expiring((), [])

    async def together() -> list[Any]:
        first = asyncio.create_task(peers.ask(COMMISSION, ERASE, Nothing()))
        await counting.wait()
        second = asyncio.create_task(peers.ask(COMMISSION, ERASE, Nothing()))
        (held,) = await asyncio.gather(peers.ask(COMMISSION, HOLD_ON, wanted), return_exceptions=True)
        go_on.set()
        return [held, *await asyncio.gather(first, second, return_exceptions=True)]

    with taken_over(old, MAILBOXES[0], EXPIRING, slow):
        held, *ended = old.run(together())
    assert isinstance(held, ErasureConflict)
    assert store.holds(old.country.commission.database.read(), first_month) == []
    assert [type(each) for each in ended] == [ErasureMismatch] * 2
    assert asked_for == [first_month]
    assert erase(old)
    assert sealed_rows(old) == []


def test_a_call_that_has_waited_long_enough_is_told_so_and_the_next_one_waits_on(old: Land) -> None:
    retention = old.country.commission._retention
    retention.wait_s = 0.0
    peers, told = old.country.peers(COMMISSION), Erased(False, [])
    calls = 0

    async def wait_on() -> Erased:
        nonlocal calls, told
        while not told.over:
            told = await peers.ask(COMMISSION, ERASE, Nothing())
            calls += 1
            await asyncio.sleep(0.001)
        return told

    assert old.run(wait_on()).orders
    assert calls > 1
    assert sealed_rows(old) == []
