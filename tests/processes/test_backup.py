"""A party is backed up while it runs, whole or not at all, and put back where there is no store."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backed_up import Office, clock, fresh, office
from kakine.__main__ import _OPERATING
from kakine.cli.apart_making import lines
from kakine.cli.operating import COMMANDS
from kakine.clients.monitor import evidence
from kakine.clients.monitor.findings import Code, Evidence, Finding
from kakine.crypto import age, files
from kakine.institutions.postgres import Cluster
from kakine.institutions.postgres_programs import programs
from kakine.parties.converter import store
from kakine.parties.converter.store import metadata as converter_tables
from kakine.process import archive, backup
from kakine.process.archive import packed
from kakine.process.backup import Sealing
from kakine.process.checks import check
from kakine.process.restoring import MARK, PutBack, mark, put_back, set_mark
from kakine.process.settings import Kind, read
from kakine.runtime.database import Database
from kakine.runtime.postgres import Address
from kakine.values.problems import BackupFailed, BackupKeyMalformed, SettingsMalformed, StorePresent
from kakine.wire.backup import Part
from postgres_server import short_folder


@pytest.fixture
def made(tmp_path: Path) -> Office:
    return office(tmp_path)


def shares(folder: Path) -> list[str]:
    with closing(Database.open(folder / "converter-1.sqlite", store.metadata)) as db:
        return [row[0] for row in db.read().execute("SELECT domain FROM domain_share ORDER BY domain")]


def test_a_backup_of_a_running_party_is_one_state_of_its_store(made: Office) -> None:
    with closing(made.open()) as db:
        stop = threading.Event()

        def busy() -> None:
            at = 0
            while not stop.is_set():
                pair = [f"b/{at}-{half}" for half in (1, 2)]
                asyncio.run(db.write(lambda writing, pair=pair: [
                    store.keep_share(writing, each, 1, bytes(32), bytes(32)) for each in pair]))  # fmt: skip
                at += 1

        writer = threading.Thread(target=busy)
        writer.start()
        try:
            file = made.back_up()
        finally:
            stop.set()
            writer.join()
    folder = fresh(made)
    put_back(file, made.secret, folder, folder / "key.seed", clock)
    found = shares(folder)
    assert {"a/one", "a/two"} <= set(found)
    assert len(found) % 2 == 0, "half of a transaction"
    assert not list(made.folder.glob("*.snapshot*"))


def test_what_was_put_back_does_not_start_before_somebody_says_what_that_means(made: Office) -> None:
    file, folder = made.back_up(), fresh(made)
    (folder / "own.pem").write_bytes((made.folder / "own.pem").read_bytes())
    (folder / "own.pem").chmod(0o600)
    manifest = put_back(file, made.secret, folder, folder / "key.seed", clock)
    assert (manifest.party, manifest.part) == ("converter-1", Part.STORE)

    def failed() -> list[str]:
        return [each.id for each in check(read(folder / "party.toml"), clock) if each.fault]

    assert failed() == ["put-back"]
    told = mark(folder)
    assert told is not None
    assert told.taken_ms == manifest.taken_ms <= told.at_ms
    set_mark(folder, PutBack(told.taken_ms, told.at_ms, True))
    assert failed() == []
    (folder / MARK).write_text("{")
    assert failed() == ["put-back"]


def test_a_store_that_is_there_is_never_written_over(made: Office) -> None:
    file = made.back_up()
    for name in ("converter-1.sqlite", "converter-1.sqlite-wal", "converter-1.postgresql"):
        folder = fresh(made, name)
        (folder / name).write_bytes(b"mine")
        with pytest.raises(StorePresent):
            put_back(file, made.secret, folder, folder / "key.seed", clock)
        assert (folder / name).read_bytes() == b"mine"


def test_keys_go_into_a_file_of_their_own_and_come_back_first(made: Office) -> None:
    secret, public = age.key()
    to = made.folder.parent / "keys.age"
    backup.make_keys(made.settings, made.own, to, Sealing([public]), clock)
    folder = made.folder.parent / "elsewhere"
    assert put_back(to, secret, folder, folder / "key.seed", clock).part is Part.KEYS
    assert (folder / "key.seed").read_bytes() == (made.folder / "key.seed").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    with pytest.raises(StorePresent):
        put_back(to, secret, folder, folder / "key.seed", clock)
    put_back(made.back_up(), made.secret, folder, folder / "key.seed", clock)
    assert shares(folder) == ["a/one", "a/two"]


def test_a_backup_that_cannot_be_made_leaves_nothing(made: Office) -> None:
    def there() -> list[Path]:
        found = sorted(made.folder.parent.rglob("*"))
        return [
            path for path in found if not path.name.endswith(("-wal", "-shm"))
        ]  # SQLite's own, of the store

    before = there()
    with pytest.raises(BackupFailed):
        backup.make(made.settings, made.own, made.folder / "no" / "x.age", made.sealing, clock)
    with pytest.raises(BackupKeyMalformed):
        backup.make(made.settings, made.own, made.folder / "x.age", Sealing(["age1x"]), clock)
    (made.folder / "converter-1.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(BackupFailed):
        made.back_up()
    assert there() == before


def commission(made: Office, **own: str) -> Office:
    """The same folder as that of a commission, whose store and auditor's are empty."""
    told = {
        "auditor": "auditor.sqlite",
        "keeper": "mailbox-a",
        "registry": "registry",
        "policy": "policy.txt",
    }
    head, _, _ = made.config.read_text().partition("[own]")
    head = head.replace('kind = "converter"', 'kind = "commission"')
    made.config.write_text(head + "".join(lines(told | own, "own")))
    if (store := made.folder / (told | own)["auditor"]).parent.is_dir():
        sqlite3.connect(store).close()
    return made


