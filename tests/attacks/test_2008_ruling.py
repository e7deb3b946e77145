"""The ruling of 2008 on the resident network (最判平成20年3月6日): nobody may be able to put a person's life together.

A day of card use at twenty relying parties. Then a thief has the stores of all of them, of the provider and the issuer
of the cards, all logs, and all that crossed the roads; and is right about who was where as often as a thief who has
nothing. `KAKINE_RULING_EACH=3` is a busier day (`make test-ruling`).
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import pytest

from kakine.crypto.cards import CardCertificate
from kakine.crypto.x509 import fingerprint, read
from kakine.parties.portal.login.ways import handle_of
from kakine.runtime.codebook import token_of
from ruling_day import HOURS, SERVICES, RulingDay

from land import ref

PEOPLE = int(os.environ.get("KAKINE_RULING_PEOPLE", "200"))
EACH = int(os.environ.get("KAKINE_RULING_EACH", "2"))
AT_REST = 16
"""Shortest value that is looked at: shorter ones are counts, times and states."""
ISSUER, PROVIDER, REGISTRY = "authority", "portal", "registry"
KEEPERS = ("mailbox-a", "mailbox-b", "converter-1", "converter-2", "converter-3", "ledger-a", "ledger-b")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RulingDay]:
    with RulingDay.lived(tmp_path_factory.mktemp("ruling"), PEOPLE, EACH) as lived:
        assert len(lived.told) == PEOPLE * EACH
        assert len({client for _, client in lived.told}) == SERVICES
        assert {each.acr for each in lived.told.values()} == {"urn:kakine:acr:card"}
        yield lived


def values(rows: Iterable[Sequence[Any]]) -> set[bytes]:
    """Cells that could be of a person: names of parties and domains are none."""
    data = (cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
    return {each for each in data if len(each) >= AT_REST and not re.fullmatch(rb"[a-z0-9/.-]+", each)}


def gained(day: RulingDay, party: str) -> set[bytes]:
    """What came into a store with the day."""
    before = day.before[party]
    return values(row for table, rows in day.after[party].items() for row in set(rows) - set(before[table]))


def held(day: RulingDay, party: str) -> set[bytes]:
    """Everything in a store."""
    return values(row for rows in day.after[party].values() for row in rows)


def at_service(day: RulingDay, client: str) -> set[bytes]:
    """What a relying party has of the day: the store of its domain's gateway, the plain codes that its keys open, and
    the names it was told."""
    domain = day.clients[client]
    office = day.land.country.gateways[domain.party].office
    told = {each.sub.encode() for (_, at), each in day.told.items() if at == client}
    text = "SELECT token FROM holding WHERE domain = ?"
    tokens = [row[0] for row in office.db.read().execute(text, (str(domain),))]
    codes = {bytes(office.site(domain).unwrapped(token)) for token in tokens}
    assert len(codes) == len(told)
    return gained(day, domain.party) | told | codes


def computed(value: bytes) -> Iterator[bytes]:
    """The same, and what anybody makes of it without a key."""
    yield value
    for raw in (value, *from_text(value)):
        yield raw
        yield raw.hex().encode()
        yield base64.b64encode(raw)
        yield base64.urlsafe_b64encode(raw).rstrip(b"=")
        for name in ("sha256", "sha384", "sha512", "sha1", "md5"):
            made = hashlib.new(name, raw, usedforsecurity=False).digest()
            yield from (made, made[:16], made.hex().encode(), base64.urlsafe_b64encode(made).rstrip(b"="))


def from_text(value: bytes) -> Iterator[bytes]:
    if re.fullmatch(rb"[A-Za-z0-9_-]{22,}", value):
        yield base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))


def all_computed(of: Iterable[bytes]) -> set[bytes]:
    return {made for value in of for made in computed(value)}


def test_no_relying_party_holds_a_value_that_is_computable_from_anothers(day: RulingDay) -> None:
    own = {client: at_service(day, client) for client in day.clients}
    assert all(own.values())
    seen: dict[bytes, str] = {}
    for client, of in own.items():
        for made in all_computed(of):
            assert seen.setdefault(made, client) == client


def test_provider_issuer_and_registry_hold_nothing_that_is_computable_from_a_relying_partys(
    day: RulingDay,
) -> None:
    """Nor the other way round. What provider, issuer and registry share is told: the registry's random name of a
    holder, which the issuer has, and nothing else of this day."""
    middle = {party: all_computed(held(day, party)) for party in (PROVIDER, ISSUER, REGISTRY)}
    for client, domain in day.clients.items():
        theirs = all_computed(at_service(day, client))
        for party, made in middle.items():
            assert made & theirs == set(), (party, domain)
    assert middle[PROVIDER] & all_computed(gained(day, ISSUER)) == set()


def test_what_record_keepers_share_with_a_relying_party_is_of_one_login_each(day: RulingDay) -> None:
    """The digest of a request is at both: it is another for each login, so it joins no two. Who has a record keeper's
    store too joins them by the person's list there (docs/threats.md)."""
    shared: Counter[bytes] = Counter()
    kept = set[bytes]().union(*(gained(day, party) for party in KEEPERS if party in day.after))
    for client, domain in day.clients.items():
        rows = day.after[domain.party]["incoming"]
        theirs = values(rows) & kept
        shared.update(theirs)
        assert gained(day, domain.party) & kept <= theirs, client
    assert shared
    assert set(shared.values()) == {1}


