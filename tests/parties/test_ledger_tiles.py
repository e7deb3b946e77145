"""The log's static files: complete, the same however they came about, and made anew when they are not right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kakine.cli import ledger_tiles
from kakine.crypto.merkle import EMPTY
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.store import Store
from kakine.parties.ledger.tiles import CHECKPOINT, TileFolder
from kakine.values.problems import (
    CheckpointInvalid,
    LedgerDiverged,
    PolicyMalformed,
    Problem,
    SignatureInvalid,
    TileInvalid,
    TileMissing,
)
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.cosignature import cosign
from kakine.wire.tiles import parse
from tile_log import KEY, ORIGIN, VKEY, Log, check, contents, log

from land import Land

run = CliRunner()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Log]:
    """600 entries, five checkpoints, published."""
    with log(tmp_path, 3, 256, 520, 590, 600) as grown:
        grown.tiles.rebuild()
        yield grown


def commands() -> typer.Typer:
    app = typer.Typer()
    ledger_tiles.mount(app)
    return app


def test_the_folder_has_the_full_tiles_the_edge_of_every_checkpoint_and_nothing_else(made: Log) -> None:
    assert sorted(contents(made.public)) == sorted(
        [
            CHECKPOINT, "tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001",
            "tile/0/002.p/8", "tile/0/002.p/78", "tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2",
            "tile/entries/002.p/8", "tile/entries/002.p/78", "tile/entries/002.p/88",
        ]
    )  # fmt: skip


def test_every_file_fits_the_signed_head_and_the_head_is_the_stores(made: Log) -> None:
    at = check(made.public)
    assert at.size == 600
    assert made.tiles.rebuild() == at


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_793])
def test_a_log_of_any_size_is_published_whole(tmp_path: Path, size: int) -> None:
    with log(tmp_path, size) as grown:
        assert grown.tiles.rebuild() == check(grown.public)
        assert all(
            parse(name).within(size) and len(content) == parse(name).bytes_long
            for name, content in contents(grown.public).items()
            if name != CHECKPOINT
        )


def test_a_log_without_entries_has_no_files(tmp_path: Path) -> None:
    with log(tmp_path) as grown:
        assert grown.tiles.rebuild().size == grown.tiles.extend().size == 0
        assert contents(grown.public) == {}


def test_a_folder_extended_after_every_commit_is_the_one_that_a_rebuild_makes(tmp_path: Path) -> None:
    steps = [1, 2, 200, 255, 256, 257, 511, 512, 700, 1024, 1025, 1100]
    with log(tmp_path) as grown:
        for size in steps:
            assert grown.to(size).tiles.extend() == check(grown.public)
        extended = contents(grown.public)
        (tmp_path / "again").mkdir()
        TileFolder(tmp_path / "again", grown.database, ORIGIN, KEY.public).rebuild()
        assert extended == contents(tmp_path / "again")


def test_an_extension_also_serves_the_checkpoints_that_were_signed_meanwhile(tmp_path: Path) -> None:
    with log(tmp_path, 10) as grown:
        grown.tiles.extend()
        grown.to(20, 30).tiles.extend()
        served = [name for name in contents(grown.public) if name.startswith("tile/0/")]
        assert served == ["tile/0/000.p/10", "tile/0/000.p/20", "tile/0/000.p/30"]


def test_a_file_that_is_right_is_never_written_again(made: Log) -> None:
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in made.public.rglob("*") if p.is_file()}
    made.tiles.rebuild()
    made.to(601).tiles.extend()
    made.tiles.rebuild()
    for path, kept in before.items():
        if path.name != CHECKPOINT:
            assert (path.stat().st_ino, path.stat().st_mtime_ns) == kept


@pytest.mark.parametrize("damage", ["missing", "empty", "torn", "flipped"])
def test_a_damaged_file_is_noticed_and_made_anew_from_the_entries(made: Log, damage: str) -> None:
    whole = contents(made.public)
    for name, content in whole.items():
        path = made.public / name
        if name == CHECKPOINT:
            continue
        if damage == "missing":
            path.unlink()
        else:
            changed = {"empty": b"", "torn": content[:-7], "flipped": bytes([content[0] ^ 1]) + content[1:]}
            path.write_bytes(changed[damage])
        if parse(name).width in (256, 88) or name == "tile/1/000.p/2":
            with pytest.raises((TileInvalid, TileMissing)):
                check(made.public)
        made.tiles.rebuild()
        assert contents(made.public) == whole


def test_an_extension_over_a_damaged_edge_makes_the_whole_folder_anew(made: Log) -> None:
    for size, name in ((601, "tile/0/002.p/88"), (602, "tile/1/000.p/2"), (603, "tile/entries/002.p/90")):
        path = made.public / name
        damaged = path.read_bytes()[:-1]
        path.write_bytes(damaged if "entries" in name else damaged + b"?")
        (made.public / "tile/0/000").unlink()
        assert made.to(size).tiles.extend() == check(made.public)


def test_partial_tiles_that_no_checkpoint_has_are_taken_away(made: Log) -> None:
    whole = contents(made.public)
    for name in ("tile/0/000.p/5", "tile/entries/001.p/200", "tile/0/002.p/9"):
        (made.public / name).parent.mkdir(exist_ok=True)
        (made.public / name).write_bytes(b"old")
    made.tiles.rebuild()
    assert contents(made.public) == whole
    assert not (made.public / "tile/0/000.p").exists()


@pytest.mark.parametrize("way", ["rebuild", "extend"])
def test_whatever_file_fails_the_head_shown_has_all_its_tiles_and_the_next_try_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with log(tmp_path, 100, 300) as grown:
        grown.tiles.rebuild()
        replace, failed = Path.replace, 0
        for fail_at in range(1, 12):
            grown.to(300 + 600 * fail_at)
            calls = 0

            def failing(path: Path, target: Path, fail_at: int = fail_at) -> Path:
                nonlocal calls, failed
                calls += 1
                if calls == fail_at:
                    failed += 1
                    raise OSError("disk full")
                return replace(path, target)

            before = check(grown.public)
            monkeypatch.setattr(Path, "replace", failing)
            try:
                getattr(grown.tiles, way)()
            except OSError:
                assert check(grown.public) == before
            monkeypatch.setattr(Path, "replace", replace)
            assert getattr(grown.tiles, way)() == check(grown.public)
        assert failed >= 7


def test_a_head_is_flushed_to_disk_after_its_tiles_and_before_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file written, and the folder that holds its name, is flushed before the head takes its name."""
    events: list[tuple[str, Path]] = []
    replace = Path.replace
    monkeypatch.setattr("kakine.parties.ledger.tiles.flush", lambda path: events.append(("flush", path)))
    monkeypatch.setattr(
        Path, "replace", lambda path, target: (events.append(("put", target)), replace(path, target))[1]
    )
    with log(tmp_path, 300) as grown:
        grown.tiles.rebuild()
        shown = events.index(("put", grown.public / CHECKPOINT))
        put = [path for what, path in events[:shown] if what == "put"]
        flushed = {path for what, path in events[:shown] if what == "flush"}
        assert len(put) == 5
        assert flushed >= {*put, *(path.parent for path in put), grown.public, grown.public / ".incoming"}
        assert ("flush", grown.public) in events[shown:]


