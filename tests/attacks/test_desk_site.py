"""The desk's pages under attack: addresses typed by hand, foreign forms, text of other agencies, shared browsers.

What the pages stand on is attacked in test_web_ground.py, the desk behind them in test_desk.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from desk_land import ORIGIN, PASSPHRASE, SAPPORO, DeskLand, tax_data
from desk_pages import Terminal, words
from kakine.parties.gateway import claims_store
from kakine.parties.gateway.desk import case_store, complaints, people
from kakine.parties.gateway.desk.people_store import Role, State, Use
from kakine.values.identifiers import IndividualNumber
from kakine.wire.objection import Outcome
from login_site import Answer
from web.kit import Plain

from land import KOSEKI, TAX

SCRIPT = "\"><script src=//evil.example></script>'&{{7*7}}"


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded


_TURN: list[int] = []


@pytest.fixture
def terminal(country: DeskLand) -> Terminal:
    _TURN.append(1)
    made = Terminal(DeskLand.restaffed(country.land, f"S{len(_TURN)}"))
    for j in range(4):
        made.land.protect(j, on=False)
    return made


def asked(terminal: Terminal) -> int:
    rows = terminal.land.desk.office.db.read().execute("SELECT count(*) FROM desk_inquiry").fetchone()
    return int(rows[0])


def fields(browser: Plain) -> dict[str, str]:
    """A token of this session, and a number that was never used."""
    browser.get("/journal")
    return {"token": browser.forms["/out"]["token"], "once": _once()}


_ONCE: list[int] = []


def _once() -> str:
    _ONCE.append(1)
    return f"{len(_ONCE):032x}"


# --- addresses typed by hand ----------------------------------------------------------------------------------


def test_a_colleagues_case_typed_by_hand_is_as_unknown_as_none(terminal: Terminal) -> None:
    hana, taro = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.taro)
    number = terminal.open(taro, 1)
    answer = terminal.ask(taro, number)
    assert "円" in words(answer)
    (inquiry,) = case_store.inquiries(terminal.land.desk.office.db.read(), terminal.land.desk.domain, number)
    paths = [
        f"/cases/{number}",
        f"/cases/{number}/print",
        f"/cases/{number}/answers/{inquiry.id.hex()}",
        "/cases/2026-999999",
        "/cases/2026-999999/print",
    ]
    told = [hana.get(path) for path in paths]
    assert {each.status for each in told} == {404}
    assert len({words(each) for each in told}) == 1


def test_an_answer_of_another_case_typed_into_mine_is_unknown(terminal: Terminal) -> None:
    hana, taro = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.taro)
    theirs, mine = terminal.open(taro, 1), terminal.open(hana, 0)
    terminal.ask(taro, theirs)
    (inquiry,) = case_store.inquiries(terminal.land.desk.office.db.read(), terminal.land.desk.domain, theirs)
    for id_ in (inquiry.id.hex(), "zz", "00" * 16):
        assert hana.get(f"/cases/{mine}/answers/{id_}").status == 404


def test_questions_posted_by_hand_outside_the_case_change_nothing(terminal: Terminal) -> None:
    """A case of nobody, a colleague's, a person who is not in it, a row of another procedure, no provider at all."""
    hana, taro = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.taro)
    theirs, mine = terminal.open(taro, 1), terminal.open(hana, 0)
    before = asked(terminal)
    plain = {"row": "JO106.2", "person": "0", "provider": str(TAX)}
    tries: list[tuple[str, dict[str, str]]] = [
        (theirs, {}),
        ("2026-999999", {}),
        (mine, {"person": "1"}),
        (mine, {"person": "-1"}),
        (mine, {"person": "٠"}),
        (mine, {"row": "JO81.7"}),
        (mine, {"row": ""}),
        (mine, {"provider": str(KOSEKI)}),
        (mine, {"provider": SCRIPT}),
    ]
    for number, changed in tries:
        told = hana.post(f"/cases/{number}/ask", fields(hana) | plain | changed)
        assert 400 <= told.status < 500, changed
        assert "evil.example" not in told.text
    assert asked(terminal) == before
    assert hana.post(f"/cases/{mine}/ask", fields(hana) | plain).status == 303


