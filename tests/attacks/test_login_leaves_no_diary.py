"""After a day of logins nobody's store tells who logged in where, and no two relying parties can compare.

Three people log in at three relying parties, by paper and by card, with items and without. Then the stores are read as
a thief of all of them would: every cell, and the raw bytes of the files with their logs.
"""

from __future__ import annotations

import logging
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from attacks.insider import office_of, taken_over
from card_maker import PIN, Roots
from exchange_state import snapshot
from kakine.contracts import converter
from kakine.crypto.base64url import base64url
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.crypto.hashing import mac
from kakine.parties.converter import gate
from kakine.parties.portal.login.office import Grant, Token, Under
from kakine.protocols.logins import challenge_digest
from kakine.runtime.codebook import token_of
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import PartyUnavailable
from kakine.wire.canonical import decode
from kakine.wire.login import Challenge
from login_site import CHILDCARE, INSURER, PENSION, REDIRECTS, LoginSite, Told
from road import Passage, recorded

from land import ref

SITES = {
    CHILDCARE: DomainName("yokohama/childcare-site"),
    INSURER: DomainName("insurer/members-site"),
    PENSION: DomainName("pension/net"),
}
PEOPLE = range(3)
AT_REST = 16
"""Shortest value that is looked at: shorter ones are counts, times and states."""


class Words(logging.Handler):
    """Every log record, as text with all its fields."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(repr(record.__dict__) + record.getMessage())


@dataclass
class Day:
    """A country after a day of logins: what each relying party was told, by (person, client), the stores as they were
    before the first, what crossed the roads, what was logged."""

    site: LoginSite
    told: dict[tuple[int, str], Told]
    before: dict[str, dict[str, Any]]
    passages: list[Passage]
    words: Words

    def name(self, j: int, client: str) -> str:
        """Under which the relying party knows the person."""
        return str(self.told[j, client].id_token["sub"])

    def file(self, party: str) -> bytes:
        """A party's store with its log, as they lie on the disk."""
        found: list[Path] = sorted(self.site.land.folder.glob(f"{party}.sqlite*"))
        assert found
        return b"".join(path.read_bytes() for path in found)

    def own(self, j: int, client: str) -> list[bytes]:
        """What a relying party's domain has of one person: the plain code, its form at rest, the own reference, the
        name that it is told."""
        domain = SITES[client]
        office = self.site.land.country.gateways[domain.party].office
        key = office.identity.local_key("login-sub", domain.encode())
        text = "SELECT reference, token FROM holding WHERE domain = ?"
        for reference, token in office.db.read().execute(text, (str(domain),)):
            if base64url(mac(key, "login-sub", reference)) == self.name(j, client):
                code = bytes(office.site(domain).unwrapped(token))
                return [code, token, reference, self.name(j, client).encode()]
        raise AssertionError("no row fits this name")


def by_card(site: LoginSite, card: KeyFile, client: str) -> Told:
    browser, party = site.browser(), site.party(client)
    browser.authorize(client, party.pushed())
    challenge = b64decode(browser.post("/login/card/challenge").json["challenge"])
    signature = card.sign(challenge_digest(decode(challenge, Challenge)), PIN)
    shown = {"certificate": card.certificate, "signature": signature}
    proof = {name: b64encode(value).decode() for name, value in shown.items()}
    assert browser.post("/login/card", proof).status == 200
    return site.told(party, browser.agree().said["code"])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    roots, words = Roots(), Words()
    logging.getLogger().addHandler(words)
    with LoginSite.opened(tmp_path_factory.mktemp("day") / "land", roots, len(PEOPLE)) as site:
        card = roots.card(site.land.clock())
        site.give_card(0, CardCertificate(card.certificate).digest)
        papers = {(j, client): site.paper(j) for j in PEOPLE for client in SITES}
        parties = ("portal", "registry", "yokohama", "insurer", "pension")
        before = {party: snapshot(site.land.folder, party) for party in parties}
        with recorded() as passages:
            told = {
                (j, client): site.log_in(j, client, f"openid{_asked(client)}", paper=paper)
                for (j, client), paper in papers.items()
            }
            for client in SITES:
                assert by_card(site, card, client).id_token["sub"] == told[0, client].id_token["sub"]
        yield Day(site, told, before, passages, words)
    logging.getLogger().removeHandler(words)


def _asked(client: str) -> str:
    return "" if client == PENSION else " name over_20"


def test_the_providers_store_is_what_it_was_before_but_for_spent_papers(day: Day) -> None:
    """Not one row of it is of a login. A paper code that was used is gone."""
    after, papers = snapshot(day.site.land.folder, "portal"), day.before["portal"]["login_paper"]
    assert len(papers) == len(day.told)
    assert after == {**day.before["portal"], "login_paper": []}


