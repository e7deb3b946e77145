"""Several processes of one party on one store (spec/replicas.md): what one knows all know, nothing is done twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import func, select, table

import postgres_server
from attacks.insider import log_size
from attacks.test_a07_replay_has_no_second_effect import reuse
from kakine.clients.exchange import as_convert, request_of
from kakine.contracts import converter as contract
from kakine.contracts import gateway as gateway_contract
from kakine.contracts.converter import LinkAsked
from kakine.contracts.ledger import APPEND, Append, Appended
from kakine.country import CONVERTERS, KEEPERS, LOGS
from kakine.parties.converter import erasure_store, hop, keys, quota, recording, store, uses
from kakine.parties.gateway.bulk import jobs
from kakine.parties.gateway.bulk import store as lines
from kakine.parties.gateway.bulk.store import Step
from kakine.runtime import codebook, replicas
from kakine.runtime.database import sql
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.postgres import address
from kakine.runtime.replicas import carries
from kakine.values.calendar import day_in_japan, months_since_2000
from kakine.values.problems import (
    BatchReused,
    BootFence,
    ExchangeUsed,
    LinkWithheld,
    MonthDestroyed,
    OutsideWindow,
    PartyUnavailable,
    Problem,
    QuotaExceeded,
    StoreInUse,
)
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, plain
from kakine.wire.request import Payload
from replicas import ASKING, FIRST, Twice, twice
from road import instead

from land import CHILDREN, TAX, TAX_ROW, Land, ref

_OF_LINK = (quota._spent.c.requester == str(CHILDREN), quota._spent.c.recipient == str(TAX))
PEOPLE = sql(select(quota._spent.c.people).where(*_OF_LINK))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    with twice(tmp_path_factory.mktemp("two") / "land") as made:
        yield made
        made.close_second()


@pytest.fixture(autouse=True)
def _second_ones_end(pair: Twice) -> Iterator[None]:
    yield
    pair.close_second()


def prepared(pair: Twice, j: int = 0) -> Prepared:
    land = pair.land
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)])))


def ask(pair: Twice, what: Any, message: Any, app: Any = None, to: str = FIRST) -> Any:
    """The answer of a party, or of another application in its place."""
    land = pair.land
    with instead(land.country, to, app or land.country.apps[to]):  # type: ignore[index]
        return land.run(land.country.peers(ASKING).ask(to, what, message))  # type: ignore[arg-type]


def xids_of(asked: Prepared) -> list[bytes]:
    return [person.xid for person in decode(asked.kept.payload, Payload).people]


FILINGS = sql(select(func.count()).select_from(table("filing")))


def filings(land: Land) -> list[int]:
    """How many requests each record keeper has filed."""
    boxes = [land.country.mailboxes[keeper.party] for keeper in KEEPERS]
    return [box.office.db.read().execute(FILINGS).fetchone()[0] for box in boxes]


# --- converters ---


def test_replays_to_another_replica_give_the_same_bytes(pair: Twice) -> None:
    """A request that went through one is sent to the other: the same hop, receipt, value; nothing is filed again."""
    two = pair.converter()
    requester = pair.land.requester()
    # The fence of the one that has just been started lies before this request.
    pair.land.run(hop._raise_fence(two.office))
    asked = prepared(pair)
    converted = pair.land.run(requester.convert(asked))
    before = filings(pair.land), log_size(pair.land)
    assert encode_all(ask(pair, contract.CONVERT, as_convert(asked), two.app)) == encode_all(converted)
    released = pair.land.run(requester.release(asked, converted))
    with instead(pair.land.country, FIRST, two.app):
        again = pair.land.run(requester.release(asked, converted))
    assert encode_all(again) == encode_all(released)
    assert (filings(pair.land), log_size(pair.land)) == before


_encoder = msgspec.msgpack.Encoder(enc_hook=plain)


def encode_all(answer: Any) -> bytes:
    return _encoder.encode(answer)


def test_refusals_of_another_replica_are_the_same(pair: Twice) -> None:
    two = pair.converter()
    pair.land.run(hop._raise_fence(two.office))
    pair.land.run(hop._raise_fence(pair.one.office))
    first, old = prepared(pair), prepared(pair, 1)
    pair.land.run(pair.land.requester().convert(first))
    reused = reuse_batch(pair, first)
    pair.land.clock.advance(200)
    for asked, problem in ((reused, BatchReused), (old, OutsideWindow)):
        for app in (pair.one.app, two.app):
            with pytest.raises(problem):
                ask(pair, contract.CONVERT, as_convert(asked), app)
    pair.land.clock.ahead_ms = 0


def reuse_batch(pair: Twice, first: Prepared) -> Prepared:
    """Another request about person 1 under the batch id of the first."""
    return reuse(pair.land, first, 1)


def test_one_use_per_exchange_id_over_two_converter_processes(pair: Twice) -> None:
    """What one has released in another place of the log, the other does not release."""
    two = pair.converter()
    pair.land.run(hop._raise_fence(two.office))
    asked = prepared(pair, 2)
    converted = pair.land.run(pair.land.requester().convert(asked))
    xids = xids_of(asked)
    pair.land.run(pair.one.office.db.write(lambda db: store.add_used(db, bytes(32), xids, "log", 10**9)))
    with instead(pair.land.country, FIRST, two.app), pytest.raises(ExchangeUsed):
        pair.land.run(pair.land.requester().release(asked, converted))


def test_both_release_the_same_request_at_once_and_count_it_once(pair: Twice) -> None:
    two = pair.converter()
    pair.land.run(hop._raise_fence(two.office))
    asked, land = prepared(pair, 3), pair.land
    converted = land.run(land.requester().convert(asked))
    day = day_in_japan(land.clock())
    before = released_people(pair, day)

    async def both() -> list[Any]:
        calls = []
        for app in (pair.one.app, two.app):
            with instead(land.country, FIRST, app):
                calls.append(asyncio.ensure_future(land.requester().release(asked, converted)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        return await asyncio.gather(*calls)

    mine, other = land.run(both())
    assert encode_all(mine) == encode_all(other)
    assert released_people(pair, day) == before + 1


def released_people(pair: Twice, day: int) -> int:
    rows = pair.one.office.db.read().execute(uses._USES, {"day": day}).fetchall()
    return sum(row[-1] for row in rows)


def test_a_start_of_one_replica_is_the_fence_of_all(pair: Twice) -> None:
    """What one refuses for its age no other takes: a refusal proves that nothing was filed, whoever is asked."""
    asked = prepared(pair)
    pair.land.clock.advance(0.01)
    two = pair.converter()
    with pytest.raises(BootFence):
        ask(pair, contract.CONVERT, as_convert(asked), two.app)
    before = filings(pair.land)
    with pytest.raises(BootFence):
        ask(pair, contract.CONVERT, as_convert(asked), pair.one.app)
    assert filings(pair.land) == before


def test_a_request_that_one_holds_in_hand_is_not_filed_after_another_has_refused_it(
    pair: Twice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has found nothing against it and has not written it down yet; meanwhile the second starts."""
    asked, real = prepared(pair), hop._own_shares_open
    pair.land.run(hop._raise_fence(pair.one.office))
    pair.land.clock.advance(0.01)

    def slow(*given: Any) -> None:
        second = threading.Thread(target=lambda: asyncio.run(hop._raise_fence(pair.converter().office)))
        second.start()
        second.join()
        monkeypatch.setattr(hop, "_own_shares_open", real)
        real(*given)

    monkeypatch.setattr(hop, "_own_shares_open", slow)
    before = filings(pair.land)
    with pytest.raises(BootFence):
        ask(pair, contract.CONVERT, as_convert(asked), pair.one.app)
    assert filings(pair.land) == before


