"""`kakine consents`: what a resident has allowed relying parties, how to end it, and a link of certificates for one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.history import protagonist
from kakine.cli.own_decisions import allowed_words
from kakine.cli.own_history import own_history
from kakine.cli.visiting import DirOption, visited
from kakine.clients.linking import Sign, asking
from kakine.country import AUTHORITY
from kakine.crypto.cards import KeyFile
from kakine.crypto.x509 import der_of
from kakine.protocols.decisions import Consent, consents_in
from kakine.values.calendar import in_japan
from kakine.values.problems import ConsentUnknown

app = typer.Typer(
    no_args_is_help=True, help="最新の情報の提供への同意: what you have allowed, and how to end it."
)

PersonOption = Annotated[
    str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
]


@app.command(name="list")
def list_(directory: DirOption, person: PersonOption = "") -> None:
    """同意の一覧: every consent to the latest items, to whom, for what, until when, and how often it was used.

    The list is read out of the person's own history and opened here: the portal keeps none. Example:

      kakine consents list --dir country/1-1000
    """
    for line in asyncio.run(_list(directory, person.encode())):
        typer.echo(line)


@app.command()
def link(
    directory: DirOption,
    client: Annotated[str, typer.Argument(help="The relying party that is to know it: yokohama-childcare.")],
    certificate: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Your certificate of today (PEM).")
    ],
    key: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Its private key, encrypted with the PIN (PEM).")
    ],
    old: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The certificate before it (PEM or DER).")
    ],
) -> None:
    """証明書の更新を伝える: print a text by which one relying party sees that your certificate follows the one it knew.

    The authority confirms it without learning for whom, and nobody writes anything down. Paste the text into the page
    that asks for your consent, within ten minutes. Example:

      kakine consents link yokohama-childcare --certificate new.pem --key new.key --old old.pem --dir country/1-1000
    """
    signer = KeyFile(certificate.read_bytes(), key.read_bytes())
    pin: str = typer.prompt("暗証番号 / PIN", hide_input=True, err=True)
    sign = partial(signer.sign, pin=pin)
    typer.echo(asyncio.run(_link(directory, client, signer.certificate, sign, der_of(old.read_bytes()))))


async def _link(folder: Path, client: str, certificate: bytes, sign: Sign, old: bytes) -> str:
    async with visited(folder) as country:
        now_ms = country.site.clock()
        law = country.book("portal").in_force(now_ms)
        law.client(client)
        to = law.seal_key(AUTHORITY)
        asked = asking(certificate, sign, old, client, to, now_ms, secrets.token_bytes)
        answer = await country.portal.tell_authority(asked.sealed)
        return asked.shown(answer, law.signing_key(AUTHORITY))


@app.command()
def withdraw(
    directory: DirOption,
    consent: Annotated[str, typer.Argument(help="The consent as `kakine consents list` shows it.")],
    person: PersonOption = "",
) -> None:
    """同意を取り消す: end a consent. From this moment the relying party is given nothing more under it.

    The withdrawal stands in the person's own history too. Example:

      kakine consents withdraw 6b1e… --dir country/1-1000
    """
    asyncio.run(_withdraw(directory, person.encode(), consent))
    typer.echo("取り消しました。これからは伝わりません。 / Withdrawn. Nothing more is told under it.")


async def _list(folder: Path, account: bytes) -> list[str]:
    async with visited(folder) as country:
        rows = (await own_history(country, account or protagonist(folder))).rows
        now_ms = country.site.clock()
        found = consents_in(rows)
        none = "同意はありません。 / There is no consent."
        return [line for consent in found for line in consent_lines(consent, now_ms)] or [none]


def consent_lines(consent: Consent, now_ms: int) -> Iterator[str]:
    """How it stands with one consent."""
    given = in_japan(consent.time_ms)
    if consent.stands(now_ms):
        state = "有効 / stands"
    else:
        state = "取り消し済み / withdrawn" if consent.withdrawn else "期限切れ / over"
    yield f"{consent.allowed.grant.hex()}  {given:%Y-%m-%d %H:%M}  {state}"
    yield from (f"    {said}" for said in allowed_words(consent.allowed))
    yield f"    利用 {len(consent.uses)} 回 / used {len(consent.uses)} times"


async def _withdraw(folder: Path, account: bytes, named: str) -> None:
    async with visited(folder) as country:
        account = account or protagonist(folder)
        known = {
            each.allowed.grant.hex(): each for each in consents_in((await own_history(country, account)).rows)
        }
        if named not in known:
            raise ConsentUnknown()
        await country.portal.withdraw(account, known[named].allowed.grant)
