"""`kakine demo` shows what it promises, survives kill -9, and leaves a country that the other commands can visit."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kakine.cli.visiting import program

RESIDENTS = "60"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    def option(self, name: str) -> str:
        """What the story's last lines propose for an option."""
        found = re.search(rf"--{name} (\S+)", self.out)
        assert found
        return found[1]


def kakine(*arguments: str) -> Ran:
    command = [sys.executable, "-m", "kakine", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=480, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def demo(folder: Path, *more: str) -> Ran:
    return kakine("demo", "--residents", RESIDENTS, "--seed", "3", "--dir", str(folder), "--json", *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "one country"


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """One demonstration for all tests that only look."""
    return demo(folder)


@pytest.fixture
def copy(ran: Ran, folder: Path, tmp_path: Path) -> Path:
    """What it left, to change."""
    return shutil.copytree(folder, tmp_path / "a copy")


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def flip(path: Path, table: str, column: str, rowid: str) -> None:
    """Change one bit of byte 20: a set value could be the one that stands there already."""
    with sqlite3.connect(path) as connection:
        found = f"SELECT rowid, {column} FROM {table} WHERE rowid = {rowid}"  # noqa: S608
        row, value = connection.execute(found).fetchone()
        changed = value[:20] + bytes([value[20] ^ 1]) + value[21:]
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row))  # noqa: S608
    connection.close()


def receipts(folder: Path) -> set[tuple[bytes, ...]]:
    """Every receipt that any gateway or the registry keeps, read in a copy: opening a store tidies it up."""
    kept: set[tuple[bytes, ...]] = set()
    seen = shutil.copytree(folder, folder.with_name(f"{folder.name}-seen"), dirs_exist_ok=True)
    for path in seen.glob("*.sqlite"):
        connection = sqlite3.connect(path)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'receipt'").fetchone():
            rows = connection.execute("SELECT request, filed, entries, tags FROM receipt")
            kept |= {tuple(row) for row in rows}
        connection.close()
    return kept


def test_a_demonstration_keeps_every_promise_and_says_so_in_one_line(ran: Ran) -> None:
    """All fields, each with the value that a whole country gives."""
    told = ran.told
    assert ran.code == 0, ran.err
    assert told["residents"] == 60
    assert told["numbers_unique"] is True
    assert told["exchanges"] == sum(told["answers"].values()) > 60
    assert 30 < told["delivered"] <= told["exchanges"]
    assert (told["refused"], told["stopped"]) == (1, 1)
    assert 0 < told["p50_ms"] <= told["p99_ms"]
    assert told["per_second"] > 0
    assert told["history"]["complete"] is True
    assert told["history"]["entries"] == told["history"]["verified"] > 20
    assert told["history"]["witnessed"] == told["history"]["verified"] - 1  # this very reading came after
    assert told["ledger"]["witnesses"] == 8
    assert told["ledger"]["size"] > 2 * told["exchanges"]
    assert len(bytes.fromhex(told["ledger"]["root"])) == 32
    assert told["login"] == {
        "acr": "urn:kakine:acr:card",
        "items": ["name", "name#ja-Kana-JP", "over_18"],
        "portal_kept": 0,
        "issuer_asked": 0,
        "history_rows": 3,
    }
    assert set(told["promises"].values()) == {True}


def test_the_story_tells_what_everybody_learnt_by_a_login(ran: Ran) -> None:
    for said in (
        "■ カードでログイン / Logging in with the card",
        "ここだけの名 / a name that only it has",
        "address: カードだけでは渡さない",
        "birthdate: 本人が外した",
        "what the portal keeps of it: 0 行",
        "what the issuer learnt: 照会 0 件",
        "本人の窓口 portal/login → 横浜市 yokohama/childcare-site",
        "kakine login helper --card",
    ):
        assert said in ran.out, said


def test_the_counter_issues_a_card_to_somebody_of_the_story(copy: Path, tmp_path: Path) -> None:
    """The second of this person, with what is printed on it out of the register."""
    secrets = tmp_path / "secrets.toml"
    pins = ("authentication-pin", "text-pin", "resident-pin")
    lines = [*(f'{name} = "2580"' for name in pins), 'signature-password = "ABC123DE"']
    secrets.write_text("\n".join(lines))
    words = ("--counter-key", str(tmp_path / "my.counter"), "--secrets", str(secrets), "--profile", "interop")
    done = kakine("card", "issue", "--dir", str(copy), str(tmp_path / "my.card"), *words)
    assert done.code == 0, done.err
    assert "口座に結び付けた" in done.out
    assert "有効 active" in kakine("card", "show", str(tmp_path / "my.card")).out


