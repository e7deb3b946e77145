"""The commission's people in a running country, for tests.

with Land.founded(...) as land:
    people = People.of(land)
    act = land.run(people.bureau.prepare(people.inspector, What.STOP, ...))
    people.sign(people.commissioner, act)
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kakine.contracts.ministry import PROPOSE, Draft, Proposed
from kakine.country import MINISTRY
from kakine.parties.commission.bureau.acts import Act, Role, Stopped, What
from kakine.parties.commission.bureau.bureau import Bureau, Confirm
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.web.staff_store import Member
from kakine.wire import gazette as wire
from kakine.wire.gazette import Gazette, Subject

from land import TAX_ROW, Land

STOP_ROW = (Stopped(Subject.ROW, TAX_ROW),)


@dataclass
class People:
    """One of each role, with codes of the shift."""

    land: Land
    bureau: Bureau
    commissioner: Member
    officer: Member
    inspector: Member
    observer: Member
    codes: dict[int, list[str]]

    @classmethod
    def of(cls, land: Land) -> People:
        bureau = land.country.commission.bureau
        names = {Role.COMMISSIONER: "委員 甲", Role.OFFICER: "事務局 乙"}
        names |= {Role.INSPECTOR: "検査官 丙", Role.OBSERVER: "傍聴 丁"}
        members = [land.run(bureau.appoint(name, role))[0] for role, name in names.items()]
        codes = {each.number: land.run(bureau.staff.sheet(each.number, 30)) for each in members}
        return cls(land, bureau, *members, codes)

    def code(self, member: Member) -> str:
        """One of the member's sheet, not used yet."""
        return self.codes[member.number].pop()

    def confirm(self, whose: Member) -> Confirm:
        """By a code of this member's sheet, whoever signs."""

        async def confirm(member: Member, digest: bytes) -> None:
            await self.bureau.staff.confirm_by_code(member, self.code(whose))

        return confirm

    def prepare(self, member: Member, what: What, **more: object) -> bytes:
        return self.land.run(self.bureau.prepare(member, what, **more))

    def sign(self, member: Member, act: bytes) -> str:
        return self.land.run(self.bureau.sign(member, act, self.confirm(member)))

    def stop(self, until: int = 0) -> bytes:
        """Prepared by the inspector: the row of the tests stands still."""
        return self.prepare(
            self.inspector,
            What.STOP,
            stops=STOP_ROW,
            reason_ja="漏えいの疑い",
            reason_en="suspected leak",
            until=until,
        )

    def propose(self, content: Gazette, days: int = 20) -> Proposed:
        """By the ministry."""
        country = self.land.country
        draft = Draft(wire.encode(content), self.land.clock() + days * DAY_MS, "理由", "reason")
        return self.land.run(country.peers("ministry").ask(MINISTRY, PROPOSE, draft))

    def law(self) -> Gazette:
        return self.land.country.commission.book.in_force(self.land.clock()).gazette

    def lifted(self) -> Gazette:
        """The law without suspensions."""
        return msgspec.structs.replace(self.law(), suspensions=())

    def refresh(self) -> None:
        self.land.run(self.land.country.refresh())

    def act(self, digest: bytes) -> Act:
        return self.bureau.act(digest)[0]
