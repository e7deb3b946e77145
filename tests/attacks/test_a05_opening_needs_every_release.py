"""A5, A6: an output stays closed to everybody who lacks one converter's value, or the blinding of the batch."""

from __future__ import annotations

from itertools import combinations

import msgspec
import pytest

from attacks.insider import (
    MAILBOXES,
    filings,
    keeper_token,
    log_size,
    mailbox,
    mask_keys,
    office_of,
    rewritten,
)
from kakine.contracts.converter import Converted, Released
from kakine.contracts.gateway import DELIVER
from kakine.contracts.mailbox import FILE, File
from kakine.crypto.group import Scalar, scalar_inv
from kakine.protocols.chain import blind_share, keeper_mask, recipient_mask, release_value, unmask
from kakine.values.codes import MaskedVector
from kakine.values.labels import PartyName
from kakine.values.problems import RecordRefused, SealInvalid
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.request import Payload, RecordPart, public_digest, request_digest
from road import recorded

from land import CHILDREN, TAX, Land, ref

YOKOHAMA = PartyName("yokohama")


def asked(land: Land) -> tuple[Prepared, Converted, bytes]:
    """A request for person 0, converted and filed, nothing released; and hR."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
    request = request_digest(public_digest(prepared.public), prepared.record)
    return prepared, land.run(requester.convert(prepared)), request


def opens(land: Land, prepared: Prepared, leg: bytes, factors: list[Scalar]) -> bool:
    """Whether these factors and A's seed turn an output into the tax office's code of person 0."""
    seed = decode(prepared.payload, Payload).seed
    got = unmask(MaskedVector(leg), seed, factors or [Scalar((1).to_bytes(32, "little"))])
    return bytes(got) == bytes(land.code(TAX, 0))


def true_masks(land: Land, request: bytes) -> list[Scalar]:
    """μ_{i,B} of all three converters."""
    return [
        recipient_mask(key, request, release_value(office_of(land, i).release_key, request))
        for i, key in enumerate(mask_keys(land, TAX), 1)
    ]


def test_the_requester_with_the_last_converter_cannot_open(shared_land: Land) -> None:
    """A5: A knows seed and blinding shares, converter 3 its mask; whatever they take off, two masks stay on."""
    prepared, converted, request = asked(shared_land)
    own = true_masks(shared_land, request)[2]
    batch = decode(prepared.record, RecordPart).batch
    shares = [blind_share(key, batch) for key in mask_keys(shared_land)]
    tried: list[list[Scalar]] = [[], [own], [scalar_inv(own)]]
    tried += [[own, *some] for n in (1, 2, 3) for some in combinations(shares, n)]
    tried += [[own, *map(scalar_inv, some)] for n in (1, 2, 3) for some in combinations(shares, n)]
    leg = converted.recipient_leg
    assert [opens(shared_land, prepared, leg, factors) for factors in tried] == [False] * len(tried)


def test_the_last_converters_own_view_is_closed_too(shared_land: Land) -> None:
    """A5: the same with a record keeper's masks, which need no release: they do not open the recipient's leg."""
    prepared, converted, request = asked(shared_land)
    for name in MAILBOXES:
        masks = masks_of_keeper(shared_land, request, name)
        assert not opens(shared_land, prepared, converted.recipient_leg, masks)


def masks_of_keeper(land: Land, request: bytes, name: str) -> list[Scalar]:
    """The masks that one record keeper can take off."""
    return [keeper_mask(key, request) for key in mailbox(land, name).mask_keys]


def test_a_record_keeper_opens_its_own_leg_and_not_the_others(shared_land: Land) -> None:
    """A5: what the last converter sends to both record keepers; each has a code of its own of the same person."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    request = request_digest(public_digest(prepared.public), prepared.record)
    with recorded() as passages:
        shared_land.run(requester.convert(prepared))
    legs = next(msgspec.msgpack.decode(p.body, type=File).legs for p in passages if p.path == FILE.path)
    seed = decode(prepared.payload, Payload).seed
    for own, name in enumerate(MAILBOXES):
        masks = masks_of_keeper(shared_land, request, name)
        codes = [unmask(MaskedVector(leg), seed, masks).code(0) for leg in legs]
        office = mailbox(shared_land, name)
        tokens = [bytes(office.wrap.wrap(code, office.settings.domain)) for code in codes]
        right = bytes(keeper_token(shared_land, 0, name))
        assert [token == right for token in tokens] == [leg == own for leg in range(3)]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_one_missing_value_leaves_the_output_closed(shared_land: Land, missing: int) -> None:
    """A5: the recipient itself, all its keys and two of the three values: nothing it can put for the third opens."""
    prepared, converted, request = asked(shared_land)
    key = mask_keys(shared_land, TAX)[missing]
    masks = true_masks(shared_land, request)
    for guess in (bytes(32), request, b""):
        tried = [*masks[:missing], recipient_mask(key, request, guess), *masks[missing + 1 :]]
        assert not opens(shared_land, prepared, converted.recipient_leg, tried)
    assert not opens(shared_land, prepared, converted.recipient_leg, masks[:missing] + masks[missing + 1 :])


def test_all_three_values_open_it(shared_land: Land) -> None:
    """A5: the same computation with every value gives the code, so the refusals above mean something."""
    prepared, converted, request = asked(shared_land)
    assert opens(shared_land, prepared, converted.recipient_leg, true_masks(shared_land, request))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_wrong_released_value_is_refused_by_the_recipient(shared_land: Land, position: int) -> None:
    """A5: a value of another request, or a changed one, does not unseal; nothing is decided or answered."""
    requester = shared_land.requester()
    prepared, converted, _ = asked(shared_land)
    other, other_converted, _ = asked(shared_land)
    released = shared_land.run(requester.release(prepared, converted))
    strange = shared_land.run(requester.release(other, other_converted))
    before = filings(shared_land)
    own = released[position]
    changed = own.sealed[:-1] + bytes([own.sealed[-1] ^ 1])
    for wrong in (strange[position].sealed, changed, released[position - 1].sealed):
        values = [*released[:position], Released(wrong, own.head), *released[position + 1 :]]
        message = requester.delivery(prepared, converted, values)
        with pytest.raises(SealInvalid):
            shared_land.run(shared_land.country.peers("yokohama").ask(YOKOHAMA, DELIVER, message))
    assert filings(shared_land) == before


def test_a_wrong_seed_for_the_record_keeper_is_refused(shared_land: Land) -> None:
    """A6: A seals another blinding seed to the record keeper, hoping to have the answer without the record."""
    requester = shared_land.requester()
    plain = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    crooked = rewritten(shared_land, plain, keeper_seed=b"\x07" * 32)
    before = filings(shared_land), log_size(shared_land)
    with pytest.raises(RecordRefused):
        shared_land.run(requester.convert(crooked))
    assert (filings(shared_land), log_size(shared_land)) == before


def test_a_wrong_seed_for_the_recipient_gives_nothing(shared_land: Land) -> None:
    """A6, the other side: the record is filed under the person, and the recipient finds nobody."""
    requester = shared_land.requester()
    plain = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    right = decode(plain.payload, Payload).seed
    crooked = rewritten(shared_land, plain, payload={"seed": b"\x07" * 32}, keeper_seed=right)
    converted = shared_land.run(requester.convert(crooked))
    released = shared_land.run(requester.release(crooked, converted))
    delivered = shared_land.run(requester.deliver(crooked, converted, released))
    assert requester.open(crooked, converted, delivered)[0].result == "not-known-here"
    assert ref(0)
