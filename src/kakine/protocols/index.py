"""The completeness index: which entries of the log stand in whose list, so that nobody is told less (spec/index.md).

A record keeper makes one index for each stretch of one log. For each list and day with entries there is a row under a
tag that only the keeper and the person can make. Here rows, the tree over them and proofs are made, and proofs
verified; `index_check` says what follows from them. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kakine.crypto.hashing import mac
from kakine.crypto.merkle import Tree, leaf_hash, verify_range
from kakine.values.problems import InclusionInvalid, IndexProofInvalid, IndexRowsInvalid, NotCanonical
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.index import ROW, Day, IndexRoot, OpenedRow, Proof, Row, list_digest, sealed_list

COUNTED = frozenset({EntryKind.REQUEST, EntryKind.OUTCOME, EntryKind.VIEWED, EntryKind.ANNOTATION})
"""Kinds of entries that stand in some person's list, each in exactly one; but for the commission's answers."""


def stands_in_a_list(entry: Entry) -> bool:
    """Whether an index must have this entry."""
    return entry.kind in COUNTED and not entry.is_answer


_DAY_MINUTES = 1440


def day_of(minutes: int) -> int:
    """The UTC day, since 1970, of an entry's own minutes. No clock but that of the entry is asked."""
    return minutes // _DAY_MINUTES


def _place(origin: str, start: int, day: int) -> tuple[bytes, bytes, bytes]:
    return origin.encode(), start.to_bytes(8, "big"), day.to_bytes(4, "big")


def tag_of(key: bytes, origin: str, start: int, day: int) -> bytes:
    """The tag (32 bytes) of the list with this key (32 bytes) on one day in the index that begins at `start`.

    Another day, index or log gives a tag that nobody without the key can connect with it.
    """
    return mac(key, "index-tag", *_place(origin, start, day))


def salt_of(key: bytes, origin: str, start: int, day: int) -> bytes:
    """The salt (32 bytes) of the same row; it may be shown to an auditor, and opens no other row."""
    return mac(key, "index-salt", *_place(origin, start, day))


@dataclass(frozen=True, slots=True)
class Listed:
    """The entries, ascending, that one list has on one day in the stretch that is indexed. `key` is the list's."""

    key: bytes
    day: int
    indexes: Sequence[int]


class Index:
    """One index: its rows in order and the tree over them, as the record keeper holds it to answer with proofs."""

    def __init__(self, origin: str, start: int, end: int, lists: Iterable[Listed]) -> None:
        """The index of the entries start … end - 1. About 10 µs a row.

        Raises `IndexRowsInvalid` where a list has no entries, entries that do not ascend or lie outside, or two rows of
        one day. That every entry is in some list is for `index_check.check_totals`.
        """
        self.origin, self.start, self.end = origin, start, end
        rows: list[bytes] = []
        counted: Counter[int] = Counter()
        totals: Counter[int] = Counter()
        for each in lists:
            check_listed(each.indexes, start, end)
            place = origin, start, each.day
            sealed = sealed_list(salt_of(each.key, *place), list_digest(each.indexes))
            rows.append(Row(tag_of(each.key, *place), len(each.indexes), sealed).encode())
            counted[each.day] += 1
            totals[each.day] += len(each.indexes)
        rows.sort()
        check_order(rows)
        self.rows = rows
        self.days = tuple(Day(day, counted[day], totals[day]) for day in sorted(counted))
        self._tree = tree_of(rows)

    def root(self, keeper: str, previous: bytes) -> IndexRoot:
        """What the keeper signs; `previous` is the digest of its index before."""
        root = self._tree.root()
        return IndexRoot(keeper, self.origin, self.start, self.end, self.days, root, previous)

    def prove(self, tag: bytes) -> Proof:
        """That `tag` has the row it has, or none."""
        # The first 32 bytes of a row are its tag, so a row is never below its own tag.
        at = bisect_left(self.rows, tag)
        if at < len(self.rows) and self.rows[at].startswith(tag):
            return self._shown(at, at + 1)
        return self._shown(max(at - 1, 0), min(at + 1, len(self.rows)))

    def _shown(self, first: int, end: int) -> Proof:
        if first == end:
            return Proof(0, b"", ())
        return Proof(first, b"".join(self.rows[first:end]), tuple(self._tree.range_proof(first, end - first)))


