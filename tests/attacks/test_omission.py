"""Nobody can leave the record out: no answer without a receipt, and a receipt opens only what it is for.

Each test holds what the attacker holds: a requester's keys, all converters, the provider, the record keeper,
or a ledger put back from last night's backup. O1 … O16 are the numbers of the claims (spec/ledger.md).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import MAILBOXES, careless_about_heads, envelopes_filed, mailbox
from attacks.insider import filings as filings_at_all
from forging import altered, signed
from kakine.clients.exchange import Requester, request_of
from kakine.contracts import ledger as ledger_calls
from kakine.contracts import mailbox as mailbox_calls
from kakine.contracts.converter import RELEASE, Converted, Filed, Release, Released
from kakine.contracts.gateway import Delivered
from kakine.contracts.ledger import Appended
from kakine.contracts.mailbox import FILE, File
from kakine.contracts.portal import SealedHistory
from kakine.country import CONVERTERS, LEDGER, LOGS, ORIGIN, signer_of
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, aead_open, aead_seal, open_sealed, seal
from kakine.crypto.signing import SigningKey
from kakine.parties.converter.app import Converter
from kakine.parties.converter.office import Office as ConverterOffice
from kakine.parties.converter.office import Settings as ConverterSettings
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ledger.start import LedgerLaw
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.protocols import receipts
from kakine.protocols.chain import recipient_mask, release_value, unmask
from kakine.protocols.gates import WINDOW_MS, filed_legs, head_parts, hops_digest
from kakine.protocols.history import KeptList, Keys, SealedRow, open_history
from kakine.protocols.logs import LogBook, log_keys
from kakine.protocols.records import Openings, request_batch
from kakine.runtime import codebook
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.keyring import find_key
from kakine.values.codes import MaskedVector
from kakine.values.labels import PartyName
from kakine.values.problems import (
    AnswerNotAllowed,
    BatchMalformed,
    BatchReused,
    BootFence,
    CheckpointInvalid,
    ExchangeUsed,
    HistoryIncomplete,
    HopMismatch,
    InclusionInvalid,
    OpeningMismatch,
    OutcomeConflict,
    OutsideWindow,
    PartyUnavailable,
    Problem,
    ReceiptMismatch,
    RecordMismatch,
    RequestUnknown,
    SealInvalid,
    SignatureInvalid,
    TagConflict,
)
from kakine.wire import checkpoint
from kakine.wire import filing as filings
from kakine.wire.answer import Answered, Answers, Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.envelope import expand
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.request import (
    Kind,
    Payload,
    PublicPart,
    RecordPart,
    ask_digest,
    points_digest,
    public_digest,
    recipient_info,
)
from road import away, instead

from land import CHILDREN, TAX, TAX_ITEM, Land, ref

MINE = SigningKey(b"m" * 32)
"""A key that the law names nobody's."""


@pytest.fixture
def land(shared_land: Land) -> Land:
    """For tests that leave the country as they find it, but for more records."""
    return shared_land


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Land]:
    """For tests that stop a party or push the clock."""
    with Land.founded(tmp_path / "land", domains=(CHILDREN, TAX)) as founded:
        yield founded


def prepared(land: Land, j: int = 0, **changed: Any) -> Prepared:
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)], **changed)))


def through(land: Land, asked: Prepared) -> tuple[Converted, list[Released]]:
    """An honest run as far as the released values."""
    converted = land.run(land.requester().convert(asked))
    return converted, land.run(land.requester().release(asked, converted))


def deliver(land: Land, asked: Prepared, converted: Converted, released: list[Released]) -> Delivered:
    return land.run(land.requester().deliver(asked, converted, released))


def entries_in_log(land: Land) -> int:
    note = land.run(
        land.country.peers("yokohama").ask(LEDGER, ledger_calls.CHECKPOINT, _nothing())
    ).checkpoint
    return int(note.split(b"\n")[1])


def _nothing() -> Any:
    return ledger_calls.CHECKPOINT.takes()


def filings_kept(land: Land) -> int:
    return filings_at_all(land)


def answers_given(land: Land) -> int:
    count = land.yokohama.office.db.read().execute("SELECT count(*) FROM incoming").fetchone()
    return int(count[0])


def unfiled(land: Land, asked: Prepared) -> Converted:
    """A run through all three hops in which nothing is filed; the requester writes its own receipt."""
    file = file_seen(land, asked)
    return Converted(own_receipt(asked, file, MINE), file.hops, file.legs[-1])


def own_receipt(asked: Prepared, file: File, key: SigningKey, first: int = 0) -> Filed:
    """A receipt as the record keepers would give it, but signed with `key` and proved by nobody."""
    filing = filings.filing_of(
        request=request_of(asked),
        points=filed_legs([points_digest(leg) for leg in file.legs]),
        entries=asked.entries,
        tags=asked.tags,
        hops=hops_digest([hop.record for hop in file.hops]),
        minutes=0,
    )
    signed_by_all = [filings.sign(filing, name, key) for name in MAILBOXES]
    return Filed(signed_by_all, Appended(first, [], b"no checkpoint"))