def test_every_kind_of_answer_occurs(ran: Ran) -> None:
    """What a case worker meets in real life, and not only good answers."""
    assert set(ran.told["answers"]) == {
        "delivered",
        "partial",
        "not-known-here",
        "needs-a-human",
        "non-disclosed",
        "stale",
        "expired",
    }


def test_the_story_names_law_refusals_and_proofs(ran: Ran) -> None:
    """A newcomer reads who asked whom under which article, what was refused, and what was verified."""
    for text in ("児童手当法 第2条表106の項", "requester-not-entitled", "suspended", "not-given", "✓"):
        assert text in ran.out
    assert "promise broken" not in ran.out


@pytest.mark.parametrize("proposed", ["history", "ask", "ledger check", "audit"])
def test_a_proposed_command_runs_as_it_is_printed(ran: Ran, folder: Path, copy: Path, proposed: str) -> None:
    """Pasted into a shell that stands where the demonstration ran; only the folder is its copy."""
    (line,) = (line for line in ran.out.splitlines() if f" {proposed} --dir" in line)
    pasted = line.replace(str(folder), str(copy))
    done = subprocess.run(pasted, shell=True, capture_output=True, timeout=480, check=False)  # noqa: S602
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_proposed_command_names_what_a_shell_finds() -> None:
    """The installed name; without one the interpreter, from the current folder where it lies in it."""
    python, here = Path("/project/.venv/bin/python"), Path("/project")
    assert program("/usr/bin/kakine", python, here) == ("kakine",)
    assert program(None, python, here) == (".venv/bin/python", "-m", "kakine")
    assert program(None, python, Path("/elsewhere")) == (str(python), "-m", "kakine")


def test_progress_is_shown_on_stderr_only(ran: Ran) -> None:
    """Long work says how far it is, and the JSON stays clean."""
    assert "entering residents 60/60" in ran.err
    assert "entering residents" not in ran.out


def test_a_finished_demonstration_is_told_again_without_asking_anybody(ran: Ran, copy: Path) -> None:
    """The same figures: nothing was appended but the view of the history that is read for the telling, and what each
    record keeper has to index since the last view."""
    again = demo(copy)
    assert again.code == 0
    told, before = again.told, ran.told
    for name in ("entries", "verified", "witnessed"):
        assert told["history"].pop(name) == before["history"].pop(name) + 1
    assert told["ledger"].pop("size") == before["ledger"].pop("size") + 3
    assert told["ledger"].pop("root") != before["ledger"].pop("root")
    assert told == before


def test_a_folder_with_another_demonstration_is_not_mixed_up(ran: Ran, folder: Path) -> None:
    """Another seed in the same folder is refused with the problem's code."""
    other = kakine("demo", "--residents", RESIDENTS, "--seed", "4", "--dir", str(folder))
    assert other.code == 1
    assert other.err.startswith("demo-differs")


def test_a_broken_promise_makes_the_exit_status_one(copy: Path) -> None:
    """An answer after the number change that differs from the one before it."""
    fields = "json_replace(value, '$.after', 'not-known-here')"
    change(copy / "demo.sqlite", f"UPDATE step SET value = {fields} WHERE name = 'number'")  # noqa: S608
    broken = demo(copy)
    assert broken.code == 1
    assert broken.told["promises"]["number_change"] is False
    assert "promise-broken" in broken.err


def test_an_exchange_missing_in_the_history_is_noticed(copy: Path) -> None:
    """The journal says that it was answered otherwise than the history shows."""
    change(copy / "demo.sqlite", "UPDATE asked SET result = 'partial' WHERE name LIKE 'after-number/%'")
    broken = demo(copy)
    assert broken.code == 1
    assert broken.told["history"]["complete"] is False


def test_a_name_in_the_ledgers_files_is_noticed(ran: Ran, copy: Path) -> None:
    """The search of the stores finds what should not be there."""
    name = re.search(r"■ (.*)さんの児童手当", ran.out)
    assert name
    (copy / "ledger-a.sqlite.notes").write_text(name[1])
    broken = demo(copy)
    assert broken.code == 1
    assert broken.told["promises"]["nothing_in_between"] is False


