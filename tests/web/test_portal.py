"""The resident's site: coming in, the first page, every room, in three languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kakine.wire.canonical import decode, encode
from kakine.wire.reading import MEDIA, HistoryAsked, HistoryGiven
from web.kit import PREFIXES, Plain, text_of
from web.portal_site import PortalLand

ROOMS = (
    "/", "/data", "/history", "/decisions", "/consents", "/mandates", "/account", "/letters", "/paper", "/held",
    "/coverage", "/help", "/again", "/tour", "/shield", "/number",
)  # fmt: skip


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    with PortalLand.opened(tmp_path_factory.mktemp("portal") / "land") as opened:
        yield opened


def test_who_has_not_come_in_sees_how_and_what_everybody_may_see(portal: PortalLand) -> None:
    plain = portal.browser()
    page = plain.get("/").text
    assert "窓口でもらった紙のコード" in page
    for path in ("/coverage", "/help"):
        assert plain.get(path).status == 200
    for path in ("/history", "/decisions", "/letters", "/again"):
        assert plain.get(path).location == "/"


def test_a_paper_from_a_counter_opens_the_three_answers(portal: PortalLand) -> None:
    page = text_of(portal.entered(0).get("/").text)
    assert "どこが、何を持っているか" in page
    assert "だれが、なぜ尋ねたか" in page
    assert "決められること" in page


@pytest.mark.parametrize("language", PREFIXES)
def test_every_room_is_there_in_every_language_and_no_link_is_dead(portal: PortalLand, language: str) -> None:
    prefix = PREFIXES[language]
    plain = portal.entered(0, prefix)
    seen, waiting = set[str](), [prefix + room if room != "/" else prefix or "/" for room in ROOMS]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = plain.get(path)
        assert answer.status == 200, path
        if path.startswith("/static/"):
            continue
        waiting += [each for each in links(answer.text) if each not in seen and each not in waiting]


def links(page: str) -> list[str]:
    import re

    return [each for each in re.findall(r'(?:href|src)="([^"#][^"]*)"', page) if each.startswith("/")]


def test_a_paper_opens_once(portal: PortalLand) -> None:
    code = portal.site.paper(0)
    first, second = portal.browser(), portal.browser()
    assert first.send("/enter/paper", code=code).status == 303
    refused = second.send("/enter/paper", code=code)
    assert (refused.status, "login-not-known" in refused.text) == (403, True)
    assert "窓口で新しいコードを受け取ってください" in refused.text


def test_the_history_is_given_sealed_to_the_browsers_own_key(portal: PortalLand) -> None:
    plain = portal.entered(0)
    plain.get("/history")
    asked = encode(HistoryAsked(b"\x09" + bytes(31)))
    answer = plain.call("/history/read", asked, plain.token)
    assert (answer.status, answer.headers["content-type"]) == (200, [MEDIA])
    assert decode(answer.body, HistoryGiven).lists


def test_the_history_says_what_to_do_without_script(portal: PortalLand) -> None:
    page = portal.entered(0).get("/history").text
    within = page[page.index("<noscript>") : page.index("</noscript>")]
    assert "JavaScript" in within
    assert 'href="/help"' in within


def test_the_coverage_page_names_what_is_inside_and_what_is_not(portal: PortalLand) -> None:
    page = text_of(Plain(portal.app, portal.origin, portal.site.run).get("/en/coverage").text)
    assert "762 rows" in page
    assert "Bodies not yet inside the gate" in page
    assert "running" in page


def test_the_list_of_acts_says_what_it_takes_to_undo_one_that_protects(portal: PortalLand) -> None:
    plain = portal.entered(1)
    plain.get("/data/tax")
    assert plain.send("/data/close", area="tax").status == 303
    page = text_of(plain.get("/en/decisions").text)
    assert "undoing it takes both card and passkey, or a code from a counter" in page
    assert "If you did not ask for it" not in page


def test_logging_out_ends_the_visit_too(portal: PortalLand) -> None:
    plain = portal.entered(0)
    plain.get("/decisions")
    assert plain.send("/leave").location == "/"
    assert plain.get("/decisions").location == "/"


def test_a_relying_partys_login_goes_on_at_the_same_address(portal: PortalLand) -> None:
    plain = Plain(portal.app, portal.origin, portal.site.run)
    found = plain.get("/.well-known/openid-configuration", accept="application/json")
    assert found.json["issuer"] == portal.origin
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"][0]
    assert plain.get("/authorize").status == 400


# --- ways in, and acts that wait ------------------------------------------------------------------------------


def test_after_a_paper_ways_in_can_be_changed_and_without_step_up_not(portal: PortalLand) -> None:
    page = portal.entered(0).get("/ways").text
    assert 'id="create"' in page


def test_the_room_of_ways_in_leads_to_the_step_up_and_back(portal: PortalLand) -> None:
    plain = portal.entered(1)
    plain.get("/ways")
    plain.get("/again")
    answer = plain.send("/enter/paper", code=portal.site.paper(1))
    assert answer.location == "/ways"


def test_a_second_way_of_somebody_else_opens_nothing(portal: PortalLand) -> None:
    plain = portal.entered(0)
    plain.get("/again")
    answer = plain.send("/enter/paper", code=portal.site.paper(1))
    assert (answer.status, "login-not-known" in answer.text) == (403, True)
