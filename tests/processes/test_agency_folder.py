"""What an agency that joins has in its folder stays whole, and a command given again takes nothing back."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from faults.test_files import Cut, Watched
from joining import KOBE, entry
from kakine.cli.agency import give_database
from kakine.cli.agency_folder import KEY, CountryFile, Entry, Listen, decoded, describe, finish, prepare
from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_server import Engine
from kakine.institutions.postgres import Cluster
from kakine.process.settings import Environment, read
from kakine.runtime.postgres import Address, address
from kakine.runtime.tls import Credentials
from kakine.values.problems import TlsUnusable
from party_certificates import Roots
from processes.test_settings import TEXT, clock

LISTEN = Listen(["https://127.0.0.1:8600"], 8600, 8601)
CERTIFICATE = b"-----BEGIN CERTIFICATE"


def applied(folder: Path) -> bytes:
    """The folder of a party that has applied for its first certificate, and that certificate."""
    folder.mkdir(mode=0o700)
    (folder / SETTINGS).write_text(TEXT.replace("converter-1.pem", "own.pem"))
    given = Roots(folder).issued("converter-1").own
    key, mark, certificate = given.read_bytes().partition(CERTIFICATE)
    given.unlink()
    (folder / KEY).write_bytes(key)
    return mark + certificate


def test_a_folder_that_was_prepared_is_on_the_disk_with_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(tmp_path / "converter-1")
    country = tmp_path / "country.toml"
    country.write_text(describe(read(tmp_path / "converter-1" / SETTINGS)))
    agency, known = decoded(entry(tmp_path, KOBE), Entry), decoded(country, CountryFile)
    watched, folder = Watched(monkeypatch), tmp_path / "kobe"
    prepare(folder, agency, known, LISTEN, Environment.PRODUCTION, Engine.POSTGRESQL)
    flushed = [name for step, name in watched.seen if step == "fsync"]
    assert {f"{path.name}.new" for path in folder.iterdir()} < set(flushed)
    assert flushed[-2:] == ["kobe.new", tmp_path.name]


def taken(folder: Path, certificate: bytes, patch: pytest.MonkeyPatch, *cut: int) -> Watched:
    watched = Watched(patch, *cut)
    finish(folder, certificate)
    return watched


def test_finish_cut_at_any_step_keeps_a_key_with_its_certificate(tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    certificate = applied(folder)
    with pytest.MonkeyPatch.context() as patch:
        done = taken(folder, certificate, patch).seen
    # The key goes when the file that has it too is on the disk by its name.
    last = [each for each in done if each[0] != "open"][-3:]
    assert last == [("replace", "own.pem.new"), ("fsync", "whole"), ("unlink", KEY)]
    for at in range(len(done)):
        folder = tmp_path / f"{at}"
        certificate = applied(folder)
        key = (folder / KEY).read_bytes()
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Cut):
            taken(folder, certificate, patch, at)
        own = folder / "own.pem"
        assert (folder / KEY).exists() or own.read_bytes() == key + certificate
        finish(folder, certificate)
        assert own.read_bytes() == key + certificate
        assert not (folder / KEY).exists()
        settings = read(folder / SETTINGS)
        Credentials(settings.name, settings.files, clock)


def test_a_certificate_of_another_key_changes_nothing(tmp_path: Path) -> None:
    applied(tmp_path / "converter-1")
    before = {path.name: path.read_bytes() for path in (tmp_path / "converter-1").iterdir()}
    with pytest.raises(TlsUnusable):
        finish(tmp_path / "converter-1", applied(tmp_path / "other"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "converter-1").iterdir()} == before


class Server(Cluster):
    """A server that has every database it is asked for."""

    def add(self, party: str, *_: Any, **__: Any) -> str:
        return self.server(party, party)


def test_a_database_given_again_leaves_the_address(tmp_path: Path) -> None:
    folder, server = tmp_path / "converter-1", Server(tmp_path / "postgres")
    applied(folder)
    (server.folder / "keys").mkdir(parents=True)
    (server.folder / "keys" / "converter-1").write_text("a password")
    served = folder / "converter-1.postgresql"
    give_database(folder, server, secrets.token_bytes)
    first = address(served)
    assert (folder / "converter-1.password").read_text() == "a password"
    assert str(folder / "converter-1.password") in first.server
    own = Address(f"{first.server} keepalives_idle=5", "1")
    served.write_text(own.text())
    give_database(folder, server, secrets.token_bytes)
    assert address(served) == own
    moved = Server(tmp_path / "moved")
    server.folder.rename(moved.folder)
    give_database(folder, moved, secrets.token_bytes)
    assert str(moved.folder) in address(served).server
