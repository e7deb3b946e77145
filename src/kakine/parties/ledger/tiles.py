"""The log as static files that any web server can serve (spec/tiles.md): written from the store, never read back.

The files are derived: whatever is missing, torn or changed is made anew from the entries. `checkpoint` is
replaced last, when all it needs is on the disk, so a reader never meets a head without its tiles.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import bindparam, select

from kakine.crypto.files import flush
from kakine.crypto.merkle import EMPTY, leaf_hash
from kakine.crypto.signing import VerifyKey
from kakine.parties.ledger.store import METADATA, Store
from kakine.protocols.tiles import Tiler
from kakine.runtime.database import Database, sql
from kakine.values.problems import LedgerDiverged, TileInvalid
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.tiles import ENTRIES, HEIGHT, WIDTH, Tile, encode_bundle, partials

CHECKPOINT = "checkpoint"
INCOMING = ".incoming"
"""Where a file stands until it is whole; left over from a crash it is overwritten by the next."""

_MANY = 64
"""Files above which one sync of all disks is faster than an fsync each (3 ms on our machine)."""

_SIGNED = METADATA.tables["checkpoint"]
_SIGNED_BETWEEN = sql(
    select(_SIGNED.c.size)
    .where(_SIGNED.c.size >= bindparam("low"), _SIGNED.c.size < bindparam("high"))
    .limit(1)
)


class TileFolder:
    """One folder for one log. The caller sees to it that nobody else writes there: it holds the open database.

    `extend` trusts full tiles that are already there and costs a few files; `rebuild` compares every file.
    """

    def __init__(self, folder: Path, database: Database, origin: str, key: VerifyKey) -> None:
        self._folder = folder
        self._database = database
        self._store = Store(database)
        self._origin = origin
        self._key = key
        self._written: list[Path] = []

    def rebuild(self) -> Checkpoint:
        """Make the folder what the store says, file by file; gives the checkpoint that it then shows.

        Raises `LedgerDiverged` if the entries do not give the last checkpoint's root, or if the folder already
        shows a signed head that the store does not grow from: then the store is the wrong one. A log without
        entries has no files. What was taken away from the store before is not noticed if the folder is new.
        """
        at, note = self._last()
        shown = self._shown()
        if shown.size > at.size:
            raise LedgerDiverged(part="published")
        tiler = Tiler()
        self._grow(tiler, shown.size)
        if tiler.root() != shown.root:
            raise LedgerDiverged(part="published")
        if at.size:
            kept = self._conclude(tiler, 0, at, note)
            self._prune(kept)
        return at

    def extend(self) -> Checkpoint:
        """Add what has been committed since the checkpoint in the folder; a `rebuild` if its edge does not hold.

        Raises as `rebuild`. A full tile away from the edge that has been changed or lost is not noticed.
        """
        at, note = self._last()
        shown = self._shown()
        if shown == at:
            return at
        try:
            tiler = self._resumed(shown, at)
        except TileInvalid:
            return self.rebuild()
        self._conclude(tiler, shown.size, at, note)
        for tile in partials(shown.size):
            if tile.full.within(at.size):
                shutil.rmtree(self._folder / f"{tile.full.path}.p")
        return at

    def _last(self) -> tuple[Checkpoint, bytes]:
        last = self._store.last_note()
        if last is None:
            return Checkpoint(0, EMPTY), b""
        cosigned = self._store.cosigned()
        note = cosigned[1] if cosigned and cosigned[0] == last[0] else last[1]
        return notes.open(note, self._origin, self._key), note

    def _shown(self) -> Checkpoint:
        """The head in the folder, the empty tree if there is none. A head of another log or key is refused."""
        try:
            note = (self._folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return Checkpoint(0, EMPTY)
        return notes.open(note, self._origin, self._key)

    def _resumed(self, shown: Checkpoint, at: Checkpoint) -> Tiler:
        """The tree at `shown` from its partial tiles. Raises `TileInvalid` if they do not give its root."""
        if shown.size >= at.size:
            raise TileInvalid(part="edge")
        edge = {}
        for tile in partials(shown.size):
            path = self._folder / tile.path
            if not path.is_file():
                raise TileInvalid(part="edge", path=tile.path)
            edge[tile.level] = tile.sized(path.read_bytes())
        tiler = Tiler.resumed(shown.size, edge)
        if tiler.root() != shown.root:
            raise TileInvalid(part="edge")
        return tiler

    def _conclude(self, tiler: Tiler, old: int, at: Checkpoint, note: bytes) -> set[str]:
        """Grow to `at`, write the right edges of the checkpoints since `old`, then show `note`.

        Gives the paths of the partial tiles that are served.
        """
        self._grow(tiler, at.size)
        if tiler.root() != at.root:
            raise LedgerDiverged(part="tiles")
        served = set()
        for tile, content in self._edges(tiler, old):
            self._put(tile.path, content)
            served.add(tile.path)
        self._settle()
        self._put(CHECKPOINT, note, durable=True)
        self._settle()
        return served

    def _prune(self, kept: set[str]) -> None:
        """Take away partial tiles that are full by now, or that no checkpoint has."""
        for path in self._folder.glob("tile/**/*.p/*"):
            if path.relative_to(self._folder).as_posix() not in kept:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def _grow(self, tiler: Tiler, size: int) -> None:
        while tiler.size < size:
            index, start = tiler.size // WIDTH, tiler.size % WIDTH
            end = min((index + 1) * WIDTH, size)
            bundle = self._store.entries(index * WIDTH, end - index * WIDTH)
            if len(bundle) == WIDTH:
                self._put(Tile(ENTRIES, index).path, encode_bundle(bundle))
            for tile, hashes in tiler.grow([leaf_hash(entry) for entry in bundle[start:]]):
                self._put(tile.path, hashes)

    def _edges(self, tiler: Tiler, old: int) -> Iterator[tuple[Tile, bytes]]:
        """Partial tiles and bundles of every checkpoint signed after the size `old` that are not full by now."""
        hashes = {tile.level: content for tile, content in tiler.edge()}
        for edge in partials(tiler.size):
            first = tiler.size // WIDTH * WIDTH
            content = (
                encode_bundle(self._store.entries(first, edge.width))
                if edge.level == ENTRIES
                else hashes[edge.level]
            )
            for width in range(1, edge.width + 1):
                tile = Tile(edge.level, edge.index, width)
                if self._signed(tile, old):
                    yield tile, content[: tile.bytes_long]

    def _signed(self, tile: Tile, old: int) -> bool:
        """Whether a checkpoint larger than `old` has exactly this partial tile."""
        unit = 1 << HEIGHT * max(tile.level, 0)
        low = (tile.index * WIDTH + tile.width) * unit
        bounds = {"low": max(low, old + 1), "high": low + unit}
        return self._database.read().execute(_SIGNED_BETWEEN, bounds).fetchone() is not None

    def _put(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Let `name` hold `content`: untouched if it does, else replaced in one step."""
        path = self._folder / name
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming = self._folder / INCOMING
        incoming.write_bytes(content)
        if durable:
            flush(incoming)
        incoming.replace(path)
        self._written.append(path)

    def _settle(self) -> None:
        """Have everything that was written on the disk, the names too."""
        if len(self._written) > _MANY:
            os.sync()
        else:
            folders = {parent for path in self._written for parent in path.parents}
            inside = {each for each in folders if each.is_relative_to(self._folder)}
            for path in (*self._written, *inside):
                flush(path)
        self._written.clear()
