"""The registry vouches for residents towards the certificate authority, and tells it when a life or a card changes.

The authority gets a random name, a last day, and for a signature certificate its items; never a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.authority import EVENTS, Event, Events
from kakine.contracts.call import Nothing, Role
from kakine.contracts.registry import CardNews, CardReport, LossCode, LostByCode, Subject, Vouch, Vouched
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import SealKey
from kakine.parties.registry import store, vouched
from kakine.parties.registry.checks import require_town
from kakine.parties.registry.numbering import Desk
from kakine.parties.registry.residents import find_by_number
from kakine.parties.registry.store import Person, State
from kakine.protocols.gazette import LawBook
from kakine.protocols.matching import Sex
from kakine.protocols.validity import (
    SIGNATURE_FROM,
    age_on,
    birth_text,
    card_until,
    certificate_until,
    end_of_day_s,
)
from kakine.runtime.database import Connection
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.calendar import in_japan
from kakine.values.certificates import Use
from kakine.values.identifiers import IndividualNumber
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable, PartyUnknown, Problem, VoucherRefused
from kakine.wire.voucher import Voucher, sealed

_SEX = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.OPEN: "9"}
"""As the real profile writes it."""


@dataclass(frozen=True)
class Vouching:
    """The registry's duties towards counters and authority about certificates."""

    desk: Desk
    identity: Identity
    law: LawBook
    peers: Peers
    clock: Clock

    async def vouch(self, caller: PartyName, asked: Vouch) -> Vouched:
        """Vouch for a resident of the calling municipality.

        Raises PersonUnknown, NumberRetired, PersonDeceased, NotTheirMunicipality, DateOutside (card or stay is over);
        VoucherRefused for somebody who lives abroad, a signature certificate under fifteen, another purpose;
        PartyUnavailable while the authority has not heard the last news of the person; Suspended where the caller is.
        Not checked: that the person stands at the counter, which is the clerk's duty.
        """
        self._require_not_suspended(caller)
        person = self._resident(caller, asked.subject)
        await self.deliver()
        fresh, use = self.desk.entropy(16), self.desk.entropy(16)

        def work(db: Connection) -> Voucher:
            known = vouched.name(db, person.id, fresh)
            if vouched.waits(db, known):
                raise PartyUnavailable()
            return self._voucher(person, known, use, asked)

        voucher = await self.desk.db.write(work)
        authority = self._authority()
        law = self.law.in_force(self.clock())
        to = SealKey(law.party(authority).seal_key)
        return Vouched(sealed(voucher, self.identity.signing, to))

    async def card(self, caller: PartyName, asked: CardReport) -> Nothing:
        """A holder's word on the card: loss suspends, for a day; a find releases; giving up revokes.

        Raises PersonUnknown, NumberRetired, PersonDeceased, NotTheirMunicipality; and Suspended where the caller is,
        but for a loss: that only protects, and who has lost a card there must not wait.
        """
        if asked.news is not CardNews.LOST:
            self._require_not_suspended(caller)
        person = self._resident(caller, asked.subject)
        marked = digest("card-report", asked.key)
        await self.desk.db.write(lambda db: vouched.note_card(db, person, marked, asked.news))
        await self.deliver()
        return Nothing()

    async def loss_code(self, caller: PartyName, asked: LossCode) -> Nothing:
        """Take the digest of a code that the counter has printed; the one before is void.

        Raises as `card`. Not checked: that the person stands there, which is the clerk's duty.
        """
        self._require_not_suspended(caller)
        person = self._resident(caller, asked.subject)
        await self.desk.db.write(lambda db: vouched.put_loss_code(db, person.id, asked.code))
        return Nothing()

    async def lost_by_code(self, caller: PartyName, asked: LostByCode) -> Nothing:
        """A code was said at the telephone of any municipality: suspend, for a day. Nobody is named, also not back.

        Raises LossCodeUnknown. A card that is found again is released at the person's own counter only. A caller that
        is suspended may pass it on: the code is the person's word, not the caller's.
        """
        marked = digest("card-report", asked.key)

        def work(db: Connection) -> None:
            person = store.find_person(db, vouched.by_loss_code(db, asked.code))
            assert person is not None  # noqa: S101 - the code names one
            vouched.note_card(db, person, marked, CardNews.LOST)

        await self.desk.db.write(work)
        await self.deliver()
        return Nothing()

    async def deliver(self) -> None:
        """Tell the authority what it has to be told, in order. What cannot be told now waits for the next time."""
        while True:
            events = vouched.waiting(self.desk.db.read())
            if not events:
                return
            try:
                await self.peers.ask(self._authority(), EVENTS, Events(events))
            except Problem as fault:
                if fault.status < 500:
                    raise
                return
            await self._told(events)

    async def _told(self, events: Sequence[Event]) -> None:
        await self.desk.db.write(lambda db: vouched.sent(db, events))

    def _authority(self) -> PartyName:
        found = self.law.in_force(self.clock()).with_role(Role.AUTHORITY)
        if not found:
            raise PartyUnknown()
        return found[0]

    def _require_not_suspended(self, caller: PartyName) -> None:
        now_ms = self.clock()
        self.law.in_force(now_ms).require_not_suspended(now_ms, caller)

    def _resident(self, caller: PartyName, subject: Subject) -> Person:
        law, db = self.law.in_force(self.clock()), self.desk.db.read()
        # First: another order would tell whoever is no municipality that somebody has this number.
        town = law.municipality(caller)
        person = store.find_person(db, find_by_number(db, IndividualNumber(subject.number), subject.birth))
        assert person is not None  # noqa: S101 - it was just found
        require_town(person, town)
        return person

    def _voucher(self, person: Person, known: bytes, use: bytes, asked: Vouch) -> Voucher:
        today = in_japan(self.clock()).date()
        if person.state is not State.RESIDENT or asked.purpose not in (Use.AUTHENTICATION, Use.SIGNATURE):
            raise VoucherRefused()
        signs = asked.purpose == Use.SIGNATURE
        if signs and age_on(person.birth, today) < SIGNATURE_FROM:
            raise VoucherRefused()
        card = asked.card_until or card_until(person.birth, today, asked.stay_until)
        until = certificate_until(person.birth, today, card, asked.stay_until)
        return Voucher(
            use,
            known,
            asked.purpose,
            person.version,
            str(person.municipality),
            self.clock(),
            end_of_day_s(until),
            _items(person) if signs else (),
        )


def _items(person: Person) -> tuple[str, ...]:
    """The items of a signature certificate. No character is substituted here, so all flags are 0."""
    name, address = person.name, person.address or ""
    born = birth_text(person.birth)
    return (name, "0" * len(name), _SEX[person.sex], born, address, "0" * len(address))
