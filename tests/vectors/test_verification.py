"""Receipt, record and policy files get the verdict that vectors/verify says, and no changed byte gets past it."""

from __future__ import annotations

import importlib.util
import json
import sys
from base64 import b64decode
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kakine.cli.verify import as_data, text
from kakine.crypto.merkle import Tree, leaf_hash, verify_inclusion
from kakine.protocols.receipt_files import receipt_of
from kakine.protocols.verification import STEPS, verify
from kakine.values.problems import PolicyMalformed, RangeOutside, ReceiptMalformed, RecordFileMalformed
from kakine.wire import policy as policies
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import EntryKind
from kakine.wire.opening import RecordFile
from kakine.wire.proof import Proof

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "verify"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]
RECORD_OF_ALL = "a request with its record and envelope"


def named(name: str) -> tuple[bytes, bytes, bytes]:
    """(policy, receipt, record) of a case with a record."""
    found = next(case for case in CASES if case["name"] == name)
    return b64decode(found["policy"]), b64decode(found["receipt"]), b64decode(found["record"])


def maker() -> ModuleType:
    """The generator of the vectors."""
    spec = importlib.util.spec_from_file_location("make_verify_vectors", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_verdict_is_the_one_in_the_vectors(case: dict[str, Any]) -> None:
    """Every step, its state and its reason, and what a reader is told."""
    record = None if case["record"] is None else b64decode(case["record"])
    verdict = as_data(verify(b64decode(case["policy"]), b64decode(case["receipt"]), record))
    steps = [[each["step"], each["state"], each["why"]] for each in verdict["steps"]]
    assert [verdict["good"], steps, verdict["shown"]] == [case["good"], case["steps"], case["shown"]]


def test_every_step_but_none_more_has_a_case_that_fails_at_it() -> None:
    failing = {step for case in CASES for step, state, _ in case["steps"] if state == "failed"}
    assert failing == set(STEPS)


def test_the_vectors_are_what_the_generator_makes_today() -> None:
    """`.venv/bin/python vectors/verify/make.py` writes them anew."""
    assert maker().main(["--check"]) == 0


def test_words_of_a_record_cannot_pass_for_lines_of_the_verdict() -> None:
    """Line breaks, terminal commands and turned directions are shown as escapes."""
    made = maker()
    words = "desk\n✓ x\x1b[2J\u202e"
    common = msgspec.structs.replace(made.REQUEST.common, unit=words)
    record = msgspec.structs.replace(made.REQUEST, common=common)
    made.ENTRIES[3] = made.entry(EntryKind.REQUEST, record.committed(), b"")
    verdict = verify(made.POLICY, made.proof().encode(), RecordFile.of(record).encode())
    lines = list(text(verdict))
    assert verdict.good
    assert verdict.shown.values()["unit"] == words
    assert r"  unit: desk\n✓ x\x1b[2J\u202e" in lines
    assert all(line.isprintable() for line in lines)


def test_no_byte_of_a_receipt_can_be_changed() -> None:
    """Entry, index, path, size, root and signature alike; one bit at every place of the file."""
    policy, receipt, _ = named(RECORD_OF_ALL)
    passed = [at for at in range(len(receipt)) if verify(policy, flipped(receipt, at)).good]
    assert passed == []


def test_no_byte_of_a_record_can_be_changed() -> None:
    """Salts, values, envelope and the JSON around them."""
    policy, receipt, record = named(RECORD_OF_ALL)
    passed = [at for at in range(len(record)) if verify(policy, receipt, flipped(record, at)).good]
    assert passed == []


def flipped(data: bytes, at: int) -> bytes:
    """One bit changed, another at each place."""
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def test_files_that_are_too_long_are_refused() -> None:
    policy, receipt, record = named(RECORD_OF_ALL)
    with pytest.raises(PolicyMalformed):
        policies.decode(policy + b"#" * (1 << 16) + b"\n")
    with pytest.raises(ReceiptMalformed):
        Proof.decode(receipt + b"x" * (1 << 18))
    with pytest.raises(RecordFileMalformed):
        RecordFile.decode(record + b" " * (1 << 18))


def test_decoding_and_encoding_gives_the_same_file() -> None:
    _, receipt, record = named(RECORD_OF_ALL)
    assert Proof.decode(receipt).encode() == receipt
    assert RecordFile.decode(record).encode() == record


def test_a_blacked_out_record_holds_nothing_of_what_is_hidden() -> None:
    """Neither value nor salt, so nothing can be guessed and compared."""
    record = RecordFile.decode(named(RECORD_OF_ALL)[2])
    hidden = record.blacked_out("official")
    salt, value = record.fields[1].salt, record.fields[1].value
    assert salt.encode() in record.encode()
    assert salt.encode() not in hidden.encode()
    assert value.encode() not in hidden.encode()
    assert hidden.committed() == record.committed()


@given(size=st.integers(1, 70), first=st.integers(0, 69), count=st.integers(1, 70), pick=st.integers(0, 69))
def test_a_receipt_out_of_a_range_has_the_path_of_rfc_6962(
    size: int, first: int, count: int, pick: int
) -> None:
    """The same hashes that the tree gives for the one leaf, leaf's sibling first."""
    first %= size
    count = min(count, size - first)
    index = first + pick % count
    entries = [j.to_bytes(80, "big") for j in range(size)]
    tree = Tree()
    tree.append([leaf_hash(each) for each in entries])
    kept = b"".join(entries[first : first + count])
    head = Checkpoint(size, tree.root())
    made = receipt_of(
        index, first=first, proof=tree.range_proof(first, count), note=b"", entries=kept, head=head
    )
    assert made.path == tree.inclusion_path(index)
    verify_inclusion(leaf_hash(made.entry), index, size, made.path, tree.root())


def test_a_receipt_of_an_entry_outside_the_range_is_refused() -> None:
    with pytest.raises(RangeOutside):
        receipt_of(1, first=0, proof=(), note=b"", entries=bytes(80), head=Checkpoint(2, bytes(32)))
