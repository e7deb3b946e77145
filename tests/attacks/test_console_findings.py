"""What monitors bring to the commission: a real fork and a hidden entry are seen.

A folder that lies, that is broken or that names somebody does no harm and says nothing of a person.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from console_land import People
from kakine.cli.root import app
from kakine.clients.monitor import evidence
from kakine.clients.monitor.findings import Code, Evidence, Finding
from kakine.clients.monitor.levels import Level
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.country import LEDGER, ORIGIN
from kakine.crypto.signing import SigningKey
from kakine.wire import checkpoint as notes
from watched_land import ledger_key, mailbox_sql
from watching import START, Shown, Watcher, entry, judged
from web.kit import Plain, text_of

from land import Land

SITE = "http://localhost:8483"
PERSON = "渡邉　花子"
NUMBER = "123456789012"
HARMLESS = [Finding(Code.ERASURE_HIDDEN, {"number": 1}, Evidence(), ORIGIN)]


@dataclass
class Supervised:
    """The room of the commission in which findings are, before an officer."""

    land: Land
    findings: Path

    def room(self, prefix: str = "") -> str:
        """The whole page."""
        people = People.of(self.land)
        plain = Plain(self.land.country.console_site(SITE), SITE, self.land.run)
        plain.get("/")
        plain.send("/enter", code=people.code(people.officer))
        self.land.run(self.land.country.commission.count())
        answer = plain.get(f"{prefix}/supervision")
        assert answer.status == 200, answer.text
        return answer.text


@pytest.fixture
def supervised(land: Land) -> Supervised:
    for j in range(2):
        land.run(land.ask(j))
    findings = land.folder / "findings"
    findings.mkdir()
    return Supervised(land, findings)


def forked_head(land: Land) -> bytes:
    """Of the size that the log has, with another root, under the log's own key: what only a log that lies can make."""
    given = land.run(land.country.peers("portal").ask(LEDGER, CHECKPOINT, Nothing()))
    public = ledger_key(land)
    (signer,) = [each.signing for each in land.country.identities.values() if each.signing.public == public]
    assert isinstance(signer, SigningKey)
    size = notes.open(given.checkpoint, ORIGIN, public).size
    return notes.make(ORIGIN, size, b"\x01" * 32, signer)


def watched(land: Land, *more: object) -> None:
    """`kakine monitor` over the folder of the country."""
    out = land.folder / "findings" / "neighbour"
    command = [
        "monitor",
        "--dir",
        land.folder,
        "--once",
        "--state",
        land.folder.parent / "state",
        "--evidence",
        out,
    ]
    done = CliRunner().invoke(app, [str(each) for each in (*command, *more)])
    assert done.exit_code == 1, done.output


def test_a_fork_that_a_monitor_was_shown_stands_in_supervision_as_proven(
    supervised: Supervised, tmp_path: Path
) -> None:
    land = supervised.land
    (tmp_path / "head").write_bytes(forked_head(land))
    land.close()
    watched(land, "--head", tmp_path / "head")
    again = Land(land.folder, land.clock)
    try:
        page = text_of(Supervised(again, supervised.findings).room())
        assert "head-forked" in page
        assert "台帳の署名で証明された" in page
        assert "台帳が二つに分かれている" in page
        english = text_of(Supervised(again, supervised.findings).room("/en"))
        assert "the log has forked" in english
    finally:
        again.close()


def test_an_entry_that_a_record_keeper_hides_stands_in_supervision_with_the_key_to_compare(
    supervised: Supervised,
) -> None:
    land = supervised.land
    mailbox_sql(land, "DELETE FROM row WHERE rowid = (SELECT max(rowid) FROM row)")
    land.close()
    watched(land)
    again = Land(land.folder, land.clock)
    try:
        page = text_of(Supervised(again, supervised.findings).room())
        assert "keeper-lacks-" in page
        assert "署名された言葉" in page
        key = again.country.identities["mailbox-a"].signing.public  # type: ignore[index]
        assert bytes(key).hex() in page
    finally:
        again.close()


