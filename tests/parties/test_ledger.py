"""The ledger as its callers see it: signed filings in, receipts out that anybody can check."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

import log_signer
from kakine.contracts import ledger as calls
from kakine.contracts.call import Body, Call, Nothing, Role
from kakine.contracts.ledger import Append, Appended, Between, ByIndex, ByTag
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import EMPTY, Tree, leaf_hash, verify_consistency
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.signer.app import Signer
from kakine.protocols import receipts
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.shares import SHARE
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CheckpointInvalid,
    EntryKindNotAllowed,
    FilingMismatch,
    InclusionInvalid,
    LedgerBehind,
    LedgerDiverged,
    LedgerForked,
    NotCanonical,
    Problem,
    RangeOutside,
    SignatureInvalid,
    StoreInUse,
    TagConflict,
    TagUnknown,
)
from kakine.wire import checkpoint as notes
from kakine.wire import filing
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.filing import SignedFiling
from log_signer import SIGNER

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(bytes(31) + b"L")
LEDGER, CONVERTER, COMMISSION, TOWN = (PartyName(n) for n in ("ledger-a", "converter", "commission", "town"))
KEEPERS = [PartyName("mailbox-a"), PartyName("mailbox-b")]
MAILBOX, OTHER = KEEPERS
FILERS = {
    MAILBOX: SigningKey(bytes(31) + b"M"),
    OTHER: SigningKey(bytes(31) + b"N"),
    CONVERTER: SigningKey(bytes(31) + b"V"),
    COMMISSION: SigningKey(bytes(31) + b"C"),
}
NOW = [29_000_000 * 60_000]
ROLES = {
    CONVERTER: frozenset({Role.CONVERTER}),
    MAILBOX: frozenset({Role.MAILBOX}),
    OTHER: frozenset({Role.MAILBOX}),
    COMMISSION: frozenset({Role.COMMISSION}),
    TOWN: frozenset({Role.GATEWAY}),
}

NOBODYS = [EntryKind.HEARTBEAT]
"""Kinds that nobody may bring to a ledger."""

Takes = TypeVar("Takes", bound=Body)
Gives = TypeVar("Gives", bound=Body)


def filer_key(party: PartyName) -> VerifyKey:
    return FILERS[party].public


def parties_of(role: Role) -> list[PartyName]:
    return [party for party, roles in ROLES.items() if role in roles]


def roles_of(party: PartyName) -> frozenset[Role]:
    return ROLES.get(party, frozenset())


def settings(folder: Path) -> LedgerSettings:
    return LedgerSettings(ORIGIN, folder / "ledger.sqlite", SIGNER, KEY.public)


@pytest.fixture(autouse=True)
def signer(tmp_path: Path) -> Iterator[Signer]:
    """It runs through all stops of the ledger."""
    running = log_signer.opened(tmp_path, ORIGIN, KEY)
    yield running
    running.close()


def started(settings: LedgerSettings, signer: Signer) -> Ledger:
    road = log_signer.road(signer)
    return asyncio.run(Ledger.open(settings, filer_key, parties_of, roles_of, road, lambda: NOW[0]))


@pytest.fixture
def opened(signer: Signer) -> Callable[[Path], Ledger]:
    return lambda folder: started(settings(folder), signer)


@pytest.fixture
def ledger(tmp_path: Path, opened: Callable[[Path], Ledger]) -> Iterator[Ledger]:
    running = opened(tmp_path)
    yield running
    running.close()


def entry(number: int, kind: EntryKind = EntryKind.REQUEST) -> bytes:
    committed = digest("test", number.to_bytes(8, "big"))
    return Entry(kind, 0b111, 408, EntryFlags(0), 29_000_000, committed, bytes(32)).encode()


def tag(number: int) -> bytes:
    return digest("xid", number.to_bytes(16, "big"))


def filed(
    numbers: range | list[int],
    kind: EntryKind = EntryKind.REQUEST,
    filers: list[PartyName] = KEEPERS,
    shift: int = 0,
) -> Append:
    """An append of these numbers; `shift` makes other entries under the same tags."""
    entries = b"".join(entry(number + shift, kind) for number in numbers)
    tags = b"".join(tag(number) for number in numbers)
    return Append(entries, tags, signed(entries, tags, filers))


def signed(entries: bytes, tags: bytes, filers: list[PartyName]) -> list[SignedFiling]:
    """The filing of these blobs by each."""
    made = filing.filing_of(
        request=bytes(32), points=bytes(32), entries=entries, tags=tags, hops=bytes(32), minutes=29_000_000
    )
    return [filing.sign(made, filer, FILERS[filer]) for filer in filers]


async def ask(ledger: Ledger, caller: PartyName, call: Call[Takes, Gives], message: Takes) -> Gives:
    return await Peers(InProcess(caller, {LEDGER: ledger.app})).ask(LEDGER, call, message)


def tell(ledger: Ledger, message: Append, caller: PartyName = CONVERTER) -> Appended:
    return asyncio.run(ask(ledger, caller, calls.APPEND, message))


def checked(receipt: Appended, entries: bytes) -> Checkpoint:
    return receipts.verify(
        first=receipt.first,
        proof=receipt.proof,
        checkpoint=receipt.checkpoint,
        entries=entries,
        origin=ORIGIN,
        key=KEY.public,
    )


def refused(problem: type[Problem], ledger: Ledger, message: Append, caller: PartyName = CONVERTER) -> None:
    with pytest.raises(problem):
        tell(ledger, message, caller)
    head = asyncio.run(ask(ledger, TOWN, calls.CHECKPOINT, Nothing())).checkpoint
    assert notes.open(head, ORIGIN, KEY.public) == Checkpoint(0, EMPTY)


def test_a_filing_is_answered_with_a_receipt_that_proves_its_entries_next_to_each_other(
    ledger: Ledger,
) -> None:
    for numbers in (range(0, 1), range(1, 8), range(8, 20)):
        asked = filed(numbers)
        receipt = tell(ledger, asked)
        assert receipt.first == numbers.start
        assert checked(receipt, asked.entries).size == numbers.stop


def test_an_opened_checkpoint_serves_other_receipts_under_the_same_note(ledger: Ledger) -> None:
    async def scene() -> list[Appended]:
        return await asyncio.gather(
            *(ask(ledger, CONVERTER, calls.APPEND, filed([number])) for number in range(20))
        )

    answers = asyncio.run(scene())
    assert sorted(answer.first for answer in answers) == list(range(20))
    known: dict[bytes, Checkpoint] = {}
    for number, answer in enumerate(answers):
        known[answer.checkpoint] = receipts.verify(
            first=answer.first,
            proof=answer.proof,
            checkpoint=known.get(answer.checkpoint, answer.checkpoint),
            entries=entry(number),
            origin=ORIGIN,
            key=KEY.public,
        )
    assert len(known) < 20


def test_a_receipt_does_not_prove_other_entries_another_place_or_another_log(ledger: Ledger) -> None:
    asked = filed(range(5))
    receipt = tell(ledger, asked)
    tell(ledger, filed(range(5, 9)))
    checked(receipt, asked.entries)
    with pytest.raises(InclusionInvalid):
        checked(receipt, filed(range(1, 6)).entries)
    with pytest.raises(InclusionInvalid):
        checked(Appended(1, receipt.proof, receipt.checkpoint), asked.entries)
    with pytest.raises(InclusionInvalid):
        checked(receipt, asked.entries[:-80])
    with pytest.raises(NotCanonical):
        checked(receipt, b"")
    for origin, key, problem in (
        ("ledger.example/2026/b", KEY.public, SignatureInvalid),
        (ORIGIN, FILERS[MAILBOX].public, SignatureInvalid),
    ):
        with pytest.raises(problem):
            receipts.verify(
                first=0,
                proof=receipt.proof,
                checkpoint=receipt.checkpoint,
                entries=asked.entries,
                origin=origin,
                key=key,
            )


def test_a_repeat_gets_the_same_index_under_a_fresh_checkpoint_and_adds_nothing(ledger: Ledger) -> None:
    first = tell(ledger, filed(range(3)))
    tell(ledger, filed(range(3, 9)))
    again = tell(ledger, filed(range(3)))
    assert again.first == first.first == 0
    assert checked(again, filed(range(3)).entries).size == 9


def test_repeats_that_arrive_together_stand_only_once(ledger: Ledger) -> None:
    async def scene() -> list[Appended]:
        return await asyncio.gather(
            *(ask(ledger, CONVERTER, calls.APPEND, filed(range(4))) for _ in range(10))
        )

    answers = asyncio.run(scene())
    assert {answer.first for answer in answers} == {0}
    assert {checked(answer, filed(range(4)).entries).size for answer in answers} == {4}


@pytest.mark.parametrize(
    "numbers_and_shift",
    [([0], 100), ([0, 5], 0), ([5, 0], 0), ([1, 0], 0), ([0, 2], 0), ([2, 3], 0), ([7, 7], 0)],
)
def test_a_tag_with_other_bytes_in_another_order_twice_or_only_partly_known_is_a_conflict(
    ledger: Ledger, numbers_and_shift: tuple[list[int], int]
) -> None:
    tell(ledger, filed(range(3)))
    numbers, shift = numbers_and_shift
    with pytest.raises(TagConflict):
        tell(ledger, filed(numbers, shift=shift))
    assert tell(ledger, filed([9])).first == 3


def test_a_conflict_does_not_disturb_those_who_wait_with_it(ledger: Ledger) -> None:
    async def scene() -> list[Appended | BaseException]:
        asked = [filed([1]), filed([1], shift=50), filed([2, 2]), filed([3])]
        return await asyncio.gather(
            *(ask(ledger, CONVERTER, calls.APPEND, each) for each in asked), return_exceptions=True
        )

    first, other, twice, last = asyncio.run(scene())
    assert isinstance(other, TagConflict)
    assert isinstance(twice, TagConflict)
    assert isinstance(first, Appended)
    assert isinstance(last, Appended)
    assert checked(first, entry(1)) == checked(last, entry(3)) == Checkpoint(2, checked(last, entry(3)).root)


def test_entries_not_covered_by_the_filing_are_refused(ledger: Ledger) -> None:
    good, other = filed(range(2)), filed(range(2, 4))
    refused(FilingMismatch, ledger, Append(other.entries, good.tags, good.filings))
    refused(FilingMismatch, ledger, Append(good.entries, other.tags, good.filings))
    refused(FilingMismatch, ledger, Append(good.entries[:80], good.tags, good.filings))
    refused(FilingMismatch, ledger, Append(good.entries, good.tags[:32], good.filings))


def test_a_filing_that_its_party_did_not_sign_is_refused(ledger: Ledger) -> None:
    good = filed(range(2))
    for place, each in enumerate(good.filings):
        spoiled = bytes([each.signature[0] ^ 1]) + each.signature[1:]
        filings = [*good.filings]
        filings[place] = SignedFiling(each.party, each.filing, spoiled)
        refused(SignatureInvalid, ledger, Append(good.entries, good.tags, filings))
    first, second = good.filings
    swapped = [
        SignedFiling(first.party, second.filing, second.signature),
        SignedFiling(second.party, first.filing, first.signature),
    ]
    refused(SignatureInvalid, ledger, Append(good.entries, good.tags, swapped))


def test_of_many_that_arrive_together_only_what_is_not_signed_is_refused(ledger: Ledger) -> None:
    """Enough of them for several threads, and some left over."""
    count, wrong = 3 * SHARE + 5, {0, SHARE, 2 * SHARE - 1, 3 * SHARE + 4}

    def brought(number: int) -> Append:
        good = filed([number])
        first, second = good.filings
        spoiled = SignedFiling(second.party, second.filing, first.signature)
        return Append(good.entries, good.tags, [first, spoiled] if number in wrong else good.filings)

    async def scene() -> list[Appended | BaseException]:
        asked = [ask(ledger, CONVERTER, calls.APPEND, brought(number)) for number in range(count)]
        return await asyncio.gather(*asked, return_exceptions=True)

    given = asyncio.run(scene())
    assert {number for number, each in enumerate(given) if isinstance(each, SignatureInvalid)} == wrong
    receipts = {number: each for number, each in enumerate(given) if isinstance(each, Appended)}
    assert receipts.keys() == set(range(count)) - wrong
    assert {checked(each, entry(number)).size for number, each in receipts.items()} == {count - len(wrong)}


@pytest.mark.parametrize(
    "filers", [[], [MAILBOX], [OTHER], [OTHER, MAILBOX], [*KEEPERS, MAILBOX], [COMMISSION]]
)
def test_an_entry_that_not_every_record_keeper_has_filed_is_refused(
    ledger: Ledger, filers: list[PartyName]
) -> None:
    for kind in (EntryKind.REQUEST, EntryKind.OUTCOME, EntryKind.VIEWED, EntryKind.UNSEAL):
        refused(FilingMismatch, ledger, filed([1], kind, filers))


@pytest.mark.parametrize("kind", [kind for kind in EntryKind if kind not in (1, 2, 6, 7, 8)])
def test_record_keepers_file_requests_outcomes_views_and_unseals_and_nothing_else(
    ledger: Ledger, kind: EntryKind
) -> None:
    refused(EntryKindNotAllowed if kind in NOBODYS else FilingMismatch, ledger, filed([1], kind))


@pytest.mark.parametrize("kind", [kind for kind in EntryKind if kind not in (3, 4, 7)])
def test_the_commission_files_governance_and_nothing_else(ledger: Ledger, kind: EntryKind) -> None:
    others = EntryKindNotAllowed if kind in NOBODYS else FilingMismatch
    refused(others, ledger, filed([1], kind, [COMMISSION]), COMMISSION)


def test_a_record_keeper_files_the_root_of_its_index_and_a_converter_its_statement_alone(
    ledger: Ledger,
) -> None:
    for kind, one, another in (
        (EntryKind.INDEX_ROOT, KEEPERS, [CONVERTER]),
        (EntryKind.STATEMENT, [CONVERTER], KEEPERS),
    ):
        for filers in ([], another, [another[0]], [COMMISSION], [one[0], one[0]], KEEPERS):
            with pytest.raises(FilingMismatch):
                tell(ledger, filed([1], kind, filers))
    for number, (kind, filer) in enumerate(
        [(EntryKind.INDEX_ROOT, MAILBOX), (EntryKind.INDEX_ROOT, OTHER), (EntryKind.STATEMENT, CONVERTER)]
    ):
        assert tell(ledger, filed([number], kind, [filer])).first == number


def test_outcomes_and_governance_are_taken_from_those_who_may_file_them(ledger: Ledger) -> None:
    assert tell(ledger, filed([1], EntryKind.OUTCOME)).first == 0
    assert tell(ledger, filed([2], EntryKind.GOVERNANCE, [COMMISSION]), COMMISSION).first == 1
    assert tell(ledger, filed([3], EntryKind.VIEWED)).first == 2


def test_one_entry_of_another_kind_refuses_the_whole_filing(ledger: Ledger) -> None:
    entries, tags = entry(1) + entry(2, EntryKind.HEARTBEAT), tag(1) + tag(2)
    refused(EntryKindNotAllowed, ledger, Append(entries, tags, signed(entries, tags, KEEPERS)))


def test_entries_of_two_roles_in_one_filing_are_refused(ledger: Ledger) -> None:
    entries, tags = entry(1) + entry(2, EntryKind.GOVERNANCE), tag(1) + tag(2)
    for filers in (KEEPERS, [COMMISSION], [*KEEPERS, COMMISSION]):
        refused(FilingMismatch, ledger, Append(entries, tags, signed(entries, tags, filers)))


def test_an_agency_cannot_append(ledger: Ledger) -> None:
    refused(CallerNotAllowed, ledger, filed([1]), TOWN)


def test_anybody_finds_an_entry_by_its_tag_with_a_fresh_proof(ledger: Ledger) -> None:
    tell(ledger, filed(range(5)))
    found = asyncio.run(ask(ledger, TOWN, calls.RECEIPT, ByTag(tag(3))))
    assert found.entries == entry(3)
    assert checked(found.receipt, found.entries).size == 5
    with pytest.raises(TagUnknown):
        asyncio.run(ask(ledger, TOWN, calls.RECEIPT, ByTag(tag(5))))


def test_anybody_reads_entries_by_index_with_a_proof_and_not_beyond_the_end(ledger: Ledger) -> None:
    tell(ledger, filed(range(300)))
    page = asyncio.run(ask(ledger, TOWN, calls.ENTRIES, ByIndex(10, 256)))
    assert page.entries == filed(range(10, 266)).entries
    checked(page.receipt, page.entries)
    for first, count in ((299, 2), (300, 1), (-1, 1), (0, 0), (0, 257)):
        with pytest.raises(RangeOutside):
            asyncio.run(ask(ledger, TOWN, calls.ENTRIES, ByIndex(first, count)))


def test_every_earlier_checkpoint_is_proved_to_be_the_beginning_of_the_present_one(ledger: Ledger) -> None:
    heads = [Checkpoint(0, EMPTY)]
    for number in range(12):
        heads.append(checked(tell(ledger, filed([number])), entry(number)))
    for head in heads:
        answer = asyncio.run(ask(ledger, TOWN, calls.CONSISTENCY, Between(head.size)))
        present = notes.open(answer.checkpoint, ORIGIN, KEY.public)
        verify_consistency(head.size, present.size, answer.proof, head.root, present.root)
    with pytest.raises(RangeOutside):
        asyncio.run(ask(ledger, TOWN, calls.CONSISTENCY, Between(13)))


def test_after_a_restart_receipts_hold_and_repeats_give_the_same_index(
    tmp_path: Path, opened: Callable[[Path], Ledger]
) -> None:
    first = opened(tmp_path)
    before = tell(first, filed(range(7)))
    first.close()
    second = opened(tmp_path)
    assert tell(second, filed(range(7))) == before
    after = tell(second, filed(range(7, 9)))
    assert after.first == 7
    answer = asyncio.run(ask(second, TOWN, calls.CONSISTENCY, Between(7)))
    old, new = checked(before, filed(range(7)).entries), checked(after, filed(range(7, 9)).entries)
    verify_consistency(7, 9, answer.proof, old.root, new.root)
    second.close()


def test_a_second_ledger_on_the_same_file_is_refused(
    tmp_path: Path, ledger: Ledger, opened: Callable[[Path], Ledger]
) -> None:
    with pytest.raises(StoreInUse):
        opened(tmp_path)


TAMPERINGS = {
    "an entry changed": "UPDATE entry SET bytes = zeroblob(80) WHERE idx = 3",
    "two entries exchanged": (
        "UPDATE entry SET bytes = (SELECT bytes FROM entry AS o WHERE o.idx = 5 - entry.idx)"
        " WHERE idx IN (2, 3)"
    ),
    "an entry removed": "DELETE FROM entry WHERE idx = 3",
    "the last entry removed": "DELETE FROM entry WHERE idx = 6",
    "an entry added": "INSERT INTO entry (idx, tag, bytes) VALUES (7, zeroblob(32), zeroblob(80))",
    "the size changed": "UPDATE tree SET size = 6",
    "the root changed": "UPDATE tree SET root = zeroblob(32)",
    "the tree row removed": "DELETE FROM tree",
    "the checkpoint cut": "UPDATE checkpoint SET note = substr(note, 1, 40) WHERE size = 7",
    "an older checkpoint moved": (
        "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 3) WHERE size = 7"
    ),
}


@pytest.fixture
def stopped(tmp_path: Path, opened: Callable[[Path], Ledger]) -> Path:
    """A ledger of 3 and then 4 entries that has stopped, and was started once more: all checkpoints are stored."""
    ledger = opened(tmp_path)
    tell(ledger, filed(range(3)))
    tell(ledger, filed(range(3, 7)))
    ledger.close()
    again = opened(tmp_path)
    asyncio.run(again.start())
    again.close()
    return settings(tmp_path).database


def touched(database: Path, *changes: str, **values: bytes) -> None:
    with sqlite3.connect(database) as connection:
        for change in changes:
            assert connection.execute(change, values).rowcount > 0
    connection.close()


@pytest.mark.parametrize("change", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_store_that_was_touched_is_not_served(
    stopped: Path, opened: Callable[[Path], Ledger], change: str
) -> None:
    touched(stopped, change)
    with pytest.raises(LedgerDiverged):
        opened(stopped.parent)


def test_the_end_of_the_log_cannot_be_cut_off_together_with_its_head(
    stopped: Path, opened: Callable[[Path], Ledger]
) -> None:
    touched(
        stopped,
        "DELETE FROM entry WHERE idx >= 5",
        "UPDATE tree SET size = 5, root = :root",
        "DELETE FROM checkpoint WHERE size > 5",
        root=merkle_root(range(5)),
    )
    with pytest.raises(LedgerBehind) as caught:
        opened(stopped.parent)
    assert caught.value.facts == {"known_to": SIGNER, "size": 7, "stored": 5}


def test_an_old_entry_cannot_be_changed_together_with_everything_the_store_says_of_it(
    stopped: Path, opened: Callable[[Path], Ledger]
) -> None:
    touched(
        stopped,
        "UPDATE entry SET bytes = :bytes WHERE idx = 3",
        "UPDATE tree SET root = :root",
        "DELETE FROM checkpoint WHERE size = 7",
        bytes=entry(9),
        root=merkle_root([0, 1, 2, 9, 4, 5, 6]),
    )
    with pytest.raises(LedgerForked) as caught:
        opened(stopped.parent)
    assert caught.value.facts == {"known_to": SIGNER, "size": 7}


@pytest.mark.parametrize("change", ["DELETE FROM checkpoint WHERE size = 7", "DELETE FROM checkpoint"])
def test_a_stored_checkpoint_that_was_lost_is_had_again_from_the_signer(
    stopped: Path, opened: Callable[[Path], Ledger], change: str
) -> None:
    rows = "SELECT note FROM checkpoint WHERE size = 7"
    with sqlite3.connect(stopped) as connection:
        before = connection.execute(rows).fetchone()
    connection.close()
    touched(stopped, change)
    ledger = opened(stopped.parent)
    asyncio.run(ledger.start())
    ledger.close()
    with sqlite3.connect(stopped) as connection:
        assert connection.execute(rows).fetchone() == before
    connection.close()


def merkle_root(numbers: Sequence[int]) -> bytes:
    tree = Tree()
    tree.append([leaf_hash(entry(number)) for number in numbers])
    return tree.root()


def test_a_store_under_another_key_or_origin_is_not_served(stopped: Path, signer: Signer) -> None:
    for origin, key in (("ledger.example/2027/a", KEY), (ORIGIN, FILERS[MAILBOX])):
        with pytest.raises(LedgerDiverged):
            started(LedgerSettings(origin, stopped, SIGNER, key.public), signer)


def test_an_origin_that_cannot_be_a_key_name_is_refused_before_anything_opens(tmp_path: Path) -> None:
    for origin in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(CheckpointInvalid):
            LedgerSettings(origin, tmp_path / "x", SIGNER, KEY.public)


def test_neither_settings_nor_problems_show_keys_or_tags(tmp_path: Path, ledger: Ledger) -> None:
    assert bytes(31).hex() not in repr(settings(tmp_path))
    tell(ledger, filed([1]))
    with pytest.raises(TagConflict) as caught:
        tell(ledger, filed([1], shift=9))
    assert tag(1).hex() not in str(caught.value)
