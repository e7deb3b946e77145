"""M16 to M18: both logs in one look, statements of converters, notices of erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import mailbox, office_of, taken_over
from attacks.test_counting import SETTLED, judged, lying
from attacks.test_erasure import forward, logged_twice
from kakine.cli.monitor_country import erasing, watched_country
from kakine.clients.monitor.evidence import load, write
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Limits, Watched
from kakine.clients.monitor.rounds import Look
from kakine.clients.monitor.rounds import look as look_once
from kakine.contracts import commission, converter
from kakine.contracts.converter import CountAsked, StatementsAsked, StatementsGiven
from kakine.contracts.ledger import APPEND, Append
from kakine.contracts.mailbox import AskStanding, StandingGiven
from kakine.contracts.retention import Erasures, ErasuresGiven
from kakine.country import COMMISSION, CONVERTERS, LOGS
from kakine.parties.converter import statement
from kakine.protocols import counting
from kakine.wire import counting as wire
from kakine.wire import filing as filings
from kakine.wire import policy
from kakine.wire.canonical import decode, encode
from kakine.wire.counting import Count, CountShown
from kakine.wire.erasure import Notice
from kakine.wire.standing import LABEL, Standing, opened
from road import away
from watched_land import FIRST, SECOND, mailbox_sql

from land import CHILDREN, LOGIN, TAX, Land

A, B = LOGS
THIRD = CONVERTERS[2]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Land]:
    """Two people; an exchange about each in the first log, one in the second; everything indexed."""
    with Land.founded(tmp_path / "land", 2, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0))
        with away(land.country, A.ledger):
            land.run(land.ask(1))
        land.run(land.country.index())
        yield land


def look(land: Land, tmp_path: Path, logs: list[Watched] | None = None, **how: Any) -> Look:
    """One look at both logs, and at what the commission shows of erasures."""
    watched = logs or [watched_country(land.country, (), log) for log in LOGS]
    memory = Memory(tmp_path / "memory")
    try:
        limits, answers = Limits(**how), erasing(land.country)
        done = look_once(memory, watched, limits, land.clock(), evidence=True, erasing=answers)
        return land.run(done)
    finally:
        memory.close()


def codes(done: Look) -> set[tuple[str, str]]:
    """(what was found, in the log of which letter)."""
    return {(str(each.code), each.log[-1:]) for each in done.findings}


def levels(land: Land, done: Look, tmp_path: Path) -> dict[Code, Level]:
    """What the evidence is worth to somebody with the country's published policy."""
    write(tmp_path / "evidence", done.findings)
    trusted = policy.decode(land.country.policy)
    return {each.finding.code: each.level for each in check(load(tmp_path / "evidence"), trusted)}


# --- M16: two logs ------------------------------------------------------------------------------------------------


def test_m16_both_logs_are_clean_look_after_look(both: Land, tmp_path: Path) -> None:
    done = look(both, tmp_path, index_minutes=60)
    assert codes(done) == set()
    assert [len(each.reading.shelves[0].placed) for each in done.rounds] == [1, 1]
    both.run(both.ask(0))
    assert codes(look(both, tmp_path)) == set()


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.ledger)
@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_m16_what_one_keeper_lost_of_one_log_is_named_with_that_log(
    both: Land, tmp_path: Path, log: Any, name: str
) -> None:
    row = "DELETE FROM row WHERE filing = (SELECT id FROM filing WHERE log = ? ORDER BY first LIMIT 1)"
    assert mailbox_sql(both, row, name, log.origin) > 0
    assert mailbox_sql(both, "DELETE FROM index_root WHERE log = ?", name, log.origin) == 1
    done = look(both, tmp_path)
    expected = {("keeper-lacks-request", log.origin[-1]), ("index-hidden", log.origin[-1])}
    assert codes(done) == expected
    assert {each.facts["party"] for each in done.findings} == {name}


def test_m16_an_outcome_in_the_other_log_is_no_missing_one(both: Land, tmp_path: Path) -> None:
    """Its request stands in the first log, which was away when the answer came."""
    asked = both.run(both.requester().prepare(both.wish([both.code(CHILDREN, 0)])))
    converted = both.run(both.requester().convert(asked))
    released = both.run(both.requester().release(asked, converted))
    with away(both.country, A.ledger):
        both.run(both.requester().deliver(asked, converted, released))
    both.clock.advance(700)
    assert codes(look(both, tmp_path)) == set()


