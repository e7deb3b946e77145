"""What the processes of a country cost: processor time and memory by party, from /proc. Part of bench/country.py."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from kakine.cli.apart_processes import Processes, about

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Used:
    """Seconds of processor time: the event loop's own thread in the program and in the kernel, the writer threads of
    stores, PostgreSQL's backends of this party."""

    loop: float = 0
    kernel: float = 0
    writer: float = 0
    backend: float = 0

    @property
    def whole(self) -> float:
        """All of it."""
        return self.loop + self.kernel + self.writer + self.backend

    def __add__(self, other: Used) -> Used:
        return Used(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Used)))

    def __sub__(self, other: Used) -> Used:
        return Used(*(getattr(self, each.name) - getattr(other, each.name) for each in fields(Used)))

    def per(self, count: int) -> Used:
        """Milliseconds each of so many."""
        return Used(*(1000 * getattr(self, each.name) / count for each in fields(Used)))


def _times(stat: str) -> tuple[float, float]:
    after = stat.rpartition(")")[2].split()
    return int(after[11]) / _TICK, int(after[12]) / _TICK


def of_process(pid: int) -> Used:
    """Of a party's process: its first thread is the event loop, the others are writers, those that have ended too."""
    of = Path(f"/proc/{pid}")
    program, system = _times((of / "stat").read_text())
    loop, kernel = _times((of / "task" / str(pid) / "stat").read_text())
    return Used(loop, kernel, max(program + system - loop - kernel, 0.0))


def backends(postmaster: int) -> dict[str, list[int]]:
    """Processes of a PostgreSQL server by the database they serve; those that serve none under no name."""
    found = defaultdict(list)
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            words = (each / "cmdline").read_bytes().rstrip(b"\0 ").decode(errors="replace").split()
        except OSError:
            continue  # it has just ended
        if parent == postmaster and words:
            # "postgres: role database [local] idle", or "postgres: checkpointer"
            found[words[2] if len(words) > 3 and words[3].startswith("[") else ""].append(int(each.name))
    return dict(found)


def used(folder: Path, postmaster: int | None) -> dict[str, Used]:
    """Seconds so far, by party and witness; `postgresql` is the server's own work that is nobody's in particular."""
    found = {name: of_process(one.pid) for name, one in Processes(folder).running().items()}
    for name, pids in backends(postmaster).items() if postmaster else ():
        work = Used(backend=sum(of_process(pid).whole for pid in pids))
        party = name if name in found else "postgresql"
        found[party] = found.get(party, Used()) + work
    return found


def memory_mb(folder: Path) -> dict[str, float]:
    """Resident, by party and witness."""
    return {
        name: int(Path(f"/proc/{one.pid}/statm").read_text().split()[1]) * _PAGE / 1e6
        for name, one in Processes(folder).running().items()
    }


def sort_of(name: str, askers: set[str]) -> str:
    """Under which heading a process is counted; a party's second process has a number behind its name."""
    name = name.partition(".")[0]
    if name.startswith(("converter", "mailbox")):
        return "the converters" if name.startswith("c") else "the record keepers"
    if name.startswith("ledger"):
        return "the ledgers' signers" if name.endswith("signer") else "the ledgers"
    return "the agencies' gateways" if name in askers else "the others"


def gateways(folder: Path) -> set[str]:
    """Agencies that ask or are asked."""
    told = about(folder).questions
    return {str(each[end]).split("/")[0] for each in told for end in ("domain", "provider")}


def by_sort(before: Mapping[str, Used], after: Mapping[str, Used], askers: set[str]) -> dict[str, Used]:
    """What each sort of party has used in between."""
    found: dict[str, Used] = defaultdict(Used)
    for name, each in after.items():
        found[sort_of(name, askers)] += each - before.get(name, Used())
    return dict(found)
