"""A11: mass look-ups run into the converter operator's own limit, whatever the gazette allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attacks.insider import filings
from kakine.country import CONVERTERS
from kakine.values.problems import QuotaExceeded

from land import Land


def limit(land: Land, people: int) -> None:
    office = land.country.converters[CONVERTERS[1]].office
    office.settings = replace(office.settings, daily_limit=people)


def test_a_link_over_its_quota_converts_nobody(land: Land) -> None:
    """The whole batch that would pass the limit is refused by one converter, and nothing is filed."""
    limit(land, 2)
    land.run(land.ask(0))
    filed = filings(land)
    with pytest.raises(QuotaExceeded):
        land.run(land.yokohama.desk.ask_many([land.question(0), land.question(1)]))
    assert filings(land) == filed
    assert land.run(land.ask(1)).result == "delivered"


def test_the_quota_is_counted_across_a_restart(land: Land) -> None:
    """What was spent before a stop is spent after it."""
    land.run(land.ask(0))
    again = land.reopened()
    limit(again, 1)
    with pytest.raises(QuotaExceeded):
        again.run(again.ask(1))
    again.close()


def test_the_next_day_starts_anew(land: Land) -> None:
    """A day later the link converts again."""
    limit(land, 1)
    land.run(land.ask(0))
    land.clock.advance(86_400)
    assert land.run(land.ask(1)).result == "delivered"
