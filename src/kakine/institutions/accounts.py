"""The register of accounts for public benefits (公金受取口座). Four adults in five registered one."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import Member, Roster, draws
from kakine.values.labels import DomainName


def agencies() -> list[Agency]:
    """Its one domain."""
    return [Agency(DomainName("accounts/benefits"), lambda m: m.adult and m.serial % 5 != 3, _account)]


def _account(member: Member, roster: Roster) -> Iterator[Sheet]:
    rng = draws(roster.seed, "account", member.serial)
    yield (
        "TK-0014",
        {
            "registered": True,
            "bank_code": f"{rng.randrange(1, 9999):04}",
            "branch_code": f"{rng.randrange(1, 999):03}",
            "account_kind": "ordinary",
            "account_number": f"{rng.randrange(10**7):07}",
            "holder_kana": member.resident.kana,
        },
    )
