"""An agency joins a country that runs apart: every step of the operator's guide as a command, in the guide's order,
each with the files of the one party that may.

One country for the whole module, whose law has no waiting time but the room for a review. Two agencies join it.
"""

from __future__ import annotations

import asyncio
import csv
import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apart_country import LASTING_S, running, until
from joining import KOBE, NAGOYA, entry
from kakine.cli.acting import agency
from kakine.cli.agency_folder import APPLICATION, KEY
from kakine.cli.apart_adding import add_agency
from kakine.cli.apart_making import SETTINGS, free
from kakine.cli.apart_processes import Processes, told
from kakine.cli.apart_reading import read_history
from kakine.cli.apart_smoke import DELIVERED, person
from kakine.cli.own_history import seen_of
from kakine.cli.root import app
from kakine.country import REGISTRY
from kakine.institutions.families import Member, Roster
from kakine.institutions.town import ResidentsDesk
from kakine.process.settings import read
from kakine.protocols.history import lines
from kakine.values.labels import DomainName
from kakine.values.problems import Problem

ASKING = "yokohama"
RESIDENTS = 30
NAMES = [
    "commission", "authority", "ministry", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", "portal", ASKING,
]  # fmt: skip
CALLERS = [ASKING, "portal", "registry", "commission"]
"""Who calls an agency."""
FILES = ["--file", "child-allowance", "--file", "local-tax"]


class Land:
    """A country that runs, and what goes from hand to hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder / "country", Processes(folder / "country")
        self.hand = folder / "hand"
        self.hand.mkdir()
        self.roster = Roster(RESIDENTS, 7)

    def kakine(self, *words: object, code: int = 0) -> str:
        """What a command says; `code` is its exit status."""
        said, status = self.tried(*words)
        assert status == code, said
        return said

    def tried(self, *words: object) -> tuple[str, int]:
        """What a command says that may be refused, and its exit status."""
        done = CliRunner().invoke(app, [str(each) for each in words])
        if isinstance(done.exception, Problem):
            return f"{done.output}{done.exception}", 1
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.output, done.exit_code

    def agency(self, *words: object, code: int = 0) -> str:
        return self.kakine("agency", *words, code=code)

    def of(self, party: str) -> Path:
        """The settings of a party."""
        return self.folder / party / SETTINGS

    @property
    def resident(self) -> Member:
        """Somebody of Yokohama who can come in at the portal."""
        desk = DomainName(f"{ASKING}/residents")
        known = person(self.folder, ASKING).encode()
        return next(each for each in self.roster.members() if self.roster.reference(desk, each) == known)

    def number(self) -> str:
        """As the resident tells it at a counter: the town's desk is told it again."""

        async def work() -> str:
            async with agency(self.folder, ASKING) as own:
                desk = ResidentsDesk(own.peers, REGISTRY.party, self.roster)
                given = await desk.enter(self.resident.family.members)
                return given[self.resident.serial]

        return asyncio.run(work())

    def people(self, reference: str) -> Path:
        path = self.hand / f"people-{reference}.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["reference", "number", "birth"])
            rows.writerow([reference, self.number(), self.resident.resident.birth.isoformat()])
        return path

    def history(self) -> list[tuple[str, str, str]]:
        """(who asked, who answered, result) of the resident's own history, verified."""

        async def work() -> list[tuple[str, str, str]]:
            async with agency(self.folder, ASKING) as own:
                read_ = await read_history(own, self.folder, person(self.folder, ASKING))
                assert read_.verified >= read_.signed
                seen = [seen_of(line) for line in lines(read_.opened.rows)]
                return [(each.requester, each.recipient, each.result) for each in seen]

        return asyncio.run(work())

    def reread(self, name: str, since: int) -> None:
        """Until the process of a party has taken the addresses in its settings, by its own word."""

        def taken() -> bool:
            said = [told(line) for line in self.processes.log(name).read_text().splitlines()[since:]]
            return any(each.get("chore") == "settings" and each.get("said") == "addresses" for each in said)

        until(taken)

    def told(self, name: str) -> int:
        """Events of a party so far."""
        return len(self.processes.log(name).read_text().splitlines())


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    made = Land(tmp_path_factory.mktemp("joining"))
    with running(made.folder, RESIDENTS, NAMES, waiting_days=0):
        yield made


