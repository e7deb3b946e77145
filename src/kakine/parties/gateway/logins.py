"""Answer a login: under what name the relying party of a domain knows the person.

The name (`sub`) is made here and not by the portal: a keyed hash of the domain's own reference, so it stays when the
domain moves to a new key or the person gets a new code, and two domains' names of one person have nothing in common.
"""

from __future__ import annotations

from kakine.clients.recipient import Opened
from kakine.crypto.base64url import base64url
from kakine.crypto.hashing import mac
from kakine.parties.gateway.office import Office
from kakine.protocols.gazette import Law
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.problems import AnswerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import encode
from kakine.wire.login import Subject
from kakine.wire.request import Mode


def permit(law: Law, opened: Opened, now_ms: int) -> None:
    """The gazette again, with this gateway's own copy of it. Raises what the law lacks, and `AnswerNotAllowed` for a
    login that was not proved in the chain (mode S1): the portal keeps nothing by which to look into it later."""
    law.permit_login(opened.public.requester, opened.public.recipient, now_ms)
    if opened.record.mode is not Mode.S1:
        raise AnswerNotAllowed(what="mode")


def known_as(office: Office, db: Connection, domain: str, token: bytes) -> Answered:
    """`wire.login.Subject` of one person; whoever comes for the first time gets a random reference."""
    reference = codebook.reference_of(db, domain, token)
    if reference is None:
        reference = office.entropy(32)
        codebook.add_holding(db, domain, reference, token)
    key = office.identity.local_key("login-sub", domain.encode())
    sub = Subject(base64url(mac(key, "login-sub", reference)))
    return Answered(Result.DELIVERED, ("sub",), encode(sub))
