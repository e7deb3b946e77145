"""The registry of residents: entries, numbers, and what happens in a life, as municipalities report them.

A municipality names a resident by number and birth date. The registry answers with numbers and record codes
to be told to the person, never with a name, an address, a list, or a key of its own. Every report has a
`key` of 16 random bytes chosen by the reporter: the same report sent again is answered alike and done once.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import Body, Call, Nothing, Role
from kakine.protocols.matching import Sex

Key = Annotated[bytes, Meta(min_length=16, max_length=16)]

BATCH = 5000
"""Most entries in one call."""


class Cause(StrEnum):
    """Why somebody is entered who was not born into a recorded household."""

    FIRST = "first-entry"
    IMMIGRATION = "immigration"
    FOUND = "found-without-record"


class Distinct(StrEnum):
    """Why an entry that agrees with an earlier one in every item is of another person, as a human
    established."""

    SAME_NAME_AND_BIRTH = "same-name-and-birth"
    UNNAMED_TWIN = "unnamed-twin"


class NumberReason(StrEnum):
    """Why a number is changed (Number Act art. 7(2), its order arts. 3-4)."""

    ASKED = "asked-by-holder"
    EX_OFFICIO = "ex-officio"


class Subject(Body, frozen=True):
    """A resident: the number, and the birth date as the second check that a mistyped number needs."""

    number: str
    birth: date


class Entry(Body, frozen=True):
    """Somebody new to the register. `address` None: they have none. `household` is the reporter's own 16
    bytes.

    `distinct` is given only after a refusal with `person-exists`, once a human has established the reason.
    """

    key: Key
    name: str
    kana: str
    birth: date
    sex: Sex
    household: Key
    day: date
    address: str | None = None
    cause: Cause = Cause.FIRST
    distinct: Distinct | None = None


class Enter(Body, frozen=True):
    """Entries of the calling municipality, written together; each is taken or refused for itself."""

    entries: Annotated[list[Entry], Meta(min_length=1, max_length=BATCH)]


class Numbered(Body, frozen=True, tag="numbered"):
    """The number (12 digits) and resident-record code (11 digits) given, to be told to the person."""

    number: str
    record_code: str


class Refused(Body, frozen=True, tag="refused"):
    """The code of the problem for which one entry was not taken; nothing of it was written."""

    problem: str


class EnterAnswer(Body, frozen=True):
    """One outcome for each entry, in order."""

    outcomes: list[Numbered | Refused]


class Born(Body, frozen=True):
    """A birth into the household of `parent`, whose address and protection the child shares.

    Name and kana are both empty until the child is named; `Renamed` follows.
    """

    key: Key
    parent: Subject
    birth: date
    sex: Sex
    name: str = ""
    kana: str = ""
    distinct: Distinct | None = None


class MovedOut(Body, frozen=True, tag="moved-out"):
    """Is about to leave the calling municipality for the one with this code (転出), or has left. It stays the
    municipality of record until that one reports the move, which it may for `protocols.validity.LEAVE_DAYS` days."""

    to: str


class Moved(Body, frozen=True, tag="moved"):
    """To the calling municipality: another address there, or (None) no address; also a return from abroad.

    Whoever was of another municipality must have been reported by it as leaving for this one. Whoever was of this one
    is leaving no more.
    """

    address: str | None
    household: Key


class WentAbroad(Body, frozen=True, tag="went-abroad"):
    """Out of the country; the last municipality stays responsible."""


class Renamed(Body, frozen=True, tag="renamed"):
    """A change of name, or the naming of a newborn."""

    name: str
    kana: str


class Died(Body, frozen=True, tag="died"):
    """Death. The number is nobody's from now on, and never given again."""


class NumberChanged(Body, frozen=True, tag="number-changed"):
    """A new number, drawn afresh, in place of the present one, which is nobody's from now on."""

    reason: NumberReason


class RecordCodeChanged(Body, frozen=True, tag="record-code-changed"):
    """A new resident-record code, at the holder's wish. Nothing depends on it."""


