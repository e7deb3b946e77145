"""S5, R6: a fork shown to one reader alone is caught at the next visit; without a memory nobody is alarmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attacks.insider import taken_over
from kakine.cli.remembered import Since, keep, kept, since
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, CONSISTENCY, Between, Consistent, Head
from kakine.country import LOGS
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.values.labels import PartyName
from kakine.values.problems import RememberedMalformed, SignatureInvalid
from kakine.wire import checkpoint as notes

from land import Land

A, B = LOGS


def visit(land: Land, memory: Path) -> Since:
    """One reading's look at the heads."""
    found = land.run(since(land.country, kept(memory)))
    keep(memory, found)
    return found


def other_history(land: Land, size: int) -> tuple[Tree, bytes]:
    """What the log shows one reader alone: as many entries, others, signed with its own key."""
    tree = Tree()
    tree.append([leaf_hash(str(n).encode()) for n in range(size + 10)])
    key = land.country.identities[PartyName(f"{A.ledger}-signer")].signing
    return tree, notes.make(A.origin, size, tree.root(size), key)


def test_r6_a_first_visit_and_one_with_a_cleared_memory_alarm_nobody(land: Land, tmp_path: Path) -> None:
    memory = tmp_path / "mine.json"
    first = visit(land, memory)
    assert (first.grown, first.accused) == ({}, {})
    land.run(land.ask(0))
    memory.unlink()
    again = visit(land, memory)
    assert (again.grown, again.accused) == ({}, {})


def test_a_log_that_only_grew_is_said_to_have(land: Land, tmp_path: Path) -> None:
    memory = tmp_path / "mine.json"
    visit(land, memory)
    land.run(land.ask(0))
    assert set(visit(land, memory).grown) == {A.origin, B.origin}
    assert set(visit(land, memory).grown) == {A.origin, B.origin}


@pytest.mark.parametrize("back", [0, 1, 5])
def test_s5_a_fork_shown_to_one_reader_is_caught_at_the_next_visit(
    land: Land, tmp_path: Path, back: int
) -> None:
    """The reader was shown another history, as long as the true one or shorter; now the log shows the true one."""
    memory = tmp_path / "mine.json"
    size = notes.open(
        land.run(land.country.peers("portal").ask(A.ledger, CHECKPOINT, Nothing())).checkpoint,
        A.origin,
        A.key_in(land.country.book("portal").in_force(land.clock())),
    ).size
    _, note = other_history(land, size - back)
    memory.write_text(json.dumps({A.origin: note.decode()}))
    found = visit(land, memory)
    assert found.accused[A.origin].code == "head-forked"
    assert kept(memory)[A.origin] == note.decode()  # the evidence stays
    assert visit(land, memory).accused[A.origin].code == "head-forked"


def test_s5_a_reader_that_is_kept_in_a_fork_of_its_true_past_is_told(land: Land, tmp_path: Path) -> None:
    """At the second visit the log forks for this reader alone, with a consistency proof of the fork's own."""
    memory = tmp_path / "mine.json"
    visit(land, memory)
    tree, note = other_history(land, 500)

    async def head(caller: str, asked: Nothing) -> Head:
        return Head(note)

    async def grown(caller: str, asked: Between) -> Consistent:
        return Consistent(tree.consistency_proof(asked.size, asked.until or 500), note)

    with taken_over(land, A.ledger, CHECKPOINT, head), taken_over(land, A.ledger, CONSISTENCY, grown):
        assert visit(land, memory).accused[A.origin].code == "head-forked"


def test_a_log_that_shows_less_than_at_the_last_visit_is_told(land: Land, tmp_path: Path) -> None:
    memory = tmp_path / "mine.json"
    before = land.run(land.country.peers("portal").ask(A.ledger, CHECKPOINT, Nothing()))
    land.run(land.ask(0))
    visit(land, memory)

    async def old(caller: str, asked: Nothing) -> Head:
        return before

    with taken_over(land, A.ledger, CHECKPOINT, old):
        assert visit(land, memory).accused[A.origin].code == "log-behind"


def test_what_is_kept_must_be_the_logs_own_word(land: Land, tmp_path: Path) -> None:
    memory = tmp_path / "mine.json"
    memory.write_bytes(b"[1]")
    with pytest.raises(RememberedMalformed):
        kept(memory)
    visit(land, tmp_path / "other.json")
    note = kept(tmp_path / "other.json")[A.origin]
    size, root = note.splitlines()[1:3]
    forged = note.replace(f"{size}\n{root}", f"{int(size) + 1}\n{root}")
    memory.write_text(json.dumps({A.origin: forged}))
    with pytest.raises(SignatureInvalid):
        land.run(since(land.country, kept(memory)))
