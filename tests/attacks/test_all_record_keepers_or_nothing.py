"""Every record stands with every record keeper, or it is no record: one that does not file, files for itself or files
without the log gives nothing to anybody, and one that refuses stops the exchange everywhere."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from attacks.insider import (
    MAILBOXES,
    keeper_token,
    log_size,
    mailbox,
    office_of,
    rewritten,
    rows_of,
    taken_over,
)
from attacks.test_a17_dropped_rows_are_missed import fetched, opened, stating
from attacks.test_two_ledgers import both_away
from kakine.clients.exchange import request_of
from kakine.contracts import converter
from kakine.contracts import mailbox as mailbox_calls
from kakine.contracts.converter import Convert, Converted, Filed, OpenShares, Read
from kakine.contracts.ledger import APPEND, MOST_ENTRIES, Append
from kakine.country import CONVERTERS, LEDGER, LOGIN
from kakine.crypto.group import group, scalar_mul
from kakine.crypto.sealing import OpenKey
from kakine.parties.converter import hop as honest
from kakine.parties.converter.keys import share_of
from kakine.parties.converter.recording import _for_keeper
from kakine.parties.mailbox.store import find_code
from kakine.values.codes import Code, CodeVector
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    FilingMismatch,
    FilingUnknown,
    InclusionInvalid,
    OpeningMismatch,
    PartyUnavailable,
    Problem,
    ReceiptMismatch,
    RecordRefused,
    SignatureInvalid,
    TagConflict,
)
from kakine.wire import filing as filings
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.filing import SignedFiling
from kakine.wire.request import Kind, Mode, Payload, Refusal
from road import away, recorded

from land import CHILDREN, TAX, Land, person, ref

FIRST, SECOND = MAILBOXES

every_keeper = pytest.mark.parametrize("name", MAILBOXES)


def prepared(land: Land, j: int = 0, mode: Mode = Mode.S0) -> Prepared:
    """A request about person j."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, j)], mode)))


def every_list(land: Land, j: int) -> list[int]:
    """Rows of person j at each record keeper."""
    return [rows_of(land, j, name) for name in MAILBOXES]


# --- the ledger takes nothing that one of them has not signed for ---------------------------------------------


def logged_kind(land: Land, kind: EntryKind) -> tuple[bytes, bytes]:
    """(entry, tag) of a kind, as anybody can make them up."""
    minutes = land.clock() // 60_000
    entry = Entry(kind, 0b111, 0, EntryFlags(0), minutes, land.entropy(32), land.entropy(32))
    return entry.encode(), land.entropy(32)


def filed_by(land: Land, name: str, entries: bytes, tags: bytes, says: str | None = None) -> SignedFiling:
    """A party's own signature over a filing of these; `says` is whose it is said to be."""
    none = bytes(32)
    made = filings.filing_of(request=none, points=none, entries=entries, tags=tags, hops=none, minutes=1)
    return filings.sign(made, says or name, land.country.identities[PartyName(name)].signing)


Filers = Callable[[Land, bytes, bytes], list[SignedFiling]]

LACKING: dict[str, Filers] = {
    "nobody's": lambda land, e, t: [],
    "the first only": lambda land, e, t: [filed_by(land, FIRST, e, t)],
    "the second only": lambda land, e, t: [filed_by(land, SECOND, e, t)],
    "the first twice": lambda land, e, t: [filed_by(land, FIRST, e, t)] * 2,
    "the first in the second's name": lambda land, e, t: [
        filed_by(land, FIRST, e, t),
        filed_by(land, FIRST, e, t, says=SECOND),
    ],
    "the second over another entry": lambda land, e, t: [
        filed_by(land, FIRST, e, t),
        filed_by(land, SECOND, e[:79] + bytes([e[79] ^ 1]), t),
    ],
    "the second over another tag": lambda land, e, t: [
        filed_by(land, FIRST, e, t),
        filed_by(land, SECOND, e, t[:31] + bytes([t[31] ^ 1])),
    ],
    "a converter for the second": lambda land, e, t: [
        filed_by(land, FIRST, e, t),
        filed_by(land, "converter-3", e, t),
    ],
    "the commission": lambda land, e, t: [filed_by(land, "commission", e, t)],
}

