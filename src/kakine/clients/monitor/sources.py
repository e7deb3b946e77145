"""Where the monitor reads a log: calls of a running country, or static files. One small interface for both."""

from __future__ import annotations

from typing import Protocol

from kakine.contracts.call import Nothing
from kakine.contracts.converter import HEAD, STATEMENTS, LastHead, StatementsAsked
from kakine.contracts.ledger import CHECKPOINT, CONSISTENCY, ENTRIES, RECEIPT, Between, ByIndex, ByTag
from kakine.contracts.mailbox import INDEXES, STANDING, AskStanding, IndexesAsked, StandingGiven
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import VerifyKey
from kakine.protocols.tiles import Read, fetch
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import TagUnknown, TileInvalid
from kakine.wire import checkpoint as notes
from kakine.wire.entry import split_entries
from kakine.wire.tiles import ENTRIES as BUNDLES
from kakine.wire.tiles import WIDTH, Tile, decode_bundle


class Source(Protocol):
    """A log as somebody shows it. Nothing that it gives is believed."""

    name: str
    has_tiles: bool

    async def checkpoint(self) -> bytes:
        """The signed head as it is served."""

    async def entries(self, first: int, end: int) -> list[bytes]:
        """Entries first … end - 1, all in one bundle of 256."""

    async def consistency(self, size: int) -> tuple[list[bytes], bytes]:
        """(RFC 9162 proof from `size`, note of the head it leads to)."""

    async def filed(self, tag: bytes) -> int | None:
        """The place of what was filed under a tag (32 bytes), by the log's own word; None where it knows of nothing."""

    async def hold(self, tile: Tile, hashes: bytes) -> None:
        """Compare a served tile with what the entries give. Raises `TileInvalid`, `TileMissing`."""


class Keeper(Protocol):
    """A record keeper that says what it holds."""

    name: str
    key: VerifyKey
    origin: str
    """The log of which it is asked."""

    async def standing(self, asked: AskStanding) -> StandingGiven:
        """Its signed statement."""

    async def indexes(self) -> list[bytes]:
        """All its indexes in order, each an encoded `wire.index.RootShown`."""


class Witness(Protocol):
    """Somebody who keeps heads of a log: a converter, an outside witness."""

    name: str

    async def heads(self) -> list[bytes]:
        """The last one, and those that contradict one that was seen before, as the log signed them."""


class Stater(Protocol):
    """A converter that states what it released of a log."""

    name: str
    key: VerifyKey
    position: int

    async def statements(self) -> list[bytes]:
        """All its statements in order, each an encoded `wire.counting.CountShown`."""


class Running:
    """The ledger of a running country."""

    has_tiles = False

    def __init__(self, peers: Peers, ledger: PartyName) -> None:
        self.name = str(ledger)
        self._peers = peers
        self._ledger = ledger

    async def checkpoint(self) -> bytes:
        return (await self._peers.ask(self._ledger, CHECKPOINT, Nothing())).checkpoint

    async def entries(self, first: int, end: int) -> list[bytes]:
        given = await self._peers.ask(self._ledger, ENTRIES, ByIndex(first, end - first))
        return split_entries(given.entries)

    async def consistency(self, size: int) -> tuple[list[bytes], bytes]:
        given = await self._peers.ask(self._ledger, CONSISTENCY, Between(size))
        return given.proof, given.checkpoint

    async def filed(self, tag: bytes) -> int | None:
        try:
            return (await self._peers.ask(self._ledger, RECEIPT, ByTag(tag))).receipt.first
        except TagUnknown:
            return None

    async def hold(self, tile: Tile, hashes: bytes) -> None:
        """A running ledger serves no tiles."""


class Files:
    """Static files of C2SP tlog-tiles, given by `read`."""

    has_tiles = True

    def __init__(self, name: str, read: Read, origin: str, key: VerifyKey) -> None:
        self.name = name
        self._read = read
        self._origin = origin
        self._key = key

    async def checkpoint(self) -> bytes:
        return self._read("checkpoint")

    async def entries(self, first: int, end: int) -> list[bytes]:
        number, start = divmod(first, WIDTH)
        bundle = Tile(BUNDLES, number, end - number * WIDTH)
        return decode_bundle(fetch(self._read, bundle), bundle.width)[start:]

    async def consistency(self, size: int) -> tuple[list[bytes], bytes]:
        """Made out of all entries: static files hold no proofs."""
        note = await self.checkpoint()
        at = notes.open(note, self._origin, self._key)
        tree = Tree()
        for first in range(0, at.size, WIDTH):
            tree.append([leaf_hash(each) for each in await self.entries(first, min(first + WIDTH, at.size))])
        return tree.consistency_proof(size), note

    async def filed(self, tag: bytes) -> int | None:
        """Static files have no tags."""
        return None

    async def hold(self, tile: Tile, hashes: bytes) -> None:
        if fetch(self._read, tile) != hashes:
            raise TileInvalid(part="hashes", path=tile.path)


class Mailbox:
    """A record keeper of a running country."""

    def __init__(self, peers: Peers, party: PartyName, key: VerifyKey, origin: str) -> None:
        self.name = str(party)
        self.key = key
        self.origin = origin
        self._party = party
        self._peers = peers

    async def standing(self, asked: AskStanding) -> StandingGiven:
        return await self._peers.ask(self._party, STANDING, asked)

    async def indexes(self) -> list[bytes]:
        return (await self._peers.ask(self._party, INDEXES, IndexesAsked(self.origin, 0))).roots


class Converter:
    """A converter of a running country, which keeps the heads it has released under, and states what it released."""

    def __init__(self, peers: Peers, party: PartyName, key: VerifyKey, position: int, origin: str) -> None:
        self.name = str(party)
        self.key = key
        self.position = position
        self._party = party
        self._origin = origin
        self._peers = peers

    async def statements(self) -> list[bytes]:
        found: list[bytes] = []
        while True:
            asked = StatementsAsked(self._origin, len(found))
            page = (await self._peers.ask(self._party, STATEMENTS, asked)).statements
            if not page:
                return found
            found += page

    async def heads(self) -> list[bytes]:
        seen = await self._peers.ask(self._party, HEAD, LastHead(self._origin))
        return [*([seen.checkpoint] if seen.size else []), *seen.forked]