def test_a_replica_whose_store_was_away_takes_no_request_from_before(pair: Twice) -> None:
    """What another replica wrote last may be gone: put back, or taken over by a server that was behind."""
    asked = prepared(pair)
    pair.land.run(hop._raise_fence(pair.one.office))
    pair.one.office.booted_ms = 0
    pair.land.clock.advance(0.01)
    pair.one.office.db.reached += 1
    with pytest.raises(BootFence):
        ask(pair, contract.CONVERT, as_convert(asked), pair.one.app)


def test_a_link_withheld_at_one_replica_is_withheld_at_all(pair: Twice) -> None:
    two = pair.converter()
    link = LinkAsked(CHILDREN, 1, TAX, 1)
    assert ask(pair, contract.LINK, link, two.app).signature
    pair.land.run(keys.withhold(pair.one.office, CHILDREN, TAX))
    try:
        with pytest.raises(LinkWithheld):
            ask(pair, contract.LINK, link, two.app)
        asked = prepared(pair)
        with pytest.raises(LinkWithheld):
            ask(pair, contract.CONVERT, as_convert(asked), two.app)
    finally:
        forget = b"DELETE FROM withheld_link"
        server = psycopg.conninfo.conninfo_to_dict(address(pair.land.country.path(FIRST)).server)
        with psycopg.connect(postgres_server.server().server(str(server["dbname"]), "postgres")) as root:
            root.execute(forget)


