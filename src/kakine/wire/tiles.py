"""Names and contents of the static files of the log (spec/tiles.md section 2): C2SP tlog-tiles.

    tile/<L>/<N>[.p/<W>]         W hashes of 32 bytes: subtrees of 256^L entries each
    tile/entries/<N>[.p/<W>]     W times u16 length ‖ entry

256 to a file; `.p/<W>` stands only where there are fewer. N is written in groups of three digits, all but the
last with an `x` before them: x001/x234/067.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kakine.values.problems import TileInvalid
from kakine.wire.entry import LENGTH

HEIGHT: Final = 8
"""Levels of the tree in one tile."""

WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""

HASH: Final = 32

ENTRIES: Final = -1
"""In place of a level: the bundles of entries."""

_MOST_LEVEL = 63
_PREFIX = LENGTH.to_bytes(2, "big")
_STRIDE = len(_PREFIX) + LENGTH
_PATH = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One file: tile number `index` of `level` with `width` of its 256 places filled.

    `level` is 0 … 63 for hashes and `ENTRIES` for a bundle. Raises `TileInvalid` for anything else.
    """

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= _MOST_LEVEL and self.index >= 0 and 1 <= self.width <= WIDTH):
            raise TileInvalid(part="place")

    @property
    def path(self) -> str:
        """Where it is served, below the address of the log; no slash in front."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([f"x{each}" for each in groups[:-1]] + groups[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @property
    def full(self) -> Tile:
        """The same place once all of it is filled."""
        return Tile(self.level, self.index)

    @property
    def bytes_long(self) -> int:
        """The only length that the content may have."""
        return self.width * (_STRIDE if self.level == ENTRIES else HASH)

    def within(self, size: int) -> bool:
        """Whether a tree of `size` entries fills these places."""
        return self.index * WIDTH + self.width <= size >> HEIGHT * max(self.level, 0)

    def sized(self, data: bytes) -> bytes:
        """`data`; raises `TileInvalid` if it has another length than this tile. The hashes are not checked."""
        if len(data) != self.bytes_long:
            raise TileInvalid(part="length", path=self.path)
        return data


def parse(path: str) -> Tile:
    """The tile of a path. Raises `TileInvalid` unless the path is the one way to write it."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TileInvalid(part="path")
    level, number, width = found.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(number.replace("/", "").replace("x", "")),
        WIDTH if width is None else int(width),
    )
    if tile.path != path:
        raise TileInvalid(part="path")
    return tile


def partials(size: int) -> Iterator[Tile]:
    """The tiles and the bundle at the right edge of a tree of `size` that are not full, lowest level first.

    At level L there are floor(size / 256^L) mod 256 places filled; a level without any has no partial tile.
    """
    for level in (ENTRIES, *range(_MOST_LEVEL + 1)):
        count = size >> HEIGHT * max(level, 0)
        if count == 0:
            return
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of these entries. Raises `TileInvalid` unless there are 1 to 256, 80 bytes each."""
    if not 1 <= len(entries) <= WIDTH or any(len(each) != LENGTH for each in entries):
        raise TileInvalid(part="entries")
    return _PREFIX + _PREFIX.join(entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises `TileInvalid` for another length, of the whole or of an entry.

    What an entry says is not looked at.
    """
    entries = [data[at + len(_PREFIX) : at + _STRIDE] for at in range(0, len(data), _STRIDE)]
    if len(entries) != width or encode_bundle(entries) != data:
        raise TileInvalid(part="bundle")
    return entries
