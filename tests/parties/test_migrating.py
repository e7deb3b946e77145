"""Migrations: the declaration and the revisions agree, and a change of real stores can be interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    column,
    delete,
    insert,
    select,
    table,
    update,
)

import postgres_server
from kakine.institutions.stores import TABLES
from kakine.parties.mailbox import store as mailbox_store
from kakine.parties.registry import store as registry_store
from kakine.runtime import codebook, versions
from kakine.runtime.database import Database, sql
from kakine.runtime.migrating import behind, postgres_store, sqlite_store, upgrade
from kakine.runtime.postgres import address
from kakine.values.problems import StoreOutdated
from kakine.wire.answer import Answered, Answers, Result
from kakine.wire.canonical import encode
from store_differences import differences

Opened = Callable[[], AbstractContextManager[Connection]]

FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("thing", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("data", sa.LargeBinary()),
                    sa.Column("note", sa.String()))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("thing", sa.Column("size", sa.Integer()))
    op.execute("UPDATE thing SET size = length(data)")
    {interrupted}
    with op.batch_alter_table("thing") as batch:
        batch.alter_column("note", new_column_name="said", existing_type=sa.String())
"""
ROWS: list[dict[str, Any]] = [
    {"id": 2**63 - 1, "data": b"", "note": None},
    {"id": -(2**63), "data": None, "note": ""},
    {"id": 0, "data": bytes(range(256)) * 300, "note": "垣根\n'%:x " * 9000},
    *({"id": k, "data": k.to_bytes(4, "big"), "note": str(k)} for k in range(1, 5001)),
]


def thing(folder: Path, *more: Column[Any], note: str = "note") -> MetaData:
    metadata = MetaData(info={"store": str(folder)})
    columns = [
        Column("id", Integer, primary_key=True),
        Column("data", LargeBinary),
        Column(note, String),
        *more,
    ]
    Table("thing", metadata, *columns)
    return metadata


def scripts(folder: Path, *texts: str) -> Path:
    folder.mkdir()
    for number, content in enumerate(texts, 1):
        (folder / f"{number:04}_step.py").write_text(content)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Opened]]:
    """(path, how its owner opens it) of a store of each engine."""
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite"
        yield path, lambda: sqlite_store(path)
        return
    path = postgres_server.database(MetaData(), tmp_path)
    name = str(psycopg.conninfo.conninfo_to_dict(address(path).server)["dbname"])
    owner = postgres_server.server().server(name, f"{name}-owner")
    path.write_text(
        path.read_text()
        .replace(f"user={name}", f"user={name}-owner")
        .replace(f"/keys/{name}", f"/keys/{name}-owner")
    )
    yield path, lambda: postgres_store(owner)


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_the_revisions_make_the_tables_that_are_declared(kind: str, empty: tuple[Path, Opened]) -> None:
    with empty[1]() as store:
        assert upgrade(store, TABLES[kind], new=True) == [path.name[:4] for path in sorted(_folder(kind))]
        assert differences(store, TABLES[kind]) == []
        assert not behind(store, TABLES[kind])


def _folder(kind: str) -> Iterator[Path]:
    folder = versions.revisions(TABLES[kind])
    assert folder is not None
    return folder.glob("[0-9]*.py")


def test_a_change_of_awkward_data_is_interrupted_and_resumed(
    empty: tuple[Path, Opened], tmp_path: Path
) -> None:
    path, opened = empty
    old = thing(scripts(tmp_path / "one", FIRST))
    broken = thing(scripts(tmp_path / "two", FIRST, SECOND.format(interrupted="raise KeyboardInterrupt")))
    new = thing(
        scripts(tmp_path / "three", FIRST, SECOND.format(interrupted="")),
        Column("size", Integer),
        note="said",
    )
    with closing(Database.open(path, old)) as database:
        add = sql(insert(old.tables["thing"]))
        asyncio.run(database.write(lambda db: db.executemany(add, ROWS)))
    with pytest.raises(StoreOutdated):
        Database.open(path, new)
    with pytest.raises(KeyboardInterrupt), opened() as store:
        upgrade(store, broken)
    with closing(Database.open(path, old)) as database:
        assert len(database.read().execute(sql(select(old.tables["thing"]))).fetchall()) == len(ROWS)
    with opened() as store:
        assert behind(store, new)
        assert upgrade(store, new) == ["0002"]
        assert upgrade(store, new) == []
        assert differences(store, new) == []
    with pytest.raises(StoreOutdated):
        Database.open(path, old)
    with closing(Database.open(path, new)) as database:
        table = new.tables["thing"]
        rows = {row[0]: row[1:] for row in database.read().execute(sql(select(*table.c)))}
    assert rows == {
        row["id"]: (row["data"], row["note"], None if row["data"] is None else len(row["data"]))
        for row in ROWS
    }


