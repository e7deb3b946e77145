"""Which calls each kind of party serves. Routes are held against this table (tests/architecture), and documents for
other programs are written from it (`runtime.openapi`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from kakine.contracts import (
    agency,
    authority,
    claims,
    commission,
    commission_audit,
    converter,
    desk,
    gateway,
    ledger,
    mailbox,
    ministry,
    registry,
    registry_audit,
    signer,
)
from kakine.contracts.call import Call, Role

CONTRACTS: Mapping[Role, tuple[ModuleType, ...]] = {
    Role.AUTHORITY: (authority,),
    Role.COMMISSION: (commission, commission_audit),
    Role.CONVERTER: (converter,),
    Role.GATEWAY: (gateway, agency, desk, claims),
    Role.LEDGER: (ledger,),
    Role.MAILBOX: (mailbox,),
    Role.MINISTRY: (ministry,),
    Role.PORTAL: (gateway,),
    Role.REGISTRY: (registry, registry_audit, gateway),
    Role.SIGNER: (signer,),
}
"""The registry and the portal are asked like agencies."""


def calls_of(contract: ModuleType) -> dict[str, Call[Any, Any]]:
    """The calls of one contract by their paths."""
    return {each.path: each for each in vars(contract).values() if isinstance(each, Call)}


def served_by(kind: Role) -> dict[str, Call[Any, Any]]:
    """Every call of a kind of party by its path."""
    return {path: call for contract in CONTRACTS[kind] for path, call in calls_of(contract).items()}
