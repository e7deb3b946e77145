"""A country that does not start, as its folder lies: what its ledgers have stored, and the heads that others keep.

Nothing answers for it then. The command reads what the ledgers' public files would be made of, and what converters
and outside witnesses have on disk; record keepers cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import MetaData

from kakine.cli.monitor_country import Reported
from kakine.clients.monitor.memory import Memory, named
from kakine.clients.monitor.reading import Watched
from kakine.country import CONVERTERS, LOGS, POLICY
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import VerifyKey
from kakine.institutions.watchers import WATCHERS
from kakine.parties.converter.store import metadata as CONVERTER
from kakine.parties.ledger.store import METADATA as LEDGER
from kakine.parties.ledger.store import Store
from kakine.parties.witness.app import METADATA as WITNESS
from kakine.protocols.logs import Log
from kakine.runtime.database import Database
from kakine.runtime.heads import find, forks
from kakine.values.problems import CheckpointInvalid, LedgerDiverged, Problem, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.tiles import Tile


class Stored:
    """A log out of its ledger's store, under the largest signed head that its entries give.

    A store may lack the last head, which was signed after the last entries had been stored: so `elsewhere`, heads that
    others keep, are looked at too.
    """

    has_tiles = False

    def __init__(
        self, log: Log, key: VerifyKey, folder: Path, undo: ExitStack, elsewhere: Sequence[bytes]
    ) -> None:
        self.name = str(log.ledger)
        self._log = log
        self._key = key
        self._path = folder / f"{log.ledger}.sqlite"
        self._undo = undo
        self._elsewhere = elsewhere
        self._opened: Store | None = None

    @property
    def _store(self) -> Store:
        if self._opened is None:
            database = Database.open(self._path, LEDGER)
            self._undo.callback(database.close)
            self._opened = Store(database)
        return self._opened

    async def checkpoint(self) -> bytes:
        last, tree = self._store.last_note(), self._tree()
        stored = [last[1]] if last else []
        given = [note for note in (*self._elsewhere, *stored) if self._is_head(note, tree)]
        if not given and not stored:
            raise LedgerDiverged(part="checkpoint")
        return max(given, key=self._size) if given else stored[0]

    def is_new(self) -> bool:
        """Whether nobody has any head of it, itself included. Raises what a store that does not open refuses with."""
        return not self._elsewhere and self._store.last_note() is None

    def _tree(self) -> Tree:
        tree = Tree()
        tree.append([leaf_hash(each) for each in self._store.all_entries()])
        return tree

    def _is_head(self, note: bytes, tree: Tree) -> bool:
        try:
            at = notes.open(note, self._log.origin, self._key)
        except (CheckpointInvalid, SignatureInvalid):
            return False
        return at.size <= tree.size and at.root == tree.root(at.size)

    def _size(self, note: bytes) -> int:
        return notes.open(note, self._log.origin, self._key).size

    async def entries(self, first: int, end: int) -> list[bytes]:
        return self._store.entries(first, end - first)

    async def consistency(self, size: int) -> tuple[list[bytes], bytes]:
        note = await self.checkpoint()
        return self._tree().consistency_proof(size, self._size(note)), note

    async def filed(self, tag: bytes) -> int | None:
        found = self._store.find(tag)
        return found[0] if found else None

    async def hold(self, tile: Tile, hashes: bytes) -> None:
        """A store has no tiles."""


class Keeping:
    """Somebody's store of heads."""

    def __init__(self, name: str, path: Path, tables: MetaData, origin: str) -> None:
        self.name = name
        self._path = path
        self._tables = tables
        self._origin = origin

    async def heads(self) -> list[bytes]:
        return self.notes()

    def notes(self) -> list[bytes]:
        """The last head and those that contradict one. Raises `StoreInUse`, `StoreOutdated`."""
        database = Database.open(self._path, self._tables)
        try:
            db = database.read()
            _, note = find(db, self._origin)
            return [*([note] if note else []), *forks(db, self._origin)]
        finally:
            database.close()


@contextmanager
def stored(folder: Path, reported: Mapping[str, Reported], memory: Memory) -> Iterator[list[Watched]]:
    """Each log that the folder's own policy gives a key of. Raises `PolicyMalformed`."""
    published = folder / POLICY
    trusted = policy.decode(published.read_bytes()).logs if published.is_file() else []
    keys = {log.name: log.key for log in trusted}
    with ExitStack() as undo:
        known = [log for log in LOGS if log.origin in keys]
        watched = [_watched(folder, log, keys[log.origin], reported, memory, undo) for log in known]
        yield [each for each in watched if each is not None]


def _watched(
    folder: Path, log: Log, key: VerifyKey, reported: Mapping[str, Reported], memory: Memory, undo: ExitStack
) -> Watched | None:
    witnesses, heads = _keeping(folder, log.origin), reported[log.origin]
    elsewhere = [seen.note for seen in memory.known(named(log.origin, key)).heads]
    elsewhere += [note for each in witnesses for note in _notes(each)]
    source = Stored(log, key, folder, undo, elsewhere)
    try:
        if source.is_new():
            return None
    except Problem:
        pass  # it refuses again when it is read, and is named
    return Watched(log.origin, key, source, reported=heads, witnesses=witnesses)


def _notes(witness: Keeping) -> list[bytes]:
    try:
        return witness.notes()
    except Problem:
        return []  # asked as a witness it refuses again, and is named


def _keeping(folder: Path, origin: str) -> list[Keeping]:
    stores = [(str(name), folder / f"{name}.sqlite", CONVERTER) for name in CONVERTERS]
    stores += [(each.name, folder / "witnesses" / f"{each.name}.sqlite", WITNESS) for each in WATCHERS]
    return [Keeping(name, path, tables, origin) for name, path, tables in stores if path.is_file()]
