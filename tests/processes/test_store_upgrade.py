"""`kakine store upgrade --config`: one party's store is brought to this version by whoever runs that party."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from sqlalchemy import Connection, MetaData, column, insert, table
from typer.testing import CliRunner

import postgres_server
from kakine.cli.root import app
from kakine.crypto.signing import SigningKey
from kakine.institutions.postgres_owner import held
from kakine.institutions.stores import TABLES
from kakine.parties.converter import store as converter
from kakine.runtime import codebook, versions
from kakine.runtime.database import Database
from kakine.runtime.migrating import postgres_store, sqlite_store
from kakine.runtime.migrating import upgrade as migrate
from kakine.runtime.postgres import Address, address
from kakine.values.problems import BootFence, StoreFailed, StoreInUse, StoreOutdated
from kakine.wire.policy import LOG, vkey
from processes.test_settings import TEXT
from store_differences import differences

RUN = CliRunner()
OPEN_REQUESTS: list[dict[str, Any]] = [
    {"request": bytes(32), "kept": b"", "context": b"", "time_ms": 0},
    {"request": b"\xff" * 32, "kept": bytes(range(256)) * 300, "context": "市\0".encode(), "time_ms": 2**62},
    *({"request": k.to_bytes(32), "kept": b"k", "context": b"c", "time_ms": k} for k in range(1, 500)),
]
FIRST = "converter-1: 0002 Which process carries what is under way.\n"


@dataclass(frozen=True)
class Office:
    """The folder of one party, whose store is where the first released version left it."""

    folder: Path
    kind: str
    path: Path
    opened: Callable[[], AbstractContextManager[Connection]]
    owner: Path | None

    @property
    def config(self) -> Path:
        return self.folder / "party.toml"

    def upgrade(self, *words: str | Path) -> Result:
        owner = () if self.owner is None else ("--owner", self.owner)
        told = ["store", "upgrade", "--config", self.config, *owner, *words]
        return RUN.invoke(app, [str(each) for each in told])

    def fill(self) -> None:
        rows = table("outgoing", *(column(name) for name in OPEN_REQUESTS[0]))
        with self.opened() as store:
            store.execute(insert(rows), OPEN_REQUESTS)
            store.commit()

    def kept(self) -> list[tuple[Any, ...]]:
        """What the party itself finds there, with the rights that it has."""
        with closing(Database.open(self.path, TABLES[self.kind])) as database:
            left = codebook.unfinished(database.read())
        return sorted((each.request, each.kept, each.context, each.time_ms) for each in left)


Made = Callable[[str], Office]
WHOLE = sorted(tuple(row.values()) for row in OPEN_REQUESTS)


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    def work(kind: str) -> Office:
        folder = tmp_path / "party"
        folder.mkdir(mode=0o700)
        found = _served(folder, tmp_path, kind) if request.param == "postgresql" else _filed(folder, kind)
        text = TEXT.replace('kind = "converter"', f'kind = "{kind}"')
        found.config.write_text(text.replace("converter-1.sqlite", found.path.name))
        first = tmp_path / "first"
        first.mkdir()
        folder_of = versions.revisions(TABLES[kind])
        assert folder_of is not None
        (script,) = folder_of.glob("0001*.py")
        (first / script.name).write_text(script.read_text())
        with found.opened() as store:
            assert migrate(store, MetaData(info={"store": str(first)}), new=True) == ["0001"]
        return found

    return work


def _filed(folder: Path, kind: str) -> Office:
    path = folder / "converter-1.sqlite"
    return Office(folder, kind, path, lambda: sqlite_store(path), None)


def _served(folder: Path, above: Path, kind: str) -> Office:
    path = postgres_server.database(MetaData(), folder, "converter-1")
    owner = above / "owner.postgresql"
    server = owner_string(path)
    owner.write_text(Address(server).text())
    return Office(folder, kind, path, lambda: postgres_store(server), owner)


def owner_string(path: Path) -> str:
    name = str(psycopg.conninfo.conninfo_to_dict(address(path).server)["dbname"])
    return postgres_server.server().server(name, f"{name}-owner")


def later(kind: str) -> list[str]:
    """The steps after the first."""
    folder = versions.revisions(TABLES[kind])
    assert folder is not None
    return sorted(each.name[:4] for each in folder.glob("[0-9]*.py"))[1:]


@pytest.mark.parametrize("kind", ["gateway", "portal", "registry"])
def test_a_party_is_upgraded_alone_and_keeps_what_was_under_way(made: Made, kind: str) -> None:
    office = made(kind)
    office.fill()
    with pytest.raises(StoreOutdated):
        Database.open(office.path, TABLES[kind])
    told = office.upgrade("--check")
    steps = told.output.splitlines(keepends=True)
    assert (told.exit_code, steps[0]) == (1, FIRST)
    assert [each.split()[1] for each in steps] == later(kind)
    with pytest.raises(StoreOutdated):
        Database.open(office.path, TABLES[kind])  # nothing was changed
    told = office.upgrade()
    assert (told.exit_code, told.output) == (0, "".join(steps))
    assert office.kept() == WHOLE
    for words in ((), ("--check",)):
        told = office.upgrade(*words)
        assert (told.exit_code, told.output) == (0, "converter-1: 現行 / current\n")
    with office.opened() as store:
        assert differences(store, TABLES[kind]) == []


def test_a_converter_may_use_the_table_that_an_upgrade_has_made(made: Made) -> None:
    office = made("converter")
    assert office.upgrade().exit_code == 0
    with closing(Database.open(office.path, TABLES["converter"])) as database:
        asyncio.run(database.write(lambda db: converter.raise_fence(db, 1000, 10)))
        with pytest.raises(BootFence):
            converter.require_new(database.read(), bytes(32), 999)


def test_what_is_interrupted_goes_on_with_the_same_command(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = made("gateway")
    office.fill()
    with monkeypatch.context() as patched:
        _second_column_fails(patched)
        assert office.upgrade().exit_code != 0
    assert office.upgrade("--check").exit_code == 1  # as if it had not begun
    with monkeypatch.context() as patched:
        patched.setattr("kakine.cli.store.grant_anew", _stopped)
        assert office.upgrade().exit_code != 0
    assert office.upgrade().output == "converter-1: 現行 / current\n"
    assert office.kept() == WHOLE


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def _second_column_fails(patched: pytest.MonkeyPatch) -> None:
    from alembic import op

    real, calls = op.add_column, list[str]()

    def once(name: str, *rest: Any) -> None:
        calls.append(name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(name, *rest)

    patched.setattr(op, "add_column", once)


def test_a_party_that_runs_is_not_upgraded(made: Made) -> None:
    office = made("gateway")
    assert office.upgrade().exit_code == 0
    with closing(Database.open(office.path, TABLES["gateway"])):
        for words in ((), ("--check",)):
            assert isinstance(office.upgrade(*words).exception, StoreInUse)
    assert office.upgrade().exit_code == 0


def test_a_party_that_has_no_store_yet_gets_none(tmp_path: Path) -> None:
    (tmp_path / "party.toml").write_text(TEXT)
    told = RUN.invoke(app, ["store", "upgrade", "--config", str(tmp_path / "party.toml")])
    assert (told.exit_code, told.output) == (0, "converter-1: まだない / none yet\n")
    assert [each.name for each in tmp_path.iterdir()] == ["party.toml"]


def test_both_stores_of_the_commission_and_that_of_a_witness_are_upgraded(tmp_path: Path) -> None:
    text = TEXT.replace('kind = "converter"', 'kind = "commission"') + 'auditor = "auditor.sqlite"\n'
    (tmp_path / "party.toml").write_text(text)
    Database.open(tmp_path / "converter-1.sqlite", TABLES["commission"]).close()
    Database.open(tmp_path / "auditor.sqlite", TABLES["auditor"]).close()
    told = RUN.invoke(app, ["store", "upgrade", "--check", "--config", str(tmp_path / "party.toml")])
    assert told.output == "converter-1: 現行 / current\nauditor: 現行 / current\n"
    log = vkey("ledger.example/2026/a", LOG, SigningKey(bytes(32)).public)
    settings = f'name = "w.example"\nlogs = ["{log}"]\ndatabase = "w.sqlite"\nseed = "w.seed"\n'
    (tmp_path / "witness.toml").write_text(settings)
    Database.open(tmp_path / "w.sqlite", TABLES["witness"]).close()
    told = RUN.invoke(app, ["store", "upgrade", "--config", str(tmp_path / "witness.toml")])
    assert told.output == "w: 現行 / current\n"


def test_tables_are_changed_by_their_owner_in_the_partys_own_database_alone(tmp_path: Path) -> None:
    office, other = tmp_path / "party", tmp_path / "other"
    for each in (office, other):
        each.mkdir()
    path = postgres_server.database(TABLES["converter"], office, "converter-1")
    (office / "party.toml").write_text(TEXT.replace("converter-1.sqlite", path.name))
    elsewhere = postgres_server.database(TABLES["converter"], other)
    stranger, own = other / "owner.postgresql", office / "owner.postgresql"
    stranger.write_text(Address(owner_string(elsewhere)).text())
    own.write_text(Address(owner_string(path)).text())
    words = ["store", "upgrade", "--config", str(office / "party.toml")]
    for owners, said in (([], "no address"), ([stranger], "no address"), ([path], "does not own")):
        given = [word for each in owners for word in ("--owner", str(each))]
        told = RUN.invoke(app, [*words, *given])
        assert isinstance(told.exception, StoreFailed)
        assert said in str(told.exception)
    told = RUN.invoke(app, [*words, "--owner", str(stranger), "--owner", str(own)])
    assert told.output == "converter-1: 現行 / current\n"


def test_nobody_opens_the_store_while_it_is_upgraded(tmp_path: Path) -> None:
    """Whoever does writes into this table first."""
    path = postgres_server.database(TABLES["converter"], tmp_path)
    with held(address(path), Address(owner_string(path))), psycopg.connect(address(path).server) as late:
        late.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            late.execute("UPDATE kakine_writer SET last = last")
    Database.open(path, TABLES["converter"]).close()
