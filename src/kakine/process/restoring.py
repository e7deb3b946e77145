"""A backup is put back into a folder that has no store, and the party is told that it is not what it was.

What a party has signed, released or promised since the backup stays true for everybody else. So a mark is left beside
the store, and the process of the party does not start before somebody has said what that means (`kakine restore
--accept`). A ledger and its signer need no mark: they ask the others at every start.
NOT prevented: a file that is copied into its place by hand has no mark; so a converter also asks the logs at its start.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec

from kakine.crypto import age, files
from kakine.crypto.signing import VerifyKey
from kakine.process.archive import SEED, Unpacked
from kakine.process.settings import Kind
from kakine.runtime.identity import Clock, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import BackupUnreadable, StorePresent
from kakine.wire.backup import Manifest, Part

MARK = "put-back.json"
_STORES = ("*.sqlite", "*.sqlite-wal", "*.postgresql", "*.pgdump")
ASKING = (Kind.LEDGER, Kind.SIGNER)
"""They compare with what others have seen, whenever they start."""


class PutBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From a backup taken then, put back then; whether it was accepted that something is lacking."""

    taken_ms: int
    at_ms: int
    loss: bool = False


def mark(folder: Path) -> PutBack | None:
    """What stands beside the store. A mark that cannot be read is one without acceptance."""
    try:
        return msgspec.json.decode((folder / MARK).read_bytes(), type=PutBack)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        return PutBack(0, 0)


def set_mark(folder: Path, told: PutBack | None) -> None:
    """Put it there, or take it away."""
    if told is None:
        (folder / MARK).unlink(missing_ok=True)
    else:
        files.replace(folder / MARK, msgspec.json.encode(told))


def put_back(file: Path, private: str, folder: Path, seed: Path, clock: Clock) -> Manifest:
    """Everything in a backup into `folder`; settings that are there already stay. The party itself must have signed the
    backup: the one whose seed lies at `seed`, and only for a backup of the keys, where none lies there, the one whose
    seed is in the file.

    Raises `StorePresent`, `BackupUnreadable`, `BackupKeyMalformed`. Until the last byte is verified nothing has a
    name by which a party would take it.
    """
    aside = folder / "restoring"
    _clear(aside)
    if _stores(folder):
        raise StorePresent()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside.mkdir(mode=0o700)
    try:
        manifest = _unpack(file, private, aside, seed)
        paths = [each.path for each in manifest.members]
        if manifest.part is Part.KEYS and any((folder / each).exists() for each in paths):
            raise StorePresent(part="keys")
        if manifest.part is Part.STORE and Kind(manifest.kind) not in ASKING:
            set_mark(folder, PutBack(manifest.taken_ms, clock()))
        for path in paths:
            to = folder / path
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not to.exists():
                (aside / path).rename(to)
        for parent in {each for path in paths for each in PurePosixPath(path).parents}:
            files.flush(folder / parent)
    finally:
        _clear(aside)
    return manifest


def _stores(folder: Path) -> Sequence[Path]:
    return [each for kind in _STORES for each in folder.rglob(kind)]


def _unpack(file: Path, private: str, aside: Path, seed: Path) -> Manifest:
    def place(path: str) -> BinaryIO:
        to = aside / path
        try:
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        except (FileExistsError, NotADirectoryError) as fault:  # one member is a folder of another
            raise BackupUnreadable(part="archive") from fault

    unpacked = Unpacked(place)
    try:
        with file.open("rb") as sealed:
            age.open_(sealed, unpacked, private)
    finally:
        unpacked.close()
    inside = aside / SEED
    if not (known := seed if seed.is_file() else inside).is_file():
        raise BackupUnreadable(part="seed")
    manifest = unpacked.finish(_key(unpacked.party, known))
    if known is inside and manifest.part is not Part.KEYS:
        raise BackupUnreadable(part="seed")  # anybody can sign with a seed that he brings along
    for each in manifest.members:
        files.flush(aside / each.path)
    return manifest


def _key(party: str, seed: Path) -> VerifyKey:
    return Identity.from_seed(PartyName(party), seed.read_bytes()).signing.public


def _clear(aside: Path) -> None:
    for path in sorted(aside.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    if aside.is_dir():
        aside.rmdir()