def test_an_agency_joins_asks_answers_and_stands_in_the_history(land: Land) -> None:
    own, port = land.folder / "kobe", free(2)
    admin = port + 1
    country, application, pem = (
        land.hand / each for each in ("country.toml", "kobe.application", "kobe.pem")
    )
    land.agency("describe", "--config", land.of("ministry"), "--to", country)
    secrets = [each.read_bytes() for each in land.folder.glob("*/key.seed")]
    assert not any(each in country.read_bytes() for each in secrets)

    # The agency, on its own machine.
    where = ["--address", f"https://127.0.0.1:{port}", "--port", str(port), "--admin", str(admin)]
    made = ["prepare", entry(land.hand, KOBE), "--dir", own, "--country", country, *where]
    made += ["--environment", "development", "--engine", "sqlite"]
    land.agency(*made)
    assert "folder-in-use" in land.agency(*made, code=1)
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert {stat.S_IMODE((own / each).stat().st_mode) for each in ("key.seed", KEY)} == {0o600}
    application.write_bytes((own / APPLICATION).read_bytes())

    # Nobody is certified who is not in the law.
    asked = ["certify", application, "--config", land.of("authority"), "--to", pem]
    assert "party-unknown" in land.agency(*asked, code=1)
    assert "proposal-unknown" in land.agency(
        "approve", application, "--yes", "--config", land.of("commission"), code=1
    )

    # The ministry proposes, the commission approves; nobody else can.
    proposing = ["propose", application, "--review-hours", "0.005", "--config"]
    assert "caller-not-allowed" in land.agency(*proposing, land.of(ASKING), code=1)
    said = land.agency(*proposing, land.of("ministry"))
    assert "kobe/children" in said
    assert "not-published" in land.agency("state", application, "--config", land.of("authority"))
    approving = ["approve", application, "--yes", "--config"]
    assert "caller-not-allowed" in land.agency(*approving, land.of("ministry"), code=1)
    assert "assessment-incomplete" in land.agency(*approving, land.of("commission"), code=1)
    assessing = ["assess", application, "--config", land.of("commission"), "--people", "1000"]
    land.agency(*assessing, *FILES, "--draft", "2026-03-01")
    hours = 0.005
    while "gazette-too-soon" in land.tried("agency", *approving, land.of("commission"))[0]:
        # The review took longer than the proposal had left room for: the ministry proposes again.
        hours *= 2
        land.agency("propose", application, "--review-hours", hours, "--config", land.of("ministry"))
    assert "application-refused" in land.agency(*proposing, land.of("ministry"), code=1)
    until(lambda: "in-force" in land.agency("state", application, "--config", land.of("authority")))

    # The authority certifies, the agency takes the certificate.
    land.agency(*asked)
    first = pem.read_bytes()
    land.agency(*asked)
    assert pem.read_bytes() == first
    finishing = ["finish", pem, "--dir", own]
    land.agency(*finishing)
    land.agency(*finishing)
    assert not (own / KEY).exists()

    # Those that will call it learn where it is, without a restart.
    since = {name: land.told(name) for name in CALLERS}
    telling = ["address", application, *(word for name in CALLERS for word in ("--config", land.of(name)))]
    land.agency(*telling)
    assert "+" not in land.agency(*telling)
    for name in CALLERS:
        land.reread(name, since[name])

    # A process of its own: one that serves a party hardens itself for good.
    checked = [sys.executable, "-m", "kakine", "serve", "party", "--config", str(own / SETTINGS), "--check"]
    subprocess.run(checked, check=True, stdout=subprocess.DEVNULL)
    add_port(land, "kobe")
    land.processes.up(["kobe"])
    land.processes.wait(["kobe"])

    # It registers people, asks and answers.
    reference = "0000000017"
    for domain in ("kobe/children", "kobe/tax"):
        given = land.agency(
            "acquire", "--config", own / SETTINGS, "--domain", domain, "--file", land.people(reference)
        )
        assert DELIVERED in given
    copies = land.hand / "copies.jsonl"
    copies.write_text(json.dumps(copy(reference)))
    keeping = ["keep", "--config", own / SETTINGS, "--domain", "kobe/tax", "--file", copies]
    land.agency(*keeping)
    land.agency(*keeping)
    copies.write_text(json.dumps(copy(reference, total_income=1)))
    assert "copy-outdated" in land.agency(*keeping, code=1)

    row = ["--procedure", "JO106", "--row"]
    asked_ = ["ask", "--dir", land.folder, "--as", "kobe/children", *row, "JO106.3"]
    land.kakine(*asked_, "--provider", f"{ASKING}/residents", "--reference", reference)
    theirs = land.roster.reference(DomainName(f"{ASKING}/children"), land.resident).decode()
    asked_ = ["ask", "--dir", land.folder, "--as", f"{ASKING}/children", *row, "JO106.2"]
    answered = land.kakine(*asked_, "--provider", "kobe/tax", "--reference", theirs)
    assert "4321000" in answered
    seen = land.history()
    assert ("kobe/children", f"{ASKING}/residents", DELIVERED) in seen
    assert (f"{ASKING}/children", "kobe/tax", DELIVERED) in seen


