"""A person's own decisions among the rows of one history (spec/decisions.md). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kakine.crypto.hashing import mac
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import place_of
from kakine.values.problems import NotCanonical
from kakine.wire.decision import Decision, LatestAllowed, LatestWithdrawn, unpacked
from kakine.wire.record import RequestRecord
from kakine.wire.request import Place

GROUND: Final = "OWN-DECISION"

LONGEST_DAYS: Final = 365
"""A consent to the latest items ends after a year at the latest."""


def decision_of(row: OpenedRow) -> Decision | None:
    """What was decided in this row; nothing where it is no decision, or one that cannot be read.

    The ground is enough to know one: converters let it pass for kind DECISION only, and from the portal only."""
    if not isinstance(row.record, RequestRecord) or row.record.common.ground != GROUND:
        return None
    try:
        return unpacked(row.record.personal.case)
    except NotCanonical:
        return None


def decisions_in(rows: Iterable[OpenedRow]) -> list[tuple[OpenedRow, Decision]]:
    """Every decision that can be read, in the order of the rows."""
    found = ((row, decision_of(row)) for row in rows)
    return [(row, decision) for row, decision in found if decision is not None]


def use_mark(grant: bytes, xid: bytes) -> bytes:
    """16 bytes: the field `parent` of an exchange made under this grant. Who knows the grant, its person, finds the
    uses by it; the registry, which sees the mark, can neither find the relying party nor tell two uses of one grant."""
    return mac(grant, "latest-use", xid)[:16]


@dataclass(frozen=True)
class Consent:
    """A consent that a person gave at `time_ms`, and the places of its uses. It is over at `until_ms`, or since it was
    withdrawn."""

    allowed: LatestAllowed
    time_ms: int
    withdrawn: bool
    uses: tuple[Place, ...]

    def stands(self, now_ms: int) -> bool:
        """Whether it can be used."""
        return not self.withdrawn and now_ms < self.allowed.until_ms


def consents_in(rows: Iterable[OpenedRow]) -> list[Consent]:
    """Every consent to the latest items among the rows of one history, in their order."""
    known = list(rows)
    decided = decisions_in(known)
    ended = {decision.grant for _, decision in decided if isinstance(decision, LatestWithdrawn)}
    requests = [(row, row.record) for row in known if isinstance(row.record, RequestRecord)]
    asked = [(place_of(row), record.personal) for row, record in requests if record.personal.parent]
    found = []
    for row, decision in decided:
        if isinstance(decision, LatestAllowed) and isinstance(row.record, RequestRecord):
            grant = decision.grant
            uses = tuple(place for place, own in asked if own.parent == use_mark(grant, own.xid))
            found.append(Consent(decision, row.record.common.time_ms, grant in ended, uses))
    return found
