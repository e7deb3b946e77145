"""A town's counter for tests: residents are entered and certified over real calls, and verifiers download.

with Counter.opened(tmp_path) as counter:
    card = counter.certified(Profile.AUTHENTICATION)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from kakine.contracts.authority import (
    BATCHES,
    CERTIFY,
    CRL,
    LIST,
    PARTITIONS,
    ROOTS,
    STEPS,
    Certified,
    Certify,
    FromBatch,
    ListName,
    Partition,
    Since,
    WholeList,
)
from kakine.contracts.call import Nothing
from kakine.contracts.registry import (
    CARD,
    ENTER,
    REPORT,
    VOUCH,
    CardNews,
    CardReport,
    Change,
    Enter,
    Entry,
    Numbered,
    Report,
    Subject,
    Vouch,
)
from kakine.country import AUTHORITY, LOGS
from kakine.crypto import keys, x509, x509_issue
from kakine.crypto.keys import PrivateKey
from kakine.crypto.x509 import Certificate
from kakine.parties.authority.app import Authority
from kakine.parties.authority.roots import Roots
from kakine.protocols.issuance import Given, Opened, open_batches, open_roots
from kakine.protocols.logs import log_keys
from kakine.protocols.matching import Items
from kakine.protocols.status import Held, advance, open_head, open_list
from kakine.runtime.http import Peers
from kakine.values.certificates import Profile, Use
from kakine.values.labels import PartyName
from registry_office import HANAKO

from land import Land

TOWN = PartyName("yokohama")
REGISTRY = PartyName("registry")


@dataclass(frozen=True)
class Card:
    """A key with its certificate, and what the counter was answered."""

    key: PrivateKey
    request: bytes
    certified: Certified

    @property
    def der(self) -> bytes:
        return self.certified.certificate


class Counter:
    """A country, a clerk of Yokohama, and a verifier."""

    def __init__(self, land: Land) -> None:
        self.land = land
        self.number = self.enter(HANAKO)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[Counter]:
        land = Land(folder / "land")
        counter = cls(land)
        try:
            yield counter
        finally:
            counter.land.close()

    def reopened(self) -> None:
        self.land = self.land.reopened()

    @property
    def authority(self) -> Authority:
        return self.land.country.authority

    def set_up(self, **changed: Any) -> None:
        """The same authority under other settings."""
        old = self.authority.office
        settings = msgspec.structs.replace(old.settings, **changed)
        roots = Roots(settings, old.db, old.clock, old.entropy)
        anew = Authority(replace(old, settings=settings, roots=roots), LOGS)
        self.land.country.authority = anew
        self.land.country.apps[AUTHORITY] = anew.app

    @property
    def now_s(self) -> int:
        return self.land.clock() // 1000

    def peers(self, caller: str = TOWN) -> Peers:
        return self.land.country.peers(caller)

    def enter(self, items: Items, town: str = TOWN) -> str:
        entry = Entry(
            self.land.entropy(16),
            items.name,
            items.kana,
            items.birth,
            items.sex,
            bytes(16),
            items.birth,
            items.address,
        )
        (outcome,) = self.land.run(self.peers(town).ask(REGISTRY, ENTER, Enter([entry]))).outcomes
        assert isinstance(outcome, Numbered), outcome
        return outcome.number

    def report(self, change: Change, number: str = "", birth: date = HANAKO.birth, town: str = TOWN) -> None:
        subject = Subject(number or self.number, birth)
        asked = Report(self.land.entropy(16), subject, date(2026, 1, 5), change)
        self.land.run(self.peers(town).ask(REGISTRY, REPORT, asked))

    def card_news(self, news: CardNews, number: str = "") -> None:
        asked = CardReport(self.land.entropy(16), Subject(number or self.number, HANAKO.birth), news)
        self.land.run(self.peers().ask(REGISTRY, CARD, asked))

    def vouched(
        self,
        use: Use | str,
        number: str = "",
        birth: date = HANAKO.birth,
        stay_until: date | None = None,
    ) -> bytes:
        asked = Vouch(Subject(number or self.number, birth), str(use), stay_until=stay_until)
        return self.land.run(self.peers().ask(REGISTRY, VOUCH, asked)).voucher

    def certify(self, profile: str, request: bytes, voucher: bytes, caller: str = TOWN) -> Certified:
        return self.land.run(self.peers(caller).ask(AUTHORITY, CERTIFY, Certify(profile, request, voucher)))

    def certified(self, profile: Profile, number: str = "", birth: date = HANAKO.birth) -> Card:
        key = keys.generate(profile.algorithm)
        request = x509_issue.request(key, "card")
        voucher = self.vouched(profile.use, number, birth)
        return Card(key, request, self.certify(profile, request, voucher))

    def publish(self) -> None:
        self.land.run(self.authority.publish())

    def roots(self) -> list[tuple[Profile, bytes]]:
        given = self.land.run(self.peers("portal").ask(AUTHORITY, ROOTS, Nothing()))
        key = self.land.country.identities[AUTHORITY].signing.public
        return open_roots(given.roots, given.signature, key)

    def read(self, card: Card, use: Use) -> Certificate:
        return x509.verify(card.der, self.roots(), use, self.now_s)

    def tokens(self, uri: str) -> WholeList:
        return self.land.run(self.peers("portal").ask(AUTHORITY, LIST, ListName(uri)))

    def held(self, uri: str) -> Held:
        return open_list(self.tokens(uri).token, uri, self.roots(), self.now_s)

    def advanced(self, held: Held) -> Held:
        given = self.land.run(self.peers("portal").ask(AUTHORITY, STEPS, Since(held.uri, held.version)))
        return advance(held, given.steps, open_head(given.head, held.uri, self.roots(), self.now_s))

    def crl(self, profile: Profile, partition: str = "") -> bytes:
        peers = self.peers("portal")
        known = self.land.run(peers.ask(AUTHORITY, PARTITIONS, Nothing())).partitions
        names = [each.partition for each in known if each.kind == profile.value]
        wanted = Partition(profile.value, partition or names[0])
        return self.land.run(peers.ask(AUTHORITY, CRL, wanted)).crl

    def given(self) -> list[Given]:
        found = self.land.run(self.peers("portal").ask(AUTHORITY, BATCHES, FromBatch(1))).batches
        return [Given(b.batch, b.signature, b.leaves, b.entry, b.first, b.proof, b.checkpoint) for b in found]

    def batches(self, given: Sequence[Given] | None = None) -> list[Opened]:
        law = self.land.country.book("portal").in_force(self.land.clock())
        keys_of_logs = log_keys(law, LOGS)
        return open_batches(
            self.given() if given is None else given, law.signing_key(AUTHORITY), keys_of_logs
        )
