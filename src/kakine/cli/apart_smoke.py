"""Real exchanges through a country that runs apart, and their traces held against its logs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.cli.acting import Agency, agency
from kakine.cli.apart_making import OPERATOR
from kakine.cli.apart_processes import about
from kakine.contracts.agency import Asking
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, WITNESSED
from kakine.protocols.witnessing import cosigners
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import AccountUnknown, NotWitnessed, PromiseBroken
from kakine.wire import checkpoint as notes
from kakine.wire import policy

DELIVERED = "delivered"
FRESH_S = 40


class _Question(msgspec.Struct, frozen=True):
    domain: str
    provider: str
    procedure: str
    rows: list[str]
    reference: str
    official: str
    case: str
    unit: str
    channel: int
    person: str


def questions(folder: Path, name: str, who: str = "") -> list[Asking]:
    """What an agency has reason to ask; of a `person` alone."""
    found = msgspec.convert(about(folder).questions, list[_Question])
    return [
        Asking(
            each.domain,
            each.provider,
            each.procedure,
            each.rows,
            each.reference.encode(),
            each.official,
            bytes.fromhex(each.case),
            each.unit,
            each.channel,
        )
        for each in found
        if DomainName(each.domain).party == name and who in ("", each.person)
    ]


def person(folder: Path, name: str) -> str:
    """Of the people about whom an agency asks, one of Yokohama who can come in at the portal, by the reference there.
    Raises `AccountUnknown`."""
    found = msgspec.convert(about(folder).questions, list[_Question])
    mine = [each for each in found if DomainName(each.domain).party == name and each.person]
    if not mine:
        raise AccountUnknown()
    return mine[0].person


@dataclass(frozen=True)
class Smoked:
    """Results of the questions, how much each log grew, how many have cosigned its head, and the time it took."""

    results: Mapping[str, int]
    grown: Mapping[str, int]
    cosigned: Mapping[str, int]
    seconds: float

    def require(self) -> None:
        """Raises `PromiseBroken` unless data was delivered, and every question and answer is in a witnessed log."""
        if not self.results.get(DELIVERED):
            raise PromiseBroken(promise=DELIVERED)
        # A question and its answer are an entry each, in one of the logs.
        if sum(self.grown.values()) < 2 * sum(self.results.values()) or not all(self.cosigned.values()):
            raise PromiseBroken(promise="logged")


async def smoke(folder: Path, name: str, most: int, at_once: int = 8) -> Smoked:
    """At most this many questions of an agency, then the logs. Raises what refuses or does not verify."""
    async with agency(folder, name) as own:
        before = await sizes(own)
        begun = time.perf_counter()
        results = await ask_all(own, questions(folder, name)[:most], at_once)
        seconds = time.perf_counter() - begun
        after = await sizes(own)
        grown = {origin: after[origin] - before[origin] for origin in after}
        cosigned = {
            log.origin: await _cosigned(own, folder, log.ledger, after[log.origin]) for log in own.logs
        }
        return Smoked(Counter(results), grown, cosigned, seconds)


async def ask_all(own: Agency, asked: Sequence[Asking], at_once: int) -> list[str]:
    """The results, in the order of the questions; so many at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(each: Asking) -> str:
        async with gate:
            return (await own.ask(each)).result

    return list(await asyncio.gather(*map(one, asked)))


async def sizes(own: Agency) -> dict[str, int]:
    """Of each log, by a head whose signature verifies."""
    found = {}
    for log in own.logs:
        given = await own.peers.ask(log.ledger, CHECKPOINT, Nothing())
        found[log.origin] = notes.open(given.checkpoint, log.origin, log.key_in(own.law)).size
    return found


async def _cosigned(own: Agency, folder: Path, ledger: PartyName, size: int) -> int:
    """How many witnesses have signed a head of at least this size, as soon as they have; they meet the policy."""
    believed = policy.decode((folder / OPERATOR / "policy.txt").read_bytes())
    until = time.monotonic() + FRESH_S
    while True:
        try:
            note = (await own.peers.ask(ledger, WITNESSED, Nothing())).checkpoint
            log = next(each for each in own.logs if each.ledger == ledger)
            if notes.open(note, log.origin, log.key_in(own.law)).size >= size:
                signed = cosigners(note, believed)
                believed.check_quorum(signed)
                return len(signed)
        except NotWitnessed:
            pass
        if time.monotonic() > until:
            raise NotWitnessed(size=size)
        await asyncio.sleep(0.5)
