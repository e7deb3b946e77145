"""A18: after a stop nothing is forgotten that protects, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from attacks.insider import MAILBOXES, filings, log_size, rewritten, rows_of, taken_over
from attacks.test_a17_dropped_rows_are_missed import fetched, opened
from attacks.test_two_ledgers import both_away
from kakine.clients.recipient import Recipient
from kakine.contracts import converter
from kakine.contracts.call import Nothing
from kakine.contracts.converter import Outcome
from kakine.contracts.gateway import Delivered
from kakine.contracts.mailbox import LOGGED, Logged
from kakine.country import CONVERTERS, LOGIN
from kakine.parties.converter.store import raise_fence
from kakine.protocols.gates import WINDOW_MS
from kakine.runtime import codebook
from kakine.values.labels import PartyName
from kakine.values.problems import BatchReused, BootFence, PartyUnavailable
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


def test_a_question_that_a_converters_start_overtook_is_asked_anew_once(tmp_path: Path) -> None:
    """A18: what the fence refuses was filed by nobody, so that asking anew makes no second entry. Here the fence is a
    moment ahead, as by a converter whose clock is."""
    land = founded(tmp_path)
    land.run(land.ask(0))  # the fence of this start is raised
    before = filings(land)
    store, until = land.country.converters[CONVERTERS[1]].office.db, land.clock() + 100
    land.run(store.write(lambda db: raise_fence(db, until, WINDOW_MS)))
    land.run(land.ask(0))
    assert filings(land) == before + 2  # a question and its outcome
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


def test_c10_a_provider_that_stops_between_outcome_and_data_gives_the_same_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C10: the outcome is logged, no data have left; asked again after the restart, and once more, the provider gives
    the answer that was logged, under the same place."""
    land = founded(tmp_path)
    kept = prepared(land)
    converted = land.run(land.requester().convert(kept))
    released = land.run(land.requester().release(kept, converted))
    filed: list[Outcome] = []

    async def stops(itself: Recipient, outcome: Outcome, sealed: bytes) -> Delivered:
        filed.append(outcome)
        await conclude(itself, outcome, sealed)
        raise PartyUnavailable(party=PartyName("yokohama"))

    conclude = Recipient.conclude
    monkeypatch.setattr(Recipient, "conclude", stops)
    size = log_size(land)
    with pytest.raises(PartyUnavailable):
        land.run(land.requester().deliver(kept, converted, released))
    assert log_size(land) == size + 1
    monkeypatch.undo()
    land = land.reopened()
    first, again = (land.run(land.requester().deliver(kept, converted, released)) for _ in range(2))
    assert first.entries == filed[0].entries
    assert (first.entries, first.sealed) == (again.entries, again.sealed)
    assert first.filed.receipt.first == again.filed.receipt.first == size
    assert log_size(land) == size + 1
    assert land.requester().open(kept, converted, first)[0].result == "delivered"
    land.close()


def every_list(land: Land) -> list[int]:
    """Rows of person 0 at each record keeper."""
    return [rows_of(land, 0, name) for name in MAILBOXES]


def test_a_filing_stored_and_not_logged_is_nobodys_record_until_it_is_logged(tmp_path: Path) -> None:
    """A18: both ledgers were away when the record keepers had stored the record: no release, and no row, after a
    restart either. The same request sent again goes on from there, once."""
    land = founded(tmp_path)
    kept, size, before = prepared(land), log_size(land), every_list(land)
    filed = filings(land)
    with both_away(land), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(kept))
    assert filings(land) == filed + 1
    land = land.reopened()
    assert (log_size(land), every_list(land)) == (size, before)
    land.run(land.requester().convert(kept))
    assert (log_size(land), every_list(land)) == (size + 1, [n + 1 for n in before])
    assert filings(land) == filed + 1
    land.close()


@pytest.mark.parametrize("names", [MAILBOXES[:1], MAILBOXES[1:], MAILBOXES], ids=["a", "b", "both"])
def test_what_was_logged_and_not_heard_of_again_is_in_the_list_after_the_restart(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """A18: the last converter stops after the log has the record and before record keepers hear of it."""
    land = founded(tmp_path)
    kept, size, before = prepared(land), log_size(land), every_list(land)
    with deaf(land, names), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(kept))
    assert log_size(land) == size + 1
    assert every_list(land) == [n + (name not in names) for n, name in zip(before, MAILBOXES, strict=True)]
    land = land.reopened()
    assert every_list(land) == [n + 1 for n in before]
    land.run(land.requester().convert(kept))
    assert (log_size(land), every_list(land)) == (size + 1, [n + 1 for n in before])
    land.close()


def test_what_a_record_keeper_has_not_heard_of_is_in_the_list_that_the_person_reads(tmp_path: Path) -> None:
    """A18: without any restart: before it states a list, a record keeper asks the log for what it has filed."""
    land = Land.founded(tmp_path / "land", people=1, domains=(CHILDREN, LOGIN))
    with deaf(land, MAILBOXES[:1]), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(prepared(land)))
    sealed, session = fetched(land, 0)
    assert opened(land, sealed, session).hidden == {}
    land.close()


@contextmanager
def deaf(land: Land, names: Sequence[str]) -> Iterator[None]:
    """These record keepers do not hear that anything was logged."""

    async def unheard(caller: PartyName, message: Logged) -> Nothing:
        raise PartyUnavailable(party=PartyName(MAILBOXES[0]))

    with ExitStack() as stack:
        for name in names:
            stack.enter_context(taken_over(land, name, LOGGED, unheard))
        yield
