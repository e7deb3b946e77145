"""The auditor: checks every S0+ window, settles disputes, samples enrolments; answers objections of people to entries
of their own lists when it is called. The commission's operator runs the rest.

It sees blinded and masked vectors and which link a request was on: what converters have anyway. Together with both
agencies of a link it could turn the check of a window into a conversion without a record; therefore converters answer
only for requests they took part in and released, once for each, and write it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from kakine.contracts.commission_audit import EVIDENCE, OBJECT
from kakine.parties.commission import (
    audit_store,
    counts,
    disputes,
    enrolments,
    indexes,
    objections,
    received,
    windows,
)
from kakine.parties.commission.audit_office import Limits, Office
from kakine.parties.commission.audit_store import METADATA, Objection, Verdict
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import Logs
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed
from kakine.wire.canonical import decode
from kakine.wire.request import PublicPart, RecordPart, points_digest, public_digest, request_digest


@dataclass(frozen=True)
class AuditSettings:
    """`database` is the auditor's own SQLite file; `converters` in chain order; `findings` the folder of evidence."""

    database: Path
    converters: Sequence[PartyName]
    keeper: PartyName
    registry: PartyName
    logs: Logs
    limits: Limits = field(default_factory=Limits)
    findings: Path | None = None


class Auditor:
    """One auditor with a store of its own: it goes on where it stopped."""

    def __init__(self, office: Office) -> None:
        self._office = office

    @classmethod
    def open(
        cls,
        settings: AuditSettings,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
    ) -> Auditor:
        """Raises StoreInUse."""
        return cls(
            Office(
                identity,
                settings.converters,
                settings.keeper,
                settings.registry,
                settings.logs,
                Database.open(settings.database, METADATA),
                law,
                peers,
                clock,
                entropy,
                settings.limits,
                settings.findings,
            )
        )

    @property
    def db(self) -> Database:
        """What it keeps, for the commission's own figures."""
        return self._office.db

    @property
    def duties(self) -> list[Duty[Any, Any]]:
        """What the commission answers to others as auditor."""
        office = self._office
        return [
            Duty(OBJECT, partial(objections.take, office)),
            Duty(EVIDENCE, partial(received.take, office)),
        ]

    async def answer_objections(self) -> list[Objection]:
        """Take up every objection that is not answered. What is left waits for a party to answer, which it names."""
        return await objections.run(self._office)

    def late(self, left: Sequence[Objection]) -> list[Objection]:
        """Those of them that are beyond the limit."""
        office = self._office
        return [each for each in left if office.clock() - each.received_ms > office.limits.answer_ms]

    async def check_windows(self) -> list[Verdict]:
        """Judge all S0+ requests that are ready. Raises `PartyUnavailable`; the next run goes on from there."""
        return await windows.run(self._office)

    async def settle(self, public: bytes, record: bytes, blinded: bytes, item: int) -> Verdict:
        """Judge one item of a request that its requester has kept: both parts and Q.

        Raises `BatchMalformed` where Q is not the one that was signed for, `PartyUnavailable` where nothing is settled.
        """
        asked = decode(record, RecordPart)
        if points_digest(blinded) != asked.blinded or not 0 <= item < asked.count:
            raise BatchMalformed()
        request = request_digest(public_digest(public), record)
        case = disputes.case_of(decode(public, PublicPart), request, blinded)
        party, what = await disputes.settle(self._office, case, item)
        return await self._keep(Verdict("dispute", self._office.clock(), request, party, what, 1))

    async def sample_enrolments(self, most: int) -> list[Verdict]:
        """Look at `most` people among all that have been enrolled, drawn at random, each without learning who it is."""
        return [await self._keep(verdict) for verdict in await enrolments.sample(self._office, most)]

    async def check_counts(self) -> list[Verdict]:
        """Hold what every converter says it released against the others and the log, up to what is settled. Raises
        `PartyUnavailable`; the next run goes on with the same stretch."""
        return await counts.run(self._office)

    async def check_indexes(self) -> list[Verdict]:
        """Open every new completeness index of all record keepers and hold them against the log and each other. Raises
        `PartyUnavailable`."""
        return await indexes.run(self._office)

    async def _keep(self, verdict: Verdict) -> Verdict:
        await self._office.db.write(lambda db: audit_store.judge(db, verdict, []))
        return verdict

    def verdicts(self, kind: str = "") -> list[Verdict]:
        """All so far, or those of one kind, oldest first."""
        every = audit_store.verdicts(self._office.db.read())
        return [verdict for verdict in every if kind in ("", verdict.kind)]

    def faults(self, within_ms: int) -> int:
        """How many verdicts of the last `within_ms` milliseconds name a fault, of every kind."""
        office = self._office
        return audit_store.faults_since(office.db.read(), office.clock() - within_ms)

    def close(self) -> None:
        """Let go of the store."""
        self._office.db.close()