def check_listed(indexes: Sequence[int], start: int, end: int) -> None:
    """Raise `IndexRowsInvalid` unless these ascend strictly within start … end - 1 and there is at least one."""
    if not indexes or indexes[0] < start or indexes[-1] >= end:
        raise IndexRowsInvalid(part="range")
    if any(one >= other for one, other in pairwise(indexes)):
        raise IndexRowsInvalid(part="list")


def check_order(rows: Sequence[bytes]) -> None:
    """Raise `IndexRowsInvalid` unless the tags of the rows ascend strictly."""
    if any(one[:32] >= other[:32] for one, other in pairwise(rows)):
        raise IndexRowsInvalid(part="order")


def tree_of(rows: Iterable[bytes]) -> Tree:
    """The tree whose leaves are the rows."""
    tree = Tree()
    tree.append([leaf_hash(row) for row in rows])
    return tree


def opened_row(listed: Listed, origin: str, start: int) -> OpenedRow:
    """What the keeper shows an auditor of one row."""
    place = origin, start, listed.day
    return OpenedRow(tag_of(listed.key, *place), salt_of(listed.key, *place), tuple(listed.indexes))


def find(root: IndexRoot, tag: bytes, proof: Proof) -> Row | None:
    """The row of `tag`, or None if the proof shows that it has none. Raises what the two functions below raise."""
    if proof.rows[:32] == tag:
        return verify_presence(root, tag, proof)
    verify_absence(root, tag, proof)
    return None


def verify_presence(root: IndexRoot, tag: bytes, proof: Proof) -> Row:
    """The one row of `tag` in the index with this root. Raises `IndexProofInvalid`.

    Not checked: who signed the root; that the tag has no second row, which an index out of order could have
    (`index_check.audit` sees that, a reader of one row cannot).
    """
    rows = _rows(root, proof)
    if len(rows) != 1 or rows[0].tag != tag:
        raise IndexProofInvalid(part="tag")
    return rows[0]


def verify_absence(root: IndexRoot, tag: bytes, proof: Proof) -> None:
    """Raise `IndexProofInvalid` unless the rows next to where `tag` would stand leave no place for it.

    Not checked: who signed the root; that the other rows are in order (see `verify_presence`).
    """
    rows = _rows(root, proof)
    tags = [row.tag for row in rows]
    if tag in tags:
        raise IndexProofInvalid(part="present")
    if len(rows) == 2:
        if not tags[0] < tag < tags[1]:
            raise IndexProofInvalid(part="between")
    elif len(rows) == 1:
        before_all = proof.first == 0 and tag < tags[0]
        after_all = proof.first == root.size - 1 and tags[0] < tag
        if not before_all and not after_all:
            raise IndexProofInvalid(part="end")


def _rows(root: IndexRoot, proof: Proof) -> list[Row]:
    """The rows of a proof, once they stand where it says in the tree with this root."""
    encoded = [proof.rows[at : at + ROW] for at in range(0, len(proof.rows), ROW)]
    if not encoded:
        if root.size or proof.first or proof.path:
            raise IndexProofInvalid(part="empty")
        return []
    try:
        rows = [Row.decode(row) for row in encoded]
        verify_range([leaf_hash(row) for row in encoded], proof.first, root.size, proof.path, root.root)
    except NotCanonical as fault:
        raise IndexProofInvalid(part="row") from fault
    except InclusionInvalid as fault:
        raise IndexProofInvalid(part="inclusion") from fault
    return rows
