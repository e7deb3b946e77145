"""What the agency's own systems ask their gateway for, over the road on which parties call."""

from __future__ import annotations

from kakine.contracts.agency import Asking, Told
from kakine.parties.gateway.asking import Desk, Question
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CallerNotAllowed


async def ask(desk: Desk, own: PartyName, caller: PartyName, asked: Asking) -> Told:
    """One person's answer. Raises `CallerNotAllowed` for everybody but the agency itself, `DomainNotRun`,
    `PersonNotKnown`, and the problem of whoever refuses."""
    if caller != own:
        raise CallerNotAllowed(call="ask")
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
