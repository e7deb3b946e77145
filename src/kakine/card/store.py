"""The chip's memory: one SQLite file, each change durable before the card goes on (`runtime.database.alone`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime.database import sql
from kakine.values.problems import CardDataMalformed, StoreFailed

METADATA = MetaData()

_CARD = Table(
    "card",
    METADATA,
    Column("only", Integer, primary_key=True),
    Column("profile", String, nullable=False),
    Column("life", String, nullable=False),
    Column("counter_key", LargeBinary, nullable=False),
)
_SECRET = Table(
    "card_secret",
    METADATA,
    Column("application", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("tag", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("usable", Integer, nullable=False),
)
_KEY = Table(
    "card_key",
    METADATA,
    Column("application", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("pkcs8", LargeBinary, nullable=False),
)
_CONTENT = Table(
    "card_content",
    METADATA,
    Column("application", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)


class Life(StrEnum):
    """Where the card is in its life. A revoked card has no keys any more and stays so."""

    BLANK = "blank"
    PERSONALISED = "personalised"
    ACTIVE = "active"
    BLOCKED = "blocked"
    REVOKED = "revoked"


class SecretState(NamedTuple):
    """Of one secret: the MAC `tag` (32 bytes) of what is right under `salt` (16), and how many tries are left. Not
    `usable` are those of a card without PIN: nothing could be right, and no counter gives a new one."""

    salt: bytes
    tag: bytes
    tries: int
    usable: bool

    def __repr__(self) -> str:
        return f"<SecretState tries={self.tries} usable={self.usable}>"


def _of(table: Table) -> tuple[object, object]:
    return table.c.application == bindparam("app"), table.c.id == bindparam("name")


_BEGIN = sql(insert(_CARD))
_READ_CARD = sql(select(_CARD.c.profile, _CARD.c.life, _CARD.c.counter_key))
_SET_LIFE = sql(update(_CARD).values(life=bindparam("new_life")))
_SET_COUNTER = sql(update(_CARD).values(counter_key=bindparam("new_key")))
_PUT_SECRET = sql(insert(_SECRET).prefix_with("OR REPLACE"))
_GET_SECRET = sql(
    select(_SECRET.c.salt, _SECRET.c.tag, _SECRET.c.tries, _SECRET.c.usable).where(*_of(_SECRET))  # type: ignore[arg-type]
)
_SET_TRIES = sql(update(_SECRET).where(*_of(_SECRET)).values(tries=bindparam("new_tries")))  # type: ignore[arg-type]
_PUT_KEY = sql(insert(_KEY))
_GET_KEY = sql(select(_KEY.c.pkcs8).where(*_of(_KEY)))  # type: ignore[arg-type]
_DROP_KEYS = sql(delete(_KEY))
_PUT_CONTENT = sql(insert(_CONTENT).prefix_with("OR REPLACE"))
_GET_CONTENT = sql(select(_CONTENT.c.content).where(*_of(_CONTENT)))  # type: ignore[arg-type]
_SIZES = "SELECT application, id, length(content) FROM card_content ORDER BY application, id"


class Store:
    """Reads and writes of one card. Each write is one commit; `StoreFailed` if the disk did not do it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """All writes inside are one commit, or none of them happen."""
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._run("COMMIT")

    def begin(self, profile: str) -> None:
        """Write that this file is a blank card."""
        self._run(_BEGIN, {"only": 1, "profile": profile, "life": Life.BLANK, "counter_key": b""})

    def card(self) -> tuple[str, Life, bytes]:
        """(profile, life, the counter's key). Raises `CardDataMalformed` if the file is no card."""
        row = self._found(_READ_CARD)
        if row is None:
            raise CardDataMalformed(part="card")
        return row[0], Life(row[1]), row[2]

    def set_life(self, life: Life) -> None:
        """Go to another point of life; `REVOKED` takes the keys along in the same commit if called in `together`."""
        self._run(_SET_LIFE, {"new_life": life})

    def set_counter_key(self, key: bytes) -> None:
        """32 bytes that the counter proves to know."""
        self._run(_SET_COUNTER, {"new_key": key})

    def secret(self, application: str, name: str) -> SecretState:
        """One secret. Raises `CardDataMalformed` if it was never set."""
        row = self._found(_GET_SECRET, {"app": application, "name": name})
        if row is None:
            raise CardDataMalformed(part="secret")
        return SecretState(row[0], row[1], row[2], bool(row[3]))

    def set_secret(self, application: str, name: str, state: SecretState) -> None:
        """Replace a secret whole: what is right and how many tries are left go together."""
        salt, tag, tries, usable = state
        row = {
            "application": application,
            "id": name,
            "salt": salt,
            "tag": tag,
            "tries": tries,
            "usable": int(usable),
        }
        self._run(_PUT_SECRET, row)

    def set_tries(self, application: str, name: str, tries: int) -> None:
        """How many tries are left."""
        self._run(_SET_TRIES, {"app": application, "name": name, "new_tries": tries})

    def key(self, application: str, name: str) -> bytes | None:
        """PKCS#8 of a key pair, None before it was made and after the card was revoked."""
        row = self._found(_GET_KEY, {"app": application, "name": name})
        return row[0] if row else None

    def put_key(self, application: str, name: str, pkcs8: bytes) -> None:
        """A key that the chip has just made; a second one for the same place is refused by the table."""
        self._run(_PUT_KEY, {"application": application, "id": name, "pkcs8": pkcs8})

    def drop_keys(self) -> None:
        """Destroy every private key (`secure_delete`, docs/howto/use-the-software-card.md says what that reaches)."""
        self._run(_DROP_KEYS)

    def content(self, application: str, name: str) -> bytes:
        """Of a file; empty if nothing was ever written there."""
        row = self._found(_GET_CONTENT, {"app": application, "name": name})
        return row[0] if row else b""

    def put_content(self, application: str, name: str, content: bytes) -> None:
        """Write a file whole."""
        self._run(_PUT_CONTENT, {"application": application, "id": name, "content": content})

    def sizes(self) -> Sequence[tuple[str, str, int]]:
        """(application, file, bytes) of all that is written."""
        return self._db.execute(_SIZES).fetchall()

    def _found(self, statement: str, values: dict[str, object] | None = None) -> Any:
        try:
            return self._db.execute(statement, values or {}).fetchone()
        except sqlite3.Error as fault:
            raise StoreFailed(reason="card") from fault

    def _run(self, statement: str, values: dict[str, object] | None = None) -> None:
        try:
            self._db.execute(statement, values or {})
        except sqlite3.Error as fault:
            raise StoreFailed(reason="card") from fault
