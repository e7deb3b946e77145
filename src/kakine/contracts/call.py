"""What one call of a party is: its path, what it takes and gives, and who may make it.

A party's contract is a module of messages and `Call`s. The server builds its routes from them and the client its
requests, so the two cannot drift; an architecture test holds every route against its contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec


class Role(StrEnum):
    """What kind of organisation a party is; a party may have several. The gazette says which."""

    REGISTRY = "registry"
    CONVERTER = "converter"
    GATEWAY = "gateway"
    LEDGER = "ledger"
    SIGNER = "signer"
    MAILBOX = "mailbox"
    COMMISSION = "commission"
    MINISTRY = "ministry"
    PORTAL = "portal"
    AUTHORITY = "authority"


ANYBODY = frozenset(Role)


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of transport messages. Signed parts travel inside as bytes, never taken apart and re-made."""


class Nothing(Body, frozen=True):
    """An empty message."""


Takes = TypeVar("Takes", bound=Body)
Gives = TypeVar("Gives", bound=Body)


@dataclass(frozen=True)
class Call(Generic[Takes, Gives]):
    """One POST. `limit` is the largest accepted body in bytes."""

    path: str
    takes: type[Takes]
    gives: type[Gives]
    callers: frozenset[Role]
    limit: int = 4 << 20
