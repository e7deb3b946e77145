"""R7 and the turn of the year: a log ends, the next begins with its last head, nothing is lost or forged between.

One country runs over midnight of 31 December in Japan; another one loses the store of a ledger.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from attacks.insider import taken_over
from kakine.cli.demo_checks import check_receipts, head
from kakine.cli.ledger_erasures import check_erasures
from kakine.cli.own_history import Read, own_history
from kakine.cli.own_objections import count_objections, disputes, object_to
from kakine.clients.gazette import refresh
from kakine.contracts.commission import CURRENT, OpenedLog, Since, Versions
from kakine.contracts.converter import DISPUTE, OUTCOME, Dispute, Filed, Outcome
from kakine.contracts.ledger import APPEND, ENTRIES, RECEIPT, Append, Appended, ByIndex, ByTag
from kakine.contracts.signer import SIGN, Extension
from kakine.country import COMMISSION, CONVERTERS, LOGS, Country, Site
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.institutions.ledgers import signer_of
from kakine.parties.commission.audit_store import Verdict
from kakine.parties.converter import gate
from kakine.protocols import log_list
from kakine.protocols.gazette_log import entry_of, tag_of
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, log_keys, log_of, open_logs
from kakine.protocols.objections import Counted, place_of
from kakine.protocols.verification import verify
from kakine.runtime import heads
from kakine.values.labels import PartyName
from kakine.values.problems import (
    ConsistencyInvalid,
    FinalHeadBehind,
    HeadForked,
    InclusionInvalid,
    LedgerBehind,
    LogAlive,
    LogClosed,
    LogListBroken,
    LogNotOver,
    PartyUnavailable,
    SignatureInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire import filing, policy
from kakine.wire.canonical import encode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryKind, split_entries
from kakine.wire.log_list import LABEL, Opening, Reason
from kakine.wire.objection import Reason as Reason_
from kakine.wire.record import RequestRecord
from kakine.wire.submission import Submission
from road import away, raw_call

import land as lands
from land import CHILDREN, LOGIN, TAX, Clock, Land, Ticking, ref

A, B = LOGS
EVE_MS = 1_798_729_200_000
"""2027-01-01 00:00 in Japan, as 2026-12-31 15:00 UTC."""
SETTLED = 13 * 60


def before_midnight(seconds: float) -> Clock:
    return Ticking(EVE_MS - int(seconds * 1000))


@pytest.fixture
def eve(tmp_path: Path) -> Iterator[Land]:
    """31 December, an hour before midnight."""
    clock = before_midnight(3600)
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN), clock=clock) as land:
        yield land


def read(land: Land, j: int = 0) -> Read:
    return land.run(own_history(land.country, ref(j)))


async def audited(country: Country) -> list[Verdict]:
    await country.auditor.check_counts()
    await country.auditor.check_indexes()
    return country.auditor.verdicts()


def next_log(land: Land, log: Log) -> Log:
    """Wound up, and closed when what it has is settled."""
    with pytest.raises(LogNotOver):
        land.run(land.country.next_log(log))
    land.clock.advance(SETTLED)
    return land.run(land.country.next_log(log))


def test_a_country_goes_over_the_turn_of_the_year(eve: Land, tmp_path: Path) -> None:
    country = eve.country
    eve.clock.advance(3540)
    eve.run(eve.ask(0))
    with pytest.raises(LogNotOver) as early:
        eve.run(country.next_log(A))
    assert early.value.facts == {"log": A.origin}
    assert not country.ledgers[A.ledger].ending
    eve.clock.advance(120)
    eve.run(eve.ask(0))
    a27 = next_log(eve, A)
    assert a27.origin == "ledger.kakine.example/2027/a"
    eve.run(eve.ask(0))
    b27 = next_log(eve, B)
    assert [log.origin for log in open_logs(country.logs)] == [a27.origin, b27.origin]
    eve.run(eve.ask(0))
    assert eve.run(head(country, a27)).size > 2
    eve.run(country.index())
    eve.run(country.have_witnessed())
    seen = read(eve)
    assert seen.complete
    assert {line.origin for line in seen.lines} == {A.origin, B.origin, a27.origin}
    assert seen.provisional == 1
    assert eve.run(check_receipts(country))
    assert not [each for each in country.auditor.verdicts() if each.fault]
    eve.run(own_history(country, ref(0), tmp_path / "mine"))
    receipts = sorted((tmp_path / "mine").glob("*.tlog-proof"))
    assert len(receipts) == len(seen.rows) + 1
    text = (tmp_path / "mine" / "policy.txt").read_bytes()
    assert all(verify(text, each.read_bytes()).good for each in receipts)


def test_what_expires_is_counted_in_the_logs_of_both_years(eve: Land) -> None:
    """Seven years later; a third log is opened between the order and whoever checks its notice."""
    eve.run(eve.ask(0))
    eve.clock.advance(3610)
    a27 = next_log(eve, A)
    with away(eve.country, B.ledger):
        eve.run(eve.ask(0))
    eve.run(eve.country.index())
    eve.clock.advance(86_400 * 366 * 7)
    eve.run(eve.country.retain())
    orders, due = eve.run(check_erasures(eve.country))
    assert not due
    assert {tally.origin for order in orders for tally in order.counts if tally.count} == {
        A.origin,
        a27.origin,
    }
    next_log(eve, B)
    assert eve.run(check_erasures(eve.country)) == (orders, [])
    assert read(eve).erased


def test_an_objection_of_the_old_year_is_answered_in_the_new_one(eve: Land) -> None:
    """The answer stands in the log that took the place of the one that the objection stands in."""

    async def silent(caller: str, message: Dispute) -> None:
        raise PartyUnavailable()

    eve.run(eve.ask(0))
    rows = list(read(eve).rows)
    place = next(
        place_of(row) for row in rows if isinstance(row.record, RequestRecord) and row.record.common.rows
    )
    with taken_over(eve, CONVERTERS[0], DISPUTE, silent):
        eve.run(object_to(eve.country, ref(0), rows, place, Reason_.NOT_ME))
        eve.run(disputes(eve.country, list(read(eve).rows)))
        eve.clock.advance(3610)
        a27 = next_log(eve, A)
    assert eve.run(eve.country.auditor.answer_objections()) == []
    assert eve.run(count_objections(eve.country)) == Counted(1, 1, 0)
    entries = [Entry.decode(entry) for entry in leaves(eve, a27)]
    assert [entry.is_answer for entry in entries].count(True) == 1
    told = eve.run(disputes(eve.country, list(read(eve).rows)))[place]
    assert told.answer is not None
    assert not told.doubt


def stores(folder: Path, name: str) -> list[Path]:
    return [path for path in folder.glob(f"{name}.sqlite*") if path.suffix != ".lock"]


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Land]:
    """A country whose ledger-a was put back to yesterday and refuses to start, opened without it."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    folder, backup = tmp_path / "land", tmp_path / "backup"
    backup.mkdir()
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.ask(0))
        land.run(land.country.index())
        land = land.reopened()
        for path in stores(folder, A.ledger):
            shutil.copy(path, backup)
        land.run(land.country.have_witnessed())
        land.run(land.ask(0))
        land.close()
        for path in stores(folder, A.ledger):
            path.unlink()
        for path in backup.iterdir():
            shutil.copy(path, folder)
    with pytest.raises(LedgerBehind):
        asyncio.run(Country.open(Site(folder, lands.pack())))
    with Land(folder, without=[A.ledger]) as again:
        yield again


