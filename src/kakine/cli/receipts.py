"""Receipt, record and policy files: what a person or an agency carries away, to be checked anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.verify import POLICY_NAME
from kakine.cli.visiting import FIRST, DirOption, InstanceOption, log_named, visited
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, ENTRIES, WITNESSED_ENTRIES, ByIndex, Proved
from kakine.country import LOGS, Country
from kakine.protocols.heads import Heads
from kakine.protocols.history import OpenedRow, SealedRow
from kakine.protocols.logs import Log, LogKeys, log_keys
from kakine.protocols.receipt_files import receipt_of
from kakine.protocols.witnessing import cosigners
from kakine.values.problems import (
    NotWitnessed,
    QuorumMissing,
)
from kakine.wire import checkpoint
from kakine.wire import policy as policies
from kakine.wire.opening import SUFFIX as RECORD_SUFFIX
from kakine.wire.opening import RecordFile
from kakine.wire.policy import of_logs
from kakine.wire.proof import SUFFIX as RECEIPT_SUFFIX
from kakine.wire.proof import Proof

_PAGE = 256
NOT_YET = "not all publicly witnessed yet"


def receipt(
    directory: DirOption,
    out: Annotated[Path, typer.Option(help="Folder to write receipt files and policy.txt into.")],
    indices: Annotated[
        list[int] | None, typer.Argument(help="Numbers of entries; a history shows them as #n.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All entries of the log.")] = False,
    instance: InstanceOption = FIRST,
) -> None:
    """受領証を書き出す: write receipts as files that `kakine verify` and the page check anywhere.

    If a checkpoint that enough witnesses signed covers all of them, the policy written beside them asks for these
    witnesses; otherwise for the ledger's key alone. A receipt has the signatures that its policy needs and no other, so
    that no byte of it can be changed unseen. Example:

    kakine ledger receipt 42 43 --dir country/1-1000 --out receipts
    """
    if every == bool(indices):
        raise typer.BadParameter("give numbers of entries, or --all")
    typer.echo(asyncio.run(_write(directory, instance, indices or [], out)))


async def _write(folder: Path, name: str, indices: Sequence[int], out: Path) -> str:
    written = 0
    async with visited(folder) as country:
        log = log_named(country, name)
        keys = log_keys(country.book("portal").in_force(country.site.clock()), [log])
        public = await _covered(country, log, keys, indices)
        policy = country.policy if public else of_logs(keys)
        _keep(out, POLICY_NAME, policy)
        needed = Needed(policy)
        async for proof in proofs(country, log, keys, indices):
            _keep(out, f"{proof.index}{RECEIPT_SUFFIX}", needed.of(proof).encode())
            written += 1
    return f"{written} receipts in {out}, " + ("publicly witnessed" if public else NOT_YET)


async def _covered(country: Country, log: Log, keys: LogKeys, indices: Sequence[int]) -> bool:
    """Whether a checkpoint that enough witnesses signed has the last of these entries, and so all; `indices` empty for
    every entry of the log."""
    head = await country.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())
    size = checkpoint.open(head.checkpoint, log.origin, keys[log.origin]).size
    last = max(indices, default=size - 1)
    return size > 0 and is_public(country, (await entries_of(country, log, last, 1)).receipt.checkpoint)


class Needed:
    """Receipts with no signature line that their policy can do without. A line that could be missing could be changed
    as well, and nobody who verifies would see it: readers ignore lines of keys that they do not know."""

    def __init__(self, policy: bytes) -> None:
        self._policy = policies.decode(policy)
        self._notes: dict[bytes, bytes] = {}

    def of(self, proof: Proof) -> Proof:
        """The same receipt, under the same head."""
        if proof.note not in self._notes:
            self._notes[proof.note] = self._lean(proof.note)
        return replace(proof, note=self._notes[proof.note])

    def _lean(self, note: bytes) -> bytes:
        text, _, tail = note.rpartition(b"\n\n")
        own = f" {checkpoint.origin_of(note)} ".encode()
        lines = tail.splitlines(keepends=True)
        for line in [each for each in reversed(lines) if own not in each]:
            fewer = [each for each in lines if each is not line]
            try:
                self._policy.check_quorum(cosigners(text + b"\n\n" + b"".join(fewer), self._policy))
            except QuorumMissing:
                continue
            lines = fewer
        return text + b"\n\n" + b"".join(lines)


def is_public(country: Country, note: bytes) -> bool:
    """Whether the lines of a verified note meet the quorum of the country's policy."""
    policy = policies.decode(country.policy)
    try:
        policy.check_quorum(cosigners(note, policy))
    except QuorumMissing:
        return False
    return True


async def entries_of(country: Country, log: Log, first: int, count: int) -> Proved:
    """Entries with a proof under the largest checkpoint that enough witnesses signed, else under the present one."""
    peers = country.peers("portal")
    try:
        return await peers.ask(log.ledger, WITNESSED_ENTRIES, ByIndex(first, count))
    except NotWitnessed:
        return await peers.ask(log.ledger, ENTRIES, ByIndex(first, count))


async def proofs(country: Country, log: Log, keys: LogKeys, indices: Sequence[int]) -> AsyncIterator[Proof]:
    """Verified receipts of these entries, of all when none is named. Raises `RangeOutside` for one not in the log."""
    head = await country.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())
    size = checkpoint.open(head.checkpoint, log.origin, keys[log.origin]).size
    pages = [(first, min(_PAGE, size - first)) for first in range(0, size, _PAGE)]
    for first, count in [(index, 1) for index in indices] or pages:
        given = await entries_of(country, log, first, count)
        row = SealedRow(given.entries, b"", first, given.receipt.proof, given.receipt.checkpoint)
        for proof in _verified(row, count, keys):
            yield proof


def export_history(
    rows: Sequence[SealedRow],
    opened: Sequence[OpenedRow],
    keys: LogKeys,
    folder: Path,
    policy: bytes | None = None,
) -> int:
    """Write receipt, record and policy files of an own history; how many rows. Without `policy`, one of the ledger's
    key alone.

    `opened` is what `open_history` gave for `rows`, in whatever order either stands. The records say in plain words
    what was asked about the person, so the files are for the owner's eyes alone (mode 600); their names are numbers in
    the log.
    """
    trusted = policy or of_logs(keys)
    _keep(folder, POLICY_NAME, trusted)
    needed, sealed = Needed(trusted), {_place(row): row for row in rows}
    for read in opened:
        row = sealed[named(read.origin, read.index)]
        for proof in _verified(row, 1, keys):
            _keep(folder, f"{_place(row)}{RECEIPT_SUFFIX}", needed.of(proof).encode())
        record = RecordFile.of(read.record, row.envelope)
        _keep(folder, f"{_place(row)}{RECORD_SUFFIX}", record.encode())
    return len(opened)


def _place(row: SealedRow) -> str:
    """The number in the log; where the same numbers stand for other entries the log before it: `b-` for the second
    instance, `2027-a-` for a log that was opened later."""
    return named(checkpoint.origin_of(row.checkpoint), row.index)


def named(origin: str, index: int) -> str:
    """Under what name the files of an entry are written."""
    *_, year, instance = origin.split("/")
    if origin in {log.origin for log in LOGS}:
        return f"{index}" if instance == FIRST else f"{instance}-{index}"
    return f"{year}-{instance}-{index}"


def _verified(row: SealedRow, count: int, keys: LogKeys) -> list[Proof]:
    head = Heads().verify(row.index, row.proof, row.checkpoint, row.entry, keys)
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