def put(path: Path, data: bytes = b"it") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def members(made: Office, file: Path) -> list[str]:
    return [each.path for each in backup.check(file, made.secret, made.own.signing.public).members]


@pytest.mark.parametrize("findings", ["findings", "kept/evidence"])
def test_a_backup_of_the_commission_has_every_folder_of_evidence_and_puts_it_back(
    made: Office, findings: str
) -> None:
    at = commission(made, findings=findings).folder / findings
    note = Finding(Code.HEAD_FORKED, {"size": 1}, Evidence(notes=(b"a note",)), "log")
    for name in ("browser-0a", "monitor.Tokyo"):
        evidence.write(at / name, [note])
    (at / "link").symlink_to(made.folder / "key.seed")
    (at / "away").symlink_to(made.folder)
    file, folder = made.back_up(), fresh(made)
    assert not [each for each in members(made, file) if "link" in each or "away" in each]
    put_back(file, made.secret, folder, folder / "key.seed", clock)
    for name in ("browser-0a", "monitor.Tokyo"):
        assert evidence.load(folder / findings / name).findings == [note]


def test_a_backup_has_every_file_that_the_settings_name(made: Office) -> None:
    (made.folder / "data").mkdir()
    commission(made, policy="law/witnesses.txt", auditor="data/auditor.sqlite", findings="proofs")
    text = made.config.read_text()
    for was, now in (("converter-1.sqlite", "data/store.sqlite"), ("roots.pem", "keys/trust.pem")):
        text = text.replace(was, now)
        (made.folder / was).rename(put(made.folder / now))
    config = made.folder / "converter.toml"
    config.write_text(text)
    for name in ("law/witnesses.txt", "proofs/one/manifest.json"):
        put(made.folder / name)
    settings, to = read(config), made.folder.parent / "store.age"
    backup.make(settings, made.own, to, made.sealing, clock)
    assert members(made, to) == [
        "converter.toml",
        "keys/trust.pem",
        "data/store.sqlite",
        "data/auditor.sqlite",
        "law/witnesses.txt",
        "proofs/one/manifest.json",
    ]
    folder = fresh(made)
    put_back(to, made.secret, folder, folder / "key.seed", clock)
    assert read(folder / "converter.toml").kind is Kind.COMMISSION
    (folder / "data" / "auditor.sqlite").unlink()
    with pytest.raises(StorePresent):
        put_back(to, made.secret, folder, folder / "key.seed", clock)


