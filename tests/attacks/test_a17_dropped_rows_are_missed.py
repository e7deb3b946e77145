"""A17: a record keeper that leaves rows out of somebody's list.

Every record stands in the list of each record keeper. The person's reader puts the lists together: what one leaves out
the other shows, and the reader says who left it out. What lists alone cannot show is a row that all record keepers
leave out and no earlier visit has shown, as the last test says: the public index is held against them for that
(`test_index_country.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import msgspec
import pytest

from attacks.insider import MAILBOXES, mailbox, taken_over
from kakine.contracts import converter
from kakine.contracts import mailbox as mailbox_contract
from kakine.contracts.converter import History, OpenShares, ReadRow
from kakine.contracts.mailbox import Reading
from kakine.contracts.portal import SealedHistory
from kakine.country import CONVERTERS, LOGS
from kakine.crypto.sealing import OpenKey
from kakine.parties.mailbox import reading
from kakine.protocols.history import KeptList, Keys, Opened, SealedRow, open_history
from kakine.protocols.logs import log_keys
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    HistoryIncomplete,
    InclusionInvalid,
    Problem,
    ReceiptMismatch,
    SignatureInvalid,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry
from kakine.wire.history import GENESIS, Statement, chained
from road import recorded

from land import Land, ref

every_keeper = pytest.mark.parametrize("name", MAILBOXES)


def fetched(land: Land, j: int) -> tuple[SealedHistory, OpenKey]:
    """Person j's lists as the portal relays them, and the session key."""
    session = OpenKey(land.entropy(32))
    return land.run(land.country.portal.read_history(ref(j), session.public)), session


def opened(
    land: Land,
    sealed: SealedHistory,
    session: OpenKey,
    histories: Sequence[History] | None = None,
    before: Mapping[str, Statement] | None = None,
) -> Opened:
    """What the person's reader shows."""
    law = land.country.book("portal").in_force(land.clock())
    lists = [
        KeptList(
            each.statement,
            each.signature,
            [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in each.rows],
        )
        for each in (sealed.histories if histories is None else histories)
    ]
    keepers = {name: law.signing_key(PartyName(name)) for name in MAILBOXES}
    keys = Keys(keepers, log_keys(law, LOGS))
    return open_history(sealed.request, lists, sealed.shares, session, keys, before)


def statements(sealed: SealedHistory) -> dict[str, Statement]:
    """What every record keeper signed, for the next visit."""
    said = [decode(each.statement, Statement) for each in sealed.histories]
    return {each.keeper: each for each in said}


def stating(
    land: Land,
    request: bytes,
    rows: Sequence[ReadRow],
    name: str,
    says: str | None = None,
    indexed: bytes = b"",
) -> History:
    """A signed statement of a record keeper over just these rows, in its own name or in another's."""
    head = GENESIS
    for row in rows:
        head = chained(head, row.entry)
    statement = encode(Statement(says or name, request, len(rows), head, land.clock()))
    key = land.country.identities[PartyName(name)].signing
    return History(statement, key.sign("history", statement), list(rows), indexed)


Change = Callable[[list[ReadRow]], list[ReadRow]]


def lying(land: Land, name: str, change: Change) -> Callable[[PartyName, Reading], Awaitable[History]]:
    """A record keeper that changes its rows and signs for what comes of it."""

    async def read(caller: PartyName, message: Reading) -> History:
        given = await reading.read(mailbox(land, name), caller, message)
        return stating(land, message.request, change(list(given.rows)), name, indexed=given.indexed)

    return read