def test_a_store_that_does_not_give_the_signed_root_publishes_nothing(made: Log) -> None:
    whole = contents(made.public)
    made.to(601).spoil(600)
    for way in (made.tiles.extend, made.tiles.rebuild):
        with pytest.raises(LedgerDiverged):
            way()
    assert contents(made.public)[CHECKPOINT] == whole[CHECKPOINT]
    assert check(made.public).size == 600


def test_one_changed_old_entry_is_found_by_a_rebuild(made: Log) -> None:
    made.spoil(17)
    with pytest.raises(LedgerDiverged):
        made.tiles.rebuild()


@pytest.mark.parametrize("way", ["rebuild", "extend"])
def test_a_database_put_back_from_yesterday_cannot_take_back_a_published_head(
    made: Log, tmp_path: Path, way: str
) -> None:
    note = (made.public / CHECKPOINT).read_bytes()
    (tmp_path / "old").mkdir()
    for sizes in ((), (590,), (590, 599)):
        with log(tmp_path / "old", *sizes) as old, pytest.raises(LedgerDiverged):
            getattr(TileFolder(made.public, old.database, ORIGIN, KEY.public), way)()
        (tmp_path / "old" / "ledger.sqlite").unlink()
    assert (made.public / CHECKPOINT).read_bytes() == note


@pytest.mark.parametrize("sizes", [(600,), (700,)])
@pytest.mark.parametrize("way", ["rebuild", "extend"])
def test_a_forked_store_cannot_replace_a_published_head(
    made: Log, tmp_path: Path, way: str, sizes: tuple[int, ...]
) -> None:
    """A store whose entry 550 is another has a good signature for each of its heads."""
    note = (made.public / CHECKPOINT).read_bytes()
    (tmp_path / "fork").mkdir()
    with log(tmp_path / "fork", *sizes, fork_at=550) as fork, pytest.raises(LedgerDiverged):
        getattr(TileFolder(made.public, fork.database, ORIGIN, KEY.public), way)()
    assert (made.public / CHECKPOINT).read_bytes() == note


def test_a_folder_of_another_log_or_key_is_left_alone(made: Log) -> None:
    whole = contents(made.public)
    (made.public / CHECKPOINT).write_bytes(notes.make("ledger.example/2026/b", 600, bytes(32), KEY))
    with pytest.raises(SignatureInvalid):
        made.tiles.rebuild()
    (made.public / CHECKPOINT).write_bytes(b"")
    with pytest.raises(CheckpointInvalid):
        made.tiles.extend()
    (made.public / CHECKPOINT).write_bytes(whole[CHECKPOINT])
    with pytest.raises(SignatureInvalid):
        TileFolder(made.public, made.database, ORIGIN, SigningKey(b"X" * 32).public).rebuild()
    assert contents(made.public) == whole