def test_a_clerk_reaches_no_page_of_another_role(terminal: Terminal) -> None:
    hana, number = terminal.logged_in(terminal.land.hana), ""
    number = terminal.open(hana, 0, application="none")
    chief = terminal.land.chief.official
    for path in ("/room", "/people"):
        assert hana.get(path).status == 403
    for to, sent in (
        (f"/room/{number}/decide", {"decision": "let"}),
        (f"/room/{number}/review", {"found": "fine"}),
        (f"/room/{number}/assign", {"official": terminal.land.hana.official}),
        ("/people", {"name": "x", "unit": "給付係", "role": "administrator"}),
        (f"/people/{chief}/code", {"use": "enrol"}),
        (f"/people/{chief}/state", {"state": "removed"}),
    ):
        assert hana.post(to, fields(hana) | sent).status == 403, to
    assert case_store.get(terminal.land.desk.office.db.read(), "yokohama/children", number).state == "waiting"


def test_supervisor_and_administrator_see_no_case_from_inside(terminal: Terminal) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    for person in (terminal.land.chief, terminal.land.admin):
        browser = terminal.logged_in(person)
        for path in (f"/cases/{number}", f"/cases/{number}/print", "/cases"):
            assert browser.get(path).status == 403
    assert terminal.logged_in(terminal.land.chief).get("/people").status == 403
    assert terminal.logged_in(terminal.land.admin).get("/room").status == 403


# --- forms from elsewhere -------------------------------------------------------------------------------------


def test_every_form_needs_our_own_page_and_the_sessions_token(terminal: Terminal) -> None:
    hana, taro = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.taro)
    number = terminal.open(hana, 0)
    routes = [
        "/cases", f"/cases/{number}/people", f"/cases/{number}/ask", f"/cases/{number}/close",
        f"/cases/{number}/answers/00/again", "/out", "/enrol", "/login/code", "/enrol/passphrase",
        f"/room/{number}/decide", f"/room/{number}/assign", f"/room/{number}/review",
        "/people", f"/people/{terminal.land.hana.official}/code", f"/people/{terminal.land.hana.official}/state",
    ]  # fmt: skip
    for to in routes:
        assert hana.post(to, fields(hana), origin="https://evil.example").status == 403, to
        assert hana.post(to, fields(taro)).status == 400, to
        assert hana.post(to, {"once": _once()}).status == 400, to
    assert hana.get(f"/cases/{number}").status == 200


# --- who sits there -------------------------------------------------------------------------------------------


def test_a_cookie_from_before_the_login_opens_nothing_after_it(terminal: Terminal) -> None:
    """Session fixation: a planted cookie, then a login in that very browser."""
    terminal.logged_in(terminal.land.hana)
    browser = terminal.browser()
    browser.get("/")
    planted = browser.cookie
    terminal.logged_in(terminal.land.hana, browser)
    assert browser.cookie != planted
    attacker = terminal.browser()
    attacker.cookie = planted
    assert attacker.get("/cases").status == 303
    assert browser.get("/cases").status == 200


def test_two_clerks_at_two_browsers_do_not_meet(terminal: Terminal) -> None:
    hana, taro = terminal.logged_in(terminal.land.hana), terminal.logged_in(terminal.land.taro)
    first, second = terminal.open(hana, 0), terminal.open(taro, 1)
    for _ in range(2):
        assert "3,456,000" in words(terminal.ask(hana, first))
        assert "3,456,001" in words(terminal.ask(taro, second))
        assert second not in hana.get("/cases").text
        assert first not in taro.get("/cases").text


def test_a_page_left_open_by_the_last_clerk_does_nothing_for_the_next(terminal: Terminal) -> None:
    """One terminal: Hana's case stands in a tab, Taro logs in in another, then the first tab's buttons are pressed."""
    browser = terminal.logged_in(terminal.land.hana)
    number = terminal.open(browser, 0)
    browser.get(f"/cases/{number}")
    left = dict(browser.forms[f"/cases/{number}/ask"]) | {"person": "0", "provider": str(TAX)}
    close = dict(browser.forms[f"/cases/{number}/close"])
    terminal.logged_in(terminal.land.taro)
    browser.send("/out")
    terminal.logged_in(terminal.land.taro, browser)
    before = asked(terminal)
    assert browser.post(f"/cases/{number}/ask", left).status == 400
    assert browser.post(f"/cases/{number}/close", close).status == 400
    assert asked(terminal) == before
    assert number not in browser.get("/cases").text