def answered_elsewhere(land: Land, gone: Any) -> None:
    """A request that went into the other log while this one was gone, and its outcome into this one."""
    with away(land.country, gone.ledger):
        asked = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))
        converted = land.run(land.requester().convert(asked))
        released = land.run(land.requester().release(asked, converted))
    (other,) = (log for log in LOGS if log != gone)
    with away(land.country, other.ledger):
        land.run(land.requester().deliver(asked, converted, released))


@pytest.mark.parametrize("gone", LOGS, ids=lambda log: log.ledger)
def test_o14_an_outcome_in_the_other_log_than_its_request_is_no_fault(both: Land, gone: Any) -> None:
    """Whichever of them was away when the question came, or when the answer did."""
    answered_elsewhere(both, gone)
    for _ in range(2):
        both.clock.advance(SETTLED)
        assert {fault for _, fault in judged(both)} == {""}
        both.run(both.ask(1))


def test_o14_a_release_left_out_in_one_log_is_missed_by_its_outcome_in_the_other(both: Land) -> None:
    answered_elsewhere(both, A)
    both.clock.advance(SETTLED)
    office, lie = office_of(both, 3), lying(both, THIRD, lambda places: places[:-1])

    async def state(caller: Any, asked: CountAsked) -> Any:
        if asked.origin == B.origin:
            return await lie(caller, asked)
        return await statement.state(office, caller, asked)

    with taken_over(both, THIRD, converter.STATEMENT, state):
        assert judged(both) == [("", ""), ("", ""), ("", "outcome-unreleased")]


def liar(land: Land, log: Any, change: Callable[[Standing], Standing]) -> Watched:
    """The first record keeper says what it likes about a log."""
    watched = watched_country(land.country, (), log)
    honest, second = watched.keepers
    signing = mailbox(land, FIRST).identity.signing

    class Keeper:
        name, key, origin = honest.name, honest.key, honest.origin

        async def indexes(self) -> list[bytes]:
            return await honest.indexes()

        async def standing(self, asked: AskStanding) -> StandingGiven:
            given = await honest.standing(asked)
            data = encode(change(opened(given.statement, given.signature, honest.key)))
            return StandingGiven(data, signing.sign(LABEL, data))

    return replace(watched, keepers=(Keeper(), second))


def test_m16_a_debt_hidden_in_one_log_shows_in_the_sum_over_both(both: Land, tmp_path: Path) -> None:
    both.clock.advance(700)

    def more(said: Standing) -> Standing:
        return msgspec.structs.replace(said, awaited=said.awaited + 1) if said.first == said.end else said

    done = look(both, tmp_path, [watched_country(both.country, (), A), liar(both, B, more)])
    assert codes(done) == {("outcomes-differ", "")}
    assert levels(both, done, tmp_path) == {Code.OUTCOMES_DIFFER: Level.WORD}
    (found,) = done.findings
    said = found.evidence.said
    assert len(said) == 2
    first = decode(said[0].statement, Standing)
    twice = {**found.facts, "answered": 2 * (first.awaited - first.owed)}
    for other in (
        msgspec.structs.replace(found, facts={**found.facts, "answered": 0}),
        msgspec.structs.replace(
            found, facts=twice, evidence=msgspec.structs.replace(found.evidence, said=(said[0], said[0]))
        ),
        msgspec.structs.replace(found, log=A.origin),
    ):
        write(tmp_path / "e", [other])
        trusted = policy.decode(both.country.policy)
        assert [each.level for each in check(load(tmp_path / "e"), trusted)] == [Level.BROKEN]


# --- M17: statements of converters ------------------------------------------------------------------------------------


@pytest.fixture
def counted(both: Land) -> Land:
    """Every converter has stated what it released of both logs."""
    both.clock.advance(SETTLED)
    assert judged(both) == [("", ""), ("", "")]
    return both


def test_m17_honest_statements_are_clean_and_the_log_is_kept_no_longer_than_they_reach(
    counted: Land, tmp_path: Path
) -> None:
    assert codes(look(counted, tmp_path)) == set()
    done = look(counted, tmp_path)
    assert codes(done) == set()
    assert [len(each.stated) for each in done.rounds[1].reading.counted] == [1, 1, 1]
    assert all(each.reading.known.open.first > 0 for each in done.rounds)
    with away(counted.country, A.ledger):
        counted.run(counted.ask(0))
    counted.clock.advance(SETTLED)
    judged(counted)
    assert codes(look(counted, tmp_path)) == set()