def released_by_all(land: Land, asked: Prepared, converted: Converted) -> list[Released]:
    """What three dishonest converters hand out from their own keys, without asking for any receipt."""
    return [_released_by(land, land.country.converters[name].office, asked, converted) for name in CONVERTERS]


def _released_by(land: Land, office: ConverterOffice, asked: Prepared, converted: Converted) -> Released:
    key, request = shared_key(land, office.identity.name), request_of(asked)
    value = release_value(office.release_key, request)
    sealed = aead_seal(expand(key, "release", request), bytes(12), request, value)
    note = converted.filed.receipt.checkpoint
    shown = head_parts(checkpoint.origin_of(note), _head_shown(note))
    return Released(sealed, office.identity.signing.sign("head", *shown))


def _head_shown(note: bytes) -> Checkpoint:
    try:
        return checkpoint.parse(checkpoint.text_of(note), checkpoint.origin_of(note))
    except CheckpointInvalid:
        return Checkpoint(0, b"")


def shared_key(land: Land, converter: PartyName, domain: str = TAX) -> bytes:
    """The key that a domain of Yokohama shares with a converter."""
    key = find_key(land.yokohama.office.db.read(), domain, 1, converter)
    assert key is not None
    return key


# --- O1 … O3: who has to break the rule for an exchange without a record --------------------------


def test_o1_no_converter_answers_a_request_that_was_not_filed(land: Land) -> None:
    asked = prepared(land)
    converted = unfiled(land, asked)
    before = entries_in_log(land)
    for name in CONVERTERS:
        with pytest.raises(ReceiptMismatch):
            land.run(land.country.peers("yokohama").ask(name, RELEASE, release(asked, converted)))
    assert entries_in_log(land) == before


def test_o1_no_converter_answers_a_request_it_took_no_part_in(land: Land) -> None:
    asked, other = prepared(land), prepared(land)
    converted, _ = through(land, other)
    with pytest.raises(RequestUnknown):
        land.run(land.requester().release(asked, converted))


def test_o1_record_keepers_that_sign_without_logging_open_no_converter(land: Land) -> None:
    asked = prepared(land)
    converted = unfiled(land, asked)
    genuine, _ = through(land, prepared(land))
    filed = signed_again(land, converted.filed)
    for receipt in (filed.receipt, genuine.filed.receipt):
        with pytest.raises((InclusionInvalid, CheckpointInvalid)):
            land.run(land.requester().release(asked, replaced(converted, Filed(filed.filings, receipt))))


@pytest.mark.parametrize("name", MAILBOXES)
def test_o1_one_record_keeper_that_signs_opens_no_converter_without_the_other(land: Land, name: str) -> None:
    asked = prepared(land)
    converted = unfiled(land, asked)
    filed = signed_again(land, converted.filed, [name])
    with pytest.raises(ReceiptMismatch):
        land.run(land.requester().release(asked, replaced(converted, filed)))
    with pytest.raises(ReceiptMismatch):
        deliver(land, asked, replaced(converted, filed), released_by_all(land, asked, converted))


def signed_again(land: Land, filed: Filed, names: Sequence[str] = MAILBOXES) -> Filed:
    """The filings signed by these record keepers, in league with the requester."""
    made = []
    for each in filed.filings:
        key = mailbox(land, each.party).identity.signing if each.party in names else MINE
        made.append(filings.sign(decode(each.filing, filings.Filing), each.party, key))
    return Filed(made, filed.receipt)


def replaced(converted: Converted, filed: Filed) -> Converted:
    return Converted(filed, converted.hops, converted.recipient_leg)


def release(asked: Prepared, converted: Converted) -> Release:
    """The message a requester shows converters."""
    return Release(
        asked.public,
        asked.record,
        asked.entries,
        asked.tags,
        converted.filed,
        converted.hops,
        asked.disclosed,
        asked.withheld,
        asked.openings,
    )


def test_o2_an_honest_provider_refuses_what_three_dishonest_converters_released(land: Land) -> None:
    asked = prepared(land)
    converted = unfiled(land, asked)
    before = answers_given(land)
    with pytest.raises(ReceiptMismatch):
        deliver(land, asked, converted, released_by_all(land, asked, converted))
    assert answers_given(land) == before


def test_o2_nor_does_it_help_that_the_record_keepers_join_them(land: Land) -> None:
    asked = prepared(land)
    converted = unfiled(land, asked)
    signed = signed_again(land, converted.filed)
    before = answers_given(land)
    with pytest.raises((InclusionInvalid, CheckpointInvalid)):
        deliver(land, asked, replaced(converted, signed), released_by_all(land, asked, converted))
    assert answers_given(land) == before


