"""Nobody makes a log forget: not a replaced sequencer, not two of them, not a backup put back (S7, S8, R1, R2, C7).

The attacker here runs the ledger: it has its name on the road and its store. The signer's key it has not.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

import log_signer
from kakine.contracts.signer import SIGN, SIGNED, Extension, OfLog
from kakine.country import Country, Site
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import EMPTY, Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Seen
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Store
from kakine.parties.signer.app import Signer
from kakine.runtime.database import Database
from kakine.runtime.http import InProcess, Peers
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    HeadNotExtending,
    LedgerBehind,
    LedgerDiverged,
    LedgerForked,
    StoreFailed,
)
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from log_signer import LEDGER, SIGNER

from land import CHILDREN, TAX, Land

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)


def entry(number: int) -> bytes:
    return digest("entry", number.to_bytes(8, "big")) + digest("rest") + bytes(16)


def tag(number: int) -> bytes:
    return digest("tag", number.to_bytes(8, "big"))


def tree(numbers: Sequence[int]) -> Tree:
    made = Tree()
    made.append([leaf_hash(entry(number)) for number in numbers])
    return made


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[Signer]:
    with closing(log_signer.opened(tmp_path, ORIGIN, KEY)) as running:
        yield running


def ask(signer: Signer, asked: Extension, caller: PartyName = LEDGER) -> Checkpoint:
    road = Peers(InProcess(caller, {SIGNER: signer.app}))
    return notes.open(asyncio.run(road.ask(SIGNER, SIGN, asked)).checkpoint, ORIGIN, KEY.public)


def held(signer: Signer) -> Checkpoint:
    note = asyncio.run(log_signer.road(signer).ask(SIGNER, SIGNED, OfLog(ORIGIN))).checkpoint
    return notes.open(note, ORIGIN, KEY.public)


def extension(of: Tree, old: int, size: int) -> Extension:
    return Extension(ORIGIN, old, size, of.root(size), of.consistency_proof(old, size))


# --- S7: what the signer signs -------------------------------------------------------------------------------

TRUE, FORK = tree(range(20)), tree([*range(3), 99, *range(4, 20)])

FORGERIES: dict[str, Extension] = {
    "another root at the same size": extension(FORK, 8, 8),
    "a smaller head": Extension(ORIGIN, 8, 5, TRUE.root(5), []),
    "a smaller head as if nothing was signed": extension(TRUE, 0, 5),
    "a larger head as if nothing was signed": extension(FORK, 0, 12),
    "a larger head from an older one": extension(TRUE, 5, 12),
    "a fork with the fork's own proof": extension(FORK, 8, 12),
    "a fork with the true proof": Extension(ORIGIN, 8, 12, FORK.root(12), TRUE.consistency_proof(8, 12)),
    "a fork without a proof": Extension(ORIGIN, 8, 12, FORK.root(12), []),
    "a head from one that is not signed yet": extension(TRUE, 10, 12),
    "another log": Extension("ledger.example/2026/b", 0, 1, TRUE.root(1), []),
    "a root that is no hash": Extension(ORIGIN, 8, 12, TRUE.root(12)[:31], []),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_s7_a_replaced_sequencer_gets_no_head_signed_that_does_not_extend_the_last(
    signer: Signer, forgery: Extension
) -> None:
    ask(signer, extension(TRUE, 0, 8))
    with pytest.raises(HeadNotExtending):
        ask(signer, forgery)
    assert held(signer) == Checkpoint(8, TRUE.root(8))
    assert ask(signer, extension(TRUE, 8, 12)) == Checkpoint(12, TRUE.root(12))


def test_s7_the_last_head_is_signed_again_with_the_same_bytes_also_after_a_restart(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        with closing(log_signer.opened(tmp_path, ORIGIN, KEY)) as signer:
            road = log_signer.road(signer)
            made += [asyncio.run(road.ask(SIGNER, SIGN, extension(TRUE, 0, 8))).checkpoint for _ in range(2)]
            with pytest.raises(HeadNotExtending):
                ask(signer, extension(FORK, 0, 8))
    assert len(set(made)) == 1


def test_s7_of_two_heads_asked_for_at_once_only_one_is_signed(signer: Signer) -> None:
    ask(signer, extension(TRUE, 0, 2))
    forks = [tree([0, 1, number]) for number in range(2, 8)]

    async def all_at_once() -> list[object]:
        road = log_signer.road(signer)
        asked = [road.ask(SIGNER, SIGN, extension(fork, 2, 3)) for fork in forks]
        return await asyncio.gather(*asked, return_exceptions=True)

    given = asyncio.run(all_at_once())
    refused = [each for each in given if isinstance(each, HeadNotExtending)]
    assert len(refused) == len(forks) - 1


def test_s7_a_head_that_could_not_be_stored_is_not_signed(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: Database, work: object) -> None:
        raise StoreFailed()

    with monkeypatch.context() as broken:
        broken.setattr(Database, "write", full)
        with pytest.raises(StoreFailed):
            ask(signer, extension(TRUE, 0, 8))
    assert held(signer) == Checkpoint(0, EMPTY)


def test_s7_a_first_head_whose_root_is_no_hash_is_not_signed(signer: Signer) -> None:
    with pytest.raises(HeadNotExtending):
        ask(signer, Extension(ORIGIN, 0, 5, TRUE.root(5)[:31], []))
    assert held(signer) == Checkpoint(0, EMPTY)


@pytest.mark.parametrize("caller", ["mailbox", "commission", "ledger-b", "ledger-a-signer"])
def test_s7_nobody_but_the_ledger_gets_a_signature(signer: Signer, caller: str) -> None:
    with pytest.raises(CallerNotAllowed):
        ask(signer, extension(TRUE, 0, 8), PartyName(caller))
    assert held(signer) == Checkpoint(0, EMPTY)


# --- S8: two sequencers on one signer ------------------------------------------------------------------------


def sequencer(folder: Path, signer: Signer, seen: Sequence[Seen] = ()) -> tuple[Sequencer, Database]:
    """One on a store of its own in this folder. `seen` is what others say they keep."""

    async def others() -> Sequence[Seen]:
        return seen

    folder.mkdir(exist_ok=True)
    database = Database.open(folder / "ledger.sqlite", METADATA)
    return Sequencer(Store(database), log_signer.attestor(signer, ORIGIN, KEY), others), database


def append(to: Sequencer, number: int) -> bytes:
    return asyncio.run(to.append([entry(number)], [tag(number)])).checkpoint


def test_s8_of_two_sequencers_with_stores_of_their_own_one_never_gives_a_receipt(
    tmp_path: Path, signer: Signer
) -> None:
    """Both are cut off from each other and reach the one signer."""
    first, one = sequencer(tmp_path / "one", signer)
    second, two = sequencer(tmp_path / "two", signer)
    for each in (first, second):
        assert asyncio.run(each.head()).at.size == 0
    notes.open(append(first, 1), ORIGIN, KEY.public)
    for number in (2, 2, 3):
        with pytest.raises(LedgerForked):
            append(second, number)
    assert notes.open(append(first, 4), ORIGIN, KEY.public).size == 2
    one.close()
    two.close()


# --- R1, R2: backups put back --------------------------------------------------------------------------------


def copied(folder: Path, to: Path, *names: str) -> None:
    """Put the files of closed stores where others may lie."""
    to.mkdir(exist_ok=True)
    for name in names:
        for path in to.glob(f"{name}*"):
            path.unlink()
        for path in folder.glob(f"{name}*"):
            shutil.copy(path, to)


def grown(folder: Path, signer: Signer, *numbers: int) -> bytes:
    """Append to the log in this folder; its last checkpoint."""
    running, database = sequencer(folder, signer)
    note = [append(running, number) for number in numbers][-1]
    asyncio.run(running.start())
    database.close()
    return note


def test_r1_a_database_put_back_from_last_night_is_refused(tmp_path: Path, signer: Signer) -> None:
    grown(tmp_path / "live", signer, 1, 2)
    copied(tmp_path / "live", tmp_path / "night", "ledger.sqlite")
    grown(tmp_path / "live", signer, 3)
    restored, database = sequencer(tmp_path / "night", signer)
    for attempt in (lambda: asyncio.run(restored.start()), lambda: append(restored, 4)):
        with pytest.raises(LedgerBehind) as caught:
            attempt()
        assert caught.value.facts == {"known_to": SIGNER, "size": 3, "stored": 2}
    database.close()


def test_r2_a_database_put_back_together_with_the_signers_store_is_refused_by_those_who_saw_more(
    tmp_path: Path,
) -> None:
    names = ("ledger.sqlite", f"{SIGNER}.sqlite")
    live, night = tmp_path / "live", tmp_path / "night"
    live.mkdir()
    with closing(log_signer.opened(live, ORIGIN, KEY)) as signer:
        grown(live, signer, 1, 2)
    copied(live, night, *names)
    with closing(log_signer.opened(live, ORIGIN, KEY)) as signer:
        seen = grown(live, signer, 3)
    with closing(log_signer.opened(night, ORIGIN, KEY)) as signer:
        restored, database = sequencer(night, signer, [Seen("converter-2", seen)])
        for attempt in (lambda: asyncio.run(restored.start()), lambda: append(restored, 4)):
            with pytest.raises(LedgerBehind) as caught:
                attempt()
            assert caught.value.facts == {"known_to": "converter-2", "size": 3, "stored": 2}
        assert held(signer).size == 2
        database.close()


def test_r2_a_restored_log_that_has_grown_another_way_is_refused_by_those_who_saw_the_first(
    tmp_path: Path,
) -> None:
    """Nobody could be asked while it grew; whoever can be asked at the next start has another head."""
    live, night = tmp_path / "live", tmp_path / "night"
    for folder in (live, night):
        folder.mkdir()
    with closing(log_signer.opened(live, ORIGIN, KEY)) as signer:
        seen = grown(live, signer, 1, 2, 3)
    with closing(log_signer.opened(night, ORIGIN, KEY)) as signer:
        grown(night, signer, 1, 2, 4, 5)
        restored, database = sequencer(night, signer, [Seen("witness-1", seen)])
        with pytest.raises(LedgerForked) as caught:
            asyncio.run(restored.start())
        assert caught.value.facts == {"known_to": "witness-1", "size": 3}
        database.close()


def test_r2_what_the_signer_never_signed_stops_no_ledger(tmp_path: Path, signer: Signer) -> None:
    """Otherwise any one of the others could."""
    grown(tmp_path / "live", signer, 1, 2)
    other = SigningKey(b"X" * 32)
    made_up = [notes.make(ORIGIN, 9, bytes(32), other), notes.make("else/2026/a", 9, bytes(32), KEY), b""]
    running, database = sequencer(tmp_path / "live", signer, [Seen("converter-1", note) for note in made_up])
    assert notes.open(append(running, 3), ORIGIN, KEY.public).size == 3
    database.close()


def test_r1_a_country_whose_ledger_was_put_back_does_not_open(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX)) as land:
        country, site = tmp_path / "land", land.country.site
        land.country.close()
        copied(country, tmp_path / "night", "ledger-a.sqlite")
        land.country = land.run(Country.open(site))
        land.run(land.ask(0))
    copied(tmp_path / "night", country, "ledger-a.sqlite")
    with pytest.raises(LedgerBehind):
        asyncio.run(opened_and_closed(site))


async def opened_and_closed(site: Site) -> None:
    async with await Country.open(site):
        pass


# --- C7: a bit that flips between insert and read-back -------------------------------------------------------


def test_c7_a_bit_that_flips_on_the_way_to_the_disk_is_never_signed(tmp_path: Path, signer: Signer) -> None:
    class Flipping(Store):
        def entries(self, first: int, count: int) -> list[bytes]:
            found = super().entries(first, count)
            return [bytes([found[0][0] ^ 1]) + found[0][1:], *found[1:]]

    database = Database.open(tmp_path / "ledger.sqlite", METADATA)
    running = Sequencer(Flipping(database), log_signer.attestor(signer, ORIGIN, KEY))
    with pytest.raises(LedgerDiverged) as caught:
        append(running, 1)
    assert caught.value.facts == {"part": "read back"}
    assert held(signer) == Checkpoint(0, EMPTY)
    database.close()
