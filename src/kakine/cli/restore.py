"""`kakine restore`: put a backup back, and say what it means that the party is older than what it has done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from kakine.cli.backup import KeyOption, private
from kakine.process.restoring import mark, put_back, set_mark
from kakine.process.running import clock
from kakine.process.settings import read
from kakine.process.unseen import since
from kakine.values.problems import BackupUnreadable, StorePutBack


def restore(
    directory: Annotated[Path, typer.Option("--dir", help="The party's folder, without a store.")],
    from_: Annotated[Path | None, typer.Option("--from", help="The backup.")] = None,
    key: KeyOption = None,
    seed: Annotated[
        Path | None, typer.Option(help="The party's seed; without it, key.seed in the folder.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Ask the logs whether anything is lacking; if not, let it work.")
    ] = False,
    loss: Annotated[
        bool, typer.Option("--loss", help="With --accept: let it work though something is lacking.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="With --accept: the settings; without it, party.toml in the folder.")
    ] = None,
) -> None:
    """復元: put a backup back. The keys first, or their file put there; then the store. Example:

      kakine restore --dir converter-1 --from keys.age --key keys.key

      kakine restore --dir converter-1 --from store.age --key backup.key

      kakine restore --dir converter-1 --accept

    A party that was put back does not start before `--accept`. Converters and record keepers are held against the logs:
    if nothing but heartbeats was logged since the backup, nothing is lacking. Otherwise, and for all other parties,
    `--loss` says that people have decided to go on without what is lost; the process says so at every start. A ledger
    and its signer need neither: they ask the others and refuse where those have seen more. Of a store on PostgreSQL the
    dump (.pgdump) is put into the folder; pg_restore is the server's own act, by its administrator.
    """
    if accept:
        _accept(directory, config or directory / "party.toml", loss)
        return
    if from_ is None or not from_.is_file():
        raise BackupUnreadable(part="file")
    manifest = put_back(from_, private(key), directory, seed or directory / "key.seed", clock)
    typer.echo(f"{manifest.party}: {len(manifest.members)} files")
    if mark(directory) is not None:
        typer.echo(f"次に / next: kakine restore --dir {directory} --accept")


def _accept(folder: Path, config: Path, loss: bool) -> None:
    told = mark(folder)
    if told is None:
        typer.echo("何も戻されていない / nothing was put back")
        return
    if loss:
        set_mark(folder, msgspec.structs.replace(told, loss=True))
        typer.echo("失われたものがあるまま動く / it works without what is lost")
        return
    lacking = asyncio.run(since(read(config), told.taken_ms))
    if lacking is None or lacking:
        raise StorePutBack(entries=lacking if lacking is not None else "not to be known from the logs")
    set_mark(folder, None)
    typer.echo("欠けたものはない / nothing is lacking")