@contextmanager
def all_lying(land: Land, change: Change, names: Sequence[str] = MAILBOXES) -> Iterator[None]:
    """These record keepers do so together."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(taken_over(land, name, mailbox_contract.READ, lying(land, name, change)))
        yield


def without(which: int) -> Change:
    """Row number `which` is left out; -1 is the last but one before the view itself."""
    return lambda rows: [row for number, row in enumerate(rows) if number != which % len(rows)]


ROWS = {"first": 0, "one of the middle": 1, "the last before the view": -2, "the view itself": -1}


@every_keeper
@pytest.mark.parametrize("which", ROWS.values(), ids=ROWS.keys())
def test_a_row_hidden_by_one_record_keeper_is_shown_by_the_other(
    shared_land: Land, name: str, which: int
) -> None:
    """A17: without any earlier visit. The reader shows the row and says who left it out."""
    shared_land.run(shared_land.ask(0))
    with all_lying(shared_land, without(which), [name]):
        sealed, session = fetched(shared_land, 0)
    shown = opened(shared_land, sealed, session)
    whole = sealed.histories[1 - MAILBOXES.index(name)].rows
    assert [row.index for row in shown.rows] == [row.index for row in whole]
    assert shown.hidden == {name: [whole[which].index]}
    with pytest.raises(HistoryIncomplete) as refusal:
        shown.require_agreed()
    assert refusal.value.facts["keeper"] == name


@every_keeper
def test_a_list_emptied_by_one_record_keeper_is_shown_by_the_other(shared_land: Land, name: str) -> None:
    """A17: all rows left out, at the first visit."""
    with all_lying(shared_land, lambda _: [], [name]):
        sealed, session = fetched(shared_land, 0)
    shown = opened(shared_land, sealed, session)
    assert list(shown.hidden[name]) == [row.index for row in shown.rows]
    assert shown.rows


def test_each_record_keeper_hides_another_row(shared_land: Land) -> None:
    """A17: the lists together are whole, and both are named."""
    shared_land.run(shared_land.ask(1))
    honest, session = fetched(shared_land, 1)
    assert opened(shared_land, honest, session).hidden == {}
    opened(shared_land, honest, session).require_agreed()
    first, second = MAILBOXES
    with all_lying(shared_land, without(0), [first]), all_lying(shared_land, without(1), [second]):
        sealed, session = fetched(shared_land, 1)
    shown, whole = opened(shared_land, sealed, session), honest.histories[0].rows
    assert shown.hidden == {first: [whole[0].index], second: [whole[1].index]}
    assert len(shown.rows) == len(whole) + 1


@every_keeper
def test_a_row_left_out_on_the_way_is_missed(shared_land: Land, name: str) -> None:
    """A17: the portal, or the road, drops or changes the order of rows of a rightly signed list."""
    shared_land.run(shared_land.ask(0))
    sealed, session = fetched(shared_land, 0)
    place = MAILBOXES.index(name)
    rows = sealed.histories[place].rows
    assert len(opened(shared_land, sealed, session).rows) == len(rows)
    for wrong in (rows[:-1], rows[1:], [rows[1], rows[0], *rows[2:]], [*rows, rows[-1]], []):
        histories = list(sealed.histories)
        histories[place] = msgspec.structs.replace(histories[place], rows=wrong)
        with pytest.raises(HistoryIncomplete):
            opened(shared_land, sealed, session, histories)


def test_a_list_of_a_record_keeper_left_out_on_the_way_is_missed(shared_land: Land) -> None:
    """A17: the portal shows the shorter list alone, or twice, or one that nobody of them signed."""
    sealed, session = fetched(shared_land, 0)
    first, second = sealed.histories
    stranger = stating(shared_land, sealed.request, first.rows, "portal")
    for wrong in ([], [first], [second], [first, first], [second, second], [*sealed.histories, first]):
        with pytest.raises(HistoryIncomplete):
            opened(shared_land, sealed, session, wrong)
    with pytest.raises(HistoryIncomplete):
        opened(shared_land, sealed, session, [first, stranger])


@every_keeper
def test_one_record_keeper_cannot_speak_for_the_other(shared_land: Land, name: str) -> None:
    """A17: a statement in the other's name is under the wrong key, for the reader and for the converters."""
    sealed, session = fetched(shared_land, 0)
    other = MAILBOXES[1 - MAILBOXES.index(name)]
    false = stating(shared_land, sealed.request, [], name, says=other)
    histories = [false if each == other else sealed.histories[place] for place, each in enumerate(MAILBOXES)]
    with pytest.raises(SignatureInvalid):
        opened(shared_land, sealed, session, histories)


@every_keeper
def test_the_converters_open_nothing_of_another_list_than_the_signed_one(
    shared_land: Land, name: str
) -> None:
    """A17: a record keeper that shows fewer rows than it signs for gets no shares for the reader."""

    async def shortened(caller: PartyName, message: Reading) -> History:
        given = await reading.read(mailbox(shared_land, name), caller, message)
        return msgspec.structs.replace(given, rows=given.rows[:-1])

    with taken_over(shared_land, name, mailbox_contract.READ, shortened), pytest.raises(ReceiptMismatch):
        fetched(shared_land, 1)


@every_keeper
@pytest.mark.parametrize(
    ("times", "kind"), [(1, BatchMalformed), (2, SignatureInvalid)], ids=["once", "twice"]
)
def test_the_converters_open_nothing_unless_every_record_keeper_gives_its_own_list(
    shared_land: Land, name: str, times: int, kind: type[Problem]
) -> None:
    """A17: the portal cannot have the list of one alone opened, nor one twice: it would see no difference."""
    with recorded() as passages:
        fetched(shared_land, 1)
    honest = next(p.body for p in passages if p.path == converter.OPEN_SHARES.path)
    grant = msgspec.msgpack.decode(honest, type=OpenShares)
    own = [grant.lists[MAILBOXES.index(name)]] * times
    narrowed = msgspec.structs.replace(grant, lists=own)
    road = shared_land.country.peers("portal")
    for party in CONVERTERS:
        with pytest.raises(kind):
            shared_land.run(road.ask(party, converter.OPEN_SHARES, narrowed))
        assert shared_land.run(road.ask(party, converter.OPEN_SHARES, grant)).sealed