def test_a_backup_of_keys_has_those_that_the_settings_name(made: Office) -> None:
    head, _, _ = made.config.read_text().partition("[own]")
    head = head.replace('"converter"', '"authority"').replace("own.pem", "tls.pem")
    own = {"keys": "ca", "registry": "registry", "commission": "commission"}
    made.config.write_text(head + "".join(lines(own, "own")))
    (made.folder / "own.pem").rename(made.folder / "tls.pem")
    put(made.folder / "ca" / "root.pem")
    elsewhere = put(made.folder.parent / "credentials" / "seed", (made.folder / "key.seed").read_bytes())
    to, store = made.folder.parent / "keys.age", made.back_up()
    backup.make_keys(made.settings, made.own, to, Sealing([made.public], elsewhere), clock)
    assert members(made, to) == ["key.seed", "tls.pem", "ca/root.pem"]
    assert "ca/root.pem" not in members(made, store)


@pytest.mark.parametrize(
    "named",
    [{"findings": "."}, {"findings": ".."}, {"policy": "../policy.txt"}, {"auditor": "/away/x.sqlite"}],
)
def test_what_the_settings_name_outside_the_folder_is_refused(made: Office, named: dict[str, str]) -> None:
    with pytest.raises(BackupFailed, match="not below"):
        commission(made, **named).back_up()
    assert not list(made.folder.parent.rglob("*.age*"))


def test_settings_whose_own_are_none_are_refused(made: Office) -> None:
    made.config.write_text(made.config.read_text().replace("witness_name", "witness"))
    with pytest.raises(SettingsMalformed):
        made.back_up()


