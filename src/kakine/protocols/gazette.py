"""What is lawful: one verified gazette as an object that answers, and the book that says which one is in
force.

A version is either widening (both signatures and the waiting time) or narrowing (one signature of ministry or
commission, at once). Which of the two is not believed but found out, by comparing with the law it changes.
Every refusal names what is missing. Pure: time is an argument, and days are Japan's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.crypto.sealing import SealKey
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.protocols.gazette_diff import describe, widenings
from kakine.protocols.gazette_sound import require_sound, signer
from kakine.values.calendar import day_in_japan
from kakine.values.identifiers import CorporateNumber, MunicipalityCode
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import (
    AssessmentExpired,
    AssessmentMissing,
    ClientUnauthenticated,
    DomainUnknown,
    GazetteInconsistent,
    GazetteNotNarrowing,
    GazetteNotNext,
    GazetteTooSoon,
    GazetteUnchanged,
    GazetteUnsigned,
    GroundNotForParties,
    GroundUnknown,
    NoLawInForce,
    PartyUnknown,
    ProcedureUnknown,
    ProviderNotEntitled,
    RequesterNotEntitled,
    RowNotInForce,
    RowNotOfProcedure,
    RowUnknown,
    SealNotAllowed,
    Suspended,
)
from kakine.wire import gazette as wire
from kakine.wire.gazette import Client, Domain, Gazette, Ground, Kind, Party, Row, Signatures, Subject
from kakine.wire.request import Keeper

MINISTRY = "gazette-ministry"
COMMISSION = "gazette-commission"

CLOCK_MS = 120_000
"""How far ahead of its ledger entry, whose time has whole minutes, a version may be dated."""

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_KEEPER = "mailbox"
_STOPPERS = frozenset({"converter", "ledger", "signer", "mailbox", "portal"})


@dataclass(frozen=True)
class Anchors:
    """The keys whose owners may found a country. Later versions name the keys of their successors."""

    ministry: VerifyKey
    commission: VerifyKey


@dataclass(frozen=True)
class _Site:
    """A domain with what is asked of it at every check."""

    name: str
    party: str
    types: frozenset[str]
    roles: frozenset[str]
    provides: frozenset[str]
    asks: frozenset[str]


@dataclass(frozen=True)
class _Stops:
    """What stands still on one day; `standstill` is the first suspended body without which nothing may go on, as
    `party:converter-3`, or nothing."""

    day: int
    names: frozenset[tuple[Subject, str]]
    standstill: str


def sign_as_ministry(key: SigningKey, encoded: bytes) -> bytes:
    """64 bytes. What is signed is not looked at: `Law.open` first."""
    return key.sign(MINISTRY, wire.gazette_digest(encoded))


def sign_as_commission(key: SigningKey, encoded: bytes) -> bytes:
    """64 bytes. What is signed is not looked at: `Law.open` first."""
    return key.sign(COMMISSION, wire.gazette_digest(encoded))


def publication_ms(encoded: bytes, logged_ms: int) -> int:
    """When a version was published, to the millisecond where its own date falls into the minute of its
    ledger entry.

    Without this, a version published seconds after another took effect would seem to come before it.
    """
    return max(logged_ms, min(wire.decode(encoded).published_ms, logged_ms + _MINUTE_MS - 1))


class Law:
    """One opened version. Made by `Law.open` only; look-ups cost a few microseconds."""

    def __init__(self, encoded: bytes, gazette: Gazette, starts_ms: int) -> None:
        self.encoded = encoded
        self.gazette = gazette
        self.digest = wire.gazette_digest(encoded)
        self.starts_ms = starts_ms
        self.anchors = Anchors(
            *(VerifyKey(signer(gazette, role).signing_key) for role in ("ministry", "commission"))
        )
        self._parties = {party.name: party for party in gazette.parties}
        self._signing = {name: VerifyKey(party.signing_key) for name, party in self._parties.items()}
        self._seal = {name: SealKey(party.seal_key) for name, party in self._parties.items()}
        self._roles = {name: frozenset(party.roles) for name, party in self._parties.items()}
        self._domains = {domain.name: domain for party in gazette.parties for domain in party.domains}
        self.keepers = tuple(
            Keeper(domain.name, domain.epoch)
            for party in gazette.parties
            if _KEEPER in party.roles
            for domain in party.domains
        )
        self._procedures = {procedure.id: procedure for procedure in gazette.procedures}
        self._rows = {row.id: row for row in gazette.rows}
        self._grounds = {ground.id: ground for ground in gazette.grounds}
        self._sealings = {entry.id: entry for entry in gazette.sealings}

        self._clients = {client.id: client for client in gazette.clients}
        self._client_domains = frozenset(client.domain for client in gazette.clients)
        self._assessments = {(entry.party, entry.file): entry for entry in gazette.assessments}
        self._stopped = _Stops(-1, frozenset(), "")
        self._sites = {
            domain.name: self._site(party, domain) for party in gazette.parties for domain in party.domains
        }

    @classmethod
    def open(
        cls,
        encoded: bytes,
        signatures: Signatures,
        anchors: Anchors,
        previous: Law | None,
        now_ms: int,
        last: Law | None = None,
    ) -> Law:
        """The law in `encoded`, if it was rightly made.

        `previous` is the law in force when it was published, None for the first version; `last` the one
        published before it where that is not `previous` (it was still waiting, and is dropped by this one).
        `now_ms` is when it is published; for one read later, the time of its ledger entry, never the reader's
        clock: a version dated back would otherwise cut its own waiting time.

        Raises NotCanonical, GazetteInconsistent, GazetteNotNext, GazetteUnsigned, SignatureInvalid,
        GazetteUnchanged, GazetteNotNarrowing, GazetteTooSoon. Not checked: the ledger entry, and whether the
        rows agree with the ministerial order.
        """
        gazette = wire.decode(encoded)
        require_sound(gazette)
        if gazette.published_ms > now_ms + CLOCK_MS:
            raise GazetteTooSoon(fault="dated after its publication")
        if previous is None:
            _require_genesis(gazette, anchors)
            _require_both(encoded, signatures, anchors)
            return cls(encoded, gazette, gazette.effective_ms)
        _require_next(gazette, previous, last or previous)
        # What changes nothing is of use in one case: it drops a widening that waits.
        drops = gazette.kind is Kind.NARROWING and last is not None and last is not previous
        if not drops and not describe(previous.gazette, gazette):
            raise GazetteUnchanged()
        if gazette.kind is Kind.NARROWING:
            _require_narrowing(gazette, previous)
            _require_either(encoded, signatures, previous.anchors)
            return cls(encoded, gazette, gazette.effective_ms)
        _require_both(encoded, signatures, previous.anchors)
        waited_ms = max(now_ms, gazette.published_ms) + previous.gazette.waiting_ms
        if gazette.effective_ms < waited_ms:
            raise GazetteTooSoon(earliest_ms=waited_ms)
        return cls(encoded, gazette, gazette.effective_ms)

    def _stops(self, now_ms: int) -> _Stops:
        """Kept for the day that was asked for last."""
        day = day_in_japan(now_ms)
        if self._stopped.day != day:
            names = frozenset(
                (each.subject, each.name) for each in self.gazette.suspensions if each.holds(day)
            )
            self._stopped = _Stops(day, names, self._guard_stopped(names))
        return self._stopped

    def _guard_stopped(self, names: frozenset[tuple[Subject, str]]) -> str:
        for subject, name in sorted(names):
            if subject is Subject.PARTY or subject is Subject.DOMAIN:
                roles = self._roles.get(name.partition("/")[0], frozenset())
                if roles & _STOPPERS:
                    return f"{subject.value}:{name}"
        return ""

    def _site(self, party: Party, domain: Domain) -> _Site:
        return _Site(
            name=domain.name,
            party=party.name,
            types=frozenset(party.types),
            roles=frozenset(party.roles),
            provides=frozenset(domain.provides),
            asks=frozenset(domain.asks),
        )

    def party(self, name: str) -> Party:
        """The entry of a party. Raises PartyUnknown."""
        found = self._parties.get(name)
        if found is None:
            raise PartyUnknown(party=str(name))
        return found

    def roles(self, name: str) -> frozenset[str]:
        """The roles of a party, none for one the law does not know: such a caller may do nothing."""
        return self._roles.get(name, frozenset())

    def with_role(self, role: str) -> tuple[PartyName, ...]:
        """The parties that have a role, by name."""
        return tuple(PartyName(name) for name, roles in self._roles.items() if role in roles)

    @property
    def keeper_parties(self) -> list[PartyName]:
        """The record keepers, in the order in which every request names them."""
        return [DomainName(keeper.name).party for keeper in self.keepers]

    def keeper_place(self, domain: str) -> int:
        """Which leg is the one of this record keeper's domain. Raises DomainUnknown."""
        for place, keeper in enumerate(self.keepers):
            if keeper.name == domain:
                return place
        raise DomainUnknown(domain=str(domain))

    def signing_key(self, name: str) -> VerifyKey:
        """The key a party signs with. Raises PartyUnknown."""
        found = self._signing.get(name)
        if found is None:
            raise PartyUnknown(party=str(name))
        return found

    def log_key(self, ledger: str) -> VerifyKey:
        """The key under which checkpoints of a ledger are signed: its signer's. Raises PartyUnknown."""
        return self.signing_key(self.party(ledger).signer)

    def seal_key(self, name: str) -> SealKey:
        """The key one seals to a party with. Raises PartyUnknown."""
        found = self._seal.get(name)
        if found is None:
            raise PartyUnknown(party=str(name))
        return found

    def domain(self, name: str) -> Domain:
        """The entry of a domain. Raises DomainUnknown."""
        found = self._domains.get(name)
        if found is None:
            raise DomainUnknown(domain=str(name))
        return found

    def municipality(self, name: str) -> MunicipalityCode:
        """Of the party that is one, out of its corporate number. Raises PartyUnknown, NotAMunicipality."""
        return CorporateNumber(self.party(name).number).municipality

    def vouches(self, name: str) -> bool:
        """Whether this is the residents' desk of a municipality, where identity is established: the domain of one that
        gives 住民票関係情報. Raises DomainUnknown."""
        site = self._site_of(name)
        return "municipality" in site.types and "TK-0003" in site.provides

    def epoch(self, name: str) -> int:
        """The key epoch of a domain; 1 for the hash domain, whose shares are 1. Raises DomainUnknown."""
        return 1 if name == HASH else self.domain(name).epoch

    def row(self, row_id: str) -> Row:
        """A row of the order. Raises RowUnknown."""
        found = self._rows.get(row_id)
        if found is None:
            raise RowUnknown(row=row_id)
        return found

    def items(self, rows: Sequence[str]) -> tuple[str, ...]:
        """The items that these rows are about, sorted, each once. Raises RowUnknown."""
        return tuple(sorted({self.row(row_id).item for row_id in rows}))

    def rows_for(self, requester: str, provider: str | None, procedure: str) -> tuple[str, ...]:
        """The rows of `procedure` that `requester` may ask under and, if named, `provider` can give, in
        order.

        Raises DomainUnknown, ProcedureUnknown, RequesterNotEntitled. Not checked: start dates, assessments,
        suspensions; `permit` does.
        """
        self._require_asker(self._site_of(requester), requester, procedure)
        rows = [row for row in self.gazette.rows if row.procedure == procedure]
        if provider is not None:
            site = self._site_of(provider)
            rows = [row for row in rows if row.provider_type in site.types and row.item in site.provides]
        return tuple(sorted((row.id for row in rows), key=lambda row_id: int(row_id.rpartition(".")[2])))

    def providers(self, row_id: str) -> tuple[DomainName, ...]:
        """The domains that can give what this row is about. Raises RowUnknown."""
        row = self.row(row_id)
        return tuple(
            DomainName(name)
            for name, site in self._sites.items()
            if row.provider_type in site.types and row.item in site.provides
        )

    def choice(self, rows: Sequence[str]) -> bool:
        """Whether for one of these rows somebody could try several providers: there, "not known here" and
        "non-disclosed" must not be told apart, or asking one after the other finds where somebody hides. Raises
        RowUnknown."""
        return any(len(self.providers(row)) > 1 for row in rows)

    def permit(self, requester: str, provider: str, procedure: str, rows: Sequence[str], now_ms: int) -> None:
        """Raise what is missing unless `requester` may ask `provider` for what these rows are about.

        Raises DomainUnknown, Suspended, ProcedureUnknown, RequesterNotEntitled, RowUnknown,
        RowNotOfProcedure, RowNotInForce, ProviderNotEntitled, AssessmentMissing, AssessmentExpired. Two
        domains of one party are treated as two parties, so that look-ups inside a town hall leave the same
        record. Not checked: that this law is the one in force at `now_ms` (`LawBook.in_force`), and what
        concerns the person asked about.
        """
        asker, giver = self._site_of(requester), self._site_of(provider)
        stops = self._stops(now_ms)
        _require_goes_on(stops, Subject.EVERYTHING, "")
        _require_running(stops, asker, giver)
        self._require_asker(asker, requester, procedure)
        _require_goes_on(stops, Subject.PROCEDURE, procedure)
        if not rows:
            raise RowUnknown(row="none named")
        day = day_in_japan(now_ms)
        for row_id in rows:
            row = self.row(row_id)
            if row.procedure != procedure:
                raise RowNotOfProcedure(row=row_id, procedure=procedure)
            _require_goes_on(stops, Subject.ROW, row_id)
            if row.start > day:
                raise RowNotInForce(row=row_id)
            if row.provider_type not in giver.types or row.item not in giver.provides:
                raise ProviderNotEntitled(
                    row=row_id, domain=str(provider), needs=row.provider_type, item=row.item
                )
            self._require_assessed("requester", asker.party, row.requester_file, day)
            self._require_assessed("provider", giver.party, row.provider_file, day)

    def permit_seal(self, rows: Sequence[str], people: int, made_ms: int, until: int) -> None:
        """Raise `SealNotAllowed` unless a request made at `made_ms` may be withheld until the day `until` (since 1970
        UTC; 0 is always lawful): it is about one person, every row has a sealing, and none is shorter.

        One person, because a seal is for a single inquiry: whoever would watch many leaves as many sealed entries, each
        of which anybody counts.
        """
        if not until:
            return
        if people != 1:
            raise SealNotAllowed(what="people", people=people)
        days = until - made_ms // _DAY_MS
        for row_id in rows:
            allowed = self._sealings.get(row_id)
            if allowed is None:
                raise SealNotAllowed(what="row", row=row_id)
            if not 1 <= days <= allowed.days:
                raise SealNotAllowed(what="days", row=row_id, days=days, most=allowed.days)
        if not rows:
            raise SealNotAllowed(what="row", row="none named")

    def permit_ground(self, ground: str, requester: str, provider: str, now_ms: int) -> None:
        """Raise what is missing unless this ground, which is no row, covers requester and provider.

        Raises GroundUnknown, DomainUnknown, Suspended, GroundNotForParties. A protective ground outlives a
        suspension of everything.
        """
        entry = self._grounds.get(ground)
        if entry is None:
            raise GroundUnknown(ground=ground)
        giver = self._site_of(provider)
        asker = None if requester == HASH else self._site_of(requester)
        stops = self._stops(now_ms)
        if not entry.protective:
            _require_goes_on(stops, Subject.EVERYTHING, "")
        _require_goes_on(stops, Subject.GROUND, ground)
        _require_running(stops, *([giver] if asker is None else [asker, giver]))
        if not _covers(entry, asker, giver, requester == provider):
            raise GroundNotForParties(ground=ground, requester=str(requester), provider=str(provider))

    def require_running(self, now_ms: int, *parties: str) -> None:
        """Raise `Suspended` where everything is stopped, or one of these parties."""
        _require_goes_on(self._stops(now_ms), Subject.EVERYTHING, "")
        self.require_not_suspended(now_ms, *parties)

    def require_not_suspended(self, now_ms: int, *parties: str) -> None:
        """Raise `Suspended` where one of these parties is: for what goes on while everything is stopped."""
        for name in parties:
            _require_goes_on(self._stops(now_ms), Subject.PARTY, name)

    def stands_still(self, subject: Subject, name: str, now_ms: int) -> bool:
        """Whether this very thing is suspended; what it hangs on may be besides."""
        return (subject, name) in self._stops(now_ms).names

    def client(self, name: str) -> Client:
        """A relying party. Raises ClientUnauthenticated, the same as for one that cannot prove who it is."""
        found = self._clients.get(name)
        if found is None:
            raise ClientUnauthenticated()
        return found

    def permit_login(self, requester: str, domain: str, now_ms: int) -> None:
        """Raise what is missing unless `requester` may log people in to the relying parties of `domain`.

        Raises what `permit_ground` raises, and ClientUnauthenticated for a domain of no relying party."""
        self.permit_ground("LOGIN", requester, domain, now_ms)
        if domain not in self._client_domains:
            raise ClientUnauthenticated()

    def _site_of(self, domain: str) -> _Site:
        site = self._sites.get(domain)
        if site is None:
            raise DomainUnknown(domain=str(domain))
        return site

    def _require_asker(self, asker: _Site, requester: str, procedure: str) -> None:
        entry = self._procedures.get(procedure)
        if entry is None:
            raise ProcedureUnknown(procedure=procedure)
        if entry.requester_type not in asker.types or procedure not in asker.asks:
            raise RequesterNotEntitled(domain=str(requester), procedure=procedure, needs=entry.requester_type)

    def _require_assessed(self, side: str, party: str, file: str, day: int) -> None:
        entry = self._assessments.get((party, file))
        if entry is None or entry.withdrawn or entry.published > day:
            named = entry.id if entry else ""
            raise AssessmentMissing(side=side, party=party, file=file, assessment=named)
        if entry.review < day:
            raise AssessmentExpired(side=side, party=party, file=file, assessment=entry.id)


