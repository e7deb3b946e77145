"""Files that only the holder of a key opens: age v1 (age-encryption.org/v1), by the Rust library `age` (pyrage).

X25519 recipients; ChaCha20-Poly1305 in chunks of 64 KiB, the last one marked, so a cut file is noticed and nothing
unauthenticated is handed out. NOT said by such a file: who made it; whoever has the public key can make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyrage  # type: ignore[import-untyped]

from kakine.values.problems import BackupKeyMalformed, BackupUnreadable


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
    """Everything from `source` into `target`, for each of the public keys. Raises `BackupKeyMalformed`."""
    pyrage.encrypt_io(source, target, [_recipient(each) for each in recipients])


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


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as fault:
        raise BackupKeyMalformed() from fault
