"""The log of issuance: every hour one batch over what was issued and revoked, its digest in the public log.

A batch is stored before it leaves; one that the commission did not log yet is sent again.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, func, insert, select, update

from kakine.contracts.authority import MOST_BATCHES, Batches, FromBatch, LoggedBatch
from kakine.contracts.commission import LOG_BATCH, IssuanceBatch
from kakine.contracts.ledger import Appended
from kakine.parties.authority.office import Office
from kakine.parties.authority.publishing import root_list
from kakine.parties.authority.store import State, account, batch, certificate, revoked
from kakine.protocols import published
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Logs, log_keys
from kakine.runtime.database import Connection, sql
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import BatchesBroken
from kakine.wire.canonical import encode
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.issuance import (
    FIRST,
    LABEL,
    Batch,
    batch_digest,
    issued_leaf,
    leaves_root,
    revoked_leaf,
    roots_digest,
)

_c = certificate.c
_ISSUED = sql(
    select(account.c.key, _c.number, _c.hashed)
    .join(account, account.c.handle == _c.handle)
    .where(_c.batch.is_(None), _c.state == State.ISSUED.value)
    .order_by(_c.hashed)
)
_REVOKED = sql(
    select(_c.hashed)
    .join(revoked, revoked.c.serial == _c.serial)
    .where(revoked.c.batch.is_(None), revoked.c.hold_until_s.is_(None), _c.state == State.ISSUED.value)
    .order_by(_c.hashed)
)
_MARK_ISSUED = sql(
    update(certificate)
    .where(_c.batch.is_(None), _c.state == State.ISSUED.value)
    .values(batch=bindparam("at"))
)
_MARK_REVOKED = sql(
    update(revoked)
    .where(
        revoked.c.batch.is_(None),
        revoked.c.hold_until_s.is_(None),
        revoked.c.serial.in_(select(_c.serial).where(_c.state == State.ISSUED.value)),
    )
    .values(batch=bindparam("at"))
)
_ADD = sql(insert(batch))
_LAST = sql(select(batch.c.number, batch.c.batch, batch.c.closed_s).order_by(batch.c.number.desc()).limit(1))
_UNLOGGED = sql(
    select(batch.c.number, batch.c.batch, batch.c.signature)
    .where(batch.c.receipt.is_(None))
    .order_by(batch.c.number)
)
_LOGGED = sql(
    update(batch)
    .where(batch.c.number == bindparam("at"))
    .values(entry=bindparam("logged"), receipt=bindparam("proof"))
)
_FROM = sql(
    select(batch.c.batch, batch.c.signature, batch.c.leaves, batch.c.entry, batch.c.receipt)
    .where(
        batch.c.number >= bindparam("start"),
        batch.c.number < bindparam("start") + MOST_BATCHES,
        batch.c.receipt.is_not(None),
    )
    .order_by(batch.c.number)
)
_COUNT = sql(select(func.count()).select_from(batch).where(batch.c.receipt.is_not(None)))
_receipt = msgspec.msgpack.Decoder(Appended)


async def close(office: Office, *, now: bool = False) -> None:
    """Close a batch if there is something to log and the last is an hour old, or at once where the operator says so."""
    roots = roots_digest(root_list(office))

    def work(db: Connection) -> None:
        last = db.execute(_LAST).fetchone()
        if not now and last and office.now_s - last[2] < office.settings.batch_s:
            return
        leaves = [issued_leaf(key, number, hashed) for key, number, hashed in db.execute(_ISSUED)]
        leaves += [revoked_leaf(row[0]) for row in db.execute(_REVOKED)]
        if not leaves:
            return
        number, previous = (last[0] + 1, batch_digest(last[1])) if last else (1, FIRST)
        made = Batch(number, previous, minutes(office.clock()), len(leaves), leaves_root(leaves), roots)
        encoded = encode(made)
        values = {
            "number": number,
            "closed_s": office.now_s,
            "batch": encoded,
            "signature": office.identity.signing.sign(LABEL, encoded),
            "leaves": b"".join(leaves),
            "entry": None,
            "receipt": None,
        }
        db.execute(_ADD, values)
        db.execute(_MARK_ISSUED, {"at": number})
        db.execute(_MARK_REVOKED, {"at": number})

    await office.db.write(work)


async def log(office: Office, logs: Logs) -> None:
    """Have every batch logged that is not. Raises PartyUnavailable, and what a receipt raises that does not verify."""
    for number, encoded, signature in office.db.read().execute(_UNLOGGED).fetchall():
        given = await office.peers.ask(
            office.settings.commission, LOG_BATCH, IssuanceBatch(encoded, signature)
        )
        if not published.is_of(Entry.decode(given.entry), EntryKind.GOVERNANCE, batch_digest(encoded)):
            raise BatchesBroken()
        receipt = given.receipt
        keys = log_keys(office.law.in_force(office.clock()), logs)
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, given.entry, keys)
        values = {"at": number, "logged": given.entry, "proof": msgspec.msgpack.encode(receipt)}
        await _stored(office, values)


async def _stored(office: Office, values: dict[str, object]) -> None:
    await office.db.write(lambda db: db.execute(_LOGGED, values))


def logged(office: Office) -> int:
    """How many batches have a receipt."""
    return int(office.db.read().execute(_COUNT).fetchone()[0])


async def batches(office: Office, caller: PartyName, asked: FromBatch) -> Batches:
    """Logged batches from a number on."""
    given = []
    for encoded, signature, leaves, entry, receipt in office.db.read().execute(
        _FROM, {"start": asked.number}
    ):
        held = _receipt.decode(receipt)
        given.append(LoggedBatch(encoded, signature, leaves, entry, held.first, held.proof, held.checkpoint))
    return Batches(given)