class Changing:
    """Something is done to a file as soon as its first bytes have been read."""

    def __init__(self, patch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
        def pieces(*given: Any) -> Iterator[bytes]:
            made = packed(*given)
            yield next(made)
            change()
            yield from made

        patch.setattr(backup, "packed", pieces)


@pytest.mark.parametrize("size", [0, 10, 512, 1 << 17])
def test_a_file_that_changes_while_it_is_read_fails_the_backup(
    made: Office, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    before = made.config.read_bytes()

    def change() -> None:
        with made.config.open("r+b") as file:
            file.truncate(size)
            file.seek(0)
            file.write((before * 1000)[:size])

    Changing(monkeypatch, change)
    with pytest.raises(BackupFailed, match=r"changed.*party\.toml"):
        made.back_up()
    assert not list(made.folder.parent.glob("*.age*"))


def test_a_full_disk_fails_the_backup(made: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup._Hashing, "write", full)
    with pytest.raises(BackupFailed):
        made.back_up()
    assert not list(made.folder.parent.glob("*.age*"))


def test_a_file_that_another_takes_the_place_of_is_in_the_backup_as_it_was(
    made: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made.config.read_bytes()
    Changing(monkeypatch, lambda: files.replace(made.config, b"another"))
    file, folder = made.back_up(), fresh(made)
    put_back(file, made.secret, folder, folder / "key.seed", clock)
    assert (folder / "party.toml").read_bytes() == before


@pytest.mark.parametrize("name", [".hidden", "証拠", "a b", "n" * 101, f"{'a' * 60}/{'b' * 60}", "1/2/3/4/5"])
def test_a_name_that_could_not_be_put_back_fails_the_backup(made: Office, name: str) -> None:
    put(commission(made).folder / "findings" / name)
    with pytest.raises(BackupFailed, match="name"):
        made.back_up()
    assert not list(made.folder.parent.glob("*.age*"))


def test_a_store_may_be_larger_than_eight_gigabytes() -> None:
    head = archive._head("data/x.sqlite", 1 << 40)
    assert tarfile.TarInfo.frombuf(head, "utf-8", "strict").size == 1 << 40


def test_two_backups_at_once_are_both_whole(made: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins while the first one reads its snapshot."""
    second = threading.Thread(target=made.back_up, args=("second.age",))

    def begin() -> None:
        if not second.ident:
            second.start()
            second.join(0.5)

    Changing(monkeypatch, begin)
    first = made.back_up("first.age")
    second.join()
    for file in (first, first.with_name("second.age")):
        assert "converter-1.sqlite" in members(made, file)


def test_another_backup_is_never_written_over(made: Office) -> None:
    file = made.back_up()
    with pytest.raises(FileExistsError):
        made.back_up()
    assert backup.check(file, made.secret, made.own.signing.public).members


def test_a_backup_is_for_this_user_alone_and_its_name_says_no_more_than_whose_and_when(made: Office) -> None:
    assert made.back_up().stat().st_mode & 0o777 == 0o600
    assert backup.name_of(made.settings, Part.STORE, 0) == "converter-1-store-19700101T000000Z.age"


def kakine(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kakine", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_the_commands_of_an_operator(made: Office) -> None:
    here, opener = made.folder.parent / "backups", made.folder.parent / "opener"
    here.mkdir()
    opener.mkdir()
    key = opener / "backup.key"
    told = opener.with_name("recipients")
    told.write_text(f"# who opens them\n{age.key()[1]}\n")
    public = kakine("backup-key", "--to", key).stdout.strip()
    to = ("--recipient", public, "--recipient-file", told)
    done = kakine("backup", "--config", made.config, "--to", here, *to)
    file = Path(done.stdout.strip())
    assert file.name.startswith("converter-1-store-")
    signer = bytes(made.own.signing.public).hex()
    assert done.stderr == f"署名 / signed by: {signer}\n"
    for whose in (("--config", made.config), ("--signed-by", signer)):
        said = kakine("backup", "--check", file, "--key", key, *whose)
        head, *members = said.stdout.splitlines()
        assert head.startswith("✓ converter-1: 3 files, store, 20")
        assert [each.split()[0] for each in members] == ["party.toml", "roots.pem", "converter-1.sqlite"]
    said = kakine("backup", "--check", file, "--key", key, "--signed-by", bytes(32).hex())
    assert (said.returncode, said.stderr.split(":")[0]) == (1, "backup-unreadable")
    folder = fresh(made)
    said = kakine("restore", "--dir", folder, "--from", file, "--key", key)
    assert "--accept" in said.stdout
    assert shares(folder) == ["a/one", "a/two"]
    assert "works without what is lost" in kakine("restore", "--dir", folder, "--accept", "--loss").stdout
    for words in (("--recipient", "x"), (), ("--recipient-file", os.devnull)):
        refused = kakine("backup", "--config", made.config, "--to", here, *words)
        assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "backup-key-malformed")
    key.rename(made.folder / "kept")
    refused = kakine("backup", "--config", made.config, "--to", here, "--recipient", public)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "backup-key-here")
    assert str(made.folder / "kept") in refused.stderr


def test_a_store_on_postgresql_is_dumped_and_comes_back_with_owners_and_rights(made: Office) -> None:
    with short_folder() as room:
        cluster = Cluster(room / "postgres")
        cluster.make(secrets.token_bytes)
        cluster.start()
        try:
            tables = converter_tables
            server = cluster.add("converter-1", tables, secrets.token_bytes)
            served = made.folder / "converter-1.postgresql"
            served.write_text(Address(server).text())
            text = made.config.read_text().replace("converter-1.sqlite", served.name)
            made.config.write_text(text)
            with closing(Database.open(served, tables)) as db:
                asyncio.run(
                    db.write(lambda writing: store.keep_share(writing, "a/kept", 1, bytes(32), bytes(32)))
                )
                file = made.back_up()  # while it is open
            folder = fresh(made)
            put_back(file, made.secret, folder, folder / "key.seed", clock)
            with psycopg.connect(cluster.server("postgres", "postgres"), autocommit=True) as admin:
                admin.execute('DROP DATABASE "converter-1" WITH (FORCE)')
            again = cluster.add("converter-1", tables, secrets.token_bytes)
            back = folder / "converter-1.postgresql"
            back.write_text(Address(again).text())
            found = programs()
            assert found is not None
            words = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
            admin_at = f"--dbname={cluster.server('converter-1', 'postgres')}"
            subprocess.run(
                [found / "pg_restore", *words, admin_at, folder / "converter-1.pgdump"], check=True, cwd="/"
            )
            with closing(Database.open(back, tables)) as db:
                assert store.find_share(db.read(), "a/kept", 1) is not None
            with psycopg.connect(again) as party, pytest.raises(psycopg.errors.InsufficientPrivilege):
                party.execute("DELETE FROM used_exchange")
        finally:
            cluster.stop()


def test_what_loads_without_the_rest_is_what_an_operator_calls() -> None:
    assert sorted(_OPERATING) == sorted(COMMANDS)
