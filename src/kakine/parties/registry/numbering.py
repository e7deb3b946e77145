"""Numbers and resident-record codes: drawn, never derived, never given twice.

Number Act arts. 7-8: a number must be unlike every other now or ever, and must not lead back to the record
code. Both are drawn independently, so neither says anything about the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Table

from kakine.parties.registry import store
from kakine.parties.registry.store import Person
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Entropy
from kakine.values.identifiers import (
    SYNTHETIC_RECORD_CODE_RULE,
    CheckRule,
    IndividualNumber,
    ResidentRecordCode,
)
from kakine.values.problems import NoFreeNumber, NumbersInconsistent

_DRAWS = 64


@dataclass(frozen=True)
class Desk:
    """What the duties work with. `rule` checks resident-record codes; `marking_key` (32 bytes) is the party's own."""

    db: Database
    entropy: Entropy
    marking_key: bytes
    rule: CheckRule = SYNTHETIC_RECORD_CODE_RULE


def give_number(db: Connection, desk: Desk, person: Person, now_ms: int) -> None:
    """A number nobody has or had, for the person's present version. Raises NoFreeNumber."""
    text = _free(db, store.number, lambda: IndividualNumber.draw(desk.entropy).digits)
    store.give(db, store.number, text, person, now_ms)


def give_record_code(db: Connection, desk: Desk, person: Person, now_ms: int) -> None:
    """A resident-record code nobody has or had, for the person's present version. Raises NoFreeNumber."""
    text = _free(db, store.record_code, lambda: ResidentRecordCode.draw(desk.entropy, desk.rule).digits)
    store.give(db, store.record_code, text, person, now_ms)


def _free(db: Connection, table: Table, draw: Callable[[], str]) -> str:
    for _ in range(_DRAWS):
        text = draw()
        if not store.taken(db, table, text):
            return text
    raise NoFreeNumber()


async def check_numbers(db: Database) -> int:
    """How many people are recorded, once it is sure that the living have one number each and the dead none.

    That no number is given twice, ever, is the primary key of the table. Raises NumbersInconsistent with
    counts.
    """
    people, without, dead = store.count_people(db.read())
    if without or dead:
        raise NumbersInconsistent(without=without, dead=dead)
    return people
