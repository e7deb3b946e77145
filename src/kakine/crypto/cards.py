"""What a login needs of a card's certificate: its key, and one value that stands for certificate and issuer.

Whether a certificate chains to a root, may be used for logging in and still stands is not found out here: that is
asked of whoever knows the authority (`contracts.login.Standing`).
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from kakine.crypto.hashing import digest
from kakine.values.problems import CardNotTrusted, CardProofInvalid, PinRefused

_PREHASHED = Prehashed(SHA256())


class CardCertificate:
    """A parsed X.509 certificate with an EC or RSA key. Raises `CardNotTrusted` for anything else."""

    def __init__(self, der: bytes) -> None:
        try:
            self._certificate = x509.load_der_x509_certificate(der)
            key = self._certificate.public_key()
        except ValueError as fault:
            raise CardNotTrusted() from fault
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise CardNotTrusted()
        self._key = key

    def __repr__(self) -> str:
        return "<CardCertificate>"

    @property
    def digest(self) -> bytes:
        """32 bytes for issuer name and serial number. Serials can be guessed, so this is as telling as the serial:
        whoever keeps something of it keeps a keyed hash."""
        serial = self._certificate.serial_number
        number = serial.to_bytes((serial.bit_length() + 7) // 8 or 1, "big")
        return digest("card-certificate", self._certificate.issuer.public_bytes(), number)

    @property
    def serial(self) -> bytes:
        """The serial number, 16 bytes big-endian. Raises `CardNotTrusted` for a longer one."""
        try:
            return self._certificate.serial_number.to_bytes(16, "big")
        except OverflowError as fault:
            raise CardNotTrusted() from fault

    @property
    def until_ms(self) -> int:
        """When the certificate's validity ends."""
        return int(self._certificate.not_valid_after_utc.timestamp() * 1000)

    @property
    def public(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, hashed: bytes) -> None:
        """Raise `CardProofInvalid` unless the card signed these 32 bytes, taken as a SHA-256 value (ECDSA in DER, or
        RSA with PKCS#1 v1.5 padding as cards have it)."""
        _verify(self._key, signature, hashed)


class CardKey:
    """The public key of a card's certificate alone (SubjectPublicKeyInfo, DER). Raises `CardNotTrusted` for what is no
    EC or RSA key."""

    def __init__(self, der: bytes) -> None:
        try:
            key = load_der_public_key(der)
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise CardNotTrusted() from fault
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise CardNotTrusted()
        self._key = key

    @property
    def spki(self) -> bytes:
        """SHA-256 of its one encoding."""
        return hashlib.sha256(
            self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).digest()

    def verify(self, signature: bytes, hashed: bytes) -> None:
        """As `CardCertificate.verify`."""
        _verify(self._key, signature, hashed)


def _verify(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, signature: bytes, hashed: bytes) -> None:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, hashed, ec.ECDSA(_PREHASHED))
        else:
            key.verify(signature, hashed, padding.PKCS1v15(), _PREHASHED)
    except (InvalidSignature, ValueError) as fault:
        raise CardProofInvalid() from fault


class KeyFile:
    """A certificate and an encrypted private key (PKCS#8, PEM) in files, for where there is no card: the password is
    the PIN. It counts no wrong PINs, so it is no card."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        try:
            self.certificate = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
        except ValueError as fault:
            raise CardNotTrusted() from fault
        self._key = key

    def __repr__(self) -> str:
        return "<KeyFile>"

    def sign(self, hashed: bytes, pin: str) -> bytes:
        """A signature over 32 bytes as a SHA-256 value. Raises `PinRefused`."""
        try:
            key = load_pem_private_key(self._key, pin.encode())
        except (ValueError, TypeError) as fault:
            raise PinRefused() from fault
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(hashed, ec.ECDSA(_PREHASHED))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(hashed, padding.PKCS1v15(), _PREHASHED)
        raise PinRefused()
