"""What sealed messages and wrapped codes refuse, beyond the published vectors."""

from __future__ import annotations

import pytest

from kakine.crypto.sealing import (
    OpenKey,
    SealingContext,
    SealKey,
    aead_open,
    aead_seal,
    open_sealed,
    seal,
)
from kakine.crypto.wrapping import WrapKey
from kakine.values.codes import Code, WrappedCode
from kakine.values.problems import SealInvalid, WrappedCodeInvalid

KEY, OTHER = OpenKey(b"k" * 32), OpenKey(b"o" * 32)
INFO, TEXT = b"what it is for", b"what it says"
SMALL_ORDER = [
    bytes(32),
    b"\1" + bytes(31),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
]


def flips(value: bytes):
    """The value with one bit changed, at every byte."""
    for at in range(len(value)):
        yield value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def test_a_sealed_message_opens_with_its_key_and_info():
    """48 bytes longer than the plaintext, and different each time."""
    sealed = seal(KEY.public, INFO, TEXT)
    assert open_sealed(KEY, INFO, sealed) == TEXT
    assert len(sealed) == len(TEXT) + 48
    assert sealed != seal(KEY.public, INFO, TEXT)


def test_a_sealed_message_opens_with_nothing_else():
    """Other key, other info, any changed byte, any truncation."""
    sealed = seal(KEY.public, INFO, TEXT)
    tries = [(OTHER, INFO, sealed), (KEY, INFO + b"!", sealed), (KEY, INFO, b"")]
    tries += [(KEY, INFO, changed) for changed in flips(sealed)]
    tries += [(KEY, INFO, sealed[:length]) for length in (31, 32, 47, len(sealed) - 1)]
    for key, info, value in tries:
        with pytest.raises(SealInvalid):
            open_sealed(key, info, value)


@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda value: value.hex()[:4])
def test_a_key_of_small_order_is_refused_at_use(point):
    """It would make the shared secret known to everybody; as a reader's key and as enc."""
    for call in (
        lambda: seal(SealKey(point), INFO, TEXT),
        lambda: SealingContext.sender(SealKey(point), INFO, OpenKey(b"e" * 32)),
        lambda: SealingContext.receiver(KEY, INFO, point),
        lambda: open_sealed(KEY, INFO, point + bytes(28)),
    ):
        with pytest.raises(SealInvalid):
            call()


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_seeds_and_enc_of_another_length_are_refused(length):
    """32 bytes each."""
    for call in (
        lambda: SealKey(bytes(length)),
        lambda: OpenKey(bytes(length)),
        lambda: SealingContext.sender(KEY.public, INFO, OpenKey(bytes(length))),
        lambda: SealingContext.receiver(KEY, INFO, b"\x09" * length),
    ):
        with pytest.raises(SealInvalid):
            call()


def test_a_context_is_made_again_byte_for_byte_from_its_seed():
    """What a converter or mailbox compares when it rebuilds an envelope."""
    first, again = (SealingContext.sender(KEY.public, INFO, OpenKey(b"e" * 32)) for _ in range(2))
    assert first.enc == again.enc
    assert first.seal(7, b"aad", TEXT) == again.seal(7, b"aad", TEXT)


def test_contexts_of_another_seed_reader_or_info_share_nothing():
    """Four contexts, four ciphertexts of one plaintext."""
    contexts = [
        SealingContext.sender(KEY.public, INFO, OpenKey(b"e" * 32)),
        SealingContext.sender(KEY.public, INFO, OpenKey(b"f" * 32)),
        SealingContext.sender(OTHER.public, INFO, OpenKey(b"e" * 32)),
        SealingContext.sender(KEY.public, INFO + b"!", OpenKey(b"e" * 32)),
    ]
    assert len({context.seal(0, b"", TEXT) for context in contexts}) == 4


