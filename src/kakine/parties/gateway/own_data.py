"""Show a person what this agency has on them (自己情報の閲覧), sealed to the person's own session.

Everything is shown, old copies too: what is held is held. Whoever is not known here, has nothing here, or whose own
view is stopped (自己情報提供不可) gets the same answer, an empty one.
"""

from __future__ import annotations

from kakine.clients.recipient import Opened
from kakine.crypto.sealing import SealKey
from kakine.parties.gateway import store
from kakine.protocols.gazette import Law
from kakine.protocols.own_data import GROUND
from kakine.runtime.database import Connection
from kakine.values.problems import AnswerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.own_data import OwnData, OwnItem, sealed_to
from kakine.wire.request import Mode


def permit(law: Law, opened: Opened, now_ms: int) -> None:
    """The gazette again, with this gateway's own copy of it. Raises what the law lacks, and `AnswerNotAllowed` for
    items that the domain does not give, for no session to seal to, and for what was not proved in the chain (mode S1):
    the portal keeps nothing by which to look into it later."""
    public, payload = opened.public, opened.payload
    law.permit_ground(GROUND, public.requester, public.recipient, now_ms)
    if opened.record.mode is not Mode.S1:
        raise AnswerNotAllowed(what="mode")
    if not set(payload.items) <= set(law.domain(public.recipient).provides):
        raise AnswerNotAllowed(what="items")
    if any(len(person.detail) != 32 for person in payload.people):
        raise AnswerNotAllowed(what="session")


def shown(db: Connection, domain: str, opened: Opened, token: bytes) -> Answered:
    """`wire.own_data` of the one person of this batch."""
    (person,) = opened.payload.people
    flags = store.find_person(db, domain, token)
    copies = {} if flags is None or flags.own_view_stopped else store.copies_of(db, domain, token)
    items = tuple(
        OwnItem(c.item, c.layout, c.source_version, c.as_of_ms, c.expires_ms, c.data)
        for item in sorted(opened.payload.items)
        if (c := copies.get(item))
    )
    sealed = sealed_to(SealKey(person.detail), opened.request, OwnData(domain, items))
    return Answered(Result.DELIVERED, (), sealed)
