"""The latest items on consent: only what the person allowed, to whom the person allowed it, until the person ends it;
and nobody keeps a list of who allowed what to whom."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import office_of, taken_over
from attacks.test_a09_each_converter_can_stop_it import suspend
from card_maker import PIN, Roots
from exchange_state import snapshot
from kakine.cli.demo_story import Words, history_lines
from kakine.cli.own_history import Read, own_history
from kakine.contracts import converter
from kakine.contracts.registry import REPORT, Died, Moved, Report, ShieldSet, Subject
from kakine.country import CONVERTERS
from kakine.crypto.base64url import base64url, from_base64url
from kakine.crypto.cards import CardCertificate
from kakine.crypto.webkeys import TokenKey
from kakine.parties.converter import hop
from kakine.parties.portal.acts.addresses import RELEASE
from kakine.parties.portal.login import latest as latest_module
from kakine.protocols.decisions import LONGEST_DAYS, Consent, consents_in
from kakine.protocols.logins import challenge_digest
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable
from kakine.wire.canonical import decode
from kakine.wire.gazette import Client
from kakine.wire.login import Challenge
from kakine.wire.request import Kind, RecordPart
from login_site import ADDRESS, BIRTHS, CHILDCARE, INSURER, Answer, LoginSite, RelyingParty
from road import recorded

from land import pack, ref

PURPOSE = "転居のお知らせを送るため"
DAY = 86_400
WANTED = {"latest_items": "address name", "latest_purpose": PURPOSE, "latest_days": "365"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginSite]:
    with LoginSite.opened(tmp_path_factory.mktemp("consent") / "land") as site:
        yield site


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[LoginSite]:
    """For what cannot be undone: a suspension, a death, a year."""
    with LoginSite.opened(tmp_path / "land", people=2) as site:
        yield site


def push(party: RelyingParty, scope: str = "openid latest", bound: bool = True, **changed: Any) -> Answer:
    dpop = party.dpop("POST", "/par") if bound else None
    return party.push(scope, dpop, **{**WANTED, **changed})


def at_consent(site: LoginSite, j: int, party: RelyingParty, **changed: Any) -> Any:
    pushed = push(party, **changed)
    assert pushed.status == 201, pushed.body
    browser = site.browser()
    browser.authorize(party.id, pushed.json["request_uri"])
    assert browser.paper(site.paper(j)).status == 303
    return browser


def agree(browser: Any, *items: str, days: str = "365", once: tuple[str, ...] = ()) -> Answer:
    pairs = [*(("latest_item", item) for item in items), *(("scope", scope) for scope in once)]
    return browser.form("/consent", ("decision", "yes"), ("latest_days", days), *pairs)


def tokens(
    site: LoginSite, j: int, client: str = CHILDCARE, *items: str, days: str = "365", **changed: Any
) -> Any:
    party = site.party(client)
    back = agree(at_consent(site, j, party, **changed), *items, days=days)
    assert back.status == 303, back.body
    said = party.redeem(back.said["code"])
    assert said.status == 200, said.body
    return said.json


def granted(site: LoginSite, j: int, *items: str, client: str = CHILDCARE, days: str = "365") -> str:
    wanted = {"latest_items": "name"} if client == INSURER else {}
    return str(tokens(site, j, client, *(items or ("name",)), days=days, **wanted)["latest_grant"])


def use(party: RelyingParty, grant: str, dpop: str | None = "", **changed: str) -> Answer:
    shown = party.dpop("POST", "/latest") if dpop == "" else dpop
    return party.form("/latest", {**party.own(), "grant": grant, **changed}, shown)


def problem(answer: Answer) -> str:
    assert answer.status >= 400, answer.body
    return str(answer.json["problem"])


def read(site: LoginSite, j: int) -> Read:
    return site.run(own_history(site.land.country, ref(j)))


def consents(site: LoginSite, j: int) -> list[Consent]:
    return consents_in(read(site, j).rows)


def withdraw(site: LoginSite, j: int, grant: bytes) -> None:
    site.run(site.land.country.portal.withdraw(ref(j), grant))


def report(site: LoginSite, j: int, change: object) -> None:
    subject = Subject(site.numbers[j], BIRTHS[j])
    asked = Report(site.land.entropy(16), subject, date(2026, 1, 1), change)  # type: ignore[arg-type]
    site.run(site.land.country.peers("yokohama").ask(PartyName("registry"), REPORT, asked))


# --- what it is for ---------------------------------------------------------------------------------------------


def test_what_was_allowed_is_given_as_it_is_then(site: LoginSite) -> None:
    said = tokens(site, 0, CHILDCARE, "address", "name")
    assert (said["latest_items"], said["scope"]) == ("address name", "openid latest")
    assert said["latest_until"] == site.now + 365 * DAY
    party, grant = site.party(), said["latest_grant"]
    assert use(party, grant).json["claims"]["address"]["formatted"] == ADDRESS
    report(site, 0, Moved("神奈川県横浜市中区本町2番", b"h" * 16))
    first = use(party, grant).json["claims"]
    assert (first["address"]["formatted"], first["name"]) == ("神奈川県横浜市中区本町2番", "渡邉　花子")
    assert set(use(party, grant, items="name").json["claims"]) == {"name", "name#ja-Kana-JP"}


def test_consent_uses_and_withdrawal_stand_in_the_own_history(site: LoginSite) -> None:
    grant = granted(site, 1, "name", days="30")
    for _ in range(2):
        assert use(site.party(), grant).status == 200
    (consent,) = consents(site, 1)
    assert (consent.allowed.client, consent.allowed.items, consent.allowed.purpose) == (
        CHILDCARE,
        ("name",),
        PURPOSE,
    )
    assert (len(consent.uses), consent.withdrawn, consent.stands(site.land.clock())) == (2, False, True)
    withdraw(site, 1, consent.allowed.grant)
    (consent,) = consents(site, 1)
    assert (consent.withdrawn, consent.stands(site.land.clock())) == (True, False)
    told = read(site, 1)
    said = "\n".join(history_lines(told.lines, Words(pack()), consents=consents_in(told.rows)))
    assert f"あなたの同意により {CHILDCARE} へ。目的: {PURPOSE}" in said
    assert "最新の情報の提供への同意を撤回" in said
    assert said.count(f"for {CHILDCARE}, by your consent") == 2


def test_a_login_without_a_tick_gives_no_grant_and_works_the_same(site: LoginSite) -> None:
    """Nothing is ticked on the page, and the page says that nothing hangs on it."""
    party = site.party()
    browser = at_consent(site, 0, party)
    page = browser.get("/consent").text
    assert 'name="latest_item" value="address">' in page
    assert "何も選ばなくても" in page
    assert PURPOSE in page
    before = len(consents(site, 0))
    said = site.told(party, agree(browser).said["code"])
    assert said.scope == "openid"
    assert len(consents(site, 0)) == before


# --- no more than was allowed ------------------------------------------------------------------------------------


def test_a_relying_party_gets_no_item_that_the_person_did_not_allow(site: LoginSite) -> None:
    grant = granted(site, 0, "name")
    for items in ("address", "address name", "birthdate", "household", ""):
        assert problem(use(site.party(), grant, items=items)) == "scope-not-allowed"


def test_it_asks_for_no_item_that_the_law_does_not_let_it_have(site: LoginSite) -> None:
    insurer = site.party(INSURER)
    for items in ("address", "name address", "number", ""):
        assert problem(push(insurer, latest_items=items)) == "scope-not-allowed"
    assert problem(push(site.party("pension-net"))) == "scope-not-allowed"


def test_an_item_that_the_law_has_taken_away_since_is_not_given(
    site: LoginSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant, before = granted(site, 0, "name"), latest_module.authenticated

    def narrowed(office: Any, form: Any) -> Client:
        return msgspec.structs.replace(before(office, form), scopes=("latest", "over_18"))

    monkeypatch.setattr(latest_module, "authenticated", narrowed)
    assert problem(use(site.party(), grant)) == "scope-not-allowed"


def test_a_person_cannot_be_made_to_allow_more_than_was_shown(site: LoginSite) -> None:
    """A form that was tampered with: an item that is not on it, a later end, and no grant where none was asked for."""
    for items, days in ((("birthdate",), "365"), (("name",), "366"), (("name",), "-1"), (("name",), "")):
        answer = agree(at_consent(site, 0, site.party()), *items, days=days)
        assert answer.status >= 400
    browser = site.known(0, site.party(), "openid name")
    assert agree(browser, "name").status >= 400


def test_no_consent_lasts_longer_than_a_year(site: LoginSite) -> None:
    assert LONGEST_DAYS == 365
    for days in ("366", "0", "-1", "1e3", "９", "", "12345"):
        assert problem(push(site.party(), latest_days=days)) == "login-request-malformed"


def test_what_it_is_for_is_said_in_words_that_can_be_read(site: LoginSite) -> None:
    for purpose in ("", "x" * 81, "a\nb", "\u202eesrever"):
        assert problem(push(site.party(), latest_purpose=purpose)) == "login-request-malformed"
    assert problem(push(site.party(), scope="openid")) == "login-request-malformed"


def test_the_address_of_a_shielded_person_is_never_given(site: LoginSite) -> None:
    """Neither where the shield came after the consent nor before; it looks as if there were no address."""
    before = granted(site, 3, "address", "name")
    report(site, 3, ShieldSet(undisclosed=True, own_view_stopped=False))
    after = granted(site, 3, "address", "name")
    for grant in (before, after):
        assert set(use(site.party(), grant).json["claims"]) == {"name", "name#ja-Kana-JP"}
    report(site, 3, ShieldSet(undisclosed=True, own_view_stopped=True))
    assert use(site.party(), before).json["claims"] == {}


def test_a_found_card_with_its_pin_allows_nobody_the_address(tmp_path: Path) -> None:
    """Neither once nor for later: that weighs, so a clerk has to have seen the person. Other items it may allow."""
    roots = Roots()
    with LoginSite.opened(tmp_path / "land", roots, people=1) as site:
        card = roots.card(site.land.clock())
        site.give_card(0, CardCertificate(card.certificate).digest)
        tries = ((("address", "name"), (), False), ((), ("address",), False), (("name",), (), True))
        for items, once, allowed in tries:
            browser, party = site.browser(), site.party()
            browser.authorize(party.id, push(party, "openid address latest").json["request_uri"])
            challenge = b64decode(browser.post("/login/card/challenge").json["challenge"])
            signature = card.sign(challenge_digest(decode(challenge, Challenge)), PIN)
            shown = {"certificate": card.certificate, "signature": signature}
            proof = {name: b64encode(value).decode() for name, value in shown.items()}
            assert browser.post("/login/card", proof).status == 200
            page = browser.get("/consent").text
            assert 'value="address"' not in page
            assert "市区町村の窓口で受け取った紙で" in page
            answer = agree(browser, *items, once=once)
            assert (answer.status == 303, "step-up-needed" in answer.text) == (allowed, not allowed)


def test_an_address_is_not_given_once_that_act_is_undone(site: LoginSite) -> None:
    """The consent to other items goes on; to the relying party it looks as if there were no address."""
    grant, acts = granted(site, 0, "address", "name"), site.land.country.portal.acts
    assert "address" in use(site.party(), grant).json["claims"]
    act = acts.of_account(ref(0))[-1]
    assert act.kind == RELEASE
    site.run(acts.undo(ref(0), act.id))
    assert set(use(site.party(), grant).json["claims"]) == {"name", "name#ja-Kana-JP"}
    assert use(site.party(), grant, items="address").json["claims"] == {}


def test_a_withdrawal_takes_the_release_of_the_address_with_it(site: LoginSite) -> None:
    granted(site, 1, "address")
    released = snapshot(site.land.folder, "portal")["address_released"]
    withdraw(site, 1, consents(site, 1)[-1].allowed.grant)
    assert len(snapshot(site.land.folder, "portal")["address_released"]) == len(released) - 1


# --- by nobody else ----------------------------------------------------------------------------------------------


def test_a_grant_is_of_no_use_to_another_relying_party(site: LoginSite) -> None:
    grant = granted(site, 0, "name")
    assert problem(use(site.party(INSURER), grant)) == "latest-grant-unknown"


def test_a_stolen_grant_is_of_no_use_without_both_keys(site: LoginSite) -> None:
    """The relying party's own, and the one that the code was bound to."""
    grant, party = granted(site, 0, "name"), site.party()
    assert problem(use(party, grant, None)) == "dpop-missing"
    other = RelyingParty(site, party.id, party.key, TokenKey(b"o" * 48))
    assert problem(use(other, grant)) == "latest-grant-unknown"
    thief = RelyingParty(site, party.id, TokenKey(b"t" * 48), party.proof_key)
    assert problem(use(thief, grant)) == "client-unauthenticated"
    assert problem(push(party, bound=False)) == "dpop-missing"


