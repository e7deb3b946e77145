"""The inside of a backup: a tar stream of files, then what the party says of them, then its signature.

Both ways stream: nothing is held in memory but a block. Only plain files with short names, in at most four folders, are
taken from a stream; what else is in it (links, devices, `..`) is refused before anything is written.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import BackupFailed, BackupUnreadable, NotCanonical, SignatureInvalid
from kakine.wire.backup import LABEL, MOST_FILES, PATH, Manifest, Member, Part
from kakine.wire.canonical import decode, encode

MANIFEST, SIGNATURE = "manifest", "signature"
SEED = "key.seed"
"""The party's seed in a backup of the keys, wherever it lies otherwise."""
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 16
_PATH = re.compile(PATH)
_UNFIT = "a name that a backup cannot hold"
_MOST = 4 << 20
"""Bytes of the manifest."""


@dataclass(frozen=True)
class Whose:
    """What the manifest begins with."""

    party: str
    kind: str
    part: Part
    taken_ms: int


def packed(whose: Whose, files: Sequence[tuple[str, Path]], key: SigningKey) -> Iterator[bytes]:
    """The stream. Raises `BackupFailed` for what could not be opened again: a file that grows or shrinks while it is
    read, a name that a backup cannot hold, too many files."""
    if len(files) > MOST_FILES:
        raise BackupFailed(reason="too many files", most=MOST_FILES)
    members = []
    for path, source in files:
        if path in (MANIFEST, SIGNATURE) or not _PATH.fullmatch(path):
            raise BackupFailed(reason=_UNFIT, file=path)
        hashed = hashlib.sha256()
        with source.open("rb") as file:
            left = size = os.fstat(file.fileno()).st_size
            yield _head(path, size)
            while left >= 0 and (data := file.read(_CHUNK)):
                hashed.update(data)
                left -= len(data)
                yield data
        if left:
            raise BackupFailed(reason="a file changed while it was read", file=path)
        yield bytes(-size % _BLOCK)
        members.append(Member(path, size, hashed.digest()))
    said = encode(Manifest(whose.party, whose.kind, whose.part, whose.taken_ms, tuple(members)))
    for path, data in ((MANIFEST, said), (SIGNATURE, key.sign(LABEL, said))):
        yield _head(path, len(data)) + data + bytes(-len(data) % _BLOCK)
    yield bytes(2 * _BLOCK)


def _head(path: str, size: int) -> bytes:
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o600
    head = info.tobuf(tarfile.GNU_FORMAT)  # USTAR ends at 8 GiB
    if len(head) != _BLOCK:
        raise BackupFailed(reason=_UNFIT, file=path)
    return head


class Source:
    """Reads a stream that is made piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        data, self._left = self._left[:size], self._left[size:]
        return data


Place = Callable[[str], BinaryIO]
"""Opens the file in which a member is put; may refuse."""


class Unpacked:
    """Takes a stream apart as it comes. Nothing of it counts before `finish`."""

    def __init__(self, place: Place | None) -> None:
        self._place = place
        self._held = bytearray()
        self._file: BinaryIO | None = None
        self._hashed = hashlib.sha256()
        self._path, self._size, self._left, self._pad = "", 0, 0, 0
        self._own: dict[str, bytearray] = {}
        self._members: list[Member] = []

    def write(self, data: bytes, /) -> int:
        """The next bytes. Raises `BackupUnreadable`."""
        self._held += data
        while self._step():
            pass
        return len(data)

    def flush(self) -> None:
        """Nothing is to be done."""

    def _step(self) -> bool:
        if self._left:
            data = bytes(self._held[: self._left])
            del self._held[: len(data)]
            self._left -= len(data)
            self._take(data)
            if not self._left:
                self._ended()
            return bool(data)
        if len(self._held) < (wanted := self._pad or _BLOCK):
            return False
        head = bytes(self._held[:wanted])
        del self._held[:wanted]
        if not self._pad and any(head):
            self._begun(head)
        else:
            self._pad = 0
        return True

    def _begun(self, head: bytes) -> None:
        try:
            info = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as fault:
            raise BackupUnreadable(part="archive") from fault
        if info.type != tarfile.REGTYPE or not _PATH.fullmatch(info.name) or SIGNATURE in self._own:
            raise BackupUnreadable(part="archive")
        self._path, self._size, self._left, self._hashed = info.name, info.size, info.size, hashlib.sha256()
        if info.name in (MANIFEST, SIGNATURE):
            if info.size > _MOST or info.name in self._own:
                raise BackupUnreadable(part="archive")
            self._own[info.name] = bytearray()
        elif self._own or info.name in {each.path for each in self._members}:
            raise BackupUnreadable(part="archive")
        elif self._place is not None:
            self._file = self._place(info.name)
        if not info.size:
            self._ended()

    def _take(self, data: bytes) -> None:
        if self._path in self._own:
            self._own[self._path] += data
            return
        self._hashed.update(data)
        if self._file is not None:
            self._file.write(data)

    def _ended(self) -> None:
        self._pad = -self._size % _BLOCK
        if self._path not in self._own:
            self._members.append(Member(self._path, self._size, self._hashed.digest()))
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Let go of a file that was not finished."""
        if self._file is not None:
            self._file.close()

    @property
    def party(self) -> str:
        """Whose it says it is, before that was verified. Raises `BackupUnreadable`."""
        try:
            return decode(bytes(self._own.get(MANIFEST, b"")), Manifest).party
        except NotCanonical as fault:
            raise BackupUnreadable(part="manifest") from fault

    def finish(self, key: VerifyKey) -> Manifest:
        """What the party whose key this is says of exactly the files that came. Raises `BackupUnreadable`."""
        said, signature = (bytes(self._own.get(name, b"")) for name in (MANIFEST, SIGNATURE))
        try:
            key.verify(signature, LABEL, said)
            manifest = decode(said, Manifest)
        except SignatureInvalid as fault:
            raise BackupUnreadable(part="signature") from fault
        except NotCanonical as fault:
            raise BackupUnreadable(part="manifest") from fault
        if manifest.members != tuple(self._members):
            raise BackupUnreadable(part="files")
        return manifest
