"""Delegation (代理): who may act for whom, where and until when, and what a counter vouches about it.

A delegate is named by a code that came to the delegate alone, so nobody looks anybody up in order to name somebody.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.request import Digest, Millis, Name

Called = Annotated[str, Meta(min_length=1, max_length=40)]
"""How one of the two is called in the other's list."""
Number = Annotated[bytes, Meta(min_length=10, max_length=10)]
"""Of a mandate: 80 random bits, written as `protocols.logins.paper_code`."""


class Basis(StrEnum):
    """By what right: 親権者, 後見人等 (a court's decision), or the principal's own will (任意代理)."""

    PARENT = "parent"
    COURT = "court"
    PROXY = "proxy"


class Terms(Message, frozen=True):
    """What a mandate allows: to log in at these relying parties, to read the own history; from, and until before."""

    basis: Basis
    clients: Annotated[tuple[Name, ...], Meta(max_length=6)]
    history: bool
    from_ms: Millis
    until_ms: Millis


class StandBy(Message, frozen=True, tag=20):
    """A counter vouches: whoever names the code with this digest means this person, called so, as delegate."""

    code: Digest
    called: Called
    expires_ms: Millis


class Appoint(Message, frozen=True, tag=21):
    """A counter vouches: this person, called so, is to be represented on these terms by whoever stands by under the
    code. `cleared`: the clerk knows of the protection (支援措置) and the delegate is not whom it is against."""

    code: Digest
    called: Called
    terms: Terms
    cleared: bool


class EndMandate(Message, frozen=True, tag=22):
    """A counter vouches: this person ends the mandate of this number, given or held; of no number: all that were
    given."""

    number: Annotated[bytes, Meta(max_length=10)]


class AskMandates(Message, frozen=True, tag=23):
    """A counter vouches: this person wants to see which mandates there are."""


AtCounter = StandBy | Appoint | EndMandate | AskMandates


class Shown(Message, frozen=True):
    """A mandate as one of its two people may see it. `called` is the other one's name, `given` that it is one's own;
    `waits`: it opens nothing yet, since it was given a few days ago at most and can be undone."""

    number: Number
    given: bool
    called: Called
    terms: Terms
    waits: bool


class Made(Message, frozen=True):
    """The data of an answer to a counter that has made a mandate."""

    number: Number


class Listing(Message, frozen=True):
    """The data of an answer to a counter that has asked which there are."""

    shown: tuple[Shown, ...]
