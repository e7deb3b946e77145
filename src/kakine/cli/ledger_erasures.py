"""`kakine ledger erasures`: what has been erased, who has signed for it, and whether the public log agrees."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from kakine.cli.demo_checks import head
from kakine.cli.visiting import DirOption, visited
from kakine.clients.log import entries_between
from kakine.contracts.commission import ERASURES
from kakine.contracts.retention import Erasures, NoticeLogged
from kakine.country import COMMISSION, CONVERTERS, LEDGER, ORIGIN, Country
from kakine.protocols.erasure import NONE, check_notice, check_noticed, due, tallied
from kakine.protocols.heads import Heads
from kakine.values.calendar import month_name
from kakine.values.problems import ErasureMismatch
from kakine.wire.canonical import decode
from kakine.wire.erasure import Notice, Order, notice_digest


def erasures(directory: DirOption) -> None:
    """List the months that were erased; hold every notice against the whole public log.

    Exit status 1 if one does not fit. The number of entries that expire with a month can be counted by anybody; a
    notice must state the same, under the signatures of both record keepers and all converters. Example:

      kakine ledger erasures --dir country/1-1000
    """
    orders, overdue = asyncio.run(_checked(directory))
    for order in orders:
        typer.echo(f"{month_name(order.expiry)}  {order.count} 件 / records, 延長 / held: {order.held}")
    for month in overdue:
        typer.echo(f"{month_name(month)}  満了、未消去 / over, not erased")
    typer.echo(f"{len(orders)} notices, each signed by all and counted in the log")


async def _checked(folder: Path) -> tuple[list[Order], list[int]]:
    async with visited(folder) as country:
        return await check_erasures(country)


async def check_erasures(country: Country) -> tuple[list[Order], list[int]]:
    """The orders of all notices, and the months that are over without one. Raises `ErasureMismatch`, or what else does
    not verify."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    key, heads = law.signing_key(LEDGER), Heads(ORIGIN)
    size = (await head(country)).size
    entries = await entries_between(peers, LEDGER, heads, key, 0, size)
    tallies = tallied(sorted(entries.items()), {})
    orders, places = list[Order](), dict[int, bytes]()
    for each in await _notices(country):
        receipt = each.receipt
        heads.verify(receipt.first, receipt.proof, receipt.checkpoint, each.entry, key)
        places[receipt.first] = notice_digest(each.notice)
        notice = decode(each.notice, Notice)
        expiry = decode(notice.order.data, Order).expiry
        parties = COMMISSION, law.keeper_parties, CONVERTERS
        orders.append(check_notice(notice, *parties, law.signing_key, tallies.get(expiry, NONE)))
    check_noticed(entries, places)
    done = [order.expiry for order in orders]
    if len(set(done)) != len(done):
        raise ErasureMismatch(part="twice")
    return orders, [month for month in due(tallies, country.site.clock()) if month not in done]


async def _notices(country: Country) -> list[NoticeLogged]:
    found: list[NoticeLogged] = []
    low = 0
    while True:
        page = (await country.peers("portal").ask(COMMISSION, ERASURES, Erasures(low))).notices
        if not page:
            return found
        found += page
        low = decode(decode(page[-1].notice, Notice).order.data, Order).expiry + 1
