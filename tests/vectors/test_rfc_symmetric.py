"""RFC 4231 (HMAC), RFC 5869 (HKDF), RFC 5297 (AES-SIV): the calls `crypto` makes, on published inputs."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kakine.crypto.hashing import derive, framed, mac
from kakine.crypto.wrapping import WrapKey
from kakine.values.codes import Code
from vectors.files import h, load


@pytest.mark.parametrize("case", load("rfc4231")["cases"], ids=lambda case: str(case["case"]))
def test_hmac_gives_the_published_tags(case):
    """The call under `mac` (SHA-256) and under `prf_scalar` (SHA-512)."""
    assert hmac.digest(h(case["key"]), h(case["data"]), "sha256") == h(case["sha256"])
    assert hmac.digest(h(case["key"]), h(case["data"]), "sha512") == h(case["sha512"])


@pytest.mark.parametrize("case", load("rfc5869")["cases"], ids=lambda case: case["expanded"][:8])
def test_hkdf_gives_the_published_keys(case):
    """Extract is one HMAC; extract and expand together are the library's call."""
    expanded = h(case["expanded"])
    hkdf = HKDF(SHA256(), len(expanded), h(case["salt"]) or None, h(case["info"]))
    assert hmac.digest(h(case["salt"]), h(case["material"]), "sha256") == h(case["extracted"])
    assert hkdf.derive(h(case["material"])) == expanded


def test_derive_and_mac_are_hkdf_and_hmac_over_the_framed_parts():
    """Nothing stands between the published functions and ours but the frame, which is written out here."""
    frame = b"LCX-v1/\x04name" + b"\0\0\0\x02" + b"ab" + b"\0\0\0\0"
    key = bytes(range(32))
    assert framed("name", b"ab", b"") == frame
    assert mac(key, "name", b"ab", b"") == hmac.digest(key, frame, "sha256")
    assert derive(key, "name", b"ab", b"", length=48) == HKDF(SHA256(), 48, None, frame).derive(key)


@pytest.mark.parametrize("case", load("rfc5297")["cases"], ids=lambda case: case["output"][:8])
def test_siv_gives_the_published_bytes(case):
    """A.1 with one associated string, A.2 with three; both with AES-128, the library picks by key length."""
    siv, associated = AESSIV(h(case["key"])), [h(text) for text in case["associated"]]
    assert siv.encrypt(h(case["plaintext"]), associated) == h(case["output"])
    assert siv.decrypt(h(case["output"]), associated) == h(case["plaintext"])


def test_a_wrapped_code_is_that_call_with_the_domain_as_the_only_associated_string():
    """The format of a code at rest, said without our own wrapping module."""
    key, code = bytes(range(64)), bytes(range(32))
    assert WrapKey(key).wrap(Code(code), "setagaya/tax") == AESSIV(key).encrypt(code, [b"setagaya/tax"])