def test_o2_what_they_released_is_genuine_so_it_is_the_receipt_that_stops_them(land: Land) -> None:
    asked = prepared(land)
    converted, released = through(land, asked)
    assert released_by_all(land, asked, converted) == released
    assert deliver(land, asked, converted, released_by_all(land, asked, converted)).filed.receipt.first


def test_o3_a_provider_with_two_converters_cannot_reach_its_own_code_before_the_record(land: Land) -> None:
    asked = prepared(land)
    leg = unfiled(land, asked).recipient_leg
    for honest in CONVERTERS:
        guesses = [bytes(32), request_of(asked), *_values(land, asked, without=honest).values()]
        for guess in guesses:
            values = {**_values(land, asked, without=honest), honest: guess}
            assert codes_behind(land, asked, leg, values) != land.code(TAX, 0)
    assert codes_behind(land, asked, leg, _values(land, asked)) == land.code(TAX, 0)


def _values(land: Land, asked: Prepared, without: str = "") -> dict[PartyName, bytes]:
    """w_i of the converters that collude."""
    offices = [land.country.converters[name].office for name in CONVERTERS if name != without]
    return {office.identity.name: release_value(office.release_key, request_of(asked)) for office in offices}


def codes_behind(land: Land, asked: Prepared, leg: bytes, values: dict[PartyName, bytes]) -> bytes:
    """What the provider makes of its leg with these values and its own keys and seed."""
    public, record = decode(asked.public, PublicPart), decode(asked.record, RecordPart)
    info = recipient_info(public, record.batch, record.blinded)
    own = land.yokohama.office.identity.opening
    seed = decode(open_sealed(own, info, asked.to_recipient), Payload).seed
    masks = [recipient_mask(shared_key(land, name), request_of(asked), values[name]) for name in CONVERTERS]
    return unmask(MaskedVector(leg), seed, masks).code(0)


# --- O4 … O7: a receipt serves the one exchange it was given for, once, and soon ------------------


def test_o4_a_receipt_of_another_exchange_opens_no_converter_and_no_provider(land: Land) -> None:
    asked, other = prepared(land, 0), prepared(land, 1)
    converted, released = through(land, asked)
    foreign, _ = through(land, other)
    swapped = replaced(converted, foreign.filed)
    with pytest.raises(ReceiptMismatch):
        land.run(land.requester().release(asked, swapped))
    before = answers_given(land)
    with pytest.raises(ReceiptMismatch):
        deliver(land, asked, swapped, released)
    assert answers_given(land) == before


def test_o4_a_right_filing_with_the_place_of_another_exchange_opens_nothing(land: Land) -> None:
    asked, other = prepared(land, 0), prepared(land, 1)
    converted, released = through(land, asked)
    foreign, _ = through(land, other)
    filed = Filed(converted.filed.filings, foreign.filed.receipt)
    with pytest.raises(InclusionInvalid):
        land.run(land.requester().release(asked, replaced(converted, filed)))
    with pytest.raises(InclusionInvalid):
        deliver(land, asked, replaced(converted, filed), released)


def restarted(land: Land, name: PartyName) -> None:
    """One converter stops and starts again on its store; the others go on."""
    country = land.country
    country.converters[name].close()
    settings = ConverterSettings(CONVERTERS.index(name) + 1, CONVERTERS, LogBook(LOGS))
    again = Converter(settings, *country._footing(name).common)
    country.converters[name] = again
    country._keep(name, again)


def with_xid_of(land: Land, used: Prepared, j: int) -> Prepared:
    """A new request, for whomever, under the exchange id of an old one."""
    xid = decode(used.payload, Payload).people[0].xid
    wish = land.wish([land.code(CHILDREN, j)])
    return land.run(land.requester().prepare(replace(wish, people=(person_with(wish, xid),))))


def person_with(wish: Any, xid: bytes) -> Any:
    return msgspec.structs.replace(wish.people[0], xid=xid)


def test_o5_a_second_conversion_under_a_used_exchange_is_refused_by_the_log(land: Land) -> None:
    used = prepared(land)
    through(land, used)
    with pytest.raises(TagConflict):
        land.run(land.requester().convert(with_xid_of(land, used, 1)))


@contextmanager
def last_nights_ledger(land: Land) -> Iterator[Ledger]:
    """The operators of ledger and signer put older stores back: same key, same name, another past."""
    country = land.country
    name = signer_of(LOGS[0])
    key = country.identities[name].signing
    signer = Signer.open(SignerSettings(ORIGIN, LEDGER, land.folder / "restored-signer.sqlite", key))
    settings = LedgerSettings(ORIGIN, land.folder / "restored.sqlite", name, key.public)
    road = Peers(InProcess(LEDGER, {name: signer.app}))
    law = LedgerLaw(country.book(LEDGER), land.clock, country.operators.commission)
    with closing(signer):
        opening = Ledger.open(
            settings,
            law.filer_key,
            law.filers,
            law.roles,
            road,
            land.clock,
        )
        with closing(land.run(opening)) as forked:
            yield forked


