"""A20: A learns from a refusal which places of the batch were refused, and not why."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from attacks.insider import scalar
from kakine.contracts.mailbox import FILE
from kakine.crypto.group import group
from kakine.values.problems import RecordRefused
from kakine.wire.canonical import decode
from kakine.wire.request import Mode, Refusal
from road import recorded

from land import CHILDREN, TAX, Land, person

Make = Callable[[Land], bytes]


def retired(land: Land) -> bytes:
    """A code that was good until just now."""
    land.run(land.country.registry.codes.retire([person(0)]))
    return land.code(CHILDREN, 0)


def replaced(land: Land) -> bytes:
    """A code whose person has another one now."""
    others = [domain for domain in land.domains if domain != CHILDREN]
    land.run(land.country.registry.codes.rekey_person(person(1), others))
    return land.code(CHILDREN, 1)


def unknown(land: Land) -> bytes:
    """A good-looking code of nobody."""
    return group.hash_to_group(b"nobody")


def scaled(land: Land) -> bytes:
    """A multiple of a good code."""
    return group.mul(scalar(5), land.code(CHILDREN, 2))


def foreign(land: Land) -> bytes:
    """A good code of another domain."""
    return land.code(TAX, 2)


WHY: dict[str, Make] = {
    "retired": retired,
    "replaced": replaced,
    "unknown": unknown,
    "scaled": scaled,
    "foreign": foreign,
}


def refused(land: Land, codes: list[bytes], mode: Mode) -> tuple[object, ...]:
    """All that the refusal shows, but for hR and the signature over it, which every request has of its own; and the
    calls it took, since a shorter way to the same answer would tell too."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish(codes, mode)))
    with recorded() as passages, pytest.raises(RecordRefused) as raised:
        land.run(requester.convert(prepared))
    problem = raised.value
    assert {each.status for each in passages if each.path == FILE.path} == {422}
    said = decode(base64.b64decode(str(problem.facts["statement"])), Refusal)
    signature = base64.b64decode(str(problem.facts["signature"]))
    ways = sorted((each.caller, each.to, each.path, each.status, len(each.answer)) for each in passages)
    return (
        problem.code,
        sorted(problem.facts),
        problem.facts["indexes"],
        said.indexes,
        said.keeper,
        len(signature),
        ways,
    )


@pytest.mark.parametrize("mode", [Mode.S0, Mode.S1])
def test_one_reason_looks_like_another(land: Land, mode: Mode) -> None:
    """A20: retired, replaced, unknown, scaled and foreign codes give the same code, fields, positions and lengths,
    by the same calls."""
    seen = {name: refused(land, [make(land)], mode) for name, make in WHY.items()}
    assert len(set(map(repr, seen.values()))) == 1
    assert seen["unknown"][2] == [0]


def test_positions_are_all_a_batch_tells(land: Land) -> None:
    """A20: mixed reasons in one batch are told by place only; good codes are not named."""
    codes = [land.code(CHILDREN, 3), retired(land), unknown(land), land.code(CHILDREN, 2), scaled(land)]
    shown = refused(land, codes, Mode.S0)
    assert shown[1:4] == (["indexes", "signature", "statement"], [1, 2, 4], (1, 2, 4))
