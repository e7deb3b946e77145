"""What an agency can do whose software has been altered: ask without its own gateway's look at the law."""

from __future__ import annotations

from kakine.clients.exchange import Wish
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.asking import Question
from kakine.runtime.codebook import token_of
from kakine.values.codes import CodeVector
from kakine.values.problems import PersonNotKnown
from kakine.wire.request import AskedPerson, Kind


async def ask_anyway(gateway: Gateway, question: Question) -> None:
    """Send the question straight to the converters. Raises the problem of the converter that refuses.

    If none does the record is filed, but nothing is released or delivered: this only tries the first gate.
    """
    office, site = gateway.office, gateway.office.site(question.domain)
    token = token_of(office.db.read(), question.domain, question.reference)
    if token is None:
        raise PersonNotKnown()
    asked = AskedPerson(office.entropy(16), question.official, question.case, question.parent, b"")
    wish = Wish(
        Kind.EXCHANGE,
        question.mode,
        question.procedure,
        question.rows,
        question.provider,
        CodeVector.of([site.unwrapped(token)]),
        (asked,),
        unit=question.unit,
        channel=question.channel,
    )
    requester = office.requester(question.domain)
    await requester.convert(await requester.prepare(wish))