def test_m17_nobody_learns_from_a_statement_which_request_was_stopped(counted: Land) -> None:
    """Even where all but a few places were released: the tree is salted, and the salt is the auditor's."""
    asked = StatementsAsked(B.origin, 0)
    given = counted.run(counted.country.peers("yokohama").ask(THIRD, converter.STATEMENTS, asked))
    (shown,) = (decode(each, CountShown) for each in given.statements)
    count = decode(shown.statement, Count)
    places = statement.store.places_used(office_of(counted, 3).db.read(), B.origin, count.start, count.end)
    assert len(places) == count.count > 0
    assert wire.places_root(places, b"") != count.root
    salt = statement.salt_of(office_of(counted, 3).identity, B.origin, count.start)
    assert wire.places_root(places, salt) == count.root
    assert salt not in shown.statement


def stating(land: Land, change: Callable[[list[CountShown]], list[CountShown]]) -> Any:
    """The third converter shows other statements than it has."""
    office = office_of(land, 3)

    async def lie(caller: Any, asked: StatementsAsked) -> StatementsGiven:
        honest = await statement.shown(office, caller, StatementsAsked(asked.origin, 0))
        shown = change([decode(each, CountShown) for each in honest.statements])
        return StatementsGiven([encode(each) for each in shown][asked.first :])

    return taken_over(land, THIRD, converter.STATEMENTS, lie)


def test_m17_a_statement_in_the_log_that_is_not_shown_names_its_converter(
    counted: Land, tmp_path: Path
) -> None:
    with stating(counted, lambda shown: []):
        done = look(counted, tmp_path)
    assert codes(done) == {("count-hidden", "a"), ("count-hidden", "b")}
    assert {each.facts["party"] for each in done.findings} == {THIRD}
    assert levels(counted, done, tmp_path) == {Code.COUNT_HIDDEN: Level.REPORTED}


def test_m17_a_statement_that_is_not_signed_or_not_logged_is_none(counted: Land, tmp_path: Path) -> None:
    def unsigned(shown: list[CountShown]) -> list[CountShown]:
        return [msgspec.structs.replace(each, signature=bytes(64)) for each in shown]

    def elsewhere(shown: list[CountShown]) -> list[CountShown]:
        return [msgspec.structs.replace(each, index=each.index - 1) for each in shown]

    for change in (unsigned, elsewhere):
        with stating(counted, change):
            done = look(counted, tmp_path)
        assert {code for code, _ in codes(done)} == {"count-hidden", "count-invalid"}


def logged(land: Land, count: Count) -> CountShown:
    """A statement that the third converter signs and logs, whatever it says."""
    office = office_of(land, 3)
    data, signature = wire.sign(count, office.identity.signing)
    entry, tag = counting.entry_of(count, land.clock()), bytes([count.end % 256]) * 32
    made = filings.filing_of(
        request=bytes(32), points=bytes(32), entries=entry, tags=tag, hops=bytes(32), minutes=1
    )
    asked = Append(entry, tag, [filings.sign(made, THIRD, office.identity.signing)])
    ledger = next(log.ledger for log in LOGS if log.origin == count.origin)
    at = land.run(office.peers.ask(ledger, APPEND, asked))
    return CountShown(data, signature, entry, at.first, tuple(at.proof), at.checkpoint)


def test_m17_more_releases_than_requests_are_named_by_anybody_who_counts(
    counted: Land, tmp_path: Path
) -> None:
    kept = decode(statement.store.all_stated(office_of(counted, 3).db.read(), B.origin, 0, 1)[0][0], Count)
    more = logged(counted, msgspec.structs.replace(kept, count=kept.count + 1))

    def instead(shown: list[CountShown]) -> list[CountShown]:
        return [more] if decode(shown[0].statement, Count).origin == B.origin else shown

    with stating(counted, instead):
        done = look(counted, tmp_path)
    assert codes(done) == {("count-too-many", "b"), ("count-hidden", "b")}
    assert {each.facts["party"] for each in done.findings} == {THIRD}
    assert levels(counted, done, tmp_path)[Code.COUNT_TOO_MANY] is Level.WORD


