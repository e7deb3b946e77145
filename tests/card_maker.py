"""A certificate authority and cards for tests of the login: what another party of the country will be.

`Roots` is a `Standing`: it knows one root, and which serials stand no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from kakine.crypto.cards import KeyFile
from kakine.values.problems import CardNotTrusted

PIN = "1234"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(signs_documents: bool) -> x509.KeyUsage:
    no = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=signs_documents,
        key_cert_sign=False,
        crl_sign=False,
        **no,
    )


@dataclass
class Roots:
    """One root for authentication certificates, and what it has revoked."""

    name: str = "test root for authentication"
    revoked: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())

    def card(self, now_ms: int, kind: str = "ec", days: int = 365, signs_documents: bool = False) -> KeyFile:
        """A card with a certificate of this root, valid for so many days."""
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        key = ec.generate_private_key(ec.SECP384R1())
        if kind == "rsa":
            key = rsa.generate_private_key(65537, 2048)
        start = datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(days=400)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name("card"))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=400 + days))
            .add_extension(_usage(signs_documents), critical=True)
            .sign(self.key, SHA256())
        )
        sealed = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PIN.encode()),
        )
        return KeyFile(made.public_bytes(serialization.Encoding.PEM), sealed)

    def revoke(self, card: KeyFile) -> None:
        """From now on."""
        self.revoked.add(x509.load_der_x509_certificate(card.certificate).serial_number)

    def check(self, certificate: bytes, now_ms: int) -> None:
        """`kakine.contracts.login.Standing`."""
        given = x509.load_der_x509_certificate(certificate)
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        usage = given.extensions.get_extension_for_class(x509.KeyUsage).value
        try:
            assert given.signature_hash_algorithm is not None
            self.key.public_key().verify(
                given.signature, given.tbs_certificate_bytes, ec.ECDSA(given.signature_hash_algorithm)
            )
        except InvalidSignature as fault:
            raise CardNotTrusted() from fault
        inside = given.not_valid_before_utc <= now <= given.not_valid_after_utc
        if usage.content_commitment or not inside or given.serial_number in self.revoked:
            raise CardNotTrusted()
