"""Commands that use a key of the chip or its randomness. None of them writes down that it was used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from kakine.card.profile import Key
from kakine.card.session import Session, refused
from kakine.card.store import Life
from kakine.crypto.chipkeys import ChipKey
from kakine.values.problems import ChipKeyUnfit, TlvMalformed
from kakine.wire import tlv
from kakine.wire.apdu import Command, Reply, Status

P_384_ALGORITHM = 0x14
_RANDOM_KEY = 0x9B

Signing = Callable[[ChipKey, bytes], bytes]


def _bare(key: ChipKey, message: bytes) -> bytes:
    return key.sign_padded(hashlib.sha256(message).digest())


FORMS: dict[int, Signing] = {
    0x00: ChipKey.sign_padded,
    0x01: _bare,
    0x02: partial(ChipKey.sign_pkcs1, hashed=True),
    0x03: partial(ChipKey.sign_pkcs1, hashed=False),
    0x04: partial(ChipKey.sign_pss, hashed=True),
    0x05: partial(ChipKey.sign_pss, hashed=False),
}
"""By P1 of PSO: who hashes, who adds DigestInfo, which padding (spec/card.md section 5)."""


def sign(session: Session, command: Command) -> Reply:
    """80 2A P1 P2 (PERFORM SECURITY OPERATION). P2 = 80: the current file is the key; 00: the chip's own of this
    application."""
    form = FORMS.get(command.p1)
    if form is None or command.p2 not in (0x00, 0x80):
        raise refused(Status.PARAMETERS_WRONG)
    row = session.current if command.p2 else next((k for k in session.application.key if not k.use), None)
    return Reply(Status.OK, _signed(session, row, form, command.data))


def internal_authenticate(session: Session, command: Command) -> Reply:
    """00 88 00 P2 + challenge: the key file that P2 names signs it (PKCS#1, SHA-256): the chip is genuine."""
    if command.p1 or command.p2 & 0xE0 != 0x80:
        raise refused(Status.PARAMETERS_WRONG)
    row = session.by_short_id(command.p2 & 0x1F)
    return Reply(Status.OK, _signed(session, row, FORMS[0x03], command.data))


def general_authenticate(session: Session, command: Command) -> Reply:
    """00 87 14 key + 7C{82, 81 hash} gives 7C{82 signature} (SP 800-73-4 part 2 section 3.2.4); P-384 only.

    To key 9B, which PIV has for whoever manages the card, `7C{81}` gives 8 random bytes: OpenSC draws them so. There
    is no such key here, and nothing can be done with the bytes.
    """
    if command.p2 == _RANDOM_KEY and command.data == tlv.tlv(0x7C, tlv.tlv(0x81)):
        return Reply(Status.OK, tlv.tlv(0x7C, tlv.tlv(0x81, session.entropy(8))))
    if command.p1 != P_384_ALGORITHM:
        raise refused(Status.PARAMETERS_WRONG)
    row = next((k for k in session.application.key if k.id == f"{command.p2:02X}"), None)
    if row is None:
        raise refused(Status.REFERENCE_UNKNOWN)
    try:
        asked = dict(tlv.objects(tlv.value(command.data, 0x7C)))
    except TlvMalformed as fault:
        raise refused(Status.DATA_WRONG) from fault
    if asked.get(0x82) != b"" or set(asked) != {0x81, 0x82}:
        raise refused(Status.DATA_WRONG)
    signature = _signed(session, row, ChipKey.sign_ecdsa, asked[0x81])
    return Reply(Status.OK, tlv.tlv(0x7C, tlv.tlv(0x82, signature)))


def get_challenge(session: Session, command: Command) -> Reply:
    """00 84 00 00: 1 to 256 random bytes, kept for EXTERNAL AUTHENTICATE."""
    if command.p1 or command.p2:
        raise refused(Status.PARAMETERS_WRONG)
    if not 0 < command.expected <= 256:
        raise refused(Status.LENGTH_WRONG)
    session.challenge = session.entropy(command.expected)
    return Reply(Status.OK, session.challenge)


def _signed(session: Session, row: object, form: Signing, data: bytes) -> bytes:
    if row is None:
        raise refused(Status.NO_CURRENT_FILE)
    if not isinstance(row, Key):
        raise refused(Status.FILE_KIND_WRONG)
    if session.life is not Life.ACTIVE:
        raise refused(Status.CONDITIONS_UNFIT)
    session.require_any(row.use)
    key = session.chip_key(row)
    if row.once:
        session.take(row.use)
    try:
        return form(key, data)
    except ChipKeyUnfit as fault:
        raise refused(Status.DATA_WRONG) from fault
