"""What a reader keeps between two readings: the last head of each log. So each reader is a small witness.

A log that shows one person alone another history is caught at that person's next reading, for what is shown then does
not go with what was shown before. Both heads are signed by the log: they prove it to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, CONSISTENCY, Between
from kakine.country import Country
from kakine.crypto import files
from kakine.protocols.freshness import check_grown, check_latest
from kakine.protocols.logs import Log
from kakine.values.problems import HeadForked, LogBehind, Problem, RememberedMalformed
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

_notes = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True)
class Since:
    """By origin of each log: the size it had at the last reading, what accuses it, and its note of now."""

    grown: Mapping[str, int]
    accused: Mapping[str, Problem]
    notes: Mapping[str, str]


def kept(path: Path) -> dict[str, str]:
    """The notes of the last reading; none for a first one. Raises `RememberedMalformed`."""
    try:
        return _notes.decode(path.read_bytes()) if path.exists() else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise RememberedMalformed() from fault


async def since(country: Country, before: Mapping[str, str]) -> Since:
    """What became of every log that can be read since `before`, notes by origin.

    Raises what a note refuses with that its log has not signed, and `PartyUnavailable`. A log that is not among them
    any more, or was not then, is not judged.
    """
    grown, accused, now = dict[str, int](), dict[str, Problem](), dict(before)
    for log in country.readable():
        given = (await country.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())).checkpoint
        served = _opened(country, log, given)
        if log.origin in before:
            old = _opened(country, log, before[log.origin].encode())
            try:
                await _check(country, log, old, served)
            except (LogBehind, HeadForked) as fault:
                accused[log.origin] = fault
                continue  # the head of before is the evidence
            grown[log.origin] = old.size
        now[log.origin] = given.decode()
    return Since(grown, accused, now)


def keep(path: Path, found: Since) -> None:
    """Replace what is kept, whole or not at all. The head of before stays for a log that is accused."""
    files.replace(path, msgspec.json.format(msgspec.json.encode(dict(found.notes)), indent=1) + b"\n")


def _opened(country: Country, log: Log, note: bytes) -> Checkpoint:
    return notes.open(note, log.origin, log.key_in(country.book("portal").in_force(country.site.clock())))


async def _check(country: Country, log: Log, old: Checkpoint, served: Checkpoint) -> None:
    check_latest(log.origin, served, [old])  # no proof can be asked for towards a smaller head
    asked = Between(old.size, served.size)
    given = await country.peers("portal").ask(log.ledger, CONSISTENCY, asked)
    check_grown(log.origin, old, served, given.proof)
