"""`kakine apart`: a whole country in processes of its own on this machine, one for each party."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.acting import agency
from kakine.cli.apart_adding import add_agency
from kakine.cli.apart_desk import demo_console, demo_desk
from kakine.cli.apart_making import OPERATOR, make
from kakine.cli.apart_processes import Processes, about, ready, tail
from kakine.cli.apart_reading import read_history
from kakine.cli.apart_revoking import revoke_party, serial_of
from kakine.cli.apart_server import Engine
from kakine.cli.apart_sites import shown
from kakine.cli.apart_smoke import DELIVERED, person, smoke
from kakine.cli.own_history import seen_of
from kakine.country import AUTHORITY
from kakine.protocols.history import lines
from kakine.values.problems import PartyUnavailable, PromiseBroken

WAITS = 75
"""Exit status where the waiting time of the law is not over (EX_TEMPFAIL of sysexits.h)."""

app = typer.Typer(
    no_args_is_help=True, help="機関ごとに分けて動かす: a country whose parties run apart, over mutual TLS."
)

FolderOption = Annotated[
    Path, typer.Option("--dir", help="Folder of the country, with one folder for each party.")
]


@app.command()
def up(
    directory: FolderOption,
    residents: Annotated[
        int, typer.Option(help="Made-up residents, where the country is founded first.", min=20)
    ] = 40,
    base: Annotated[
        int, typer.Option(help="First port, where the country is founded first; 0 for any.")
    ] = 8600,
    engine: Annotated[
        Engine,
        typer.Option(help="What keeps the stores, where the country is founded first."),
    ] = Engine.POSTGRESQL,
    replicas: Annotated[
        int,
        typer.Option(
            help="Processes of each gateway and each converter, where the country is founded first.",
            min=1,
            max=9,
        ),
    ] = 1,
    waiting_days: Annotated[
        int | None,
        typer.Option(
            help="How long a change of the law that allows something waits, where the country is founded first; "
            "without it 14 days, as the legal pack says. 0 is for trying out.",
            min=0,
        ),
    ] = None,
) -> None:
    """起動: found a country in an empty folder if there is none, start every party that does not run, wait until all
    take calls. Stores are in a PostgreSQL server of the country's own, which starts first; the Debian package
    `postgresql` is installed where it is missing and you may. Example:

      kakine apart up --dir separate
      kakine apart up --dir light --engine sqlite
      kakine apart up --dir twice --replicas 2
    """
    if not (directory / OPERATOR).is_dir():
        typer.echo("国をつくる / founding the country ...")
        asyncio.run(make(directory, residents, base, engine, replicas, waiting_days))
    names = list(about(directory).ports)
    processes = Processes(directory)
    processes.up(names)
    try:
        processes.wait(names)
    except PartyUnavailable as problem:
        for line in tail(processes.log(str(problem.facts["party"]))):
            typer.echo(line, err=True)
        raise
    typer.echo(f"{len(names)} 機関 / processes: kakine apart status --dir {directory}")
    _tell_sites(directory)


def _tell_sites(directory: Path) -> None:
    told = about(directory)
    for line in shown(told.pages, told.sites):
        typer.echo(line)


@app.command()
def status(directory: FolderOption) -> None:
    """状態: the server of the stores, every party with its process, its ports and whether it takes calls, and the
    addresses of the pages."""
    told, running = about(directory), Processes(directory).running()
    if (server := Processes(directory).server) is not None:
        pid = server.running
        typer.echo(f"{'✓' if pid else '×'} {'postgresql':16} pid {pid or '—':>8}  {server.folder}")
    for name, (port, admin) in told.ports.items():
        one = running.get(name)
        here = "—" if one is None else str(one.pid)
        at_work = one is not None and (name in told.witnesses or ready(admin))
        typer.echo(f"{'✓' if at_work else '×'} {name:16} pid {here:>8}  port {port}  admin {admin}")
    _tell_sites(directory)


@app.command()
def desk(
    directory: FolderOption,
    domain: Annotated[str, typer.Option("--as", help="Domain whose desk it is: yokohama/children.")],
) -> None:
    """職員の窓口を試す: add invented staff to the desk of a domain, print the address of its pages and a code for each
    with which they enrol there (their earlier ways in end), and report what the made-up families have applied for.
    Staff of your own: `kakine desk staff add`. Example:

      kakine apart desk --dir separate --as yokohama/children
    """
    for line in demo_desk(directory, domain):
        typer.echo(line)


@app.command()
def console(directory: FolderOption) -> None:
    """委員会の画面を試す: appoint one made-up member of the commission for each role, and print the address of the
    console and the code with which each comes in for the first time. Refused once two people have signed something.
    """
    for line in demo_console(directory):
        typer.echo(line)


@app.command("smoke")
def smoke_(
    directory: FolderOption,
    name: Annotated[str, typer.Option("--as", help="Agency that asks.")] = "yokohama",
    most: Annotated[int, typer.Option(help="Questions at most.")] = 20,
) -> None:
    """試す: have an agency ask real questions through its gateway and hold the logs against them; then one of those
    people comes in at the portal and reads the own history. Exits 1 unless each question and answer is logged and
    publicly witnessed, and the history verifies and shows one that was delivered."""
    found = asyncio.run(smoke(directory, name, most))
    for result, count in found.results.items():
        typer.echo(f"{result}: {count}")
    for origin, grown in found.grown.items():
        typer.echo(f"{origin}: +{grown}, {found.cosigned[origin]} 証人 / witnesses")
    typer.echo(f"{sum(found.results.values()) / found.seconds:.1f} 件/秒 / exchanges a second")
    found.require()
    asyncio.run(_history(directory, name))


async def _history(folder: Path, name: str) -> None:
    async with agency(folder, name) as own:
        read = await read_history(own, folder, person(folder, name))
    shown = [seen_of(line) for line in lines(read.opened.rows)]
    delivered = sum(1 for each in shown if each.result == DELIVERED and each.requester.startswith(name))
    typer.echo(
        f"履歴 / history: {len(shown)} lines, {read.verified} rows verified, {delivered} delivered to {name}"
    )
    if not delivered or read.verified < read.signed:
        raise PromiseBroken(promise="history")


@app.command()
def revoke(
    directory: FolderOption,
    name: Annotated[str, typer.Argument(help="Party whose present certificate is ended, for good.")],
    certificate: Annotated[
        Path | None, typer.Option(help="File with an earlier one (PEM), to end that instead.", exists=True)
    ] = None,
) -> None:
    """失効: revoke the certificate that a party has in its folder, or an earlier one of it. The authority stops for
    that moment, since its store is its own; all others hear of it with the next lists, within a minute. Example:

      kakine apart revoke insurer --dir separate
      kakine apart revoke insurer --dir separate --certificate stolen.pem
    """
    serial = serial_of(directory, name, certificate)
    with _stopped(Processes(directory), AUTHORITY):
        asyncio.run(revoke_party(directory, serial))
    typer.echo("失効した / revoked")


@contextmanager
def _stopped(processes: Processes, name: str) -> Iterator[None]:
    """Whatever happens meanwhile, it runs afterwards as it did before."""
    if name not in processes.running():
        yield
        return
    try:
        processes.end(name)
        yield
    finally:
        processes.end(name)  # where that was broken off
        processes.start(name)
        processes.wait([name])


@app.command("add-agency")
def add_agency_(
    directory: FolderOption,
    entry: Annotated[
        Path,
        typer.Argument(
            help="The agency as the legal pack writes one: one [[party]], and an [[assessment]] for each file that a "
            "row needs.",
            dir_okay=False,
        ),
    ],
    wait: Annotated[
        float, typer.Option(help="Seconds to wait at most until the law with the agency is in force.", min=0)
    ] = 60,
) -> None:
    """機関の参加: have an agency join this country while it runs, through all steps of `kakine agency`: its folder and
    keys, the gazette with both signatures, the waiting time (14 days; `up --waiting-days 0` founds a country without
    one, for trying out), its certificate, its database, its address with all others, its process. Killed or broken off,
    the same command goes on where it was. Example:

      kakine apart add-agency kobe.toml --dir separate
    """
    if not add_agency(directory, entry, wait, typer.echo):
        raise typer.Exit(WAITS)


@app.command()
def down(
    directory: FolderOption,
    names: Annotated[list[str] | None, typer.Argument(help="Only these parties; the server stays.")] = None,
) -> None:
    """停止: end exactly the processes that `up` has started, after the calls under way, and the server of their stores.
    What they keep stays; `up` goes on from there. Example:

      kakine apart down --dir separate
      kakine apart down --dir separate converter-1
    """
    if names:
        processes = Processes(directory)
        here = [each for each in names if each in processes.running()]
        for each in here:
            processes.end(each)
        typer.echo(f"{len(here)} 停止 / stopped")
        return
    typer.echo(f"{len(Processes(directory).down())} 停止 / stopped")
