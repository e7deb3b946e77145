"""How a ledger starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from kakine.clients.witnessing import Road, WitnessSite
from kakine.contracts.call import Role
from kakine.contracts.converter import HEAD, LastHead
from kakine.crypto.signing import VerifyKey
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.attest import Others, Seen
from kakine.parties.ledger.settings import LedgerSettings
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import log_of
from kakine.runtime.footing import SECOND, Footing, Send, Site, Working
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.runtime.schedule import Chore
from kakine.runtime.witness import ADD
from kakine.runtime.witness_roads import HttpRoad
from kakine.values.labels import PartyName
from kakine.values.problems import NoLawInForce, PartyUnknown
from kakine.wire.policy import decode


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the log `origin`, which `signer` signs. The founding commission files before there is a law. `policy` is the
    file with the witnesses' policy; `witnesses` are the submission prefixes of those outside, by their names in it."""

    origin: str
    signer: PartyName
    commission: PartyName
    policy: Path
    witnesses: dict[str, str] = {}


@dataclass(frozen=True)
class LedgerLaw:
    """Who files and who may call, by the law that a ledger knows; before there is one, the founding commission."""

    book: LawBook
    clock: Clock
    commission: tuple[PartyName, VerifyKey]

    def filer_key(self, name: PartyName) -> VerifyKey:
        """Before there is a law the ledger knows the founding commission's key; afterwards the law's."""
        try:
            return self.book.in_force(self.clock()).signing_key(name)
        except NoLawInForce:
            if name != self.commission[0]:
                raise PartyUnknown() from None
            return self.commission[1]

    def filers(self, role: str) -> Sequence[PartyName]:
        """Who must file."""
        try:
            return self.book.in_force(self.clock()).with_role(role)
        except NoLawInForce:
            return (self.commission[0],) if role == Role.COMMISSION else ()

    def roles(self, name: PartyName) -> frozenset[str]:
        """What a caller is."""
        try:
            return self.book.in_force(self.clock()).roles(name)
        except NoLawInForce:
            return frozenset({Role.COMMISSION}) if name == self.commission[0] else frozenset()


async def start(settings: LedgerSettings, law: LedgerLaw, peers: Peers, others: Others) -> Ledger:
    """Raises what `Ledger.open` raises."""
    asked = law.filer_key, law.filers, law.roles, peers, law.clock
    return await Ledger.open(settings, *asked, others)


async def seen_by(peers: Peers, converters: Sequence[PartyName], origin: str) -> list[Seen]:
    """What converters have seen of a log."""
    seen = []
    for name in converters:
        given = await peers.ask(name, HEAD, LastHead(origin))
        if given.size:
            seen.append(Seen(name, given.checkpoint))
    return seen


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own, for a log that the country was founded with. Its signer runs already."""
    log = log_of(place.logs, own.origin)
    key = log.key_in(place.law.in_force(place.clock()))
    settings = LedgerSettings(own.origin, place.database, own.signer, key)
    commission = own.commission, place.law.anchors.commission
    law = LedgerLaw(place.law, place.clock, commission)
    others = partial(seen_by, place.peers, place.converters, own.origin)
    made = await start(settings, law, place.peers, others)

    async def beat() -> str:
        return "beat" if await made.beat() else ""

    witnesses = partial(_have_witnessed, made, place.converters, own, site)
    chores = (
        Chore("heartbeat", SECOND, beat, "heart"),
        Chore("witnesses", 10 * SECOND, witnesses, "witness"),
    )
    return Working(lambda: made.app, made.close, begin=made.start, chores=chores, store=made.database)


@dataclass(frozen=True)
class _PartyRoad:
    """A converter as a witness, over the road of the parties."""

    send: Send
    to: PartyName

    async def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
        return await self.send(self.to, ADD, body)


async def _have_witnessed(ledger: Ledger, converters: Sequence[PartyName], own: Own, site: Site) -> str:
    """A witness that is away is said; no exchange waits for any of them."""
    policy = decode((site.folder / own.policy).read_bytes())
    async with aiohttp.ClientSession(trust_env=False) as session:
        roads: dict[str, Road] = {str(name): _PartyRoad(site.send, name) for name in converters}
        roads |= {name: HttpRoad(session, prefix) for name, prefix in own.witnesses.items()}
        sites = [WitnessSite(name, policy.witnesses[name], road) for name, road in roads.items()]
        gathered = await ledger.witnessing.gather(policy, sites)
    return ", ".join(f"{name}: {code}" for name, code in gathered.refused.items())
