"""Whatever a party answers, the one who asked gets an answer or a problem, in time, and can ask again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from starlette.types import Receive, Scope, Send

from kakine.values.problems import Problem
from road import instead

from land import CHILDREN, TAX, Land


@dataclass
class Saying:
    """A party that gives this status and body to everybody."""

    status: int
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


def document(code: str, **facts: Any) -> bytes:
    told = {"type": f"urn:kakine:problem:{code}", "title": "said", "status": 422, "facts": facts}
    return msgspec.json.encode(told)


SAID = {
    "a place that was not asked about": (422, document("person-not-known", indexes=[99])),
    "a place before the first": (422, document("person-not-known", indexes=[-3])),
    "a place that is no number": (422, document("person-not-known", indexes=["first"])),
    "the same place over and over": (422, document("person-not-known", indexes=[0] * 1000)),
    "a refusal without a statement": (422, document("record-refused", indexes=[0])),
    "a refusal in broken base64": (422, document("record-refused", statement="a", signature="é")),
    "a fact with a name of Python's": (422, document("person-not-known", self=1)),
    "a code that nobody knows": (422, document("made-up")),
    "a code that is no code": (422, document("\0" * 300)),
    "no document": (500, b"Traceback (most recent call last)"),
    "nothing": (200, b""),
    "another message": (200, msgspec.msgpack.encode({"filed": 1, "hops": [], "recipient_leg": None})),
    "a success that is a problem": (200, document("person-not-known")),
    "a redirect": (307, b""),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("answers") / "land", 2, (CHILDREN, TAX)) as land:
        land.run(land.ask(0))
        yield land


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("party", ["converter-1", "mailbox-a", "mailbox-b", "ledger-a ledger-b"])
def test_an_asker_hears_of_it_and_the_next_question_is_served(small: Land, party: str, said: str) -> None:
    async def all_of_them() -> list[object]:
        asking = (small.ask(j % 2) for j in range(4))
        return await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 120)

    with ExitStack() as spoken:
        for each in party.split():
            spoken.enter_context(instead(small.country, each, Saying(*SAID[said])))
        results = small.run(all_of_them())
    assert all(isinstance(result, Problem) for result in results), results
    assert small.run(small.ask(0)).result == "delivered"
