"""From a municipality's entry of a resident to an agency's own code of that resident."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from attacks.insider import MAILBOXES, mailbox
from kakine.contracts.registry import (
    ACQUIRE,
    ENTER,
    NOT_GIVEN,
    REPORT,
    Acquire,
    ByItems,
    ByNumber,
    Died,
    Distinct,
    Enter,
    Entry,
    NumberChanged,
    Numbered,
    NumberReason,
    Report,
    Subject,
    Wanted,
)
from kakine.country import REGISTRY
from kakine.protocols.matching import Sex
from kakine.runtime.codebook import token_of
from kakine.values.labels import PartyName
from kakine.values.problems import CallerNotAllowed, NotAMunicipality

from land import CHILDREN, Land

BIRTH = date(1990, 5, 17)
TODAY = date(2026, 6, 1)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Land]:
    with Land(tmp_path / "land") as land:
        yield land


def entry(land: Land, name: str, kana: str) -> Entry:
    return Entry(land.entropy(16), name, kana, BIRTH, Sex.FEMALE, bytes(16), TODAY, "中区本町1-1")


def enter(land: Land, *entries: Entry, by: str = "yokohama") -> list[Numbered]:
    road = land.country.peers(by)
    answer = land.run(road.ask(REGISTRY.party, ENTER, Enter(list(entries))))
    assert all(isinstance(each, Numbered) for each in answer.outcomes)
    return answer.outcomes  # type: ignore[return-value]


def acquire(land: Land, *wanted: Wanted, domain: str = CHILDREN, by: str = "yokohama") -> list[str]:
    road = land.country.peers(by)
    return land.run(road.ask(REGISTRY.party, ACQUIRE, Acquire(domain, list(wanted)))).outcomes


def report(land: Land, number: str, change: Died | NumberChanged) -> str:
    sent = Report(land.entropy(16), Subject(number, BIRTH), TODAY, change)
    return land.run(land.country.peers("yokohama").ask(REGISTRY.party, REPORT, sent)).number


def code_of(land: Land, reference: bytes) -> bytes | None:
    """The wrapped code that the children's desk of Yokohama holds under its own reference."""
    return token_of(land.yokohama.office.db.read(), CHILDREN, reference)


def test_an_agency_gets_its_code_by_the_number_the_person_gave(empty: Land) -> None:
    numbered = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))
    assert acquire(empty, Wanted(b"file-1", ByNumber(numbered[0].number, BIRTH))) == ["delivered"]
    assert code_of(empty, b"file-1") is not None


def test_a_number_with_another_birth_date_gives_no_code(empty: Land) -> None:
    numbered = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))
    mistyped = ByNumber(numbered[0].number, date(1990, 5, 18))
    assert acquire(empty, Wanted(b"file-1", mistyped)) == [NOT_GIVEN]
    assert code_of(empty, b"file-1") is None


def test_five_items_that_agree_with_one_person_are_enough(empty: Land) -> None:
    her, other = enter(
        empty, entry(empty, "山田 花子", "ヤマダ ハナコ"), entry(empty, "山田 華子", "ヤマダ ハナコ")
    )
    items = ByItems("山田花子", "ﾔﾏﾀﾞ ﾊﾅｺ", BIRTH, Sex.FEMALE, "中区本町1-1")
    assert acquire(empty, Wanted(b"file-1", items)) == ["delivered"]
    assert acquire(empty, Wanted(b"file-1", ByNumber(her.number, BIRTH))) == ["delivered"]
    assert acquire(empty, Wanted(b"file-1", ByNumber(other.number, BIRTH))) == ["refused"]


def test_nobody_is_picked_of_two_who_agree_in_all_five_items(empty: Land) -> None:
    one = entry(empty, "山田 花子", "ヤマダ ハナコ")
    enter(empty, one)
    enter(empty, msgspec.structs.replace(one, key=empty.entropy(16), distinct=Distinct.SAME_NAME_AND_BIRTH))
    items = ByItems("山田 花子", "ヤマダ ハナコ", BIRTH, Sex.FEMALE, "中区本町1-1")
    assert acquire(empty, Wanted(b"file-1", items)) == [NOT_GIVEN]
    assert code_of(empty, b"file-1") is None


def test_nobody_is_picked_where_items_do_not_agree(empty: Land) -> None:
    enter(empty, entry(empty, "髙橋 花子", "タカハシ ハナコ"))
    items = ByItems("高橋花子", "タカハシハナコ", BIRTH, Sex.FEMALE, "中区本町1-1")
    assert acquire(empty, Wanted(b"file-1", items)) == [NOT_GIVEN]


def test_one_person_under_two_references_is_refused(empty: Land) -> None:
    number = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))[0].number
    who = ByNumber(number, BIRTH)
    assert acquire(empty, Wanted(b"file-1", who)) == ["delivered"]
    assert acquire(empty, Wanted(b"file-2", who)) == ["refused"]
    assert acquire(empty, Wanted(b"file-1", who)) == ["delivered"]


def test_a_new_number_changes_no_code(empty: Land) -> None:
    number = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))[0].number
    assert acquire(empty, Wanted(b"file-1", ByNumber(number, BIRTH))) == ["delivered"]
    before = empty.yokohama.office.db.read().execute("SELECT token FROM holding").fetchall()
    fresh = report(empty, number, NumberChanged(NumberReason.ASKED))
    assert fresh not in ("", number)
    assert acquire(empty, Wanted(b"file-1", ByNumber(fresh, BIRTH))) == ["delivered"]
    assert empty.yokohama.office.db.read().execute("SELECT token FROM holding").fetchall() == before
    assert acquire(empty, Wanted(b"file-9", ByNumber(number, BIRTH))) == [NOT_GIVEN]


def test_a_death_retires_the_code_and_may_be_reported_twice(empty: Land) -> None:
    number = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))[0].number
    sent = Report(empty.entropy(16), Subject(number, BIRTH), TODAY, Died())
    road = empty.country.peers("yokohama")
    empty.run(road.ask(REGISTRY.party, REPORT, sent))
    empty.run(road.ask(REGISTRY.party, REPORT, sent))
    for name in MAILBOXES:
        states = mailbox(empty, name).db.read().execute("SELECT state FROM code").fetchall()
        assert states == [("retired",)]
    assert acquire(empty, Wanted(b"file-1", ByNumber(number, BIRTH))) == [NOT_GIVEN]


def test_an_entry_sent_again_gives_the_same_number_and_one_code(empty: Land) -> None:
    sent = entry(empty, "山田 花子", "ヤマダ ハナコ")
    assert enter(empty, sent) == enter(empty, sent)
    for name in MAILBOXES:
        assert mailbox(empty, name).db.read().execute("SELECT count(*) FROM code").fetchone() == (1,)


def test_only_a_municipality_enters_residents(empty: Land) -> None:
    with pytest.raises(NotAMunicipality):
        enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"), by="koseki")


def test_nobody_acquires_codes_for_another_partys_domain(empty: Land) -> None:
    number = enter(empty, entry(empty, "山田 花子", "ヤマダ ハナコ"))[0].number
    with pytest.raises(CallerNotAllowed):
        acquire(empty, Wanted(b"file-1", ByNumber(number, BIRTH)), by="koseki")
    assert PartyName("koseki") in empty.country.gateways
