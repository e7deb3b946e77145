"""What the log has is put into people's lists, and only then changes any code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kakine.contracts.call import Nothing
from kakine.contracts.ledger import ENTRIES, RECEIPT, Appended, ByIndex, ByTag
from kakine.contracts.mailbox import Logged
from kakine.crypto.hashing import digest
from kakine.crypto.wrapping import TOKEN
from kakine.parties.mailbox import partitions, sealed, store
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.store import ACTIVE, RETIRED, WAITING
from kakine.protocols.logs import Log, log_keys
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import FilingUnknown, PartyUnavailable, RangeOutside, TagUnknown
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import LENGTH, Entry, EntryKind, split_entries
from kakine.wire.filing import TAG
from kakine.wire.history import chained
from kakine.wire.request import Kind, Place

_MOST_LOOKS = 6


async def logged(office: Office, caller: PartyName, message: Logged) -> Nothing:
    """Number a filing's records in their lists. The receipt is verified here; a repeat changes nothing."""
    filed = store.find_filing(office.db.read(), message.id)
    if filed is None:
        raise FilingUnknown()
    await take(office, filed, message.receipt)
    return Nothing()


async def take(office: Office, filed: store.Filed, receipt: Appended) -> None:
    """Number what stands in a log by this receipt, which is verified here."""
    if filed.first is not None:
        return
    size = checked(office, filed, receipt)
    await office.db.write(lambda db: number(db, filed.id, receipt, size))


def checked(office: Office, filed: store.Filed, receipt: Appended) -> int:
    """The size of the log under whose head a receipt shows these entries. Raises what `Heads.verify` raises."""
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    return office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, filed.entries, keys).size


def number(db: Connection, identity: bytes, receipt: Appended, size: int) -> None:
    """Put what a checked receipt shows into people's lists, unless it is there."""
    filed = store.find_filing(db, identity)
    if filed is None or filed.first is not None:
        return
    store.set_receipt(db, filed.id, receipt.first, b"".join(receipt.proof), receipt.checkpoint, size)
    entries, log = split_entries(filed.entries), origin_of(receipt.checkpoint)
    people = store.lists_of_filing(db, filed.id)
    lists = _Lists(db, people)
    for j, person in enumerate(people):
        entry = Entry.decode(entries[j])
        if entry.sealed_until:
            at = Place(log, receipt.first + j)
            sealed.add(db, at, filed.id, j, entry.sealed_until, entry.expiry_months)
            continue
        lists.append(person, filed.id, j, entries[j])
        if entry.kind is EntryKind.UNSEAL:
            _open(db, lists, person, entry.payload_digest)
    lists.keep()
    tokens = [filed.tokens[at : at + TOKEN] for at in range(0, len(filed.tokens), TOKEN)]
    if filed.kind in _BECOMES:
        for token in tokens:
            found = store.find_code(db, token)
            assert found is not None  # noqa: S101 - it was there when the batch was filed, and codes stay
            store.set_code(db, token, _BECOMES[Kind(filed.kind)], found[0])
            if filed.kind == Kind.RETIRE:
                store.retire_list(db, found[0])
    if filed.kind == Kind.SWITCH:
        for old, new in zip(tokens[::2], tokens[1::2], strict=True):
            _switch(db, old, new)


class _Lists:
    """Lists that grow: read together, and written together by `keep`."""

    def __init__(self, db: Connection, people: Iterable[int]) -> None:
        self._db = db
        self._heads = store.find_lists(db, people)
        self._places: list[tuple[int, int, bytes, int]] = []

    def append(self, person: int, identity: bytes, position: int, entry: bytes) -> None:
        """The next number of this list is this record's."""
        count, head = self._heads[person]
        self._places.append((person, count, identity, position))
        self._heads[person] = count + 1, chained(head, entry)

    def keep(self) -> None:
        """Write what was appended."""
        grown = {person for person, *_ in self._places}
        store.add_places(self._db, self._places)
        store.set_lists(self._db, {person: self._heads[person] for person in sorted(grown)})


def _open(db: Connection, lists: _Lists, person: int, opening: bytes) -> None:
    """What was withheld gets its number right behind what opens it, once."""
    row = sealed.find(db, opening)
    if row is None or row.opened:
        return
    filed = store.find_filing(db, row.filing)
    assert filed is not None  # noqa: S101 - a sealed row is written with its filing
    lists.append(person, row.filing, row.position, split_entries(filed.entries)[row.position])


