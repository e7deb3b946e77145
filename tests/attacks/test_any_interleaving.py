"""O18: whatever order the steps of exchanges come in, repeated, mixed up, or with messages lost: data that left the
provider have their request and their outcome in a log, where they can be proved.

The requester is free: it takes any step of any of its requests at any time, with receipts, hop records and released
values of any other. The proof is made anew from the stored entries by RFC 6962 section 2.1 alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from attacks.test_omission import release
from exchange_state import check, log, of_origin
from kakine.contracts.converter import RELEASE, Converted, Filed, Released
from kakine.contracts.gateway import DELIVER, Deliver, Delivered
from kakine.country import CONVERTERS, LOGS
from kakine.protocols.logs import log_keys
from kakine.runtime.http import InProcess
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable, Problem
from kakine.wire import checkpoint as notes
from kakine.wire.answer import Prepared
from kakine.wire.checkpoint import origin_of
from road import Passage, recorded

from land import CHILDREN, Land

LOST = st.integers(0, 30).flatmap(lambda at: st.tuples(st.just(at), st.booleans()))
"""Which message of a step gets lost (often none, for a step has 15 at most), and whether its answer only."""
WHICH = st.integers(0, 99)
KINDS = st.sampled_from(
    ["prepare", "convert", "release", "release", "deliver", "deliver", "release mixed", "deliver mixed"]
)


Lost = tuple[int, bool]
Four = tuple[int, int, int, int]


@dataclass
class Asked:
    """One request, and what its asker has got for it."""

    prepared: Prepared
    converted: Converted | None = None
    released: dict[int, Released] = field(default_factory=dict)


@contextmanager
def losing(lost: Lost) -> Iterator[None]:
    """One message on the road does not arrive, or is not answered."""
    post, count = InProcess.post, [0]

    async def road(self: InProcess, to: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
        mine = count[0] == lost[0]
        count[0] += 1
        if mine and not lost[1]:
            raise PartyUnavailable()
        given = await post(self, to, path, body)
        if mine:
            raise PartyUnavailable()
        return given

    InProcess.post = road  # type: ignore[method-assign]
    try:
        yield
    finally:
        InProcess.post = post  # type: ignore[method-assign]


class Requester(RuleBasedStateMachine):
    """Any steps, in any order."""

    given_out = 0

    def __init__(self, land: Land, passages: list[Passage]) -> None:
        super().__init__()
        self.land, self.passages = land, passages
        self.asked: list[Asked] = []

    def any_of(self, which: int, *needs: str) -> Asked | None:
        able = [each for each in self.asked if all(getattr(each, need) for need in needs)]
        return able[which % len(able)] if able else None

    def step(self, work: Any, lost: Lost) -> Any:
        with losing(lost):
            try:
                return self.land.run(work)
            except Problem:
                return None

    @rule(kind=KINDS, j=WHICH, which=WHICH, others=st.tuples(WHICH, WHICH, WHICH, WHICH), lost=LOST)
    def any_step(self, kind: str, j: int, which: int, others: Four, lost: Lost) -> None:
        """One rule for all, so that no run goes without one of them. What cannot be done yet is prepared for."""
        kind, _, mixed = kind.partition(" ")
        mine = self.any_of(which, "converted", "released")
        if kind == "deliver" and mine:
            return self.deliver(mine, others, mixed, lost)
        mine = self.any_of(which, *([] if mixed else ["converted"]))
        if kind in ("deliver", "release") and mine:
            return self.release(
                mine, others[0], mixed, CONVERTERS if others[1] % 2 else CONVERTERS[j % 3 :][:1], lost
            )
        mine = self.any_of(which)
        if kind != "prepare" and mine:
            given = self.step(self.land.requester().convert(mine.prepared), lost)
            mine.converted = given or mine.converted
        else:
            wish = self.land.wish([self.land.code(CHILDREN, j % 4)])
            self.asked.append(Asked(self.land.run(self.land.requester().prepare(wish))))
        return None

    def release(self, mine: Asked, other: int, mixed: str, whom: Sequence[PartyName], lost: Lost) -> None:
        others = self.any_of(other, "converted") if mixed else mine
        if others is None or others.converted is None:
            return
        for name in whom:
            asked = release(mine.prepared, others.converted)
            given = self.step(self.land.country.peers("yokohama").ask(name, RELEASE, asked), lost)
            if given:
                mine.released[CONVERTERS.index(name)] = given

    def deliver(self, mine: Asked, others: Four, mixed: str, lost: Lost) -> None:
        # One of the four is of another request, or all are.
        odd = {others[0] % 5} if others[0] % 5 < 4 else {0, 1, 2, 3}
        strange = [
            self.any_of(each, "converted", "released") if mixed and place in odd else mine
            for place, each in enumerate(others)
        ]
        released = [each.released.get(i) for i, each in enumerate(strange[:3]) if each]
        receipt = strange[3].converted if strange[3] else None
        assert receipt is not None
        asked = self.land.requester().deliver(mine.prepared, receipt, [each for each in released if each])
        self.step(asked, lost)

    @invariant()
    def what_left_the_provider_is_on_record(self) -> None:
        Requester.given_out += on_record(self.land, self.passages)

    def teardown(self) -> None:
        check(self.land)


def on_record(land: Land, passages: list[Passage]) -> int:
    """Of everything that the provider gave out since the last look: request and outcome stand in a log. How much it
    was."""
    given_out = 0
    for passage in passages:
        if passage.path == DELIVER.path and passage.status == 200:
            asked = msgspec.msgpack.decode(passage.body, type=Deliver)
            given = msgspec.msgpack.decode(passage.answer, type=Delivered)
            proved(land, asked.filed, asked.entries)
            proved(land, given.filed, given.entries)
            given_out += 1
    passages.clear()
    return given_out


def proved(land: Land, filed: Filed, entries: bytes) -> None:
    """By the stored entries, the RFC, and the ledger's key."""
    note, first = filed.receipt.checkpoint, filed.receipt.first
    origin = origin_of(note)
    key = log_keys(land.country.book("yokohama").in_force(land.clock()), LOGS)[origin]
    head = notes.open(note, origin, key)
    stored = log(land.folder, of_origin(note))[: head.size]
    assert root(tuple(stored)) == head.root
    assert b"".join(stored[first : first + len(entries) // 80]) == entries


@cache
def root(entries: tuple[bytes, ...]) -> bytes:
    """RFC 6962 section 2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    half = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(entries[:half]) + root(entries[half:])).digest()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Land, list[Passage]]]:
    with Land.founded(tmp_path_factory.mktemp("any") / "land") as land, recorded() as passages:
        yield land, passages


def test_o18_data_that_left_the_provider_have_request_and_outcome_on_record(
    provider: tuple[Land, list[Passage]],
) -> None:
    run_state_machine_as_test(
        lambda: Requester(*provider),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Requester.given_out > 20
