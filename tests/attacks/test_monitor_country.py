"""M10 … M13: what the monitor finds in a running country whose ledger or record keeper lost or hides something."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import mailbox
from kakine.cli.monitor_country import refuser, watched_country
from kakine.cli.own_history import own_history
from kakine.clients.monitor.evidence import load, write
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.proving import check
from kakine.contracts.mailbox import STANDING, AskStanding, StandingGiven
from kakine.country import CONVERTERS, LEDGER, ORIGIN, Country, Site
from kakine.crypto.signing import SigningKey
from kakine.values.labels import PartyName
from kakine.values.problems import CallerUnknown, LedgerDiverged, Problem, RangeOutside
from kakine.wire import policy
from kakine.wire.canonical import encode
from kakine.wire.standing import LABEL, Standing, opened
from road import away, raw_call
from watched_land import FIRST, SECOND, ledger_key, look, look_at, mailbox_sql, said_of, shown
from watching import Looked, Shown, codes

from land import CHILDREN, LOGIN, TAX, Land, pack, ref

TEN_MINUTES = 600

KEEPER = PartyName("mailbox-a")


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", 3, (CHILDREN, TAX)) as founded:
        for j in range(3):
            founded.run(founded.ask(j))
        yield founded


@pytest.fixture
def viewed(tmp_path: Path) -> Iterator[Land]:
    """With a person who has read their own history."""
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX, LOGIN)) as founded:
        founded.run(founded.country.refresh())
        founded.run(founded.ask())
        founded.run(own_history(founded.country, ref(0)))
        yield founded


# --- M10: an honest country --------------------------------------------------------------------------


def test_m10_an_honest_country_is_clean_now_and_ten_minutes_later(land: Land, tmp_path: Path) -> None:
    done = look(land, tmp_path)
    assert codes(done) == []
    assert done.reading.answers[0].standing is not None
    land.clock.advance(TEN_MINUTES + 61)
    assert codes(look(land, tmp_path)) == []
    land.run(land.ask(0))
    assert codes(look(land, tmp_path)) == []


def test_m10_new_codes_for_a_person_leave_nothing_owed(land: Land, tmp_path: Path) -> None:
    """Requests that go to the record keeper alone await no outcome; pairs that move keep their places."""
    land.run(land.country.registry.codes.retire([b"person-%09d" % 2]))
    land.clock.advance(TEN_MINUTES + 61)
    assert codes(look(land, tmp_path)) == []


# --- M11: what a record keeper lost ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM row WHERE rowid = 2", Code.KEEPER_LACKS_REQUEST),
        ("DELETE FROM place WHERE rowid = 2", Code.KEEPER_LACKS_REQUEST),
        ("DELETE FROM row WHERE rowid = (SELECT max(rowid) FROM row)", Code.KEEPER_LACKS_OUTCOME),
        (
            "DELETE FROM filing WHERE first = (SELECT max(first) FROM filing)",
            Code.KEEPER_LACKS_OUTCOME,
        ),
    ],
)
def test_m11_a_row_deleted_at_the_record_keeper_is_named(
    land: Land, tmp_path: Path, statement: str, code: Code, name: str
) -> None:
    look(land, tmp_path)
    assert mailbox_sql(land, statement, name) == 1
    done = look(land, tmp_path)
    assert said_of(done, name) == [code]
    assert said_of(done, ({FIRST, SECOND} - {name}).pop()) == []
    assert shown(land, done, tmp_path)[code] is Level.WORD


def test_m11_a_view_that_a_record_keeper_lost_is_named(viewed: Land, tmp_path: Path) -> None:
    assert codes(look(viewed, tmp_path)) == []
    lost = "DELETE FROM place WHERE filing IN (SELECT id FROM filing WHERE substr(entries, 2, 1) = x'08')"
    assert mailbox_sql(viewed, lost, SECOND) == 1
    done = look(viewed, tmp_path)
    assert [(f.code, f.facts["party"]) for f in done.findings] == [(Code.KEEPER_LACKS_VIEW, SECOND)]
    assert shown(viewed, done, tmp_path) == {Code.KEEPER_LACKS_VIEW: Level.WORD}


def test_m11_each_lost_entry_is_named_by_its_index(land: Land, tmp_path: Path) -> None:
    (last,) = mailbox(land).db.read().execute("SELECT max(first) FROM filing").fetchone()
    of_two = "DELETE FROM row WHERE filing IN (SELECT id FROM filing ORDER BY first DESC LIMIT 2)"
    assert mailbox_sql(land, of_two) == 2
    found = [f for f in look(land, tmp_path).findings if "lacks" in f.code]
    assert [f.facts["index"] for f in found] == [last - 1, last]


def test_m11_evidence_against_a_keeper_does_not_fit_another_entry(land: Land, tmp_path: Path) -> None:
    mailbox_sql(land, "DELETE FROM row WHERE rowid = 2")
    done = look(land, tmp_path)
    (found,) = [f for f in done.findings if f.code is Code.KEEPER_LACKS_REQUEST]
    index = int(found.facts["index"])
    for other in (
        msgspec.structs.replace(found, facts={**found.facts, "index": index + 1}),
        msgspec.structs.replace(found, code=Code.KEEPER_LACKS_OUTCOME),
        msgspec.structs.replace(found, code=Code.OUTCOME_MISSING, facts={**found.facts, "minutes": 10}),
    ):
        write(tmp_path / "e", [other])
        trusted = policy.decode(policy.one_log(ORIGIN, ledger_key(land)))
        assert [v.level for v in check(load(tmp_path / "e"), trusted)] == [Level.BROKEN]


# --- M12: outcomes (O10) -------------------------------------------------------------------------------------


def unanswered(land: Land) -> None:
    """A request is filed and released, and the provider is not there to answer."""
    asked = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))
    converted = land.run(land.requester().convert(asked))
    land.run(land.requester().release(asked, converted))


def test_m12_a_request_without_an_outcome_is_named_after_ten_minutes_and_not_before(
    land: Land, tmp_path: Path
) -> None:
    unanswered(land)
    assert codes(look(land, tmp_path)) == []
    land.clock.advance(TEN_MINUTES + 61)
    done = look(land, tmp_path)
    assert codes(done) == ["outcome-missing"]
    assert done.findings[0].facts["index"] == done.reading.at.size - 1  # type: ignore[union-attr]
    assert shown(land, done, tmp_path) == {Code.OUTCOME_MISSING: Level.WORD}


def lying(land: Land, change: Callable[[Standing], Standing]) -> Any:
    """The first record keeper says what it likes, with its own signature; the second is honest."""
    own = mailbox(land)
    watched = watched_country(land.country, [])
    honest, second = watched.keepers

    class Liar:
        name, key, origin = honest.name, honest.key, honest.origin

        async def standing(self, asked: AskStanding) -> StandingGiven:
            given = await honest.standing(asked)
            said = change(opened(given.statement, given.signature, self.key))
            data = encode(said)
            return StandingGiven(data, own.identity.signing.sign(LABEL, data))

        async def indexes(self) -> list[bytes]:
            return await honest.indexes()

    return replace(watched, keepers=(Liar(), second))


def test_m12_a_keeper_that_hides_a_debt_is_caught_by_the_public_count(land: Land, tmp_path: Path) -> None:
    """It says that all is answered; the log has fewer outcomes than that."""
    unanswered(land)
    land.clock.advance(TEN_MINUTES + 61)

    def silent(said: Standing) -> Standing:
        return msgspec.structs.replace(said, owed=0, unanswered=())

    done = look_at(land, tmp_path, lying(land, silent))
    assert said_of(done) == ["outcomes-differ"]
    assert said_of(done, SECOND) == ["outcome-missing"]
    assert shown(land, done, tmp_path)[Code.OUTCOMES_DIFFER] is Level.WORD


def test_m12_nobody_learns_which_outcome_belongs_to_which_request(land: Land) -> None:
    """Asked about each single entry, at once and later, a keeper says the same of every request that is answered,
    also of one that awaits no outcome at all."""
    land.run(land.country.registry.codes.retire([b"person-%09d" % 2]))
    key = watched_country(land.country, []).keepers[0].key
    for _ in range(2):
        said = set()
        for index in range(1, 30):
            asked = AskStanding(ORIGIN, index, index + 1, 600_000)
            given = land.run(land.country.peers("portal").ask(FIRST, STANDING, asked))
            each = opened(given.statement, given.signature, key)
            said.add((sum(each.counts), each.awaited, each.owed, each.unanswered))
        assert said <= {(1, 0, 0, ()), (0, 0, 0, ())}
        land.clock.advance(TEN_MINUTES + 61)


def test_m12_a_keeper_that_counts_a_page_rightly_and_its_parts_wrongly_is_named(
    land: Land, tmp_path: Path
) -> None:
    def wrong(said: Standing) -> Standing:
        return msgspec.structs.replace(said, requests=said.requests + 1)

    done = look_at(land, tmp_path, lying(land, wrong))
    assert codes(done) == ["keeper-differs"]
    assert shown(land, done, tmp_path) == {Code.KEEPER_DIFFERS: Level.WORD}


def test_m12_an_excuse_holds_no_longer_than_an_outcome_may_be_due(land: Land, tmp_path: Path) -> None:
    """What was logged and has no receipt at the keeper yet is on its way; after ten minutes it is lost."""
    mailbox_sql(land, "DELETE FROM row WHERE rowid = (SELECT max(rowid) FROM row)")

    def excused(said: Standing) -> Standing:
        return msgspec.structs.replace(said, unlogged=9)

    assert "keeper-lacks-outcome" not in codes(look_at(land, tmp_path, lying(land, excused)))
    land.clock.advance(TEN_MINUTES + 61)
    assert "keeper-lacks-outcome" in codes(look_at(land, tmp_path, lying(land, excused)))


@pytest.mark.parametrize(
    "change",
    [
        lambda said: msgspec.structs.replace(said, end=said.end + 1),
        lambda said: msgspec.structs.replace(said, older_ms=said.older_ms + 1),
        lambda said: msgspec.structs.replace(said, time_ms=said.time_ms - 3_600_000),
    ],
)
def test_m12_a_statement_about_something_else_or_of_an_hour_ago_is_none(
    land: Land, tmp_path: Path, change: Any
) -> None:
    def only_pages(said: Standing) -> Standing:
        return change(said) if said.end else said  # type: ignore[no-any-return]

    assert codes(look_at(land, tmp_path, lying(land, only_pages))) == ["statement-invalid"]


def test_m12_a_statement_under_another_key_is_none(land: Land, tmp_path: Path) -> None:
    watched = watched_country(land.country, [])
    keeper = watched.keepers[0]
    keeper.key = land.country.identities[LEDGER].signing.public
    done = look_at(land, tmp_path, watched)
    assert "party-refused" in codes(done)
    assert "statement-invalid" in codes(done)


def test_m12_a_keeper_that_is_away_is_named_and_the_log_is_judged(land: Land, tmp_path: Path) -> None:
    with away(land.country, FIRST):
        done = look(land, tmp_path)
    assert {"party-refused", "statement-invalid"} == set(codes(done))
    assert done.reading.fits


# --- M13: the ledger put back to yesterday (R1), and stores that refuse ----------------------------------------


def told(land: Land, size: int, more: Sequence[bytes] = ()) -> Shown:
    """A ledger that shows its first `size` entries and then others, all under its true key."""
    database = sqlite3.connect(land.folder / "ledger-a.sqlite")
    try:
        rows = database.execute("SELECT bytes FROM entry WHERE idx < ? ORDER BY idx", (size,)).fetchall()
    finally:
        database.close()
    public = ledger_key(land)
    (signer,) = [each.signing for each in land.country.identities.values() if each.signing.public == public]
    assert isinstance(signer, SigningKey)
    return Shown([row[0] for row in rows] + list(more), signer, ORIGIN)


def size_of(land: Land) -> int:
    """Entries of the log."""
    database = sqlite3.connect(land.folder / "ledger-a.sqlite")
    try:
        return int(database.execute("SELECT count(*) FROM entry").fetchone()[0])
    finally:
        database.close()


def yesterday(land: Land, meanwhile: Callable[[], object] = lambda: None) -> Shown:
    """What the log was before a question was asked; `meanwhile` happens after it."""
    shown = told(land, size_of(land))
    land.run(land.ask(1))
    meanwhile()
    return shown


def look_back(land: Land, tmp_path: Path, shown: Shown) -> Looked:
    return look_at(land, tmp_path, replace(watched_country(land.country, []), source=shown))


def test_m13_yesterdays_ledger_is_named_as_such(land: Land, tmp_path: Path) -> None:
    done = look_back(land, tmp_path, yesterday(land, lambda: look(land, tmp_path)))
    rolled = {f.facts["who"] for f in done.findings if f.code is Code.HEAD_ROLLED_BACK}
    assert rolled == {*CONVERTERS, FIRST, SECOND, "monitor"}
    assert shown(land, done, tmp_path)[Code.HEAD_ROLLED_BACK] is Level.REPORTED


def test_m13_it_is_named_even_by_a_monitor_that_never_looked_before(land: Land, tmp_path: Path) -> None:
    """Converters have released, and record keepers have receipts, under a head that the log no longer has."""
    done = look_back(land, tmp_path, yesterday(land))
    rolled = {f.facts["who"] for f in done.findings if f.code is Code.HEAD_ROLLED_BACK}
    assert rolled == {*CONVERTERS, FIRST, SECOND}


def others(count: int) -> list[bytes]:
    return [bytes([1, 3]) + bytes(77) + bytes([n]) for n in range(count)]


def test_m13_yesterdays_ledger_that_goes_on_is_a_proven_fork(land: Land, tmp_path: Path) -> None:
    size = size_of(land)
    yesterday(land, lambda: look(land, tmp_path))
    done = look_back(land, tmp_path, told(land, size, others(9)))
    assert ("monitor", "head-forked") in [(f.facts.get("who"), f.code) for f in done.findings]
    assert shown(land, done, tmp_path)[Code.HEAD_FORKED] is Level.PROVEN


def test_m13_receipts_of_the_lost_history_prove_the_fork_to_a_monitor_that_came_late(
    land: Land, tmp_path: Path
) -> None:
    size = size_of(land)
    yesterday(land)
    done = look_back(land, tmp_path, told(land, size, others(9)))
    assert ("mailbox-a", "head-forked") in [(f.facts.get("who"), f.code) for f in done.findings]
    assert shown(land, done, tmp_path)[Code.HEAD_FORKED] is Level.PROVEN


def test_m13_a_store_that_refuses_to_open_names_its_party(land: Land) -> None:
    land.close()
    with sqlite3.connect(land.folder / "ledger-a.sqlite") as connection:
        assert connection.execute("DELETE FROM entry WHERE idx = 3").rowcount == 1
    connection.close()
    with pytest.raises(LedgerDiverged) as refused:
        asyncio.run(Country.open(Site(land.folder, pack(), land.clock, land.entropy)))
    assert refuser(refused.value) == "ledger-a"


# --- the record keeper's call ---------------------------------------------------------------------------------------


def test_the_keepers_word_holds_no_more_than_counts_and_indices(land: Land) -> None:
    """Nothing of a person, a code, a list or an organisation; the same for everybody who asks."""
    asked = AskStanding(ORIGIN, 0, 9, TEN_MINUTES * 1000)
    given = [land.run(land.country.peers(who).ask(FIRST, STANDING, asked)) for who in ("portal", "yokohama")]
    said = [
        opened(each.statement, each.signature, watched_country(land.country, []).keepers[0].key)
        for each in given
    ]
    assert msgspec.structs.replace(said[0], time_ms=0) == msgspec.structs.replace(said[1], time_ms=0)
    numbers = {
        "first",
        "end",
        "requests",
        "outcomes",
        "views",
        "awaited",
        "owed",
        "unlogged",
        "older_ms",
        "time_ms",
    }
    assert set(Standing.__struct_fields__) == numbers | {"origin", "unanswered", "checkpoints", "indexes"}
    for reference in (ref(0), CHILDREN.encode(), TAX.encode(), b"yokohama"):
        assert reference not in given[0].statement


@pytest.mark.parametrize("asked", [(0, 4097, 600_000), (5, 4, 600_000), (0, 9, 599_999)])
def test_the_keeper_is_asked_for_a_page_at_most(land: Land, asked: tuple[int, int, int]) -> None:
    with pytest.raises(RangeOutside):
        land.run(land.country.peers("portal").ask(FIRST, STANDING, AskStanding(ORIGIN, *asked)))


def test_the_keeper_answers_parties_only(land: Land) -> None:
    app = land.country.apps[FIRST]
    body = msgspec.msgpack.encode(AskStanding(ORIGIN, 0, 0, 600_000))
    reply = land.run(raw_call(app, None, STANDING.path, body))
    assert CallerUnknown.code.encode() in reply.body


def test_parts_of_a_filing_are_counted_at_the_edges_of_a_range(land: Land) -> None:
    """A filing of three entries, asked about one by one and two by two."""
    db = mailbox(land).db.read()
    first, count = db.execute(
        "SELECT first, length(entries) / 80 FROM filing WHERE length(entries) = 240 LIMIT 1"
    ).fetchone()
    for low, end in (
        (first, first + 1),
        (first + 1, first + 3),
        (first + 2, first + 3),
        (first, first + count),
    ):
        given = land.run(
            land.country.peers("portal").ask(FIRST, STANDING, AskStanding(ORIGIN, low, end, 600_000))
        )
        said = opened(given.statement, given.signature, watched_country(land.country, []).keepers[0].key)
        assert sum(said.counts) == end - low


def test_a_refused_request_awaits_nothing(land: Land, tmp_path: Path) -> None:
    with pytest.raises(Problem):
        land.run(land.requester().convert(land.run(land.requester().prepare(land.wish([land.code(TAX, 0)])))))
    land.clock.advance(TEN_MINUTES + 61)
    assert codes(look(land, tmp_path)) == []
