"""Impact assessments (特定個人情報保護評価): the level a file needs, the steps that takes, when they come again.

Number Act arts. 27–28, the commission's rules and guideline; days count from 1970-01-01 in Japan. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from kakine.values import calendar
from kakine.values.problems import AssessmentIncomplete, AssessmentMalformed
from kakine.wire.gazette import Assessment, Gazette, Row, Subject

COMMENT_DAYS = 30
"""A public comment lasts at least so long."""
EMERGENCY_DAYS = 30
"""So long may what could not wait (rule art. 9②) go on without its assessment; then the law stops it."""
REDO_YEARS = 5
REVIEW_YEARS = 1
_ACCIDENT_YEARS = 1


class Level(StrEnum):
    """基礎項目, 重点項目, 全項目; `EXEMPT` where none is due."""

    EXEMPT = "exempt"
    BASIC = "basic"
    FOCUSED = "focused"
    FULL = "full"


ORDER = tuple(Level)

BANDS = (0, 1_000, 10_000, 100_000, 300_000)
"""From how many people on; the register keeps the band and never the number."""

_NEEDED = (
    (Level.EXEMPT, Level.EXEMPT),
    (Level.BASIC, Level.BASIC),
    (Level.BASIC, Level.FOCUSED),
    (Level.FOCUSED, Level.FULL),
    (Level.FULL, Level.FULL),
)
"""By band; the second of each with 500 staff or more, or a serious accident in the last year."""


class Outside(StrEnum):
    """Files that are not subject to assessment at all (rule art. 4)."""

    NO = ""
    STAFF = "staff"
    SOCIETY = "society"
    AUDIT = "audit"


class Checker(StrEnum):
    """Who looks at a full assessment before it counts: a third party (municipalities), or the commission itself."""

    THIRD_PARTY = "third-party"
    COMMISSION = "commission"


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the register knows of one file of one party. `people` is one of `BANDS`. The middle fields are of the
    assessment that is being made, the last of the one that counts; a day of 0 is a step that was not taken."""

    party: str
    file: str
    people: int
    many_staff: bool = False
    accident: int = 0
    outside: Outside = Outside.NO
    checker: Checker = Checker.THIRD_PARTY

    draft: int = 0
    comment_from: int = 0
    comment_until: int = 0
    checked: int = 0

    level: Level = Level.EXEMPT
    published: int = 0
    reviewed: int = 0
    emergency: int = 0
    """The day on which it was said that this could not wait; 0 if that was never said."""


class Step(StrEnum):
    """What happens to an assessment, in this order."""

    DRAFT = "draft"
    COMMENT = "comment"
    COMMENT_END = "comment-end"
    CHECK = "check"
    PUBLISH = "publish"
    REVIEW = "review"
    EMERGENCY = "emergency"


def years_after(day: int, years: int) -> int:
    """The same day of the year so many years later; of 29 February the 28th."""
    found = calendar.day(day)
    try:
        return calendar.days(found.replace(year=found.year + years))
    except ValueError:
        return calendar.days(found.replace(year=found.year + years, day=28))


def needed(card: Card, day: int) -> Level:
    """The level that the file needs on this day. Raises `AssessmentMalformed` for a band that is none."""
    if card.people not in BANDS:
        raise AssessmentMalformed(what="people")
    if card.outside:
        return Level.EXEMPT
    recent = bool(card.accident) and day <= years_after(card.accident, _ACCIDENT_YEARS)
    return _NEEDED[BANDS.index(card.people)][card.many_staff or recent]


def lacking(card: Card, day: int) -> list[Step]:
    """Steps of the assessment being made that must come before it can be published."""
    level = needed(card, day)
    if level is Level.EXEMPT:
        return []
    missing = [Step.DRAFT] if not card.draft else []
    if level is Level.FULL:
        missing += [Step.COMMENT] if not card.comment_from else []
        missing += [Step.COMMENT_END] if not card.comment_until else []
        missing += [Step.CHECK] if not card.checked else []
    return missing


def stepped(card: Card, step: Step, day: int) -> Card:
    """The card after a step on this day. Raises `AssessmentMalformed` for one that is out of order or too early."""
    replace = msgspec.structs.replace
    last = max(card.draft, card.comment_from, card.comment_until, card.checked)
    if day < last:
        raise AssessmentMalformed(what="day", step=step.value)
    if step is Step.DRAFT:
        return replace(card, draft=day, comment_from=0, comment_until=0, checked=0)
    if step is Step.COMMENT and card.draft and not card.comment_from:
        return replace(card, comment_from=day)
    if step is Step.COMMENT_END and card.comment_from and not card.comment_until:
        if day - card.comment_from < COMMENT_DAYS:
            raise AssessmentMalformed(
                what="too-early", step=step.value, earliest=card.comment_from + COMMENT_DAYS
            )
        return replace(card, comment_until=day)
    if step is Step.CHECK and card.comment_until and not card.checked:
        return replace(card, checked=day)
    if step is Step.PUBLISH and card.draft and not lacking(card, day):
        return replace(
            card,
            level=needed(card, day),
            published=day,
            reviewed=0,
            emergency=0,
            draft=0,
            comment_from=0,
            comment_until=0,
            checked=0,
        )
    if step is Step.REVIEW and card.published and day >= max(card.published, card.reviewed):
        return replace(card, reviewed=day)
    if step is Step.EMERGENCY and not card.emergency and not card.published:
        return replace(card, emergency=day)
    raise AssessmentMalformed(what="order", step=step.value)


@dataclass(frozen=True)
class Timers:
    """Days by which something is due; 0 where nothing is. `late` are those that are over."""

    review: int
    redo: int
    late: tuple[Step, ...]


