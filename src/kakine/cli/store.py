"""`kakine store`: bring the stores of a country, or of one party, to this version of the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from sqlalchemy import Connection

from kakine.cli.postgres import stores_of
from kakine.cli.store_party import grant_anew, owned, stores_in
from kakine.institutions.postgres import Cluster, grant
from kakine.institutions.stores import TABLES
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.database import store_of
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.postgres import address

app = typer.Typer(no_args_is_help=True, help="保存の形式: the form in which the parties keep what they keep.")
CURRENT = "現行 / current"


@app.command()
def upgrade(
    directory: Annotated[Path, typer.Option("--dir", help="The folder of a country in one process.")] = Path(
        "country"
    ),
    config: Annotated[
        Path | None,
        typer.Option(help="Settings (TOML) of one party or witness that runs apart; instead of --dir."),
    ] = None,
    owner: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --config, on PostgreSQL: file with the address of the role that owns the tables; again for a "
            "second database."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing, say what would be done; exit status 1 if anything."),
    ] = False,
) -> None:
    """Bring stores to this version. Their party may not run; make a backup first, there is no way back.

    Stopped anywhere, the same command goes on from there. A store that is open elsewhere is refused (`store-in-use`),
    and so is one without a version, or of a later program (`store-outdated`). Example:

      kakine store upgrade --check --dir country/1-1000

      kakine store upgrade --check --config converter-1/party.toml

      kakine store upgrade --config converter-1/party.toml --owner owner.postgresql
    """
    if _country(directory, check=check) if config is None else _party(config, owner or [], check=check):
        raise typer.Exit(1)


def _party(config: Path, owners: list[Path], *, check: bool) -> bool:
    from kakine.runtime.migrating import missing
    from kakine.runtime.migrating import upgrade as migrate

    late = False
    for each in stores_in(config):
        if not each.path.is_file():
            typer.echo(f"{each.name}: まだない / none yet")
            continue
        with owned(each, owners) as store:
            steps = missing(store, each.tables)
            if not check:
                migrate(store, each.tables)
        if not check:
            grant_anew(each, owners)
        late |= check and bool(steps)
        for step in steps or [CURRENT]:
            typer.echo(f"{each.name}: {step}")
    return late


def _country(directory: Path, *, check: bool) -> int:
    from kakine.runtime.migrating import behind
    from kakine.runtime.migrating import upgrade as migrate

    late = 0
    for name, kind in sorted(stores_of(read_pack(pack_files(pack_folder()))).items()):
        if not store_of(directory, name).is_file():
            continue
        with _owned(directory, name) as store:
            if check:
                late += (is_late := behind(store, TABLES[kind]))
                typer.echo(f"{name}: {'旧版 / behind' if is_late else CURRENT}")
            else:
                done = migrate(store, TABLES[kind])
                typer.echo(f"{name}: {', '.join(done) or CURRENT}")
        if not check:
            _grant_anew(directory, name, kind)
    return late


@contextmanager
def _owned(folder: Path, name: str) -> Iterator[Connection]:
    from kakine.runtime.migrating import postgres_store, sqlite_store

    path = store_of(folder, name)
    if path.suffix == ".sqlite":
        with sqlite_store(path) as store:
            yield store
        return
    party = _database(path)
    with postgres_store(_cluster(folder).server(party, f"{party}-owner")) as store:
        yield store


def _grant_anew(folder: Path, name: str, kind: str) -> None:
    path = store_of(folder, name)
    if path.suffix == ".postgresql":
        party = _database(path)
        with psycopg.connect(_cluster(folder).server(party, f"{party}-owner"), autocommit=True) as owner:
            grant(owner, party, TABLES[kind])


def _cluster(folder: Path) -> Cluster:
    return Cluster(folder.absolute() / "postgres")


def _database(path: Path) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(address(path).server)["dbname"])
