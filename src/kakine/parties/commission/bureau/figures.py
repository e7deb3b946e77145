"""The numbers of the public page, taken by the clock and kept: the page reads them and asks nobody.

Everything here anybody could count out of the logs and the law, or is banded (`protocols.uses`). What could not be
taken is said by its code, never guessed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from kakine.contracts.call import Nothing
from kakine.contracts.ledger import WITNESSED
from kakine.contracts.mailbox import STANDING, AskStanding
from kakine.parties.commission import audit_store
from kakine.parties.commission import erasure_store as erasures
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.parties.commission.bureau.reading import Read, go_on, read
from kakine.parties.commission.bureau.register import cases, register
from kakine.parties.commission.bureau.uses import Counting, counted_from, counted_to
from kakine.parties.commission.retention_office import Office
from kakine.protocols import objections, seals
from kakine.protocols.erasure import due
from kakine.protocols.heads import Heads
from kakine.protocols.uses import band, month_of, month_over, public
from kakine.protocols.witnessing import cosigners
from kakine.runtime.database import Database
from kakine.values.calendar import day, day_in_japan, minutes, year_in_japan
from kakine.values.problems import Problem
from kakine.wire import policy as policies
from kakine.wire import standing as standings
from kakine.wire.canonical import plain
from kakine.wire.entry import EntryKind

SHOWN_DAYS = 30
_FRESH_MINUTES = 10
_OLDER_MS = 600_000
_NAME = "public"


class Day(msgspec.Struct, frozen=True):
    """Entries of the logs on one day of Japan, as anybody counts them."""

    day: int
    requests: int
    outcomes: int
    views: int


class Amount(msgspec.Struct, frozen=True):
    """People in exchanges that were answered: at least so many, `few` where cells of 1–9 are left out."""

    name: str
    least: int
    few: bool


class Pair(msgspec.Struct, frozen=True):
    """The same between two domains."""

    requester: str
    recipient: str
    least: int
    few: bool


class Witness(msgspec.Struct, frozen=True):
    """How many of the heads that were looked at in the last 30 days a witness had signed."""

    name: str
    looked: int
    signed: int


class Keeper(msgspec.Struct, frozen=True):
    """A record keeper's own word: old requests that await an outcome, and those of them without one."""

    name: str
    awaited: int
    owed: int


class Stop(msgspec.Struct, frozen=True):
    """Something that stands still; `until` 0 where no end is said."""

    subject: str
    name: str
    reason: str
    until: int


class Figures(msgspec.Struct, frozen=True):
    """All of it. Times in milliseconds, days since 1970-01-01. `missing` are codes of what could not be taken."""

    taken_ms: int
    version: int
    since_ms: int
    waiting: int
    waiting_until_ms: int
    stops: list[Stop]
    rows: int
    days: list[Day]
    counted_from: int
    counted_to: int
    months: list[Amount]
    grounds: list[Amount]
    pairs: list[Pair]
    unused: list[str]
    unused_year: int
    refusals: list[Amount]
    objections: int
    answers: int
    objections_late: int
    objection_ages: list[int]
    sealed: int
    sealed_now: int
    sealed_overdue: int
    keepers: list[Keeper]
    erasure_due: list[int]
    witnesses: list[Witness]
    assessments: int
    assessments_late: int
    assessments_missing: int
    breaches_open: int
    breaches_late: int
    breaches_closed: int
    verdicts: int
    faults: int
    journal_lines: int
    journal_digest: str
    missing: list[str]


