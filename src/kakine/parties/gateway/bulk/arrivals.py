"""What became of questions that belong to a job, as `desk.arrivals` does it for questions of a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kakine.clients.carrier import UNFILED
from kakine.parties.gateway.bulk import store
from kakine.parties.gateway.bulk.store import Step
from kakine.parties.gateway.desk.arrivals import inquiries_of
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.problems import Problem
from kakine.wire.answer import Answered


def travels(db: Connection, context: bytes, request: bytes) -> None:
    """The questions of this context go under this hR. A request is of one job, or of none."""
    ids = inquiries_of(context)
    whose = store.step_of(db, ids[0])
    if whose is not None:
        store.travels(db, ids, whose[2], request)


def arrived(db: Connection, context: bytes, answers: Sequence[Answered]) -> None:
    """Keep the answers."""
    for id_, answer in zip(inquiries_of(context), answers, strict=False):
        store.settle(db, [id_], Step.ANSWERED, answer.result, "", answer.items, answer.data)


def named(problem: Problem, count: int) -> set[int]:
    """The positions that a refusal of a request about `count` people names; none where it is about all of it."""
    found = problem.facts.get("indexes")
    return {j for j in found if j in range(count)} if isinstance(found, list) else set()


def refused(db: Connection, ids: Sequence[bytes], problem: Problem, *, again: bool = False) -> None:
    """Somebody on the way said no. Whom the refusal names is refused; the others wait for their turn again, unless
    what they went in was recorded, or may have been: nobody's history gets a second entry by our doing. `again`: it had
    been sent before, so that only what proves it unfiled lets anybody be asked about anew."""
    at = named(problem, len(ids))
    store.settle(db, [id_ for j, id_ in enumerate(ids) if j in at], Step.REFUSED, problem=problem.code)
    rest = [id_ for j, id_ in enumerate(ids) if j not in at]
    if again and not isinstance(problem, UNFILED):
        store.settle(db, rest, Step.LOST, problem=problem.code)
    else:
        back(db, rest)


def settle(db: Connection, going: Collection[bytes], replica: str) -> None:
    """What a replica has under way by our books and is not among `going`: put back, for it never left or was refused
    before it was recorded; LOST if there is a receipt of its request."""
    back(db, [id_ for id_ in store.under_way(db, replica) if id_ not in going])


def back(db: Connection, ids: Sequence[bytes]) -> None:
    """Of these, what is still under way: put back, or LOST if there is a receipt of its request."""
    recorded = dict[bytes, bool]()
    for id_ in ids:
        found = store.step_of(db, id_)
        if found is None:
            continue
        request = found[1]
        if request not in recorded:
            recorded[request] = codebook.has_receipt(db, request)
        store.settle(db, [id_], Step.LOST if recorded[request] else Step.WAITING)