def test_o5_not_even_a_ledger_put_back_from_a_backup_gets_a_second_conversion_released(fresh: Land) -> None:
    used = prepared(fresh)
    through(fresh, used)
    again = with_xid_of(fresh, used, 1)
    with last_nights_ledger(fresh) as forked, instead(fresh.country, LEDGER, forked.app):
        converted = fresh.run(fresh.requester().convert(again))
        for name in CONVERTERS:
            careless_about_heads(fresh)
            with pytest.raises(ExchangeUsed):
                fresh.run(fresh.country.peers("yokohama").ask(name, RELEASE, release(again, converted)))
            restarted(fresh, name)
            careless_about_heads(fresh)
            with pytest.raises((ExchangeUsed, BootFence)):
                fresh.run(fresh.country.peers("yokohama").ask(name, RELEASE, release(again, converted)))


def test_o5_of_two_requests_under_one_exchange_at_the_same_time_one_is_released(fresh: Land) -> None:
    first = prepared(fresh, 0)
    second = with_xid_of(fresh, first, 1)
    here = fresh.run(fresh.requester().convert(first))
    with last_nights_ledger(fresh) as forked, instead(fresh.country, LEDGER, forked.app):
        there = fresh.run(fresh.requester().convert(second))

    async def both(name: PartyName) -> list[object]:
        peers = fresh.country.peers("yokohama")
        shown = release(first, here), release(second, there)
        calls = (peers.ask(name, RELEASE, message) for message in shown)
        return await asyncio.gather(*calls, return_exceptions=True)

    careless_about_heads(fresh)
    for name in CONVERTERS:
        results = fresh.run(both(name))
        assert sum(isinstance(result, ExchangeUsed) for result in results) == 1


def test_o5_showing_the_same_receipt_again_gives_the_same_value_also_after_a_restart(fresh: Land) -> None:
    asked = prepared(fresh)
    converted, released = through(fresh, asked)
    assert fresh.run(fresh.requester().release(asked, converted)) == released
    for name in CONVERTERS:
        restarted(fresh, name)
    assert fresh.run(fresh.requester().release(asked, converted)) == released


def test_o5_the_batch_of_a_receipt_serves_no_other_request(land: Land) -> None:
    asked = prepared(land)
    converted, released = through(land, asked)
    batch, second = decode(asked.record, RecordPart).batch, prepared(land, 1)
    record = msgspec.structs.replace(decode(second.record, RecordPart), batch=batch)
    other = signed(land, second, record=encode(record))
    with pytest.raises(BatchReused):
        land.run(land.requester().convert(other))
    with pytest.raises(RequestUnknown):
        land.run(land.requester().release(other, converted))
    assert released


def test_o6_hop_records_of_another_person_open_no_converter_and_no_provider(land: Land) -> None:
    asked, other = prepared(land, 0), prepared(land, 1)
    converted, released = through(land, asked)
    foreign, _ = through(land, other)
    spliced = Converted(converted.filed, foreign.hops, converted.recipient_leg)
    with pytest.raises(ReceiptMismatch):
        land.run(land.requester().release(asked, spliced))
    with pytest.raises(ReceiptMismatch):
        deliver(land, asked, spliced, released)


def test_o6_the_provider_refuses_the_leg_of_another_person_under_a_true_receipt(land: Land) -> None:
    asked, other = prepared(land, 0), prepared(land, 1)
    converted, released = through(land, asked)
    foreign, _ = through(land, other)
    before = answers_given(land)
    with pytest.raises(ReceiptMismatch):
        deliver(land, asked, Converted(converted.filed, converted.hops, foreign.recipient_leg), released)
    assert answers_given(land) == before


SPLICED: dict[str, Callable[[File, File], File]] = {
    "hops": lambda own, other: msgspec.structs.replace(own, hops=other.hops),
    "legs": lambda own, other: msgspec.structs.replace(own, legs=other.legs),
    "record a": lambda own, other: msgspec.structs.replace(own, legs=[other.legs[0], *own.legs[1:]]),
    "record b": lambda own, other: msgspec.structs.replace(
        own, legs=[own.legs[0], other.legs[1], own.legs[2]]
    ),
    "recipient": lambda own, other: msgspec.structs.replace(own, legs=[*own.legs[:2], other.legs[2]]),
}


@pytest.mark.parametrize("spliced", SPLICED)
@pytest.mark.parametrize("name", MAILBOXES)
def test_o6_the_record_keeper_refuses_a_last_converter_that_mixes_people(
    land: Land, name: str, spliced: str
) -> None:
    files = [file_seen(land, prepared(land, j), name) for j in (0, 1)]
    mixed = SPLICED[spliced](files[0], files[1])
    before = filings_kept(land)
    with pytest.raises(HopMismatch):
        land.run(land.country.peers("converter-3").ask(PartyName(name), FILE, mixed))
    assert filings_kept(land) == before


