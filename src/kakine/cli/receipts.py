"""Receipt, record and policy files: what a person or an agency carries away, to be checked anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.verify import POLICY_NAME
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, ENTRIES, ByIndex
from kakine.country import LEDGER, ORIGIN, Country
from kakine.crypto.signing import VerifyKey
from kakine.protocols import receipts
from kakine.protocols.history import OpenedRow, SealedRow
from kakine.protocols.receipt_files import receipt_of
from kakine.wire import checkpoint
from kakine.wire.opening import SUFFIX as RECORD_SUFFIX
from kakine.wire.opening import RecordFile
from kakine.wire.policy import one_log
from kakine.wire.proof import SUFFIX as RECEIPT_SUFFIX
from kakine.wire.proof import Proof

_PAGE = 256


def receipt(
    directory: DirOption,
    out: Annotated[Path, typer.Option(help="Folder to write receipt files and policy.txt into.")],
    indices: Annotated[
        list[int] | None, typer.Argument(help="Numbers of entries; a history shows them as #n.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All entries of the log.")] = False,
) -> None:
    """受領証を書き出す: write receipts as files that `kakine verify` and the page check anywhere. Example:

    kakine ledger receipt 42 43 --dir country/1-1000 --out receipts
    """
    if every == bool(indices):
        raise typer.BadParameter("give numbers of entries, or --all")
    typer.echo(f"{asyncio.run(_write(directory, indices or [], out))} receipts in {out}")


async def _write(folder: Path, indices: Sequence[int], out: Path) -> int:
    written = 0
    async with visited(folder) as country:
        _keep(out, POLICY_NAME, one_log(ORIGIN, ledger_key(country)))
        async for proof in proofs(country, indices):
            _keep(out, f"{proof.index}{RECEIPT_SUFFIX}", proof.encode())
            written += 1
    return written


def ledger_key(country: Country) -> VerifyKey:
    """The ledger's key in the gazette in force."""
    return country.book("portal").in_force(country.site.clock()).signing_key(LEDGER)


async def proofs(country: Country, indices: Sequence[int]) -> AsyncIterator[Proof]:
    """Verified receipts of these entries, of all when none is named. Raises `RangeOutside` for one not in the log."""
    key = ledger_key(country)
    head = await country.peers("portal").ask(LEDGER, CHECKPOINT, Nothing())
    size = checkpoint.open(head.checkpoint, ORIGIN, key).size
    pages = [(first, min(_PAGE, size - first)) for first in range(0, size, _PAGE)]
    for first, count in [(index, 1) for index in indices] or pages:
        given = await country.peers("portal").ask(LEDGER, ENTRIES, ByIndex(first, count))
        row = SealedRow(given.entries, b"", first, given.receipt.proof, given.receipt.checkpoint)
        for proof in _verified(row, count, key):
            yield proof


def export_history(
    rows: Sequence[SealedRow], opened: Sequence[OpenedRow], key: VerifyKey, folder: Path
) -> int:
    """Write receipt, record and policy files of an own history; how many rows.

    `opened` is what `open_history` gave for `rows`, in whatever order either stands. The records say in plain words
    what was asked about the person, so the files are for the owner's eyes alone (mode 600); their names are numbers in
    the log.
    """
    _keep(folder, POLICY_NAME, one_log(ORIGIN, key))
    sealed = {row.index: row for row in rows}
    for read in opened:
        row = sealed[read.index]
        for proof in _verified(row, 1, key):
            _keep(folder, f"{row.index}{RECEIPT_SUFFIX}", proof.encode())
        record = RecordFile.of(read.record, row.envelope)
        _keep(folder, f"{row.index}{RECORD_SUFFIX}", record.encode())
    return len(opened)


def _verified(row: SealedRow, count: int, key: VerifyKey) -> list[Proof]:
    head = receipts.verify(
        first=row.index,
        proof=row.proof,
        checkpoint=row.checkpoint,
        entries=row.entry,
        origin=ORIGIN,
        key=key,
    )
    return [
        receipt_of(index, first=row.index, proof=row.proof, note=row.checkpoint, entries=row.entry, head=head)
        for index in range(row.index, row.index + count)
    ]


def _keep(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    path.unlink(missing_ok=True)  # a file that is there may be open to others, or point elsewhere
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(data)
