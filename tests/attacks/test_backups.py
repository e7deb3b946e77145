"""A backup gives nothing to whoever keeps it, and is taken from nobody but the party itself.

Whoever holds the public key can seal anything to it, and whoever keeps the files can change, cut and swap them.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from backed_up import Office, clock, fresh, office
from kakine.crypto import age
from kakine.process import backup
from kakine.process.archive import Source, Whose, packed
from kakine.process.restoring import put_back
from kakine.runtime.identity import Identity
from kakine.values.labels import PartyName
from kakine.values.problems import BackupUnreadable
from kakine.wire.backup import Part


@pytest.fixture
def made(tmp_path: Path) -> Office:
    return office(tmp_path)


def opened(file: Path, private: str) -> bytes:
    into = io.BytesIO()
    age.open_(io.BytesIO(file.read_bytes()), into, private)
    return into.getvalue()


def sealed(made: Office, data: bytes) -> Path:
    file = made.folder.parent / "planted.age"
    with file.open("wb") as out:
        age.seal(io.BytesIO(data), out, [made.public])
    return file


def refused(made: Office, file: Path) -> str:
    """Neither the check nor the restoring takes it, and nothing stands in the folder afterwards."""
    with pytest.raises(BackupUnreadable) as checked:
        backup.check(file, made.secret, made.own)
    folder = fresh(made)
    with pytest.raises(BackupUnreadable):
        put_back(file, made.secret, folder, folder / "key.seed", clock)
    assert [path.name for path in folder.rglob("*")] == ["key.seed"]
    return str(checked.value.facts["part"])


def test_a_backup_shows_nothing_to_who_keeps_it_and_never_has_the_seed(made: Office) -> None:
    data = (file := made.back_up()).read_bytes()
    assert b"a/one" not in data
    assert b"converter-1" not in data
    inside = opened(file, made.secret)
    assert b"a/one" in inside
    assert (made.folder / "key.seed").read_bytes() not in inside
    assert b"PRIVATE KEY" not in inside
    with pytest.raises(BackupUnreadable):
        backup.check(file, age.key()[0], made.own)


@pytest.mark.parametrize("at", [0.01, 0.3, 0.6, 0.99])
def test_a_changed_byte_anywhere_is_refused(made: Office, at: float) -> None:
    data = bytearray((file := made.back_up()).read_bytes())
    data[int(at * len(data))] ^= 1
    file.write_bytes(data)
    refused(made, file)


@pytest.mark.parametrize("left", [0, 100, 65_536, -65_552, -1])
def test_a_cut_backup_is_refused(made: Office, left: int) -> None:
    data = (file := made.back_up()).read_bytes()
    file.write_bytes(data[:left])
    refused(made, file)


def test_what_somebody_else_has_sealed_to_the_public_key_is_refused(made: Office) -> None:
    other = Identity.from_seed(PartyName("converter-1"), bytes(32))
    planted = made.folder.parent / "planted.age"
    backup.make(made.config, made.settings, other, planted, made.public, clock)
    assert refused(made, planted) == "signature"


def test_a_backup_of_another_party_is_refused(made: Office) -> None:
    text = made.config.read_text()
    made.config.write_text(text.replace('party = "converter-1"', 'party = "converter-2"'))
    file = made.folder.parent / "other.age"
    other = Identity.from_seed(PartyName("converter-2"), bytes(32))
    backup.make(made.config, made.settings, other, file, made.public, clock)
    made.config.write_text(text)
    assert refused(made, file) == "signature"


def test_a_store_swapped_under_a_true_signature_is_refused(made: Office) -> None:
    data = bytearray(opened(made.back_up(), made.secret))
    at = data.index(b"a/one")
    data[at] ^= 1
    assert refused(made, sealed(made, bytes(data))) == "files"


def with_member(made: Office, info: tarfile.TarInfo) -> bytes:
    """A true backup with one thing more before it."""
    return info.tobuf(tarfile.USTAR_FORMAT) + opened(made.back_up(), made.secret)


@pytest.mark.parametrize(
    "name", ["../own.pem", "/etc/x", "a/../../x", "a/b/c", ".profile", "a\\..\\b", "A/b", ""]
)
def test_a_member_outside_the_folder_is_refused(made: Office, name: str) -> None:
    assert refused(made, sealed(made, with_member(made, tarfile.TarInfo(name)))) == "archive"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_plain_file_is_refused(made: Office, kind: bytes) -> None:
    info = tarfile.TarInfo("keys")
    info.type, info.linkname = kind, "/etc/passwd"
    assert refused(made, sealed(made, with_member(made, info))) == "archive"


def test_a_file_beside_what_was_signed_is_refused(made: Office) -> None:
    assert refused(made, sealed(made, with_member(made, tarfile.TarInfo("more.toml")))) == "files"
    whole = b"".join(
        packed(Whose("converter-1", "converter", Part.STORE, 0), [("a", made.config)], made.own.signing)
    )
    twice = Source(iter([whole[:-1024], whole]))
    planted = made.folder.parent / "planted2.age"
    with planted.open("wb") as out:
        age.seal(twice, out, [made.public])
    with pytest.raises(BackupUnreadable):
        backup.check(planted, made.secret, made.own)
