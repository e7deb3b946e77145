"""Open what was withheld from a person, on its day and never before: every record keeper signs, one entry of kind 6.

Any of them may begin. It asks the others, who look at their own clock and their own store; what each signs for is on
its disk before it leaves, and all of it before anything is logged. Whoever does not hear the end of it finds the entry
in the log, at the latest when its person reads.
"""

from __future__ import annotations

from kakine.clients.logs import append
from kakine.contracts.ledger import Append
from kakine.contracts.mailbox import UNSEAL, FiledHere, Unseal
from kakine.crypto.hashing import digest
from kakine.parties.mailbox import sealed, store
from kakine.parties.mailbox.filing import CLOCK_MINUTES
from kakine.parties.mailbox.numbering import resume, take
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.sealed import SealedRow
from kakine.protocols import seals
from kakine.protocols.seals import DAY_MS
from kakine.runtime.database import Connection
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import Problem, UnsealMismatch, UnsealRefused
from kakine.wire import filing as filings
from kakine.wire.entry import Entry
from kakine.wire.filing import filing_of
from kakine.wire.request import Place

_NOTHING = bytes(32)


async def open_due(office: Office) -> list[Place]:
    """Open everything whose day has come; the places that have been opened now. Apart, a clock calls this every hour.

    One that cannot be opened stops no other: then the first problem is raised after the last. A repeat opens nothing
    twice.
    """
    await resume(office)
    opened: list[Place] = []
    faults: list[Problem] = []
    for row in sealed.due(office.db.read(), office.clock() // DAY_MS):
        try:
            await _open(office, row.place)
            opened.append(row.place)
        except Problem as fault:
            # Another may have begun at the same time, and its entry be in the log: all have signed for it.
            await resume(office)
            if sealed.is_closed(office.db.read(), row.place):
                faults.append(fault)
    if faults:
        raise faults[0]
    return opened


async def _open(office: Office, place: Place) -> None:
    now_ms, tag, name = office.clock(), seals.tag_of(place), office.settings.domain.party
    entry = seals.entry_of(place, now_ms)
    _allow(office, office.db.read(), place, entry)
    keepers = office.law.in_force(now_ms).keeper_parties
    signed = {
        keeper: (await office.peers.ask(keeper, UNSEAL, Unseal(place, entry))).signed
        for keeper in keepers
        if keeper != name
    }
    again = sealed.signed_for(office.db.read(), tag)
    filed, _ = await _filed(office, place, entry)
    signed[name] = filed.signed(name)
    asked = Append(entry, tag, [signed[keeper] for keeper in keepers])
    receipt = await append(office.peers, office.settings.logs, asked, again=again)
    await take(office, filed, receipt)


async def unseal(office: Office, caller: PartyName, asked: Unseal) -> FiledHere:
    """This record keeper's filing of the entry that opens another, for the record keeper that began. Raises
    `UnsealRefused`; a repeat gives the same."""
    filed, again = await _filed(office, asked.place, asked.entry)
    return FiledHere(filed.signed(office.settings.domain.party), again)


async def _filed(office: Office, place: Place, entry: bytes) -> tuple[store.Filed, bool]:
    identity = digest("unsealing", entry)
    known = store.find_filing(office.db.read(), identity)
    if known is not None:
        return known, True
    if sealed.find(office.db.read(), seals.opening_of(place)) is None:
        await resume(office)
    _allow(office, office.db.read(), place, entry)
    tag, now = seals.tag_of(place), minutes(office.clock())
    signed = filings.sign(
        filing_of(request=_NOTHING, points=_NOTHING, entries=entry, tags=tag, hops=_NOTHING, minutes=now),
        office.settings.domain.party,
        office.identity.signing,
    )
    filed = store.new_filing(identity, 0, signed, entry, tag)
    return await office.db.write(lambda db: _store(office, db, place, filed)), False


def _allow(office: Office, db: Connection, place: Place, entry: bytes) -> SealedRow:
    """The sealed entry, if it may be opened by this one now. Raises `UnsealRefused`."""
    row, now_ms, read = sealed.find(db, seals.opening_of(place)), office.clock(), Entry.decode(entry)
    if row is None:
        raise UnsealRefused(what="place")
    if not seals.is_due(row.until, now_ms):
        raise UnsealRefused(what="date")
    if row.opened:
        raise UnsealRefused(what="opened")
    try:
        seals.check_opens(read, place, row.until)
    except UnsealMismatch as fault:
        raise UnsealRefused(what="entry") from fault
    exact = entry == seals.entry_of(place, read.minutes * 60_000)
    if not exact or abs(read.minutes - minutes(now_ms)) > CLOCK_MINUTES:
        raise UnsealRefused(what="entry")
    return row


def _store(office: Office, db: Connection, place: Place, filed: store.Filed) -> store.Filed:
    known = store.find_filing(db, filed.id)
    if known is None:
        row = _allow(office, db, place, filed.entries)
        store.add_filing(db, filed, [store.lists_of_filing(db, row.filing)[row.position]])
    return known or filed
