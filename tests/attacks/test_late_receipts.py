"""Record keepers hear of a request with its outcome: before any data leave, by nothing but the log's own receipt; and
what nobody tells them they find by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from attacks.insider import MAILBOXES, filings, mailbox, office_of, rows_of, taken_over
from attacks.test_a17_dropped_rows_are_missed import fetched
from attacks.test_all_record_keepers_or_nothing import enrolment, states
from attacks.test_two_ledgers import both_away
from kakine.clients.exchange import request_of
from kakine.contracts import converter
from kakine.contracts import mailbox as calls
from kakine.contracts.call import Nothing
from kakine.contracts.converter import Converted, Outcome
from kakine.contracts.ledger import Appended
from kakine.contracts.mailbox import FileOutcome, Logged
from kakine.country import CONVERTERS, ORIGIN
from kakine.crypto.group import group
from kakine.crypto.hashing import digest
from kakine.parties.converter.recording import tell
from kakine.parties.mailbox.store import find_filing
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CheckpointInvalid,
    FilingUnknown,
    InclusionInvalid,
    PartyUnavailable,
    SignatureInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire.answer import Prepared
from kakine.wire.request import outcome_id
from road import away, recorded

from land import CHILDREN, Land


@pytest.fixture
def late(land: Land) -> Land:
    """The last converter has a clock to tell by."""
    office = office_of(land, 3)
    office.settings = replace(office.settings, tells_later=True)
    return land


def converted(land: Land, j: int = 0) -> tuple[Prepared, Converted]:
    """A request about person j that stands in the log."""
    requester = land.requester()
    asked = land.run(requester.prepare(land.wish([land.code(CHILDREN, j)])))
    return asked, land.run(requester.convert(asked))


def every_list(land: Land, j: int = 0) -> list[int]:
    """Rows of person j at each record keeper."""
    return [rows_of(land, j, name) for name in MAILBOXES]


def numbered(land: Land, name: str, identity: bytes) -> bool:
    """Whether a record keeper has the receipt of a filing."""
    filed = find_filing(mailbox(land, name).db.read(), identity)
    return filed is not None and filed.first is not None


def relayed(land: Land, asked: Prepared, done: Converted) -> FileOutcome:
    """The honest outcome of a request, as the first converter would pass it on; nothing is filed."""
    requester, held = land.requester(), []
    released = land.run(requester.release(asked, done))

    async def hold(caller: PartyName, message: Outcome) -> None:
        held.append(message)
        raise PartyUnavailable()

    with taken_over(land, CONVERTERS[0], converter.OUTCOME, hold), pytest.raises(PartyUnavailable):
        land.run(requester.deliver(asked, done, released))
    (said,) = held
    covered = digest("entries", said.entries), digest("tags", said.tags)
    signature = office_of(land, 1).identity.signing.sign("outcome-relay", said.request, *covered)
    return FileOutcome(said.request, said.entries, said.tags, said.envelopes, signature, said.receipt)


def file(land: Land, name: str, message: FileOutcome) -> None:
    land.run(land.country.peers(CONVERTERS[0]).ask(PartyName(name), calls.OUTCOME, message))


def test_a_request_is_in_every_list_before_its_answer_leaves(late: Land) -> None:
    """By the receipt that comes with the outcome, and with a call and a write less at each record keeper."""
    before = every_list(late)
    requester = late.requester()
    asked, done = converted(late)
    assert every_list(late) == before
    released = late.run(requester.release(asked, done))
    with recorded() as passages:
        delivered = late.run(requester.deliver(asked, done, released))
    assert every_list(late) == [count + 2 for count in before]
    assert [each.path for each in passages].count(calls.LOGGED.path) == len(MAILBOXES)  # of the outcome alone
    assert requester.open(asked, done, delivered)[0].result == "delivered"


def test_nothing_is_answered_while_one_record_keeper_has_not_heard_of_the_outcome(late: Land) -> None:
    requester = late.requester()
    asked, done = converted(late)
    released = late.run(requester.release(asked, done))

    async def deaf(caller: PartyName, message: Logged) -> Nothing:
        raise PartyUnavailable()

    with taken_over(late, MAILBOXES[1], calls.LOGGED, deaf), pytest.raises(PartyUnavailable):
        late.run(requester.deliver(asked, done, released))
    assert late.run(requester.deliver(asked, done, released)).sealed


Receipt = Callable[[Land, Appended, Appended], Appended]
"""(country, receipt of the request, receipt of another) -> one that is shown instead."""


def another_key(land: Land, own: Appended, other: Appended) -> Appended:
    """The right tree, signed by somebody who is no log."""
    head = notes.parse(notes.text_of(own.checkpoint), ORIGIN)
    note = notes.make(ORIGIN, head.size, head.root, office_of(land, 1).identity.signing)
    return msgspec.structs.replace(own, checkpoint=note)


def another_log(land: Land, own: Appended, other: Appended) -> Appended:
    head = notes.parse(notes.text_of(own.checkpoint), ORIGIN)
    key = office_of(land, 1).identity.signing
    return msgspec.structs.replace(own, checkpoint=notes.make("log.example", head.size, head.root, key))


FALSE: dict[str, Receipt] = {
    "of another request": lambda land, own, other: other,
    "of another place": lambda land, own, other: msgspec.structs.replace(own, first=own.first ^ 1),
    "with another proof": lambda land, own, other: msgspec.structs.replace(own, proof=other.proof),
    "under another head": lambda land, own, other: msgspec.structs.replace(own, checkpoint=other.checkpoint),
    "without a proof": lambda land, own, other: msgspec.structs.replace(own, proof=[]),
    "that nobody signed": another_key,
    "of no log": another_log,
}


@pytest.mark.parametrize("how", FALSE)
def test_a_false_receipt_numbers_nothing_and_no_outcome_is_filed_with_it(late: Land, how: str) -> None:
    """Whoever answers, and the converter that passes it on, would have rows counted that no log has."""
    asked, done = converted(late)
    _, other = converted(late, 1)
    honest = relayed(late, asked, done)
    false = FALSE[how](late, honest.receipt, other.filed.receipt)
    before = every_list(late), filings(late)
    for name in MAILBOXES:
        with pytest.raises((InclusionInvalid, CheckpointInvalid, SignatureInvalid)):
            file(late, name, msgspec.structs.replace(honest, receipt=false))
        assert not numbered(late, name, honest.request)
    assert (every_list(late), filings(late)) == before
    for name in MAILBOXES:
        file(late, name, honest)
        assert numbered(late, name, honest.request)


def test_an_outcome_of_what_was_never_filed_is_refused_with_any_receipt(late: Land) -> None:
    asked, done = converted(late)
    honest = relayed(late, asked, done)
    unknown = bytes([honest.request[0] ^ 1]) + honest.request[1:]
    covered = digest("entries", honest.entries), digest("tags", honest.tags)
    signature = office_of(late, 1).identity.signing.sign("outcome-relay", unknown, *covered)
    forged = msgspec.structs.replace(honest, request=unknown, signature=signature)
    for name in MAILBOXES:
        with pytest.raises(FilingUnknown):
            file(late, name, forged)


def test_a_request_that_nobody_answers_is_told_of_by_the_clock(late: Land) -> None:
    before = every_list(late)
    asked, _ = converted(late)
    assert every_list(late) == before
    assert late.run(tell(office_of(late, 3))) == ""
    assert every_list(late) == [count + 1 for count in before]
    with recorded() as passages:
        late.run(tell(office_of(late, 3)))
    assert passages == []
    assert all(numbered(late, name, request_of(asked)) for name in MAILBOXES)


def test_one_record_keeper_that_is_away_keeps_the_word_from_no_other(late: Land) -> None:
    asked, _ = converted(late)
    with away(late.country, MAILBOXES[0]):
        assert late.run(tell(office_of(late, 3))) == "1 not heard"
    assert [numbered(late, name, request_of(asked)) for name in MAILBOXES] == [False, True]


def test_what_nobody_tells_is_found_in_the_log(late: Land) -> None:
    """The converter that knew of it has ended. A filing is looked for from the second look on."""
    before = every_list(late)
    converted(late)
    office_of(late, 3).untold.clear()
    keepers = [late.country.mailboxes[PartyName(name)] for name in MAILBOXES]
    assert [late.run(each.look_again()) for each in keepers] == [0, 0]
    assert every_list(late) == before
    assert [late.run(each.look_again()) for each in keepers] == [1, 1]
    assert every_list(late) == [count + 1 for count in before]


def test_what_was_never_logged_is_looked_for_six_times(late: Land) -> None:
    """And not for ever: it may stand there for years."""
    with both_away(late), pytest.raises(PartyUnavailable):
        converted(late)
    keeper = late.country.mailboxes[PartyName(MAILBOXES[0])]
    with recorded() as passages:
        for _ in range(12):
            assert late.run(keeper.look_again()) == 0
    assert len(passages) == 6 * 2  # at each of the two logs


def test_a_view_stands_in_the_list_and_a_code_is_good_without_waiting_for_the_clock(late: Land) -> None:
    """No outcome follows the one, and what follows the other needs it."""
    before = every_list(late)
    sealed, _ = fetched(late, 0)
    assert (
        every_list(late) == [len(each.rows) for each in sealed.histories] == [count + 1 for count in before]
    )
    point = group.hash_to_group(b"a resident who comes late")
    registry = late.country.registry.codes._requester(late.country.registry.codes.hash, 1)
    late.run(registry.convert(enrolment(late, point)))
    assert states(late, point) == ["active"] * 2


def test_the_outcome_of_an_answered_request_is_filed_once(late: Land) -> None:
    asked, done = converted(late)
    honest = relayed(late, asked, done)
    for name in MAILBOXES:
        file(late, name, honest)
        file(late, name, honest)
        assert numbered(late, name, honest.request)
        assert not numbered(late, name, outcome_id(honest.request))
