"""Write cases.json: known answers of the completeness index (spec/index.md).

    .venv/bin/python vectors/index/generate.py           # write
    .venv/bin/python vectors/index/generate.py --check   # exit 1 if the file is old

A second implementation, written from the specification: nothing of Kakine is imported. Trees and range proofs follow
the recursive definitions literally. List n of an index has the key SHA-256("list" || u32 n) and, on day 20500, the
entries 3n and 3n + 1; the index begins at 0 and ends at 3 · lists (1 where there are none). Half as many entries as
there are lists, rounded down, are sealed.

`proofs` of each index are good: `row` is what they show, null for none. `refused` are bad: `claim` is what a keeper
claims by them ("presence" or "absence") of `tag`, and `part` the part that is wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).resolve().parent / "cases.json"
SIZES = (0, 1, 2, 3, 255, 256, 257, 4000)
ORIGIN = "ledger.example/2026/a"
KEEPER = "mailbox"
DAY = 20_500
ROW = 68
pack = msgspec.msgpack.encode
Vector = dict[str, Any]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def frame(label: str, *parts: bytes) -> bytes:
    out = b"LCX-v1/" + bytes([len(label)]) + label.encode()
    return out + b"".join(struct.pack(">I", len(part)) + part for part in parts)


def keyed(key: bytes, label: str) -> bytes:
    place = ORIGIN.encode(), struct.pack(">Q", 0), struct.pack(">I", DAY)
    return hmac.digest(key, frame(label, *place), "sha256")


def key_of(number: int) -> bytes:
    return sha(b"list" + struct.pack(">I", number))


def row_of(number: int) -> bytes:
    entries = 3 * number, 3 * number + 1
    listed = sha(b"ledger/v1/list" + struct.pack(">IQQ", 2, *entries))
    key = key_of(number)
    return (
        keyed(key, "index-tag")
        + struct.pack(">I", 2)
        + sha(frame("index-list", keyed(key, "index-salt"), listed))
    )


@cache
def rows_of(lists: int) -> tuple[bytes, ...]:
    return tuple(sorted(row_of(number) for number in range(lists)))


def mth(rows: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1."""
    if not rows:
        return sha(b"")
    if len(rows) == 1:
        return sha(b"\0" + rows[0])
    k = 1 << (len(rows) - 1).bit_length() - 1
    return sha(b"\1" + mth(rows[:k]) + mth(rows[k:]))


def outside(rows: Sequence[bytes], low: int, first: int, end: int) -> Iterator[bytes]:
    """The range proof of spec/ledger.md section 6 for first … end - 1; `rows` begin at `low`."""
    high = low + len(rows)
    if end <= low or high <= first:
        yield mth(rows)
    elif not (first <= low and high <= end):
        k = 1 << (len(rows) - 1).bit_length() - 1
        yield from outside(rows[:k], low, first, end)
        yield from outside(rows[k:], low + k, first, end)


def proof(rows: Sequence[bytes], first: int, count: int, shown: bytes | None = None) -> list[Any]:
    return [
        first,
        b"".join(rows[first : first + count]) if shown is None else shown,
        list(outside(rows, 0, first, first + count)) if count else [],
    ]


