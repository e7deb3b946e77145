"""Private keys of certificate authorities, by name, behind one small interface: files, or a PKCS#11 device.

A key is an object of the `cryptography` library, whose builders sign with whatever implements its abstract classes; so
the code above does not know where a key lies. Nobody outside `crypto` looks into one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kakine.crypto import files
from kakine.values.certificates import Algorithm
from kakine.values.problems import KeyStoreFailed

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

CURVES: dict[str, Algorithm] = {"secp256r1": Algorithm.P_256, "secp384r1": Algorithm.P_384}


class KeyStore(Protocol):
    """Where an authority's keys lie."""

    def key(self, name: str, algorithm: Algorithm) -> PrivateKey:
        """The key of this name, made when there is none. Raises `KeyStoreFailed`."""


def generate(algorithm: Algorithm) -> PrivateKey:
    """A fresh key in memory, from the library's own randomness."""
    if algorithm is Algorithm.RSA_2048:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1() if algorithm is Algorithm.P_256 else ec.SECP384R1())


def algorithm_of(key: object) -> Algorithm | None:
    """Which of ours a public key is: RSA of exactly 2048 bits with exponent 65537, P-256, P-384; else None."""
    if isinstance(key, rsa.RSAPublicKey):
        fits = key.key_size == 2048 and key.public_numbers().e == 65537
        return Algorithm.RSA_2048 if fits else None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES.get(key.curve.name)
    return None


def hash_of(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash that this key's signatures use."""
    return hashes.SHA384() if algorithm_of(key.public_key()) is Algorithm.P_384 else hashes.SHA256()


class FileKeys:
    """PKCS#8 files of mode 600 in a folder of mode 700, not encrypted: for development only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, PrivateKey] = {}

    def key(self, name: str, algorithm: Algorithm) -> PrivateKey:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._read(name) or self._made(name, algorithm)
        if algorithm_of(found.public_key()) is not algorithm:
            raise KeyStoreFailed(key=name, fault="another algorithm")
        return found

    def _read(self, name: str) -> PrivateKey | None:
        path = self._folder / f"{name}.pem"
        if not path.exists():
            return None
        if path.stat().st_mode & 0o077:
            raise KeyStoreFailed(key=name, fault="readable by others")
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except ValueError as fault:
            raise KeyStoreFailed(key=name, fault="not a key") from fault
        if not isinstance(key, PrivateKey):
            raise KeyStoreFailed(key=name, fault="another algorithm")
        return key

    def _made(self, name: str, algorithm: Algorithm) -> PrivateKey:
        key = generate(algorithm)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        files.replace(self._folder / f"{name}.pem", pem)
        return key
