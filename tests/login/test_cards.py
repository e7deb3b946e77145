"""Logging in by card: one challenge, one signature, of a certificate that stands, for this login at this provider."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from card_maker import PIN, Roots
from kakine.crypto.base64url import base64url
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.protocols.logins import challenge_digest
from kakine.values.problems import VoucherUnfit
from kakine.wire.canonical import decode, encode
from kakine.wire.login import Challenge
from login_site import CHILDCARE, INSURER, Answer, Browser, LoginSite


@dataclass
class Cards:
    """A login whose authority is `roots`; person 0 has been given `card`."""

    site: LoginSite
    roots: Roots
    card: KeyFile

    def browser(self, client: str = CHILDCARE, scope: str = "openid", **changed: str) -> Browser:
        browser, party = self.site.browser(), self.site.party(client)
        assert browser.authorize(client, party.pushed(scope, **changed)).status == 200
        return browser

    def give(self, card: KeyFile, j: int = 0) -> KeyFile:
        self.site.give_card(j, CardCertificate(card.certificate).digest)
        return card


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cards]:
    roots = Roots()
    with LoginSite.opened(tmp_path_factory.mktemp("cards") / "land", roots, people=2) as site:
        made = Cards(site, roots, roots.card(site.land.clock()))
        made.give(made.card)
        yield made


def challenged(browser: Browser) -> Challenge:
    answer = browser.post("/login/card/challenge")
    assert answer.status == 200, answer.body
    return decode(b64decode(answer.json["challenge"]), Challenge)


def shown(browser: Browser, card: KeyFile, challenge: Challenge) -> Answer:
    signature = card.sign(challenge_digest(challenge), PIN)
    return proved(browser, card.certificate, signature)


def proved(browser: Browser, certificate: bytes, signature: bytes) -> Answer:
    told = {"certificate": b64encode(certificate).decode(), "signature": b64encode(signature).decode()}
    return browser.post("/login/card", told)


def refused(answer: Answer, problem: str) -> None:
    assert (answer.status, answer.json["problem"]) == (403, problem), answer.body


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_card_logs_in(cards: Cards, kind: str) -> None:
    card = cards.give(cards.roots.card(cards.site.land.clock(), kind))
    browser = cards.browser()
    assert 'id="card"' in browser.authorize(CHILDCARE, cards.site.party().pushed()).text
    assert shown(browser, card, challenged(browser)).json == {"next": "/consent"}
    party = cards.site.party()
    tokens = party.redeem(browser.agree().said["code"]).json
    said = cards.site.office.key.public.claims(tokens["id_token"], "jwt")
    assert said["acr"] == "urn:kakine:acr:card"
    assert said["sub"] == cards.site.log_in(0).id_token["sub"]


def test_a_challenge_says_where_for_whom_and_why(cards: Cards) -> None:
    challenge = challenged(cards.browser())
    assert challenge.origin == cards.site.office.issuer
    assert challenge.client == CHILDCARE
    assert "横浜市 子育て申請" in challenge.purpose
    assert challenge.transaction == b""


def test_a_proof_serves_once(cards: Cards) -> None:
    browser = cards.browser()
    challenge = challenged(browser)
    signature = cards.card.sign(challenge_digest(challenge), PIN)
    assert proved(browser, cards.card.certificate, signature).status == 200
    refused(proved(browser, cards.card.certificate, signature), "interaction-unknown")
    refused(proved(cards.browser(), cards.card.certificate, signature), "card-proof-invalid")
    other = cards.browser()
    challenged(other)
    refused(proved(other, cards.card.certificate, signature), "card-proof-invalid")


def test_a_challenge_is_used_up_by_a_wrong_answer(cards: Cards) -> None:
    browser = cards.browser()
    challenge = challenged(browser)
    refused(proved(browser, cards.card.certificate, bytes(72)), "card-proof-invalid")
    refused(shown(browser, cards.card, challenge), "card-proof-invalid")


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://evil.example"},
        {"client": INSURER},
        {"nonce": bytes(32)},
        {"time_ms": 0},
        {"purpose": "something else"},
        {"transaction": bytes(32)},
    ],
)
def test_a_signature_over_any_other_field_is_refused(cards: Cards, changed: dict[str, object]) -> None:
    browser = cards.browser()
    challenge = challenged(browser)
    refused(shown(browser, cards.card, msgspec.structs.replace(challenge, **changed)), "card-proof-invalid")


def test_a_signature_over_the_bare_bytes_is_refused(cards: Cards) -> None:
    browser = cards.browser()
    bare = encode(challenged(browser))
    signature = cards.card.sign(bare[:32], PIN)
    refused(proved(browser, cards.card.certificate, signature), "card-proof-invalid")


def test_a_challenge_ends_after_two_minutes(cards: Cards) -> None:
    browser = cards.browser()
    challenge = challenged(browser)
    cards.site.land.clock.advance(121)
    refused(shown(browser, cards.card, challenge), "card-proof-invalid")


def test_forged_expired_revoked_and_document_certificates_are_refused(cards: Cards) -> None:
    now = cards.site.land.clock()
    revoked = cards.roots.card(now)
    cards.roots.revoke(revoked)
    expired = cards.roots.card(now, days=-1)
    documents = cards.roots.card(now, signs_documents=True)
    for card in (Roots().card(now), expired, documents, revoked):
        cards.give(card)
        browser = cards.browser()
        refused(shown(browser, card, challenged(browser)), "card-not-trusted")
    for rubbish in (b"", b"\x30\x03\x02\x01\x01", cards.card.certificate[:-1]):
        browser = cards.browser()
        challenged(browser)
        refused(proved(browser, rubbish, bytes(72)), "card-not-trusted")


def test_a_card_of_another_root_with_the_same_serial_is_another_card(cards: Cards) -> None:
    certificate = CardCertificate(cards.card.certificate)
    assert certificate.digest != CardCertificate(Roots("another").card(0).certificate).digest
    assert len(certificate.digest) == 32


def test_a_card_is_not_turned_to_another_account(cards: Cards) -> None:
    """Bound again for the same person it stays as it is; for another the desk is refused."""
    cards.give(cards.card)
    with pytest.raises(VoucherUnfit):
        cards.give(cards.card, 1)
    browser = cards.browser()
    assert shown(browser, cards.card, challenged(browser)).status == 200
    party = cards.site.party()
    told = cards.site.told(party, browser.agree().said["code"])
    assert told.id_token["sub"] == cards.site.log_in(0).id_token["sub"]


def test_a_card_that_no_counter_has_bound_opens_nothing(cards: Cards) -> None:
    card = cards.roots.card(cards.site.land.clock())
    browser = cards.browser()
    refused(shown(browser, card, challenged(browser)), "login-not-known")


def test_rubbish_instead_of_a_proof_is_malformed(cards: Cards) -> None:
    browser = cards.browser()
    for told in ({}, {"certificate": "é", "signature": ""}, {"certificate": "!", "signature": "!"}):
        assert browser.post("/login/card", told).json["problem"] == "login-request-malformed"


def test_a_transaction_is_approved_by_a_card_and_bound_to_its_digest(cards: Cards) -> None:
    transaction = base64url(b"\x07" * 32)
    browser = cards.browser(scope="openid sign", transaction_hash=transaction)
    challenge = challenged(browser)
    assert challenge.transaction == b"\x07" * 32
    assert "approve" in challenge.purpose
    assert shown(browser, cards.card, challenge).status == 200
    assert browser.agree().status == 400
    party = cards.site.party()
    tokens = party.redeem(browser.agree("sign").said["code"]).json
    said = cards.site.office.key.public.claims(tokens["id_token"], "jwt")
    assert (said["transaction_hash"], tokens["scope"]) == (transaction, "openid sign")


def test_who_asks_for_a_counter_takes_a_card(cards: Cards) -> None:
    browser = cards.browser(acr_values="urn:kakine:acr:counter")
    assert shown(browser, cards.card, challenged(browser)).status == 200
    browser = cards.browser(acr_values="urn:kakine:acr:passkey")
    assert browser.post("/login/card/challenge").json["problem"] == "interaction-unknown"


def test_the_store_has_no_certificate_and_no_serial(cards: Cards) -> None:
    digest = CardCertificate(cards.card.certificate).digest
    rows = cards.site.office.db.read().execute("SELECT * FROM login_card").fetchall()
    assert rows
    assert all(digest not in row and cards.card.certificate not in row for row in rows)


def test_a_card_alone_binds_no_passkey(cards: Cards) -> None:
    """Whoever has found it, with its PIN, would else have the second way of a step-up."""
    browser = cards.browser()
    assert shown(browser, cards.card, challenged(browser)).status == 200
    assert 'id="bind"' not in browser.get("/consent").text
    refused(browser.post("/passkey/options"), "step-up-needed")
    refused(browser.post("/passkey"), "step-up-needed")