class ShieldSet(Body, frozen=True, tag="shield-set"):
    """Protection of victims. `undisclosed` (不開示該当): address and history are shown to nobody else;
    `own_view_stopped` (自己情報提供不可): not even to a session of their own. Both false ends it."""

    undisclosed: bool
    own_view_stopped: bool


Change = MovedOut | Moved | WentAbroad | Renamed | Died | NumberChanged | RecordCodeChanged | ShieldSet


class Report(Body, frozen=True):
    """One event in the life of one resident; `day` is when it happened."""

    key: Key
    subject: Subject
    day: date
    change: Change


class Reported(Body, frozen=True):
    """Done. `number` and `record_code` are set where a new one was given."""

    number: str = ""
    record_code: str = ""


class Vouch(Body, frozen=True):
    """The counter asks the registry to vouch for a resident towards the certificate authority.

    `purpose` is "authentication" or "signature". `card_until` is the last day of the card where there is one already;
    `stay_until` that of a foreign resident's permitted stay, from the residence card that was shown.
    """

    subject: Subject
    purpose: str
    card_until: date | None = None
    stay_until: date | None = None


class Vouched(Body, frozen=True):
    """A `wire.voucher.Voucher`, sealed to the authority. The counter reads nothing of it."""

    voucher: bytes


class CardNews(StrEnum):
    """What the holder says of the card."""

    LOST = "lost"
    FOUND = "found"
    ENDED = "ended"


class CardReport(Body, frozen=True):
    """A holder reports the card lost or found again, or gives its certificates up."""

    key: Key
    subject: Subject
    news: CardNews


class LossCode(Body, frozen=True):
    """The counter has printed a code (紛失コード) by which this resident can report a card lost from anywhere. `code`
    is its digest (`protocols.logins.loss_digest`); the one before is void."""

    subject: Subject
    code: Annotated[bytes, Meta(min_length=32, max_length=32)]


class LostByCode(Body, frozen=True):
    """Somebody has said this code (its digest) at the telephone: the card is lost. Nobody is named."""

    key: Key
    code: Annotated[bytes, Meta(min_length=32, max_length=32)]


class ByNumber(Body, frozen=True, tag="number"):
    """The number as the person gave it, with proof of identity seen (Act art. 16), and the birth date."""

    number: str
    birth: date


class ByItems(Body, frozen=True, tag="items"):
    """All five items, which must agree with exactly one resident."""

    name: str
    kana: str
    birth: date
    sex: Sex
    address: str


class Wanted(Body, frozen=True):
    """One person, and the reference (宛名番号, file number) under which the asking domain will keep the code."""

    reference: Annotated[bytes, Meta(min_length=1, max_length=64)]
    who: ByNumber | ByItems


class Acquire(Body, frozen=True):
    """A domain of the calling party asks for its own codes of people (符号の取得)."""

    domain: str
    wanted: Annotated[list[Wanted], Meta(min_length=1, max_length=256)]


NOT_GIVEN = "not-given"
"""No code, whatever the reason: nobody or more than one agrees, the number is no longer in force, the person is dead,
or the code could not be issued. One word, so that nobody learns from it about whoever was named."""


class Acquired(Body, frozen=True):
    """For each: "delivered" (the code has come by the chain), "refused" (the domain has the person or the reference
    already, differently), `NOT_GIVEN`, or the code of what is wrong in the question itself (a check digit, a blank
    item)."""

    outcomes: list[str]


_TOWNS = frozenset({Role.GATEWAY})

ENTER = Call("/v1/residents/enter", Enter, EnterAnswer, _TOWNS)
BIRTH = Call("/v1/residents/birth", Born, Reported, _TOWNS)
ACQUIRE = Call("/v1/codes/acquire", Acquire, Acquired, frozenset({Role.GATEWAY, Role.PORTAL}))
VOUCH = Call("/v1/residents/vouch", Vouch, Vouched, _TOWNS)
CARD = Call("/v1/residents/card", CardReport, Nothing, _TOWNS)
LOSS_CODE = Call("/v1/residents/card/loss-code", LossCode, Nothing, _TOWNS)
LOST_BY_CODE = Call("/v1/residents/card/lost", LostByCode, Nothing, _TOWNS)
REPORT = Call("/v1/residents/report", Report, Reported, _TOWNS)
