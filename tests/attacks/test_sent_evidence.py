"""Evidence by one button: what a log has signed reaches the commission and its console, and nothing else can travel
that way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kakine.clients.monitor import evidence as folders
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.proving import check
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.country import COMMISSION, LEDGER, ORIGIN
from kakine.parties.commission import received
from kakine.parties.commission.received import PREFIX
from kakine.values.problems import EvidenceMalformed, NotEvidence
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.evidence import FORMAT, LABEL, MOST_BYTES

from land import Land

SIGNER = f"{LEDGER}-signer"
CANARY = "evidence-canary-4711"


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", people=1) as land:
        yield land


def note_now(land: Land) -> str:
    return land.run(land.country.peers(COMMISSION).ask(LEDGER, CHECKPOINT, Nothing())).checkpoint.decode()


def forged(land: Land, size: int, root: bytes = b"R" * 32) -> str:
    """A head of another history, which only the log's own signer could sign."""
    return notes.make(ORIGIN, size, root, land.country.identities[SIGNER].signing).decode()


def size_of(note: str) -> int:
    return int(note.split("\n")[1])


def told(**changed: Any) -> bytes:
    log = {"log": ORIGIN, "problem": "head-forked", "key": "", "before": None, "served": None, "seen": []}
    return json.dumps({"format": FORMAT, "logs": [log | {"consistency": []} | changed]}).encode()


def kept(land: Land) -> list[Path]:
    return sorted((land.folder / "findings").glob(f"{PREFIX}*"))


def send(land: Land, data: bytes) -> bytes:
    return land.run(land.country.portal.send_evidence(data))


def test_a_fork_is_taken_signed_for_and_proven_where_the_console_looks(land: Land) -> None:
    honest = note_now(land)
    data = told(before=honest, served=forged(land, size_of(honest)))
    signature = send(land, data)
    law = land.country.book("portal").in_force(land.clock())
    law.signing_key(COMMISSION).verify(signature, LABEL, data)
    (folder,) = kept(land)
    (verdict,) = check(folders.load(folder), policy.decode(land.country.policy))
    assert (verdict.finding.code, verdict.level) == (Code.HEAD_FORKED, Level.PROVEN)
    assert send(land, data) == signature
    assert kept(land) == [folder]


def test_a_head_that_an_honest_log_extends_is_no_evidence(land: Land) -> None:
    earlier = note_now(land)
    land.run(land.country.index())
    later = note_now(land)
    assert size_of(later) > size_of(earlier)
    with pytest.raises(NotEvidence):
        send(land, told(before=earlier, served=later))
    assert kept(land) == []


def test_a_log_that_went_back_is_reported(land: Land) -> None:
    earlier = note_now(land)
    land.run(land.country.index())
    send(land, told(before=note_now(land), served=earlier, problem="log-behind"))
    (folder,) = kept(land)
    (verdict,) = check(folders.load(folder), policy.decode(land.country.policy))
    assert verdict.finding.code is Code.HEAD_ROLLED_BACK


@pytest.mark.parametrize("where", ["line", "key", "problem", "consistency", "seen"])
def test_no_content_travels_as_evidence(land: Land, where: str) -> None:
    """In a line of somebody else below a real head, in fields that are not looked at, in a note that is none."""
    honest = note_now(land)
    other = forged(land, size_of(honest))
    put = {
        "line": {"served": other + f"— {CANARY} {'QUJD' * 20}\n"},
        "key": {"served": other, "key": CANARY},
        "problem": {"served": other, "problem": CANARY},
        "consistency": {"served": other, "consistency": [CANARY]},
        "seen": {"served": other, "seen": [f"{CANARY}\n1\nAAAA\n\n— {CANARY} QUJD\n"]},
    }[where]
    send(land, told(before=honest, **put))
    for path in (each for each in land.folder.rglob("*") if each.is_file()):
        assert CANARY.encode() not in path.read_bytes(), path
        assert CANARY not in path.name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"format":"kakine-evidence/v1","logs":[]}',
        told(name=CANARY),
        told().replace(FORMAT.encode(), b"kakine-evidence/v9"),
        told() + b" " * MOST_BYTES,
    ],
)
def test_another_form_is_refused_by_the_portal_already(land: Land, data: bytes) -> None:
    with pytest.raises(EvidenceMalformed):
        send(land, data)


def test_a_head_that_the_log_did_not_sign_is_no_evidence(land: Land) -> None:
    honest = note_now(land)
    key = land.country.identities["yokohama"].signing
    with pytest.raises(NotEvidence):
        send(land, told(before=honest, served=notes.make(ORIGIN, size_of(honest), b"R" * 32, key).decode()))
    assert kept(land) == []


def test_a_flood_of_what_proves_nothing_keeps_no_proof_out(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "MOST_UNPROVEN", 1)
    honest = note_now(land)
    send(land, told(before=honest, served=forged(land, size_of(honest) + 1)))
    with pytest.raises(NotEvidence):
        send(land, told(before=honest, served=forged(land, size_of(honest) + 2)))
    send(land, told(before=honest, served=forged(land, size_of(honest))))
    assert len(kept(land)) == 2
