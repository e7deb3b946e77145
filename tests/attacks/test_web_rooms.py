"""Attacks on the rooms of consents, mandates and the account: a card that was found, a carer who wants more, forms of
somebody else, markup in every text, what ends between two clicks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from attacks.test_consent import granted, problem, use
from attacks.test_web_portal import by_card
from card_maker import Roots
from kakine.parties.portal.site.house import House
from kakine.protocols.decisions import consents_in
from kakine.protocols.gazette import Law
from kakine.values.calendar import in_japan
from kakine.wire.canonical import encode
from kakine.wire.mandate import Basis
from kakine.wire.reading import MEDIA, HistoryAsked
from login_site import CHILDCARE, Answer
from mandates import CARER, CHILD, FATHER, MOTHER, RESIDENT
from web.kit import Plain
from web.portal_site import PortalLand

from land import ref

IMAGE = "<img src=x onerror=alert(2)>"
ESCAPED = "&lt;img src=x onerror=alert(2)&gt;"
ACCOUNT = {"bank_code": "0005", "branch_code": "123", "account_kind": "ordinary", "account_number": "7654321",
           "holder_kana": "ワタナベ ハナコ"}  # fmt: skip
ASKED = encode(HistoryAsked(b"\x09" + bytes(31)))


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    roots = Roots()
    folder = tmp_path_factory.mktemp("rooms") / "land"
    with PortalLand.opened(folder, standing=roots, people=4) as opened:
        opened.roots = roots  # type: ignore[attr-defined]
        yield opened


def said(answer: Answer, code: str) -> bool:
    """A refusal with this code, as a page."""
    return answer.status >= 400 and code in answer.text


def drawn(portal: PortalLand, j: int) -> str:
    """The code that person j draws in a visit."""
    plain = portal.entered(j)
    plain.get("/mandates")
    page = plain.send("/mandates/code").text
    return page.partition('id="code">')[2].partition("<")[0]


def days(portal: PortalLand) -> dict[str, str]:
    """From today for a while, as the form sends it."""
    today = in_japan(portal.site.land.clock()).date()
    return {"first": today.isoformat(), "last": (today + timedelta(days=30)).isoformat()}


def given(portal: PortalLand, principal: int, delegate: int, *what: str) -> tuple[Plain, str]:
    """The browser of the principal, and the number (hex) of the mandate given in it."""
    plain = portal.entered(principal)
    plain.get("/mandates")
    assert plain.send("/mandates/whom", code=drawn(portal, delegate)).status == 200
    form = plain.forms["/mandates/give"] | days(portal)
    answer = plain.post("/mandates/give", [*form.items(), *(("what", each) for each in what)])
    assert answer.location == "/decisions", answer.text
    newest = max(
        portal.site.mandates.listed(ref(principal)),
        key=lambda each: (each.shown.given, each.shown.terms.from_ms),
    )
    return plain, newest.shown.number.hex()


def reads(plain: Plain, number: str) -> Answer:
    """The call of the page in which a delegate reads."""
    return plain.call(f"/mandates/{number}/read", ASKED, plain.token)


# --- a card that was found --------------------------------------------------------------------------------------


def test_a_found_card_gives_no_mandate_changes_no_account_and_draws_no_code(portal: PortalLand) -> None:
    code = drawn(portal, CARER)
    thief = by_card(portal, RESIDENT)
    for path in ("/mandates", "/account"):
        page = thief.get(path).text
        assert 'action="/mandates/whom"' not in page
        assert 'action="/mandates/code"' not in page
        assert 'action="/account"' not in page
        assert 'href="/again"' in page
    before = portal.site.mandates.listed(ref(RESIDENT))
    give = {"code": code, "what": "history", **days(portal)}
    for path, fields in (
        ("/mandates/code", {}),
        ("/mandates/whom", {"code": code}),
        ("/mandates/whom", {"code": "0000-0000-0000-0000"}),
        ("/mandates/give", give),
        ("/account", ACCOUNT),
        ("/account", ACCOUNT | {"bank_code": "x"}),
    ):
        thief.get("/ways")
        refused = thief.post(path, thief.forms["/ways/lost"] | fields)
        assert said(refused, "step-up-needed"), path
    assert portal.site.mandates.listed(ref(RESIDENT)) == before
    assert not portal.site.land.country.portal.acts.of_account(ref(RESIDENT))


def test_a_code_that_its_owner_has_drawn_is_shown_once(portal: PortalLand) -> None:
    """Neither to whoever finds the card, nor to the owner again."""
    owner = portal.entered(CARER)
    owner.get("/mandates")
    code = owner.send("/mandates/code").text.partition('id="code">')[2].partition("<")[0]
    assert len(code) == 19
    for browser in (by_card(portal, CARER), owner):
        for path in ("/", "/mandates", "/decisions", "/letters", "/ways"):
            assert code not in browser.get(path).text


def test_a_found_card_of_a_carer_opens_no_history_of_others(portal: PortalLand) -> None:
    number = portal.site.appointed(RESIDENT, CARER).hex()
    thief = by_card(portal, CARER)
    thief.get("/ways")
    assert said(thief.get(f"/mandates/{number}"), "step-up-needed")
    refused = reads(thief, number)
    assert (refused.status, refused.json["type"]) == (403, "urn:kakine:problem:step-up-needed")
    owner = portal.entered(CARER)
    assert owner.get(f"/mandates/{number}").status == 200
    assert reads(owner, number).headers["content-type"] == [MEDIA]


# --- scope --------------------------------------------------------------------------------------------------------


def test_a_carer_with_one_scope_gets_nothing_of_another(portal: PortalLand) -> None:
    """For a service, and not for the history."""
    number = given(portal, RESIDENT, CARER, f"client:{CHILDCARE}")[1]
    carer = portal.entered(CARER)
    assert f"/mandates/{number}" not in carer.get("/mandates").text.replace(f"mandate-{number}", "")
    assert said(carer.get(f"/mandates/{number}"), "mandate-not-in-force")
    carer.get("/mandates")
    assert reads(carer, number).json["type"] == "urn:kakine:problem:mandate-not-in-force"


@pytest.mark.parametrize("what", ["client:pension-net", "client:<b>", "client:", "address", ""])
def test_nothing_is_entrusted_that_is_not_offered(portal: PortalLand, what: str) -> None:
    plain = portal.entered(MOTHER)
    plain.get("/mandates")
    plain.send("/mandates/whom", code=drawn(portal, FATHER))
    answer = plain.post("/mandates/give", plain.forms["/mandates/give"] | days(portal) | {"what": what})
    assert (answer.status, "まだ任せていません" in answer.text) == (422, True)
    assert portal.site.mandates.listed(ref(MOTHER)) == []


@pytest.mark.parametrize(
    ("first", "last"),
    [("", ""), ("2026-13-01", "x"), ("0001-01-01", "9999-12-31"), ("2020-01-01", "2020-01-02")],
)
def test_no_mandate_is_for_ever_or_for_days_that_are_none(portal: PortalLand, first: str, last: str) -> None:
    plain = portal.entered(MOTHER)
    plain.get("/mandates")
    plain.send("/mandates/whom", code=drawn(portal, FATHER))
    fields = plain.forms["/mandates/give"] | {"what": "history", "first": first, "last": last}
    answer = plain.post("/mandates/give", fields)
    assert (answer.status, "まだ任せていません" in answer.text) == (422, True)
    assert portal.site.mandates.listed(ref(MOTHER)) == []


def test_every_view_by_mandate_stands_in_the_principals_history(portal: PortalLand) -> None:
    number = portal.site.appointed(RESIDENT, CARER).hex()
    carer = portal.entered(CARER)
    carer.get(f"/mandates/{number}")
    before = portal.site.lines(RESIDENT)
    assert reads(carer, number).status == 200
    line = ("OWN-HISTORY", ("represented", "proxy"), "viewed")
    after = portal.site.lines(RESIDENT)
    assert after.count(line) == before.count(line) + 1
    assert ("OWN-HISTORY", ("represented", "proxy"), "viewed") not in portal.site.lines(CARER)


def test_protection_in_the_household_stops_the_delegates_view(portal: PortalLand) -> None:
    """Before anything is given; and the page does not say why."""
    portal.site.born()
    number = portal.site.appointed(CHILD, FATHER, basis=Basis.PARENT, days=300).hex()
    father = portal.entered(FATHER)
    father.get(f"/mandates/{number}")
    assert reads(father, number).status == 200
    portal.site.shield(MOTHER)
    refused = reads(father, number)
    assert refused.json["type"] == "urn:kakine:problem:mandate-not-in-force"
    assert father.get("/mandates").status == 200


# --- other people's sessions, and what ends between two clicks -------------------------------------------------------


def test_a_form_of_one_person_moves_nothing_of_another(portal: PortalLand) -> None:
    number = portal.site.appointed(RESIDENT, CARER).hex()
    mine, theirs = portal.entered(RESIDENT), portal.entered(FATHER)
    for plain in (mine, theirs):
        plain.get("/mandates")
        plain.get("/account")
    assert said(theirs.post("/mandates/end", mine.forms["/mandates/end"]), "form-unfit")
    assert said(theirs.post("/account", mine.forms["/account"] | ACCOUNT), "form-unfit")
    own = theirs.forms["/account"] | {"number": number}
    assert said(theirs.post("/mandates/end", own), "mandate-not-in-force")
    assert said(theirs.get(f"/mandates/{number}"), "mandate-not-in-force")
    assert reads(theirs, number).json["type"] == "urn:kakine:problem:mandate-not-in-force"
    assert number in {each.shown.number.hex() for each in portal.site.mandates.listed(ref(CARER))}


def test_nobody_withdraws_the_consent_of_another(portal: PortalLand) -> None:
    grant = granted(portal.site, MOTHER)
    (consent,) = consents_in(portal.site.own(MOTHER).rows)
    number = consent.allowed.grant.hex()
    other, owner = portal.entered(FATHER), portal.entered(MOTHER)
    for plain in (other, owner):
        plain.get("/consents")
    assert other.send("/consents/withdraw", grant=number).status == 200
    assert use(portal.site.party(), grant).status == 200
    done = owner.send("/consents/withdraw", grant=number.upper())
    assert (done.status, number in done.text) == (200, True)
    assert problem(use(portal.site.party(), grant)) == "latest-consent-over"
    (consent,) = consents_in(portal.site.own(MOTHER).rows)
    assert consent.withdrawn


@pytest.mark.parametrize("number", ["", "00", "g" * 32, "<b>", "0" * 33])
def test_a_number_that_is_none_ends_no_consent_and_is_said_beside_the_field(
    portal: PortalLand, number: str
) -> None:
    plain = portal.entered(MOTHER)
    plain.get("/consents")
    before = len(portal.site.lines(MOTHER))
    answer = plain.send("/consents/withdraw", grant=number)
    assert (answer.status, 'id="grant-wrong"' in answer.text) == (422, True)
    assert "<b>" not in answer.text
    assert len(portal.site.lines(MOTHER)) == before + 1  # the view of before


def test_a_mandate_that_ends_between_two_clicks_opens_nothing(portal: PortalLand) -> None:
    principal, number = given(portal, RESIDENT, CARER, "history")
    carer = portal.entered(CARER)
    page = carer.get("/mandates").text
    assert f'href="/mandates/{number}"' in page
    assert carer.get(f"/mandates/{number}").status == 200
    principal.get("/mandates")
    form = principal.forms["/mandates/end"] | {"number": number}
    assert principal.post("/mandates/end", form).location == "/mandates"
    lines = len(portal.site.lines(RESIDENT))
    assert reads(carer, number).json["type"] == "urn:kakine:problem:mandate-not-in-force"
    assert said(carer.get(f"/mandates/{number}"), "mandate-not-in-force")
    assert len(portal.site.lines(RESIDENT)) == lines + 1  # the one of counting
    carer.get("/mandates")
    fields = carer.forms["/mandates/code"] | {"number": number}
    assert said(carer.post("/mandates/end", fields), "mandate-not-in-force")


def test_a_code_that_is_used_between_two_clicks_gives_nothing(portal: PortalLand) -> None:
    """Two principals with the same code: the second one's page was open."""
    code = drawn(portal, CARER)
    first, second = portal.entered(RESIDENT), portal.entered(MOTHER)
    for plain in (first, second):
        plain.get("/mandates")
        plain.send("/mandates/whom", code=code)
    fields = {"what": "history", **days(portal)}
    assert first.send("/mandates/give", **fields).location == "/decisions"
    assert said(second.send("/mandates/give", **fields), "delegate-code-unknown")
    second.get("/mandates")
    again = second.send("/mandates/whom", code=code)
    assert (again.status, 'id="code-wrong"' in again.text) == (422, True)
    assert portal.site.mandates.listed(ref(MOTHER)) == []