def file_seen(land: Land, asked: Prepared, name: str = MAILBOXES[0]) -> File:
    """What the last converter would file with this record keeper. Nobody has filed anything."""
    with ExitStack() as stack:
        pages = {each: stack.enter_context(away(land.country, each)) for each in MAILBOXES}
        with pytest.raises(PartyUnavailable):
            land.run(land.requester().convert(asked))
    return msgspec.msgpack.decode(pages[name].bodies[-1][1], type=File)


def test_o7_a_receipt_is_worth_nothing_after_its_time(fresh: Land) -> None:
    asked = prepared(fresh)
    converted, released = through(fresh, asked)
    fresh.clock.advance(WINDOW_MS / 1000 + 5)
    for name in CONVERTERS:
        with pytest.raises(OutsideWindow):
            fresh.run(fresh.country.peers("yokohama").ask(name, RELEASE, release(asked, converted)))
    before = answers_given(fresh)
    with pytest.raises(OutsideWindow):
        deliver(fresh, asked, converted, released)
    assert answers_given(fresh) == before


@pytest.mark.parametrize("minutes", [-5, 5])
def test_o7_a_requester_whose_clock_is_five_minutes_off_is_refused_before_anything_is_filed(
    fresh: Land, minutes: int
) -> None:
    fresh.clock.advance(600)  # so that a request five minutes old is not from before the converters started
    office, filed = fresh.yokohama.office, filings_kept(fresh)
    seat = replace(office.seat, clock=lambda: fresh.clock() + minutes * 60_000)
    skewed = Requester(office.site(CHILDREN).domain, 1, seat)
    asked = fresh.run(skewed.prepare(fresh.wish([fresh.code(CHILDREN, 0)])))
    with pytest.raises(OutsideWindow):
        fresh.run(skewed.convert(asked))
    assert filings_kept(fresh) == filed


# --- O8, O9: the record must be readable and true -------------------------------------------------


@pytest.mark.parametrize("converter", [0, 1, 2])
def test_o8_a_record_that_one_converter_could_not_open_is_refused_before_it_is_filed(
    land: Land, converter: int
) -> None:
    asked = prepared(land)
    envelope = bytearray(asked.envelopes[0])
    envelope[72 + 48 * converter] ^= 1
    spoilt = refiled(land, asked, asked.entries, [bytes(envelope)])
    before = filings_kept(land), entries_in_log(land)
    with pytest.raises(SealInvalid):
        land.run(land.requester().convert(spoilt))
    assert (filings_kept(land), entries_in_log(land)) == before


def refiled(land: Land, asked: Prepared, entries: bytes, envelopes: list[bytes]) -> Prepared:
    """The request with other envelopes, all digests made to fit, signed with the requester's own key."""
    fitting = b"".join(
        entries[80 * j : 80 * j + 48] + hashlib.sha256(envelope).digest()
        for j, envelope in enumerate(envelopes)
    )
    record = decode(asked.record, RecordPart)
    changed = msgspec.structs.replace(record, entries=digest("entries", fitting))
    return signed(land, asked, record=encode(changed), entries=fitting, envelopes=tuple(envelopes))


def told_otherwise(
    land: Land,
    asked: Prepared,
    public: Callable[[PublicPart], PublicPart] = lambda public: public,
    payload: Callable[[Payload], Payload] = lambda payload: payload,
) -> Prepared:
    """The same request, but the record that the person will read says something else, openings and all."""
    told, said = decode(asked.public, PublicPart), decode(asked.payload, Payload)
    record = decode(asked.record, RecordPart)
    ask = ask_digest(public_digest(asked.public), record.batch, record.blinded)
    made = request_batch(public(told), Kind.EXCHANGE, payload(said), ask, land.yokohama.office.months)
    shown: Openings = made.openings
    filed = refiled(land, asked, made.entries, made.envelopes)
    return altered(filed, disclosed=shown.disclosed, withheld=shown.withheld, openings=shown.people)


def another_ground(public: PublicPart) -> PublicPart:
    return msgspec.structs.replace(public, ground="OWN-HISTORY", rows=())


HIDDEN_LIES: dict[str, Callable[[Payload], Payload]] = {
    "items": lambda said: msgspec.structs.replace(said, items=("TK-9999",)),
    "unit": lambda said: msgspec.structs.replace(said, unit="somebody else's desk"),
    "channel": lambda said: msgspec.structs.replace(said, channel=1),
    "official": lambda said: msgspec.structs.replace(
        said, people=(msgspec.structs.replace(said.people[0], official="official-8"),)
    ),
    "case": lambda said: msgspec.structs.replace(
        said, people=(msgspec.structs.replace(said.people[0], case=b"another case"),)
    ),
}


