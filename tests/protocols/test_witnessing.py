"""The witness rule and its formats, without a store or a network (spec/witness.md)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forked_log import KEY, ORIGIN, Told
from kakine.crypto.signing import SigningKey
from kakine.protocols.witnessing import UNSEEN, accepted, check_growth, opened
from kakine.values.problems import (
    ConsistencyInvalid,
    CosignatureMissing,
    HeadForked,
    LogKeyUnknown,
    OldSizeMismatch,
    OriginUnknown,
    SignatureInvalid,
    SubmissionMalformed,
)
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.cosignature import cosign, cosigned
from kakine.wire.policy import WITNESS, NamedKey, vkey, witness_key
from kakine.wire.submission import Submission, decode_size, encode_size

LOGS = {ORIGIN: (KEY.public,)}
TOLD, FORK = Told(), Told(fork_at=40)
WITNESS_KEY = SigningKey(b"W" * 32)
NAME = "witness.example/w1"
KNOWN = witness_key(vkey(NAME, WITNESS, WITNESS_KEY.public))
HASH = b64encode(bytes(32)).decode()


def line(note: bytes, seconds: int = 1_679_315_147, key: SigningKey = WITNESS_KEY, name: str = NAME) -> bytes:
    return cosign(notes.text_of(note), name, key, seconds)


@given(st.integers(0, (1 << 63) - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary())
def test_every_submission_comes_back(old: int, proof: list[bytes], note: bytes) -> None:
    made = Submission(old, tuple(proof), note)
    assert Submission.decode(made.encode()) == made


def test_a_submission_is_the_lines_of_the_standard() -> None:
    body = TOLD.body(3, 5)
    head, _, note = body.partition(b"\n\n")
    first, *proof = head.decode().split("\n")
    assert (first, note) == ("old 3", TOLD.note(5))
    assert proof == [b64encode(each).decode() for each in TOLD.proof(3, 5)]


@pytest.mark.parametrize(
    "head",
    [
        "old 03",
        "old -1",
        "old 3 ",
        "old  3",
        "Old 3",
        "old",
        "",
        "old 9223372036854775808",
        "old \u0663",
        "old 3\r",
        "old 3\n" + HASH[:-1],
        "old 3\n" + b64encode(bytes(31)).decode(),
        "old 3\n" + HASH + " ",
        "old 3" + f"\n{HASH}" * 64,
        "old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
    ],
)
def test_a_submission_of_another_form_is_refused(head: str) -> None:
    with pytest.raises(SubmissionMalformed):
        Submission.decode(head.encode() + b"\n\n" + TOLD.note(5))


@pytest.mark.parametrize("data", [b"", b"old 3\n", b"old 3\n" + HASH.encode(), b"old 0\n\n" + bytes(1 << 18)])
def test_a_submission_without_a_blank_line_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(SubmissionMalformed):
        Submission.decode(data)


def test_a_size_is_a_decimal_and_a_newline() -> None:
    assert decode_size(encode_size(20852014)) == 20852014
    for wrong in (b"", b"1", b"01\n", b"-1\n", b"1\n\n", b" 1\n"):
        with pytest.raises(SubmissionMalformed):
            decode_size(wrong)


def test_a_head_that_extends_the_last_one_passes() -> None:
    last = UNSEEN
    for size in (1, 2, 7, 7, 64, 65, 300):
        found = opened(submission := TOLD.submission(last.size, size), LOGS)
        assert (found.origin, found.head, found.note) == (ORIGIN, TOLD.head(size), TOLD.note(size))
        check_growth(last, submission, found.head)
        last = found.head


def test_a_checkpoint_of_another_log_is_not_known() -> None:
    with pytest.raises(OriginUnknown):
        opened(Told(origin="ledger.example/2027/a").submission(0, 5), LOGS)


def test_a_checkpoint_that_no_known_key_signed_is_forbidden() -> None:
    with pytest.raises(LogKeyUnknown):
        opened(Told(key=SigningKey(b"X" * 32)).submission(0, 5), LOGS)


def test_while_a_log_changes_its_key_either_signature_is_enough_and_none_may_be_wrong() -> None:
    new = SigningKey(b"N" * 32)
    both = {ORIGIN: (KEY.public, new.public)}
    for key in (KEY, new):
        assert opened(Told(key=key).submission(0, 5), both).head == TOLD.head(5)
    wrong = notes.signature_line(ORIGIN, notes.key_id(ORIGIN, new.public) + bytes(64))
    with pytest.raises(LogKeyUnknown):
        opened(Submission(0, (), TOLD.note(5) + wrong), both)


def test_lines_that_a_stranger_added_are_not_kept() -> None:
    note = TOLD.note(5)
    added = note + note.partition(b"\n\n")[2] + line(note) + line(note, name="witness.example/other")
    assert opened(Submission(0, (), added), LOGS).note == note


@pytest.mark.parametrize("part", [b"\nextension\n\n", b"\r\n\n", b"\n\n\n"])
def test_a_checkpoint_with_other_lines_is_refused(part: bytes) -> None:
    with pytest.raises(SubmissionMalformed):
        opened(Submission(0, (), TOLD.note(5).replace(b"\n\n", part)), LOGS)


def test_an_old_size_beyond_the_checkpoint_is_a_bad_request() -> None:
    with pytest.raises(SubmissionMalformed):
        opened(Submission(6, (), TOLD.note(5)), LOGS)


@pytest.mark.parametrize("old", [0, 49, 51, 60])
def test_only_exactly_the_last_size_is_the_old_size(old: int) -> None:
    """Every one of these has a proof that holds; none of them starts at what this witness has seen."""
    submission = TOLD.submission(old, 60)
    with pytest.raises(OldSizeMismatch) as refusal:
        check_growth(TOLD.head(50), submission, TOLD.head(60))
    assert refusal.value.facts == {"size": 50}


def test_two_roots_of_one_size_are_a_conflict_of_its_own() -> None:
    with pytest.raises(HeadForked):
        check_growth(TOLD.head(50), FORK.submission(50, 50), FORK.head(50))


def test_a_fork_and_a_wrong_proof_are_refused() -> None:
    cases = [
        (FORK.submission(50, 60), FORK.head(60)),
        (Submission(50, tuple(TOLD.proof(50, 60))[:-1], TOLD.note(60)), TOLD.head(60)),
        (Submission(50, (*TOLD.proof(50, 60), bytes(32)), TOLD.note(60)), TOLD.head(60)),
        (Submission(50, (bytes(32),), TOLD.note(50)), TOLD.head(50)),
    ]
    for submission, head in cases:
        with pytest.raises(ConsistencyInvalid):
            check_growth(TOLD.head(50), submission, head)
    with pytest.raises(ConsistencyInvalid):
        check_growth(UNSEEN, Submission(0, (bytes(32),), TOLD.note(5)), TOLD.head(5))


def test_a_cosignature_is_the_message_of_the_standard() -> None:
    """tlog-cosignature, Ed25519: key id of type 4, u64 time, signature over header, time and the whole text."""
    note = TOLD.note(5)
    made = line(note)
    text = notes.text_of(note)
    message = f"cosignature/v1\ntime 1679315147\n{text}".encode()
    blob = KNOWN.id + (1_679_315_147).to_bytes(8, "big") + WITNESS_KEY.sign_raw(message)
    assert made == f"\N{EM DASH} {NAME} {b64encode(blob).decode()}\n".encode()
    assert notes.open(note + made, ORIGIN, KEY.public) == TOLD.head(5)
    assert cosigned(note + made, NAME, KNOWN.id, KNOWN.key) == [1_679_315_147]


def test_of_an_answer_only_lines_of_the_known_key_are_taken() -> None:
    note = TOLD.note(5)
    good, other = line(note), line(note, key=SigningKey(b"O" * 32))
    assert accepted(note, other + good, KNOWN) == good
    for useless in (b"", other, b"good\n", good[:-1], other + b"\n" + good):
        with pytest.raises(CosignatureMissing):
            accepted(note, useless, KNOWN)


def test_one_witness_cannot_fill_the_note() -> None:
    """A note holds 16 lines: one that sends them all would keep the others out."""
    note = TOLD.note(5)
    many = b"".join(line(note, seconds) for seconds in range(15))
    assert accepted(note, many, KNOWN) == line(note, 0)


def test_a_cosignature_of_another_head_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        accepted(TOLD.note(5), line(TOLD.note(6)), KNOWN)


def test_a_cosignature_under_another_name_is_not_the_witness() -> None:
    other = NamedKey("witness.example/w2", KNOWN.id, KNOWN.key)
    with pytest.raises(CosignatureMissing):
        accepted(TOLD.note(5), line(TOLD.note(5)), other)


def test_the_head_of_nothing_is_the_empty_tree() -> None:
    empty = Told()
    check_growth(UNSEEN, empty.submission(0, 0), empty.head(0))
    with pytest.raises(HeadForked):
        check_growth(UNSEEN, empty.submission(0, 0), Checkpoint(0, bytes(32)))
