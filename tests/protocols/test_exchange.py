"""An exchange from question to answer, and what the person then reads."""

from __future__ import annotations

import pytest

from kakine.contracts.portal import SealedHistory
from kakine.country import LOGS
from kakine.crypto.sealing import OpenKey
from kakine.protocols.history import KeptList, Keys, Line, SealedRow, lines, open_history
from kakine.protocols.logs import log_keys
from kakine.wire.entry import EntryKind
from kakine.wire.request import Mode

from land import Land, ref


def history(land: Land, j: int) -> list[Line]:
    session = OpenKey(land.entropy(32))
    sealed: SealedHistory = land.run(land.country.portal.read_history(ref(j), session.public))
    law = land.country.book("portal").in_force(land.clock())
    lists = [
        KeptList(
            each.statement,
            each.signature,
            [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in each.rows],
        )
        for each in sealed.histories
    ]
    keepers = {str(name): law.signing_key(name) for name in law.keeper_parties}
    keys = Keys(keepers, log_keys(law, LOGS))
    opened = open_history(sealed.request, lists, sealed.shares, session, keys)
    opened.require_agreed()
    return lines(opened.rows)


@pytest.mark.parametrize("mode", list(Mode))
def test_an_answer_comes_back_in_every_mode(shared_land: Land, mode: Mode) -> None:
    answer = shared_land.run(shared_land.ask(1, mode=mode))
    assert answer.result == "delivered"
    assert b'"income":1' in answer.data


def test_the_person_reads_who_asked_whom_under_which_row(shared_land: Land) -> None:
    shared_land.run(shared_land.ask(2))
    *_, last, view = history(shared_land, 2)
    assert (view.request.record.common.ground, view.request.entry.kind) == ("OWN-HISTORY", EntryKind.VIEWED)
    common = last.request.record.common
    assert (common.requester, common.recipient) == ("yokohama/children", "yokohama/tax")
    assert common.rows == ("JO106.2",)
    assert last.outcome is not None
    assert last.outcome.record.personal.result == ("delivered", "TK-0002")


def test_every_issue_of_a_code_stands_in_the_history(shared_land: Land) -> None:
    grounds = [line.request.record.common.ground for line in history(shared_land, 3)]
    assert grounds[:5] == ["ENROL", "ISSUE", "ISSUE", "ISSUE", "ISSUE"]