# --- markup -------------------------------------------------------------------------------------------------------


def test_a_name_with_markup_stays_text_in_every_room(portal: PortalLand) -> None:
    """What a clerk has typed, as the name of a delegate and of a principal."""
    site = portal.site
    code = site.run(site.counter.stand_by(site.clerk(CARER), IMAGE))
    principal = portal.entered(FATHER)
    principal.get("/mandates")
    page = principal.send("/mandates/whom", code=code).text
    assert ESCAPED in page
    assert IMAGE not in page
    made = site.counter.appoint(site.clerk(FATHER), IMAGE, code, site.terms(), cleared=True)
    number = site.run(made).hex()
    for j, path in ((FATHER, "/mandates"), (CARER, "/mandates"), (CARER, f"/mandates/{number}")):
        page = portal.entered(j).get(path).text
        assert ESCAPED in page
        assert IMAGE not in page
    site.run(site.mandates.end(ref(FATHER), bytes.fromhex(number)))


def test_names_of_the_law_with_markup_stay_text(portal: PortalLand, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = House.law

    def hostile(house: House) -> Law:
        law: Law = real.fget(house)
        clients = tuple(msgspec.structs.replace(each, ja=IMAGE, en=IMAGE) for each in law.gazette.clients)
        parties = tuple(msgspec.structs.replace(each, ja=IMAGE, en=IMAGE) for each in law.gazette.parties)
        gazette = msgspec.structs.replace(law.gazette, clients=clients, parties=parties)
        return Law(law.encoded, gazette, law.starts_ms)

    portal.site.appointed(RESIDENT, CARER)
    monkeypatch.setattr(House, "law", property(hostile))
    plain = portal.entered(RESIDENT)
    pages = [plain.get(path).text for path in ("/mandates", "/account", "/en/mandates", "/en/account")]
    plain.get("/mandates")
    pages.append(plain.send("/mandates/whom", code=drawn(portal, FATHER)).text)
    for page in pages:
        assert ESCAPED in page
        assert IMAGE not in page


@pytest.mark.parametrize("field", ACCOUNT)
def test_what_is_typed_for_an_account_stays_text_and_changes_nothing(portal: PortalLand, field: str) -> None:
    plain = portal.entered(MOTHER)
    plain.get("/account")
    answer = plain.send("/account", **(ACCOUNT | {field: '"><img src=x>'}))
    assert (answer.status, f'id="{field}-wrong"' in answer.text) == (422, True)
    assert "<img" not in answer.text
    assert answer.text.count('-wrong">') == 1
    assert not portal.site.land.country.portal.acts.of_account(ref(MOTHER))
