"""A monitor that looks at a running country of tests, and what its findings and their evidence say.

done = look(land, tmp_path)
assert codes(done) == []
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attacks.insider import MAILBOXES, mailbox
from kakine.cli.monitor_country import watched_country
from kakine.clients.monitor.evidence import load, write
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Limits, Watched
from kakine.clients.monitor.rounds import look as look_once
from kakine.country import LEDGER, ORIGIN
from kakine.crypto.signing import VerifyKey
from kakine.wire import policy
from watching import Looked

from land import Land

FIRST, SECOND = MAILBOXES


def look(land: Land, tmp_path: Path, **how: Any) -> Looked:
    """One look of a monitor that keeps its memory beside the country."""
    return look_at(land, tmp_path, watched_country(land.country, how.pop("reported", [])), **how)


def said_of(done: Looked, party: str = FIRST) -> list[str]:
    """What was found of one party."""
    return sorted({str(finding.code) for finding in done.findings if finding.facts.get("party") == party})


def ledger_key(land: Land) -> VerifyKey:
    """As the law has it."""
    return land.country.book("portal").in_force(land.clock()).log_key(LEDGER)


def shown(land: Land, done: Looked, tmp_path: Path) -> dict[Code, Level]:
    """What its evidence is worth, by code."""
    write(tmp_path / "evidence", done.findings)
    trusted = policy.decode(policy.one_log(ORIGIN, ledger_key(land)))
    return {v.finding.code: v.level for v in check(load(tmp_path / "evidence"), trusted)}


def mailbox_sql(land: Land, statement: str, name: str = FIRST, *values: object) -> int:
    """What an administrator of a record keeper's database could do."""
    writer = mailbox(land, name).db._writer
    writer.execute("PRAGMA foreign_keys = OFF")
    return int(writer.execute(statement, values).rowcount)


def look_at(land: Land, tmp_path: Path, watched: Watched, **how: Any) -> Looked:
    """One look at something else than the country shows by itself."""
    memory = Memory(tmp_path / "memory")
    try:
        return Looked(land.run(look_once(memory, [watched], Limits(**how), land.clock(), evidence=True)))
    finally:
        memory.close()
