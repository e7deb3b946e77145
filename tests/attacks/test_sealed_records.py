"""P3, P5, P6: what somebody learns from sealed records without being the one who may read them."""

from __future__ import annotations

from itertools import combinations
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attacks.insider import MAILBOXES, mailbox, office_of
from kakine.contracts import mailbox as mailbox_calls
from kakine.contracts.call import Call, Role
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey
from kakine.parties.converter.gate import _open_listed
from kakine.parties.mailbox import partitions
from kakine.values.problems import NotCanonical, SealInvalid
from kakine.wire.entry import Entry
from kakine.wire.envelope import Envelope, Envelopes

from land import Land

LENGTHS = {232 + padded for padded in (512, 1024, 2048)}
KEYS = [OpenKey(bytes([i]) * 32).public for i in (1, 2, 3)]
SEALS = Envelopes(bytes(32), digest("ask"), 300, KEYS)


@given(st.integers(0, 2046), st.integers(0, 2046))
def test_p3_a_sealed_record_has_one_of_three_lengths_whatever_it_says(one: int, other: int) -> None:
    """And what comes between two of them is not told: only which of the three is the least that holds it."""
    sealed = [len(SEALS.make(0, bytes(32), bytes(32), b"x" * length)) for length in (one, other)]
    assert set(sealed) <= LENGTHS
    least = [next(size for size in (510, 1022, 2046) if length <= size) for length in (one, other)]
    assert (sealed[0] == sealed[1]) == (least[0] == least[1])


def test_p3_a_record_that_is_longer_is_not_sealed() -> None:
    with pytest.raises(NotCanonical):
        SEALS.make(0, bytes(32), bytes(32), bytes(2047))


def sealed_in(land: Land, name: str) -> list[tuple[bytes, bytes]]:
    """(entry, sealed record) of everything that a record keeper has."""
    db = mailbox(land, name).db.read()
    filed = db.execute("SELECT id, entries, expiry FROM filing WHERE kind = 0 OR kind = 1").fetchall()
    places = [(f, e[80 * j : 80 * j + 80], x, j) for f, e, x in filed for j in range(len(e) // 80)]
    found = [(entry, partitions.find(db, expiry, filing, j)) for filing, entry, expiry, j in places]
    return [(entry, envelope) for entry, envelope in found if envelope]


@pytest.mark.parametrize("together", list(combinations((1, 2, 3), 2)))
def test_p5_two_converters_with_everything_sealed_read_nothing(
    shared_land: Land, together: tuple[int, int]
) -> None:
    """With the keys that they have, all that both record keepers have, and anything in place of the third share."""
    for j in range(2):
        shared_land.run(shared_land.ask(j))
    sealed = {pair for name in MAILBOXES for pair in sealed_in(shared_land, name)}
    assert len(sealed) >= 4
    assert {len(envelope) for _, envelope in sealed} <= LENGTHS
    entries, envelopes = [entry for entry, _ in sealed], [envelope for _, envelope in sealed]
    shares = {i: _open_listed(office_of(shared_land, i), entries, envelopes) for i in (1, 2, 3)}
    (third,) = {1, 2, 3} - set(together)
    for j, (entry, data) in enumerate(sealed):
        envelope, commitment = Envelope.parse(data), Entry.decode(entry).commitment
        assert envelope.open([shares[i][j] for i in (1, 2, 3)], commitment)
        for guess in (bytes(32), shares[together[0]][j], shares[third][j - 1]):
            with pytest.raises(SealInvalid):
                envelope.open([guess if i == third else shares[i][j] for i in (1, 2, 3)], commitment)


def calls_of(module: Any) -> list[Call[Any, Any]]:
    return [each for each in vars(module).values() if isinstance(each, Call)]


def words_of(kind: Any) -> set[str]:
    """Names of all fields in a message, those of what stands inside it too."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        return set(hints) | {word for each in hints.values() for word in words_of(each)}
    return {word for each in get_args(kind) for word in words_of(each)}


def test_p6_nobody_can_ask_about_a_tag() -> None:
    """So that there is no answer to take the time of: presence or absence of a tag is proved only in what a person
    reads of the own list, sealed. Whoever is shown tags at all is the auditor, who is shown all of an index."""
    for call in calls_of(mailbox_calls):
        assert not words_of(call.takes) & {"tag", "day", "key", "list"}, call.path
        assert not words_of(call.gives) & {"tag", "proof", "proofs"} or call is mailbox_calls.READ, call.path
    assert mailbox_calls.INDEX_ROWS.callers == frozenset({Role.COMMISSION})
    assert {mailbox_calls.INDEX_ROWS, mailbox_calls.READ} <= set(calls_of(mailbox_calls))
