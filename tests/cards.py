"""Cards for tests: made once a process and profile, copied for each test; a certificate authority of a few lines."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kakine.card import issuing
from kakine.card.engine import Card, opened
from kakine.card.printed import Holder
from kakine.card.profile import Profile, profile
from kakine.card.session import Interface
from kakine.card.store import Store
from kakine.card.terminal import Terminal
from kakine.card.works import Works
from kakine.values.identifiers import SYNTHETIC_RECORD_CODE_RULE
from kakine.wire.apdu import Command, Reply

NUMBER = "123456789018"
HOLDER = Holder(
    name="垣根　花子",
    address="神奈川県横浜市西区老松町1番地2",
    birth=date(1990, 2, 3),
    sex=2,
    number=NUMBER,
    record_code="1234567890" + SYNTHETIC_RECORD_CODE_RULE.check_digit("1234567890"),
    municipality="141003",
    expiry=date(2036, 2, 3),
    security_code="4711",
)
NUMBER_B = "020203" + "2036" + "4711"
COUNTER_KEY = bytes(range(32))
PASSWORD = "ABC123DE"
CHOSEN = {
    "interop": {
        "authentication-pin": "2580",
        "signature-password": PASSWORD,
        "text-pin": "3691",
        "resident-pin": "1470",
    },
    "product": {"pin": "258036", "signature-password": PASSWORD},
}
LOGIN = {"interop": "authentication-pin", "product": "pin"}
"""The secret that opens the key to log in with."""

KINDS = ("interop", "product")


def hashed(message: bytes, length: int = 32) -> bytes:
    """SHA-256 or SHA-384 of a message."""
    state = hashes.Hash(hashes.SHA256() if length == 32 else hashes.SHA384())
    state.update(message)
    return state.finalize()


def payload(kind: str, message: bytes) -> bytes:
    """What a terminal sends to sign a message: DigestInfo for RSA, the hash for P-384."""
    if kind == "product":
        return hashed(message, 48)
    return bytes.fromhex("3031300d060960864801650304020105000420") + hashed(message)


@dataclass
class Authority:
    """An issuer of certificates for tests."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    name: str = "Kakine test CA"

    def _built(
        self, subject: x509.Name, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )

    def own(self) -> bytes:
        """Its own certificate, DER."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        built = self._built(subject, self.key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = built.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.DER)

    def certify(self, request: bytes, common_name: str) -> bytes:
        """A certificate (DER) for a request (DER) that proves possession; fails otherwise."""
        asked = x509.load_der_x509_csr(request)
        assert asked.is_signature_valid
        public = asked.public_key()
        assert isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        made = (
            self._built(subject, public)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.DER)


@cache
def authority() -> Authority:
    """One for the whole process."""
    return Authority()


@cache
def folder() -> Path:
    """Where this process keeps what it makes once."""
    made = Path(tempfile.mkdtemp(prefix="cards-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def works() -> Works:
    return Works.at(folder() / "works")


def blank(path: Path, kind: str) -> None:
    issuing.make_blank(path, profile(kind))


def personalised(path: Path, kind: str, chosen: dict[str, str] | None = None) -> dict[str, bytes]:
    """A personalised card in a new file; its requests."""
    blank(path, kind)
    face = (HOLDER, works()) if kind == "interop" else (None, None)
    with opened(path) as (store, shape):
        secrets = CHOSEN[kind] if chosen is None else chosen
        return issuing.personalise(store, shape, secrets, COUNTER_KEY, os.urandom, *face)


def certificates(
    requests: dict[str, bytes], common_name: str = "Kakine test holder"
) -> dict[str, tuple[bytes, bytes]]:
    """What the authority gives back."""
    own = authority().own()
    return {name: (authority().certify(request, common_name), own) for name, request in requests.items()}


@cache
def master(kind: str, number: int = 0) -> Path:
    """An active card, never used. `number` tells several of a kind apart."""
    path = folder() / f"{kind}-{number}.card"
    given = certificates(personalised(path, kind))
    with opened(path) as (store, shape):
        issuing.certify(store, shape, given)
    return path


def copied(kind: str, path: Path, number: int = 0) -> Path:
    """An active card in a file of its own."""
    shutil.copy(master(kind, number), path)
    return path


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything a card stores, by table."""
    db = sqlite3.connect(path)
    try:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(db.execute(f'SELECT * FROM "{name}"').fetchall()) for name in tables}  # noqa: S608
    finally:
        db.close()


@dataclass
class Desk:
    """A card with power, and a terminal before it."""

    card: Card
    store: Store
    shape: Profile
    log: list[str]

    @property
    def terminal(self) -> Terminal:
        return Terminal(self.card.answer, self.shape)

    def send(self, header: str, data: bytes = b"", expected: int = 0, *, extended: bool = False) -> Reply:
        """One command by its four bytes in hex."""
        cla, ins, p1, p2 = bytes.fromhex(header)
        raw = Command(cla, ins, p1, p2, data, expected, extended).encode()
        return Reply.decode(self.card.answer(raw))

    def select(self, name: str) -> Reply:
        """Go into an application."""
        aid = next(each.aid for each in self.shape.application if each.name == name)
        return self.send("00A40400", bytes.fromhex(aid), 256)

    def sign(self, name: str, message: bytes) -> bytes:
        """A signature by a key, its secret given before."""
        return self.terminal.sign(name, payload(self.shape.name, message))


@contextmanager
def desk(
    path: Path, interface: Interface = Interface.CONTACT, entropy: Callable[[int], bytes] = os.urandom
) -> Iterator[Desk]:
    """Open a card's file and give it power."""
    log: list[str] = []
    with opened(path) as (store, shape):
        yield Desk(Card(store, shape, entropy, interface, log.append), store, shape, log)


def verify(certificate: bytes, signature: bytes, message: bytes) -> None:
    """By the key in a certificate: PKCS#1 with SHA-256, or ECDSA with SHA-384. `InvalidSignature` otherwise."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        prehashed = utils.Prehashed(hashes.SHA384())
        public.verify(signature, hashed(message, 48), ec.ECDSA(prehashed))


def seeded(seed: int) -> Callable[[int], bytes]:
    """Repeatable bytes."""
    return random.Random(seed).randbytes