def test_m17_statements_that_do_not_follow_each_other_are_named(counted: Land, tmp_path: Path) -> None:
    """The same stretch stated twice: one for the auditor, one for everybody else."""
    kept = decode(statement.store.all_stated(office_of(counted, 3).db.read(), B.origin, 0, 1)[0][0], Count)
    again = logged(counted, msgspec.structs.replace(kept, count=0, root=wire.EMPTY))

    def both_of(shown: list[CountShown]) -> list[CountShown]:
        return [*shown, again] if decode(shown[0].statement, Count).origin == B.origin else shown

    with stating(counted, both_of):
        done = look(counted, tmp_path)
    assert codes(done) == {("count-out-of-line", "b")}
    assert levels(counted, done, tmp_path) == {Code.COUNT_OUT_OF_LINE: Level.WORD}


def test_m17_an_outcome_without_a_release_is_named_over_both_logs(counted: Land, tmp_path: Path) -> None:
    """A converter that states fewer releases than there are outcomes of them."""
    shown = []
    for log in LOGS:
        kept = decode(
            statement.store.all_stated(office_of(counted, 3).db.read(), log.origin, 0, 1)[0][0], Count
        )
        shown.append(logged(counted, msgspec.structs.replace(kept, count=0, root=wire.EMPTY)))

    def none(honest: list[CountShown]) -> list[CountShown]:
        origin = decode(honest[0].statement, Count).origin
        return [each for each in shown if decode(each.statement, Count).origin == origin]

    with stating(counted, none):
        done = look(counted, tmp_path)
    assert ("outcomes-unreleased", "") in codes(done)
    assert {each.facts["party"] for each in done.findings} == {THIRD}


# --- M18: erasures ----------------------------------------------------------------------------------------------------


def test_m18_a_month_that_is_over_without_a_notice_is_named_after_the_days_that_are_allowed(
    both: Land, tmp_path: Path
) -> None:
    assert codes(look(both, tmp_path)) == set()
    forward(both)
    found = look(both, tmp_path)
    assert codes(found) == {("erasure-overdue", "")}
    assert max(int(each.facts["count"]) for each in found.findings) > 0
    assert codes(look(both, tmp_path, erased_days=90)) == set()
    both.run(both.country.retain())
    assert codes(look(both, tmp_path)) == set()


def showing(land: Land, change: Callable[[ErasuresGiven], ErasuresGiven]) -> Any:
    """The commission shows other notices than it has."""
    given = land.run(land.country.peers("portal").ask(COMMISSION, commission.ERASURES, Erasures(0)))

    async def lie(caller: Any, asked: Erasures) -> ErasuresGiven:
        return ErasuresGiven([]) if asked.expiry else change(given)

    return taken_over(land, COMMISSION, commission.ERASURES, lie)


def test_m18_a_notice_kept_back_is_named(both: Land, tmp_path: Path) -> None:
    forward(both)
    both.run(both.country.retain())
    with showing(both, lambda given: ErasuresGiven(given.notices[:-1])):
        done = look(both, tmp_path, erased_days=0)
    assert codes(done) == {("erasure-hidden", ""), ("erasure-overdue", "")}


def test_m18_a_notice_that_somebody_has_not_signed_is_none(both: Land, tmp_path: Path) -> None:
    forward(both)
    both.run(both.country.retain())

    def one_less(given: ErasuresGiven) -> ErasuresGiven:
        first, *others = given.notices
        whole = decode(first.notice, Notice)
        lacking = encode(msgspec.structs.replace(whole, converters=whole.converters[:-1]))
        return ErasuresGiven([msgspec.structs.replace(first, notice=lacking), *others])

    with showing(both, one_less):
        assert {code for code, _ in codes(look(both, tmp_path))} == {"erasure-invalid", "erasure-hidden"}


def test_m18_a_notice_that_counts_other_entries_than_the_logs_have_is_named(
    both: Land, tmp_path: Path
) -> None:
    """Somebody has an exchange logged once more after its month has gone."""
    forward(both)
    both.run(both.country.retain())
    logged_twice(both)
    both.run(both.country.index())
    done = look(both, tmp_path)
    assert {code for code, _ in codes(done)} == {"erasure-differs"}
    assert levels(both, done, tmp_path) == {Code.ERASURE_DIFFERS: Level.WORD}
    (found,) = done.findings
    assert int(found.facts["log"]) > int(found.facts["stated"]) > 0
    write(tmp_path / "e", [msgspec.structs.replace(found, facts={**found.facts, "stated": 0})])
    trusted = policy.decode(both.country.policy)
    assert [each.level for each in check(load(tmp_path / "e"), trusted)] == [Level.BROKEN]
