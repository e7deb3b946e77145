"""P10, P12: a repeat has its effect once, and no sequence of enrolling, replacing and retiring leaves a person with two
active codes at the record keeper, or an active code without its list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from attacks.insider import MAILBOXES, filings, mailbox, rewritten, scalar, taken_over
from kakine.contracts.call import Nothing
from kakine.contracts.mailbox import LOGGED, Logged
from kakine.crypto.group import group
from kakine.parties.mailbox import numbering, store
from kakine.values.labels import PartyName
from kakine.values.problems import BatchReused, PartyUnavailable, PersonNotEnrolled, RecordRefused
from kakine.wire.canonical import decode
from kakine.wire.request import Kind, RecordPart

from land import CHILDREN, TAX, Land, person


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("states") / "land", people=2, domains=(CHILDREN, TAX)) as land:
        yield land


def test_p10_the_same_request_again_has_the_same_answer_and_no_second_effect(world: Land) -> None:
    requester = world.requester()
    asked = world.run(requester.prepare(world.wish([world.code(CHILDREN, 0)])))
    before = filings(world)
    first, second = (world.run(requester.convert(asked)) for _ in range(2))
    assert first == second
    assert filings(world) == before + 1


def test_p10_a_batch_id_does_not_serve_for_another_content(world: Land) -> None:
    requester = world.requester()
    asked = world.run(requester.prepare(world.wish([world.code(CHILDREN, 0)])))
    world.run(requester.convert(asked))
    before = filings(world)
    other = rewritten(world, asked, blinded=group.mul_each(scalar(2), asked.blinded))
    assert decode(other.record, RecordPart).batch == decode(asked.record, RecordPart).batch
    with pytest.raises(BatchReused):
        world.run(requester.convert(other))
    assert filings(world) == before


def states(land: Land) -> dict[str, list[int]]:
    """List ids by state of code, at the first record keeper; the other has as many in each."""
    found, counted = (_states(land, name) for name in MAILBOXES)
    assert {state: len(ids) for state, ids in found.items()} == {
        state: len(ids) for state, ids in counted.items()
    }
    return found


def _states(land: Land, name: str) -> dict[str, list[int]]:
    db = mailbox(land, name).db.read()
    found: dict[str, list[int]] = {store.ACTIVE: [], store.WAITING: [], store.RETIRED: []}
    for person_list, state in db.execute("SELECT list, state FROM code"):
        found[state].append(person_list)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_p12_no_sequence_of_events_leaves_two_active_codes_or_one_without_a_list(
    world: Land, seed: int
) -> None:
    dice, codes = Random(seed), world.country.registry.codes
    alive = {person(100 * (seed + 1) + j): True for j in range(3)}
    base = len(states(world)[store.ACTIVE])
    enrolled: set[bytes] = set()
    for _ in range(12):
        who = dice.choice(sorted(alive))
        event = dice.choice(["enrol", "issue", "replace", "retire", "read"])
        try:
            if event == "enrol" and who not in enrolled:
                world.run(codes.enrol([who]))
                enrolled.add(who)
            elif event == "issue":
                world.run(codes.issue(CHILDREN, [(who, who)]))
            elif event == "replace":
                world.run(codes.rekey_person(who, [CHILDREN, TAX]))
            elif event == "retire":
                world.run(codes.retire([who]))
                alive[who] = False
        except (PersonNotEnrolled, RecordRefused):
            pass  # a person who is not enrolled, or no more: refused as a whole
        found = states(world)
        living = [each for each in enrolled if alive[each]]
        assert len(found[store.ACTIVE]) == base + len(living)
        assert len(set(found[store.ACTIVE])) == len(found[store.ACTIVE])
        for name in MAILBOXES:
            db = mailbox(world, name).db.read()
            for each in _states(world, name)[store.ACTIVE]:
                count, _ = store.find_list(db, each)
                assert count == len(store.rows_of_list(db, each)) > 0


def test_whoever_died_while_a_new_code_was_on_its_way_has_no_active_code_whichever_is_told_first(
    tmp_path: Path,
) -> None:
    """Switch and retirement have both passed the gate; the record keepers hear of the logged switch only afterwards."""
    with Land.founded(tmp_path / "land", people=1, domains=(CHILDREN,)) as land:
        codes, keepers = land.country.registry.codes, [mailbox(land, name) for name in MAILBOXES]

        def deaf(office: Any) -> Any:
            async def logged(caller: PartyName, message: Logged) -> Nothing:
                filed = store.find_filing(office.db.read(), message.id)
                if filed is not None and filed.kind == Kind.SWITCH:
                    raise PartyUnavailable()
                return await numbering.logged(office, caller, message)

            return logged

        with ExitStack() as stack:
            for name, office in zip(MAILBOXES, keepers, strict=True):
                stack.enter_context(taken_over(land, name, LOGGED, deaf(office)))
            with pytest.raises(PartyUnavailable):
                land.run(codes.rekey_person(person(0), [CHILDREN]))
            land.run(codes._end(Kind.RETIRE, [person(0)], b"retire"))
        for office in keepers:
            assert land.run(numbering.resume(office)) == 1
        assert states(land)[store.ACTIVE] == []
