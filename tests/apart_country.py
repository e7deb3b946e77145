"""A country in processes of its own: most of its parties, and what one agency asks."""

from __future__ import annotations

import asyncio
import fcntl
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from kakine.cli.apart_making import make
from kakine.cli.apart_processes import WAIT_S, Processes, about, asked
from kakine.cli.apart_server import Engine
from kakine.cli.apart_smoke import questions
from kakine.contracts.agency import Asking

T = TypeVar("T")

ASKING = "yokohama"
NAMES = (
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", "portal", ASKING,
)  # fmt: skip
LASTING_S = WAIT_S
"""What a process has not done by then it does not do."""


@contextmanager
def running(
    folder: Path,
    residents: int = 30,
    names: Sequence[str] = NAMES,
    engine: Engine = Engine.SQLITE,
    replicas: int = 1,
    waiting_days: int | None = None,
) -> Iterator[Processes]:
    """Founded in an empty folder; all are ready, and are ended on the way out."""
    made = Processes(folder)
    with ExitStack() as left:
        with _alone():
            asyncio.run(make(folder, residents, 0, engine, replicas, waiting_days))
            left.callback(made.down)
            made.up(names)
            made.wait(names)
        yield made


@contextmanager
def _alone() -> Iterator[None]:
    """One country at a time draws its ports and listens at them: until it does, another would draw the same."""
    with (Path(tempfile.gettempdir()) / "kakine-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def until(found: Callable[[], T]) -> T:
    """What is found, once it is something."""
    end = time.monotonic() + LASTING_S
    while not (here := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return here


def figures(processes: Processes, name: str) -> str:
    """What a process tells its operator, once it answers."""
    admin = about(processes.folder).ports[name][1]
    return until(lambda: asked(admin, "/metrics"))


def own_questions(folder: Path, who: str = "") -> list[Asking]:
    """Those whose answer the asking agency has itself; about one person alone."""
    return [each for each in questions(folder, ASKING, who) if each.provider.startswith(f"{ASKING}/")]
