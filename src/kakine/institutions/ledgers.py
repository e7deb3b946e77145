"""The ledgers of a country at work: one for each log, each with its own store, and a signer for each that is open.

Whoever runs a ledger runs the next one too. Each log has a key of its own: that of a first log is the law's for the
signer, that of a later one stands in its opening.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.attest import Attestor, Seen
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ledger.start import LedgerLaw, start
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.protocols.gazette import LawBook
from kakine.protocols.log_list import first_entries
from kakine.protocols.logs import Log
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import (
    LedgerBehind,
    LedgerDiverged,
    LedgerForked,
    LogAlive,
)
from kakine.wire.log_list import Opening, Reason


def signer_of(log: Log) -> PartyName:
    """The name under which the signer of a log is called; of a first log the party that the law names too."""
    return PartyName(f"{log.ledger}-signer")


class Home(Protocol):
    """The country, as far as its ledgers need it."""

    identities: Mapping[PartyName, Identity]

    def path(self, name: str) -> Path:
        """The store of a party."""

    def book(self, name: str) -> LawBook:
        """The law book of a party."""

    def peers(self, caller: str) -> Peers:
        """The road of a party to the others."""


@dataclass(frozen=True)
class Ledgers:
    """Opens them. `commission` is the founding commission, by name and key; `heads` asks converters and witnesses what
    they have seen of a log."""

    home: Home
    clock: Clock
    commission: tuple[PartyName, VerifyKey]
    heads: Callable[[Log], Awaitable[Sequence[Seen]]]

    def key(self, log: Log) -> VerifyKey:
        """What its heads are signed with."""
        return self._signing(log).public

    def _signing(self, log: Log) -> SigningKey:
        own = self.home.identities[PartyName(f"{log.by}-signer")]
        return SigningKey(own.local_key("log", log.origin.encode())) if log.operator else own.signing

    def signer(self, log: Log) -> Signer:
        """The signer of an open log. Raises `StoreInUse`."""
        path = self.home.path(signer_of(log))
        return Signer.open(SignerSettings(log.origin, log.by, path, self._signing(log)))

    async def open(self, log: Log, opening: Opening | None = None) -> Ledger:
        """The ledger of a log, which `opening` has opened; its signer runs already, if the log has not ended. Raises
        what `Ledger.open` raises."""
        begins = first_entries(opening)[0] if opening else b""
        where = log.origin, self.home.path(log.ledger), signer_of(log), self.key(log)
        return await start(
            LedgerSettings(*where, begins=begins, final=log.final or b""),
            LedgerLaw(self.home.book(log.by), self.clock, self.commission),
            self.home.peers(log.by),
            partial(self.heads, log),
        )

    async def examine(self, log: Log) -> Reason:
        """Why a log that does not run is dead, by the very checks of its start. Raises `LogAlive` if none fails."""
        try:
            ledger = await self.open(log)
        except (LedgerBehind, LedgerForked, LedgerDiverged) as fault:
            return Reason(fault.code)
        try:
            await ledger.start()
        except (LedgerBehind, LedgerForked) as fault:
            return Reason(fault.code)
        finally:
            ledger.close()
        raise LogAlive(log=log.origin)

    async def last_signed(self, log: Log) -> bytes:
        """The head that the signer of a log signed last."""
        attestor = Attestor(self.home.peers(log.by), signer_of(log), log.origin, self.key(log))
        return (await attestor.last()).note
