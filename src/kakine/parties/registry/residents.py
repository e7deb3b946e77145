"""The duties towards residents: enter, number, follow through life, find by number or by all five items.

Who calls is a municipality; `town` is its code. The internal id that some functions return is for this
party's own code-keeping and never leaves it. Nothing here searches, lists or counts people for a caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import msgspec

from kakine.contracts.call import Body
from kakine.contracts.registry import (
    Born,
    Change,
    Died,
    Distinct,
    Entry,
    Moved,
    MovedOut,
    NumberChanged,
    RecordCodeChanged,
    Renamed,
    Report,
    ShieldSet,
    Subject,
    WentAbroad,
)
from kakine.crypto.hashing import mac
from kakine.parties.registry import store, vouched
from kakine.parties.registry.checks import require_day, require_let_go, require_text, require_town
from kakine.parties.registry.numbering import Desk, give_number, give_record_code
from kakine.parties.registry.store import Event, Leaving, Person, State
from kakine.protocols.matching import Items, identical, match
from kakine.protocols.validity import LEAVE_DAYS
from kakine.runtime.database import Connection
from kakine.runtime.identity import Entropy
from kakine.values.calendar import in_japan
from kakine.values.identifiers import IndividualNumber, MunicipalityCode
from kakine.values.problems import (
    DateOutside,
    ItemMalformed,
    KeyReused,
    NobodyToDistinguish,
    NothingChanged,
    NumberRetired,
    PersonDeceased,
    PersonExists,
    PersonUnknown,
    Problem,
)


@dataclass(frozen=True, repr=False)
class Done:
    """What a report led to: the person (internal id), and the number and record code if it gave new ones.

    `again` tells that the same report had been done before and nothing was written now.
    """

    person: bytes
    version: int
    number: str
    record_code: str
    again: bool

    def __repr__(self) -> str:
        return "<Done>"


async def enter(
    desk: Desk, town: MunicipalityCode, entries: Sequence[Entry], now_ms: int
) -> list[Done | Problem]:
    """Enter and number people, in one write; each entry is taken or refused for itself, in order.

    Problems, one for an entry: ItemMalformed, DateOutside, KeyReused, PersonExists, NobodyToDistinguish.
    Raises NoFreeNumber and StoreFailed, and then nothing at all was written. Sending entries again that were
    taken is harmless, so an interrupted load is resumed by sending all of it.
    """

    def work(db: Connection) -> list[Done | Problem]:
        return [_enter_or_refuse(db, desk, town, entry, now_ms) for entry in entries]

    return await desk.db.write(work)


async def birth(desk: Desk, town: MunicipalityCode, asked: Born, now_ms: int) -> Done:
    """Enter and number a child in its parent's household, under the same protection.

    Raises what `enter` gives; PersonUnknown, NumberRetired, PersonDeceased of the parent;
    NotTheirMunicipality; IdentifierMalformed, CheckDigitWrong.
    """

    def work(db: Connection) -> Done:
        done = _done_before(db, desk, town, asked)
        if done is not None:
            return done
        parent = _subject(db, asked.parent)
        require_town(parent, town)
        require_day(asked.birth, parent.birth, now_ms)
        if asked.name or asked.kana:
            require_text("name", asked.name)
            require_text("kana", asked.kana)
        child = replace(
            parent,
            id=_new_id(desk.entropy, now_ms),
            version=1,
            name=asked.name,
            kana=asked.kana,
            birth=asked.birth,
            sex=asked.sex,
            died=None,
        )
        return _add(db, desk, town, child, asked, asked.birth, store.BORN, now_ms)

    return await desk.db.write(work)


async def report(desk: Desk, town: MunicipalityCode, asked: Report, now_ms: int) -> Done:
    """Write one event of a resident's life.

    Raises PersonUnknown, NumberRetired, PersonDeceased, NotTheirMunicipality (all but a move are for the
    municipality of record), NotMovedOut (a move out of another one, which has not reported it), DateOutside,
    ItemMalformed, IdentifierMalformed, CheckDigitWrong, NothingChanged, KeyReused, NoFreeNumber; then the record is as
    before. Not checked: evidence for the event.
    """

    def work(db: Connection) -> Done:
        done = _done_before(db, desk, town, asked)
        if done is not None:
            return done
        before = _subject(db, asked.subject)
        require_day(asked.day, before.birth, now_ms)
        after = _after(before, town, asked.change, asked.day, in_japan(now_ms).date())
        if after == before and not isinstance(asked.change, NumberChanged | RecordCodeChanged):
            raise NothingChanged()
        after = replace(after, version=before.version + 1)
        store.set_person(db, before, after, now_ms)
        _renumber(db, desk, after, asked.change, now_ms)
        vouched.note(db, after, asked.key, asked.change)
        reason = asked.change.reason.value if isinstance(asked.change, NumberChanged) else ""
        return _log(db, desk, town, after, asked, asked.day, _kind(asked.change), reason, now_ms)

    return await desk.db.write(work)


def find_by_number(db: Connection, number: IndividualNumber, birth: date, *, past: bool = False) -> bytes:
    """The internal id of whoever has this number and birth date; with `past` also of whoever had it.

    Raises PersonUnknown, the same for an unknown number and another birth date; NumberRetired,
    PersonDeceased.
    """
    return _holder(db, number.digits, birth, past=past).id


def find_by_items(db: Connection, items: Items) -> bytes:
    """The internal id of the one person, alive or not, who agrees in all five items.

    Raises MatchNone, MatchMany, ItemsIncomplete. Candidates are those with the kana and birth date asked for.
    """
    return match(items, store.namesakes(db, items))


def require_resident(db: Connection, id_: bytes, town: MunicipalityCode) -> None:
    """Raises NotTheirMunicipality unless this is the municipality of record of the person with this internal id."""
    person = store.find_person(db, id_)
    assert person is not None  # noqa: S101 - it was just found
    require_town(person, town)


def _enter_or_refuse(
    db: Connection, desk: Desk, town: MunicipalityCode, entry: Entry, now_ms: int
) -> Done | Problem:
    try:
        return _enter(db, desk, town, entry, now_ms)
    except (ItemMalformed, DateOutside, KeyReused, PersonExists, NobodyToDistinguish) as problem:
        return problem


def _enter(db: Connection, desk: Desk, town: MunicipalityCode, entry: Entry, now_ms: int) -> Done:
    done = _done_before(db, desk, town, entry)
    if done is not None:
        return done
    require_text("name", entry.name)
    require_text("kana", entry.kana)
    if entry.address is not None:
        require_text("address", entry.address)
    require_day(entry.day, entry.birth, now_ms)
    new = Person(
        id=_new_id(desk.entropy, now_ms),
        version=1,
        state=State.RESIDENT,
        name=entry.name,
        kana=entry.kana,
        birth=entry.birth,
        sex=entry.sex,
        municipality=town,
        address=entry.address,
        household=entry.household,
    )
    return _add(db, desk, town, new, entry, entry.day, entry.cause.value, now_ms)


def _add(
    db: Connection,
    desk: Desk,
    town: MunicipalityCode,
    new: Person,
    asked: Entry | Born,
    day: date,
    kind: str,
    now_ms: int,
) -> Done:
    _require_new(db, new.items, asked.distinct)
    store.add_person(db, new)
    give_number(db, desk, new, now_ms)
    give_record_code(db, desk, new, now_ms)
    reason = asked.distinct.value if asked.distinct else ""
    return _log(db, desk, town, new, asked, day, kind, reason, now_ms)


def _require_new(db: Connection, items: Items, distinct: Distinct | None) -> None:
    known = any(identical(items, other) for _, other in store.namesakes(db, items))
    if known and distinct is None:
        raise PersonExists()
    if distinct is not None and not known:
        # Otherwise a careless client would claim it for every entry, and the check would be gone.
        raise NobodyToDistinguish()


def _after(before: Person, town: MunicipalityCode, change: Change, day: date, today: date) -> Person:
    """The person after the change, same version."""
    if isinstance(change, Moved):
        require_let_go(before, town, today)
        if change.address is not None:
            require_text("address", change.address)
        return replace(
            before,
            state=State.RESIDENT,
            municipality=town,
            address=change.address,
            household=change.household,
            leaving=None,
        )
    require_town(before, town)
    match change:
        case MovedOut():
            until = today + timedelta(days=LEAVE_DAYS)
            return replace(before, leaving=Leaving(MunicipalityCode(change.to), until))
        case WentAbroad():
            return replace(before, state=State.ABROAD, address=None, leaving=None)
        case Renamed():
            require_text("name", change.name)
            require_text("kana", change.kana)
            return replace(before, name=change.name, kana=change.kana)
        case Died():
            return replace(before, state=State.DECEASED, died=day)
        case ShieldSet():
            return replace(
                before,
                undisclosed=change.undisclosed,
                own_view_stopped=change.own_view_stopped,
            )
        case NumberChanged() | RecordCodeChanged():
            return before


def _renumber(db: Connection, desk: Desk, person: Person, change: Change, now_ms: int) -> None:
    if isinstance(change, Died | NumberChanged):
        store.retire(db, store.number, person)
    if isinstance(change, NumberChanged):
        give_number(db, desk, person, now_ms)
    if isinstance(change, RecordCodeChanged):
        store.retire(db, store.record_code, person)
        give_record_code(db, desk, person, now_ms)


def _log(
    db: Connection,
    desk: Desk,
    town: MunicipalityCode,
    person: Person,
    asked: Entry | Born | Report,
    day: date,
    kind: str,
    reason: str,
    now_ms: int,
) -> Done:
    mark = _mark(desk, town, asked)
    store.add_event(
        db, Event(person.id, person.version, kind, reason, day, now_ms, str(town), asked.key, mark)
    )
    return _done(db, person.id, person.version, again=False)


def _done_before(
    db: Connection, desk: Desk, town: MunicipalityCode, asked: Entry | Born | Report
) -> Done | None:
    found = store.find_event(db, asked.key)
    if found is None:
        return None
    if found.digest != _mark(desk, town, asked):
        raise KeyReused()
    return _done(db, found.person, found.version, again=True)


def _done(db: Connection, id_: bytes, version: int, *, again: bool) -> Done:
    number = store.given_at(db, store.number, id_, version)
    return Done(id_, version, number, store.given_at(db, store.record_code, id_, version), again)


def _mark(desk: Desk, town: MunicipalityCode, asked: Body) -> bytes:
    # Keyed, because a report holds a number and few enough numbers exist to try them all against a plain digest.
    said = msgspec.msgpack.encode(asked)
    return mac(desk.marking_key, "registry-report", town.encode(), type(asked).__name__.encode(), said)


def _kind(change: Change) -> str:
    return str(type(change).__struct_config__.tag)


def _subject(db: Connection, subject: Subject) -> Person:
    return _holder(db, IndividualNumber(subject.number).digits, subject.birth, past=False)


def _holder(db: Connection, digits: str, birth: date, *, past: bool) -> Person:
    found = store.find_by_number(db, digits)
    if found is None or found[0].birth != birth:
        raise PersonUnknown()
    holder, in_force = found
    if not in_force and not past:
        raise PersonDeceased() if holder.state is State.DECEASED else NumberRetired()
    return holder


def _new_id(entropy: Entropy, now_ms: int) -> bytes:
    """16 bytes, ordered by the time of entry so that the table grows at its end; 80 of the bits are
    random."""
    return now_ms.to_bytes(6, "big") + entropy(10)
