"""Two people for every act: one prepares it, another signs it, each as a person with a role, and only then is it done.

prepared    the act is on disk, with a line in the journal
signed      by another person, who has confirmed this very act with a passkey or a code; on disk before the key is used
done        or failed, with the code of the problem; or withdrawn before it was signed

The commission's key signs for the commission, not for a person: whoever prepared and signed stands in the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from kakine.contracts.commission import Appoint, Appointed, Narrow, Stop, Version
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.acts import OPEN_MS, RULES, Act, Role, Stopped, What
from kakine.parties.commission.bureau.store import CLOCK, Doer, Kept, Line
from kakine.parties.commission.use_cases import Duties
from kakine.protocols.assessment import Checker, Step, stepped
from kakine.protocols.gazette import LawBook
from kakine.protocols.gazette_sound import suspendable
from kakine.protocols.uses import Sunset
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock, Entropy
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.values.problems import (
    AssessmentMalformed,
    GazetteUnchanged,
    OrderMalformed,
    OrderUnknown,
    PartyUnavailable,
    Problem,
    RoleNotAllowed,
    StoreFailed,
    TwoPeopleNeeded,
)
from kakine.web.staff import Staff
from kakine.web.staff_store import Member
from kakine.wire import gazette
from kakine.wire.canonical import decode, encode

Confirm = Callable[[Member, bytes], Awaitable[None]]
"""That this member wants the act with this digest, now: by a passkey or a code of the shift. Raises if not."""

MOST_STOPS = 50


def doer(member: Member) -> Doer:
    """For the journal."""
    return Doer(member.number, member.role)


@dataclass
class Bureau:
    """The commission's people. `staff` says who they are, `duties` does what was signed."""

    db: Database
    staff: Staff
    duties: Duties
    book: LawBook
    clock: Clock
    entropy: Entropy
    _halves: dict[tuple[bytes, int], str] = field(default_factory=dict)
    """Of codes for somebody new, by act and member. In memory: after a restart it takes another act."""

    # --- people

    def require(self, member: Member, *roles: Role) -> Member:
        """The member as they are now. Raises `StaffUnknown` for one who left, `RoleNotAllowed`."""
        now = self.staff.member(member.number)
        if now.role not in roles:
            raise RoleNotAllowed(role=now.role)
        return now

    async def appoint(self, name: str, role: Role, unit: str = "") -> tuple[Member, str]:
        """The first people, by whoever runs the commission; (member, code). Raises `TwoPeopleNeeded` from the first
        act on that was signed: who comes then, two of them want."""
        if any(each.signer for each in store.all_acts(self.db.read())):
            raise TwoPeopleNeeded()
        now_ms = self.clock()
        return await self.staff.add(
            name,
            role,
            unit,
            lambda db, made: store.note(db, now_ms, CLOCK, "appointed", str(made.number), role),
        )

    async def appointed(self, caller: PartyName, asked: Appoint) -> Appointed:
        """As `appoint`, over the road: the caller is the commission itself. Raises `TwoPeopleNeeded`, `RoleNotAllowed`,
        `StaffMalformed`."""
        if asked.role not in tuple(Role):
            raise RoleNotAllowed(role="none")
        member, code = await self.appoint(asked.name, Role(asked.role), asked.unit)
        return Appointed(member.number, code)

    def note(
        self, member: Member, what: str, about: str = "", fact: str = ""
    ) -> Callable[[Connection], None]:
        """A line of the journal, to be written in a transaction."""
        now_ms, who = self.clock(), doer(member)
        return lambda db: store.note(db, now_ms, who, what, about, fact)

    def journal(self, before: int = 1 << 62) -> list[Line]:
        """A hundred lines, newest first."""
        return store.lines(self.db.read(), before)

    # --- acts

    def act(self, digest: bytes) -> tuple[Act, Kept]:
        """One act and how far it is. Raises `OrderUnknown`."""
        kept = store.find_act(self.db.read(), digest)
        if kept is None:
            raise OrderUnknown()
        return decode(kept.act, Act), kept

    def acts(self) -> list[tuple[Act, Kept]]:
        """The last two hundred, newest first."""
        return [(decode(kept.act, Act), kept) for kept in store.all_acts(self.db.read())]

    def waiting(self) -> list[tuple[Act, Kept]]:
        """What waits for its second person."""
        since = self.clock() - OPEN_MS
        found = store.acts_in(self.db.read(), store.PREPARED)
        return [(decode(kept.act, Act), kept) for kept in found if kept.prepared_ms >= since]

    def sunset_rule(self) -> Sunset:
        """The rule about unused rows that was signed last."""
        done = [decode(kept.act, Act) for kept in store.acts_in(self.db.read(), store.DONE)]
        rules = [act for act in done if act.what is What.SUNSET]
        return Sunset(rules[-1].number, rules[-1].further) if rules else Sunset()

    async def prepare(self, member: Member, what: What, **more: Any) -> bytes:
        """The digest of the act, which waits for somebody else. Raises `RoleNotAllowed`, `OrderMalformed`, and what the
        act would be refused with at once (a proposal that is not there)."""
        now = self.require(member, *RULES[what][0])
        now_ms = self.clock()
        act = Act(what, now.number, now_ms, self.entropy(16), **more)
        decode(encode(act), Act)  # lengths and kinds of what was typed
        self._check(act)
        hashed, line = act.digest, self.note(now, "prepared", act.what, act.digest.hex())

        def work(db: Connection) -> None:
            store.add_act(db, hashed, encode(act), now_ms)
            line(db)

        await self.db.write(work)
        return hashed

    async def withdraw(self, member: Member, digest: bytes) -> None:
        """Nothing comes of it: by who prepared it, or by who could sign it. Raises `OrderUnknown`, `RoleNotAllowed`."""
        act, kept = self.act(digest)
        now = self.staff.member(member.number)
        if now.number != act.by:
            self.require(now, *RULES[act.what][1])
        await self._move(kept, store.WITHDRAWN, now, "withdrawn", act)

    async def sign(self, member: Member, digest: bytes, confirm: Confirm) -> str:
        """Do what was prepared; what came of it. Raises `TwoPeopleNeeded`, `RoleNotAllowed`, `OrderUnknown`, what
        `confirm` raises, and what doing it raises: then the act has failed, and must be prepared anew.

        Where a party is away the act stays signed, and `resume` does it.
        """
        act, kept = self.act(digest)
        if member.number == act.by:
            raise TwoPeopleNeeded()
        self.require(member, *RULES[act.what][1])
        # Who prepared it must still be there, in a role that may.
        self.require(self.staff.member(act.by), *RULES[act.what][0])
        if kept.state != store.PREPARED or self.clock() - kept.prepared_ms > OPEN_MS:
            raise OrderUnknown()
        await confirm(member, digest)
        signed = await self._move(kept, store.SIGNED, member, "signed", act)
        return await self._do(act, signed)

    async def resume(self) -> None:
        """Do what was signed and left undone by a crash or an absence."""
        for kept in store.acts_in(self.db.read(), store.SIGNED):
            try:
                await self._do(decode(kept.act, Act), kept)
            except Problem:
                continue  # it says so itself, in its state and in the journal

    async def _move(self, kept: Kept, new: str, member: Member, word: str, act: Act) -> Kept:
        now_ms = self.clock()
        line = self.note(member, word, act.what, kept.digest.hex())
        signer, signed_ms = (member.number, now_ms) if new == store.SIGNED else (kept.signer, kept.signed_ms)

        def work(db: Connection) -> None:
            if kept.state != store.PREPARED or not store.move_act(db, kept, new, signer, signed_ms):
                raise OrderUnknown()
            line(db)

        await self.db.write(work)
        return Kept(kept.digest, kept.act, new, kept.prepared_ms, signer, signed_ms, "")

    async def _do(self, act: Act, kept: Kept) -> str:
        try:
            result = await self._doing(act, kept)
        except (PartyUnavailable, StoreFailed):
            raise
        except Problem as refusal:
            await self._close(act, kept, store.FAILED, refusal.code)
            raise
        await self._close(act, kept, store.DONE, result)
        return result

    async def _close(self, act: Act, kept: Kept, state: str, result: str) -> None:
        now_ms = self.clock()

        def work(db: Connection) -> None:
            if store.move_act(db, kept, state, kept.signer, kept.signed_ms, result):
                store.note(db, now_ms, CLOCK, state, act.what, f"{kept.digest.hex()} {result}")

        await self.db.write(work)

    # --- what each act is

    def _check(self, act: Act) -> None:
        """Raise `OrderMalformed` for what could not be done anyway."""
        if act.what in (What.APPROVE, What.REFUSE):
            self.duties.proposal(act.about)
        elif act.what is What.DROP:
            self._pending(act)
        elif act.what is What.STOP:
            self._check_stop(act)
        elif act.what is What.ENROL:
            _require(act.role in tuple(Role) and bool(act.name.strip()), "name")
        elif act.what is What.LEAVE:
            self.staff.member(act.number)
        elif act.what is What.SUNSET:
            _require(act.number == 0 or (6 <= act.number <= 120 and 14 <= act.further <= 180), "months")
        elif act.what is What.CHECK:
            self._check_card(act)
        if act.what in (What.REFUSE, What.STOP, What.DROP):
            _require(bool(act.reason_ja.strip()), "reason")

    def _pending(self, act: Act) -> None:
        pending = self.book.pending(self.clock())
        _require(pending is not None and pending.digest == act.about, "pending")

    def _check_stop(self, act: Act) -> None:
        known = suspendable(self.book.in_force(self.clock()).gazette)
        _require(0 < len(act.stops) <= MOST_STOPS, "stops")
        _require(all(each.name in known[each.subject] for each in act.stops), "stops")
        _require(not act.until or act.until >= day_in_japan(self.clock()), "until")

    def _check_card(self, act: Act) -> None:
        card = store.find_card(self.db.read(), act.name, act.role)
        _require(card is not None and card.checker is Checker.COMMISSION, "card")
        if card is not None:
            stepped(card, Step.CHECK, day_in_japan(self.clock()))

    async def _doing(self, act: Act, kept: Kept) -> str:
        match act.what:
            case What.APPROVE:
                return await self._approve(act)
            case What.REFUSE:
                return await self._refuse(act)
            case What.STOP:
                return await self._stop(act)
            case What.DROP:
                return await self._drop(act)
            case What.ENROL:
                return await self._enrol(act, kept)
            case What.LEAVE:
                return await self._leave(act, kept)
            case What.SUNSET:
                return f"{act.number} {act.further}"
            case What.CHECK:
                return await self._checked(act)

    async def _approve(self, act: Act) -> str:
        return _published(await self.duties.publish_approved(act.about))

    async def _refuse(self, act: Act) -> str:
        await self.duties.close_proposal(act.about, act.reason_ja)
        return "refused"

    async def _stop(self, act: Act) -> str:
        stops = [Stop(each.subject.value, each.name) for each in act.stops]
        return await self._narrow(Narrow(stops, [], act.reason_ja, act.reason_en or act.reason_ja, act.until))

    async def _drop(self, act: Act) -> str:
        self._pending(act)
        return await self._narrow(Narrow([], [], act.reason_ja, act.reason_en or act.reason_ja))

    async def _narrow(self, asked: Narrow) -> str:
        try:
            return _published(await self.duties.publish_narrowing(asked))
        except GazetteUnchanged:
            return "stands already"

    async def _enrol(self, act: Act, kept: Kept) -> str:
        line = Doer(kept.signer, "")
        now_ms = self.clock()
        made, code = await self.staff.add(
            act.name,
            act.role,
            "",
            lambda db, new: store.note(db, now_ms, line, "enrolled", str(new.number), act.role),
        )
        # A half for each of the two, so that neither of them can come in as the new one.
        self._halves[kept.digest, kept.signer] = f"{code[:9]}…"
        self._halves[kept.digest, act.by] = f"…{code[10:]}"
        return str(made.number)

    def has_half(self, member: Member, digest: bytes) -> bool:
        """Whether a half of a code waits for this member."""
        return (digest, member.number) in self._halves

    def half_code(self, member: Member, digest: bytes) -> str:
        """This member's half of somebody new's code, shown once; nothing where there is none (any more)."""
        return self._halves.pop((digest, member.number), "")

    async def _leave(self, act: Act, kept: Kept) -> str:
        now_ms = self.clock()
        await self.staff.end(
            act.number,
            lambda db, gone: store.note(db, now_ms, Doer(kept.signer), "left", str(gone.number)),
        )
        return str(act.number)

    async def _checked(self, act: Act) -> str:
        self._check_card(act)
        day = day_in_japan(self.clock())

        def work(db: Connection) -> None:
            card = store.find_card(db, act.name, act.role)
            if card is None:
                raise AssessmentMalformed(what="card")
            store.put_card(db, stepped(card, Step.CHECK, day))

        await self.db.write(work)
        return "checked"


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise OrderMalformed(what=what)


def _published(version: Version) -> str:
    return str(gazette.decode(version.gazette).number)


def stops_of(pairs: list[tuple[str, str]]) -> tuple[Stopped, ...]:
    """Of (subject, name) as they were chosen. Raises `OrderMalformed`."""
    try:
        found = {(gazette.Subject(subject), name) for subject, name in pairs}
    except ValueError as wrong:
        raise OrderMalformed(what="stops") from wrong
    return tuple(Stopped(subject, name) for subject, name in sorted(found))