def test_r7_a_dead_log_is_followed_by_a_new_origin_and_nothing_that_was_filed_is_lost(killed: Land) -> None:
    """The old receipts verify, what had no receipt yet gets one in the new log, the history spans both."""
    country = killed.country
    assert killed.run(killed.ask(1)).result == "delivered"
    with away(country, B.ledger), pytest.raises(PartyUnavailable):
        killed.run(killed.ask(0))
    a2 = killed.run(country.declare_dead(A))
    assert a2.origin == "ledger.kakine.example/2026/a2"
    with away(country, B.ledger):
        ((_, result),) = killed.run(killed.yokohama.desk.carrier.resume(lambda _: killed.requester()))
        assert isinstance(result, tuple)
        assert result[0].result == "delivered"
        killed.run(killed.ask(0))
    seen = read(killed)
    assert seen.complete
    assert {line.origin for line in seen.lines} == {A.origin, B.origin, a2.origin}
    assert read(killed, 1).complete
    killed.run(country.index())
    assert read(killed).complete
    assert not [each for each in killed.run(audited(country)) if each.fault]
    again = killed.reopened()
    assert [log.origin for log in again.country.logs] == [A.origin, B.origin, a2.origin]
    assert read(again).complete
    assert again.run(again.ask(1)).result == "delivered"
    assert a2.origin in again.country.policy.decode()
    again.close()


