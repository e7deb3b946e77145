"""`kakine ledger publish` and `published`: public texts by their SHA-256 in the log, so that nobody is given another.

The policy of witnesses and the page that verifies are such texts. Who serves the page could serve one person a page
that always says "verified"; the person, or anybody else, holds the file that was served against the log.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.visiting import DirOption, visited
from kakine.contracts.ledger import RECEIPT, ByTag
from kakine.country import LOGS, Country
from kakine.protocols.gazette_log import logged_ms, tag_of
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.values.calendar import in_japan
from kakine.values.problems import TagUnknown, TextNotPublished
from kakine.wire.checkpoint import origin_of
from kakine.wire.request import Place

TextArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="The file, byte for byte as people get it.")
]


def publish(text: TextArgument, directory: DirOption) -> None:
    """公示する: the commission has a public text in the log by its SHA-256. Example:

    kakine ledger publish verify/index.html --dir country/1-1000
    """
    place, logged = asyncio.run(_publish(directory, text.read_bytes()))
    _tell(text, place, logged)


def published(text: TextArgument, directory: DirOption) -> None:
    """公示を確かめる: see whether this very file is in the log, as the page you were served. Example:

    kakine ledger published page-as-served.html --dir country/1-1000

    Exits 1 if no log has it. That a text is in the log does not say that it is good: it says that everybody can see
    which texts there were, and when.
    """
    place, logged = asyncio.run(_find(directory, text.read_bytes()))
    _tell(text, place, logged)


def _tell(text: Path, place: Place, logged: int) -> None:
    typer.echo(
        f"{text.name}: 公示済み / published {in_japan(logged):%Y-%m-%d %H:%M}, {place.log} #{place.index}"
    )


async def _publish(folder: Path, text: bytes) -> tuple[Place, int]:
    async with visited(folder) as country:
        await country.commission.publish_text(text)
        return await _found(country, text)


async def _find(folder: Path, text: bytes) -> tuple[Place, int]:
    async with visited(folder) as country:
        return await _found(country, text)


async def _found(country: Country, text: bytes) -> tuple[Place, int]:
    """Where the text stands and when it was logged, in milliseconds. Raises `TextNotPublished`, or what does not
    verify."""
    digest, peers = hashlib.sha256(text).digest(), country.peers("portal")
    keys = log_keys(country.book("portal").in_force(country.site.clock()), LOGS)
    for log in LOGS:
        try:
            found = await peers.ask(log.ledger, RECEIPT, ByTag(tag_of(digest)))
        except TagUnknown:
            continue
        logged, given = logged_ms(found.entries, digest), found.receipt
        Heads().verify(given.first, given.proof, given.checkpoint, found.entries, keys)
        return Place(origin_of(given.checkpoint), given.first), logged
    raise TextNotPublished()
