"""What tests of a job ask: the children's desk about everybody in a file, each by a case of the test's own."""

from __future__ import annotations

from kakine.parties.gateway.bulk.jobs import Order, Person

from land import CHILDREN, TAX, TAX_ROW, ref

PEOPLE = 5


def order(case: str, *strangers: bytes, people: int = PEOPLE) -> Order:
    known = (Person(ref(j), f"{case}-{j}") for j in range(people))
    everybody = (*known, *(Person(stranger, case) for stranger in strangers))
    return Order(CHILDREN, TAX, "JO106", (TAX_ROW,), "official-7", "children's desk", everybody)
