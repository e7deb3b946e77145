"""Our tree, tiles, checkpoints and paths against vectors/ledger, which Go's sumdb confirms (tests/independent)."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import pytest

from kakine.crypto.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from kakine.crypto.signing import SigningKey
from kakine.protocols.tiles import Tiler
from kakine.values.problems import (
    CheckpointInvalid,
    ConsistencyInvalid,
    InclusionInvalid,
    NotCanonical,
    SignatureInvalid,
    TileInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry
from kakine.wire.tiles import ENTRIES, WIDTH, Tile, decode_bundle, encode_bundle, parse
from tile_log import entry
from vectors.files import FOLDER, changed, h, load

TREES = load("ledger/trees")
NOTES = load("ledger/checkpoints")
FILES = load("ledger/files")
FORMS = load("ledger/entries")
KEY = SigningKey(h(NOTES["seed"]))
SIZES = (0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000)

LEAVES = [leaf_hash(entry(number)) for number in range(SIZES[-1])]


@pytest.fixture(scope="module")
def tree() -> Tree:
    made = Tree()
    made.append(LEAVES)
    return made


each_tree = pytest.mark.parametrize("vector", TREES["trees"], ids=lambda vector: str(vector["size"]))


def test_the_vector_files_are_what_their_generator_gives() -> None:
    command = [sys.executable, FOLDER / "ledger" / "generate.py", "--check"]
    assert subprocess.run(command, check=False, timeout=240).returncode == 0


def test_the_vectors_are_of_every_size_at_which_a_tile_or_level_begins_or_ends() -> None:
    assert [vector["size"] for vector in TREES["trees"]] == list(SIZES)


@pytest.mark.parametrize("vector", FORMS["entries"], ids=lambda vector: vector["what"])
def test_every_form_of_an_entry_is_read_and_written(vector: dict[str, Any]) -> None:
    read = Entry.decode(h(vector["bytes"]))
    assert (read.commitment, read.payload_digest) == (h(FORMS["commitment"]), h(FORMS["payload"]))
    fields = ("kind", "converters", "expiry_months", "flags", "minutes", "sealed_until")
    assert {name: int(getattr(read, name)) for name in fields} == {name: vector[name] for name in fields}
    assert read.encode() == h(vector["bytes"])


@pytest.mark.parametrize("vector", FORMS["refused"], ids=lambda vector: vector["why"])
def test_what_is_no_entry_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(NotCanonical):
        Entry.decode(h(vector["bytes"]))


def test_the_entries_of_the_vectors_are_entries_of_this_log() -> None:
    for number, text in TREES["entries"].items():
        assert entry(int(number)) == h(text)
        assert Entry.decode(h(text)).encode() == h(text)


@each_tree
def test_every_root_is_that_of_the_vectors(tree: Tree, vector: dict[str, Any]) -> None:
    assert tree.root(vector["size"]) == h(vector["root"])


@each_tree
def test_every_audit_path_is_that_of_the_vectors_and_verifies(tree: Tree, vector: dict[str, Any]) -> None:
    for given in vector["inclusion"]:
        path = [h(each) for each in given["path"]]
        assert tree.inclusion_path(given["index"], vector["size"]) == path
        verify_inclusion(h(given["leaf"]), given["index"], vector["size"], path, h(vector["root"]))


@each_tree
def test_every_consistency_proof_is_that_of_the_vectors_and_verifies(
    tree: Tree, vector: dict[str, Any]
) -> None:
    for given in vector["consistency"]:
        proof = [h(each) for each in given["proof"]]
        assert tree.consistency_proof(given["old"], vector["size"]) == proof
        verify_consistency(given["old"], vector["size"], proof, h(given["old_root"]), h(vector["root"]))


@each_tree
def test_every_audit_path_with_one_change_is_refused(vector: dict[str, Any]) -> None:
    for given in vector["inclusion"]:
        for change in given["refused"]:
            wrong = changed({**given, "size": vector["size"]}, "path", change)
            path = [h(each) for each in wrong["path"]]
            with pytest.raises(InclusionInvalid):
                verify_inclusion(h(given["leaf"]), wrong["index"], wrong["size"], path, h(vector["root"]))


@each_tree
def test_every_consistency_proof_with_one_change_is_refused(vector: dict[str, Any]) -> None:
    for given in vector["consistency"]:
        for change in given["refused"]:
            wrong = changed({**given, "root": vector["root"]}, "proof", change)
            proof = [h(each) for each in wrong["proof"]]
            with pytest.raises(ConsistencyInvalid):
                verify_consistency(
                    wrong["old"], vector["size"], proof, h(wrong["old_root"]), h(wrong["root"])
                )


def test_more_proofs_of_the_vectors_are_refused_than_taken() -> None:
    proofs = [given for vector in TREES["trees"] for given in (*vector["inclusion"], *vector["consistency"])]
    assert sum(len(given["refused"]) for given in proofs) > 5 * len(proofs)


@pytest.mark.parametrize("given", TREES["refused_inclusion"], ids=lambda given: given["why"])
def test_an_inclusion_that_the_vectors_refuse_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InclusionInvalid):
        verify_inclusion(
            h(given["leaf"]),
            given["index"],
            given["size"],
            [h(each) for each in given["path"]],
            h(given["root"]),
        )


@each_tree
def test_every_tile_and_bundle_of_the_vectors_is_made_with_its_path_and_bytes(vector: dict[str, Any]) -> None:
    tiler = Tiler()
    made = {tile.path: content for tile, content in tiler.grow(LEAVES[: vector["size"]])}
    made.update((tile.path, content) for tile, content in tiler.edge())
    assert tiler.root() == h(vector["root"])
    for path, digest in vector["tiles"].items():
        tile = parse(path)
        if tile.level == ENTRIES:
            first = tile.index * WIDTH
            made[path] = encode_bundle([entry(number) for number in range(first, first + tile.width)])
        assert tile.within(vector["size"])
        assert hashlib.sha256(tile.sized(made[path])).hexdigest() == digest


def test_a_tree_of_70000_has_the_tiles_of_the_example_in_tlog_tiles() -> None:
    tiler = Tiler()
    full = [tile for tile, _ in tiler.grow(LEAVES)]
    assert [sum(tile.level == level for tile in full) for level in range(3)] == [273, 1, 0]
    assert [(tile.level, tile.width) for tile, _ in tiler.edge()] == [(0, 112), (1, 17), (2, 1)]


@pytest.mark.parametrize("size", [*SIZES, 69_999])
def test_a_tree_resumed_from_its_partial_tiles_goes_on_like_the_first(tree: Tree, size: int) -> None:
    first = Tiler()
    for _ in first.grow(LEAVES[:size]):
        pass
    second = Tiler.resumed(size, {tile.level: content for tile, content in first.edge()})
    assert second.root() == tree.root(size)
    rest = LEAVES[size : size + 300]
    assert list(second.grow(rest)) == list(first.grow(rest))
    assert second.root() == tree.root(size + len(rest))


def test_a_tree_is_not_resumed_from_a_partial_tile_of_another_length() -> None:
    tiler = Tiler()
    for _ in tiler.grow(LEAVES[:300]):
        pass
    for edge in ({0: b"", 1: bytes(32)}, {0: bytes(43 * 32)}, {0: bytes(44 * 32), 1: bytes(31)}, {}):
        with pytest.raises(TileInvalid):
            Tiler.resumed(300, edge)


@pytest.mark.parametrize("given", FILES["paths"], ids=lambda given: given["path"])
def test_every_path_of_the_vectors_is_written_and_read(given: dict[str, Any]) -> None:
    level = ENTRIES if given["level"] == "entries" else int(given["level"])
    tile = Tile(level, given["index"], given["width"])
    assert tile.path == given["path"]
    assert parse(given["path"]) == tile


@pytest.mark.parametrize("path", FILES["refused_paths"], ids=repr)
def test_a_path_that_the_vectors_refuse_is_refused(path: str) -> None:
    with pytest.raises(TileInvalid):
        parse(path)


def test_every_bundle_of_the_vectors_is_made_and_read() -> None:
    for given in FILES["bundles"]:
        first = given["index"] * WIDTH
        entries = [entry(number) for number in range(first, first + given["width"])]
        made = encode_bundle(entries)
        assert hashlib.sha256(made).hexdigest() == given["sha256"]
        assert decode_bundle(made, given["width"]) == entries


@pytest.mark.parametrize("given", FILES["refused_bundles"], ids=lambda given: given["why"])
def test_a_bundle_that_the_vectors_refuse_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TileInvalid):
        decode_bundle(h(given["bytes"]), given["width"])


def test_a_bundle_of_no_entry_of_too_many_or_of_another_length_is_not_made() -> None:
    for entries in ([], [entry(0)] * 257, [entry(0)[:79]], [entry(0), b""]):
        with pytest.raises(TileInvalid):
            encode_bundle(entries)


@pytest.mark.parametrize("given", NOTES["checkpoints"], ids=lambda given: str(given["size"]))
def test_every_checkpoint_of_the_vectors_is_made_and_opened(given: dict[str, Any]) -> None:
    at = Checkpoint(given["size"], h(given["root"]))
    note = given["note"].encode()
    assert notes.make(NOTES["origin"], at.size, at.root, KEY) == note
    assert notes.open(note, NOTES["origin"], KEY.public) == at


def test_the_key_of_the_vectors_is_the_one_that_a_policy_would_name() -> None:
    assert policy.vkey(NOTES["origin"], policy.LOG, KEY.public) == NOTES["vkey"]


@pytest.mark.parametrize("why", NOTES["also"])
def test_a_checkpoint_with_another_well_formed_signature_is_opened(why: str) -> None:
    assert notes.open(NOTES["also"][why].encode(), NOTES["origin"], KEY.public).size == 257


@pytest.mark.parametrize("given", NOTES["refused"], ids=lambda given: given["why"])
def test_a_checkpoint_that_the_vectors_refuse_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises((CheckpointInvalid, SignatureInvalid)):
        notes.open(given["note"].encode(), NOTES["origin"], KEY.public)
