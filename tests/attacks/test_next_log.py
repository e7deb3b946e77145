"""R7 and the turn of the year: a log ends, the next begins with its last head, nothing is lost or forged between.

One country runs over midnight of 31 December in Japan; another one loses the store of a ledger.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.cli.demo_checks import check_receipts, head
from kakine.cli.own_history import Read, own_history
from kakine.country import LOGS, Country, Site
from kakine.parties.commission.audit_store import Verdict
from kakine.protocols.logs import Log, open_logs
from kakine.values.problems import LedgerBehind, LogNotOver, PartyUnavailable
from road import away

import land as lands
from land import CHILDREN, LOGIN, TAX, Clock, Land, ref

A, B = LOGS
EVE_MS = 1_798_729_200_000
"""2027-01-01 00:00 in Japan, as 2026-12-31 15:00 UTC."""
SETTLED = 13 * 60


def before_midnight(seconds: float) -> Clock:
    clock = Clock()
    clock.ahead_ms = EVE_MS - int(seconds * 1000) - clock()
    return clock


@pytest.fixture
def eve(tmp_path: Path) -> Iterator[Land]:
    """31 December, an hour before midnight."""
    clock = before_midnight(3600)
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN), clock=clock) as land:
        yield land


def read(land: Land, j: int = 0) -> Read:
    return land.run(own_history(land.country, ref(j)))


async def audited(country: Country) -> list[Verdict]:
    await country.auditor.check_counts()
    await country.auditor.check_indexes()
    return country.auditor.verdicts()


def next_log(land: Land, log: Log) -> Log:
    """Wound up, and closed when what it has is settled."""
    with pytest.raises(LogNotOver):
        land.run(land.country.next_log(log))
    land.clock.advance(SETTLED)
    return land.run(land.country.next_log(log))


def test_a_country_goes_over_the_turn_of_the_year(eve: Land) -> None:
    country = eve.country
    eve.clock.advance(3540)
    eve.run(eve.ask(0))
    with pytest.raises(LogNotOver):
        eve.run(country.next_log(A))
    eve.clock.advance(120)
    eve.run(eve.ask(0))
    a27 = next_log(eve, A)
    assert a27.origin == "ledger.kakine.example/2027/a"
    eve.run(eve.ask(0))
    b27 = next_log(eve, B)
    assert [log.origin for log in open_logs(country.logs)] == [a27.origin, b27.origin]
    eve.run(eve.ask(0))
    assert eve.run(head(country, a27)).size > 2
    eve.run(country.index())
    eve.run(country.have_witnessed())
    seen = read(eve)
    assert seen.complete
    assert {line.origin for line in seen.lines} == {A.origin, B.origin, a27.origin}
    assert seen.provisional == 1
    assert eve.run(check_receipts(country))
    assert not [each for each in country.auditor.verdicts() if each.fault]


def stores(folder: Path, name: str) -> list[Path]:
    return [path for path in folder.glob(f"{name}.sqlite*") if path.suffix != ".lock"]


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Land]:
    """A country whose ledger-a was put back to yesterday and refuses to start, opened without it."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    folder, backup = tmp_path / "land", tmp_path / "backup"
    backup.mkdir()
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.ask(0))
        land.run(land.country.index())
        land = land.reopened()
        for path in stores(folder, A.ledger):
            shutil.copy(path, backup)
        land.run(land.ask(0))
        land.run(land.country.have_witnessed())
        land.close()
        for path in stores(folder, A.ledger):
            path.unlink()
        for path in backup.iterdir():
            shutil.copy(path, folder)
    with pytest.raises(LedgerBehind):
        asyncio.run(Country.open(Site(folder, lands.pack())))
    with Land(folder, without=[A.ledger]) as again:
        yield again


def test_r7_a_dead_log_is_followed_by_a_new_origin_and_nothing_that_was_filed_is_lost(killed: Land) -> None:
    """The old receipts verify, what had no receipt yet gets one in the new log, the history spans both."""
    country = killed.country
    assert killed.run(killed.ask(1)).result == "delivered"
    with away(country, B.ledger), pytest.raises(PartyUnavailable):
        killed.run(killed.ask(0))
    a2 = killed.run(country.declare_dead(A))
    assert a2.origin == "ledger.kakine.example/2026/a2"
    with away(country, B.ledger):
        ((_, result),) = killed.run(killed.yokohama.desk.carrier.resume(lambda _: killed.requester()))
        assert isinstance(result, tuple)
        assert result[0].result == "delivered"
        killed.run(killed.ask(0))
    seen = read(killed)
    assert seen.complete
    assert {line.origin for line in seen.lines} == {A.origin, B.origin, a2.origin}
    assert read(killed, 1).complete
    killed.run(country.index())
    assert read(killed).complete
    assert not [each for each in killed.run(audited(country)) if each.fault]
    again = killed.reopened()
    assert [log.origin for log in again.country.logs] == [A.origin, B.origin, a2.origin]
    assert read(again).complete
    assert again.run(again.ask(1)).result == "delivered"
    assert a2.origin in again.country.policy.decode()
    again.close()
