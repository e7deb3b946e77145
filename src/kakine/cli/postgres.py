"""`kakine postgres`: the stores of a country in a private PostgreSQL server instead of files."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from kakine.contracts.call import Role
from kakine.country import AUTHORITY, COMMISSION, CONVERTERS, KEEPERS, LOGIN, LOGS, MINISTRY, REGISTRY
from kakine.institutions.ledgers import signer_of
from kakine.institutions.postgres import Cluster
from kakine.institutions.stores import OWN_TABLES, TABLES
from kakine.protocols.gazette_pack import Pack, read_pack
from kakine.runtime.identity import Entropy
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.postgres import Address
from kakine.values.problems import StoreInUse

app = typer.Typer(
    no_args_is_help=True, help="PostgreSQL に保存する: a country's stores in a private PostgreSQL server."
)

Where = Annotated[
    Path, typer.Option("--dir", help="The country's folder; the server is in `postgres` there.")
]


def stores_of(law: Pack) -> dict[str, str]:
    """Kind of store by party: every party of the country but the witnesses, whose operators are others."""
    kinds = {str(log.ledger): "ledger" for log in LOGS} | {str(signer_of(log)): "signer" for log in LOGS}
    kinds |= {str(keeper.party): "mailbox" for keeper in KEEPERS} | {
        str(name): "converter" for name in CONVERTERS
    }
    kinds |= {each.name: "gateway" for each in law.parties if Role.GATEWAY in each.roles}
    singles = {AUTHORITY: "authority", COMMISSION: "commission", MINISTRY: "ministry"}
    singles |= {REGISTRY.party: "registry", LOGIN.party: "portal"}
    return kinds | {str(name): kind for name, kind in singles.items()} | {"auditor": "auditor"}


def provide(cluster: Cluster, folder: Path, law: Pack, entropy: Entropy, prefix: str = "") -> None:
    """A database for every party of the country in `folder`, and the file by which the party finds it.

    Raises `StoreInUse` where a party has an SQLite file there already: what is in it would be out of sight.
    """
    kinds = stores_of(law)
    if any((folder / f"{name}.sqlite").exists() for name in kinds):
        raise StoreInUse()
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in kinds.items():
        own = kind in OWN_TABLES
        server = cluster.add(prefix + name, TABLES[kind], entropy, own_tables=own)
        (folder / f"{name}.postgresql").write_text(Address(server).text())


@app.command()
def start(directory: Where = Path("country")) -> None:
    """Make the server where it is missing, start it, and give every party a database.

    Needs the Debian package `postgresql`. From then on the country in this folder keeps everything there; a country
    that was begun in files stays in files. Example:

      kakine postgres start --dir country/1-1000 && kakine demo --dir country/1-1000
    """
    cluster = Cluster(directory.absolute() / "postgres")
    cluster.make(secrets.token_bytes)
    cluster.start()
    provide(cluster, directory, read_pack(pack_files(pack_folder())), secrets.token_bytes)
    typer.echo(f"稼働中 / running: {cluster.running}, {cluster.folder / 'run'}")


@app.command()
def stop(directory: Where = Path("country")) -> None:
    """Stop the server of this folder, and no other."""
    Cluster(directory.absolute() / "postgres").stop()
    typer.echo("停止 / stopped")


@app.command()
def status(directory: Where = Path("country")) -> None:
    """Whether it runs. Exit status 1 if not."""
    running = Cluster(directory.absolute() / "postgres").running
    typer.echo(f"稼働中 / running: {running}" if running else "停止中 / not running")
    if not running:
        raise typer.Exit(1)
