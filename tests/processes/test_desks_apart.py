"""The pages of desks and console out of the processes of a country that runs apart: who comes in, and who does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apart_country import figures, running
from kakine.cli.acting import agency
from kakine.cli.apart_desk import own_process, tell
from kakine.cli.apart_making import ROSTER
from kakine.cli.apart_processes import Processes, about, told
from kakine.cli.apart_sites import CONSOLE, of_party, origin
from kakine.cli.apart_smoke import questions, sizes
from kakine.cli.root import app
from kakine.clients.log import entries_between
from kakine.contracts.agency import Asking
from kakine.contracts.desk import DESK_STAFF, DESK_STAFF_ADD, Added, OfDesk
from kakine.institutions.desk import received
from kakine.institutions.families import Roster
from kakine.parties.gateway.desk.case_store import Application
from kakine.process.running import clock
from kakine.protocols.heads import Heads
from kakine.protocols.index import has_record
from kakine.protocols.logs import log_keys
from kakine.values.calendar import day, day_in_japan
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CallerNotAllowed, DomainNotRun, HoldUnknown, TwoPeopleNeeded
from socket_browser import SocketPlain

OURS, OTHER = "yokohama", "sapporo"
DESK = "yokohama/children"
NAMES = (
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", OURS, OTHER,
)  # fmt: skip
PASSPHRASE = "雨ニモマケズ風ニモマケズ"
CODE = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")
VALUES = '<dl class="list values">'
"""Stands on the page of an answer that came."""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass
class Office:
    """A country apart, and what was said in it that no log may have."""

    processes: Processes
    secrets: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        return self.processes.folder

    def browser(self, site: str = DESK, cookie: str = "") -> SocketPlain:
        return SocketPlain(origin(about(self.folder).sites[site]), cookie)

    def words(self, *words: str) -> str:
        found = CliRunner().invoke(app, [*words, "--dir", str(self.folder)], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        self.secrets |= set(CODE.findall(found.output))
        return found.output

    def staff(self, name: str, domain: str = DESK, unit: str = "こども家庭課") -> tuple[str, str]:
        """(reference, code to enrol with) of somebody new."""
        said = self.words("desk", "staff", "add", "--as", domain, "--name", name, "--unit", unit)
        official, code = said.split()
        self.secrets.add(name)
        return official, code

    def enrolled(self, code: str, site: str = DESK) -> SocketPlain:
        """Who has this code, with a passphrase from now on, and in."""
        found = self.browser(site)
        found.get("/enrol")
        assert found.send("/enrol", code=code).location == "/enrol/way"
        found.get("/enrol/way")
        self.secrets.add(PASSPHRASE)
        assert found.send("/enrol/passphrase", first=PASSPHRASE, second=PASSPHRASE).location == "/cases"
        return found

    def shift(self, official: str) -> str:
        return self.words(
            "desk", "staff", "code", "--as", DESK, "--official", official, "--use", "shift"
        ).strip()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running(tmp_path_factory.mktemp("desks") / "country", names=NAMES) as made:
        yield Office(made)


def applied(office: Office) -> list[tuple[Application, Asking]]:
    """Applications of this desk, each with a question about its applicant that the tax desk here can answer."""
    roster = Roster(about(office.folder).residents, ROSTER)
    asking = [
        each
        for each in questions(office.folder, OURS)
        if each.domain == DESK and each.provider == f"{OURS}/tax"
    ]
    return [
        (application, each)
        for application in received(roster, DomainName(DESK))
        for each in asking
        if each.reference == application.people[0] and each.procedure == application.procedure
    ]


def opened(browser: SocketPlain, application: Application, **changed: str) -> str:
    """A case about the applicant; its number."""
    browser.get("/cases")
    fields = {
        "procedure": application.procedure,
        "application": application.number,
        "day": day(application.day).isoformat(),
        "reference": application.people[0].decode(),
    }
    return browser.send("/cases", **{**fields, **changed}).location.removeprefix("/cases/")


async def grown(folder: Path) -> int:
    async with agency(folder, OURS) as own:
        return sum((await sizes(own)).values())


def test_a_clerk_comes_in_opens_a_case_asks_and_sees_the_answer(office: Office) -> None:
    said = office.words("apart", "desk", "--as", DESK)
    assert office.browser().origin in said
    code = CODE.findall(next(line for line in said.splitlines() if "鈴木 花子" in line))[0]
    clerk = office.enrolled(code)
    before = asyncio.run(grown(office.folder))
    for application, question in applied(office):
        office.secrets |= {each.decode() for each in application.people}
        number = opened(clerk, application)
        assert clerk.get(f"/cases/{number}").status == 200
        sent = clerk.send(
            f"/cases/{number}/ask", row=question.rows[0], person="0", provider=question.provider
        )
        assert sent.status == 303, sent.text
        answer = clerk.get(sent.location)
        if VALUES in answer.text:  # of somebody under protection a machine answers nothing
            break
    assert VALUES in answer.text, answer.text
    assert asyncio.run(grown(office.folder)) >= before + 2  # the question and its answer
    for name, value in HEADERS.items():
        assert answer.headers[name] == [value]
    # Whoever is at another browser has no way to it.
    assert office.browser().get(f"/cases/{number}").location == "/"


def test_a_clerk_of_one_desk_comes_in_at_no_other(office: Office) -> None:
    """Not with the session, not with code and passphrase: neither at the desk of another agency, nor at another desk of
    the same one, which has the same process."""
    official, code = office.staff("渡り 鳥")
    clerk = office.enrolled(code)
    assert clerk.get("/cases").status == 200
    name, _, session = clerk.cookie.partition("=")
    for other in (f"{OTHER}/children", f"{OURS}/tax"):
        away = office.browser(other)
        away.get("/")
        its_name = away.cookie.partition("=")[0]
        assert its_name != name
        for cookie in (clerk.cookie, f"{its_name}={session}"):
            assert office.browser(other, cookie).get("/cases").location == "/"
        tried = away.send("/login/code", code=office.shift(official), passphrase=PASSPHRASE)
        assert "desk-login-unknown" in tried.text
        assert away.get("/cases").location == "/"
    own = office.browser()
    own.get("/")
    assert own.send("/login/code", code=office.shift(official), passphrase=PASSPHRASE).location == "/cases"


def test_pages_from_elsewhere_and_without_the_token_change_nothing(office: Office) -> None:
    clerk = office.enrolled(office.staff("余所 見")[1])
    clerk.get("/cases")
    form = clerk.forms["/cases"]
    application, _ = applied(office)[0]
    typed = {"procedure": application.procedure, "application": "X-1", "day": "2026-04-01", "reference": "1"}
    assert clerk.post("/cases", form | typed, origin="https://evil.example").status == 403
    assert clerk.post("/cases", form | typed, origin=office.browser(f"{OURS}/tax").origin).status == 403
    assert clerk.post("/cases", {"once": form["once"]} | typed).status == 400
    assert clerk.post("/cases", form | typed | {"token": "0" * 64}).status == 400
    assert clerk.get("/cases", host="evil.example").status == 421
    assert clerk.get("/cases", host="127.0.0.1").status == 421


def test_who_is_locked_is_out_at_the_next_click(office: Office) -> None:
    official, code = office.staff("閉 出")
    clerk = office.enrolled(code)
    assert clerk.get("/cases").status == 200
    office.words("desk", "staff", "lock", "--as", DESK, "--official", official)
    assert clerk.get("/cases").location == "/"
    assert f"{official}  clerk          locked " in office.words("desk", "staff", "list", "--as", DESK)
    office.words("desk", "staff", "unlock", "--as", DESK, "--official", official)
    clerk = office.enrolled(
        office.words("desk", "staff", "code", "--as", DESK, "--official", official, "--use", "enrol").strip()
    )
    office.words("desk", "staff", "code", "--as", DESK, "--official", official, "--use", "enrol")
    assert clerk.get("/cases").location == "/"  # whose ways in have ended is out as well


def test_only_the_agency_itself_says_who_works_at_its_desk(office: Office) -> None:
    async def as_other() -> None:
        async with agency(office.folder, OTHER) as own:
            for call, message in (
                (DESK_STAFF, OfDesk(DESK)),
                (DESK_STAFF_ADD, Added(DESK, "x", "y", "clerk")),
            ):
                with pytest.raises(CallerNotAllowed):
                    await own.peers.ask(PartyName(OURS), call, message)  # type: ignore[arg-type]

    asyncio.run(as_other())
    with pytest.raises(DomainNotRun):
        tell(office.folder, "yokohama/childcare-site", DESK_STAFF, OfDesk("yokohama/childcare-site"))


def test_two_people_of_the_commission_stop_a_row_at_its_console(office: Office) -> None:
    said = office.words("apart", "console")
    sheets, people = {}, {}
    for role in ("inspector", "commissioner"):
        line = next(each for each in said.splitlines() if each.startswith(role))
        plain = people[role] = office.browser(CONSOLE)
        plain.get("/")
        page = plain.send("/enrol", code=CODE.findall(line)[0])
        sheets[role] = CODE.findall(page.text)
        office.secrets |= set(sheets[role])
        assert len(sheets[role]) == 12
    inspector, commissioner = people["inspector"], people["commissioner"]
    inspector.get("/stops")
    until = (day(day_in_japan(clock())) + timedelta(days=20)).isoformat()
    act = inspector.send(
        "/acts", what="stop", subject="row", names="JO81.7", reason_ja="確認のため", until=until
    ).location
    inspector.get(act)
    assert f"{act}/sign" not in inspector.get(act).text
    commissioner.get(act)
    # A code of the one who prepared it signs nothing.
    assert commissioner.send(f"{act}/sign", code=sheets["inspector"][1]).status == 403
    commissioner.get(act)
    assert commissioner.send(f"{act}/sign", code=sheets["commissioner"][1]).location == act
    assert "実行済み" in commissioner.get(act).text

    async def stopped() -> set[str]:
        async with own_process(office.folder, CONSOLE) as own:
            return {each.name for each in own.law.gazette.suspensions}

    assert "JO81.7" in asyncio.run(stopped())
    for name, value in HEADERS.items():
        assert commissioner.get("/overview").headers[name] == [value]
    assert office.browser(CONSOLE).get("/public").status == 200
    assert office.browser(CONSOLE).get("/overview").location == "/"
    with pytest.raises(TwoPeopleNeeded):  # who comes now, two of them want
        office.words("apart", "console")


def test_the_commission_erases_and_holds_through_its_own_process(office: Office) -> None:
    assert "満了した月はない" in office.words("retain")

    async def record() -> tuple[str, int]:
        """An entry of a person's exchange, in whichever log it stands."""
        async with agency(office.folder, OURS) as own:
            sizes_, keys = await sizes(own), log_keys(own.law, own.logs)
            for log in own.logs:
                size = sizes_[log.origin]
                found = await entries_between(own.peers, log, Heads(), keys, 0, size)
                places = [index for index, entry in found.items() if has_record(entry)]
                if places:
                    return log.origin.rpartition("/")[2], places[0]
        raise AssertionError

    name, index = asyncio.run(record())
    said = office.words("retain", "--log", name, "--hold", str(index), "--reason", "review")
    digest = re.findall(r"--lift ([0-9a-f]{64})", said)[0]
    assert f"#{index}" in said
    office.words("retain", "--lift", digest)
    with pytest.raises(HoldUnknown):
        office.words("retain", "--lift", digest)


