"""An agency's application to join a country that runs (spec/joining.md section 1): what the law will say of it, where
it can be reached, and the request for its first certificate. Nothing in it is secret.

It is signed under label "party-application" with the signing key that stands in it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.gazette import Assessment, Party

LABEL = "party-application"
MOST_BYTES = 64 << 10
"""Of a signed application."""

Address = Annotated[str, Meta(min_length=1, max_length=300)]


class Application(Message, frozen=True):
    """`party` and its `assessments` as they shall stand in the gazette; `addresses` (`https://host:port`), one for each
    of its processes; `request` is PKCS#10 (DER) for the key with which it speaks TLS."""

    party: Party
    assessments: tuple[Assessment, ...]
    addresses: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=16)]
    request: Annotated[bytes, Meta(max_length=8192)]


class SignedApplication(Message, frozen=True):
    """The encoded application and the applicant's signature (64 bytes) over it."""

    application: bytes
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]
