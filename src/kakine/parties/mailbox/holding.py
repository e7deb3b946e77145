"""Legal holds at a record keeper: believed once they stand in the log, shown to the person, obeyed until they end."""

from __future__ import annotations

from kakine.contracts.call import Nothing
from kakine.contracts.retention import HoldLogged
from kakine.crypto.signing import VerifyKey
from kakine.parties.mailbox import partitions, store
from kakine.parties.mailbox.office import Office
from kakine.protocols.erasure import check_hold_logged, open_hold, open_lift, places_of
from kakine.protocols.logs import log_keys
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import HoldInvalid, HoldUnknown, PartitionDropped
from kakine.wire.canonical import decode
from kakine.wire.erasure import Hold, Signed, hold_digest, lift_digest
from kakine.wire.request import Place


async def hold(office: Office, caller: PartyName, message: HoldLogged) -> Nothing:
    """Keep these records on. Raises `HoldInvalid` where one of them is not of the month, `PartitionDropped` where the
    month has been ordered to go. A repeat changes nothing."""
    signed = decode(message.signed, Signed)
    said = open_hold(signed, _key(office, caller), office.settings.logs)
    digest = hold_digest(signed.data)
    _check_logged(office, digest, message)

    def work(db: Connection) -> None:
        if partitions.find_hold(db, digest) is not None:
            return
        if partitions.month(db, said.expiry).state != partitions.OPEN:
            raise PartitionDropped(expiry=said.expiry)
        if any(store.row_at(db, said.expiry, place) is None for place in places_of(said)):
            raise HoldInvalid(part="places")
        partitions.add_hold(db, digest, said.expiry, signed.data, signed.signature)

    await office.db.write(work)
    return Nothing()


async def lift(office: Office, caller: PartyName, message: HoldLogged) -> Nothing:
    """The hold ends; what nothing else holds goes at once where its month has gone. A repeat changes nothing."""
    signed = decode(message.signed, Signed)
    said = open_lift(signed, _key(office, caller), office.settings.logs)
    _check_logged(office, lift_digest(signed.data), message)

    def work(db: Connection) -> None:
        found = partitions.find_hold(db, said.hold)
        if found is None:
            raise HoldUnknown()
        ended = decode(found[0], Hold)
        others = [decode(data, Hold) for data, _ in partitions.holds(db, ended.expiry) if data != found[0]]
        kept = {place for other in others for place in places_of(other)}
        partitions.lift(db, said.hold, [place for place in places_of(ended) if place not in kept])

    await office.db.write(work)
    await office.db.forget()
    return Nothing()


def reasons(db: Connection, expiry: int, place: Place) -> list[str]:
    """Why the record at a place is held, if it is."""
    said = (decode(data, Hold) for data, _ in partitions.holds(db, expiry))
    return sorted({each.reason for each in said if place in places_of(each)})


def _key(office: Office, commission: PartyName) -> VerifyKey:
    return office.law.in_force(office.clock()).signing_key(commission)


def _check_logged(office: Office, digest: bytes, message: HoldLogged) -> None:
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    receipt = message.receipt
    office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, message.entry, keys)
    check_hold_logged(message.entry, digest)
