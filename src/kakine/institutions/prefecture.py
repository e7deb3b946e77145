"""The welfare office of a prefecture. Of most people it holds a few of the items it may be asked for."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import Member, Roster, draws
from kakine.values.labels import DomainName


def agencies() -> list[Agency]:
    """Its one domain; it has files of one-parent families, but not of all."""
    return [
        Agency(
            DomainName("prefecture/welfare"),
            lambda m: m.family.one_parent and m.serial % 8 != 1,
            _welfare,
        )
    ]


def _welfare(member: Member, roster: Roster) -> Iterator[Sheet]:
    rng = draws(roster.seed, "welfare", member.serial)
    if member.adult:
        yield "TK-0032", {"status": "none"}
        return
    yield "TK-0027", {"measure": "none"}
    yield "TK-0058", {"in_use": False}
    yield "TK-0022", {"admitted": False}
    if rng.random() < 0.7:
        yield "TK-0053", {"child_support_needed": False}
        yield "TK-0032", {"status": "none"}
