"""Readings as a browser gets them, and what both readers say of the same bytes: ours, and history.js run by Node."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import kakine
from kakine.cli.own_history import seen_of
from kakine.crypto.sealing import OpenKey
from kakine.protocols.freshness import FRESH_MS
from kakine.protocols.history import lines
from kakine.protocols.reading import Reading, read
from kakine.values.problems import Problem
from kakine.wire.canonical import encode
from kakine.wire.reading import HistoryAsked, Remembered
from outside_tools import node

from land import Land, ref

STATIC = Path(kakine.__file__).parent / "web" / "static" / "history"
DRIVER = Path(__file__).parent / "e2e" / "history_driver.mjs"


@dataclass(frozen=True)
class Served:
    """One answer of the portal, the session that it is for, and when it came."""

    data: bytes
    session: OpenKey
    now_ms: int


def served(land: Land, j: int = 0, since: Mapping[str, int] | None = None, seed: bytes = b"s" * 32) -> Served:
    """What the portal answers person j."""
    session = OpenKey(seed)
    known = tuple(Remembered(origin, size) for origin, size in (since or {}).items())
    asked = encode(HistoryAsked(bytes(session.public), known))
    given = land.run(land.country.portal.reading(ref(j), asked))
    return Served(given, session, land.clock())


@dataclass(frozen=True)
class Case:
    """One answer before both readers, with bytes changed by exclusive or."""

    served: Served
    flips: Sequence[tuple[int, int]] = ()
    trusted: bytes | None = None
    before: Mapping[str, bytes] = field(default_factory=dict)
    later_ms: int = 0

    @property
    def data(self) -> bytes:
        """The answer as it is read."""
        changed = bytearray(self.served.data)
        for at, bits in self.flips:
            changed[at] ^= bits
        return bytes(changed)


def ours(case: Case) -> dict[str, Any]:
    """What `kakine history` would say, in the words that history.js has for it."""
    now_ms = case.served.now_ms + case.later_ms
    try:
        found = read(case.data, case.served.session, now_ms, case.trusted, case.before)
    except Problem as refused:
        return {"refused": refused.code}
    return told(found)


def told(found: Reading) -> dict[str, Any]:
    """A reading without the words that only a page has."""
    return {
        "lines": [
            [
                each.time_ms, each.requester, each.recipient, each.ground, list(each.rows), list(each.items),
                each.case.hex(), each.result, each.index, each.entry.hex(), each.origin, each.sealed_until,
            ]
            for each in map(seen_of, lines(found.opened.rows))
        ],
        "erased": [[each.entry.minutes * 60_000, each.origin, each.index] for each in found.opened.erased],
        "openings": len(found.opened.openings),
        "held": sorted([place.log, place.index, list(why)] for place, why in found.opened.held.items()),
        "counts": [found.signed, found.verified, found.witnessed, found.witnesses],
        "confirmed": {
            name: [each.confirmed, str(each.until), each.provisional, str(each.sealed)]
            for name, each in found.confirmed.items()
        },
        "doubts": dict(found.doubts),
        "hidden": {name: list(places) for name, places in found.opened.hidden.items()},
        "stale": {origin: each.code for origin, each in found.stale.items()},
        "accused": {origin: each.code for origin, each in found.accused.items()},
        "grown": {origin: str(size) for origin, size in found.grown.items()},
    }  # fmt: skip


FIELDS = (
    "time", "requester", "recipient", "ground", "rows", "items", "case", "result", "index", "entry", "origin",
    "sealedUntil",
)  # fmt: skip


def as_ours(given: dict[str, Any]) -> dict[str, Any]:
    """The same out of what history.js says."""
    if "refused" in given:
        return given
    held = [[each["origin"], each["index"], each["held"]] for each in given["held"]]
    return {
        "lines": [[line[name] for name in FIELDS] for line in given["lines"]],
        "erased": [[each["time"], each["origin"], each["index"]] for each in given["erased"]],
        "openings": given["openings"],
        "held": sorted(held),
        "counts": [given[name] for name in ("signed", "verified", "witnessed", "witnesses")],
        "confirmed": {
            name: [each["confirmed"], each["until"], each["provisional"], each["sealed"]]
            for name, each in given["confirmed"].items()
        },
    } | {name: given[name] for name in ("doubts", "hidden", "stale", "accused", "grown")}


def secret_of(session: OpenKey) -> bytes:
    """The session's private key as PKCS8, which a test may take and a page may not."""
    private: X25519PrivateKey = session._private
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def theirs(cases: Sequence[Case], module: Path = STATIC / "history.js") -> list[dict[str, Any]]:
    """What history.js says of each, raw. Fails where it throws what is no refusal."""
    servings = list({id(case.served): case.served for case in cases}.values())
    number = {id(each): at for at, each in enumerate(servings)}
    asked = {
        "module": str(module),
        "messages": [_text(each.data) for each in servings],
        "sessions": [
            [_text(secret_of(each.session)), _text(bytes(each.session.public))] for each in servings
        ],
        "cases": [
            {
                "message": number[id(case.served)],
                "session": number[id(case.served)],
                "now": case.served.now_ms + case.later_ms,
                "fresh": FRESH_MS,
                "flips": list(case.flips),
                "trusted": _text(case.trusted) if case.trusted else None,
                "before": {origin: _text(note) for origin, note in case.before.items()},
            }
            for case in cases
        ],
    }
    done = subprocess.run(
        [node(), str(DRIVER)], input=json.dumps(asked).encode(), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def differing(cases: Sequence[Case]) -> list[tuple[Any, Any]]:
    """What both say where they do not say the same."""
    found = [(ours(case), as_ours(given)) for case, given in zip(cases, theirs(cases), strict=True)]
    return [(mine, other) for mine, other in found if mine != other]


OPEN = """
const [records, given] = [await import(process.argv[1]), JSON.parse(process.argv[2])];
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
try {
  await records.openEnvelope(records.parseEnvelope(bytes(given[0])), given[2].map(bytes), bytes(given[1]));
  console.log("");
} catch (refused) {
  console.log(refused.why);
}
"""


def opened_by_page(envelope: bytes, shares: Sequence[bytes], committed: bytes) -> str:
    """Why records.js refuses to open an envelope, "" if it does not."""
    given = json.dumps([_text(envelope), _text(committed), [_text(share) for share in shares]])
    module = (STATIC / "records.js").as_uri()
    command = [node(), "--input-type=module", "--eval", OPEN, module, given]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout.strip()
