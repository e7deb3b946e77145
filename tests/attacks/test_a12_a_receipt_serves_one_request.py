"""A12: the double gate. Converters release, and the recipient opens, only against the receipt of this very request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest

from attacks.insider import MAILBOXES, filings
from forging import altered
from kakine.contracts import converter
from kakine.contracts.converter import Converted, Filed, Release
from kakine.contracts.gateway import DELIVER, Deliver
from kakine.contracts.ledger import Appended
from kakine.country import CONVERTERS, LEDGER, LOGS, ORIGIN, signer_of
from kakine.crypto.group import group
from kakine.crypto.merkle import leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.protocols.gates import filed_legs
from kakine.values.labels import PartyName
from kakine.values.problems import Problem, ReceiptMismatch
from kakine.wire import checkpoint
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.filing import Filing, SignedFiling, sign
from kakine.wire.request import HopRecord, points_digest

from land import CHILDREN, Land

Forge = Callable[[Land, Prepared, Converted], Converted]

OWN = SigningKey(b"\x05" * 32)


BOTH = (0, 1)


def filed(converted: Converted, **changed: object) -> Converted:
    """With another receipt."""
    return msgspec.structs.replace(converted, filed=msgspec.structs.replace(converted.filed, **changed))


def with_filings(converted: Converted, *filings: SignedFiling) -> Converted:
    """With these filings."""
    return filed(converted, filings=list(filings))


def signing(land: Land, name: str) -> SigningKey:
    """A party's own signing key."""
    return land.country.identities[PartyName(name)].signing


def changed_filings(
    land: Land, converted: Converted, which: Sequence[int] = BOTH, **changed: object
) -> Converted:
    """These record keepers sign something else."""
    made = []
    for place, each in enumerate(converted.filed.filings):
        if place in which:
            filing = msgspec.structs.replace(decode(each.filing, Filing), **changed)
            each = sign(filing, each.party, signing(land, each.party))
        made.append(each)
    return with_filings(converted, *made)


def signed_under(converted: Converted, place: int, make: Callable[[SignedFiling], bytes]) -> Converted:
    """One filing with another signature, the other one as it is."""
    filings = list(converted.filed.filings)
    filings[place] = msgspec.structs.replace(filings[place], signature=make(filings[place]))
    return with_filings(converted, *filings)


