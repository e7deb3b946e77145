"""Faults, each with an end: `inject` does it, `heal` takes it back. Nothing else is known of them by who draws them."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from typing import Protocol

import psycopg

from faults.apart.net import Net
from faults.apart.world import SERVER, World
from kakine.institutions.postgres import Cluster
from kakine.runtime.postgres import address

RIVAL_S = 15
REFUSED, OVERTAKEN, NOT_BEGUN = "refused", "overtaken", "not begun"
"""What may come of a second process; the last where others were away, so that it never took a call."""


class Fault(Protocol):
    """`kind` is what the report counts, `on` whom it concerns: no two faults at once on one of them, and those on
    `EVERYBODY` come alone."""

    kind: str
    on: frozenset[str]

    def inject(self, world: World) -> None:
        """Do it."""

    def heal(self, world: World) -> None:
        """Take it back."""


EVERYBODY = "*"


@dataclass
class Kill:
    """kill -9; started again afterwards."""

    name: str
    kind: str = "kill -9"

    @property
    def on(self) -> frozenset[str]:
        return frozenset({EVERYBODY if self.name == SERVER else self.name})

    def inject(self, world: World) -> None:
        world.kill(self.name)

    def heal(self, world: World) -> None:
        world.start(self.name)


@dataclass
class Hang(Kill):
    """The process stands still and keeps its connections."""

    kind: str = "hang (SIGSTOP)"

    def inject(self, world: World) -> None:
        world.signal(self.name, signal.SIGSTOP)

    def heal(self, world: World) -> None:
        world.signal(self.name, signal.SIGCONT)


@dataclass
class Unplug(Kill):
    """No packet to or from a party."""

    kind: str = "partition (cable out)"

    def inject(self, world: World) -> None:
        _net(world).unplug(self.name, plugged=False)

    def heal(self, world: World) -> None:
        _net(world).unplug(self.name, plugged=True)


@dataclass
class Squeeze(Kill):
    """All that a party sends goes through 64 kbit/s."""

    kind: str = "narrow network (64 kbit/s)"

    def inject(self, world: World) -> None:
        _net(world).squeeze(self.name, "64kbit")

    def heal(self, world: World) -> None:
        _net(world).squeeze(self.name, "")


@dataclass
class Deaf:
    """Packets of one party do not arrive at another; the other way they do."""

    name: str
    to: str
    kind: str = "partition (one way)"

    @property
    def on(self) -> frozenset[str]:
        return frozenset({self.name, self.to})

    def inject(self, world: World) -> None:
        _net(world).deafen(self.name, self.to, deaf=True)

    def heal(self, world: World) -> None:
        _net(world).deafen(self.name, self.to, deaf=False)


@dataclass
class DiskFull(Kill):
    """Not a byte is left on a party's disk."""

    kind: str = "full disk"

    def inject(self, world: World) -> None:
        world.disks[self.name].full()

    def heal(self, world: World) -> None:
        world.disks[self.name].empty()


@dataclass
class DiskStill(Kill):
    """Whoever writes to the disk waits."""

    kind: str = "hanging disk (fsfreeze)"

    def inject(self, world: World) -> None:
        world.disks[self.name].freeze(frozen=True)

    def heal(self, world: World) -> None:
        world.disks[self.name].freeze(frozen=False)


@dataclass
class DiskSlow(Kill):
    """Twenty writes a second: a commit takes some 0.2 s."""

    kind: str = "slow disk (20 writes/s)"

    def inject(self, world: World) -> None:
        pid = world.pid(self.name)
        world.disks[self.name].slow([pid] if pid else [], 20)

    def heal(self, world: World) -> None:
        world.disks[self.name].slow([], 0)


@dataclass
class Clock(Kill):
    """A clock jumps, and later jumps back."""

    seconds: int = 0
    kind: str = "clock jumps"

    def inject(self, world: World) -> None:
        world.clocks[self.name].write_text(f"{self.seconds:+d}\n")

    def heal(self, world: World) -> None:
        world.clocks[self.name].write_text("+0\n")


@dataclass
class Rival(Kill):
    """A second process on the same store."""

    kind: str = "second sequencer"
    ended: str = "not started"
    _second: subprocess.Popen[bytes] | None = None
    _before: int = 0
    _fence: int = 0

    def inject(self, world: World) -> None:
        self._before = world.processes.log(self.name).stat().st_size
        self._fence = _fence(world, self.name)
        self._second = world.rival(self.name)

    def heal(self, world: World) -> None:
        assert self._second is not None
        try:
            said, _ = self._second.communicate(timeout=RIVAL_S)
        except subprocess.TimeoutExpired:
            self._second.kill()
            said, _ = self._second.communicate()
        with world.processes.log(self.name).open("rb") as log:
            log.seek(self._before)
            first = log.read()
        if b"store-in-use" in said:
            self.ended = REFUSED
        elif b'"event": "ready"' not in said:
            self.ended = NOT_BEGUN
        else:
            # Whoever is overtaken says so when it writes next. It need not write meanwhile: then the store tells.
            overtaken = b"store-in-use" in first or _fence(world, self.name) > self._fence
            self.ended = OVERTAKEN if overtaken else "ran beside"
            world.kill(self.name)
        world.start(self.name)


@dataclass
class RestartAll:
    """Everybody killed and started in an order of its own."""

    order: list[str]
    again: list[str]
    kind: str = "restart of everything"
    on: frozenset[str] = frozenset({EVERYBODY})

    def inject(self, world: World) -> None:
        for name in self.order:
            world.kill(name)

    def heal(self, world: World) -> None:
        world.start_all(self.again)


@dataclass
class ServerEnded:
    """PostgreSQL shuts down without waiting for its clients (fast), without tidying up (immediate), or is killed."""

    how: signal.Signals
    on: frozenset[str] = frozenset({EVERYBODY})

    @property
    def kind(self) -> str:
        return f"PostgreSQL {_HOW[self.how]}"

    def inject(self, world: World) -> None:
        pid = _cluster(world).running
        if pid is not None:
            os.kill(pid, self.how)

    def heal(self, world: World) -> None:
        _cluster(world).start()


@dataclass
class ConnectionsEnded:
    """PostgreSQL ends every connection that a party has."""

    kind: str = "PostgreSQL connections ended"
    on: frozenset[str] = frozenset({EVERYBODY})

    def inject(self, world: World) -> None:
        with psycopg.connect(_cluster(world).server("postgres", "postgres"), autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )

    def heal(self, world: World) -> None:
        """Parties make new ones."""


_HOW = {
    signal.SIGINT: "stopped (fast)",
    signal.SIGQUIT: "stopped (immediate)",
    signal.SIGKILL: "kill -9",
}


def _fence(world: World, name: str) -> int:
    """Which of its writers a store in the server believes; 0 where it is a file, or the server does not answer."""
    told = world.own(name) / f"{name}.postgresql"
    if not told.is_file():
        return 0
    try:
        with psycopg.connect(address(told).server) as server:
            return int(server.execute("SELECT max(fence) FROM kakine_writer").fetchall()[0][0])
    except psycopg.OperationalError:
        return 0


def _net(world: World) -> Net:
    assert world.net is not None
    return world.net


def _cluster(world: World) -> Cluster:
    assert world.cluster is not None
    return world.cluster