def test_o9_converters_refuse_a_record_that_says_another_ground_than_the_request(land: Land) -> None:
    asked = told_otherwise(land, prepared(land), public=another_ground)
    converted = land.run(land.requester().convert(asked))
    for name in CONVERTERS:
        with pytest.raises(OpeningMismatch):
            land.run(land.country.peers("yokohama").ask(name, RELEASE, release(asked, converted)))


def test_o9_the_provider_refuses_it_too_when_all_converters_let_it_pass(land: Land) -> None:
    asked = told_otherwise(land, prepared(land), public=another_ground)
    converted = land.run(land.requester().convert(asked))
    before = answers_given(land)
    with pytest.raises(RecordMismatch):
        deliver(land, asked, converted, released_by_all(land, asked, converted))
    assert answers_given(land) == before


@pytest.mark.parametrize("field", HIDDEN_LIES)
def test_o9_the_provider_refuses_a_record_that_lies_in_a_field_converters_never_see(
    land: Land, field: str
) -> None:
    asked = told_otherwise(land, prepared(land), payload=HIDDEN_LIES[field])
    converted, released = through(land, asked)
    before = answers_given(land)
    with pytest.raises(RecordMismatch):
        deliver(land, asked, converted, released)
    assert answers_given(land) == before


def test_o9_the_provider_refuses_to_give_more_items_than_the_rows_name(land: Land) -> None:
    asked = prepared(land, items=(TAX_ITEM, "TK-0003"))
    converted, released = through(land, asked)
    with pytest.raises(AnswerNotAllowed):
        deliver(land, asked, converted, released)


# --- O10: the requester takes no answer whose outcome is not recorded -----------------------------


def delivered(land: Land, j: int = 0) -> tuple[Prepared, Converted, Delivered]:
    asked = prepared(land, j)
    converted, released = through(land, asked)
    return asked, converted, deliver(land, asked, converted, released)


def opened(land: Land, asked: Prepared, converted: Converted, given: Delivered) -> tuple[Answered, ...]:
    return land.requester().open(asked, converted, given)


def test_o10_data_without_the_outcome_s_receipt_is_not_opened(land: Land) -> None:
    asked, converted, given = delivered(land)
    _, _, other = delivered(land)
    assert opened(land, asked, converted, given)[0].result == "delivered"
    first, second = given.filed.filings
    forged = [
        msgspec.structs.replace(each, signature=MINE.sign("filing", each.filing)) for each in (first, second)
    ]
    filed_by = [[forged[0], second], [first, forged[1]], [first], [second], [first, first]]
    moved = msgspec.structs.replace(given.filed, receipt=other.filed.receipt)
    wrong = [
        *(msgspec.structs.replace(given, filed=Filed(each, given.filed.receipt)) for each in filed_by),
        msgspec.structs.replace(given, filed=other.filed),
        msgspec.structs.replace(given, filed=moved),
        msgspec.structs.replace(given, filed=converted.filed),
        msgspec.structs.replace(given, entries=other.entries, tags=other.tags, filed=other.filed),
        msgspec.structs.replace(given, entries=b"", tags=b""),
        msgspec.structs.replace(given, signature=MINE.sign("outcome", request_of(asked))),
    ]
    for attempt in wrong:
        with pytest.raises((ReceiptMismatch, InclusionInvalid, SignatureInvalid)):
            opened(land, asked, converted, attempt)


@pytest.mark.parametrize(
    "lie",
    [Answered("not-known-here", (), b""), Answered("delivered", (TAX_ITEM,), b'{"TK-0002":{"data":9}}')],
)
def test_o10_an_answer_that_the_recorded_outcome_does_not_say_is_not_opened(
    land: Land, lie: Answered
) -> None:
    asked, converted, given = delivered(land)
    key = decode(asked.payload, Payload).answer_key
    answers = decode(aead_open(key, bytes(12), request_of(asked), given.sealed), Answers)
    told = encode(msgspec.structs.replace(answers, people=(lie,)))
    sealed = aead_seal(key, bytes(12), request_of(asked), told)
    with pytest.raises(RecordMismatch):
        opened(land, asked, converted, msgspec.structs.replace(given, sealed=sealed))


@contextmanager
def no_ledger(land: Land) -> Iterator[None]:
    first, second = (log.ledger for log in LOGS)
    with away(land.country, first), away(land.country, second):
        yield


def test_o10_a_provider_that_cannot_record_its_outcome_gives_nothing_out(land: Land) -> None:
    asked = prepared(land)
    converted, released = through(land, asked)
    with no_ledger(land), pytest.raises(PartyUnavailable):
        deliver(land, asked, converted, released)
    given = deliver(land, asked, converted, released)
    assert opened(land, asked, converted, given)[0].result == "delivered"


