"""What a resident and an agency carry away from a running country verifies where there is no country."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from e2e.test_witness_process import serving, stopped
from kakine.cli.ledger_witness import witness
from kakine.cli.receipts import export_history, receipt
from kakine.cli.verify import verify
from kakine.country import LOGS
from kakine.crypto.sealing import OpenKey
from kakine.protocols.history import KeptList, Keys, SealedRow, open_history
from kakine.protocols.logs import log_keys
from kakine.protocols.verification import verify as verdict_of

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
    keys = Keys(keepers, log_keys(law, LOGS))
    opened = open_history(sealed.request, lists, sealed.shares, session, keys)
    rows = lists[0].rows[::-1]  # they may come in another order than they are read in
    assert export_history(rows, opened.rows, keys.logs, out) == len(rows)


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


PUBLIC = "Publicly witnessed:"
PRIVATE = "Not publicly witnessed:"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """(folder of a country whose witnesses have signed, number of the first entry that came after)."""
    folder = tmp_path_factory.mktemp("seen") / "land"
    with Land.founded(folder, people=1, domains=(CHILDREN, TAX)) as land:
        size = land.run(land.country.have_witnessed())[0].size
        land.run(land.ask(0))
    return folder, size


def test_a_receipt_under_a_witnessed_head_says_so_with_every_witness_that_its_policy_needs(
    seen: tuple[Path, int], tmp_path: Path
) -> None:
    folder, size = seen
    written = run(receipt, 0, size - 1, "--dir", folder, "--out", tmp_path)
    assert "publicly witnessed" in written.stdout
    assert (tmp_path / "policy.txt").read_bytes() == (folder / "policy.txt").read_bytes()
    for path in receipts_in(tmp_path):
        told = run(verify, path)
        assert (told.exit_code, PUBLIC in told.stdout, PRIVATE in told.stdout) == (0, True, False)
        assert len(json.loads(run(verify, path, "--json").stdout)["shown"]["witnesses"]) == 6


def test_no_byte_of_a_receipt_that_a_country_gave_out_can_be_changed(
    seen: tuple[Path, int], tmp_path: Path
) -> None:
    """T1: also none of a witness's name: no line stands there that could be missing. Under both kinds of policy."""
    folder, size = seen
    run(receipt, 0, "--dir", folder, "--out", tmp_path / "public")
    run(receipt, 0, size, "--dir", folder, "--out", tmp_path / "newer")
    for out in (tmp_path / "public", tmp_path / "newer"):
        policy, whole = (out / "policy.txt").read_bytes(), (out / "0.tlog-proof").read_bytes()
        assert verdict_of(policy, whole).good
        changed = (
            whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :] for at in range(len(whole))
        )
        assert [at for at, each in enumerate(changed) if verdict_of(policy, each).good] == []


def test_a_receipt_of_an_entry_that_came_later_does_not_call_itself_witnessed(
    seen: tuple[Path, int], tmp_path: Path
) -> None:
    """It verifies under the ledger's key; under the country's policy it lacks its quorum."""
    folder, size = seen
    written = run(receipt, size, "--dir", folder, "--out", tmp_path)
    assert "not all publicly witnessed yet" in written.stdout
    (path,) = receipts_in(tmp_path)
    told = run(verify, path)
    assert (told.exit_code, PUBLIC in told.stdout, PRIVATE in told.stdout) == (0, False, True)
    under = run(verify, path, "--policy", folder / "policy.txt")
    assert (under.exit_code, "quorum-missing" in under.stdout, PUBLIC in under.stdout) == (1, True, False)


def test_one_signature_line_less_than_the_quorum_is_not_publicly_witnessed(
    seen: tuple[Path, int], tmp_path: Path
) -> None:
    """S10 on a file: whoever takes a needed line out gets no such sentence."""
    folder, _ = seen
    run(receipt, 0, "--dir", folder, "--out", tmp_path)
    (path,) = receipts_in(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "converter-1." not in line))
    told = run(verify, path)
    assert (told.exit_code, PUBLIC in told.stdout) == (1, False)


def test_a_witness_outside_is_shown_the_head_and_its_answer_checked(
    seen: tuple[Path, int], tmp_path: Path
) -> None:
    """`kakine ledger witness --at`, with nobody there, and then with the witness of `kakine serve witness`."""
    with Land(seen[0]) as land:
        logs = [
            line.split()[1] for line in land.country.policy.decode().splitlines() if line.startswith("log ")
        ]
    settings = tmp_path / "witness.toml"
    settings.write_text(
        f'name = "w.example/1"\nlogs = {json.dumps(logs)}\ndatabase = "w.sqlite"\nseed = "w.seed"\nport = 0\n'
    )
    with serving(settings) as (process, vkey, address):
        asked = ("--dir", seen[0], "--at", address, "--key", vkey)
        signed = run(witness, *asked)
        assert (signed.exit_code, "✓ w.example/1" in signed.stdout) == (0, True)
        stopped(process)
        away = run(witness, *asked)
        assert (away.exit_code, "✗ w.example/1: party-unavailable" in away.stdout) == (1, True)


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
