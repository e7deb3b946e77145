"""The room of what people have against this agency (異議・訂正請求): what waits, one with its note, its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kakine.parties.gateway.desk import complaints
from kakine.parties.gateway.desk.answers import plain_text
from kakine.parties.gateway.desk.complaints import Complaint
from kakine.parties.gateway.desk.office import DAY_MS, CaseDesk, Names, Shift
from kakine.parties.gateway.desk_site import words
from kakine.values.problems import FormUnfit
from kakine.web.turn import Turn
from kakine.wire.objection import MOST_WORDS, Outcome

ANSWERED_SHOWN = 50
"""So many of those answered stand in the list, newest first; the journal has them all."""


@dataclass(frozen=True)
class Seen:
    """One as it is shown. `days` are left, or over where `late`; every text of the person's is plain."""

    complaint: Complaint
    late: bool
    days: int
    items: tuple[Names, ...]
    official: str
    note: tuple[str, ...]


@dataclass
class Objecting:
    """Pages of a supervisor about complaints."""

    desk: CaseDesk

    async def all(self, turn: Turn[Shift]) -> Response:
        """What waits with its clock, then what has been answered. No note stands here."""
        me = self.desk.stands(turn.who)
        found = [self._seen(each) for each in await complaints.listed(self.desk, me)]
        waiting = [each for each in found if each.complaint.reply is None]
        answered = [each for each in reversed(found) if each.complaint.reply is not None]
        return turn.page(
            "claims.html", me=me, waiting=waiting, answered=answered[:ANSWERED_SHOWN], **_words()
        )

    async def one(self, turn: Turn[Shift]) -> Response:
        """One with its note, and the form, or what was answered."""
        me = self.desk.stands(turn.who)
        found = self._seen(await complaints.seen(self.desk, me, turn.param["id"]))
        said = plain_text(found.complaint.reply.words) if found.complaint.reply else ""
        return turn.page("claim.html", me=me, seen=found, said=said, most=MOST_WORDS, **_words())

    async def answer(self, turn: Turn[Shift]) -> Response:
        """Once; it is sealed to the person."""
        me, id_ = self.desk.stands(turn.who), turn.param["id"]
        try:
            outcome = Outcome(turn.form.one("outcome"))
        except ValueError as fault:
            raise FormUnfit(field="outcome") from fault
        await complaints.answer(self.desk, me, id_, outcome, turn.form.one("words"))
        return turn.go("/claims")

    def _seen(self, found: Complaint) -> Seen:
        left = found.due_ms - self.desk.now_ms
        named = {item.id: Names(item.ja, item.en) for item in self.desk.law.gazette.items}
        claim = found.claim
        plain = tuple(plain_text(each) for each in claim.items)
        return Seen(
            found,
            left < 0,
            max(1, -left // DAY_MS) if left < 0 else -(-left // DAY_MS),
            tuple(named.get(item, Names(item, item)) for item in plain),
            plain_text(claim.official),
            tuple(plain_text(line) for line in re.split(r"\r\n|\n|\r", claim.note) if line.strip()),
        )


def _words() -> dict[str, Any]:
    return {"aims": words.AIMS, "outcomes": words.OUTCOMES}