def test_with_a_record_keepers_store_two_relying_parties_can_compare(day: RulingDay) -> None:
    """A limit, told in docs/threats.md: the list in which a login's record stands is one for each person, and the
    digest of the request leads there from both sides."""
    lists = {bytes(filing): place for filing, _, place in day.after["mailbox-a"]["row"]}
    names: dict[int, set[str]] = {}
    for (_, client), told in day.told.items():
        rows = day.after[day.clients[client].party]["incoming"]
        (request,) = [bytes(row[0]) for row in rows if told.sub.encode() in row[1]]
        names.setdefault(lists[request], set()).add(told.sub)
    whole = {frozenset(day.told[j, client].sub for client in at) for j, at in day.visits.items()}
    assert {frozenset(each) for each in names.values()} == whole


# --- who was where ------------------------------------------------------------------------------------------------


def known_of(day: RulingDay, j: int) -> set[bytes]:
    """Everything by which provider and issuer could name person j."""
    certificate = CardCertificate(day.certificates[j])
    told = read(day.certificates[j])
    portal = day.land.country.portal
    token = token_of(portal.db.read(), portal.name, ref(j))
    assert token is not None
    raw = {
        told.serial.to_bytes(16, "big"),
        fingerprint(day.certificates[j]),
        told.spki,
        certificate.digest,
        handle_of(portal._handle_key, certificate.digest),
        token,
        portal.name.encode() + b"/" + ref(j),
    }
    text = {str(told.serial).encode(), told.common_name.encode(), b"%x" % told.serial}
    return raw | text | {made for value in raw for made in (value.hex().encode(), base64.b64encode(value))}


def service_words(day: RulingDay, client: str) -> set[bytes]:
    """Everything by which a relying party could be named, and the names it has for people."""
    entry = next(each for each in day.land.law.clients if each.id == client)
    names = {client, entry.domain, *entry.redirects, day.land.country.client_key(client).public.thumbprint}
    names |= {each.sub for (_, at), each in day.told.items() if at == client}
    return {name.encode() for name in names}


def evidence(day: RulingDay) -> list[bytes]:
    """Rows and log lines of provider and issuer, each as one text. The law names all relying parties and no person."""
    rows = [
        b"\0".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)
        for party in (PROVIDER, ISSUER)
        for rows in day.after[party].values()
        for row in rows
    ]
    return [*rows, *(line.encode() for line in day.words)]


def guesses(day: RulingDay) -> dict[int, list[str]]:
    """For each person the services with most evidence; where there is as much, or none, by lot."""
    lines, lot = evidence(day), Random(1)
    about = {client: service_words(day, client) for client in day.clients}
    accounts = {j: known_of(day, j) | {ref(j) + b"\0", b"\0" + ref(j)} for j in day.visits}
    score: Counter[tuple[int, str]] = Counter()
    for line in lines:
        named = [client for client, words in about.items() if any(word in line for word in words)]
        if not named:
            continue
        framed = b"\0" + line + b"\0"
        for j, words in accounts.items():
            if any(word in framed for word in words):
                score.update((j, client) for client in named)
    found = {}
    for j in day.visits:
        order = sorted(day.clients, key=lambda client: (-score[j, client], lot.random()))
        found[j] = order[:EACH]
    return found


def test_provider_and_issuer_guess_who_was_where_no_better_than_by_lot(day: RulingDay) -> None:
    """With all their stores and logs, knowing every certificate and account, and the names at the services."""
    hits = sum(len(set(guess) & set(day.visits[j])) for j, guess in guesses(day).items())
    chance = EACH / SERVICES
    mean, spread = PEOPLE * EACH * chance, math.sqrt(PEOPLE * EACH * chance * (1 - chance))
    assert hits <= mean + 4 * spread, f"{hits} of {PEOPLE * EACH}, by lot {mean:.0f}"


def test_the_guesser_finds_what_is_there(day: RulingDay) -> None:
    """The same search is right about everybody once one log line is of card and service."""
    lines = [f"login {CardCertificate(day.certificates[j]).digest.hex()} {client}" for j, client in day.told]
    day.words.extend(lines)
    try:
        assert all(set(guess) == set(day.visits[j]) for j, guess in guesses(day).items())
    finally:
        del day.words[-len(lines) :]


def test_the_providers_store_is_what_it_was_in_the_morning(day: RulingDay) -> None:
    assert day.after[PROVIDER] == day.before[PROVIDER]


def test_no_login_makes_anybody_ask_the_issuer(day: RulingDay) -> None:
    """What is asked of it is asked at fixed times, and the same whoever logs in: lists by name and version."""
    assert [each for _, logins in day.hours for each in logins if ISSUER in (each.caller, each.to)] == []
    assert len(day.hours) == HOURS
    shapes = {
        tuple((each.caller, each.path) for each in downloads if each.to == ISSUER)
        for downloads, _ in day.hours
    }
    assert len(shapes) == 1
    asked = [each.body for downloads, _ in day.hours for each in downloads if each.to == ISSUER]
    assert asked
    for j, der in enumerate(day.certificates):
        told = read(der)
        traces = (
            told.serial.to_bytes(16, "big"),
            fingerprint(der),
            told.spki,
            ref(j),
            told.common_name.encode(),
        )
        assert not any(trace in body for trace in traces for body in asked)


def test_no_call_between_parties_carries_a_serial(day: RulingDay) -> None:
    """It ends at the provider, in memory."""
    bodies = [each.body + each.answer for _, logins in day.hours for each in logins]
    serials = [read(der).serial.to_bytes(16, "big") for der in day.certificates]
    assert len(bodies) > PEOPLE * EACH
    whole = b"\0".join(bodies)
    assert [serial for serial in serials if serial in whole] == []
