"""A3, A4: both legs start from one signed Q. A converter that tampers can still lie; what finds it, and when."""

from __future__ import annotations

import pytest
from attacks.insider import Tamper, filings, log_size, rows_of, swapped, tampering
from land import CHILDREN, TAX, Land

from kakine.contracts.converter import Convert
from kakine.crypto.group import group
from kakine.protocols.chain import Factors
from kakine.values.problems import HopMismatch, ProofInvalid, RecordRefused
from kakine.wire.canonical import decode, encode
from kakine.wire.request import HopRecord, Mode


def swap_records(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
    """The record of one person goes under the other, the answers stay where they were."""
    return onward.recipient_leg, swapped(onward.keeper_leg)


def swap_answers(message: Convert, made: Factors, onward: Convert) -> tuple[bytes, bytes]:
    """The other way round: the record is right and the answer is about somebody else."""
    return swapped(onward.recipient_leg), onward.keeper_leg


def foreign(point: bytes) -> Tamper:
    """The record leg gets this person's point, whatever was asked; A, who knows the code and the blinding, made it."""

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
    with tampering(shared_land, 1, swap_records):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    delivered = shared_land.run(requester.deliver(prepared, converted, released))
    answers = requester.open(prepared, converted, delivered)
    assert [b'"income":0' in answers[0].data, b'"income":1' in answers[1].data] == [True, True]
    assert [rows_of(shared_land, j) for j in (0, 1)] == [n + 2 for n in before]


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("tamper", [swap_records, swap_answers])
def test_swapped_legs_are_refused_in_mode_s1(shared_land: Land, position: int, tamper: Tamper) -> None:
    """A3: whichever converter swaps whichever leg, the linear check fails before anything is filed."""
    before = filings(shared_land), log_size(shared_land)
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, j) for j in (0, 1)]
    prepared = shared_land.run(requester.prepare(shared_land.wish(codes, Mode.S1)))
    with tampering(shared_land, position, tamper), pytest.raises(ProofInvalid):
        shared_land.run(requester.convert(prepared))
    assert (filings(shared_land), log_size(shared_land)) == before


def _blinded_other(land: Land) -> tuple[object, bytes]:
    """A request about person 0, and person 1's code under the very same blinding: what A hands its converter."""
    requester = land.requester()
    both = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0), land.code(CHILDREN, 1)])))
    return requester, both.blinded


def test_a_foreign_persons_point_in_the_record_leg_is_refused_in_mode_s1(shared_land: Land) -> None:
    """A4: converter 1 puts a point of somebody else into the record leg."""
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, 0)]
    prepared = shared_land.run(requester.prepare(shared_land.wish(codes, Mode.S1)))
    other = group.mul_each(_ratio(shared_land, prepared), shared_land.code(CHILDREN, 1))
    before = filings(shared_land)
    with tampering(shared_land, 1, foreign(other)), pytest.raises(ProofInvalid):
        shared_land.run(requester.convert(prepared))
    assert filings(shared_land) == before


def test_without_a_check_a_foreign_persons_point_is_accepted(shared_land: Land) -> None:
    """A4, the limit of mode S0: the same attack passes, the record stands under a person nobody asked about."""
    before = [rows_of(shared_land, j) for j in (0, 1)]
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    other = group.mul_each(_ratio(shared_land, prepared), shared_land.code(CHILDREN, 1))
    with tampering(shared_land, 1, foreign(other)):
        shared_land.run(requester.convert(prepared))
    assert [rows_of(shared_land, j) for j in (0, 1)] == [before[0], before[1] + 1]


def _ratio(land: Land, prepared: object) -> object:
    """Π ρ of a request for one person, as A knows it."""
    from attacks.insider import mask_keys

    from kakine.crypto.group import prf_scalar, scalar_mul
    from kakine.protocols.chain import blind_share
    from kakine.wire.answer import Prepared
    from kakine.wire.request import Payload, RecordPart

    assert isinstance(prepared, Prepared)
    batch = decode(prepared.record, RecordPart).batch
    seed = decode(prepared.payload, Payload).seed
    shares = [blind_share(key, batch) for key in mask_keys(land)]
    return scalar_mul(prf_scalar(seed, "rho", bytes(4)), *shares)


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
    from kakine.country import CONVERTERS
    from kakine.protocols.gates import check_hops

    hops = [(hop.record, hop.signature) for hop in converted.hops]
    last = decode(hops[2][0], HopRecord)
    keys = [law.signing_key(name) for name in CONVERTERS]
    good = check_hops(hops, keys, last.request, decode(hops[0][0], HopRecord).keeper_in,
                      last.recipient_out, last.keeper_out)
    assert len(good) == 3
    skipped = [hops[0], hops[2]]
    with pytest.raises(HopMismatch):
        check_hops(skipped, [keys[0], keys[2]], last.request, good[0].keeper_in,
                   last.recipient_out, last.keeper_out)
    lying = encode(HopRecord(last.request, 3, good[1].recipient_out, good[0].keeper_in,
                             last.recipient_out, last.keeper_out, b"", b""))
    signed = shared_land.country.identities[CONVERTERS[2]].signing.sign("hop", lying)
    with pytest.raises(HopMismatch):
        check_hops([*hops[:2], (lying, signed)], keys, last.request, good[0].keeper_in,
                   last.recipient_out, last.keeper_out)


assert TAX
