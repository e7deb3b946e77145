"""The pages of a desk, without script: from the first code to the closed case, in three languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desk_land import INCOME, SAPPORO, DeskLand
from desk_pages import Terminal, words
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.country import COMMISSION
from kakine.parties.gateway.desk import people
from kakine.parties.gateway.desk.office import Rules
from kakine.parties.gateway.desk.people_store import Role, Use
from kakine.values.problems import PartyUnavailable
from web.kit import Plain

from land import KOSEKI


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded


_TURN: list[int] = []


@pytest.fixture
def terminal(country: DeskLand) -> Terminal:
    """New people and applications, and a site of their own."""
    _TURN.append(1)
    return Terminal(DeskLand.restaffed(country.land, f"P{len(_TURN)}"))


@pytest.mark.parametrize("prefix", ["", "/easy", "/en"])
def test_a_case_from_opening_to_closing(terminal: Terminal, prefix: str) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    page = hana.get(f"{prefix}/cases/{number}")
    assert page.status == 200
    for said in ("JO106.1", "JO106.2", "第2条表106の項・第108条", "TK-0002"):
        assert said in page.text
    answer = terminal.ask(hana, number)
    shown = words(hana.get(prefix + answer_path(hana, number)))
    assert f"{INCOME:,}" in shown
    assert ("横浜市" in shown) or ("City of Yokohama" in shown)
    assert answer.headers["cache-control"] == ["no-store"]
    printed = words(hana.get(f"{prefix}/cases/{number}/print"))
    assert f"{INCOME:,}" in printed
    assert terminal.land.hana.official in printed
    hana.get(f"/cases/{number}")
    assert hana.send(f"/cases/{number}/close").location == "/cases"
    closed = words(hana.get(f"{prefix}/cases/{number}"))
    assert "ref-0" not in closed
    gone = words(hana.get(prefix + answer_path(hana, number)))
    assert str(INCOME) not in gone.replace(",", "")


def answer_path(browser: Plain, number: str) -> str:
    """Of the only answer in a case."""
    page = browser.get(f"/cases/{number}")
    return f"/cases/{number}/answers/" + page.text.partition(f"/cases/{number}/answers/")[2].partition('"')[0]


def test_the_papers_that_are_replaced_and_that_remain(terminal: Terminal) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    shown = words(hana.get(f"/cases/{number}"))
    replaced = shown.partition("課税(非課税)証明書")[2][:40]
    assert replaced.split()[:3] == ["JO106.2", "申請した人", "なし"]


def test_a_row_that_the_law_stops_is_shown_as_stopped_with_the_reason(terminal: Terminal) -> None:
    """The commission suspends one row; the page says so and offers no button."""
    country = terminal.land.land.country
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    stop = Narrow([Stop("row", "JO106.4")], [], "誤った登録を調べています", "wrong entries are looked into")
    terminal.land.run(country.peers(COMMISSION).ask(COMMISSION, SUSPEND, stop))
    terminal.land.run(country.refresh())
    shown = hana.get(f"/cases/{number}").text
    card = shown.partition("公金受取口座情報")[2].partition("</div>\n</div>")[0]
    assert "止められています" in card
    assert "wrong entries are looked into" in card
    assert 'value="JO106.4"' not in shown


def test_a_waiting_case_is_let_open_by_the_supervisor(terminal: Terminal) -> None:
    hana, chief = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.chief)
    number = terminal.open(hana, 0, application="手書き")
    assert "係長の確認を待っています" in hana.get(f"/cases/{number}").text
    room = words(chief.get("/room"))
    assert number in room
    assert "ref-0" not in room
    assert chief.send(f"/room/{number}/decide", decision="let").status == 303
    assert f"{INCOME:,}円" in words(terminal.ask(hana, number))


def test_drawn_cases_are_reviewed_and_others_given_away(country: DeskLand) -> None:
    terminal = Terminal(DeskLand.restaffed(country.land, "R", Rules(review_one_in=1)))
    hana, chief = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.chief)
    first, second = terminal.open(hana, 0), terminal.open(hana, 1)
    terminal.ask(hana, first)
    room = words(chief.get("/room"))
    assert "JO106.2 1回" in room
    assert "ref-0" not in room
    assert chief.send(f"/room/{first}/review", found="stop").status == 303
    assert "終了" in words(hana.get(f"/cases/{first}"))
    chief.get("/room")
    assert chief.send(f"/room/{second}/assign", official=terminal.land.taro.official).status == 303
    assert hana.get(f"/cases/{second}").status == 404
    taro = terminal.logged_in(terminal.land.taro)
    assert taro.get(f"/cases/{second}").status == 200


def test_the_administrator_adds_prints_locks_and_removes(terminal: Terminal) -> None:
    admin = terminal.logged_in(terminal.land.admin)
    admin.get("/people")
    made = admin.send("/people", name="新人 一郎", unit="給付係", role=Role.CLERK.value)
    code = made.text.partition('id="code">')[2].partition("<")[0]
    assert len(code) == 19
    newcomer = terminal.browser()
    newcomer.get("/enrol")
    assert newcomer.send("/enrol", code=code).location == "/enrol/way"
    (person,) = [p for p in people.all_of(terminal.land.desk, None) if p.name == "新人 一郎"]
    admin.get("/people")
    assert admin.send(f"/people/{person.official}/code", use=Use.ENROL.value).status == 200
    admin.get("/people")
    assert admin.send(f"/people/{person.official}/state", state="removed").status == 303
    assert f"/people/{person.official}/state" not in admin.get("/people").text


def test_everybody_reads_the_part_of_the_journal_that_is_theirs(terminal: Terminal) -> None:
    hana, admin = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.admin)
    chief, other = terminal.logged_in(terminal.land.chief), terminal.logged_in(terminal.land.other_chief)
    number = terminal.open(hana, 3)
    terminal.ask(hana, number, provider=str(SAPPORO))
    own, unit = words(hana.get("/journal")), words(chief.get("/journal"))
    for page in (own, unit):
        assert number in page
        assert "JO106.2" in page
        assert "ref-3" not in page
        assert "札幌" not in page
        assert "sapporo" not in page
    assert number not in words(admin.get("/journal"))
    assert number not in words(other.get("/journal"))


def test_what_did_not_arrive_can_be_sent_again_from_the_page(terminal: Terminal) -> None:
    peers = terminal.land.land.yokohama.office.seat.peers
    ask = peers.ask

    async def broken(to: object, call: object, message: object) -> object:
        if getattr(call, "path", "").endswith("/deliver"):
            raise PartyUnavailable(party=str(to))
        return await ask(to, call, message)  # type: ignore[arg-type]

    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    peers.ask = broken  # type: ignore[method-assign,assignment]
    try:
        waiting = terminal.ask(hana, number)
    finally:
        peers.ask = ask  # type: ignore[method-assign]
    assert "まだ届いていません" in waiting.text
    to = next(each for each in hana.forms if each.endswith("/again"))
    assert f"{INCOME:,}円" in words(hana.get(hana.send(to).location))


def test_a_page_of_nobody_leads_to_the_login(terminal: Terminal) -> None:
    for path in ("/cases", "/room", "/people", "/journal", "/cases/2026-000001"):
        found = terminal.browser().get(path)
        assert (found.status, found.location) == (303, "/")


def test_single_offices_are_named_and_need_no_choice(terminal: Terminal) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    shown = terminal.ask(hana, number, row="JO106.1", provider=str(KOSEKI))
    assert "この機関には記録がありません" in shown.text
