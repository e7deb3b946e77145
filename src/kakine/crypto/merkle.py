"""Merkle trees of RFC 6962 section 2 (RFC 9162 section 2.1): append, range proofs, consistency proofs,
verifiers.

A *range proof* generalises the audit path: the hashes of the largest subtrees that lie wholly outside the
range, from left to right, in the one order in which the recursive split meets them. For one leaf these are
the hashes of its RFC 6962 path. A leaf hash and a node hash have different prefixes, so no node can be shown
as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from kakine.values.problems import ConsistencyInvalid, InclusionInvalid, RangeOutside

EMPTY = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

_HASH = 32
_UNEVEN = 1024
"""Subtrees at the right edge of some size whose hashes a tree remembers: proofs under one head share some twenty."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data), 32 bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below `count`, for count >= 2."""
    return 1 << ((count - 1).bit_length() - 1)


class Tree:
    """An append-only tree in memory: one byte array for each level, holding the complete subtrees of that
    height.

    It takes about 64 bytes a leaf. Every proof can be had for any earlier size, so readers may go on with the
    size that is durable while leaves beyond it are not yet.
    """

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._uneven: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // _HASH

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Add leaves, given as their leaf hashes; raises `InclusionInvalid` for one that has not 32 bytes."""
        if any(len(each) != _HASH for each in leaf_hashes):
            raise InclusionInvalid(part="leaf")
        self._levels[0] += b"".join(leaf_hashes)
        height = 0
        while len(self._levels[height]) >= 2 * _HASH:
            if height + 1 == len(self._levels):
                self._levels.append(bytearray())
            lower, upper = self._levels[height], self._levels[height + 1]
            for at in range(2 * len(upper), len(lower) - 2 * _HASH + 1, 2 * _HASH):
                upper += hashlib.sha256(b"\x01" + lower[at : at + 2 * _HASH]).digest()
            height += 1

    def root(self, size: int | None = None) -> bytes:
        """Root hash of the first `size` leaves, of all if None; `RangeOutside` if there are not so many."""
        size = self._known(size)
        return self._subtree(0, size) if size else EMPTY

    def range_proof(self, first: int, count: int, size: int | None = None) -> list[bytes]:
        """Proof that leaves first … first + count - 1 are in the tree of `size`; else `RangeOutside`."""
        size = self._known(size)
        if first < 0 or count < 1 or first + count > size:
            raise RangeOutside(size=size)
        before: list[bytes] = []
        behind: list[bytes] = []
        low, high, end = 0, size, first + count
        # Down to the smallest subtree around the range; what is left beside the way stands before or behind all else.
        while high - low > count:
            middle = low + _split(high - low)
            if end <= middle:
                behind.append(self._subtree(middle, high))
                high = middle
            elif middle <= first:
                before.append(self._subtree(low, middle))
                low = middle
            else:
                break
        self._outside(low, high, first, end, before)
        return before + behind[::-1]

    def inclusion_path(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of one leaf in the order of RFC 9162 section 2.1.3.1: from the leaf up."""
        size = self._known(size)
        if not 0 <= index < size:
            raise RangeOutside(size=size)
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._subtree(middle, high))
                high = middle
            else:
                path.append(self._subtree(low, middle))
                low = middle
        path.reverse()
        return path

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """RFC 9162 section 2.1.4.1: proof that the tree of `old` leaves is the beginning of that of `new`.

        Empty if old is 0 or equals new. `RangeOutside` if old > new or the tree has fewer leaves.
        """
        new = self._known(new)
        if not 0 <= old <= new:
            raise RangeOutside(size=new)
        proof: list[bytes] = []
        if old in (0, new):
            return proof
        low, high, whole = 0, new, True
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                proof.append(self._subtree(middle, high))
                high = middle
            else:
                proof.append(self._subtree(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._subtree(low, high))
        proof.reverse()
        return proof

    def _known(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise RangeOutside(size=self.size)
        return size

    def _subtree(self, low: int, high: int) -> bytes:
        # MTH(D[low:high]); each range that the split meets starts at a multiple of its power of two.
        count = high - low
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            at = (low >> height) * _HASH
            return bytes(self._levels[height][at : at + _HASH])
        made = self._uneven.get((low, high))
        if made is None:
            middle = low + _split(count)
            made = node_hash(self._subtree(low, middle), self._subtree(middle, high))
            if len(self._uneven) == _UNEVEN:
                self._uneven.clear()
            self._uneven[low, high] = made
        return made

    def _outside(self, low: int, high: int, first: int, end: int, proof: list[bytes]) -> None:
        if end <= low or high <= first:
            proof.append(self._subtree(low, high))
        elif not (first <= low and high <= end):
            middle = low + _split(high - low)
            self._outside(low, middle, first, end, proof)
            self._outside(middle, high, first, end, proof)


def verify_range(
    leaf_hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise `InclusionInvalid` unless these leaves stand from `first` on in the tree of `size` with `root`.

    Costs about one hash a leaf and two a level. The caller must have made the leaf hashes itself.
    """
    end = first + len(leaf_hashes)
    if not leaf_hashes or first < 0 or end > size:
        raise InclusionInvalid(part="range")
    if any(len(each) != _HASH for each in (*leaf_hashes, *proof)):
        raise InclusionInvalid(part="length")
    rest = iter(proof)
    computed = _rebuilt(0, size, first, end, leaf_hashes, rest)
    if next(rest, None) is not None:
        raise InclusionInvalid(part="too long")
    if computed != root:
        raise InclusionInvalid(part="root")


def _rebuilt(
    low: int, high: int, first: int, end: int, leaves: Sequence[bytes], rest: Iterator[bytes]
) -> bytes:
    if end <= low or high <= first:
        given = next(rest, None)
        if given is None:
            raise InclusionInvalid(part="too short")
        return given
    if high - low == 1:
        return leaves[low - first]
    middle = low + _split(high - low)
    left = _rebuilt(low, middle, first, end, leaves, rest)
    return node_hash(left, _rebuilt(middle, high, first, end, leaves, rest))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2: `leaf` is a leaf hash, `path` goes up. Raises `InclusionInvalid`."""
    if not 0 <= index < size or any(len(each) != _HASH for each in (leaf, *path)):
        raise InclusionInvalid(part="range")
    node, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise InclusionInvalid(part="too long")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise InclusionInvalid(part="too short")
    if computed != root:
        raise InclusionInvalid(part="root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 section 2.1.4.2. Raises `ConsistencyInvalid` unless the tree of `old` begins that of `new`.

    For old = 0 and for old = new the proof must be empty and the roots the only possible ones.
    """
    if not 0 <= old <= new or any(len(each) != _HASH for each in proof):
        raise ConsistencyInvalid(part="sizes")
    if old in (0, new):
        if proof or old_root != (new_root if old else EMPTY) or (new == 0 and new_root != EMPTY):
            raise ConsistencyInvalid(part="root")
        return
    # A complete old tree is itself the first hash of the path and is left out of the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if len(path) < 2:
        raise ConsistencyInvalid(part="too short")
    older, newer = _both_roots(old - 1, new - 1, path)
    if older != old_root or newer != new_root:
        raise ConsistencyInvalid(part="root")


def _both_roots(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ConsistencyInvalid(part="too long")
        if node & 1 or node == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ConsistencyInvalid(part="too short")
    return older, newer


def narrow(
    leaf_hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes], index: int
) -> list[bytes]:
    """The range proof of leaf `index` alone, from a range proof that covers it.

    Checks nothing; the verifier will.
    """
    rest = iter(proof)
    end = first + len(leaf_hashes)

    def below(low: int, high: int) -> tuple[bytes, list[bytes] | None]:
        if end <= low or high <= first:
            return next(rest), None
        if high - low == 1:
            return leaf_hashes[low - first], [] if low == index else None
        middle = low + _split(high - low)
        left, in_left = below(low, middle)
        right, in_right = below(middle, high)
        if in_left is not None:
            return node_hash(left, right), [*in_left, right]
        return node_hash(left, right), None if in_right is None else [left, *in_right]

    narrowed = below(0, size)[1]
    if narrowed is None:
        raise RangeOutside(size=size)
    return narrowed