@pytest.mark.parametrize("mark", [None, "0009"], ids=["none", "later"])
def test_a_store_without_a_version_or_with_a_later_one_is_refused(
    empty: tuple[Path, Opened], tmp_path: Path, mark: str | None
) -> None:
    path, opened = empty
    metadata = thing(scripts(tmp_path / "one", FIRST))
    Database.open(path, metadata).close()
    version = table("alembic_version", column("version_num"))
    with opened() as store:
        store.execute(delete(version) if mark is None else update(version).values(version_num=mark))
        store.commit()
    with pytest.raises(StoreOutdated):
        Database.open(path, metadata)
    with opened() as store, pytest.raises(StoreOutdated):
        upgrade(store, metadata)


@pytest.mark.parametrize("kind", ["gateway", "portal", "registry"])
def test_what_was_under_way_before_replicas_is_nobodys_and_all_there(
    kind: str, empty: tuple[Path, Opened], tmp_path: Path
) -> None:
    """Of the released first revision, with rows as a crash leaves them: the next start takes all of them up."""
    path, opened = empty
    first = tmp_path / "first"
    first.mkdir()
    (script,) = (each for each in _folder(kind) if each.name.startswith("0001"))
    (first / script.name).write_text(script.read_text())
    kept: list[dict[str, Any]] = [
        {"request": bytes(32), "kept": b"", "context": b"", "time_ms": 0},
        {
            "request": b"\xff" * 32,
            "kept": bytes(range(256)) * 300,
            "context": "市\0".encode(),
            "time_ms": 2**62,
        },
        *({"request": k.to_bytes(32), "kept": b"k", "context": b"c", "time_ms": k} for k in range(1, 2000)),
    ]
    old = table("outgoing", *(column(name) for name in kept[0]))
    with opened() as store:
        assert upgrade(store, MetaData(info={"store": str(first)}), new=True) == ["0001"]
        store.execute(insert(old), kept)
        store.commit()
    with pytest.raises(StoreOutdated):
        Database.open(path, TABLES[kind])
    with opened() as store:
        assert upgrade(store, TABLES[kind]) == [path.name[:4] for path in sorted(_folder(kind))][1:]
        assert differences(store, TABLES[kind]) == []
    with closing(Database.open(path, TABLES[kind])) as database:
        left = codebook.unfinished(database.read())
    assert {each.replica for each in left} == {""}
    found = [(each.request, each.kept, each.context, each.time_ms) for each in left]
    assert sorted(found) == sorted(tuple(row.values()) for row in kept)


def test_people_entered_before_there_were_departures_leave_for_nowhere(
    empty: tuple[Path, Opened], tmp_path: Path
) -> None:
    path, opened = empty
    second = tmp_path / "second"
    second.mkdir()
    for script in sorted(_folder("registry"))[:2]:
        (second / script.name).write_text(script.read_text())
    names = [each.name for each in registry_store.person.columns if not each.name.startswith("leaving")]
    old = table("person", *(column(name) for name in names))
    who = {
        "id": b"p" * 16, "version": 1, "state": "resident", "name": "渡邉　花子", "kana": "ワタナベ　ハナコ",
        "birth": "1990-02-03", "sex": "female", "municipality": "141003", "address": None, "household": bytes(16),
        "undisclosed": 1, "own_view_stopped": 0, "died": None, "kana_key": "わたなべ はなこ",
    }  # fmt: skip
    with opened() as store:
        assert upgrade(store, MetaData(info={"store": str(second)}), new=True) == ["0001", "0002"]
        store.execute(insert(old), who)
        store.commit()
    with opened() as store:
        assert upgrade(store, TABLES["registry"])[0] == "0003"
        assert differences(store, TABLES["registry"]) == []
    with closing(Database.open(path, TABLES["registry"])) as database:
        person = registry_store.find_person(database.read(), who["id"])
    assert person is not None
    assert (person.name, person.municipality, person.undisclosed) == ("渡邉　花子", "141003", True)
    assert person.leaving is None


