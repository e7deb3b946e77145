"""A country in processes of its own: exchanges through all of them, a party that dies, callers that may not call.

One country for the whole module. It takes seconds to found and start; everything here goes over sockets.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from typer.testing import CliRunner

from apart_country import ASKING, NAMES, figures, own_questions, running, until
from kakine.cli.acting import Agency, agency
from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_processes import Processes, Started, about, asked, began, ready, told
from kakine.cli.apart_reading import read_history
from kakine.cli.apart_revoking import revoke_party, serial_of
from kakine.cli.apart_smoke import DELIVERED, ask_all, person, questions, sizes
from kakine.cli.own_history import seen_of
from kakine.cli.root import app
from kakine.contracts.agency import ASK, PAPER, AskPaper, Told
from kakine.contracts.call import Nothing
from kakine.contracts.converter import HEAD, LastHead
from kakine.contracts.ledger import APPEND, CHECKPOINT, Append
from kakine.process.checks import DEVELOPMENT
from kakine.protocols.history import lines
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CertificateMalformed,
    CertificateRevoked,
    CertificateUnknown,
    PartyUnavailable,
    SettingsMalformed,
)
from party_certificates import Roots

T = TypeVar("T")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with running(tmp_path_factory.mktemp("apart") / "country") as made:
        yield made


def as_agency(processes: Processes, work: Callable[[Agency], Awaitable[T]], name: str = ASKING) -> T:
    async def whole() -> T:
        async with agency(processes.folder, name) as own:
            return await work(own)

    return asyncio.run(whole())


def test_exchanges_go_through_every_process_and_stand_in_the_persons_history(processes: Processes) -> None:
    assert len(processes.running()) >= 8
    asking = own_questions(processes.folder)[:6]

    async def work(own: Agency) -> None:
        before = sum((await sizes(own)).values())
        results = await ask_all(own, asking, 4)
        assert DELIVERED in results
        assert sum((await sizes(own)).values()) >= before + 2 * len(asking)
        read = await read_history(own, processes.folder, person(processes.folder, ASKING))
        assert read.verified >= read.signed > 0
        assert not read.opened.hidden

    as_agency(processes, work)


def test_a_converter_that_is_killed_in_the_middle_loses_no_receipt(processes: Processes) -> None:
    who = person(processes.folder, ASKING)
    about_one = own_questions(processes.folder, who)

    async def delivered(own: Agency) -> int:
        read = await read_history(own, processes.folder, who)
        assert read.verified >= read.signed
        shown = [seen_of(line) for line in lines(read.opened.rows)]
        return sum(1 for each in shown if each.result == DELIVERED and each.requester.startswith(ASKING))

    async def work(own: Agency) -> None:
        results = await ask_all(own, about_one, 1)
        question = about_one[results.index(DELIVERED)]
        before = await delivered(own)
        tasks = [asyncio.create_task(own.ask(question)) for _ in range(12)]
        await asyncio.sleep(0.1)
        processes.kill("converter-2")
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended if isinstance(each, BaseException)} <= {PartyUnavailable}
        answered = sum(1 for each in ended if isinstance(each, Told) and each.result == DELIVERED)
        with pytest.raises(PartyUnavailable):
            await own.ask(question)
        processes.start("converter-2")
        await asyncio.to_thread(processes.wait, ["converter-2"])
        assert (await own.ask(question)).result == DELIVERED
        # Every answer that went out has its record; one whose answer was lost on the way may stand there too.
        assert await delivered(own) >= before + answered + 1

    as_agency(processes, work)


def test_only_the_agency_itself_asks_through_its_gateway(processes: Processes) -> None:
    asking = own_questions(processes.folder)[0]
    paper = AskPaper("yokohama/residents", b"ref", "official", bytes(32), "desk")

    async def work(own: Agency) -> None:
        for call, message in ((ASK, asking), (PAPER, paper)):
            with pytest.raises(CallerNotAllowed):
                await own.peers.ask(PartyName(ASKING), call, message)  # type: ignore[arg-type]

    as_agency(processes, work, "insurer")


def test_a_party_without_the_role_is_refused(processes: Processes) -> None:
    async def work(own: Agency) -> None:
        with pytest.raises(CallerNotAllowed):
            await own.peers.ask(PartyName("ledger-a"), APPEND, Append(bytes(80), bytes(32), []))
        assert (await own.peers.ask(PartyName("converter-1"), HEAD, LastHead("any"))).size == 0

    as_agency(processes, work, "insurer")


def test_a_revoked_certificate_is_refused_everywhere_once_the_lists_are_known(processes: Processes) -> None:
    folder = processes.folder

    async def call(own: Agency) -> None:
        await own.peers.ask(PartyName("ledger-a"), CHECKPOINT, Nothing())

    as_agency(processes, call, "pension")
    processes.end("authority")
    asyncio.run(revoke_party(folder, serial_of(folder, "pension")))
    processes.end("ledger-a")
    for name in ("authority", "ledger-a"):
        processes.start(name)
    processes.wait(["authority", "ledger-a"])
    with pytest.raises(CertificateRevoked):
        as_agency(processes, call, "pension")
    processes.start("pension")
    until(lambda: "pension" not in processes.running())
    # Whose own certificate is revoked does not begin.
    assert "certificate-revoked" in processes.log("pension").read_text()


def test_a_revocation_that_is_refused_leaves_the_authority_at_work(
    processes: Processes, tmp_path: Path
) -> None:
    def refused(*words: object) -> BaseException | None:
        said = ["apart", "revoke", *map(str, words), "--dir", str(processes.folder)]
        return CliRunner().invoke(app, said).exception

    before = processes.running()["authority"]
    other = Roots(tmp_path).issued("insurer").own
    two = tmp_path / "two.pem"
    two.write_bytes(other.read_bytes() * 2)
    assert isinstance(refused("insurrer"), SettingsMalformed)
    assert isinstance(refused("insurer", "--certificate", two), CertificateMalformed)
    assert processes.running()["authority"] == before
    assert isinstance(refused("insurer", "--certificate", other), CertificateUnknown)
    assert "authority" in processes.running()
    assert ready(about(processes.folder).ports["authority"][1])


def test_a_party_stops_when_it_is_told_to(processes: Processes) -> None:
    one = processes.running()["registry"]
    processes.end("registry")
    assert began(one.pid) != one.began
    assert told(processes.log("registry").read_text().splitlines()[-1])["event"] == "stopped"
    processes.start("registry")
    processes.wait(["registry"])


def test_what_the_operator_is_told_names_no_person(processes: Processes) -> None:
    processes.wait(NAMES)
    secret = [each.reference.decode() for each in questions(processes.folder, ASKING)]
    secret.append(person(processes.folder, ASKING))
    for name in NAMES:
        told_in_figures = figures(processes, name)
        assert "kakine_ready 1.0" in told_in_figures
        assert ("kakine_audit_faults 0.0" in told_in_figures) == (name == "commission")
        events = processes.log(name).read_text()
        for line in events.splitlines():
            assert set(told(line)) <= {"at", "level", "event", "party", "call", "fault", "chore", "code", "said",
                                       "port", "admin", "step"}  # fmt: skip
            assert told(line)["level"] != "error", line
        assert not [each for each in secret if each in told_in_figures or each in events]
    admin = about(processes.folder).ports[ASKING][1]
    assert until(lambda: asked(admin, "/health")) == "alive\n"


def secrets_of(folder: Path) -> Iterator[bytes]:
    """What the parties of a country keep secret in files, as it could stand in a text."""
    for path in (*folder.glob("*/*.seed"), *folder.glob("*/*.pem"), *folder.glob("*/keys/*.pem")):
        if path.suffix == ".seed":
            drawn = path.read_bytes().removeprefix(DEVELOPMENT)
            yield from (drawn, drawn.hex().encode(), base64.b64encode(drawn)[:16])
        elif found := re.search(rb"PRIVATE KEY-----\s(.*?)-----END", path.read_bytes(), re.DOTALL):
            yield from (line for line in found[1].split() if len(line) > 16)


def test_no_secret_stands_where_others_look(processes: Processes) -> None:
    """In the words and variables of each process, in what it tells and in its figures."""
    secrets, ports = set(secrets_of(processes.folder)), about(processes.folder).ports
    assert len(secrets) > 5 * len(NAMES)
    for name, one in processes.running().items():
        proc = Path(f"/proc/{one.pid}")
        seen = [(proc / "cmdline").read_bytes(), processes.log(name).read_bytes()]
        # Where even the same account may not look, so much the better.
        with suppress(PermissionError):
            seen.append((proc / "environ").read_bytes())
            assert b"PGPASSWORD" not in seen[-1]
        if name in ports:
            seen.append(figures(processes, name).encode())
        assert not [secret for secret in secrets for text in seen if secret in text], name


def test_every_process_has_given_up_core_dumps(processes: Processes) -> None:
    for one in processes.running().values():
        limits = Path(f"/proc/{one.pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_each_party_has_its_own_folder_alone(processes: Processes) -> None:
    for name in NAMES:
        own = processes.folder / name
        assert own.stat().st_mode & 0o077 == 0
        assert {each.name for each in own.iterdir() if each.suffix == ".sqlite"} <= {
            f"{name}.sqlite",
            "auditor.sqlite",
        }
        assert (own / "key.seed").read_bytes().startswith(DEVELOPMENT)
        assert not [
            other for other in NAMES if other != name and f"/{other}/" in (own / SETTINGS).read_text()
        ]


def test_a_number_that_another_process_has_now_is_left_alone(tmp_path: Path) -> None:
    run = tmp_path / "operator" / "run"
    run.mkdir(parents=True)
    of = {"ports": {}, "pages": 1, "witnesses": [], "questions": []}
    (tmp_path / "operator" / "country.json").write_bytes(msgspec.json.encode(of))
    here = os.getpid()
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        (run / "x.json").write_bytes(msgspec.json.encode(Started(here, "1")))
        assert Processes(tmp_path).down() == []
        assert heard == []
        assert not ready(1)
    finally:
        signal.signal(signal.SIGTERM, before)