def timers(card: Card, day: int) -> Timers:
    """The yearly review and the new assessment after five years. Neither where none is needed."""
    if not card.published or needed(card, day) is Level.EXEMPT:
        return Timers(0, 0, ())
    review = years_after(max(card.published, card.reviewed), REVIEW_YEARS)
    redo = years_after(card.published, REDO_YEARS)
    late = (*([Step.REVIEW] if review < day else []), *([Step.DRAFT] if redo < day else []))
    return Timers(review, redo, late)


def check_entry(card: Card | None, entry: Assessment, day: int) -> None:
    """Raise `AssessmentIncomplete` unless the law may say of this file what `entry` says.

    Where a file needs an assessment it was published at the needed level or above, on the day and for no longer than
    the register says. What was declared an emergency may stand without for `EMERGENCY_DAYS` after that was said.
    """
    facts = {"party": entry.party, "file": entry.file}
    if card is None:
        raise AssessmentIncomplete(lacks="register", **facts)
    if entry.withdrawn or needed(card, day) is Level.EXEMPT:
        return
    if card.emergency and not card.published:
        if entry.review > card.emergency + EMERGENCY_DAYS:
            raise AssessmentIncomplete(lacks="emergency-end", **facts)
        return
    if not card.published:
        raise AssessmentIncomplete(lacks=[step.value for step in lacking(card, day)] or "publish", **facts)
    if ORDER.index(card.level) < ORDER.index(needed(card, day)) or entry.level != card.level:
        raise AssessmentIncomplete(lacks=needed(card, day).value, **facts)
    if entry.published != card.published or entry.review > years_after(card.published, REDO_YEARS):
        raise AssessmentIncomplete(lacks="days", **facts)


# --- what a version would let happen ----------------------------------------------------------------------------

Use = tuple[str, str, str]
"""A party that acts on a row, with the file for which it needs an assessment: (party, file, row)."""


def uses(gazette: Gazette, day: int) -> dict[Use, int]:
    """Every use that is not suspended on this day, and from which day on. Assessments are not looked at."""
    found: dict[Use, int] = {}
    stopped = {(each.subject, each.name) for each in gazette.suspensions if each.holds(day)}
    if (Subject.EVERYTHING, "") in stopped:
        return found
    askers, givers = _askers(gazette, stopped), _givers(gazette, stopped)
    for row in gazette.rows:
        if (Subject.ROW, row.id) in stopped or (Subject.PROCEDURE, row.procedure) in stopped:
            continue
        for use in _of_row(row, askers.get(row.procedure, ()), givers.get((row.provider_type, row.item), ())):
            found[use] = row.start
    return found


def _of_row(row: Row, askers: tuple[str, ...], givers: tuple[str, ...]) -> Iterator[Use]:
    if askers and givers:
        yield from ((party, row.requester_file, row.id) for party in askers)
        yield from ((party, row.provider_file, row.id) for party in givers)


def _askers(gazette: Gazette, stopped: set[tuple[Subject, str]]) -> dict[str, tuple[str, ...]]:
    needs = {procedure.id: procedure.requester_type for procedure in gazette.procedures}
    found: dict[str, tuple[str, ...]] = {}
    for party in gazette.parties:
        if (Subject.PARTY, party.name) in stopped:
            continue
        for domain in party.domains:
            if (Subject.DOMAIN, domain.name) in stopped:
                continue
            for procedure in domain.asks:
                if needs.get(procedure) in party.types:
                    found[procedure] = (*found.get(procedure, ()), party.name)
    return found


def _givers(gazette: Gazette, stopped: set[tuple[Subject, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for party in gazette.parties:
        if (Subject.PARTY, party.name) in stopped:
            continue
        for domain in party.domains:
            if (Subject.DOMAIN, domain.name) in stopped:
                continue
            for kind in party.types:
                for item in domain.provides:
                    found[kind, item] = (*found.get((kind, item), ()), party.name)
    return found


def activated(old: Gazette, new: Gazette, day: int) -> set[Use]:
    """Uses that the new law would bring: that the old one does not have on `day`, or only from a later day on."""
    before = uses(old, day)
    return {use for use, start in uses(new, day).items() if use not in before or start < before[use]}


def check_widening(old: Gazette, new: Gazette, cards: dict[tuple[str, str], Card], day: int) -> None:
    """Raise `AssessmentIncomplete` for the first file that something new would need and that is not assessed.

    What the law says newly of an assessment must be what the register has. Every new use must have an assessment in
    the law that counts on `day` and is not too old by the register, if the register has the file. A day on which the
    law itself would refuse the use (`Law.permit`) is refused here before anybody signs.
    """
    known = {entry.id: entry for entry in old.assessments}
    for entry in new.assessments:
        if _says_more(known.get(entry.id), entry):
            check_entry(cards.get((entry.party, entry.file)), entry, day)
    standing = {(e.party, e.file): e for e in new.assessments if not e.withdrawn and e.review >= day}
    for party, file, row in sorted(activated(old, new, day)):
        if (party, file) not in standing:
            raise AssessmentIncomplete(party=party, file=file, row=row, lacks="assessment")
        card = cards.get((party, file))
        if card is not None and Step.DRAFT in timers(card, day).late:
            raise AssessmentIncomplete(party=party, file=file, row=row, lacks="redo")


def _says_more(old: Assessment | None, new: Assessment) -> bool:
    """Whether a version says of an assessment what the law did not: all but an earlier end of it."""
    if old is None:
        return not new.withdrawn
    less = msgspec.structs.replace(
        old, review=min(old.review, new.review), withdrawn=old.withdrawn or new.withdrawn
    )
    return new != less
