"""What remains on paper (添付書類): which documents the answers of a case have replaced, and which they have not.

Only a whole answer replaces a document, and only for the person whom it is about. Application and proof of identity
are never replaced. Paper is of equal effect at any time; nothing here asks for a reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kakine.parties.gateway.desk.case_store import Inquiry, Step
from kakine.parties.gateway.desk.inquiries import Offer
from kakine.parties.gateway.desk.office import Names
from kakine.wire.answer import Result

_FILE = Path(__file__).with_name("papers.toml")


@dataclass(frozen=True)
class Paper:
    """The document of one row: for which places of the case it has been replaced, and for which it has not."""

    row: str
    item: Names
    document: Names
    replaced: tuple[int, ...]
    remains: tuple[int, ...]


@cache
def documents() -> Mapping[str, Names]:
    """By item."""
    listed = tomllib.loads(_FILE.read_text("utf-8"))["paper"]
    return {each["item"]: Names(each["ja"], each["en"]) for each in listed}


def papers(offers: Sequence[Offer], people: int, inquiries: Sequence[Inquiry]) -> list[Paper]:
    """For every row of the case's procedure and everybody in the case."""
    whole = {
        (row, each.place)
        for each in inquiries
        if each.step is Step.ANSWERED and each.result == Result.DELIVERED
        for row in each.rows
    }
    return [_paper(offer, people, whole) for offer in offers]


def _paper(offer: Offer, people: int, whole: set[tuple[str, int]]) -> Paper:
    item = Names(offer.item.ja, offer.item.en)
    default = Names(f"{item.ja}がわかる書類", f"a document of: {item.en}")
    replaced = tuple(place for place in range(people) if (offer.row.id, place) in whole)
    remains = tuple(place for place in range(people) if place not in replaced)
    return Paper(offer.row.id, item, documents().get(offer.item.id, default), replaced, remains)
