"""Passkeys: bound after a card or counter login alone, used at this provider alone, weaker than both."""

from __future__ import annotations

from typing import Any

import pytest

from login_site import CHILDCARE, ISSUER, Answer, Browser, LoginSite
from passkey_maker import PRESENT, SoftPasskey


def refused(answer: Answer, problem: str) -> None:
    assert (answer.status, answer.json["problem"]) == (403, problem), answer.body


def bound(site: LoginSite, j: int = 0, **changed: Any) -> SoftPasskey:
    passkey = SoftPasskey(ISSUER, "localhost", site.land.entropy(16), **changed)
    browser = site.known(j, site.party())
    answer = browser.post("/passkey", passkey.created(browser.post("/passkey/options").json))
    assert answer.status == 200, answer.body
    return passkey


def fresh(site: LoginSite, **changed: str) -> Browser:
    browser, party = site.browser(), site.party()
    assert browser.authorize(CHILDCARE, party.pushed(**changed)).status == 200
    return browser


def test_a_passkey_logs_in_with_an_acr_of_its_own(site: LoginSite) -> None:
    passkey, browser, party = bound(site), fresh(site), site.party()
    options = browser.post("/login/passkey/options").json
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []
    assert browser.post("/login/passkey", passkey.used(options)).json == {"next": "/consent"}
    tokens = party.redeem(browser.agree().said["code"]).json
    said = site.office.key.public.claims(tokens["id_token"], "jwt")
    assert said["acr"] == "urn:kakine:acr:passkey"
    assert said["sub"] == site.log_in(0).id_token["sub"]


def test_a_passkey_is_bound_after_a_paper_from_a_counter_only(site: LoginSite) -> None:
    passkey, browser = bound(site), fresh(site)
    refused(browser.post("/passkey/options"), "step-up-needed")
    assert (
        browser.post("/login/passkey", passkey.used(browser.post("/login/passkey/options").json)).status
        == 200
    )
    refused(browser.post("/passkey/options"), "step-up-needed")
    other = SoftPasskey(ISSUER, "localhost", site.land.entropy(16))
    refused(browser.post("/passkey", other.created({"challenge": "AAAA"})), "step-up-needed")


def test_a_relying_party_can_demand_more_than_a_passkey(site: LoginSite) -> None:
    browser = fresh(site, acr_values="urn:kakine:acr:card")
    refused(browser.post("/login/passkey/options"), "interaction-unknown")


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://evil.example"},
        {"origin": ISSUER + ".evil.example"},
        {"host": "evil.example"},
        {"flags": PRESENT},
    ],
)
def test_an_answer_made_elsewhere_or_without_verification_is_refused(
    site: LoginSite, changed: dict[str, Any]
) -> None:
    passkey, browser = bound(site), fresh(site)
    for name, value in changed.items():
        setattr(passkey, name, value)
    options = browser.post("/login/passkey/options").json
    refused(browser.post("/login/passkey", passkey.used(options)), "passkey-invalid")


def test_an_answer_serves_once_and_one_login(site: LoginSite) -> None:
    """Also that of a device that counts no uses."""
    passkey, browser = bound(site, step=0), fresh(site)
    answer = passkey.used(browser.post("/login/passkey/options").json)
    assert browser.post("/login/passkey", answer).status == 200
    refused(browser.post("/login/passkey", answer), "interaction-unknown")
    other = fresh(site)
    refused(other.post("/login/passkey", answer), "passkey-invalid")
    other.post("/login/passkey/options")
    refused(other.post("/login/passkey", answer), "passkey-invalid")
    refused(other.post("/login/passkey", answer), "passkey-invalid")


def test_a_copied_authenticator_is_seen_by_its_count(site: LoginSite) -> None:
    passkey = bound(site)
    first = fresh(site)
    assert first.post("/login/passkey", passkey.used(first.post("/login/passkey/options").json)).status == 200
    passkey.count = 0
    second = fresh(site)
    options = second.post("/login/passkey/options").json
    refused(second.post("/login/passkey", passkey.used(options)), "passkey-invalid")


def test_an_unknown_passkey_opens_nothing(site: LoginSite) -> None:
    browser = fresh(site)
    passkey = SoftPasskey(ISSUER, "localhost", b"unknown-unknown-")
    options = browser.post("/login/passkey/options").json
    refused(browser.post("/login/passkey", passkey.used(options)), "login-not-known")


@pytest.mark.parametrize("told", [{}, {"id": 7}, {"id": "é"}, {"id": "AAAA", "response": []}])
def test_rubbish_instead_of_an_answer_is_refused(site: LoginSite, told: Any) -> None:
    browser = fresh(site)
    browser.post("/login/passkey/options")
    assert browser.post("/login/passkey", told).status == 403
    strong = site.known(0, site.party())
    strong.post("/passkey/options")
    assert strong.post("/passkey", told).status == 403
