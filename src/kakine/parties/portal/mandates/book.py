"""Making, showing, using and ending mandates, for two people who are at the portal themselves or at a counter."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kakine.contracts.portal import SealedHistory
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import SealKey, open_sealed, seal
from kakine.parties.portal.mandates import store
from kakine.parties.portal.mandates.ended import Ended
from kakine.parties.portal.mandates.store import Mandate
from kakine.protocols.gazette import LawBook
from kakine.protocols.logins import PAPER_BYTES, REPRESENTED, paper_code, paper_digest
from kakine.protocols.mandates import NEVER, require_fit, require_standing, require_time
from kakine.runtime.database import Database
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import DomainName
from kakine.values.problems import MandateNotInForce, MandateUnfit, RecordRefused, ScopeNotAllowed
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
class Given:
    """A mandate as its principal sees it; `mark` tells its uses in the own history (`protocols.mandates.use_mark`)."""

    shown: Shown
    mark: bytes


class Mandates:
    """All mandates of one portal. Who an account belongs to is settled by the caller: a visit, or a counter's word."""

    def __init__(
        self, db: Database, identity: Identity, law: LawBook, clock: Clock, entropy: Entropy, outside: Outside
    ) -> None:
        self.ended = Ended(clock, entropy)
        self._db = db
        self._opening = identity.opening
        self._law = law
        self._clock = clock
        self._entropy = entropy
        self._outside = outside

    # --- making ---------------------------------------------------------------------------------------------

    async def stand_by(self, account: bytes) -> str:
        """A code for somebody who is willing to act for whoever names it, good for an hour and one mandate. Whoever
        has it can see the registered name and give the account powers, and nothing else. Raises `MandateUnfit` where
        the registry says no name."""
        said = await self._outside.attributes(account, ("name",))
        if "name" not in said:
            raise MandateUnfit(what="name")
        code, now_ms = paper_code(self._entropy(PAPER_BYTES)), self._clock()
        called = said["name"]["name"][:MOST_CALLED]
        until_ms = now_ms + STANDBY_MS
        await self._db.write(lambda db: self.name(db, account, paper_digest(code), called, until_ms))
        return code

    def name(self, db: sqlite3.Connection, account: bytes, code: bytes, called: str, until_ms: int) -> None:
        """In the caller's transaction: whoever names the code with this digest means this account, called so."""
        store.stand_by(db, code, account, self._sealed(account, called), until_ms, self._clock())

    def called(self, code: str) -> str:
        """Whom a code names, by the registry's or a clerk's word, to be read before a mandate is given. Raises
        `DelegateCodeUnknown`."""
        account, called = store.standing_by(self._db.read(), paper_digest(code), self._clock())
        return self._name(account, called)

    async def give(self, account: bytes, code: str, terms: Terms) -> bytes:
        """The number of a new mandate that the principal gives by the own will. Raises `MandateUnfit`,
        `DelegateCodeUnknown`."""
        if terms.basis is not Basis.PROXY:
            raise MandateUnfit(
                what="basis"
            )  # a right that is not the principal's to give is shown at a counter
        said = await self._outside.attributes(account, ("name",))
        if "name" not in said:
            raise MandateUnfit(what="name")
        called, hashed = said["name"]["name"][:MOST_CALLED], paper_digest(code)
        return await self._db.write(
            lambda db: self.appoint(db, account, hashed, called, terms, cleared=False)
        )

    def appoint(
        self,
        db: sqlite3.Connection,
        principal: bytes,
        code: bytes,
        called: str,
        terms: Terms,
        *,
        cleared: bool,
    ) -> bytes:
        """In the caller's transaction: a mandate of `principal`, called so, for whoever stands by. Raises as `give`."""
        now_ms = self._clock()
        require_fit(terms, [client.id for client in self._law.in_force(now_ms).gazette.clients], now_ms)
        delegate, sealed = store.standing_by(db, code, now_ms)
        if delegate == principal or store.count_given(db, principal) >= MOST_GIVEN:
            raise MandateUnfit(what="people")
        number, mark = self._entropy(PAPER_BYTES), self._entropy(16)
        own = self._sealed(principal, called)
        made = Mandate(number, mark, principal, delegate, own, sealed, terms, now_ms if cleared else 0)
        store.add(db, made, code, now_ms)
        return number

    # --- seeing and ending ----------------------------------------------------------------------------------

    def given(self, account: bytes) -> list[Given]:
        """Those that let somebody act for this account."""
        rows = store.given(self._db.read(), account, self._clock())
        return [Given(self._shown(row, account), row.mark) for row in rows]

    def held(self, account: bytes) -> list[Shown]:
        """Those by which this account may act for others."""
        rows = store.held(self._db.read(), account, self._clock())
        return [self._shown(row, account) for row in rows]

    def all(self, db: sqlite3.Connection, account: bytes) -> list[Shown]:
        """Both, as the caller's transaction has them."""
        now_ms = self._clock()
        rows = [*store.given(db, account, now_ms), *store.held(db, account, now_ms)]
        return [self._shown(row, account) for row in rows]

    def _shown(self, row: Mandate, account: bytes) -> Shown:
        given = account == row.principal
        other = (row.delegate, row.delegate_called) if given else (row.principal, row.principal_called)
        return Shown(row.number, given, self._name(*other), row.terms)

    def usable(self, account: bytes, client: str) -> list[Shown]:
        """Those of them by which it may log in at this relying party now."""
        now_ms = self._clock()
        return [
            each
            for each in self.held(account)
            if client in each.terms.clients and each.terms.from_ms <= now_ms
        ]

    async def end(self, account: bytes, number: bytes) -> None:
        """By either of the two, at once and for good. Raises `MandateNotInForce` for anybody else's."""
        await self._db.write(lambda db: self.finish(db, account, number))

    def finish(self, db: sqlite3.Connection, account: bytes, number: bytes) -> None:
        """In the caller's transaction: the mandate of this number, or of no number all that were given, has ended."""
        if number:
            row = store.find(db, number)
            if account not in (row.principal, row.delegate):
                raise MandateNotInForce()
            ending = [row]
        else:
            ending = store.given(db, account, self._clock())
        for row in ending:
            store.drop(db, row.number)
            self.ended.note(row.number)

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
        to, basis = DomainName(client.domain), row.terms.basis
        act = await self._outside.subject(account, to, (REPRESENTING,))
        row = self._usable(account, number, client)
        sub = await self._outside.subject(row.principal, to, (*scopes, REPRESENTED, basis.value), row.mark)
        self._usable(account, number, client)
        claims = {item: value for item, value in said.items() if item != REPRESENTED}
        return Represented(sub, act, basis, claims, self.ended.bucket(number))

    async def read_history(self, account: bytes, number: bytes, session: SealKey) -> SealedHistory:
        """The principal's list, for a delegate whose mandate names it; that it was viewed by a delegate, and under
        which mandate, stands in it. Raises as `represent`."""
        self._reader(account, number)
        await self._checked(account, number, ())
        row = self._reader(account, number)
        said = REPRESENTED, row.terms.basis.value
        return await self._outside.read_history(row.principal, session, said, row.mark)

    def _usable(self, account: bytes, number: bytes, client: Client) -> Mandate:
        row = self._in_time(account, number)
        if client.id not in row.terms.clients or REPRESENTED not in client.scopes:
            raise MandateNotInForce()
        return row

    def _reader(self, account: bytes, number: bytes) -> Mandate:
        row = self._in_time(account, number)
        if not row.terms.history:
            raise MandateNotInForce()
        return row

    def _in_time(self, account: bytes, number: bytes) -> Mandate:
        row = store.find(self._db.read(), number)
        if row.delegate != account:
            raise MandateNotInForce()
        require_time(row.terms, self._clock())
        return row

    async def _checked(self, account: bytes, number: bytes, items: Sequence[str]) -> Mapping[str, Any]:
        """What the registry says of the principal, who may be represented as of now."""
        row = self._in_time(account, number)
        try:
            said = await self._outside.attributes(row.principal, (*items, REPRESENTED))
        except RecordRefused as refusal:  # the code has ended: a death
            raise MandateNotInForce() from refusal
        require_standing(row.terms, row.cleared_ms, said.get(REPRESENTED))
        return said

    # --- names ----------------------------------------------------------------------------------------------

    def _sealed(self, account: bytes, called: str) -> bytes:
        if any(unicodedata.category(each).startswith("C") for each in called):
            raise MandateUnfit(what="name")  # characters that nobody sees
        return seal(self._opening.public, digest("mandate-called", account), called.encode())

    def _name(self, account: bytes, sealed: bytes) -> str:
        return open_sealed(self._opening, digest("mandate-called", account), sealed).decode()
