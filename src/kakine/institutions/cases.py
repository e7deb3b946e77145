"""The cases a children's desk works on: child allowance, and the allowance for single parents.

Each inquiry has a name of its own, so that a demonstration broken off knows which it has made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.institutions.families import Family, Member, Roster
from kakine.parties.gateway.asking import Question
from kakine.values.labels import DomainName
from kakine.wire.request import Mode

ALLOWANCE = "JO106"
SINGLE_PARENT = "JO81"
UNIT = "こども家庭課"


@dataclass(frozen=True)
class Inquiry:
    """One question about one person; `name` is the same at every start."""

    name: str
    member: Member
    question: Question


def applications(roster: Roster) -> Iterator[Inquiry]:
    """What has to be asked for every application, household by household."""
    for family in roster.families:
        applicant = family.applicant
        if applicant is None:
            continue
        yield from _allowance(roster, family, applicant)
        if family.one_parent:
            yield from _single_parent(roster, family)


def yearly_check(roster: Roster) -> dict[tuple[object, ...], list[Inquiry]]:
    """The check of all recipients at once (現況の確認): tax and household of each, grouped as they travel."""
    groups: dict[tuple[object, ...], list[Inquiry]] = {}
    for family in roster.families:
        if (applicant := family.applicant) is None:
            continue
        for rows, provider in (
            (("JO106.2",), f"{family.tax_town}/tax"),
            (("JO106.3",), f"{family.town}/residents"),
        ):
            made = _inquiry(roster, applicant, ALLOWANCE, rows, provider, "check", Mode.S1)
            groups.setdefault(made.question.group, []).append(made)
    return groups


def _allowance(roster: Roster, family: Family, applicant: Member) -> Iterator[Inquiry]:
    """Both family relation and household for everybody; tax and account for who applies."""
    for member in (applicant, *family.children):
        yield _inquiry(roster, member, ALLOWANCE, ("JO106.1",), "koseki/register")
        yield _inquiry(roster, member, ALLOWANCE, ("JO106.3",), f"{family.town}/residents")
    yield _inquiry(roster, applicant, ALLOWANCE, ("JO106.2",), f"{family.tax_town}/tax")
    yield _inquiry(roster, applicant, ALLOWANCE, ("JO106.4",), "accounts/benefits")


def _single_parent(roster: Roster, family: Family) -> Iterator[Inquiry]:
    """All twelve rows: five of them go to one provider, as one question."""
    applicant = family.members[0]
    prefecture = tuple(f"JO81.{number}" for number in (2, 3, 4, 5, 11))
    for member in (applicant, *family.children):
        for rows, provider in (
            (("JO81.1",), "insurer/members"),
            (prefecture, "prefecture/welfare"),
            (("JO81.6",), "koseki/register"),
            (("JO81.8",), f"{family.town}/residents"),
            (("JO81.9",), f"{family.town}/children"),
        ):
            yield _inquiry(roster, member, SINGLE_PARENT, rows, provider)
    for rows, provider in (
        (("JO81.7",), f"{family.tax_town}/tax"),
        (("JO81.10",), "pension/records"),
        (("JO81.12",), "accounts/benefits"),
    ):
        yield _inquiry(roster, applicant, SINGLE_PARENT, rows, provider)


def _inquiry(
    roster: Roster,
    member: Member,
    procedure: str,
    rows: tuple[str, ...],
    provider: str,
    kind: str = "application",
    mode: Mode = Mode.S0_PLUS,
) -> Inquiry:
    domain = DomainName(f"{member.family.town}/children")
    case = f"{kind}/{procedure}/{member.family.number}"
    question = Question(
        domain,
        DomainName(provider),
        procedure,
        rows,
        roster.reference(domain, member),
        f"official-{member.family.number % 9 + 1}",
        digest("case-number", str(roster.seed).encode(), case.encode()),
        UNIT,
        mode=mode,
    )
    return Inquiry(f"{kind}/{rows[0]}/{member.serial}", member, question)
