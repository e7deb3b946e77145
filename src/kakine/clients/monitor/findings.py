"""What the monitor can find. Codes are permanent; each has a sentence in Japanese and in English in texts.json."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib.resources import files

import msgspec

from kakine.wire.entry import EntryKind

Fact = int | str


class Code(StrEnum):
    """Never renamed, never reused."""

    PARTY_REFUSED = "party-refused"
    HEAD_UNSIGNED = "head-unsigned"
    HEAD_FORKED = "head-forked"
    HEAD_ROLLED_BACK = "head-rolled-back"
    REPORTED_HEAD_UNSIGNED = "reported-head-unsigned"
    ENTRIES_DIFFER = "entries-differ"
    ENTRY_MALFORMED = "entry-malformed"
    TILE_DIFFERS = "tile-differs"
    TIME_WENT_BACK = "time-went-back"
    TIME_AHEAD = "time-ahead"
    LOG_SILENT = "log-silent"
    LOG_SILENT_NOW = "log-silent-now"
    STATEMENT_INVALID = "statement-invalid"
    KEEPER_LACKS_REQUEST = "keeper-lacks-request"
    KEEPER_LACKS_OUTCOME = "keeper-lacks-outcome"
    KEEPER_LACKS_VIEW = "keeper-lacks-view"
    KEEPER_DIFFERS = "keeper-differs"
    OUTCOME_MISSING = "outcome-missing"
    OUTCOMES_DIFFER = "outcomes-differ"
    INDEX_INVALID = "index-invalid"
    INDEX_OUT_OF_LINE = "index-out-of-line"
    INDEX_NOT_THERE = "index-not-there"
    INDEX_HIDDEN = "index-hidden"
    INDEX_OF_NOBODY = "index-of-nobody"
    INDEX_COUNTS_WRONG = "index-counts-wrong"
    INDEXES_DIFFER = "indexes-differ"
    INDEX_ROWS_LOST = "index-rows-lost"
    INDEX_LATE = "index-late"
    COUNT_INVALID = "count-invalid"
    COUNT_OUT_OF_LINE = "count-out-of-line"
    COUNT_NOT_THERE = "count-not-there"
    COUNT_HIDDEN = "count-hidden"
    COUNT_TOO_MANY = "count-too-many"
    OUTCOMES_UNRELEASED = "outcomes-unreleased"
    ERASURE_INVALID = "erasure-invalid"
    ERASURE_DIFFERS = "erasure-differs"
    ERASURE_HIDDEN = "erasure-hidden"
    ERASURE_OVERDUE = "erasure-overdue"
    SEAL_OVERDUE = "seal-overdue"
    SEAL_OPENED_NOTHING = "seal-opened-nothing"


LACKS = {
    EntryKind.REQUEST: Code.KEEPER_LACKS_REQUEST,
    EntryKind.OUTCOME: Code.KEEPER_LACKS_OUTCOME,
    EntryKind.VIEWED: Code.KEEPER_LACKS_VIEW,
}
"""What it is called when a record keeper does not hold an entry of this kind."""


PROVABLE = frozenset({Code.HEAD_FORKED, Code.ENTRY_MALFORMED, Code.TIME_WENT_BACK, Code.LOG_SILENT})
"""What the log's own signatures can prove to anybody. It stays true whatever comes later, so it is not forgotten."""

_TEXTS: dict[str, dict[str, dict[str, str]]] = json.loads(
    files("kakine.clients.monitor").joinpath("texts.json").read_text("utf-8")
)


def text(group: str, name: str) -> tuple[str, str]:
    """A text in Japanese and in English: of "findings", "checks" or "levels"."""
    found = _TEXTS[group][name]
    return found["ja"], found["en"]


class Said(msgspec.Struct, frozen=True):
    """What a record keeper signed, a standing or an index root, and the key it verifies under."""

    statement: bytes
    signature: bytes
    key: bytes


class Evidence(msgspec.Struct, frozen=True):
    """What shows a finding.

    `entries` are indices that need receipts and `grown` two sizes that need a proof; both are then made out of the
    whole log: `receipts` as files of C2SP tlog-proof, and `growth` as the root that the larger tree had at the smaller
    size, with the RFC 9162 proof of it behind.
    """

    notes: tuple[bytes, ...] = ()
    entries: tuple[int, ...] = ()
    grown: tuple[int, int] | None = None
    said: tuple[Said, ...] = ()
    receipts: tuple[bytes, ...] = ()
    growth: tuple[bytes, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it must be. `facts` hold counts, log indices, names of parties, codes of problems; `log`
    is the origin of the log it was found in, empty for what is of none or of all together."""

    code: Code
    facts: dict[str, Fact]
    evidence: Evidence = Evidence()
    log: str = ""

    @property
    def key(self) -> str:
        """The same for the same thing found again, when the log has grown or time has passed."""
        lasting = sorted(set(self.facts) - {"size", "minutes"})
        return " ".join([self.code, self.log, *(f"{name}={self.facts[name]}" for name in lasting)])

    @property
    def complete(self) -> bool:
        """Whether the receipts and proofs that it needs are there."""
        evidence = self.evidence
        return len(evidence.receipts) == len(evidence.entries) and bool(evidence.growth) == bool(
            evidence.grown
        )

    def sentences(self) -> tuple[str, str]:
        """In Japanese and in English."""
        japanese, english = text("findings", self.code)
        return japanese.format_map(self.facts), english.format_map(self.facts)
