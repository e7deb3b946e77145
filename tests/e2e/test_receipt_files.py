"""What a resident and an agency carry away from a running country verifies where there is no country."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from kakine.cli.receipts import export_history, receipt
from kakine.cli.verify import verify
from kakine.country import ORIGIN
from kakine.crypto.sealing import OpenKey
from kakine.protocols.history import KeptList, Keys, SealedRow, open_history

from land import CHILDREN, LOGIN, TAX, Land, ref


def run(command: object, *arguments: object) -> Result:
    """A command of its own, as the shell would start it."""
    app = typer.Typer()
    app.command()(command)  # type: ignore[arg-type]
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(folder of a country that has stopped, folder with the exported history of a person somebody asked about)."""
    folder = tmp_path_factory.mktemp("country") / "land"
    out = tmp_path_factory.mktemp("carried") / "mine"
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.ask(0))
        export(land, out)
    return folder, out


def export(land: Land, out: Path) -> None:
    """Read the history of person 0 as `kakine history` does, and write it down."""
    session = OpenKey(land.entropy(32))
    sealed = land.run(land.country.portal.read_history(ref(0), session.public))
    law = land.country.book("portal").in_force(land.clock())
    lists = [
        KeptList(
            each.statement,
            each.signature,
            [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in each.rows],
        )
        for each in sealed.histories
    ]
    keepers = {str(name): law.signing_key(name) for name in law.keeper_parties}
    keys = Keys(keepers, law.signing_key("ledger"), ORIGIN)
    opened = open_history(sealed.request, lists, sealed.shares, session, keys)
    rows = lists[0].rows[::-1]  # they may come in another order than they are read in
    assert export_history(rows, opened.rows, law.signing_key("ledger"), out) == len(rows)


def receipts_in(out: Path) -> list[Path]:
    return sorted(out.glob("*.tlog-proof"))


def test_every_row_of_an_exported_history_verifies_with_its_record(carried: tuple[Path, Path]) -> None:
    """Receipt, record and envelope; requests and outcomes."""
    kinds = set()
    for path in receipts_in(carried[1]):
        done = run(verify, path, "--record", path.with_suffix(".record.json"), "--json")
        verdict = json.loads(done.stdout)
        assert done.exit_code == 0
        assert [step["state"] for step in verdict["steps"] if step["step"] != "witnesses"] == ["held"] * 9
        kinds.add(verdict["shown"]["kind"])
    assert kinds == {"request", "outcome", "viewed"}


def test_the_question_that_was_asked_can_be_read_in_a_file(carried: tuple[Path, Path]) -> None:
    """Who asked whom, under which article, in words a person finds again."""
    told = "".join(
        run(verify, path, "--record", path.with_suffix(".record.json")).stdout
        for path in receipts_in(carried[1])
    )
    assert "ground: JO106" in told
    assert "requester: yokohama/children" in told
    assert "確認できました。" in told
    assert "Verified." in told


def test_the_record_of_another_row_does_not_verify(carried: tuple[Path, Path]) -> None:
    """And the command says so with its exit code."""
    first, second, *_ = receipts_in(carried[1])
    done = run(verify, first, "--record", second.with_suffix(".record.json"))
    assert done.exit_code == 1
    assert "NOT verified" in done.stdout
    assert "opening-mismatch" in done.stdout


def test_a_missing_policy_is_asked_for(carried: tuple[Path, Path], tmp_path: Path) -> None:
    alone = tmp_path / "1.tlog-proof"
    alone.write_bytes(receipts_in(carried[1])[0].read_bytes())
    assert run(verify, alone).exit_code == 2


def test_what_is_carried_away_can_be_read_by_its_owner_alone(carried: tuple[Path, Path]) -> None:
    assert {path.stat().st_mode & 0o777 for path in carried[1].iterdir()} == {0o600}
    assert carried[1].stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_there_open_to_all_is_not_written_into(
    carried: tuple[Path, Path], tmp_path: Path
) -> None:
    """A new file takes its place, so that nobody who holds it open reads on."""
    old = tmp_path / "policy.txt"
    old.write_text("old")
    old.chmod(0o644)
    with old.open() as held:
        assert run(receipt, 0, "--dir", carried[0], "--out", tmp_path).exit_code == 0
        assert held.read() == "old"
    assert old.stat().st_mode & 0o777 == 0o600


def test_receipts_of_chosen_entries_and_of_all_can_be_written(
    carried: tuple[Path, Path], tmp_path: Path
) -> None:
    """Each verifies; the whole log gives one for every number from zero on."""
    some, everything = tmp_path / "some", tmp_path / "all"
    assert run(receipt, 0, 2, "--dir", carried[0], "--out", some).exit_code == 0
    assert {path.name for path in some.iterdir()} == {"0.tlog-proof", "2.tlog-proof", "policy.txt"}
    assert run(receipt, "--all", "--dir", carried[0], "--out", everything).exit_code == 0
    numbers = sorted(int(path.stem) for path in receipts_in(everything))
    assert numbers == list(range(len(numbers)))
    assert {run(verify, path).exit_code for path in receipts_in(everything)} == {0}


@pytest.mark.parametrize("arguments", [(), (0, "--all")])
def test_receipts_of_nothing_or_of_both_are_not_written(
    carried: tuple[Path, Path], tmp_path: Path, arguments: tuple[object, ...]
) -> None:
    done = run(receipt, *arguments, "--dir", carried[0], "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_the_example_of_blacking_out_runs(carried: tuple[Path, Path]) -> None:
    """The Python of docs/howto/verify-a-receipt.md, on the record of a request."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "verify-a-receipt.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    records = [path.read_bytes() for path in carried[1].glob("*.record.json")]
    names = {"record_file": next(data for data in records if b'"request"' in data)}
    exec(compile(block, "verify-a-receipt.md", "exec"), names)  # noqa: S102 - the project's own documentation
    assert names["shown"] != names["record"]
