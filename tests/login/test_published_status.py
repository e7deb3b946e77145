"""The portal downloads what all verifiers download: at its own times, whole, and never an older thing again."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from starlette.types import Message, Receive, Scope, Send

from counter import Counter
from kakine.clients.standing import PublishedStatus
from kakine.contracts.authority import LIST, ROOTS, STEPS, SignedRoots
from kakine.country import AUTHORITY, REGISTRY
from kakine.crypto import keys, x509_issue
from kakine.crypto.hashing import digest
from kakine.crypto.x509 import read
from kakine.protocols.issuance import ROOTS_LABEL
from kakine.protocols.status import uri_of
from kakine.values.certificates import Profile
from kakine.values.problems import (
    CertificateForged,
    CertificateRevoked,
    PartyUnavailable,
    SignatureInvalid,
    StatusListInvalid,
    StatusListStale,
    StatusListUnknown,
)
from kakine.wire.canonical import encode
from kakine.wire.issuance import Root, RootList
from road import away, instead, recorded


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("published")) as opened:
        yield opened


def verifier(counter: Counter) -> PublishedStatus:
    """One that has nothing yet."""
    country = counter.land.country
    return PublishedStatus(counter.peers("portal"), AUTHORITY, country.book("portal"), counter.land.clock)


def refreshed(counter: Counter, standing: PublishedStatus) -> None:
    counter.land.run(standing.refresh())


def test_a_certificate_stands_until_it_is_revoked(counter: Counter) -> None:
    card, standing = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    counter.publish()
    refreshed(counter, standing)
    standing.check(card.der, counter.land.clock())
    counter.land.run(counter.authority.revoke(read(card.der).serial))
    counter.publish()
    standing.check(card.der, counter.land.clock())
    refreshed(counter, standing)
    with pytest.raises(CertificateRevoked):
        standing.check(card.der, counter.land.clock())


def test_checking_calls_nobody_and_downloading_names_nobody(counter: Counter) -> None:
    """The calls are the same bytes with no card in the country's sight and with any."""
    card, standing = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    counter.publish()
    refreshed(counter, standing)
    with recorded() as before:
        refreshed(counter, standing)
    with recorded() as checks:
        for _ in range(5):
            standing.check(card.der, counter.land.clock())
    with recorded() as after:
        refreshed(counter, standing)
    assert checks == []
    assert [(each.path, each.body) for each in before] == [(each.path, each.body) for each in after]


def test_before_the_first_download_and_for_a_list_it_has_not_nobody_is_asked(counter: Counter) -> None:
    card, standing = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    with recorded() as passages, pytest.raises(CertificateForged):
        standing.check(card.der, counter.land.clock())
    counter.publish()
    refreshed(counter, standing)
    del standing._held[uri_of(Profile.AUTHENTICATION, 1)]
    with recorded() as more, pytest.raises(StatusListUnknown):
        standing.check(card.der, counter.land.clock())
    assert (passages, more) == ([], [])


def test_steps_are_fetched_and_lead_to_what_the_whole_list_says(counter: Counter) -> None:
    uri, standing = uri_of(Profile.AUTHENTICATION, 1), verifier(counter)
    card = counter.certified(Profile.AUTHENTICATION)
    counter.publish()
    refreshed(counter, standing)
    counter.land.run(counter.authority.revoke(read(card.der).serial))
    counter.publish()
    with recorded() as passages:
        refreshed(counter, standing)
    assert [each.path for each in passages if each.path in (LIST.path, STEPS.path)] == [STEPS.path]
    assert standing.held[uri] == counter.held(uri)


def test_who_was_away_for_longer_than_steps_are_kept_fetches_the_whole(counter: Counter) -> None:
    uri, standing = uri_of(Profile.AUTHENTICATION, 1), verifier(counter)
    counter.publish()
    refreshed(counter, standing)
    for _ in range(98):
        counter.land.clock.advance(901)
        counter.publish()
    with recorded() as passages:
        refreshed(counter, standing)
    assert LIST.path in [each.path for each in passages]
    assert standing.held[uri] == counter.held(uri)


def test_a_list_is_good_for_an_hour_and_then_for_nothing(counter: Counter) -> None:
    card, standing = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    counter.publish()
    refreshed(counter, standing)
    with away(counter.land.country, AUTHORITY), pytest.raises(PartyUnavailable):
        refreshed(counter, standing)
    standing.check(card.der, counter.land.clock())
    counter.land.clock.advance(3601)
    with pytest.raises(StatusListStale):
        standing.check(card.der, counter.land.clock())


