"""A party is backed up while it runs, whole or not at all, and put back where there is no store."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from backed_up import Office, clock, fresh, office
from kakine.__main__ import _OPERATING
from kakine.cli.operating import COMMANDS
from kakine.crypto import age
from kakine.institutions.postgres import Cluster
from kakine.institutions.postgres_programs import programs
from kakine.parties.converter import store
from kakine.parties.converter.store import metadata as converter_tables
from kakine.process import backup
from kakine.process.backup import Sealing
from kakine.process.checks import check
from kakine.process.restoring import MARK, PutBack, mark, put_back, set_mark
from kakine.process.settings import read
from kakine.runtime.database import Database
from kakine.runtime.postgres import Address
from kakine.values.problems import BackupFailed, BackupKeyMalformed, StorePresent
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
        backup.make(made.config, made.settings, made.own, made.folder / "no" / "x.age", made.sealing, clock)
    with pytest.raises(BackupKeyMalformed):
        backup.make(made.config, made.settings, made.own, made.folder / "x.age", Sealing(["age1x"]), clock)
    (made.folder / "converter-1.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(BackupFailed):
        made.back_up()
    assert there() == before


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