@dataclass
class Figuring:
    """The commission counting."""

    office: Office
    bureau: Bureau
    counting: Counting
    audits: Database | None = None
    policy: bytes = b""
    _reads: dict[str, Read] = field(default_factory=dict)
    _heads: Heads = field(default_factory=Heads)
    _missing: list[str] = field(default_factory=list)

    async def take(self) -> Figures:
        """Take all figures and keep them."""
        self._missing = []
        for log in self.office.logs:
            await self._tried(log.origin, go_on(self.office, self.bureau, log, self._heads))
            self._reads[log.origin] = read(self.bureau.db.read(), log.origin)
        await self._tried("witnesses", self._look())
        keepers = [found for name in self.office.keepers if (found := await self._keeper(name)) is not None]
        figures = self._figures(keepers)
        data = msgspec.json.encode(figures, enc_hook=plain)
        now_ms = self.bureau.clock()
        await self.bureau.db.write(lambda db: store.put_snapshot(db, _NAME, now_ms, data))
        return figures

    def last(self) -> Figures | None:
        """Those that were taken last."""
        found = store.snapshot(self.bureau.db.read(), _NAME)
        return msgspec.json.decode(found[1], type=Figures) if found else None

    async def _tried(self, what: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Problem as problem:
            self._missing.append(f"{what}: {problem.code}")

    async def _look(self) -> None:
        """Which witnesses of the policy have signed the head that each log shows, lately."""
        if not self.policy:
            return
        policy, now_ms = policies.decode(self.policy), self.bureau.clock()
        for log in self.office.logs:
            if log.final is not None:
                continue
            note = (await self.office.peers.ask(log.ledger, WITNESSED, Nothing())).checkpoint
            found = cosigners(note, policy)
            signed = {name for name, at in found.items() if now_ms // 1000 - at <= _FRESH_MINUTES * 60}
            seen = {name: name in signed for name in policy.witnesses}
            await self.bureau.db.write(partial(store.saw_witnesses, day=day_in_japan(now_ms), seen=seen))

    async def _keeper(self, name: str) -> Keeper | None:
        """By its signed word about every log together."""
        awaited = owed = 0
        law = self.office.law
        try:
            for log in self.office.logs:
                asked = AskStanding(log.origin, 0, 0, _OLDER_MS)
                party = next(each for each in self.office.keepers if each == name)
                given = await self.office.peers.ask(party, STANDING, asked)
                said = standings.opened(given.statement, given.signature, law.signing_key(name))
                awaited, owed = awaited + said.awaited, owed + said.owed
        except Problem as problem:
            self._missing.append(f"{name}: {problem.code}")
            return None
        return Keeper(name, awaited, owed)

    def _figures(self, keepers: Sequence[Keeper]) -> Figures:
        bureau, now_ms = self.bureau, self.bureau.clock()
        db, today = bureau.db.read(), day_in_japan(now_ms)
        law, pending = bureau.book.in_force(now_ms), bureau.book.pending(now_ms)
        shown = public(store.cells_since(db, 0), today)
        objected, sealed = self._objections(now_ms), self._seals()
        files, breaches = register(bureau), cases(bureau)
        lines, head = store.journal_head(db)
        verdicts = audit_store.verdicts(self.audits.read()) if self.audits else []
        return Figures(
            taken_ms=now_ms,
            version=law.gazette.number,
            since_ms=law.starts_ms,
            waiting=pending.gazette.number if pending else 0,
            waiting_until_ms=pending.starts_ms if pending else 0,
            stops=[
                Stop(each.subject.value, each.name, each.reason, each.until)
                for each in law.gazette.suspensions
                if each.holds(today)
            ],
            rows=len(law.gazette.rows),
            days=self._days(today),
            counted_from=counted_from(self.counting) or 0,
            counted_to=counted_to(self.counting) or 0,
            months=[Amount(name, each.least, each.few) for name, each in shown.months.items()],
            grounds=[Amount(name, each.least, each.few) for name, each in sorted(shown.rows.items())],
            pairs=[Pair(*pair, each.least, each.few) for pair, each in sorted(shown.pairs.items())],
            unused=self._unused(now_ms, today),
            unused_year=year_in_japan(now_ms),
            refusals=self._refusals(today),
            objections=objected.objections,
            answers=objected.answers,
            objections_late=objected.late,
            objection_ages=self._ages(now_ms),
            sealed=len(sealed.every),
            sealed_now=len(sealed.closed),
            sealed_overdue=len(sealed.overdue(now_ms)),
            keepers=list(keepers),
            erasure_due=self._erasure_due(now_ms),
            witnesses=[Witness(*each) for each in store.witnesses_since(db, today - SHOWN_DAYS)],
            assessments=len(files),
            assessments_late=sum(each.state == "late" for each in files),
            assessments_missing=sum(each.state in ("missing", "over") for each in files),
            breaches_open=sum(not case.closed_ms for case, _, _ in breaches),
            breaches_late=sum(bool(timers.late) for _, timers, _ in breaches),
            breaches_closed=sum(bool(case.closed_ms) for case, _, _ in breaches),
            verdicts=len(verdicts),
            faults=sum(bool(each.fault) for each in verdicts),
            journal_lines=lines,
            journal_digest=head.hex(),
            missing=list(self._missing),
        )

    def _days(self, today: int) -> list[Day]:
        sums: dict[tuple[int, EntryKind], int] = {}
        for each in self._reads.values():
            for key, count in each.days.items():
                sums[key] = sums.get(key, 0) + count
        kinds = EntryKind.REQUEST, EntryKind.OUTCOME, EntryKind.VIEWED
        return [
            Day(at, *(sums.get((at, kind), 0) for kind in kinds))
            for at in range(today - SHOWN_DAYS + 1, today + 1)
        ]

    def _unused(self, now_ms: int, today: int) -> list[str]:
        """Rows without any use in the months of this year that are over and were counted; none while there is no such
        month."""
        first = counted_from(self.counting)
        if first is None or not month_over(month_of(first), today):
            return []
        year = str(year_in_japan(now_ms))
        used = {
            cell.row
            for cell in store.cells_since(self.bureau.db.read(), 0)
            if cell.people and month_of(cell.day).startswith(year) and month_over(month_of(cell.day), today)
        }
        return [row.id for row in self.bureau.book.in_force(now_ms).gazette.rows if row.id not in used]

    def _refusals(self, today: int) -> list[Amount]:
        """By code in the last month that is over."""
        last = today - day(today).day
        month = month_of(last)
        sums: dict[str, int] = {}
        for at, code, times in store.refusals_by_day(self.bureau.db.read(), last - 31):
            if month_of(at) == month:
                sums[code] = sums.get(code, 0) + times
        return [
            Amount(code, banded if banded > 1 else 0, banded == 1)
            for code, times in sorted(sums.items())
            if (banded := band(times))
        ]

    def _objections(self, now_ms: int) -> objections.Counted:
        """Log by log, summed. A log with more answers than objections before them counts as missing."""
        total = objections.Counted(0, 0, 0)
        for origin, each in self._reads.items():
            try:
                one = objections.counted(each.entries(), minutes(now_ms), objections.LIMIT_MINUTES)
            except Problem as problem:
                self._missing.append(f"{origin}: {problem.code}")
                continue
            total = objections.Counted(
                total.objections + one.objections, total.answers + one.answers, total.late + one.late
            )
        return total

    def _seals(self) -> seals.Seals:
        return seals.counted([(origin, each.entries()) for origin, each in self._reads.items()])

    def _ages(self, now_ms: int) -> list[int]:
        """Days since each objection that is not answered came to the commission, oldest first."""
        if self.audits is None:
            return []
        left = audit_store.open_objections(self.audits.read())
        return sorted(((now_ms - each.received_ms) // 86_400_000 for each in left), reverse=True)

    def _erasure_due(self, now_ms: int) -> list[int]:
        counted = {origin: each.tallies for origin, each in self._reads.items()}
        done = {each.expiry for each in erasures.done(self.office.db.read(), 0, 10_000)}
        return [month for month in due(counted, now_ms) if month not in done]
