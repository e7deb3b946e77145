"""A backup of one party, running or not: its settings, the files that they name and a consistent snapshot of its
stores, sealed to a public key.

The file holds what the store holds at one moment, and goes on holding what the party erases afterwards: whoever keeps
backups longer than a month may be kept, keeps the month. A store in PostgreSQL is in it as `pg_dump` writes it, with
owners and rights; `pg_restore` of the same server's version puts it back.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from kakine.crypto import age
from kakine.crypto.files import flush
from kakine.crypto.signing import VerifyKey
from kakine.process.archive import SEED, Source, Unpacked, Whose, packed
from kakine.process.checks import own_of
from kakine.process.recipients import recipients, require_elsewhere
from kakine.process.settings import Settings
from kakine.runtime.identity import Clock, Identity
from kakine.values.problems import BackupFailed, BackupUnreadable, SettingsMalformed
from kakine.wire.backup import Manifest, Part

DUMP = ".pgdump"
_KEYS = "keys"
"""Among the settings of a kind: a folder of keys. Every other path there goes with the store."""


def name_of(settings: Settings, part: Part, now_ms: int) -> str:
    """A file name that says whose, which and when, and nothing else."""
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    return f"{settings.party}-{part.name.lower()}-{at:%Y%m%dT%H%M%SZ}.age"


def identity_of(settings: Settings, seed: Path | None = None) -> Identity:
    """By the party's seed, which may lie elsewhere just now. Raises `SettingsMalformed`."""
    try:
        return Identity.from_seed(settings.name, (seed or settings.folder / settings.keys.seed).read_bytes())
    except OSError as fault:
        raise SettingsMalformed(field="seed") from fault


@dataclass(frozen=True)
class Sealing:
    """To whom: public keys, at least one. `seed` where the party's lies elsewhere than its settings say; `beside` are
    folders whose files are looked into as well (`process.recipients`)."""

    recipients: Sequence[str]
    seed: Path | None = None
    beside: Sequence[Path] = ()


def make(settings: Settings, own: Identity, to: Path, sealing: Sealing, clock: Clock) -> None:
    """A backup of all but the keys at `to`, whole or not at all; one at a time. Raises `BackupFailed` (a disk, a
    damaged store, a server that does not answer, a file that changes meanwhile, lies outside the party's folder or has
    a name that a backup cannot hold), `SettingsMalformed`, `BackupKeyMalformed`, `BackupKeyHere`, `FileExistsError`."""
    _require(settings, own, to, sealing)
    named = [_at(settings, each) for each in (settings.file, settings.files.roots)]
    with _alone(settings.folder):
        now_ms = clock()
        with _snapshots(settings) as stores:
            whose = Whose(settings.party, settings.kind.value, Part.STORE, now_ms)
            _write(whose, [*named, *stores, *_own(settings, Part.STORE)], own, to, sealing.recipients)


def make_keys(settings: Settings, own: Identity, to: Path, sealing: Sealing, clock: Clock) -> None:
    """A backup of the keys alone. Raises as `make`."""
    _require(settings, own, to, sealing)
    named = [(SEED, _seed(settings, sealing)), _at(settings, settings.files.own)]
    with _alone(settings.folder):
        whose = Whose(settings.party, settings.kind.value, Part.KEYS, clock())
        _write(whose, [*named, *_own(settings, Part.KEYS)], own, to, sealing.recipients)


def _seed(settings: Settings, sealing: Sealing) -> Path:
    return sealing.seed or settings.folder / settings.keys.seed


def _require(settings: Settings, own: Identity, to: Path, sealing: Sealing) -> None:
    known = recipients(sealing.recipients, None)
    require_elsewhere(
        known, own, _seed(settings, sealing), settings.folder, to.absolute().parent, *sealing.beside
    )


def check(file: Path, private: str, key: VerifyKey) -> Manifest:
    """Open it, write nothing, hold every byte against what the party whose key this is has signed. Raises
    `BackupUnreadable`, `BackupKeyMalformed`."""
    unpacked = Unpacked(None)
    try:
        with file.open("rb") as sealed:
            age.open_(sealed, unpacked, private)
    except OSError as fault:
        raise BackupUnreadable(part="file") from fault
    return unpacked.finish(key)


