"""A18: after a stop nothing is forgotten that protects, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from attacks.insider import filings, log_size, rows_of
from kakine.contracts import converter
from kakine.country import CONVERTERS, LOGS
from kakine.runtime import codebook
from kakine.values.problems import BatchReused, BootFence, PartyUnavailable, Problem
from kakine.wire.answer import Prepared

from land import CHILDREN, TAX, Land

SMALL = (CHILDREN, TAX)


def founded(folder: Path) -> Land:
    """Two people, two domains."""
    return Land.founded(folder / "land", people=2, domains=SMALL)


def prepared(land: Land) -> Prepared:
    """A request for person 0."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))


def test_a_request_from_before_the_start_is_refused(tmp_path: Path) -> None:
    """A18: a converter that lost what it had seen (a store put back) must not take an old request for a new one."""
    land = founded(tmp_path)
    kept = prepared(land)
    land = land.reopened()
    before = filings(land)
    with pytest.raises(BootFence):
        land.run(land.requester().convert(kept))
    assert filings(land) == before
    land.close()


def test_a_store_put_back_does_not_let_a_request_through_twice(tmp_path: Path) -> None:
    """A18: the first converter's memory of the request is gone, and still it does not convert it again."""
    land = founded(tmp_path)
    kept = prepared(land)
    land.run(land.requester().convert(kept))
    store = land.country.converters[CONVERTERS[0]].office.db
    land.run(store.write(lambda db: db.execute("DELETE FROM seen_request")))
    land = land.reopened()
    with pytest.raises(BootFence):
        land.run(land.requester().convert(kept))
    land.close()


def test_a_stop_between_hop_and_release_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A18: the same request goes on after the restart with the same receipt, values and effect."""
    land = founded(tmp_path)
    kept = prepared(land)
    converted = land.run(land.requester().convert(kept))
    before = filings(land), log_size(land), rows_of(land, 0)
    land = land.reopened()
    requester = land.requester()
    again = land.run(requester.convert(kept))
    assert again == converted
    assert (filings(land), log_size(land), rows_of(land, 0)) == before
    released = land.run(requester.release(kept, again))
    assert len(released) == 3
    land.close()


def test_the_batch_id_is_remembered_over_a_stop(tmp_path: Path) -> None:
    """A18: what was seen before the stop is still seen."""
    from attacks.insider import rewritten

    land = founded(tmp_path)
    kept = prepared(land)
    land.run(land.requester().convert(kept))
    land = land.reopened()
    fresh = rewritten(land, kept, public={"time_ms": land.clock()})
    with pytest.raises(BatchReused):
        land.run(land.requester().convert(fresh))
    land.close()


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_stop_in_the_middle_of_the_release_is_taken_up(tmp_path: Path, position: int) -> None:
    """A18: a converter dies after the hop; after the restart the gateway goes on by itself, and the person's list has
    one request and one outcome."""
    land = founded(tmp_path)
    before, party = rows_of(land, 0), CONVERTERS[position - 1]
    alive = land.country.apps[party]

    async def once(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == converter.RELEASE.path:
            raise PartyUnavailable(party=party)
        await alive(scope, receive, send)

    land.country.apps[party] = once
    with pytest.raises(PartyUnavailable):
        land.run(land.ask(0))
    assert len(codebook.unfinished(land.yokohama.office.db.read())) == 1
    assert rows_of(land, 0) == before + 1
    land = land.reopened()
    assert len(codebook.unfinished(land.yokohama.office.db.read())) == 0
    assert rows_of(land, 0) == before + 2
    land.close()


def test_a_filing_stored_and_not_logged_is_logged_after_the_restart(tmp_path: Path) -> None:
    """A18: the ledger was away when the record keeper had stored the record; no release, and no lost record."""
    land = founded(tmp_path)
    kept, size = prepared(land), log_size(land)
    apps = {log.ledger: land.country.apps.pop(log.ledger) for log in LOGS}
    with pytest.raises(Problem, match="party-unavailable"):
        land.run(land.requester().convert(kept))
    land.country.apps.update(apps)
    assert log_size(land) == size
    land = land.reopened()
    assert log_size(land) == size + 1
    land.close()
