"""Look-ups without a case: what a domain has asked, by its own kept requests, that no question of a case explains.

For a nightly look by the agency itself (番号端末の点検). A job past the desk (一括照会) stands here too, as one:
somebody should know of it. The person asked about sees each of them in the own history anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kakine.clients.carrier import disputables
from kakine.parties.gateway.bulk import store as bulk_store
from kakine.parties.gateway.desk import case_store
from kakine.parties.gateway.desk.office import CaseDesk
from kakine.wire.canonical import decode
from kakine.wire.request import Kind, PublicPart, RecordPart


@dataclass(frozen=True)
class Unexplained:
    """A request of this domain, or all those of one job, about so many people, of which so few stand in cases."""

    time_ms: int
    procedure: str
    rows: tuple[str, ...]
    people: int
    in_cases: int

    def with_more(self, other: Unexplained) -> Unexplained:
        """Both as one, at the time of the earlier."""
        time_ms = min(self.time_ms, other.time_ms)
        people, in_cases = self.people + other.people, self.in_cases + other.in_cases
        return replace(self, time_ms=time_ms, people=people, in_cases=in_cases)


def unexplained(desk: CaseDesk, since_ms: int) -> list[Unexplained]:
    """Requests made since a time, oldest first."""
    db, found = desk.office.db.read(), dict[bytes, Unexplained]()
    for request, kept in disputables(db):
        public, record = decode(kept.public, PublicPart), decode(kept.record, RecordPart)
        if record.kind is not Kind.EXCHANGE or public.requester != desk.domain or public.time_ms < since_ms:
            continue
        in_cases = case_store.in_request(db, request)
        if in_cases < record.count:
            job = bulk_store.job_of(db, request) or request
            each = Unexplained(public.time_ms, public.ground, tuple(public.rows), record.count, in_cases)
            found[job] = each if job not in found else found[job].with_more(each)
    return sorted(found.values(), key=lambda each: each.time_ms)