def _own(settings: Settings, part: Part) -> Iterator[tuple[str, Path]]:
    """Files that the settings of this kind of party name, and all in folders that they name, where they are there; but
    not its stores."""
    try:
        _, own = own_of(settings)
    except msgspec.ValidationError as fault:
        raise SettingsMalformed(field="own") from fault
    stores = stores_of(settings)
    for name, value in msgspec.structs.asdict(own).items():
        if not isinstance(value, Path) or (name == _KEYS) != (part is Part.KEYS):
            continue
        if (path := settings.folder / value) in stores:
            continue
        _at(settings, path)
        found = (each for each in sorted(path.rglob("*")) if not each.is_symlink())
        yield from (_at(settings, each) for each in (path, *found) if each.is_file())


def _at(settings: Settings, path: Path) -> tuple[str, Path]:
    """A file or a folder by its path below the party's folder."""
    whole = Path(os.path.normpath(path))
    if settings.folder not in whole.parents:
        raise BackupFailed(reason="not below the party's folder", file=str(path))
    return whole.relative_to(settings.folder).as_posix(), path


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits for another backup of the same party, whose snapshots have the same names."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def stores_of(settings: Settings) -> list[Path]:
    """The party's stores; the commission's auditor has one of its own."""
    found = [settings.folder / settings.database]
    if isinstance(beside := settings.own.get("auditor"), str):
        found.append(settings.folder / beside)
    return found


@contextmanager
def _snapshots(settings: Settings) -> Iterator[list[tuple[str, Path]]]:
    """A copy of each store beside it, as private as it is, gone afterwards."""
    found: list[tuple[str, Path]] = []
    try:
        for store in stores_of(settings):
            served = store.suffix == ".postgresql"
            fresh = store.with_name(f"{store.name}.snapshot")
            name, _ = _at(settings, store.with_suffix(DUMP) if served else store)
            found.append((name, fresh))
            fresh.unlink(missing_ok=True)
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            (_dump if served else _snapshot)(store, fresh)
        yield found
    finally:
        for _, path in found:
            path.unlink(missing_ok=True)


def _snapshot(store: Path, to: Path) -> None:
    """SQLite's online backup in one step: one read transaction, which no writer has to wait for."""
    try:
        with (
            closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode = DELETE")
            ((sound,),) = target.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as fault:
        raise BackupFailed(reason="the store cannot be read") from fault
    if sound != "ok":
        raise BackupFailed(reason="the store is damaged")


def _dump(store: Path, to: Path) -> None:
    """One REPEATABLE READ snapshot, as the party's own role, which may read all its tables."""
    from kakine.institutions.postgres_programs import programs
    from kakine.runtime.postgres import address

    folder = programs()
    program = str(folder / "pg_dump") if folder is not None else shutil.which("pg_dump")
    if program is None:
        raise BackupFailed(reason="pg_dump is missing: apt-get install postgresql-client")
    words = [program, "--format=custom", "--no-password", f"--file={to}", f"--dbname={address(store).server}"]
    done = subprocess.run(words, capture_output=True, check=False, cwd="/")
    if done.returncode:
        raise BackupFailed(reason="the server did not give the store")


class _Hashing:
    """Writes to a file and knows what it has written."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        )
        self.digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _write(
    whose: Whose, files: list[tuple[str, Path]], own: Identity, to: Path, recipients: Sequence[str]
) -> None:
    if to.exists():
        raise FileExistsError(to)
    part = to.with_name(f"{to.name}.part")
    try:
        part.unlink(missing_ok=True)
        written = _Hashing(part)
        try:
            age.seal(Source(packed(whose, files, own.signing)), written, recipients)
        finally:
            written.close()
        with part.open("rb") as again:
            if hashlib.file_digest(again, "sha256").digest() != written.digest.digest():
                raise BackupFailed(reason="the disk has kept something else")
        os.link(part, to)  # unlike a rename, it never takes another backup's place
        flush(to.parent)
    except OSError as fault:
        raise BackupFailed(reason="a file cannot be read or written") from fault
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
