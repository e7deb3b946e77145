"""What ministry, commission and authority do about an application (spec/joining.md), each by its operator's call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from kakine.cli.acting import Agency
from kakine.contracts.agency import KEEP, KeepCopies, NewCopy
from kakine.contracts.authority import CERTIFY_FIRST, CertifyFirst
from kakine.contracts.call import Nothing, Role
from kakine.contracts.commission import APPROVE, ASSESSED, PROPOSALS, Approve, Assessed, Proposal, Version
from kakine.contracts.ministry import PROPOSE, Draft, Proposed
from kakine.contracts.registry import ACQUIRE, Acquire, Wanted
from kakine.crypto import x509_issue
from kakine.process.running import clock
from kakine.protocols.gazette_diff import describe
from kakine.protocols.joining import named, opened, with_agency
from kakine.values.labels import PartyName
from kakine.values.problems import ApplicationRefused, ProposalUnknown
from kakine.wire.gazette import encode
from kakine.wire.joining import Application

BATCH = 256
"""People in one call to the registry."""


@dataclass(frozen=True)
class Facts:
    """Of an assessment: `wire` has its file and the day of its publication, the agency tells the rest."""

    people: int
    many_staff: bool
    draft: int
    comment_from: int = 0
    comment_until: int = 0
    checked: int = 0


class Stage(StrEnum):
    """How far an application is in the law."""

    NOT_PUBLISHED = "not-published"
    WAITS = "waits"
    IN_FORCE = "in-force"


class State(msgspec.Struct, frozen=True):
    """`since_ms` is when it takes or took effect, 0 where it is not published."""

    stage: Stage
    since_ms: int = 0


def state(own: Agency, asked: Application) -> State:
    """By the law as the party has just fetched it. Raises `ApplicationRefused` where the name is another's."""
    law, now_ms = own.law, clock()
    if named(law.gazette, asked):
        return State(Stage.IN_FORCE, law.starts_ms)
    waiting = own.book.pending(now_ms)
    if waiting is not None and named(waiting.gazette, asked):
        return State(Stage.WAITS, waiting.starts_ms)
    return State(Stage.NOT_PUBLISHED)


async def propose(own: Agency, signed: bytes, review_ms: int, reasons: tuple[str, str]) -> Proposed:
    """The ministry's act: the law in force with this agency, to take effect after review and waiting time.

    Raises `ApplicationRefused` also where another change waits, which a new version would drop; and what the ministry
    refuses, to everybody but its own operator.
    """
    asked = opened(signed)
    law, now_ms = own.law, clock()
    changed = with_agency(law.gazette, asked)
    if (waiting := own.book.pending(now_ms)) is not None:
        fault = "the law has it already" if named(waiting.gazette, asked) else "another change waits"
        raise ApplicationRefused(party=asked.party.name, fault=fault, until_ms=waiting.starts_ms)
    draft = Draft(encode(changed), now_ms + law.gazette.waiting_ms + review_ms, *reasons)
    return await own.peers.ask(law.with_role(Role.MINISTRY)[0], PROPOSE, draft)


async def proposal(own: Agency, signed: bytes) -> Proposal:
    """The last open proposal that says what the application says, of keys too, and nothing besides. Raises
    `ProposalUnknown`, `ApplicationRefused` where the law has the agency already."""
    asked, law = opened(signed), own.law
    if state(own, asked).stage is not Stage.NOT_PUBLISHED:
        raise ApplicationRefused(party=asked.party.name, fault="the law has it already")
    wanted = [(each.ja, each.en) for each in describe(law.gazette, with_agency(law.gazette, asked))]
    given = await own.peers.ask(law.with_role(Role.COMMISSION)[0], PROPOSALS, Nothing())
    fitting = [each for each in given.proposals if [(one.ja, one.en) for one in each.changes] == wanted]
    if not fitting:
        raise ProposalUnknown(party=asked.party.name)
    return max(fitting, key=lambda each: (each.number, each.effective_ms))


async def assess(own: Agency, party: str, file: str, facts: Facts, published: int) -> None:
    """The commission's act, while it has no people: an assessment that the agency has published comes into the
    register. Raises `TwoPeopleNeeded`, `AssessmentMalformed`."""
    days = facts.draft, facts.comment_from, facts.comment_until, facts.checked, published
    told = Assessed(party, file, facts.people, facts.many_staff, *days)
    await own.peers.ask(own.law.with_role(Role.COMMISSION)[0], ASSESSED, told)


async def approve(own: Agency, digest: bytes) -> Version:
    """The commission's act. Raises `GazetteTooSoon` where the review took longer than the proposal left room for,
    `TwoPeopleNeeded` where the commission has people: they sign in its console."""
    return await own.peers.ask(own.law.with_role(Role.COMMISSION)[0], APPROVE, Approve(digest))


async def certify(own: Agency, signed: bytes) -> bytes:
    """The authority's act: the first certificate as PEM. Raises `PartyUnknown` before the law has the agency in force,
    `ApplicationRefused` where it has other keys."""
    opened(signed)
    authority = PartyName(own.settings.country.authority)
    given = await own.peers.ask(authority, CERTIFY_FIRST, CertifyFirst(signed))
    return x509_issue.pem(given.certificate)


async def keep(own: Agency, domain: str, copies: Sequence[NewCopy]) -> None:
    """The agency's own act: its gateway answers from these copies. May be repeated. Raises what the gateway refuses,
    with the position in its batch."""
    for first in range(0, len(copies), BATCH):
        asked = KeepCopies(domain, list(copies[first : first + BATCH]))
        await own.peers.ask(own.settings.name, KEEP, asked)


async def acquire(own: Agency, domain: str, wanted: Sequence[Wanted]) -> Mapping[str, int]:
    """The agency's own act: codes of people it knows; how often each outcome came. May be repeated. Raises what the
    registry refuses."""
    registry = own.law.with_role(Role.REGISTRY)[0]
    counted: dict[str, int] = {}
    for first in range(0, len(wanted), BATCH):
        given = await own.peers.ask(registry, ACQUIRE, Acquire(domain, list(wanted[first : first + BATCH])))
        for outcome in given.outcomes:
            counted[outcome] = counted.get(outcome, 0) + 1
    return counted
