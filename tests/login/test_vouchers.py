"""A counter vouches: the residents' desk of a municipality alone, for a person it has seen, for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kakine.contracts.registry import (
    ACQUIRE,
    REPORT,
    Acquire,
    ByNumber,
    Change,
    Moved,
    MovedOut,
    Report,
    Subject,
    Wanted,
)
from kakine.country import LOGIN
from kakine.parties.gateway.vouching import print_paper
from kakine.protocols.logins import paper_digest
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import NotCanonical, PersonNotKnown, Problem, VoucherUnfit
from kakine.wire.canonical import encode
from kakine.wire.login import Paper, Voucher
from kakine.wire.request import AskedPerson, Kind, Mode
from login_site import BIRTHS, Answer, LoginSite

from land import CHILDREN, RESIDENTS, ref

MEMBERS = DomainName("insurer/members")
CODE = "0000-0000-0000-0001"


def report(site: LoginSite, town: str, change: Change) -> None:
    asked = Report(site.land.entropy(16), Subject(site.numbers[0], BIRTHS[0]), date(2026, 1, 1), change)
    site.run(site.land.country.peers(town).ask(PartyName("registry"), REPORT, asked))


def acquire(site: LoginSite, domain: DomainName, j: int = 0) -> list[str]:
    """A domain acquires its code of person j, as agencies do."""
    asked = Acquire(domain, [Wanted(ref(j), ByNumber(site.numbers[j], BIRTHS[j]))])
    given = site.run(site.land.country.peers(domain.party).ask(PartyName("registry"), ACQUIRE, asked))
    return list(given.outcomes)


def vouch(site: LoginSite, detail: bytes, domain: DomainName = RESIDENTS, **changed: Any) -> Any:
    """What a gateway that does not keep to the rules sends."""
    gateway = site.land.country.gateways[domain.party]
    codes = gateway.desk.codes(domain, [site.clerk(0, domain=domain)])
    person = AskedPerson(site.land.entropy(16), "clerk", b"", b"", detail)
    plain = site.land.wish([codes.code(0)], Mode.S1)
    told: dict[str, Any] = {"kind": Kind.VOUCH, "ground": "LOGIN-VOUCHER", "rows": (), "items": ("paper",)}
    wish = replace(plain, **{**told, "recipient": LOGIN, "people": (person,), **changed})

    async def work() -> Any:
        requester = gateway.office.requester(domain)
        return await gateway.desk.carrier.send(requester, await requester.prepare(wish), b"")

    return site.run(work())


def paper(site: LoginSite, hours: float = 1) -> bytes:
    return encode(Voucher(Paper(paper_digest(CODE), site.land.clock() + int(hours * 3_600_000))))


def opens(site: LoginSite, code: str = CODE) -> Answer:
    browser, party = site.browser(), site.party()
    browser.authorize(party.id, party.pushed())
    return browser.paper(code)


@pytest.mark.parametrize("domain", [CHILDREN, MEMBERS])
def test_only_the_residents_desk_of_a_municipality_can_vouch(site: LoginSite, domain: DomainName) -> None:
    """Else any agency that knows a person could log in as that person."""
    acquire(site, domain)
    with pytest.raises(VoucherUnfit):
        vouch(site, paper(site), domain)
    assert opens(site).status == 403


def test_a_residents_desk_of_another_town_vouches_for_nobody_elses_resident(own_site: LoginSite) -> None:
    """Else a desk anywhere could open and take over any account; with the move the new town's desk can."""
    elsewhere = DomainName("toyonaka/residents")
    assert acquire(own_site, elsewhere) != ["delivered"]
    with pytest.raises(PersonNotKnown):
        vouch(own_site, paper(own_site), elsewhere)
    assert opens(own_site).status == 403
    report(own_site, "yokohama", MovedOut("272035"))
    assert acquire(own_site, elsewhere) != ["delivered"]
    report(own_site, "toyonaka", Moved("大阪府豊中市本町3丁目1番16号", bytes(16)))
    assert acquire(own_site, elsewhere) == ["delivered"]
    vouch(own_site, paper(own_site), elsewhere)
    assert opens(own_site).status == 303


def test_a_voucher_lasts_a_day_at_most(site: LoginSite) -> None:
    for hours in (25, 0, -1):
        with pytest.raises(VoucherUnfit):
            vouch(site, paper(site, hours))
    assert opens(site).status == 403


def test_a_voucher_is_proved_in_the_chain(site: LoginSite) -> None:
    with pytest.raises(VoucherUnfit):
        vouch(site, paper(site), mode=Mode.S0)


def test_a_voucher_under_another_ground_or_kind_is_refused(site: LoginSite) -> None:
    for changed in ({"ground": "ISSUE"}, {"kind": Kind.ISSUE}, {"kind": Kind.EXCHANGE}):
        with pytest.raises(Problem):
            vouch(site, paper(site), **changed)


@pytest.mark.parametrize("detail", [b"", b"\x00", bytes(40)])
def test_rubbish_is_no_voucher(site: LoginSite, detail: bytes) -> None:
    with pytest.raises(NotCanonical):
        vouch(site, detail)


def test_whom_the_portal_does_not_know_cannot_be_vouched_for(own_site: LoginSite) -> None:
    own_site.land.run(own_site.land.country.registry.codes.enrol([b"person-of-nowhere"]))
    issued = own_site.land.country.registry.codes.issue(RESIDENTS, [(b"person-of-nowhere", ref(9))])
    assert own_site.run(issued) == ["delivered"]
    gateway = own_site.land.yokohama
    with pytest.raises(PersonNotKnown):
        own_site.run(print_paper(gateway.office, gateway.desk, own_site.clerk(9), LOGIN))


def test_a_voucher_of_the_residents_desk_opens_one_login(site: LoginSite) -> None:
    (answer,) = vouch(site, paper(site))
    assert answer.result == "delivered"
    assert opens(site).status == 303
    assert opens(site).status == 403