def root_of(lists: int) -> bytes:
    days = [[DAY, lists, 2 * lists]] if lists else []
    return pack([KEEPER, ORIGIN, 0, 3 * lists or 1, days, lists // 2, mth(rows_of(lists)), bytes(32)])


def beside(tag: bytes, step: int) -> bytes:
    return ((int.from_bytes(tag, "big") + step) % (1 << 256)).to_bytes(32, "big")


def good(rows: Sequence[bytes]) -> Iterator[Vector]:
    for at in sorted({0, 1, len(rows) // 2, len(rows) - 2, len(rows) - 1} & set(range(len(rows)))):
        yield shown(rows[at][:32], proof(rows, at, 1), rows[at])
        if at and beside(rows[at][:32], -1) != rows[at - 1][:32]:
            yield shown(beside(rows[at][:32], -1), proof(rows, at - 1, 2), None)
    if not rows:
        yield shown(sha(b"nobody"), proof(rows, 0, 0), None)
    else:
        yield shown(bytes(32), proof(rows, 0, 1), None)
        yield shown(b"\xff" * 32, proof(rows, len(rows) - 1, 1), None)


def shown(tag: bytes, given: list[Any], row: bytes | None) -> Vector:
    return {"tag": tag.hex(), "proof": pack(given).hex(), "row": row and row.hex()}


def bad(rows: Sequence[bytes]) -> Iterator[Vector]:
    n = len(rows)
    if not n:
        fake = row_of(0)
        yield refused("absence", fake[:32], [1, b"", []], "empty")
        yield refused("absence", fake[:32], [0, b"", [sha(b"")]], "empty")
        yield refused("presence", fake[:32], [0, fake, []], "inclusion")
        return
    for at in sorted({0, n // 2, n - 1}):
        yield from bad_at(rows, at)


def bad_at(rows: Sequence[bytes], at: int) -> Iterator[Vector]:
    n, tag = len(rows), rows[at][:32]
    one = proof(rows, at, 1)
    absent = beside(tag, 1)
    yield refused("absence", tag, [0, b"", []], "empty")
    yield refused("absence", tag, one, "present")
    yield refused("presence", absent, one, "tag")
    yield refused("presence", tag, [0, b"", []], "empty")
    yield refused("presence", tag, [n, *one[1:]], "inclusion")
    yield refused("presence", tag, [at, rows[at], [*one[2], sha(b"one hash more")]], "inclusion")
    changed = bytearray(rows[at])
    changed[35] ^= 1
    yield refused("presence", tag, [at, bytes(changed), one[2]], "inclusion")
    changed = bytearray(rows[at])
    changed[67] ^= 1
    yield refused("presence", tag, [at, bytes(changed), one[2]], "inclusion")
    yield refused("presence", tag, [at, rows[at][:32] + bytes(4) + rows[at][36:], one[2]], "row")
    yield refused("presence", tag, [at, rows[at][:-1], one[2]], "row")
    if n > 1:
        other = at + 1 if at + 1 < n else at - 1
        yield refused("presence", tag, [at, rows[other], one[2]], "inclusion")
        yield refused("presence", tag, [other, rows[at], proof(rows, other, 1)[2]], "inclusion")
        yield refused("presence", tag, [at, rows[at], one[2][1:]], "inclusion")
        yield refused("presence", tag, proof(rows, min(at, other), 2), "tag")
        yield refused("absence", tag, proof(rows, min(at, other), 2), "present")
    if 0 < at < n - 1:
        before, after = rows[at - 1], rows[at + 1]
        two = proof(rows, at - 1, 2)
        yield refused("absence", tag, [at - 1, before + after, two[2]], "inclusion")
        yield refused("absence", tag, [at - 1, after + before, two[2]], "inclusion")
        yield refused("absence", tag, proof(rows, at - 1, 1), "end")
        yield refused("absence", tag, proof(rows, at + 1, 1), "end")
        yield refused("absence", beside(before[:32], -1), two, "between")
        yield refused("absence", absent, two, "between")
    if n > 2 and at == 0:
        yield refused("absence", bytes(32), proof(rows, 1, 1), "end")
        yield refused("absence", b"\xff" * 32, proof(rows, 0, 1), "end")
        yield refused("absence", b"\xff" * 32, proof(rows, n - 2, 2), "between")
        yield refused("absence", bytes(32), proof(rows, 0, 2), "between")


def refused(claim: str, tag: bytes, given: list[Any], part: str) -> Vector:
    return {"claim": claim, "tag": tag.hex(), "proof": pack(given).hex(), "part": part}


def cases() -> Vector:
    indexes = []
    for lists in SIZES:
        rows = rows_of(lists)
        root = root_of(lists)
        indexes.append(
            {
                "lists": lists,
                "rows": sha(b"".join(rows)).hex(),
                "tree": mth(rows).hex(),
                "root": root.hex(),
                "digest": sha(frame("index-root", root)).hex(),
                "proofs": list(good(rows)),
                "refused": list(bad(rows)),
            }
        )
    first = [{"key": key_of(n).hex(), "row": row_of(n).hex()} for n in range(3)]
    return {"origin": ORIGIN, "keeper": KEEPER, "day": DAY, "lists": first, "indexes": indexes}


def main() -> int:
    text = json.dumps(cases(), indent=1) + "\n"
    if "--check" in sys.argv:
        return int(not FILE.exists() or FILE.read_text("utf-8") != text)
    FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
