"""Commands about secrets: VERIFY, CHANGE REFERENCE DATA in its three forms, and what the counter may do."""

from __future__ import annotations

import hmac

from kakine.card import secrets
from kakine.card.profile import COUNTER, Secret
from kakine.card.session import Session, refused
from kakine.card.store import Life
from kakine.crypto.hashing import mac
from kakine.wire.apdu import Command, Reply, Status, tries_left

CHALLENGE_LEAST = 16
"""A shorter challenge might come twice, and its answer with it."""

COUNTER_LABEL = "card-counter"

_LIVES = {0x00: (Life.BLOCKED, Life.ACTIVE), 0x01: (Life.ACTIVE, Life.BLOCKED)}
_REVOKE = 0x7F


def verify(session: Session, command: Command) -> Reply:
    """00 20 00 P2: without data, how many tries are left; with data, a try. A wrong one takes the condition back."""
    _parameters(command.p1 == 0)
    secret = _secret(session, command)
    if not command.data:
        return _counter(session, secret)
    session.take([secret.name])
    secrets.check(session.store, session.application, secret, command.data)
    session.give(secret.name)
    return Reply(Status.OK)


def change_verified(session: Session, command: Command) -> Reply:
    """00 24 01 P2, new secret: after VERIFY of the old one."""
    _parameters(command.p1 == 1)
    return _replace_verified(session, command)


def change_proprietary(session: Session, command: Command) -> Reply:
    """80 32 00 P2, new secret: the same by the other instruction."""
    _parameters(command.p1 == 0)
    return _replace_verified(session, command)


def change_with_old(session: Session, command: Command) -> Reply:
    """00 24 00 P2, old ‖ new, both padded (SP 800-73-4 part 2 section 3.2.2). A new one without form costs no try."""
    _parameters(command.p1 == 0)
    secret = _secret(session, command)
    old, new = command.data[: secret.padded], command.data[secret.padded :]
    _require_form(secret, new)
    session.take([secret.name])
    secrets.check(session.store, session.application, secret, old)
    _write(session, secret, new)
    return Reply(Status.OK)


def external_authenticate(session: Session, command: Command) -> Reply:
    """00 82 00 00, MAC over the last challenge: the counter proves its key for one command.

    A challenge serves one attempt, right or wrong. There is no limit of tries: the key has 256 bits.
    """
    _parameters(command.p1 == 0 and command.p2 == 0)
    key, challenge = session.store.card()[2], session.challenge
    session.challenge = b""
    session.take([COUNTER])
    if len(key) != 32 or len(challenge) < CHALLENGE_LEAST:
        raise refused(Status.CONDITIONS_UNFIT)
    if not hmac.compare_digest(mac(key, COUNTER_LABEL, challenge), command.data):
        raise refused(Status.WRONG)
    session.give(COUNTER)
    return Reply(Status.OK)


def reset_secret(session: Session, command: Command) -> Reply:
    """00 2C 02 P2, new secret: at the counter, whatever the old one was; all tries again (RESET RETRY COUNTER)."""
    _parameters(command.p1 == 2)
    secret = _secret(session, command)
    _spend_counter(session)
    if not session.store.secret(session.application.name, secret.id).usable or secret.printed:
        raise refused(Status.CONDITIONS_UNFIT)
    _require_form(secret, command.data)
    session.take([secret.name])
    _write(session, secret, command.data)
    return Reply(Status.OK)


def set_status(session: Session, command: Command) -> Reply:
    """80 F0 80 P2 at the counter: 01 blocks the card, 00 lifts that, 7F revokes it and destroys its keys."""
    _parameters(command.p1 == 0x80 and command.p2 in (*_LIVES, _REVOKE))
    _spend_counter(session)
    life = session.life
    if command.p2 == _REVOKE:
        if life in (Life.BLANK, Life.REVOKED):
            raise refused(Status.CONDITIONS_UNFIT)
        with session.store.together():
            session.store.drop_keys()
            session.store.set_life(Life.REVOKED)
        return Reply(Status.OK)
    before, after = _LIVES[command.p2]
    if life is not before:
        raise refused(Status.CONDITIONS_UNFIT)
    session.store.set_life(after)
    return Reply(Status.OK)


def _spend_counter(session: Session) -> None:
    session.require_any((COUNTER,))
    session.take([COUNTER])


def _replace_verified(session: Session, command: Command) -> Reply:
    secret = _secret(session, command)
    session.require_any((secret.name,))
    _require_form(secret, command.data)
    _write(session, secret, command.data)
    return Reply(Status.OK)


def _write(session: Session, secret: Secret, data: bytes) -> None:
    state = secrets.sealed(secret, data, session.entropy)
    session.store.set_secret(session.application.name, secret.id, state)


def _require_form(secret: Secret, data: bytes) -> None:
    if secret.printed:
        raise refused(Status.CONDITIONS_UNFIT)
    if not secret.fits(data):
        raise refused(Status.DATA_WRONG)


def _counter(session: Session, secret: Secret) -> Reply:
    if session.application.references and session.holds(secret.name):
        return Reply(Status.OK)
    tries = session.store.secret(session.application.name, secret.id).tries
    if tries == 0 and session.application.references:
        return Reply(int(session.application.blocked, 16))
    return Reply(tries_left(tries))


def _secret(session: Session, command: Command) -> Secret:
    if session.application.references:
        row = next((s for s in session.application.secret if s.id == f"{command.p2:02X}"), None)
        if row is None:
            raise refused(Status.REFERENCE_UNKNOWN)
        return row
    _parameters(command.p2 & 0xE0 == 0x80)
    found = session.by_short_id(command.p2 & 0x1F)
    if not isinstance(found, Secret):
        raise refused(Status.FILE_KIND_WRONG)
    return found


def _parameters(right: bool) -> None:
    if not right:
        raise refused(Status.PARAMETERS_WRONG)