# --- a log that has ended ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """January: the log of ledger-a for the year before has ended, that of ledger-b is still open. Left as found."""
    folder = tmp_path_factory.mktemp("turned") / "land"
    clock = before_midnight(1800)
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX, LOGIN), clock=clock) as land:
        land.run(land.ask(0))
        land.clock.advance(1860)
        next_log(land, A)
        for _ in range(3):
            land.run(land.ask(0))
        yield land


def ended(land: Land) -> Log:
    return log_of(land.country.logs, A.origin)


def governance(land: Land, log: Log, digest: bytes = bytes(32)) -> Append:
    """An entry that the commission may file in any log, signed by it."""
    entry, tag = entry_of(digest, land.clock()), tag_of(digest)
    return signed_by_commission(land, entry, tag)


def signed_by_commission(land: Land, entries: bytes, tags: bytes) -> Append:
    nothing, own = bytes(32), land.country.identities[COMMISSION]
    filed = filing.filing_of(
        request=nothing,
        points=nothing,
        entries=entries,
        tags=tags,
        hops=nothing,
        minutes=land.clock() // 60_000,
    )
    return Append(entries, tags, [filing.sign(filed, own.name, own.signing)])


def leaves(land: Land, log: Log) -> list[bytes]:
    size, found = land.run(head(land.country, log)).size, list[bytes]()
    while len(found) < size:
        many = min(256, size - len(found))
        given = land.run(land.country.peers("portal").ask(log.ledger, ENTRIES, ByIndex(len(found), many)))
        found += split_entries(given.entries)
    return found


def grown(land: Land, log: Log) -> tuple[Tree, int]:
    """The log with one entry more than it has, and its size without it."""
    entries, tree = leaves(land, log), Tree()
    tree.append([leaf_hash(entry) for entry in [*entries, bytes(80)]])
    return tree, len(entries)


def beyond(land: Land, log: Log = A) -> tuple[bytes, Tree, int]:
    """A head after the last, which the stolen key has signed all the same."""
    tree, size = grown(land, log)
    key = land.country.identities[signer_of(log)].signing
    return notes.make(log.origin, size + 1, tree.root(), key), tree, size


def test_a_log_that_has_ended_takes_nothing_and_still_gives_receipts(turned: Land) -> None:
    peers, before = turned.country.peers(COMMISSION), turned.run(head(turned.country, A))
    with pytest.raises(LogClosed):
        turned.run(peers.ask(A.ledger, APPEND, governance(turned, A)))
    assert not turned.run(turned.country.ledgers[A.ledger].beat())
    assert turned.run(head(turned.country, A)) == before
    first = leaves(turned, A)[0]
    law = turned.country.book("portal").in_force(turned.clock())
    given = turned.run(peers.ask(A.ledger, RECEIPT, ByTag(tag_of(law.digest))))
    assert given.entries == first


def test_its_signer_signs_no_head_after_the_last(turned: Land) -> None:
    tree, size = grown(turned, A)
    asked = Extension(A.origin, size, size + 1, tree.root(), tree.consistency_proof(size, size + 1))
    with pytest.raises(LogClosed):
        turned.run(turned.country.peers(A.ledger).ask(signer_of(A), SIGN, asked))


def test_a_receipt_under_a_head_after_the_last_is_none(turned: Land) -> None:
    note, tree, size = beyond(turned)
    keys = log_keys(turned.country.book("portal").in_force(turned.clock()), turned.country.logs)
    with pytest.raises(LogClosed):
        Heads().verify(size, tree.range_proof(size, 1, size + 1), note, bytes(80), keys)


def test_no_converter_cosigns_a_head_after_the_last(turned: Land) -> None:
    note, tree, size = beyond(turned)
    turned.run(turned.country.have_witnessed())
    body = Submission(size, tuple(tree.consistency_proof(size, size + 1)), note).encode()
    app = turned.country.apps[CONVERTERS[0]]
    assert turned.run(raw_call(app, None, "/add-checkpoint", body)).status == 410


def test_s11_the_policy_names_the_new_log_beside_the_old_and_is_itself_logged(turned: Land) -> None:
    """Old receipts verify under it, and witnesses sign heads of the new log."""
    every = turned.run(turned.country.have_witnessed())
    assert [notes.origin_of(each.note) for each in every] == [log.origin for log in turned.country.logs]
    assert {len(each.cosigned) for each in every} == {8}
    text = turned.country.policy
    assert [log.name for log in policy.decode(text).logs] == [log.origin for log in turned.country.logs]
    wanted = hashlib.sha256(text).digest()
    found = [entry for log in turned.country.logs for entry in leaves(turned, log) if wanted in entry]
    assert [Entry.decode(entry).kind for entry in found] == [EntryKind.GOVERNANCE]


