"""The index against a plain model: a dictionary of lists by person and day."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_log import MIDNIGHT, ORIGIN, Keeper, PublicLog, sha
from kakine.crypto.merkle import leaf_hash as leaf
from kakine.crypto.merkle import verify_inclusion
from kakine.protocols.index import COUNTED, Index, Listed, day_of, find, tag_of, verify_absence
from kakine.protocols.index import verify_presence as present
from kakine.protocols.index_check import (
    audit,
    check_all_logged,
    check_chain,
    check_complete,
    check_totals,
    compare,
)
from kakine.values.problems import IndexProofInvalid, IndexRowsInvalid, NotCanonical, Problem
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import EntryKind
from kakine.wire.index import EMPTY, ROW, IndexRoot, Proof, Row, list_digest

KINDS = st.sampled_from([*sorted(COUNTED), EntryKind.GOVERNANCE, EntryKind.STATEMENT])
ENTRIES = st.lists(
    st.tuples(KINDS, st.integers(0, 4), st.integers(MIDNIGHT - 4, MIDNIGHT + 3)), min_size=1, max_size=40
)


def model(log: PublicLog, start: int, end: int) -> dict[tuple[int, int], list[int]]:
    """(person, day) -> places, by going through the log once."""
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for index in range(start, end):
        if index in log.owners:
            found[log.owners[index], day_of(log.entries[index].minutes)].append(index)
    return dict(found)


@given(ENTRIES, st.data())
@settings(max_examples=60, deadline=None)
def test_an_honest_keeper_passes_every_check_and_says_what_the_model_says(
    planned: list[tuple[EntryKind, int, int]], data: st.DataObject
) -> None:
    log = PublicLog.of(planned)
    size = len(planned)
    one, other = Keeper("one", log), Keeper("other", log)
    cuts = sorted(data.draw(st.sets(st.integers(1, size), max_size=4)) | {size})
    for end in cuts:
        for keeper in (one, other):
            keeper.index_to(end)
    check_all_logged(log.entries, one.roots + other.roots)
    for keeper in (one, other):
        check_chain(keeper.roots)
        for root in keeper.roots:
            wanted = model(log, root.start, root.end)
            check_totals(root, log.entries)
            assert root.size == len(wanted)
            assert root.total == sum(map(len, wanted.values()))
        for person in range(5):
            said = check_complete(keeper.key(person), keeper.shown(person), log.rows(person))
            assert (said.confirmed, said.until, said.provisional) == (len(log.rows(person)), size, 0)
    for number, root in enumerate(one.roots):
        lists = audit(root, one.opened(number), log.entries)
        assert lists == Counter(
            (day, len(own), list_digest(own)) for (_, day), own in model(log, root.start, root.end).items()
        )
        again = audit(other.roots[number], other.opened(number), log.entries)
        compare((root, lists), (other.roots[number], again))


@given(ENTRIES, st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_rows_after_the_last_index_are_provisional(
    planned: list[tuple[EntryKind, int, int]], cut: int
) -> None:
    log = PublicLog.of(planned)
    keeper = Keeper("one", log)
    end = min(cut, len(planned))
    if end:
        keeper.index_to(end)
    for person in range(5):
        rows = log.rows(person)
        said = check_complete(keeper.key(person), keeper.shown(person), rows)
        assert (said.until, said.confirmed) == (end, sum(index < end for index in rows))
        assert said.confirmed + said.provisional == len(rows)


def test_a_check_goes_on_from_an_earlier_one() -> None:
    log = PublicLog.of([(EntryKind.REQUEST, n % 2, MIDNIGHT) for n in range(10)])
    keeper = Keeper("one", log)
    first = keeper.index_to(4)
    keeper.index_to(9)
    later = check_complete(keeper.key(0), keeper.shown(0)[1:], log.rows(0), first)
    assert (later.confirmed, later.until, later.provisional) == (3, 9, 0)


@pytest.fixture(scope="module")
def index() -> Index:
    lists = [Listed(sha(f"key {n}"), 20_501, (3 * n, 3 * n + 1)) for n in range(257)]
    return Index(ORIGIN, 0, 3 * 257, lists)


@pytest.fixture(scope="module")
def root(index: Index) -> IndexRoot:
    return index.root("one", bytes(32))


def tags(index: Index) -> list[bytes]:
    return [row[:32] for row in index.rows]


def test_every_row_is_found_and_its_path_is_that_of_rfc_6962(index: Index, root: IndexRoot) -> None:
    for at, tag in enumerate(tags(index)):
        row = find(root, tag, index.prove(tag))
        assert row == Row.decode(index.rows[at])
        path = index._tree.inclusion_path(at)
        verify_inclusion(leaf(index.rows[at]), at, root.size, path, root.root)


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=60, deadline=None)
def test_a_tag_that_has_no_row_is_shown_to_have_none(tag: bytes) -> None:
    made = Index(ORIGIN, 0, 90, [Listed(sha(f"key {n}"), 20_501, (n,)) for n in range(90)])
    said = made.root("one", bytes(32))
    assert find(said, tag, made.prove(tag)) is None


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257])
def test_beyond_both_ends_nothing_has_a_row(size: int) -> None:
    made = Index(ORIGIN, 0, 300, [Listed(sha(f"key {n}"), 20_501, (n,)) for n in range(size)])
    said = made.root("one", bytes(32))
    assert (said.size, said.root == EMPTY) == (size, size == 0)
    for tag in (bytes(32), b"\xff" * 32):
        verify_absence(said, tag, made.prove(tag))


def wrong_proofs(index: Index, at: int) -> dict[str, Proof]:
    """Proofs that the tag of row `at` has no row, by a keeper that has signed an index with that row in it."""
    rows, tree = index.rows, index._tree

    def of(first: int, *shown: bytes, count: int = 0) -> Proof:
        return Proof(first, b"".join(shown), tuple(tree.range_proof(first, count or len(shown))))

    return {
        "nothing": Proof(0, b"", ()),
        "neighbours that are not next to each other": of(at - 1, rows[at - 1], rows[at + 1]),
        "a neighbour on one side only": of(at - 1, rows[at - 1]),
        "the other side only": of(at + 1, rows[at + 1]),
        "the row itself as left neighbour": of(at, rows[at], rows[at + 1]),
        "the row itself as right neighbour": of(at - 1, rows[at - 1], rows[at]),
        "neighbours the wrong way round": of(at - 1, rows[at + 1], rows[at - 1]),
        "neighbours of another tag": of(at + 1, rows[at + 1], rows[at + 2]),
        "the last row in another place": Proof(
            index.root("one", bytes(32)).size - 1, rows[at - 1], of(at - 1, rows[at - 1]).path
        ),
        "a path too short": Proof(
            at - 1, rows[at - 1] + rows[at], of(at - 1, rows[at - 1], rows[at]).path[1:]
        ),
    }


@pytest.mark.parametrize("at", [1, 128, 200])
def test_no_proof_makes_a_tag_with_a_row_absent(index: Index, root: IndexRoot, at: int) -> None:
    for proof in wrong_proofs(index, at).values():
        with pytest.raises(IndexProofInvalid):
            verify_absence(root, tags(index)[at], proof)
        with pytest.raises(IndexProofInvalid):
            find(root, tags(index)[at], proof)


@given(st.integers(0, 256), st.data())
@settings(max_examples=80, deadline=None)
def test_a_changed_byte_of_a_proof_is_noticed(at: int, data: st.DataObject) -> None:
    made = Index(ORIGIN, 0, 300, [Listed(sha(f"key {n}"), 20_501, (n,)) for n in range(257)])
    said = made.root("one", bytes(32))
    tag = made.rows[at][:32]
    proof = made.prove(tag)
    encoded = bytearray(encode(proof))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(encoded), Proof)
    except NotCanonical:
        return
    with pytest.raises(IndexProofInvalid):
        present(said, tag, other)


def test_a_proof_is_for_one_index_only(index: Index) -> None:
    lists = [Listed(sha(f"key {n}"), 20_501, (3 * n, 3 * n + 2)) for n in range(257)]
    other = Index(ORIGIN, 0, 3 * 257, lists).root("one", bytes(32))
    tag = tags(index)[7]
    with pytest.raises(IndexProofInvalid):
        find(other, tag, index.prove(tag))


def test_the_tag_of_a_list_is_another_in_every_index_log_and_day() -> None:
    key = sha("key")
    seen = {tag_of(key, origin, start, day) for origin in ("a", "b") for start in (0, 1) for day in (0, 1)}
    assert len(seen) == 8


@pytest.mark.parametrize(
    "lists",
    [
        [Listed(sha("a"), 1, ())],
        [Listed(sha("a"), 1, (4, 4))],
        [Listed(sha("a"), 1, (5, 4))],
        [Listed(sha("a"), 1, (4, 10))],
        [Listed(sha("a"), 1, (1, 4))],
        [Listed(sha("a"), 1, (4,)), Listed(sha("a"), 1, (5,))],
    ],
)
def test_a_keeper_that_has_its_own_lists_wrong_gets_no_index(lists: list[Listed]) -> None:
    with pytest.raises(IndexRowsInvalid):
        Index(ORIGIN, 2, 10, lists)


@given(st.binary(min_size=ROW - 1, max_size=ROW + 1))
def test_a_row_has_one_form(data: bytes) -> None:
    try:
        row = Row.decode(data)
    except Problem:
        assert len(data) != ROW or data[32:36] == bytes(4)
    else:
        assert row.encode() == data
