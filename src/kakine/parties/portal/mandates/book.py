"""Making, showing, using and ending mandates, for two people who are at the portal themselves or at a counter."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kakine.contracts.portal import SealedHistory
from kakine.crypto.sealing import SealKey
from kakine.parties.portal.acts import shield
from kakine.parties.portal.mandates import store
from kakine.parties.portal.mandates.ended import Ended
from kakine.parties.portal.mandates.store import Kept, Mandate, Store
from kakine.protocols.gazette import LawBook
from kakine.protocols.logins import PAPER_BYTES, REPRESENTED, paper_code, paper_digest
from kakine.protocols.mandates import NEVER, require_fit, require_standing, require_time
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    DelegateCodeUnknown,
    MandateNotInForce,
    MandateUnfit,
    RecordRefused,
    ScopeNotAllowed,
)
from kakine.wire.decision import Decision, MandateEnded, MandateGiven
from kakine.wire.gazette import Client
from kakine.wire.mandate import Basis, Shown, Terms

STANDBY_MS = 3_600_000
"""How long a code is good that a delegate draws at the portal."""
MOST_GIVEN = 16
"""Mandates of one principal at a time."""
MOST_CALLED = 40
"""Characters of a name."""
REPRESENTING = "representing"
"""What the record of a delegate's own login says."""


class Outside(Protocol):
    """What the portal does for a mandate outside its store (`parties.portal.app`)."""

    async def subject(
        self, account: bytes, to: DomainName, scopes: tuple[str, ...], mark: bytes = b""
    ) -> str:
        """Under what name the relying party knows the person."""
        ...

    async def attributes(self, account: bytes, items: tuple[str, ...]) -> Mapping[str, Any]:
        """What the registry says."""
        ...

    async def decide(self, account: bytes, decision: Decision) -> None:
        """File a decision in the own list, and again after a crash."""
        ...

    async def decide_unkept(self, account: bytes, decision: Decision) -> None:
        """The same for one that names a relying party: nothing of it may be on the portal's disk."""
        ...

    async def read_history(
        self, account: bytes, session: SealKey, said: tuple[str, ...] = (), mark: bytes = b""
    ) -> SealedHistory:
        """The own list, sealed to the session; the view stands in it."""
        ...


@dataclass(frozen=True)
class Represented:
    """A login by a delegate, as the relying party will hear of it. `bucket`: see `Ended`."""

    sub: str
    act: str
    basis: Basis
    claims: Mapping[str, Any]
    bucket: int


@dataclass(frozen=True)
class Listed:
    """A mandate as its own people see it at the portal. `mark` tells the principal its uses in the own history
    (`protocols.mandates.use_mark`); the delegate has none."""

    shown: Shown
    mark: bytes


