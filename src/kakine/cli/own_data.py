"""`kakine data`: what holders have on a person, as the person sees it, and areas that the person closes."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kakine.cli.demo_story import Words
from kakine.cli.history import protagonist
from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.crypto.sealing import OpenKey
from kakine.parties.portal.acts.areas import CLOSE, OPEN
from kakine.protocols.own_data import SENSITIVE, areas, holders
from kakine.runtime.layouts import Layouts
from kakine.values.calendar import in_japan
from kakine.wire.own_data import OwnItem, opened


def data(
    directory: DirOption,
    area: Annotated[str, typer.Argument(help="Area of data: tax. Without it all areas are listed.")] = "",
    person: Annotated[
        str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
    ] = "",
    close: Annotated[
        bool, typer.Option("--close", help="Close the area to everybody, the person too.")
    ] = False,
    reopen: Annotated[bool, typer.Option("--open", help="Ask for a closed area to be opened.")] = False,
) -> None:
    """自己情報を見る: what each holder of an area has on a person now, sealed to this session, with source and age.

    Every holder of the area is asked, whoever the person is, and each asking stands in the person's history. Copies
    that are too old to be given to anybody else are shown too. This reads a country in a folder as its founder; areas
    marked 要配慮 are for whoever has come in by two ways (spec/own-data.md). A closed area shows none to everybody; it
    takes three days to open, in sight, and what is due is done when the country next runs. Example:

      kakine data --dir country/1-1000

      kakine data tax --dir country/1-1000

      kakine data tax --close --dir country/1-1000
    """
    if (close or reopen) and (not area or close == reopen):
        raise typer.BadParameter("--close or --open, and an area")
    kind = CLOSE if close else OPEN if reopen else ""
    for line in asyncio.run(_told(directory, area, person.encode(), kind)):
        typer.echo(line)


async def _told(folder: Path, area: str, account: bytes, kind: str) -> list[str]:
    async with visited(folder) as country:
        words, account = Words(country.site.pack), account or protagonist(folder)
        if not area:
            return list(_listed(country, words, account))
        if kind:
            return await _asked(country, area, account, kind)
        return await _pulled(country, words, area, account)


async def _asked(country: Country, area: str, account: bytes, kind: str) -> list[str]:
    holders(country.book("portal").in_force(country.site.clock()), area)
    acts = country.portal.acts
    id_ = await acts.ask(account, kind, area.encode())
    (act,) = (each for each in acts.of_account(account) if each.id == id_)
    when = f"{in_japan(act.due_ms):%Y-%m-%d %H:%M}"
    named = acts.kind(kind)
    return [f"{named.ja} / {named.en}: {area}", f"    {act.state.value}, {when}"]


def _listed(country: Country, words: Words, account: bytes) -> Iterator[str]:
    closed = country.portal.areas.closed(account)
    for area, given in areas(country.book("portal").in_force(country.site.clock())).items():
        items = sorted({item for holder in given for item in holder.items})
        marks = ["要配慮 / sensitive"] * (area in SENSITIVE) + ["閉鎖中 / closed"] * (area in closed)
        yield "  ".join([area, *marks])
        yield from (f"    {words.item(item)}" for item in items)


async def _pulled(country: Country, words: Words, area: str, account: bytes) -> list[str]:
    session, lines = OpenKey(secrets.token_bytes(32)), list[str]()
    for given in await country.portal.own_data(account, area, session.public):
        told = opened(session, given.request, given.sealed)
        lines.append(words.domain(told.domain))
        lines += [line for item in told.items for line in _item(item, words, country.layouts)]
        if not told.items:
            lines.append("    なし / none")
    return lines


def _item(item: OwnItem, words: Words, layouts: Layouts) -> Iterator[str]:
    as_of, expires = (f"{in_japan(ms):%Y-%m-%d}" for ms in (item.as_of_ms, item.expires_ms))
    yield f"    {words.item(item.item)}  {as_of} 現在 / as of, {expires} まで / until"
    schema = layouts.schema(item.item, item.layout)
    yield from (f"      {name}: {value}" for name, value in _fields(schema, json.loads(item.data)))


def _fields(schema: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        field = schema.get("properties", {}).get(key, {})
        name = f"{field.get('title', key)} / {field.get('x-title-en', key)}"
        if isinstance(value, bool) or not isinstance(value, str | int):
            yield name, json.dumps(value, ensure_ascii=False)
        else:
            yield name, field.get("x-labels", {}).get(value, str(value))
