"""Cases of a breach (漏えい等): what must be reported, by when, and whether the persons were told.

Number Act art. 29-4, the commission's rule on serious events (its art. 2 and 3; "rule 5" of the older numbering): one
person is enough where data in the network is concerned. A case has codes, counts and days, and no text: nobody's name
can stand in it. Times are milliseconds since 1970 UTC. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from kakine.values.problems import BreachMalformed

DAY_MS = 86_400_000
WARN_DAYS, FIRST_DAYS = 3, 5
"""The first report is due promptly: within three to five days of when it became known."""
FINAL_DAYS, FINAL_DAYS_INTENT = 30, 60
MANY = 100
"""More persons than this are serious by their number alone."""


class Kind(StrEnum):
    """What makes an event serious, each by itself."""

    NETWORK = "network"
    """Data in the information network, computers connected to it, or a user's system: even of one person."""
    INTENT = "intent"
    """Done, or feared to be done, with a wrongful purpose."""
    PUBLIC = "public"
    """Open to an unspecified many."""
    MANY = "many"
    """More than a hundred persons."""


class Item(StrEnum):
    """The nine items of a report."""

    OVERVIEW = "overview"
    DATA = "data"
    PERSONS = "persons"
    CAUSE = "cause"
    HARM = "harm"
    RESPONSE = "response"
    PUBLICATION = "publication"
    PREVENTION = "prevention"
    OTHER = "other"


class Told(StrEnum):
    """Whether the persons concerned have been told."""

    NO = "no"
    SOME = "some"
    ALL = "all"
    CANNOT = "cannot"
    """They cannot be reached; something else was done, such as a public notice."""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case. `party` is who had the data. `items` are those of the final report that have come."""

    number: int
    party: str
    found_ms: int
    opened_ms: int
    kinds: tuple[Kind, ...]
    persons: int
    encrypted: bool = False
    contained: bool = False
    first_ms: int = 0
    final_ms: int = 0
    items: tuple[Item, ...] = ()
    told: Told = Told.NO
    told_ms: int = 0
    closed_ms: int = 0


@dataclass(frozen=True)
class Timers:
    """When reports are due, 0 where none is; `late` names what is over and not done."""

    first_ms: int
    final_ms: int
    late: tuple[str, ...]


def kinds_of(kinds: tuple[Kind, ...], persons: int) -> tuple[Kind, ...]:
    """All that make a case serious: by the number too, whatever was ticked."""
    found = {*kinds, *([Kind.MANY] if persons > MANY else [])} - ({Kind.MANY} if persons <= MANY else set())
    return tuple(sorted(found))


def opened(case: Case) -> Case:
    """The case as it is taken up. Raises `BreachMalformed`."""
    if case.persons < 1 or not 0 < case.found_ms <= case.opened_ms or not case.party:
        raise BreachMalformed(what="persons" if case.persons < 1 else "found")
    return msgspec.structs.replace(case, kinds=kinds_of(case.kinds, case.persons))


def reportable(case: Case) -> bool:
    """Whether reports are due: it is serious, was not strongly encrypted, and has left the institution."""
    return bool(case.kinds) and not case.encrypted and not case.contained


def timers(case: Case, now_ms: int) -> Timers:
    """From when it became known on. Persons are told whatever the size: late once the final report is due."""
    final_days = FINAL_DAYS_INTENT if Kind.INTENT in case.kinds else FINAL_DAYS
    final_ms = case.found_ms + final_days * DAY_MS
    late = ["told"] if case.told in (Told.NO, Told.SOME) and final_ms < now_ms else []
    if not reportable(case):
        return Timers(0, 0, () if case.closed_ms else tuple(late))
    first_ms = case.found_ms + FIRST_DAYS * DAY_MS
    if not case.first_ms and first_ms < now_ms:
        late.insert(0, "first")
    if not case.final_ms and final_ms < now_ms:
        late.insert(len(late) - (late[-1:] == ["told"]), "final")
    return Timers(first_ms, final_ms, () if case.closed_ms else tuple(late))


def warned(case: Case, now_ms: int) -> bool:
    """Whether the first report has not come and the shorter limit is over."""
    return reportable(case) and not case.first_ms and case.found_ms + WARN_DAYS * DAY_MS < now_ms


def first_report(case: Case, now_ms: int) -> Case:
    """The first report has come. Raises `BreachMalformed` where it had, or the case is closed."""
    _require(not case.closed_ms and not case.first_ms, "first")
    return msgspec.structs.replace(case, first_ms=now_ms)


def final_report(case: Case, items: tuple[Item, ...], now_ms: int) -> Case:
    """Items of the final report have come; it is there when all nine have. Raises `BreachMalformed`."""
    _require(bool(case.first_ms) and not case.closed_ms and bool(items), "final")
    have = tuple(sorted({*case.items, *items}))
    done = case.final_ms or (now_ms if len(have) == len(Item) else 0)
    return msgspec.structs.replace(case, items=have, final_ms=done)


def tell(case: Case, told: Told, now_ms: int) -> Case:
    """So many of the persons have been told. Raises `BreachMalformed` for a step back."""
    order = [Told.NO, Told.SOME, Told.CANNOT, Told.ALL]
    _require(not case.closed_ms and order.index(told) > order.index(case.told), "told")
    return msgspec.structs.replace(case, told=told, told_ms=now_ms)


def counted(case: Case, persons: int) -> Case:
    """More persons are concerned than was known, or fewer. Raises `BreachMalformed`."""
    _require(not case.closed_ms and persons >= 1, "persons")
    return msgspec.structs.replace(case, persons=persons, kinds=kinds_of(case.kinds, persons))


def closed(case: Case, now_ms: int) -> Case:
    """Nothing is left to do. Raises `BreachMalformed` while something is: a report that is due, somebody not told."""
    _require(not case.closed_ms, "closed")
    _require(not reportable(case) or bool(case.first_ms and case.final_ms), "final")
    _require(case.told in (Told.ALL, Told.CANNOT), "told")
    return msgspec.structs.replace(case, closed_ms=now_ms)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise BreachMalformed(what=what)