def test_a_context_message_opens_at_its_place_only():
    """Other sequence, additional data, bytes, enc or info."""
    sender = SealingContext.sender(KEY.public, INFO, OpenKey(b"e" * 32))
    receiver = SealingContext.receiver(KEY, INFO, sender.enc)
    sealed = sender.seal(3, b"aad", TEXT)
    assert receiver.open(3, b"aad", sealed) == TEXT
    tries = [(receiver, 4, b"aad", sealed), (receiver, 3, b"", sealed)]
    tries += [(receiver, 3, b"aad", changed) for changed in flips(sealed)]
    tries += [(SealingContext.receiver(KEY, b"", sender.enc), 3, b"aad", sealed)]
    tries += [(SealingContext.receiver(OTHER, INFO, sender.enc), 3, b"aad", sealed)]
    for context, sequence, aad, value in tries:
        with pytest.raises(SealInvalid):
            context.open(sequence, aad, value)


@pytest.mark.parametrize("sequence", [-1, 2**63])
def test_a_sequence_out_of_range_is_refused(sequence):
    """No number wraps round onto another's nonce."""
    context = SealingContext.sender(KEY.public, INFO, OpenKey(b"e" * 32))
    with pytest.raises(SealInvalid):
        context.seal(sequence, b"", TEXT)
    with pytest.raises(SealInvalid):
        context.open(sequence, b"", bytes(28))


def test_the_plain_cipher_opens_only_what_it_sealed():
    """AES-256-GCM under a given key and nonce; lengths are checked, bytes are authenticated."""
    key, nonce = b"k" * 32, b"n" * 12
    sealed = aead_seal(key, nonce, b"aad", TEXT)
    assert aead_open(key, nonce, b"aad", sealed) == TEXT
    tries = [(key, nonce, b"", sealed), (b"l" * 32, nonce, b"aad", sealed), (key, b"m" * 12, b"aad", sealed)]
    tries += [(key[:16], nonce, b"aad", sealed), (key, nonce[:11], b"aad", sealed), (key, nonce, b"aad", b"")]
    tries += [(key, nonce, b"aad", changed) for changed in flips(sealed)]
    for arguments in tries:
        with pytest.raises(SealInvalid):
            aead_open(*arguments)
    for key_length, nonce_length in ((16, 12), (32, 11), (32, 13)):
        with pytest.raises(SealInvalid):
            aead_seal(bytes(key_length), bytes(nonce_length), b"", TEXT)


def test_a_code_at_rest_is_one_value_and_comes_back():
    """Deterministic, so that it can be the key of a row; 48 bytes."""
    key, code = WrapKey(bytes(range(64))), Code(b"c" * 32)
    wrapped = key.wrap(code, "setagaya/tax")
    assert wrapped == key.wrap(code, "setagaya/tax")
    assert len(wrapped) == 48
    assert key.unwrap(wrapped, "setagaya/tax") == code


def test_a_code_at_rest_says_nothing_under_another_key_or_domain():
    """Two sectors of one party hold different tokens of one code, and neither opens the other's."""
    key, code = WrapKey(bytes(range(64))), Code(b"c" * 32)
    wrapped = key.wrap(code, "setagaya/tax")
    assert wrapped != key.wrap(code, "setagaya/children")
    tries = [(WrapKey(b"w" * 64), wrapped, "setagaya/tax"), (key, wrapped, "setagaya/children")]
    tries += [(key, WrappedCode(changed), "setagaya/tax") for changed in flips(wrapped)]
    for opener, value, domain in tries:
        with pytest.raises(WrappedCodeInvalid):
            opener.unwrap(value, domain)


@pytest.mark.parametrize("length", [0, 32, 48, 63, 65])
def test_a_wrapping_key_is_64_bytes(length):
    """Shorter keys would select a weaker AES without a word."""
    with pytest.raises(WrappedCodeInvalid):
        WrapKey(bytes(length))


def test_keys_show_nothing_of_themselves():
    """No key material in logs and tracebacks."""
    context = SealingContext.sender(KEY.public, INFO, OpenKey(b"e" * 32))
    assert (repr(KEY), repr(context), repr(WrapKey(bytes(64)))) == (
        "<OpenKey>",
        "<SealingContext>",
        "<WrapKey>",
    )
