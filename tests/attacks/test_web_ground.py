"""Attacks on what every site stands on: forged and replayed forms, frames, fixed sessions, hosts, text as markup."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request

from kakine.values.problems import InternalFault
from kakine.web.language import Language
from kakine.web.site import Settings
from kakine.web.turn import Turn
from web.kit import Plain
from web.sample import sample

from land import Clock, Entropy

ORIGIN = "http://localhost:8499"
EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "{{ 5557*3 }}",
)


@pytest.fixture
def plain() -> Plain:
    return Plain(sample(Settings(ORIGIN, "kakine-sample", Clock(), Entropy(b"web"))).app(), ORIGIN)


def entered(plain: Plain, name: str = "花子") -> Plain:
    plain.get("/")
    assert plain.send("/enter", name=name).location == "/parts"
    plain.get("/parts")
    return plain


@pytest.mark.parametrize("text", EVIL)
def test_a_value_never_becomes_markup(plain: Plain, text: str) -> None:
    """In text, in attributes, in a table, in a choice, in all three languages."""
    entered(plain, text)
    for path in ("/parts", "/easy/parts", "/en/parts"):
        page = plain.get(path).text
        assert page.count("<script") == 1  # away.js
        assert "<img" not in page
        assert "autofocus onfocus=alert(1) x='" not in page
        assert "16671" not in page
    answer = plain.send("/keep", word=text).text
    assert (answer.count("<script"), "<img" in answer, "16671" in answer) == (1, False, False)


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.example", "http://localhost:8500", "https://localhost:8499"]
)
def test_a_form_of_another_origin_changes_nothing(plain: Plain, origin: str) -> None:
    """Even with the token, which it cannot know."""
    entered(plain)
    answer = plain.post("/keep", plain.forms["/keep"] | {"word": "a"}, origin=origin)
    assert (answer.status, "origin-refused" in answer.text) == (403, True)
    answer = plain.call("/script", b"", plain.token, origin=origin or "null")
    assert answer.status == 403


def test_a_browser_that_says_cross_site_is_believed(plain: Plain) -> None:
    entered(plain)
    answer = plain.post("/keep", plain.forms["/keep"] | {"word": "a"}, **{"sec-fetch-site": "same-site"})
    assert answer.status == 403


def test_a_form_without_this_sessions_token_changes_nothing(plain: Plain) -> None:
    other = Plain(plain.app, ORIGIN)
    entered(plain)
    entered(other, "太郎")
    stolen = other.forms["/keep"]
    answer = plain.post("/keep", stolen | {"word": "a"})
    assert (answer.status, "form-unfit" in answer.text) == (400, True)
    assert plain.call("/script", b"", other.token).status == 400
    assert plain.post("/keep", {"word": "a", "once": "0" * 32}).status == 400


def test_a_form_counts_once(plain: Plain) -> None:
    entered(plain)
    first = plain.forms["/keep"] | {"word": "a"}
    assert plain.post("/keep", first).status == 200
    again = plain.post("/keep", first)
    assert (again.status, "form-spent" in again.text) == (409, True)


def test_a_cookie_from_before_the_login_opens_nothing(plain: Plain) -> None:
    """Session fixation: the attacker gives the victim a cookie and waits."""
    plain.get("/")
    planted = plain.cookie
    plain.send("/enter", name="花子")
    assert plain.cookie != planted
    attacker = Plain(plain.app, ORIGIN, cookie=planted)
    assert attacker.get("/parts").location == "/"


def test_a_name_of_the_attackers_choice_is_not_taken(plain: Plain) -> None:
    plain.cookie = "kakine-sample=" + "a" * 64
    plain.get("/")
    assert plain.cookie != "kakine-sample=" + "a" * 64


def test_after_logging_out_the_cookie_opens_nothing(plain: Plain) -> None:
    entered(plain)
    kept = plain.cookie
    plain.send("/leave")
    assert Plain(plain.app, ORIGIN, cookie=kept).get("/parts").location == "/"


def test_no_page_may_be_kept_or_framed(plain: Plain) -> None:
    """A shared device shows nothing after a session; a page in a frame cannot be clicked through."""
    answer = entered(plain).get("/parts")
    assert answer.headers["cache-control"] == ["no-store"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"][0]
    assert answer.headers["x-frame-options"] == ["DENY"]


@pytest.mark.parametrize("host", ["evil.example", "localhost:8500", "localhost", "127.0.0.1:8499", ""])
def test_another_host_is_not_served(plain: Plain, host: str) -> None:
    """A name that was rebound to this address, and links made of the host of a call."""
    entered(plain)
    answer = plain.get("/parts", host=host, **{"x-forwarded-host": "localhost:8499"})
    assert (answer.status, "花子" in answer.text) == (421, False)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb: c", "", "parts"]
)
def test_no_answer_sends_a_browser_to_another_site(plain: Plain, path: str) -> None:
    site = sample(Settings(ORIGIN, "kakine-sample", Clock(), Entropy(b"web")))
    scope = {"type": "http", "method": "GET", "headers": [], "path": "/", "query_string": b""}
    turn = Turn(site, Request(scope), Language.JA, "/")
    with pytest.raises(InternalFault):
        turn.go(path)


@pytest.mark.parametrize(
    "path", [f"{ORIGIN}//evil.example/", f"{ORIGIN}//evil.example/%2e", "/en//evil.example/"]
)
def test_a_page_offers_no_language_of_an_address_that_is_another_sites(plain: Plain, path: str) -> None:
    page = plain.get(path)
    assert page.status == 404
    assert "evil.example" not in page.text


def test_a_page_lets_no_script_in_but_files_of_its_own(plain: Plain) -> None:
    """No inline script or style anywhere, so that the policy can forbid them."""
    page = entered(plain).get("/parts").text
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in {part[:3] for part in page.split('"')}
    policy = plain.get("/parts").headers["content-security-policy"][0]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy


def test_a_file_outside_the_folder_is_not_served(plain: Plain) -> None:
    prefix = plain.get("/").text.split('href="/static/')[1].split("/")[0]
    for name in ("../__init__.py", "..%2f__init__.py", "....//site.css", str(Path(__file__))):
        assert plain.get(f"/static/{prefix}/{name}").status == 404
