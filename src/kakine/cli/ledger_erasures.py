"""`kakine ledger erasures`: what has been erased, who has signed for it, and whether the public log agrees."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from kakine.cli.visiting import DirOption, visited
from kakine.cli.whole_logs import whole_logs
from kakine.clients.erasures import all_notices
from kakine.country import COMMISSION, CONVERTERS, Country
from kakine.protocols.erasure import check_notice, check_noticed, due, tallied
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.values.calendar import month_name
from kakine.values.problems import ErasureMismatch
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry
from kakine.wire.erasure import Notice, Order, Tally, notice_digest
from kakine.wire.request import Place


def erasures(directory: DirOption) -> None:
    """List the months that were erased; hold every notice against both public logs, whole.

    Exit status 1 if one does not fit. The number of entries that expire with a month can be counted by anybody; a
    notice must state the same, under the signatures of both record keepers and all converters. Example:

      kakine ledger erasures --dir country/1-1000
    """
    orders, overdue = asyncio.run(_checked(directory))
    for order in orders:
        count = sum(tally.count for tally in order.counts)
        typer.echo(f"{month_name(order.expiry)}  {count} 件 / records, 延長 / held: {order.held}")
    for month in overdue:
        typer.echo(f"{month_name(month)}  満了、未消去 / over, not erased")
    typer.echo(f"{len(orders)} notices, each signed by all and counted in the logs")


async def _checked(folder: Path) -> tuple[list[Order], list[int]]:
    async with visited(folder) as country:
        return await check_erasures(country)


async def check_erasures(country: Country) -> tuple[list[Order], list[int]]:
    """The orders of all notices, and the months that are over without one. Raises `ErasureMismatch`, or what else does
    not verify."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    keys, heads = log_keys(law, country.logs), Heads()
    entries, counted = dict[Place, Entry](), dict[str, dict[int, Tally]]()
    async for log, found in whole_logs(country, heads):
        entries |= {Place(log.origin, index): entry for index, entry in found.items()}
        counted[log.origin] = tallied(log.origin, sorted(found.items()), {})
    orders, places = list[Order](), dict[Place, bytes]()
    for each in await all_notices(peers, COMMISSION):
        receipt = each.receipt
        heads.verify(receipt.first, receipt.proof, receipt.checkpoint, each.entry, keys)
        places[Place(origin_of(receipt.checkpoint), receipt.first)] = notice_digest(each.notice)
        parties = COMMISSION, law.keeper_parties, CONVERTERS
        orders.append(
            check_notice(decode(each.notice, Notice), *parties, law.signing_key, counted, country.logs)
        )
    check_noticed(entries, places)
    done = [order.expiry for order in orders]
    if len(set(done)) != len(done):
        raise ErasureMismatch(part="twice")
    return orders, [month for month in due(counted, country.site.clock()) if month not in done]
