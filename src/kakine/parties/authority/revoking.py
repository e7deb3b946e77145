"""What ends a certificate: the registry's word on a life or a card, the operator's act, a hold that is over."""

from __future__ import annotations

from kakine.contracts.authority import Event, Events, What
from kakine.contracts.call import Nothing
from kakine.parties.authority import store
from kakine.parties.authority.office import Office
from kakine.parties.authority.store import SERIAL, Row, State
from kakine.runtime.database import Connection
from kakine.values.certificates import Reason, Use
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateNotHeld, CertificateUnknown
from kakine.wire.voucher import LIFETIME_MS

_ENDS = {
    What.ATTRIBUTES: (Reason.AFFILIATION_CHANGED, (Use.SIGNATURE,)),
    What.DIED: (Reason.CESSATION_OF_OPERATION, (Use.SIGNATURE, Use.AUTHENTICATION)),
    What.LEFT: (Reason.CESSATION_OF_OPERATION, (Use.SIGNATURE, Use.AUTHENTICATION)),
    What.ENDED: (Reason.CESSATION_OF_OPERATION, (Use.SIGNATURE, Use.AUTHENTICATION)),
}
"""Reason and uses of the certificates that an event ends. A login certificate holds no items, so it survives a move."""


async def events(office: Office, caller: PartyName, asked: Events) -> Nothing:
    """Do what the registry's events demand; each once. Nothing is said of what there was to do."""
    now_s, hold_s = office.now_s, office.settings.hold_s

    def work(db: Connection) -> None:
        for each in asked.events:
            if store.is_new(db, each.key):
                _apply(db, each, now_s, hold_s, office.entropy(32))

    await office.db.write(work)
    return Nothing()


def _apply(db: Connection, event: Event, now_s: int, hold_s: int, key: bytes) -> None:
    rows = [row for row in store.of_holder(db, event.handle) if row.state is not State.ABANDONED]
    if event.what is What.LOST:
        for row in rows:
            store.revoke(db, row, Reason.CERTIFICATE_HOLD, now_s, now_s + hold_s)
    elif event.what is What.FOUND:
        for row in rows:
            _release(db, row, now_s)
    else:
        # Vouchers from before the event must not lead to a certificate after it.
        store.open_account(db, event.handle, key)
        store.age(db, event.handle, event.version)
        reason, uses = _ENDS[event.what]
        for row in rows:
            if row.kind.use in uses:
                store.revoke(db, row, reason, now_s)


def _release(db: Connection, row: Row, now_s: int) -> bool:
    """Take a certificate off hold while that is possible; whether it was."""
    standing = store.standing(db, row.serial)
    if standing is None or standing.hold_until_s is None or standing.hold_until_s <= now_s:
        return False
    store.release(db, row.serial)
    return True


async def hold(office: Office, serial: int) -> None:
    """The operator's own act, at the telephone: suspend a certificate, for a day. Raises `CertificateUnknown`."""
    now_s = office.now_s
    until_s = now_s + office.settings.hold_s

    def work(db: Connection) -> None:
        store.revoke(db, _known(db, serial), Reason.CERTIFICATE_HOLD, now_s, until_s)

    await office.db.write(work)


async def release(office: Office, serial: int) -> None:
    """The operator's own act: end a hold. Raises CertificateUnknown, CertificateNotHeld."""
    now_s = office.now_s

    def work(db: Connection) -> None:
        if not _release(db, _known(db, serial), now_s):
            raise CertificateNotHeld()

    await office.db.write(work)


async def revoke(office: Office, serial: int, reason: Reason) -> None:
    """The operator's own act, for good; again it changes nothing. Raises CertificateUnknown."""
    now_s = office.now_s
    await office.db.write(lambda db: store.revoke(db, _known(db, serial), reason, now_s))


async def tidy(office: Office) -> None:
    """Holds that are over become revocations; intents that nobody carried on are abandoned; old texts go."""
    now_s = office.now_s
    stale_s = now_s - LIFETIME_MS // 1000 - 60

    def work(db: Connection) -> None:
        for serial in store.holds_over(db, now_s):
            row = store.by_serial(db, serial)
            assert row is not None  # noqa: S101 - rows are never deleted
            store.revoke(db, row, Reason.CESSATION_OF_OPERATION, now_s)
        for row in store.intended(db):
            if row.not_before_s < stale_s:
                store.settle(db, row.serial, State.ABANDONED, None, None)
        store.forget_texts(db, now_s - office.settings.keep_s)

    await office.db.write(work)


def _known(db: Connection, serial: int) -> Row:
    try:
        row = store.by_serial(db, serial.to_bytes(SERIAL, "big"))
    except OverflowError as fault:
        raise CertificateUnknown() from fault
    if row is None or row.state is not State.ISSUED:
        raise CertificateUnknown()
    return row