@pytest.mark.parametrize("name", MAILBOXES)
def test_o10_a_second_outcome_for_a_request_is_refused(land: Land, name: str) -> None:
    asked, converted, given = delivered(land)
    _, _, other = delivered(land)
    request = request_of(asked)
    signing = land.country.converters[CONVERTERS[0]].office.identity.signing
    covered = digest("entries", other.entries), digest("tags", other.tags)
    envelopes = envelopes_filed(land, other.entries, name)
    signature = signing.sign("outcome-relay", request, *covered)
    relayed = mailbox_calls.FileOutcome(
        request, other.entries, other.tags, envelopes, signature, converted.filed.receipt
    )
    before = filings_kept(land)
    with pytest.raises(OutcomeConflict):
        land.run(land.country.peers(CONVERTERS[0]).ask(PartyName(name), mailbox_calls.OUTCOME, relayed))
    assert filings_kept(land) == before
    assert given


# --- O11, O12: until there is an hourly index, the signed count and the earlier visit stand in for it


def sealed_history(land: Land, j: int, session: OpenKey) -> SealedHistory:
    history: SealedHistory = land.run(land.country.portal.read_history(ref(j), session.public))
    return history


def read_back(
    land: Land,
    said: SealedHistory,
    session: OpenKey,
    statement: Statement | None = None,
    rows: slice = slice(None),
    before: Mapping[str, Statement] | None = None,
) -> int:
    """How many rows the reader sees when every record keeper signs this statement (in its own name) and shows these
    rows."""
    law = land.country.book("portal").in_force(land.clock())
    lists = []
    for name, each in zip(MAILBOXES, said.histories, strict=True):
        own = None if statement is None else msgspec.structs.replace(statement, keeper=name)
        data = each.statement if own is None else encode(own)
        signature = mailbox(land, name).identity.signing.sign("history", data)
        shown = [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in each.rows]
        lists.append(KeptList(data, signature, shown[rows]))
    keepers = {name: law.signing_key(PartyName(name)) for name in MAILBOXES}
    keys = Keys(keepers, log_keys(law, LOGS))
    return len(open_history(said.request, lists, said.shares, session, keys, before).rows)


def test_o11_a_row_left_out_contradicts_the_count_that_the_record_keeper_signed(land: Land) -> None:
    land.run(land.ask(0))
    session = OpenKey(land.entropy(32))
    said = sealed_history(land, 0, session)
    count = len(said.histories[0].rows)
    assert read_back(land, said, session) == count
    for hidden in (slice(1, None), slice(None, -1), slice(None, 0)):
        with pytest.raises(HistoryIncomplete):
            read_back(land, said, session, rows=hidden)


def test_o11_a_row_exchanged_for_another_contradicts_the_signed_head(land: Land) -> None:
    land.run(land.ask(0))
    land.run(land.ask(1))
    session = OpenKey(land.entropy(32))
    mine, other = sealed_history(land, 0, session), sealed_history(land, 1, session)
    for place in range(len(MAILBOXES)):
        histories = list(mine.histories)
        rows = [*histories[place].rows[:-1], other.histories[place].rows[-1]]
        histories[place] = msgspec.structs.replace(histories[place], rows=rows)
        with pytest.raises(HistoryIncomplete):
            read_back(land, msgspec.structs.replace(mine, histories=histories), session)


def test_o12_a_list_emptied_since_the_last_visit_contradicts_what_was_signed_then(land: Land) -> None:
    land.run(land.ask(0))
    session = OpenKey(land.entropy(32))
    visit = [decode(each.statement, Statement) for each in sealed_history(land, 0, session).histories]
    before = {each.keeper: each for each in visit}
    land.run(land.ask(0))
    now = sealed_history(land, 0, session)
    head = GENESIS
    rows = now.histories[0].rows
    for row in rows[1:]:
        head = chained(head, row.entry)
    emptied = Statement("", now.request, 0, GENESIS, land.clock())
    shortened = Statement("", now.request, len(rows) - 1, head, land.clock())
    assert read_back(land, now, session, before=before) == len(rows)
    with pytest.raises(HistoryIncomplete):
        read_back(land, now, session, statement=emptied, rows=slice(0, 0), before=before)
    with pytest.raises(HistoryIncomplete):
        read_back(land, now, session, statement=shortened, rows=slice(1, None), before=before)


def test_o12_what_remains_until_the_index_is_built_is_that_all_show_an_empty_list_at_the_first_visit(
    land: Land,
) -> None:
    session = OpenKey(land.entropy(32))
    sealed = sealed_history(land, 0, session)
    empty = Statement("", sealed.request, 0, GENESIS, land.clock())
    nothing = msgspec.structs.replace(sealed, shares=_empty_shares(sealed, session))
    assert read_back(land, nothing, session, statement=empty, rows=slice(0, 0)) == 0


