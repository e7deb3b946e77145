"""`kakine ledger`: look at the public log as anybody may, and check it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

import typer

from kakine.cli import ledger_erasures, ledger_tiles
from kakine.cli.demo_checks import head
from kakine.cli.receipts import receipt
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.ledger import ENTRIES, ByIndex, Proved
from kakine.country import LEDGER, ORIGIN, Country
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.protocols import receipts
from kakine.values.problems import LedgerDiverged
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, split_entries

app = typer.Typer(no_args_is_help=True, help="公開台帳: the public ledger of every exchange.")
ledger_tiles.mount(app)
app.command()(receipt)
app.command()(ledger_erasures.erasures)

_PAGE = 256


@app.command()
def proof(
    index: Annotated[int, typer.Argument(min=0, help="Number of the entry; a history shows them as #n.")],
    directory: DirOption,
) -> None:
    """Show one entry with its inclusion proof (hashes from left to right), and verify it. Example:

    kakine ledger proof 42 --dir country/1-1000
    """
    given, at = asyncio.run(_in(directory, lambda country: _proved(country, index, 1)))
    entry = Entry.decode(given.entries)
    typer.echo(f"entry {index}  {entry.kind.name.lower()}\n{given.entries.hex()}")
    typer.echo(f"leaf  {leaf_hash(given.entries).hex()}")
    for sibling in given.receipt.proof:
        typer.echo(f"  with {sibling.hex()}")
    typer.echo(f"root  {at.root.hex()}  of {at.size} entries")
    typer.echo("verified: the entry is in the tree that the ledger has signed")


@app.command()
def check(directory: DirOption) -> None:
    """Read the whole log, build the tree anew and compare it with the signed head. Example:

    kakine ledger check --dir country/1-1000
    """
    at, kinds = asyncio.run(_in(directory, _check))
    for kind, count in sorted(kinds.items()):
        typer.echo(f"{count:8}  {kind}")
    typer.echo(f"{at.size} entries, root {at.root.hex()}: the signed head fits them")


async def _in(folder: Any, look: Callable[[Country], Coroutine[Any, Any, Any]]) -> Any:
    async with visited(folder) as country:
        return await look(country)


async def _proved(country: Country, first: int, count: int) -> tuple[Proved, Checkpoint]:
    """Entries, and the signed head under which they have been verified."""
    given = await country.peers("portal").ask(LEDGER, ENTRIES, ByIndex(first, count))
    at = receipts.verify(
        first=given.receipt.first,
        proof=given.receipt.proof,
        checkpoint=given.receipt.checkpoint,
        entries=given.entries,
        origin=ORIGIN,
        key=country.book("portal").in_force(country.site.clock()).signing_key(LEDGER),
    )
    if given.receipt.first != first or len(split_entries(given.entries)) != count:
        raise LedgerDiverged()
    return given, at


async def _check(country: Country) -> tuple[Checkpoint, dict[str, int]]:
    now, tree, kinds = await head(country), Tree(), dict[str, int]()
    for first, count in _pages(now.size):
        given, _ = await _proved(country, first, count)
        entries = split_entries(given.entries)
        tree.append([leaf_hash(entry) for entry in entries])
        for entry in entries:
            kind = Entry.decode(entry).kind.name.lower()
            kinds[kind] = kinds.get(kind, 0) + 1
    if tree.root() != now.root:
        raise LedgerDiverged()
    return now, kinds


def _pages(size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, size, _PAGE):
        yield first, min(_PAGE, size - first)
