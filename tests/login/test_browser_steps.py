"""What happens in the browser: one request, one browser, one way in, one consent."""

from __future__ import annotations

import pytest

from login_site import CHILDCARE, INSURER, ISSUER, Answer, LoginSite

UNKNOWN = "urn:ietf:params:oauth:request_uri:" + "0" * 64


def refused(answer: Answer, problem: str) -> None:
    assert answer.status >= 400, answer.body
    assert problem in answer.text
    assert "location" not in answer.headers


def test_a_page_offers_the_ways_in_and_lets_nobody_frame_it(site: LoginSite) -> None:
    page = site.browser().authorize(CHILDCARE, site.party().pushed())
    assert page.status == 200
    assert "横浜市 子育て申請" in page.text
    assert 'id="passkey"' in page.text
    assert 'id="card"' not in page.text
    (policy,) = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    (cookie,) = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_a_pushed_request_serves_once_and_one_relying_party(site: LoginSite) -> None:
    uri = site.party().pushed()
    refused(site.browser().authorize(INSURER, uri), "request-uri-unknown")
    refused(site.browser().authorize(CHILDCARE, uri), "request-uri-unknown")
    uri = site.party().pushed()
    assert site.browser().authorize(CHILDCARE, uri).status == 200
    refused(site.browser().authorize(CHILDCARE, uri), "request-uri-unknown")
    refused(site.browser().authorize(CHILDCARE, UNKNOWN), "request-uri-unknown")
    refused(site.browser().authorize(CHILDCARE, ""), "request-uri-unknown")


def test_a_pushed_request_expires(site: LoginSite) -> None:
    uri = site.party().pushed()
    site.land.clock.advance(61)
    refused(site.browser().authorize(CHILDCARE, uri), "request-uri-unknown")


def test_nothing_goes_without_a_pushed_request(site: LoginSite) -> None:
    query = "client_id=yokohama-childcare&response_type=code&scope=openid&redirect_uri=http://127.0.0.1:8490/callback"
    refused(site.call("GET", f"/authorize?{query}"), "request-uri-unknown")
    refused(site.call("GET", "/authorize"), "request-uri-unknown")
    refused(site.call("GET", "/authorize?client_id=a&client_id=b"), "login-request-malformed")


def test_steps_out_of_turn_are_refused(site: LoginSite) -> None:
    refused(site.browser().get("/consent"), "interaction-unknown")
    refused(site.browser().agree(), "interaction-unknown")
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    refused(browser.get("/consent"), "interaction-unknown")
    refused(browser.agree(), "interaction-unknown")
    known = site.known(0, site.party())
    refused(known.paper(site.paper(0)), "interaction-unknown")


def test_a_form_of_another_page_is_refused(site: LoginSite) -> None:
    browser = site.known(0, site.party())
    for origin in ("https://evil.example", "null", ISSUER + ".evil.example"):
        browser.origin = origin
        refused(browser.agree(), "origin-refused")
    browser.origin = ISSUER
    assert browser.agree().status == 303


def test_a_cookie_from_before_the_login_opens_nothing_after_it(site: LoginSite) -> None:
    browser, party = site.browser(), site.party()
    browser.authorize(party.id, party.pushed())
    before = browser.cookie
    assert browser.paper(site.paper(0)).status == 303
    planted = site.browser()
    planted.cookie = before
    refused(planted.get("/consent"), "interaction-unknown")
    assert browser.get("/consent").status == 200


def test_an_interaction_ends(site: LoginSite) -> None:
    browser = site.known(0, site.party())
    site.land.clock.advance(601)
    refused(browser.agree(), "interaction-unknown")


def test_one_consent_gives_one_code(site: LoginSite) -> None:
    browser = site.known(0, site.party())
    cookie = browser.cookie
    assert browser.agree().status == 303
    browser.cookie = cookie
    refused(browser.agree(), "interaction-unknown")


def test_consent_can_leave_items_out_and_add_none(site: LoginSite) -> None:
    party = site.party()
    browser = site.known(0, party, "openid name address")
    page = browser.get("/consent")
    assert "住所" in page.text
    assert "生年月日" not in page.text
    refused(browser.agree("name", "birthdate"), "scope-not-allowed")
    told = site.log_in(0, scope="openid name address", agreed="openid name")
    assert told.scope == "openid name"
    assert "address" not in told.claims


def test_who_says_no_is_sent_back_and_not_named(site: LoginSite) -> None:
    party = site.party()
    for browser in (site.known(0, party), site.browser()):
        if browser.cookie is None:
            browser.authorize(party.id, party.pushed())
        back = browser.form("/consent", ("decision", "no"))
        assert back.said == {"error": "access_denied", "state": party.state, "iss": ISSUER}


@pytest.mark.parametrize("code", ["", "0000-0000-0000-0000", "ü", "x" * 2000])
def test_a_paper_code_that_was_not_given_opens_nothing(site: LoginSite, code: str) -> None:
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    refused(browser.paper(code), "login-not-known")


def test_a_paper_code_serves_once_however_it_is_typed(site: LoginSite) -> None:
    code = site.paper(0)
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    assert browser.paper(f" {code.lower().replace('-', ' ')} ").status == 303
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    refused(browser.paper(code), "login-not-known")


def test_a_paper_code_ends_after_a_day(site: LoginSite) -> None:
    code = site.paper(0)
    site.land.clock.advance(86_400)
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    refused(browser.paper(code), "login-not-known")


def test_what_a_page_shows_is_escaped_and_says_nothing_of_the_person(site: LoginSite) -> None:
    page = site.call("GET", "/authorize?client_id=%3Cscript%3E&request_uri=%3Cscript%3E")
    assert "<script" not in page.text
    assert "渡邉" not in site.known(0, site.party(), "openid name").get("/consent").text


def test_unknown_paths_and_methods_are_no_pages(site: LoginSite) -> None:
    assert site.call("GET", "/token").status == 405
    assert site.call("GET", "/nothing").status == 404
    assert site.call("GET", "/login.js").headers["content-type"][0].startswith("text/javascript")


def test_a_page_of_a_login_is_in_one_language(site: LoginSite) -> None:
    """Nothing stands in English beside the Japanese but the names of languages; nothing is known of a made-up code."""
    browser = site.known(0, site.party(), "openid name")
    japanese, english = browser.get("/consent").text, browser.get("/en/consent").text
    assert japanese.count(' lang="en"') == 1
    assert 'action="/en/consent"' in english
    assert "氏名とふりがな" not in english
    assert "your name" in english
    assert site.call("GET", "/easy/login/refused/made-up-code").status == 404