def of_another_request(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """A real receipt, for another person."""
    requester = land.requester()
    other = land.run(requester.prepare(land.wish([land.code(CHILDREN, 1)])))
    return msgspec.structs.replace(converted, filed=land.run(requester.convert(other)).filed)


def signed_by_another(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The right text, signed with a key of A's own."""
    return signed_under(converted, 0, lambda each: OWN.sign("filing", each.filing))


def one_signed_by_another(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The second record keeper's only."""
    return signed_under(converted, 1, lambda each: OWN.sign("filing", each.filing))


def one_signed_by_the_other(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The first record keeper's signature where the second's should be, over the same text."""
    key = signing(land, MAILBOXES[0])
    return signed_under(converted, 1, lambda each: key.sign("filing", each.filing))


def under_another_label(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The record keeper's own signature, over the same bytes as another kind of statement."""
    return signed_under(converted, 1, lambda each: signing(land, each.party).sign("history", each.filing))


def for_other_hops(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Every record keeper's signature over this request with other hop records."""
    return changed_filings(land, converted, hops=bytes(32))


def one_for_other_hops(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The same of the second record keeper only."""
    return changed_filings(land, converted, [1], hops=bytes(32))


def for_another_hr(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Every record keeper's signature over these entries under another hR."""
    return changed_filings(land, converted, request=bytes(32))


def one_for_another_hr(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The same of the second record keeper only."""
    return changed_filings(land, converted, [1], request=bytes(32))


def over_different_points(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Both sign, and not for the same output legs."""
    return changed_filings(land, converted, [1], points=b"\x01" * 32)


def without_the_first(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """One record keeper has filed nothing."""
    return with_filings(converted, converted.filed.filings[1])


def without_the_second(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Nor the other one."""
    return with_filings(converted, converted.filed.filings[0])


def twice_the_same(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """One record keeper's filing for both."""
    return with_filings(converted, *[converted.filed.filings[0]] * 2)


def twice_under_the_others_name(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """One record keeper's filing, the second time said to be the other's."""
    first = converted.filed.filings[0]
    return with_filings(converted, first, msgspec.structs.replace(first, party=MAILBOXES[1]))


def in_another_order(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Both, but not in the order of the legs."""
    return with_filings(converted, *reversed(converted.filed.filings))


def with_a_third(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Both, and A's own."""
    own = decode(converted.filed.filings[0].filing, Filing)
    return with_filings(converted, *converted.filed.filings, sign(own, "yokohama", signing(land, "yokohama")))


def with_an_agency_for_the_second(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """A's own where the second record keeper's should be."""
    first = converted.filed.filings[0]
    own = sign(decode(first.filing, Filing), "yokohama", signing(land, "yokohama"))
    return with_filings(converted, first, own)


def with_an_own_checkpoint(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """A tree of A's own with just these entries, signed with A's key under the log's name."""
    note = checkpoint.make(ORIGIN, 1, leaf_hash(prepared.entries), OWN)
    return filed(converted, receipt=Appended(0, [], note))


def with_the_key_of_the_sequencer(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """Whoever writes the log has a key of its own, which signs no head."""
    note = checkpoint.make(ORIGIN, 1, leaf_hash(prepared.entries), land.country.identities[LEDGER].signing)
    return filed(converted, receipt=Appended(0, [], note))


def with_the_ledgers_key_on_another_log(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The signer's own key, and another log's name."""
    key = land.country.identities[signer_of(LOGS[0])].signing
    note = checkpoint.make("ledger.kakine.example/other", 1, leaf_hash(prepared.entries), key)
    return filed(converted, receipt=Appended(0, [], note))


def at_another_place(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The right checkpoint and proof, said to be of the entry before."""
    receipt = converted.filed.receipt
    return filed(converted, receipt=Appended(receipt.first - 1, receipt.proof, receipt.checkpoint))


def without_proof(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """The signed checkpoint of the log, and no proof that the entry is in it."""
    receipt = converted.filed.receipt
    return filed(converted, receipt=Appended(receipt.first, [], receipt.checkpoint))


def nothing(land: Land, prepared: Prepared, converted: Converted) -> Converted:
    """No receipt."""
    return msgspec.structs.replace(converted, filed=Filed([], Appended(0, [], b"")))


FORGED: dict[str, tuple[Forge, str]] = {
    "of another request": (of_another_request, "receipt-mismatch"),
    "signed by another": (signed_by_another, "receipt-mismatch"),
    "under another label": (under_another_label, "receipt-mismatch"),
    "for other hops": (for_other_hops, "receipt-mismatch"),
    "for another hR": (for_another_hr, "receipt-mismatch"),
    "one signed by another": (one_signed_by_another, "receipt-mismatch"),
    "one signed by the other record keeper": (one_signed_by_the_other, "receipt-mismatch"),
    "one for other hops": (one_for_other_hops, "receipt-mismatch"),
    "one for another hR": (one_for_another_hr, "receipt-mismatch"),
    "over different points": (over_different_points, "receipt-mismatch"),
    "without the first": (without_the_first, "receipt-mismatch"),
    "without the second": (without_the_second, "receipt-mismatch"),
    "twice the same": (twice_the_same, "receipt-mismatch"),
    "twice under the other's name": (twice_under_the_others_name, "receipt-mismatch"),
    "in another order": (in_another_order, "receipt-mismatch"),
    "with a third": (with_a_third, "receipt-mismatch"),
    "an agency for the second": (with_an_agency_for_the_second, "receipt-mismatch"),
    "with an own checkpoint": (with_an_own_checkpoint, "signature-invalid"),
    "signed by who writes the log": (with_the_key_of_the_sequencer, "signature-invalid"),
    "of another log": (with_the_ledgers_key_on_another_log, "checkpoint-invalid|signature-invalid"),
    "at another place": (at_another_place, "inclusion-invalid"),
    "without a proof": (without_proof, "inclusion-invalid"),
    "none": (nothing, "receipt-mismatch"),
}

every_forgery = pytest.mark.parametrize(("forge", "code"), FORGED.values(), ids=FORGED.keys())


def asked(land: Land) -> tuple[Prepared, Converted]:
    """A request for person 0, filed and not released."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
    return prepared, land.run(requester.convert(prepared))


def release(prepared: Prepared, converted: Converted) -> Release:
    """What A shows a converter."""
    return Release(
        prepared.public,
        prepared.record,
        prepared.entries,
        prepared.tags,
        converted.filed,
        converted.hops,
        prepared.disclosed,
        prepared.withheld,
        prepared.openings,
    )


@every_forgery
@pytest.mark.parametrize("position", [1, 2, 3])
def test_no_converter_releases_against_a_forged_receipt(
    shared_land: Land, position: int, forge: Forge, code: str
) -> None:
    """A12, gate 1: each converter for itself."""
    prepared, converted = asked(shared_land)
    message = release(prepared, forge(shared_land, prepared, converted))
    with pytest.raises(Problem, match=code):
        shared_land.run(
            shared_land.country.peers("yokohama").ask(CONVERTERS[position - 1], converter.RELEASE, message)
        )


@every_forgery
def test_the_recipient_opens_nothing_against_a_forged_receipt(
    shared_land: Land, forge: Forge, code: str
) -> None:
    """A12, gate 2: all values released rightly, and the receipt handed on is another one."""
    requester = shared_land.requester()
    prepared, converted = asked(shared_land)
    released = shared_land.run(requester.release(prepared, converted))
    message = requester.delivery(prepared, forge(shared_land, prepared, converted), released)
    assert deliver(shared_land, message).code in code.split("|")


def deliver(land: Land, message: Deliver) -> Problem:
    """Why the recipient refuses; nothing was decided."""
    before = filings(land)
    with pytest.raises(Problem) as raised:
        land.run(land.country.peers("yokohama").ask(PartyName("yokohama"), DELIVER, message))
    assert filings(land) == before
    return raised.value


def test_a_release_before_the_record_is_refused(shared_land: Land) -> None:
    """A12: the converters have not even seen the request."""
    first, converted = asked(shared_land)
    unseen = shared_land.run(
        shared_land.requester().prepare(shared_land.wish([shared_land.code(CHILDREN, 2)]))
    )
    with pytest.raises(Problem, match="request-unknown"):
        shared_land.run(shared_land.requester().release(unseen, converted))
    assert first != unseen


def test_a_release_to_another_party_is_refused(shared_land: Land) -> None:
    """A12: with the whole receipt in hand, another agency gets no value."""
    message = release(*asked(shared_land))
    with pytest.raises(Problem, match="caller-not-allowed"):
        shared_land.run(shared_land.country.peers("sapporo").ask(CONVERTERS[0], converter.RELEASE, message))


def test_another_output_than_the_filed_one_is_refused(shared_land: Land) -> None:
    """A12: the recipient compares the points it is given with those the record keeper signed for."""
    requester = shared_land.requester()
    prepared, converted = asked(shared_land)
    other = asked(shared_land)[1].recipient_leg
    released = shared_land.run(requester.release(prepared, converted))
    for leg in (other, group.hash_to_group(b"any")):
        changed = msgspec.structs.replace(converted, recipient_leg=leg)
        refused = deliver(shared_land, requester.delivery(prepared, changed, released))
        assert isinstance(refused, ReceiptMismatch)


def test_another_output_with_a_hop_record_to_fit_is_refused(shared_land: Land) -> None:
    """A12: the last converter signs a second hop record over another output, after the record keeper signed the
    first: equivocation is seen by the recipient, because the filing covers the hop records and both outputs."""
    requester = shared_land.requester()
    prepared, converted = asked(shared_land)
    released = shared_land.run(requester.release(prepared, converted))
    leg = asked(shared_land)[1].recipient_leg
    last = decode(converted.hops[2].record, HopRecord)
    record = encode(msgspec.structs.replace(last, outs=(*last.outs[:-1], points_digest(leg))))
    key = shared_land.country.identities[CONVERTERS[2]].signing
    hops = [*converted.hops[:2], converter.Hop(record, key.sign("hop", record))]
    changed = msgspec.structs.replace(converted, recipient_leg=leg, hops=hops)
    assert isinstance(deliver(shared_land, requester.delivery(prepared, changed, released)), ReceiptMismatch)


def test_the_filings_name_all_outputs(shared_land: Land) -> None:
    """A12: why the last test holds even where the record keepers signed carelessly for the new hop records."""
    requester = shared_land.requester()
    prepared, converted = asked(shared_land)
    released = shared_land.run(requester.release(prepared, converted))
    last = decode(converted.hops[2].record, HopRecord)
    for each in converted.filed.filings:
        assert decode(each.filing, Filing).points == filed_legs(last.outs)
    assert last.outs[-1] == points_digest(converted.recipient_leg)
    changed = changed_filings(shared_land, converted, points=bytes(32))
    assert isinstance(deliver(shared_land, requester.delivery(prepared, changed, released)), ReceiptMismatch)


@every_forgery
def test_the_requester_takes_no_answer_against_a_forged_receipt(
    shared_land: Land, forge: Forge, code: str
) -> None:
    """A12, R2: the same at the way back, with the receipt of the outcome."""
    requester = shared_land.requester()
    prepared, converted = asked(shared_land)
    released = shared_land.run(requester.release(prepared, converted))
    given = shared_land.run(requester.deliver(prepared, converted, released))
    assert requester.open(prepared, converted, given)[0].result == "delivered"
    about = msgspec.structs.replace(converted, filed=given.filed)
    outcome = altered(prepared, entries=given.entries, tags=given.tags)
    wrong = msgspec.structs.replace(given, filed=forge(shared_land, outcome, about).filed)
    with pytest.raises(Problem, match=code):
        requester.open(prepared, converted, wrong)


def test_an_old_receipt_is_not_released(land: Land) -> None:
    """A12: after the window, a filed request is worth nothing more."""
    prepared, converted = asked(land)
    land.clock.advance(121)
    with pytest.raises(Problem, match="outside-window"):
        land.run(land.requester().release(prepared, converted))
