"""A renewed certificate at a login: names of people stay by themselves, and a relying party that knows the certificate
learns of the new one when the person passes a link on."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attacks.test_continuity import linked
from card_maker import PIN, Roots
from counter import Card, Counter
from kakine.cli.demo_story import Words, history_lines
from kakine.cli.own_history import own_history
from kakine.country import AUTHORITY
from kakine.crypto.base64url import base64url, from_base64url
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.protocols.continuity import check_link
from kakine.protocols.decisions import decisions_in
from kakine.protocols.logins import challenge_digest
from kakine.values.certificates import Profile
from kakine.wire.canonical import decode
from kakine.wire.decision import LinkAllowed
from kakine.wire.login import Challenge
from login_site import BIRTHS, CHILDCARE, Answer, Browser, LoginSite

from land import Land, pack, ref


class Desk(Counter):
    """The counter of a town whose people are those of the login."""

    def __init__(self, land: Land) -> None:
        self.land = land


@dataclass
class Renewed:
    """A login, and person 0 with an old and a new signature certificate."""

    site: LoginSite
    counter: Counter
    roots: Roots
    old: Card
    new: Card

    @property
    def digests(self) -> tuple[bytes, bytes]:
        return hashlib.sha256(self.old.der).digest(), hashlib.sha256(self.new.der).digest()

    def agree(self, scope: str, link: str) -> tuple[Browser, Answer]:
        browser = self.site.known(0, self.site.party(), scope)
        return browser, browser.form("/consent", ("decision", "yes"), ("link", link))

    def told(self) -> list[Any]:
        rows = self.site.run(own_history(self.site.land.country, ref(0))).rows
        return [decision for _, decision in decisions_in(rows) if isinstance(decision, LinkAllowed)]


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renewed]:
    roots = Roots()
    with LoginSite.opened(tmp_path_factory.mktemp("linking") / "land", roots, people=1) as site:
        counter = Desk(site.land)
        old, new = (counter.certified(Profile.SIGNATURE, site.numbers[0], BIRTHS[0]) for _ in range(2))
        yield Renewed(site, counter, roots, old, new)


def by_card(site: LoginSite, card: KeyFile) -> str:
    browser, party = site.browser(), site.party()
    browser.authorize(party.id, party.pushed())
    challenge = b64decode(browser.post("/login/card/challenge").json["challenge"])
    signature = card.sign(challenge_digest(decode(challenge, Challenge)), PIN)
    shown = {"certificate": card.certificate, "signature": signature}
    proof = {name: b64encode(value).decode() for name, value in shown.items()}
    assert browser.post("/login/card", proof).status == 200
    return str(site.told(party, browser.agree().said["code"]).id_token["sub"])


def test_the_name_of_a_person_stays_when_the_card_is_renewed(renewed: Renewed) -> None:
    """It hangs on the person's code and on no certificate: nothing has to be linked for a login."""
    site, names = renewed.site, set()
    for _ in range(2):
        card = renewed.roots.card(site.land.clock())
        site.give_card(0, CardCertificate(card.certificate).digest)
        names.add(by_card(site, card))
    assert names == {site.log_in(0).id_token["sub"]}


def test_a_link_reaches_the_relying_party_and_the_own_history(renewed: Renewed) -> None:
    site, before = renewed.site, len(renewed.told())
    link = linked(renewed.counter, renewed.new, renewed.old, CHILDCARE)
    _, back = renewed.agree("openid link", link)
    said = site.party().redeem(back.said["code"]).json
    assert said["scope"] == "openid link"
    key = site.land.country.identities[AUTHORITY].signing.public
    check_link(from_base64url(said["certificate_link"]), CHILDCARE, *renewed.digests, key)
    assert renewed.told()[before:] == [LinkAllowed(CHILDCARE)]
    read = site.run(own_history(site.land.country, ref(0)))
    lines = "\n".join(history_lines(read.lines, Words(pack())))
    assert f"新旧の証明書のつながりを {CHILDCARE} に伝えることに同意" in lines


def test_a_link_is_passed_on_only_if_it_was_asked_for_and_given(renewed: Renewed) -> None:
    before = len(renewed.told())
    link = linked(renewed.counter, renewed.new, renewed.old, CHILDCARE)
    _, back = renewed.agree("openid", link)
    assert back.status >= 400
    _, back = renewed.agree("openid link", "")
    said = renewed.site.party().redeem(back.said["code"]).json
    assert ("certificate_link" in said, said["scope"]) == (False, "openid")
    assert len(renewed.told()) == before
    assert 'name="link"' in renewed.site.known(0, renewed.site.party(), "openid link").get("/consent").text
    assert 'name="link"' not in renewed.site.known(0, renewed.site.party(), "openid").get("/consent").text


def test_what_the_authority_has_not_signed_lately_is_not_passed_on(renewed: Renewed) -> None:
    before = len(renewed.told())
    link = linked(renewed.counter, renewed.new, renewed.old, CHILDCARE)
    data = bytearray(from_base64url(link))
    data[10] ^= 1
    for text in (base64url(bytes(data)), "x", "あ", "A" * 2001, link[:-4]):
        _, back = renewed.agree("openid link", text)
        assert "link-invalid" in back.text
    renewed.site.land.clock.advance(601)
    _, back = renewed.agree("openid link", link)
    assert "link-invalid" in back.text
    assert len(renewed.told()) == before


def test_the_portals_disk_has_nothing_of_it(renewed: Renewed) -> None:
    link = linked(renewed.counter, renewed.new, renewed.old, CHILDCARE)
    renewed.agree("openid link", link)
    files: list[Path] = sorted(renewed.site.land.folder.glob("portal.sqlite*"))
    disk = b"".join(path.read_bytes() for path in files)
    for word in (CHILDCARE.encode(), *renewed.digests, from_base64url(link)[:32]):
        assert word not in disk
