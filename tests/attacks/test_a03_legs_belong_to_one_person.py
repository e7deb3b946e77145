"""A3, A4: all legs start from one signed Q. A converter that tampers can still lie; what finds it, and when."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from attacks.insider import (
    MAILBOXES,
    Tamper,
    filings,
    items,
    list_of,
    log_size,
    mailbox,
    mask_keys,
    rows_of,
    tampering,
)
from attacks.test_a17_dropped_rows_are_missed import fetched, opened
from kakine.clients.exchange import request_of
from kakine.contracts.converter import Convert
from kakine.country import CONVERTERS
from kakine.crypto.group import Scalar, group, prf_scalar, scalar_inv, scalar_mul
from kakine.parties.mailbox import store as mailbox_store
from kakine.protocols.chain import blind_share
from kakine.protocols.gates import check_hops
from kakine.values.problems import HistoryIncomplete, HopMismatch, ProofInvalid, RecordRefused
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.request import HopRecord, Mode, Payload, RecordPart

from land import CHILDREN, Land

FIRST, SECOND, ANSWER = 0, 1, 2
"""The legs: one for each record keeper, and the recipient's."""
RECORDS = (FIRST, SECOND)

every_leg = pytest.mark.parametrize("leg", [FIRST, SECOND, ANSWER], ids=["record a", "record b", "answer"])


def own_blinding(prepared: Prepared, j: int) -> Scalar:
    """ρ_0 of person j, which A drew itself and can tell a converter."""
    return prf_scalar(decode(prepared.payload, Payload).seed, "rho", j.to_bytes(4, "big"))


def swap(prepared: Prepared, *which: int) -> Tamper:
    """Two people change places on these legs; A has told the ratio of their blindings, so both still unblind."""
    ratio = scalar_mul(own_blinding(prepared, 0), scalar_inv(own_blinding(prepared, 1)))

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        legs = list(onward.legs)
        for leg in which:
            first, second = items(legs[leg])
            legs[leg] = group.mul(ratio, second) + group.mul(scalar_inv(ratio), first)
        return legs

    return tamper


def foreign(land: Land, prepared: Prepared, j: int, which: Sequence[int] = RECORDS) -> Tamper:
    """The record legs get person j's point, whoever was asked about; A knows code and blinding and makes it."""
    batch = decode(prepared.record, RecordPart).batch
    shares = [blind_share(key, batch) for key in mask_keys(land)]
    point = group.mul(scalar_mul(own_blinding(prepared, 0), *shares), land.code(CHILDREN, j))

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        return [group.mul(made[leg], point) if leg in which else own for leg, own in enumerate(onward.legs)]

    return tamper


def wrong_point(*which: int) -> Tamper:
    """Any other element on these legs."""

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        wrong = group.hash_to_group(b"wrong")
        return [wrong if leg in which else own for leg, own in enumerate(onward.legs)]

    return tamper


def rows(land: Land, *people: int) -> list[list[int]]:
    """Rows in the lists of these people, for each record keeper."""
    return [[rows_of(land, j, name) for j in people] for name in MAILBOXES]


def asked_about(land: Land, *people: int, mode: Mode = Mode.S0) -> Prepared:
    """A request about these people."""
    codes = [land.code(CHILDREN, j) for j in people]
    return land.run(land.requester().prepare(land.wish(codes, mode)))


def test_without_a_check_swapped_records_are_accepted(shared_land: Land) -> None:
    """A3, the limit of mode S0: a requester with the first converter files a record under another person with every
    record keeper, and neither they nor the recipient can see it. Sensitive rows therefore need S1, single questions
    S0+."""
    before = rows(shared_land, 0, 1)
    requester, prepared = shared_land.requester(), asked_about(shared_land, 0, 1)
    with tampering(shared_land, 1, swap(prepared, *RECORDS)):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    delivered = shared_land.run(requester.deliver(prepared, converted, released))
    answers = requester.open(prepared, converted, delivered)
    assert [b'"income":0' in answers[0].data, b'"income":1' in answers[1].data] == [True, True]
    assert rows(shared_land, 0, 1) == [[n + 2 for n in each] for each in before]
    for name in MAILBOXES:
        assert filed_under(shared_land, prepared, name) == [list_of(shared_land, j, name) for j in (1, 0)]


