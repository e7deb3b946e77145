"""`kakine store`: bring the stores of a country to this version of the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from sqlalchemy import Connection

from kakine.cli.postgres import stores_of
from kakine.institutions.postgres import Cluster
from kakine.institutions.stores import TABLES
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.database import store_of
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.postgres import address

app = typer.Typer(no_args_is_help=True, help="保存の形式: the form in which the parties keep what they keep.")


@app.command()
def upgrade(
    directory: Annotated[Path, typer.Option("--dir", help="The country's folder.")] = Path("country"),
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 1 if one is behind.")
    ] = False,
) -> None:
    """Bring every store to this version. No party may run; make a backup first, there is no way back.

    Stopped anywhere, the same command goes on from there. A store without a version, or of a later program, is
    refused (`store-outdated`). Example:

      kakine store upgrade --check --dir country/1-1000
    """
    # Alembic takes longer to load than most commands to run.
    from kakine.runtime.migrating import behind
    from kakine.runtime.migrating import upgrade as migrate

    late = 0
    for name, kind in sorted(stores_of(read_pack(pack_files(pack_folder()))).items()):
        if not store_of(directory, name).is_file():
            continue
        with _owned(directory, name) as store:
            if check:
                late += (is_late := behind(store, TABLES[kind]))
                typer.echo(f"{name}: {'旧版 / behind' if is_late else '現行 / current'}")
            else:
                done = migrate(store, TABLES[kind])
                typer.echo(f"{name}: {', '.join(done) or '現行 / current'}")
        if not check:
            _grant_anew(directory, name, kind)
    if late:
        raise typer.Exit(1)


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
            _cluster(folder).grant(owner, party, TABLES[kind])


def _cluster(folder: Path) -> Cluster:
    return Cluster(folder.absolute() / "postgres")


def _database(path: Path) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(address(path).server)["dbname"])