def test_no_byte_of_any_file_can_be_changed(made: Log) -> None:
    """Every byte of the head; of the others every 97th, which falls on each place of a hash and of an entry."""
    for name, content in contents(made.public).items():
        if name.endswith(("p/8", "p/78", "p/1")):
            continue  # of earlier checkpoints: see the commands
        for at in range(0, len(content), 1 if name == CHECKPOINT else 97):
            (made.public / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises((TileInvalid, CheckpointInvalid, SignatureInvalid)):
                check(made.public)
        (made.public / name).write_bytes(content)
    assert check(made.public).size == 600


def test_no_byte_at_all_of_a_small_log_can_be_changed(tmp_path: Path) -> None:
    """Head, tile and entries of 20."""
    with log(tmp_path, 20) as grown:
        grown.tiles.rebuild()
    whole = contents(grown.public)
    assert len(whole) == 3
    for name, content in whole.items():
        for at in range(len(content)):
            changed = content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :]
            (grown.public / name).write_bytes(changed)
            with pytest.raises((TileInvalid, CheckpointInvalid, SignatureInvalid)):
                check(grown.public)
        (grown.public / name).write_bytes(content)
    assert check(grown.public).size == 20


def test_a_reader_who_comes_late_takes_a_partial_tile_from_the_full_one(made: Log) -> None:
    """The log may take partial tiles away as soon as the full one is there."""
    old = (made.public / CHECKPOINT).read_bytes()
    made.to(800).tiles.extend()
    assert not (made.public / "tile/0/002.p").exists()
    (made.public / CHECKPOINT).write_bytes(old)
    assert check(made.public).size == 600


def checked(folder: Path, trusted: bytes, tmp_path: Path) -> str:
    """What `check-tiles` prints, or its problem raised."""
    (tmp_path / "policy").write_bytes(trusted)
    result = run.invoke(commands(), ["check-tiles", str(folder), "--policy", str(tmp_path / "policy")])
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def test_the_command_finds_a_wrong_file_that_only_earlier_checkpoints_need(made: Log, tmp_path: Path) -> None:
    trusted = f"log {VKEY}\nquorum none\n".encode()
    assert "600 entries" in checked(made.public, trusted, tmp_path)
    for name in ("tile/0/002.p/8", "tile/entries/002.p/78", "tile/1/000.p/1"):
        content = (made.public / name).read_bytes()
        for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b""):
            (made.public / name).write_bytes(changed)
            with pytest.raises(TileInvalid):
                checked(made.public, trusted, tmp_path)
        (made.public / name).write_bytes(content)
    (made.public / "tile/0/note.txt").write_bytes(b"")
    with pytest.raises(TileInvalid):
        checked(made.public, trusted, tmp_path)


def test_the_command_counts_files_beyond_the_head_and_asks_for_one_log(made: Log, tmp_path: Path) -> None:
    trusted = f"log {VKEY}\nquorum none\n".encode()
    (made.public / "tile/0/002").write_bytes(b"of a head not shown yet")
    assert "1 files beyond" in checked(made.public, trusted, tmp_path)
    other = policy.vkey("ledger.example/2026/b", policy.LOG, SigningKey(b"X" * 32).public).encode()
    with pytest.raises(PolicyMalformed):
        checked(made.public, b"quorum none\n", tmp_path)
    assert "1 files beyond" in checked(made.public, b"log " + other + b"\n" + trusted, tmp_path)
    with pytest.raises(SignatureInvalid):
        checked(made.public, b"log " + other + b"\nquorum none\n", tmp_path)


def test_the_log_of_a_country_is_published_and_checked_by_the_commands(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", people=1) as land:
        land.run(land.ask(0))
    app, out = commands(), tmp_path / "public"
    result = run.invoke(app, ["tiles", "--dir", str(tmp_path / "land"), "--out", str(out)])
    assert result.exception is None
    vkey = result.stdout.split("key ")[1].strip()
    said = checked(out, f"log {vkey}\nquorum none\n".encode(), tmp_path)
    assert said.split(":")[0] == result.stdout.split("\n")[0]
    head = (out / CHECKPOINT).read_text().split("\n")
    assert said.startswith(f"{head[1]} entries")
    assert int(head[1]) >= 3


def test_the_empty_tree_of_a_checkpoint_needs_no_files(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(notes.make(ORIGIN, 0, bytes(32), KEY))
    with pytest.raises(TileInvalid):
        check(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(notes.make(ORIGIN, 0, EMPTY, KEY))
    assert check(tmp_path) == Checkpoint(0, EMPTY)


def test_the_published_head_carries_its_cosignatures_and_an_older_note_s_do_not(tmp_path: Path) -> None:
    """Readers of the files get what witnesses signed, for exactly this head."""
    with log(tmp_path, 5) as made:
        store = Store(made.database)
        last = store.last_note()
        assert last is not None
        line = cosign(notes.text_of(last[1]), "witness.example/w1", SigningKey(b"W" * 32), 1)
        asyncio.run(store.keep_cosigned(5, last[1] + line))
        made.tiles.rebuild()
        assert (made.public / "checkpoint").read_bytes() == last[1] + line
        assert check(made.public).size == 5
        made.to(9).tiles.extend()
        assert line not in (made.public / "checkpoint").read_bytes()
        assert check(made.public).size == 9
