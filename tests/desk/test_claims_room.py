"""The supervisor's room of objections and correction requests: what waits, its clock, one answer, the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk_land import DeskLand
from desk_pages import Terminal, words
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import Disputed, disputes, object_to
from kakine.parties.gateway import claims_store
from kakine.parties.gateway.desk import case_store
from kakine.protocols.objections import place_of
from kakine.wire.canonical import decode
from kakine.wire.objection import Outcome, Reason, Reply
from kakine.wire.record import RequestRecord

from land import CHILDREN, LOGIN, TAX, Land, ref

DAY = 86_400


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded


_TURN: list[int] = []


@pytest.fixture
def terminal(country: DeskLand) -> Terminal:
    _TURN.append(1)
    land = DeskLand.restaffed(country.land, f"O{len(_TURN)}")
    land.run(land.desk.office.db.write(lambda db: db.execute("DELETE FROM claim")))
    return Terminal(land)


def made(terminal: Terminal, **changed: object) -> str:
    """A claim about the answer to a question that Hana has asked in a case of hers: "id number"."""
    land = terminal.land
    hana = terminal.logged_in(land.hana)
    number = terminal.open(hana, 0)
    terminal.ask(hana, number)
    (inquiry,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    id_ = land.claim(land.land.entropy(16), inquiry.request, **changed)
    return f"{id_} {number}"


@pytest.mark.parametrize(
    ("prefix", "aim", "left"),
    [
        ("", "この手続きを頼んでいない", "あと14日"),
        ("/easy", "たのんで いない", "あと 14日"),
        ("/en", "I did not ask for this", "14 days left"),
    ],
)
def test_what_waits_is_listed_read_and_answered_once(
    terminal: Terminal, prefix: str, aim: str, left: str
) -> None:
    id_, number = made(terminal, note="頼んでいません\nkakine-note").split()
    chief = terminal.logged_in(terminal.land.chief)
    listed = words(chief.get(f"{prefix}/claims"))
    for said in (aim, left, number, terminal.land.hana.official):
        assert said in listed
    assert "kakine-note" not in listed
    page = chief.get(f"{prefix}/claims/{id_}")
    assert "<p>頼んでいません</p><p>kakine-note</p>" in page.text
    assert "ref-0" not in page.text
    sent = chief.send(f"{prefix}/claims/{id_}", outcome="explained", words="申請書を\r\n受け取っています")
    assert (sent.status, sent.location) == (303, f"{prefix}/claims")
    shown = chief.get(f"{prefix}/claims/{id_}")
    assert "申請書を 受け取っています" in shown.text
    assert 'name="outcome"' in page.text
    assert 'name="outcome"' not in shown.text
    (kept,) = claims_store.of_domain(terminal.land.desk.office.db.read(), CHILDREN)
    assert decode(kept.reply, Reply).outcome is Outcome.EXPLAINED


def test_reading_and_answering_are_lines_of_the_journal(terminal: Terminal) -> None:
    id_, number = made(terminal, note="kakine-note").split()
    chief = terminal.logged_in(terminal.land.chief)
    chief.get("/claims")
    chief.get(f"/claims/{id_}")
    chief.send(f"/claims/{id_}", outcome="kept", words="kakine-words")
    by = terminal.land.chief.official
    (listed,) = [line for line in terminal.land.journal("claims-listed") if line.official == by]
    (seen,) = [line for line in terminal.land.journal("claim-seen") if line.official == by]
    (answered,) = [line for line in terminal.land.journal("claim-answered") if line.official == by]
    assert (listed.case, listed.about) == ("", "1")
    assert (seen.case, seen.about) == (number, id_)
    assert (answered.case, answered.about) == (number, f"{id_} kept")
    page = words(chief.get("/journal"))
    assert "異議・訂正請求に答えた" in page
    assert "kakine-" not in page


def test_the_clock_says_in_words_that_it_is_late(terminal: Terminal) -> None:
    made(terminal)
    chief = terminal.logged_in(terminal.land.chief)
    clock = terminal.land.land.clock
    clock.advance(16 * DAY)
    try:
        late = terminal.logged_in(terminal.land.chief, chief)
        assert "2日過ぎています。委員会がこの機関の名を出します" in words(late.get("/claims"))
        assert "2 days late" in words(late.get("/en/claims"))
    finally:
        clock.ahead_ms = 0


def test_an_answer_needs_words_and_an_outcome(terminal: Terminal) -> None:
    id_ = made(terminal).split()[0]
    chief = terminal.logged_in(terminal.land.chief)
    for fields in (
        {"outcome": "kept", "words": " \r\n "},
        {"outcome": "kept", "words": "あ" * 1001},
        {"outcome": "granted", "words": "あ"},
        {"words": "あ"},
    ):
        chief.get(f"/claims/{id_}")
        assert chief.send(f"/claims/{id_}", **fields).status == 400
    (kept,) = claims_store.of_domain(terminal.land.desk.office.db.read(), CHILDREN)
    assert kept.reply == b""


def test_what_no_case_explains_names_the_items_and_the_official_of_the_persons_record(
    terminal: Terminal,
) -> None:
    items = ("TK-0002", "X\u202e9")
    terminal.land.claim(b"\7" * 16, reason=Reason.DATA_WRONG, official="official-abc\u200b", items=items)
    chief = terminal.logged_in(terminal.land.chief)
    page = words(chief.get("/claims"))
    for said in (
        "訂正請求（情報がまちがっている）",
        "X⟨U+202E⟩9",
        "official-abc⟨U+200B⟩",
        "この端末の事案ではありません",
    ):
        assert said in page


def test_a_real_objection_arrives_at_the_case_and_its_answer_at_the_person(tmp_path: Path) -> None:
    """From the clerk's question to the answer in the person's hands: the case is found by the desk's own question."""
    with Land.founded(tmp_path / "land", people=4, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        desk = DeskLand.staffed(land, prefix="R")
        case = desk.open(desk.hana, 0)
        desk.ask(desk.hana, case.number)
        rows = land.run(own_history(land.country, ref(0))).rows
        place = next(
            place_of(row)
            for row in reversed(rows)
            if isinstance(row.record, RequestRecord) and row.record.common.ground == "JO106"
        )
        land.run(object_to(land.country, ref(0), rows, place, Reason.NOT_ASKED))

        def stands() -> Disputed:
            now = land.run(own_history(land.country, ref(0))).rows
            found: Disputed = land.run(disputes(land.country, now, {place: "頼んでいません"}))[place]
            return found

        assert stands().reply is None
        terminal = Terminal(desk)
        chief = terminal.logged_in(desk.chief)
        assert case.number in words(chief.get("/claims"))
        (kept,) = claims_store.of_domain(desk.desk.office.db.read(), CHILDREN)
        chief.get(f"/claims/{kept.xid.hex()}")
        chief.send(f"/claims/{kept.xid.hex()}", outcome="explained", words="申請を受けました")
        reply = stands().reply
        assert reply is not None
        assert (reply.outcome, reply.words) == (Outcome.EXPLAINED, "申請を受けました")
