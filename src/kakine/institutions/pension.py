"""The pension service. It looks its members up by the five items, as it did for those it had no number of."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import Member, Roster, draws
from kakine.institutions.people import REFERENCE_DAY
from kakine.values.labels import DomainName


def agencies() -> list[Agency]:
    """Its one domain."""
    return [Agency(DomainName("pension/records"), lambda m: m.adult, _pensions, by_items=True)]


def _pensions(member: Member, roster: Roster) -> Iterator[Sheet]:
    rng = draws(roster.seed, "pension", member.serial)
    pensions = []
    if REFERENCE_DAY.year - member.resident.birth.year >= 65:
        pensions.append(
            {"kind": "old_age", "status": "paid", "annual_amount": rng.randrange(400, 2400) * 1000}
        )
    elif member.family.one_parent and rng.random() < 0.1:
        pensions.append(
            {"kind": "survivor", "status": "paid", "annual_amount": rng.randrange(800, 1300) * 1000}
        )
    yield "TK-0060", {"pensions": pensions}
