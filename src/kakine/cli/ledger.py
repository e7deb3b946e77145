"""`kakine ledger`: look at the public log as anybody may, and check it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

import typer

from kakine.cli import ledger_erasures, ledger_published, ledger_tiles
from kakine.cli.demo_checks import head
from kakine.cli.ledger_witness import witness
from kakine.cli.receipts import receipt
from kakine.cli.visiting import DirOption, Instance, InstanceOption, visited
from kakine.contracts.ledger import ENTRIES, ByIndex, Proved
from kakine.country import Country
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.protocols import receipts
from kakine.protocols.logs import Log
from kakine.values.problems import LedgerDiverged
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryKind, split_entries
from kakine.wire.heartbeat import Heartbeat

app = typer.Typer(no_args_is_help=True, help="公開台帳: the public ledger of every exchange.")
ledger_tiles.mount(app)
app.command()(receipt)
app.command()(witness)
app.command()(ledger_erasures.erasures)
app.command()(ledger_published.publish)
app.command()(ledger_published.published)

_PAGE = 256


@app.command()
def proof(
    index: Annotated[int, typer.Argument(min=0, help="Number of the entry; a history shows them as #n.")],
    directory: DirOption,
    instance: InstanceOption = Instance.A,
) -> None:
    """Show one entry with its inclusion proof (hashes from left to right), and verify it. Example:

    kakine ledger proof 42 --dir country/1-1000
    """
    given, at = asyncio.run(_in(directory, lambda country: _proved(country, instance.log, index, 1)))
    entry = Entry.decode(given.entries)
    typer.echo(f"entry {index}  {entry.kind.name.lower()}\n{given.entries.hex()}")
    typer.echo(f"leaf  {leaf_hash(given.entries).hex()}")
    for sibling in given.receipt.proof:
        typer.echo(f"  with {sibling.hex()}")
    typer.echo(f"root  {at.root.hex()}  of {at.size} entries")
    typer.echo("verified: the entry is in the tree that the ledger has signed")


@app.command()
def check(directory: DirOption, instance: InstanceOption = Instance.A) -> None:
    """Read the whole log, build the tree anew and compare it with the signed head. Example:

    kakine ledger check --dir country/1-1000
    """
    at, kinds = asyncio.run(_in(directory, lambda country: _check(country, instance.log)))
    for kind, count in sorted(kinds.items()):
        typer.echo(f"{count:8}  {kind}")
    typer.echo(f"{at.size} entries, root {at.root.hex()}: the signed head fits them")


@app.command()
def beat(directory: DirOption, instance: InstanceOption = Instance.A) -> None:
    """Log a heartbeat: the log says that it is alive, and what it was. Example:

    kakine ledger beat --dir country/1-1000
    """
    at = asyncio.run(_in(directory, lambda country: _beat(country, instance.log)))
    typer.echo(f"{at.size} entries, root {at.root.hex()}")


async def _in(folder: Any, look: Callable[[Country], Coroutine[Any, Any, Any]]) -> Any:
    async with visited(folder) as country:
        return await look(country)


async def _beat(country: Country, log: Log) -> Checkpoint:
    await country.ledgers[log.ledger].beat()
    return await head(country, log)


async def _proved(country: Country, log: Log, first: int, count: int) -> tuple[Proved, Checkpoint]:
    """Entries, and the signed head under which they have been verified."""
    given = await country.peers("portal").ask(log.ledger, ENTRIES, ByIndex(first, count))
    at = receipts.verify(
        first=given.receipt.first,
        proof=given.receipt.proof,
        checkpoint=given.receipt.checkpoint,
        entries=given.entries,
        origin=log.origin,
        key=country.book("portal").in_force(country.site.clock()).log_key(log.ledger),
    )
    if given.receipt.first != first or len(split_entries(given.entries)) != count:
        raise LedgerDiverged()
    return given, at


async def _check(country: Country, log: Log) -> tuple[Checkpoint, dict[str, int]]:
    now, tree, kinds = await head(country, log), Tree(), dict[str, int]()
    for first, count in _pages(now.size):
        given, _ = await _proved(country, log, first, count)
        entries = split_entries(given.entries)
        tree.append([leaf_hash(entry) for entry in entries])
        for index, entry in enumerate(entries, first):
            said = Entry.decode(entry)
            kinds[said.kind.name.lower()] = kinds.get(said.kind.name.lower(), 0) + 1
            if said.kind is EntryKind.HEARTBEAT:
                beat = Heartbeat(index, tree.root(index), said.minutes)
                if beat.entry() != entry:
                    raise LedgerDiverged(part="heartbeat", index=index)
    if tree.root() != now.root:
        raise LedgerDiverged()
    return now, kinds


def _pages(size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, size, _PAGE):
        yield first, min(_PAGE, size - first)
