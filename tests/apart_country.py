"""A country in processes of its own: most of its parties, and what one agency asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kakine.cli.apart_making import make
from kakine.cli.apart_processes import Processes
from kakine.cli.apart_server import Engine
from kakine.cli.apart_smoke import questions
from kakine.contracts.agency import Asking

ASKING = "yokohama"
NAMES = (
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", "portal", ASKING,
)  # fmt: skip


@contextmanager
def running(
    folder: Path,
    residents: int = 30,
    names: Sequence[str] = NAMES,
    engine: Engine = Engine.SQLITE,
    replicas: int = 1,
) -> Iterator[Processes]:
    """Founded in an empty folder; all are ready, and are ended on the way out."""
    asyncio.run(make(folder, residents, 0, engine, replicas=replicas))
    made = Processes(folder)
    try:
        made.up(names)
        made.wait(names)
        yield made
    finally:
        made.down()


def own_questions(folder: Path, who: str = "") -> list[Asking]:
    """Those whose answer the asking agency has itself; about one person alone."""
    return [each for each in questions(folder, ASKING, who) if each.provider.startswith(f"{ASKING}/")]