every_kind = pytest.mark.parametrize("kind", [EntryKind.REQUEST, EntryKind.OUTCOME, EntryKind.VIEWED])


@every_kind
@pytest.mark.parametrize("who", LACKING)
@pytest.mark.parametrize("caller", ["converter-3", "commission"])
def test_the_log_takes_no_entry_that_one_record_keeper_has_not_filed(
    shared_land: Land, kind: EntryKind, who: str, caller: str
) -> None:
    """Whoever brings it, the last converter too."""
    entry, tag = logged_kind(shared_land, kind)
    message = Append(entry, tag, LACKING[who](shared_land, entry, tag))
    before = log_size(shared_land)
    with pytest.raises((FilingMismatch, SignatureInvalid)):
        shared_land.run(shared_land.country.peers(caller).ask(LEDGER, APPEND, message))
    assert log_size(shared_land) == before


@every_kind
def test_with_both_filings_it_does(shared_land: Land, kind: EntryKind) -> None:
    """So that the refusals above mean something."""
    entry, tag = logged_kind(shared_land, kind)
    both = [filed_by(shared_land, name, entry, tag) for name in MAILBOXES]
    before = log_size(shared_land)
    shared_land.run(shared_land.country.peers("converter-3").ask(LEDGER, APPEND, Append(entry, tag, both)))
    assert log_size(shared_land) == before + 1


def test_the_record_keepers_file_no_law_and_the_commission_no_record(shared_land: Land) -> None:
    """A kind is filed by its own parties only, and entries of two kinds of filers do not go together."""
    law, record = (logged_kind(shared_land, kind) for kind in (EntryKind.GOVERNANCE, EntryKind.REQUEST))
    together = law[0] + record[0], law[1] + record[1]
    road = shared_land.country.peers("converter-3")
    before = log_size(shared_land)
    for (entries, tags), names in (
        (law, MAILBOXES),
        (record, ("commission",)),
        (together, MAILBOXES),
        (together, ("commission",)),
        (together, ("commission", *MAILBOXES)),
    ):
        signed = [filed_by(shared_land, name, entries, tags) for name in names]
        with pytest.raises(FilingMismatch):
            shared_land.run(road.ask(LEDGER, APPEND, Append(entries, tags, signed)))
    assert log_size(shared_land) == before


# --- one of them refuses --------------------------------------------------------------------------------------


def gone(land: Land, j: int, name: str, how: str) -> None:
    """At one record keeper only, person j's code is retired, or was never there."""
    token = keeper_token(land, j, name)
    change = {
        "retired": "UPDATE code SET state = 'retired' WHERE token = ?",
        "unknown": "DELETE FROM code WHERE token = ?",
    }
    land.run(mailbox(land, name).db.write(lambda db: db.execute(change[how], (token,))))


@every_keeper
@pytest.mark.parametrize("how", ["retired", "unknown"])
@pytest.mark.parametrize("mode", list(Mode))
def test_what_one_record_keeper_refuses_stands_in_nobodys_list(
    land: Land, name: str, how: str, mode: Mode
) -> None:
    """The other one has filed it by then: nothing is logged, released or in its list, after a restart either."""
    other = MAILBOXES[1 - MAILBOXES.index(name)]
    gone(land, 0, name, how)
    kept, before = prepared(land, mode=mode), (log_size(land), rows_of(land, 0, other))
    with pytest.raises(RecordRefused) as refusal:
        land.run(land.requester().convert(kept))
    said = decode(base64.b64decode(str(refusal.value.facts["statement"])), Refusal)
    assert (said.keeper, said.indexes) == (name, (0,))
    assert (log_size(land), rows_of(land, 0, other)) == before
    land = land.reopened()
    assert (log_size(land), rows_of(land, 0, other)) == before
    with pytest.raises(RecordRefused):
        land.run(land.country.portal.read_history(ref(0), OpenKey(land.entropy(32)).public))
    assert land.run(land.ask(1)).result == "delivered"
    land.close()


