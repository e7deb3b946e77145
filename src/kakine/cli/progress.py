"""How far a long piece of work is, on stderr: bars on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_EVERY_S = 2.0


class Work:
    """One piece of work of `total` parts."""

    def __init__(self, name: str, total: int) -> None:
        self.name = name
        self.total = total
        self.count = 0

    def advance(self, parts: int) -> None:
        """So many more are done."""
        self.count += parts


class Lines(Work):
    """Plain lines: one at the start, one every two seconds, one at the end."""

    def __init__(self, name: str, total: int) -> None:
        super().__init__(name, total)
        self._said = time.monotonic()
        self._say()

    def advance(self, parts: int) -> None:
        """So many more are done."""
        super().advance(parts)
        if self.count >= self.total or time.monotonic() - self._said >= _EVERY_S:
            self._said = time.monotonic()
            self._say()

    def _say(self) -> None:
        print(f"{self.name} {self.count}/{self.total}", file=sys.stderr, flush=True)


class _Bar(Work):
    def __init__(self, name: str, total: int, progress: Progress) -> None:
        super().__init__(name, total)
        self._progress = progress
        self._task = progress.add_task(name, total=total)

    def advance(self, parts: int) -> None:
        super().advance(parts)
        self._progress.update(self._task, completed=self.count)


@contextmanager
def work(name: str, total: int, plain: bool) -> Iterator[Work]:
    """Show one piece of work while it lasts; `plain` asks for lines even on a terminal."""
    if plain or not sys.stderr.isatty():
        yield Lines(name, total)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(name, total, progress)
