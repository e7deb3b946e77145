"""R7 and the turn of the year: a log ends, the next one begins with its last head, and nothing is lost or forged between.

One country runs over midnight of 31 December in Japan; another one loses the store of a ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.cli.demo_checks import check_receipts, head
from kakine.cli.own_history import Read, own_history
from kakine.country import LOGS
from kakine.protocols.logs import Log, open_logs
from kakine.values.problems import LogNotOver

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