@every_keeper
def test_one_that_is_away_stops_it_as_well(land: Land, name: str) -> None:
    """There is no way around one record keeper; the same request goes on when it is back, once."""
    kept, before = prepared(land), (log_size(land), every_list(land, 0))
    with away(land.country, name), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(kept))
    assert (log_size(land), every_list(land, 0)) == before
    land.run(land.requester().convert(kept))
    assert (log_size(land), every_list(land, 0)) == (before[0] + 1, [n + 1 for n in before[1]])


# --- whose refusal it is --------------------------------------------------------------------------------------


SAYS: dict[str, tuple[str, str]] = {
    "the first in the second's name": (FIRST, SECOND),
    "the second in the first's name": (SECOND, FIRST),
    "a converter in a record keeper's name": ("converter-3", SECOND),
    "a converter in its own name": ("converter-3", "converter-3"),
    "the recipient in its own name": ("yokohama", "yokohama"),
    "nobody": (FIRST, "nobody"),
}


def told(land: Land, asked: Prepared, signer: str, says: str) -> Problem:
    """What the requester makes of a refusal that the first converter brings."""
    said = encode(Refusal(says, request_of(asked), (0,)))
    signature = land.country.identities[PartyName(signer)].signing.sign("refusal", said)

    async def refuses(caller: PartyName, message: Convert) -> Converted:
        shown = {
            "statement": base64.b64encode(said).decode(),
            "signature": base64.b64encode(signature).decode(),
        }
        raise RecordRefused(indexes=[0], **shown)

    with taken_over(land, CONVERTERS[0], converter.CONVERT, refuses), pytest.raises(Problem) as raised:
        land.run(land.requester().convert(asked))
    return raised.value


@pytest.mark.parametrize(("signer", "says"), SAYS.values(), ids=SAYS.keys())
def test_a_refusal_is_believed_of_the_record_keeper_that_it_names(
    shared_land: Land, signer: str, says: str
) -> None:
    """A converter cannot have one record keeper's no taken for the other's, or its own for either's."""
    assert isinstance(told(shared_land, prepared(shared_land), signer, says), SignatureInvalid)


@every_keeper
def test_its_own_refusal_is_believed(shared_land: Land, name: str) -> None:
    """So that the test above means something."""
    assert isinstance(told(shared_land, prepared(shared_land), name, name), RecordRefused)


# --- a reading is a record too --------------------------------------------------------------------------------


def grant_of(land: Land, j: int) -> OpenShares:
    """What the portal shows every converter in an honest reading."""
    with recorded() as passages:
        fetched(land, j)
    body = next(p.body for p in passages if p.path == converter.OPEN_SHARES.path)
    return msgspec.msgpack.decode(body, type=OpenShares)


