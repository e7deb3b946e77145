"""Nobody is shown another history of the log: witnesses, converters at gate 1, the recipient at gate 2.

The attacker is the ledger's operator with the log's key, who signs what it likes. S1 … S11, R3, R4 and C9 are the
numbers of the claims (spec/witness.md, spec/lcx.md section 8).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from attacks.insider import log_size, office_of
from forked_log import ORIGIN as FOREIGN
from forked_log import Told, witness, witness_named
from kakine.cli.ledger_witness import Forked, forked_heads
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.proving import Level
from kakine.contracts.converter import HEAD, RELEASE, Converted, LastHead, Release, Released
from kakine.contracts.gateway import DELIVER
from kakine.contracts.ledger import CONSISTENCY, Appended, Growth
from kakine.country import CONVERTERS, LEDGER, LOGS, ORIGIN, signer_of
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.parties.witness.app import WitnessParty
from kakine.protocols.witnessing import Opened
from kakine.runtime import heads
from kakine.values.labels import PartyName
from kakine.values.problems import (
    ConsistencyInvalid,
    HeadForked,
    PartyUnavailable,
    Problem,
    ReceiptMismatch,
    StoreFailed,
)
from kakine.wire import checkpoint as notes
from kakine.wire.answer import Prepared
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import split_entries
from kakine.wire.submission import Submission
from road import away, raw_call, recorded
from watched_land import ledger_key, look
from watched_land import shown as judged

from land import CHILDREN, Land

TOLD, FORK = Told(), Told(fork_at=40)
YOKOHAMA = PartyName("yokohama")
T = TypeVar("T")


def add(party: WitnessParty, body: bytes) -> int:
    """The status that a submission gets."""
    return asyncio.run(raw_call(party.app, None, "/add-checkpoint", body)).status


def stored(party: WitnessParty) -> int:
    return heads.find(party.database.read(), FOREIGN)[0].size


# --- witnesses ------------------------------------------------------------------------------------


def test_s1_two_witnesses_that_were_shown_two_roots_of_one_size_each_refuse_the_other(tmp_path: Path) -> None:
    """Neither signs both, and each keeps the note of the other history: together they convict the log."""
    with witness(tmp_path, "a.example/w") as first, witness(tmp_path, "b.example/w") as second:
        assert (add(first, TOLD.body(0, 50)), add(second, FORK.body(0, 50))) == (200, 200)
        assert (add(first, FORK.body(50, 50)), add(second, TOLD.body(50, 50))) == (409, 409)
        assert heads.forks(first.database.read(), FOREIGN) == [FORK.note(50)]
        assert heads.forks(second.database.read(), FOREIGN) == [TOLD.note(50)]


def test_s3_a_fork_from_an_older_size_is_refused_whatever_old_size_it_names(tmp_path: Path) -> None:
    with witness(tmp_path) as one:
        add(one, TOLD.body(0, 50))
        assert [add(one, FORK.body(old, 60)) for old in (0, 30, 39, 40, 49)] == [409] * 5
        assert add(one, FORK.body(50, 60)) == 422
        assert add(one, Submission(50, tuple(TOLD.proof(50, 60)), FORK.note(60)).encode()) == 422
        assert stored(one) == 50


@pytest.mark.parametrize("order", [(60, 70), (70, 60)])
def test_s9_of_two_submissions_from_one_old_size_at_the_same_time_one_passes(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    """The race that the standard names: N and N+K, both from the same old size."""
    with witness(tmp_path) as one:
        add(one, TOLD.body(0, 50))

        async def both() -> list[int]:
            calls = [raw_call(one.app, None, "/add-checkpoint", TOLD.body(50, size)) for size in order]
            return [reply.status for reply in await asyncio.gather(*calls)]

        assert asyncio.run(both()) == [200, 409]
        assert stored(one) == order[0]


def test_c9_a_witness_that_dies_between_storing_and_answering_goes_on(tmp_path: Path) -> None:
    """The log asks again, is told the size, and gets the cosignature of the head that is on disk."""
    one = witness_named(tmp_path)
    submission = TOLD.submission(0, 50)
    found = heads.Opened(FOREIGN, TOLD.head(50), TOLD.note(50))
    asyncio.run(one.database.write(lambda db: heads.advance(db, submission, found)))
    one.close()
    with witness(tmp_path) as again:
        assert add(again, FORK.body(0, 60)) == 409
        assert add(again, TOLD.body(0, 50)) == 409
        assert add(again, TOLD.body(50, 50)) == 200


def test_r4_a_witness_put_back_from_a_backup_signs_a_fork_that_others_refuse(tmp_path: Path) -> None:
    """Why a quorum asks two of three: the one that has forgotten can be told another history."""
    names = ["a.example/w", "b.example/w", "c.example/w"]
    parties = [witness_named(tmp_path, name) for name in names]
    assert [add(party, TOLD.body(0, 30)) for party in parties] == [200] * 3
    backup = sqlite3.connect(tmp_path / "backup.sqlite")
    parties[0].database.read().backup(backup)
    backup.close()
    assert [add(party, TOLD.body(30, 50)) for party in parties] == [200] * 3
    parties[0].close()
    for left in tmp_path.glob("a.example-w.sqlite*"):
        left.unlink()
    (tmp_path / "backup.sqlite").rename(tmp_path / "a.example-w.sqlite")
    parties[0] = witness_named(tmp_path, names[0])
    assert [add(party, FORK.body(30, 50)) for party in parties] == [200, 409, 409]
    for party in parties:
        party.close()


# --- gate 1 ---------------------------------------------------------------------------------------


def run_to_receipt(land: Land, j: int = 0) -> tuple[Prepared, Converted]:
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, j)])))
    return prepared, land.run(requester.convert(prepared))


def shown(prepared: Prepared, converted: Converted) -> Release:
    return Release(
        prepared.public,
        prepared.record,
        prepared.entries,
        prepared.tags,
        converted.filed,
        converted.hops,
        prepared.disclosed,
        prepared.withheld,
        prepared.openings,
        converted.growth,
    )


def release(land: Land, name: PartyName, prepared: Prepared, converted: Converted) -> Released:
    return land.run(land.country.peers("yokohama").ask(name, RELEASE, shown(prepared, converted)))


def history_of(land: Land, *, without: int | None = None) -> list[bytes]:
    """All entries of the log; the one at `without` replaced by another."""
    db = land.country.ledgers[LEDGER].database.read()
    entries = [row[0] for row in db.execute("SELECT bytes FROM entry ORDER BY idx")]
    if without is not None:
        entries[without] = entries[without][:16] + bytes(64)
    return entries


def on_a_fork(land: Land, prepared: Prepared, converted: Converted, extra: int = 0) -> Converted:
    """The same receipt in another history: entry 0 never was what everybody else has seen. Signed by the log."""
    entries = history_of(land, without=0) + [bytes(80)] * extra
    tree = Tree()
    tree.append([leaf_hash(entry) for entry in entries])
    first, count = converted.filed.receipt.first, len(split_entries(prepared.entries))
    key = land.country.identities[signer_of(LOGS[0])].signing
    note = notes.make(ORIGIN, tree.size, tree.root(), key)
    receipt = Appended(first, tree.range_proof(first, count), note)
    return msgspec.structs.replace(converted, filed=msgspec.structs.replace(converted.filed, receipt=receipt))


def last_head(land: Land, name: PartyName) -> Checkpoint:
    seen = land.run(land.country.peers("yokohama").ask(name, HEAD, LastHead(ORIGIN)))
    return Checkpoint(seen.size, seen.root)


@pytest.mark.parametrize("extra", [0, 5])
def test_s2_a_converter_that_alone_is_shown_a_fork_releases_nothing(land: Land, extra: int) -> None:
    """Of the size it knows, and longer than the log: the entries are there, and signed by the log's own key."""
    land.run(land.ask(1))
    prepared, converted = run_to_receipt(land)
    forked = on_a_fork(land, prepared, converted, extra)
    for name in CONVERTERS:
        before = last_head(land, name)
        with pytest.raises(ConsistencyInvalid):
            release(land, name, prepared, forked)
        assert last_head(land, name) == before
    assert len(release(land, CONVERTERS[0], prepared, converted).head) == 64


