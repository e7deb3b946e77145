"""A card from the counter logs in, by the authority's published status; what does not stand is refused, by a code."""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_maker import Roots
from cards import CHOSEN, PASSWORD
from issued_cards import Issued, IssuedCards
from kakine.card.engine import opened
from kakine.card.holder import file_reader
from kakine.card.issuing import requests
from kakine.clients.card_helper import Helper
from kakine.contracts.registry import CardNews
from kakine.crypto import keys, x509_issue
from kakine.crypto.cards import CardCertificate
from kakine.crypto.x509 import open_request, read
from kakine.values.certificates import Profile
from kakine.values.problems import CardBlocked, CardSecretMalformed, CardSecretWrong, Problem
from kakine.wire.canonical import encode
from kakine.wire.login import Challenge
from login_site import ADDRESS, CHILDCARE, ISSUER, NAMES, Answer, http


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuedCards]:
    with IssuedCards.opened(tmp_path_factory.mktemp("issued")) as made:
        yield made


def refused(answer: Answer, code: str) -> None:
    """By this code, with nothing about anybody."""
    assert answer.status >= 400
    assert answer.json == {"problem": code, "title": answer.json["title"]}
    assert not any(said in answer.text for said in (NAMES[0], ADDRESS, "ref-0", CHOSEN["product"]["pin"]))


@pytest.mark.parametrize("kind", ["product", "interop"])
def test_a_card_from_the_counter_logs_in(cards: IssuedCards, kind: str) -> None:
    told = cards.log_in(cards.issue(0, kind), scope="openid name")
    assert told.id_token["acr"] == "urn:kakine:acr:card"
    assert told.id_token["sub"] == cards.site.log_in(0).id_token["sub"]


def test_the_person_reads_that_the_card_was_bound(cards: IssuedCards) -> None:
    """The binding is an exchange like others: it went through the converters."""
    country = cards.site.land.country
    before = country.portal.db.read().execute("SELECT count(*) FROM login_card").fetchone()[0]
    cards.issue(1)
    after = country.portal.db.read().execute("SELECT count(*) FROM login_card").fetchone()[0]
    assert after == before + 1


def test_a_lost_card_is_refused_from_the_next_download_and_stands_again_when_found(
    cards: IssuedCards,
) -> None:
    card = cards.issue(0, name="lost")
    cards.log_in(card)
    cards.news(0, CardNews.LOST)
    cards.download()
    refused(cards.show(cards.browser(), card.signer, card.pin), "certificate-revoked")
    cards.news(0, CardNews.FOUND)
    cards.download()
    cards.log_in(card)


def test_a_revoked_card_is_refused(cards: IssuedCards) -> None:
    card = cards.issue(0, name="revoked")
    cards.news(0, CardNews.ENDED)
    cards.download()
    refused(cards.show(cards.browser(), card.signer, card.pin), "certificate-revoked")


def test_a_new_card_ends_the_one_before(cards: IssuedCards) -> None:
    old, new = cards.issue(0, name="old"), cards.issue(0, name="new")
    refused(cards.show(cards.browser(), old.signer, old.pin), "certificate-revoked")
    assert cards.log_in(new).id_token["sub"] == cards.site.log_in(0).id_token["sub"]


def test_a_card_of_another_root_is_refused(cards: IssuedCards) -> None:
    """One of another country, and one that says all that ours say: name of the root, profile, a good place in the
    list. Its key is the card's own, and a desk has bound it."""
    card = Roots().card(cards.site.land.clock())
    refused(cards.show(cards.browser(), card, "1234"), "certificate-unfit")

    issued, profile = cards.issue(0, name="other-root"), Profile.AUTHENTICATION
    said, false = read(issued.certificate), keys.generate(profile.algorithm)
    root = x509_issue.root(profile, false, 1 << 100, said.not_before - 10, said.not_after + 10)
    place = said.list_uri, said.index
    leaf = x509_issue.Leaf(
        profile, said.serial, said.common_name, said.not_before, said.not_after, "1-00", *place
    )
    with opened(issued.path) as (store, shape):
        request = open_request(requests(store, shape)["authentication"], [profile.algorithm])

    class Forged:
        certificate = x509_issue.certificate(leaf, request.public, root, false)
        sign = issued.signer.sign

    cards.site.give_card(0, CardCertificate(Forged.certificate).digest)
    refused(cards.show(cards.browser(), Forged(), issued.pin), "certificate-forged")