def _require_goes_on(stops: _Stops, subject: Subject, name: str) -> None:
    if (subject, name) in stops.names:
        raise Suspended(what=f"{subject.value}:{name}" if name else subject.value)


def _require_running(stops: _Stops, *sites: _Site) -> None:
    # Without a converter, the ledger, the record keeper or the portal nothing may go on: an exchange
    # would lack a veto, a trace, or anybody who can look.
    if stops.standstill:
        raise Suspended(what=stops.standstill)
    for site in sites:
        _require_goes_on(stops, Subject.PARTY, site.party)
        _require_goes_on(stops, Subject.DOMAIN, site.name)


def _covers(ground: Ground, asker: _Site | None, giver: _Site, same: bool) -> bool:
    asks = "hash" in ground.requesters if asker is None else bool(asker.roles & set(ground.requesters))
    return asks and (("self" in ground.providers and same) or bool(giver.roles & set(ground.providers)))


def _require_genesis(gazette: Gazette, anchors: Anchors) -> None:
    no_earlier = gazette.previous == gazette.changes == wire.NO_GAZETTE
    if gazette.kind is not Kind.GENESIS or gazette.number or not no_earlier:
        raise GazetteNotNext(number=gazette.number)
    for role, key in (("ministry", anchors.ministry), ("commission", anchors.commission)):
        if signer(gazette, role).signing_key != key:
            raise GazetteInconsistent(what=role, fault="its key is not the one the country is founded on")