def test_s2_a_second_root_of_a_size_it_knows_is_kept_as_proof(land: Land) -> None:
    prepared, converted = run_to_receipt(land)
    release(land, CONVERTERS[0], prepared, converted)
    forked = on_a_fork(land, prepared, converted)
    with pytest.raises(HeadForked):
        release(land, CONVERTERS[0], prepared, forked)
    kept = heads.forks(office_of(land, 1).db.read(), ORIGIN)
    assert kept == [forked.filed.receipt.checkpoint]


def test_s2_a_kept_fork_is_shown_and_proves_to_everybody_that_the_log_has_two_histories(
    land: Land, tmp_path: Path
) -> None:
    prepared, converted = run_to_receipt(land)
    release(land, CONVERTERS[0], prepared, converted)
    land.run(land.country.have_witnessed())
    assert land.run(forked_heads(land.country)) == []
    forked = on_a_fork(land, prepared, converted)
    with pytest.raises(HeadForked):
        release(land, CONVERTERS[0], prepared, forked)
    at = notes.open(forked.filed.receipt.checkpoint, ORIGIN, ledger_key(land))
    watcher = land.country.watchers.party("citizens-watch")
    opened = Opened(ORIGIN, at, forked.filed.receipt.checkpoint)
    land.run(watcher.database.write(lambda db: heads.keep_fork(db, opened)))
    assert land.run(forked_heads(land.country)) == [
        Forked(ORIGIN, who, at) for who in (CONVERTERS[0], "citizens-watch")
    ]
    done = look(land, tmp_path)
    found = [finding.facts["who"] for finding in done.findings if finding.code is Code.HEAD_FORKED]
    assert found == [CONVERTERS[0], "citizens-watch"]
    assert judged(land, done, tmp_path)[Code.HEAD_FORKED] is Level.PROVEN


