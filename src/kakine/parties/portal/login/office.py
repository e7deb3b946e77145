"""What the login works with: its settings, its key, the law, and what lasts minutes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from kakine.contracts.login import Standing
from kakine.crypto.passkeys import Passkey, Site
from kakine.crypto.webkeys import TokenKey
from kakine.parties.portal.login.memory import Kept, Spent
from kakine.parties.portal.mandates.book import Mandates
from kakine.protocols.gazette import LawBook
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.runtime.database import Database
from kakine.runtime.identity import Clock, Entropy
from kakine.values.labels import DomainName
from kakine.values.problems import CodeUnknown, InteractionUnknown, RequestUriUnknown, TokenUnknown
from kakine.wire.decision import Decision
from kakine.wire.gazette import Client
from kakine.wire.login import Challenge

REQUEST_MS = 60_000
INTERACTION_MS = 600_000
CODE_MS = 60_000
TOKEN_MS = 300_000
PROOF_MS = 60_000
"""How old a proof of possession may be, and how far ahead of this clock."""
ASSERTION_MS = 300_000
"""How long a client's assertion may be good for."""


class Exchanges(Protocol):
    """What the portal does for a login outside itself (`parties.portal.app`)."""

    async def subject(self, account: bytes, to: DomainName, scopes: tuple[str, ...]) -> str:
        """Under what name the relying party of this domain knows the person."""
        ...

    async def attributes(
        self, account: bytes, items: tuple[str, ...], grant: bytes = b""
    ) -> Mapping[str, Any]:
        """What the registry gives, by item; under a grant so that its person finds the use."""
        ...

    async def decide_unkept(self, account: bytes, decision: Decision) -> None:
        """File what the person has decided into the own list."""
        ...

    async def release_address(self, account: bytes, number: bytes) -> None:
        """Have the act done of letting somebody have the address, by a person whom a clerk has seen."""
        ...

    async def bind_passkey(self, account: bytes, made: Passkey) -> None:
        """A passkey opens the account of somebody whom a clerk has seen."""
        ...


@dataclass(frozen=True)
class Wanted:
    """A consent to the latest items: which, for what, for how many days."""

    items: tuple[str, ...]
    purpose: str
    days: int


@dataclass(frozen=True)
class Pushed:
    """An accepted authorization request. `ways` are the values of acr that may satisfy it, `transaction` is a digest to
    be approved or empty, `thumbprint` the key that must redeem the code, or empty for any. `latest` is what scope
    `latest` wants."""

    client: str
    redirect: str
    state: str
    nonce: str
    challenge: str
    scopes: tuple[str, ...]
    ways: frozenset[str]
    thumbprint: str
    transaction: bytes
    latest: Wanted | None = None


@dataclass(frozen=True)
class Shown:
    """A way in that was shown: whose, of what kind (a value of acr), and which one: the handle of a card, with its
    certificate, or the id of a passkey; nothing for a paper, which is used up."""

    account: bytes
    acr: str
    time_ms: int
    way: bytes = b""
    certificate: bytes = b""


@dataclass(frozen=True)
class Asking:
    """What a card is shown of who asks: an id, the purpose in words, a digest that is approved or nothing."""

    client: str
    purpose: str
    transaction: bytes = b""


@dataclass(kw_only=True)
class Arrival(ABC):
    """Somebody who is asked for a way in. A challenge is answered once, rightly or wrongly."""

    account: bytes | None = None
    card: Challenge | None = None
    passkey: bytes | None = None

    @abstractmethod
    def expect(self, way: str) -> None:
        """Raise a problem unless this way may be shown now."""

    @abstractmethod
    def asking(self, office: Office) -> Asking:
        """Who asks for it, and what for."""


A_co = TypeVar("A_co", bound=Arrival, covariant=True)


class Room(Protocol[A_co]):
    """Where arrivals are, under names that only their browsers know (`ways`)."""

    def arrival(self, name: str) -> A_co:
        """Raises a problem for names that are unknown or over."""
        ...

    def enter(self, name: str, shown: Shown) -> str:
        """The person is known now, or known better. The arrival's new name: what knew the old one opens nothing."""
        ...


