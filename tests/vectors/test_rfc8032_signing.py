"""RFC 8032 section 7.1 (Ed25519)."""

from __future__ import annotations

import pytest

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import SignatureInvalid
from vectors.files import h, load

CASES = load("rfc8032")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["public"][:8])
def test_key_and_signature_are_the_published_ones(case):
    """Key pair from the seed, signature over the message, and its verification."""
    key = SigningKey(h(case["seed"]))
    assert key.public == h(case["public"])
    assert key.sign_raw(h(case["message"])) == h(case["signature"])
    VerifyKey(h(case["public"])).verify_raw(h(case["signature"]), h(case["message"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["public"][:8])
def test_a_published_signature_is_refused_over_another_message(case):
    """One byte appended to the message is enough."""
    with pytest.raises(SignatureInvalid):
        VerifyKey(h(case["public"])).verify_raw(h(case["signature"]), h(case["message"]) + b"\0")
