"""Certificates of parties for tests of the transport: the authority's own builders, without an authority."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from kakine.crypto import x509, x509_issue
from kakine.crypto.keys import PrivateKey, generate
from kakine.runtime.tls import Files
from kakine.values.certificates import HOST, Algorithm, Profile, Use
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateExpired, CertificateRevoked

HOUR_S = 3600


@dataclass
class Roots:
    """A root of the party profile; what it has revoked, by fingerprint. It is a `runtime.tls.Standing` too."""

    folder: Path
    profile: Profile = Profile.PARTY
    key: PrivateKey = field(default_factory=lambda: generate(Algorithm.P_384))
    revoked: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        now_s = int(time.time())
        self.folder.mkdir(parents=True, exist_ok=True)
        self.der = x509_issue.root(
            self.profile, self.key, secrets.randbits(120), now_s - 9 * HOUR_S, now_s + 99 * HOUR_S
        )
        self.path = self.folder / "roots.pem"
        self.path.write_bytes(x509_issue.pem(self.der))

    def issued(self, name: str, hours: tuple[int, int] = (-1, 9), host: str = "", file: str = "") -> Files:
        """A key and its certificate, good between these hours from now."""
        now_s, key = int(time.time()), generate(Algorithm.P_384)
        leaf = x509_issue.Leaf(
            Profile.PARTY,
            secrets.randbits(120),
            name,
            now_s + hours[0] * HOUR_S,
            now_s + hours[1] * HOUR_S,
            "1-parties",
            "https://status.kakine.example/party/1",
            7,
            host=host or f"{name}.{HOST}",
        )
        der = x509_issue.certificate(leaf, key.public_key(), self.der, self.key)  # type: ignore[arg-type]
        path = self.folder / f"{file or name}.pem"
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(x509_issue.key_pem(key) + x509_issue.pem(der))
        os.replace(fresh, path)
        return Files(path, self.path)

    def read(self, certificate: bytes, now_ms: int) -> x509.Certificate:
        read = x509.verify(certificate, [(Profile.PARTY, self.der)], Use.PARTY, now_ms // 1000)
        self.still(read, now_ms)
        return read

    def still(self, read: x509.Certificate, now_ms: int) -> None:
        if read.fingerprint in self.revoked:
            raise CertificateRevoked()
        if not read.not_before <= now_ms // 1000 <= read.not_after:
            raise CertificateExpired()


def fingerprint(files: Files) -> bytes:
    (der,) = x509.ders_of(files.own.read_bytes())
    return x509.fingerprint(der)


def party(name: str) -> PartyName:
    return PartyName(name)
