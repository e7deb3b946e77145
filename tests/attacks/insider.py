"""What insiders can do with the keys they really have: a requester that writes its own requests, a converter or
record keeper that runs other code behind the same identity, and a look at what the country has kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from kakine.contracts import converter
from kakine.contracts.call import Call, Nothing
from kakine.contracts.converter import Convert, Converted, Hop
from kakine.contracts.ledger import CHECKPOINT, Growth
from kakine.country import CONVERTERS, KEEPERS, LOGS
from kakine.crypto.group import ORDER, Scalar, group, scalar_inv, scalar_mul
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import seal
from kakine.parties.converter import hop as honest
from kakine.parties.converter import store as converter_store
from kakine.parties.converter.keys import share_of
from kakine.parties.converter.office import Office
from kakine.parties.converter.recording import record_batch
from kakine.parties.mailbox import partitions
from kakine.parties.mailbox import store as mailbox_store
from kakine.protocols.logs import Log
from kakine.protocols.records import request_batch
from kakine.runtime.heads import History, Prove
from kakine.runtime.http import Duty, application
from kakine.values.calendar import months_since_2000
from kakine.values.codes import Code
from kakine.values.labels import DomainName, PartyName
from kakine.wire import checkpoint
from kakine.wire.answer import Kept, Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.request import (
    HopRecord,
    KeeperSeed,
    Payload,
    PublicPart,
    RecordPart,
    ask_digest,
    keeper_info,
    points_digest,
    public_digest,
    recipient_info,
    request_digest,
)

from land import CHILDREN, Land

MAILBOXES = tuple(keeper.party for keeper in KEEPERS)


def envelopes_filed(land: Land, entries: bytes, name: str = MAILBOXES[0]) -> list[bytes]:
    """The sealed records that a record keeper has filed with these entries."""
    db = mailbox(land, name).db.read()
    found = db.execute("SELECT id, expiry FROM filing WHERE entries = ?", (entries,)).fetchone()
    each = (partitions.find(db, found[1], found[0], j) for j in range(len(entries) // 80))
    return [envelope for envelope in each if envelope is not None]


def scalar(value: int) -> Scalar:
    """A scalar from a number."""
    return Scalar((value % ORDER).to_bytes(32, "little"))


def rewritten(
    land: Land,
    prepared: Prepared,
    *,
    signer: str = "yokohama",
    public: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    blinded: bytes | None = None,
    keeper_seed: bytes | None = None,
) -> Prepared:
    """The same request with these things changed and everything that hangs on them made anew and signed again:
    what a requester with its own software can send."""
    law = land.country.book(signer).in_force(land.clock())
    points = blinded if blinded is not None else prepared.blinded
    part = msgspec.structs.replace(decode(prepared.record, RecordPart), **(record or {}))
    content = msgspec.structs.replace(decode(prepared.payload, Payload), **(payload or {}))
    head = msgspec.structs.replace(decode(prepared.public, PublicPart), **(public or {}))
    hashed = points_digest(points)
    info = recipient_info(head, part.batch, hashed)
    to_recipient = seal(law.seal_key(DomainName(head.recipient).party), info, encode(content))
    seed = encode(KeeperSeed(keeper_seed or content.seed))
    bound = keeper_info(part.batch, hashed)
    to_keepers = tuple(seal(law.seal_key(name), bound, seed) for name in MAILBOXES)
    head = msgspec.structs.replace(head, to_recipient=digest("sealed", to_recipient))
    hidden = public_digest(encode(head))
    months = land.yokohama.office.months
    land.run(months.fetch(months_since_2000(head.time_ms)))
    made = request_batch(head, part.kind, content, ask_digest(hidden, part.batch, hashed), months)
    part = msgspec.structs.replace(
        part,
        blinded=hashed,
        entries=digest("entries", made.entries),
        tags=digest("tags", made.tags),
        to_keepers=tuple(digest("sealed", each) for each in to_keepers),
    )
    data = encode(part)
    signature = land.country.identities[PartyName(signer)].signing.sign(
        "request", request_digest(hidden, data)
    )
    kept = Kept(encode(head), data, signature, to_recipient, to_keepers, bytes(points), encode(content))
    return land.run(land.requester().restore(kept))


def mask_keys(land: Land, domain: DomainName = CHILDREN) -> list[bytes]:
    """The keys a domain of Yokohama shares with the converters."""
    return list(land.run(land.yokohama.office.site(domain).domain.mask_keys(1)))


class Insider:
    """An application in front of an honest one, under the same identity: it serves the calls it wants to."""

    def __init__(self, honest_app: ASGIApp, own_app: ASGIApp, paths: frozenset[str]) -> None:
        self._honest = honest_app
        self._own = own_app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._own if scope["path"] in self._paths else self._honest)(scope, receive, send)


@contextmanager
def taken_over(land: Land, name: str, call: Call[Any, Any], serve: Callable[..., Any]) -> Iterator[None]:
    """For a while one call of one party is served by `serve(caller, message)`."""
    party = PartyName(name)
    before = land.country.apps[party]
    book = land.country.book(name)
    own = application([Duty(call, serve)], lambda who: book.in_force(land.clock()).roles(who))
    land.country.apps[party] = Insider(before, own, frozenset({call.path}))
    try:
        yield
    finally:
        land.country.apps[party] = before


Tamper = Callable[[Convert, list[Scalar], Convert], Sequence[bytes]]
"""(message in, own factors, honest message out) -> the legs that go out instead, the recipient's last."""


