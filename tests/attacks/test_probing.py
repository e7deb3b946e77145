"""Naming people to the registry in order to learn about them (REG-4.7, REG-4.8): who is found gets a line, and who gets
no code is told by one word, whatever the reason, so often and no more.

An agency that knows a person and not the address could try addresses; one that has an old number, whether it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

from attacks.insider import filings, office_of
from attacks.test_a09_each_converter_can_stop_it import suspend
from kakine.contracts.registry import (
    ACQUIRE,
    ENTER,
    LOSS_CODE,
    NOT_GIVEN,
    REPORT,
    VOUCH,
    Acquire,
    ByItems,
    ByNumber,
    Died,
    Distinct,
    Enter,
    Entry,
    LossCode,
    NumberChanged,
    Numbered,
    NumberReason,
    Report,
    Subject,
    Vouch,
    Wanted,
)
from kakine.country import REGISTRY
from kakine.parties.converter.keys import withhold
from kakine.parties.registry import misses
from kakine.protocols.matching import Sex
from kakine.values.problems import MissesUsedUp, NotAMunicipality, Problem

from land import CHILDREN, Land

BIRTH, DAY = date(1990, 5, 17), date(2026, 6, 1)
RIGHT = ByItems("山田 花子", "ヤマダ ハナコ", BIRTH, Sex.FEMALE, "中区本町1-1")
WRONG = msgspec.structs.replace(RIGHT, address="中区本町1-2")
OTHER = "佐藤 一郎", "サトウ イチロウ"


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Land(tmp_path / "land") as empty:
        yield empty


def enter(
    land: Land, name: str = RIGHT.name, kana: str = RIGHT.kana, distinct: Distinct | None = None
) -> str:
    """The number of somebody new at the right address."""
    key = land.entropy(16)
    entry = Entry(key, name, kana, BIRTH, Sex.FEMALE, key, DAY, RIGHT.address, distinct=distinct)
    asked = land.country.peers("yokohama").ask(REGISTRY.party, ENTER, Enter([entry]))
    (given,) = land.run(asked).outcomes
    assert isinstance(given, Numbered)
    return given.number


def report(land: Land, number: str, change: Died | NumberChanged) -> None:
    said = Report(land.entropy(16), Subject(number, BIRTH), DAY, change)
    land.run(land.country.peers("yokohama").ask(REGISTRY.party, REPORT, said))


def acquire(land: Land, *who: ByItems | ByNumber, domain: str = CHILDREN) -> list[str]:
    wanted = [Wanted(repr(each).encode()[-64:], each) for each in who]
    caller = domain.partition("/")[0]
    outcomes: list[str] = land.run(
        land.country.peers(caller).ask(REGISTRY.party, ACQUIRE, Acquire(domain, wanted))
    ).outcomes
    return outcomes


def said(land: Land, who: ByItems, domain: str = CHILDREN) -> tuple[object, int]:
    """All that the caller is told, and how many misses that was."""
    before = missed(land)
    try:
        told: object = acquire(land, who, domain=domain)
    except Problem as problem:
        told = problem.code, problem.facts
    return told, missed(land) - before


def missed(land: Land, caller: str = "yokohama") -> int:
    found = land.country.registry.db.read().execute("SELECT people FROM missed WHERE caller = ?", (caller,))
    return sum(row[0] for row in found)


def spent(land: Land, position: int) -> int:
    """People converted today between the registry and the children's desk."""
    text = "SELECT people FROM link_day WHERE requester = ? AND recipient = ?"
    rows = office_of(land, position).db.read().execute(text, (str(REGISTRY), str(CHILDREN))).fetchall()
    return sum(row[0] for row in rows)


def limit(land: Land, position: int, more: int) -> None:
    """So many people more today."""
    office = office_of(land, position)
    office.settings = replace(office.settings, daily_limit=spent(land, position) + more)


def heard(land: Land, subject: str, name: str) -> None:
    suspend(land, subject, name)
    land.run(land.country.refresh())


STOPS: dict[str, Callable[[Land], None]] = {
    "party": lambda land: heard(land, "party", "yokohama"),
    "domain": lambda land: heard(land, "domain", CHILDREN),
    "ground": lambda land: heard(land, "ground", "ISSUE"),
    "everything": lambda land: heard(land, "everything", ""),
    "withheld": lambda land: land.run(withhold(office_of(land, 2), REGISTRY, CHILDREN)),
    "quota": lambda land: limit(land, 1, 0),
    "quota-behind": lambda land: limit(land, 3, 0),
}


