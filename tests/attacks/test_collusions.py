"""What parties that put their views together can tell of exchanges: docs/collusions.md, tried.

Six exchanges about four people are recorded, two of the people asked about twice. A coalition has every message that
its members sent or got, and a record keeper what it has filed. It links two exchanges if their views have a value in
common that exchanges about different people never have. Equal values only: what can be computed from the parties'
keys is in the tests of A16 and A21. Then people read their histories, and converters see more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import msgspec
import pytest

from attacks.insider import MAILBOXES, list_of, mailbox, office_of
from kakine.cli.own_history import own_history
from kakine.contracts import converter
from kakine.country import CONVERTERS, LOGS
from kakine.crypto.wrapping import TOKEN
from kakine.institutions.ledgers import signer_of
from kakine.wire.canonical import decode
from kakine.wire.request import Kind, PublicPart
from road import Passage, recorded

from land import CHILDREN, TAX, TAX_ROW, Land, person, ref

ASKED = (2, 0, 3, 2, 1, 0)
"""About whom, in this order."""
LEDGERS = tuple(str(log.ledger) for log in LOGS)
SIGNERS = tuple(str(signer_of(log)) for log in LOGS)
STATE = ("registry", "authority", "ministry", "commission", "portal")


@dataclass(frozen=True)
class Exchange:
    """One question about one person, and all that crossed the road for it."""

    person: int
    passages: Sequence[Passage]

    def of(self, parties: Sequence[str]) -> list[Passage]:
        """Those that one of these sent or got."""
        return [each for each in self.passages if each.caller in parties or each.to in parties]


_KEPT: dict[int, list[Exchange]] = {}


def exchanges(land: Land) -> list[Exchange]:
    """Asked once for each country."""
    if id(land) not in _KEPT:
        made = []
        for j in ASKED:
            with recorded() as passages:
                assert land.run(land.ask(j)).result == "delivered"
            made.append(Exchange(j, passages))
        _KEPT[id(land)] = made
    return _KEPT[id(land)]


def leaves(value: Any) -> Iterator[bytes]:
    """Every string of 16 bytes or more in a message, and in messages within it; vectors also piece by piece."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        if len(value) >= 16:
            yield value
            for size in (32, 80):
                if len(value) > size and len(value) % size == 0:
                    yield from (value[at : at + size] for at in range(0, len(value), size))
            try:
                inner = msgspec.msgpack.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            if isinstance(inner, list | dict):
                yield from leaves(inner)
    elif isinstance(value, dict):
        for each in (*value.keys(), *value.values()):
            yield from leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)


def view(land: Land, one: Exchange, parties: Sequence[str]) -> set[bytes]:
    """What these parties have of it: values of messages, and the list that a record keeper filed it in."""
    found = {leaf for each in one.of(parties) for leaf in leaves([each.body, each.answer])}
    for keeper in set(parties) & set(MAILBOXES):
        found |= {f"{keeper}: list {number}".encode() for number in lists_of(land, found, keeper)}
    return found


def lists_of(land: Land, values: set[bytes], keeper: str) -> list[int]:
    """In which lists a record keeper has filed entries that are among these values."""
    rows = (
        mailbox(land, keeper)
        .db.read()
        .execute("SELECT filing.entries, row.list FROM filing JOIN row ON row.filing = filing.id")
    )
    return sorted({number for entries, number in rows.fetchall() if entries in values})


def links(land: Land, parties: Sequence[str]) -> set[frozenset[int]]:
    """Pairs of exchanges that these parties can tell to be about one person."""
    made = exchanges(land)
    views = [view(land, each, parties) for each in made]
    pairs = list(combinations(range(len(made)), 2))
    strangers = [views[a] & views[b] for a, b in pairs if made[a].person != made[b].person]
    ordinary = set().union(*strangers)
    return {frozenset((a, b)) for a, b in pairs if (views[a] & views[b]) - ordinary}


TRUE = {frozenset((a, b)) for a, b in combinations(range(len(ASKED)), 2) if ASKED[a] == ASKED[b]}

BLIND = {
    **{name: (name,) for name in (*CONVERTERS, *LEDGERS, *SIGNERS, *STATE)},
    **{" + ".join(pair): pair for pair in combinations(CONVERTERS, 2)},
    "three converters": CONVERTERS,
    "three converters, both ledgers and their signers": (*CONVERTERS, *LEDGERS, *SIGNERS),
    "three converters, both ledgers, the whole state": (*CONVERTERS, *LEDGERS, *SIGNERS, *STATE),
}


