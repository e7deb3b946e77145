"""A person's own decisions among the rows of one history (spec/decisions.md). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kakine.protocols.history import OpenedRow
from kakine.values.problems import NotCanonical
from kakine.wire.decision import Decision, unpacked
from kakine.wire.record import RequestRecord

GROUND: Final = "OWN-DECISION"


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
