"""`kakine ask --file` against a gateway in a process of its own: whoever is killed in the middle, the same command ends
the job, and each person has one entry."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apart_country import ASKING, LASTING_S, running, until
from exchange_state import OUTCOME, REQUEST, log
from kakine.cli.apart_processes import Processes
from kakine.cli.apart_smoke import questions
from kakine.country import LOGS
from kakine.parties.gateway.bulk.jobs import TOGETHER

WHAT = (
    "--as",
    f"{ASKING}/children",
    "--provider",
    f"{ASKING}/residents",
    "--procedure",
    "JO106",
    "--row",
    "JO106.3",
)
PROCESS = {"gateway": ASKING, "converter": "converter-2"}


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with running(tmp_path_factory.mktemp("apart") / "country", 800) as made:
        yield made


def people(folder: Path) -> list[str]:
    """Whom the children's desk knows, by its own references."""
    known = {each.reference.decode() for each in questions(folder, ASKING) if each.domain == WHAT[1]}
    assert len(known) > 2 * TOGETHER  # a third request begins when one of two has ended
    return sorted(known)


def asking(folder: Path, file: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kakine", "ask", "--dir", str(folder), *WHAT, "--plain"]
    return subprocess.Popen(
        [*command, "--file", str(file), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def counts(folder: Path) -> tuple[int, int]:
    """Questions and answers in both logs."""
    found = [entry[1] for each in LOGS for entry in log(folder / each.ledger, each.ledger)]
    return found.count(REQUEST), found.count(OUTCOME)


def ended(processes: Processes, file: Path, out: Path, killed: str) -> tuple[subprocess.Popen[str], bool]:
    """The command that ends the job, and whether somebody was killed before it was over."""
    folder = processes.folder
    before, one = counts(folder)[0], asking(folder, file, out)
    until(lambda: counts(folder)[0] > before or one.poll() is not None)
    if killed in PROCESS:
        processes.kill(PROCESS[killed])
        middle = not out.exists()
        processes.start(PROCESS[killed])
        return one, middle
    one.kill()
    one.communicate(timeout=LASTING_S)
    middle = not out.exists()
    return asking(folder, file, out), middle


@pytest.mark.parametrize("killed", [*PROCESS, "asking system"])
def test_whoever_is_killed_in_the_middle_each_person_has_one_entry(
    processes: Processes, tmp_path: Path, killed: str
) -> None:
    folder, everybody = processes.folder, people(processes.folder)
    for attempt in range(8):  # where the job is over by then, another
        file, out = tmp_path / f"people-{attempt}.csv", tmp_path / f"answers-{attempt}.csv"
        file.write_text(
            "reference,case\n" + "".join(f"{each},{killed}-{attempt}-{each}\n" for each in everybody)
        )
        before = counts(folder)
        one, middle = ended(processes, file, out, killed)
        told, said = one.communicate(timeout=LASTING_S)
        processes.wait([ASKING, "converter-2"])
        if middle:
            break
    else:
        pytest.fail("each job was over before anybody was killed")
    assert one.returncode == 0, said
    assert f"{len(everybody)}  →" in told
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["reference"] for row in rows] == everybody
    assert {row["result"] for row in rows} <= {"delivered", "not-known-here"}, rows
    assert out.stat().st_mode & 0o077 == 0
    assert counts(folder) == (before[0] + len(everybody), before[1] + len(everybody))

    again = asking(folder, file, out)
    _, said = again.communicate(timeout=LASTING_S)
    assert (again.returncode, "job-over" in said) == (1, True)


def test_one_person_is_asked_about_by_the_same_command(processes: Processes) -> None:
    command = [sys.executable, "-m", "kakine", "ask", "--dir", str(processes.folder), *WHAT]
    done = subprocess.run(
        [*command, "--reference", people(processes.folder)[0]], capture_output=True, text=True, check=True
    )
    assert "提供した / delivered" in done.stdout
