"""Attacks on the resident's site: another person's session, a card that was found, text of an agency, a page after the
end, a form sent again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_maker import PIN, Roots
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.contracts.login import Signer
from kakine.country import COMMISSION
from kakine.crypto.cards import CardCertificate
from kakine.protocols.logins import challenge_digest
from kakine.wire.canonical import decode
from kakine.wire.login import Challenge
from web.kit import Plain
from web.portal_site import PortalLand

from land import CHILDREN, ref

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    roots = Roots()
    with PortalLand.opened(tmp_path_factory.mktemp("portal") / "land", standing=roots) as opened:
        opened.roots = roots  # type: ignore[attr-defined]
        yield opened


def by_card(portal: PortalLand, j: int) -> Plain:
    """A browser whose user has the card of person j and knows its PIN, and nothing else."""
    land = portal.site.land
    card: Signer = portal.roots.card(land.clock())  # type: ignore[attr-defined]
    portal.site.give_card(j, CardCertificate(card.certificate).digest)
    plain = Plain(portal.app, portal.origin, portal.site.run)
    plain.get("/")
    told = plain.call("/enter/card/challenge", b"{}", plain.token).json
    challenge = decode(base64.b64decode(told["challenge"]), Challenge)
    signature = card.sign(challenge_digest(challenge), PIN)
    answer = {"certificate": base64.b64encode(card.certificate).decode()}
    answer["signature"] = base64.b64encode(signature).decode()
    assert plain.call("/enter/card", json.dumps(answer).encode(), plain.token).json == {"next": "/"}
    return plain


def test_a_found_card_with_its_pin_reads_and_decides_nothing_that_matters(portal: PortalLand) -> None:
    """The ex-partner: the card, the PIN, and every form of every page by hand."""
    thief = by_card(portal, 0)
    page = thief.get("/ways").text
    assert 'action="/ways/remove"' not in page
    form = thief.forms["/ways/lost"]
    for path in ("/ways/passkey/options", "/ways/passkey"):
        refused = thief.call(path, b"{}", form["token"])
        assert (refused.status, refused.json["type"]) == (403, "urn:kakine:problem:step-up-needed")
    refused = thief.post("/ways/remove", form)
    assert (refused.status, "step-up-needed" in refused.text) == (403, True)
    assert 'href="/again"' in refused.text


def test_a_card_and_a_paper_of_two_people_are_no_step_up(portal: PortalLand) -> None:
    thief = by_card(portal, 0)
    thief.get("/again")
    answer = thief.send("/enter/paper", code=portal.site.paper(1))
    assert (answer.status, "login-not-known" in answer.text) == (403, True)
    assert thief.call("/ways/passkey/options", b"{}", thief.token).status == 403


def test_showing_a_second_way_changes_cookie_token_and_visit(portal: PortalLand) -> None:
    """Whoever has read the cookie before the step-up has nothing after it."""
    owner = portal.entered(0)
    owner.get("/again")
    stolen = Plain(portal.app, portal.origin, portal.site.run, owner.cookie)
    token = owner.token
    owner.send("/enter/paper", code=portal.site.paper(0))
    assert stolen.get("/decisions").location == "/"
    owner.get("/ways")
    assert owner.token != token


def test_the_cookie_of_before_the_login_opens_no_room(portal: PortalLand) -> None:
    victim = portal.browser()
    planted = victim.cookie
    victim.send("/enter/paper", code=portal.site.paper(0))
    attacker = Plain(portal.app, portal.origin, portal.site.run, planted)
    assert attacker.get("/history").location == "/"
    assert victim.get("/history").status == 200


def test_no_account_can_be_named_from_outside(portal: PortalLand) -> None:
    """Acts of one person are not there for another, however they are named."""
    by_card(portal, 0)
    owner = portal.entered(0)
    owner.get("/ways")
    assert owner.send("/ways/lost", ref=owner.forms["/ways/lost"]["ref"]).location == "/decisions"
    owner.get("/decisions")
    act = owner.forms["/acts/undo"]["act"]
    other = portal.entered(1)
    page = other.get("/ways").text
    assert "/ways/lost" not in page
    other.get("/help")
    other.get("/again")
    once = other.forms["/enter/paper"]
    refused = other.post("/acts/undo", once | {"act": act, "account": "ref-0"})
    assert (refused.status, "act-unknown" in refused.text) == (404, True)
    assert owner.send("/acts/undo").location == "/decisions"


def test_a_form_of_one_person_in_the_session_of_another_changes_nothing(portal: PortalLand) -> None:
    mine, theirs = portal.entered(0), portal.entered(1)
    mine.get("/again")
    theirs.get("/again")
    refused = theirs.post("/enter/paper", mine.forms["/enter/paper"] | {"code": portal.site.paper(1)})
    assert (refused.status, "form-unfit" in refused.text) == (400, True)


@pytest.mark.parametrize("how", ["/leave", "/away"])
def test_nothing_opens_after_logging_out_or_leaving(portal: PortalLand, how: str) -> None:
    """Neither the cookie nor the visit behind it; and no page may have been kept."""
    plain = portal.entered(0)
    page = plain.get("/history")
    assert page.headers["cache-control"] == ["no-store"]
    kept, inside = plain.cookie, len(portal.visits)
    plain.send(how)
    assert len(portal.visits) == inside - 1
    assert Plain(portal.app, portal.origin, portal.site.run, kept).get("/history").location == "/"


def test_a_visit_that_is_over_shows_no_page_of_it(portal: PortalLand) -> None:
    """Ended elsewhere, while the session's cookie is still good: a lost card, a removed passkey."""
    plain = portal.entered(1)
    portal.visits.end(ref(1))
    for path in ("/history", "/decisions", "/ways", "/letters", "/again"):
        assert (plain.get(path).status, plain.get(path).location) == (303, "/")


def test_a_page_that_somebody_wished_for_is_not_where_one_is_sent(portal: PortalLand) -> None:
    plain = Plain(portal.app, portal.origin, portal.site.run)
    plain.get("/?next=//evil.example")
    answer = plain.send("/enter/paper", code=portal.site.paper(0))
    assert answer.location == "/"
    plain.get("/again?next=//evil.example")
    assert plain.send("/enter/paper", code=portal.site.paper(0), next="//evil.example").location == "/"


def test_an_objection_sent_again_is_one_objection(portal: PortalLand) -> None:
    plain = portal.entered(0)
    plain.get("/history")
    form = plain.forms["/decisions/objections"] | {"reason": "not-me", "index": "0", "xid": "00" * 16}
    log = portal.site.land.country.logs[0].origin
    assert "objection-unfit" in plain.post("/decisions/objections", form | {"log": log}).text
    again = plain.post("/decisions/objections", form | {"log": log})
    assert (again.status, "form-spent" in again.text) == (409, True)


def test_what_an_agency_or_the_law_writes_stays_text(tmp_path: Path) -> None:
    with PortalLand.opened(tmp_path / "land", people=1) as portal:
        land = portal.site.land
        stop = Narrow([Stop("domain", CHILDREN)], [], EVIL, EVIL)
        land.run(land.country.peers("commission").ask(COMMISSION, SUSPEND, stop))
        land.run(land.country.refresh())
        plain = portal.entered(0)
        for path in ("/letters", "/en/letters", "/coverage"):
            page = plain.get(path).text
            assert "alert(1)" not in page or "&lt;script&gt;alert(1)" in page
            assert "<img" not in page
        assert "&lt;script&gt;alert(1)" in plain.get("/letters").text