@pytest.mark.parametrize("stop", [*STOPS, "unknown-domain"])
def test_the_registry_says_the_same_of_a_right_and_a_wrong_address_where_no_code_can_go(
    land: Land, stop: str
) -> None:
    enter(land)
    if stop in STOPS:
        STOPS[stop](land)
    domain, before = "yokohama/nothing" if stop == "unknown-domain" else CHILDREN, filings(land)
    assert said(land, RIGHT, domain) == said(land, WRONG, domain)
    assert filings(land) == before


def test_one_word_for_everybody_who_gets_no_code(land: Land) -> None:
    """The number was changed, as somebody who hides has it done; dead; two alike; never heard of."""
    changed, dead = enter(land), enter(land, *OTHER)
    report(land, changed, NumberChanged(NumberReason.ASKED))
    report(land, dead, Died())
    enter(land, distinct=Distinct.SAME_NAME_AND_BIRTH)
    named = [
        ByNumber(changed, BIRTH),
        ByNumber(dead, BIRTH),
        msgspec.structs.replace(RIGHT, name=OTHER[0], kana=OTHER[1]),
        RIGHT,
        WRONG,
        ByNumber(changed, date(1990, 5, 18)),
    ]
    assert acquire(land, *named) == [NOT_GIVEN] * len(named)
    assert missed(land) == len(named)


def test_a_fault_of_the_question_itself_is_named(land: Land) -> None:
    blank = msgspec.structs.replace(RIGHT, address="")
    assert acquire(land, ByNumber("123456789012", BIRTH), ByNumber("12", BIRTH), blank) == [
        "check-digit-wrong",
        "identifier-malformed",
        "items-incomplete",
    ]
    assert missed(land) == 0


@pytest.mark.parametrize("position", [1, 2, 3])
def test_somebody_known_in_the_same_call_tells_nothing_of_another(land: Land, position: int) -> None:
    """The agency leaves room for one in the quota of its own link, and names an accomplice first."""
    enter(land)
    accomplice = ByNumber(enter(land, *OTHER), BIRTH)
    told = []
    for who in (RIGHT, WRONG):
        for each in (1, 2, 3):
            limit(land, each, 1 if each == position else 100)
        told.append(acquire(land, accomplice, who))
    assert told == [["delivered", NOT_GIVEN]] * 2


def test_whoever_is_named_twice_in_a_call_gets_a_line(land: Land) -> None:
    number, before = enter(land), filings(land)
    told = acquire(land, RIGHT, ByNumber(number, BIRTH))
    assert (told, filings(land) > before) == (["delivered", "refused"], True)


def test_a_party_names_so_many_in_vain_on_a_day_and_no_more(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal does not hang on whether the next would be found; a restart does not begin anew, a day does."""
    monkeypatch.setattr(misses, "MOST", 3)
    number = enter(land)
    assert acquire(land, WRONG, RIGHT, WRONG) == [NOT_GIVEN, "delivered", NOT_GIVEN]
    for who in ((RIGHT, RIGHT), (WRONG, WRONG)):
        with pytest.raises(MissesUsedUp) as refused:
            acquire(land, *who)
        assert refused.value.facts == {"left": 1}
    assert acquire(land, WRONG) == [NOT_GIVEN]
    land = land.reopened()
    try:
        for one in (RIGHT, WRONG):
            with pytest.raises(MissesUsedUp):
                acquire(land, one)
        assert acquire(land, ByNumber(number, BIRTH), domain="koseki/register") == ["delivered"]
        land.clock.advance(86_400)
        assert acquire(land, RIGHT, WRONG) == ["delivered", NOT_GIVEN]
        assert missed(land) == 1
    finally:
        land.close()


@pytest.mark.parametrize("call", ["vouch", "loss-code"])
def test_who_is_no_municipality_does_not_learn_whose_a_number_is(land: Land, call: str) -> None:
    number = enter(land)
    for birth in (BIRTH, date(1990, 5, 18)):
        who = Subject(number, birth)
        vouch, code = (VOUCH, Vouch(who, "authentication")), (LOSS_CODE, LossCode(who, bytes(32)))
        with pytest.raises(NotAMunicipality):
            land.run(land.country.peers("koseki").ask(REGISTRY.party, *(vouch if call == "vouch" else code)))
