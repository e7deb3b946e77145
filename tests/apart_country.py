"""A country in processes of its own, on stores that are files: most of its parties, and what one agency asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kakine.cli.apart_making import make
from kakine.cli.apart_processes import Processes
from kakine.cli.apart_smoke import questions
from kakine.contracts.agency import Asking

ASKING = "yokohama"
NAMES = (
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", "portal", ASKING,
)  # fmt: skip


@contextmanager
def running(folder: Path, residents: int = 30) -> Iterator[Processes]:
    """Founded in an empty folder; all are ready, and are ended on the way out."""
    asyncio.run(make(folder, residents, 0))
    made = Processes(folder)
    try:
        made.up(NAMES)
        made.wait(NAMES)
        yield made
    finally:
        made.down()


def own_questions(folder: Path, who: str = "") -> list[Asking]:
    """Those whose answer the asking agency has itself; about one person alone."""
    return [each for each in questions(folder, ASKING, who) if each.provider.startswith(f"{ASKING}/")]
