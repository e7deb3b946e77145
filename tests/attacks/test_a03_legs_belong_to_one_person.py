"""A3, A4: both legs start from one signed Q. A converter that tampers can still lie; what finds it, and when."""

from __future__ import annotations

import pytest

from attacks.insider import Tamper, filings, items, log_size, mask_keys, rows_of, tampering
from kakine.contracts.converter import Convert
from kakine.country import CONVERTERS
from kakine.crypto.group import Scalar, group, prf_scalar, scalar_inv, scalar_mul
from kakine.protocols.chain import Factors, blind_share
from kakine.protocols.gates import check_hops
from kakine.values.problems import HopMismatch, ProofInvalid, RecordRefused
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.request import HopRecord, Mode, Payload, RecordPart

from land import CHILDREN, Land

RECORD, ANSWER = 1, 0


def own_blinding(prepared: Prepared, j: int) -> Scalar:
    """ρ_0 of person j, which A drew itself and can tell a converter."""
    return prf_scalar(decode(prepared.payload, Payload).seed, "rho", j.to_bytes(4, "big"))


def swap(prepared: Prepared, leg: int) -> Tamper:
    """Two people change places on one leg; A has told the ratio of their blindings, so both still unblind."""
    ratio = scalar_mul(own_blinding(prepared, 0), scalar_inv(own_blinding(prepared, 1)))

    def tamper(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
        legs = [onward.recipient_leg, onward.keeper_leg]
        first, second = items(legs[leg])
        legs[leg] = group.mul(ratio, second) + group.mul(scalar_inv(ratio), first)
        return legs[0], legs[1]

    return tamper


def foreign(land: Land, prepared: Prepared, j: int) -> Tamper:
    """The record leg gets person j's point, whoever was asked about; A knows code and blinding and makes it."""
    batch = decode(prepared.record, RecordPart).batch
    shares = [blind_share(key, batch) for key in mask_keys(land)]
    point = group.mul(scalar_mul(own_blinding(prepared, 0), *shares), land.code(CHILDREN, j))

    def tamper(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
        return onward.recipient_leg, group.mul(made.keeper, point)

    return tamper


def wrong_point(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
    """Any other element."""
    return onward.recipient_leg, group.hash_to_group(b"wrong")


def wrong_answer_point(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
    """Any other element, on the leg that the record keeper cannot open."""
    return group.hash_to_group(b"wrong"), onward.keeper_leg


def test_without_a_check_swapped_records_are_accepted(shared_land: Land) -> None:
    """A3, the limit of mode S0: a requester with the first converter files a record under another person, and neither
    the record keeper nor the recipient can see it. Sensitive rows therefore need S1, single questions S0+."""
    before = [rows_of(shared_land, j) for j in (0, 1)]
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, j) for j in (0, 1)]
    prepared = shared_land.run(requester.prepare(shared_land.wish(codes, Mode.S0)))
    with tampering(shared_land, 1, swap(prepared, RECORD)):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    delivered = shared_land.run(requester.deliver(prepared, converted, released))
    answers = requester.open(prepared, converted, delivered)
    assert [b'"income":0' in answers[0].data, b'"income":1' in answers[1].data] == [True, True]
    assert [rows_of(shared_land, j) for j in (0, 1)] == [n + 2 for n in before]


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("leg", [RECORD, ANSWER], ids=["record", "answer"])
def test_swapped_legs_are_refused_in_mode_s1(shared_land: Land, position: int, leg: int) -> None:
    """A3: whichever converter swaps whichever leg, the linear check fails before anything is filed."""
    before = filings(shared_land), log_size(shared_land)
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, j) for j in (0, 1)]
    prepared = shared_land.run(requester.prepare(shared_land.wish(codes, Mode.S1)))
    with tampering(shared_land, position, swap(prepared, leg)), pytest.raises(ProofInvalid):
        shared_land.run(requester.convert(prepared))
    assert (filings(shared_land), log_size(shared_land)) == before


def test_a_foreign_persons_point_in_the_record_leg_is_refused_in_mode_s1(shared_land: Land) -> None:
    """A4: converter 1 puts a point of somebody else into the record leg."""
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, 0)]
    prepared = shared_land.run(requester.prepare(shared_land.wish(codes, Mode.S1)))
    before = filings(shared_land)
    with tampering(shared_land, 1, foreign(shared_land, prepared, 1)), pytest.raises(ProofInvalid):
        shared_land.run(requester.convert(prepared))
    assert filings(shared_land) == before


def test_without_a_check_a_foreign_persons_point_is_accepted(shared_land: Land) -> None:
    """A4, the limit of mode S0: the same attack passes, the record stands under a person nobody asked about."""
    before = [rows_of(shared_land, j) for j in (0, 1)]
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    with tampering(shared_land, 1, foreign(shared_land, prepared, 1)):
        shared_land.run(requester.convert(prepared))
    assert [rows_of(shared_land, j) for j in (0, 1)] == [before[0], before[1] + 1]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_wrong_point_from_the_middle_converter_is_refused(shared_land: Land, mode: Mode) -> None:
    """A4: a point that is nobody's is refused in every mode, by the table or by the check."""
    before = filings(shared_land)
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)], mode)))
    with tampering(shared_land, 2, wrong_point), pytest.raises((RecordRefused, ProofInvalid)):
        shared_land.run(requester.convert(prepared))
    assert filings(shared_land) == before


def test_a_wrong_point_for_the_recipient_gives_nobodys_data(shared_land: Land) -> None:
    """A4, mode S0: the record is filed, the recipient finds a code it does not know and gives nothing out."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    with tampering(shared_land, 2, wrong_answer_point):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    delivered = shared_land.run(requester.deliver(prepared, converted, released))
    (answer,) = requester.open(prepared, converted, delivered)
    assert (answer.result, answer.data) == ("not-known-here", b"")


def test_a_converter_that_hides_its_input_breaks_the_chain(shared_land: Land) -> None:
    """A4: a hop record whose input is not the output before it is refused by whoever comes next."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    converted = shared_land.run(requester.convert(prepared))
    law = shared_land.country.book("yokohama").in_force(shared_land.clock())
    hops = [(hop.record, hop.signature) for hop in converted.hops]
    last = decode(hops[2][0], HopRecord)
    keys = [law.signing_key(name) for name in CONVERTERS]
    good = check_hops(
        hops, keys, last.request, decode(hops[0][0], HopRecord).keeper_in, last.recipient_out, last.keeper_out
    )
    assert len(good) == 3
    skipped = [hops[0], hops[2]]
    with pytest.raises(HopMismatch):
        check_hops(
            skipped, [keys[0], keys[2]], last.request, good[0].keeper_in, last.recipient_out, last.keeper_out
        )
    lying = encode(
        HopRecord(
            last.request,
            3,
            good[1].recipient_out,
            good[0].keeper_in,
            last.recipient_out,
            last.keeper_out,
            b"",
            b"",
        )
    )
    signed = shared_land.country.identities[CONVERTERS[2]].signing.sign("hop", lying)
    with pytest.raises(HopMismatch):
        check_hops(
            [*hops[:2], (lying, signed)],
            keys,
            last.request,
            good[0].keeper_in,
            last.recipient_out,
            last.keeper_out,
        )