def test_s3_an_older_head_of_another_history_is_refused_too(land: Land) -> None:
    """The fork is shorter than what the converter has seen: the proof is asked for the other way round."""
    prepared, converted = run_to_receipt(land)
    forked = on_a_fork(land, prepared, converted)
    later = run_to_receipt(land, 1)
    release(land, CONVERTERS[0], *later)
    with pytest.raises(ConsistencyInvalid):
        release(land, CONVERTERS[0], prepared, forked)


def grown(land: Land, fork: bool, old: int) -> Growth:
    """From a size on, in the log's own history or in the forked one, five entries longer."""
    tree = Tree()
    tree.append(
        [leaf_hash(each) for each in history_of(land, without=0 if fork else None) + [bytes(80)] * 5 * fork]
    )
    return Growth(old, tree.consistency_proof(old))


def test_the_growth_that_comes_with_the_receipt_spares_asking_the_log(land: Land) -> None:
    """From the head that all have seen at the exchange before; verified as the log's own answer is."""
    land.run(land.ask(1))
    with recorded() as passages:
        land.run(land.ask(0))
    assert [each.path for each in passages].count(RELEASE.path) == 3
    assert CONSISTENCY.path not in [each.path for each in passages]


def test_a_growth_proves_no_fork(land: Land) -> None:
    """Each is true in the history of who brings it: the log's own, the forked one, from here or from elsewhere."""
    land.run(land.ask(1))
    prepared, converted = run_to_receipt(land)
    forked = on_a_fork(land, prepared, converted, 5)
    size = last_head(land, CONVERTERS[0]).size
    assert converted.growth is not None
    assert converted.growth.old == size
    shown = [
        converted.growth,
        *(grown(land, fork, old) for fork in (True, False) for old in (size, size - 1)),
    ]
    for name in CONVERTERS:
        before = last_head(land, name)
        for growth in [*shown, Growth(size, [])]:
            with pytest.raises(ConsistencyInvalid):
                release(land, name, prepared, msgspec.structs.replace(forked, growth=growth))
            assert last_head(land, name) == before


