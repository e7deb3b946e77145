"""Files that only the holder of a key opens: age v1 (age-encryption.org/v1), by the Rust library `age` (pyrage).

X25519 recipients; ChaCha20-Poly1305 in chunks of 64 KiB, the last one marked, so a cut file is noticed and nothing
unauthenticated is handed out. NOT said by such a file: who made it; whoever has the public key can make one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import pyrage  # type: ignore[import-untyped]

from kakine.values.problems import BackupKeyMalformed, BackupUnreadable

_PRIVATE = re.compile(rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", re.IGNORECASE)
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
T = TypeVar("T")


class Reader(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


class Writer(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> int:
        """All of them; their number."""

    def flush(self) -> None:
        """Nothing is to be done."""


def key() -> tuple[str, str]:
    """A fresh private key (`AGE-SECRET-KEY-1…`) and its public one (`age1…`)."""
    made = pyrage.x25519.Identity.generate()
    return str(made), str(made.to_public())


def seal(source: Reader, target: Writer, recipients: Sequence[str]) -> None:
    """Everything from `source` into `target`, for each of the public keys. Raises `BackupKeyMalformed`, and what
    the two raise."""
    read, written = _Noting(source), _Noting(target)
    try:
        pyrage.encrypt_io(read, written, [_recipient(each) for each in recipients])
    except pyrage.EncryptError:
        if fault := read.fault or written.fault:
            raise fault from None
        raise


class _Noting:
    """Keeps the fault of a call, of which the library hands on the words alone."""

    def __init__(self, of: Reader | Writer) -> None:
        self._of: Any = of
        self.fault: Exception | None = None

    def read(self, size: int, /) -> bytes:
        given: bytes = self._noted(self._of.read, size)
        return given

    def write(self, data: bytes, /) -> int:
        taken: int = self._noted(self._of.write, data)
        return taken

    def flush(self) -> None:
        self._noted(self._of.flush)

    def _noted(self, call: Callable[..., T], *given: object) -> T:
        try:
            return call(*given)
        except Exception as fault:
            self.fault = fault
            raise


def open_(source: Reader, target: Writer, private: str) -> None:
    """The other way. What `target` has been given counts only when this returns.

    Raises `BackupUnreadable` for another key, a changed or a cut file; `BackupKeyMalformed`.
    """
    try:
        known = pyrage.x25519.Identity.from_str(private)
    except pyrage.IdentityError as fault:
        raise BackupKeyMalformed() from fault
    try:
        pyrage.decrypt_io(source, target, [known])
    except pyrage.DecryptError as fault:
        raise BackupUnreadable(part="key") from fault
    except OSError as fault:
        if fault.errno is not None:
            raise  # of the file system
        raise BackupUnreadable(part="bytes") from fault


def check_recipient(text: str) -> None:
    """Raises `BackupKeyMalformed`."""
    _recipient(text)


def publics_in(data: bytes) -> Iterator[str]:
    """The public keys of the private ones that stand plainly in these bytes."""
    for found in _PRIVATE.findall(data):
        try:
            yield str(pyrage.x25519.Identity.from_str(found.decode().upper()).to_public())
        except pyrage.IdentityError:
            continue  # it only looks like one


def public_of(private: bytes) -> str:
    """The public key (`age1…`) of 32 bytes, were they taken for a private one."""
    return next(publics_in(_bech32("age-secret-key-", private).upper().encode()))


def recipient_of(public: bytes) -> str:
    """A raw X25519 key of 32 bytes as age writes it (`age1…`)."""
    return _bech32("age", public)


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173, of 32 bytes; pyrage has this only around keys that it has drawn itself."""
    bits = int.from_bytes(data) << 4  # 256 bits are 51 letters and one bit
    letters = [bits >> 5 * at & 31 for at in range(51, -1, -1)]
    head = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    check = 1
    for value in (*head, *letters, *[0] * 6):
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for at, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= factor if top >> at & 1 else 0
    letters += [(check ^ 1) >> 5 * at & 31 for at in range(5, -1, -1)]
    return f"{prefix}1{''.join(_BECH32[each] for each in letters)}"


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as fault:
        raise BackupKeyMalformed() from fault
