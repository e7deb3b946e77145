"""Write entries.json, trees.json, checkpoints.json and files.json: known answers of the public log (spec/tiles.md).

    .venv/bin/python vectors/ledger/generate.py           # write
    .venv/bin/python vectors/ledger/generate.py --check   # exit 1 if one is old

Nothing of Kakine is imported: trees follow the recursive definitions of RFC 6962 section 2.1, literally.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = Path(__file__).resolve().parent
SIZES = (0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000)
ORIGIN = "ledger.example/2026/a"
SEED = hashlib.sha256(b"ledger vectors").digest()
HEAD = bytes.fromhex("01030000ffff0000" + "00000000" * 2)
CHANGES = (
    "refused: the same proof with one change. `flip k`: lowest bit of the first byte of hash k; "
    "`drop k`: without hash k; `twice k`: hash k once more behind itself; "
    "`add h`: h behind all; any other word: that member is this instead"
)
RULE = "entry i = 01030000ffff00000000000000000000 || SHA-256(u64 i) || SHA-256(SHA-256(u64 i))"

Vector = dict[str, Any]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def entry(index: int) -> bytes:
    commitment = sha(index.to_bytes(8, "big"))
    return HEAD + commitment + sha(commitment)


def below(count: int) -> int:
    """The largest power of two smaller than count."""
    return 1 << (count - 1).bit_length() - 1


@cache
def mth(low: int, high: int) -> bytes:
    """MTH(D[low:high]), RFC 6962 section 2.1."""
    if low == high:
        return sha(b"")
    if high - low == 1:
        return sha(b"\0" + entry(low))
    k = low + below(high - low)
    return sha(b"\1" + mth(low, k) + mth(k, high))


def path(m: int, low: int, high: int) -> list[bytes]:
    """PATH(m, D[low:high]), section 2.1.1; m counts from low."""
    if high - low == 1:
        return []
    k = below(high - low)
    if m < k:
        return [*path(m, low, low + k), mth(low + k, high)]
    return [*path(m - k, low + k, high), mth(low, low + k)]


def proof(m: int, low: int, high: int, whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[low:high], whole), section 2.1.2."""
    if m == high - low:
        return [] if whole else [mth(low, high)]
    k = below(high - low)
    if m <= k:
        return [*proof(m, low, low + k, whole), mth(low + k, high)]
    return [*proof(m - k, low + k, high, False), mth(low, low + k)]


