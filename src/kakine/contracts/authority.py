"""The certificate authority: what it issues, what the registry tells it, and what everybody may download.

No call here takes one person's certificate, serial number or place in a list and says something about it: who relies on
certificates downloads what all others download. `LINK` is the one exception, and the holder's own: it wants a signature
by the certificate's key. The OCSP answers for foreign tools, where an operator switches them on, are a call of their
own and have no place in this contract (`parties.authority.ocsp`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role

Opaque = Annotated[bytes, Meta(min_length=16, max_length=16)]


class Certify(Body, frozen=True):
    """A counter asks for one certificate: profile, request (PKCS#10, DER), and the registry's sealed voucher."""

    kind: str
    request: bytes
    voucher: bytes


class Certified(Body, frozen=True):
    """The certificate and its root (DER), and the account's key (32 bytes) by which its holder finds all certificates
    of the account in the log."""

    certificate: bytes
    root: bytes
    account_key: bytes


class CertifyParty(Body, frozen=True):
    """The calling party asks for a certificate of its own, for mutual TLS."""

    request: bytes


class CertifyFirst(Body, frozen=True):
    """The authority's operator brings the application (`wire.joining.SignedApplication`) of a party that has no
    certificate with which it could call."""

    application: bytes


class PartyCertified(Body, frozen=True):
    """The certificate and its root, DER."""

    certificate: bytes
    root: bytes


class What(StrEnum):
    """What became of somebody, or of the card."""

    ATTRIBUTES = "attributes-changed"
    DIED = "died"
    LEFT = "left-the-country"
    LOST = "card-lost"
    FOUND = "card-found"
    ENDED = "ended-by-holder"


class Event(Body, frozen=True):
    """`handle` is the registry's name of the person, `version` the count of events of that life, `key` that of the
    event, under which a repeat is recognised."""

    key: Opaque
    handle: Opaque
    version: Annotated[int, Meta(ge=0, lt=1 << 32)]
    what: What


class Events(Body, frozen=True):
    """In the order in which they happened."""

    events: Annotated[list[Event], Meta(min_length=1, max_length=1000)]


class SignedRoots(Body, frozen=True):
    """An encoded `wire.issuance.RootList` and the authority's signature over it."""

    roots: bytes
    signature: bytes


class ListName(Body, frozen=True):
    """Which status list."""

    uri: str


class Lists(Body, frozen=True):
    """All status lists with their present versions."""

    lists: dict[str, int]


class WholeList(Body, frozen=True):
    """The list token and the head token of the present version."""

    token: str
    head: str


class Since(Body, frozen=True):
    """The steps of a status list after `version`."""

    uri: str
    version: Annotated[int, Meta(ge=0, lt=1 << 32)]


class Steps(Body, frozen=True):
    """The steps from the version asked for to the present, and the present head token. `steps` is empty where the
    version is the present one or too old: then, if the head is newer, the whole list is to be fetched."""

    steps: list[bytes]
    head: str


class Partition(Body, frozen=True):
    """One revocation list: a profile, and a partition of it."""

    kind: str
    partition: str


class Partitions(Body, frozen=True):
    """All revocation lists there are."""

    partitions: list[Partition]


class RevocationList(Body, frozen=True):
    """DER of RFC 5280 section 5."""

    crl: bytes


class FromBatch(Body, frozen=True):
    """Batches from this number, at most `MOST_BATCHES`."""

    number: Annotated[int, Meta(ge=1, lt=1 << 32)]


class LoggedBatch(Body, frozen=True):
    """A batch as `protocols.issuance.Given` has it."""

    batch: bytes
    signature: bytes
    leaves: bytes
    entry: bytes
    first: int
    proof: list[bytes]
    checkpoint: bytes


class Batches(Body, frozen=True):
    """In order; none where there are no more."""

    batches: list[LoggedBatch]


class AskLink(Body, frozen=True):
    """A `wire.continuity.LinkAsked`, sealed to the authority by the holder; the portal carries it."""

    sealed: bytes


class LinkGiven(Body, frozen=True):
    """A `wire.continuity.SignedLink`, sealed to the holder's session."""

    sealed: bytes


MOST_BATCHES = 24

CERTIFY = Call("/v1/certificates", Certify, Certified, frozenset({Role.GATEWAY}), 64 << 10)
CERTIFY_PARTY = Call("/v1/certificates/party", CertifyParty, PartyCertified, ANYBODY, 64 << 10)
CERTIFY_FIRST = Call(
    "/v1/certificates/first", CertifyFirst, PartyCertified, frozenset({Role.AUTHORITY}), 128 << 10
)
EVENTS = Call("/v1/certificates/events", Events, Nothing, frozenset({Role.REGISTRY}))
ROOTS = Call("/v1/certificates/roots", Nothing, SignedRoots, ANYBODY)
LISTS = Call("/v1/status", Nothing, Lists, ANYBODY)
LIST = Call("/v1/status/list", ListName, WholeList, ANYBODY)
STEPS = Call("/v1/status/steps", Since, Steps, ANYBODY)
PARTITIONS = Call("/v1/status/partitions", Nothing, Partitions, ANYBODY)
CRL = Call("/v1/status/crl", Partition, RevocationList, ANYBODY)
BATCHES = Call("/v1/issuance", FromBatch, Batches, ANYBODY)
LINK = Call("/v1/certificates/link", AskLink, LinkGiven, frozenset({Role.PORTAL}), 16 << 10)
