"""A log of numbered entries for tests: a real store, filled step by step, and a folder for its static files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Signed
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.parties.ledger.tiles import CHECKPOINT, TileFolder
from kakine.protocols.tiles import Read, verify
from kakine.runtime.database import Database
from kakine.values.problems import TileMissing
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)
VKEY = policy.vkey(ORIGIN, policy.LOG, KEY.public)
HEAD = bytes.fromhex("01030000ffff0000") + bytes(8)


def entry(number: int) -> bytes:
    """Entry `number` of vectors/ledger."""
    commitment = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return HEAD + commitment + hashlib.sha256(commitment).digest()


class Log:
    """A log that grows to the sizes that it is told, one checkpoint each; `public` is where its files go."""

    def __init__(self, folder: Path, fork_at: int | None = None) -> None:
        self.database = Database.open(folder / "ledger.sqlite", METADATA)
        self.public = folder / "public"
        self.public.mkdir(exist_ok=True)
        self._tree = Tree()
        self._fork_at = fork_at

    def to(self, *sizes: int) -> Log:
        """Grow; the entry numbered `fork_at` is another one."""
        store = Store(self.database)
        for size in sizes:
            old = store.head()
            numbers = [n + (n == self._fork_at) * 1_000_000 for n in range(old.size, size)]
            entries = [entry(number) for number in numbers]
            tags = [hashlib.sha256(each).digest() for each in entries]
            self._tree.append([leaf_hash(each) for each in entries])
            new = Checkpoint(size, self._tree.root())
            signed = Signed(new, notes.make(ORIGIN, new.size, new.root, KEY))
            asyncio.run(store.grow(Growth(old, new, entries, tags, signed)))
        return self

    @property
    def tiles(self) -> TileFolder:
        """A writer for `public`."""
        return TileFolder(self.public, self.database, ORIGIN, KEY.public)

    def spoil(self, index: int) -> None:
        """What an administrator of the database could do: change one stored entry."""
        self.database._writer.execute("UPDATE entry SET bytes = ? WHERE idx = ?", (entry(1 << 40), index))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


@contextmanager
def log(folder: Path, *sizes: int, fork_at: int | None = None) -> Iterator[Log]:
    """A log that has grown to these sizes."""
    made = Log(folder, fork_at)
    try:
        yield made.to(*sizes)
    finally:
        made.close()


def reader(folder: Path) -> Read:
    """Contents by path, as a web server would give them."""

    def read(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError as fault:
            raise TileMissing(path=path) from fault

    return read


def check(folder: Path) -> Checkpoint:
    """The head that the folder shows, once every tile up to it has been verified."""
    at = notes.open((folder / CHECKPOINT).read_bytes(), ORIGIN, KEY.public)
    verify(reader(folder), at)
    return at


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
