"""RFC 9180 appendix A.1.1 (HPKE base mode) and agreement with the library's own single-shot call."""

from __future__ import annotations

import pytest

from kakine.crypto.sealing import OpenKey, SealingContext, open_sealed, seal
from kakine.values.problems import SealInvalid
from vectors.files import h, load

V = load("rfc9180")
INFO, PLAINTEXT = h(V["info"]), h(V["plaintext"])
KEY = OpenKey(h(V["receiver_seed"]))


def sender() -> SealingContext:
    return SealingContext.sender(KEY.public, INFO, OpenKey(h(V["ephemeral_seed"])), key_length=16)


def test_key_pairs_derive_from_the_published_seeds():
    """DeriveKeyPair for the receiver and for the ephemeral key."""
    assert KEY.public == h(V["receiver_public"])
    assert sender().enc == h(V["enc"])


@pytest.mark.parametrize("message", V["messages"], ids=lambda message: str(message["sequence"]))
def test_each_published_message_is_sealed_and_opened(message):
    """Sequence numbers 0, 1, 2 and 4: the nonce is the base nonce xor the number."""
    receiver = SealingContext.receiver(KEY, INFO, h(V["enc"]), key_length=16)
    sequence, aad, ciphertext = message["sequence"], h(message["aad"]), h(message["ciphertext"])
    assert sender().seal(sequence, aad, PLAINTEXT) == ciphertext
    assert receiver.open(sequence, aad, ciphertext) == PLAINTEXT


def test_the_first_message_of_a_context_opens_with_the_stock_library():
    """With AES-256-GCM and no additional data, enc ‖ message 0 is a single-shot message."""
    context = SealingContext.sender(KEY.public, INFO, OpenKey(bytes(range(32))))
    assert open_sealed(KEY, INFO, context.enc + context.seal(0, b"", PLAINTEXT)) == PLAINTEXT


def test_a_message_of_the_stock_library_opens_as_message_zero():
    """The other direction."""
    sealed = seal(KEY.public, INFO, PLAINTEXT)
    assert SealingContext.receiver(KEY, INFO, sealed[:32]).open(0, b"", sealed[32:]) == PLAINTEXT


def test_only_message_zero_is_a_single_shot_message():
    """Message 1 has another nonce, so the stock call refuses it."""
    context = SealingContext.sender(KEY.public, INFO, OpenKey(bytes(range(32))))
    with pytest.raises(SealInvalid):
        open_sealed(KEY, INFO, context.enc + context.seal(1, b"", PLAINTEXT))
