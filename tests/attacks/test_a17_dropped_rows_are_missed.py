"""A17: a record keeper that leaves rows out of somebody's list.

What the reader can find with one record keeper: a list that is not the signed one, and one that is shorter than, or
different from, the list of an earlier visit. What nobody can prove yet: that a row never shown to anyone is missing.
A second record keeper and the public hourly index are to close that; the last test shows the gap as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from attacks.insider import KEEPER, taken_over
from kakine.contracts import mailbox as mailbox_contract
from kakine.contracts.converter import History, ReadRow
from kakine.contracts.mailbox import File
from kakine.contracts.portal import SealedHistory
from kakine.country import LOGS
from kakine.crypto.sealing import OpenKey
from kakine.parties.mailbox import reading
from kakine.protocols.history import Keys, OpenedRow, SealedRow, open_history
from kakine.protocols.logs import log_keys
from kakine.values.labels import PartyName
from kakine.values.problems import HistoryIncomplete, InclusionInvalid, ReceiptMismatch
from kakine.wire.canonical import decode, encode
from kakine.wire.history import GENESIS, Statement, chained

from land import Land, ref


def fetched(land: Land, j: int) -> tuple[SealedHistory, OpenKey]:
    """Person j's list as the portal relays it, and the session key."""
    session = OpenKey(land.entropy(32))
    return land.run(land.country.portal.read_history(ref(j), session.public)), session


def opened(
    land: Land,
    sealed: SealedHistory,
    session: OpenKey,
    rows: Sequence[ReadRow] | None = None,
    before: Statement | None = None,
) -> list[OpenedRow]:
    """What the person's reader shows."""
    law, said = land.country.book("portal").in_force(land.clock()), sealed.history
    shown = [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in rows or said.rows]
    keys = Keys(law.signing_key("mailbox"), log_keys(law, LOGS))
    return open_history(
        sealed.request, said.statement, said.signature, shown, sealed.shares, session, keys, before
    )


def stating(land: Land, request: bytes, rows: Sequence[ReadRow]) -> History:
    """A signed statement of the record keeper over just these rows."""
    head = GENESIS
    for row in rows:
        head = chained(head, row.entry)
    statement = encode(Statement(request, len(rows), head, land.clock()))
    key = land.country.identities[KEEPER].signing
    return History(statement, key.sign("history", statement), list(rows))


def test_a_row_left_out_on_the_way_is_missed(shared_land: Land) -> None:
    """A17: the portal, or the road, drops or changes the order of rows of a rightly signed list."""
    shared_land.run(shared_land.ask(0))
    sealed, session = fetched(shared_land, 0)
    rows = sealed.history.rows
    assert len(opened(shared_land, sealed, session)) == len(rows)
    for wrong in (rows[:-1], rows[1:], [rows[1], rows[0], *rows[2:]], [*rows, rows[-1]]):
        with pytest.raises(HistoryIncomplete):
            opened(shared_land, sealed, session, wrong)


def test_the_converters_open_nothing_of_another_list_than_the_signed_one(shared_land: Land) -> None:
    """A17: a record keeper that shows fewer rows than it signs for gets no shares for the reader."""
    keeper = shared_land.country.mailbox.office

    async def shortened(caller: PartyName, message: File) -> History:
        given = await reading.read(keeper, caller, message)
        return msgspec.structs.replace(given, rows=given.rows[:-1])

    with taken_over(shared_land, KEEPER, mailbox_contract.READ, shortened), pytest.raises(ReceiptMismatch):
        fetched(shared_land, 1)


def dropping(land: Land, which: int) -> object:
    """A record keeper that leaves row number `which` out and signs for what is left."""
    keeper = land.country.mailbox.office

    async def drop(caller: PartyName, message: File) -> History:
        given = await reading.read(keeper, caller, message)
        rows = [row for number, row in enumerate(given.rows) if number != which % len(given.rows)]
        return stating(land, decode(given.statement, Statement).request, rows)

    return drop


@pytest.mark.parametrize("which", [0, -1])
def test_a_row_of_an_earlier_visit_is_missed(shared_land: Land, which: int) -> None:
    """A17: who kept the statement of an earlier visit sees that the list is not a longer form of that one."""
    earlier = decode(fetched(shared_land, 2)[0].history.statement, Statement)
    drop = dropping(shared_land, which)
    with taken_over(shared_land, KEEPER, mailbox_contract.READ, drop):  # type: ignore[arg-type]
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(HistoryIncomplete):
        opened(shared_land, sealed, session, before=earlier)


def test_a_row_put_in_place_of_another_is_missed(shared_land: Land) -> None:
    """A17: the number is right and one row is shown twice."""
    earlier = decode(fetched(shared_land, 2)[0].history.statement, Statement)
    keeper = shared_land.country.mailbox.office

    async def doubled(caller: PartyName, message: File) -> History:
        given = await reading.read(keeper, caller, message)
        rows = [given.rows[1], *given.rows[1:]]
        return stating(shared_land, decode(given.statement, Statement).request, rows)

    with taken_over(shared_land, KEEPER, mailbox_contract.READ, doubled):
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(HistoryIncomplete):
        opened(shared_land, sealed, session, before=earlier)


def test_a_row_that_is_not_in_the_log_is_refused(shared_land: Land) -> None:
    """A17: the record keeper cannot fill the gap with an entry of its own either."""
    keeper = shared_land.country.mailbox.office

    async def invented(caller: PartyName, message: File) -> History:
        given = await reading.read(keeper, caller, message)
        last = given.rows[-1]
        moved = msgspec.structs.replace(last, index=last.index - 1)
        return stating(shared_land, decode(given.statement, Statement).request, [*given.rows[:-1], moved])

    with taken_over(shared_land, KEEPER, mailbox_contract.READ, invented):
        sealed, session = fetched(shared_land, 2)
    with pytest.raises(InclusionInvalid):
        opened(shared_land, sealed, session)


def test_a_row_nobody_has_seen_can_be_hidden_by_one_record_keeper(shared_land: Land) -> None:
    """A17, the gap: without an earlier statement the reader takes the shorter list for the whole. The entry itself
    stays in the public log, where nothing tells whose it is."""
    shared_land.run(shared_land.ask(3))
    whole = len(fetched(shared_land, 3)[0].history.rows)
    drop = dropping(shared_land, -1)
    with taken_over(shared_land, KEEPER, mailbox_contract.READ, drop):  # type: ignore[arg-type]
        sealed, session = fetched(shared_land, 3)
    assert len(opened(shared_land, sealed, session)) == whole - 1