_BECOMES = {Kind.ENROL: ACTIVE, Kind.SUCCEED: WAITING, Kind.RETIRE: RETIRED}


def _switch(db: Connection, old: bytes, new: bytes) -> None:
    """The old code is retired; the waiting one takes the old list, its own rows behind it, and becomes active.

    Two changes of one code may have passed the gate before either was logged. Whoever has no active code by now, having
    died say, does not get one back; and a retirement ends every code of the list.
    """
    before, after = store.find_code(db, old), store.find_code(db, new)
    assert before is not None  # noqa: S101 - both passed the gate when the batch was filed
    assert after is not None  # noqa: S101
    count, head = store.find_list(db, before[0])
    moved = store.rows_of_list(db, after[0])
    for filing, position, _ in moved:
        filed = store.find_filing(db, filing)
        if filed is not None:
            head = chained(head, filed.entries[position * LENGTH : position * LENGTH + LENGTH])
    store.move_rows(db, after[0], before[0], count)
    store.join_lists(db, after[0], before[0])
    store.set_lists(db, {before[0]: (count + len(moved), head)})
    store.set_code(db, old, RETIRED, before[0])
    store.set_code(db, new, ACTIVE if before[1] == ACTIVE else RETIRED, before[0])


async def resume(office: Office, person: int | None = None) -> int:
    """Ask the ledger for what was filed and not heard of again (of one list, or of all); how many it had.

    What none has was never concluded: the requester sends it again, or it stays out of every list. So does what was
    filed under a tag of another request, which the log has refused.
    """
    return await _look(office, store.pending_filings(office.db.read(), person))


async def look_again(office: Office) -> int:
    """Ask the ledger for what was not heard of since the last look: whoever was to tell may have ended. What no log has
    by the sixth look is left to `resume`. How many were found."""
    pending = store.pending_filings(office.db.read())
    office.looks = {filed.id: office.looks.get(filed.id, -1) + 1 for filed in pending}
    return await _look(office, [filed for filed in pending if 0 < office.looks[filed.id] <= _MOST_LOOKS])


async def _look(office: Office, pending: Sequence[store.Filed]) -> int:
    found = 0
    for filed in pending:
        receipt = await _in_a_log(office, filed)
        if receipt is not None:
            await take(office, filed, receipt)
            found += 1
    return found


async def _in_a_log(office: Office, filed: store.Filed) -> Appended | None:
    """Where these entries stand, in the first log that has them under the first tag. A log that has another request
    under it does not say that the next one has not this one: one log does not know the tags of the other. One that is
    away may be dead; if it comes back, it is asked again."""
    count = len(filed.entries) // LENGTH
    for log in office.settings.logs:
        try:
            place = await office.peers.ask(log.ledger, RECEIPT, ByTag(filed.tags[:TAG]))
            given = await office.peers.ask(log.ledger, ENTRIES, ByIndex(place.receipt.first, count))
        except (TagUnknown, RangeOutside, PartyUnavailable):
            continue
        if given.entries == filed.entries:
            return given.receipt
    return None


def _add_twin(db: Connection, filed: store.Filed, identity: bytes) -> None:
    """With its sealed records, unless their month has been ordered to go."""
    if store.add_twin(db, filed, identity) and partitions.month(db, filed.expiry).state == partitions.OPEN:
        count = len(filed.entries) // LENGTH
        found = [partitions.find(db, filed.expiry, filed.id, j) for j in range(count)]
        if envelopes := [each for each in found if each is not None]:
            partitions.add(db, filed.expiry, identity, envelopes)


async def take_twin(office: Office, log: Log, first: int, filed: store.Filed) -> range:
    """The places of a filing that stands at `first` in this log as well as in the one this record keeper has it from,
    once they are numbered like any others: the person is shown both. None where something else stands there."""
    count = len(filed.entries) // LENGTH
    given = await office.peers.ask(log.ledger, ENTRIES, ByIndex(first, count))
    if given.entries != filed.entries:
        return range(0)
    twin = digest("twice-logged", filed.id, log.origin.encode())
    await office.db.write(lambda db: _add_twin(db, filed, twin))
    kept = store.find_filing(office.db.read(), twin)
    assert kept is not None  # noqa: S101 - it has just been written
    await take(office, kept, given.receipt)
    return range(first, first + count)
