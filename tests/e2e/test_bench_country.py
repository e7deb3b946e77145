"""`make bench-country` counts what it says it counts, and a party takes what it is filled with as its own."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kakine.crypto.merkle import EMPTY, Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.institutions.stores import TABLES
from kakine.parties.ledger.attest import Attestor
from kakine.parties.ledger.head import Head, load
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.database import Database
from kakine.runtime.http import InProcess, Peers
from kakine.values.labels import PartyName
from kakine.values.problems import LedgerDiverged
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry

BENCH = Path(__file__).resolve().parents[2] / "bench"
ORIGIN, KEY = "ledger.example/bench", SigningKey(b"L" * 32)
NAMES = ("cost", "engines", "file", "floors", "growth", "load", "tables")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of bench/ can be imported."""
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("exchange", "country", *(f"country_{each}" for each in NAMES)):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def load_of() -> ModuleType:
    """bench/country_load.py."""
    import country_load  # type: ignore[import-not-found]

    found: ModuleType = country_load
    return found


@pytest.fixture
def growth() -> ModuleType:
    """bench/country_growth.py."""
    import country_growth  # type: ignore[import-not-found]

    found: ModuleType = country_growth
    return found


def test_a_closed_loop_has_as_many_questions_under_way_as_callers(
    load_of: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never more, and no fewer while there is time."""
    ticks = itertools.count(0, 0.001)
    monkeypatch.setattr(load_of.time, "perf_counter", lambda: next(ticks))
    now = most = 0

    async def work() -> str:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0)
        now -= 1
        return "delivered"

    found = asyncio.run(load_of.closed([work], 5, 0.05))
    assert most == 5
    assert found["results"] == {"delivered": found["count"]}
    assert found["count"] > 5


def test_an_open_loop_counts_from_when_a_question_was_due(load_of: ModuleType) -> None:
    """A stall of 60 ms is felt by each that fell due in it and could not even be sent, and not by the first alone."""
    stall = 0.06
    first = True

    async def work() -> str:
        nonlocal first
        if first:
            first = False
            time.sleep(stall)  # nothing else begins meanwhile
        return "delivered"

    dues = [0.0, 0.001, 0.002, 0.003, 0.004]
    found = asyncio.run(load_of.opened([work], dues))
    assert (found["count"], found["unanswered"]) == (5, 0)
    assert found["p50_ms"] > 1000 * (stall - dues[-1]) - 1


def test_what_an_open_loop_leaves_unanswered_is_told(
    load_of: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A country that stands still has no good latency."""
    monkeypatch.setattr(load_of, "LATE_S", 0.01)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    found = asyncio.run(load_of.opened([never], [0.0, 0.001]))
    assert (found["count"], found["unanswered"]) == (0, 2)


class Log:
    """A ledger's store and its signer's, where a country that runs apart has them."""

    def __init__(self, folder: Path) -> None:
        for name in ("ledger", "ledger-signer"):
            (folder / name).mkdir()
        self._ledger = folder / "ledger" / "ledger.sqlite"
        self._signer = folder / "ledger-signer" / "ledger-signer.sqlite"

    def found(self) -> None:
        """Three entries, signed."""
        entries = [bytes([1]) * 80, bytes([2]) * 80, bytes([3]) * 80]
        tree = Tree()
        tree.append([leaf_hash(each) for each in entries])
        at = Checkpoint(3, tree.root())

        async def grow(attestor: Attestor, store: Store) -> None:
            signed = await attestor.sign(tree, Checkpoint(0, EMPTY), at)
            tags = [hashlib.sha256(each).digest() for each in entries]
            await store.grow(Growth(store.head(), at, entries, tags, signed))

        self._with(grow)

    def load(self) -> tuple[Head, list[bytes]]:
        """As the ledger starts: what it reads, hashes, and has its signer confirm; and the entries."""
        found: list[Any] = []

        async def work(attestor: Attestor, store: Store) -> None:
            found.extend((await load(store, attestor), list(store.all_entries())))

        self._with(work)
        return found[0], found[1]

    def _with(self, work: Any) -> None:
        ledger, signer = PartyName("ledger"), PartyName("ledger-signer")
        made = Signer.open(SignerSettings(ORIGIN, ledger, self._signer, KEY))
        with closing(made), closing(Database.open(self._ledger, METADATA)) as database:
            peers = Peers(InProcess(ledger, {signer: made.app}))
            asyncio.run(work(Attestor(peers, signer, ORIGIN, KEY.public), Store(database)))


def test_a_log_with_filled_leaves_is_the_log_that_its_ledger_and_its_signer_know(
    growth: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts, with a head of the new size under the signer's real key, proves its old entries under it, and that it
    only grew. Filled twice, so that what was filled is built upon."""
    log = Log(tmp_path)
    log.found()
    before, first = log.load()
    monkeypatch.setattr(growth, "STRIDE", 4)
    for more in (7, 2):
        growth.leaves(tmp_path, ("ledger", ORIGIN), more)
    head, entries = log.load()
    assert (head.at.size, entries[:3]) == (12, first)
    assert head.tree.root(3) == before.at.root
    assert head.receipt(1, 1).checkpoint == head.note
    assert all(Entry.decode(each) for each in entries[3:])
    assert len({*entries}) == 12


def test_who_reads_along_goes_on_behind_what_was_filled(growth: ModuleType, tmp_path: Path) -> None:
    """The newest index of each record keeper ends there, an older one where it did; auditor and figures begin there."""
    from country_engines import opened  # type: ignore[import-not-found]
    from kakine.country import KEEPERS
    from kakine.parties.commission import audit_store
    from kakine.parties.commission.bureau import reading
    from kakine.parties.mailbox import store as mailbox

    for keeper in (str(each.party) for each in KEEPERS):
        (tmp_path / keeper).mkdir()
        Database.open(tmp_path / keeper / f"{keeper}.sqlite", mailbox.metadata).close()
        with opened(tmp_path, keeper) as store:
            columns = ["log", "start", "end", "root", "signature", "entry"]
            store.add("index_root", columns, [(ORIGIN, at, at + 3, b"", b"", b"") for at in (0, 3)])
    (tmp_path / "commission").mkdir()
    Database.open(tmp_path / "commission" / "auditor.sqlite", audit_store.METADATA).close()
    own = tmp_path / "commission" / "commission.sqlite"
    Database.open(own, TABLES["commission"]).close()
    for size in (50, 60):
        growth.read_along(tmp_path, ORIGIN, size)
    for keeper in (str(each.party) for each in KEEPERS):
        with opened(tmp_path, keeper) as store:
            assert store.all('SELECT start, "end" FROM index_root ORDER BY start') == [(0, 3), (3, 60)]
    with opened(tmp_path, "commission", "auditor") as store:
        assert store.all("SELECT DISTINCT value FROM audit_mark") == [(60,)]
    with closing(Database.open(own, TABLES["commission"])) as database:
        assert reading.read(database.read(), ORIGIN) == reading.Read(60)


def test_a_filled_leaf_that_is_changed_afterwards_keeps_the_ledger_from_starting(
    growth: ModuleType, tmp_path: Path
) -> None:
    """So what is measured is the ledger with all its checks, over leaves that count."""
    log = Log(tmp_path)
    log.found()
    growth.leaves(tmp_path, ("ledger", ORIGIN), 5)
    from country_engines import opened  # type: ignore[import-not-found]

    with opened(tmp_path, "ledger") as store:
        entry = bytearray(store.one("SELECT bytes FROM entry WHERE idx = 6")[0])
        entry[70] ^= 1
        store.run("UPDATE entry SET bytes = ? WHERE idx = ?", (bytes(entry), 6))
    with pytest.raises(LedgerDiverged):
        log.load()


def _figures(**others: Any) -> dict[str, Any]:
    cpu = {"the converters": {"loop": 3.0, "kernel": 1.0}, "the load generator": {"loop": 50.0}}
    figures = {"count": 10, "per_second": 1200.0, "p50_ms": 19.0, "p99_ms": 101.0, "cpu_ms": cpu}
    return {**figures, "results": {"delivered": 9, "refused: party-unavailable": 1}, **others}


def test_the_table_says_what_is_reached_what_is_missed_and_what_was_crowded() -> None:
    """And leaves the load generator out of what the country costs."""
    from country_tables import whole

    shapes = {"closed": {each: _figures() for each in ("1", "16", "64")}, "open": _figures(unanswered=2)}
    floor = {
        "count": 100,
        "per_second": 1e3,
        "p50_ms": 1,
        "p99_ms": 2,
        "server_cpu_s": 0.1,
        "load_cpu_s": 0.1,
    }
    found = {
        "disk": "ext4",
        "residents": 20,
        "group_ms": {"S0": 0.5, "S0_PLUS": 0.5, "S1": 0.9},
        "interactive": {"one": shapes, "all": shapes},
        "bulk": dict.fromkeys(("full", "beside", "single_alone", "single_during"), _figures()),
        "floor": {"1": floor},
    }
    job = {"count": 1500, "per_second": 300.0, "cpu_ms": _figures()["cpu_ms"], "results": {}}
    found["bulk"] = {**found["bulk"], "file": job}  # type: ignore[dict-item]
    machine = dict.fromkeys(("cpu", "python", "system", "command", "commit", "at"), "x")
    machine |= {"cores": 2, "load": 0.5, "load_after": 9.5}
    text = whole({"machine": machine, "engines": {"sqlite": found}})
    assert "crowded" in text
    assert "| a lone caller, p50, ms | at most 20 | **19** | reached |" in text
    assert "| one procedure at half of the best rate, p99, ms | at most 100 | **101** | missed |" in text
    assert "| one agency, one procedure, 64 callers | 8.0 |" in text  # 4 ms of processor over a floor of 0.5
    assert "12 due, 2 unanswered" in text
    assert "| `kakine ask --file` over 1500 people, from start to answers | 3.6 | 300.0 | — | — |" in text


def test_a_job_over_a_file_counts_its_answers_and_names_what_was_refused(tmp_path: Path) -> None:
    from country_file import counted  # type: ignore[import-not-found]
    from kakine.cli.asking_many import ANSWERS

    out = tmp_path / "answers.csv"
    lines = ["a,1,delivered,,,", "b,2,delivered,,,", "c,3,not-known-here,,,", "d,4,,,,party-unavailable"]
    out.write_text("\n".join([",".join(ANSWERS), *lines]) + "\n")
    results = {"delivered": 2, "not-known-here": 1, "refused: party-unavailable": 1}
    assert counted(out) == {"count": 4, "results": results}
