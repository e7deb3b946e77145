"""The institutions enter, number and know synthetic residents, and ask only what the law lets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from kakine.cli.demo_steps import agencies
from kakine.contracts.registry import NOT_GIVEN
from kakine.country import LOGIN, REGISTRY
from kakine.institutions.agency import Agency
from kakine.institutions.cases import Inquiry, applications, yearly_check
from kakine.institutions.families import TOWNS, Family, Roster
from kakine.institutions.insisting import ask_anyway
from kakine.institutions.town import ResidentsDesk
from kakine.parties.gateway.asking import MOST
from kakine.parties.registry.numbering import check_numbers
from kakine.runtime.layouts import Layouts
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CodeNotIssued, EntryNotTaken, RequesterNotEntitled

from land import Land, pack

YOKOHAMA = PartyName("yokohama")


@pytest.fixture(scope="module")
def roster() -> Roster:
    return Roster(400, 3)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Land]:
    with Land(tmp_path / "land") as land:
        yield land


def family(roster: Roster, case: str) -> Family:
    return next(each for each in roster.families if each.household.case == case)


def desk(land: Land, roster: Roster, town: str) -> ResidentsDesk:
    return ResidentsDesk(land.country.peers(town), REGISTRY.party, roster)


def agency(domain: str) -> Agency:
    return next(each for each in agencies() if each.domain == domain)


def test_a_roster_has_exactly_the_residents_asked_for() -> None:
    counts = range(60, 90)
    assert [sum(1 for _ in Roster(count, 1).members()) for count in counts] == list(counts)


def test_the_same_seed_finds_the_same_people_and_references_again(roster: Roster) -> None:
    again, other = Roster(400, 3), Roster(400, 4)
    assert [f.household for f in roster.families] == [f.household for f in again.families]
    assert [f.household for f in roster.families] != [f.household for f in other.families]
    person = roster.families[0].members[0]
    assert roster.reference(LOGIN, person) == again.reference(LOGIN, person)


def test_each_domain_has_its_own_reference_for_each_person(roster: Roster) -> None:
    seen = [{roster.reference(each.domain, member) for member in roster.members()} for each in agencies()]
    assert all(len(references) == 400 for references in seen)
    assert len(set.union(*seen)) == 400 * len(seen)


def test_every_sheet_of_every_agency_fits_its_layout(roster: Roster) -> None:
    layouts, count = Layouts(pack().layouts), 0
    for each in agencies():
        for member in each.clients(roster):
            for item, data in each.sheets(member, roster):
                layouts.validate(item, 1, msgspec.json.decode(msgspec.json.encode(data)))
                count += 1
    assert count > 1500


def test_agencies_hold_only_items_that_the_gazette_has_them_provide(roster: Roster) -> None:
    provides = {d.name: set(d.provides) for party in pack().parties for d in party.domain}
    for each in agencies():
        held = {item for m in each.clients(roster) for item, _ in each.sheets(m, roster)}
        assert held <= provides[each.domain]


def test_the_dead_and_the_departed_are_nobodys_clients(roster: Roster) -> None:
    gone = {m.serial for m in roster.members() if m.resident.died or m.resident.abroad}
    assert len(gone) == 2
    for each in agencies():
        assert not gone & {member.serial for member in each.clients(roster)}


def test_the_cases_ask_every_row_of_both_procedures_and_nothing_else(roster: Roster) -> None:
    asked = {row for each in applications(roster) for row in each.question.rows}
    rows = {r.id for p in pack().procedures.values() if p.id in ("JO106", "JO81") for r in p.row}
    assert len(rows) == 16
    assert asked == rows


def test_every_question_of_the_cases_has_a_ground(empty: Land, roster: Roster) -> None:
    now = empty.clock()
    law = empty.country.book("yokohama").in_force(now)
    inquiries: list[Inquiry] = list(applications(roster))
    for group in yearly_check(roster).values():
        assert len({each.question.group for each in group}) == 1
        inquiries += group
    for each in inquiries:
        question = each.question
        law.permit(question.domain, question.provider, question.procedure, question.rows, now)
    assert len({each.name for each in inquiries}) == len(inquiries)
    assert MOST >= 64


def test_only_families_with_children_apply_and_single_parents_for_both(roster: Roster) -> None:
    by_family: dict[int, set[str]] = {}
    for each in applications(roster):
        by_family.setdefault(each.member.family.number, set()).add(each.question.procedure)
    for one in roster.families:
        expected = {"JO106"} if one.applicant else set()
        assert by_family.get(one.number, set()) == expected | ({"JO81"} if one.one_parent else set())
    assert {"JO106", "JO81"} in by_family.values()


def test_a_town_enters_a_family_with_an_unnamed_newborn_twice_and_numbers_it_once(
    empty: Land, roster: Roster
) -> None:
    newborn = family(roster, "newborn-without-name").members
    first = empty.run(desk(empty, roster, "yokohama").enter(newborn))
    assert len(set(first.values())) == 3
    assert empty.run(desk(empty, roster, "yokohama").enter(newborn)) == first
    assert empty.run(check_numbers(empty.country.registry.db)) == 3


def test_deaths_and_departures_are_reported_and_leave_no_living_number(empty: Land, roster: Roster) -> None:
    for case in ("deceased", "abroad"):
        empty.run(desk(empty, roster, "toyonaka").enter(family(roster, case).members))
    assert empty.run(check_numbers(empty.country.registry.db)) == 3
    states = empty.country.registry.db.read().execute("SELECT state FROM person ORDER BY 1").fetchall()
    assert [state for (state,) in states] == ["abroad", "deceased", "resident"]


def test_an_entry_the_registry_refuses_stops_the_town(empty: Land, roster: Roster) -> None:
    twins = family(roster, "twins").members
    empty.run(desk(empty, roster, "yokohama").enter(twins))
    other = Roster(60, 99)
    with pytest.raises(EntryNotTaken) as refused:
        empty.run(desk(empty, other, "yokohama").enter(family(other, "twins").members))
    assert refused.value.facts == {"problem": "person-exists"}


def test_an_agency_acquires_codes_by_number_or_by_five_items_and_again(empty: Land, roster: Roster) -> None:
    one = family(roster, "twins").members
    numbers = empty.run(desk(empty, roster, "yokohama").enter(one))
    for domain in ("yokohama/tax", "pension/records"):
        adults = [member for member in one if member.adult]
        given = numbers if domain == "yokohama/tax" else {}
        for _ in range(2):
            road = empty.country.peers(domain.partition("/")[0])
            empty.run(agency(domain).acquire(road, REGISTRY.party, roster, adults, given))


def test_an_agency_gets_no_code_by_a_number_that_is_retired(empty: Land, roster: Roster) -> None:
    one = family(roster, "alias").members
    office = desk(empty, roster, "yokohama")
    numbers = empty.run(office.enter(one))
    assert empty.run(office.change_number(one[0], numbers[one[0].serial])) not in numbers.values()
    road = empty.country.peers("yokohama")
    with pytest.raises(CodeNotIssued) as refused:
        empty.run(agency("yokohama/tax").acquire(road, REGISTRY.party, roster, one[:1], numbers))
    assert refused.value.facts["outcome"] == NOT_GIVEN


def test_keeping_the_same_copies_again_changes_nothing(empty: Land, roster: Roster) -> None:
    one = family(roster, "shielded").members
    numbers = empty.run(desk(empty, roster, "sapporo").enter(one))
    residents, gateway = agency("sapporo/residents"), empty.country.gateways[PartyName("sapporo")]
    empty.run(residents.acquire(empty.country.peers("sapporo"), REGISTRY.party, roster, one, numbers))
    for _ in range(2):
        empty.run(residents.keep(gateway, roster, one))
    read = gateway.office.db.read()
    assert read.execute("SELECT count(*) FROM data_copy").fetchone() == (2,)
    assert read.execute("SELECT non_disclosed, needs_human FROM flags").fetchall() == [(1, 0), (1, 0)]


def test_a_gateway_without_its_own_check_is_refused_by_the_converters(empty: Land, roster: Roster) -> None:
    one = family(roster, "alias").members[:1]
    numbers = empty.run(desk(empty, roster, "yokohama").enter(family(roster, "alias").members))
    road, gateway = empty.country.peers("yokohama"), empty.country.gateways[YOKOHAMA]
    for domain in ("yokohama/tax", "yokohama/children"):
        empty.run(agency(domain).acquire(road, REGISTRY.party, roster, one, numbers))
    inquiry = next(
        each for each in applications(roster) if each.member is one[0] and each.question.rows == ("JO106.2",)
    )
    empty.run(ask_anyway(gateway, inquiry.question))
    tax = DomainName("yokohama/tax")
    forbidden = replace(
        inquiry.question,
        domain=tax,
        provider=DomainName("pension/records"),
        reference=roster.reference(tax, one[0]),
    )
    with pytest.raises(RequesterNotEntitled):
        empty.run(ask_anyway(gateway, forbidden))


def test_every_town_of_the_roster_is_a_party_with_that_municipality_code() -> None:
    from kakine.values.identifiers import CorporateNumber

    numbers = {party.name: party.number for party in pack().parties}
    assert {name: CorporateNumber(numbers[name]).municipality for name in TOWNS.values()} == {
        name: code for code, name in TOWNS.items()
    }
