"""`kakine authority`: what the certificate authority's operator does, and what a verifier does with what it gets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from kakine.cli.visiting import DirOption, visited
from kakine.contracts.authority import CRL, LIST, LISTS, PARTITIONS, ListName, Partition
from kakine.contracts.call import Nothing
from kakine.contracts.registry import Subject
from kakine.country import AUTHORITY, REGISTRY, Country
from kakine.crypto import x509
from kakine.crypto.x509_issue import pem
from kakine.institutions.counter import CardCounter
from kakine.protocols.status import check_status, open_list
from kakine.values.certificates import Profile, Reason
from kakine.values.problems import ProfileUnknown

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="認証局 / the certificate authority: issue, suspend, revoke; what verifiers download; check one themselves.",
)

T = TypeVar("T")
ProfileOption = Annotated[Profile, typer.Option("--profile", help="One of the kinds of certificates.")]
CertificateOption = Annotated[
    Path, typer.Option("--certificate", help="The certificate, PEM or DER.", exists=True, dir_okay=False)
]
OutOption = Annotated[Path, typer.Option("--out", help="File to write.")]


@app.command()
def issue(
    directory: DirOption,
    csr: Annotated[Path, typer.Option(help="Certification request, PKCS#10, PEM or DER.", exists=True)],
    out: OutOption,
    profile: ProfileOption = Profile.AUTHENTICATION,
    number: Annotated[str, typer.Option(help="Number of a resident of the town; a test resident else.")] = "",
    birth: Annotated[str, typer.Option(help="Birth date of that resident, YYYY-MM-DD.")] = "",
    town: Annotated[str, typer.Option(help="The town at whose counter this is.")] = "yokohama",
) -> None:
    """試験用の証明書を発行: have the key of a request certified for a (made-up) resident of a demo country. Examples:

      openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout card.key -subj /CN=x -out card.csr

      kakine authority issue --dir country/1-1000 --csr card.csr --out card.pem

    The request must be signed by its own key. P-384 for the product profiles, RSA of 2048 bits for the
    interop ones. The root stands below the certificate in the file.
    """
    if bool(number) != bool(birth):
        raise typer.BadParameter("--number and --birth belong together")
    subject = Subject(number, date.fromisoformat(birth)) if number else None
    request = x509.der_of(csr.read_bytes())

    async def work() -> None:
        async with visited(directory) as country:
            counter = CardCounter(country.peers(town), REGISTRY.party, AUTHORITY)
            who = subject or await counter.test_resident()
            given = await counter.certify(who, profile, request)
            out.write_bytes(pem(given.certificate) + pem(given.root))
            await country.authority.publish()

    asyncio.run(work())
    read = x509.read(x509.der_of(out.read_bytes()))
    typer.echo(f"発行 / issued: {profile.value}, {_hex(read.serial)}")
    typer.echo(f"有効期限 / valid until: {datetime.fromtimestamp(read.not_after, UTC):%Y-%m-%d %H:%M} UTC")
    typer.echo(f"状態 / status: {read.list_uri} #{read.index}")


@app.command()
def roots(directory: DirOption, out: Annotated[Path, typer.Option(help="Folder to write into.")]) -> None:
    """ルート証明書を書き出す: write every root's certificate as PEM, one file a profile."""

    async def work(country: Country) -> list[tuple[Profile, int, bytes]]:
        return country.authority.office.roots.known()

    known = asyncio.run(_in(directory, work))
    out.mkdir(parents=True, exist_ok=True)
    for profile in Profile:
        generations = [der for of, _, der in known if of is profile]
        if generations:
            path = out / f"{profile.value}.pem"
            path.write_bytes(b"".join(map(pem, generations)))
            typer.echo(str(path))
    if not known:
        typer.echo("ルートはまだない / there is no root yet: it is made with its first certificate")


