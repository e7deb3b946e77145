"""A domain moves to its next key epoch: all its codes become others that only new shares convert (spec/lcx.md 9).

Order. 1. The domain joins epoch e + 1 while e is in force (`join`). 2. A gazette version with e + 1 is
published and, after its waiting time, in force; from then on converters take no code of e any more. The tokens at rest
are still of e: while they differ from the law (`require_settled`) the domain neither asks nor answers, so nothing of
e + 1 gets between them. 3. When requests of e have died out, `move` goes through the tokens page by page; a page is
replaced in one transaction together with the mark of how far it got. 4. After the last page the domain works again.

The old tokens stay in a table of their own until `forget`: a converter that used a wrong share would otherwise have
destroyed the table. They can be converted by nobody who keeps to the law.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from kakine.clients.domains import Domain
from kakine.contracts.converter import REKEY, Rekey
from kakine.crypto.hashing import digest
from kakine.crypto.wrapping import WrapKey
from kakine.protocols.chain import blind, unblind
from kakine.protocols.gates import WINDOW_MS
from kakine.protocols.gazette import LawBook
from kakine.runtime import codebook
from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.codes import CodeVector, MaskedVector, WrappedCode
from kakine.values.labels import PartyName
from kakine.values.problems import DomainMoving

PAGE = 256
"""Codes in one call."""

Follow = Callable[[Connection, bytes, bytes], None]
"""(store, old token, new token): what hangs on a token moves with it, in the same transaction."""


def rekey_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Add both tables to a party's schema; a second call gives the same."""
    known = metadata.tables
    if "rest_epoch" in known:
        return known["rest_epoch"], known["former_token"]
    epochs = Table(
        "rest_epoch",
        metadata,
        Column("domain", String, primary_key=True),
        Column("epoch", Integer, nullable=False),
        Column("after", LargeBinary, nullable=False),
    )
    former = Table(
        "former_token",
        metadata,
        Column("domain", String, nullable=False),
        Column("reference", LargeBinary, nullable=False),
        Column("token", LargeBinary, nullable=False),
        PrimaryKeyConstraint("domain", "reference"),
    )
    return epochs, former


_epochs, _former = rekey_tables(MetaData())
_EPOCH = sql(select(_epochs.c.epoch, _epochs.c.after).where(_epochs.c.domain == bindparam("domain")))
_SET_EPOCH = sql(insert(_epochs).prefix_with("OR REPLACE"))
_FIRST_EPOCH = sql(insert(_epochs).prefix_with("OR IGNORE"))
_KEEP_FORMER = sql(insert(_former).prefix_with("OR REPLACE"))
_FORGET = sql(delete(_former).where(_former.c.domain == bindparam("domain")))


def first_epoch(db: Connection, domain: str, epoch: int) -> None:
    """The epoch of a domain's first codes. Changes nothing where one is known."""
    db.execute(_FIRST_EPOCH, {"domain": domain, "epoch": epoch, "after": b""})


def require_settled(db: Connection, domain: str, epoch: int) -> None:
    """Raise `DomainMoving` unless the tokens at rest are of the epoch in force."""
    row = db.execute(_EPOCH, {"domain": domain}).fetchone()
    if row is not None and row[0] != epoch:
        raise DomainMoving(domain=domain, epoch=row[0])


@dataclass(frozen=True)
class Move:
    """One domain of a party on its way."""

    domain: Domain
    wrap: WrapKey
    identity: Identity
    db: Database
    law: LawBook
    peers: Peers
    converters: Sequence[PartyName]
    clock: Clock
    entropy: Entropy
    follow: Follow

    async def join(self) -> None:
        """Enrol the next epoch with the converters, while the present one is in force. May be repeated."""
        await self.domain.mask_keys(self.law.in_force(self.clock()).epoch(self.domain.name) + 1)

    async def move(self) -> int:
        """Bring all tokens to the epoch in force; how many were moved in this run. Nothing to do is 0.

        Raises `DomainMoving` while requests of the old epoch may still be under way, or where the law is more than one
        epoch ahead; and what a converter refuses. May be called again after any failure: it goes on at the last page.
        """
        name, now_ms = self.domain.name, self.clock()
        law = self.law.in_force(now_ms)
        row = self.db.read().execute(_EPOCH, {"domain": name}).fetchone()
        if row is None or row[0] == law.epoch(name):
            return 0
        if law.epoch(name) != row[0] + 1 or now_ms < law.starts_ms + WINDOW_MS:
            raise DomainMoving(domain=name, epoch=row[0])
        await self.domain.mask_keys(row[0] + 1)
        moved, after = 0, bytes(row[1])
        while page := codebook.references_after(self.db.read(), name, after, PAGE):
            await self._page(row[0], page)
            moved, after = moved + len(page), page[-1]
        await self.db.write(partial(_settle, domain=name, epoch=row[0] + 1))
        return moved

    async def _page(self, epoch: int, references: Sequence[bytes]) -> None:
        name, db = self.domain.name, self.db.read()
        found = (codebook.token_of(db, name, reference) for reference in references)
        tokens = [token for token in found if token is not None]
        codes = CodeVector.of(self.wrap.unwrap(WrappedCode(token), name) for token in tokens)
        converted = await self._convert(epoch, codes)
        fresh = [self.wrap.wrap(converted.code(j), name) for j in range(converted.size)]
        pairs = list(zip(references, tokens, fresh, strict=True))
        await self.db.write(partial(self._replace, epoch=epoch, pairs=pairs))

    async def _convert(self, epoch: int, codes: CodeVector) -> CodeVector:
        batch, seed, now_ms = self.entropy(16), self.entropy(32), self.clock()
        points = bytes(blind(codes, seed, batch, await self.domain.mask_keys(epoch)))
        name = self.domain.name
        for converter in self.converters:
            signature = self.identity.signing.sign(
                "rekey",
                name.encode(),
                epoch.to_bytes(2, "big"),
                batch,
                now_ms.to_bytes(8, "big"),
                digest("points", points),
            )
            asked = Rekey(name, epoch, batch, now_ms, points, signature)
            points = (await self.peers.ask(converter, REKEY, asked)).points
        return unblind(MaskedVector(points), seed)

    def _replace(self, db: Connection, epoch: int, pairs: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        name = self.domain.name
        for reference, old, new in pairs:
            db.execute(_KEEP_FORMER, {"domain": name, "reference": reference, "token": old})
            codebook.replace_token(db, name, old, new)
            self.follow(db, old, new)
        db.execute(_SET_EPOCH, {"domain": name, "epoch": epoch, "after": pairs[-1][0]})

    async def forget(self) -> None:
        """Destroy the old tokens, once the new ones are known to work."""
        await self.db.write(lambda db: db.execute(_FORGET, {"domain": self.domain.name}))


def _settle(db: Connection, domain: str, epoch: int) -> None:
    db.execute(_SET_EPOCH, {"domain": domain, "epoch": epoch, "after": b""})
