"""`kakine run`: a country at work, with everything that comes again done at its time."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_checks import head
from kakine.cli.ledger_erasures import check_erasures
from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.protocols.log_list import year_of
from kakine.protocols.logs import Log, open_logs
from kakine.runtime.schedule import Chore, Done, Schedule
from kakine.values.calendar import in_japan, month_name, year_in_japan
from kakine.values.problems import LogNotOver

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def run(
    directory: DirOption,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out this ledger (a or b): its store is not right. It can be repeated."),
    ] = None,
) -> None:
    """動かし続ける: run a country until Ctrl-C or SIGTERM, and do what is due. Example:

      kakine run --dir country/1-1000

    Every 5 seconds the law, every 10 a heartbeat of each ledger that is silent and the witnesses' signatures; every
    minute acts at the portal whose time has come; every five minutes the status of certificates; every hour what was
    sealed until now, the indexes, the log of certificates, the audit and the commission's counts, by which a row that
    nobody uses is suspended; every minute of a new year its next log, when it is time; every day a look at what has
    expired. Erasing cannot be undone and is never done here: what is due is named. A line for each duty done. One that
    fails is named with its problem and comes again at its next time.
    """
    asyncio.run(_run(directory, [f"ledger-{each}" for each in without or ()]))


async def _run(folder: Path, without: list[str]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    async with visited(folder, without) as country:
        typer.echo(f"{len(country.apps)} 機関 / parties at work")
        await Schedule(chores(country), country.site.clock, asyncio.sleep, _tell).run(stop)
    typer.echo("停止 / stopped")


def _tell(done: Done) -> None:
    typer.echo(f"{in_japan(done.at_ms):%Y-%m-%d %H:%M:%S}  {done.name}: {done.fault or done.said}")


def chores(country: Country) -> list[Chore]:
    """What comes again in a country. What judges and what writes the books are in one lane: they read the same logs to
    their ends."""
    return [
        Chore("法令 / law", 5 * SECOND, lambda: _law(country), "law"),
        Chore("鼓動 / heartbeat", SECOND, lambda: _beat(country), "heart"),
        Chore("証人 / witnesses", 10 * SECOND, lambda: _witness(country), "witness"),
        Chore("封印の解除 / unsealing", HOUR, lambda: _unseal(country), "books"),
        Chore("索引 / index", HOUR, lambda: _index(country), "books"),
        Chore("証明書の状態 / status", 5 * MINUTE, lambda: _status(country), "status"),
        Chore("手続き / acts", MINUTE, lambda: _acts(country), "acts"),
        Chore("発行の記録 / issuance", HOUR, lambda: _issuance(country), "books"),
        Chore("監査 / audit", HOUR, lambda: _audit(country), "books"),
        Chore("計数 / counts", HOUR, lambda: _count(country), "books"),
        Chore("通例 / usual", HOUR, lambda: _usual(country), "books"),
        Chore("年替わり / next log", MINUTE, lambda: _year(country), "books"),
        Chore("消去 / erasure", DAY, lambda: _expired(country), "books"),
    ]


def _running(country: Country) -> list[Log]:
    return [log for log in open_logs(country.logs) if log.ledger in country.ledgers]


async def _law(country: Country) -> str:
    before = len(country.book("portal").published), country.logs.number
    await country.refresh()
    after = len(country.book("portal").published), country.logs.number
    return "" if after == before else f"{after[0]} versions, {len(country.logs)} logs"


async def _beat(country: Country) -> str:
    beaten = [log for log in _running(country) if await country.ledgers[log.ledger].beat()]
    return ", ".join([f"{log.origin} #{(await head(country, log)).size - 1}" for log in beaten])


async def _witness(country: Country) -> str:
    """A problem of one witness is no problem of the round: an exchange never waits for any of them."""
    every = await country.have_witnessed()
    return ", ".join(
        f"{each.size} 件 / entries {len(each.cosigned)} ✓"
        + "".join(f" ✗ {name} ({code})" for name, code in each.refused.items())
        for each in every
    )


async def _index(country: Country) -> str:
    before = [(await head(country, log)).size for log in _running(country)]
    await country.index()
    after = [await head(country, log) for log in _running(country)]
    if [each.size for each in after] == before:
        return ""
    return ", ".join(f"{size} 件 / entries" for size in before)


async def _unseal(country: Country) -> str:
    opened = {place for places in (await country.unseal()).values() for place in places}
    return f"{len(opened)} 件 / entries" if opened else ""


async def _status(country: Country) -> str:
    """Lists are good for an hour: said only where something fails."""
    await country.publish_status()
    return ""


async def _acts(country: Country) -> str:
    """Acts at the portal whose time has come."""
    return ", ".join(problem.code for problem in await country.portal.acts.tick())


async def _issuance(country: Country) -> str:
    await country.authority.log()
    return ""


async def _audit(country: Country) -> str:
    left = await country.auditor.answer_objections()
    late = country.auditor.late(left)
    found = [
        *await country.auditor.check_windows(),
        *await country.auditor.check_counts(),
        *await country.auditor.check_indexes(),
    ]
    faults = "".join(f"; {each.party or '-'}: {each.fault}" for each in found if each.fault)
    late_words = f"; 期限超過の異議 / late objections: {len(late)}" if late else ""
    return f"{len(found)} 件の裁定 / verdicts{faults}{late_words}" if found or late else ""


async def _count(country: Country) -> str:
    """Said only where something fails or stops: the figures themselves are on the public page."""
    faults, stopped = await country.commission.count()
    said = [f"{name}: {code}" for name, code in faults.items()]
    return "; ".join([*said, *([f"使われず停止 / unused, suspended: {len(stopped)}"] if stopped else [])])


async def _usual(country: Country) -> str:
    """The portal's file of what is usual, made when counts were taken."""
    await country.portal.usual.refresh()
    return ""


async def _year(country: Country) -> str:
    """The first log whose year is over; while it settles, nothing else."""
    present = year_in_japan(country.site.clock())
    over = [log for log in _running(country) if year_of(log.origin) < present]
    if not over:
        return ""
    ending = [log for log in over if country.ledgers[log.ledger].ending]
    log = (ending or over)[0]
    try:
        return f"{log.origin} → {(await country.next_log(log)).origin}"
    except LogNotOver as early:
        if ending or "settled_ms" not in early.facts:
            return ""
        return f"{log.origin}: 締切 / takes nothing new about people"


async def _expired(country: Country) -> str:
    """Never erased unattended: it cannot be undone."""
    _, months = await check_erasures(country)
    if not months:
        return ""
    return f"満了 / due: {', '.join(map(month_name, months))}; kakine retain"
