"""`kakine serve witness` as a process of its own, before a real HTTP client."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from forked_log import KEY, ORIGIN, Told
from kakine.clients.witnessing import Gathered, Gatherer, WitnessSite
from kakine.protocols.witnessing import accepted
from kakine.runtime.witness_roads import HttpRoad
from kakine.wire import checkpoint as notes
from kakine.wire.cosignature import cosigned
from kakine.wire.policy import witness_key
from tile_log import VKEY

TOLD = Told()


def settings(folder: Path) -> Path:
    path = folder / "witness.toml"
    path.write_text(
        f'name = "witness.example/w1"\nlogs = ["{VKEY}"]\n'
        'database = "witness.sqlite"\nseed = "witness.seed"\nport = 0\n'
    )
    return path


@contextmanager
def serving(path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """(process, vkey, address) of a witness; ended at the end if the test has not done so."""
    command = [sys.executable, "-m", "kakine", "serve", "witness", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        vkey = process.stdout.readline().strip()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found is not None
        yield process, vkey, found[1]
    finally:
        process.kill()
        process.communicate(timeout=120)


def call(address: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    request = urllib.request.Request(address + path, data=body)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["content-type"], refusal.read()


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=120)


def test_a_witness_serves_stops_and_goes_on_where_it_was(tmp_path: Path) -> None:
    path = settings(tmp_path)
    with serving(path) as (process, vkey, address):
        known = witness_key(vkey)
        status, _, answer = call(address, "/add-checkpoint", TOLD.body(0, 50))
        assert status == 200
        assert accepted(TOLD.note(50), answer, known) == answer
        assert stopped(process) == 0
    with serving(path) as (process, again, address):
        assert again == vkey
        assert call(address, "/add-checkpoint", TOLD.body(0, 60)) == (409, "text/x.tlog.size", b"50\n")
        status, _, cosigned_note = call(address, f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint")
        assert status == 200
        assert notes.open(cosigned_note, ORIGIN, KEY.public) == TOLD.head(50)
        assert len(cosigned(cosigned_note, known.name, known.id, known.key)) == 1
        assert stopped(process) == 0


def test_settings_can_be_checked_without_opening_anything(tmp_path: Path) -> None:
    path = settings(tmp_path)
    command = [sys.executable, "-m", "kakine", "serve", "witness", "--check", str(path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    path.write_text(path.read_text() + "colour = 1\n")
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith("settings-malformed")
    assert [each.name for each in tmp_path.iterdir()] == ["witness.toml"]


def test_a_log_has_its_heads_cosigned_over_http(tmp_path: Path) -> None:
    """The way out of the process: our client, real sockets; a stopped witness is away, and later caught up with."""
    path = settings(tmp_path)
    gatherer = Gatherer()

    def round_of(size: int, vkey: str, address: str) -> Gathered:
        async def work() -> Gathered:
            async with aiohttp.ClientSession() as session:
                known = witness_key(vkey)
                site = WitnessSite("w1", known, HttpRoad(session, address + "/"))
                return await gatherer.gather(TOLD.note(size), size, lambda old: TOLD.proof(old, size), [site])

        return asyncio.run(work())

    with serving(path) as (process, vkey, address):
        for size in (10, 50, 50):
            assert round_of(size, vkey, address).cosigned == ("w1",)
        assert round_of(20, vkey, address).refused == {"w1": "log-behind"}
        stopped(process)
        assert round_of(60, vkey, address).refused == {"w1": "party-unavailable"}
    with serving(path) as (_, vkey, address):
        assert round_of(300, vkey, address).refused == {}