def test_from_the_turn_on_a_log_takes_nothing_new_about_people(eve: Land) -> None:
    """One ledger after the other, so that the second goes on meanwhile; and not before the year is over."""
    eve.clock.advance(3610)
    sizes = eve.run(head(eve.country, A)).size, eve.run(head(eve.country, B)).size
    with pytest.raises(LogNotOver):
        eve.run(eve.country.next_log(A))
    assert eve.run(eve.ask(0)).result == "delivered"
    assert eve.run(head(eve.country, A)).size == sizes[0]
    assert eve.run(head(eve.country, B)).size > sizes[1]
    with pytest.raises(LogNotOver):
        eve.run(eve.country.next_log(B))
    assert eve.run(eve.ask(0)).result == "delivered"


def test_an_outcome_stands_in_the_log_of_its_request_also_while_that_is_wound_up(eve: Land) -> None:
    """Requests and outcomes are counted log by log: midnight between the two is no fault of anybody."""
    country, kinds = eve.country, dict[str, list[EntryKind]]()
    eve.clock.advance(3610)

    def late(name: PartyName) -> Any:
        async def outcome(caller: PartyName, message: Outcome) -> Filed:
            with pytest.raises(LogNotOver):
                await country.next_log(A)
            return await gate.outcome(country.converters[name].office, caller, message)

        return outcome

    with ExitStack() as stack:
        for name in CONVERTERS:
            stack.enter_context(taken_over(eve, name, OUTCOME, late(name)))
        assert eve.run(eve.ask(0)).result == "delivered"
    assert eve.run(eve.ask(0)).result == "delivered"
    for log in (A, B):
        kinds[log.origin] = [Entry.decode(entry).kind for entry in leaves(eve, log)]
    assert kinds[A.origin][-1] == EntryKind.OUTCOME
    assert kinds[B.origin].count(EntryKind.OUTCOME) == kinds[B.origin].count(EntryKind.REQUEST) == 1
    eve.clock.advance(SETTLED)
    eve.run(country.next_log(A))
    assert not [each for each in eve.run(audited(country)) if each.fault]


# --- the next log -----------------------------------------------------------------------------------------------


class Forger:
    """Has the keys of the ledger's operator, of its signer and, where a test says so, of the commission."""

    def __init__(self, land: Land, log: Log = B) -> None:
        self.land, self.log, self.key = land, log, SigningKey(bytes([9]) * 32)

    def final(self, size: int, *, fork: bool = False) -> bytes:
        """A head of the old log that its key has signed: of its own history, or of another one."""
        entries = leaves(self.land, self.log)
        entries = [bytes([each[0] ^ fork, *each[1:]]) for each in entries] + [bytes(80)] * fork
        tree = Tree()
        tree.append([leaf_hash(entry) for entry in entries[: size + fork]])
        signing = self.land.country.identities[signer_of(self.log)].signing
        return notes.make(self.log.origin, size + fork, tree.root(), signing)

    def opening(self, final: bytes, reason: Reason = Reason.YEAR) -> Opening:
        logs = self.land.country.logs
        return log_list.opening_of(logs, self.log, final, reason, self.key.public, self.land.clock())

    def shown(
        self, opening: Opening, by: str = "ledger-b", with_: str = COMMISSION, begins: bytes | None = None
    ) -> OpenedLog:
        keys = self.land.country.identities
        entries = log_list.first_entries(opening)[0] if begins is None else begins
        tree = Tree()
        tree.append([leaf_hash(each) for each in split_entries(entries)])
        note = notes.make(opening.origin, 2, tree.root(), self.key)
        signed = [keys[name].signing.sign(LABEL, opening.digest) for name in (by, with_)]  # type: ignore[index]
        return OpenedLog(encode(opening), *signed, Appended(0, [], note))

    def told(self, shown: OpenedLog, party: str) -> None:
        """A party hears of it from the commission."""

        async def current(caller: str, asked: Since) -> Versions:
            return Versions([], [shown] if asked.openings < len(self.land.country.logs) - 1 else [])

        country = self.land.country
        with taken_over(self.land, COMMISSION, CURRENT, current):
            arguments = country.book(party), country.peers(party), country.sources(party)
            self.land.run(refresh(*arguments, self.land.clock))