def test_a_receipt_over_other_entries_is_noticed(copy: Path) -> None:
    """One byte of the entries that a gateway's receipt is about."""
    flip(copy / "yokohama.sqlite", "receipt", "entries", "(SELECT min(rowid) FROM receipt)")
    broken = demo(copy)
    assert broken.code == 1
    assert broken.err.splitlines()[-1].startswith("filing-mismatch")


@pytest.mark.parametrize("stage", ["entering residents 0", "codes and copies 0", "one by one 0"])
def test_a_demonstration_killed_at_any_stage_goes_on_and_every_receipt_verifies(
    tmp_path: Path, stage: str
) -> None:
    """kill -9 while it works; receipts from before are still there afterwards and all are verified."""
    command = [sys.executable, "-m", "kakine", "demo", "--residents", RESIDENTS, "--seed", "3"]
    with subprocess.Popen(
        [*command, "--dir", str(tmp_path), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if stage in line:
                break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.kill()
    before = receipts(tmp_path)
    again = demo(tmp_path)
    assert again.code == 0, again.err
    assert before <= receipts(tmp_path)
    assert again.told["residents"] == 60
    assert again.told["receipts"]["requests"] == len(receipts(tmp_path))


def test_a_question_asked_from_the_command_line_stands_in_the_history(ran: Ran, copy: Path) -> None:
    """The proposed question is answered, and three more rows are proved afterwards: the third is the view itself."""
    row = ("--procedure", "JO106", "--row", "JO106.2", "--provider", ran.option("provider"))
    person = ("--as", ran.option("as"), "--reference", ran.option("reference"))
    asked = kakine("ask", "--dir", str(copy), *person, *row)
    assert (asked.code, asked.out.splitlines()[0]) == (0, "提供した / delivered")
    assert "total_income" in asked.out
    history = kakine("history", "--dir", str(copy))
    rows = ran.told["history"]["entries"] + 3
    assert history.code == 0
    assert f"{rows} rows signed for, {rows} opened, verified" in history.out


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"provider": "pension/records"}, "provider-not-entitled"),
        ({"procedure": "JO81", "row": "JO81.10", "provider": "pension/records"}, "suspended"),
        ({"reference": "1"}, "person-not-known"),
        ({"as": "nowhere/x"}, "domain-not-run"),
        ({"as": "Nowhere"}, "label-malformed"),
        ({"dir": "/nonexistent"}, "country-missing"),
    ],
)
def test_a_question_that_may_not_be_asked_names_its_problem(
    ran: Ran, folder: Path, changed: dict[str, str], problem: str
) -> None:
    """Code first, one line, exit 1, no traceback."""
    options = {name: ran.option(name) for name in ("as", "procedure", "row", "provider", "reference")}
    options |= {"dir": str(folder)} | changed
    asked = kakine("ask", *(f"--{name}={value}" for name, value in options.items()))
    assert asked.code == 1
    assert asked.err.startswith(problem)
    assert len(asked.err.splitlines()) == 1


def test_a_history_is_read_by_account_and_an_unknown_account_has_none(ran: Ran, copy: Path) -> None:
    """The person of the story has the same history with and without naming the account, and one view more."""
    plain = kakine("history", "--dir", str(copy))
    named = kakine("history", "--dir", str(copy), "--person", ran.option("person"))
    assert plain.code == named.code == 0
    *before, _, _, _, _, _, _ = plain.out.splitlines()
    *after, _, public, _, ja, en, sealed = named.out.splitlines()
    assert after[:-2] == before
    assert after[-1].endswith("閲覧 / viewed")
    shown = ran.told["history"]["entries"] + 2
    sure = ran.told["history"]["witnessed"]
    assert public.startswith(f"{sure} of {shown} publicly witnessed")
    assert ja.startswith(f"完全: {sure} 件中 {sure} 件、記録保管者 2 者の公開索引と証人 8 者が確認。")
    assert en.startswith(
        f"complete: {sure} of {sure}, confirmed by 2 record keepers and 8 witnesses; 3 later"
    )
    assert sealed.endswith("sealed for a time in the whole country so far: 0 entries, nobody is told whose.")
    unknown = kakine("history", "--dir", str(copy), "--person", "1")
    assert (unknown.code, unknown.err.split(":")[0]) == (1, "account-unknown")