@pytest.mark.parametrize("names", [MAILBOXES[:1], MAILBOXES[1:], MAILBOXES], ids=["a", "b", "both"])
@pytest.mark.parametrize("which", [0, 2])
def test_a_row_of_an_earlier_visit_is_missed(shared_land: Land, which: int, names: Sequence[str]) -> None:
    """A17: who kept the statements of an earlier visit sees that a list is not a longer form of that one, also where
    all record keepers leave out the same."""
    shared_land.run(shared_land.ask(2))
    earlier = statements(fetched(shared_land, 2)[0])
    with all_lying(shared_land, without(which), names):
        sealed, session = fetched(shared_land, 2)
    assert len(opened(shared_land, sealed, session).rows) > 0
    with pytest.raises(HistoryIncomplete) as refusal:
        opened(shared_land, sealed, session, before=earlier)
    assert refusal.value.facts["what"] == "earlier rows"


def test_a_row_put_in_place_of_another_is_missed(shared_land: Land) -> None:
    """A17: the number is right and one row is shown twice, by all."""
    earlier = statements(fetched(shared_land, 2)[0])
    with all_lying(shared_land, lambda rows: [rows[1], *rows[1:]]):
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(HistoryIncomplete):
        opened(shared_land, sealed, session, before=earlier)


def test_a_row_with_the_place_of_another_is_refused(shared_land: Land) -> None:
    """A17: the record keepers cannot fill the gap with an entry that stands elsewhere in the log either."""

    def moved(rows: list[ReadRow]) -> list[ReadRow]:
        return [*rows[:-1], msgspec.structs.replace(rows[-1], index=rows[-1].index - 1)]

    with all_lying(shared_land, moved):
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(InclusionInvalid):
        opened(shared_land, sealed, session)


@every_keeper
def test_a_row_that_is_not_in_the_log_is_refused(shared_land: Land, name: str) -> None:
    """A17: nor can one of them show an entry of its own that nobody logged, and have the other blamed for hiding it."""

    def invented(rows: list[ReadRow]) -> list[ReadRow]:
        logged = Entry.decode(rows[-1].entry)
        own = replace(logged, minutes=logged.minutes + 1).encode()
        return [*rows, msgspec.structs.replace(rows[-1], entry=own)]

    with all_lying(shared_land, invented, [name]):
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(InclusionInvalid):
        opened(shared_land, sealed, session)


def test_a_row_that_all_record_keepers_hide_from_the_first_visit_is_not_missed(shared_land: Land) -> None:
    """A17, the limit of lists without an index: without an earlier statement, and with all record keepers in league,
    the shorter lists agree. The entry itself stays in the public log, where nothing tells whose it is."""
    shared_land.run(shared_land.ask(3))
    whole = len(fetched(shared_land, 3)[0].histories[0].rows)
    with all_lying(shared_land, without(-2)):
        sealed, session = fetched(shared_land, 3)
    shown = opened(shared_land, sealed, session)
    assert (len(shown.rows), shown.hidden) == (whole, {})  # one less, and the view of this reading


def exchanged(rows: list[ReadRow]) -> list[ReadRow]:
    """The sealed records of the first two rows, each with the entry of the other."""
    first, second = (msgspec.structs.replace(rows[k], envelope=rows[1 - k].envelope) for k in (0, 1))
    return [first, second, *rows[2:]]


def test_t10_no_converter_opens_records_that_were_exchanged_within_a_list(shared_land: Land) -> None:
    """T10: both rows are the person's, the entries are right, both record keepers agree; and each converter opens only
    what the entry names."""
    shared_land.run(shared_land.ask(0))
    with all_lying(shared_land, exchanged), pytest.raises(ReceiptMismatch) as refusal:
        fetched(shared_land, 0)
    assert refusal.value.facts["what"] == "envelope"


def test_t10_the_reader_takes_no_record_for_that_of_another_row(shared_land: Land) -> None:
    """T10: exchanged on the way back, by the portal, when the converters have given their shares."""
    shared_land.run(shared_land.ask(0))
    sealed, session = fetched(shared_land, 0)
    assert opened(shared_land, sealed, session)
    swapped = [
        History(each.statement, each.signature, exchanged(list(each.rows)), each.indexed)
        for each in sealed.histories
    ]
    with pytest.raises(HistoryIncomplete) as refusal:
        opened(shared_land, sealed, session, swapped)
    assert refusal.value.facts["what"] == "envelope"
