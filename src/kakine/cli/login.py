"""`kakine login`: what people and relying parties need beside the provider itself."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvicorn

from kakine.card.holder import CardSigner, file_reader
from kakine.cli.history import protagonist_at
from kakine.cli.visiting import DirOption, visited
from kakine.clients.card_helper import Helper
from kakine.contracts.login import Signer
from kakine.country import LOGIN, Country, system_clock
from kakine.crypto.cards import KeyFile
from kakine.crypto.hashing import digest
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.vouching import print_paper
from kakine.runtime.listening import listen, port_of
from kakine.runtime.plain import config
from kakine.values.labels import DomainName
from kakine.values.problems import ClientUnauthenticated, DomainNotRun, PinRefused, Problem
from kakine.wire.login import Challenge

app = typer.Typer(no_args_is_help=True, help="ログイン: ways in, and the keys of relying parties.")


@app.command()
def paper(
    directory: DirOption,
    reference: Annotated[
        str,
        typer.Option(
            help="The desk's own reference of a person; without it, of whom the demo's story tells."
        ),
    ] = "",
    desk: Annotated[
        str, typer.Option("--as", help="Residents' desk of a municipality, for that reference.")
    ] = "yokohama/residents",
) -> None:
    """窓口で紙を渡す: a clerk who has seen the person prints a code that opens one login within a day.

    The portal finds the account by the person's code through the converters; the clerk does not learn it. That the
    paper was given stands in the person's history. Example:

      kakine login paper --dir country/1-1000
    """
    if reference:
        vouched = DomainName(desk), reference.encode()
    else:
        vouched = protagonist_at(directory, lambda family: DomainName(f"{family.town}/residents"))
    typer.echo(asyncio.run(_paper(directory, *vouched)))


async def _paper(folder: Path, desk: DomainName, reference: bytes) -> str:
    async with visited(folder) as country:
        return await paper_for(country, desk, reference)


async def paper_for(country: Country, desk: DomainName, reference: bytes) -> str:
    """The code of a paper that a residents' desk gives to whoever has this reference there. Raises `DomainNotRun`,
    `PersonNotKnown`."""
    gateway = country.gateways.get(desk.party)
    if gateway is None:
        raise DomainNotRun()
    case = digest("case-number", b"command-line")
    clerk = Question(desk, LOGIN, "", (), reference, "command-line", case, "command line")
    code: str = await print_paper(gateway.office, gateway.desk, clerk, LOGIN)
    return code


@app.command(name="client-key")
def client_key(
    directory: DirOption,
    client: Annotated[str, typer.Argument(help="A relying party of the law: yokohama-childcare.")],
) -> None:
    """ログインの利用者の鍵: print the private key (JWK) of a relying party of a country in a folder, for its program.

    It was made when the country was founded; the law has the public half. Example:

      kakine login client-key yokohama-childcare --dir country/1-1000 > client.jwk
    """
    typer.echo(asyncio.run(_client_key(directory, client)))


async def _client_key(folder: Path, client: str) -> str:
    async with visited(folder) as country:
        if client not in {each.id for each in country.site.pack.clients}:
            raise ClientUnauthenticated()
        return msgspec.json.encode(country.client_key(client).private_jwk()).decode()


@app.command()
def helper(
    origin: Annotated[str, typer.Option(help="The one provider whose pages may ask.")],
    card: Annotated[Path | None, typer.Option(help="カード: a software card (kakine card issue).")] = None,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Without a card: certificate (PEM).")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its private key, encrypted with the PIN (PEM)."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 8471,
) -> None:
    """カードの補助: run the program beside the browser: it shows who asks for what, takes the PIN, has the card sign.

    It serves pages of the one origin and nobody else. How many tries a PIN has left is shown here and not told to the
    page. Example:

      kakine login helper --card my.card --origin http://localhost:8480

    A key in files can stand in for a card; it counts no wrong PINs:

      kakine login helper --certificate me.pem --key me.key --origin http://localhost:8480
    """
    if card and not (certificate or key):
        on_card = CardSigner(file_reader(card, os.urandom))
        asks, signer = partial(_ask, on_card), _in_use(on_card)
    elif certificate and key and not card:
        asks, signer = partial(_ask, None), KeyFile(certificate.read_bytes(), key.read_bytes())
    else:
        raise typer.BadParameter("either --card, or --certificate with --key")
    socket = listen(port)
    bound = port_of(socket)
    app = Helper(origin, bound, signer, asks, system_clock, _tell).app
    typer.echo(f"listening on http://127.0.0.1:{bound} for pages of {origin}")
    # A prompt under way must not keep Ctrl-C waiting.
    uvicorn.Server(config(app, log_level="error")).run(sockets=[socket])


def _in_use(card: CardSigner) -> Signer:
    typer.echo(f"残り / tries left: {card.tries}")
    return card


def _ask(card: CardSigner | None, challenge: Challenge) -> str:
    typer.echo(f"\n相手 / asked by: {challenge.origin}  ({challenge.client})")
    typer.echo(f"目的 / purpose: {challenge.purpose}")
    if challenge.transaction:
        typer.echo(f"取引 / transaction: {challenge.transaction.hex()}")
    if card is not None:
        typer.echo(f"残り / tries left: {card.tries}")
    pin: str = typer.prompt("暗証番号 (空欄でやめる) / PIN (empty to refuse)", default="", hide_input=True)
    if not pin:
        raise PinRefused()
    return pin


def _tell(problem: Problem) -> None:
    left = problem.facts.get("left")
    typer.echo(f"署名しなかった / not signed: {problem.title}" + (f", 残り / left: {left}" if left else ""))
