"""Sealing to a public key: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode.

One message goes through the library's own call. A `SealingContext` is for many small messages to one reader
and for a sender who must be able to make the same bytes again: the ephemeral key comes from a given seed,
which the library does not take, so the key schedule of RFC 9180 section 5.1 stands here over the library's
X25519, HKDF and AES-GCM.
"""

from __future__ import annotations

import hmac
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from kakine.values.problems import SealInvalid

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEM_ID = b"KEM\x00\x20"
_AEAD_ID = {16: b"\x00\x01", 32: b"\x00\x02"}
_VERSION = b"HPKE-v1"

KeyLength = Literal[16, 32]


class SealKey(bytes):
    """A public X25519 key, 32 bytes. A key of small order is refused at its first use."""

    def __new__(cls, value: bytes) -> SealKey:
        if len(value) != 32:
            raise SealInvalid(length=len(value))
        return super().__new__(cls, value)


class OpenKey:
    """The X25519 pair that RFC 9180 DeriveKeyPair makes of a 32-byte seed. `repr` shows nothing of it."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise SealInvalid(length=len(seed))
        extracted = _extract(_KEM_ID, b"", b"dkp_prk", seed)
        self._private = X25519PrivateKey.from_private_bytes(_expand(_KEM_ID, extracted, b"sk", b"", 32))
        self.public = SealKey(self._private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return "<OpenKey>"

    def agree(self, other: bytes) -> bytes:
        """The raw X25519 value (RFC 7748), 32 bytes; `SealInvalid` if `other` is short or of small order."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError as wrong:
            raise SealInvalid() from wrong

    def decrypt(self, info: bytes, sealed: bytes) -> bytes:
        """Open one single-shot message; see `open_sealed`."""
        try:
            return _SUITE.decrypt(sealed, self._private, info=info)
        except InvalidTag as wrong:
            raise SealInvalid() from wrong


def seal(to: SealKey, info: bytes, plaintext: bytes) -> bytes:
    """enc ‖ ciphertext, 48 bytes longer than the plaintext; the library draws the ephemeral key.

    What the message must not be separated from goes into `info`: the library's call takes no further data.
    """
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(to), info=info)
    except ValueError as wrong:
        raise SealInvalid() from wrong


def open_sealed(key: OpenKey, info: bytes, sealed: bytes) -> bytes:
    """The plaintext; `SealInvalid` for any other key, info or bytes. Anybody can seal: it shows no sender."""
    return key.decrypt(info, sealed)


class SealingContext:
    """One sender and one reader, many messages by sequence number; the AEAD object is made once.

    Not checked: that a sequence number is used once. Two different plaintexts under one seed, reader, `info`
    and sequence break the secrecy of both, so derive the seed from what makes the run unique.
    """

    __slots__ = ("_aead", "_nonce", "enc")

    def __init__(self, enc: bytes, shared: bytes, info: bytes, key_length: KeyLength) -> None:
        suite = b"HPKE\x00\x20\x00\x01" + _AEAD_ID[key_length]
        context = (
            b"\x00" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
        )
        secret = _extract(suite, shared, b"secret", b"")
        self.enc = enc
        self._aead = AESGCM(_expand(suite, secret, b"key", context, key_length))
        self._nonce = int.from_bytes(_expand(suite, secret, b"base_nonce", context, 12), "big")

    def __repr__(self) -> str:
        return "<SealingContext>"

    @classmethod
    def sender(
        cls, to: SealKey, info: bytes, ephemeral: OpenKey, key_length: KeyLength = 32
    ) -> SealingContext:
        """The context of the sender with this ephemeral pair, which one run may use for several readers.

        `key_length` is 32, AES-256-GCM; 16 is there for the vectors of RFC 9180 appendix A.1.
        """
        shared = _encapsulated(ephemeral.agree(to), ephemeral.public, to)
        return cls(ephemeral.public, shared, info, key_length)

    @classmethod
    def receiver(cls, key: OpenKey, info: bytes, enc: bytes, key_length: KeyLength = 32) -> SealingContext:
        """The same context at the reader, from the 32 bytes `enc` the sender sent along."""
        return cls(enc, _encapsulated(key.agree(enc), enc, key.public), info, key_length)

    def seal(self, sequence: int, aad: bytes, plaintext: bytes) -> bytes:
        """Ciphertext, 16 bytes longer than the plaintext; 0 <= sequence < 2^63."""
        return self._aead.encrypt(self._nonce_of(sequence), plaintext, aad)

    def open(self, sequence: int, aad: bytes, ciphertext: bytes) -> bytes:
        """The plaintext; `SealInvalid` for any other sequence, additional data or bytes."""
        try:
            return self._aead.decrypt(self._nonce_of(sequence), ciphertext, aad)
        except InvalidTag as wrong:
            raise SealInvalid() from wrong

    def _nonce_of(self, sequence: int) -> bytes:
        if not 0 <= sequence < 2**63:
            raise SealInvalid()
        return (self._nonce ^ sequence).to_bytes(12, "big")


def aead_seal(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """AES-256-GCM (SP 800-38D), 16 bytes longer than the plaintext. `nonce` is 12 bytes, never twice for one
    key.
    """
    return _gcm(key, nonce).encrypt(nonce, plaintext, aad)


def aead_open(key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
    """The plaintext; `SealInvalid` for any other key, nonce, additional data or bytes."""
    try:
        return _gcm(key, nonce).decrypt(nonce, ciphertext, aad)
    except InvalidTag as wrong:
        raise SealInvalid() from wrong


def _gcm(key: bytes, nonce: bytes) -> AESGCM:
    if len(key) != 32 or len(nonce) != 12:
        raise SealInvalid(key=len(key), nonce=len(nonce))
    return AESGCM(key)


def _encapsulated(agreed: bytes, enc: bytes, to: bytes) -> bytes:
    """ExtractAndExpand of RFC 9180 section 4.1."""
    extracted = _extract(_KEM_ID, b"", b"eae_prk", agreed)
    return _expand(_KEM_ID, extracted, b"shared_secret", enc + to, 32)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """LabeledExtract; HKDF-Extract is one HMAC (RFC 5869 section 2.2)."""
    return hmac.digest(salt, _VERSION + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand."""
    labelled = length.to_bytes(2, "big") + _VERSION + suite + label + info
    return HKDFExpand(SHA256(), length, labelled).derive(key)
