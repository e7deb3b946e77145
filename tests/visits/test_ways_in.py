"""The own ways in: seen, added, removed, lost and found (spec/visits.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.cli.demo_story import Words, history_lines
from kakine.cli.own_history import own_history
from kakine.protocols.logins import CARD, PASSKEY
from kakine.values.problems import (
    ActOver,
    LastWayIn,
    LoginNotKnown,
    PasskeyInvalid,
    StepUpNeeded,
    VisitUnknown,
    WayInUnknown,
)
from visitor import Doorstep

from land import pack, ref


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Doorstep]:
    with Doorstep.opened(tmp_path / "land") as opened:
        yield opened


def story(at: Doorstep, j: int = 0) -> str:
    """Person j's history, as it is shown."""
    read = at.site.run(own_history(at.site.land.country, ref(j)))
    assert read.complete
    return "\n".join(history_lines(read.lines, Words(pack())))


def test_a_person_sees_the_own_ways_in_and_no_serial_of_any(at: Doorstep) -> None:
    at.passkey(0)
    at.passkey(1)
    ways = at.by_paper().acts.ways(at.by_paper().name)
    assert [each.acr for each in ways] == [CARD, PASSKEY]
    assert all(0 < each.since_ms <= at.site.land.clock() for each in ways)
    shown = repr(ways)
    for table in ("login_card", "login_passkey"):
        for row in at.site.office.db.read().execute(f"SELECT * FROM {table}"):  # noqa: S608
            assert repr(bytes(row[0])) not in shown
    assert len({each.ref for each in ways}) == 2


def test_a_passkey_asked_for_with_two_ways_waits_three_days(at: Doorstep) -> None:
    device, visitor = at.device(), at.two_ways()
    act = visitor.asks_for(device)
    assert visitor.states()[act] == "waiting"
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(device)
    at.wait(2.9)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(device)
    at.wait(0.2)
    assert at.visitor().by_passkey(device).visit.whose == ref(0)
    said = story(at)
    assert f"手続き {act.hex()}: パスキーの登録" in said
    assert "a passkey is bound; not before" in said


def test_one_asked_for_with_a_paper_is_good_at_once_and_told(at: Doorstep) -> None:
    device = at.device()
    act = at.by_paper().asks_for(device)
    weak = at.visitor().by_passkey(device)
    assert weak.visit.whose == ref(0)
    assert weak.states()[act] == "done"
    assert act.hex() in story(at)


def test_a_passkey_bound_in_a_login_is_told_too(at: Doorstep) -> None:
    at.passkey(0)
    assert "パスキーの登録" in story(at)
    assert "パスキーの登録" not in story(at, 1)


def test_a_passkey_is_bound_once(at: Doorstep) -> None:
    key = at.passkey(0)
    with pytest.raises(PasskeyInvalid):
        at.by_paper(1).asks_for(key)
    assert at.visitor().by_passkey(key).visit.whose == ref(0)


def test_a_challenge_for_a_new_passkey_is_answered_once(at: Doorstep) -> None:
    visitor, device = at.by_paper(), at.device()
    options = visitor.acts.new_passkey_options(visitor.name)
    wrong = device.created({"challenge": "AAAA"})
    with pytest.raises(PasskeyInvalid):
        at.site.run(visitor.acts.add_passkey(visitor.name, wrong))
    with pytest.raises(PasskeyInvalid):
        at.site.run(visitor.acts.add_passkey(visitor.name, device.created(options)))


def test_a_passkey_that_is_removed_opens_nothing_from_the_first_moment(at: Doorstep) -> None:
    phone, tablet = at.passkey(0), at.passkey(0)
    with_phone = at.visitor().by_passkey(phone)
    visitor = at.two_ways(tablet)
    act = visitor.remove(PASSKEY, 0)
    with pytest.raises(VisitUnknown):
        at.visits.get(with_phone.name)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(phone)
    assert [each.leaving for each in visitor.acts.ways(visitor.name)] == [False, True, False]
    at.wait(7.1)
    visitor = at.two_ways(tablet)
    assert [each.acr for each in visitor.acts.ways(visitor.name)] == [CARD, PASSKEY]
    with pytest.raises(ActOver):
        visitor.undo(act)


def test_a_removal_is_undone_while_it_waits(at: Doorstep) -> None:
    phone, tablet = at.passkey(0), at.passkey(0)
    act = at.two_ways(tablet).remove(PASSKEY, 0)
    at.visitor().by_passkey(tablet).undo(act)
    assert at.visitor().by_passkey(phone).visit.whose == ref(0)
    at.wait(8)
    assert at.visitor().by_passkey(phone).visit.whose == ref(0)
    said = story(at)
    assert f"手続き {act.hex()} を取り消した" in said
    assert "パスキー / passkey, 20" in said


def test_the_last_card_and_the_last_way_are_removed_at_a_counter_only(at: Doorstep) -> None:
    key = at.passkey(0)
    visitor = at.two_ways(key)
    with pytest.raises(LastWayIn):
        visitor.remove(CARD)
    assert [each.leaving for each in visitor.acts.ways(visitor.name)] == [False, False]
    at.by_paper().remove(CARD)
    alone = at.visitor().by_passkey(key)
    with pytest.raises(StepUpNeeded):
        alone.remove(PASSKEY)
    at.by_paper().remove(PASSKEY)
    assert at.by_paper().acts.ways(at.by_paper().name) == []


def test_with_a_second_card_the_first_can_be_removed(at: Doorstep) -> None:
    second, key = at.roots.card(at.site.land.clock()), at.passkey(0)
    at.give(second)
    at.visitor().by_card(second).by_passkey(key).remove(CARD, 0)
    with pytest.raises(LastWayIn):
        at.visitor().by_card(second).by_passkey(key).remove(CARD, 1)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)


def test_a_way_of_somebody_else_cannot_be_named(at: Doorstep) -> None:
    at.passkey(1)
    theirs = at.by_paper(1).way(PASSKEY)
    mine = at.by_paper()
    for act in (mine.acts.remove, mine.acts.card_lost):
        for named in (theirs, bytes(16), b""):
            with pytest.raises(WayInUnknown):
                at.site.run(act(mine.name, named))


def test_a_lost_card_opens_nothing_and_a_counter_brings_it_back(at: Doorstep) -> None:
    key = at.passkey(0)
    thief, holder = at.visitor().by_card(at.card), at.visitor().by_passkey(key)
    act = at.site.run(holder.acts.card_lost(holder.name, holder.way(CARD)))
    with pytest.raises(VisitUnknown):
        at.visits.get(thief.name)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)
    assert holder.acts.ways(holder.name)[0].lost_ms
    with pytest.raises(StepUpNeeded):
        holder.undo(act)
    at.by_paper().undo(act)
    assert at.visitor().by_card(at.card).visit.whose == ref(0)
    assert "カードの紛失" in story(at)


def test_acts_outlive_a_restart(tmp_path: Path) -> None:
    with Doorstep.opened(tmp_path / "land") as at:
        device, key = at.device(), at.passkey(0)
        act = at.two_ways(key).asks_for(device)
        at.site.land.clock.advance(3.5 * 86_400)
        at.reopen()
        assert at.visitor().by_passkey(device).states()[act] == "done"