class Mandates:
    """All mandates of one portal. Who an account belongs to is settled by the caller: a visit, or a counter's word."""

    def __init__(
        self, db: Database, identity: Identity, law: LawBook, clock: Clock, entropy: Entropy, outside: Outside
    ) -> None:
        self.ended = Ended(clock, entropy)
        self._db = db
        self._store = Store(identity.opening)
        self._law = law
        self._clock = clock
        self._entropy = entropy
        self._outside = outside

    # --- making ---------------------------------------------------------------------------------------------

    async def stand_by(self, account: bytes) -> str:
        """A code for somebody who is willing to act for whoever names it, good for an hour and one mandate. Whoever
        has it can see the registered name and give the account powers, and nothing else. Raises `MandateUnfit` where
        the registry says no name."""
        called, now_ms = await self._registered(account), self._clock()
        code = paper_code(self._entropy(PAPER_BYTES))
        until_ms = now_ms + STANDBY_MS
        await self._db.write(lambda db: self.name(db, account, paper_digest(code), called, until_ms))
        return code

    def name(self, db: Connection, account: bytes, code: bytes, called: str, until_ms: int) -> None:
        """In the caller's transaction: whoever names the code with this digest means this account, called so."""
        self._store.stand_by(db, code, account, seen(called), until_ms, self._clock())

    def called(self, code: str) -> str:
        """Whom a code names, by the registry's or a clerk's word, to be read before a mandate is given. Raises
        `DelegateCodeUnknown`."""
        return self._store.standing_by(self._db.read(), paper_digest(code), self._clock())[1]

    async def give(self, account: bytes, code: str, terms: Terms) -> bytes:
        """The number of a new mandate that the principal gives by the own will, and which waits until `begin`. The
        decision is filed in the own list first. Raises `MandateUnfit`, `DelegateCodeUnknown`, and the problem of
        whoever refused to file."""
        if terms.basis is not Basis.PROXY:
            raise MandateUnfit(
                what="basis"
            )  # a right that is not the principal's to give is shown at a counter
        own, hashed = await self._registered(account), paper_digest(code)
        made = replace(self._fit(self._db.read(), account, hashed, own, terms, cleared=False), waits=True)
        decision = MandateGiven(made.number, made.kept.delegate, terms, made.kept.mark)
        await self._outside.decide_unkept(account, decision)

        def work(db: Connection) -> bytes:
            again = self._fit(db, account, hashed, own, terms, cleared=False)
            if (again.delegate, again.kept.delegate) != (made.delegate, made.kept.delegate):
                raise DelegateCodeUnknown()
            self._store.add(db, made, hashed, self._clock())
            return made.number

        return await self._db.write(work)

    def require_waiting(self, db: Connection, account: bytes, number: bytes) -> None:
        """Raises `MandateNotInForce` unless there is such a mandate of this principal, which waits."""
        row = self._store.find(db, number)
        if row.principal != account or not row.waits:
            raise MandateNotInForce()

    def begin(self, db: Connection, number: bytes) -> None:
        """It has waited. Nothing happens where it has ended."""
        store.begin(db, number)

    def undo(self, db: Connection, number: bytes) -> None:
        """As if it had not been given; logins under way by it get no further."""
        store.drop(db, number)
        self.ended.note(number)

    async def withdraw(self, number: bytes) -> None:
        """The same, where the act could not be asked for."""
        await self._db.write(lambda db: self.undo(db, number))

    def appoint(
        self,
        db: Connection,
        principal: bytes,
        code: bytes,
        called: str,
        terms: Terms,
        *,
        cleared: bool,
    ) -> bytes:
        """In the caller's transaction, by a counter's word: the number of a mandate of `principal`, called so, for
        whoever stands by. Raises `MandateUnfit`, `DelegateCodeUnknown`."""
        made = self._fit(db, principal, code, called, terms, cleared=cleared)
        self._store.add(db, made, code, self._clock())
        return made.number

    def _fit(
        self,
        db: Connection,
        principal: bytes,
        code: bytes,
        called: str,
        terms: Terms,
        *,
        cleared: bool,
    ) -> Mandate:
        now_ms = self._clock()
        require_fit(terms, [client.id for client in self._law.in_force(now_ms).gazette.clients], now_ms)
        delegate, other = self._store.standing_by(db, code, now_ms)
        if delegate == principal or store.count_given(db, principal) >= MOST_GIVEN:
            raise MandateUnfit(what="people")
        kept = Kept(terms, seen(called), other, self._entropy(16), now_ms if cleared else 0)
        return Mandate(self._entropy(PAPER_BYTES), principal, delegate, kept, waits=False)

    async def _registered(self, account: bytes) -> str:
        said = await self._outside.attributes(account, ("name",))
        if "name" not in said:
            raise MandateUnfit(what="name")
        return str(said["name"]["name"][:MOST_CALLED])

    # --- seeing and ending ----------------------------------------------------------------------------------

    def listed(self, account: bytes) -> list[Listed]:
        """All that this account has given and holds."""
        return [
            Listed(_shown(row, account), row.kept.mark if row.principal == account else b"")
            for row in self._store.of(self._db.read(), account, self._clock())
        ]

    def shown(self, db: Connection, account: bytes) -> list[Shown]:
        """The same for a counter, as the caller's transaction has it."""
        return [_shown(row, account) for row in self._store.of(db, account, self._clock())]

    def key_of(self, party: PartyName) -> SealKey:
        """To which an answer with names is sealed."""
        return self._law.in_force(self._clock()).seal_key(party)

    def usable(self, account: bytes, client: str) -> list[Shown]:
        """Those that it holds and may use at this relying party now."""
        now_ms = self._clock()
        shown = self.shown(self._db.read(), account)
        terms = [each for each in shown if not each.given and client in each.terms.clients]
        return [each for each in terms if each.terms.from_ms <= now_ms and not each.waits]

    async def end(self, account: bytes, number: bytes) -> None:
        """By either of the two, at once and for good; that stands in the own list afterwards. Raises
        `MandateNotInForce` for anybody else's, and the problem of whoever refused to file: it has ended even so."""
        await self._db.write(lambda db: self.finish(db, account, number))
        await self._outside.decide(account, MandateEnded(number))

    def finish(self, db: Connection, account: bytes, number: bytes) -> None:
        """In the caller's transaction: the mandate of this number, or of no number all that were given, has ended."""
        if number:
            ending = [self._store.find(db, number)]
        else:
            ending = [row for row in self._store.of(db, account, self._clock()) if row.principal == account]
        if any(account not in (row.principal, row.delegate) for row in ending):
            raise MandateNotInForce()
        for row in ending:
            self.undo(db, row.number)

    def halt(self, db: Connection, account: bytes) -> None:
        """In the caller's transaction: logins under way by mandates of this principal get no further, and those of the
        own show no place any more (`login.granting.opened`). The mandates stay."""
        for row in self._store.of(db, account, self._clock()):
            if row.principal == account:
                self.ended.note(row.number)
        self.ended.note(account)

    # --- using ----------------------------------------------------------------------------------------------

    async def represent(
        self, account: bytes, number: bytes, client: Client, scopes: tuple[str, ...]
    ) -> Represented:
        """A delegate, logged in as himself, acts for the principal at this relying party.

        Makes three exchanges, none of which is kept: the registry says whether the principal may be represented, the
        relying party's domain by which names it knows the two. Raises `MandateNotInForce`, `ScopeNotAllowed`, and the
        problem of whoever refused.
        """
        if NEVER & set(scopes):
            raise ScopeNotAllowed()
        self._usable(account, number, client)
        said = await self._checked(account, number, scopes)
        row = self._usable(account, number, client)
        to, basis = DomainName(client.domain), row.kept.terms.basis
        act = await self._outside.subject(account, to, (REPRESENTING,))
        row = self._usable(account, number, client)
        sub = await self._outside.subject(
            row.principal, to, (*scopes, REPRESENTED, basis.value), row.kept.mark
        )
        self._usable(account, number, client)
        claims = {item: value for item, value in said.items() if item != REPRESENTED}
        return Represented(sub, act, basis, claims, self.ended.bucket(number))

    async def read_history(self, account: bytes, number: bytes, session: SealKey) -> SealedHistory:
        """The principal's list, for a delegate whose mandate names it; that it was viewed by a delegate, and under
        which mandate, stands in it. Raises as `represent`."""
        self._reader(account, number)
        await self._checked(account, number, ())
        row = self._reader(account, number)
        said = REPRESENTED, row.kept.terms.basis.value
        return await self._outside.read_history(row.principal, session, said, row.kept.mark)

    def require_reader(self, account: bytes, number: bytes) -> str:
        """How the principal is called whose history this mandate opens to its delegate. Raises `MandateNotInForce`.
        Whether there is protection is asked when it is read, not here."""
        return self._reader(account, number).kept.principal

    def _usable(self, account: bytes, number: bytes, client: Client) -> Mandate:
        row = self._in_time(account, number)
        if client.id not in row.kept.terms.clients or REPRESENTED not in client.scopes:
            raise MandateNotInForce()
        return row

    def _reader(self, account: bytes, number: bytes) -> Mandate:
        row = self._in_time(account, number)
        if not row.kept.terms.history:
            raise MandateNotInForce()
        return row

    def _in_time(self, account: bytes, number: bytes) -> Mandate:
        row = self._store.find(self._db.read(), number)
        if row.delegate != account or row.waits:
            raise MandateNotInForce()
        since_ms = shield.raised_ms(self._db.read(), row.principal)
        if since_ms is not None and since_ms >= row.kept.cleared_ms:
            raise MandateNotInForce()
        require_time(row.kept.terms, self._clock())
        return row

    async def _checked(self, account: bytes, number: bytes, items: Sequence[str]) -> Mapping[str, Any]:
        """What the registry says of the principal, who may be represented as of now."""
        row = self._in_time(account, number)
        try:
            said = await self._outside.attributes(row.principal, (*items, REPRESENTED))
        except RecordRefused as refusal:  # the code has ended: a death
            raise MandateNotInForce() from refusal
        require_standing(row.kept.terms, row.kept.cleared_ms, said.get(REPRESENTED))
        return said


def seen(called: str) -> str:
    """A name without characters that nobody sees; `MandateUnfit` for one with them, or too long."""
    if not 1 <= len(called) <= MOST_CALLED or any(
        unicodedata.category(each).startswith("C") for each in called
    ):
        raise MandateUnfit(what="name")
    return called


def _shown(row: Mandate, account: bytes) -> Shown:
    given = row.principal == account
    return Shown(
        row.number, given, row.kept.delegate if given else row.kept.principal, row.kept.terms, row.waits
    )
