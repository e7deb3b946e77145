"""The commission's console: every page, in three languages, worked by people with codes on paper and no script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from console_land import People
from gazette_country import altered
from kakine.values.calendar import in_japan
from kakine.web.staff_store import Member
from web.kit import PREFIXES, Plain

from land import TAX_ROW, Land

ORIGIN = "http://localhost:8483"
ROOMS = (
    "/overview", "/gazette", "/gazette/0", "/stops", "/acts", "/assessments", "/counts", "/supervision",
    "/breaches", "/people", "/journal", "/public",
)  # fmt: skip


class Console:
    """A running country with the console, and people before it."""

    def __init__(self, land: Land) -> None:
        self.land = land
        self.people = People.of(land)
        land.run(land.ask(0))
        land.run(land.country.commission.count())
        self.app = land.country.console_site(ORIGIN)

    def browser(self) -> Plain:
        return Plain(self.app, ORIGIN, self.land.run)

    def entered(self, member: Member, prefix: str = "") -> Plain:
        plain = self.browser()
        plain.get(prefix or "/")
        answer = plain.send(f"{prefix}/enter", code=self.people.code(member))
        assert (answer.status, answer.location) == (303, f"{prefix}/overview")
        return plain


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with Land.founded(tmp_path_factory.mktemp("console") / "land") as land:
        yield Console(land)


def test_who_has_not_come_in_sees_the_public_page_and_nothing_else(console: Console) -> None:
    plain = console.browser()
    assert "当番コード" in plain.get("/").text
    for path in ROOMS:
        answer = plain.get(path)
        assert answer.status == 200 if path == "/public" else answer.location == "/", path
    assert plain.get("/public.json").status == 200


@pytest.mark.parametrize("language", PREFIXES)
def test_every_room_is_there_in_every_language(console: Console, language: str) -> None:
    prefix = PREFIXES[language]
    plain = console.entered(console.people.observer, prefix)
    for path in ROOMS:
        answer = plain.get(prefix + path)
        assert answer.status == 200, (path, answer.text[:2000])
        assert "internal-fault" not in answer.text


def test_two_people_stop_a_row_through_their_pages(console: Console) -> None:
    people = console.people
    inspector = console.entered(people.inspector)
    inspector.get("/stops")
    until = in_japan(console.land.clock()).date() + timedelta(days=5)
    answer = inspector.send(
        "/acts",
        what="stop",
        subject="row",
        names=f"{TAX_ROW} JO81.7",
        reason_ja="漏えい<script>",
        until=until.isoformat(),
    )
    act = answer.location
    page = inspector.get(act).text
    assert "準備した人は署名できません" in page
    assert f"{act}/sign" not in page
    assert "漏えい&lt;script&gt;" in page
    assert "<script>" not in page.replace('<script type="module"', "").replace("<script src", "")
    officer = console.entered(people.officer)
    assert f"{act}/sign" not in officer.get(act).text
    commissioner = console.entered(people.commissioner)
    commissioner.get(act)
    wrong = commissioner.send(f"{act}/sign", code="0000-0000-0000-0000")
    assert (wrong.status, "staff-unknown" in wrong.text) == (403, True)
    commissioner.get(act)
    assert commissioner.send(f"{act}/sign", code=people.code(people.commissioner)).location == act
    assert "実行済み" in commissioner.get(act).text
    commissioner.get("/stops")
    names = {each.name for each in people.law().suspensions}
    assert {TAX_ROW, "JO81.7"} <= names


def test_a_proposal_is_approved_waits_and_is_dropped_through_the_pages(console: Console) -> None:
    people = console.people
    proposed = people.propose(altered(people.law(), "rows", "JO81.9", start=1))
    officer = console.entered(people.officer)
    page = officer.get("/gazette").text
    assert "JO81.9" in page
    assert "拡大" in page
    act = officer.send("/acts", what="approve", about=proposed.digest.hex()).location
    commissioner = console.entered(people.commissioner)
    commissioner.get(act)
    commissioner.send(f"{act}/sign", code=people.code(people.commissioner))
    page = officer.get("/gazette").text
    assert "残り" in page
    pending = console.land.country.commission.book.pending(console.land.clock())
    assert pending is not None
    drop = officer.send("/acts", what="drop", about=pending.digest.hex(), reason_ja="誤り").location
    commissioner.get(drop)
    commissioner.send(f"{drop}/sign", code=people.code(people.commissioner))
    assert console.land.country.commission.book.pending(console.land.clock()) is None
    assert "施行されていない" in officer.get("/gazette").text


def test_a_file_is_entered_and_goes_through_its_steps(console: Console) -> None:
    officer = console.entered(console.people.officer)
    officer.get("/assessments")
    answer = officer.send(
        "/assessments",
        party="yokohama",
        file="test-file",
        people="10000",
        many_staff="yes",
        outside="",
        checker="third-party",
    )
    path = answer.location
    assert "重点項目評価" in officer.get(path).text
    assert officer.send(path, step="comment").status == 422
    officer.get(path)
    officer.send(path, step="draft")
    officer.get(path)
    assert officer.send(path, step="publish").location == path
    assert "次の見直し" in officer.get(path).text
    bad = officer.get("/assessments")
    assert bad.status == 200
    assert (
        officer.send("/assessments", party="yokohama", file="x", people="77", outside="", checker="x").status
        == 422
    )


def test_a_case_runs_from_opening_to_its_end(console: Console) -> None:
    inspector = console.entered(console.people.inspector)
    inspector.get("/breaches")
    path = inspector.send(
        "/breaches", party="sapporo", found="2026-11-20", persons="3", kinds="network"
    ).location
    assert "未着" in inspector.get(path).text
    inspector.send(path, step="first")
    page = inspector.get(path)
    items = re.findall(r'name="items" value="([a-z]+)"', page.text)
    assert len(items) == 9
    fields = inspector.forms[path] | {"step": "final"}
    assert inspector.post(path, [*fields.items(), *(("items", each) for each in items)]).status == 303
    inspector.get(path)
    assert inspector.send(path, step="close").status == 422
    inspector.get(path)
    inspector.send(path, step="told", told="all")
    inspector.get(path)
    inspector.send(path, step="close")
    assert "完了" in inspector.get(path).text


def test_somebody_new_comes_in_with_two_halves_and_leaves(console: Console) -> None:
    people = console.people
    officer, commissioner = console.entered(people.officer), console.entered(people.commissioner)
    officer.get("/people")
    act = officer.send("/acts", what="enrol", name="検査官 新", role="inspector").location
    commissioner.get(act)
    commissioner.send(f"{act}/sign", code=people.code(people.commissioner))
    halves = []
    for plain in (commissioner, officer):
        plain.get(act)
        page = plain.send(f"{act}/half").text
        halves.append(re.search(r"<code>…?([0-9A-Z-]+)…?</code>", page).group(1))  # type: ignore[union-attr]
        assert f"{act}/half" not in plain.get(act).text
    fresh = console.browser()
    fresh.get("/")
    sheet = fresh.send("/enrol", code="".join(halves)).text
    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", sheet)) == 12
    assert fresh.get("/overview").status == 200
    number = max(each.number for each in people.bureau.staff.all())
    officer.get("/people")
    gone = officer.send("/acts", what="leave", number=str(number)).location
    commissioner.get(gone)
    commissioner.send(f"{gone}/sign", code=people.code(people.commissioner))
    assert fresh.get("/overview").location == "/"


def test_the_public_page_is_the_same_for_all_and_may_be_kept(console: Console) -> None:
    strange, known = console.browser(), console.entered(console.people.officer)
    one, two = strange.get("/public"), known.get("/public")
    assert one.body == two.body
    assert one.headers["cache-control"] == ["public, max-age=300"]
    assert "set-cookie" not in one.headers
    told = json.loads(strange.get("/public.json").body)
    assert told["journal_lines"] >= 1
    assert told["missing"] == ["witnesses: not-witnessed"]


def test_a_new_sheet_takes_a_code_of_the_old_one(console: Console) -> None:
    people = console.people
    plain = console.entered(people.observer)
    plain.get("/people")
    assert plain.send("/people/sheet", code=people.code(people.officer)).status == 403
    plain.get("/people")
    page = plain.send("/people/sheet", code=people.code(people.observer)).text
    assert len(re.findall(r"<code>[0-9A-Z-]{19}</code>", page)) == 12