def spoiled(growth: Growth) -> list[Growth]:
    """Not what the log has shown, each in another way."""
    first, *rest = growth.proof
    other = bytes([first[0] ^ 1]) + first[1:]
    wrong = [[other, *rest], rest, [*growth.proof, first], [first[:31], *rest], []]
    return [Growth(growth.old, each) for each in wrong] + [
        Growth(growth.old - 1, growth.proof),
        Growth(0, []),
    ]


def test_a_growth_that_proves_nothing_is_neither_believed_nor_in_the_way(land: Land) -> None:
    """While the log can be asked the release goes on with its own proof; while it cannot, nothing is released."""
    land.run(land.ask(1))
    prepared, converted = run_to_receipt(land)
    assert converted.growth is not None
    before = last_head(land, CONVERTERS[0])
    with away(land.country, LEDGER):
        for growth in spoiled(converted.growth):
            with pytest.raises(PartyUnavailable):
                release(land, CONVERTERS[0], prepared, msgspec.structs.replace(converted, growth=growth))
            assert last_head(land, CONVERTERS[0]) == before
        assert release(land, CONVERTERS[1], prepared, converted).head
    bad = msgspec.structs.replace(converted, growth=spoiled(converted.growth)[0])
    assert release(land, CONVERTERS[0], prepared, bad).head


def test_receipts_may_come_in_any_order(land: Land) -> None:
    """An older head of the same history is no fork, and does not undo the newer one."""
    older, newer = run_to_receipt(land), run_to_receipt(land, 1)
    release(land, CONVERTERS[0], *newer)
    top = last_head(land, CONVERTERS[0])
    release(land, CONVERTERS[0], *older)
    assert last_head(land, CONVERTERS[0]) == top


