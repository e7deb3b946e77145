"""M1 … M9: an outsider who keeps heads notices what a dishonest log does, and can show it to others.

The attacker here holds the log's signing key, its database, or a mirror; the monitor has its own memory and no more.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import msgspec
import pytest

from kakine.clients.monitor.evidence import MANIFEST, load
from kakine.clients.monitor.findings import Code, Finding
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Limits
from kakine.clients.monitor.sources import Files
from kakine.runtime.database import Database
from kakine.values.problems import EvidenceMalformed, LedgerDiverged, LogNotInPolicy, MonitorMemoryInvalid
from kakine.wire import policy
from kakine.wire.entry import EntryKind
from kakine.wire.proof import Proof
from kakine.wire.standing import COUNTED
from kakine.wire.tiles import Tile
from tile_log import log, reader
from watching import KEY, ORIGIN, OTHER, POLICY, START, Shown, Watcher, codes, entry, judged, numbered

HONEST = numbered(*range(700))


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path)


# --- M1: the head -----------------------------------------------------------------------------------


def test_m1_an_honest_log_is_clean_and_only_what_is_new_is_read(watcher: Watcher) -> None:
    first, later = Shown(HONEST[:300]), Shown(HONEST)
    assert codes(watcher.look(first)) == []
    assert codes(watcher.look(later)) == []
    assert min(start for start, _ in later.asked) == 300
    assert codes(watcher.look(later, again=True)) == []
    assert (0, 256) in later.asked


def test_m1_a_log_without_entries_is_clean(watcher: Watcher) -> None:
    assert codes(watcher.look(Shown([]))) == []
    assert codes(watcher.look(Shown(HONEST[:1]))) == []


@pytest.mark.parametrize("signed", [{"key": OTHER}, {"origin": "ledger.example/2026/b"}])
def test_m1_a_head_of_another_key_or_log_is_named(watcher: Watcher, signed: dict[str, object]) -> None:
    done = watcher.look(Shown(HONEST, **signed))  # type: ignore[arg-type]
    assert codes(done) == ["head-unsigned"]
    assert watcher.shown(done) == [(Code.HEAD_UNSIGNED, Level.REPORTED, "")]


# --- M2: one history --------------------------------------------------------------------------------


def test_m2_yesterdays_database_put_back_is_named_as_such(watcher: Watcher) -> None:
    watcher.look(Shown(HONEST))
    done = watcher.look(Shown(HONEST[:300]))
    assert codes(done) == ["head-rolled-back"]
    assert (done.findings[0].facts["other_size"], done.findings[0].facts["size"]) == (700, 300)
    assert watcher.shown(done) == [(Code.HEAD_ROLLED_BACK, Level.REPORTED, "")]


def test_m2_a_log_that_went_back_and_comes_on_is_no_fork(watcher: Watcher) -> None:
    """An old head out of a cache proves nothing, and what cannot be proven is not held against the log for good."""
    watcher.look(Shown(HONEST[:600]))
    assert codes(watcher.look(Shown(HONEST[:300]))) == ["head-rolled-back"]
    assert codes(watcher.look(Shown(HONEST))) == []


@pytest.mark.parametrize("size", [301, 512, 600, 699])
def test_m2_once_it_grows_again_the_fork_is_proven_to_third_parties(watcher: Watcher, size: int) -> None:
    watcher.look(Shown(HONEST[:600]))
    done = watcher.look(Shown(HONEST[:300] + numbered(*range(1000, 1000 + 700 - 300))), again=size == 512)
    assert codes(done) == ["head-forked"]
    assert watcher.shown(done) == [(Code.HEAD_FORKED, Level.PROVEN, "")]


def test_m2_a_fork_before_an_earlier_head_is_proven_even_while_the_log_is_smaller(watcher: Watcher) -> None:
    watcher.look(Shown(HONEST[:200]))
    watcher.look(Shown(HONEST))
    done = watcher.look(Shown(HONEST[:100] + numbered(*range(1000, 1200))))
    assert codes(done) == ["head-forked", "head-rolled-back"]
    assert (Code.HEAD_FORKED, Level.PROVEN, "") in watcher.shown(done)


def test_m2_what_was_proven_once_is_never_forgotten(watcher: Watcher) -> None:
    """Also if the log goes back to the history that the monitor knows."""
    watcher.look(Shown(HONEST[:600]))
    watcher.look(Shown(HONEST[:300] + numbered(*range(1000, 1400))))
    done = watcher.look(Shown(HONEST))
    assert codes(done) == ["head-forked"]
    assert done.earlier
    assert watcher.shown(done) == [(Code.HEAD_FORKED, Level.PROVEN, "")]


def test_m2_a_forked_head_does_not_take_the_place_of_the_first(watcher: Watcher) -> None:
    watcher.look(Shown(HONEST[:600]))
    fork = Shown(HONEST[:300] + numbered(*range(1000, 1400)))
    for _ in range(2):
        done = watcher.look(fork)
        assert [f.facts["who"] for f in done.findings] == ["monitor"]
        assert not done.earlier


# --- M3: heads that others have seen (S6) -------------------------------------------------------------


def test_m3_a_mirror_with_the_same_size_and_another_root_is_a_proven_fork(watcher: Watcher) -> None:
    mirror = Shown([*HONEST[:699], entry(9999)])
    done = watcher.look(Shown(HONEST), ("mirror", mirror.note))
    assert codes(done) == ["head-forked"]
    assert done.findings[0].facts["who"] == "mirror"
    assert watcher.shown(done) == [(Code.HEAD_FORKED, Level.PROVEN, "")]


@pytest.mark.parametrize("known", [0, 100, 650])
def test_m3_a_smaller_head_of_another_history_is_a_proven_fork(watcher: Watcher, known: int) -> None:
    """Whether the monitor has passed that size already, or passes it in this look."""
    if known:
        watcher.look(Shown(HONEST[:known]))
    other = Shown(numbered(*range(5000, 5400)))
    done = watcher.look(Shown(HONEST), ("witness", other.note))
    assert codes(done) == ["head-forked"]
    assert watcher.shown(done) == [(Code.HEAD_FORKED, Level.PROVEN, "")]


@pytest.mark.parametrize("known", [0, 100, 650])
def test_m3_an_honest_head_of_any_earlier_size_is_clean(watcher: Watcher, known: int) -> None:
    if known:
        watcher.look(Shown(HONEST[:known]))
    heads = [(f"witness {size}", Shown(HONEST[:size]).note) for size in (0, 1, 256, 400, 700)]
    assert codes(watcher.look(Shown(HONEST), *heads)) == []


def test_m3_a_head_ahead_of_the_log_is_named_by_who_has_it(watcher: Watcher) -> None:
    done = watcher.look(Shown(HONEST[:300]), ("witness", Shown(HONEST).note))
    assert codes(done) == ["head-rolled-back"]
    assert done.findings[0].facts["who"] == "witness"


def test_m3_a_note_the_log_never_signed_is_held_against_nobody_but_its_bearer(watcher: Watcher) -> None:
    done = watcher.look(Shown(HONEST), ("witness", Shown(numbered(1, 2), key=OTHER).note))
    assert codes(done) == ["reported-head-unsigned"]
    assert watcher.shown(done)[0][1] is Level.REPORTED


# --- M4: entries and tiles ----------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["another entry", "two exchanged", "one twice"])
def test_m4_an_entry_other_than_the_signed_one_is_named(watcher: Watcher, harm: str) -> None:
    """T2 and T3 too: the right entries in another order, or one of them in the place of its neighbour."""
    shown = Shown(HONEST)
    first, second = shown.served[650:652]
    shown.served[650:652] = {
        "another entry": [entry(12345), second],
        "two exchanged": [second, first],
        "one twice": [first, first],
    }[harm]
    assert codes(watcher.look(shown)) == ["entries-differ"]


def test_m4_an_old_entry_changed_later_is_found_by_reading_again_and_is_no_fork(watcher: Watcher) -> None:
    """T12. Entries that do not fit the head say nothing about earlier heads."""
    watcher.look(Shown(HONEST[:300]))
    watcher.look(Shown(HONEST[:500]))
    shown = Shown(HONEST[:500])
    shown.served[100] = entry(12345)
    assert codes(watcher.look(shown)) == []
    assert codes(watcher.look(shown, again=True)) == ["entries-differ"]


def test_m4_an_entry_left_out_of_a_page_is_a_refusal(watcher: Watcher) -> None:
    shown = Shown(HONEST)
    del shown.served[690]
    assert codes(watcher.look(shown)) == ["party-refused"]


def test_m4_a_log_that_fails_midway_is_reported_and_not_died_of(watcher: Watcher) -> None:
    class Failing(Shown):
        async def entries(self, first: int, end: int) -> list[bytes]:
            if first >= 512:
                raise LedgerDiverged(part="entries")
            return await super().entries(first, end)

    done = watcher.look(Failing(HONEST))
    assert codes(done) == ["party-refused"]
    assert done.findings[0].facts == {"party": "ledger", "problem": "ledger-diverged", "part": "entries"}


def test_m4_an_entry_of_no_known_form_is_proven_to_be_in_the_log(watcher: Watcher) -> None:
    wrong = bytes([2]) + HONEST[650][1:]
    done = watcher.look(Shown([*HONEST[:650], wrong, *HONEST[651:]]))
    assert codes(done) == ["entry-malformed"]
    assert watcher.shown(done) == [(Code.ENTRY_MALFORMED, Level.PROVEN, "")]
    assert codes(watcher.look(Shown([*HONEST[:650], wrong, *HONEST[651:]]))) == ["entry-malformed"]


def test_m4_every_served_tile_is_held_against_the_entries(tmp_path: Path) -> None:
    """A full tile, one at the right edge, and one that is gone; old tiles when everything is read again."""
    watcher = Watcher(tmp_path, Limits(skew_minutes=1 << 40))
    with log(tmp_path, 300, 700) as made:
        made.tiles.rebuild()
        files = Files("tiles", reader(made.public), ORIGIN, KEY.public)
        assert codes(watcher.look(files)) == []
        for tile in (Tile(0, 0), Tile(0, 2, 188), Tile(1, 0, 2)):
            path = made.public / tile.path
            was = path.read_bytes()
            path.write_bytes(bytes([was[0] ^ 1]) + was[1:])
            done = watcher.look(files, again=True)
            assert [(f.code, f.facts["path"]) for f in done.findings] == [(Code.TILE_DIFFERS, tile.path)]
            path.unlink()
            assert codes(watcher.look(files, again=True)) == ["tile-differs"]
            path.write_bytes(was)
        assert codes(watcher.look(files, again=True)) == []


def test_m4_static_files_and_a_smaller_head_from_elsewhere(tmp_path: Path) -> None:
    """Consistency is made from the bundles, where the monitor has passed that size."""
    watcher = Watcher(tmp_path, Limits(skew_minutes=1 << 40))
    with log(tmp_path, 300, 700) as made:
        made.tiles.rebuild()
        files = Files("tiles", reader(made.public), ORIGIN, KEY.public)
        watcher.look(files)
        entries = [made.database.read().execute("SELECT bytes FROM entry ORDER BY idx").fetchall()][0]
        honest = Shown([row[0] for row in entries[:77]], KEY)
        assert codes(watcher.look(files, ("mirror", honest.note))) == []
        other = Shown(numbered(*range(77)), KEY)
        assert codes(watcher.look(files, ("mirror", other.note))) == ["head-forked"]


# --- M5: time -------------------------------------------------------------------------------------------


def timed(*minutes: int) -> list[bytes]:
    return [entry(number, START + at) for number, at in enumerate(minutes)]


def test_m5_times_that_go_back_are_proven(watcher: Watcher) -> None:
    watcher.now_ms += 60 * 60_000
    done = watcher.look(Shown(timed(0, 30, 20, 19, 31)))
    assert [(f.code, f.facts["before"], f.facts["index"]) for f in done.findings] == [
        (Code.TIME_WENT_BACK, 1, 3)
    ]
    assert watcher.shown(done) == [(Code.TIME_WENT_BACK, Level.PROVEN, "")]


def test_m5_times_that_go_back_behind_an_earlier_look_are_found(watcher: Watcher) -> None:
    watcher.now_ms += 60 * 60_000
    assert codes(watcher.look(Shown(timed(0, 30)))) == []
    assert codes(watcher.look(Shown(timed(0, 30, 25)))) == []
    assert codes(watcher.look(Shown(timed(0, 30, 25, 5)))) == ["time-went-back"]


def test_m5_times_ahead_of_the_clock_are_reported(watcher: Watcher) -> None:
    done = watcher.look(Shown(timed(0, 11)))
    assert codes(done) == ["time-ahead"]
    assert watcher.shown(done) == [(Code.TIME_AHEAD, Level.REPORTED, "")]


# --- M6: silence ------------------------------------------------------------------------------------------


def test_m6_silence_is_judged_only_where_a_service_is_promised(tmp_path: Path) -> None:
    gap = Shown(timed(0, 1, 30, 31))
    quiet, strict = Watcher(tmp_path / "q"), Watcher(tmp_path / "s", Limits(heartbeat_s=600))
    quiet.now_ms = strict.now_ms = (START + 32) * 60_000
    assert codes(quiet.look(gap)) == []
    done = strict.look(gap)
    assert codes(done) == ["log-silent"]
    assert strict.shown(done) == [(Code.LOG_SILENT, Level.PROVEN, "")]


def test_m6_minutes_are_not_read_as_seconds(tmp_path: Path) -> None:
    """Two entries 11 minutes apart by their minutes may be ten minutes apart."""
    strict = Watcher(tmp_path, Limits(heartbeat_s=600), START + 23)
    assert codes(strict.look(Shown(timed(0, 11, 22)))) == []
    assert codes(strict.look(Shown(timed(0, 11, 22, 34)))) == ["log-silent", "time-ahead"]


def test_m6_a_log_that_has_stopped_is_named_while_it_is_looked_at(tmp_path: Path) -> None:
    strict = Watcher(tmp_path, Limits(heartbeat_s=600), START + 5)
    assert codes(strict.look(Shown(timed(0, 1)))) == []
    strict.now_ms += 20 * 60_000
    done = strict.look(Shown(timed(0, 1)))
    assert codes(done) == ["log-silent-now"]
    assert strict.shown(done)[0][1] is Level.REPORTED
    assert codes(strict.look(Shown(timed(0, 1, 24)))) == ["log-silent"]


# --- M7: evidence that says more than it shows ---------------------------------------------------------


def forked(watcher: Watcher) -> Finding:
    watcher.look(Shown(HONEST[:600]))
    (found,) = watcher.look(Shown(HONEST[:300] + numbered(*range(1000, 1400)))).findings
    return found


def tampered(finding: Finding, **parts: object) -> Finding:
    evidence = msgspec.structs.replace(finding.evidence, **parts)
    return msgspec.structs.replace(finding, evidence=evidence)


def test_m7_two_heads_of_one_history_are_no_fork(watcher: Watcher, tmp_path: Path) -> None:
    """Somebody who wants to accuse an honest log has its real heads and its real proof."""
    found = forked(watcher)
    honest = Shown(HONEST)
    tree = honest.tree
    growth = (tree.root(600), *tree.consistency_proof(600, 700))
    accused = tampered(found, notes=(Shown(HONEST[:600]).note, honest.note), growth=growth)
    assert judged(tmp_path / "e", [accused]) == [(Code.HEAD_FORKED, Level.BROKEN, "same beginning")]
    invented = tampered(accused, growth=(bytes(32), *growth[1:]))
    assert judged(tmp_path / "e", [invented])[0][1] is Level.BROKEN


def test_m7_a_fork_without_its_proof_is_only_reported(watcher: Watcher, tmp_path: Path) -> None:
    assert judged(tmp_path / "e", [tampered(forked(watcher), growth=())])[0][1] is Level.REPORTED


def test_m7_one_head_twice_is_no_fork(watcher: Watcher, tmp_path: Path) -> None:
    note = Shown(HONEST).note
    finding = Finding(Code.HEAD_FORKED, {"who": "x", "other_size": 700, "size": 700}, log=ORIGIN)
    assert judged(tmp_path / "e", [tampered(finding, notes=(note, note))])[0][1] is Level.BROKEN


def test_m7_a_head_of_somebody_elses_key_proves_nothing(watcher: Watcher, tmp_path: Path) -> None:
    found = forked(watcher)
    notes = (Shown(HONEST[:600], key=OTHER).note, found.evidence.notes[1])
    assert judged(tmp_path / "e", [tampered(found, notes=notes)])[0][1] is Level.BROKEN


@pytest.mark.parametrize("fact", ["size", "other_size"])
def test_m7_facts_that_the_evidence_does_not_have_are_refused(
    watcher: Watcher, tmp_path: Path, fact: str
) -> None:
    found = forked(watcher)
    facts = {**found.facts, fact: int(found.facts[fact]) + 1}
    assert judged(tmp_path / "e", [msgspec.structs.replace(found, facts=facts)])[0][1] is Level.BROKEN


def test_m7_a_well_formed_entry_is_not_proven_malformed(watcher: Watcher, tmp_path: Path) -> None:
    wrong = bytes([2]) + HONEST[2][1:]
    (found,) = watcher.look(Shown([*HONEST[:2], wrong, *HONEST[3:9]])).findings
    other = Watcher(tmp_path / "other").look(Shown([*HONEST[:3], wrong, *HONEST[4:9]]))
    swapped = msgspec.structs.replace(found, facts={"index": 2}, evidence=other.findings[0].evidence)
    assert judged(tmp_path / "e", [found])[0][1] is Level.PROVEN
    assert judged(tmp_path / "e", [swapped])[0][1] is Level.BROKEN
    (data,) = found.evidence.receipts
    lines = data.split(b"\n")
    lines[1] = other.findings[0].evidence.receipts[0].split(b"\n")[1]
    forged = tampered(found, receipts=(b"\n".join(lines),))
    assert judged(tmp_path / "e", [forged])[0][1] is Level.PROVEN  # the same wrong entry: the same receipt
    lines[1] = b"extra " + base64.b64encode(bytes([3]) + HONEST[2][1:])
    assert judged(tmp_path / "e", [tampered(found, receipts=(b"\n".join(lines),))])[0][1] is Level.BROKEN


def test_m7_times_of_two_histories_are_not_compared(watcher: Watcher, tmp_path: Path) -> None:
    """One receipt of each of two heads could put entries beside each other that never stood in one log."""
    watcher.now_ms += 60 * 60_000
    (found,) = watcher.look(Shown(timed(0, 30, 1))).findings
    (other,) = Watcher(tmp_path / "o", now_minutes=START + 60).look(Shown(timed(5, 30, 1))).findings
    receipts = (found.evidence.receipts[0], other.evidence.receipts[1])
    assert judged(tmp_path / "e", [tampered(found, receipts=receipts)])[0] == (
        Code.TIME_WENT_BACK,
        Level.BROKEN,
        "heads",
    )


def test_m7_a_gap_between_entries_that_do_not_stand_together_is_none(tmp_path: Path) -> None:
    strict, shown = Watcher(tmp_path, Limits(heartbeat_s=600), START + 32), Shown(timed(0, 30, 31))
    (found,) = strict.look(shown).findings
    facts = {**found.facts, "before": 0, "index": 2, "minutes": 31}
    receipts = tuple(receipt(shown, index) for index in (0, 2))
    moved = msgspec.structs.replace(tampered(found, receipts=receipts), facts=facts)
    assert judged(tmp_path / "e", [moved]) == [(Code.LOG_SILENT, Level.BROKEN, "minutes")]


def receipt(shown: Shown, index: int) -> bytes:
    """An honest receipt of one entry."""
    return Proof(shown.signed[index], index, shown.tree.inclusion_path(index), shown.note).encode()


def test_m7_a_policy_for_another_log_judges_nothing(watcher: Watcher, tmp_path: Path) -> None:
    judged(tmp_path / "e", [forked(watcher)])
    other = policy.decode(policy.one_log("ledger.example/2027/a", KEY.public))
    with pytest.raises(LogNotInPolicy):
        check(load(tmp_path / "e"), other)
    assert check(load(tmp_path / "e"), POLICY)[0].level is Level.PROVEN


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m | {"format": "kakine-evidence-v2"},
        lambda m: m | {"more": 1},
        lambda m: m["findings"][0].update(notes=["../secret"]) or m,
        lambda m: m["findings"][0].update(notes=["gone.note"]) or m,
        lambda m: m["findings"][0].update(growth=["=="]) or m,
        lambda m: m["findings"][0].update(code="no-such-code") or m,
    ],
)
def test_m7_a_folder_in_another_form_is_refused(watcher: Watcher, tmp_path: Path, change: object) -> None:
    folder = tmp_path / "e"
    judged(folder, [forked(watcher)])
    (tmp_path / "secret").write_text("x")
    manifest = change(json.loads((folder / MANIFEST).read_text()))  # type: ignore[operator]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(EvidenceMalformed):
        load(folder)


# --- M8: the monitor's own memory ------------------------------------------------------------------------


def test_m8_a_memory_that_was_changed_is_not_gone_on_with(watcher: Watcher) -> None:
    watcher.look(Shown(HONEST[:300]))
    memory = Memory(watcher.folder / "memory")
    database: Database = memory._database
    (edge,) = database.read().execute("SELECT edge FROM log").fetchone()
    database._writer.execute("UPDATE log SET edge = ?", (bytes([edge[0] ^ 1]) + edge[1:],))
    memory.close()
    with pytest.raises(MonitorMemoryInvalid):
        watcher.look(Shown(HONEST))


def test_m8_nothing_is_gone_on_with_after_a_look_that_failed(watcher: Watcher) -> None:
    """The next look reads the same entries again."""
    watcher.look(Shown(HONEST[:300]))
    bad = Shown(HONEST)
    bad.served[400] = entry(1 << 30)
    assert codes(watcher.look(bad)) == ["entries-differ"]
    good = Shown(HONEST)
    assert codes(watcher.look(good)) == []
    assert min(first for first, _ in good.asked) == 300


def test_m8_two_logs_of_one_name_are_told_apart_by_their_keys(watcher: Watcher) -> None:
    """Every demonstration founds a log of the same name, with a key of its own."""
    watcher.look(Shown(HONEST))
    assert codes(watcher.look(Shown(numbered(5), key=OTHER), key=OTHER)) == []
    assert codes(watcher.look(Shown(HONEST))) == []


def test_m8_kinds_are_counted_by_page_over_looks(watcher: Watcher) -> None:
    kinds = [*COUNTED, EntryKind.GOVERNANCE]
    entries = [entry(n, START, kinds[n % 4]) for n in range(9001)]
    for size in (100, 4095, 4097, 9001):
        done = watcher.look(Shown(entries[:size]))
    expected = {
        page: tuple(
            sum(1 for n in range(page * 4096, min(page * 4096 + 4096, 9001)) if n % 4 == kind)
            for kind in range(3)
        )
        for page in range(3)
    }
    assert done.reading.pages == expected
