"""Look-ups without a case: what a domain has asked, by its own kept requests, that no question of a case explains.

For a nightly look by the agency itself (番号端末の点検). A batch job that asks past the desk stands here too: somebody
should know of it. The person asked about sees each of them in the own history anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

from kakine.clients.carrier import disputables
from kakine.parties.gateway.desk import case_store
from kakine.parties.gateway.desk.office import CaseDesk
from kakine.wire.canonical import decode
from kakine.wire.request import Kind, PublicPart, RecordPart


@dataclass(frozen=True)
class Unexplained:
    """A request of this domain about so many people, of which so few stand in cases."""

    time_ms: int
    procedure: str
    rows: tuple[str, ...]
    people: int
    in_cases: int


def unexplained(desk: CaseDesk, since_ms: int) -> list[Unexplained]:
    """Requests made since a time, oldest first."""
    db, found = desk.office.db.read(), list[Unexplained]()
    for request, kept in disputables(db):
        public, record = decode(kept.public, PublicPart), decode(kept.record, RecordPart)
        if record.kind is not Kind.EXCHANGE or public.requester != desk.domain or public.time_ms < since_ms:
            continue
        in_cases = case_store.in_request(db, request)
        if in_cases < record.count:
            rows = tuple(public.rows)
            found.append(Unexplained(public.time_ms, public.ground, rows, record.count, in_cases))
    return sorted(found, key=lambda each: each.time_ms)
