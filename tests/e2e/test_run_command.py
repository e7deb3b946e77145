"""`kakine run`, and the commands about logs: what a country does by itself, and what only people may."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attacks.test_next_log import A, B, before_midnight, killed
from kakine.cli import visiting
from kakine.cli.root import app
from kakine.cli.run import chores
from kakine.country import CONVERTERS, Site
from kakine.protocols.logs import open_logs
from kakine.runtime.schedule import Done, Schedule
from kakine.values.problems import LogNotOver
from road import away

import land as lands
from land import CHILDREN, LOGIN, TAX, Land

__all__ = ["killed"]


@pytest.fixture
def eve(tmp_path: Path) -> Iterator[Land]:
    """31 December, half an hour before midnight; two questions were asked."""
    clock = before_midnight(1800)
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN), clock=clock) as land:
        land.run(land.ask(0))
        land.run(land.ask(1))
        yield land


def worked(land: Land, seconds: int) -> list[Done]:
    """What a country does by itself in so much time, which passes as fast as it sleeps."""
    heard: list[Done] = []
    end_ms = land.clock() + seconds * 1000

    async def go() -> None:
        stop, asleep = asyncio.Event(), list[tuple[int, asyncio.Future[None]]]()

        async def sleep(duration: float) -> None:
            asleep.append(
                (land.clock() + int(duration * 1000), woken := asyncio.get_running_loop().create_future())
            )
            await woken

        made = chores(land.country)
        lanes = {chore.lane for chore in made}
        running = asyncio.ensure_future(Schedule(made, land.clock, sleep, heard.append).run(stop))
        while not running.done():
            await asyncio.sleep(0.001)
            asleep[:] = [each for each in asleep if not each[1].done()]
            if len(asleep) < len(lanes):
                continue
            at_ms, woken = min(asleep, key=lambda each: each[0])
            if at_ms > end_ms:
                stop.set()
                await running
                return
            land.clock.advance(max(at_ms - land.clock(), 0) / 1000 + 0.001)
            woken.set_result(None)

    land.run(go())
    return heard


def said(heard: list[Done], name: str) -> list[str]:
    return [each.said for each in heard if name in each.name and not each.fault]


def test_a_country_beats_is_witnessed_indexed_and_audited_by_itself(eve: Land) -> None:
    heard = worked(eve, 60)
    assert not [each.fault for each in heard if each.fault]
    assert len(said(heard, "heartbeat")) >= 4
    assert {log.origin for log in (A, B) if any(log.origin in each for each in said(heard, "heartbeat"))} == {
        A.origin,
        B.origin,
    }
    assert any("8 ✓" in each for each in said(heard, "witnesses"))
    assert len(said(heard, "index")) == 1
    assert said(heard, "audit")


def test_a_duty_that_fails_is_named_and_stops_no_other(eve: Land) -> None:
    with away(eve.country, CONVERTERS[0]):
        heard = worked(eve, 60)
    assert {each.fault.code for each in heard if each.fault and "audit" in each.name} == {"party-unavailable"}
    assert len(said(heard, "heartbeat")) >= 4
    assert any("7 ✓" in each and str(CONVERTERS[0]) in each for each in said(heard, "witnesses"))


def test_a_country_turns_its_year_by_itself(eve: Land) -> None:
    """Midnight is half an hour away; one ledger after the other, each after twelve minutes."""
    eve.clock.advance(1790)
    heard = worked(eve, 1800)
    assert [log.origin for log in open_logs(eve.country.logs)] == [
        "ledger.kakine.example/2027/a",
        "ledger.kakine.example/2027/b",
    ]
    assert len(said(heard, "next log")) == 4
    assert not [each.fault for each in heard if each.fault]
    assert eve.run(eve.ask(0)).result == "delivered"


def kakine(*words: object) -> str:
    given = CliRunner().invoke(app, [str(word) for word in words])
    if given.exception is not None and not isinstance(given.exception, SystemExit):
        raise given.exception
    return given.output


def test_the_commands_turn_the_year_and_show_the_logs(eve: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    eve.close()
    monkeypatch.setattr(
        visiting, "site", lambda where: Site(where, lands.pack(), eve.clock, secrets.token_bytes)
    )
    with pytest.raises(LogNotOver):
        kakine("ledger", "next", "a", "--dir", eve.folder)
    eve.clock.advance(1810)
    assert "run this again" in kakine("ledger", "next", "a", "--dir", eve.folder)
    eve.clock.advance(13 * 60)
    assert "2027/a" in kakine("ledger", "next", "a", "--dir", eve.folder)
    shown = kakine("ledger", "logs", "--dir", eve.folder).splitlines()
    assert [line.split()[0] for line in shown] == [A.origin, B.origin, "ledger.kakine.example/2027/a"]
    assert ["ended" in line for line in shown] == [True, False, False]
    assert "governance" in kakine("ledger", "check", "--dir", eve.folder)
    assert "request" in kakine("ledger", "check", "--log", "2026/a", "--dir", eve.folder)


def test_a_dead_log_is_declared_so_by_a_command_that_asks_twice(killed: Land) -> None:
    killed.close()
    folder = killed.folder
    assert (
        "cannot be undone"
        in CliRunner().invoke(app, ["ledger", "declare-dead", "a", "--dir", str(folder)]).output
    )
    assert "2026/a2" in kakine("ledger", "declare-dead", "a", "--dir", folder, "--yes")
    shown = kakine("ledger", "logs", "--dir", folder)
    assert "dead" in shown
    assert "2026/a2" in shown


def test_it_stops_cleanly_when_it_is_told_to(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", people=1, domains=(CHILDREN, TAX)) as land:
        land.run(land.ask(0))
    words = [sys.executable, "-m", "kakine", "run", "--dir", str(tmp_path / "land")]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "witnesses" in line:
            process.send_signal(signal.SIGTERM)
            break
    lines += list(process.stdout)
    process.stdout.close()
    assert process.wait(120) == 0
    assert lines[-1].strip() == "停止 / stopped"
    assert any("heartbeat" in line for line in lines)