def hexes(hashes: list[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def name(level: int | str, index: int, width: int) -> str:
    groups = []
    while True:
        groups.append(f"{index % 1000:03}")
        index //= 1000
        if not index:
            break
    number = "/".join(["x" + each for each in groups[:0:-1]] + groups[:1])
    return f"tile/{level}/{number}" + (f".p/{width}" if width < 256 else "")


def hash_tile(level: int, index: int, width: int) -> bytes:
    unit = 256**level
    firsts = range(index * 256 * unit, (index * 256 + width) * unit, unit)
    return b"".join(mth(first, first + unit) for first in firsts)


def bundle(index: int, width: int) -> bytes:
    return b"".join(b"\0\x50" + entry(each) for each in range(index * 256, index * 256 + width))


def tiles(size: int) -> Iterator[tuple[str, bytes]]:
    """First and last full, and the partial tile, of the bundles and of each level."""
    makers: list[tuple[int | str, int, Callable[[int, int], bytes]]] = [("entries", size, bundle)]
    for level in range(3):
        makers.append((level, size // 256**level, lambda i, w, level=level: hash_tile(level, i, w)))
    for level, count, make in makers:
        for index in sorted({0, count // 256 - 1} if count >= 256 else set()):
            yield name(level, index, 256), make(index, 256)
        if count % 256:
            yield name(level, count // 256, count % 256), make(count // 256, count % 256)


def changes(count: int, turn: int) -> list[str]:
    """Changes of the hashes of any proof; the flipped one is another at each turn."""
    if not count:
        return [f"add {sha(b'').hex()}"]
    last = count - 1
    return list(dict.fromkeys([f"flip {turn % count}", "drop 0", f"drop {last}", f"twice {last}"]))


def inclusion(index: int, size: int, turn: int) -> Vector:
    good = path(index, 0, size)
    # In a tree more than twice as large every path is longer, though the hashes may still lead to the smaller root.
    refused = [*changes(len(good), turn), f"size {index}", f"size {2 * size + 1}"]
    if index ^ 1 < size:
        refused.append(f"index {index ^ 1}")
    return {"index": index, "leaf": mth(index, index + 1).hex(), "path": hexes(good), "refused": refused}


def consistency(old: int, size: int, turn: int) -> Vector:
    good = proof(old, 0, size)
    less = [f"old_root {mth(0, old - 1).hex()}", f"root {mth(0, size - 1).hex()}", f"old {size + 1}"]
    return {
        "old": old,
        "old_root": mth(0, old).hex(),
        "proof": hexes(good),
        "refused": [*changes(len(good), turn), *less],
    }


def tree(size: int) -> Vector:
    indices = sorted({0, 1, size // 2, 255, 256, size - 2, size - 1} & set(range(size)))
    olds = sorted({1, 2, 255, 256, 257, size // 2, 65_535, 65_536, size - 1} & set(range(1, size)))
    return {
        "size": size,
        "root": mth(0, size).hex(),
        "tiles": {where: sha(content).hex() for where, content in tiles(size)},
        "inclusion": [inclusion(index, size, turn) for turn, index in enumerate(indices)],
        "consistency": [consistency(old, size, turn) for turn, old in enumerate(olds)],
    }


def refused_inclusions() -> list[Vector]:
    size, index = 257, 255
    good, root, leaf = path(index, 0, size), mth(0, size), mth(index, index + 1)
    node = sha(b"\0" + mth(254, 255) + mth(255, 256))
    flipped = [*good[:3], bytes([good[3][0] ^ 1]) + good[3][1:], *good[4:]]
    cases: list[tuple[str, int, int, bytes, list[bytes], bytes]] = [
        ("one hash too many", index, size, leaf, [*good, good[0]], root),
        ("one hash too few", index, size, leaf, good[:-1], root),
        ("no hash", index, size, leaf, [], root),
        ("two hashes exchanged", index, size, leaf, [good[1], good[0], *good[2:]], root),
        ("one bit of a hash", index, size, leaf, flipped, root),
        ("another index", index - 1, size, leaf, good, root),
        ("index equal to the size", size, size, leaf, good, root),
        ("another size", index, size - 1, leaf, good, root),
        ("the leaf before", index, size, mth(index - 1, index), good, root),
        ("the root of the size before", index, size, leaf, good, mth(0, size - 1)),
        ("the entry hashed without 0x00", index, size, sha(entry(index)), good, root),
        ("a node hashed as if it were an entry", 127, 129, node, path(254, 0, 257)[1:], root),
        ("any leaf in the empty tree", 0, 0, leaf, [], mth(0, 0)),
    ]
    return [
        {"why": why, "index": i, "size": n, "leaf": each.hex(), "path": hexes(p), "root": r.hex()}
        for why, i, n, each, p, r in cases
    ]


def trees() -> Vector:
    return {
        "source": "RFC 6962 section 2.1 and c2sp.org/tlog-tiles; made by generate.py",
        "entry": RULE,
        "changes": CHANGES,
        "entries": {str(i): entry(i).hex() for i in (0, 1, 255)},
        "trees": [tree(size) for size in SIZES],
        "refused_inclusion": refused_inclusions(),
    }


class Signer:
    """Ed25519 in signed notes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def id(self, who: str) -> bytes:
        return sha(who.encode() + b"\n\x01" + self.public)[:4]

    def vkey(self, who: str) -> str:
        typed = b"\x01" + self.public
        return f"{who}+{self.id(who).hex()}+{base64.b64encode(typed).decode()}"

    def line(self, text: str, who: str = ORIGIN, wrong: int = 0) -> str:
        signature = bytearray(self._key.sign(text.encode()))
        signature[10] ^= wrong
        return f"\N{EM DASH} {who} {base64.b64encode(self.id(who) + signature).decode()}\n"


def text(size: str, root: bytes, origin: str = ORIGIN) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def checkpoints() -> Vector:
    log, other = Signer(SEED), Signer(sha(SEED))
    good = text("257", mth(0, 257))
    notes = {size: text(str(size), mth(0, size)) for size in SIZES}
    return {
        "source": "c2sp.org/tlog-checkpoint, c2sp.org/signed-note; made by generate.py",
        "origin": ORIGIN,
        "seed": SEED.hex(),
        "vkey": log.vkey(ORIGIN),
        "checkpoints": [
            {"size": size, "root": mth(0, size).hex(), "note": f"{body}\n{log.line(body)}"}
            for size, body in notes.items()
        ],
        "also": {
            "another key of the same name": f"{good}\n{other.line(good)}{log.line(good)}",
            "another name": f"{good}\n{log.line(good)}{other.line(good, 'witness.example')}",
        },
        "refused": [{"why": why, "note": note} for why, note in refused_notes(log, other).items()],
    }


def refused_notes(log: Signer, other: Signer) -> dict[str, str]:
    root = mth(0, 257)
    good = text("257", root)
    root64 = base64.b64encode(root).decode()
    texts = {
        "leading zero": text("0257", root),
        "no size": text("", root),
        "negative size": text("-1", root),
        "sign before the size": text("+257", root),
        "size above 2^63 - 1": text(str(1 << 63), root),
        "root of 31 bytes": text("257", root[:31]),
        "root of 33 bytes": text("257", root + b"\0"),
        "root without padding": good.replace("=", ""),
        "loose bits in the root's base64": f"{ORIGIN}\n257\n{root64[:-2]}{chr(ord(root64[-2]) + 1)}=\n",
        "another origin in the text": text("257", root, "ledger.example/2026/b"),
        "two lines": f"{ORIGIN}\n257\n",
        "extension line": good + "extension\n",
        "control character": good + "a\tb\n",
        "carriage returns": good.replace("\n", "\r\n"),
        "a text of which a part is no text of the log": good + "\n",
    }
    signed = {why: f"{body}\n{log.line(body)}" for why, body in texts.items()}
    return {
        **signed,
        "one bit of the signature": f"{good}\n{log.line(good, wrong=1)}",
        "only another key's signature": f"{good}\n{other.line(good)}",
        "only another name": f"{good}\n{log.line(good, 'ledger.example/2026/b')}",
        "signature over another text": f"{good}\n{log.line(text('256', mth(0, 256)))}",
        "no signature": f"{good}\n",
        "no blank line": good + log.line(good),
        "no newline at the end": f"{good}\n{log.line(good)}"[:-1],
        "hyphen for the dash": f"{good}\n{log.line(good).replace(chr(0x2014), '-')}",
        "blank line after the signature": f"{good}\n{log.line(good)}\n",
        "nothing": "",
    }


PLACES = [
    ("entries", 0, 256), ("entries", 273, 112), ("0", 0, 1), ("0", 999, 256), ("0", 1000, 256), ("1", 1, 17),
    ("2", 1_234_067, 256), ("2", 1_234_067, 8), ("63", 999_999, 255), ("0", 1_000_000_000, 256),
]  # fmt: skip

REFUSED_PATHS = [
    "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/x001",
    "tile/0/001/234", "tile/0/x001/x234", "tile/0/X001/234", "tile/00/001", "tile/64/001", "tile/-1/001",
    "tile/8/0/001", "tile/data/001", "tile/0/001.p", "tile/0/001.p/", "tile/0/001.p/0", "tile/0/001.p/01",
    "tile/0/001.p/256", "tile/0/001.p/1000", "tile/0/001/", "/tile/0/001", "tile/0/001\n", "tile/0/00１",
    "tile/entries/001.p/256", "tile/0/../001", "checkpoint",
]  # fmt: skip


def files() -> Vector:
    one = b"\0\x50" + entry(0)
    bundles = {
        "last byte missing": (2, bundle(0, 2)[:-1]),
        "a byte too many": (2, bundle(0, 2) + b"\0"),
        "fewer entries than the width": (2, one),
        "more entries than the width": (1, bundle(0, 2)),
        "a length of 79": (1, b"\0\x4f" + entry(0)),
        "a length of 81 and 81 bytes": (1, b"\0\x51" + entry(0) + b"\0"),
        "little-endian length": (1, b"\x50\0" + entry(0)),
        "no length": (1, entry(0)),
        "nothing": (1, b""),
    }
    return {
        "source": "c2sp.org/tlog-tiles; made by generate.py",
        "paths": [
            {"level": level, "index": index, "width": width, "path": name(level, index, width)}
            for level, index, width in PLACES
        ],
        "refused_paths": REFUSED_PATHS,
        "bundles": [
            {"index": i, "width": w, "sha256": sha(bundle(i, w)).hex()}
            for i, w in ((0, 1), (0, 256), (273, 112))
        ],
        "refused_bundles": [
            {"why": why, "width": w, "bytes": data.hex()} for why, (w, data) in bundles.items()
        ],
    }


FIELDS = ("kind", "converters", "expiry_months", "flags", "minutes", "sealed_until")

ENTRIES: dict[str, tuple[int, ...]] = {
    "a request": (1, 7, 397, 0, 29_500_000, 0),
    "a request in bulk": (1, 7, 397, 2, 29_500_000, 0),
    "a sealed request": (1, 7, 397, 1, 29_500_000, 20_516),
    "a sealed outcome": (2, 7, 397, 1, 29_500_000, 20_516),
    "a sealed request with all flags": (1, 7, 397, 15, 29_500_000, 0xFFFFFFFF),
    "what opens a sealed entry": (6, 0, 0xFFFF, 0, 29_543_040, 0),
}
REFUSED_ENTRIES: dict[str, tuple[int, ...]] = {
    "a day without the flag": (1, 7, 397, 0, 29_500_000, 20_516),
    "a day with another flag": (1, 7, 397, 2, 29_500_000, 20_516),
    "the flag without a day": (1, 7, 397, 1, 29_500_000, 0),
    "a sealed view": (8, 7, 397, 1, 29_500_000, 20_516),
    "a sealed objection": (7, 7, 397, 1, 29_500_000, 20_516),
    "a sealed version of the law": (3, 0, 0xFFFF, 1, 29_500_000, 20_516),
    "a sealed opening": (6, 0, 0xFFFF, 1, 29_500_000, 20_516),
    "an unknown flag": (1, 7, 397, 16, 29_500_000, 0),
    "kind 0": (0, 7, 397, 0, 29_500_000, 0),
    "kind 11": (11, 7, 397, 0, 29_500_000, 0),
}


def entries() -> Vector:
    tail = sha(b"C") + sha(b"D")

    def packed(fields: tuple[int, ...]) -> str:
        return (struct.pack(">BBHHHII", 1, *fields) + tail).hex()

    return {
        "source": "spec/ledger.md section 3; made by generate.py",
        "commitment": sha(b"C").hex(),
        "payload": sha(b"D").hex(),
        "entries": [
            {"what": what, **dict(zip(FIELDS, fields, strict=True)), "bytes": packed(fields)}
            for what, fields in ENTRIES.items()
        ],
        "refused": [{"why": why, "bytes": packed(fields)} for why, fields in REFUSED_ENTRIES.items()],
    }


PAGES: dict[str, Callable[[], Vector]] = {
    "entries": entries,
    "trees": trees,
    "checkpoints": checkpoints,
    "files": files,
}


def page(which: str) -> str:
    """The text of one vector file."""
    return json.dumps(PAGES[which](), indent=1, ensure_ascii=True) + "\n"


def main(arguments: list[str]) -> int:
    old = 0
    for which in PAGES:
        where = FOLDER / f"{which}.json"
        made = page(which)
        if "--check" in arguments:
            old |= not where.is_file() or where.read_text("utf-8") != made
        else:
            where.write_text(made, "utf-8")
    return int(old)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
