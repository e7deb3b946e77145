"""To whom a backup is sealed: never to a key that lies where the party's own things lie.

Looked at are files up to 64 KiB that the caller may read: the party's folder with all below it; and, not below them,
the folders around it, of its seed, of the backup and of the file with the recipients. NOT noticed: a private key
elsewhere on the machine, one in a file that is sealed or packed, one in a device.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from kakine.crypto import age
from kakine.runtime.identity import Identity
from kakine.values.problems import BackupKeyHere, BackupKeyMalformed

MOST_BYTES = 1 << 16
"""Of a file that is looked into; one with a private key has some two hundred."""


def recipients(told: Iterable[str], file: Path | None) -> Sequence[str]:
    """Public keys as they were told and as they stand in a file, one a line, each once. Raises `BackupKeyMalformed`,
    also where there is none, and for a file that is missing or no text."""
    try:
        lines = file.read_text().splitlines() if file is not None else []
    except (OSError, UnicodeDecodeError) as fault:
        raise BackupKeyMalformed() from fault
    found = [each.strip() for each in (*told, *lines)]
    found = list(dict.fromkeys(each for each in found if each and not each.startswith("#")))
    if not found:
        raise BackupKeyMalformed()
    for each in found:
        age.check_recipient(each)
    return found


def require_elsewhere(of: Sequence[str], own: Identity, seed: Path, folder: Path, *beside: Path) -> None:
    """Raises `BackupKeyHere` with the recipient and the file in which its private key lies: in `folder`, the party's,
    or below it; in the folder around that, the one of the seed, or one `beside`."""
    mine = {age.recipient_of(own.opening.public), age.public_of(seed.read_bytes())}
    for each in of:
        if each in mine:
            raise BackupKeyHere(recipient=each, key="the party's own")
    for path in _files(folder, [folder.parent, seed.parent, *beside]):
        for public in age.publics_in(_bytes(path)):
            if public in of:
                raise BackupKeyHere(recipient=public, file=str(path))


def _files(whole: Path, flat: Iterable[Path]) -> Iterator[Path]:
    for folder, _, names in os.walk(whole):
        yield from (Path(folder) / name for name in sorted(names))
    for each in dict.fromkeys(flat):
        with suppress(OSError):  # one that this user may not look into hides nothing from others by that
            yield from sorted(each.iterdir())


def _bytes(path: Path) -> bytes:
    """What stands in a small file; nothing of any other."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
