"""The ground under every site: languages, dates, headers, refusals as pages, files, and what a form must carry."""

from __future__ import annotations

import json
from datetime import date

import pytest

from kakine.values.problems import SessionUnknown
from kakine.web.dates import day_text, moment_text, month_text
from kakine.web.language import Language, language_of
from kakine.web.pages import Assets
from kakine.web.sessions import MOST, Sessions
from kakine.web.site import Settings
from web.kit import Plain, text_of
from web.sample import sample

from land import Clock, Entropy

ORIGIN = "http://localhost:8499"
MOMENT = 1_795_323_900_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plain(clock: Clock) -> Plain:
    return Plain(sample(Settings(ORIGIN, "kakine-sample", clock, Entropy(b"web"))).app(), ORIGIN)


def entered(plain: Plain, name: str = "花子") -> Plain:
    plain.get("/")
    assert plain.send("/enter", name=name).location == "/parts"
    return plain


# --- dates ---


@pytest.mark.parametrize(
    ("day", "ja", "easy", "en"),
    [
        (
            date(2026, 11, 22),
            "令和8年11月22日（2026年）",
            "2026年（令和8年）11月22日",
            "22 November 2026 (Reiwa 8)",
        ),
        (date(2019, 5, 1), "令和元年5月1日（2019年）", "2019年（令和元年）5月1日", "1 May 2019 (Reiwa 1)"),
        (
            date(2019, 4, 30),
            "平成31年4月30日（2019年）",
            "2019年（平成31年）4月30日",
            "30 April 2019 (Heisei 31)",
        ),
        (
            date(1989, 1, 7),
            "昭和64年1月7日（1989年）",
            "1989年（昭和64年）1月7日",
            "7 January 1989 (Showa 64)",
        ),
        (
            date(1926, 12, 24),
            "大正15年12月24日（1926年）",
            "1926年（大正15年）12月24日",
            "24 December 1926 (Taisho 15)",
        ),
        (
            date(1912, 7, 29),
            "明治45年7月29日（1912年）",
            "1912年（明治45年）7月29日",
            "29 July 1912 (Meiji 45)",
        ),
        (date(1868, 1, 1), "1868年1月1日", "1868年1月1日", "1 January 1868"),
    ],
)
def test_a_day_stands_in_both_calendars(day: date, ja: str, easy: str, en: str) -> None:
    said = [day_text(day, language) for language in (Language.JA, Language.EASY, Language.EN)]
    assert said == [ja, easy, en]


def test_a_moment_is_told_by_the_clocks_of_japan() -> None:
    assert moment_text(MOMENT, Language.JA) == "令和8年11月22日（2026年）14時05分"
    assert moment_text(MOMENT, Language.EN) == "22 November 2026 (Reiwa 8), 14:05"
    assert moment_text(MOMENT + 10 * 3_600_000, Language.EASY) == "2026年（令和8年）11月23日 00時05分"


def test_a_month_has_the_era_of_its_last_day() -> None:
    assert month_text(2019, 5, Language.JA) == "令和元年5月（2019年）"
    assert month_text(1989, 1, Language.EN) == "January 1989 (Heisei 1)"
    assert month_text(2026, 12, Language.EASY) == "2026年（令和8年）12月"


# --- languages ---


def test_the_language_stands_in_the_path() -> None:
    assert language_of("/en/parts") == (Language.EN, "/parts")
    assert language_of("/easy") == (Language.EASY, "/")
    assert language_of("/entrance") == (Language.JA, "/entrance")


def test_every_page_is_there_in_three_languages_and_leads_to_the_others(plain: Plain) -> None:
    entered(plain)
    ja, easy, en = (plain.get(path).text for path in ("/parts", "/easy/parts", "/en/parts"))
    assert ("お知らせ" in ja, "部品（ぶひん）" in easy, "Components" in en) == (True, True, True)
    assert 'href="/en/parts"' in ja
    assert 'href="/parts"' in easy
    assert '<html lang="en">' in en
    assert "3 entries" in en
    assert "令和8年11月22日（2026年）14時05分" in ja


def test_whoever_enters_in_english_stays_in_english(plain: Plain) -> None:
    plain.get("/en")
    assert plain.send("/en/enter", name="Hanako").location == "/en/parts"


# --- headers and files ---


def test_every_answer_carries_the_headers(plain: Plain) -> None:
    for path, status in (("/", 200), ("/parts", 303), ("/nowhere", 404), ("/fails", 303)):
        answer = plain.get(path)
        headers = {name: values[0] for name, values in answer.headers.items()}
        assert answer.status == status
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]


def test_files_have_their_content_in_their_address(plain: Plain) -> None:
    assets = Assets("web.sample", {})
    assert Assets("web.sample", {"more.js": b"1"}).prefix != assets.prefix
    answer = plain.get(assets.url("site.css"))
    assert answer.status == 200
    assert answer.headers["cache-control"] == ["public, max-age=31536000, immutable"]
    assert answer.headers["content-type"] == ["text/css; charset=utf-8"]
    assert plain.get("/static/" + "0" * 32 + "/site.css").status == 404
    assert plain.get(f"{assets.prefix}/../templates/home.html").status == 404


def test_the_styles_are_small() -> None:
    sizes = [len(Assets("web.sample", {})._files[name]) for name in ("tokens.css", "site.css")]
    assert sum(sizes) < 30_000


