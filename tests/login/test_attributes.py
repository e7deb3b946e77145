"""What the registry gives at a login: today's items, what follows from them, and never where a protected person is."""

from __future__ import annotations

from datetime import date

import pytest

from kakine.contracts.registry import REPORT, Moved, Report, ShieldSet, Subject
from kakine.parties.registry.attributes import _at_least  # the rule of ages, at its edges
from kakine.parties.registry.store import Person, State
from kakine.protocols.matching import Sex
from kakine.values.identifiers import MunicipalityCode
from kakine.values.labels import PartyName
from login_site import ADDRESS, BIRTHS, LoginSite

ALL = "openid address birthdate gender lives_in name over_18 over_20"


def report(site: LoginSite, j: int, change: object) -> None:
    subject = Subject(site.numbers[j], BIRTHS[j])
    asked = Report(site.land.entropy(16), subject, date(2026, 1, 1), change)  # type: ignore[arg-type]
    site.run(site.land.country.peers("yokohama").ask(PartyName("registry"), REPORT, asked))


def test_all_items_of_a_resident(site: LoginSite) -> None:
    said = site.log_in(0, scope=ALL).claims
    assert said["address"] == {"formatted": ADDRESS, "country": "JP"}
    assert (said["birthdate"], said["gender"], said["lives_in"]) == ("1990-02-03", "female", "141003")
    assert (said["over_18"], said["over_20"]) == (True, True)


def test_a_younger_person_shows_that_and_no_birth_date(site: LoginSite) -> None:
    said = site.log_in(1, scope="openid over_18 over_20").claims
    assert (said["over_18"], said["over_20"], "birthdate" in said) == (True, False, False)


def test_items_are_those_of_today(site: LoginSite) -> None:
    assert site.log_in(2, scope="openid address").claims["address"]["formatted"] == ADDRESS
    report(site, 2, Moved("神奈川県横浜市中区本町2番", b"h" * 16))
    assert (
        site.log_in(2, scope="openid address").claims["address"]["formatted"] == "神奈川県横浜市中区本町2番"
    )


def test_the_place_of_a_shielded_person_is_never_given(site: LoginSite) -> None:
    """To the relying party it looks as if the person had no address, or had left it out."""
    report(site, 3, ShieldSet(undisclosed=True, own_view_stopped=False))
    told = site.log_in(3, scope=ALL)
    assert {"address", "lives_in"} & set(told.claims) == set()
    assert told.scope == "openid birthdate gender name over_18 over_20"
    report(site, 3, ShieldSet(undisclosed=True, own_view_stopped=True))
    told = site.log_in(3, scope=ALL)
    assert set(told.claims) == {"sub"}
    assert told.scope == "openid"


@pytest.mark.parametrize(
    ("birth", "years", "day", "reached"),
    [
        (date(2006, 4, 1), 20, date(2026, 3, 31), False),
        (date(2006, 4, 1), 20, date(2026, 4, 1), True),
        (date(2008, 2, 29), 18, date(2026, 2, 28), False),
        (date(2008, 2, 29), 18, date(2026, 3, 1), True),
        (date(2008, 2, 29), 20, date(2028, 2, 28), False),
        (date(2008, 2, 29), 20, date(2028, 2, 29), True),
    ],
)
def test_an_age_is_reached_when_the_day_before_the_birthday_ends(
    birth: date, years: int, day: date, reached: bool
) -> None:
    person = Person(b"", 1, State.RESIDENT, "", "", birth, Sex.OPEN, MunicipalityCode("141003"), None, b"")
    assert _at_least(years)(person, day) is reached
