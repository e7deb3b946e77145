"""`kakine store upgrade --config`: the stores of one party, one party after another."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Connection, MetaData

from kakine.institutions.postgres import grant
from kakine.institutions.postgres_owner import held, owner_of, role_of
from kakine.institutions.stores import TABLES
from kakine.parties.witness import settings as witness
from kakine.process import settings as party
from kakine.process.backup import stores_of
from kakine.runtime.postgres import address
from kakine.values.problems import SettingsMalformed


@dataclass(frozen=True)
class Kept:
    """A store of the party, by its file: of SQLite itself, or with the address of its database."""

    path: Path
    tables: MetaData

    @property
    def name(self) -> str:
        """As it is told."""
        return self.path.stem


def stores_in(config: Path) -> Sequence[Kept]:
    """The stores of the party, or of the witness, whose settings these are. Raises `SettingsMalformed`."""
    if _is_party(config):
        own = party.read(config)
        kinds = (own.kind.value, "auditor")
        return [Kept(path, TABLES[kind]) for path, kind in zip(stores_of(own), kinds, strict=False)]
    return [Kept(witness.read(config).database, TABLES["witness"])]


def _is_party(config: Path) -> bool:
    try:
        return "kind" in tomllib.loads(config.read_text())
    except (OSError, ValueError) as fault:
        raise SettingsMalformed(why="cannot be read") from fault


@contextmanager
def owned(store: Kept, owners: Sequence[Path]) -> Iterator[Connection]:
    """The store, open here and nowhere else, as the owner of its tables. `owners` are files with addresses, as of a
    party. Raises `StoreInUse`, `StoreFailed`."""
    # Alembic takes longer to load than most commands to run.
    from kakine.runtime.migrating import postgres_store, sqlite_store

    if store.path.suffix == ".sqlite":
        with sqlite_store(store.path) as connection:
            yield connection
        return
    own = address(store.path)
    owner = owner_of(own, [address(each) for each in owners])
    with held(own, owner), postgres_store(owner.server) as connection:
        yield connection


def grant_anew(store: Kept, owners: Sequence[Path]) -> None:
    """What the party's role may do follows from the statements of this version. Done again, it does no harm."""
    if store.path.suffix == ".sqlite":
        return
    own = address(store.path)
    with psycopg.connect(owner_of(own, [address(each) for each in owners]).server, autocommit=True) as owner:
        grant(owner, role_of(own), store.tables)
