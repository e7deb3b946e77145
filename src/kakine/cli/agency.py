"""`kakine agency`: an agency joins a country that runs apart, a command for each step (spec/joining.md)."""

from __future__ import annotations

import asyncio
import csv
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from psycopg.conninfo import conninfo_to_dict

from kakine.cli import agency_steps as steps
from kakine.cli.acting import Agency
from kakine.cli.acting import acting as as_party
from kakine.cli.agency_addresses import add_address
from kakine.cli.agency_folder import CountryFile, Entry, Listen, decoded, finish, prepare
from kakine.cli.agency_folder import describe as described
from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_server import Engine
from kakine.contracts.agency import NewCopy
from kakine.contracts.registry import ByNumber, Wanted
from kakine.crypto import files
from kakine.institutions.postgres import Cluster
from kakine.institutions.stores import TABLES
from kakine.process.settings import Environment, read
from kakine.protocols.joining import opened
from kakine.runtime.identity import Entropy
from kakine.runtime.postgres import Address
from kakine.runtime.postgres import address as address_in
from kakine.values.calendar import day_starts_ms, days
from kakine.values.problems import PeopleFileMalformed
from kakine.wire.gazette import decode

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="機関の参加: an agency joins a country that runs apart. In this order, each by whoever may: describe, "
    "prepare, propose, assess, approve, (the waiting time,) certify, finish, database, address; then its process "
    "starts; acquire and keep.",
)

T = TypeVar("T")

ApplicationArgument = Annotated[
    Path, typer.Argument(help="The agency's application, as `prepare` has written it.", dir_okay=False)
]
ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", help="Settings (party.toml) of the party whose operator you are.", dir_okay=False
    ),
]
FolderOption = Annotated[Path, typer.Option("--dir", help="The agency's own folder.")]
PEOPLE = ["reference", "number", "birth"]
HOUR_MS = 3_600_000


def acting(config: Path, work: Callable[[Agency], Awaitable[T]]) -> T:
    """With the certificate of the party of these settings, and the law of now."""

    async def whole() -> T:
        async with as_party(read(config)) as own:
            return await work(own)

    return asyncio.run(whole())