def test_a_head_is_on_disk_before_the_share_leaves(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """And in the same transaction as the released exchange: none of the two without the other."""
    prepared, converted = run_to_receipt(land)
    office, before = office_of(land, 1), last_head(land, CONVERTERS[0])
    write = office.db.write

    async def failing(work: object) -> None:
        raise StoreFailed()

    monkeypatch.setattr(office.db, "write", failing)
    with pytest.raises(StoreFailed):
        release(land, CONVERTERS[0], prepared, converted)
    monkeypatch.setattr(office.db, "write", write)
    assert last_head(land, CONVERTERS[0]) == before
    assert office.db.read().execute("SELECT count(*) FROM used_exchange WHERE position = ?",
        (converted.filed.receipt.first,)).fetchone() == (0,)  # fmt: skip
    release(land, CONVERTERS[0], prepared, converted)
    assert last_head(land, CONVERTERS[0]).size == log_size(land)


def test_head_and_exchange_are_stored_by_one_write(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lone caller waits for no commit more than without witnesses."""
    prepared, converted = run_to_receipt(land)
    office, writes = office_of(land, 1), list[object]()
    write = office.db.write

    async def counted(work: Callable[[sqlite3.Connection], T]) -> T:
        writes.append(work)
        return await write(work)

    monkeypatch.setattr(office.db, "write", counted)
    before = last_head(land, CONVERTERS[0]).size
    release(land, CONVERTERS[0], prepared, converted)
    assert len(writes) == 1
    assert last_head(land, CONVERTERS[0]).size > before


def test_c9_a_converter_that_starts_anew_keeps_its_head_and_answers_again(land: Land) -> None:
    prepared, converted = run_to_receipt(land)
    first = release(land, CONVERTERS[0], prepared, converted)
    forked = on_a_fork(land, prepared, converted)
    top = last_head(land, CONVERTERS[0])
    with land.reopened() as again:
        assert last_head(again, CONVERTERS[0]) == top
        with pytest.raises(HeadForked):
            release(again, CONVERTERS[0], prepared, forked)
        assert release(again, CONVERTERS[0], prepared, converted) == first


def test_s9_a_head_stored_meanwhile_by_the_other_door_stops_a_release_on_another_history(land: Land) -> None:
    """Between the proof and the transaction a fork is cosigned over HTTP; the transaction sees it."""
    prepared, converted = run_to_receipt(land)
    office, forked = office_of(land, 1), on_a_fork(land, prepared, converted, 5)
    before = last_head(land, CONVERTERS[0])
    entries = history_of(land, without=0) + [bytes(80)] * 5
    assert before.size
    note = forked.filed.receipt.checkpoint
    head = notes.parse(notes.text_of(note), ORIGIN)
    admit = office.histories[ORIGIN].admit

    async def late(*asked: object) -> object:
        known = await admit(*asked)  # type: ignore[arg-type]
        await office.db.write(lambda db: heads._store(db, ORIGIN, head, note))
        return known

    office.histories[ORIGIN].admit = late  # type: ignore[method-assign, assignment]
    assert len(entries) == head.size
    with pytest.raises(Problem) as refusal:
        release(land, CONVERTERS[0], prepared, converted)
    assert isinstance(refusal.value, ConsistencyInvalid)


def test_many_receipts_at_the_same_time_are_released(land: Land) -> None:
    """Heads in any order, all on one history: nobody is turned away."""
    asked = [run_to_receipt(land, j) for j in (0, 1, 2, 3)]

    async def all_of() -> list[Released]:
        peers = land.country.peers("yokohama")
        calls = [peers.ask(name, RELEASE, shown(*each)) for each in reversed(asked) for name in CONVERTERS]
        return await asyncio.gather(*calls)

    assert len(land.run(all_of())) == 12
    assert {last_head(land, name).size for name in CONVERTERS} == {log_size(land)}


def test_a_converter_cosigns_as_any_witness_does_over_the_same_head(land: Land) -> None:
    land.run(land.ask(0))
    app = land.country.apps[CONVERTERS[0]]
    top = last_head(land, CONVERTERS[0])
    note = heads.find(office_of(land, 1).db.read(), ORIGIN)[1]
    prepared, converted = run_to_receipt(land, 1)
    forked = on_a_fork(land, prepared, converted).filed.receipt.checkpoint
    for body, status in (
        (Submission(0, (), note), 409),
        (Submission(top.size, (), note), 200),
        (Submission(top.size, (bytes(32),), forked), 422),
    ):
        assert land.run(raw_call(app, None, "/add-checkpoint", body.encode())).status == status


# --- gate 2 ---------------------------------------------------------------------------------------


@pytest.fixture
def released(land: Land) -> tuple[Land, Prepared, Converted, list[Released]]:
    prepared, converted = run_to_receipt(land)
    return land, prepared, converted, land.run(land.requester().release(prepared, converted))


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("wrong", ["none", "another converter's", "of another head"])
def test_the_recipient_demands_that_every_converter_has_seen_the_head(
    released: tuple[Land, Prepared, Converted, list[Released]], position: int, wrong: str
) -> None:
    land, prepared, converted, given = released
    other = {"none": b"", "another converter's": given[position - 1].head}.get(wrong)
    if other is None:
        other = release(land, CONVERTERS[position], *run_to_receipt(land, 1)).head
    values = list(given)
    values[position] = Released(given[position].sealed, other)
    message = land.requester().delivery(prepared, converted, values)
    with pytest.raises(ReceiptMismatch):
        land.run(land.country.peers("yokohama").ask(YOKOHAMA, DELIVER, message))
    good = land.requester().delivery(prepared, converted, given)
    land.run(land.country.peers("yokohama").ask(YOKOHAMA, DELIVER, good))
