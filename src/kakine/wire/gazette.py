"""The gazette: one signed version of what is lawful.

A version is complete: it holds every party with its keys, every row of the order, every assessment and
suspension, so that one file and the keys of two signers answer any question of law. Its digest is
H("gazette", bytes); the ministry signs the digest under label "gazette-ministry", the commission under
"gazette-commission".

All tuples are sorted by their first field and hold no name twice; `decode` refuses anything else, so two
people who wrote down the same law have the same bytes. Days count from 1970-01-01, times are milliseconds
since then, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.values.problems import GazetteInconsistent
from kakine.wire import canonical
from kakine.wire.canonical import Message

Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Id = Annotated[str, Meta(min_length=1, max_length=80)]
Text = Annotated[str, Meta(max_length=2000)]
Days = Annotated[int, Meta(ge=0, lt=1 << 20)]
Millis = Annotated[int, Meta(ge=0, lt=1 << 48)]
Epoch = Annotated[int, Meta(ge=1, lt=1 << 16)]
Names = tuple[Id, ...]

NO_GAZETTE = bytes(32)
"""Stands where the first version has no previous one."""


class Kind(StrEnum):
    """What a version does to the one it changes."""

    GENESIS = "genesis"
    WIDENING = "widening"
    NARROWING = "narrowing"


class Subject(StrEnum):
    """What a suspension can stop. `EVERYTHING` spares the grounds marked protective."""

    EVERYTHING = "everything"
    PARTY = "party"
    DOMAIN = "domain"
    PROCEDURE = "procedure"
    ROW = "row"
    GROUND = "ground"


class PartyType(Message, frozen=True):
    """A kind of body the order names: `municipality`, 市町村長."""

    id: Id
    ja: Text
    en: Text


class Item(Message, frozen=True):
    """A category of data. `layout` is the digest of its JSON Schema, empty where the pack has none yet."""

    id: Id
    ja: Text
    en: Text
    area: Id
    version: Annotated[int, Meta(ge=0, lt=1 << 16)]
    layout: Annotated[bytes, Meta(max_length=32)]


class Procedure(Message, frozen=True):
    """A task for which data may be asked, the article that says so, and the type of body that does the
    task.
    """

    id: Id
    law_ja: Text
    law_en: Text
    article: Text
    ja: Text
    en: Text
    requester_type: Id


class Row(Message, frozen=True):
    """One line of the order: under `procedure`, a body of `provider_type` may give `item` from day `start`.

    The two files are those whose assessments must be published, of the requester and of the provider (art.
    28).
    """

    id: Id
    procedure: Id
    provider_type: Id
    item: Id
    start: Days
    requester_file: Id
    provider_file: Id


class Domain(Message, frozen=True):
    """A sector of a party, the items it gives, the procedures it asks under, and its key epoch."""

    name: Id
    epoch: Epoch
    provides: Names
    asks: Names


class Party(Message, frozen=True):
    """An organisation. `number` is its corporate number, made up where `synthetic`.

    `signer` names the party that signs the checkpoints of this ledger; empty for a party that is no ledger.
    """

    name: Id
    ja: Text
    en: Text
    number: Annotated[str, Meta(min_length=13, max_length=13)]
    synthetic: bool
    roles: Names
    types: Names
    signing_key: Key
    seal_key: Key
    domains: tuple[Domain, ...]
    signer: Annotated[str, Meta(max_length=80)] = ""


class Assessment(Message, frozen=True):
    """The impact assessment (特定個人情報保護評価) of one file of one party. `review` is the last day it
    counts.
    """

    id: Id
    party: Id
    file: Id
    level: Id
    published: Days
    review: Days
    withdrawn: bool


class Ground(Message, frozen=True):
    """A ground that is no row: upkeep of codes and a person's own history.

    `requesters` and `providers` are roles, `hash` for the domain where enrolment starts, or `self`
    (providers only) for the requester's own domain. A `protective` ground serves the person, and no single
    signature can stop it.
    """

    id: Id
    ja: Text
    en: Text
    article: Text
    requesters: Names
    providers: Names
    protective: bool


MOST_SEALED = 1825
"""Days that a record may be withheld at most. It is kept 84 months, so its person has two years to read it."""


class Sealing(Message, frozen=True):
    """What may be asked under the row with this id may be withheld from its person for at most so many days, for a
    reason in words that the person is told afterwards, under an article of law."""

    id: Id
    days: Annotated[int, Meta(ge=1, le=MOST_SEALED)]
    article: Annotated[str, Meta(min_length=1, max_length=2000)]
    ja: Text
    en: Text


class Client(Message, frozen=True):
    """A relying party of the login (spec/login.md): under which domain it knows people, where a browser may be sent
    back to, which scopes it may ask for beside `openid`, and with which key it proves who it is (P-256, 65 bytes; empty
    for none: then it cannot log anybody in)."""

    id: Id
    domain: Id
    ja: Text
    en: Text
    redirects: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=16)]
    scopes: Names
    key: Annotated[bytes, Meta(max_length=65)]


class Suspension(Message, frozen=True):
    """Something that stands still. `name` is empty for `EVERYTHING`. `reason` names no person. `until` is the last day
    on which it does, 0 where no end is said: then it takes a widening to lift it."""

    subject: Subject
    name: Annotated[str, Meta(max_length=80)]
    reason: Text
    until: Days = 0

    def holds(self, day: int) -> bool:
        """Whether it stands still on this day."""
        return not self.until or day <= self.until


class Gazette(Message, frozen=True):
    """One version. `previous` is the digest of the version published before it, `changes` of the one it
    changes: they differ when a widening that is still waiting gets dropped."""

    number: Annotated[int, Meta(ge=0, lt=1 << 31)]
    previous: Key
    changes: Key
    kind: Kind
    published_ms: Millis
    effective_ms: Millis
    waiting_ms: Millis
    reason_ja: Text
    reason_en: Text
    types: tuple[PartyType, ...]
    items: tuple[Item, ...]
    procedures: tuple[Procedure, ...]
    rows: tuple[Row, ...]
    parties: tuple[Party, ...]
    assessments: tuple[Assessment, ...]
    grounds: tuple[Ground, ...]
    suspensions: tuple[Suspension, ...]
    sealings: tuple[Sealing, ...] = ()
    clients: tuple[Client, ...] = ()


class Signatures(Message, frozen=True):
    """64 bytes each, or empty where that signer has not signed."""

    ministry: Annotated[bytes, Meta(max_length=64)] = b""
    commission: Annotated[bytes, Meta(max_length=64)] = b""


LISTS = ("types", "items", "procedures", "rows", "assessments", "grounds", "sealings", "clients")
"""Fields of a version that are tuples of things with an `id`."""


def encode(gazette: Gazette) -> bytes:
    """The bytes that get signed. Raises GazetteInconsistent if a tuple is out of order or a name stands
    twice.
    """
    _require_order(gazette)
    return canonical.encode(gazette)


def decode(encoded: bytes) -> Gazette:
    """Raises NotCanonical, GazetteInconsistent (order). Not checked: signatures, and whether the names
    resolve.
    """
    gazette = canonical.decode(encoded, Gazette)
    _require_order(gazette)
    return gazette


def gazette_digest(encoded: bytes) -> bytes:
    """32 bytes that stand for a version in signatures, in the next version and in the ledger."""
    return digest("gazette", encoded)


def _ascending(what: str, keys: Iterable[Any]) -> None:
    listed = list(keys)
    if any(not left < right for left, right in pairwise(listed)):
        raise GazetteInconsistent(what=what, fault="not in ascending order, or twice")


def _require_order(gazette: Gazette) -> None:
    for field in LISTS:
        _ascending(field, (entry.id for entry in getattr(gazette, field)))
    _ascending("parties", (party.name for party in gazette.parties))
    _ascending("suspensions", ((s.subject.value, s.name) for s in gazette.suspensions))
    for party in gazette.parties:
        _ascending(party.name, (domain.name for domain in party.domains))
        for names in (party.roles, party.types, *(n for d in party.domains for n in (d.provides, d.asks))):
            _ascending(party.name, names)
    for client in gazette.clients:
        _ascending(client.id, client.redirects)
        _ascending(client.id, client.scopes)
    for ground in gazette.grounds:
        _ascending(ground.id, ground.requesters)
        _ascending(ground.id, ground.providers)
