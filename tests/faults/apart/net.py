"""Networks and disks of their own for parties on one machine: what a partition, a full disk and a slow one need.

Everything is in namespaces that end with the program: `alone` starts it again in a network, a mount table and a table
of processes of its own, so nothing of the machine's is changed and nothing can be left behind.

    bridge 10.77.0.1 ── veth ── 10.77.0.2 (namespace of converter-1)
                     ── veth ── 10.77.0.3 (namespace of converter-2) ...
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_INSIDE = "KAKINE_FAULTS_ALONE"
_CLONE_NEWNET = 0x40000000
_BRIDGE = "kakine0"


def run(*words: str | Path) -> str:
    """A tool of the system. Raises `CalledProcessError`."""
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout


def why_not(*words: str | Path) -> str:
    """What a tool says where it cannot; nothing where it can."""
    try:
        run(*words)
    except FileNotFoundError:
        return f"{words[0]} is missing"
    except subprocess.CalledProcessError as fault:
        return " ".join(fault.stderr.split()) or f"{words[0]}: status {fault.returncode}"
    return ""


def alone(argv: Sequence[str]) -> str:
    """Goes on in namespaces of its own, where they are allowed: then this does not return in the first process. Gives
    why they are not; nothing inside them."""
    if os.environ.get(_INSIDE):
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        return ""
    if os.geteuid() != 0:
        return "not root"
    if why := why_not("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "ip", "link"):
        return why
    if why := why_not("unshare", "--net", "ip", "link", "add", "kf0", "type", "veth", "peer", "name", "kf1"):
        return f"veth: {why}"
    Path("/run/netns").mkdir(exist_ok=True)
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    os.environ[_INSIDE] = "yes"
    # The first process of a table takes in orphans, and a shell lets the dead go: a dead server would seem to run.
    words += ["sh", "-c", '"$@" & wait $!', "sh"]
    os.execvp(words[0], [*words, sys.executable, *argv])  # noqa: S606


class Net:
    """A namespace, an address and a cable for each name."""

    def __init__(self, names: Sequence[str]) -> None:
        self.address = {name: f"10.77.0.{number}" for number, name in enumerate(names, 2)}
        self._space = {name: f"kf{number}" for number, name in enumerate(names, 2)}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", _BRIDGE, "type", "bridge")
        run("ip", "address", "add", "10.77.0.1/16", "dev", _BRIDGE)
        run("ip", "link", "set", _BRIDGE, "up")
        for name in names:
            self._connect(self._space[name], self.address[name])

    def _connect(self, space: str, address: str) -> None:
        run("ip", "netns", "add", space)
        run("ip", "link", "add", f"{space}a", "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "set", f"{space}a", "master", _BRIDGE, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{address}/16", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            # So that a rule may come before the table that takes in what is for this machine.
            ("rule", "add", "pref", "100", "lookup", "local"),
            ("rule", "del", "pref", "0"),
        ):
            run("ip", "-n", space, *words)

    def prefix(self, name: str) -> list[str]:
        """Words before a program, so that it runs there. The process stays the same one."""
        return ["nsenter", f"--net=/run/netns/{self._space[name]}"]

    def inside(self, name: str, work: Callable[[], T]) -> T:
        """Do this in the network of a party, in a thread of its own."""

        def there() -> T:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self._space[name]}") as space:
                if libc.setns(space.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return work()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(there).result()

    def unplug(self, name: str, *, plugged: bool) -> None:
        """Pull the cable of a party, or put it in again."""
        run("ip", "link", "set", f"{self._space[name]}a", "up" if plugged else "down")

    def deafen(self, name: str, to: str, *, deaf: bool) -> None:
        """What `to` sends no longer arrives at `name`, without a word to either; the other way all goes through."""
        rule = ("from", self.address[to], "blackhole") if deaf else ("from", self.address[to])
        run("ip", "-n", self._space[name], "rule", "add" if deaf else "del", "pref", "10", *rule)

    def squeeze(self, name: str, rate: str) -> None:
        """All that a party sends goes through a pipe of this width ("64kbit"); nothing for as wide as it is."""
        act = ("replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "4k", "latency", "2s")
        run("tc", "-n", self._space[name], "qdisc", *(act if rate else ("del", "dev", "eth0", "root")))
