"""Whether what the logs show a reader is of now."""

from __future__ import annotations

from kakine.contracts.call import Nothing
from kakine.contracts.converter import HEAD, LastHead
from kakine.contracts.ledger import CHECKPOINT, WITNESSED
from kakine.country import CONVERTERS, Country
from kakine.protocols.freshness import check_fresh, check_latest
from kakine.protocols.logs import Log, open_logs
from kakine.values.problems import CheckpointInvalid, HeadForked, LogBehind, Problem, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire import policy as policies
from kakine.wire.checkpoint import Checkpoint


async def freshness(country: Country, limit_ms: int) -> tuple[dict[str, Problem], dict[str, Problem]]:
    """By origin of each open log: why it is not known to be of now, and what accuses it. Nothing for one that is well.

    A log that has ended has no later head; what it shows cannot become stale.
    """
    stale, accused = dict[str, Problem](), dict[str, Problem]()
    for log in open_logs(country.logs):
        try:
            await _check(country, log, limit_ms)
        except (LogBehind, HeadForked, CheckpointInvalid, SignatureInvalid) as fault:
            accused[log.origin] = fault
        except Problem as unknown:  # whoever cannot be asked may have seen more
            stale[log.origin] = unknown
    return stale, accused


async def _check(country: Country, log: Log, limit_ms: int) -> None:
    peers, now_ms = country.peers("portal"), country.site.clock()
    key = log.key_in(country.book("portal").in_force(now_ms))
    seen = [await peers.ask(name, HEAD, LastHead(log.origin)) for name in CONVERTERS]
    served = notes.open((await peers.ask(log.ledger, CHECKPOINT, Nothing())).checkpoint, log.origin, key)
    check_latest(log.origin, served, [Checkpoint(each.size, each.root) for each in seen if each.size])
    note = (await peers.ask(log.ledger, WITNESSED, Nothing())).checkpoint
    notes.open(note, log.origin, key)
    check_fresh(note, policies.decode(country.policy), now_ms, limit_ms)
