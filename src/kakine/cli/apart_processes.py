"""The processes of a country that runs apart: started, waited for, ended. Only those that were started here are ended:
a process is known by its number and by when it began, so that a number that was given again means nobody else's end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.cli.apart_making import OPERATOR, SETTINGS
from kakine.crypto import files
from kakine.institutions.postgres import Cluster
from kakine.values.problems import CountryMissing, PartyUnavailable

WAIT_S, STOP_S, ANSWER_S = 600, 30, 20
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Of this very process; those of another are asked about by their numbers alone."""


class Started(msgspec.Struct, frozen=True):
    """A process by its number and its start, as the system tells it."""

    pid: int
    began: str


class About(msgspec.Struct, frozen=True):
    """What the operator's own file says. A port for the parties and one for the operator by party; that of the pages
    for residents, and those of each desk by domain and of the console (`apart_sites`); how many residents were made up;
    the folder of the stores' server, or nothing; questions that agencies have reason to ask
    (`apart_smoke`)."""

    ports: dict[str, tuple[int, int]]
    pages: int
    witnesses: list[str]
    questions: list[dict[str, object]]
    server: str = ""
    sites: dict[str, int] = {}
    residents: int = 0


def about(folder: Path) -> About:
    """Raises `CountryMissing`."""
    path = folder / OPERATOR / "country.json"
    if not path.is_file():
        raise CountryMissing()
    return msgspec.json.decode(path.read_bytes(), type=About)


def began(pid: int) -> str:
    """When a process began, in the system's own words; nothing if there is none. A dead child that nobody has asked
    about yet is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
    told = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


@dataclass(frozen=True)
class Processes:
    """Of one country in a folder. `before` gives words that stand before the program of a party: what starts it in a
    network of its own, say, and becomes the same process."""

    folder: Path
    before: Callable[[str], Sequence[str]] = lambda _: ()

    def running(self) -> Mapping[str, Started]:
        """Those that were started here and live, by party."""
        found = {}
        for path in sorted(self._run.glob("*.json")):
            one = msgspec.json.decode(path.read_bytes(), type=Started)
            if began(one.pid) == one.began:
                found[path.stem] = one
        return found

    @property
    def _run(self) -> Path:
        return self.folder / OPERATOR / "run"

    def log(self, name: str) -> Path:
        """Where a party's events go."""
        return self.folder / OPERATOR / "logs" / f"{name}.jsonl"

    @property
    def server(self) -> Cluster | None:
        """The server of the stores, where they are in one. Raises `CountryMissing`."""
        room = about(self.folder).server
        return Cluster(Path(room)) if room else None

    def up(self, names: Sequence[str]) -> None:
        """Start those that do not run, the server of their stores first. Raises `ServerMissing`, `ServerFailed`."""
        if (server := self.server) is not None:
            server.start()
        told, already = about(self.folder), self.running()
        for name in names:
            if name not in already:
                self.start(name, witness=name in told.witnesses)

    def start(self, name: str, *, witness: bool = False) -> Started:
        """One process, in a session of its own, with nothing of this one's but the path."""
        self._run.mkdir(exist_ok=True)
        self.log(name).parent.mkdir(exist_ok=True)
        own = self.folder / (f"witness-{name}" if witness else name)
        words = ["witness", SETTINGS] if witness else ["party", "--config", SETTINGS]
        kept = {
            each: os.environ[each] for each in ("PATH", "LANG", "TMPDIR", "PYTHONPATH") if each in os.environ
        }
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [*self.before(name), sys.executable, "-m", "kakine", "serve", *words],
                cwd=own,
                env={**kept, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _CHILDREN[process.pid] = process
        one = Started(process.pid, began(process.pid))
        path = self._run / f"{name}.json"
        files.replace(path, msgspec.json.encode(one))
        return one

    def wait(self, names: Sequence[str], seconds: float = WAIT_S) -> None:
        """Until all are ready. Raises `PartyUnavailable` with the party that is not, or has ended."""
        told, until = about(self.folder), time.monotonic() + seconds
        for name in names:
            if name in told.witnesses:
                continue
            while not ready(told.ports[name][1]):
                if name not in self.running() or time.monotonic() > until:
                    raise PartyUnavailable(party=name, log=self.log(name).name)
                time.sleep(0.1)

    def down(self) -> list[str]:
        """Tell all to stop, and end those that do not, then the server of their stores; the names of those that
        ran. Raises `CountryMissing`."""
        server, ran = self.server, self.running()
        for one in ran.values():
            self._tell(one, signal.SIGTERM)
        for name in ran:
            self.end(name)
        for left in self._run.glob("*.json"):
            left.unlink()
        for pid in [pid for pid, child in _CHILDREN.items() if child.poll() is not None]:
            _reap(pid)
        if server is not None:
            server.stop()
        return list(ran)

    def end(self, name: str) -> None:
        """Tell one to stop, after the calls under way; a process that does not is ended."""
        one = self.running().get(name)
        if one is None:
            return
        self._tell(one, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        while began(one.pid) == one.began and time.monotonic() < until:
            time.sleep(0.05)
        self._tell(one, signal.SIGKILL)
        _reap(one.pid)
        (self._run / f"{name}.json").unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """End one at once, as a machine that fails does."""
        one = self.running()[name]
        self._tell(one, signal.SIGKILL)
        while began(one.pid) == one.began:
            time.sleep(0.01)
        _reap(one.pid)

    def _tell(self, one: Started, what: signal.Signals) -> None:
        if began(one.pid) == one.began:
            os.kill(one.pid, what)


def _reap(pid: int) -> None:
    """A child of this very process leaves nothing behind."""
    child = _CHILDREN.pop(pid, None)
    if child is not None:
        child.wait()


def ready(admin: int) -> bool:
    """Whether a process says that it takes calls."""
    return asked(admin, "/ready") == "ready\n"


def asked(admin: int, path: str) -> str:
    """What a process answers its operator; nothing if it does not, or says that something is not well."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{admin}{path}", timeout=ANSWER_S) as answer:
            return str(answer.read().decode())
    except (OSError, http.client.HTTPException):
        return ""


def tail(path: Path, lines: int = 5) -> list[str]:
    """The last lines of a party's events."""
    return path.read_text().splitlines()[-lines:] if path.is_file() else []


def told(line: str) -> dict[str, object]:
    """One event."""
    found: dict[str, object] = json.loads(line)
    return found
