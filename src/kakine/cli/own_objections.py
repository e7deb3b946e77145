"""A person's objections: filed through the portal, told to the commission under seal, its answers verified here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from kakine.cli.whole_logs import whole_logs
from kakine.country import COMMISSION, Country
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.protocols.heads import Heads
from kakine.protocols.history import OpenedRow
from kakine.protocols.logs import log_keys
from kakine.protocols.objections import (
    LIMIT_MINUTES,
    Counted,
    check_answer,
    check_reply,
    claim_of,
    counted,
    objections_in,
    place_of,
    shown_of,
)
from kakine.values.calendar import minutes
from kakine.values.problems import ObjectionUnfit, Problem
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry
from kakine.wire.objection import (
    Answer,
    Asked,
    Passed,
    Reason,
    Reply,
    Told,
    from_agency,
    to_commission,
    to_session,
)
from kakine.wire.record import RequestRecord
from kakine.wire.request import Place

NO_NOTES: Mapping[Place, str] = MappingProxyType({})


@dataclass(frozen=True)
class Disputed:
    """How it stands with an objection: its place in the ledger, the minute in which it was filed (since 1970, UTC), and
    the commission's verified answer, if there is one, or why what it tells is not believed; to which agency it was
    passed on, and that agency's verified answer."""

    objection: int
    minutes: int
    answer: Answer | None
    doubt: str = ""
    passed: Passed | None = None
    reply: Reply | None = None


async def object_to(
    country: Country, account: bytes, rows: Sequence[OpenedRow], place: Place, reason: Reason
) -> None:
    """File an objection to the entry at `place`, one of the verified `rows` of the account's own history.

    Raises `ObjectionUnfit` where there is no such request among them, or a record keeper refuses.
    """
    row = next((row for row in rows if place_of(row) == place), None)
    if row is None or not isinstance(row.record, RequestRecord):
        raise ObjectionUnfit(what="place")
    await country.portal.object_to(account, place, row.record.personal.xid, reason)


async def disputes(
    country: Country, rows: Sequence[OpenedRow], notes: Mapping[Place, str] = NO_NOTES
) -> dict[Place, Disputed]:
    """By place, how it stands with every objection among the rows of a history. Each is shown to the commission, which
    hears of it thereby if it has not, and passes on to the agency what is not about the conversion, with the person's
    note (`notes`, at most 400 characters) for that agency alone. What does not verify, or is not told, is a doubt
    beside rows that do."""
    by_place, found = {place_of(row): row for row in rows}, {}
    for place, objection in objections_in(rows).items():
        stands = Disputed(objection.index, objection.entry.minutes, None)
        try:
            stands = await _told(country, by_place[place], objection, stands, notes.get(place, ""))
        except Problem as problem:
            stands = replace(stands, doubt=problem.code)
        found[place] = stands
    return found


async def _told(
    country: Country, disputed: OpenedRow, objection: OpenedRow, stands: Disputed, note: str
) -> Disputed:
    law = country.book("portal").in_force(country.site.clock())
    session, own = OpenKey(secrets.token_bytes(32)), OpenKey(secrets.token_bytes(32))
    shown = shown_of(disputed, objection)
    aim, claim = claim_of(law, disputed, objection, own, note)
    asked = encode(Asked(shown, bytes(session.public), aim, claim))
    sealed = seal(law.seal_key(COMMISSION), to_commission(), asked)
    given = await country.portal.tell_commission(sealed)
    xid = shown.opening[:16]
    told = decode(open_sealed(session, to_session(xid), given), Told)
    if told.logged:
        keys = law.signing_key(COMMISSION), log_keys(law, country.logs)
        stands = replace(stands, answer=check_answer(told.logged, shown, xid, *keys, Heads()))
    for passed in told.passed:
        stands = replace(stands, passed=passed)
        if passed.sealed:
            said = open_sealed(own, from_agency(xid), passed.sealed)
            stands = replace(stands, reply=check_reply(said, passed, shown, law.signing_key(passed.party)))
    return stands


async def count_objections(country: Country) -> Counted:
    """Objections and answers in all logs, as anybody may count them: an answer stands in the log of its objection, or
    in the one that took its place.
    Raises `AnswerUnasked`."""
    now_ms = country.site.clock()
    found, chains = [], dict[str, dict[int, Entry]]()
    async for log, entries in whole_logs(country, Heads()):
        before = chains.pop(log.follows, {})
        chains[log.origin] = before | {len(before) + place: entry for place, entry in entries.items()}
    for chain in chains.values():
        found.append(counted(chain, minutes(now_ms), LIMIT_MINUTES))
    return Counted(
        *(sum(getattr(each, name) for each in found) for name in ("objections", "answers", "late"))
    )