def test_a_month_key_destroyed_by_one_replica_opens_nothing_at_another(pair: Twice) -> None:
    """Nor does the other keep it in memory when the month can be destroyed."""
    two, month = pair.converter(), 7
    first = pair.one.office.db
    pair.land.run(first.write(lambda db: erasure_store.keep_month(db, month, bytes(32))))
    assert keys.opening_key(two.office, month)
    assert month not in two.office.months
    pair.land.run(first.write(lambda db: erasure_store.bury(db, month, b"order", [], [])))
    with pytest.raises(MonthDestroyed):
        keys.opening_key(two.office, month)


def test_month_keys_in_memory_go_when_their_month_is_past(pair: Twice) -> None:
    two = pair.converter()
    now = months_since_2000(pair.land.clock())
    keys.opening_key(two.office, now)
    assert now in two.office.months
    pair.land.clock.advance(100 * 86_400)
    fresh = now + 3
    pair.land.run(two.office.db.write(lambda db: erasure_store.keep_month(db, fresh, bytes(32))))
    keys.opening_key(two.office, fresh)
    assert set(two.office.months) == {fresh}
    pair.land.clock.ahead_ms = 0


def test_what_one_replica_refused_the_other_tells_the_commission(pair: Twice) -> None:
    two, land = pair.converter(), pair.land
    land.run(hop._raise_fence(two.office))
    wish = land.wish([land.code(CHILDREN, 0)])
    asked = land.run(land.requester().prepare(replace(wish, ground="JO999")))
    with pytest.raises(Problem) as told:
        ask(pair, contract.CONVERT, as_convert(asked), two.app)
    assert two.office.refused
    land.run(uses.keep_refused(two.office))
    day = day_in_japan(land.clock())
    rows = pair.one.office.db.read().execute(uses._REFUSALS, {"day": day}).fetchall()
    assert told.value.code in {row[1] for row in rows}
    assert not two.office.refused


def test_a_quota_is_one_for_all_replicas(pair: Twice) -> None:
    two, land = pair.converter(), pair.land
    land.run(hop._raise_fence(two.office))
    spent = sum(row[0] for row in pair.one.office.db.read().execute(PEOPLE))
    kept = [each.office.settings for each in (pair.one, two)]
    for each in (pair.one, two):
        each.office.settings = replace(each.office.settings, daily_limit=spent + 1)
    try:
        ask(pair, contract.CONVERT, as_convert(prepared(pair)), pair.one.app)
        with pytest.raises(QuotaExceeded):
            ask(pair, contract.CONVERT, as_convert(prepared(pair)), two.app)
    finally:
        for each, settings in zip((pair.one, two), kept, strict=True):
            each.office.settings = settings


# --- gateways ---


