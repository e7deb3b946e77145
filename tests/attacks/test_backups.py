"""A backup gives nothing to whoever keeps it, and is taken from nobody but the party itself.

Whoever holds the public key can seal anything to it, and whoever keeps the files can change, cut and swap them.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backed_up import Office, clock, fresh, office
from kakine.crypto import age
from kakine.process import backup
from kakine.process.archive import SEED, Source, Whose, packed
from kakine.process.backup import Sealing
from kakine.process.restoring import put_back
from kakine.runtime.identity import Identity
from kakine.values.labels import PartyName
from kakine.values.problems import BackupKeyHere, BackupKeyMalformed, BackupUnreadable
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
        backup.check(file, made.secret, made.own.signing.public)
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
        backup.check(file, age.key()[0], made.own.signing.public)


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
    backup.make(made.settings, other, planted, made.sealing, clock)
    assert refused(made, planted) == "signature"


def test_a_backup_of_another_party_is_refused(made: Office) -> None:
    text = made.config.read_text()
    made.config.write_text(text.replace('party = "converter-1"', 'party = "converter-2"'))
    file = made.folder.parent / "other.age"
    other = Identity.from_seed(PartyName("converter-2"), bytes(32))
    backup.make(made.settings, other, file, made.sealing, clock)
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
    "name", ["../own.pem", "/etc/x", "a/../../x", "a/b/c/d/e/f", ".profile", "a/.b/c", "a\\..\\b", "a//b", ""]
)
def test_a_member_outside_the_folder_is_refused(made: Office, name: str) -> None:
    assert refused(made, sealed(made, with_member(made, tarfile.TarInfo(name)))) == "archive"


def test_members_of_which_one_is_a_folder_of_another_are_refused(made: Office) -> None:
    files = [("a", made.config), ("a/b", made.config), ("a/b/c", made.config)]
    for order in (files[:2], files[1::-1], files[::2], files[::-2]):
        whole = b"".join(packed(Whose("converter-1", "converter", Part.STORE, 0), order, made.own.signing))
        folder = fresh(made)
        with pytest.raises(BackupUnreadable, match="archive"):
            put_back(sealed(made, whole), made.secret, folder, folder / "key.seed", clock)
        assert [path.name for path in folder.rglob("*")] == ["key.seed"]
        (folder / "key.seed").unlink()
        folder.rmdir()


@pytest.mark.parametrize("there", [True, False], ids=["beside its own", "alone"])
def test_a_seed_that_a_store_brings_along_vouches_for_nothing(made: Office, there: bool) -> None:
    other = Identity.from_seed(PartyName("converter-1"), bytes(32))
    brought = made.folder.parent / "brought"
    brought.write_bytes(bytes(32))
    files = [(SEED, brought), ("party.toml", made.config)]
    whole = b"".join(packed(Whose("converter-1", "converter", Part.STORE, 0), files, other.signing))
    folder = fresh(made)
    if not there:
        (folder / "key.seed").unlink()
    with pytest.raises(BackupUnreadable, match="signature" if there else "seed"):
        put_back(sealed(made, whole), made.secret, folder, folder / "key.seed", clock)
    assert [path.name for path in folder.rglob("*")] == ["key.seed"] * there


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
        backup.check(planted, made.secret, made.own.signing.public)


def beside(made: Office, path: Path, text: str | None = None) -> Path:
    """The private key of who opens the backups, left somewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made.secret if text is None else text)
    return path


def refused_as_here(made: Office, *recipients: str) -> str:
    """No backup of the store or of the keys is made to these; the file that is named."""
    to, found = made.folder.parent / "kept" / "x.age", set()
    to.parent.mkdir(exist_ok=True)
    sealing = Sealing(recipients or [made.public], beside=[made.folder.parent / "told"])
    for work in (
        lambda: backup.make(made.settings, made.own, to, sealing, clock),
        lambda: backup.make_keys(made.settings, made.own, to, sealing, clock),
    ):
        with pytest.raises(BackupKeyHere) as fault:
            work()
        found.add(str(fault.value.facts.get("file") or fault.value.facts["key"]))
        assert fault.value.facts["recipient"] in sealing.recipients
        assert made.secret not in str(fault.value)
    assert not list(to.parent.glob("*.age*"))
    (name,) = found
    return name


@pytest.mark.parametrize(
    "at",
    [
        "converter-1/backup.key",
        "converter-1/findings/deep/er/notes.txt",
        "backup.key",
        "kept/key",
        "told/key",
    ],
)
def test_a_backup_to_a_key_that_lies_beside_the_party_is_refused(made: Office, at: str) -> None:
    path = beside(made, made.folder.parent / at, f"# public key: {made.public}\n{made.secret}\n")
    assert refused_as_here(made) == str(path)
    other = age.key()[1]
    assert refused_as_here(made, other, made.public) == str(path)  # one of several is enough
    path.unlink()
    made.back_up()


def test_a_private_key_is_found_within_other_text_and_beside_the_seed(made: Office) -> None:
    text = f"the key is\t{made.secret.lower()}, keep it"
    path = beside(made, made.folder / "notes.txt", text)
    assert refused_as_here(made) == str(path)
    path.unlink()
    seed = made.folder.parent / "credentials" / "key.seed"
    path = beside(made, seed.with_name("backup.key"))
    seed.write_bytes((made.folder / "key.seed").read_bytes())
    sealing = Sealing([made.public], seed)
    with pytest.raises(BackupKeyHere):
        backup.make(made.settings, made.own, made.folder.parent / "x.age", sealing, clock)


def test_a_backup_to_the_partys_own_key_is_refused(made: Office) -> None:
    """The one that others seal to it with, and its seed taken for a private key of age."""
    for own in (
        age.recipient_of(made.own.opening.public),
        age.public_of((made.folder / "key.seed").read_bytes()),
    ):
        age.check_recipient(own)
        assert refused_as_here(made, own) == "the party's own"


def test_raw_keys_are_written_as_age_writes_them(made: Office) -> None:
    """A backup to the party's own key would be opened by the party: the two names of one key are one."""
    seed = (made.folder / "key.seed").read_bytes()
    private = age._bech32("age-secret-key-", seed).upper()
    sealed_, into = io.BytesIO(), io.BytesIO()
    age.seal(io.BytesIO(b"it"), sealed_, [age.public_of(seed)])
    age.open_(io.BytesIO(sealed_.getvalue()), into, private)
    assert into.getvalue() == b"it"
    assert [*age.publics_in(made.secret.encode())] == [made.public]
    assert [*age.publics_in(made.secret[:-1].encode() + b"B" + made.secret[-1:].encode())] == []
    raw = X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert age.recipient_of(raw) == age.public_of(seed)


def test_each_of_several_recipients_opens_a_backup_and_nobody_else(made: Office) -> None:
    secrets, file = [made.secret], made.folder.parent / "both.age"
    secret, public = age.key()
    secrets.append(secret)
    backup.make(made.settings, made.own, file, Sealing([made.public, public]), clock)
    for each in secrets:
        assert backup.check(file, each, made.own.signing.public).party == "converter-1"
    with pytest.raises(BackupUnreadable):
        backup.check(file, age.key()[0], made.own.signing.public)
    with pytest.raises(BackupKeyMalformed):
        backup.make(made.settings, made.own, file.with_name("none.age"), Sealing([]), clock)
