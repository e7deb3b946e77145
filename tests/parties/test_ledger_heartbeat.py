"""A log that nothing happens to says so, and only the log itself can."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import log_signer
from kakine.cli.ledger import _check
from kakine.country import LEDGER, LOGS
from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.heart import Heart
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Store
from kakine.runtime.database import Database
from kakine.values.problems import LedgerDiverged
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.heartbeat import Heartbeat

from land import CHILDREN, TAX, Land, Ticking

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)
MINUTES = 29_000_000


@dataclass
class Scene:
    """A log, its heart, and a clock that tests set."""

    store: Store
    sequencer: Sequencer
    now_ms: int = MINUTES * 60_000

    def heart(self) -> Heart:
        size = asyncio.run(self.sequencer.head()).at.size
        return Heart(self.sequencer, lambda: self.now_ms, 10_000, size)

    async def add(self, number: int) -> None:
        tag = digest("tag", number.to_bytes(8, "big"))
        await self.sequencer.append([tag + tag + bytes(16)], [tag])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with (
        closing(log_signer.opened(tmp_path, ORIGIN, KEY)) as signer,
        closing(Database.open(tmp_path / "ledger.sqlite", METADATA)) as database,
    ):
        store = Store(database)
        yield Scene(store, Sequencer(store, log_signer.attestor(signer, ORIGIN, KEY)))


def beats(heart: Heart) -> bool:
    return asyncio.run(heart.beat())


def test_a_heartbeat_names_the_log_before_it_so_that_anybody_can_make_it_again(scene: Scene) -> None:
    for number in range(3):
        asyncio.run(scene.add(number))
    before = asyncio.run(scene.sequencer.head()).at
    assert beats(scene.heart())
    (entry,) = scene.store.entries(3, 1)
    assert entry == Heartbeat(3, before.root, MINUTES).entry()
    assert Entry.decode(entry).kind is EntryKind.HEARTBEAT
    for other in (
        Heartbeat(2, before.root, MINUTES),
        Heartbeat(3, bytes(32), MINUTES),
        Heartbeat(3, before.root, 1),
    ):
        assert other.entry() != entry
        assert other.tag() != Heartbeat(3, before.root, MINUTES).tag()


def test_it_beats_after_a_start_and_then_when_nothing_came_for_ten_seconds(scene: Scene) -> None:
    heart = scene.heart()
    assert beats(heart)
    assert not beats(heart)
    scene.now_ms += 9_999
    assert not beats(heart)
    scene.now_ms += 1
    assert beats(heart)
    scene.now_ms += 60_000
    asyncio.run(scene.add(1))
    assert not beats(heart)
    scene.now_ms += 9_999
    assert not beats(heart)
    scene.now_ms += 1
    assert beats(heart)
    assert [Entry.decode(each).minutes for each in [*scene.store.all_entries()][-1:]] == [MINUTES + 1]


def test_an_empty_log_beats_too(scene: Scene) -> None:
    assert beats(scene.heart())
    assert asyncio.run(scene.sequencer.head()).at.size == 1


def test_a_log_that_is_being_appended_to_needs_none(scene: Scene) -> None:
    async def both() -> bool:
        await scene.sequencer.head()
        adding = asyncio.ensure_future(scene.add(1))
        await asyncio.sleep(0)
        beaten = await scene.sequencer.beat(MINUTES)
        await adding
        return beaten

    assert not asyncio.run(both())
    assert asyncio.run(scene.sequencer.head()).at.size == 1


def test_a_heartbeat_that_met_a_fault_does_not_stand_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry is durable, its head was not signed: the next one is about the log that has it."""
    heart = scene.heart()
    with monkeypatch.context() as broken:

        async def lost(*_: object) -> object:
            raise ConnectionError

        broken.setattr("kakine.parties.ledger.attest.Attestor.sign", lost)
        with pytest.raises(Exception, match="internal-fault"):
            beats(heart)
    scene.now_ms += 10_000
    beats(heart)
    scene.now_ms += 10_000
    beats(heart)
    tree = asyncio.run(scene.sequencer.head()).tree
    for index, entry in enumerate(scene.store.all_entries()):
        assert entry == Heartbeat(index, tree.root(index), Entry.decode(entry).minutes).entry()


def test_a_heartbeat_of_another_log_is_noticed_by_whoever_checks_the_ledger(tmp_path: Path) -> None:
    """The sequencer's operator could log anything as kind 9; it does not fit the entries before it."""
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX), clock=Ticking()) as land:
        assert not land.run(land.country.ledgers[LEDGER].beat())
        land.clock.advance(10)
        assert land.run(land.country.ledgers[LEDGER].beat())
        land.run(_check(land.country, LOGS[0]))
        before = land.run(land.country.ledgers[LEDGER]._sequencer.head()).at
        lie = Heartbeat(before.size, bytes(32), MINUTES)
        land.run(land.country.ledgers[LEDGER]._sequencer.append([lie.entry()], [lie.tag()]))
        with pytest.raises(LedgerDiverged) as caught:
            land.run(_check(land.country, LOGS[0]))
        assert caught.value.facts == {"part": "heartbeat", "index": before.size}
