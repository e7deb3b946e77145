"""A person objects to an entry of the own list: "this was not about me". Who converted wrongly is named, who did not is
cleared, and nobody learns more than that: not whose list it is, not what nobody has objected to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.insider import Tamper, items, tampering
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import Disputed, count_objections, disputes, object_to
from kakine.contracts.converter import Convert
from kakine.country import CONVERTERS
from kakine.crypto.group import Scalar, group, prf_scalar, scalar_inv, scalar_mul
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import GROUND
from kakine.wire.objection import Finding, Reason
from kakine.wire.record import RequestRecord
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.request import Mode, Payload

from land import CHILDREN, LOGIN, TAX, Land, ref


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(
        tmp_path_factory.mktemp("objections") / "land", people=3, domains=(CHILDREN, TAX, LOGIN)
    ) as land:
        land.run(land.country.refresh())
        yield land


def rows_of(land: Land, j: int) -> list[OpenedRow]:
    return list(land.run(own_history(land.country, ref(j))).rows)


def last(land: Land, j: int, ground: str = "JO106") -> OpenedRow:
    """The newest request of this ground in person j's own list."""
    return [
        row
        for row in rows_of(land, j)
        if isinstance(row.record, RequestRecord) and row.record.common.ground == ground
    ][-1]


def objected(land: Land, j: int, place: int, reason: Reason = Reason.NOT_ME) -> Disputed:
    land.run(object_to(land.country, ref(j), rows_of(land, j), place, reason))
    return stands(land, j, place)


def stands(land: Land, j: int, place: int) -> Disputed:
    return land.run(disputes(land.country, rows_of(land, j)))[place]


def swapped(prepared: Prepared) -> Tamper:
    """Two people change places on both record legs; A has told the ratio of their blindings, so both still unblind."""
    seed = decode(prepared.payload, Payload).seed
    first, second = (prf_scalar(seed, "rho", j.to_bytes(4, "big")) for j in (0, 1))
    ratio = scalar_mul(first, scalar_inv(second))

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        *records, answer = onward.legs
        pairs = [items(leg) for leg in records]
        swapped = [group.mul(ratio, two) + group.mul(scalar_inv(ratio), one) for one, two in pairs]
        return [*swapped, answer]

    return tamper


def misfiled(land: Land, position: int, mode: Mode) -> None:
    """Yokohama asks about 0 and 1; the converter at `position` puts each record into the list of the other."""
    requester = land.requester()
    codes = [land.code(CHILDREN, j) for j in (0, 1)]
    prepared = land.run(requester.prepare(land.wish(codes, mode)))
    with tampering(land, position, swapped(prepared)):
        land.run(land.yokohama.desk.carrier.send(requester, prepared, CHILDREN.encode()))


@pytest.mark.parametrize("mode", list(Mode))
def test_an_honest_exchange_is_answered_right(land: Land, mode: Mode) -> None:
    land.run(land.ask(0, mode=mode))
    place = last(land, 0).index
    answer = objected(land, 0, place).answer
    assert answer is not None
    assert (answer.finding, answer.party, answer.fault) == (Finding.RIGHT, "", "")


@pytest.mark.parametrize("mode", [Mode.S0, Mode.S0_PLUS])
@pytest.mark.parametrize("position", [1, 2, 3])
def test_whoever_put_a_record_into_another_list_is_named(land: Land, position: int, mode: Mode) -> None:
    """Person 1 reads of a question that was about person 0, and says so. The converter is named, and no other."""
    misfiled(land, position, mode)
    place = last(land, 1).index
    answer = objected(land, 1, place).answer
    assert answer is not None
    assert (answer.finding, answer.party, answer.fault) == (
        Finding.FAULT,
        CONVERTERS[position - 1],
        "output",
    )
