"""How a party has entries logged: by the first log that answers, and by no bypass when none does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kakine.contracts.ledger import APPEND, RECEIPT, Append, Appended, ByTag
from kakine.protocols.logs import Log, Logs, open_logs
from kakine.runtime.http import Peers
from kakine.values.problems import LogClosed, PartyUnavailable, Problem, TagUnknown
from kakine.wire.filing import TAG


async def append(
    peers: Peers,
    logs: Logs,
    asked: Append,
    *,
    again: bool = False,
    beside: str = "",
    since: Callable[[str], int] = lambda _: 0,
) -> Appended:
    """A receipt of the first log that gives one; it is not verified here. One that has ended is not asked, but for what
    it has already.

    `again` says that this may have been asked before: then a log that has the first entry already is asked first, so
    that a lost answer does not make the entries stand in two logs. `beside` is the origin of the log that is asked
    first if it is open: where the entries belong that these follow from. `since` gives the size of the head that the
    asker knows of a log (origin), from which the log is asked to show its growth. Raises what a log refuses with;
    `PartyUnavailable` if none could conclude anything.
    """
    wanted = sorted(open_logs(logs), key=lambda log: log.origin != beside)
    for log in await _order(peers, logs, wanted, asked.tags[:TAG]) if again else wanted:
        try:
            known = msgspec.structs.replace(asked, since=since(log.origin))
            return await peers.ask(log.ledger, APPEND, known)
        except Problem as fault:
            if not _silent(fault):
                raise
    raise PartyUnavailable()


async def _order(peers: Peers, logs: Logs, wanted: Logs, tag: bytes) -> Logs:
    known = [log for log in logs if await _has(peers, log, tag)]
    return (*known, *(log for log in wanted if log not in known))


async def _has(peers: Peers, log: Log, tag: bytes) -> bool:
    try:
        await peers.ask(log.ledger, RECEIPT, ByTag(tag))
    except TagUnknown:
        return False
    except Problem as fault:
        if not _silent(fault):
            raise
        return False
    return True


def _silent(fault: Problem) -> bool:
    """Whether the log could not answer, or takes nothing new for good, as against having refused this."""
    return fault.status >= 500 or isinstance(fault, LogClosed)
