"""What a person has against an agency is passed on to it, and the clock of that (spec/objections.md section 8).

The commission cannot open it. It learns from converters and filings whose exchange it was, carries the claim there, and
keeps the agency's signed word that it has answered. Nothing but that word stops the clock, which began with the
objection's own minute in the log.
"""

from __future__ import annotations

from dataclasses import replace

from kakine.contracts.call import Role
from kakine.contracts.claims import CLAIM, Claimed, ClaimTaken
from kakine.parties.commission import audit_store, cases
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Objection as Kept
from kakine.parties.commission.audit_store import Passed as Row
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import ClaimUnfit, ObjectionOpen, Problem
from kakine.wire.canonical import decode
from kakine.wire.objection import Aim, Passed, Replied, Shown

SILENT, REFUSED = "no-answer", "claim-refused"


async def settled(office: Office, kept: Kept) -> tuple[str, str]:
    """(party at fault, what) once nothing is open at an agency: ("", "") if nothing was passed on or it has answered.

    Raises `ObjectionOpen` with the party that still has time. What an agency refuses to take does not stop its clock:
    nobody but person and agency can tell whether it was right to.
    """
    row = audit_store.passed(office.db.read(), kept.xid)
    if row is None:
        return "", ""
    try:
        row = await _placed(office, kept, row)
    except ClaimUnfit:
        return "", ""
    refused = False
    try:
        row = await _asked(office, row, row.claim)
    except cases.OPEN:
        pass
    except Problem:  # whatever it says against the claim, it is not an answer to the person
        refused = True
    party = str(DomainName(row.domain).party)
    if row.replied:
        return "", ""
    if office.clock() < row.since_ms + office.limits.agency_ms:
        raise ObjectionOpen(party=party)
    return party, REFUSED if refused else SILENT


async def told(office: Office, kept: Kept, claim: bytes) -> tuple[Passed, ...]:
    """How it stands for the person, whose session has sealed `claim` just now; the answer under that session's key."""
    row = audit_store.passed(office.db.read(), kept.xid)
    if row is None or not row.domain:
        return ()
    sealed = b""
    if row.delivered and claim:
        try:
            given = await _ask(office, row, claim)
            row = await _kept(office, row, given)
            sealed = given.sealed
        except Problem:  # the person sees that it could not be had, and when it was answered
            sealed = b""
    party = str(DomainName(row.domain).party)
    due_ms = row.since_ms + office.limits.agency_ms
    return (Passed(party, due_ms, row.delivered, row.replied, row.signature, sealed),)


async def _placed(office: Office, kept: Kept, row: Row) -> Row:
    """Whose exchange it was. Raises `ClaimUnfit` where that is no agency with a gateway."""
    if row.domain:
        return row
    link, item = await cases.link_of(office, kept.xid, decode(kept.shown, Shown))
    domain = DomainName(link.recipient if row.aim == Aim.HOLDER else link.requester)
    if Role.GATEWAY not in office.law.in_force(office.clock()).roles(domain.party):
        raise ClaimUnfit(what="party")
    placed = replace(row, domain=str(domain), request=link.request, item=item)
    await office.db.write(lambda db: audit_store.set_passed(db, placed))
    return placed


async def _asked(office: Office, row: Row, claim: bytes) -> Row:
    return await _kept(office, row, await _ask(office, row, claim))


async def _ask(office: Office, row: Row, claim: bytes) -> ClaimTaken:
    party = DomainName(row.domain).party
    return await office.peers.ask(party, CLAIM, Claimed(row.domain, row.request, row.item, claim))


async def _kept(office: Office, row: Row, given: ClaimTaken) -> Row:
    """The agency has it, and may have answered. Its first signed word stays."""
    now = replace(row, delivered=True)
    if given.replied and not row.replied:
        _check(office, row, given)
        now = replace(now, replied=given.replied, signature=given.signature)
    await office.db.write(lambda db: audit_store.set_passed(db, now))
    return now


def _check(office: Office, row: Row, given: ClaimTaken) -> None:
    party = PartyName(DomainName(row.domain).party)
    office.key(party).verify(given.signature, "claim-replied", given.replied)
    said = decode(given.replied, Replied)
    if (said.xid, said.party) != (row.xid, party):
        raise ClaimUnfit(what="exchange")
