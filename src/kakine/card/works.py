"""The works that make cards: they sign what is printed on them, with keys apart from any certificate authority.

A card-verifiable certificate is 7F21{5F4E{issuer id 16 ‖ subject id 16 ‖ key}, 5F37 signature}; ids are seven digits,
`08 05`, three digits and four zero bytes (surveyed; spec/card.md section 7). Ours begin with 7, as no real one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kakine.crypto.chipkeys import ChipKey, KeyKind, verify_pkcs1
from kakine.crypto.files import write_private
from kakine.values.problems import CardDataMalformed
from kakine.wire.tlv import objects, tlv

_NAMES = ("root", "visual", "text")


def key_id(name: str) -> bytes:
    """16 bytes that name a key of the works."""
    number = {"root": "7000013", "visual": "7000023", "text": "7000033"}[name]
    return number.encode() + b"\x08\x05" + b"001" + bytes(4)


def public_key(key: ChipKey) -> bytes:
    """`90 03 exponent 91 82 01 00 modulus`, 265 bytes."""
    modulus, exponent = key.rsa_numbers()
    return tlv(0x90, exponent) + tlv(0x91, modulus)


@dataclass(frozen=True)
class Works:
    """Keys of one works. They are files of this machine here, readable by their owner alone."""

    keys: dict[str, ChipKey]

    @classmethod
    def at(cls, folder: Path) -> Works:
        """The works of a folder; its keys are made when there is no such folder. Raises `CardDataMalformed` if one of
        them is missing, `ChipKeyUnfit` if one is no key."""
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            for name in _NAMES:
                write_private(folder / f"{name}.key", ChipKey.generate(KeyKind.RSA_2048).stored())
        try:
            return cls({name: ChipKey.restored((folder / f"{name}.key").read_bytes()) for name in _NAMES})
        except FileNotFoundError as fault:
            raise CardDataMalformed(part="works") from fault

    def certificate(self, name: str) -> bytes:
        """The card-verifiable certificate of `visual` or `text`, 568 bytes, by the root."""
        body = key_id("root") + key_id(name) + public_key(self.keys[name])
        signature = self.keys["root"].sign_pkcs1(body, hashed=False)
        return tlv(0x7F21, tlv(0x5F4E, body), tlv(0x5F37, signature))

    def root_key(self) -> bytes:
        """What a verifier must know: the root's public key, 265 bytes."""
        return public_key(self.keys["root"])


def check_certificate(certificate: bytes, root: bytes) -> bytes:
    """The public key (265 bytes) in a card-verifiable certificate. Raises `CardDataMalformed` for another form,
    `SignatureInvalid` if the root's key did not sign it. Has no date, so none is checked."""
    outer = list(objects(certificate))
    parts = list(objects(outer[0][1])) if len(outer) == 1 and outer[0][0] == 0x7F21 else []
    if [tag for tag, _ in parts] != [0x5F4E, 0x5F37] or len(parts[0][1]) != 297:
        raise CardDataMalformed(part="card-verifiable-certificate")
    (_, body), (_, signature) = parts
    check_signature(root, signature, body)
    return body[32:]


def check_signature(key: bytes, signature: bytes, message: bytes) -> None:
    """By a public key of 265 bytes. Raises `SignatureInvalid`, `TlvMalformed`, `CardDataMalformed`."""
    parts = dict(objects(key))
    if set(parts) != {0x90, 0x91}:
        raise CardDataMalformed(part="public-key")
    verify_pkcs1(parts[0x91], parts[0x90], signature, message)
