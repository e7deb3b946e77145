"""`kakine apart add-agency`: every step of joining (spec/joining.md), where all folders are on this machine.

What has been done is seen from what is there, so that the same command goes on after a kill: the folder stands when it
is whole, the law says what was published, a certificate, a database and an address are each there or not.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from kakine.cli import agency_steps as steps
from kakine.cli.acting import Agency, acting
from kakine.cli.agency import give_database, when
from kakine.cli.agency_addresses import add_address
from kakine.cli.agency_folder import (
    APPLICATION,
    KEY,
    CountryFile,
    Entry,
    Listen,
    decoded,
    describe,
    finish,
    prepare,
)
from kakine.cli.agency_steps import Facts, Stage
from kakine.cli.apart_making import OPERATOR, SETTINGS
from kakine.cli.apart_processes import About, Processes, about
from kakine.cli.apart_server import Engine
from kakine.country import AUTHORITY, COMMISSION, MINISTRY
from kakine.process.running import clock
from kakine.process.settings import Environment, read
from kakine.protocols.assessment import Level
from kakine.protocols.gazette_genesis import PartyKeys
from kakine.protocols.joining import drafted, opened
from kakine.values.labels import PartyName
from kakine.values.problems import ApplicationRefused, GazetteTooSoon
from kakine.wire.gazette import Assessment
from kakine.wire.joining import Application

Say = Callable[[str], None]
_REVIEW_MS = (5_000, 20_000, 80_000, 320_000)
"""Room for the review, and more of it where a slow machine took longer."""
_PEOPLE = {Level.EXEMPT: 0, Level.BASIC: 1_000, Level.FOCUSED: 100_000, Level.FULL: 300_000}
REASONS = "機関の参加", "An agency joins"


def add_agency(country: Path, entry: Path, patience_s: float, say: Say) -> bool:
    """Whether the agency is at work; False where the law has it and the waiting time is longer than `patience_s`: the
    same again goes on then. Raises `ApplicationRefused` where another entry joined under this name, `CountryMissing`,
    and what refuses."""
    told, wanted = about(country), decoded(entry, Entry)
    name = PartyName(wanted.party[0].name)
    own, engine = country / name, Engine.POSTGRESQL if told.server else Engine.SQLITE
    if not (own / APPLICATION).exists():
        _require_new(told, name)
        _prepare(country, own, wanted, engine)
    signed = (own / APPLICATION).read_bytes()
    asked = opened(signed)
    _require_same(asked, wanted)
    say(f"✓ 準備 / prepared: {own}")
    since_ms = asyncio.run(_publish(country, signed, say))
    if not _in_force(since_ms, patience_s, say):
        return False
    if (own / KEY).exists():
        finish(own, asyncio.run(_certify(country, signed)))
    say("✓ 証明書 / certificate")
    processes = Processes(country)
    if (server := processes.server) is not None and not (own / f"{name}.postgresql").exists():
        give_database(own, server, secrets.token_bytes)
        say("✓ データベース / database")
    _tell(country, told, asked)
    say("✓ 宛先 / addresses")
    _enlist(country, name)
    processes.up([name])
    processes.wait([name])
    say(f"✓ 稼働 / at work: {name}")
    return True


def _require_new(told: About, name: str) -> None:
    if name in told.ports:
        raise ApplicationRefused(party=name, fault="the country has a party of this name")


def _require_same(asked: Application, entry: Entry) -> None:
    keys = PartyKeys(asked.party.signing_key, asked.party.seal_key)
    if (asked.party, asked.assessments) != drafted(entry.party[0], entry.assessment, keys):
        raise ApplicationRefused(party=asked.party.name, fault="it has applied with another entry")


def _prepare(country: Path, own: Path, entry: Entry, engine: Engine) -> None:
    known = msgspec.toml.decode(describe(read(country / MINISTRY / SETTINGS)), type=CountryFile)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, admin = one.getsockname()[1], other.getsockname()[1]
    listen = Listen([f"https://127.0.0.1:{port}"], port, admin)
    prepare(own, entry, known, listen, Environment.DEVELOPMENT, engine)


async def _publish(country: Path, signed: bytes, say: Say) -> int:
    """Ministry and commission, each with its own certificate; when the law with the agency takes effect."""
    asked = opened(signed)
    for review_ms in _REVIEW_MS:
        async with acting(read(country / MINISTRY / SETTINGS)) as ministry:
            found = steps.state(ministry, asked)
            if found.stage is not Stage.NOT_PUBLISHED:
                say("✓ 官報 / in the gazette")
                return found.since_ms
            await steps.propose(ministry, signed, review_ms, REASONS)
        async with acting(read(country / COMMISSION / SETTINGS)) as commission:
            try:
                await _approve(commission, signed, say)
            except GazetteTooSoon:
                continue
    raise GazetteTooSoon()


def _facts(of: Assessment) -> Facts:
    """So many people as make that level due; the days of the steps before are made up, as everything here is."""
    level = Level(of.level)
    before = [of.published - back for back in (90, 80, 40, 10)]
    return Facts(_PEOPLE[level], False, *(before if level is Level.FULL else before[:1]))


async def _approve(commission: Agency, signed: bytes, say: Say) -> None:
    asked = opened(signed)
    for each in asked.assessments:
        published = each.published
        await steps.assess(commission, asked.party.name, each.file, _facts(each), published)
    found = await steps.proposal(commission, signed)
    for change in found.changes:
        say(f"  {change.ja} {change.en}")
    await steps.approve(commission, found.digest)


def _in_force(since_ms: int, patience_s: float, say: Say) -> bool:
    """Waits for the law, never around it: whoever certifies, converts and answers goes by it."""
    left = (since_ms - clock()) / 1000
    if left > patience_s:
        say(f"施行を待つ / waits until {when(since_ms)}; the same command goes on then")
        return False
    if left > 0:
        say(f"施行を待つ / waits {left:.0f} s")
        time.sleep(left)
    return True


async def _certify(country: Path, signed: bytes) -> bytes:
    async with acting(read(country / AUTHORITY / SETTINGS)) as authority:
        return await steps.certify(authority, signed)


def _tell(country: Path, told: About, asked: Application) -> None:
    """Every party's settings, as the founding gives everybody all addresses."""
    for place in told.ports:
        if place not in told.witnesses and place != asked.party.name:
            add_address(country / place / SETTINGS, asked.party.name, asked.addresses)


def _enlist(country: Path, name: str) -> None:
    """Into the operator's own file, by which `up`, `status` and `down` know the processes."""
    path, listen = country / OPERATOR / "country.json", read(country / name / SETTINGS).listen
    whole = json.loads(path.read_bytes())
    whole["ports"][name] = [listen.port, listen.admin]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(whole, ensure_ascii=False, indent=1))
    fresh.replace(path)
