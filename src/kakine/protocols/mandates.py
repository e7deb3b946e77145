"""The rules of delegation as pure functions: what can be allowed, for how long, when it stands.

spec/delegation.md says them in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kakine.crypto.hashing import digest
from kakine.protocols.history import OpenedRow
from kakine.protocols.logins import SIGN
from kakine.values.problems import MandateNotInForce, MandateUnfit
from kakine.wire.mandate import Basis, Terms
from kakine.wire.record import RequestRecord

DAY_MS = 86_400_000
LONGEST_MS = {Basis.PROXY: 366 * DAY_MS, Basis.COURT: 10 * 366 * DAY_MS, Basis.PARENT: 18 * 366 * DAY_MS}
"""How long a mandate may last by its basis. A parent's ends earlier by itself: the registry says when the child is of
age."""
NEVER = frozenset({"address", "lives_in", SIGN})
"""Scopes that no delegate's login gives: where somebody lives, and a signature under their name."""
MOST_NAMED = 240
"""Characters of all relying parties of one mandate together: a record of a decision has 512 bytes."""
LAST_MS = 360_000
"""A mandate opens no login in its last six minutes, so that no code or token outlives it."""


def require_fit(terms: Terms, clients: Collection[str], now_ms: int) -> None:
    """Raises `MandateUnfit` unless the terms allow something, at relying parties of the law (`clients`), and end in
    time."""
    named = terms.clients
    if list(named) != sorted(set(named)) or not set(named) <= set(clients) or not (named or terms.history):
        raise MandateUnfit(what="scope")
    if len("".join(named)) > MOST_NAMED:
        raise MandateUnfit(what="scope")
    if not terms.from_ms < terms.until_ms or terms.until_ms <= now_ms:
        raise MandateUnfit(what="dates")
    if (
        terms.until_ms > max(terms.from_ms, now_ms) + LONGEST_MS[terms.basis]
        or terms.from_ms > now_ms + 366 * DAY_MS
    ):
        raise MandateUnfit(what="dates")


def require_time(terms: Terms, now_ms: int) -> None:
    """Raises `MandateNotInForce` outside its dates."""
    if not terms.from_ms <= now_ms < terms.until_ms - LAST_MS:
        raise MandateNotInForce()


def require_standing(terms: Terms, cleared_ms: int, said: Mapping[str, Any] | None) -> None:
    """Raises `MandateNotInForce` by what the registry says of the principal now: nothing (dead, or the own view is
    stopped), of age under a parent's mandate, or under protection of the own or of somebody in the household that is
    newer than the clerk's word (`cleared_ms`, 0 for none). The reason is not told: it would tell a hostile delegate
    that there is protection."""
    if said is None or (terms.basis is Basis.PARENT and said["adult"]):
        raise MandateNotInForce()
    if said["shield_ms"] is not None and said["shield_ms"] >= cleared_ms:
        raise MandateNotInForce()


def use_mark(mark: bytes, xid: bytes) -> bytes:
    """What stands as case in the record of a use: the principal, who has the mandate's `mark` (16 bytes), sees under
    which it was. Everybody else sees 32 bytes that never come again."""
    return digest("mandate-use", mark, xid)


def listing_info(xid: bytes) -> bytes:
    """HPKE info of the list of mandates that a counter has asked for."""
    return digest("mandate-listing", xid)


def uses_of(rows: Iterable[OpenedRow], mark: bytes) -> list[OpenedRow]:
    """Which of the principal's verified rows were made under the mandate with this mark, in their order."""
    asked = [(row, row.record.personal) for row in rows if isinstance(row.record, RequestRecord)]
    return [row for row, personal in asked if personal.case == use_mark(mark, personal.xid)]