def test_the_ledger_is_read_and_checked_as_anybody_may(ran: Ran, folder: Path) -> None:
    """The whole log gives the signed root, and one entry is proved under it."""
    size, root = ran.told["ledger"]["size"], ran.told["ledger"]["root"]
    whole = kakine("ledger", "check", "--dir", str(folder))
    assert whole.code == 0
    assert f"{size} entries, root {root}" in whole.out
    entry = kakine("ledger", "proof", str(size // 2), "--dir", str(folder))
    assert entry.code == 0
    assert f"root  {root}" in entry.out
    outside = kakine("ledger", "proof", str(size), "--dir", str(folder))
    assert (outside.code, outside.err.split(":")[0]) == (1, "range-outside")


def test_a_log_in_which_nothing_happens_says_that_it_is_alive(ran: Ran, copy: Path) -> None:
    beaten = kakine("ledger", "beat", "--dir", str(copy))
    assert f"{ran.told['ledger']['size'] + 1} entries" in beaten.out
    whole = kakine("ledger", "check", "--dir", str(copy))
    assert whole.code == 0
    assert "1  heartbeat" in whole.out


def test_a_page_that_was_swapped_is_not_the_published_one(ran: Ran, copy: Path, tmp_path: Path) -> None:
    """Who serves the page that verifies could serve one person another: its digest in the log shows it (U3)."""
    page, where = tmp_path / "index.html", ("--dir", str(copy))
    shutil.copy(ROOT / "verify" / "index.html", page)
    before = kakine("ledger", "published", str(page), *where)
    assert (before.code, before.err.split(":")[0]) == (1, "text-not-published")
    done = kakine("ledger", "publish", str(page), *where)
    assert done.code == 0
    found = kakine("ledger", "published", str(page), *where)
    assert (found.code, found.out) == (0, done.out)
    assert "ledger.kakine.example/2026/a #" in found.out
    page.write_bytes(page.read_bytes().replace(b"selfTest", b"selfTrue", 1))
    swapped = kakine("ledger", "published", str(page), *where)
    assert (swapped.code, swapped.err.split(":")[0]) == (1, "text-not-published")
    policy = kakine("ledger", "published", str(copy / "policy.txt"), *where)
    assert policy.code == 0


def test_a_changed_entry_is_noticed_by_whoever_checks_the_ledger(copy: Path) -> None:
    """One byte of one entry in the ledger's own file."""
    flip(copy / "ledger-a.sqlite", "entry", "bytes", "5")
    checked = kakine("ledger", "check", "--dir", str(copy))
    assert checked.code == 1
    assert checked.err.startswith("ledger-diverged")


def test_the_stop_is_a_version_of_the_gazette(ran: Ran, folder: Path) -> None:
    """The commission's suspension can be read as a difference between two versions of the law."""
    changed = kakine("gazette", "diff", "0", "1", "--dir", str(folder))
    assert changed.code == 0
    assert "JO81.10" in changed.out


def test_the_auditor_checks_what_is_new_and_names_who_is_at_fault(ran: Ran, copy: Path) -> None:
    """A question more is checked; with a byte of its stored vectors changed, the record keeper is named."""
    clean = kakine("audit", "--dir", str(copy), "--samples", "2")
    assert clean.code == 0
    assert clean.out.count("faults: 0") == 6
    asked = ["--as", "--procedure", "--row", "--provider", "--reference"]
    words = [word for name in asked for word in (name, ran.option(name[2:]))]
    assert kakine("ask", "--dir", str(copy), *words).code == 0
    with sqlite3.connect(copy / "mailbox-a.sqlite") as db:
        row, leg = db.execute(
            "SELECT position, legs FROM window_vectors ORDER BY position DESC LIMIT 1"
        ).fetchone()
        changed = bytes([leg[0] ^ 1]) + leg[1:]
        db.execute("UPDATE window_vectors SET legs = ? WHERE position = ?", (changed, row))
    db.close()
    found = kakine("audit", "--dir", str(copy))
    assert found.code == 1
    assert "mailbox-a: vectors" in found.out


def test_what_a_holder_has_on_the_person_is_shown_with_its_age_and_stands_in_the_history(copy: Path) -> None:
    listed = kakine("data", "--dir", str(copy))
    assert listed.code == 0
    assert {"tax", "health  要配慮 / sensitive"} <= set(listed.out.splitlines())
    shown = kakine("data", "tax", "--dir", str(copy))
    assert shown.code == 0, shown.err
    assert re.search(r"地方税関係情報.*\n\s+課税年度 / Fiscal year: 20\d\d", shown.out)
    assert "なし / none" in shown.out
    assert "自己情報の閲覧" in kakine("history", "--dir", str(copy)).out
    unknown = kakine("data", "horoscope", "--dir", str(copy))
    assert (unknown.code, unknown.err.partition(":")[0]) == (1, "area-unknown")
