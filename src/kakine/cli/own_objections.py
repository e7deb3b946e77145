"""A person's objections: filed through the portal, told to the commission under seal, its answers verified here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.log import entries_between
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.country import COMMISSION, LEDGER, ORIGIN, Country
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.protocols.heads import Heads
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import LIMIT_MINUTES, Counted, check_answer, counted, objections_in, shown_of
from kakine.values.calendar import minutes
from kakine.values.problems import ObjectionUnfit, Problem
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode, encode
from kakine.wire.objection import Answer, Asked, Reason, Told, to_commission, to_session
from kakine.wire.record import RequestRecord


@dataclass(frozen=True)
class Disputed:
    """How it stands with an objection: its place in the ledger, the minute in which it was filed (since 1970, UTC), and
    the commission's verified answer, if there is one, or why what it tells is not believed."""

    objection: int
    minutes: int
    answer: Answer | None
    doubt: str = ""


async def object_to(
    country: Country, account: bytes, rows: Sequence[OpenedRow], place: int, reason: Reason
) -> None:
    """File an objection to the entry at `place`, one of the verified `rows` of the account's own history.

    Raises `ObjectionUnfit` where there is no such request among them, or a record keeper refuses.
    """
    row = next((row for row in rows if row.index == place), None)
    if row is None or not isinstance(row.record, RequestRecord):
        raise ObjectionUnfit(what="place")
    await country.portal.object_to(account, place, row.record.personal.xid, reason)


async def disputes(country: Country, rows: Sequence[OpenedRow]) -> dict[int, Disputed]:
    """By place, how it stands with every objection among the rows of a history. Each is shown to the commission, which
    hears of it thereby if it has not. What does not verify, or is not told, is a doubt beside rows that do."""
    by_place, found = {row.index: row for row in rows}, {}
    for place, objection in objections_in(rows).items():
        answer, doubt = None, ""
        try:
            answer = await _told(country, by_place[place], objection)
        except Problem as problem:
            doubt = problem.code
        found[place] = Disputed(objection.index, objection.entry.minutes, answer, doubt)
    return found


async def _told(country: Country, disputed: OpenedRow, objection: OpenedRow) -> Answer | None:
    law = country.book("portal").in_force(country.site.clock())
    session, shown = OpenKey(secrets.token_bytes(32)), shown_of(disputed, objection)
    asked = encode(Asked(shown, bytes(session.public)))
    sealed = seal(law.seal_key(COMMISSION), to_commission(), asked)
    given = await country.portal.tell_commission(sealed)
    xid = shown.opening[:16]
    told = decode(open_sealed(session, to_session(xid), given), Told)
    if not told.logged:
        return None
    keys = law.signing_key(COMMISSION), law.signing_key(LEDGER)
    return check_answer(told.logged, shown, xid, *keys, Heads(ORIGIN))


async def count_objections(country: Country) -> Counted:
    """Objections and answers in the whole log, as anybody may count them. Raises `AnswerUnasked`."""
    given = await country.peers("portal").ask(LEDGER, CHECKPOINT, Nothing())
    now_ms = country.site.clock()
    key, heads = country.book("portal").in_force(now_ms).signing_key(LEDGER), Heads(ORIGIN)
    size = notes.open(given.checkpoint, ORIGIN, key).size
    entries = await entries_between(country.peers("portal"), LEDGER, heads, key, 0, size)
    return counted(entries, minutes(now_ms), LIMIT_MINUTES)
