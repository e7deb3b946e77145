"""All entries of all logs, read and checked as anybody may."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kakine.cli.demo_checks import head
from kakine.clients.log import entries_between
from kakine.country import Country
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, log_keys
from kakine.wire.entry import Entry


async def whole_logs(country: Country, heads: Heads) -> AsyncIterator[tuple[Log, dict[int, Entry]]]:
    """Log by log up to its present head, which goes into `heads`. Raises what does not verify."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    keys = log_keys(law, country.logs)
    for log in country.readable():
        yield log, await entries_between(peers, log, heads, keys, 0, (await head(country, log)).size)
