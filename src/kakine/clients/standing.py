"""Whether certificates of one use stand, out of what every verifier downloads alike (spec/authority.md section 5).

All lists are fetched at fixed times, whoever logs in or nobody: neither what is asked for nor when says anything of a
person. Checking opens no connection.
"""

from __future__ import annotations

from collections.abc import Mapping

from kakine.contracts.authority import LIST, LISTS, ROOTS, STEPS, ListName, Since
from kakine.contracts.call import Nothing
from kakine.crypto import x509
from kakine.protocols.gazette import LawBook
from kakine.protocols.issuance import open_roots
from kakine.protocols.status import Held, advance, check_status, open_head, open_list, profile_of
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.values.certificates import Profile, Use
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateExpired, Problem, StatusListInvalid, StatusListUnknown

Roots = list[tuple[Profile, bytes]]


class PublishedStatus:
    """The authority's roots and status lists as one verifier has them; a `contracts.login.Standing`.

    In memory: who starts anew downloads whole lists. A list is good for an hour, so an authority that cannot be reached
    for longer ends all logins by card, with `StatusListStale`.
    """

    def __init__(
        self,
        peers: Peers,
        authority: PartyName,
        law: LawBook,
        clock: Clock,
        use: Use = Use.AUTHENTICATION,
    ) -> None:
        self._use = use
        self._peers = peers
        self._authority = authority
        self._law = law
        self._clock = clock
        self._roots: Roots = []
        self._held: dict[str, Held] = {}

    @property
    def held(self) -> Mapping[str, Held]:
        """The lists, by name."""
        return self._held

    async def refresh(self) -> None:
        """Fetch roots, and of every list for the use what is new: steps where it is held, else the whole.

        Apart, every quarter of an hour (`protocols.status.TTL_S`) or sooner. A list that cannot be fetched or does not
        verify stays as it is, and the others are fetched; then the first problem is raised. Not checked: that the roots
        are those that everybody is given, which the log of issuance tells (`protocols.issuance`).
        """
        key = self._law.in_force(self._clock()).signing_key(self._authority)
        given = await self._peers.ask(self._authority, ROOTS, Nothing())
        self._roots = open_roots(given.roots, given.signature, key)
        faults: list[Problem] = []
        for uri in (await self._peers.ask(self._authority, LISTS, Nothing())).lists:
            try:
                if profile_of(uri).use is self._use:
                    self._held[uri] = await self._present(uri)
            except Problem as fault:
                faults.append(fault)
        if faults:
            raise faults[0]

    async def _present(self, uri: str) -> Held:
        held = self._held.get(uri)
        if held is None:
            return await self._whole(uri)
        given = await self._peers.ask(self._authority, STEPS, Since(uri, held.version))
        head = open_head(given.head, uri, self._roots, self._now_s)
        try:
            return advance(held, given.steps, head)
        except StatusListInvalid:
            return await self._whole(uri)  # away for longer than steps are kept

    async def _whole(self, uri: str) -> Held:
        given = await self._peers.ask(self._authority, LIST, ListName(uri))
        return open_list(given.token, uri, self._roots, self._now_s, self._held.get(uri))

    @property
    def _now_s(self) -> int:
        return self._clock() // 1000

    def check(self, certificate: bytes, now_ms: int) -> None:
        """Raise what `read` raises unless this certificate (DER) is good for the use at `now_ms`."""
        self.read(certificate, now_ms)

    def read(self, certificate: bytes, now_ms: int) -> x509.Certificate:
        """What this certificate (DER) says, if it is good for the use at `now_ms`.

        Raises CertificateMalformed, CertificateUnfit (a certificate for another use), CertificateForged (no root of
        ours), CertificateExpired; CertificateRevoked, for one on hold too; StatusListStale; StatusListUnknown where its
        list was not there at the last download, which is not made up for now: that would tell when its holder logs in.
        """
        read = x509.verify(certificate, self._roots, self._use, now_ms // 1000)
        self.still(read, now_ms)
        return read

    def still(self, read: x509.Certificate, now_ms: int) -> None:
        """Raise unless a certificate that was read here is good at `now_ms`: CertificateExpired, and of its status
        what `read` raises."""
        now_s = now_ms // 1000
        if not read.not_before <= now_s <= read.not_after:
            raise CertificateExpired()
        held = self._held.get(read.list_uri)
        if held is None:
            raise StatusListUnknown()
        check_status(read, held, now_s)
