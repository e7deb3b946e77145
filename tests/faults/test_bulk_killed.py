"""`kakine ask --file` as a process that is killed, or told to stop, in the middle: the same command ends the job, and
each person has one entry."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exchange_state import OUTCOME, REQUEST, check, entries_of
from kakine.parties.gateway.bulk import jobs

from land import CHILDREN, TAX, TAX_ROW, Land, ref

LASTING = 240
PEOPLE = 2 * jobs.TOGETHER + 40
WHAT = ("--as", CHILDREN, "--provider", TAX, "--procedure", "JO106", "--row", TAX_ROW, "--plain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bulk") / "land"
    Land.founded(place, PEOPLE, (CHILDREN, TAX)).close()
    return place


def asking(folder: Path, file: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kakine", "ask", "--dir", str(folder), *WHAT]
    return subprocess.Popen(
        [*command, "--file", str(file), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def counts(folder: Path) -> tuple[int, int]:
    return entries_of(folder, REQUEST), entries_of(folder, OUTCOME)


def ended(folder: Path, file: Path, out: Path, sent: signal.Signals) -> bool:
    """Whether the signal was there before the job was over; what it left then is looked at."""
    before = counts(folder)
    first = asking(folder, file, out)
    assert first.stderr is not None
    started = next(line for line in first.stderr if line.endswith(f"/{PEOPLE}\n"))
    assert started.split()[-1] == f"0/{PEOPLE}"
    # Told to stop it lets two requests of three come to their end, so it is told before the first has.
    while sent is signal.SIGKILL and counts(folder)[0] == before[0] and first.poll() is None:
        pass
    first.send_signal(sent)
    _, said = first.communicate(timeout=LASTING)
    if first.returncode == 0:
        return False
    if sent is signal.SIGKILL:
        assert first.returncode == -sent
    else:
        assert (first.returncode, "the same command goes on" in said) == (130, True)
    assert not out.exists()
    assert counts(folder)[1] < before[1] + PEOPLE
    return True


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_job_that_was_ended_in_the_middle_is_ended_by_the_same_command(
    folder: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    for attempt in range(8):  # where the signal comes late, another job
        file, out = tmp_path / f"people-{attempt}.csv", tmp_path / f"answers-{attempt}.csv"
        cases = (f"{ref(j).decode()},{sent.name}-{attempt}-{j}\n" for j in range(PEOPLE))
        file.write_text("reference,case\n" + "".join(cases))
        before = counts(folder)
        if ended(folder, file, out, sent):
            break
    else:
        pytest.fail("each job was over before it could be ended")
    again = asking(folder, file, out)
    told, said = again.communicate(timeout=LASTING)
    assert again.returncode == 0, said
    assert f"{PEOPLE}  提供した / delivered" in told
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [(row["reference"], row["result"]) for row in rows] == [
        (ref(j).decode(), "delivered") for j in range(PEOPLE)
    ]
    assert counts(folder) == (before[0] + PEOPLE, before[1] + PEOPLE)
    third = asking(folder, file, out)
    _, said = third.communicate(timeout=LASTING)
    assert (third.returncode, "job-over" in said) == (1, True)
    with Land(folder) as land:
        check(land)
