"""`kakine card issue`: a card over the counter of a town, with its certificates, bound to the account it opens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from kakine.card.printed import Holder
from kakine.card.profile import Kind, Profile
from kakine.cli.card_asking import CardArgument, CounterOption, SecretsOption, chosen_secrets, holder_file
from kakine.cli.history import protagonist_at
from kakine.cli.residents import counter_of, known_at
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.registry import Subject
from kakine.country import LOGIN
from kakine.crypto.hashing import digest
from kakine.institutions.card_desk import Order, Visitor
from kakine.parties.gateway.asking import Question
from kakine.values.labels import DomainName


def issue(
    directory: DirOption,
    card: CardArgument,
    counter_key: CounterOption,
    kind: Annotated[
        Kind, typer.Option("--profile", help="本式: product / 今のカードと互換: interop.")
    ] = Kind.PRODUCT,
    person: Annotated[
        str,
        typer.Option(
            help="The desk's own reference of a person; without it, of whom the demo's story tells."
        ),
    ] = "",
    desk: Annotated[
        str, typer.Option("--as", help="Residents' desk of a municipality, for that reference.")
    ] = "yokohama/residents",
    number: Annotated[str, typer.Option(help="Their number, where the folder is no demo's.")] = "",
    birth: Annotated[str, typer.Option(help="Their birth date, YYYY-MM-DD, beside --number.")] = "",
    holder: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="What to print (TOML) and whose number; interop only."
        ),
    ] = None,
    works: Annotated[
        Path | None, typer.Option(help="発行所: folder with the works' keys, made if missing; interop only.")
    ] = None,
    given: SecretsOption = None,
) -> None:
    """窓口でカードを交付する: issue a card to a resident of a country in a folder, ready to log in with. Example:

      kakine card issue --dir country/1-1000 my.card --counter-key my.counter

    The clerk has seen the person. The card makes its own keys; the registry vouches for the person, the authority
    certifies the keys, the card is loaded, and the residents' desk vouches towards the portal that this card opens the
    person's account, which stands in their history. An older card's certificates end with that. The holder chooses a
    PIN and a password (asked for, or from --secrets). Broken off, the same command goes on where it was:
    my.card.issuing says where, and goes away at the end. my.card.account-key is the holder's.

    Then, with `kakine serve login --dir country/1-1000` running:

      kakine login helper --card my.card --origin http://localhost:8480
    """
    if bool(number) != bool(birth):
        raise typer.BadParameter("--number and --birth belong together")
    told = holder_file(holder) if holder else None
    who = Subject(number, date.fromisoformat(birth)) if number else None
    if told is not None:
        who = Subject(told.number, told.birth)
    at, reference = (
        (DomainName(desk), person.encode())
        if person
        else protagonist_at(directory, lambda family: DomainName(f"{family.town}/residents"))
    )

    def secrets(shape: Profile) -> dict[str, str]:
        return chosen_secrets(shape, given)

    order = Order(card, counter_key, kind, secrets, works)
    asyncio.run(_issue(directory, at, reference, who, told, order))


async def _issue(
    folder: Path, desk: DomainName, reference: bytes, who: Subject | None, holder: Holder | None, order: Order
) -> None:
    async with visited(folder) as country:
        if who is None:
            known = await known_at(country, folder, desk, reference)
            who = known.subject
            if order.kind is Kind.INTEROP:
                holder = holder or known.printed(country.site.clock(), country.site.entropy)
                order = replace(order, works=order.works or order.card.with_name("works"))
        visitor = Visitor(who, _clerk(desk, reference), holder)
        await counter_of(country, desk).issue(visitor, order, typer.echo)
        await country.publish_status()
    typer.echo(f"口座の鍵 / account key: {order.account_key}")


def _clerk(desk: DomainName, reference: bytes) -> Question:
    case = digest("case-number", b"command-line")
    return Question(desk, LOGIN, "", (), reference, "command-line", case, "command line")
