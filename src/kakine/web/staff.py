"""People who work at a site, each as a named person with one role: enrolled by a one-time code, known again by a
passkey or by a one-time code of the shift.

A sheet of codes is printed for a shift. The first lets its holder in; each of the others confirms one act for which
being logged in is not enough, as a passkey does. So a browser that was left open can read, and decide nothing. Codes
have 80 random bits and are kept as digests; what is unknown, used, over or somebody else's looks alike.

Whoever hands out codes can be anybody they hand them to. That is for the organisation: what two people must decide
should not hang on codes of one printer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kakine.crypto.passkeys import (
    Site,
    challenge_of,
    check_creation,
    check_use,
    creation_options,
    credential_id,
    request_options,
)
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest
from kakine.runtime.database import Connection, Database, IntegrityError
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import PasskeyInvalid, StaffMalformed, StaffUnknown
from kakine.web import staff_store as store
from kakine.web.staff_store import Member

ENROL, SHIFT = "enrol", "shift"
ENROL_MS = 7 * 86_400_000
SHIFT_MS = 14 * 3_600_000
"""How long a code of the shift is good: a long day with what comes before and after it."""
ANSWER_MS = 300_000
MOST_NAME = 60
MOST_WAITING = 1000

After = Callable[[Connection, Member], None]
"""Written in the same transaction: a site's journal."""


def _nothing(db: Connection, member: Member) -> None:
    """No journal."""


@dataclass
class Staff:
    """The members of one site. `site` is where its passkeys live. Challenges are in memory: a restart voids them."""

    db: Database
    clock: Clock
    entropy: Entropy
    site: Site
    _asked: OrderedDict[bytes, tuple[int, int]] = field(default_factory=OrderedDict)

    # --- who works here

    def all(self) -> list[Member]:
        """Everybody, those who have left too."""
        return store.members(self.db.read())

    def member(self, number: int) -> Member:
        """One who works here now. Raises `StaffUnknown`."""
        found = store.find_member(self.db.read(), number)
        if found is None or not found.works:
            raise StaffUnknown()
        return found

    async def add(self, name: str, role: str, unit: str = "", then: After = _nothing) -> tuple[Member, str]:
        """Somebody new, and the code with which they come in for the first time. Raises `StaffMalformed`."""
        if not 1 <= len(name.strip()) <= MOST_NAME or not name.isprintable():
            raise StaffMalformed(what="name")
        code = paper_code(self.entropy(PAPER_BYTES))
        now_ms = self.clock()

        def work(db: Connection) -> Member:
            made = store.add_member(db, name.strip(), role, unit, now_ms)
            store.add_code(db, paper_digest(code), made.number, ENROL, now_ms + ENROL_MS)
            then(db, made)
            return made

        return await self.db.write(work), code

    async def end(self, number: int, then: After = _nothing) -> None:
        """They leave: codes, passkeys and whatever asks `member` end at once. Raises `StaffUnknown`."""
        leaving, now_ms = self.member(number), self.clock()

        def work(db: Connection) -> None:
            if not store.end_member(db, number, now_ms):
                raise StaffUnknown()
            then(db, leaving)

        await self.db.write(work)

    # --- codes

    async def sheet(self, number: int, count: int = 12) -> list[str]:
        """So many codes of the shift for one member, to be printed. Raises `StaffUnknown`."""
        self.member(number)
        codes = [paper_code(self.entropy(PAPER_BYTES)) for _ in range(count)]
        until_ms = self.clock() + SHIFT_MS

        def work(db: Connection) -> None:
            for code in codes:
                store.add_code(db, paper_digest(code), number, SHIFT, until_ms)

        await self.db.write(work)
        return codes

    def codes_left(self, number: int) -> int:
        """How many codes of a member are still good."""
        return store.codes_left(self.db.read(), number, self.clock())

    async def by_code(self, code: str, purpose: str = SHIFT) -> Member:
        """Whose code this is; it is used up. Raises `StaffUnknown`."""
        hashed, now_ms = paper_digest(code), self.clock()
        found = await self.db.write(lambda db: store.use_code(db, hashed, purpose, now_ms))
        if found is None:
            raise StaffUnknown()
        return found

    async def enrol(self, code: str) -> Member:
        """Somebody comes in for the first time. Raises `StaffUnknown`."""
        return await self.by_code(code, ENROL)

    async def confirm_by_code(self, member: Member, code: str) -> None:
        """One act of this very member, by a code of the own sheet. Raises `StaffUnknown`; a code of somebody else is
        refused alike, and used up."""
        if (await self.by_code(code)).number != member.number:
            raise StaffUnknown()

    # --- passkeys

    def bind_options(self, member: Member) -> dict[str, Any]:
        """For `navigator.credentials.create`, after an enrolment or a login by code."""
        return creation_options(self.site, self.entropy(32), self._challenge(member.number))

    async def bind(self, member: Member, answer: Mapping[str, Any]) -> None:
        """A passkey of this member, and of nobody else. Raises `PasskeyInvalid`, `StaffUnknown`."""
        made = check_creation(self.site, answer, self._answered(answer, member.number))
        self.member(member.number)

        def work(db: Connection) -> None:
            try:
                store.add_passkey(db, made, member.number)
            except IntegrityError as taken:
                raise PasskeyInvalid() from taken

        await self.db.write(work)

    def use_options(self) -> dict[str, Any]:
        """For `navigator.credentials.get`: to come in."""
        return request_options(self.site, self._challenge(0))

    def confirm_options(self, member: Member, about: bytes) -> dict[str, Any]:
        """For `navigator.credentials.get`: to confirm the act with this digest (32 bytes), in the challenge."""
        return request_options(self.site, self._challenge(member.number, about))

    async def by_passkey(self, answer: Mapping[str, Any]) -> Member:
        """Who comes in. Raises `PasskeyInvalid`."""
        return await self._used(answer, 0)

    async def confirm_by_passkey(self, member: Member, answer: Mapping[str, Any], about: bytes) -> None:
        """One act of this very member. Raises `PasskeyInvalid`, also for an answer to the question about another."""
        found = await self._used(answer, member.number, about)
        if found.number != member.number:
            raise PasskeyInvalid()

    async def _used(self, answer: Mapping[str, Any], member: int, about: bytes = b"") -> Member:
        challenge = self._answered(answer, member, about)
        found = store.find_passkey(self.db.read(), credential_id(answer))
        if found is None:
            raise PasskeyInvalid()
        kept, whose = found
        count = check_use(self.site, answer, challenge, kept)
        await self.db.write(lambda db: store.count_passkey(db, kept.id, count))
        return whose

    def _challenge(self, member: int, about: bytes = b"") -> bytes:
        now_ms = self.clock()
        while self._asked and (
            len(self._asked) >= MOST_WAITING or next(iter(self._asked.values()))[0] < now_ms - ANSWER_MS
        ):
            self._asked.popitem(last=False)
        challenge = self.entropy(32) + about
        self._asked[challenge] = now_ms, member
        return challenge

    def _answered(self, answer: Mapping[str, Any], member: int, about: bytes = b"") -> bytes:
        """The challenge that an answer is about: ours, young, for this member and act, and used up now."""
        challenge = challenge_of(answer)
        made_ms, whose = self._asked.pop(challenge, (0, -1))
        if whose != member or challenge[32:] != about or self.clock() - made_ms > ANSWER_MS:
            raise PasskeyInvalid()
        return challenge
