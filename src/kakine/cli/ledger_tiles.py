"""`kakine ledger tiles` and `check-tiles`: the public log as static files, and the check that anybody can make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.visiting import FIRST, DirOption, InstanceOption, log_named, visited
from kakine.crypto.signing import VerifyKey
from kakine.parties.ledger.store import METADATA
from kakine.parties.ledger.tiles import CHECKPOINT, TileFolder
from kakine.protocols.logs import Log
from kakine.protocols.tiles import Read, fetch, verify
from kakine.runtime.database import Database
from kakine.values.problems import PolicyMalformed, TileInvalid, TileMissing
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.tiles import ENTRIES, Tile, parse

OutOption = Annotated[
    Path, typer.Option("--out", help="Folder for the static files; made if it is not there.")
]
PolicyOption = Annotated[
    Path,
    typer.Option(
        "--policy", exists=True, dir_okay=False, help="Text of c2sp.org/tlog-policy: the log's key."
    ),
]


def tiles(directory: DirOption, out: OutOption, instance: InstanceOption = FIRST) -> None:
    """Write the whole log as static C2SP files; what is there and right stays untouched. Example:

    kakine ledger tiles --dir country/1-1000 --out public
    """
    log, key = asyncio.run(_ledger_key(directory, instance))
    out.mkdir(parents=True, exist_ok=True)
    database = Database.open(directory / f"{log.ledger}.sqlite", METADATA)
    try:
        at = TileFolder(out, database, log.origin, key).rebuild()
    finally:
        database.close()
    typer.echo(f"{at.size} entries, root {at.root.hex()}")
    typer.echo(f"key {policy.vkey(log.origin, policy.LOG, key)}")


def check_tiles(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of static files.")],
    trusted: PolicyOption,
) -> None:
    """Build the tree anew from the entry bundles; hold every tile and the signed root against it. Example:

    kakine ledger check-tiles public --policy policy.txt
    """
    origin, key = one_log(trusted, folder)
    read = reader(folder)
    at = notes.open(read(CHECKPOINT), origin, key)
    verify(read, at)
    beyond = check_others(folder, read, at)
    typer.echo(f"{at.size} entries, root {at.root.hex()}: every tile and the signed head fit the entries")
    if beyond:
        typer.echo(f"{beyond} files beyond the checkpoint were not looked at")


def mount(app: typer.Typer) -> None:
    """Make both commands part of `app`."""
    commands: tuple[Callable[..., None], ...] = (tiles, check_tiles)
    for command in commands:
        app.command()(command)


def reader(folder: Path) -> Read:
    """Contents of a folder by path; `TileMissing` where there is no file."""

    def read(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError as fault:
            raise TileMissing(path=path) from fault

    return read


def check_others(folder: Path, read: Read, at: Checkpoint) -> int:
    """Hold the partial tiles of earlier checkpoints against the verified ones; gives the files beyond `at`.

    Raises `TileInvalid` for one that differs, and for a file in `tile/` that is no tile.
    """
    beyond = 0
    for path in sorted(each for each in (folder / "tile").rglob("*") if not each.is_dir()):
        tile = parse(path.relative_to(folder).as_posix())
        if not tile.within(at.size):
            beyond += 1
        elif tile.sized(path.read_bytes()) != fetch(read, _verified(tile, at.size))[: tile.bytes_long]:
            raise TileInvalid(part="hashes", path=tile.path)
    return beyond


def _verified(tile: Tile, size: int) -> Tile:
    """The file in which `verify` has seen these places: the full tile, or the one at the right edge."""
    if tile.full.within(size):
        return tile.full
    level = 0 if tile.level == ENTRIES else tile.level
    return Tile(tile.level, tile.index, (size >> 8 * level) % 256)


async def _ledger_key(folder: Path, name: str) -> tuple[Log, VerifyKey]:
    async with visited(folder) as country:
        log = log_named(country, name)
        return log, log.key_in(country.book("portal").in_force(country.site.clock()))


def one_log(path: Path, folder: Path) -> tuple[str, VerifyKey]:
    """(origin, key) of the one log in a policy file, or of that one of several which the folder's checkpoint names.

    Raises `PolicyMalformed` where there is none, `TileMissing` without a checkpoint.
    """
    logs = policy.decode(path.read_bytes()).logs
    if len(logs) != 1:
        named = reader(folder)(CHECKPOINT).partition(b"\n")[0]
        logs = [log for log in logs if log.name.encode() == named]
    if len(logs) != 1:
        raise PolicyMalformed(part="logs")
    return logs[0].name, logs[0].key