def copy(reference: str, **changed: int) -> dict[str, object]:
    data = {"fiscal_year": 2026, "total_income": 4321000, "taxed": "taxed"} | changed
    days = {"as_of": "2026-06-01", "expires": "2099-12-31"}
    return {"reference": reference, "item": "TK-0002", "layout": 1, "version": 1, **days, "data": data}


def add_port(land: Land, name: str) -> None:
    """By which this test's own operator finds its process."""
    path, listen = land.folder / "operator/country.json", read(land.of(name)).listen
    whole = json.loads(path.read_text())
    whole["ports"][name] = [listen.port, listen.admin]
    path.write_text(json.dumps(whole))


class _Killed(BaseException):
    """The command ends here, as by kill -9."""


def test_adding_an_agency_goes_on_after_a_kill_at_every_step(land: Land) -> None:
    wanted, words = entry(land.hand, NAGOYA), list[str]()

    def killed(step: int) -> Callable[[str], None]:
        told_ = iter(range(1, step + 1))

        def say(word: str) -> None:
            words.append(word)
            if word.startswith("✓") and next(told_, step) == step:
                raise _Killed

        return say

    for step in range(1, 6):
        with pytest.raises(_Killed):
            add_agency(land.folder, wanted, LASTING_S, killed(step))
    assert [each[2:4] for each in words if each.startswith("✓")][-5:] == [
        "準備",
        "官報",
        "証明",
        "宛先",
        "稼働",
    ]
    drawn = (land.folder / "nagoya/key.seed").read_bytes()
    assert add_agency(land.folder, wanted, LASTING_S, words.append)
    assert (land.folder / "nagoya/key.seed").read_bytes() == drawn
    assert "nagoya" in land.processes.running()
    parties = [each for each in words if "Adds the party nagoya" in each]
    assert len(parties) == 1


def test_a_name_that_is_somebodys_is_refused(land: Land) -> None:
    add_agency(
        land.folder, entry(land.hand, NAGOYA), LASTING_S, lambda _: None
    )  # where it has not joined yet
    for city in (NAGOYA | {"number": KOBE["number"]}, NAGOYA | {"name": ASKING}):
        said, status = land.tried("apart", "add-agency", entry(land.hand, city), "--dir", land.folder)
        assert status == 1
        assert "application-refused" in said