def test_a_login_over_somebody_who_forgot_to_log_out_ends_that_shift(terminal: Terminal) -> None:
    terminal.logged_in(terminal.land.taro)
    browser = terminal.logged_in(terminal.land.hana)
    forgotten = browser.cookie
    sent = browser.post(
        "/login/code",
        fields(browser)
        | {"code": terminal.land.paper(terminal.land.taro, Use.SHIFT), "passphrase": PASSPHRASE},
    )
    assert sent.status == 303
    assert terminal.land.taro.name in browser.get("/cases").text
    attacker = terminal.browser()
    attacker.cookie = forgotten
    assert attacker.get("/cases").status == 303


def test_logging_out_empties_the_browser_and_the_session(terminal: Terminal) -> None:
    browser = terminal.logged_in(terminal.land.hana)
    cookie = browser.cookie
    browser.get("/cases")
    out = browser.send("/out")
    assert out.headers["clear-site-data"] == ['"cache", "storage"']
    assert browser.cookie == ""
    browser.cookie = cookie
    assert browser.get("/cases").status == 303
    assert terminal.land.journal("logged-out")[-1].official == terminal.land.hana.official


@pytest.mark.parametrize("state", [State.LOCKED, State.REMOVED])
def test_who_is_removed_in_the_middle_of_a_case_is_out_at_the_next_click(
    terminal: Terminal, state: State
) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    hana.get(f"/cases/{number}")
    terminal.land.run(people.set_state(terminal.land.desk, None, terminal.land.hana.official, state))
    before = asked(terminal)
    sent = hana.send(f"/cases/{number}/ask", row="JO106.2", person="0", provider=str(TAX))
    assert sent.status == 403
    assert hana.get(f"/cases/{number}").status == 303
    assert asked(terminal) == before


