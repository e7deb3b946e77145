"""A health insurer of employees. Families in the national health insurance are not among its members."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import Member, Roster, draws
from kakine.values.labels import DomainName


def agencies() -> list[Agency]:
    """Its one domain."""
    return [Agency(DomainName("insurer/members"), _insured, _benefits)]


def _insured(member: Member) -> bool:
    return member.family.applicant is not None and member.family.number % 3 != 1


def _benefits(member: Member, roster: Roster) -> Iterator[Sheet]:
    rng = draws(roster.seed, "insurer", member.serial)
    paid = [{"month": "2026-02", "kind": "high_cost", "amount": rng.randrange(1, 90) * 1000}]
    yield "TK-0033", {"benefits": paid if rng.random() < 0.2 else []}
