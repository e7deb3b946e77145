"""A party's own certificate and what it believes of the others' (spec/transport.md sections 1 and 2).

TLS 1.3 alone, both sides with a certificate by a root of the profile `party`. No tickets: a session that is taken up
again would bring a certificate that nobody has looked at since.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kakine.crypto import x509
from kakine.values.certificates import HOST, Profile, Use
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateUnfit, Problem, TlsUnusable

MOST_BYTES = 1 << 20
"""Of a file with certificates."""


class Standing(Protocol):
    """Whether certificates of parties stand: the authority's published lists, as this party has them."""

    def read(self, certificate: bytes, now_ms: int) -> x509.Certificate:
        """What a certificate (DER) says, if it is good at `now_ms`; raises what it is not."""

    def still(self, read: x509.Certificate, now_ms: int) -> None:
        """Raise unless a certificate that was read is good at `now_ms`."""


@dataclass(frozen=True)
class Files:
    """`own` is one PEM file, key and certificate, so that both change at once; `roots` those that are believed."""

    own: Path
    roots: Path

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Changes with the files."""
        found = [os.stat(each) for each in (self.own, self.roots)]
        return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in found)


def host_of(party: PartyName) -> str:
    """The name of a party in its certificate."""
    return f"{party}.{HOST}"


def _context(protocol: int, files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.load_verify_locations(files.roots)
    context.load_cert_chain(files.own)
    return context


class Credentials:
    """The files of one party in use. Connections that are made after a change use what stands in them then; those that
    there are go on (`on_change` hears of it). A root that is taken out of its file is believed until the next start.
    """

    def __init__(self, party: PartyName, files: Files, clock: Callable[[], int]) -> None:
        """Raises `TlsUnusable` with what is wrong, and that the key may be read by others."""
        self.party = party
        self._files = files
        self._clock = clock
        self.on_change: list[Callable[[], None]] = []
        self._stamp, self.certificate = files.stamp() if _there(files) else (), self._checked()
        self.server = _context(ssl.PROTOCOL_TLS_SERVER, files)
        self.server.num_tickets = 0
        self.client = _context(ssl.PROTOCOL_TLS_CLIENT, files)

    def _checked(self) -> x509.Certificate:
        """The own certificate, by the roots in the file. What is tried here cannot fail when it is put to use."""
        files = self._files
        if not _there(files):
            raise TlsUnusable(party=self.party, fault="no such file")
        if files.own.stat().st_mode & 0o077:
            raise TlsUnusable(party=self.party, fault="others may read it")
        try:
            _context(ssl.PROTOCOL_TLS_SERVER, files)
            own, *_ = x509.ders_of(_bytes(files.own))
            roots = [(Profile.PARTY, each) for each in x509.ders_of(_bytes(files.roots))]
            if x509.party_of(own) != self.party:
                raise CertificateUnfit()
            return x509.verify(own, roots, Use.PARTY, self._clock() // 1000)
        except (OSError, ssl.SSLError, ValueError, Problem) as fault:
            what = fault.code if isinstance(fault, Problem) else "not a key with its certificate"
            raise TlsUnusable(party=self.party, fault=what) from fault

    def renew(self) -> bool:
        """Put to use what has changed in the files since; whether anything has. Raises `TlsUnusable`, and then what was
        in use stays so."""
        if not _there(self._files) or self._files.stamp() == self._stamp:
            return False
        stamp, certificate = self._files.stamp(), self._checked()
        self.client = _context(ssl.PROTOCOL_TLS_CLIENT, self._files)
        # The server's context stays the same object: its listening sockets hold it.
        self.server.load_cert_chain(self._files.own)
        self.server.load_verify_locations(self._files.roots)
        self._stamp, self.certificate = stamp, certificate
        for each in self.on_change:
            each()
        return True


def _there(files: Files) -> bool:
    return files.own.is_file() and files.roots.is_file()


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)