def _require_next(gazette: Gazette, previous: Law, last: Law) -> None:
    if (
        gazette.kind is Kind.GENESIS
        or gazette.number != last.gazette.number + 1
        or gazette.previous != last.digest
        or gazette.changes != previous.digest
        or gazette.published_ms < last.gazette.published_ms
    ):
        raise GazetteNotNext(number=gazette.number, after=last.gazette.number)


def _require_narrowing(gazette: Gazette, previous: Law) -> None:
    if gazette.effective_ms != gazette.published_ms:
        raise GazetteTooSoon(fault="a narrowing takes effect when it is published")
    widening = widenings(previous.gazette, gazette)
    if widening:
        raise GazetteNotNarrowing(changes=[f"{change.what}: {change.en}" for change in widening[:10]])


def _require_both(encoded: bytes, signatures: Signatures, keys: Anchors) -> None:
    digest = wire.gazette_digest(encoded)
    for role, signature, key, label in _signers(signatures, keys):
        if not signature:
            raise GazetteUnsigned(lacks=role)
        key.verify(signature, label, digest)


def _require_either(encoded: bytes, signatures: Signatures, keys: Anchors) -> None:
    digest = wire.gazette_digest(encoded)
    present = [entry for entry in _signers(signatures, keys) if entry[1]]
    if not present:
        raise GazetteUnsigned(lacks="ministry or commission")
    for _, signature, key, label in present:
        key.verify(signature, label, digest)