# --- folders that are not what they should be


def manifest(folder: Path, **changed: object) -> None:
    """A folder with one harmless finding, its manifest changed."""
    evidence.write(folder, HARMLESS)
    told = json.loads((folder / "manifest.json").read_text())
    told["findings"][0] |= changed.pop("finding", {})
    (folder / "manifest.json").write_text(json.dumps(told | changed))


def test_a_broken_or_hostile_folder_is_named_with_its_code_and_the_rest_of_the_room_stays(
    supervised: Supervised, tmp_path: Path
) -> None:
    at = supervised.findings
    evidence.write(at / "good", HARMLESS)
    (at / "empty").mkdir()
    manifest(at / "cut")
    cut = (at / "cut" / "manifest.json").read_bytes()
    (at / "cut" / "manifest.json").write_bytes(cut[: len(cut) // 2])
    manifest(at / "format", format="kakine-evidence-v9")
    manifest(at / "outside", finding={"notes": ["../../../portal.sqlite"]})
    manifest(at / "long", finding={"notes": ["n" * 5000]})
    manifest(at / "elsewhere", finding={"log": "other.example/2026/a"})
    manifest(at / "more", further="field")
    manifest(at / "fifo", finding={"notes": ["pipe"]})
    os.mkfifo(at / "fifo" / "pipe")
    manifest(at / "heavy", finding={"notes": ["big"] * 9})
    (at / "heavy" / "big").write_bytes(bytes(1 << 20))
    evidence.write(tmp_path / "away", HARMLESS)
    (at / "link").symlink_to(tmp_path / "away")
    (at / "plain-file").write_bytes(b"no folder")
    page = text_of(supervised.room())
    for name in ("empty", "cut", "format", "outside", "long", "more", "fifo", "heavy", "link"):
        assert f"{name} 読めない証拠 evidence-malformed" in page, name
    assert "elsewhere 読めない証拠 log-not-in-policy" in page
    assert "good erasure-hidden" in page
    assert "変換機関ごとに違う件数" in page


@pytest.mark.parametrize("fact", ["minutes", "allowed"])
def test_a_fact_that_is_no_number_makes_evidence_broken_and_not_the_room(tmp_path: Path, fact: str) -> None:
    """Receipts are public, so anybody can write a finding over true ones whose facts are texts."""
    shown = Shown([entry(0, START + 30), entry(1, START)])
    (found,) = Watcher(tmp_path, now_minutes=START + 60).look(shown, evidence=True).findings
    assert judged(tmp_path / "true", [found])[0][:2] == (Code.TIME_WENT_BACK, Level.PROVEN)
    lying = msgspec.structs.replace(found, facts=found.facts | {fact: PERSON})
    assert judged(tmp_path / "lying", [lying]) == [(Code.TIME_WENT_BACK, Level.BROKEN, fact)]


def test_no_text_or_long_number_of_a_folder_reaches_the_page(supervised: Supervised) -> None:
    """A monitor is anybody: a folder, a fact or a part may name somebody."""
    at = supervised.findings
    facts: dict[str, int | str] = {"party": PERSON, "problem": PERSON, "part": NUMBER, "number": int(NUMBER)}
    told = [Finding(code, facts | {"who": PERSON, "size": int(NUMBER)}, Evidence(), "") for code in Code]
    evidence.write(
        at / "all", [msgspec.structs.replace(each, log=log) for each in told for log in ("", ORIGIN)]
    )
    evidence.write(at / PERSON, HARMLESS)
    evidence.write(at / "<script>alert(1)<.script>", HARMLESS)
    (at / os.fsdecode(b"\xff\xfe-not-utf-8")).mkdir()
    for prefix in ("", "/easy", "/en"):
        page = supervised.room(prefix)
        assert PERSON not in page
        assert NUMBER not in page
        assert "alert(1)" not in page
    assert "party-refused" in supervised.room()
