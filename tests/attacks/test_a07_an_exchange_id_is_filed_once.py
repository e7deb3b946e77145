"""A7: an exchange id that stands twice in a batch is filed by nobody, and one that was used before keeps nothing that
is in a log out of anybody's list."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from attacks.insider import MAILBOXES, filings, log_size, mailbox, rewritten, rows_of, taken_over
from attacks.test_a17_dropped_rows_are_missed import fetched, opened
from kakine.contracts import converter
from kakine.contracts import mailbox as calls
from kakine.contracts.call import Nothing
from kakine.contracts.converter import Outcome
from kakine.contracts.mailbox import FileOutcome, Logged
from kakine.country import CONVERTERS, LOGIN, LOGS
from kakine.crypto.hashing import digest
from kakine.parties.converter import hop
from kakine.protocols.gates import check_tags
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, PartyUnavailable, TagConflict
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.filing import TAG
from kakine.wire.request import Payload
from road import away

from land import CHILDREN, TAX, Land

A, B = LOGS


def pair(land: Land) -> Prepared:
    """A request about two people."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j) for j in (0, 1)])))


def under_one_id(land: Land, asked: Prepared) -> Prepared:
    """The second person goes under the exchange id of the first."""
    first, second = decode(asked.payload, Payload).people
    people = (first, msgspec.structs.replace(second, xid=first.xid))
    return rewritten(land, asked, payload={"people": people})


def kept(land: Land) -> tuple[int, int, list[int]]:
    """Filings, entries in the log, and rows of two people at each record keeper."""
    return filings(land), log_size(land), [rows_of(land, j, name) for j in (0, 1) for name in MAILBOXES]


@pytest.mark.parametrize("converters_look", [True, False])
def test_two_people_under_one_exchange_id_are_filed_by_nobody(
    shared_land: Land, monkeypatch: pytest.MonkeyPatch, converters_look: bool
) -> None:
    """Each record keeper looks itself: it would have the filing for good, and no log would ever take it."""
    asked = under_one_id(shared_land, pair(shared_land))
    assert asked.tags[:TAG] == asked.tags[TAG:]
    if not converters_look:
        monkeypatch.setattr(hop, "check_lengths", lambda *_: None)
    before = kept(shared_land)
    with pytest.raises(BatchMalformed):
        shared_land.run(shared_land.requester().convert(asked))
    assert kept(shared_land) == before


def test_two_outcomes_under_one_tag_are_filed_by_nobody(shared_land: Land) -> None:
    """Else the true outcome of the request could never be filed: there is one a request."""
    land, held = shared_land, []
    requester, asked = land.requester(), pair(land)
    converted = land.run(requester.convert(asked))
    released = land.run(requester.release(asked, converted))

    async def hold(caller: PartyName, message: Outcome) -> None:
        held.append(message)
        raise PartyUnavailable()

    with taken_over(land, CONVERTERS[0], converter.OUTCOME, hold), pytest.raises(PartyUnavailable):
        land.run(requester.deliver(asked, converted, released))
    honest = held[0]
    tags = honest.tags[:TAG] * 2
    covered = digest("entries", honest.entries), digest("tags", tags)
    key, road = land.country.identities[CONVERTERS[0]].signing, land.country.peers(CONVERTERS[0])
    signature = key.sign("outcome-relay", honest.request, *covered)
    forged = FileOutcome(honest.request, honest.entries, tags, honest.envelopes, signature, honest.receipt)
    before = kept(land)
    for name in MAILBOXES:
        with pytest.raises(BatchMalformed):
            land.run(road.ask(PartyName(name), calls.OUTCOME, forged))
    assert kept(land) == before
    delivered = land.run(requester.deliver(asked, converted, released))
    assert {each.result for each in requester.open(asked, converted, delivered)} == {"delivered"}


def test_what_one_log_refused_and_the_other_took_is_shown(tmp_path: Path) -> None:
    """An exchange id is used a second time, about somebody else, while the log of the first use is away; and the
    record keepers are not told where the entry is. They find it, in the log that has it."""
    land = Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN))
    first = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))
    land.run(land.requester().convert(first))
    other = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 1)])))
    again = rewritten(land, other, payload={"people": decode(first.payload, Payload).people})
    with pytest.raises(TagConflict):
        land.run(land.requester().convert(again))

    async def deaf(caller: PartyName, message: Logged) -> Nothing:
        raise PartyUnavailable()

    before = [rows_of(land, 1, name) for name in MAILBOXES]
    with (
        taken_over(land, MAILBOXES[0], calls.LOGGED, deaf),
        taken_over(land, MAILBOXES[1], calls.LOGGED, deaf),
        away(land.country, A.ledger),
        pytest.raises(PartyUnavailable),
    ):
        land.run(land.requester().convert(again))
    assert [rows_of(land, 1, name) for name in MAILBOXES] == before
    assert opened(land, *fetched(land, 1)).hidden == {}
    assert [rows_of(land, 1, name) for name in MAILBOXES] == [n + 2 for n in before]  # and the reading itself
    db = mailbox(land).db.read()
    assert db.execute("SELECT count(*) FROM filing WHERE log = ?", (B.origin,)).fetchone() == (1,)
    land = land.reopened()
    assert land.run(land.ask(1)).result == "delivered"
    land.close()


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3]])
def test_different_tags_are_no_repetition(numbers: list[int]) -> None:
    """So that the refusals above mean something."""
    check_tags(b"".join(bytes([number]) * TAG for number in numbers))