def test_what_was_typed_and_handed_out_stands_in_no_log_and_no_figure(office: Office) -> None:
    office.enrolled(office.staff("最後 人")[1])
    office.processes.wait(NAMES)
    for name in NAMES:
        events = office.processes.log(name).read_text()
        told_in_figures = figures(office.processes, name)
        assert "kakine_ready 1.0" in told_in_figures
        assert not [each for each in office.secrets if each in events or each in told_in_figures], name
        assert not [line for line in events.splitlines() if told(line)["level"] == "error"]


def test_of_several_processes_of_a_gateway_the_first_has_the_desks() -> None:
    sites = {CONSOLE: 1, "yokohama/tax": 2, "sapporo/tax": 3}
    assert of_party(sites, OURS) == {"yokohama/tax": 2}
    assert of_party(sites, f"{OURS}.2") == {}


def test_the_desks_are_on_this_machine_alone_and_their_addresses_are_told(office: Office) -> None:
    sites = about(office.folder).sites
    said = office.words("apart", "status")
    assert all(origin(port) in said for port in sites.values())
    mine = {origin(port) for name, port in sites.items() if name.startswith(f"{OURS}/")}
    assert len(mine) == 3
    listening = {
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    for name, port in sites.items():
        if name.partition("/")[0] in NAMES:
            assert {each for each in listening if each.endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}
