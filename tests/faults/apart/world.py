"""A country apart that faults can be done to: each party in a network of its own where that is allowed, some on small
disks, some under a clock that can be moved."""

from __future__ import annotations

import asyncio
import glob
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from faults.apart.disk import Disk
from faults.apart.net import Net
from faults.apart.outcome import LEDGERS
from kakine.cli.apart_making import SETTINGS, make
from kakine.cli.apart_processes import Processes, about, ready
from kakine.cli.apart_server import Engine
from kakine.institutions.postgres import Cluster

T = TypeVar("T")

RESIDENTS = 40
SERVER = "postgres"
"""What the stores' server is called among the disks."""
RIVAL = "rival.toml"
_LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"


def faketime() -> str:
    """The library that moves a clock; nothing where it is not there."""
    return next(iter(glob.glob(_LIBRARY)), "")


class World:
    """All processes of one country and what they stand on."""

    def __init__(self, folder: Path, net: Net | None = None) -> None:
        self.folder, self.net = folder, net
        self.told = about(folder)
        self.names = list(self.told.ports)
        self.witnesses = list(self.told.witnesses)
        self.parties = [name for name in self.names if name not in self.witnesses]
        self.processes = Processes(folder, self._before)
        self.cluster: Cluster | None = self.processes.server
        self.disks: dict[str, Disk] = {}
        self.clocks: dict[str, Path] = {}

    def own(self, name: str) -> Path:
        """Folder of a party or a witness."""
        return self.folder / (f"witness-{name}" if name in self.witnesses else name)

    def _before(self, name: str) -> list[str]:
        words = list(self.net.prefix(name)) if self.net else []
        if name in self.clocks:
            words += [
                "env",
                f"LD_PRELOAD={faketime()}",
                f"FAKETIME_TIMESTAMP_FILE={self.clocks[name]}",
                "FAKETIME_CACHE_DURATION=1",
                # Waiting goes by the clock that nobody sets.
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "DONT_FAKE_MONOTONIC=1",
            ]
        return words

    def inside(self, name: str, work: Callable[[], T]) -> T:
        """Do this where the party's own loopback address is."""
        return self.net.inside(name, work) if self.net else work()

    def start(self, name: str) -> None:
        """One, if it does not run."""
        if name not in self.processes.running():
            self.processes.start(name, witness=name in self.witnesses)

    def start_all(self, names: Sequence[str]) -> None:
        """In this order, without waiting for any."""
        for name in names:
            self.start(name)

    def kill(self, name: str) -> None:
        """-9."""
        if name in self.processes.running():
            self.processes.kill(name)

    def signal(self, name: str, what: signal.Signals) -> None:
        """To a process that runs."""
        one = self.processes.running().get(name)
        if one is not None:
            os.kill(one.pid, what)

    def pid(self, name: str) -> int | None:
        """Of the process that runs."""
        one = self.processes.running().get(name)
        return one.pid if one else None

    def ready(self, name: str) -> bool:
        """Whether it takes calls; of a witness, whether it runs."""
        if name in self.witnesses:
            return name in self.processes.running()
        return self.inside(name, lambda: ready(self.told.ports[name][1]))

    def wait(self, seconds: float) -> list[str]:
        """Until all take calls; those that do not by then."""
        left, until = list(self.names), time.monotonic() + seconds
        while left and time.monotonic() < until:
            left = [name for name in left if not self.ready(name)]
            time.sleep(0.2 if left else 0)
        return left

    def stop(self) -> None:
        """All of them, gracefully, and the server of their stores."""
        self.processes.down()

    def disk(self, name: str, image: Path) -> None:
        """A disk of its own for whoever has not been started yet."""
        if name == SERVER:
            assert self.cluster is not None
            self.disks[name] = Disk(self.cluster.folder, image, 700)
        else:
            self.disks[name] = Disk(self.own(name), image)

    def rival(self, name: str) -> subprocess.Popen[bytes]:
        """A second process of a party on the same store, with ports of its own."""
        words = [*self._before(name), sys.executable, "-m", "kakine", "serve", "party", "--config", RIVAL]
        return subprocess.Popen(
            words,
            cwd=self.own(name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def founded(folder: Path, place: Callable[[Sequence[str]], Net | None], engine: Engine) -> World:
    """A country of made-up residents, at the addresses of a network that `place` makes for its names."""
    asyncio.run(make(folder, RESIDENTS, 0, engine))
    told = about(folder)
    net = place(list(told.ports))
    if net is not None:
        for name in told.ports:
            _move(folder, name, net, told.witnesses, {each: told.ports[each][0] for each in told.ports})
    for name in LEDGERS:
        text = (folder / name / SETTINGS).read_text()
        (folder / name / RIVAL).write_text(re.sub(r"^(port|admin) = .*", r"\1 = 0", text, flags=re.M))
    return World(folder, net)


def _move(folder: Path, name: str, net: Net, witnesses: Sequence[str], ports: dict[str, int]) -> None:
    """The settings of one party, with everybody's address in the network."""
    path = folder / (f"witness-{name}" if name in witnesses else name) / SETTINGS
    text = path.read_text()
    for each, address in net.address.items():
        text = text.replace(f'//127.0.0.1:{ports[each]}"', f'//{address}:{ports[each]}"')
    host = f'host = "{net.address[name]}"\n'
    text = text + host if name in witnesses else text.replace("[listen]\n", f"[listen]\n{host}")
    path.write_text(text)


def events(path: Path) -> list[dict[str, object]]:
    """What a party has told its operator."""
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(msgspec.json.decode(line.encode(), type=dict[str, object]))
        except msgspec.DecodeError:
            found.append({"text": line})
    return found