def filed_under(land: Land, prepared: Prepared, name: str) -> list[int]:
    """The list of each record of a request at a record keeper."""
    return mailbox_store.lists_of_filing(mailbox(land, name).db.read(), request_of(prepared))


@pytest.mark.parametrize("leg", RECORDS, ids=MAILBOXES)
def test_a_record_swapped_with_one_keeper_only_is_shown_by_the_other(land: Land, leg: int) -> None:
    """A3, mode S0: no gate sees it, but each person sees from the two lists that they differ, whose list lacks the
    record, and reads the record itself."""
    requester, prepared = land.requester(), asked_about(land, 0, 1)
    with tampering(land, 1, swap(prepared, leg)):
        converted = land.run(requester.convert(prepared))
    first = converted.filed.receipt.first
    for j in (0, 1):
        sealed, session = fetched(land, j)
        shown = opened(land, sealed, session)
        other = first + 1 - j
        assert shown.hidden == {MAILBOXES[leg]: [first + j], MAILBOXES[1 - leg]: [other]}
        assert {first, first + 1} <= {row.index for row in shown.rows}
        with pytest.raises(HistoryIncomplete):
            shown.require_agreed()


@pytest.mark.parametrize("leg", RECORDS, ids=MAILBOXES)
def test_a_record_filed_under_somebody_else_with_one_keeper_is_missed_by_both_people(
    land: Land, leg: int
) -> None:
    """A4, mode S0: the same with a point of somebody nobody asked about."""
    prepared = asked_about(land, 0)
    with tampering(land, 1, foreign(land, prepared, 1, [leg])):
        place = land.run(land.requester().convert(prepared)).filed.receipt.first
    assert opened(land, *fetched(land, 0)).hidden == {MAILBOXES[leg]: [place]}
    assert opened(land, *fetched(land, 1)).hidden == {MAILBOXES[1 - leg]: [place]}


@pytest.mark.parametrize("position", [1, 2, 3])
@every_leg
def test_swapped_legs_are_refused_in_mode_s1(shared_land: Land, position: int, leg: int) -> None:
    """A3: whichever converter swaps whichever single leg, the linear check fails before anything is logged."""
    before = rows(shared_land, 0, 1), log_size(shared_land)
    prepared = asked_about(shared_land, 0, 1, mode=Mode.S1)
    with tampering(shared_land, position, swap(prepared, leg)), pytest.raises(ProofInvalid):
        shared_land.run(shared_land.requester().convert(prepared))
    assert (rows(shared_land, 0, 1), log_size(shared_land)) == before
    assert filed_under_any(shared_land, prepared) == []


def filed_under_any(land: Land, prepared: Prepared) -> list[int]:
    return [person for name in MAILBOXES for person in filed_under(land, prepared, name)]


@pytest.mark.parametrize("legs", [(FIRST, SECOND), (FIRST, SECOND, ANSWER)], ids=["records", "all"])
def test_legs_swapped_alike_are_refused_in_mode_s1_too(shared_land: Land, legs: tuple[int, ...]) -> None:
    """A3: that all legs agree helps nobody: each is compared with Q."""
    prepared = asked_about(shared_land, 0, 1, mode=Mode.S1)
    before = log_size(shared_land)
    with tampering(shared_land, 1, swap(prepared, *legs)), pytest.raises(ProofInvalid):
        shared_land.run(shared_land.requester().convert(prepared))
    assert log_size(shared_land) == before


@pytest.mark.parametrize("legs", [(FIRST,), (SECOND,), RECORDS], ids=["a", "b", "both"])
def test_a_foreign_persons_point_in_the_record_leg_is_refused_in_mode_s1(
    shared_land: Land, legs: tuple[int, ...]
) -> None:
    """A4: converter 1 puts a point of somebody else into the record legs."""
    prepared = asked_about(shared_land, 0, mode=Mode.S1)
    before = filings(shared_land)
    with tampering(shared_land, 1, foreign(shared_land, prepared, 1, legs)), pytest.raises(ProofInvalid):
        shared_land.run(shared_land.requester().convert(prepared))
    assert filings(shared_land) == before


