"""A suspended relying party gets no further, whatever step it is at; and what a login leaves in the own history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from attacks.test_a09_each_converter_can_stop_it import suspend
from kakine.cli.own_history import Seen, own_history
from kakine.cli.own_objections import disputes, object_to
from kakine.clients.gazette import refresh
from kakine.values.problems import ObjectionUnfit, Suspended
from kakine.wire.objection import Finding, Reason
from login_site import CHILDCARE, Answer, LoginSite

from land import ref

SITE = "yokohama/childcare-site"


def stop(site: LoginSite, subject: str = "domain", name: str = SITE) -> None:
    suspend(site.land, subject, name)
    site.run(site.land.country.refresh())


def at_push(site: LoginSite, then: Callable[[], None]) -> Answer:
    then()
    return site.party().push()


def at_authorize(site: LoginSite, then: Callable[[], None]) -> Answer:
    uri = site.party().pushed()
    then()
    return site.browser().authorize(CHILDCARE, uri)


def at_consent_page(site: LoginSite, then: Callable[[], None]) -> Answer:
    browser = site.known(0, site.party())
    then()
    return browser.get("/consent")


def at_consent(site: LoginSite, then: Callable[[], None]) -> Answer:
    browser = site.known(0, site.party())
    then()
    return browser.agree()


def at_refusal(site: LoginSite, then: Callable[[], None]) -> Answer:
    browser = site.known(0, site.party())
    then()
    return browser.form("/consent", ("decision", "no"))


def at_token(site: LoginSite, then: Callable[[], None]) -> Answer:
    party = site.party()
    code = site.code(0, party)
    then()
    return party.redeem(code)


def at_userinfo(site: LoginSite, then: Callable[[], None]) -> Answer:
    party = site.party()
    access = party.redeem(site.code(0, party)).json["access_token"]
    then()
    return party.userinfo(access)


STEPS = [at_push, at_authorize, at_consent_page, at_consent, at_refusal, at_token, at_userinfo]


@pytest.mark.parametrize("step", STEPS)
def test_a_suspended_relying_party_is_refused_at_every_step(own_site: LoginSite, step: Any) -> None:
    answer = step(own_site, lambda: stop(own_site))
    assert "suspended" in answer.text
    assert "location" not in answer.headers
    assert answer.status >= 400


@pytest.mark.parametrize(
    ("subject", "name"), [("party", "yokohama"), ("ground", "LOGIN"), ("everything", "")]
)
def test_its_party_the_ground_and_everything_can_be_suspended_too(
    own_site: LoginSite, subject: str, name: str
) -> None:
    assert at_push(own_site, lambda: stop(own_site, subject, name)).json["problem"] == "suspended"


def test_the_converters_refuse_by_themselves_where_the_portal_has_not_heard(own_site: LoginSite) -> None:
    browser = own_site.known(0, own_site.party())
    suspend(own_site.land, "domain", SITE)
    land = own_site.land
    for name in ("converter-1", "converter-2", "converter-3"):
        country = land.country
        own_site.run(refresh(country.books[name], country.peers(name), country.sources(name), land.clock))  # type: ignore[index]
    assert browser.agree().status == Suspended.status


def history(site: LoginSite, j: int = 0) -> list[Seen]:
    site.run(site.land.country.index())
    read = site.run(own_history(site.land.country, ref(j)))
    assert read.signed == read.verified
    return list(read.lines)


def test_a_login_stands_in_the_own_history_with_what_was_agreed_to(own_site: LoginSite) -> None:
    own_site.log_in(0, CHILDCARE, "openid name over_18 address", "openid name over_18")
    lines = [line for line in history(own_site) if line.ground.startswith("LOGIN")]
    said = [(line.requester, line.recipient, line.ground, line.items, line.result) for line in lines]
    assert said == [
        ("yokohama/residents", "portal/login", "LOGIN-VOUCHER", ("paper",), "delivered"),
        ("portal/login", SITE, "LOGIN", ("name", "over_18"), "delivered"),
        ("portal/login", "registry/residents", "LOGIN-ATTRIBUTES", ("name", "over_18"), "delivered"),
    ]


def test_nobody_is_told_anything_without_an_entry(own_site: LoginSite) -> None:
    """A record keeper that is away stops the login before the relying party hears of it."""
    browser = own_site.known(0, own_site.party())
    app = own_site.land.country.apps.pop("mailbox-b")  # type: ignore[call-overload]
    answer = browser.agree()
    assert (answer.status, "party-unavailable" in answer.text) == (503, True)
    assert len(own_site.office.codes) == 0
    own_site.land.country.apps["mailbox-b"] = app  # type: ignore[index]


def test_the_name_of_a_person_survives_a_new_code_of_the_person(own_site: LoginSite) -> None:
    before = own_site.log_in(0).id_token["sub"]
    country = own_site.land.country
    (person,) = country.registry.db.read().execute("SELECT id FROM person").fetchone()
    own_site.run(country.registry.codes.rekey_person(person, country.domains()))
    assert own_site.log_in(0).id_token["sub"] == before


def test_a_login_cannot_be_disputed_and_a_voucher_can(own_site: LoginSite) -> None:
    """The portal would be found at fault for not having kept what it must not keep."""
    own_site.log_in(0, CHILDCARE, "openid name")
    country = own_site.land.country
    own_site.run(country.index())
    read = own_site.run(own_history(country, ref(0)))
    for line in read.lines:
        objecting = partial(object_to, country, ref(0), read.rows, line.place, Reason.NOT_ME)
        if line.ground in ("LOGIN", "LOGIN-ATTRIBUTES"):
            with pytest.raises(ObjectionUnfit):
                own_site.run(objecting())
        elif line.ground == "LOGIN-VOUCHER":
            own_site.run(objecting())
            own_site.run(country.index())
            again = own_site.run(own_history(country, ref(0)))
            (stands,) = own_site.run(disputes(country, again.rows)).values()
            assert stands.answer is None or stands.answer.finding is not Finding.FAULT
