"""`kakine gazette`: read the law, compare two states of it, and check the pack."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from kakine.parties.commission.store import published_in
from kakine.protocols.gazette_check import faults
from kakine.protocols.gazette_diff import Change, describe
from kakine.protocols.gazette_genesis import comparable
from kakine.protocols.gazette_pack import Pack, ProcedureEntry, read_pack
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.problems import Problem, RowUnknown
from kakine.wire.gazette import Gazette, decode

app = typer.Typer(no_args_is_help=True, help="官報: the law this country runs on.")
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

PackOption = Annotated[Path | None, typer.Option("--pack", help="Folder of the legal pack.")]
DirOption = Annotated[
    Path | None, typer.Option("--dir", help="Folder a country was run in; A and B are numbers of versions.")
]


def _pack(folder: Path | None) -> Pack:
    return read_pack(pack_files(folder or pack_folder()))


def _fail(problem: Problem) -> typer.Exit:
    _err.print(str(problem), markup=False)
    return typer.Exit(1)


@app.command()
def check(pack: PackOption = None) -> None:
    """Count the pack and name every fault in it; exit 1 if there is any."""
    try:
        read = _pack(pack)
    except Problem as problem:
        raise _fail(problem) from problem
    _out.print(f"{read.row_count} rows, {len(read.procedures)} procedures, {len(read.items)} items")
    found = faults(read)
    for fault in found:
        _out.print(f"{fault.where}: {fault.what}", markup=False)
    if found:
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="[ID]", help="A procedure (JO106), row, item or party.")
    ] = "",
    pack: PackOption = None,
) -> None:
    """Show one procedure, row, item or party; without an id, all procedures."""
    try:
        read = _pack(pack)
        _show(read, name) if name else _all(read)
    except Problem as problem:
        raise _fail(problem) from problem


def _all(pack: Pack) -> None:
    table = _table("id", "法律", "事務手続", "procedure", "行")
    for entry in sorted(pack.procedures.values(), key=lambda entry: _natural(entry.id)):
        table.add_row(entry.id, entry.law_ja, entry.ja, entry.en, str(len(entry.row)))
    _out.print(table)


def _table(*headings: str) -> Table:
    return Table(*(Column(heading, overflow="fold") for heading in headings))


def _natural(procedure_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in procedure_id.removeprefix("JO").split("-"))


def _show(pack: Pack, name: str) -> None:
    procedure = name.partition(".")[0]
    for entry in pack.procedures.values():
        if entry.id == procedure:
            _procedure(pack, entry, name)
            return
    for item in pack.items:
        if item.id == name:
            _out.print(f"{item.id}  {item.ja}  {item.en}  ({item.area}, layout v{item.layout})", markup=False)
            return
    for party in pack.parties:
        if party.name == name:
            synthetic = "、架空 / synthetic" if party.synthetic else ""
            _out.print(
                f"{party.name}  {party.ja}  {party.en}  法人番号 {party.number}{synthetic}", markup=False
            )
            for domain in party.domain:
                _out.print(f"  {domain.name}  provides {domain.provides}  asks {domain.asks}", markup=False)
            return
    raise RowUnknown(row=name)


def _procedure(pack: Pack, entry: ProcedureEntry, wanted: str) -> None:
    rows = [row for row in entry.row if wanted in (entry.id, row.id)]
    if not rows:
        raise RowUnknown(row=wanted)
    types = {known.id: known for known in pack.types}
    items = {known.id: known for known in pack.items}
    requester = entry.requester_ja or types[entry.requester_type].ja
    _out.print(f"{entry.id}  {entry.law_ja}  {entry.article}\n{entry.ja}\n{entry.en}", markup=False)
    _out.print(f"照会者 / requester: {requester} ({entry.requester_type})\n", markup=False)
    table = _table("行", "提供者 / provider", "情報項目 / item", "開始", "保護評価 / assessments")
    for row in rows:
        item, provider = items[row.item], row.provider_ja or types[row.provider_type].ja
        files = f"{row.requester_assessment} / {row.provider_assessment}"
        table.add_row(row.id, provider, f"{item.id} {item.ja}\n{item.en}", str(row.start), files)
    _out.print(table)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier pack folder, or version with --dir.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later one.")],
    directory: DirOption = None,
) -> None:
    """Say in words what B allows that A did not, and what it takes away."""
    try:
        old, new = (_state(name, directory) for name in (a, b))
    except Problem as problem:
        raise _fail(problem) from problem
    changes = describe(old, new)
    counted = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
    _out.print(f"{counted}, {sum(change.widens for change in changes)} widening")
    for change in changes:
        _line(change)


def _state(name: str, directory: Path | None) -> Gazette:
    if directory is None:
        return comparable(read_pack(pack_files(Path(name))))
    path = directory / "commission.sqlite"
    if not name.isdecimal() or not path.is_file():
        raise typer.BadParameter("with --dir, A and B are numbers of published versions")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        encoded = published_in(connection, int(name))
    finally:
        connection.close()
    if encoded is None:
        raise typer.BadParameter(f"no version {name} has been published")
    return decode(encoded)


def _line(change: Change) -> None:
    mark = "拡大 +" if change.widens else "縮小 -"
    _out.print(f"{mark} {change.ja} {change.en}", markup=False)
