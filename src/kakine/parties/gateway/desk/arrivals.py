"""What became of questions that belong to a case: written in the commit that keeps the receipt, so that no answer is
lost between the two, or when the process that asked comes up again.

A request carries the ids of its questions in the note that the carrier keeps with it: the asking domain, and behind a
zero byte 16 bytes for each, zeros for a question of no case.
"""

from __future__ import annotations

from collections.abc import Sequence

from kakine.parties.gateway.desk import case_store, journal
from kakine.parties.gateway.desk.case_store import State, Step
from kakine.parties.gateway.desk.journal import Act, What
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.problems import Problem
from kakine.wire.answer import Answered

SIZE = 16
_NONE = bytes(SIZE)


def context_of(domain: str, inquiries: Sequence[bytes]) -> bytes:
    """The carrier's note of a request."""
    if not any(inquiries):
        return domain.encode()
    return domain.encode() + b"\0" + b"".join(each or _NONE for each in inquiries)


def domain_of(context: bytes) -> str:
    """The asking domain."""
    return context.partition(b"\0")[0].decode()


def inquiries_of(context: bytes) -> list[bytes]:
    """Ids of the questions, in the order of the request; none for a request of no case."""
    packed = context.partition(b"\0")[2]
    return [packed[at : at + SIZE] for at in range(0, len(packed), SIZE)]


def travels(db: Connection, context: bytes, request: bytes) -> None:
    """The questions of this context go under this hR."""
    for id_ in inquiries_of(context):
        case_store.travels(db, id_, request)


def arrived(db: Connection, context: bytes, answers: Sequence[Answered], now_ms: int) -> None:
    """Keep the answers. A case that was closed meanwhile keeps what came of a question, and no data."""
    for id_, answer in zip(inquiries_of(context), answers, strict=False):
        whose = case_store.whose(db, id_)
        if whose is None:
            continue
        domain, number, _ = whose
        is_open = case_store.get(db, domain, number).state is State.OPEN
        data = answer.data if is_open else b""
        if case_store.end(db, id_, Step.ANSWERED, now_ms, answer.result, "", data):
            journal.write(db, Act(domain, journal.NOBODY, "", What.ANSWERED, number), now_ms)


def refused(db: Connection, inquiries: Sequence[bytes], problem: Problem, now_ms: int) -> None:
    """Somebody on the way said no: nothing was answered, nothing is to come."""
    for id_ in inquiries:
        case_store.end(db, id_, Step.REFUSED, now_ms, problem=problem.code)


def going(db: Connection) -> set[bytes]:
    """Questions of requests that nobody has answered or refused yet."""
    return {id_ for left in codebook.unfinished(db) for id_ in inquiries_of(left.context)}


def settle(db: Connection, now_ms: int, replica: str, only: bytes = b"") -> None:
    """After a start (`only`: of this question, of which the caller knows that this replica is not asking it now): what
    a replica has under way by our books and in no open request was given up before that was noted."""
    under_way = going(db)
    for id_ in case_store.under_way(db, replica):
        if only not in (b"", id_):
            continue
        if id_ not in under_way:
            case_store.end(db, id_, Step.LOST, now_ms)