def test_the_providers_files_name_no_relying_party_and_no_name_of_anybody_there(day: Day) -> None:
    """Neither cells nor bytes of the files hold a pair of person and relying party, as they hold no relying party."""
    disk = day.file("portal")
    traces = [*SITES, *SITES.values(), *REDIRECTS.values(), "childcare", "members-site", "pension"]
    assert [trace for trace in traces if trace.encode() in disk] == []
    assert [each for each in day.told if day.name(*each).encode() in disk] == []
    for j, client in day.told:
        assert [value for value in day.own(j, client) if value in disk] == []


def test_the_providers_memory_joins_nobody_to_a_relying_party_after_consent(day: Day) -> None:
    office = day.site.office
    assert len(office.interactions) == 0
    assert {field.name for field in fields(Grant)} & {"account", "person"} == set()
    assert {field.name for field in fields(Token)} == {"client", "thumbprint", "claims", "under"}
    assert {field.name for field in fields(Under)} == {"bucket", "since_ms", "said"}
    kept = repr(vars(office.codes)) + repr(vars(office.tokens))
    assert [j for j in PEOPLE if repr(ref(j)) in kept] == []
    day.site.land.clock.advance(600)
    assert (len(office.codes), len(office.tokens), len(office.requests)) == (0, 0, 0)


def test_no_two_relying_parties_hold_an_equal_value_of_anybody(day: Day) -> None:
    """Names, codes, references and tokens, and every cell of sixteen bytes and more of the stores."""
    everything = [value for each in day.told for value in day.own(*each)]
    assert len(set(everything)) == len(everything)
    stores = {site.party: gained(day, site.party) for site in SITES.values()}
    assert all(stores.values())
    for one, other in combinations(stores, 2):
        assert stores[one] & stores[other] == set()
    for (j, client), (k, elsewhere) in combinations(day.told, 2):
        if client != elsewhere:
            disk = day.file(SITES[elsewhere].party)
            assert [value for value in day.own(j, client) if value in disk] == [], (j, k)


def cells(store: dict[str, Any]) -> set[bytes]:
    """Values of a store that could be of a person: names of parties and domains are none."""
    values = (cell for listed in store.values() for row in listed for cell in row)
    data = (value if isinstance(value, bytes) else str(value).encode() for value in values)
    return {each for each in data if len(each) >= AT_REST and not re.fullmatch(rb"[a-z0-9/.-]+", each)}


def gained(day: Day, party: str) -> set[bytes]:
    """Those that came with the logins."""
    return cells(snapshot(day.site.land.folder, party)) - cells(day.before[party])


def test_the_provider_and_the_relying_parties_hold_no_equal_value(day: Day) -> None:
    portal = day.site.land.country.portal
    for j in PEOPLE:
        token = token_of(portal.db.read(), portal.name, ref(j))
        assert token is not None
        for client in SITES:
            assert token not in day.file(SITES[client].party)
    present = cells(snapshot(day.site.land.folder, "portal"))
    for site in SITES.values():
        assert present & gained(day, site.party) == set()


def test_the_registry_does_not_hear_for_whom_it_is_asked_and_keeps_nothing_of_it(day: Day) -> None:
    heard = [each.body for each in day.passages if each.to == "registry"]
    assert len(heard) == sum(_asked(client) != "" for _, client in day.told)
    for site in SITES.values():
        assert [body for body in heard if site.encode() in body] == []
    after = snapshot(day.site.land.folder, "registry")
    assert after == day.before["registry"]


def test_the_registry_keeps_nothing_of_a_login_whose_outcome_could_not_be_filed(tmp_path: Path) -> None:
    """It has decided what it would show. Nobody repeats that request, so what it wrote down would stay."""
    with LoginSite.opened(tmp_path / "land", people=1) as site:
        browser = site.known(0, site.party(), "openid name over_20")
        before, office, failed = snapshot(site.land.folder, "registry"), office_of(site.land, 1), []

        async def fail(caller: PartyName, message: converter.Outcome) -> converter.Filed:
            if caller != "registry":
                return await gate.outcome(office, caller, message)
            failed.append(message)
            raise PartyUnavailable()

        with taken_over(site.land, office.identity.name, converter.OUTCOME, fail):
            assert "code" not in browser.agree("name", "over_20").said
        assert len(failed) == 1
        assert snapshot(site.land.folder, "registry") == before


def test_nobody_in_between_sees_the_name_of_a_person_at_a_relying_party(day: Day) -> None:
    """It travels sealed from the relying party's domain to the portal."""
    names = [day.name(*each).encode() for each in day.told]
    bodies = [each.body + each.answer for each in day.passages]
    assert [name for name in names for body in bodies if name in body] == []


def test_no_log_line_names_a_person_or_where_one_logs_in(day: Day) -> None:
    said = "".join(day.words.said)
    traces = [day.name(*each) for each in day.told]
    traces += [ref(j).decode() for j in PEOPLE]
    traces += [told.access for told in day.told.values()]
    assert [trace for trace in traces if trace in said] == []
