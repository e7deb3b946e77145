"""A person's own history, read through the portal with a fresh session key, and verified here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kakine.cli.receipts import export_history
from kakine.country import KEEPERS, Country
from kakine.crypto.sealing import OpenKey
from kakine.protocols import reading
from kakine.protocols.freshness import FRESH_MS
from kakine.protocols.history import ErasedRow, Line, OpenedRow, lines
from kakine.protocols.index_check import Complete
from kakine.protocols.logs import log_keys
from kakine.protocols.trust import fingerprint, trust_of
from kakine.values.problems import HistoryIncomplete, Problem
from kakine.wire.canonical import encode
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.reading import HistoryAsked
from kakine.wire.record import OutcomeRecord, RequestRecord
from kakine.wire.request import Place

VIEWED, RECORDED = "viewed", "recorded"
"""What came of requests that end at the record keepers: a reading of the own list, and codes ended or replaced."""


@dataclass(frozen=True)
class Seen:
    """One line as a person reads it. `index` is the request's place in the ledger, `entry` its 80 bytes there.

    `result` is what the answering side has confirmed, and empty until it has. Where nobody answers it is what the
    request is by itself: `VIEWED` or `RECORDED`. Until the day `sealed_until` (since 1970 UTC; 0 for none) the person
    was not shown it.
    """

    time_ms: int
    requester: str
    recipient: str
    ground: str
    rows: tuple[str, ...]
    items: tuple[str, ...]
    case: bytes
    result: str
    index: int
    entry: bytes
    origin: str
    sealed_until: int = 0

    @property
    def place(self) -> Place:
        """The request's log and index."""
        return Place(self.origin, self.index)


@dataclass(frozen=True)
class Read:
    """What the person sees. The record keeper with the longest list has signed for `signed` rows.

    Every one of the `verified` rows has opened and stands in the ledger, or stands there and was `erased` on schedule;
    `witnessed` of them under a head that as many witnesses as the policy asks for have signed. `held` says by log and
    index for which reasons a record is kept on. `hidden` names by record keeper the log indices of rows that it does
    not show and another does. `confirmed` says by record keeper what its public index confirms of the rows, `doubts`
    why it does not. `rows` are the verified rows themselves. `stale` says by open log that witnesses have not signed it
    lately, so that newer rows may be kept back; `accused` that it shows less or other than somebody has seen.
    `fingerprint` is of the keys and the policy believed.
    """

    lines: list[Seen]
    signed: int
    verified: int
    witnessed: int
    witnesses: int
    hidden: Mapping[str, Sequence[int]]
    confirmed: Mapping[str, Complete]
    doubts: Mapping[str, str]
    erased: Sequence[ErasedRow] = ()
    held: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    rows: Sequence[OpenedRow] = ()
    stale: Mapping[str, Problem] = field(default_factory=dict)
    accused: Mapping[str, Problem] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def provisional(self) -> int:
        """Rows later than the last index of some record keeper."""
        return max((each.provisional for each in self.confirmed.values()), default=self.verified)

    @property
    def sealed(self) -> int:
        """How many entries of all people in the country have been withheld so far, by the record keepers' indexes."""
        return max((each.sealed for each in self.confirmed.values()), default=0)

    @property
    def public(self) -> bool:
        """Every row that an index confirms stands under a head that meets the policy of witnesses, and they have signed
        the head of every open log lately."""
        covered = self.witnessed > 0 and self.verified - self.witnessed <= self.provisional
        return covered and not self.stale and not self.accused

    @property
    def complete(self) -> bool:
        """Every record keeper shows the same rows, its public index has these and no other before it ends, and no log
        shows less than others have seen."""
        same = self.signed == self.verified and not self.hidden and not self.accused
        return same and not self.doubts and bool(self.confirmed)


async def own_history(
    country: Country,
    account: bytes,
    export: Path | None = None,
    fresh_ms: int = FRESH_MS,
    mandate: bytes = b"",
) -> Read:
    """Raises `AccountUnknown`, what a party refuses with, and what does not verify: then nothing is shown.

    A view is fresh while the witnesses' signatures are at most `fresh_ms` old; rows and receipts do not age. With
    `export`, receipts, records and the policy go into that folder, for `kakine verify` anywhere else. With the number
    of a `mandate` that the account holds it is the history of whoever has given it.
    """
    session = OpenKey(secrets.token_bytes(32))
    asked = encode(HistoryAsked(bytes(session.public)))
    given = await country.portal.reading(account, asked, mandate)
    now_ms = country.site.clock()
    law = country.book("portal").in_force(now_ms)
    trusted = trust_of(law, country.logs, country.policy)
    found = reading.read(given, session, now_ms, trusted, fresh_ms=fresh_ms)
    if export is not None:
        policy = country.policy if found.witnessed == len(found.rows) else None
        export_history(found.rows, found.opened.rows, log_keys(law, country.logs), export, policy)
    return read_of(found, trusted)


def read_of(found: reading.Reading, trusted: bytes) -> Read:
    """A reading in the words of a person's list; `trusted` is what was believed in it."""
    counted = found.signed, found.verified, found.witnessed, found.witnesses
    kept = found.opened.erased, found.opened.held, found.opened.rows
    seen = [seen_of(line) for line in lines(found.opened.rows)]
    told = found.opened.hidden, found.confirmed, found.doubts
    return Read(seen, *counted, *told, *kept, found.stale, found.accused, fingerprint(trusted))


def _unanswered(entry: Entry, recipient: str) -> str:
    if entry.kind is EntryKind.VIEWED:
        return VIEWED
    return RECORDED if recipient in KEEPERS else ""


def seen_of(line: Line) -> Seen:
    request, outcome = line.request.record, line.outcome.record if line.outcome else None
    if not isinstance(request, RequestRecord) or not isinstance(outcome, OutcomeRecord | None):
        raise HistoryIncomplete(what="kind of record")
    common = request.common
    return Seen(
        common.time_ms,
        common.requester,
        common.recipient,
        common.ground,
        common.rows,
        common.items,
        request.personal.case,
        next(iter(outcome.personal.result), "")
        if outcome
        else _unanswered(line.request.entry, common.recipient),
        line.request.index,
        line.request.entry.encode(),
        line.request.origin,
        line.request.entry.sealed_until,
    )
