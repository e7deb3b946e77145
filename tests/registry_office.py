"""A registry's desk for tests: a fresh store, a seeded draw, and short ways to report."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from kakine.contracts.registry import Born, Change, Entry, Report, Subject
from kakine.parties.registry import residents, store
from kakine.parties.registry.numbering import Desk
from kakine.parties.registry.residents import Done
from kakine.protocols.matching import Items, Sex
from kakine.runtime.database import Database
from kakine.values.identifiers import MunicipalityCode
from kakine.values.problems import Problem

YOKOHAMA, TOYONAKA = MunicipalityCode("141003"), MunicipalityCode("272035")
NOW_MS = int(datetime(2026, 4, 1, 3, tzinfo=UTC).timestamp() * 1000)
TODAY = date(2026, 4, 1)
HANAKO = Items(
    "渡邉　花子", "ワタナベ　ハナコ", date(1990, 2, 3), Sex.FEMALE, "神奈川県横浜市西区老松町1番地2"
)

T = TypeVar("T")


def run(duty: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(duty)


class Office:
    """Reports to one registry; `keys` gives a fresh report key each time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draws = random.Random(1)
        self.desk = Desk(Database.open(path, store.metadata), self.draws.randbytes, bytes(32))
        self._keys = random.Random(2)

    def key(self) -> bytes:
        return self._keys.randbytes(16)

    def entry(self, items: Items = HANAKO, **more: Any) -> Entry:
        given = {"key": self.key(), "household": bytes(16), "day": TODAY, **more}
        return Entry(
            name=items.name,
            kana=items.kana,
            birth=items.birth,
            sex=items.sex,
            address=items.address,
            **given,
        )

    def outcomes(self, *entries: Entry, town: MunicipalityCode = YOKOHAMA) -> list[Done | Problem]:
        return run(residents.enter(self.desk, town, entries, NOW_MS))

    def enter(self, items: Items = HANAKO, town: MunicipalityCode = YOKOHAMA, **more: Any) -> Done:
        (outcome,) = self.outcomes(self.entry(items, **more), town=town)
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    def birth(self, asked: Born, town: MunicipalityCode = YOKOHAMA) -> Done:
        return run(residents.birth(self.desk, town, asked, NOW_MS))

    def report(
        self,
        number: str,
        change: Change,
        birth: date = HANAKO.birth,
        town: MunicipalityCode = YOKOHAMA,
        day: date = TODAY,
        key: bytes | None = None,
        now_ms: int = NOW_MS,
    ) -> Done:
        asked = Report(key or self.key(), Subject(number, birth), day, change)
        return run(residents.report(self.desk, town, asked, now_ms))

    def person(self, done: Done) -> store.Person:
        found = store.find_person(self.desk.db.read(), done.person)
        assert found is not None
        return found

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.desk.db.read().execute(text).fetchall()

    def snapshot(self) -> list[list[tuple[Any, ...]]]:
        """Everything stored."""
        db = self.desk.db.read()
        names = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        return [sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names]  # noqa: S608

    def reopen(self) -> None:
        self.desk.db.close()
        self.desk = Desk(Database.open(self.path, store.metadata), self.draws.randbytes, bytes(32))

    def close(self) -> None:
        self.desk.db.close()


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path)
