"""A person's own instructions to agencies (spec/visits.md section 7): under which ground, and to which domain."""

from __future__ import annotations

from typing import Final

from kakine.protocols.gazette import Law
from kakine.values.labels import DomainName
from kakine.values.problems import ActImpossible

GROUND: Final = "OWN-ACCOUNT"
ACCOUNT_ITEM: Final = "TK-0014"
"""公金受取口座情報: whoever gives this item keeps the register of accounts."""


def account_domain(law: Law) -> DomainName:
    """The domain that keeps accounts for public money. Raises `ActImpossible` where the law has none."""
    for party in law.gazette.parties:
        for domain in party.domains:
            if ACCOUNT_ITEM in domain.provides:
                return DomainName(domain.name)
    raise ActImpossible()