def of_another_view(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(own, filed=other.filed)


def at_the_place_of_another(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(own, filed=Filed(own.filed.filings, other.filed.receipt))


def without_one_filing(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(own, filed=Filed(own.filed.filings[:1], own.filed.receipt))


def with_the_hops_of_another(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(own, hops=other.hops)


def all_of_another_but_the_request(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(other, public=own.public, record=own.record, lists=own.lists)


def with_the_openings_of_another(own: OpenShares, other: OpenShares) -> OpenShares:
    return msgspec.structs.replace(
        own, disclosed=other.disclosed, withheld=other.withheld, openings=other.openings
    )


UNSEEN: dict[str, tuple[Callable[[OpenShares, OpenShares], OpenShares], type[Problem]]] = {
    "the receipt of another view": (of_another_view, ReceiptMismatch),
    "the place of another view": (at_the_place_of_another, InclusionInvalid),
    "without one filing": (without_one_filing, ReceiptMismatch),
    "the hop records of another view": (with_the_hops_of_another, ReceiptMismatch),
    "all of another view": (all_of_another_but_the_request, ReceiptMismatch),
    "the openings of another view": (with_the_openings_of_another, OpeningMismatch),
}


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize(("forge", "kind"), UNSEEN.values(), ids=UNSEEN.keys())
def test_no_converter_opens_shares_without_this_views_own_receipt(
    shared_land: Land,
    position: int,
    forge: Callable[[OpenShares, OpenShares], OpenShares],
    kind: type[Problem],
) -> None:
    """Every converter looks itself, for itself; with the right receipt it opens them."""
    own, other = grant_of(shared_land, 0), grant_of(shared_land, 0)
    road, name = shared_land.country.peers("portal"), CONVERTERS[position - 1]
    with pytest.raises(kind):
        shared_land.run(road.ask(name, converter.OPEN_SHARES, forge(own, other)))
    assert shared_land.run(road.ask(name, converter.OPEN_SHARES, own)).sealed


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_reading_that_was_not_logged_opens_nothing(land: Land, position: int) -> None:
    """Portal, last converter and both record keepers together: the view is filed by all, its lists are signed by all,
    and it stands nowhere in the log. No list shows it, and no converter opens a share."""
    office, before = office_of(land, 3), every_list(land, 0)
    logged = land.run(land.requester().convert(prepared(land))).filed.receipt
    rows = [each.rows for each in fetched(land, 0)[0].histories]
    size = log_size(land)

    async def unlogged(caller: PartyName, message: Convert) -> Read:
        asked, onward = await honest.hop(office, caller, message)
        signed = [
            (await office.peers.ask(PartyName(name), mailbox_calls.FILE, _for_keeper(onward, place))).signed
            for place, name in enumerate(MAILBOXES)
        ]
        for name in MAILBOXES:
            with pytest.raises(FilingUnknown):
                await office.peers.ask(
                    PartyName(name), mailbox_calls.READ, mailbox_calls.Reading(asked.request)
                )
        lists = [
            stating(land, asked.request, shown, name) for shown, name in zip(rows, MAILBOXES, strict=True)
        ]
        return Read(Filed(signed, logged), onward.hops, lists)

    with (
        taken_over(land, CONVERTERS[2], converter.READ, unlogged),
        recorded() as passages,
        pytest.raises(InclusionInvalid),
    ):
        fetched(land, 0)
    body = next(p.body for p in passages if p.path == converter.OPEN_SHARES.path)
    grant = msgspec.msgpack.decode(body, type=OpenShares)
    with pytest.raises(InclusionInvalid):
        land.run(land.country.peers("portal").ask(CONVERTERS[position - 1], converter.OPEN_SHARES, grant))
    assert log_size(land) == size
    assert every_list(land, 0) == [n + 2 for n in before]  # the request and the honest reading


def test_every_view_stands_in_the_persons_own_list_with_all_record_keepers(shared_land: Land) -> None:
    """The next reading shows the one before, and itself."""
    sealed, _ = fetched(shared_land, 3)
    again, session = fetched(shared_land, 3)
    shown = opened(shared_land, again, session)
    views = {row.index for row in shown.rows if row.entry.kind is EntryKind.VIEWED}
    assert {sealed.filed.receipt.first, again.filed.receipt.first} <= views
    assert shown.hidden == {}
    for each in again.histories:
        assert each.rows[-1].index == again.filed.receipt.first


# --- filed and never logged -----------------------------------------------------------------------------------


def test_what_was_filed_and_never_logged_is_in_nobodys_list(land: Land) -> None:
    """Nor does the person read it, or wait for it."""
    before = every_list(land, 0)
    with both_away(land), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(prepared(land)))
    assert every_list(land, 0) == before
    sealed, session = fetched(land, 0)
    assert [len(each.rows) for each in sealed.histories] == [n + 1 for n in before]  # the view itself
    assert opened(land, sealed, session).hidden == {}


def enrolment(land: Land, point: bytes) -> Prepared:
    """The registry enrols this point."""
    codes = land.country.registry.codes
    wish = codes._wish(Kind.ENROL, "ENROL", codes.name, CodeVector.of([Code(point)]), [person(8)])
    return land.run(codes._requester(codes.hash, 1).prepare(wish))


def states(land: Land, point: bytes) -> list[str | None]:
    """What each record keeper thinks of the person with this root point."""
    found = []
    for name in MAILBOXES:
        office = mailbox(land, name)
        domain = office.settings.domain
        up = scalar_mul(*(share_of(office_of(land, i), domain, 1)[0] for i in (1, 2, 3)))
        known = find_code(office.db.read(), office.wrap.wrap(Code(group.mul(up, point)), domain))
        found.append(known[1] if known else None)
    return found


def test_a_code_is_of_no_use_before_its_enrolment_is_logged(land: Land) -> None:
    """Filed by both and not in the log: nobody can be asked about, and nobody else can enrol it. Then it is logged."""
    point = group.hash_to_group(b"a new resident")
    first, second = enrolment(land, point), enrolment(land, point)
    codes = land.country.registry.codes
    requester = codes._requester(codes.hash, 1)
    with both_away(land), pytest.raises(PartyUnavailable):
        land.run(requester.convert(first))
    assert states(land, point) == ["reserved", "reserved"]
    up = scalar_mul(*(share_of(office_of(land, i), CHILDREN, 1)[0] for i in (1, 2, 3)))
    about = land.run(land.requester().prepare(land.wish([group.mul(up, point)])))
    for asker, asked in ((land.requester(), about), (requester, second)):
        with pytest.raises(RecordRefused):
            land.run(asker.convert(asked))
    land.run(requester.convert(first))
    assert states(land, point) == ["active", "active"]
    land.run(land.requester().convert(land.run(land.requester().prepare(land.wish([group.mul(up, point)])))))


@every_keeper
def test_an_enrolment_that_one_record_keeper_refuses_is_one_with_none(land: Land, name: str) -> None:
    """The other has the code reserved, and it stays so."""
    point = group.hash_to_group(b"a second new resident")
    office = mailbox(land, name)
    domain = office.settings.domain
    up = scalar_mul(*(share_of(office_of(land, i), domain, 1)[0] for i in (1, 2, 3)))
    taken = office.wrap.wrap(Code(group.mul(up, point)), domain)
    known = find_code(office.db.read(), keeper_token(land, 0, name))
    assert known is not None
    row = "INSERT INTO code (token, list, state) VALUES (?, ?, 'retired')"
    land.run(office.db.write(lambda db: db.execute(row, (taken, known[0]))))
    codes = land.country.registry.codes
    with pytest.raises(RecordRefused):
        land.run(codes._requester(codes.hash, 1).convert(enrolment(land, point)))
    there = MAILBOXES.index(name)
    assert states(land, point)[there] == "retired"
    assert states(land, point)[1 - there] == "reserved"


def test_a_filing_under_a_used_exchange_blocks_no_reading_and_no_start(tmp_path: Path) -> None:
    """A requester sends an exchange id for the second time, about somebody else. The log refuses it; both record
    keepers have filed it by then, under a tag for which the log has another entry. No reading and no start stops at
    it."""
    land = Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN))
    first = prepared(land, 0)
    land.run(land.requester().convert(first))
    used = decode(first.payload, Payload).people
    again = rewritten(land, prepared(land, 1), payload={"people": used})
    pair = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 1)] * 3)))
    fresh = decode(pair.payload, Payload).people
    longer = rewritten(land, pair, payload={"people": (*used, *fresh[1:])})  # past the end of the log
    before = every_list(land, 1)
    for each in (again, longer):
        with pytest.raises(TagConflict):
            land.run(land.requester().convert(each))
    assert every_list(land, 1) == before
    assert opened(land, *fetched(land, 1)).hidden == {}
    land = land.reopened()
    assert opened(land, *fetched(land, 1)).hidden == {}
    assert every_list(land, 1) == [n + 2 for n in before]  # the two readings
    land.close()


def test_no_more_is_filed_than_a_record_keeper_can_ask_the_log_for(shared_land: Land) -> None:
    """Else a last converter that tells nobody where a large batch stands would keep it out of every list for good."""
    codes = [shared_land.code(CHILDREN, 0)] * (MOST_ENTRIES + 1)
    asked = shared_land.run(shared_land.requester().prepare(shared_land.wish(codes)))
    before = log_size(shared_land), every_list(shared_land, 0)
    with pytest.raises(BatchMalformed):
        shared_land.run(shared_land.requester().convert(asked))
    assert (log_size(shared_land), every_list(shared_land, 0)) == before