@app.command("status-list")
def status_list(directory: DirOption, profile: ProfileOption, out: OutOption) -> None:
    """状態リストを書き出す: write the signed list that every verifier downloads (JWT, IETF Token Status List).

    One bit a certificate; good for an hour. Nobody says whose certificate the list is wanted for.
    """

    async def work(country: Country) -> str:
        await country.authority.publish()
        peers = country.peers("portal")
        known = (await peers.ask(AUTHORITY, LISTS, Nothing())).lists
        uri = next((each for each in known if f"/{profile.value}/" in each), "")
        return (await peers.ask(AUTHORITY, LIST, ListName(uri))).token

    token = asyncio.run(_in(directory, work))
    out.write_text(token)
    typer.echo(f"{out}: {len(token)} bytes")


@app.command()
def crl(
    directory: DirOption,
    profile: ProfileOption,
    out: OutOption,
    partition: Annotated[str, typer.Option(help="Which; without it all are named.")] = "",
) -> None:
    """失効リストを書き出す: write a revocation list (DER, RFC 5280), for tools that want one."""

    async def work(country: Country) -> bytes:
        await country.authority.publish()
        peers = country.peers("portal")
        known = (await peers.ask(AUTHORITY, PARTITIONS, Nothing())).partitions
        names = [each.partition for each in known if each.kind == profile.value]
        typer.echo(f"区分 / partitions: {', '.join(names) or '—'}")
        wanted = partition or (names[0] if names else "")
        return (await peers.ask(AUTHORITY, CRL, Partition(profile.value, wanted))).crl

    out.write_bytes(asyncio.run(_in(directory, work)))
    typer.echo(str(out))


@app.command()
def hold(directory: DirOption, certificate: CertificateOption) -> None:
    """一時停止: suspend a certificate, as the telephone line for lost cards does. After a day it is revoked."""

    async def work(country: Country) -> None:
        await country.authority.hold(_serial(certificate))
        await country.authority.publish()

    asyncio.run(_in(directory, work))
    typer.echo("一時停止した / suspended, for 24 hours at most")


@app.command()
def release(directory: DirOption, certificate: CertificateOption) -> None:
    """一時停止を解く: end a suspension; the certificate is good again."""

    async def work(country: Country) -> None:
        await country.authority.release(_serial(certificate))
        await country.authority.publish()

    asyncio.run(_in(directory, work))
    typer.echo("一時停止を解いた / released")


@app.command()
def revoke(directory: DirOption, certificate: CertificateOption) -> None:
    """失効: revoke a certificate, for good."""

    async def work(country: Country) -> None:
        await country.authority.revoke(_serial(certificate), Reason.CESSATION_OF_OPERATION)
        await country.authority.publish()

    asyncio.run(_in(directory, work))
    typer.echo("失効した / revoked")


@app.command("log")
def log_(directory: DirOption) -> None:
    """発行記録を台帳に載せる: have what was issued and revoked since the last time logged, under no name."""

    async def work(country: Country) -> int:
        await country.authority.log(now=True)
        return country.authority.logged()

    typer.echo(f"台帳にある束 / batches in the log: {asyncio.run(_in(directory, work))}")


@app.command()
def check(
    certificate: CertificateOption,
    root: Annotated[Path, typer.Option(help="Root certificates, PEM.", exists=True)],
    listed: Annotated[Path, typer.Option("--list", help="A status list, as downloaded.", exists=True)],
    profile: ProfileOption = Profile.AUTHENTICATION,
) -> None:
    """自分で確かめる: verify a certificate by root and status list, offline, asking nobody. Exits 1 if it is not valid.

    kakine authority check --certificate card.pem --root roots/authentication-product.pem --list status.jwt
    """
    now_s = int(time.time())
    believed = [(profile, der) for der in x509.ders_of(root.read_bytes())]
    read = x509.verify(x509.der_of(certificate.read_bytes()), believed, profile.use, now_s)
    if read.profile is not profile:
        raise ProfileUnknown()
    check_status(read, open_list(listed.read_text(), read.list_uri, believed, now_s), now_s)
    typer.echo("有効 / valid")


async def _in(folder: Path, work: Callable[[Country], Awaitable[T]]) -> T:
    async with visited(folder) as country:
        return await work(country)


def _serial(path: Path) -> int:
    return x509.read(x509.der_of(path.read_bytes())).serial


def _hex(serial: int) -> str:
    return f"{serial:032x}"
