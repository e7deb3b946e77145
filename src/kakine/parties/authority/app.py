"""Wiring of the authority."""

from __future__ import annotations

from starlette.types import ASGIApp

from kakine.parties.authority import batches, ocsp, publishing, revoking
from kakine.parties.authority.http import duties
from kakine.parties.authority.office import Office
from kakine.parties.authority.roots import Roots
from kakine.parties.authority.settings import AuthoritySettings
from kakine.parties.authority.store import METADATA
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import Logs
from kakine.runtime.database import Database
from kakine.runtime.http import Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.certificates import Profile, Reason


class Authority:
    """A running authority; `app` serves its calls, the other methods are its operator's own acts."""

    def __init__(self, office: Office, logs: Logs) -> None:
        self.office = office
        self._logs = logs
        self.app: ASGIApp = application(duties(office), self._roles, ocsp.routes(office))

    @classmethod
    def open(
        cls,
        settings: AuthoritySettings,
        logs: Logs,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
    ) -> Authority:
        """Open the store. Keys and roots are made when they are first needed. Raises `StoreInUse`."""
        db = Database.open(settings.database, METADATA)
        roots = Roots(settings, db, clock, entropy)
        return cls(Office(settings, identity, db, roots, law, peers, clock, entropy), logs)

    def _roles(self, caller: str) -> frozenset[str]:
        return self.office.law.in_force(self.office.clock()).roles(caller)

    async def publish(self) -> None:
        """What is due by the clock: holds that are over, status lists, revocation lists. Apart, every few minutes."""
        await revoking.tidy(self.office)
        await publishing.publish_lists(self.office)
        await publishing.publish_crls(self.office)

    async def log(self, *, now: bool = False) -> None:
        """Close a batch where one is due, `now` whether it is or not, and have all logged that are not.

        Raises PartyUnavailable where the log cannot be reached; what is closed then stays to be logged.
        """
        await batches.close(self.office, now=now)
        await batches.log(self.office, self._logs)

    async def hold(self, serial: int) -> None:
        """Suspend a certificate for a day (see `revoking.hold`)."""
        await revoking.hold(self.office, serial)

    async def release(self, serial: int) -> None:
        """End a hold (see `revoking.release`)."""
        await revoking.release(self.office, serial)

    async def revoke(self, serial: int, reason: Reason = Reason.CESSATION_OF_OPERATION) -> None:
        """Revoke a certificate for good (see `revoking.revoke`)."""
        await revoking.revoke(self.office, serial, reason)

    async def ocsp(self, profile: Profile, asked: bytes) -> bytes:
        """Answer one OCSP request (see `ocsp.answer`)."""
        return await ocsp.answer(self.office, profile, asked)

    def logged(self) -> int:
        """How many batches are in the log."""
        return batches.logged(self.office)

    def close(self) -> None:
        """Let go of the store."""
        self.office.db.close()