@dataclass
class Interaction(Arrival):
    """One login under way in one browser. `account`, `acr` and `time_ms` are set once the person is known; `account` is
    always who has logged in. `acting` is the number of the mandate by which that person acts for another, or empty."""

    pushed: Pushed
    acr: str = ""
    time_ms: int = 0
    creating: bytes | None = None
    acting: bytes = b""

    def expect(self, way: str) -> None:
        """Once, and a way that satisfies the relying party. Raises `InteractionUnknown`."""
        if self.account is not None or way not in self.pushed.ways:
            raise InteractionUnknown()

    def asking(self, office: Office) -> Asking:
        """The relying party. Raises what the law lacks."""
        client = office.client(self.pushed.client)
        purpose = f"{client.ja} にログインする / log in to {client.en}"
        if self.pushed.transaction:
            purpose = f"{client.ja} の取引を承認する / approve a transaction of {client.en}"
        return Asking(client.id, purpose, self.pushed.transaction)


class Interactions(Kept[Interaction]):
    """Logins under way."""

    def arrival(self, name: str) -> Interaction:
        """See `Room`."""
        return self.get(name)

    def enter(self, name: str, shown: Shown) -> str:
        """See `Room`."""
        interaction = self.take(name)
        interaction.account, interaction.acr, interaction.time_ms = shown.account, shown.acr, shown.time_ms
        return self.put(interaction)


@dataclass(frozen=True)
class Under:
    """A login by a delegate: in which bucket of mandates (`mandates.ended`), since when, and what the tokens say of it.
    Which mandate it was does not stand in it. Or one that gives a place: in which bucket of accounts, and nothing said;
    a shield that goes up takes the place out of it."""

    bucket: int
    since_ms: int
    said: Mapping[str, Any]


@dataclass
class Grant:
    """What a code stands for. Whose account it came from is not in it, or sealed. `latest` goes beside the tokens;
    `token` is set once it has been redeemed."""

    pushed: Pushed
    sub: str
    acr: str
    time_ms: int
    scopes: tuple[str, ...]
    claims: Mapping[str, Any]
    latest: Mapping[str, Any] = field(default_factory=dict)
    under: Under | None = None
    token: str = ""


@dataclass(frozen=True)
class Token:
    """What an access token opens, to the holder of one key."""

    client: str
    thumbprint: str
    claims: Mapping[str, Any]
    under: Under | None = None


@dataclass
class Office:
    """The login at work. `issuer` has no slash at its end; `helper` is the origin of the card helper on the holder's
    machine. Without `standing` no card can log in: there is nobody to say whether it stands."""

    issuer: str
    domain: DomainName
    key: TokenKey
    handle_key: bytes
    latest_key: bytes
    law: LawBook
    db: Database
    exchanges: Exchanges
    clock: Clock
    entropy: Entropy
    mandates: Mandates
    standing: Standing | None = None
    helper: str = "http://127.0.0.1:8471"
    requests: Kept[Pushed] = field(init=False)
    interactions: Interactions = field(init=False)
    codes: Kept[Grant] = field(init=False)
    tokens: Kept[Token] = field(init=False)
    assertions: Spent = field(init=False)
    proofs: Spent = field(init=False)

    def __post_init__(self) -> None:
        own = self.clock, self.entropy
        self.requests = Kept(REQUEST_MS, *own, RequestUriUnknown)
        self.interactions = Interactions(INTERACTION_MS, *own, InteractionUnknown)
        self.codes = Kept(CODE_MS, *own, CodeUnknown)
        self.tokens = Kept(TOKEN_MS, *own, TokenUnknown)
        self.assertions = Spent(2 * ASSERTION_MS, self.clock)
        self.proofs = Spent(2 * PROOF_MS, self.clock)

    @property
    def site(self) -> Site:
        """Where passkeys live."""
        host = self.issuer.partition("://")[2].partition("/")[0]
        return Site(self.issuer, host.rpartition(":")[0] if ":" in host else host)

    @property
    def ways(self) -> frozenset[str]:
        """How people can log in here."""
        return frozenset({COUNTER, PASSKEY} | ({CARD} if self.standing else set()))

    def client(self, name: str) -> Client:
        """A relying party that may log people in at this moment. Every step asks anew, so that one that is suspended
        gets no further. Raises `ClientUnauthenticated`, `Suspended` and what else the law lacks."""
        now_ms = self.clock()
        law = self.law.in_force(now_ms)
        found = law.client(name)
        law.permit_login(self.domain, found.domain, now_ms)
        return found

    def url(self, path: str) -> str:
        """An endpoint of this provider."""
        return self.issuer + path