def test_a_shift_ends_after_a_pause_and_after_a_long_day(terminal: Terminal) -> None:
    clock = terminal.land.land.clock
    hana = terminal.logged_in(terminal.land.hana)
    clock.advance(14 * 60)
    assert hana.get("/cases").status == 200
    clock.advance(16 * 60)
    assert hana.get("/cases").status == 303
    hana = terminal.logged_in(terminal.land.hana)
    for _ in range(10 * 60 // 14):
        clock.advance(14 * 60)
        assert hana.get("/cases").status == 200
    clock.advance(14 * 60)
    assert hana.get("/cases").status == 303


def test_no_page_may_be_kept_and_no_field_is_filled_in_again(terminal: Terminal) -> None:
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    for path in ("/cases", f"/cases/{number}", f"/cases/{number}/print", "/journal"):
        page = hana.get(path)
        assert page.headers["cache-control"] == ["no-store"]
    fields_ = [each for each in hana.get("/cases").text.split("<input")[1:] if 'type="hidden"' not in each]
    assert fields_
    assert all('autocomplete="off"' in each for each in fields_)


# --- what others write ----------------------------------------------------------------------------------------


def test_nothing_that_an_agency_answers_becomes_markup(terminal: Terminal) -> None:
    """Every text field of a household record, by an agency that keeps to its layout and writes what it likes."""
    land = terminal.land
    hana = terminal.logged_in(land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    (inquiry,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    data = {
        "TK-0002": {
            "layout": 1,
            "source": str(TAX),
            "source_version": 1,
            "as_of_ms": 0,
            "expires_ms": 1 << 46,
            "data": tax_data(0),
        }
    }
    for field, value in (
        ("address", SCRIPT),
        ("resident_since", SCRIPT),
        ("changed_on", "<img src=x onerror=a()>"),
    ):
        household = {"municipality": "141003", "state": "resident", field: value}
        answer = {"TK-0003": {**data["TK-0002"], "data": household, "source": "yokohama/residents"}}
        stored = replace(
            inquiry, rows=("JO106.3",), provider="yokohama/residents", data=msgspec.json.encode(answer)
        )
        _put(land, stored)
        for path in (f"/cases/{number}/answers/{inquiry.id.hex()}", f"/cases/{number}/print"):
            page = hana.get(path)
            assert page.status == 200
            assert "&lt;" in page.text
            for mark in ("<script src=//", "<img src=x"):
                assert mark not in page.text, (field, path)
            assert value.startswith("<img") or "{{7*7}}" in page.text


def _put(land: DeskLand, stored: case_store.Inquiry) -> None:
    values = (" ".join(stored.rows), stored.provider, stored.data, stored.id)
    statement = "UPDATE desk_inquiry SET rows = ?, provider = ?, data = ? WHERE id = ?"
    land.run(land.desk.office.db.write(lambda db: db.execute(statement, values) and None))


def test_nothing_that_is_typed_becomes_markup(terminal: Terminal) -> None:
    land = terminal.land
    land.run(people.add(land.desk, None, SCRIPT[:40], SCRIPT[:40], Role.CLERK))
    hana, admin = terminal.logged_in(land.hana), terminal.logged_in(land.admin)
    number = terminal.open(hana, 0, application=SCRIPT[:40])
    chief = terminal.logged_in(land.chief)
    pages = [
        hana.get("/cases"),
        hana.get(f"/cases/{number}"),
        chief.get("/room"),
        admin.get("/people"),
        admin.get("/journal"),
    ]
    for page in pages:
        assert "<script src=//" not in page.text
    assert sum("&lt;script" in page.text for page in pages) == 4


# --- people under protection ----------------------------------------------------------------------------------

PLACES = ("札幌", "sapporo", "Sapporo", "011002")


def every_page(terminal: Terminal, hana: Plain, number: str) -> list[Answer]:
    """All that is to be seen of a case, by the clerk, the supervisor and the administrator, in three languages."""
    own = ["/cases", f"/cases/{number}", f"/cases/{number}/print", "/journal"]
    page = hana.get(f"/cases/{number}").text
    own += [
        f"/cases/{number}/answers/" + part.partition('"')[0]
        for part in page.split(f'href="/cases/{number}/answers/')[1:]
    ]
    chief, admin = terminal.logged_in(terminal.land.chief), terminal.logged_in(terminal.land.admin)
    found = [hana.get(prefix + path) for prefix in ("", "/easy", "/en") for path in own]
    found += [chief.get("/room"), chief.get("/journal"), admin.get("/people"), admin.get("/journal")]
    return found


def outside_the_choices(page: Answer) -> str:
    """Without the lists of all offices, which are the same for everybody."""
    text = page.text
    while "<option" in text:
        before, _, rest = text.partition("<option")
        text = before + rest.partition("</option>")[2]
    return text


@pytest.mark.parametrize("when", ["before", "after", "waiting", "closed", "unreadable", "elsewhere"])
def test_no_page_shows_a_place_of_somebody_under_protection(terminal: Terminal, when: str) -> None:
    """Person 3 lives in Sapporo. The flag is set before the question, after the answer, while it is under way, with the
    case closed, with an answer in a wrong form, or only by the agency that answers."""
    land = terminal.land
    hana = terminal.logged_in(land.hana)
    number = terminal.open(hana, 3)
    hana.get(f"/cases/{number}")
    form = hana.forms[f"/cases/{number}/ask"] | {"row": "JO106.2", "person": "0", "provider": str(SAPPORO)}
    if when == "before":
        land.protect(3)
        refused = hana.post(f"/cases/{number}/ask", form)
        assert refused.status == 409
        assert not any(place in refused.text for place in PLACES)
    elif when == "elsewhere":
        land.protect(3, SAPPORO)
        assert hana.post(f"/cases/{number}/ask", form).status == 303
        land.protect(3, SAPPORO, on=False)
        land.protect(3)
    else:
        assert hana.post(f"/cases/{number}/ask", form).status == 303
        _spoil(land, number, when)
        land.protect(3)
        if when == "closed":
            hana.get(f"/cases/{number}")
            hana.send(f"/cases/{number}/close")
    pages = every_page(terminal, hana, number)
    assert {page.status for page in pages} == {200}
    for page in pages:
        assert not any(place in outside_the_choices(page) for place in PLACES)
    if when not in ("before", "closed"):
        choices = hana.get(f"/cases/{number}").text.count('value="sapporo/tax"')
        assert choices == 0, "no office is offered for somebody under protection"


def _spoil(land: DeskLand, number: str, when: str) -> None:
    (inquiry,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    if when == "unreadable":
        _put(land, replace(inquiry, data=inquiry.data.replace(b"011002", "札幌市".encode())))
    if when == "waiting":
        statement = "UPDATE desk_inquiry SET step = 'under-way', data = x'' WHERE id = ?"
        land.run(land.desk.office.db.write(lambda db: db.execute(statement, (inquiry.id,)) and None))


def test_of_somebody_not_protected_the_place_is_shown(terminal: Terminal) -> None:
    """The control: the pages above could show it."""
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 3)
    shown = words(terminal.ask(hana, number, provider=str(SAPPORO)))
    assert "札幌市" in shown
    assert "011002" in shown


def test_no_page_shows_an_individual_number(terminal: Terminal) -> None:
    land = terminal.land
    secret = IndividualNumber.draw(land.land.entropy).digits
    hana = terminal.logged_in(land.hana)
    number = terminal.open(hana, 0)
    told = hana.post(f"/cases/{number}/people", fields(hana) | {"reference": secret})
    assert told.status == 422
    assert secret not in told.text
    terminal.ask(hana, number)
    (inquiry,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    given: dict[str, Any] = {
        "layout": 1,
        "source": "yokohama/residents",
        "source_version": 1,
        "as_of_ms": 0,
        "expires_ms": 1 << 46,
        "data": {"municipality": "141003", "state": "resident", "address": f"番号 {secret}"},
    }
    _put(
        land,
        replace(
            inquiry,
            rows=("JO106.3",),
            provider="yokohama/residents",
            data=msgspec.json.encode({"TK-0003": given}),
        ),
    )
    for path in (f"/cases/{number}/answers/{inquiry.id.hex()}", f"/cases/{number}/print"):
        page = hana.get(path).text
        assert "●" in page
        assert secret not in page


def test_the_desk_has_no_search_and_no_list_of_people(terminal: Terminal) -> None:
    """Nothing but one's own cases is listed, and no address takes a reference, a name or many rows at once."""
    for route in terminal.site._routes:
        path = getattr(route, "path", "")
        assert not any(word in path for word in ("search", "find", "query", "export", "bulk", "name")), path
    hana = terminal.logged_in(terminal.land.hana)
    terminal.open(terminal.logged_in(terminal.land.taro), 1)
    assert "ref-" not in hana.get("/cases").text
    for query in ("?reference=ref-1", "?q=ref-1", "?number=2026-000001", "?staff=all"):
        assert words(hana.get("/cases" + query)) == words(hana.get("/cases"))
    assert ORIGIN.startswith("http://localhost")


# --- what people have against the agency ------------------------------------------------------------------------


def emptied(terminal: Terminal) -> Terminal:
    db = terminal.land.desk.office.db
    terminal.land.run(db.write(lambda db: db.execute("DELETE FROM claim") and None))
    return terminal


def of_a_case(terminal: Terminal, **changed: Any) -> str:
    """A claim about what Hana has asked in a case of her unit."""
    hana = terminal.logged_in(terminal.land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    (inquiry,) = case_store.inquiries(terminal.land.desk.office.db.read(), terminal.land.desk.domain, number)
    return terminal.land.claim(b"c" * 16, inquiry.request, note="note-canary", **changed)


def test_claims_are_not_for_clerks_nor_for_administrators(terminal: Terminal) -> None:
    id_ = of_a_case(emptied(terminal))
    for person in (terminal.land.hana, terminal.land.admin):
        browser = terminal.logged_in(person)
        assert "/claims" not in browser.get("/journal").text
        for path in ("/claims", f"/claims/{id_}"):
            told = browser.get(path)
            assert told.status == 403
            assert "note-canary" not in told.text
        sent = browser.post(f"/claims/{id_}", {"outcome": "corrected", "words": "x", **fields(browser)})
        assert sent.status == 403
    (kept,) = claims_store.of_domain(terminal.land.desk.office.db.read(), terminal.land.desk.domain)
    assert kept.reply == b""


def test_a_claim_on_a_case_of_another_unit_is_as_unknown_as_none(terminal: Terminal) -> None:
    """Unless that unit has nobody: then it would be answered by nobody."""
    id_ = of_a_case(emptied(terminal))
    other = terminal.logged_in(terminal.land.other_chief)
    assert id_ not in other.get("/claims").text
    told = {words(other.get(f"/claims/{each}")) for each in (id_, "00" * 16, "zz")}
    assert len(told) == 1
    sent = other.post(f"/claims/{id_}", {"outcome": "corrected", "words": "x", **fields(other)})
    assert sent.status == 409
    chiefs = [
        each
        for each in people.all_of(terminal.land.desk, None)
        if each.role is Role.SUPERVISOR and each.unit == terminal.land.chief.unit
    ]
    for each in chiefs:
        terminal.land.run(people.set_state(terminal.land.desk, None, each.official, State.LOCKED))
    assert id_ in other.get("/claims").text
    for each in chiefs:
        terminal.land.run(people.set_state(terminal.land.desk, None, each.official, State.ACTIVE))


def test_a_claim_of_another_desk_of_the_same_agency_is_unknown(terminal: Terminal) -> None:
    id_ = terminal.land.claim(b"t" * 16, note="note-canary")
    statement = "UPDATE claim SET domain = 'yokohama/tax' WHERE xid = ?"
    db = terminal.land.desk.office.db
    terminal.land.run(db.write(lambda db: db.execute(statement, (b"t" * 16,)) and None))
    chief = terminal.logged_in(terminal.land.chief)
    assert id_ not in chief.get("/claims").text
    assert chief.get(f"/claims/{id_}").status == 409


def test_a_claim_names_no_case_but_the_one_that_the_desks_own_question_names(terminal: Terminal) -> None:
    """Whoever objects writes the official and the case into the claim: a colleague is not blamed by a letter."""
    taro = terminal.land.taro
    id_ = of_a_case(emptied(terminal), official=taro.official, case=terminal.land.desk.mark("case", b"x"))
    shown = words(terminal.logged_in(terminal.land.chief).get(f"/claims/{id_}"))
    assert terminal.land.hana.official in shown
    assert taro.official not in shown


def test_no_claim_says_who_the_person_is_beyond_the_note(terminal: Terminal) -> None:
    """Neither reference nor name of the people in the case; an individual number in the note is dots."""
    number = IndividualNumber.draw(terminal.land.land.entropy).digits
    emptied(terminal)
    id_ = terminal.land.claim(b"n" * 16, note=f"番号は{number}です\u202e")
    shown = terminal.logged_in(terminal.land.chief).get(f"/claims/{id_}").text
    assert "番号は●●●●●●●●●●●●です⟨U+202E⟩" in shown
    whole = of_a_case(emptied(terminal))
    chief = terminal.logged_in(terminal.land.chief)
    for path in ("/claims", f"/claims/{whole}"):
        assert "ref-0" not in chief.get(path).text


def test_markup_in_a_claim_is_letters(terminal: Terminal) -> None:
    emptied(terminal)
    id_ = terminal.land.claim(b"m" * 16, note=SCRIPT, official=SCRIPT, items=(SCRIPT[:40],))
    chief = terminal.logged_in(terminal.land.chief)
    for path in ("/claims", f"/claims/{id_}"):
        page = chief.get(path).text
        assert "<script src=//evil" not in page
        assert "&lt;script" in page
    chief.send(f"/claims/{id_}", outcome="kept", words=SCRIPT)
    assert "<script src=//evil" not in chief.get(f"/claims/{id_}").text


def test_nothing_of_a_claim_is_read_or_answered_without_a_line(terminal: Terminal) -> None:
    """And none is answered where the line cannot be written."""
    emptied(terminal)
    id_ = terminal.land.claim(b"j" * 16)
    chief, by = terminal.logged_in(terminal.land.chief), terminal.land.chief.official

    def lines(what: str) -> int:
        return sum(line.official == by for line in terminal.land.journal(what))

    chief.get("/claims")
    chief.get(f"/claims/{id_}")
    chief.get(f"/claims/{id_}")
    assert (lines("claims-listed"), lines("claim-seen"), lines("claim-answered")) == (1, 2, 0)
    db = terminal.land.desk.office.db

    def stopped(statement: str) -> None:
        terminal.land.run(db.write(lambda db: db.execute(statement) and None))

    stopped("CREATE TRIGGER full BEFORE INSERT ON desk_journal BEGIN SELECT RAISE(ABORT, 'full'); END")
    try:
        with pytest.raises(sqlite3.IntegrityError):
            terminal.land.run(
                complaints.answer(terminal.land.desk, terminal.land.chief, id_, Outcome.KEPT, "x")
            )
    finally:
        stopped("DROP TRIGGER full")
    (kept,) = claims_store.of_domain(terminal.land.desk.office.db.read(), terminal.land.desk.domain)
    assert kept.reply == b""
    chief.get(f"/claims/{id_}")
    assert chief.send(f"/claims/{id_}", outcome="kept", words="x").status == 303
    assert lines("claim-answered") == 1


def test_a_second_answer_changes_nothing(terminal: Terminal) -> None:
    emptied(terminal)
    id_ = terminal.land.claim(b"s" * 16)
    chief = terminal.logged_in(terminal.land.chief)
    chief.get(f"/claims/{id_}")
    assert chief.send(f"/claims/{id_}", outcome="kept", words="first").status == 303
    sent = chief.post(f"/claims/{id_}", {"outcome": "corrected", "words": "second", **fields(chief)})
    assert sent.status == 409
    assert "first" in chief.get(f"/claims/{id_}").text