@pytest.fixture
def forger(turned: Land) -> Iterator[Forger]:
    size = len(turned.country.logs)
    yield Forger(turned)
    assert {len(turned.country.logs_of(name)) for name in turned.country.books} == {size}


def test_who_has_seen_more_of_the_old_log_does_not_believe_that_it_ended_before(forger: Forger) -> None:
    shown = forger.shown(forger.opening(forger.final(2)))
    with pytest.raises(FinalHeadBehind):
        forger.told(shown, CONVERTERS[0])


def test_who_has_seen_another_history_of_the_old_log_does_not_believe_its_end(forger: Forger) -> None:
    size = forger.land.run(head(forger.land.country, B)).size
    shown = forger.shown(forger.opening(forger.final(size, fork=True)))
    with pytest.raises((ConsistencyInvalid, HeadForked)):
        forger.told(shown, CONVERTERS[0])


@pytest.mark.parametrize(("by", "with_"), [("ledger-a", COMMISSION), ("ledger-b", "ministry")])
def test_an_opening_is_signed_by_the_operator_and_by_the_commission(
    forger: Forger, by: str, with_: str
) -> None:
    shown = forger.shown(forger.opening(forger.final(2)), by, with_)
    with pytest.raises(SignatureInvalid):
        forger.told(shown, "yokohama")


def test_a_new_log_that_begins_with_another_last_head_is_none(forger: Forger) -> None:
    """What both have signed does not stand in it: entry 0 has the digest of another head."""
    size = forger.land.run(head(forger.land.country, B)).size
    opening, other = (forger.opening(forger.final(end)) for end in (size, size - 1))
    begins = log_list.first_entries(other)[0][:80] + log_list.first_entries(opening)[0][80:]
    with pytest.raises(InclusionInvalid):
        forger.told(forger.shown(opening, begins=begins), "yokohama")


def test_openings_are_a_chain_and_each_is_the_next(forger: Forger) -> None:
    """A list from before the last opening is not one that anybody who has heard of it takes."""
    number = forger.land.country.logs.number
    for wrong in ({"number": number}, {"number": number + 2}, {"previous": bytes(32)}):
        opening = forger.opening(forger.final(2))
        fields = {name: getattr(opening, name) for name in opening.__struct_fields__} | wrong
        with pytest.raises(LogListBroken):
            forger.told(forger.shown(Opening(**fields)), "yokohama")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("origin", "ledger.kakine.example/2027/c"),
        ("ledger", "ledger-a-2"),
        ("reason", "tired"),
        ("operator", "ledger-a"),
    ],
)
def test_an_opening_names_what_follows_from_the_log_before(forger: Forger, field: str, value: str) -> None:
    opening = forger.opening(forger.final(2))
    fields: dict[str, Any] = {name: getattr(opening, name) for name in opening.__struct_fields__}
    with pytest.raises(LogListBroken):
        forger.told(forger.shown(wrong := Opening(**fields | {field: value}), wrong.operator), "yokohama")


def test_a_key_of_another_log_opens_none(forger: Forger) -> None:
    """One key, one log: policies outside tell logs apart by it."""
    forger.key = forger.land.country.identities[signer_of(B)].signing
    with pytest.raises(LogListBroken):
        forger.told(forger.shown(forger.opening(forger.final(2))), "yokohama")


def test_the_log_before_cannot_end_twice(forger: Forger) -> None:
    forger.log = ended(forger.land)
    opening = forger.opening(forger.final(2))
    with pytest.raises(LogClosed):
        forger.told(forger.shown(opening, "ledger-a"), "yokohama")


def test_the_commission_asks_the_converters_before_it_agrees(forger: Forger) -> None:
    opening = forger.opening(forger.final(2))
    signature = forger.land.country.identities[B.ledger].signing.sign(LABEL, opening.digest)  # type: ignore[index]
    openings = forger.land.country.commission.openings
    with pytest.raises(FinalHeadBehind):
        forger.land.run(openings.agree(encode(opening), signature))
    right = forger.opening(forger.final(forger.land.run(head(forger.land.country, B)).size))
    signature = forger.land.country.identities[B.ledger].signing.sign(LABEL, right.digest)  # type: ignore[index]
    with away(forger.land.country, CONVERTERS[1]), pytest.raises(PartyUnavailable):
        forger.land.run(openings.agree(encode(right), signature))
    assert openings.pending is None