def _empty_shares(said: SealedHistory, session: OpenKey) -> list[bytes]:
    return [seal(session.public, digest("shares", said.request, bytes([i + 1])), b"") for i in range(3)]


# --- O15: one leaf a person, also in a batch --------------------------------------------------------


def batch(land: Land, people: int) -> Prepared:
    wish = land.wish([land.code(CHILDREN, j) for j in range(people)])
    return land.run(land.requester().prepare(wish))


def without_the_last(land: Land, asked: Prepared, count: int) -> Prepared:
    """The request with one leaf less, all digests made to fit, signed for `count` people."""
    entries, tags, envelopes = asked.entries[:-80], asked.tags[:-32], asked.envelopes[:-1]
    record = msgspec.structs.replace(
        decode(asked.record, RecordPart),
        count=count,
        entries=digest("entries", entries),
        tags=digest("tags", tags),
    )
    return signed(land, asked, record=encode(record), entries=entries, tags=tags, envelopes=tuple(envelopes))


@pytest.mark.parametrize("counted", [3, 2], ids=["n people", "n - 1 people"])
def test_o15_a_bulk_request_with_one_leaf_less_than_people_is_refused_before_anything_is_filed(
    land: Land, counted: int
) -> None:
    asked = without_the_last(land, batch(land, 3), counted)
    before = filings_kept(land), entries_in_log(land)
    with pytest.raises(BatchMalformed):
        land.run(land.requester().convert(asked))
    assert (filings_kept(land), entries_in_log(land)) == before


def test_o15_nor_does_the_record_keeper_file_less_than_converters_converted(land: Land) -> None:
    full = file_seen(land, batch(land, 3))
    short = msgspec.structs.replace(
        full, entries=full.entries[:-80], tags=full.tags[:-32], envelopes=full.envelopes[:-1]
    )
    before = filings_kept(land), entries_in_log(land)
    with pytest.raises(BatchMalformed):
        land.run(land.country.peers("converter-3").ask(PartyName(MAILBOXES[0]), FILE, short))
    assert (filings_kept(land), entries_in_log(land)) == before


def test_o15_one_leaf_does_not_serve_two_people(land: Land) -> None:
    wish = land.wish([land.code(CHILDREN, j) for j in range(2)])
    same = replace(wish, people=(wish.people[0], wish.people[0]))
    asked = land.run(land.requester().prepare(same))
    before = entries_in_log(land)
    with pytest.raises(BatchMalformed):
        land.run(land.requester().convert(asked))
    assert entries_in_log(land) == before


# --- O16: a ledger that is down stops answers; it opens no way around -----------------------------


def test_o16_no_answer_leaves_while_the_ledgers_are_down_and_nothing_is_lost(fresh: Land) -> None:
    asking = [fresh.question(j % 4) for j in range(24)]

    async def under_load() -> list[object]:
        first = [asyncio.ensure_future(fresh.yokohama.desk.ask(q)) for q in asking[:8]]
        await asyncio.sleep(0.005)
        with no_ledger(fresh):
            rest = [asyncio.ensure_future(fresh.yokohama.desk.ask(q)) for q in asking[8:]]
            return await asyncio.gather(*first, *rest, return_exceptions=True)

    results = fresh.run(under_load())
    answered = [result for result in results if isinstance(result, Answered)]
    refused = [result for result in results if isinstance(result, Problem)]
    assert len(answered) + len(refused) == len(asking)
    assert refused
    assert all(isinstance(result, PartyUnavailable) for result in refused)
    assert len(answered) <= people_with_receipts(fresh)
    assert outcomes_in_log(fresh) >= len(answered)

    resumed = fresh.run(fresh.yokohama.desk.carrier.resume(lambda _: fresh.requester()))
    assert resumed
    for _, result in resumed:
        assert not isinstance(result, Problem)
        assert all(answer.result == "delivered" for answer in result)
    for name in MAILBOXES:
        left = mailbox(fresh, name).db.read().execute("SELECT count(*) FROM filing WHERE first IS NULL")
        assert left.fetchone() == (0,)


def people_with_receipts(land: Land) -> int:
    """For how many answers the asking gateway holds a receipt that verifies."""
    key = land.country.book("yokohama").in_force(land.clock()).log_key(LEDGER)
    total = 0
    for _, filed, entries, _ in codebook.receipts(land.yokohama.office.db.read()):
        receipt = msgspec.msgpack.decode(filed, type=Filed).receipt
        receipts.verify(
            first=receipt.first,
            proof=receipt.proof,
            checkpoint=receipt.checkpoint,
            entries=entries,
            origin=ORIGIN,
            key=key,
        )
        total += len(entries) // 80
    return total


def outcomes_in_log(land: Land) -> int:
    rows = land.country.ledgers[LEDGER].database.read().execute("SELECT bytes FROM entry")
    return sum(row[0][1] == 2 for row in rows)
