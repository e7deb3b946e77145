"""A country apart whose stores are in a server of its own: made, asked, stopped, gone on with; and where it may be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from apart_country import ASKING, NAMES, own_questions
from kakine.cli import apart_server
from kakine.cli.acting import agency
from kakine.cli.apart import app
from kakine.cli.apart_making import make
from kakine.cli.apart_processes import Processes, began
from kakine.cli.apart_reading import read_history
from kakine.cli.apart_server import Engine
from kakine.cli.apart_smoke import DELIVERED, ask_all, person, sizes
from kakine.institutions import postgres, postgres_programs
from kakine.institutions.postgres import Cluster
from kakine.process.checks import check
from kakine.process.running import clock
from kakine.process.settings import read
from kakine.runtime.postgres import address
from kakine.values.problems import ServerFailed, ServerMissing
from postgres_server import short_folder


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with short_folder() as room:
        folder = room / "country"
        asyncio.run(make(folder, 30, 0, Engine.POSTGRESQL))
        made = Processes(folder)
        assert made.server is not None
        assert made.server.running is None  # whoever makes a country leaves nothing behind
        try:
            made.up(NAMES)
            made.wait(NAMES)
            yield made
        finally:
            made.down()


async def _asked(folder: Path) -> int:
    """Ask what the agency can answer itself; then the entries of both logs."""
    async with agency(folder, ASKING) as own:
        mine = own_questions(folder)
        before = sum((await sizes(own)).values())
        results = await ask_all(own, mine[:6], 4)
        after = sum((await sizes(own)).values())
        assert DELIVERED in results
        assert after >= before + 2 * len(results)
        read = await read_history(own, folder, person(folder, ASKING))
        assert read.verified >= read.signed > 0
        return after


def test_exchanges_go_through_and_the_country_goes_on_where_it_was_stopped(processes: Processes) -> None:
    entries = asyncio.run(_asked(processes.folder))
    assert processes.server is not None
    number = processes.server.running
    assert set(processes.down()) == set(NAMES)
    assert number is not None
    assert processes.server.running is None
    assert not began(number)

    processes.up(NAMES)
    processes.wait(NAMES)
    assert asyncio.run(_asked(processes.folder)) > entries


def test_the_operator_sees_the_server(processes: Processes) -> None:
    told = CliRunner().invoke(app, ["status", "--dir", str(processes.folder)]).output
    assert processes.server is not None
    assert f"postgresql       pid {processes.server.running:>8}" in told


def test_a_partys_process_has_the_way_to_its_own_database_alone(processes: Processes) -> None:
    for name in NAMES:
        own = processes.folder / name
        assert not list(own.glob("*.sqlite*"))
        served = {each.stem for each in own.glob("*.postgresql")}
        assert served == {name} | ({"auditor"} if name == "commission" else set())
        assert {each.stem for each in own.glob("*.password")} == served
        for each in own.iterdir():
            assert each.name == "party.toml" or each.is_dir() or each.stat().st_mode & 0o077 == 0
    assert (processes.folder / "witness-peer" / "witness.sqlite").is_file()

    here = address(processes.folder / "ledger-a" / "ledger-a.postgresql").server
    with psycopg.connect(here) as ledger, pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.execute("UPDATE entry SET bytes = bytes")
    other = psycopg.conninfo.make_conninfo(here, dbname="ledger-b")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(other).close()


def test_a_store_whose_address_is_gone_is_seen_before_the_start(processes: Processes, tmp_path: Path) -> None:
    settings = read(processes.folder / "registry" / "party.toml")
    assert not [each for each in check(settings, clock) if each.fault]
    path = settings.folder / settings.database
    path.rename(tmp_path / "away")
    try:
        assert "database-folder" in [each.id for each in check(settings, clock) if each.fault]
    finally:
        (tmp_path / "away").rename(path)


def test_a_number_that_another_process_has_now_is_no_server(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    assert Cluster(tmp_path).running is None
    Cluster(tmp_path).stop()


def test_a_server_is_put_where_its_socket_and_its_account_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with short_folder() as room:
        deep = room / ("d" * 100) / "country"
        deep.mkdir(parents=True)
        home = room / "home"
        monkeypatch.setattr(apart_server, "home", lambda: home)
        cluster = apart_server.serve(deep)
        try:
            assert cluster.folder.parent == home
            assert cluster.running
        finally:
            cluster.stop()
        monkeypatch.setattr(apart_server, "home", lambda: deep)
        with pytest.raises(ServerFailed, match="too long for a socket"):
            apart_server.serve(deep)
        closed = room / "closed"
        closed.mkdir(mode=0o700)
        monkeypatch.setattr(postgres, "_account", lambda: "postgres")
        assert "may not go through" in Cluster(closed / "postgres").fault()
        assert Cluster(room / "open").fault() == ""


def test_where_the_package_cannot_be_had_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres_programs, "_ROOM", tmp_path)
    monkeypatch.setattr(postgres_programs, "_rights", lambda: None)
    done = CliRunner().invoke(app, ["up", "--dir", str(tmp_path / "country"), "--base", "0"])
    assert isinstance(done.exception, ServerMissing)
    assert "package=postgresql" in str(done.exception)
    assert "--engine sqlite" in str(done.exception)
    assert not (tmp_path / "country").exists()  # so that the next attempt finds an empty folder


def test_the_package_is_installed_where_the_user_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[list[str]] = []

    def do(command: list[str], text: str = "") -> str:
        given.append(command)
        if "install" in command:
            (tmp_path / "15" / "bin").mkdir(parents=True)
            (tmp_path / "15" / "bin" / "initdb").touch()
        return ""

    monkeypatch.setattr(postgres_programs, "_ROOM", tmp_path)
    monkeypatch.setattr(postgres_programs, "_rights", lambda: ("sudo", "-n"))
    monkeypatch.setattr(postgres_programs, "_do", do)
    said: list[str] = []
    for _ in range(2):
        postgres_programs.install(said.append)
    assert said == ["apt-get install postgresql ..."]
    assert all(each[:2] == ["sudo", "-n"] for each in given)
    assert [each[-1] for each in given if "install" in each] == ["postgresql"]
    assert given[-1][-3:-1] == ["rm", "-f"]
    assert postgres_programs.programs() == tmp_path / "15" / "bin"
