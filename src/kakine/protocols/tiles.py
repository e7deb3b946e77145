"""The tree cut into tiles, and the check that a folder of tiles holds the log that its checkpoint says.

Nothing here reads or writes files; `read` is whatever gives the content of a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

from kakine.crypto.merkle import EMPTY, leaf_hash, node_hash
from kakine.values.problems import TileInvalid, TileMissing
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.tiles import ENTRIES, HASH, HEIGHT, WIDTH, Tile, decode_bundle, partials

Read = Callable[[str], bytes]
"""The content of a path below the log's address. Raises `TileMissing` if there is none."""

_PAIR = 2 * HASH


class Tiler:
    """A growing tree of which only the right edge is kept: for each level the hashes of the tile that is not full.

    Memory is at most 8 KiB a level, whatever the size.
    """

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytearray] = [bytearray()]

    @classmethod
    def resumed(cls, size: int, edge: Mapping[int, bytes]) -> Tiler:
        """A tree of `size`, from the contents of its partial tiles of hashes by level (empty where full).

        Raises `TileInvalid` if one has another length than `size` says. Compare `root` before relying on it.
        """
        made = cls()
        made.size = size
        for tile in partials(size):
            if tile.level != ENTRIES:
                made._at(tile.level).extend(tile.sized(edge.get(tile.level, b"")))
        return made

    def grow(self, leaf_hashes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaves, given as their hashes; yields each tile that becomes full, lower levels first.

        The iterator must be exhausted: leaves are added as it runs.
        """
        for leaf in leaf_hashes:
            self._edge[0] += leaf
            self.size += 1
            if self.size % WIDTH == 0:
                yield from self._carry()

    def _carry(self) -> Iterator[tuple[Tile, bytes]]:
        level = 0
        while len(self._edge[level]) == WIDTH * HASH:
            full = bytes(self._edge[level])
            self._edge[level].clear()
            yield Tile(level, (self.size >> HEIGHT * (level + 1)) - 1), full
            level += 1
            self._at(level).extend(_subtree(full))

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial tiles of hashes, lowest level first."""
        for tile in partials(self.size):
            if tile.level != ENTRIES:
                yield tile, bytes(self._edge[tile.level])

    def root(self) -> bytes:
        """The root hash of the present size, RFC 6962."""
        # The largest complete subtrees from left to right are those of the highest level's bits first.
        peaks = [peak for hashes in reversed(self._edge) for peak in _peaks(hashes)]
        if not peaks:
            return EMPTY
        return reduce(lambda right, left: node_hash(left, right), reversed(peaks))

    def _at(self, level: int) -> bytearray:
        while len(self._edge) <= level:
            self._edge.append(bytearray())
        return self._edge[level]


def _subtree(hashes: bytes) -> bytes:
    """The hash over a power of two of hashes."""
    sha256 = hashlib.sha256
    while len(hashes) > HASH:
        pairs = range(0, len(hashes), _PAIR)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + _PAIR]).digest() for at in pairs])
    return hashes


def _peaks(hashes: bytearray) -> Iterator[bytes]:
    at, count = 0, len(hashes) // HASH
    for bit in range(HEIGHT - 1, -1, -1):
        if count >> bit & 1:
            length = HASH << bit
            yield _subtree(bytes(hashes[at : at + length]))
            at += length


def verify(read: Read, at: Checkpoint) -> None:
    """Build the whole tree from the entry bundles, and hold every tile up to `at.size` and the root against it.

    Raises `TileMissing` or `TileInvalid` at the first file that is not what it must be. A partial tile that is
    no longer served is taken from the full one. Who signed `at`, what the entries say and files beyond `at.size`
    are not checked.
    """
    tiler = Tiler()
    for first in range(0, at.size, WIDTH):
        bundle = Tile(ENTRIES, first // WIDTH, min(WIDTH, at.size - first))
        entries = decode_bundle(fetch(read, bundle), bundle.width)
        for tile, hashes in tiler.grow([leaf_hash(entry) for entry in entries]):
            _compare(read, tile, hashes)
    for tile, hashes in tiler.edge():
        _compare(read, tile, hashes)
    if tiler.root() != at.root:
        raise TileInvalid(part="root")


def fetch(read: Read, tile: Tile) -> bytes:
    """The content of a tile, cut from the full tile if the partial one is gone. Its length is right.

    Raises `TileMissing`, `TileInvalid`.
    """
    try:
        return tile.sized(read(tile.path))
    except TileMissing:
        if tile == tile.full:
            raise
    return tile.full.sized(read(tile.full.path))[: tile.bytes_long]


def _compare(read: Read, tile: Tile, hashes: bytes) -> None:
    if fetch(read, tile) != hashes:
        raise TileInvalid(part="hashes", path=tile.path)