def test_a_tampered_certificate_is_refused(cards: IssuedCards) -> None:
    """The key stays, so the signature over the challenge is right; one bit of the authority's signature is not."""
    card = cards.issue(0, name="tampered")
    changed = bytearray(card.certificate)
    changed[-1] ^= 1

    class Other:
        certificate = bytes(changed)
        sign = card.signer.sign

    refused(cards.show(cards.browser(), Other(), card.pin), "certificate-forged")


class ByOtherKey:
    """The card's second key, opened by its own password."""

    def __init__(self, card: Issued) -> None:
        self._card = card
        self.certificate = b""

    def sign(self, hashed: bytes, pin: str) -> bytes:
        with file_reader(self._card.path, os.urandom)() as (terminal, _):
            terminal.verify("signature-password", PASSWORD)
            self.certificate = terminal.certificate("signature")
            return terminal.sign("signature", hashed)


def test_a_signature_certificate_does_not_log_in(cards: IssuedCards) -> None:
    """Not even where a desk has bound it: of the same person, by the same authority, over the right challenge."""
    card = cards.issue(0, name="other-key")
    other = ByOtherKey(card)
    other.sign(bytes(32), "")
    cards.site.give_card(0, CardCertificate(other.certificate).digest)
    refused(cards.show(cards.browser(), other, ""), "certificate-unfit")


def test_a_list_that_is_too_old_refuses_every_card_until_the_next_download(cards: IssuedCards) -> None:
    card = cards.issue(0, name="stale")
    cards.site.land.clock.advance(3601)
    refused(cards.show(cards.browser(), card.signer, card.pin), "status-list-stale")
    cards.download()
    cards.log_in(card)


def test_an_expired_card_is_refused(tmp_path: Path) -> None:
    with IssuedCards.opened(tmp_path, people=1) as cards:
        card = cards.issue(0)
        cards.site.land.clock.advance(6 * 366 * 86_400)
        cards.download()
        refused(cards.show(cards.browser(), card.signer, card.pin), "certificate-expired")


@pytest.mark.parametrize("kind", ["product", "interop"])
def test_the_card_counts_and_the_page_does_not_hear_how_many_tries_are_left(
    cards: IssuedCards, kind: str
) -> None:
    card = cards.issue(1, kind, name=f"pin-{kind}")
    holder, most = Holder(card), card.signer.tries
    assert most == {"product": 5, "interop": 3}[kind]
    for left in reversed(range(most)):
        holder.pin = "9" * len(card.pin)
        refused(holder.asked(), "pin-refused")
        assert isinstance(holder.heard[-1], CardSecretWrong)
        assert (holder.heard[-1].facts, card.signer.tries) == ({"left": left}, left)
    holder.pin = card.pin
    refused(holder.asked(), "pin-refused")
    assert isinstance(holder.heard[-1], CardBlocked)


def test_what_cannot_be_a_pin_costs_no_try(cards: IssuedCards) -> None:
    card = cards.issue(1, name="malformed")
    holder, before = Holder(card, "123"), card.signer.tries
    refused(holder.asked(), "pin-refused")
    assert isinstance(holder.heard[-1], CardSecretMalformed)
    assert card.signer.tries == before


def test_a_stopped_card_does_not_sign(cards: IssuedCards) -> None:
    card = cards.issue(1, name="stopped")
    counter_key = bytes.fromhex(cards.order("stopped").counter_key.read_text())
    with file_reader(card.path, os.urandom)() as (terminal, _):
        terminal.set_status(1, counter_key)
    holder = Holder(card)
    refused(holder.asked(), "card-refused")
    assert holder.heard == []


class Holder:
    """Whoever sits before the helper, and what it has shown of the card."""

    def __init__(self, card: Issued, pin: str = "") -> None:
        self.pin, self.heard = pin or card.pin, list[Problem]()
        self.helper = Helper(ISSUER, 8471, card.signer, lambda _: self.pin, lambda: 0, self.heard.append)

    def asked(self) -> Answer:
        """What the page gets."""
        challenge = Challenge(ISSUER, CHILDCARE, bytes(32), 0, "ログイン / log in", b"")
        body = json.dumps({"challenge": b64encode(encode(challenge)).decode()}).encode()
        headers = {"origin": ISSUER, "host": "127.0.0.1:8471", "content-type": "application/json"}
        return asyncio.run(http(self.helper.app, "POST", "/sign", headers, body))
