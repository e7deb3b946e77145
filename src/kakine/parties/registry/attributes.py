"""Answer what a person agreed to show at a login: basic items as they are today, or what follows from them.

The registry does not learn for which relying party it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from kakine.clients.recipient import Opened
from kakine.parties.registry import store
from kakine.parties.registry.store import Person, State
from kakine.protocols.gazette import Law
from kakine.protocols.logins import ATTRIBUTES, REPRESENTED
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.calendar import in_japan
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import AnswerNotAllowed, CallerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.request import Mode

_PLACE = frozenset({"address", "lives_in"})
"""Never given of a person under protection (不開示)."""

_ITEMS = frozenset({*ATTRIBUTES, REPRESENTED})

Claim = Callable[[Person, date], object]


def permit(law: Law, caller: PartyName, opened: Opened, now_ms: int) -> None:
    """Raises what the law lacks, `CallerNotAllowed`, and `AnswerNotAllowed` for items that are none of a login."""
    public = opened.public
    if DomainName(public.requester).party != caller:
        raise CallerNotAllowed(call="deliver")
    law.permit_ground("LOGIN-ATTRIBUTES", public.requester, public.recipient, now_ms)
    if opened.record.mode is not Mode.S1 or not set(opened.payload.items) <= _ITEMS:
        raise AnswerNotAllowed(what="items")


def answer(db: Connection, domain: str, items: tuple[str, ...], token: bytes, now_ms: int) -> Answered:
    """JSON of the claims that there are, by item. A person under protection has no place here, as if there were none;
    one whose own view is stopped (自己情報提供不可) shows nothing at all. Where somebody acts for the person (item
    `represented`), protection of anybody in the household counts, and it is said since when."""
    reference = codebook.reference_of(db, domain, token)
    person = store.find_person(db, reference) if reference else None
    if person is None or person.state is State.DECEASED:
        return Answered(Result.NOT_KNOWN, (), b"")
    if person.own_view_stopped:
        return Answered(Result.NON_DISCLOSED, (), b"")
    today, found = in_japan(now_ms).date(), dict[str, object]()
    hidden = person.undisclosed
    if REPRESENTED in items:
        shield_ms = store.shielded_ms(db, person)
        hidden = hidden or shield_ms is not None
        found[REPRESENTED] = {"adult": _at_least(ADULT)(person, today), "shield_ms": shield_ms}
    shown = [item for item in items if item in _CLAIMS and not (hidden and item in _PLACE)]
    found |= {item: claim for item in shown if (claim := _CLAIMS[item](person, today)) is not None}
    result = Result.DELIVERED if len(found) == len(items) else Result.PARTIAL
    return Answered(result, tuple(sorted(found)), msgspec.json.encode(found))


ADULT = 18
"""民法第4条, since April 2022."""


def _name(person: Person, today: date) -> object:
    return {"name": person.name, "kana": person.kana} if person.name else None


def _at_least(years: int) -> Callable[[Person, date], bool]:
    """An age is reached when the day before the birthday ends (年齢計算ニ関する法律); of 29 February, when 28 February
    ends."""

    def claim(person: Person, today: date) -> bool:
        birth, year = person.birth, person.birth.year + years
        if (birth.month, birth.day) == (2, 29):
            return today > date(year, 2, 28)
        return today >= birth.replace(year=year)

    return claim


_CLAIMS: Mapping[str, Claim] = {
    "name": _name,
    "address": lambda person, _: person.address if person.state is State.RESIDENT else None,
    "birthdate": lambda person, _: person.birth.isoformat(),
    "gender": lambda person, _: person.sex.value,
    "lives_in": lambda person, _: str(person.municipality) if person.state is State.RESIDENT else None,
    "over_18": _at_least(18),
    "over_20": _at_least(20),
}
