"""A domain's side of its keys: joining the converters, and its codes at rest."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.contracts.converter import JOIN, MONTH_KEY, Join, MonthAsked
from kakine.crypto.hashing import digest
from kakine.crypto.proofs import KnowledgeProof, verify_knowledge
from kakine.crypto.sealing import SealKey, open_sealed
from kakine.crypto.signing import VerifyKey
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Connection, Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.runtime.keyring import add_key, find_key
from kakine.values.labels import DomainName, PartyName


class Domain:
    """One domain of the party that holds `identity`."""

    def __init__(
        self,
        name: DomainName,
        identity: Identity,
        db: Database,
        peers: Peers,
        converters: Sequence[PartyName],
    ) -> None:
        self.name = name
        self._identity = identity
        self._db = db
        self._peers = peers
        self._converters = converters
        self._keys: dict[int, list[bytes]] = {}

    async def mask_keys(self, epoch: int) -> list[bytes]:
        """Keys shared with the converters, in chain order; joins each converter that has not enrolled it yet.

        Each key is stored as it comes, so that a joining broken off goes on where it stopped.
        """
        kept = self._keys.get(epoch)
        if kept is None:
            kept = [await self._key(converter, epoch) for converter in self._converters]
            self._keys[epoch] = kept
        return kept

    async def _key(self, converter: PartyName, epoch: int) -> bytes:
        known = find_key(self._db.read(), self.name, epoch, converter)
        if known is not None:
            return known
        given = await self._peers.ask(converter, JOIN, Join(self.name, epoch))
        bound = digest("joined", self.name.encode(), epoch.to_bytes(2, "big"))
        verify_knowledge(KnowledgeProof.decode(given.proof), given.public, bound)
        key = open_sealed(self._identity.opening, bound, given.mask_key)

        def work(db: Connection) -> bytes:
            add_key(db, self.name, epoch, converter, given.public, key)
            return find_key(db, self.name, epoch, converter) or key

        return await self._db.write(work)


class MonthKeys:
    """The converters' sealing keys by month, fetched once and checked against the gazette's signing keys."""

    def __init__(self, peers: Peers, law: LawBook, clock: Clock, converters: Sequence[PartyName]) -> None:
        self._peers = peers
        self._law = law
        self._clock = clock
        self._converters = converters
        self._known: dict[int, list[SealKey]] = {}

    def __call__(self, month: int) -> list[SealKey]:
        """The keys of a month that `fetch` has got."""
        return self._known[month]

    async def fetch(self, month: int) -> None:
        """Get the keys of a month, in chain order. Raises `SignatureInvalid` for a key its converter did not sign."""
        if month in self._known:
            return
        keys = []
        for name in self._converters:
            given = await self._peers.ask(name, MONTH_KEY, MonthAsked(month))
            signer: VerifyKey = self._law.in_force(self._clock()).signing_key(name)
            signer.verify(given.signature, "month-key", month.to_bytes(2, "big"), given.public)
            keys.append(SealKey(given.public))
        self._known[month] = keys
