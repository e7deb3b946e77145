"""Questions of a case: what may be asked, asking, and taking up what did not arrive.

The journal line and the question are on disk before anything leaves. What travels has the case's keyed digest and the
clerk's official reference in it, so that the person's own history and the agency's journal name the same two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.carrier import OPEN
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.desk import arrivals, cases, journal
from kakine.parties.gateway.desk import case_store as store
from kakine.parties.gateway.desk.case_store import Case, Inquiry, State, Step
from kakine.parties.gateway.desk.journal import What
from kakine.parties.gateway.desk.office import CaseDesk
from kakine.parties.gateway.desk.people_store import Staff
from kakine.protocols.gazette import Law
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName
from kakine.values.problems import (
    CaseNotOpen,
    DeskQuotaExceeded,
    FormUnfit,
    Problem,
    ProviderNotEntitled,
    RowByHand,
    Suspended,
)
from kakine.wire.gazette import Item, Procedure, Row


@dataclass(frozen=True)
class Offer:
    """A row of the case's procedure. `providers` may be asked now; where there is none, `stopped` says why, by the code
    of a problem, with the `reason` that the law gives for a suspension."""

    row: Row
    item: Item
    providers: tuple[DomainName, ...]
    stopped: str
    reason: str

    @property
    def choice(self) -> bool:
        """Whether it says something about a person who of several answers."""
        return len(self.providers) > 1


def procedure_of(law: Law, case: Case) -> Procedure:
    """The task that the case is for."""
    return next(each for each in law.gazette.procedures if each.id == case.procedure)


def offers(desk: CaseDesk, case: Case) -> list[Offer]:
    """Every row that the law gives this desk for the case's procedure, in order. Raises what `Law.rows_for` raises."""
    law, now_ms = desk.law, desk.now_ms
    items = {item.id: item for item in law.gazette.items}
    return [
        _offer(desk, law, case, law.row(row_id), items, now_ms)
        for row_id in law.rows_for(desk.domain, None, case.procedure)
    ]


def _offer(desk: CaseDesk, law: Law, case: Case, row: Row, items: dict[str, Item], now_ms: int) -> Offer:
    open_to, refused = list[DomainName](), list[Problem]()
    for provider in law.providers(row.id):
        try:
            law.permit(desk.domain, provider, case.procedure, (row.id,), now_ms)
            open_to.append(provider)
        except Problem as problem:
            refused.append(problem)
    stopped = "" if open_to else (refused[0].code if refused else ProviderNotEntitled.code)
    reason = (
        "" if open_to else next((_reason(law, each) for each in refused if isinstance(each, Suspended)), "")
    )
    return Offer(row, items[row.item], tuple(open_to), stopped, reason)


def _reason(law: Law, problem: Problem) -> str:
    named = problem.facts.get("what")
    return next(
        (
            each.reason
            for each in law.gazette.suspensions
            if named in (f"{each.subject.value}:{each.name}", each.subject.value)
        ),
        "",
    )


async def ask(
    desk: CaseDesk, by: Staff, number: str, place: int, rows: Sequence[str], provider: DomainName
) -> Inquiry:
    """One question about the person at this place of the case, with what came of it as far as that is known.

    Raises `CaseUnknown`, `CaseNotOpen`, `FormUnfit`, `RowByHand`, `DeskQuotaExceeded`, and what the law lacks
    (`Law.permit`); then nothing was written down as asked. What refuses later stands in the answer.
    """
    case = cases.mine(desk, by, number)
    people = store.people(desk.office.db.read(), desk.domain, number)
    if case.state is not State.OPEN:
        raise CaseNotOpen()
    if not 0 <= place < len(people):
        raise FormUnfit(field="person")
    _permit(desk, case, people[place], rows, provider)
    new = Inquiry(
        desk.office.entropy(arrivals.SIZE),
        desk.domain,
        number,
        place,
        tuple(sorted(rows)),
        provider,
        by.id,
        desk.law.gazette.number,
        desk.now_ms,
        Step.UNDER_WAY,
        "",
        "",
        0,
        b"",
        b"",
    )
    desk.asked_now.add(new.id)
    try:
        await desk.office.db.write(lambda db: _note(desk, db, by, new))
        await _carry(desk, by, case, new, people[place])
    finally:
        desk.asked_now.discard(new.id)
    return store.inquiry(desk.office.db.read(), desk.domain, number, new.id)


def _permit(desk: CaseDesk, case: Case, who: bytes, rows: Sequence[str], provider: DomainName) -> None:
    law, now_ms = desk.law, desk.now_ms
    law.permit(desk.domain, provider, case.procedure, rows, now_ms)
    if cases.protected(desk, who) and law.choice(rows):
        raise RowByHand()


def _note(desk: CaseDesk, db: Connection, by: Staff, new: Inquiry) -> None:
    # Once more, in the commit: the case may have been closed or given to somebody else meanwhile.
    if cases.own(db, desk, by, new.case).state is not State.OPEN:
        raise CaseNotOpen()
    if len(store.inquiries(db, desk.domain, new.case)) >= desk.rules.questions_a_case:
        raise DeskQuotaExceeded(what="questions", most=desk.rules.questions_a_case)
    store.ask(db, new, desk.office.db.replica)
    journal.write(db, desk.act(by, What.ASKED, new.case, " ".join(new.rows)), new.asked_ms)


async def _carry(desk: CaseDesk, by: Staff, case: Case, new: Inquiry, who: bytes) -> None:
    question = Question(
        desk.domain,
        DomainName(new.provider),
        case.procedure,
        new.rows,
        who,
        by.official,
        desk.mark("case", case.number.encode()),
        by.unit,
        inquiry=new.id,
    )
    try:
        await desk.asking.ask(question)
    except OPEN:
        # Nobody knows whether it arrived: the same bytes go again when the clerk asks for that, or at the next start.
        return
    except Problem as problem:
        refusal, now_ms = problem, desk.now_ms
        await desk.office.db.write(lambda db: arrivals.refused(db, [new.id], refusal, now_ms))


async def take_up(desk: CaseDesk, by: Staff, number: str, id_: bytes) -> Inquiry:
    """Send again what did not arrive: the same request, which stands in the history once. Raises `CaseUnknown`,
    `InquiryUnknown`, `CaseNotOpen`."""
    if cases.mine(desk, by, number).state is not State.OPEN:
        raise CaseNotOpen()
    inquiry = store.inquiry(desk.office.db.read(), desk.domain, number, id_)
    if inquiry.step is Step.UNDER_WAY and id_ not in desk.asked_now:
        desk.asked_now.add(id_)
        try:
            await desk.asking.resume(id_)
        finally:
            desk.asked_now.discard(id_)
    return store.inquiry(desk.office.db.read(), desk.domain, number, id_)


async def note_seen(desk: CaseDesk, by: Staff, inquiry: Inquiry, *, printed: bool = False) -> None:
    """Somebody looked at an answer, or had it printed."""
    what, now_ms = What.PRINTED if printed else What.ANSWER_SEEN, desk.now_ms
    act = desk.act(by, what, inquiry.case, " ".join(inquiry.rows))
    await desk.office.db.write(lambda db: journal.write(db, act, now_ms))
