"""Show a person what this agency has on them (自己情報の閲覧), sealed to the person's own session.

Everything is shown, old copies too: what is held is held. Whoever is not known here, has nothing here, whose own view
is stopped (自己情報提供不可) or who has closed the area gets the same answer, an empty one.

An area that its person has closed is kept under the code that it was closed by, whether or not the person is known
here: somebody who becomes known later has it closed, and nobody hears from here who is known.
"""

from __future__ import annotations

from kakine.clients.recipient import Opened
from kakine.crypto.sealing import SealKey
from kakine.parties.gateway import store
from kakine.protocols.gazette import Law
from kakine.protocols.own_data import GROUND, area_of
from kakine.runtime.database import Connection
from kakine.values.problems import AnswerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import decode
from kakine.wire.own_data import Order, OwnAsked, OwnData, OwnItem, sealed_to
from kakine.wire.request import Mode


def permit(law: Law, opened: Opened, now_ms: int) -> None:
    """The gazette again, with this gateway's own copy of it. Raises what the law lacks, `AnswerNotAllowed` for items
    that the domain does not give or that are not of one area, and for what was not proved in the chain (mode S1): the
    portal keeps nothing by which to look into it later. `NotCanonical` for what is no `OwnAsked`."""
    public, payload = opened.public, opened.payload
    law.permit_ground(GROUND, public.requester, public.recipient, now_ms)
    if opened.record.mode is not Mode.S1:
        raise AnswerNotAllowed(what="mode")
    if not set(payload.items) <= set(law.domain(public.recipient).provides):
        raise AnswerNotAllowed(what="items")
    area_of(law, payload.items)
    for person in payload.people:
        decode(person.detail, OwnAsked)


def follow(db: Connection, law: Law, opened: Opened, token: bytes) -> Answered:
    """Close or open the area of the items for the one person of this batch, where that is asked; and `wire.own_data` of
    the person. Closing what is closed and opening what is open change nothing."""
    (person,) = opened.payload.people
    asked, domain = decode(person.detail, OwnAsked), opened.public.recipient
    area = area_of(law, opened.payload.items)
    if asked.order is not Order.SHOW:
        store.set_closed(db, domain, token, area, closed=asked.order is Order.CLOSE)
    items = () if asked.order is not Order.SHOW else _held(db, domain, opened.payload.items, area, token)
    sealed = sealed_to(SealKey(asked.session), opened.request, OwnData(domain, items))
    return Answered(Result.DELIVERED, (), sealed)


def _held(
    db: Connection, domain: str, wanted: tuple[str, ...], area: str, token: bytes
) -> tuple[OwnItem, ...]:
    flags = store.find_person(db, domain, token)
    if flags is None or flags.own_view_stopped or store.is_closed(db, domain, token, area):
        return ()
    copies = store.copies_of(db, domain, token)
    return tuple(
        OwnItem(c.item, c.layout, c.source_version, c.as_of_ms, c.expires_ms, c.data)
        for item in sorted(wanted)
        if (c := copies.get(item))
    )
