"""Entry, filing and checkpoint: one form each, and every other form refused."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import CheckpointInvalid, FilingMismatch, NotCanonical, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire import filing
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import SEALABLE, Entry, EntryFlags, EntryKind, split_entries

KEY = SigningKey(b"k" * 32)
OTHER = SigningKey(b"o" * 32)
ORIGIN = "ledger.example/2026/a"
ROOT = bytes(range(32))
NOTE = notes.make(ORIGIN, 42, ROOT, KEY)
TEXT = f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode()}\n"
LINE = NOTE.decode().split("\n\n")[1]

PARTS = {
    "converters": st.integers(0, 0xFFFF),
    "expiry_months": st.integers(0, 0xFFFF),
    "minutes": st.integers(0, 0xFFFFFFFF),
    "commitment": st.binary(min_size=32, max_size=32),
    "payload_digest": st.binary(min_size=32, max_size=32),
}
OPEN = st.builds(
    Entry,
    kind=st.sampled_from(EntryKind),
    flags=st.integers(0, 7).map(lambda bits: EntryFlags(2 * bits)),
    **PARTS,
)
SEALED = st.builds(
    Entry,
    kind=st.sampled_from(sorted(SEALABLE)),
    flags=st.integers(0, 7).map(lambda bits: EntryFlags(2 * bits + 1)),
    sealed_until=st.integers(1, 0xFFFFFFFF),
    **PARTS,
)
ENTRIES = OPEN | SEALED
ONE = Entry(EntryKind.REQUEST, 7, 408, EntryFlags.SEALED, 29_000_000, b"C" * 32, b"D" * 32, 20_300)
BARE = Entry(EntryKind.REQUEST, 7, 408, EntryFlags.BULK, 29_000_000, b"C" * 32, b"D" * 32)


def test_an_entry_has_the_bytes_of_the_table() -> None:
    head = "010100070198000101ba814000004f4c"
    assert ONE.encode() == bytes.fromhex(head) + b"C" * 32 + b"D" * 32
    head = "010100070198000201ba814000000000"
    assert BARE.encode() == bytes.fromhex(head) + b"C" * 32 + b"D" * 32


@given(ENTRIES)
def test_every_entry_comes_back_from_its_80_bytes(entry: Entry) -> None:
    assert len(entry.encode()) == 80
    assert Entry.decode(entry.encode()) == entry


@pytest.mark.parametrize(
    ("at", "value"), [(0, 0), (0, 2), (1, 0), (1, 11), (6, 1), (7, 16), (12, 1), (13, 1), (14, 1), (15, 1)]
)
def test_another_version_kind_flag_or_a_day_without_a_seal_is_refused(at: int, value: int) -> None:
    data = bytearray(BARE.encode())
    data[at] = value
    with pytest.raises(NotCanonical):
        Entry.decode(bytes(data))


@pytest.mark.parametrize("length", [0, 1, 79, 81, 160])
def test_an_entry_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(NotCanonical):
        Entry.decode((ONE.encode() * 2)[:length])


@pytest.mark.parametrize(
    "change",
    [
        {"converters": 1 << 16},
        {"converters": -1},
        {"expiry_months": 1 << 16},
        {"minutes": 1 << 32},
        {"commitment": b"C" * 31},
        {"payload_digest": b"D" * 33},
    ],
)
def test_a_field_that_does_not_fit_its_place_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(NotCanonical):
        replace(ONE, **change).encode()  # type: ignore[arg-type]


def test_entries_are_split_at_80_bytes_and_nothing_may_be_left_over() -> None:
    assert split_entries(ONE.encode() * 3) == [ONE.encode()] * 3
    for bad in (b"", ONE.encode()[:79], ONE.encode() + b"x"):
        with pytest.raises(NotCanonical):
            split_entries(bad)


FILED = filing.filing_of(
    request=b"r" * 32, points=b"p" * 32, entries=ONE.encode() * 2, tags=b"t" * 64, hops=b"h" * 32, minutes=5
)


def test_a_filing_opens_under_its_filers_key_and_covers_its_blobs() -> None:
    signed = filing.sign(FILED, "mailbox-a", KEY)
    assert signed.party == "mailbox-a"
    data, signature = signed.filing, signed.signature
    opened = filing.opened(data, signature, KEY.public)
    assert opened == FILED
    opened.covers(ONE.encode() * 2, b"t" * 64)
    with pytest.raises(SignatureInvalid):
        filing.opened(data, signature, OTHER.public)
    with pytest.raises(SignatureInvalid):
        filing.opened(data + b"\0", signature, KEY.public)


def test_signed_bytes_that_are_no_canonical_filing_are_refused() -> None:
    good = filing.sign(FILED, "mailbox-a", KEY).filing
    for data in (b"", b"\x90", good + b"\0", good.replace(b"\x02", b"\0")):
        with pytest.raises(NotCanonical):
            filing.opened(data, KEY.sign(filing.LABEL, data), KEY.public)


@pytest.mark.parametrize(
    ("entries", "tags"),
    [
        (ONE.encode(), b"t" * 64),
        (ONE.encode() * 3, b"t" * 96),
        (ONE.encode() * 2, b"t" * 63 + b"u"),
        (ONE.encode() + b"\0" * 80, b"t" * 64),
        (b"", b""),
    ],
)
def test_a_filing_covers_no_other_blobs(entries: bytes, tags: bytes) -> None:
    with pytest.raises(FilingMismatch):
        FILED.covers(entries, tags)


# golang.org/x/mod/sumdb/note, note_test.go: the example key and note of the reference implementation.
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_PUBLIC = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETER_NOTE = (
    PETER_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def test_the_note_of_the_go_reference_is_made_and_opened_byte_for_byte() -> None:
    key = SigningKey(PETER_SEED)
    assert key.public == PETER_PUBLIC
    assert notes.key_id("PeterNeumann", key.public).hex() == "c74f20a3"
    assert notes.sign_note(PETER_TEXT, "PeterNeumann", key) == PETER_NOTE
    assert notes.open_note(PETER_NOTE, "PeterNeumann", VerifyKey(PETER_PUBLIC)) == PETER_TEXT


def test_a_checkpoint_is_three_lines_a_blank_one_and_a_signature() -> None:
    assert NOTE.decode().startswith(TEXT + "\n— " + ORIGIN + " ")
    assert notes.open(NOTE, ORIGIN, KEY.public) == Checkpoint(42, ROOT)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_comes_back(size: int, root: bytes) -> None:
    assert notes.open(notes.make(ORIGIN, size, root, KEY), ORIGIN, KEY.public) == Checkpoint(size, root)


def test_no_bit_of_a_checkpoint_can_be_changed() -> None:
    for at in range(len(NOTE)):
        for bit in range(8):
            changed = NOTE[:at] + bytes([NOTE[at] ^ (1 << bit)]) + NOTE[at + 1 :]
            with pytest.raises((CheckpointInvalid, SignatureInvalid)):
                notes.open(changed, ORIGIN, KEY.public)


ROOT64 = base64.b64encode(ROOT).decode()
BAD_TEXTS = {
    "leading zero": f"{ORIGIN}\n042\n{ROOT64}\n",
    "no size": f"{ORIGIN}\n\n{ROOT64}\n",
    "sign": f"{ORIGIN}\n+42\n{ROOT64}\n",
    "negative": f"{ORIGIN}\n-1\n{ROOT64}\n",
    "too large": f"{ORIGIN}\n9223372036854775808\n{ROOT64}\n",
    "other digits": f"{ORIGIN}\n４２\n{ROOT64}\n",
    "space": f"{ORIGIN}\n42 \n{ROOT64}\n",
    "short root": f"{ORIGIN}\n42\n{base64.b64encode(ROOT[:31]).decode()}\n",
    "long root": f"{ORIGIN}\n42\n{base64.b64encode(ROOT + b'x').decode()}\n",
    "root without padding": f"{ORIGIN}\n42\n{ROOT64[:-1]}\n",
    "root with loose bits": f"{ORIGIN}\n42\n{ROOT64[:-2]}9=\n",
    "root in url alphabet": f"{ORIGIN}\n42\n{base64.urlsafe_b64encode(bytes([255]) * 32).decode()}\n",
    "other origin": f"ledger.example/2026/b\n42\n{ROOT64}\n",
    "extension line": f"{TEXT}extension\n",
    "blank line in the text": f"{TEXT}\n\n",
    "two lines": f"{ORIGIN}\n42\n",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_signed_text_of_another_form_is_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        notes.open(notes.sign_note(text, ORIGIN, KEY), ORIGIN, KEY.public)


STRANGER = notes.sign_note(TEXT, "witness.example", OTHER).decode().split("\n\n")[1]
SAME_NAME = notes.sign_note(TEXT, ORIGIN, OTHER).decode().split("\n\n")[1]
WRONG = "— " + ORIGIN + " " + base64.b64encode(notes.key_id(ORIGIN, KEY.public) + bytes(64)).decode() + "\n"


@pytest.mark.parametrize("lines", [STRANGER + LINE, LINE + STRANGER, SAME_NAME + LINE, STRANGER * 15 + LINE])
def test_signatures_of_keys_that_are_not_known_are_ignored(lines: str) -> None:
    assert notes.open((TEXT + "\n" + lines).encode(), ORIGIN, KEY.public).size == 42


@pytest.mark.parametrize("lines", [WRONG, WRONG + LINE, LINE + WRONG])
def test_a_wrong_signature_of_the_known_key_rejects_the_note(lines: str) -> None:
    with pytest.raises(SignatureInvalid):
        notes.open((TEXT + "\n" + lines).encode(), ORIGIN, KEY.public)


@pytest.mark.parametrize("lines", [STRANGER, SAME_NAME])
def test_a_note_without_a_signature_of_the_known_key_is_refused(lines: str) -> None:
    with pytest.raises(SignatureInvalid):
        notes.open((TEXT + "\n" + lines).encode(), ORIGIN, KEY.public)


BAD_NOTES = {
    "empty": "",
    "no blank line": TEXT + LINE,
    "no signature": TEXT + "\n",
    "only signatures": "\n\n" + LINE,
    "no last newline": TEXT + "\n" + LINE[:-1],
    "blank line at the end": TEXT + "\n" + LINE + "\n",
    "carriage return": TEXT.replace("\n", "\r\n") + "\n" + LINE,
    "nul": TEXT + "\n" + LINE + "\0",
    "tab": TEXT + "\n" + LINE.replace(" ", "\t"),
    "a control character in a name": TEXT + "\n" + LINE + STRANGER.replace("witness", "wit\x01ness"),
    "hyphen": TEXT + "\n" + LINE.replace("—", "-"),
    "seventeen signatures": TEXT + "\n" + STRANGER * 16 + LINE,
    "a stranger's line without signature": TEXT + "\n" + LINE + "— witness.example\n",
    "a stranger's line without a name": TEXT + "\n" + LINE + "—  AAAAAAAA\n",
    "a stranger's signature that is only a key id": TEXT + "\n" + LINE + "— witness.example AAAAAA==\n",
    "a stranger's signature in loose base64": TEXT + "\n" + LINE + "— witness.example AAAAAAB=\n",
    "a plus in a name": TEXT + "\n" + LINE + "— wit+ness AAAAAAA=\n",
    "too large": TEXT + "\n" + LINE + "— w " + "A" * (1 << 17) + "\n",
}


@pytest.mark.parametrize("note", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_a_note_of_another_form_is_refused(note: str) -> None:
    with pytest.raises(CheckpointInvalid):
        notes.open(note.encode(), ORIGIN, KEY.public)


def test_a_second_blank_line_belongs_to_the_text_and_breaks_its_signature() -> None:
    with pytest.raises(SignatureInvalid):
        notes.open((TEXT + "\n\n" + LINE).encode(), ORIGIN, KEY.public)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(CheckpointInvalid):
        notes.open(NOTE.replace(b"ledger", b"l\xffdger"), ORIGIN, KEY.public)
