"""A country whose parties are started as deploy/ starts them: by units, by the compose file, by the manifests.

No systemd, Docker or cluster is asked (`deployed`): what they would carry out is carried out here.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployed import DEPLOY, Machine, Place, program, until
from kakine.cli.acting import agency
from kakine.cli.apart_making import make
from kakine.cli.apart_processes import about, told
from kakine.cli.apart_smoke import DELIVERED, ask_all, questions
from kakine.crypto import age

ASKING = "yokohama"
SYSTEMD = ("authority", "converter-1", "converter-2", "converter-3", "registry")
COMPOSE = ("commission", "ledger-a", "ledger-b", "ledger-a-signer", "ledger-b-signer")
KUBERNETES = ("mailbox-a", "mailbox-b", ASKING)
WITNESS_UNIT, WITNESS_SERVICE = "consumers", "university"
SEEDS = {
    **dict.fromkeys(SYSTEMD, "/run/credentials/kakine@{}.service/key.seed"),
    **dict.fromkeys(COMPOSE, "/run/secrets/{}-seed"),
    **dict.fromkeys(KUBERNETES, "/run/kakine/key.seed"),
}
"""Where deploy/ has the seed, in the settings of each."""


@dataclass
class Deployed:
    """The places by party, and the processes in them."""

    machine: Machine
    places: dict[str, Place]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def log(self, name: str) -> Path:
        return self.machine.room / f"{name}.log"

    def start(self) -> None:
        for name, place in self.places.items():
            self.running[name] = place.start(self.log(name))
        for name, place in self.places.items():
            until(lambda name=name, place=place: self._up(name, place), name)  # type: ignore[misc]

    def _up(self, name: str, place: Place) -> bool:
        assert self.running[name].poll() is None, (name, self.log(name).read_text()[-500:])
        return place.well()

    def stop(self, name: str) -> int:
        """By the signal, and within the time, of its place; the exit status."""
        place, process = self.places[name], self.running.pop(name)
        process.send_signal(place.stop)
        return process.wait(place.grace_s)


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    sys.path.insert(0, str(DEPLOY))
    try:
        import make as making  # type: ignore[import-not-found]

        yield making
    finally:
        sys.path.remove(str(DEPLOY))
        for each in ("make", "table"):
            sys.modules.pop(each, None)


def settle(folder: Path, making: Any, ports: Mapping[str, tuple[int, int]], room: Path) -> None:
    """The settings that deploy/ writes; then hosts become the loopback address, ports those of the country."""
    for path in making.settings(folder, "SEED", "127.0.0.1"):
        name, text = path.parent.name, path.read_text()
        assert "callers = " in text or name.startswith("witness-")
        seed = SEEDS.get(name, "").format(name)
        text = text.replace('seed = "SEED"', f'seed = "{seed}"')
        text = text.replace("/run/credentials/kakine@", f"{room}/credentials/").replace(".service/", "/")
        text = text.replace("/run/secrets/", f"{room}/secrets/")
        text = re.sub(r'"(https?)://([a-z0-9-]+):\d+"', lambda found: local(found, ports), text)
        path.write_text(text)
    (room / "secrets").mkdir()
    for path in (folder / "keys").glob("*.seed"):
        target = room / "secrets" / f"{path.stem}-seed"
        shutil.copyfile(path, target)
        target.chmod(0o400)


def local(found: re.Match[str], ports: Mapping[str, tuple[int, int]]) -> str:
    name = found[2].removeprefix("witness-")
    return f'"{found[1]}://127.0.0.1:{ports[name][0]}"' if name in ports else found[0]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, table: Any) -> Iterator[Deployed]:
    folder, room = tmp_path_factory.mktemp("deployed") / "country", tmp_path_factory.mktemp("room")
    asyncio.run(make(folder, 30, 0))
    ports = about(folder).ports
    settle(folder, table, ports, room)
    given = {each.name: (each.port, each.admin) for each in table.table.parties()}
    given |= {name: (port, port) for name, port in table.table.witnesses().items()}
    machine = Machine(folder, room, program(room / "bin"), ports, given)
    places = {name: machine.systemd(name) for name in SYSTEMD}
    places |= {name: machine.compose(name) for name in COMPOSE}
    places |= {name: machine.kubernetes(name) for name in KUBERNETES}
    places[WITNESS_UNIT] = machine.systemd(WITNESS_UNIT, "kakine-witness@.service")
    places[WITNESS_SERVICE] = machine.compose(WITNESS_SERVICE, f"witness-{WITNESS_SERVICE}")
    made = Deployed(machine, places)
    try:
        made.start()
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    """A witness has no probe of its own; it takes connections some time after its process has started."""
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=10):
        return True
    return False


def test_a_country_started_by_units_compose_file_and_manifests_answers_an_agency(deployed: Deployed) -> None:
    """Each party was found ready by what its place asks, with no more callers than deploy/ gives it."""
    folder = deployed.machine.country

    async def work() -> list[str]:
        async with agency(folder, ASKING) as own:
            mine = [each for each in questions(folder, ASKING) if each.provider.startswith(f"{ASKING}/")]
            return await ask_all(own, mine[:4], 2)

    assert DELIVERED in asyncio.run(work())
    for name in (WITNESS_UNIT, WITNESS_SERVICE):
        until(lambda port=deployed.machine.ports[name][0]: listens(port), name)  # type: ignore[misc]


def test_the_backup_unit_makes_a_backup_that_its_recipient_opens(deployed: Deployed) -> None:
    room, secret, public = deployed.machine.room, *age.key()
    (room / "backups" / "converter-1").mkdir(parents=True)
    (room / "etc").mkdir()
    (room / "etc" / "backup.recipient").write_text(f"{public}\n")
    place = deployed.machine.systemd("converter-1", "kakine-backup@.service")
    done = place.run(place.command)
    assert done.returncode == 0, done.stderr
    (file,) = (room / "backups" / "converter-1").iterdir()
    signer = done.stderr.split()[-1]
    key = room / "backup.key"
    key.write_text(secret)
    words = [deployed.machine.bin / "kakine", "backup", "--check", file, "--key", key, "--signed-by", signer]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.startswith("✓ converter-1: 3 files, store")
    (room / "etc" / "backup.key").write_text(secret)
    refused = place.run(place.command)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "backup-key-here")


def test_a_unit_whose_check_fails_does_not_start(deployed: Deployed) -> None:
    config = deployed.machine.country / "insurer" / "party.toml"
    config.write_text(config.read_text().replace("[keys]", 'more = "x"\n[keys]', 1))
    place = deployed.machine.systemd("insurer")
    (before,) = place.before
    assert place.run(before).returncode == 1


@pytest.mark.parametrize("name", [SYSTEMD[1], COMPOSE[1], KUBERNETES[0], WITNESS_UNIT, WITNESS_SERVICE])
def test_each_place_stops_its_party_in_time(deployed: Deployed, name: str) -> None:
    """Last, since the country is not whole afterwards."""
    assert deployed.stop(name) == 0
    if not name.startswith((WITNESS_UNIT, WITNESS_SERVICE)):
        assert told(deployed.log(name).read_text().splitlines()[-1])["event"] == "stopped"
