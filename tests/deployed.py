"""What deploy/ says, run as plain processes: each place's own command, environment, probes and signal.

Paths of the place (`/var/lib/kakine`, `/party`, `/state`) are those of a folder here, hosts are the loopback address,
ports those of the country. NOT run: what the surroundings give and forbid (users, capabilities, networks, read-only
file systems).
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
READY_S = 180
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def unit(name: str) -> RawConfigParser:
    """A unit file; a key that stands there twice has both values, a line each."""

    class Repeated(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    found = RawConfigParser(strict=False, dict_type=Repeated, interpolation=None, comment_prefixes="#")
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / "systemd" / name)
    return found


def image() -> Mapping[str, str]:
    """What the Dockerfile's last stage says: each instruction with the last of its values."""
    stage = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")[-1]
    return dict(re.findall(r"^([A-Z]+) (.*)$", stage, re.MULTILINE))


@dataclass(frozen=True)
class Place:
    """Where a party runs. `names` are paths of the place and the paths that stand for them here, `environment` is all
    that the process has of it, `alive` and `ready` are what the place itself asks, as commands that end with 0."""

    name: str
    names: Mapping[str, str]
    command: Sequence[str]
    environment: Mapping[str, str]
    probes: Sequence[Sequence[str]]
    before: Sequence[Sequence[str]]
    stop: signal.Signals
    grace_s: int
    umask: int = 0o022

    def here(self, text: str) -> str:
        """The same text with the paths that stand for those of the place."""
        for path, instead in self.names.items():
            text = text.replace(path, instead)
        return text

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """A command of the place, to its end."""
        return subprocess.run(
            [self.here(each) for each in words],
            env={**self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=READY_S,
            umask=self.umask,
        )

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """What must run before it has run; then the party."""
        for each in self.before:
            done = self.run(each)
            assert done.returncode == 0, (self.name, done.stdout, done.stderr)
        with log.open("wb") as out:
            return subprocess.Popen(
                [self.here(each) for each in self.command],
                env={**self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                umask=self.umask,
                start_new_session=True,
            )

    def well(self) -> bool:
        """Whether all that the place asks is answered well."""
        return all(self.run(each).returncode == 0 for each in self.probes)


def until(what: Callable[[], bool], who: str) -> None:
    """Waits for it."""
    end = time.monotonic() + READY_S
    while not what():
        assert time.monotonic() < end, who
        time.sleep(0.2)


def asked(url: str) -> Sequence[str]:
    """A GET, for a place that says none."""
    return (sys.executable, "-c", f"import urllib.request as u; u.urlopen('{url}', timeout=5)")


def program(folder: Path) -> Path:
    """`kakine`, and `python`, as an installation has them."""
    folder.mkdir()
    for name, words in (("kakine", "-m kakine "), ("python", "")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        path.chmod(0o755)
    return folder


@dataclass(frozen=True)
class Machine:
    """Puts what a place hands over where the place would have it, below `room`, and says how it starts a party."""

    country: Path
    room: Path
    bin: Path
    ports: Mapping[str, tuple[int, int]]
    given: Mapping[str, tuple[int, int]]
    """By party: the ports of the country, and those that deploy/ gives."""

    def ported(self, name: str) -> Mapping[str, str]:
        """The operator's address of a party, in the words of deploy/."""
        return {f"127.0.0.1:{self.given[name][1]}/": f"127.0.0.1:{self.ports[name][1]}/"}

    def systemd(self, name: str, template: str = "kakine@.service") -> Place:
        """As systemd would from the unit."""
        own = unit(template)["Service"]
        handed = self.room / "credentials" / name
        for each in own.get("LoadCredential", "").splitlines():
            handed.mkdir(parents=True, exist_ok=True)
            target = handed / each.partition(":")[0]
            shutil.copyfile(self.country / "keys" / f"{name}.seed", target)
            target.chmod(0o400)
        witness = "witness" in template
        names = {
            "%i": name,
            "%d": str(handed),
            "/opt/kakine/bin/": f"{self.bin}/",
            "/var/lib/kakine-witness/": f"{self.country}/witness-",
            "/var/lib/kakine": str(self.country),
            "/var/backups/kakine": str(self.room / "backups"),
            "/etc/kakine": str(self.room / "etc"),
        }
        port = self.ports[name][0 if witness else 1]
        probes = () if witness else (asked(f"http://127.0.0.1:{port}/ready"),)
        environment = dict(each.split("=", 1) for each in own.get("Environment", "").split())
        return Place(
            name,
            names,
            own["ExecStart"].split(),
            {"PATH": PATH, "CREDENTIALS_DIRECTORY": str(handed), **environment},
            probes,
            [each.split() for each in own.get("ExecStartPre", "").splitlines()],
            signal.Signals[own.get("KillSignal", "SIGTERM")],
            int(own.get("TimeoutStopSec", "90")),
            int(own["UMask"], 8),
        )

    def _contained(self) -> Mapping[str, str]:
        environment = dict(each.split("=", 1) for each in image()["ENV"].split())
        return {**environment, "PATH": f"{self.bin}:{PATH}"}

    def _entry(self) -> Sequence[str]:
        words: list[str] = yaml.safe_load(image()["ENTRYPOINT"])
        return [str(self.bin / words[0]), *words[1:]]

    def compose(self, name: str, service: str = "") -> Place:
        """As Docker Compose would from its file and the image."""
        told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        one = told["services"][service or name]
        names = {}
        for each in one["volumes"]:
            source = each["source"].replace("${KAKINE_COUNTRY:-../separate}", str(self.country))
            names[f"{each['target']}/"] = f"{source}/"
        names |= self.ported(name)
        check = one.get("healthcheck", {}).get("test", ["CMD"])
        assert check[0] == "CMD"
        grace = int(one["stop_grace_period"].removesuffix("s"))
        return Place(
            name,
            names,
            [*self._entry(), *one["command"]],
            self._contained(),
            [[str(self.bin / check[1]), *check[2:]]] if check[1:] else [],
            [],
            signal.Signals[image()["STOPSIGNAL"]],
            grace,
        )

    def kubernetes(self, name: str) -> Place:
        """As a kubelet would from the manifest; settings, keys and the store of the founding are handed over."""
        found = yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yaml").read_text())
        (pod,) = (each["spec"]["template"]["spec"] for each in found if each["kind"] == "StatefulSet")
        (settle,), (party,) = pod["initContainers"], pod["containers"]
        own, room = self.country / name, self.room / name
        for each in ("config", "seed", "state", "run"):
            (room / each).mkdir(parents=True)
        for each in ("party.toml", "roots.pem", "policy.txt"):
            shutil.copyfile(own / each, room / "config" / each)
        shutil.copyfile(self.country / "keys" / f"{name}.seed", room / "seed" / "key.seed")
        shutil.copyfile(own / "own.pem", room / "seed" / "own.pem")
        (room / "state" / name).mkdir(mode=0o700)
        for path in own.glob("*.sqlite*"):
            shutil.move(path, room / "state" / name / path.name)
        names = {
            "/run/kakine": str(room / "run"),
            "/config/": f"{room}/config/",
            "/seed/": f"{room}/seed/",
            "/state/": f"{room}/state/",
        }
        settings = room / "config" / "party.toml"
        settings.write_text(settings.read_text().replace("/run/kakine", names["/run/kakine"]))
        probes = [party[each]["exec"]["command"] for each in ("livenessProbe", "readinessProbe")]
        assert {each["command"][0] for each in (settle,)} == {"sh"}
        return Place(
            name,
            names | self.ported(name),
            [*self._entry(), *party["args"]],
            self._contained(),
            [[str(self.bin / words[0]), *words[1:]] for words in probes],
            [settle["command"]],
            signal.Signals[image()["STOPSIGNAL"]],
            pod["terminationGracePeriodSeconds"],
        )