@pytest.mark.parametrize("who", BLIND)
def test_they_cannot_tell_whether_two_exchanges_are_about_one_person(shared_land: Land, who: str) -> None:
    assert links(shared_land, BLIND[who]) == set()


@pytest.mark.parametrize("keeper", MAILBOXES)
def test_a_record_keeper_tells_it_and_so_the_search_finds_what_is_there(
    shared_land: Land, keeper: str
) -> None:
    assert links(shared_land, [keeper]) == TRUE


@pytest.mark.parametrize("keepers", [*[(each,) for each in MAILBOXES], MAILBOXES], ids=" + ".join)
def test_record_keepers_alone_and_together_never_see_who_asked_whom_or_why(
    shared_land: Land, keepers: Sequence[str]
) -> None:
    for one in exchanges(shared_land):
        text = b"".join(each.body + each.answer for each in one.of(keepers))
        assert text
        for name in (CHILDREN, TAX, TAX_ROW, "yokohama"):
            assert name.encode() not in text


def told(land: Land, position: int) -> Iterator[tuple[set[bytes], tuple[str, str, tuple[str, ...]]]]:
    """What a converter has of each exchange, and who asked whom under which rows, by its own word."""
    name = CONVERTERS[position]
    for one in exchanges(land):
        (asked,) = [
            each
            for each in one.passages
            if (each.to, each.path) == (name, converter.CONVERT.path) and kind(each)
        ]
        public = decode(msgspec.msgpack.decode(asked.body, type=converter.Convert).public, PublicPart)
        yield view(land, one, [name]), (public.requester, public.recipient, public.rows)


def kind(passage: Passage) -> bool:
    """A request; outcomes take another road."""
    return bool(msgspec.msgpack.decode(passage.body, type=converter.Convert).public)


def asked_about(
    land: Land, keeper: str, position: int
) -> Mapping[int, list[tuple[str, str, tuple[str, ...]]]]:
    """By list of the record keeper: who asked whom, as the two can put it together."""
    found: dict[int, list[tuple[str, str, tuple[str, ...]]]] = {}
    for seen, what in told(land, position):
        for number in lists_of(land, seen, keeper):
            found.setdefault(number, []).append(what)
    return found


@pytest.mark.parametrize("position", range(len(CONVERTERS)))
@pytest.mark.parametrize("keeper", MAILBOXES)
def test_a_record_keeper_with_one_converter_tells_who_asked_whom_about_each_pseudonym(
    shared_land: Land, keeper: str, position: int
) -> None:
    """The limit of the design, stated: no name, and no content."""
    question = (str(CHILDREN), str(TAX), (TAX_ROW,))
    expected: dict[int, list[Any]] = {}
    for j in ASKED:
        expected.setdefault(list_of(shared_land, j, keeper), []).append(question)
    assert asked_about(shared_land, keeper, position) == expected


def enrolled(land: Land) -> list[bytes]:
    """The people in the order in which the registry enrolled them: all it needs to have kept."""
    return [person(j) for j in range(4)]


@pytest.mark.parametrize("keeper", MAILBOXES)
def test_with_the_registry_they_tell_about_whom(shared_land: Land, keeper: str) -> None:
    """Both have enrolments in one order. The limit of the design, stated: who asked about which resident, when, under
    which row; no content."""
    lists = sorted(list_of(shared_land, j, keeper) for j in range(4))
    guess = dict(zip(lists, enrolled(shared_land), strict=True))
    found = {guess[number]: len(asked) for number, asked in asked_about(shared_land, keeper, 0).items()}
    assert found == {person(j): ASKED.count(j) for j in set(ASKED)}


def shown(land: Land, position: int, j: int) -> set[tuple[str, int]]:
    """Where in the logs the entries stand that pass a converter, in the clear, while person j reads."""
    with recorded() as passages:
        land.run(own_history(land.country, ref(j)))
    (read,) = [
        each for each in passages if (each.to, each.path) == (CONVERTERS[position], converter.READ.path)
    ]
    lists = msgspec.msgpack.decode(read.answer, type=converter.Read).histories
    return {(row.checkpoint.decode().split("\n")[0], row.index) for given in lists for row in given.rows}