def test_the_cookie_is_for_this_site_alone(plain: Plain) -> None:
    (line,) = plain.get("/").headers["set-cookie"]
    assert line.startswith("kakine-sample=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(line.split("; "))
    assert "Max-Age" not in line
    assert "Secure" not in line
    tls = Plain(
        sample(Settings("https://a.example", "kakine-sample", Clock(), Entropy(b"w"))).app(),
        "https://a.example",
    )
    answer = tls.get("/")
    assert answer.headers["set-cookie"][0].startswith("__Host-kakine-sample=")
    assert "Secure" in answer.headers["set-cookie"][0]
    assert "strict-transport-security" in answer.headers


def test_a_page_without_a_form_sets_no_cookie(plain: Plain) -> None:
    assert "set-cookie" not in plain.get("/memo").headers
    assert "set-cookie" not in plain.get("/nowhere").headers


# --- refusals ---


def test_a_refusal_is_a_page_with_its_code_and_what_to_do(plain: Plain) -> None:
    answer = plain.get("/en/nowhere")
    assert answer.status == 404
    assert '<code id="problem">route-unknown</code>' in answer.text
    assert "Page not found" in answer.text


def test_a_refusal_is_a_problem_document_for_a_program(plain: Plain) -> None:
    answer = plain.get("/nowhere", accept="*/*")
    assert answer.headers["content-type"] == ["application/problem+json"]
    assert json.loads(answer.body)["type"] == "urn:kakine:problem:route-unknown"


def test_a_fault_of_ours_shows_nothing_of_anybody(plain: Plain, caplog: pytest.LogCaptureFixture) -> None:
    answer = entered(plain).get("/fails")
    assert answer.status == 500
    assert "internal-fault" in answer.text
    assert "秘密" not in answer.text
    assert "花子" not in caplog.text


def test_a_closed_page_leads_to_the_first_one_and_a_closed_form_is_refused(plain: Plain) -> None:
    plain.get("/")
    assert (plain.get("/en/parts").status, plain.get("/en/parts").location) == (303, "/en")
    answer = plain.post("/keep", {"token": plain.token, "once": "0" * 32, "word": "a"})
    assert (answer.status, "session-unknown" in answer.text) == (403, True)


def test_a_body_over_the_limit_is_not_read_to_its_end(plain: Plain) -> None:
    entered(plain).get("/parts")
    assert plain.send("/keep", word="あ" * 400).status == 413


@pytest.mark.parametrize("body", [{"word": "a\x00b"}, {"word": "a\x1bb"}, [("word", "a"), ("word", "b")]])
def test_a_form_with_control_characters_or_a_field_twice_is_refused(plain: Plain, body: object) -> None:
    entered(plain).get("/parts")
    pairs = list(plain.forms["/keep"].items()) + list(body.items() if isinstance(body, dict) else body)  # type: ignore[call-overload]
    answer = plain.post("/keep", pairs)
    assert (answer.status, "form-unfit" in answer.text) == (400, True)


# --- sessions ---


def test_a_session_ends_when_it_is_quiet_and_in_any_case(plain: Plain, clock: Clock) -> None:
    entered(plain)
    for _ in range(4):
        clock.advance(14 * 60)
        assert plain.get("/parts").status == 200
    clock.advance(5 * 60)
    assert plain.get("/parts").location == "/"
    entered(plain)
    clock.advance(15 * 60)
    assert plain.get("/parts").location == "/"


def test_strangers_push_out_nobody_who_is_known() -> None:
    sessions: Sessions[str] = Sessions(Clock(), Entropy(b"many"))
    name, _ = sessions.admit(None, "花子")
    first, _ = sessions.begin()
    for _ in range(MOST):
        sessions.begin()
    assert sessions.find(name).value == "花子"
    with pytest.raises(SessionUnknown):
        sessions.find(first)


def test_a_script_of_ours_calls_with_the_token(plain: Plain) -> None:
    entered(plain).get("/parts")
    answer = plain.call("/script", b"\x00\x01", plain.token)
    assert answer.json == {"who": "花子", "bytes": 2}
    refused = plain.call("/script", b"", "0" * 64)
    assert (refused.status, refused.json["type"]) == (400, "urn:kakine:problem:form-unfit")


def test_a_page_says_what_it_was_given(plain: Plain) -> None:
    page = text_of(entered(plain, "花子").get("/parts").text)
    assert "横浜市 142" in page


def test_logging_out_ends_the_session_and_tells_the_site() -> None:
    gone: list[str] = []
    settings = Settings(ORIGIN, "kakine-sample", Clock(), Entropy(b"left"))
    plain = entered(Plain(sample(settings, left=gone.append).app(), ORIGIN))
    plain.get("/parts")
    answer = plain.send("/leave")
    assert (answer.location, plain.cookie) == ("/", "")
    assert answer.headers["clear-site-data"] == ['"cache"']
    assert gone == ["花子"]


def test_a_quick_exit_works_when_the_session_is_over(plain: Plain, clock: Clock) -> None:
    entered(plain).get("/parts")
    clock.advance(3600)
    assert plain.send("/away").location == "/memo"


def test_a_quick_exit_may_lead_elsewhere_and_only_there() -> None:
    settings = Settings(ORIGIN, "kakine-sample", Clock(), Entropy(b"away"), "https://weather.example/today")
    plain = entered(Plain(sample(settings).app(), ORIGIN))
    page = plain.get("/parts")
    assert "form-action 'self' https://weather.example;" in page.headers["content-security-policy"][0]
    assert plain.send("/away").location == "https://weather.example/today"


def test_somebody_who_no_longer_counts_is_asked_to_log_in() -> None:
    def stands(name: str) -> None:
        if name == "太郎":
            raise SessionUnknown()

    settings = Settings(ORIGIN, "kakine-sample", Clock(), Entropy(b"stands"))
    plain = entered(Plain(sample(settings, stands=stands).app(), ORIGIN), "太郎")
    assert plain.get("/parts").location == "/"
    assert plain.post("/keep", {"token": plain.token, "once": "0" * 32}).status == 400
