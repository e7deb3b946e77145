"""A11, A12: A, B and the last converter try to have A's signature taken for the record keeper's.

A real request about one person puts entries into the log that commit to another request, about somebody else, in
whose header A names a domain of its own as record keeper, beside one that helps it. If converters believed that
header, A could sign the filing itself: B would open the second person's code, and the record would stand in the list
of the first.
"""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from attacks.insider import MAILBOXES, mask_keys, office_of, rewritten, taken_over
from forging import signed
from kakine.clients.exchange import request_of
from kakine.clients.recipient import _release_value
from kakine.contracts import converter
from kakine.contracts.converter import Convert, Converted, Filed
from kakine.country import CONVERTERS, KEEPERS
from kakine.crypto.hashing import digest
from kakine.parties.converter import hop as honest
from kakine.protocols.chain import recipient_mask, unmask
from kakine.protocols.gates import filed_legs, hops_digest
from kakine.values.calendar import months_since_2000
from kakine.values.codes import MaskedVector
from kakine.values.labels import PartyName
from kakine.values.problems import GroundUnfit, RequestUnknown
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.envelope import Envelopes
from kakine.wire.filing import SignedFiling, filing_of, sign
from kakine.wire.request import HopRecord, Keeper, Payload, PublicPart, RecordPart, ask_digest, public_digest

from land import CHILDREN, TAX, Land


def plain(land: Land, j: int) -> Prepared:
    """A request about person j."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)])))


def pair(land: Land) -> tuple[Prepared, Prepared]:
    """(about person 0 and as it should be, about person 1 with A's own record keeper), over the very same entry: it
    commits to the second, and names an envelope of the first."""
    first = plain(land, 0)
    second = rewritten(
        land, plain(land, 1), public={"keepers": (Keeper("yokohama/residents", 1), Keeper(KEEPERS[1], 1))}
    )
    ask = ask_digest(
        public_digest(first.public),
        decode(first.record, RecordPart).batch,
        decode(first.record, RecordPart).blinded,
    )
    month = months_since_2000(decode(first.public, PublicPart).time_ms)
    seal = Envelopes(bytes(32), ask, month, land.yokohama.office.months(month))
    envelope = seal.make(0, bytes(32), second.entries[16:48], b"nothing to read")
    entries = second.entries[:48] + hashlib.sha256(envelope).digest()
    covered = {"entries": digest("entries", entries), "tags": digest("tags", second.tags)}
    records = [
        encode(msgspec.structs.replace(decode(each.record, RecordPart), **covered))
        for each in (first, second)
    ]
    return (
        signed(land, first, entries=entries, tags=second.tags, envelopes=(envelope,), record=records[0]),
        signed(land, second, entries=entries, record=records[1]),
    )


def kept_by_the_last(land: Land, asked: Prepared) -> Convert:
    """The outputs of a request, which the last converter keeps for A instead of passing them to the record keeper."""
    kept: list[Convert] = []
    office = office_of(land, 3)

    async def keep(caller: PartyName, message: Convert) -> Converted:
        kept.append((await honest.hop(office, caller, message))[1])
        raise RequestUnknown()

    with taken_over(land, CONVERTERS[2], converter.CONVERT, keep), pytest.raises(RequestUnknown):
        land.run(land.requester().convert(asked))
    return kept[0]


def own_filing(land: Land, asked: Prepared, output: Convert, name: str) -> SignedFiling:
    """A's own signature, or that of a record keeper in league with it, under a filing that nobody made."""
    hops = [hop.record for hop in output.hops]
    filing = filing_of(
        request=request_of(asked),
        points=filed_legs(decode(hops[-1], HopRecord).outs),
        entries=asked.entries,
        tags=asked.tags,
        hops=hops_digest(hops),
        minutes=land.clock() // 60_000,
    )
    return sign(filing, name, land.country.identities[PartyName(name)].signing)


def attack(land: Land) -> bytes:
    """What B opens in the end: without the defence its code of person 1. Raises the problem of whoever stops it."""
    first, second = pair(land)
    logged = land.run(land.requester().convert(first)).filed.receipt
    output = kept_by_the_last(land, second)
    filings = [own_filing(land, second, output, name) for name in ("yokohama", MAILBOXES[1])]
    converted = Converted(Filed(filings, logged), output.hops, output.legs[-1])
    released = land.run(land.requester().release(second, converted))
    request, keys = request_of(second), mask_keys(land, TAX)
    masks = [
        recipient_mask(key, request, _release_value(key, request, given.sealed))
        for key, given in zip(keys, released, strict=True)
    ]
    seed = decode(second.payload, Payload).seed
    return bytes(unmask(MaskedVector(output.legs[-1]), seed, masks))


def test_a_requester_cannot_be_its_own_record_keeper(shared_land: Land) -> None:
    """A11: every converter takes the record keeper from the gazette; a header that names another is refused before
    anything is converted."""
    with pytest.raises(GroundUnfit):
        attack(shared_land)
