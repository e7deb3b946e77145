"""Legal holds: ordered for single entries of one month under a code of reason, logged, told, ended by another order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kakine.clients.log import entries_between
from kakine.contracts import converter, mailbox
from kakine.contracts.retention import HoldLogged
from kakine.parties.commission import erasure_store as store
from kakine.parties.commission.erasure_store import KeptHold
from kakine.parties.commission.retention_office import Office
from kakine.protocols.erasure import hold_entry, hold_tag
from kakine.protocols.index import stands_in_a_list
from kakine.protocols.logs import Log
from kakine.values.problems import ErasureConflict, HoldInvalid, HoldUnknown
from kakine.wire.canonical import decode, encode
from kakine.wire.erasure import HOLD, LIFT, Hold, Lift, Signed, hold_digest, lift_digest, signed


async def hold(office: Office, log: Log, places: Sequence[int], reason: str) -> bytes:
    """Keep the records of these entries of a log on, beyond the month they expire with; the digest of the hold.

    Raises `HoldInvalid` for a reason that is no code or entries that are not records of people of one month,
    `ErasureConflict` where the month has been ordered to go, `RangeOutside` for a place behind the log.
    """
    await finish(office)
    expiry = await _expiry(office, log, places)
    if store.find(office.db.read(), expiry) is not None:
        raise ErasureConflict(expiry=expiry)
    now_ms = office.clock()
    said = Hold(log.origin, expiry, tuple(sorted(set(places))), reason, now_ms, office.entropy(32))
    said.check()
    made = signed(said, HOLD, office.identity.signing)
    digest = hold_digest(made.data)
    entry = hold_entry(digest, now_ms)
    await office.db.write(lambda db: store.add_hold(db, digest, expiry, encode(made), entry))
    await finish(office)
    return digest


async def _expiry(office: Office, log: Log, places: Sequence[int]) -> int:
    months = set()
    for place in places:
        found = await entries_between(office.peers, log, office.heads, office.log_keys, place, place + 1)
        if not stands_in_a_list(found[place]):
            raise HoldInvalid(part="entry", index=place)
        months.add(found[place].expiry_months)
    if len(months) != 1:
        raise HoldInvalid(part="month")
    return months.pop()


async def lift(office: Office, digest: bytes) -> None:
    """End a hold. Raises `HoldUnknown`, and `ErasureConflict` while the month is just being erased."""
    await finish(office)
    found = store.find_hold(office.db.read(), digest)
    if found is None or found.lift is not None:
        raise HoldUnknown()
    erasure = store.find(office.db.read(), found.expiry)
    if erasure is not None and erasure.receipt is None:
        raise ErasureConflict(expiry=found.expiry)
    now_ms = office.clock()
    origin = decode(decode(found.hold, Signed).data, Hold).origin
    made = signed(Lift(origin, digest, now_ms), LIFT, office.identity.signing)
    entry = hold_entry(lift_digest(made.data), now_ms)
    await office.db.write(lambda db: store.set_lift(db, digest, encode(made), entry))
    await finish(office)


async def finish(office: Office) -> None:
    """Log and tell what has been ordered and not told to all: what a crash, or somebody's absence, left open."""
    for each in store.open_holds(office.db.read()):
        if not each.told:
            await _tell(office, each)
        if each.lift is not None and each.lift_entry is not None:
            await _end(office, each, each.lift, each.lift_entry)


async def _tell(office: Office, each: KeptHold) -> None:
    receipt = await office.log(each.entry, hold_tag(each.digest))
    for name in office.keepers:
        await office.peers.ask(name, mailbox.HOLD, HoldLogged(each.hold, each.entry, receipt))
    await office.db.write(partial(store.set_told, digest=each.digest))


async def _end(office: Office, each: KeptHold, lift: bytes, entry: bytes) -> None:
    receipt = await office.log(entry, hold_tag(lift_digest(decode(lift, Signed).data)))
    message = HoldLogged(lift, entry, receipt)
    for name in office.keepers:
        await office.peers.ask(name, mailbox.LIFT, message)
    for name in office.converters:
        await office.peers.ask(name, converter.LIFT, message)
    await office.db.write(partial(store.set_lift_told, digest=each.digest))