def test_a_request_sent_to_two_gateways_is_one_exchange(pair: Twice) -> None:
    """Delivered to both at once: one decision, the same sealed answer, one outcome in the log."""
    land, two = pair.land, pair.gateway()
    land.run(two.start())
    requester, asked = land.requester(), prepared(pair)
    converted = land.run(requester.convert(asked))
    released = land.run(requester.release(asked, converted))
    message = requester.delivery(asked, converted, released)
    before = log_size(land)

    async def both() -> list[Any]:
        peers, calls = land.country.peers(ASKING), []
        for app in (land.yokohama.app, two.app):
            with instead(land.country, ASKING, app):
                calls.append(asyncio.ensure_future(peers.ask(ASKING, gateway_contract.DELIVER, message)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        return await asyncio.gather(*calls)

    mine, other = land.run(both())
    assert (mine.sealed, mine.entries, mine.tags) == (other.sealed, other.entries, other.tags)
    assert log_size(land) == before + 1
    assert codebook.answered(two.office.db.read(), request_of(asked)) is not None


def test_each_of_two_gateways_asks_and_answers(pair: Twice) -> None:
    land, two = pair.land, pair.gateway()
    land.run(two.start())
    assert land.run(two.desk.ask(land.question(0))) is not None
    with instead(land.country, ASKING, two.app):
        assert land.run(land.ask(1)).items


def left_open(pair: Twice, j: int = 0) -> bytes:
    """A request of the first gateway that nobody has answered: the converter does not answer it."""
    land = pair.land

    async def nobody(*_: Any) -> None:
        raise PartyUnavailable(party=FIRST)

    with instead(land.country, FIRST, nobody), pytest.raises(PartyUnavailable):
        land.run(land.ask(j))
    (left,) = codebook.unfinished(land.yokohama.office.db.read())
    return left.request


def owners(pair: Twice) -> dict[bytes, str]:
    return {each.request: each.replica for each in codebook.unfinished(pair.land.yokohama.office.db.read())}


def test_a_replica_that_starts_takes_nothing_from_one_that_lives(pair: Twice) -> None:
    land = pair.land
    request, job = left_open(pair), begun_job(pair)
    office = land.yokohama.office
    taken = land.run(office.db.write(lambda db: take(db, job, office.db.replica)))
    two = pair.gateway()
    before = filings(land)
    land.run(two.start())
    land.run(two.watch())
    assert owners(pair) == {request: "1"}
    assert filings(land) == before
    assert [line.id for line in lines.at_step(office.db.read(), job, Step.UNDER_WAY, 9)] == taken
    # The first one's own next start takes both up: what it had left, and lines of which nothing had left.
    land.run(land.yokohama.desk.resume())
    assert owners(pair) == {}
    assert lines.at_step(office.db.read(), job, Step.UNDER_WAY, 9) == []


def begun_job(pair: Twice) -> bytes:
    land = pair.land
    people = tuple(jobs.Person(ref(j), f"case-{land.clock()}-{j}") for j in range(2))
    order = jobs.Order(CHILDREN, TAX, "JO106", (TAX_ROW,), "official-7", "children's desk", people)
    return land.run(jobs.begin(land.yokohama.office, order)).id


def take(db: Any, job: bytes, replica: str) -> list[bytes]:
    taken = [line.id for line in lines.at_step(db, job, Step.WAITING, 9)]
    lines.go(db, taken, replica)
    return taken


def test_a_job_begun_at_two_replicas_is_one(pair: Twice) -> None:
    land, two = pair.land, pair.gateway()
    people = (jobs.Person(ref(0), f"case-{land.clock()}"),)
    order = jobs.Order(CHILDREN, TAX, "JO106", (TAX_ROW,), "official-7", "children's desk", people)

    async def both() -> list[jobs.Job]:
        return list(
            await asyncio.gather(jobs.begin(land.yokohama.office, order), jobs.begin(two.office, order))
        )

    assert len({job.id for job in land.run(both())}) == 1
    found = land.yokohama.office.db.read()
    assert len(lines.at_step(found, order.id, Step.WAITING, 9)) == 1


def test_a_silent_replica_is_ended_before_its_work_is_taken_over_and_one_that_writes_is_not(
    pair: Twice,
) -> None:
    """One that is silent for ten looks writes nothing more from then on, whatever it still thinks; what it had left is
    carried to its end once. One that shows that it lives keeps all."""
    land = pair.land
    one, two, three = land.yokohama.office.db, pair.gateway(), pair.gateway("3")
    land.run(two.start())
    land.run(three.start())
    request = left_open(pair, 3)

    async def looked(quiet: bool) -> list[str]:
        ended = []
        for _ in range(replicas.LOOKS + 2):
            if not quiet:
                await one.look()
            await three.office.db.look()
            ended.append(await two.watch())
        return [each for each in ended if each]

    assert land.run(looked(quiet=False)) == []
    assert owners(pair)[request] == "1"
    assert land.run(looked(quiet=True)) == ["1"]
    assert owners(pair) == {request: "2+1"}
    land.run(two.desk.resume())  # the one that was ended is asked for the answer, and has no say
    assert owners(pair) == {request: "2+1"}
    with instead(land.country, "yokohama", two.app):
        land.run(two.desk.resume())
    assert owners(pair) == {}
    assert codebook.has_receipt(two.office.db.read(), request)
    assert codebook.unfinished(two.office.db.read()) == []
    with pytest.raises(StoreInUse):
        land.run(one.write(lambda db: codebook.finish(db, request)))
    assert one.overtaken
    # In its own place it starts again, with nothing to take up.
    pair.close_second()
    again = land.reopened()
    land.country, land.loop = again.country, again.loop
    assert land.run(land.ask(3)).items


def test_who_has_written_since_is_not_ended(pair: Twice) -> None:
    land = pair.land
    one, two = land.yokohama.office.db, pair.gateway().office.db
    seen = two.others()["1"]
    land.run(one.look())
    assert not land.run(two.end("1", seen))
    land.run(one.look())
    assert land.run(two.end("1", two.others()["1"]))
    with pytest.raises(StoreInUse):
        land.run(one.look())
    again = land.reopened()
    land.country, land.loop = again.country, again.loop


def test_names_that_begin_alike_are_not_one() -> None:
    assert carries("1", "1")
    assert carries("1", "1+2")
    assert not carries("1", "10")
    assert not carries("1", "10+1")
    assert not carries("", "1")
    assert carries("", "+")


# --- who must not stand twice ---


def unlogged(pair: Twice, monkeypatch: pytest.MonkeyPatch, count: int) -> list[Append]:
    """Batches that every record keeper has filed and no log has."""
    kept: list[Append] = []

    async def instead_of_logging(_: Any, __: Any, asked: Append, **___: Any) -> None:
        kept.append(asked)
        raise PartyUnavailable(party=LOGS[0].ledger)

    with monkeypatch.context() as patched:
        patched.setattr(recording, "append", instead_of_logging)
        for j in range(count):
            with pytest.raises(PartyUnavailable):
                pair.land.run(pair.land.requester().convert(prepared(pair, j)))
    return kept


def test_two_sequencers_on_one_store_give_no_index_twice(
    pair: Twice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same batches are sent to both at once: the one that was opened last logs each once, the other none, and says
    that its store is another's."""
    land, name = pair.land, LOGS[0].ledger
    pair.land.run(hop._raise_fence(pair.one.office))
    batches, before = unlogged(pair, monkeypatch, 3), log_size(land)
    old = land.country.ledgers[name]
    new = land.run(land.country.operators.open(LOGS[0]))
    land.run(new.start())

    async def both() -> list[Any]:
        roads = [Peers(InProcess(CONVERTERS[-1], {name: each.app})) for each in (old, new)]
        calls = [road.ask(name, APPEND, batch) for batch in batches for road in roads]
        return await asyncio.gather(*calls, return_exceptions=True)

    ended = land.run(both())
    assert {type(each) for each in ended[::2]} == {StoreInUse}
    given = [each for each in ended[1::2] if isinstance(each, Appended)]
    assert sorted(each.first for each in given) == list(range(before, before + 3))
    assert old.database.overtaken
    assert not new.database.overtaken
    new.close()
    again = land.reopened()
    land.country, land.loop = again.country, again.loop
    assert log_size(land) == before + 3
