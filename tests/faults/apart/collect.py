"""After a run: ask the country what anybody may ask it, read what people are shown, then look into the stores."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from faults.apart.outcome import CONVERTERS, LEDGERS, Writing, store_rows
from faults.apart.world import World
from kakine.cli.acting import Agency, agency
from kakine.cli.apart_reading import read_history
from kakine.cli.own_history import seen_of
from kakine.clients.erasures import all_notices
from kakine.clients.monitor.erasures import Erasing
from kakine.clients.monitor.findings import Finding
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.reading import Limits, Watched
from kakine.clients.monitor.rounds import look
from kakine.clients.monitor.sources import Converter, Mailbox, Running
from kakine.country import COMMISSION
from kakine.process.running import clock
from kakine.protocols.history import lines
from kakine.protocols.logs import Log
from kakine.protocols.reading import Reading
from kakine.values.labels import PartyName

ASKING = "yokohama"


def calls_of(journal: Iterable[bytes]) -> list[dict[str, Any]]:
    """Each question with its end, or ends."""
    found: dict[int, dict[str, Any]] = {}
    for line in journal:
        said = msgspec.json.decode(line, type=dict[str, Any])
        if "case" in said:
            found[said["number"]] = {**said, "ends": 0, "result": "", "problem": ""}
        elif "number" in said:
            one = found[said["number"]]
            one["ends"] += 1
            one |= {name: said[name] for name in ("result", "problem") if name in said}
    return list(found.values())


def heads_of(journal: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """(who, note) of every head that was seen meanwhile."""
    told = (msgspec.json.decode(line, type=dict[str, Any]) for line in journal)
    return [(said["head"], b64decode(said["note"])) for said in told if "head" in said]


def write_calls(writing: Writing, calls: Sequence[dict[str, Any]]) -> None:
    """As the callers wrote them down."""
    for one in calls:
        case = bytes.fromhex(one["case"])
        row = one["number"], one["agency"], one["person"], case, one["ends"], one["result"], one["problem"]
        writing.add("call", [row])


def write_law(writing: Writing, law: Any, logs: Iterable[Log]) -> None:
    """Whose signatures count."""
    writing.add("log", ((log.origin, str(log.ledger), bytes(log.key_in(law))) for log in logs))
    writing.add("keeper", ((str(name), bytes(law.signing_key(name))) for name in law.keeper_parties))


def write_reading(writing: Writing, person: str, read: Reading) -> None:
    """What a person is shown."""
    hidden = sum(map(len, read.opened.hidden.values()))
    writing.add("reading", [(person, read.signed, read.verified, hidden)])
    for line in lines(read.opened.rows):
        seen = seen_of(line)
        writing.add("seen_line", [(person, seen.case, seen.result, seen.origin, seen.index)])


def write_findings(writing: Writing, findings: Iterable[Finding]) -> None:
    """Of the monitor."""
    for each in findings:
        writing.add("finding", [(str(each.code), json.dumps(each.facts, ensure_ascii=False))])


def collect(world: World, journal: Path, rivals: Iterable[tuple[str, str]], into: Path) -> None:
    """Write the outcome. The country runs when this begins, and has stopped when it ends."""
    told = journal.read_bytes().splitlines()
    calls = calls_of(told)
    writing = Writing(into)
    try:
        write_calls(writing, calls)
        writing.add("head_seen", heads_of(told))
        writing.add("rival", rivals)
        people = sorted({str(one["person"]) for one in calls if one["person"]})
        world.inside("portal", lambda: asyncio.run(_ask(world, writing, people)))
        world.stop()
        if world.cluster is not None:
            world.cluster.start()
        rows = store_rows(lambda party: world.own(party) / f"{party}.sqlite")
        for name in (*CONVERTERS, *world.witnesses):
            store = (
                store_rows(lambda party: world.own(party) / "witness.sqlite")
                if name in world.witnesses
                else rows
            )
            writing.add("head_seen", ((name, note) for (note,) in store(name, "SELECT note FROM seen_head")))
            writing.add("fork", ((name, note) for (note,) in store(name, "SELECT note FROM forked_head")))
        for name in LEDGERS:
            writing.add("head_seen", ((name, note) for (note,) in rows(name, "SELECT note FROM checkpoint")))
            signed = rows(f"{name}-signer", "SELECT origin, size, root FROM signed")
            writing.add("signed_last", ((f"{name}-signer", *each) for each in signed))
        writing.stores(rows, [name for name in world.parties if runs_gateway(world, name)])
    finally:
        writing.close()
        if world.cluster is not None:
            world.cluster.stop()


def runs_gateway(world: World, name: str) -> bool:
    """Whether a party is one."""
    return 'kind = "gateway"' in (world.own(name) / "party.toml").read_text()


async def _ask(world: World, writing: Writing, people: Sequence[str]) -> None:
    async with agency(world.folder, ASKING) as own:
        write_law(writing, own.law, own.logs)
        for person in people:
            write_reading(writing, person, await read_history(own, world.folder, person))
        memory = Memory(world.folder / "operator" / "monitor")
        try:
            done = await look(memory, _watched(own), Limits(), clock(), erasing=_erasing(own))
        finally:
            memory.close()
        write_findings(writing, done.findings)


def _watched(own: Agency) -> list[Watched]:
    peers, law, names = own.peers, own.law, [PartyName(each) for each in own.settings.country.converters]
    found = []
    for log in own.logs:
        keepers = [Mailbox(peers, name, law.signing_key(name), log.origin) for name in law.keeper_parties]
        converters = [
            Converter(peers, name, law.signing_key(name), position, log.origin)
            for position, name in enumerate(names, 1)
        ]
        source = Running(peers, log.ledger)
        found.append(Watched(log.origin, log.key_in(law), source, keepers, (), converters, converters))
    return found


def _erasing(own: Agency) -> Erasing:
    names = [PartyName(each) for each in own.settings.country.converters]
    given = partial(all_notices, own.peers, COMMISSION)
    return Erasing(given, COMMISSION, own.law.keeper_parties, names, own.law.signing_key)
