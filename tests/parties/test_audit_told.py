"""What the audit has found in the last day is a figure of the commission's process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.country import CONVERTERS
from kakine.parties.commission.audit_store import Verdict
from kakine.parties.commission.start import Found, audit
from kakine.runtime.footing import DAY
from kakine.values.problems import PartyUnavailable
from road import away

from land import CHILDREN, TAX, Land


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", people=1, domains=(CHILDREN, TAX)) as founded:
        yield founded


def found_by_somebody(land: Land, party: str, fault: str) -> None:
    auditor = land.country.auditor
    land.run(auditor._keep(Verdict("dispute", land.clock(), b"request", party, fault, 1)))


def test_faults_are_told_after_each_run_for_a_day_and_nothing_else_is(land: Land) -> None:
    found = Found(land.country.auditor)
    land.run(audit(land.country.auditor, found))
    assert found.faults == 0
    found_by_somebody(land, "", "")
    found_by_somebody(land, "converter-1", "proof")
    found_by_somebody(land, "converter-2", "proof")
    land.run(audit(land.country.auditor, found))
    assert found.faults == 2
    land.clock.advance(DAY / 1000 + 1)
    found.look()
    assert found.faults == 0


def test_faults_are_told_though_a_party_is_away_and_the_rest_waits(land: Land) -> None:
    found = Found(land.country.auditor)
    found_by_somebody(land, "converter-1", "proof")
    land.run(land.ask(0))
    land.clock.advance(3600)
    with away(land.country, CONVERTERS[1]), pytest.raises(PartyUnavailable):
        land.run(audit(land.country.auditor, found))
    assert found.faults == 1
