"""Keys that a chip makes and uses: RSA-2048 and ECDSA on P-384, requests for certificates (PKCS#10, RFC 2986).

The chip decides who may use a key; nothing here asks. RSA with payloads as they come is what readers of the interop
profile expect: the terminal has hashed, the chip only pads (RFC 8017 section 9.2 from step 3 on).
"""

from __future__ import annotations

from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

from kakine.values.problems import CardCertificateUnfit, ChipKeyUnfit, SignatureInvalid

_SHA256 = hashes.SHA256()
_PADDED_MOST = 245
_CURVE_BYTES = 48


class KeyKind(StrEnum):
    """What a chip can make."""

    RSA_2048 = "rsa-2048"
    P_384 = "p-384"


class ChipKey:
    """A private key in a chip. `repr` shows its kind only; `stored` is for the chip's own memory."""

    __slots__ = ("_key", "kind")

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.kind = KeyKind.RSA_2048 if isinstance(key, rsa.RSAPrivateKey) else KeyKind.P_384

    def __repr__(self) -> str:
        return f"<ChipKey {self.kind}>"

    @classmethod
    def generate(cls, kind: KeyKind) -> ChipKey:
        """A new key from the system's randomness."""
        if kind is KeyKind.RSA_2048:
            return cls(rsa.generate_private_key(65537, 2048))
        return cls(ec.generate_private_key(ec.SECP384R1()))

    @classmethod
    def restored(cls, data: bytes) -> ChipKey:
        """From `stored`. Raises `ChipKeyUnfit` for anything but RSA-2048 and P-384.

        Not checked: that the numbers of an RSA key fit together. That takes 30 ms at every signature, and the only
        bytes that come here are those that the chip wrote itself.
        """
        try:
            key = serialization.load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        except ValueError as fault:
            raise ChipKeyUnfit() from fault
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048:
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
            return cls(key)
        raise ChipKeyUnfit()

    def stored(self) -> bytes:
        """PKCS#8 in DER, not encrypted."""
        return self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def public(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return _spki(self._key.public_key())

    def rsa_numbers(self) -> tuple[bytes, bytes]:
        """(modulus of 256 bytes, exponent of 3 bytes). Raises `ChipKeyUnfit` for P-384."""
        numbers = self._rsa().public_key().public_numbers()
        return numbers.n.to_bytes(256, "big"), numbers.e.to_bytes(3, "big")

    def sign_padded(self, payload: bytes) -> bytes:
        """RSA: 256 bytes over 1 to 245 bytes taken as they are under padding of type 1 (no DigestInfo is added)."""
        if not 0 < len(payload) <= _PADDED_MOST:
            raise ChipKeyUnfit(length=len(payload))
        return self._rsa().sign(payload, padding.PKCS1v15(), utils.NoDigestInfo())

    def sign_pkcs1(self, data: bytes, *, hashed: bool) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 over `data`, or over what `data` (32 bytes) is the hash of."""
        return self._rsa().sign(data, padding.PKCS1v15(), self._hash(data, hashed))

    def sign_pss(self, data: bytes, *, hashed: bool) -> bytes:
        """RSASSA-PSS with SHA-256, MGF1-SHA-256 and 32 bytes of salt."""
        return self._rsa().sign(data, padding.PSS(padding.MGF1(_SHA256), 32), self._hash(data, hashed))

    def sign_ecdsa(self, hashed: bytes) -> bytes:
        """ECDSA, DER, over a hash of 1 to 48 bytes. A shorter hash is the same number with zeros in front."""
        if self.kind is not KeyKind.P_384 or not 0 < len(hashed) <= _CURVE_BYTES:
            raise ChipKeyUnfit(length=len(hashed))
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)  # noqa: S101 - for the type checker
        prehashed = utils.Prehashed(hashes.SHA384())
        return self._key.sign(hashed.rjust(_CURVE_BYTES, b"\0"), ec.ECDSA(prehashed))

    def request(self, common_name: str) -> bytes:
        """PKCS#10 in DER: the public key and proof that its private half is here. The name says what is asked for."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        algorithm = _SHA256 if self.kind is KeyKind.RSA_2048 else hashes.SHA384()
        made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self._key, algorithm)
        return made.public_bytes(serialization.Encoding.DER)

    def _rsa(self) -> rsa.RSAPrivateKey:
        if not isinstance(self._key, rsa.RSAPrivateKey):
            raise ChipKeyUnfit()
        return self._key

    def _hash(self, data: bytes, hashed: bool) -> hashes.SHA256 | utils.Prehashed:
        if hashed and len(data) != _SHA256.digest_size:
            raise ChipKeyUnfit(length=len(data))
        return utils.Prehashed(_SHA256) if hashed else _SHA256


def certified_key(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) in a certificate (DER). Raises `CardCertificateUnfit` if it is not one.

    Not checked: who signed it, its dates, its purpose.
    """
    try:
        return _spki(x509.load_der_x509_certificate(certificate).public_key())
    except ValueError as fault:
        raise CardCertificateUnfit(part="form") from fault


def check_issued(certificate: bytes, issuer: bytes) -> None:
    """Raise `CardCertificateUnfit` unless `issuer` signed `certificate` (both DER) and bears the name it gives."""
    try:
        x509.load_der_x509_certificate(certificate).verify_directly_issued_by(
            x509.load_der_x509_certificate(issuer)
        )
    except (ValueError, TypeError, InvalidSignature) as fault:
        raise CardCertificateUnfit(part="issuer") from fault


def certificates_from_file(data: bytes) -> list[bytes]:
    """DER of the certificates of a file, at least one: PEM, one below the other, or DER. Raises
    `CardCertificateUnfit`."""
    try:
        if b"-----BEGIN" in data:
            read = x509.load_pem_x509_certificates(data)
        else:
            read = [x509.load_der_x509_certificate(data)]
    except ValueError as fault:
        raise CardCertificateUnfit(part="form") from fault
    return [each.public_bytes(serialization.Encoding.DER) for each in read]


def request_as_pem(request: bytes) -> bytes:
    """PEM of a request in DER."""
    return x509.load_der_x509_csr(request).public_bytes(serialization.Encoding.PEM)


def verify_pkcs1(modulus: bytes, exponent: bytes, signature: bytes, message: bytes) -> None:
    """RSASSA-PKCS1-v1_5 with SHA-256; raises `SignatureInvalid`."""
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
    try:
        numbers.public_key().verify(signature, message, padding.PKCS1v15(), _SHA256)
    except (InvalidSignature, ValueError) as fault:
        raise SignatureInvalid() from fault


def _spki(key: object) -> bytes:
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CardCertificateUnfit(part="key")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