def test_a_use_cannot_be_shown_twice(site: LoginSite) -> None:
    """What was overheard on the way opens nothing: assertion and proof are good once."""
    grant, party = granted(site, 0, "name"), site.party()
    proof, own = party.dpop("POST", "/latest"), party.own()
    assert party.form("/latest", {**own, "grant": grant}, proof).status == 200
    assert (
        problem(party.form("/latest", {**own, "grant": grant}, party.dpop("POST", "/latest")))
        == "assertion-replayed"
    )
    assert problem(use(party, grant, proof)) == "dpop-invalid"
    elsewhere = party.dpop("POST", "/token")
    assert problem(use(party, grant, elsewhere)) == "dpop-invalid"


def test_a_grant_that_was_changed_is_refused(site: LoginSite) -> None:
    grant = granted(site, 0, "name")
    sealed = from_base64url(grant)
    for at in (0, 11, 12, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        assert problem(use(site.party(), base64url(bytes(changed)))) == "latest-grant-unknown"
    for text in ("", "x", grant + "A", grant[:-1], grant + "=", "あ", "A" * 1025, base64url(sealed[:11])):
        assert problem(use(site.party(), text)) == "latest-grant-unknown"


def test_a_grant_tells_nothing_to_who_carries_it(site: LoginSite) -> None:
    data = from_base64url(granted(site, 0, "name"))
    assert not any(word in data for word in (ref(0), CHILDCARE.encode(), b"name"))


# --- no longer than was allowed ----------------------------------------------------------------------------------


def test_a_withdrawal_works_at_once_and_for_good(own_site: LoginSite) -> None:
    kept, ended = granted(own_site, 0, "name"), granted(own_site, 0, "name")
    grants = [consent.allowed.grant for consent in consents(own_site, 0)]
    withdraw(own_site, 0, grants[1])
    assert problem(use(own_site.party(), ended)) == "latest-consent-over"
    assert use(own_site.party(), kept).status == 200
    own_site.land.clock.advance(300 * DAY)
    withdraw(own_site, 1, b"x" * 16)  # drops marks that are over
    assert problem(use(own_site.party(), ended)) == "latest-consent-over"
    assert use(own_site.party(), kept).status == 200


def test_a_withdrawal_works_even_where_it_cannot_be_filed(site: LoginSite) -> None:
    grant = granted(site, 2, "name")
    id_ = consents(site, 2)[-1].allowed.grant

    async def away(*_: object) -> Any:
        raise PartyUnavailable(party="converter-1")

    with (
        taken_over(site.land, CONVERTERS[0], converter.CONVERT, away),
        pytest.raises(PartyUnavailable),
    ):
        withdraw(site, 2, id_)
    assert problem(use(site.party(), grant)) == "latest-consent-over"
    site.run(site.land.country.portal.start())
    assert consents(site, 2)[-1].withdrawn


def test_a_withdrawal_while_it_is_used_stops_the_answer(
    site: LoginSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = granted(site, 2, "name")
    id_ = consents(site, 2)[-1].allowed.grant
    before = site.office.exchanges.attributes

    async def slow(*asked: Any) -> Any:
        found = await before(*asked)
        await site.land.country.portal.withdraw(ref(2), id_)
        return found

    monkeypatch.setattr(site.office.exchanges, "attributes", slow)
    assert problem(use(site.party(), grant)) == "latest-consent-over"


def test_nobody_ends_the_consent_of_somebody_else(site: LoginSite) -> None:
    grant = granted(site, 0, "name")
    withdraw(site, 1, consents(site, 0)[-1].allowed.grant)
    assert use(site.party(), grant).status == 200


def test_a_grant_ends_on_its_day(own_site: LoginSite) -> None:
    grant = granted(own_site, 0, "name", days="30")
    own_site.land.clock.advance(30 * DAY - 30)
    assert use(own_site.party(), grant).status == 200
    own_site.land.clock.advance(60)
    assert problem(use(own_site.party(), grant)) == "latest-consent-over"


def test_of_one_who_has_died_nobody_hears_more_than_that_the_consent_is_over(own_site: LoginSite) -> None:
    grant = granted(own_site, 0, "name")
    report(own_site, 0, Died())
    own_site.run(own_site.land.country.refresh())
    answer = use(own_site.party(), grant)
    assert problem(answer) == "latest-consent-over"
    assert set(answer.json) == {"error", "error_description", "problem"}


def test_a_suspended_relying_party_gets_nothing(own_site: LoginSite) -> None:
    grant = granted(own_site, 0, "name")
    suspend(own_site.land, "domain", "yokohama/childcare-site")
    own_site.run(own_site.land.country.refresh())
    assert problem(use(own_site.party(), grant)) == "suspended"


# --- and nobody keeps who allowed what to whom -------------------------------------------------------------------


def test_no_consent_without_its_entry(site: LoginSite) -> None:
    """Where it cannot be filed that the person agreed, the relying party hears nothing."""
    browser, codes = at_consent(site, 0, site.party()), len(site.office.codes)

    async def convert(caller: PartyName, message: converter.Convert) -> converter.Converted:
        if decode(message.record, RecordPart).kind is Kind.DECISION:
            raise PartyUnavailable(party="mailbox-b")
        return await hop.convert(office_of(site.land, 1), caller, message)

    with taken_over(site.land, CONVERTERS[0], converter.CONVERT, convert):
        answer = agree(browser, "name")
    assert (answer.status, len(site.office.codes)) == (503, codes)


def test_the_provider_keeps_nothing_of_a_consent_or_a_use(site: LoginSite) -> None:
    paper = site.paper(0)
    before = snapshot(site.land.folder, "portal")
    party = site.party()
    browser = site.browser()
    browser.authorize(party.id, push(party).json["request_uri"])
    browser.paper(paper)
    grant = party.redeem(agree(browser, "name").said["code"]).json["latest_grant"]
    assert use(party, grant).status == 200
    after = snapshot(site.land.folder, "portal")
    assert after == {**before, "login_paper": after["login_paper"]}
    assert len(after["login_paper"]) == len(before["login_paper"]) - 1


def test_a_withdrawal_leaves_a_mark_and_a_day(site: LoginSite) -> None:
    granted(site, 0, "name")
    id_ = consents(site, 0)[-1].allowed.grant
    before = snapshot(site.land.folder, "portal")["login_withdrawn"]
    withdraw(site, 0, id_)
    (row,) = [each for each in snapshot(site.land.folder, "portal")["login_withdrawn"] if each not in before]
    mark, day = row
    assert len(bytes(mark)) == 32
    assert day == site.now // DAY + 366
    disk = b"".join(path.read_bytes() for path in site.land.folder.glob("portal.sqlite*"))
    for word in (CHILDCARE.encode(), PURPOSE.encode(), b"childcare-site"):
        assert word not in disk


def test_the_registry_neither_hears_for_whom_nor_tells_two_uses_of_one_grant(site: LoginSite) -> None:
    grant = granted(site, 0, "name")
    with recorded() as passages:
        for _ in range(2):
            assert use(site.party(), grant).status == 200
    heard = [each.body for each in passages if each.to == "registry"]
    assert len(heard) == 2
    id_ = consents(site, 0)[-1].allowed.grant
    for word in (CHILDCARE.encode(), b"childcare-site", PURPOSE.encode(), id_):
        assert not any(word in each.body + each.answer for each in passages)
    rows = [row for row in read(site, 0).rows if getattr(row.record, "common", None) is not None]
    marks = [row.record.personal.parent for row in rows[-12:] if getattr(row.record.personal, "parent", b"")]  # type: ignore[union-attr]
    assert len(marks) == len(set(marks)) >= 2


def test_an_answer_is_for_no_cache(site: LoginSite) -> None:
    answer = use(site.party(), granted(site, 0, "name"))
    assert answer.headers["cache-control"] == ["no-store"]
