"""What the agency's own systems ask their gateway for, over the road on which parties call."""

from __future__ import annotations

from kakine.contracts.agency import ASK, KEEP, PAPER, Asking, AskPaper, KeepCopies, Printed, Told
from kakine.contracts.call import Nothing, Role
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.parties.gateway.office import Office
from kakine.parties.gateway.vouching import print_paper
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CallerNotAllowed


def require_own(office: Office, caller: PartyName, call: str) -> None:
    """Raises `CallerNotAllowed` for everybody but the agency itself."""
    if caller != office.identity.name:
        raise CallerNotAllowed(call=call)


async def ask(office: Office, desk: Desk, caller: PartyName, asked: Asking) -> Told:
    """One person's answer. Raises `CallerNotAllowed`, `DomainNotRun`, `PersonNotKnown`, and the problem of whoever
    refuses."""
    require_own(office, caller, ASK.path)
    answer = await desk.ask(
        Question(
            DomainName(asked.domain),
            DomainName(asked.provider),
            asked.procedure,
            tuple(sorted(asked.rows)),
            asked.reference,
            asked.official,
            asked.case,
            asked.unit,
            asked.channel,
            parent=asked.parent,
        )
    )
    return Told(answer.result, list(answer.items), answer.data)


async def keep(office: Office, caller: PartyName, asked: KeepCopies) -> Nothing:
    """What the agency's own system says of people. Raises `CallerNotAllowed`, `DomainNotRun`, and with the position
    `PersonNotKnown`, `LayoutViolated`, `CopyOutdated`."""
    require_own(office, caller, KEEP.path)
    copies = [
        NewCopy(
            each.reference, each.item, each.layout, each.version, each.as_of_ms, each.expires_ms, each.data
        )
        for each in asked.copies
    ]
    await put_copies(office, asked.domain, copies)
    return Nothing()


async def paper(office: Office, desk: Desk, caller: PartyName, asked: AskPaper) -> Printed:
    """A code that opens one login at the portal within a day. Raises as `ask`."""
    require_own(office, caller, PAPER.path)
    law = office.law.in_force(office.clock())
    portal = DomainName(law.party(law.with_role(Role.PORTAL)[0]).domains[0].name)
    who = asked.reference, asked.official, asked.case, asked.unit
    clerk = Question(DomainName(asked.domain), portal, "", (), *who)
    return Printed(await print_paper(office, desk, clerk, portal))
