"""The way in and out: login, enrolment, the end of a shift."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from kakine.parties.gateway.desk import ways
from kakine.parties.gateway.desk.office import CaseDesk, Shift
from kakine.parties.gateway.desk.people_store import Role
from kakine.values.problems import PasskeyInvalid, SessionUnknown
from kakine.web.turn import Turn
from kakine.wire.canonical import UNDECODABLE

FIRST = {Role.CLERK: "/cases", Role.SUPERVISOR: "/room", Role.ADMINISTRATOR: "/people"}


@dataclass
class Entering:
    """Pages before anybody is known."""

    desk: CaseDesk

    async def first(self, turn: Turn[Shift]) -> Response:
        """The way in, or the first room of whoever is in."""
        try:
            return turn.go(FIRST[self.desk.stands(turn.who).role])
        except SessionUnknown:
            return turn.page("login.html")

    async def by_code(self, turn: Turn[Shift]) -> Response:
        """Code and passphrase."""
        code, passphrase = turn.form.one("code"), turn.form.one("passphrase")
        return self._in(turn, await ways.by_code(self.desk, code, passphrase))

    async def passkey_options(self, turn: Turn[Shift]) -> Response:
        """For the script."""
        return turn.json(ways.passkey_options(self.desk, turn.token()))

    async def by_passkey(self, turn: Turn[Shift]) -> Response:
        """What the device has answered."""
        self._begin(turn, await ways.by_passkey(self.desk, turn.token(), _answer(turn)))
        return turn.json({"next": turn.language.path("/")})

    async def enrol_page(self, turn: Turn[Shift]) -> Response:
        """For a code that the administrator has printed."""
        return turn.page("enrol.html")

    async def enrol(self, turn: Turn[Shift]) -> Response:
        """The code is used up, the way in is still to be chosen."""
        self._begin(turn, await ways.enrol(self.desk, turn.form.one("code")))
        return turn.go("/enrol/way")

    async def way_page(self, turn: Turn[Shift]) -> Response:
        """A passkey or a passphrase."""
        person = ways.enrolling(self.desk, turn.who)
        return turn.page("way.html", person=person, shortest=ways.SHORTEST)

    async def passphrase(self, turn: Turn[Shift]) -> Response:
        """Chosen, typed twice."""
        first, second = turn.form.one("first"), turn.form.one("second")
        return self._in(turn, await ways.choose_passphrase(self.desk, turn.who, first, second))

    async def new_passkey_options(self, turn: Turn[Shift]) -> Response:
        """For the script."""
        return turn.json(ways.new_passkey_options(self.desk, turn.who))

    async def new_passkey(self, turn: Turn[Shift]) -> Response:
        """What the device has made."""
        self._begin(turn, await ways.choose_passkey(self.desk, turn.who, _answer(turn)))
        return turn.json({"next": turn.language.path("/")})

    async def out(self, turn: Turn[Shift]) -> Response:
        """The shift is over; nothing of it stays in this browser."""
        shift = turn.leave()
        if shift is not None:
            with suppress(SessionUnknown):  # it was over already: locked, or logged in elsewhere
                await ways.out(self.desk, shift)
        answer = turn.go("/")
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def _begin(self, turn: Turn[Shift], shift: Shift) -> None:
        """A session of its own: whoever was in this browser before is out."""
        before = turn.leave()
        if before is not None and before.staff != shift.staff:
            self.desk.end_of(before.staff)
        turn.admit(shift)

    def _in(self, turn: Turn[Shift], shift: Shift) -> Response:
        self._begin(turn, shift)
        return turn.go(FIRST[self.desk.stands(shift).role])


def _answer(turn: Turn[Shift]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(turn.body, type=dict[str, Any])
    except UNDECODABLE as fault:
        raise PasskeyInvalid() from fault
