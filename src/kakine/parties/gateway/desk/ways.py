"""Ways in: enrolment by a one-time code, then a passkey, or a one-time code for a shift together with a passphrase.

Each way is two things: a device and what unlocks it, or a paper and what its holder knows. An administrator who prints
a paper does not know the passphrase. Every refusal looks alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from kakine.crypto.passkeys import check_creation, check_use, creation_options, credential_id, request_options
from kakine.crypto.passphrases import SALT, passphrase_digest, same_passphrase
from kakine.parties.gateway.desk import case_store, journal
from kakine.parties.gateway.desk import people_store as store
from kakine.parties.gateway.desk.journal import NOBODY, Act, What
from kakine.parties.gateway.desk.office import CaseDesk, Shift
from kakine.parties.gateway.desk.people_store import Staff, State, Use
from kakine.protocols.logins import paper_digest
from kakine.runtime.database import Connection
from kakine.values.problems import DeskLoginUnknown, DeskPassphraseWeak, SessionUnknown

SHORTEST = 12
"""Signs of a passphrase."""
TRIES = 3
"""Wrong passphrases after which a code for a shift is void."""

NOTED = 1000
"""Refused logins that are written down in a day: a flood of them must not fill the disk."""


async def enrol(desk: CaseDesk, code: str) -> Shift:
    """A shift in which a way in is to be chosen. Raises `DeskLoginUnknown`; the code is used up."""
    hashed, now_ms = paper_digest(code), desk.now_ms

    def work(db: Connection) -> Staff | None:
        try:
            person = _let_in(desk, db, store.whose_code(db, hashed, Use.ENROL, now_ms)[0])
        except DeskLoginUnknown:
            _note_refusal(desk, db, now_ms)
            return None
        store.drop_code(db, hashed)
        return person

    person = await desk.office.db.write(work)
    if person is None:
        raise DeskLoginUnknown()
    return desk.begin(person.id, enrolling=True)


def enrolling(desk: CaseDesk, shift: Shift) -> Staff:
    """Who is choosing a way in. Raises `SessionUnknown`."""
    if not shift.enrolling:
        raise SessionUnknown()
    return desk.here(shift)


async def choose_passphrase(desk: CaseDesk, shift: Shift, first: str, second: str) -> Shift:
    """The passphrase is set, the person is in. Raises `DeskPassphraseWeak`, `SessionUnknown`."""
    person = enrolling(desk, shift)
    if first != second or len(first.strip()) < SHORTEST:
        raise DeskPassphraseWeak(least=SHORTEST)
    salt = desk.office.entropy(SALT)
    kept = await asyncio.to_thread(passphrase_digest, first, salt)
    return await _enrolled(desk, person, lambda db: store.set_passphrase(db, person.id, salt, kept))


def new_passkey_options(desk: CaseDesk, shift: Shift) -> dict[str, Any]:
    """For `navigator.credentials.create`. Raises `SessionUnknown`."""
    enrolling(desk, shift)
    return creation_options(desk.site, desk.office.entropy(32), desk.challenge(shift.id.hex()))


async def choose_passkey(desk: CaseDesk, shift: Shift, answer: Mapping[str, Any]) -> Shift:
    """The passkey is bound, the person is in. Raises `PasskeyInvalid`, `SessionUnknown`."""
    person = enrolling(desk, shift)
    made = check_creation(desk.site, answer, desk.spend_challenge(shift.id.hex()))
    return await _enrolled(desk, person, lambda db: store.add_passkey(db, made, person.id))


async def _enrolled(desk: CaseDesk, person: Staff, keep: Callable[[Connection], None]) -> Shift:
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        keep(db)
        journal.write(db, desk.act(person, What.ENROLLED), now_ms)

    await desk.office.db.write(work)
    return await _in(desk, person)


async def by_code(desk: CaseDesk, code: str, passphrase: str) -> Shift:
    """The new shift. Raises `DeskLoginUnknown`; the code is used up by a success, or by the third wrong passphrase."""
    hashed, now_ms = paper_digest(code), desk.now_ms
    person = None
    try:
        whom, _ = store.whose_code(desk.office.db.read(), hashed, Use.SHIFT, now_ms)
        person = _let_in(desk, desk.office.db.read(), whom)
    except DeskLoginUnknown:
        pass
    # The same work for a code that nobody has, so that the time of the answer does not tell.
    salt, kept = (person.salt, person.passphrase) if person else (bytes(SALT), b"")
    right = await asyncio.to_thread(same_passphrase, passphrase, salt, kept)

    def work(db: Connection) -> bool:
        # Once more: somebody else may have used it while scrypt was at work.
        try:
            whom, wrong = store.whose_code(db, hashed, Use.SHIFT, now_ms)
            _let_in(desk, db, whom)
        except DeskLoginUnknown:
            _note_refusal(desk, db, now_ms)
            return False
        if right or wrong + 1 >= TRIES:
            store.drop_code(db, hashed)
        else:
            store.count_wrong(db, hashed)
        if not right:
            _note_refusal(desk, db, now_ms)
        return right

    if not await desk.office.db.write(work) or person is None:
        raise DeskLoginUnknown()
    return await _in(desk, person)


def passkey_options(desk: CaseDesk, of: str) -> dict[str, Any]:
    """For `navigator.credentials.get`; `of` names the session of the browser."""
    return request_options(desk.site, desk.challenge(of))


async def by_passkey(desk: CaseDesk, of: str, answer: Mapping[str, Any]) -> Shift:
    """The new shift. Raises `PasskeyInvalid`, `DeskLoginUnknown`."""
    challenge = desk.spend_challenge(of)
    kept, whom = store.find_passkey(desk.office.db.read(), credential_id(answer))
    count = check_use(desk.site, answer, challenge, kept)
    person = _let_in(desk, desk.office.db.read(), whom)
    await desk.office.db.write(lambda db: store.count_passkey(db, kept.id, count))
    return await _in(desk, person)


async def out(desk: CaseDesk, shift: Shift) -> None:
    """The shift is over. Raises `SessionUnknown` where it is already."""
    person = desk.here(shift)
    desk.end_of(person.id)
    now_ms = desk.now_ms
    await desk.office.db.write(lambda db: journal.write(db, desk.act(person, What.LOGGED_OUT), now_ms))


async def _in(desk: CaseDesk, person: Staff) -> Shift:
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        case_store.forget_old(db, now_ms - desk.rules.kept_ms)
        journal.write(db, desk.act(person, What.LOGGED_IN), now_ms)

    await desk.office.db.write(work)
    return desk.begin(person.id)


def _let_in(desk: CaseDesk, db: Connection, whom: bytes) -> Staff:
    person = store.staff(db, whom)
    if person.state is not State.ACTIVE or person.domain != desk.domain:
        raise DeskLoginUnknown()
    return person


def _note_refusal(desk: CaseDesk, db: Connection, now_ms: int) -> None:
    if journal.times(db, NOBODY, What.LOGIN_REFUSED, desk.today_ms) < NOTED:
        journal.write(db, Act(desk.domain, NOBODY, "", What.LOGIN_REFUSED), now_ms)
