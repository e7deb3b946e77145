"""Each kind of party is put back from a backup that is older than what it has done since: it refuses, or says so.

One country for the whole module; the parties are put back one after the other.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apart_country import ASKING, figures, own_questions, running, until
from kakine.cli.acting import agency
from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_processes import Processes, tail
from kakine.cli.apart_smoke import DELIVERED, ask_all
from kakine.crypto import age
from kakine.values.problems import DomainNotEnrolled

BACKED = ["ledger-a", "ledger-a-signer", "converter-2", "mailbox-b", "registry"]


class Land:
    """A country that runs, and backups of some of its parties from before its last exchanges."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder / "country", Processes(folder / "country")
        self.backups = folder / "backups"
        self.backups.mkdir()
        self.key = folder / "backup.key"
        secret, self.public = age.key()
        self.key.write_text(secret)

    def kakine(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kakine", *map(str, words)], capture_output=True, text=True, check=False
        )

    def back_up(self, name: str) -> None:
        config = self.folder / name / SETTINGS
        to = self.backups / f"{name}.age"
        done = self.kakine("backup", "--config", config, "--to", to, "--recipient", self.public)
        assert done.returncode == 0, done.stderr

    def ask(self, most: int = 4) -> list[str]:
        async def whole() -> list[str]:
            async with agency(self.folder, ASKING) as own:
                return await ask_all(own, own_questions(self.folder)[:most], 2)

        return asyncio.run(whole())

    def put_back(self, name: str) -> str:
        """As on another machine, where only the keys are; what the command says."""
        self.processes.end(name)
        own = self.folder / name
        for path in [*own.glob("*.sqlite*"), own / SETTINGS]:
            path.unlink()
        done = self.kakine("restore", "--dir", own, "--from", self.backups / f"{name}.age", "--key", self.key)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ended(self, name: str) -> str:
        """Starts it and waits for its end; its last words."""
        self.processes.start(name)
        until(lambda: name not in self.processes.running())
        return "\n".join(tail(self.processes.log(name), 3))

    def again(self, name: str) -> None:
        self.processes.start(name)
        self.processes.wait([name])

    def as_it_was(self, name: str) -> Kept:
        return Kept(self, name)


class Kept:
    """The party's present folder comes back at the end."""

    def __init__(self, land: Land, name: str) -> None:
        self._land, self._own = land, land.folder / name
        self._name, self._aside = name, land.folder / f"{name}.kept"

    def __enter__(self) -> None:
        self._land.processes.end(self._name)
        shutil.copytree(self._own, self._aside)

    def __exit__(self, *_: object) -> None:
        self._land.processes.end(self._name)
        shutil.rmtree(self._own)
        os.rename(self._aside, self._own)
        self._land.again(self._name)


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    made = Land(tmp_path_factory.mktemp("back"))
    with running(made.folder):
        assert DELIVERED in made.ask()
        for name in BACKED:
            made.back_up(name)
        assert DELIVERED in made.ask()
        yield made


def test_a_ledger_put_back_refuses_what_its_signer_signed(land: Land) -> None:
    with land.as_it_was("ledger-a"):
        land.put_back("ledger-a")
        said = land.ended("ledger-a")
        assert said.startswith("ledger-behind") or "\nledger-behind" in said
        assert "known_to=ledger-a-signer" in said


def test_a_signer_put_back_signs_nothing_when_a_converter_has_seen_more(land: Land) -> None:
    with land.as_it_was("ledger-a-signer"):
        land.put_back("ledger-a-signer")
        said = land.ended("ledger-a-signer")
        assert "signer-behind" in said
        assert "known_to=converter-1" in said


def test_a_converter_put_back_refuses_until_people_have_decided(land: Land) -> None:
    with land.as_it_was("converter-2"):
        assert "--accept" in land.put_back("converter-2")
        said = land.ended("converter-2")
        assert "settings-refused" in said
        assert "put-back" in said
        refused = land.kakine("restore", "--dir", land.folder / "converter-2", "--accept")
        assert refused.returncode == 1
        assert refused.stderr.startswith("store-put-back")
        assert "put-back" in land.ended("converter-2")
        lost = land.kakine("restore", "--dir", land.folder / "converter-2", "--accept", "--loss")
        assert lost.returncode == 0, lost.stderr
        land.again("converter-2")
        assert "kakine_put_back 1.0" in figures(land.processes, "converter-2")
        assert '"event": "put-back"' in land.processes.log("converter-2").read_text()


def test_a_converters_lost_store_refuses_by_name_and_its_backup_converts_the_same_codes(land: Land) -> None:
    (land.backups / "converter-2.age").unlink()
    land.back_up("converter-2")
    land.processes.end("converter-2")
    for path in (land.folder / "converter-2").glob("*.sqlite*"):
        path.unlink()
    # With an empty store it starts, since it cannot know what it had, and can do nothing with any code.
    land.again("converter-2")
    with pytest.raises(DomainNotEnrolled):
        land.ask(1)
    land.put_back("converter-2")
    assert "put-back" in land.ended("converter-2")
    # Within the quarter of an hour before the backup something was logged: people say that the backup is the newest.
    lost = land.kakine("restore", "--dir", land.folder / "converter-2", "--accept", "--loss")
    assert lost.returncode == 0, lost.stderr
    land.again("converter-2")
    # The other sides' codes are as they were: what was asked before is answered again.
    assert DELIVERED in land.ask()


def test_a_record_keeper_put_back_is_held_against_the_logs(land: Land) -> None:
    with land.as_it_was("mailbox-b"):
        land.put_back("mailbox-b")
        assert "put-back" in land.ended("mailbox-b")
        assert land.kakine("restore", "--dir", land.folder / "mailbox-b", "--accept").returncode == 1


def test_a_registry_put_back_waits_for_people_since_no_log_knows_its_acts(land: Land) -> None:
    with land.as_it_was("registry"):
        land.put_back("registry")
        assert "put-back" in land.ended("registry")
        refused = land.kakine("restore", "--dir", land.folder / "registry", "--accept")
        assert "not to be known from the logs" in refused.stderr
    assert DELIVERED in land.ask()
    land.processes.wait(["registry"])
