"""O14 and R5: converters' statements of what they released, against each other, the log and their own stores.

First what can be said of any statements (no country), then a running country in which somebody lies, loses a table or
stops half-way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from attacks.insider import taken_over
from index_log import NOON, ORIGIN, PublicLog, made, sha
from kakine.contracts.call import Nothing
from kakine.contracts.converter import RELEASE, STATEMENT, Converted, CountAsked, Counted, Release
from kakine.contracts.ledger import APPEND, CHECKPOINT, Append
from kakine.country import CONVERTERS, LEDGER, LOGS
from kakine.country import ORIGIN as LAND_ORIGIN
from kakine.crypto.signing import SigningKey
from kakine.parties.converter import start as apart
from kakine.parties.converter import statement
from kakine.parties.converter import store as converter_store
from kakine.parties.converter.app import Converter
from kakine.parties.converter.office import Settings
from kakine.parties.ledger.use_cases import EVERY, ONE
from kakine.protocols import counting
from kakine.protocols.logs import Log, LogBook
from kakine.runtime.footing import Site
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CountChainBroken,
    CountConflict,
    CountInvalid,
    CountMismatch,
    EntryKindNotAllowed,
    FilingMismatch,
    OutcomeUnreleased,
    OutsideWindow,
    PartyUnavailable,
    PlaceStated,
    RangeOutside,
    SignatureInvalid,
)
from kakine.wire import counting as wire
from kakine.wire import filing
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.counting import Count
from kakine.wire.entry import Entry, EntryKind
from road import away

from land import CHILDREN, TAX, Land

KEY = SigningKey(b"C" * 32)
SALT = b"S" * 32
REQUEST, OUTCOME = EntryKind.REQUEST, EntryKind.OUTCOME


# --- any statements -----------------------------------------------------------------------------------------


@pytest.fixture
def log() -> PublicLog:
    """Requests at 0 to 3 and 6, outcomes at 4 and 5, a version of the law at 7, a request of one bit at 8."""
    kinds = [REQUEST] * 4 + [OUTCOME] * 2 + [REQUEST, EntryKind.GOVERNANCE]
    public = PublicLog.of([(kind, None, NOON) for kind in kinds])
    public.add(made(8, REQUEST, NOON, converters=0b010))
    return public


def stating(position: int, *places: int, span: tuple[int, int] = (0, 9)) -> tuple[Count, tuple[int, ...]]:
    return counting.count_of(f"converter-{position}", position, ORIGIN, span, places, None, SALT), places


def test_o14_what_three_converters_released_is_what_the_log_has(log: PublicLog) -> None:
    stated = [stating(n, 0, 1, 2) for n in (1, 2, 3)]
    for each in stated:
        counting.check_places(*each, log.entries, SALT)
    agreed = counting.agree(stated)
    assert (agreed.common, agreed.partial) == ({0, 1, 2}, {})
    assert counting.check_outcomes(agreed.common, log.entries, (0, 9)) == 1


@pytest.mark.parametrize(
    "places",
    [(0, 1), (0, 1, 2, 3), (0, 1, 3), (0, 1, 2, 2), (1, 0, 2)],
    ids=["one less", "one more", "another", "twice", "order"],
)
def test_o14_places_that_are_not_those_of_the_statement_are_refused(
    log: PublicLog, places: tuple[int, ...]
) -> None:
    count, _ = stating(1, 0, 1, 2)
    with pytest.raises(CountMismatch):
        counting.check_places(count, places, log.entries, SALT)


@pytest.mark.parametrize(
    "place", [4, 7, 8], ids=["an outcome", "a version", "a request of another converter"]
)
def test_o14_a_release_of_what_is_no_request_of_this_converter_is_seen(log: PublicLog, place: int) -> None:
    with pytest.raises(CountMismatch) as found:
        counting.check_places(*stating(1, 0, place), log.entries, SALT)
    assert found.value.facts["index"] == place


@pytest.mark.parametrize("places", [(0, 0), (1, 0)], ids=["twice", "out of order"])
def test_o14_a_statement_over_places_twice_or_out_of_order_is_refused(
    log: PublicLog, places: tuple[int, ...]
) -> None:
    with pytest.raises(CountMismatch):
        counting.check_places(*stating(1, *places), log.entries, SALT)


def test_o14_a_place_outside_the_range_is_refused(log: PublicLog) -> None:
    with pytest.raises(CountMismatch):
        counting.check_places(*stating(1, 0, 3, span=(0, 3)), log.entries, SALT)


def test_o14_a_place_that_the_log_does_not_have_is_refused(log: PublicLog) -> None:
    with pytest.raises(CountMismatch):
        counting.check_places(*stating(1, 0, 20, span=(0, 30)), log.entries, SALT)


def test_o14_a_release_that_one_converter_leaves_out_makes_an_outcome_too_many(log: PublicLog) -> None:
    """Two outcomes, and the three agree on one release only."""
    agreed = counting.agree([stating(1, 0, 1), stating(2, 0, 1), stating(3, 0)])
    assert (agreed.common, agreed.partial) == ({0}, {1: 0b011})
    with pytest.raises(OutcomeUnreleased) as found:
        counting.check_outcomes(agreed.common, log.entries, (0, 9))
    assert found.value.facts["index"] == 5


def test_o14_a_release_behind_the_outcome_does_not_make_up_for_it(log: PublicLog) -> None:
    with pytest.raises(OutcomeUnreleased):
        counting.check_outcomes({0, 6}, log.entries, (0, 9))
    assert counting.check_outcomes({0, 6}, log.entries, (0, 9), carried=1) == 1


def test_o14_outcomes_are_counted_across_stretches(log: PublicLog) -> None:
    carried = counting.check_outcomes({0}, log.entries, (0, 4))
    with pytest.raises(OutcomeUnreleased):
        counting.check_outcomes((), log.entries, (4, 9), carried)
    with pytest.raises(CountMismatch):
        counting.check_outcomes((), {0: log.entries[0]}, (0, 2))


def test_o14_what_a_statement_leaves_out_together_with_its_outcome_is_not_seen(log: PublicLog) -> None:
    """The limit: a request without an outcome looks as if it had been refused."""
    short = [stating(n, 0, 1) for n in (1, 2, 3)]
    assert counting.check_outcomes(counting.agree(short).common, log.entries, (0, 9)) == 0


@pytest.mark.parametrize(
    "stated",
    [
        [stating(1, 0), stating(2, 0, span=(0, 8))],
        [stating(1, 0), stating(1, 0)],
        [],
    ],
    ids=["other ranges", "one converter twice", "none"],
)
def test_o14_statements_that_are_not_over_one_stretch_are_not_compared(
    stated: list[tuple[Count, tuple[int, ...]]],
) -> None:
    with pytest.raises(CountMismatch):
        counting.agree(stated)


def test_a_statement_behind_a_gap_or_over_a_stretch_twice_is_refused() -> None:
    first = counting.count_of("converter-1", 1, ORIGIN, (0, 4), (), None, SALT)
    second = counting.count_of("converter-1", 1, ORIGIN, (4, 9), (), first, SALT)
    counting.check_chain([first, second])
    counting.check_chain([second], first)
    changes: list[list[Count]] = [
        [second],
        [first, first],
        [first, msgspec.structs.replace(second, start=5)],
        [first, msgspec.structs.replace(second, start=3)],
        [first, msgspec.structs.replace(second, previous=sha("x"))],
        [first, msgspec.structs.replace(second, converter="converter-2")],
        [first, msgspec.structs.replace(second, origin="b")],
    ]
    for wrong in changes:
        with pytest.raises(CountChainBroken):
            counting.check_chain(wrong)


def test_a_statement_is_taken_only_with_its_own_entry_behind_its_range() -> None:
    count, _ = stating(2, 0, 1)
    entry = Entry.decode(counting.entry_of(count, NOON * 60_000))
    counting.check_logged(count, 9, entry)
    other = Entry.decode(counting.entry_of(stating(2, 0)[0], NOON * 60_000))
    foreign = Entry.decode(counting.entry_of(msgspec.structs.replace(count, position=1), NOON * 60_000))
    for index, wrong in ((8, entry), (9, other), (9, foreign)):
        with pytest.raises(CountMismatch):
            counting.check_logged(count, index, wrong)


IMPOSSIBLE: dict[str, Callable[[Count], Count]] = {
    "an empty range": lambda c: msgspec.structs.replace(c, end=c.start),
    "more releases than entries": lambda c: msgspec.structs.replace(c, count=10),
    "a tree without places": lambda c: msgspec.structs.replace(c, count=0),
}


@pytest.mark.parametrize("way", list(IMPOSSIBLE))
def test_a_statement_that_cannot_be_true_is_refused_even_when_it_is_signed(way: str) -> None:
    data = encode(IMPOSSIBLE[way](stating(1, 0, 1)[0]))
    with pytest.raises(CountInvalid):
        wire.opened(data, KEY.sign("statement", data), KEY.public)


def test_a_statement_is_believed_only_under_the_converters_own_signature() -> None:
    data, signature = wire.sign(stating(1, 0, 1)[0], KEY)
    assert wire.opened(data, signature, KEY.public).count == 2
    for wrong in (SigningKey(b"m" * 32).sign("statement", data), KEY.sign("hop", data)):
        with pytest.raises(SignatureInvalid):
            wire.opened(data, wrong, KEY.public)
    with pytest.raises(CountInvalid):
        wire.unpack_places(bytes(9))


# --- a running country ----------------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX)) as founded:
        yield founded


SETTLED = 60 * (statement.SETTLED_MINUTES + 4)


def judged(land: Land) -> list[tuple[str, str]]:
    """(party, fault) of the next stretch."""
    return [(each.party, each.fault) for each in land.run(land.country.auditor.check_counts())]


def size(land: Land) -> int:
    note = land.run(land.country.peers("commission").ask(LEDGER, CHECKPOINT, Nothing())).checkpoint
    return int(note.split(b"\n")[1])


def log_of(origin: str) -> Log:
    (found,) = (log for log in LOGS if log.origin == origin)
    return found


def state(land: Land, name: PartyName, end: int) -> Counted:
    return land.run(land.country.peers("commission").ask(name, STATEMENT, CountAsked(LAND_ORIGIN, end)))


def released(land: Land, j: int = 0) -> tuple[Prepared, Converted]:
    asked = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)])))
    converted = land.run(land.requester().convert(asked))
    land.run(land.requester().release(asked, converted))
    return asked, converted


def shown(asked: Prepared, converted: Converted) -> Release:
    return Release(
        asked.public, asked.record, asked.entries, asked.tags, converted.filed, converted.hops, asked.disclosed,
        asked.withheld, asked.openings,
    )  # fmt: skip


def test_o14_an_honest_country_is_counted_stretch_after_stretch(fresh: Land) -> None:
    assert judged(fresh) == []
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]
    fresh.run(fresh.ask(0))
    released(fresh)
    assert judged(fresh) == []
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]
    counted = [each.requests for each in fresh.country.auditor.verdicts("count")]
    assert counted[1] == 2
    assert counted[0] > 2


def lying(land: Land, name: PartyName, change: Callable[[list[int]], list[int]]) -> Callable[..., object]:
    """A converter that states other places than it released, consistently: tree, number, signature, log."""
    office = land.country.converters[name].office

    async def lie(caller: PartyName, asked: CountAsked) -> Counted:
        places = change(converter_store.places_used(office.db.read(), asked.origin, 0, asked.end))
        data, signature = wire.sign(
            counting.count_of(
                name, office.settings.position, asked.origin, (0, asked.end), places, None, SALT
            ),
            office.identity.signing,
        )
        proved = await statement._logged(office, log_of(asked.origin), decode(data, Count))
        return Counted(data, signature, proved.entries, proved.receipt, wire.pack_places(places), SALT)

    return lie


@pytest.mark.parametrize("name", CONVERTERS)
def test_o14_a_converter_that_states_one_release_too_few_contradicts_an_outcome(
    fresh: Land, name: PartyName
) -> None:
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    with taken_over(fresh, name, STATEMENT, lying(fresh, name, lambda places: places[:-1])):
        assert judged(fresh) == [("", "outcome-unreleased")]


def test_o14_a_converter_that_states_a_release_of_what_is_no_request_is_named(fresh: Land) -> None:
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    name = CONVERTERS[1]
    with taken_over(fresh, name, STATEMENT, lying(fresh, name, lambda places: [0, *places])):
        assert judged(fresh) == [(name, "count-mismatch")]


def test_o14_places_shown_to_the_auditor_must_be_those_that_were_signed(fresh: Land) -> None:
    office = fresh.country.converters[CONVERTERS[2]].office

    async def shortened(caller: PartyName, asked: CountAsked) -> Counted:
        given = await statement.state(office, caller, asked)
        return msgspec.structs.replace(given, places=given.places[8:])

    fresh.clock.advance(SETTLED)
    with taken_over(fresh, CONVERTERS[2], STATEMENT, shortened):
        assert judged(fresh) == [(CONVERTERS[2], "count-mismatch")]


def test_a_statement_that_was_not_logged_is_not_taken(fresh: Land) -> None:
    office = fresh.country.converters[CONVERTERS[0]].office

    async def unlogged(caller: PartyName, asked: CountAsked) -> Counted:
        given = await statement.state(office, caller, asked)
        return msgspec.structs.replace(given, entry=bytes([given.entry[0], 3]) + given.entry[2:])

    fresh.clock.advance(SETTLED)
    with taken_over(fresh, CONVERTERS[0], STATEMENT, unlogged):
        assert judged(fresh) == [(CONVERTERS[0], "inclusion-invalid")]


def test_an_interrupted_count_goes_on_with_the_same_stretch(fresh: Land) -> None:
    fresh.clock.advance(SETTLED)
    with away(fresh.country, CONVERTERS[1]), pytest.raises(PartyUnavailable):
        judged(fresh)
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]
    assert judged(fresh) == [("", "")]
    assert judged(fresh) == []


def test_a_converter_releases_nothing_that_it_has_stated_already(fresh: Land) -> None:
    """Otherwise a statement would be true only when it was made."""
    asked = fresh.run(fresh.requester().prepare(fresh.wish([fresh.code(CHILDREN, 0)])))
    converted = fresh.run(fresh.requester().convert(asked))
    name = CONVERTERS[0]
    office = fresh.country.converters[name].office
    end = size(fresh)
    fresh.run(office.db.write(lambda db: statement._make(office, db, LAND_ORIGIN, end)))
    with pytest.raises(PlaceStated):
        fresh.run(fresh.country.peers("yokohama").ask(name, RELEASE, shown(asked, converted)))
    statement.check_own(office.db.read(), LAND_ORIGIN, office.identity)


def test_a_repeat_of_a_stated_release_is_answered_as_before(fresh: Land) -> None:
    asked, converted = released(fresh)
    office = fresh.country.converters[CONVERTERS[0]].office
    end = size(fresh)
    fresh.run(office.db.write(lambda db: statement._make(office, db, LAND_ORIGIN, end)))
    assert fresh.run(fresh.country.peers("yokohama").ask(CONVERTERS[0], RELEASE, shown(asked, converted)))


def test_young_entries_are_not_stated(fresh: Land) -> None:
    with pytest.raises(OutsideWindow):
        state(fresh, CONVERTERS[0], size(fresh))
    fresh.clock.advance(SETTLED)
    with pytest.raises(RangeOutside):
        state(fresh, CONVERTERS[0], size(fresh) + 1)
    end = size(fresh)
    assert state(fresh, CONVERTERS[0], end) == state(fresh, CONVERTERS[0], end)
    with pytest.raises(RangeOutside):
        state(fresh, CONVERTERS[0], end - 1)


def test_only_the_commission_is_told_what_was_released(fresh: Land) -> None:
    for name in ("yokohama", "mailbox-a", "ledger-a", "converter-2", "ministry"):
        with pytest.raises(CallerNotAllowed):
            fresh.run(fresh.country.peers(name).ask(CONVERTERS[0], STATEMENT, CountAsked(LAND_ORIGIN, 1)))


@pytest.mark.parametrize("kind", [kind for kind in EntryKind if kind is not EntryKind.STATEMENT])
def test_a_converter_files_statements_and_nothing_else(shared_land: Land, kind: EntryKind) -> None:
    entry, tag = made(1, kind, NOON).encode(), sha("tag")
    filed = filing.filing_of(
        request=bytes(32), points=bytes(32), entries=entry, tags=tag, hops=bytes(32), minutes=NOON
    )
    key = shared_land.country.identities[CONVERTERS[0]].signing
    nobody = kind not in EVERY and kind not in ONE
    with pytest.raises(EntryKindNotAllowed if nobody else FilingMismatch):
        shared_land.run(
            shared_land.country.peers(CONVERTERS[0]).ask(
                LEDGER, APPEND, Append(entry, tag, [filing.sign(filed, CONVERTERS[0], key)])
            )
        )


# --- R5: a converter's store put back --------------------------------------------------------------------------


def started(land: Land, name: PartyName) -> Converter:
    """The converter starts again on its store."""
    land.country.converters[name].close()
    settings = Settings(CONVERTERS.index(name) + 1, CONVERTERS, LogBook(LOGS))
    again = Converter(settings, *land.country._footing(name).common)
    land.country.converters[name] = again
    land.country._keep(name, again)
    return again


def released_table(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT xid, log, position, request FROM used_exchange").fetchall()


def put_back(db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    db.execute("DELETE FROM used_exchange")
    db.executemany("INSERT INTO used_exchange (xid, log, position, request) VALUES (?, ?, ?, ?)", rows)


def test_r5_a_restored_table_of_releases_contradicts_the_converters_own_statement(fresh: Land) -> None:
    name = CONVERTERS[1]
    office = fresh.country.converters[name].office
    backup = released_table(office.db.read())
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]
    assert len(released_table(office.db.read())) == len(backup) + 1
    fresh.run(office.db.write(lambda db: put_back(db, backup)))
    fresh.clock.advance(SETTLED)
    with pytest.raises(CountConflict):
        state(fresh, name, size(fresh))
    with pytest.raises(CountConflict):
        started(fresh, name)


def test_r5_as_many_releases_as_were_stated_but_others_are_a_conflict_too(fresh: Land) -> None:
    office = fresh.country.converters[CONVERTERS[1]].office
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]
    rows = released_table(office.db.read())
    moved = [(*rows[0][:2], 0, rows[0][3]), *rows[1:]]
    fresh.run(office.db.write(lambda db: put_back(db, moved)))
    with pytest.raises(CountConflict):
        statement.check_own(office.db.read(), LAND_ORIGIN, office.identity)


def test_r5_a_whole_store_put_back_contradicts_what_stands_in_the_log(fresh: Land) -> None:
    """Table and statements together agree with each other; the log has the statement that the backup does not know."""
    name = CONVERTERS[1]
    office = fresh.country.converters[name].office
    backup = released_table(office.db.read())
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]

    def everything(db: sqlite3.Connection) -> None:
        put_back(db, backup)
        db.execute("DELETE FROM stated_count")

    fresh.run(office.db.write(everything))
    started(fresh, name)
    fresh.clock.advance(SETTLED)
    with pytest.raises(CountConflict):
        state(fresh, name, size(fresh))
    assert (name, "count-conflict") in judged(fresh)


async def _nowhere(*_: object) -> tuple[int, str, bytes]:
    raise PartyUnavailable()


def test_r5_a_converter_that_runs_apart_asks_the_logs_before_it_is_ready(fresh: Land) -> None:
    """The same store, at the start of its process: nobody has to count first."""
    name = CONVERTERS[1]
    converter = fresh.country.converters[name]
    backup = released_table(converter.office.db.read())
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    assert judged(fresh) == [("", "")]

    def everything(db: sqlite3.Connection) -> None:
        put_back(db, backup)
        db.execute("DELETE FROM stated_count")

    async def begun() -> None:
        working = await apart.work(
            fresh.country._footing(name), apart.Own(f"{name}.example"), Site(Path(), _nowhere)
        )
        try:
            await working.begin()
        finally:
            working.close()

    converter.close()
    fresh.run(begun())
    again = started(fresh, name)
    fresh.run(again.office.db.write(everything))
    again.close()
    with pytest.raises(CountConflict):
        fresh.run(begun())
    started(fresh, name)


def test_a_statement_stored_before_a_crash_is_logged_at_the_next_asking(fresh: Land) -> None:
    fresh.clock.advance(SETTLED)
    end, name = size(fresh), CONVERTERS[0]
    with away(fresh.country, LEDGER), pytest.raises(PartyUnavailable):
        state(fresh, name, end)
    office = fresh.country.converters[name].office
    fresh.run(office.db.write(lambda db: statement._make(office, db, LAND_ORIGIN, end)))
    fresh.run(fresh.ask(0))
    fresh.clock.advance(SETTLED)
    later = state(fresh, name, size(fresh))
    first = decode(converter_store.find_stated(office.db.read(), LAND_ORIGIN, end)[0], Count)  # type: ignore[index]
    counting.check_chain([first, decode(later.statement, Count)])
    assert state(fresh, name, end).receipt.first < later.receipt.first
