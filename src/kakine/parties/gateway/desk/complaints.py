"""What people have against exchanges of this desk (異議・訂正請求), for its supervisors: spec/objections.md section 8.

The case and the clerk are taken from the desk's own questions, by the number of the request, not from what the claim
says. Who the person is stands nowhere here: only a note may say it. Every reading and every answer is a line.
"""

from __future__ import annotations

from dataclasses import dataclass

from kakine.parties.gateway import claims, claims_store
from kakine.parties.gateway.claims_store import Kept
from kakine.parties.gateway.desk import case_store, journal, people_store
from kakine.parties.gateway.desk.case_store import Case
from kakine.parties.gateway.desk.journal import What
from kakine.parties.gateway.desk.office import CaseDesk, require
from kakine.parties.gateway.desk.people_store import Role, Staff, State
from kakine.protocols.objections import ANSWER_MS
from kakine.runtime.database import Connection
from kakine.values.problems import ClaimUnfit, FormUnfit
from kakine.wire.canonical import decode
from kakine.wire.objection import MOST_WORDS, Claim, Outcome, Reply


@dataclass(frozen=True, repr=False)
class Complaint:
    """A claim with what the desk's own books have on it. `case` and `clerk` are None where no question of a case made
    this exchange: the agency held the data, or a job went past the desk."""

    kept: Kept
    claim: Claim
    reply: Reply | None
    case: Case | None
    clerk: Staff | None

    @property
    def id(self) -> str:
        """How pages, journal and command line name it: the exchange's id, 32 hexadecimal digits."""
        return self.kept.xid.hex()

    @property
    def due_ms(self) -> int:
        """From then on the commission names the agency."""
        return self.kept.since_ms + ANSWER_MS


async def listed(desk: CaseDesk, by: Staff | None) -> list[Complaint]:
    """All that somebody answers for, oldest first: the operator (None) everything, a supervisor what comes of the own
    unit's cases, of no case, and of a unit that has no supervisor now. Raises `DeskRoleLacking`."""
    found = _all(desk, by)
    act, now_ms = desk.act(by, What.CLAIMS_LISTED, about=str(len(found))), desk.now_ms
    await desk.office.db.write(lambda db: journal.write(db, act, now_ms))
    return found


async def seen(desk: CaseDesk, by: Staff | None, id_: str) -> Complaint:
    """One of them, with its note. Raises `DeskRoleLacking`, and `ClaimUnfit` alike for what is another's and what is
    not there."""
    found = _one(desk, by, id_)
    act, now_ms = desk.act(by, What.CLAIM_SEEN, _case_of(found), found.id), desk.now_ms
    await desk.office.db.write(lambda db: journal.write(db, act, now_ms))
    return found


async def answer(desk: CaseDesk, by: Staff | None, id_: str, outcome: Outcome, words: str) -> None:
    """Answer one, once, with words on one line: the ground where nothing is corrected, to whom where it is forwarded.
    Raises what `seen` raises, and `FormUnfit`."""
    found, said = _one(desk, by, id_), " ".join(words.split())
    if not 1 <= len(said) <= MOST_WORDS:
        raise FormUnfit(field="words")
    act, now_ms = (
        desk.act(by, What.CLAIM_ANSWERED, _case_of(found), f"{found.id} {outcome.value}"),
        desk.now_ms,
    )

    def noted(db: Connection) -> None:
        journal.write(db, act, now_ms)

    await claims.reply(desk.office, desk.domain, found.kept.xid, outcome, said, noted)


def _all(desk: CaseDesk, by: Staff | None) -> list[Complaint]:
    if by is not None:
        require(by, Role.SUPERVISOR)
    db = desk.office.db.read()
    units = {
        each.unit
        for each in people_store.of_domain(db, desk.domain)
        if each.role is Role.SUPERVISOR and each.state is State.ACTIVE
    }
    found = [_complaint(db, kept) for kept in claims_store.of_domain(db, desk.domain)]
    if by is None:
        return found
    return [
        each
        for each in found
        if each.case is None or each.case.unit == by.unit or each.case.unit not in units
    ]


def _one(desk: CaseDesk, by: Staff | None, id_: str) -> Complaint:
    found = next((each for each in _all(desk, by) if each.id == id_), None)
    if found is None:
        raise ClaimUnfit(what="unknown")
    return found


def _complaint(db: Connection, kept: Kept) -> Complaint:
    number, staff = case_store.of_request(db, kept.domain, kept.request) or ("", b"")
    return Complaint(
        kept,
        decode(kept.claim, Claim),
        decode(kept.reply, Reply) if kept.reply else None,
        case_store.get(db, kept.domain, number) if number else None,
        people_store.staff(db, staff) if staff else None,
    )


def _case_of(found: Complaint) -> str:
    return found.case.number if found.case else ""