def when(ms: int) -> str:
    """For people."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@app.command()
def describe(
    config: ConfigOption,
    to: Annotated[Path, typer.Option(help="The country file to write; nothing in it is secret.")],
) -> None:
    """国の案内: write down what a newcomer must know before it can ask: founders' keys, logs, addresses, roots. Any
    party can; the newcomer compares the founders' keys with what is printed elsewhere. Example:

      kakine agency describe --config ministry/party.toml --to country.toml
    """
    to.write_text(described(read(config)))
    typer.echo(f"→ {to}")


@app.command("prepare")
def prepare_(
    entry: Annotated[
        Path,
        typer.Argument(
            help="The agency as the legal pack writes one: one [[party]] with its [[party.domain]], and "
            "[[assessment]] for each file that a row needs.",
            dir_okay=False,
        ),
    ],
    directory: FolderOption,
    country: Annotated[Path, typer.Option(help="The country file (`describe`).", dir_okay=False)],
    address: Annotated[
        list[str], typer.Option(help="Where others reach it: https://host:port. Several for replicas.")
    ],
    port: Annotated[int, typer.Option(help="On which its process listens for the others.", min=1)],
    admin: Annotated[int, typer.Option(help="For its operator, on the loopback address.", min=1)],
    host: Annotated[str, typer.Option(help="Address on which it listens.")] = "127.0.0.1",
    environment: Annotated[
        Environment, typer.Option(help="A seed for development is refused in production.")
    ] = Environment.PRODUCTION,
    engine: Annotated[Engine, typer.Option(help="What keeps its store.")] = Engine.POSTGRESQL,
) -> None:
    """準備: the agency draws its keys in a new folder (mode 700), and writes its settings and its application there. The
    secrets never leave this folder; the file `application` goes to ministry, commission and authority. Example:

      kakine agency prepare kobe.toml --dir kobe --country country.toml --address https://10.0.0.7:8600 --port 8600 --admin 8601 --host 10.0.0.7
    """  # noqa: E501 - a command to copy
    read_entry, read_country = decoded(entry, Entry), decoded(country, CountryFile)
    prepare(directory, read_entry, read_country, Listen(address, port, admin, host), environment, engine)
    typer.echo(f"→ {directory / 'application'}")


@app.command()
def propose(
    application: ApplicationArgument,
    config: ConfigOption,
    review_hours: Annotated[
        float, typer.Option(help="Room for the commission's review, besides the waiting time.", min=0)
    ] = 24,
    reason_ja: Annotated[str, typer.Option(help="Stands in the gazette.")] = "機関の参加",
    reason_en: Annotated[str, typer.Option(help="The same in English.")] = "An agency joins",
) -> None:
    """提案 (総務省): the ministry signs a version of the gazette with this agency and sends it to the commission.
    Refused (`application-refused`) where the law has it already, or another change waits, which this would drop.
    Example:

      kakine agency propose application --config ministry/party.toml
    """
    signed = application.read_bytes()
    reasons = reason_ja, reason_en
    done = acting(config, lambda own: steps.propose(own, signed, round(review_hours * HOUR_MS), reasons))
    for change in done.changes:
        typer.echo(f"{'+' if change.widens else '-'} {change.ja} {change.en}")
    typer.echo(f"提案 / proposed: {done.digest.hex()}")


Day = typer.Option(formats=["%Y-%m-%d"])


@app.command()
def assess(
    application: ApplicationArgument,
    config: ConfigOption,
    file: Annotated[list[str], typer.Option(help="Files of the application; several times. Each as below.")],
    people: Annotated[
        int, typer.Option(help="Of so many people at least: 0, 1000, 10000, 100000 or 300000.")
    ],
    draft: Annotated[datetime, Day],
    many_staff: Annotated[
        bool, typer.Option("--many-staff", help="The agency has 500 staff or more.")
    ] = False,
    comment_from: Annotated[datetime | None, Day] = None,
    comment_until: Annotated[datetime | None, Day] = None,
    checked: Annotated[datetime | None, Day] = None,
) -> None:
    """保護評価の登録 (個人情報保護委員会): an impact assessment that the agency has published comes into the register, with
    the days of its steps; the application says on which day it was published. Without it nothing that needs it is
    approved (`assessment-incomplete`). Many people need more steps: a public comment of 30 days, a check by others. From
    the day on that the commission has people, its officers do this in the console. Example:

      kakine agency assess application --config commission/party.toml --file local-tax --people 300000 --draft 2026-01-05 --comment-from 2026-01-10 --comment-until 2026-02-10 --checked 2026-03-01
    """  # noqa: E501 - a command to copy
    asked = opened(application.read_bytes())
    steps_ = (draft, comment_from, comment_until, checked)
    facts = steps.Facts(people, many_staff, *(days(each.date()) if each else 0 for each in steps_))
    known = {each.file: each.published for each in asked.assessments}
    for each in file:
        if each not in known:
            raise typer.BadParameter(f"the application has no assessment of {each}")
        published = known[each]
        acting(
            config, partial(steps.assess, party=asked.party.name, file=each, facts=facts, published=published)
        )
        typer.echo(f"✓ {asked.party.name}/{each}")


@app.command()
def approve(
    application: ApplicationArgument,
    config: ConfigOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """承認 (個人情報保護委員会): show the proposal that says what this application says, keys too, and nothing besides;
    then sign and publish it. It takes effect when the waiting time is over, and nothing here makes that shorter. From
    the day on that the commission has people, two of them do this in its console. Example:

      kakine agency approve application --config commission/party.toml
    """
    signed = application.read_bytes()
    found = acting(config, lambda own: steps.proposal(own, signed))
    for change in found.changes:
        typer.echo(f"{'+' if change.widens else '-'} {change.ja} {change.en}")
    if not yes:
        typer.confirm("公布する / publish this?", abort=True)
    version = acting(config, lambda own: steps.approve(own, found.digest))
    gazette = decode(version.gazette)
    typer.echo(f"公布 / published: {gazette.number}, 施行 / in force {when(gazette.effective_ms)}")


@app.command()
def state(application: ApplicationArgument, config: ConfigOption) -> None:
    """状態: whether the law has the agency, and from when on. Any party can ask. Example:

    kakine agency state application --config authority/party.toml
    """
    asked = opened(application.read_bytes())

    async def look(own: Agency) -> steps.State:
        return steps.state(own, asked)

    found = acting(config, look)
    typer.echo(f"{asked.party.name}: {found.stage}{' ' + when(found.since_ms) if found.since_ms else ''}")


@app.command()
def certify(
    application: ApplicationArgument,
    config: ConfigOption,
    to: Annotated[Path, typer.Option(help="The certificate to write (PEM).", dir_okay=False)],
) -> None:
    """最初の証明書 (認証局): certify the key for which the agency has applied. Refused (`party-unknown`) before the law
    has the agency in force, and (`application-refused`) for an application under other keys than the law's. The same
    application again gets the same certificate. Example:

      kakine agency certify application --config authority/party.toml --to kobe.pem
    """
    signed = application.read_bytes()
    to.write_bytes(acting(config, lambda own: steps.certify(own, signed)))
    typer.echo(f"→ {to}")


@app.command("finish")
def finish_(
    certificate: Annotated[Path, typer.Argument(help="What `certify` has written.", dir_okay=False)],
    directory: FolderOption,
) -> None:
    """証明書の受領: the agency puts the certificate to its key. Refused (`tls-unusable`) where it is not for this key
    and name, by a root of the country. Example:

      kakine agency finish kobe.pem --dir kobe
    """
    finish(directory, certificate.read_bytes())
    typer.echo(f"次に / next: kakine serve party --config {directory / SETTINGS} --check")


@app.command()
def database(
    directory: FolderOption,
    server: Annotated[
        Path, typer.Option(help="Folder of a running server that `kakine` has made.", file_okay=False)
    ],
) -> None:
    """データベース: a database and a role of its own for the agency on a PostgreSQL server, and the file by which its
    process finds it. Again, nothing changes. Example:

      kakine agency database --dir kobe --server separate/postgres
    """
    give_database(directory, Cluster(server.absolute()), secrets.token_bytes)
    typer.echo(f"✓ {read(directory / SETTINGS).party}")


def give_database(folder: Path, cluster: Cluster, entropy: Entropy) -> None:
    """Address and password into the agency's folder, when the database is there. An address of this database that is
    there stays, with what its operator has added. Raises `ServerFailed`, `StoreFailed`."""
    name = read(folder / SETTINGS).party
    cluster.add(name, TABLES["gateway"], entropy)
    key = folder.absolute() / f"{name}.password"
    files.replace(key, (cluster.folder / "keys" / name).read_bytes())
    served, server = folder / f"{name}.postgresql", cluster.server(name, name, key)
    if not (served.exists() and _words(server) <= _words(address_in(served).server)):
        files.replace(served, Address(server).text().encode())


def _words(server: str) -> set[tuple[str, object]]:
    return set(conninfo_to_dict(server).items())


@app.command()
def address(
    application: ApplicationArgument,
    config: Annotated[
        list[Path], typer.Option(help="Settings of parties that will call it: gateways, portal, registry.")
    ],
) -> None:
    """宛先: write where the agency is into the settings of those that will call it, and its name into `callers` where
    that is set. A process rereads both within seconds; nothing is stopped. Again, nothing changes. Example:

      kakine agency address application --config yokohama/party.toml --config portal/party.toml
    """
    asked = opened(application.read_bytes())
    for each in config:
        done = add_address(each, asked.party.name, asked.addresses)
        typer.echo(f"{'+' if done else '='} {each}")


@app.command()
def acquire(
    config: ConfigOption,
    domain: Annotated[str, typer.Option(help="Domain that acquires: kobe/children.")],
    file: Annotated[
        Path, typer.Option(help="CSV with the columns reference, number, birth.", dir_okay=False)
    ],
) -> None:
    """符号の取得 (機関): ask the registry for the codes of people whom the agency has identified (番号法第16条), under
    the agency's own references. May be repeated. Prints how often each outcome came. Example:

      kakine agency acquire --config kobe/party.toml --domain kobe/children --file people.csv
    """
    wanted = people_in(file)
    for outcome, count in acting(config, lambda own: steps.acquire(own, domain, wanted)).items():
        typer.echo(f"{count:>9,}  {outcome}")


@app.command()
def keep(
    config: ConfigOption,
    domain: Annotated[str, typer.Option(help="Domain that answers: kobe/tax.")],
    file: Annotated[
        Path,
        typer.Option(
            help="JSON lines, a copy each: reference, item, layout, version, as_of, expires (days), data.",
            dir_okay=False,
        ),
    ],
) -> None:
    """副本の登録 (機関): hand the agency's gateway the copies from which it answers, for people whose codes it has. Data
    that does not fit the item's layout is refused (`layout-violated`), and so is a version that is not newer than the
    copy there is (`copy-outdated`); the same again changes nothing. Example:

      kakine agency keep --config kobe/party.toml --domain kobe/tax --file copies.jsonl

      {"reference": "0123456789", "item": "TK-0002", "layout": 1, "version": 1, "as_of": "2026-10-01", "expires": "2027-06-30", "data": {…}}
    """  # noqa: E501 - a command and a line to copy
    copies = copies_in(file)
    acting(config, lambda own: steps.keep(own, domain, copies))
    typer.echo(f"{len(copies):>9,}  副本 / copies")


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reference: str
    item: str
    layout: int
    version: int
    as_of: date
    expires: date
    data: msgspec.Raw


def copies_in(path: Path) -> list[NewCopy]:
    """Raises `PeopleFileMalformed` with the number of the first line that is none; no value of a line is named."""
    found = []
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise PeopleFileMalformed(line=0) from fault
    for number, line in enumerate(data.splitlines(), 1):
        try:
            one = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise PeopleFileMalformed(line=number) from fault
        days = day_starts_ms(one.as_of), day_starts_ms(one.expires)
        found.append(
            NewCopy(one.reference.encode(), one.item, one.layout, one.version, *days, bytes(one.data))
        )
    return found


def people_in(path: Path) -> list[Wanted]:
    """Raises `PeopleFileMalformed` with the number of the first line that is none; no value of a line is named."""
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            if next(rows, None) != PEOPLE:
                raise PeopleFileMalformed(line=1)
            for row in rows:
                found.append(_wanted(row, rows.line_num))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise PeopleFileMalformed(line=0) from fault
    return found


def _wanted(row: list[str], line: int) -> Wanted:
    try:
        reference, number, birth = row
        return Wanted(reference.encode(), ByNumber(number, date.fromisoformat(birth)))
    except ValueError as fault:
        raise PeopleFileMalformed(line=line) from fault
