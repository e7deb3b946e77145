"""docs/operators-guide.md is typed as it stands, from its first line to its last, and answers what it says.

One country apart, in a folder of its own, one bash. What is not typed is marked in the guide by a comment and counted
here; two sections have tests of their own (`ELSEWHERE`).
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from kakine.cli.apart_processes import Processes
from kakine.values.problems import CountryMissing
from outside_tools import require_program
from postgres_server import short_folder

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operators-guide.md"
ELSEWHERE = ("When something is lost", "An agency joins", "Add an agency", "Lose a converter")
NOT_RUN = {"network": 1, "systemd": 3, "docker": 1, "kubernetes": 1, "prometheus": 1}
"""Blocks by the reason that stands above them. Who marks one more has to say so here."""
MOST_S = 300
"""Of one command; a machine that is busy with everything else founds a country in two minutes."""


@dataclass(frozen=True)
class Typed:
    """A command, what the guide shows of its answer, line by line, and its exit status."""

    line: int
    command: str
    shown: Sequence[str]
    status: int


@dataclass(frozen=True)
class Block:
    """Between fences: where, of what language, the reason why it is not run, and its lines."""

    line: int
    language: str
    reason: str
    lines: Sequence[str]


def blocks(text: str) -> Iterator[Block]:
    """All of the guide but those of `ELSEWHERE`."""
    section, reason, lines = "", "", iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif found := re.fullmatch(r"<!-- not run: ([a-z]+) -->", line):
            reason = found[1]
        elif line.startswith("```"):
            inside = []
            for _, each in lines:
                if each == "```":
                    break
                inside.append(each)
            if section not in ELSEWHERE:
                yield Block(number, line.removeprefix("```"), reason, inside)
            reason = ""


def typed(block: Block) -> Iterator[Typed]:
    """The commands of a block in order."""
    command, shown, at = "", list[str](), block.line
    for number, line in enumerate([*block.lines, "$ "], block.line + 1):
        if line.startswith("> ") and not shown:
            command += f"\n{line.removeprefix('> ')}"
        elif line.startswith("$ "):
            if command:
                status = re.fullmatch(r"\[(\d+)\]", shown[-1]) if shown else None
                yield Typed(at, command, shown[:-1] if status else shown, int(status[1]) if status else 0)
            command, shown, at = line.removeprefix("$ "), [], number
        else:
            shown.append(line)


def fits(shown: Sequence[str], said: str) -> bool:
    """`…` alone is any lines or none, and within a line anything."""
    pattern = ""
    for line in shown:
        if line == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(each) for each in line.split("…")) + r" *\n"
    return re.fullmatch(pattern, said) is not None


class Shell:
    """One bash; what it is told stays (folder, variables, functions, processes in the background)."""

    def __init__(self, folder: Path, programs: Path) -> None:
        kept = {
            each: os.environ[each] for each in ("LANG", "TMPDIR", "PYTHONPATH", "HOME") if each in os.environ
        }
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**kept, "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "200"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def type(self, command: str) -> tuple[str, int]:
        """What it answers, and its exit status."""
        assert self._process.stdin is not None
        words = f"{{ {command}\n}} </dev/null\nprintf '\\001%d\\n' $?\n"
        self._process.stdin.write(words.encode())
        self._process.stdin.flush()
        said, until = b"", time.monotonic() + MOST_S
        while not (end := re.search(rb"\x01(\d+)\n$", said)):
            said += self._more(until, command, said)
        return said[: end.start()].decode(), int(end[1])

    def _more(self, until: float, command: str, said: bytes) -> bytes:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            pytest.fail(f"no end within {MOST_S} s: {command}\n{said.decode()}")
        found = os.read(self._process.stdout.fileno(), 1 << 16)
        assert found, f"bash has ended: {command}\n{said.decode()}"
        return found

    def close(self) -> None:
        """With all that it started and has not ended."""
        os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:  # closes the pipes and waits
            pass


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    for each in ("bash", "curl"):
        require_program(each)
    program = tmp_path / "kakine"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kakine "$@"\n')
    program.chmod(0o755)
    with short_folder() as room:
        made = Shell(room, tmp_path)
        try:
            yield made
        finally:
            made.close()
            with suppress(CountryMissing):
                Processes(room / "separate").down()


def test_the_guide_is_typed_as_it_stands_and_answers_what_it_shows(shell: Shell) -> None:
    run = [each for each in blocks(GUIDE.read_text()) if each.language == "console" and not each.reason]
    commands = [each for block in run for each in typed(block)]
    assert len(commands) > 60
    for each in commands:
        said, status = shell.type(each.command)
        told = f"{GUIDE.name}:{each.line}: $ {each.command}\n{said}[{status}]"
        assert status == each.status, told
        assert fits(each.shown, said), told


def test_the_shell_remembers_and_tells_the_exit_status(shell: Shell) -> None:
    assert shell.type("x=1; f() { echo $x; return 3; }") == ("", 0)
    assert shell.type("f") == ("1\n", 3)
    assert shell.type("echo out; echo err >&2; cat") == ("out\nerr\n", 0)


def test_what_is_not_typed_is_marked_and_counted() -> None:
    found = list(blocks(GUIDE.read_text()))
    assert Counter(each.reason for each in found if each.reason) == NOT_RUN
    for each in found:
        # The one picture has no language; nothing else is without a command that is typed or a reason.
        assert each.language == ("sh" if each.reason else "console") or each.lines[0].startswith("  /etc/"), (
            each
        )
        assert each.language != "console" or each.lines[0].startswith("$ "), each
    text = GUIDE.read_text()
    assert not re.search(
        r"^    +\S", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M
    )  # indented code


@pytest.mark.parametrize(
    ("shown", "said", "fit"),
    [
        (["a…"], "abc\n", True),
        (["a…"], "b\n", False),
        (["…", "b"], "x\ny\nb\n", True),
        (["…", "b"], "x\ny\n", False),
        (["a"], "a\nb\n", False),
        ([], "", True),
        ([], "error\n", False),
        (["a.c"], "abc\n", False),
    ],
)
def test_an_answer_fits_what_is_shown_and_nothing_else(shown: list[str], said: str, fit: bool) -> None:
    assert fits(shown, said) is fit
