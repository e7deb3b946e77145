"""A7: the same request again has the same result and no second effect; the same batch id with another Q has none."""

from __future__ import annotations

import msgspec
import pytest

from attacks.insider import MAILBOXES, filings, log_size, mask_keys, rewritten, rows_of, taken_over
from kakine.clients.exchange import as_convert
from kakine.contracts import converter
from kakine.contracts.converter import Convert, Converted, Hop
from kakine.country import CONVERTERS
from kakine.parties.converter.hop import Asked, _as_seen, request_factors
from kakine.protocols.chain import blind
from kakine.values.codes import CodeVector
from kakine.values.labels import PartyName
from kakine.values.problems import BatchReused, ExchangeUsed, OutsideWindow
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.request import (
    HopRecord,
    Mode,
    Payload,
    RecordPart,
    points_digest,
    public_digest,
    request_digest,
)

from land import CHILDREN, Land


def prepared(land: Land, j: int = 0, mode: Mode = Mode.S0) -> Prepared:
    """A request for person j."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)], mode)))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_repeated_request_has_one_effect(shared_land: Land, mode: Mode) -> None:
    """Every step twice: the same receipt, values and answer, one row for the request and one for the outcome."""
    asked, requester = prepared(shared_land, 1, mode), shared_land.requester()
    before = filings(shared_land), log_size(shared_land), every_list(shared_land, 1)
    converted = [shared_land.run(requester.convert(asked)) for _ in range(2)]
    released = [shared_land.run(requester.release(asked, each)) for each in converted]
    delivered = [
        shared_land.run(requester.deliver(asked, *pair)) for pair in zip(converted, released, strict=True)
    ]
    assert converted[0] == converted[1]
    assert released[0] == released[1]
    assert delivered[0] == delivered[1]
    after = filings(shared_land), log_size(shared_land), every_list(shared_land, 1)
    assert after == (before[0] + 2, before[1] + 2, [n + 2 for n in before[2]])


def every_list(land: Land, j: int) -> list[int]:
    """Rows of person j at each record keeper."""
    return [rows_of(land, j, name) for name in MAILBOXES]


def reuse(land: Land, first: Prepared, j: int) -> Prepared:
    """Another person under the same batch id and seed, rightly signed: with equal masks A could divide the outputs."""
    batch = decode(first.record, RecordPart).batch
    seed = decode(first.payload, Payload).seed
    points = blind(CodeVector.of([land.code(CHILDREN, j)]), seed, batch, mask_keys(land))
    return rewritten(land, first, blinded=points)


def test_a_batch_id_with_another_q_is_refused(shared_land: Land) -> None:
    """A7: the first converter has seen the batch id."""
    first, requester = prepared(shared_land), shared_land.requester()
    shared_land.run(requester.convert(first))
    before = filings(shared_land)
    with pytest.raises(BatchReused):
        shared_land.run(requester.convert(reuse(shared_land, first, 1)))
    assert filings(shared_land) == before


def test_every_converter_refuses_a_reused_batch_id_for_itself(shared_land: Land) -> None:
    """A7: a first converter that lets a reused batch id through is stopped by the second."""
    first, requester = prepared(shared_land), shared_land.requester()
    shared_land.run(requester.convert(first))
    second = reuse(shared_land, first, 1)
    one = shared_land.country.converters[CONVERTERS[0]].office

    async def lax(caller: PartyName, message: Convert) -> Converted:
        request = request_digest(public_digest(message.public), message.record)
        points = points_digest(message.blinded)
        record = encode(HopRecord(request, 1, (points,) * 3, (points,) * 3, (b"",) * 3))
        onward = msgspec.structs.replace(
            message,
            legs=[message.blinded] * 3,
            hops=[Hop(record, one.identity.signing.sign("hop", record))],
        )
        return await one.peers.ask(CONVERTERS[1], converter.CONVERT, onward)

    with taken_over(shared_land, CONVERTERS[0], converter.CONVERT, lax), pytest.raises(BatchReused):
        shared_land.run(requester.convert(second))


def test_a_reused_batch_id_would_get_other_masks(shared_land: Land) -> None:
    """A7: masks follow from hR and so from Q. Two requests about one person never give comparable outputs."""
    first, second = prepared(shared_land, 2), prepared(shared_land, 2)
    requester = shared_land.requester()
    legs = [shared_land.run(requester.convert(each)).recipient_leg for each in (first, second)]
    assert legs[0] != legs[1]
    assert first.blinded != second.blinded
    for name in CONVERTERS:
        office = shared_land.country.converters[name].office
        pair = [Asked.of(each.public, each.record) for each in (first, reuse(shared_land, first, 1))]
        assert pair[0].record.batch == pair[1].record.batch
        made = [request_factors(office, _as_seen(each)) for each in pair]
        assert len(set(map(bytes, (*made[0], *made[1])))) == 6


def test_an_exchange_id_serves_one_request(shared_land: Land) -> None:
    """A7: a second request with the exchange id of the first is not released, though its batch id is fresh."""
    requester = shared_land.requester()
    first = prepared(shared_land)
    people = decode(first.payload, Payload).people
    again = rewritten(shared_land, prepared(shared_land, 1), payload={"people": people})
    converted = shared_land.run(requester.convert(first))
    shared_land.run(requester.release(first, converted))
    with pytest.raises(Exception, match=r"tag-conflict|exchange-used") as refusal:
        shared_land.run(requester.release(again, shared_land.run(requester.convert(again))))
    assert refusal.value.code in ("tag-conflict", ExchangeUsed.code)


def test_an_old_request_is_not_taken_up(land: Land) -> None:
    """A7: a request kept for later, never sent, is worth nothing once its time is over."""
    kept = prepared(land)
    land.clock.advance(121)
    with pytest.raises(OutsideWindow):
        land.run(land.requester().convert(kept))


def test_a_replay_by_another_party_is_refused(shared_land: Land) -> None:
    """A7: who has a copy of a request, its signature included, cannot send it: the caller is not the requester."""
    kept = prepared(shared_land)
    thief = shared_land.country.peers("sapporo")
    with pytest.raises(Exception, match="caller-not-allowed"):
        shared_land.run(thief.ask(CONVERTERS[0], converter.CONVERT, as_convert(kept)))