class Older:
    """The authority as it was: every answer of a while ago."""

    def __init__(self, counter: Counter, standing: PublishedStatus) -> None:
        self._app = counter.land.country.apps[AUTHORITY]
        self.answers: dict[str, list[Message]] = {}
        self.replay = False
        with instead(counter.land.country, AUTHORITY, self):
            refreshed(counter, standing)  # whole lists
            self.answers.clear()
            refreshed(counter, standing)  # steps, with the head of then
        self.replay = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self.replay:
            for message in self.answers[path]:
                await send(message)
            return

        async def kept(message: Message) -> None:
            self.answers.setdefault(path, []).append(message)
            await send(message)

        await self._app(scope, receive, kept)


def test_an_older_list_is_not_taken_again(counter: Counter) -> None:
    """A lost card does not stand again because somebody shows the list of before."""
    card, first = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    counter.publish()
    old, standing = Older(counter, first), verifier(counter)
    counter.land.run(counter.authority.revoke(read(card.der).serial))
    counter.publish()
    refreshed(counter, standing)
    with instead(counter.land.country, AUTHORITY, old), pytest.raises(StatusListStale):
        refreshed(counter, standing)
    with pytest.raises(CertificateRevoked):
        standing.check(card.der, counter.land.clock())


class Changed:
    """The authority, with one byte of the answers to a call changed on their way."""

    def __init__(self, counter: Counter, path: str) -> None:
        self._app, self._path = counter.land.country.apps[AUTHORITY], path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def turned(message: Message) -> None:
            body = message.get("body")
            if scope["path"] == self._path and isinstance(body, bytes) and len(body) > 200:
                middle = len(body) // 2
                message = {**message, "body": body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]}
            await send(message)

        await self._app(scope, receive, turned)


@pytest.mark.parametrize("path", ["/v1/certificates/roots", "/v1/status/list", "/v1/status/steps"])
def test_what_was_changed_on_its_way_is_not_taken(counter: Counter, path: str) -> None:
    card, standing = counter.certified(Profile.AUTHENTICATION), verifier(counter)
    counter.publish()
    if path == STEPS.path:
        refreshed(counter, standing)
    before = dict(standing.held)
    wrong = (SignatureInvalid, StatusListInvalid, PartyUnavailable)
    with instead(counter.land.country, AUTHORITY, Changed(counter, path)), pytest.raises(wrong):
        refreshed(counter, standing)
    assert standing.held == before
    refreshed(counter, standing)
    standing.check(card.der, counter.land.clock())


class Giving:
    """The authority, with roots of somebody's own: well formed, and signed by somebody else."""

    def __init__(self, counter: Counter) -> None:
        self._app, key = counter.land.country.apps[AUTHORITY], keys.generate(Profile.AUTHENTICATION.algorithm)
        now_s = counter.land.clock() // 1000
        root = x509_issue.root(Profile.AUTHENTICATION, key, 1 << 100, now_s - 10, now_s + 10**8)
        listed = encode(RootList((Root(Profile.AUTHENTICATION.value, root),)))
        other = counter.land.country.identities[REGISTRY.party].signing
        signature = other.sign(ROOTS_LABEL, digest(ROOTS_LABEL, listed))
        self._answer = msgspec.msgpack.encode(SignedRoots(listed, signature))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def given(message: Message) -> None:
            body = scope["path"] == ROOTS.path and message["type"] == "http.response.body"
            await send({**message, "body": self._answer} if body else message)

        await self._app(scope, receive, given)


def test_roots_that_the_authority_has_not_signed_are_not_taken(counter: Counter) -> None:
    standing = verifier(counter)
    counter.publish()
    with instead(counter.land.country, AUTHORITY, Giving(counter)), pytest.raises(SignatureInvalid):
        refreshed(counter, standing)
    assert standing.held == {}


def test_one_list_that_does_not_verify_does_not_stop_the_others(counter: Counter) -> None:
    """Two profiles, two lists; the first is broken."""
    product = counter.certified(Profile.AUTHENTICATION)
    counter.certified(Profile.AUTHENTICATION_INTEROP)
    counter.publish()
    standing = verifier(counter)
    refreshed(counter, standing)
    assert len(standing.held) == 2
    first = next(iter(standing.held))
    held = dict(standing.held)
    standing._held = {first: type(held[first])(first, 10**6, 0, bytes(128))}
    with pytest.raises(StatusListStale):
        refreshed(counter, standing)
    assert len(standing.held) == 2
    del standing._held[first]
    refreshed(counter, standing)
    standing.check(product.der, counter.land.clock())
