"""A town's counter for cards: has a card's key certified for a resident who stands there, and takes reports of loss."""

from __future__ import annotations

from datetime import date

from kakine.contracts.authority import CERTIFY, Certified, Certify
from kakine.contracts.registry import (
    CARD,
    ENTER,
    LOSS_CODE,
    LOST_BY_CODE,
    VOUCH,
    CardNews,
    CardReport,
    Enter,
    Entry,
    LossCode,
    LostByCode,
    Numbered,
    Subject,
    Vouch,
)
from kakine.protocols.logins import loss_digest, paper_code
from kakine.protocols.matching import Sex
from kakine.runtime.http import Peers
from kakine.values.certificates import Profile
from kakine.values.labels import PartyName
from kakine.values.problems import EntryNotTaken

_TEST_DAY = date(1990, 2, 3)


class CardCounter:
    """The counter of the town whose road `peers` is."""

    def __init__(self, peers: Peers, registry: PartyName, authority: PartyName) -> None:
        self._peers = peers
        self._registry = registry
        self._authority = authority

    async def certify(
        self, subject: Subject, profile: Profile, request: bytes, *, stay_until: date | None = None
    ) -> Certified:
        """A certificate for the key of a request (PKCS#10, DER). Raises what registry and authority refuse with.

        The number goes to the registry and no further; the authority gets the registry's sealed voucher.
        """
        voucher = await self.vouched(subject, profile, stay_until=stay_until)
        return await self.submit(profile, request, voucher)

    async def vouched(self, subject: Subject, profile: Profile, *, stay_until: date | None = None) -> bytes:
        """The registry's sealed voucher, good for ten minutes. Raises what the registry refuses with."""
        asked = Vouch(subject, profile.use.value, stay_until=stay_until)
        return (await self._peers.ask(self._registry, VOUCH, asked)).voucher

    async def submit(self, profile: Profile, request: bytes, voucher: bytes) -> Certified:
        """A certificate under a voucher; the same again gives the same. Raises what the authority refuses with."""
        return await self._peers.ask(self._authority, CERTIFY, Certify(profile.value, request, voucher))

    async def report(self, subject: Subject, news: CardNews, key: bytes) -> None:
        """Pass on that a card was lost or found, or is given up. `key` is 16 random bytes, the same for a repeat."""
        await self._peers.ask(self._registry, CARD, CardReport(key, subject, news))

    async def loss_code(self, subject: Subject, random: bytes) -> str:
        """A code to print for whoever stands there, by which a card can be reported lost from any telephone; the one
        before is void. `random` is `PAPER_BYTES` random bytes."""
        code = paper_code(random)
        await self._peers.ask(self._registry, LOSS_CODE, LossCode(subject, loss_digest(code)))
        return code

    async def lost_by_code(self, code: str, key: bytes) -> None:
        """At the telephone: pass on that the card of whoever has this code is lost. Raises `LossCodeUnknown`."""
        await self._peers.ask(self._registry, LOST_BY_CODE, LostByCode(key, loss_digest(code)))

    async def test_resident(self) -> Subject:
        """A made-up resident for test certificates, entered once however often this is called."""
        key = b"test certificate"
        entry = Entry(key, "試験　垣根", "シケン　カキネ", _TEST_DAY, Sex.OPEN, key, _TEST_DAY, "試験町1番地")
        (outcome,) = (await self._peers.ask(self._registry, ENTER, Enter([entry]))).outcomes
        if not isinstance(outcome, Numbered):
            raise EntryNotTaken(problem=outcome.problem)
        return Subject(outcome.number, _TEST_DAY)
