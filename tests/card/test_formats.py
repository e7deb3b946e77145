"""APDUs, tagged objects, profiles and what is printed: every form reads back, and what is no form is refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import HOLDER, KINDS, NUMBER, NUMBER_B
from kakine.card.printed import Holder, era_date, printed_secrets, table
from kakine.card.profile import Profile, profile
from kakine.values.problems import (
    ApduMalformed,
    CardDataMalformed,
    CardSecretMalformed,
    Problem,
    TlvMalformed,
)
from kakine.wire.apdu import Command, Reply
from kakine.wire.tlv import objects, tlv, value

BYTE = st.integers(0, 255)


@st.composite
def commands(draw: st.DrawFn) -> Command:
    extended = draw(st.booleans())
    most = 2000 if extended else 255
    data = draw(st.binary(max_size=most))
    expected = draw(st.sampled_from([0, 1, 255, 256] + [65536] * extended))
    extended = extended and bool(data or expected)
    return Command(*(draw(BYTE) for _ in range(4)), data, expected, extended)  # type: ignore[arg-type, misc]


@given(commands())
def test_a_command_reads_back_as_it_was_written(command: Command) -> None:
    assert Command.decode(command.encode()) == command


@given(st.binary(max_size=600))
def test_bytes_are_one_command_or_refused(raw: bytes) -> None:
    """Canonical: what is read is written as the same bytes."""
    try:
        command = Command.decode(raw)
    except ApduMalformed:
        return
    assert command.encode() == raw


@pytest.mark.parametrize(
    ("raw", "data", "expected"),
    [
        ("00a40000", "", 0),
        ("00b0000000", "", 256),
        ("00b0000004", "", 4),
        ("00a4020c0200 0a", "000a", 0),
        ("00a4020c02000a00", "000a", 256),
        ("00b00000000000", "", 65536),
        ("00b00000000100", "", 256),
        ("002000800000020102", "0102", 0),
        ("0020008000000201020000", "0102", 65536),
    ],
)
def test_the_seven_forms(raw: str, data: str, expected: int) -> None:
    """ISO/IEC 7816-3 section 12.1.3, cases 1 to 4 short and 2 to 4 extended."""
    command = Command.decode(bytes.fromhex(raw))
    assert (command.data.hex(), command.expected) == (data, expected)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "00",
        "00a404",
        "00a404000201",
        "00a40400020102030405",
        "00a404000001",
        "00a4040000000001",
    ],
)
def test_what_is_no_command_is_refused(raw: str) -> None:
    with pytest.raises(ApduMalformed):
        Command.decode(bytes.fromhex(raw))


@given(st.binary(max_size=300), BYTE, BYTE)
def test_an_answer_reads_back(data: bytes, first: int, second: int) -> None:
    reply = Reply(first << 8 | second, data)
    assert Reply.decode(reply.encode()) == reply


def test_neither_shows_its_data() -> None:
    assert "31323334" not in repr(Command(0, 0x20, 0, 0x80, b"1234")) + repr(Reply(0x9000, b"1234"))
    assert "1234" not in repr(Command(0, 0x20, 0, 0x80, b"1234")) + repr(Reply(0x9000, b"1234"))


TAGS = st.sampled_from([0x04, 0x42, 0x53, 0x7C, 0x5F4E, 0x7F21, 0xDF22, 0x5FC105])


@given(st.lists(st.tuples(TAGS, st.binary(max_size=400)), max_size=5))
def test_objects_read_back(parts: list[tuple[int, bytes]]) -> None:
    assert list(objects(b"".join(tlv(tag, content) for tag, content in parts))) == parts


@given(st.binary(max_size=60))
def test_objects_have_one_form(data: bytes) -> None:
    try:
        parts = list(objects(data))
    except TlvMalformed:
        return
    assert b"".join(tlv(tag, content) for tag, content in parts) == data


@pytest.mark.parametrize(
    "data", ["53", "5302ff", "538101ff", "53820001ff", "5380ff", "5f", "5fc1c1c100", "5383000001ff"]
)
def test_cut_off_or_long_winded_objects_are_refused(data: str) -> None:
    with pytest.raises(TlvMalformed):
        list(objects(bytes.fromhex(data)))


def test_an_object_that_is_not_there_is_refused() -> None:
    with pytest.raises(TlvMalformed):
        value(tlv(0x53, b"x"), 0x70)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_that_a_person_has_needs_a_secret_and_every_secret_has_tries(kind: str) -> None:
    for application, key in profile(kind).key_rows():
        assert key.use or not key.certificate, (application.name, key.name)
    for _, secret in profile(kind).secret_rows():
        assert 0 < secret.tries <= 15
        assert secret.most <= (secret.padded or secret.most)


@pytest.mark.parametrize("kind", KINDS)
def test_an_atr_is_well_formed_and_has_nothing_of_one_card(kind: str) -> None:
    """TS, and a check byte over the rest (ISO/IEC 7816-3 section 8.2.5)."""
    atr = bytes.fromhex(profile(kind).atr)
    check = 0
    for byte in atr[1:]:
        check ^= byte
    assert (atr[0], check) == (0x3B, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        "name = 1",
        'name = "x"\ntitle = ""\natr = ""\nphoto = "y"',
        'name = "x"\ntitle = ""\natr = ""\n[[application]]\nname = "a"\ntitle = ""\naid = ""\ncommands = []\n'
        'file = [{ id = "01", name = "n", read = ["no-such-secret"] }]',
        'name = "x"\ntitle = ""\natr = ""\n[[application]]\nname = "a"\ntitle = ""\naid = ""\ncommands = []\n'
        'file = [{ id = "01", name = "n" }, { id = "01", name = "m" }]',
    ],
)
def test_a_profile_with_unknown_words_is_refused(wrong: str) -> None:
    with pytest.raises(CardDataMalformed):
        Profile.read(wrong)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("authentication-pin", "123"), ("authentication-pin", "12345"), ("authentication-pin", "12a4"),
        ("authentication-pin", "１２３４"), ("signature-password", "ABCDEF"), ("signature-password", "123456"),
        ("signature-password", "abc123"), ("signature-password", "AB12"), ("signature-password", "A1" * 9),
        ("signature-password", "ABC 123"),
    ],
)  # fmt: skip
def test_a_secret_without_the_form_is_refused_and_not_shown(name: str, text: str) -> None:
    _, secret = profile("interop").find_secret(name)
    with pytest.raises(CardSecretMalformed) as refusal:
        secret.bytes_of(text)
    assert text not in str(refusal.value)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2019, 5, 1), "010501"), (date(2019, 4, 30), "310430"), (date(1989, 1, 7), "640107"),
        (date(1989, 1, 8), "010108"), (date(1926, 12, 24), "151224"), (date(1990, 2, 3), "020203"),
    ],
)  # fmt: skip
def test_era_dates(day: date, text: str) -> None:
    assert era_date(day) == text


def test_what_opens_by_what_is_printed() -> None:
    secrets = printed_secrets(HOLDER)
    assert (secrets["number-a"], secrets["number-b"], secrets["birth-date"]) == (NUMBER, NUMBER_B, "020203")


@pytest.mark.parametrize(
    "change",
    [{"number": "123456789012"}, {"sex": 3}, {"security_code": "12"}, {"name": ""}, {"record_code": "1"}],
)
def test_a_holder_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    fields = {name: getattr(HOLDER, name) for name in Holder.__struct_fields__} | change
    with pytest.raises(Problem):
        Holder(**fields)


def test_a_holder_does_not_show() -> None:
    assert repr(HOLDER) == "<Holder>"


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_offsets_of_a_table_point_at_the_tags(contents: list[bytes]) -> None:
    parts = [tlv(0xDF22 + k, content) for k, content in enumerate(contents)]
    whole = table(0xFF20, 0xDF21, parts)
    offsets = value(value(whole, 0xFF20), 0xDF21)
    for k, part in enumerate(parts):
        at = int.from_bytes(offsets[2 * k : 2 * k + 2], "big")
        assert whole[at : at + len(part)] == part