def test_what_the_registry_had_kept_of_logins_goes(empty: tuple[Path, Opened], tmp_path: Path) -> None:
    """Answers to what came with its own codes stay: they may be asked for again."""
    path, opened = empty
    before = tmp_path / "before"
    before.mkdir()
    (own_step,) = (each.name for each in _folder("registry") if each.stem.endswith("_misses"))
    for script in _folder("registry"):
        if script.name < own_step:
            (before / script.name).write_text(script.read_text())
    own = [Answered(Result.DELIVERED, (), b""), Answered(Result.REFUSED, (), b"")]
    shown = [
        Answered(Result.PARTIAL, ("name",), b'{"name":{}}'),
        Answered(Result.DELIVERED, ("over_20",), b'{"over_20":true}'),
        Answered(Result.NON_DISCLOSED, (), b""),
        Answered(Result.NOT_KNOWN, (), b""),
    ]
    kept = [own, own[:1], *([each] for each in shown)]
    rows = [
        {"request": bytes([k]), "answers": encode(Answers(bytes(32), k, tuple(people))), "time_ms": k}
        for k, people in enumerate(kept)
    ]
    with opened() as store:
        upgrade(store, MetaData(info={"store": str(before)}), new=True)
        store.execute(insert(table("incoming", *(column(name) for name in rows[0]))), rows)
        store.commit()
    with opened() as store:
        assert upgrade(store, TABLES["registry"])[0] == own_step[:4]
    with closing(Database.open(path, TABLES["registry"])) as database:
        left = [codebook.answered(database.read(), row["request"]) for row in rows]
    assert left == [row["answers"] for row in rows[:2]] + [None] * len(shown)


def test_what_was_filed_before_is_found_by_the_entry_that_it_begins_with(
    empty: tuple[Path, Opened], tmp_path: Path
) -> None:
    """Of the released first revision of a record keeper's store, with filings of every length and of no log yet."""
    path, opened = empty
    first = tmp_path / "first"
    first.mkdir()
    (script,) = (each for each in _folder("mailbox") if each.name.startswith("0001"))
    (first / script.name).write_text(script.read_text())
    dice = Random(7)
    blobs = [bytes(80), b"\xff" * 80, dice.randbytes(80) + bytes(80), dice.randbytes(80 * 4096), b"'" * 160]
    blobs += [dice.randbytes(80 * dice.randint(1, 3)) for _ in range(2000)]
    names = [each.name for each in mailbox_store.filing.columns if each.name != "mark"]
    old = table("filing", *(column(name) for name in names))
    kept = [
        dict.fromkeys(names, b"")
        | {"id": k.to_bytes(4), "kind": k % 9, "expiry": k, "entries": blob, "size": None, "proof": None}
        | {"log": None if k % 5 == 0 else "there", "first": None if k % 5 == 0 else k, "checkpoint": None}
        for k, blob in enumerate(blobs)
    ]
    with opened() as store:
        assert upgrade(store, MetaData(info={"store": str(first)}), new=True) == ["0001"]
        store.execute(insert(old), kept)
        store.commit()
    with pytest.raises(StoreOutdated):
        Database.open(path, TABLES["mailbox"])
    with opened() as store:
        assert upgrade(store, TABLES["mailbox"]) == ["0002"]
        assert differences(store, TABLES["mailbox"]) == []
    with closing(Database.open(path, TABLES["mailbox"])) as database:
        found = mailbox_store.begun_by(database.read(), [blob[:80] for blob in blobs], "here")
    for row, filings in zip(kept, found, strict=True):
        expected = [] if row["log"] is None else [(row["id"], row["entries"], row["entries"][48:80])]
        assert [(each.id, each.entries, each.mark) for each in filings] == expected