def _signers(signatures: Signatures, keys: Anchors) -> list[tuple[str, bytes, VerifyKey, str]]:
    return [
        ("ministry", signatures.ministry, keys.ministry, MINISTRY),
        ("commission", signatures.commission, keys.commission, COMMISSION),
    ]


class LawBook:
    """All versions one has seen, and which of them is in force when.

    At most one version waits. Whatever is published while it does takes its place in the chain and drops it:
    a narrowing that let a waiting widening stand could not be told from one that brings it forward.
    """

    def __init__(self, anchors: Anchors) -> None:
        self.anchors = anchors
        self._laws: list[Law] = []
        self._standing: list[Law] = []
        self._waiting: Law | None = None
        self._heard_ms = 0

    @property
    def published(self) -> tuple[Law, ...]:
        """All versions in the order of their numbers, dropped ones included."""
        return tuple(self._laws)

    def check(self, encoded: bytes, signatures: Signatures, now_ms: int) -> Law:
        """What `accept` would add, without adding it."""
        if not self._laws:
            return Law.open(encoded, signatures, self.anchors, None, now_ms)
        present = self.in_force(now_ms)
        return Law.open(encoded, signatures, self.anchors, present, now_ms, self._laws[-1])

    def heard(self, now_ms: int) -> None:
        """The publisher answered at `now_ms` that there is nothing newer, so the next version is later than
        that.

        This is how a party that asks regularly needs no trust in the time a version or its ledger entry
        carries.
        """
        self._heard_ms = max(self._heard_ms, now_ms)

    def accept(self, encoded: bytes, signatures: Signatures, logged_ms: int) -> Law:
        """Add the next version, published at `logged_ms` by its ledger entry. Raises what `Law.open` raises.

        A version that is in the book already is given back as it is.
        """
        known = wire.gazette_digest(encoded)
        for law in self._laws:
            if law.digest == known:
                return law
        published_ms = max(publication_ms(encoded, logged_ms), self._heard_ms - CLOCK_MS)
        law = self.check(encoded, signatures, published_ms)
        if self.pending(published_ms) is None and self._waiting is not None:
            self._standing.append(self._waiting)
        at_once = law.gazette.kind is not Kind.WIDENING
        if at_once:
            self._standing.append(law)
        self._waiting = None if at_once else law
        self._laws.append(law)
        return law

    def in_force(self, now_ms: int) -> Law:
        """The law at this time. Raises NoLawInForce before the first takes effect.

        A narrowing holds as soon as it is in the book, even for a clock that is behind.
        """
        if self._waiting is not None and self._waiting.starts_ms <= now_ms:
            return self._waiting
        for law in reversed(self._standing):
            if law.starts_ms <= now_ms or law.gazette.kind is Kind.NARROWING:
                return law
        raise NoLawInForce()

    def held(self, now_ms: int) -> list[Law]:
        """Every version that is or was in force, oldest first; none that was dropped."""
        begun = [
            law for law in self._standing if law.starts_ms <= now_ms or law.gazette.kind is Kind.NARROWING
        ]
        waiting = self._waiting
        return begun if waiting is None or waiting.starts_ms > now_ms else [*begun, waiting]

    def pending(self, now_ms: int) -> Law | None:
        """The version that has been published and is not yet in force, if there is one."""
        waiting = self._waiting
        return waiting if waiting is not None and waiting.starts_ms > now_ms else None