def requests(land: Land, position: int, places: set[tuple[str, int]]) -> list[tuple[Any, ...]]:
    """(request, which of its people, who asked, whom, kind) for those of these places that a converter's store has."""
    text = """
        SELECT log, position, used_exchange.request, requester, recipient, kind,
               position - min(position) OVER (PARTITION BY used_exchange.request)
        FROM used_exchange JOIN seen_request ON seen_request.request = used_exchange.request
    """
    rows = office_of(land, position + 1).db.read().execute(text).fetchall()
    return [
        (request, item, requester, recipient, kind)
        for log, place, request, requester, recipient, kind, item in rows
        if (log, place) in places
    ]


@pytest.mark.parametrize("position", range(len(CONVERTERS)))
def test_a_converter_tells_who_asked_whom_about_whoever_has_read_the_own_history(
    shared_land: Land, position: int
) -> None:
    """The limit of the design, stated: both lists pass it, and its own store has who filed what stands in a log where.
    No name, no content; of people whose history nobody has read, nothing, as above."""
    exchanges(shared_land)
    for j in set(ASKED):
        found = requests(shared_land, position, shown(shared_land, position, j))
        asked = [(who, whom) for _, _, who, whom, kind in found if kind == Kind.EXCHANGE]
        assert asked == [(str(CHILDREN), str(TAX))] * ASKED.count(j)


@pytest.mark.parametrize("position", range(len(CONVERTERS)))
def test_with_the_registry_a_converter_tells_it_by_name(shared_land: Land, position: int) -> None:
    """Two bodies: each list begins with an enrolment, and the registry has kept whose that was."""
    kept = shared_land.country.registry.codes.db.read().execute("SELECT request, item, person FROM enrolment")
    whose = {(request, item): who for request, item, who in kept.fetchall()}
    for j in set(ASKED):
        found = requests(shared_land, position, shown(shared_land, position, j))
        named = {whose[request, item] for request, item, *_ in found if (request, item) in whose}
        assert named == {person(j)}


def test_both_record_keepers_tell_which_of_their_pseudonyms_are_one(shared_land: Land) -> None:
    first, second = MAILBOXES
    pairs = {
        (one, other)
        for each in exchanges(shared_land)
        for one in lists_of(shared_land, view(shared_land, each, [first]), first)
        for other in lists_of(shared_land, view(shared_land, each, [second]), second)
    }
    assert pairs == {(list_of(shared_land, j, first), list_of(shared_land, j, second)) for j in set(ASKED)}


@pytest.mark.parametrize("keeper", MAILBOXES)
def test_an_agency_with_a_record_keeper_learns_the_pseudonym_of_whom_it_asked_about(
    shared_land: Land, keeper: str
) -> None:
    """And with it how often, when and with which kind of entry others asked: of these people, and of no other."""
    made = exchanges(shared_land)
    found = {one.person: lists_of(shared_land, view(shared_land, one, ["yokohama"]), keeper) for one in made}
    assert found == {j: [list_of(shared_land, j, keeper)] for j in set(ASKED)}


def test_two_agencies_and_all_ledgers_find_the_exchange_and_no_pseudonym(shared_land: Land) -> None:
    """The public log says nothing more to who knows an exchange anyway."""
    parties = ["yokohama", *LEDGERS, *SIGNERS]
    for one in exchanges(shared_land):
        assert not [each for each in view(shared_land, one, parties) if b": list " in each]


HOLDERS = ("yokohama", "koseki", "portal", *MAILBOXES)
"""Who keeps codes of people."""


def stolen(land: Land, party: str) -> set[bytes]:
    """Every wrapped code in the store of a party, as whoever has copied the file finds them."""
    found = set[bytes]()
    path = land.folder / f"{party}.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                found |= {cell for cell in row if isinstance(cell, bytes) and len(cell) == TOKEN}
    return found


@pytest.mark.parametrize("two", list(combinations(HOLDERS, 2)), ids=" + ".join)
def test_two_stolen_stores_have_no_code_in_common(shared_land: Land, two: tuple[str, str]) -> None:
    """AT-A05: whoever joins them by code finds nobody."""
    first, second = (stolen(shared_land, party) for party in two)
    assert min(len(first), len(second)) >= len(set(ASKED))
    assert not first & second