def interrupted(land: Land, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Agreed to by both, and stopped before the new log has its first entries; it runs."""
    openings = land.country.commission.openings

    async def nothing() -> None:
        raise PartyUnavailable()

    with monkeypatch.context() as patched:
        patched.setattr(openings, "publish", nothing)
        with pytest.raises(PartyUnavailable):
            next_log(land, A)
    assert openings.pending is not None
    return Log(openings.pending.ledger, openings.pending.origin, A.ledger)  # type: ignore[arg-type]


def test_a_new_ledger_takes_no_other_first_entry(eve: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes first with the commission's own signature: entry 0 has the digest of the last head, or there is
    none. What was agreed to is carried out afterwards."""
    eve.run(eve.ask(0))
    eve.clock.advance(3610)
    log, peers = interrupted(eve, monkeypatch), eve.country.peers(COMMISSION)
    right = eve.country.commission.openings.pending
    assert right is not None
    entries, tags = log_list.first_entries(right)
    forged = entry_of(bytes([1]) * 32, eve.clock()) + entries[80:]
    for wrong in (governance(eve, log), signed_by_commission(eve, forged, tags)):
        with pytest.raises(LogListBroken):
            eve.run(peers.ask(log.ledger, APPEND, wrong))
    assert not eve.run(eve.country.ledgers[log.ledger].beat())
    eve.run(eve.country.finish_opening())
    assert open_logs(eve.country.logs)[-1].origin == log.origin
    assert leaves(eve, open_logs(eve.country.logs)[-1])[:2] == split_entries(entries)


def test_a_country_that_stopped_between_two_logs_goes_on(eve: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was agreed to, and with everything that was in the old log."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    eve.run(eve.ask(0))
    eve.clock.advance(3610)
    log = interrupted(eve, monkeypatch)
    with eve.reopened() as again:
        assert open_logs(again.country.logs)[-1].origin == log.origin
        with away(again.country, B.ledger):
            assert again.run(again.ask(0)).result == "delivered"
        again.run(again.country.index())
        assert read(again).complete
        assert again.run(check_receipts(again.country))


def test_a_country_opens_again_after_the_turn(eve: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    eve.run(eve.ask(0))
    eve.clock.advance(3610)
    final = next_log(eve, A), eve.run(head(eve.country, A))
    with eve.reopened() as again:
        assert again.run(head(again.country, A)) == final[1]
        asked = again.country.peers(COMMISSION).ask(A.ledger, APPEND, governance(again, A))
        with pytest.raises(LogClosed):
            again.run(asked)
        again.run(again.ask(0))
        again.run(again.country.index())
        again.run(again.country.have_witnessed())
        assert read(again).complete


def test_a_converter_that_has_seen_a_log_beyond_its_end_does_not_start(
    eve: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    eve.run(eve.ask(0))
    eve.clock.advance(3610)
    next_log(eve, A)
    note, _, size = beyond(eve)
    db = eve.country.converters[CONVERTERS[1]].office.db
    eve.run(db.write(lambda db: heads._store(db, A.origin, Checkpoint(size + 1, bytes(32)), note)))
    eve.close()
    with pytest.raises(FinalHeadBehind):
        asyncio.run(Country.open(Site(eve.folder, lands.pack(), eve.clock)))


# --- a dead log -------------------------------------------------------------------------------------------------


def test_a_log_that_agrees_with_everybody_is_not_declared_dead(
    eve: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while it runs nor while it is only left out."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    eve.run(eve.ask(0))
    with pytest.raises(LogAlive):
        eve.run(eve.country.declare_dead(A))
    with eve.reopened([A.ledger]) as again:
        with pytest.raises(LogAlive):
            again.run(again.country.declare_dead(A))
        assert again.run(again.ask(0)).result == "delivered"


def test_r7_a_dead_log_ends_with_the_last_head_that_anybody_has(killed: Land) -> None:
    """So every receipt that was ever given counts, also one that no converter has seen."""
    a2 = killed.run(killed.country.declare_dead(A))
    final = ended(killed).final
    assert final is not None
    opening = killed.country.commission.openings.of(a2.origin)
    assert opening is not None
    assert leaves(killed, a2)[:2] == split_entries(log_list.first_entries(opening)[0])
    assert opening.reason == Reason.BEHIND
    assert killed.run(check_receipts(killed.country))
    assert read(killed).complete
