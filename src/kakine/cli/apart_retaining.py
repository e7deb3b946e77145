"""Erasing in a country that runs apart: whoever runs the commission has its own process do it (`kakine retain`)."""

from __future__ import annotations

from pathlib import Path

from kakine.cli.apart_desk import own_process
from kakine.cli.visiting import log_among
from kakine.contracts.call import Nothing
from kakine.contracts.commission import ERASE, HOLD_ON, LET_GO
from kakine.contracts.retention import EndHold, HoldWanted
from kakine.country import COMMISSION
from kakine.protocols.logs import Log
from kakine.wire.canonical import decode
from kakine.wire.erasure import Order, Reason


async def retain_apart(folder: Path) -> list[Order]:
    """The months that went. Raises the problem of the first step that failed."""
    async with own_process(folder, COMMISSION) as own:
        while True:
            told = await own.peers.ask(COMMISSION, ERASE, Nothing())
            if told.over:
                return [decode(each, Order) for each in told.orders]


async def hold_apart(folder: Path, name: str, places: list[int], reason: Reason) -> tuple[Log, bytes]:
    """The log and the digest of the hold. Raises what the commission refuses."""
    async with own_process(folder, COMMISSION) as own:
        log = log_among(own.logs, name)
        return log, (
            await own.peers.ask(COMMISSION, HOLD_ON, HoldWanted(log.origin, places, reason.value))
        ).hold


async def lift_apart(folder: Path, digest: bytes) -> None:
    """End a hold. Raises `HoldUnknown`."""
    async with own_process(folder, COMMISSION) as own:
        await own.peers.ask(COMMISSION, LET_GO, EndHold(digest))
