"""The key of a month is destroyed: asked for in time and in order, written down, deleted, stated, never made again."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.clients.log import entries_between
from kakine.contracts.call import Nothing
from kakine.contracts.mailbox import HELD
from kakine.contracts.retention import Destroy, HeldAsked, HeldRow, HoldLogged, Said
from kakine.crypto.sealing import aead_open, aead_seal
from kakine.parties.converter import erasure_store as store
from kakine.parties.converter.erasure_store import HeldShare
from kakine.parties.converter.keys import opening_key
from kakine.parties.converter.office import Office
from kakine.protocols.erasure import (
    check_dropped,
    check_hold_logged,
    exchange_month,
    held_places,
    open_lift,
    open_order,
    places_of,
)
from kakine.protocols.logs import log_keys
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import ErasureConflict, ErasureMismatch, ErasureOutOfOrder
from kakine.wire.canonical import decode, encode
from kakine.wire.envelope import Envelope
from kakine.wire.erasure import (
    DESTROYED,
    Destroyed,
    Hold,
    Order,
    Signed,
    hold_digest,
    lift_digest,
    order_digest,
    signed,
)
from kakine.wire.request import Place

_NONCE = bytes(12)


async def destroy(office: Office, caller: PartyName, message: Destroy) -> Said:
    """Destroy this converter's private key of an exchange month and state it.

    Not before the month of expiry is over by this clock, nor before every record keeper has stated that it dropped the
    month. Of what is held the own shares are opened before and sealed under keys of their own. First the intent is
    written down together with these: from then on the key serves nothing and is never made again. Then it is deleted,
    the store emptied of what was deleted, the statement signed. The same order, sent again after a crash at any point,
    ends in the same statement. Raises `RetentionRunning`, `ErasureOutOfOrder`, `ErasureMismatch`, `ErasureConflict`.

    The key is forgotten in memory as well; that the interpreter overwrites it there cannot be promised.
    """
    order = decode(message.order, Signed)
    key = office.law.in_force(office.clock()).signing_key(caller)
    said = open_order(order, key, office.settings.logs, office.clock())
    month = exchange_month(said.expiry)
    present = store.find_destroyed(office.db.read(), month)
    if present is None:
        shares = await _checked(office, caller, message, said)
        holds = [(hold_digest(hold.data), hold.data) for hold in _signed(message.holds)]
        await office.db.write(lambda db: store.bury(db, month, order.data, shares, holds))
    elif present.order != order.data:
        raise ErasureConflict(month=month)
    office.months.pop(month, None)
    await office.db.write(lambda db: store.drop_month(db, month))
    await office.db.forget()
    return await _stated(office, month, said, order.data)


def _signed(encoded: Sequence[bytes]) -> list[Signed]:
    return [decode(each, Signed) for each in encoded]


async def _checked(office: Office, caller: PartyName, message: Destroy, said: Order) -> list[HeldShare]:
    """The own shares of what is held, once every record keeper has dropped the rest."""
    law = office.law.in_force(office.clock())
    keepers = sorted(law.keeper_parties)
    if len(message.dropped) < len(keepers):
        raise ErasureOutOfOrder(expiry=said.expiry)
    order = decode(message.order, Signed)
    check_dropped(order, _signed(message.dropped), keepers, law.signing_key)
    places = held_places(said, _signed(message.holds), law.signing_key(caller), office.settings.logs)
    if not places:
        return []
    given = await office.peers.ask(keepers[0], HELD, HeldAsked(message.order))
    if [Place(row.origin, row.place) for row in given.rows] != places:
        raise ErasureMismatch(part="held", party=keepers[0])
    return [await _share(office, said.expiry, row) for row in given.rows]


async def _share(office: Office, expiry: int, row: HeldRow) -> HeldShare:
    """This converter's share of one record, which must be that of the entry that the log has at the place."""
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    log = next(log for log in office.settings.logs if log.origin == row.origin)
    found = await entries_between(office.peers, log, office.heads, keys, row.place, row.place + 1)
    entry, envelope = found[row.place], Envelope.parse(row.envelope)
    if entry.expiry_months != expiry or envelope.digest != entry.payload_digest:
        raise ErasureMismatch(part="envelope", log=row.origin, index=row.place)
    index = office.settings.position - 1
    context = envelope.opener(index, opening_key(office, envelope.month))
    share = envelope.open_share(index, context, entry.commitment)
    salt, data = office.entropy(32), entry.encode()
    return HeldShare(row.origin, row.place, data, salt, aead_seal(_key(office, salt), _NONCE, data, share))


def _key(office: Office, salt: bytes) -> bytes:
    """Made of a random salt beside the share, so that the row of a lifted hold takes its key with it, and of this
    converter's secret, so that the store alone opens nothing."""
    return office.identity.local_key("held-share", salt)


def held_share(office: Office, entry: bytes) -> bytes | None:
    """This converter's share of an entry (80 bytes) that is held beyond its month."""
    found = store.find_held(office.db.read(), entry)
    return aead_open(_key(office, found.salt), _NONCE, entry, found.share) if found else None


async def _stated(office: Office, month: int, said: Order, order: bytes) -> Said:
    made = signed(
        Destroyed(office.identity.name, order_digest(order), month, said.held, office.clock()),
        DESTROYED,
        office.identity.signing,
    )
    await office.db.write(lambda db: store.set_stated(db, month, made.data, made.signature))
    kept = store.find_destroyed(office.db.read(), month)
    if kept is None or kept.statement is None or kept.signature is None:
        raise ErasureConflict(month=month)
    return Said(encode(Signed(kept.statement, kept.signature)))


async def lift(office: Office, caller: PartyName, message: HoldLogged) -> Nothing:
    """A hold ends: shares that no other hold keeps go. Of a hold whose month is still there nothing is kept here."""
    law = office.law.in_force(office.clock())
    lifted = decode(message.signed, Signed)
    said = open_lift(lifted, law.signing_key(caller), office.settings.logs)
    receipt, keys = message.receipt, log_keys(law, office.settings.logs)
    office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, message.entry, keys)
    check_hold_logged(message.entry, lift_digest(lifted.data))

    def work(db: Connection) -> None:
        holds = {digest: places_of(decode(data, Hold)) for digest, data in store.holds(db).items()}
        ended = holds.pop(said.hold, [])
        kept = {place for places in holds.values() for place in places}
        store.lift(db, said.hold, [place for place in ended if place not in kept])

    await office.db.write(work)
    await office.db.forget()
    return Nothing()
