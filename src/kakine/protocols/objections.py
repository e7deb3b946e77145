"""Objections: which entry is disputed, that its person says so, what anybody can count (spec/objections.md). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, seal
from kakine.crypto.signing import VerifyKey
from kakine.protocols import published
from kakine.protocols.gazette import Law
from kakine.protocols.heads import Heads
from kakine.protocols.history import OpenedRow
from kakine.protocols.logs import LogKeys
from kakine.values.labels import DomainName
from kakine.values.problems import AnswerMismatch, AnswerUnasked, ObjectionInvalid
from kakine.wire import filing
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.filing import SignedFiling
from kakine.wire.objection import (
    Aim,
    Answer,
    Claim,
    Logged,
    Passed,
    Reason,
    Replied,
    Reply,
    Shown,
    to_agency,
)
from kakine.wire.record import (
    RequestRecord,
    commitment,
    parent_opened,
    parent_shown,
    personal_opened,
    request_siblings,
    xid_opened,
)
from kakine.wire.request import Place

GROUND = "OBJECTION"
_GATEWAY = "gateway"

LIMIT_MINUTES = 30 * 24 * 60
"""How long an objection may stay unanswered, for whoever counts (個人情報保護法 art. 94: thirty days)."""

ANSWER_MS = 14 * 86_400_000
"""How long an agency has for what was passed on to it, from the objection's own minute in the log. Half of the limit is
left for what then has to be done."""


def place_of(row: OpenedRow) -> Place:
    """Where a row stands."""
    return Place(row.origin, row.index)


def objections_in(rows: Iterable[OpenedRow]) -> dict[Place, OpenedRow]:
    """By the place of the disputed request the first objection to it, among the rows of one history."""
    found: dict[Place, OpenedRow] = {}
    places: dict[bytes, Place] = {}
    for row in rows:
        if not isinstance(row.record, RequestRecord):
            continue
        if row.entry.kind is EntryKind.REQUEST:
            places[row.record.personal.xid] = place_of(row)
        elif row.entry.kind is EntryKind.ANNOTATION and row.record.personal.parent in places:
            found.setdefault(places[row.record.personal.parent], row)
    return found


def shown_of(disputed: OpenedRow, objection: OpenedRow) -> Shown:
    """What the person shows of two own rows: nothing but the xid of one and the parent of the other. Raises
    `ObjectionInvalid` where one is no request."""
    asked, objected = disputed.record, objection.record
    if not isinstance(asked, RequestRecord) or not isinstance(objected, RequestRecord):
        raise ObjectionInvalid(what="kind")
    return Shown(
        place_of(disputed),
        personal_opened(asked.personal, asked.person)[1],
        request_siblings(asked.common, asked.disclosed, asked.withheld),
        place_of(objection),
        parent_shown(objected.personal, objected.person),
        request_siblings(objected.common, objected.disclosed, objected.withheld),
    )


def check_shown(shown: Shown, disputed: Entry, objection: Entry) -> bytes:
    """The xid of the disputed entry, if the openings are those of the two entries and the objection is to that very
    exchange. Raises `ObjectionInvalid`. That the entries stand in the log is for the caller."""
    if disputed.kind is not EntryKind.REQUEST:
        raise ObjectionInvalid(what="kind")
    if objection.kind is not EntryKind.ANNOTATION or objection.is_answer:
        raise ObjectionInvalid(what="objection")
    xid, personal = xid_opened(shown.opening)
    if commitment(personal, shown.siblings) != disputed.commitment:
        raise ObjectionInvalid(what="opening")
    parent, personal = parent_opened(shown.parent)
    if commitment(personal, shown.parent_siblings) != objection.commitment:
        raise ObjectionInvalid(what="parent-opening")
    if parent != xid:
        raise ObjectionInvalid(what="parent")
    return xid


def check_filed(
    objection: bytes,
    tag: bytes,
    filings: Sequence[SignedFiling],
    keepers: Sequence[str],
    key_of: Callable[[str], VerifyKey],
) -> None:
    """Raise `ObjectionInvalid` unless every record keeper (parties, in order) has signed for this objection (80 bytes).

    They sign only for whoever has the disputed entry in the own list, so this is what ties the two together: a ledger
    that takes an entry of its own, or an agency that knows the xid, cannot.
    """
    if [each.party for each in filings] != list(keepers):
        raise ObjectionInvalid(what="keepers")
    for each in filings:
        filing.opened(each.filing, each.signature, key_of(each.party)).covers(objection, tag)


# --- the answer -----------------------------------------------------------------------------------------------


def entry_of(answer: Answer, now_ms: int) -> bytes:
    """The 80 bytes with which the commission logs an answer."""
    return published.entry_of(EntryKind.ANNOTATION, answer.digest, now_ms)


def answer_tag(xid: bytes) -> bytes:
    """The tag under which it files them: one answer an exchange, found by whoever knows the xid."""
    return digest("xid-answer", xid)


def check_answer(
    logged: bytes, shown: Shown, xid: bytes, commission: VerifyKey, logs: LogKeys, heads: Heads
) -> Answer:
    """The answer to this objection, signed and standing in the log. Raises `AnswerMismatch` where it is another, and
    what does not verify."""
    given = decode(logged, Logged)
    commission.verify(given.signature, "objection-answer", given.answer)
    answer = decode(given.answer, Answer)
    if (answer.xid, answer.place) != (xid, shown.place):
        raise AnswerMismatch(what="exchange")
    entry = Entry.decode(given.entry)
    if not entry.is_answer or not published.is_of(entry, EntryKind.ANNOTATION, answer.digest):
        raise AnswerMismatch(what="entry")
    heads.verify(given.index, given.path, given.note, given.entry, logs)
    return answer


# --- passed on to an agency ------------------------------------------------------------------------------------


def reason_of(objection: RequestRecord) -> Reason:
    """Why the person objects. Raises `ObjectionInvalid`."""
    try:
        (said,) = objection.common.items
        return Reason(said)
    except ValueError as fault:
        raise ObjectionInvalid(what="reason") from fault


def claim_of(
    law: Law, disputed: OpenedRow, objection: OpenedRow, session: OpenKey, note: str
) -> tuple[Aim, bytes]:
    """What the commission is to do with an objection of this reason, and what it is to pass on, sealed to the agency:
    what is said to be wrong to whoever held it, everything else but a mix-up of people to whoever asked.

    Raises `ObjectionInvalid` where a row is no request.
    """
    asked, objected = disputed.record, objection.record
    if not isinstance(asked, RequestRecord) or not isinstance(objected, RequestRecord):
        raise ObjectionInvalid(what="kind")
    reason = reason_of(objected)
    if reason is Reason.NOT_ME:
        return Aim.CHECK, b""
    aim = Aim.HOLDER if reason is Reason.DATA_WRONG else Aim.ASKER
    party = DomainName(asked.common.recipient if aim is Aim.HOLDER else asked.common.requester).party
    if _GATEWAY not in law.roles(party):
        return Aim.CHECK, b""
    items = tuple(asked.common.items) if aim is Aim.HOLDER else ()
    personal, shown = asked.personal, shown_of(disputed, objection)
    claim = Claim(shown, bytes(session.public), reason, personal.official, personal.case, items, note)
    return aim, seal(law.seal_key(party), to_agency(), encode(claim))


def check_reply(said: bytes, passed: Passed, shown: Shown, agency: VerifyKey) -> Reply:
    """An agency's answer, the one of which it has signed for the commission that it gave it. Raises `AnswerMismatch`
    where it is another, and what does not verify."""
    agency.verify(passed.signature, "claim-replied", passed.replied)
    replied, reply = decode(passed.replied, Replied), decode(said, Reply)
    if (replied.xid, replied.place, replied.party) != (shown.opening[:16], shown.place, passed.party):
        raise AnswerMismatch(what="exchange")
    if replied.reply != reply.digest:
        raise AnswerMismatch(what="reply")
    return reply


# --- anybody --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """Objections and answers in the log. At least `late` objections are older than the limit and not answered: which
    answer belongs to which objection the log does not say, so every answer counts for an old one."""

    objections: int
    answers: int
    late: int


def counted(entries: Mapping[int, Entry], now_minutes: int, limit_minutes: int) -> Counted:
    """Counts over all entries of a log from its beginning. Raises `AnswerUnasked` at the first place where there are
    more answers than objections before it."""
    objections = answers = old = 0
    for place in sorted(entries):
        entry = entries[place]
        if entry.kind is not EntryKind.ANNOTATION:
            continue
        if entry.is_answer:
            answers += 1
        else:
            objections += 1
            old += now_minutes - entry.minutes > limit_minutes
        if answers > objections:
            raise AnswerUnasked(index=place)
    return Counted(objections, answers, max(0, old - answers))