def office_of(land: Land, position: int) -> Office:
    """A converter at its desk: position 1, 2 or 3."""
    office: Office = land.country.converters[CONVERTERS[position - 1]].office
    return office


@contextmanager
def tampering(land: Land, position: int, tamper: Tamper) -> Iterator[None]:
    """The converter at `position` puts out other legs than it should and signs for them all the same."""
    office = office_of(land, position)

    async def convert(caller: PartyName, message: Convert) -> Converted:
        asked, onward = await honest.hop(office, caller, message)
        seen = converter_store.find_seen(office.db.read(), asked.request)
        assert seen is not None
        legs = tamper(message, honest.request_factors(office, seen), onward)
        record = msgspec.structs.replace(
            decode(onward.hops[-1].record, HopRecord),
            outs=tuple(points_digest(leg) for leg in legs),
        )
        data = encode(record)
        await office.db.write(
            lambda db: db.execute("UPDATE seen_request SET hop = ? WHERE request = ?", (data, asked.request))
        )
        signed = Hop(data, office.identity.signing.sign("hop", data))
        onward = msgspec.structs.replace(onward, legs=list(legs), hops=[*message.hops, signed])
        if office.successor is not None:
            return await office.peers.ask(office.successor, converter.CONVERT, onward)
        filed, _ = await record_batch(office, asked.public.keepers, asked.request, onward)
        return Converted(filed, onward.hops, onward.legs[-1])

    with taken_over(land, office.identity.name, converter.CONVERT, convert):
        yield


class Careless(History):
    """A converter's memory of heads that takes every history for the one."""

    async def admit(
        self, head: Checkpoint, note: bytes, prove: Prove, shown: Growth | None = None
    ) -> Mapping[Checkpoint, bytes]:
        return {head: note}

    def keep(self, db: sqlite3.Connection, head: Checkpoint, known: Mapping[Checkpoint, bytes]) -> None:
        pass


def careless_about_heads(land: Land) -> None:
    """All converters, until they start anew: a second history of a log is then stopped by other defences alone."""
    for position in (1, 2, 3):
        office = office_of(land, position)
        office.histories = {log.origin: Careless(office.db, log.origin) for log in LOGS}  # type: ignore[assignment]


def items(points: bytes) -> list[bytes]:
    """The 32-byte elements of a vector."""
    return [points[at : at + 32] for at in range(0, len(points), 32)]


def log_size(land: Land, log: Log = LOGS[0]) -> int:
    """Entries in a public log; the other one gets none while the first answers."""
    note = land.run(land.country.peers("yokohama").ask(log.ledger, CHECKPOINT, Nothing()))
    law = land.country.book("yokohama").in_force(land.clock())
    return checkpoint.open(note.checkpoint, log.origin, law.log_key(log.ledger)).size


def mailbox(land: Land, name: str = MAILBOXES[0]) -> Any:
    """A record keeper at its desk."""
    return land.country.mailboxes[PartyName(name)].office


def alone(held: Sequence[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """(place, list, entry) as a record keeper has them, but for one entry, which stands in a list of nobody."""
    who = held[0][1]
    last = max(at for at, each in enumerate(held) if each[1] == who)
    return [(place, 9_999 if at == last else of, entry) for at, (place, of, entry) in enumerate(held)]


def filings(land: Land) -> int:
    """What the record keepers have filed, requests and outcomes; every one of them the same number."""
    counts = {
        mailbox(land, name).db.read().execute("SELECT count(*) FROM filing").fetchone()[0]
        for name in MAILBOXES
    }
    assert len(counts) == 1
    return int(counts.pop())


def rows_of(land: Land, j: int, name: str = MAILBOXES[0]) -> int:
    """Rows in the list of person j at a record keeper."""
    return int(mailbox_store.find_list(mailbox(land, name).db.read(), list_of(land, j, name))[0])


def list_of(land: Land, j: int, name: str = MAILBOXES[0]) -> int:
    """Which list is that of person j at a record keeper."""
    found = mailbox_store.find_code(mailbox(land, name).db.read(), keeper_token(land, j, name))
    assert found is not None
    return found[0]


def keeper_token(land: Land, j: int, name: str = MAILBOXES[0]) -> bytes:
    """Person j's wrapped code at a record keeper, made with all converters' shares."""
    office = mailbox(land, name)
    desks = [office_of(land, i) for i in (1, 2, 3)]
    up = scalar_mul(*(share_of(desk, office.settings.domain, 1)[0] for desk in desks))
    down = scalar_mul(*(share_of(desk, CHILDREN, 1)[0] for desk in desks))
    code = Code(group.mul(scalar_mul(up, scalar_inv(down)), land.code(CHILDREN, j)))
    token: bytes = office.wrap.wrap(code, office.settings.domain)
    return token