def test_without_a_check_a_foreign_persons_point_is_accepted(shared_land: Land) -> None:
    """A4, the limit of mode S0: the same attack passes, the record stands under a person nobody asked about."""
    before = rows(shared_land, 0, 1)
    prepared = asked_about(shared_land, 0)
    with tampering(shared_land, 1, foreign(shared_land, prepared, 1)):
        shared_land.run(shared_land.requester().convert(prepared))
    assert rows(shared_land, 0, 1) == [[zero, one + 1] for zero, one in before]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("legs", [(FIRST,), (SECOND,), RECORDS], ids=["a", "b", "both"])
def test_a_wrong_point_from_the_middle_converter_is_refused(
    shared_land: Land, mode: Mode, legs: tuple[int, ...]
) -> None:
    """A4: a point that is nobody's is refused in every mode, by the table of one record keeper or by the check; and
    nothing is logged, whatever the other one has filed."""
    before = rows(shared_land, 0), log_size(shared_land)
    prepared = asked_about(shared_land, 0, mode=mode)
    with tampering(shared_land, 2, wrong_point(*legs)), pytest.raises((RecordRefused, ProofInvalid)):
        shared_land.run(shared_land.requester().convert(prepared))
    assert (rows(shared_land, 0), log_size(shared_land)) == before


def test_a_wrong_point_for_the_recipient_gives_nobodys_data(shared_land: Land) -> None:
    """A4, mode S0: the record is filed, the recipient finds a code it does not know and gives nothing out."""
    requester, prepared = shared_land.requester(), asked_about(shared_land, 0)
    with tampering(shared_land, 2, wrong_point(ANSWER)):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    delivered = shared_land.run(requester.deliver(prepared, converted, released))
    (answer,) = requester.open(prepared, converted, delivered)
    assert (answer.result, answer.data) == ("not-known-here", b"")


def test_a_converter_that_hides_its_input_breaks_the_chain(shared_land: Land) -> None:
    """A4: a hop record whose input is not the output before it is refused by whoever comes next, on whichever leg."""
    converted = shared_land.run(shared_land.requester().convert(asked_about(shared_land, 0)))
    law = shared_land.country.book("yokohama").in_force(shared_land.clock())
    hops = [(hop.record, hop.signature) for hop in converted.hops]
    last = decode(hops[2][0], HopRecord)
    keys = [law.signing_key(name) for name in CONVERTERS]
    blinded = decode(hops[0][0], HopRecord).ins[0]
    good = check_hops(hops, keys, last.request, blinded, last.outs)
    assert len(good) == 3
    with pytest.raises(HopMismatch):
        check_hops([hops[0], hops[2]], [keys[0], keys[2]], last.request, blinded, last.outs)
    for leg in (FIRST, SECOND, ANSWER):
        ins = [*good[1].outs]
        ins[leg] = good[0].outs[leg]
        lying = encode(HopRecord(last.request, 3, tuple(ins), last.outs, last.factors))
        signed = shared_land.country.identities[CONVERTERS[2]].signing.sign("hop", lying)
        with pytest.raises(HopMismatch):
            check_hops([*hops[:2], (lying, signed)], keys, last.request, blinded, last.outs)


@pytest.mark.parametrize("fewer", ["outs", "factors"])
def test_a_hop_record_without_one_leg_breaks_the_chain(shared_land: Land, fewer: str) -> None:
    """A4: the leg of one record keeper cannot be left out of what a converter signs."""
    converted = shared_land.run(shared_land.requester().convert(asked_about(shared_land, 0)))
    law = shared_land.country.book("yokohama").in_force(shared_land.clock())
    hops = [(hop.record, hop.signature) for hop in converted.hops]
    last = decode(hops[2][0], HopRecord)
    blinded = decode(hops[0][0], HopRecord).ins[0]
    short = encode(msgspec.structs.replace(last, **{fewer: getattr(last, fewer)[:-1]}))
    signed = shared_land.country.identities[CONVERTERS[2]].signing.sign("hop", short)
    keys = [law.signing_key(name) for name in CONVERTERS]
    with pytest.raises(HopMismatch):
        check_hops([*hops[:2], (short, signed)], keys, last.request, blinded, last.outs)
