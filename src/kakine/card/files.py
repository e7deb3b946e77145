"""Commands about files: SELECT, READ BINARY, READ RECORD, GET DATA."""

from __future__ import annotations

from kakine.card.profile import File, FileKind
from kakine.card.session import Session, refused
from kakine.values.problems import TlvMalformed
from kakine.wire import tlv
from kakine.wire.apdu import Command, Reply, Status


def select(session: Session, command: Command) -> Reply:
    """00 A4 04 xx + AID, or 00 A4 02 0C + two bytes. An AID may be cut short at its end, as ISO 7816-4 allows."""
    if command.p1 == 0x04:
        return _application(session, command.data)
    if command.p1 == 0x02 and "select-file" in session.application.commands:
        if len(command.data) != 2:
            raise refused(Status.LENGTH_WRONG)
        session.current = session.row(command.data.hex().upper())
        return Reply(Status.OK)
    raise refused(Status.PARAMETERS_WRONG)


def _application(session: Session, aid: bytes) -> Reply:
    wanted = aid.hex().upper()
    for application in session.profile.application:
        if len(aid) >= 5 and application.aid.startswith(wanted):
            session.select(application)
            return Reply(Status.OK, bytes.fromhex(application.answer))
    raise refused(Status.FILE_UNKNOWN)


def read_binary(session: Session, command: Command) -> Reply:
    """00 B0: 15 bits of offset into the current file, or P1 = 80+short id and 8 bits of offset."""
    short = command.p1 & 0x80
    if short and (command.p1 & 0x60 or not command.p1 & 0x1F):
        raise refused(Status.PARAMETERS_WRONG)
    row = session.by_short_id(command.p1 & 0x1F if short else 0)
    content = _content(session, row, FileKind.TRANSPARENT)
    if short:
        session.current = row
    offset = command.p2 if short else command.p1 << 8 | command.p2
    if not command.expected:
        raise refused(Status.LENGTH_WRONG)
    if offset >= len(content):
        raise refused(Status.OFFSET_WRONG if content else Status.FILE_UNKNOWN)
    return Reply(Status.OK, content[offset : offset + command.expected])


def read_record(session: Session, command: Command) -> Reply:
    """00 B2 nn P2: record nn of the current file (P2 = 04) or of a short id (upper five bits)."""
    if command.p2 & 7 != 4 or not command.p1:
        raise refused(Status.PARAMETERS_WRONG)
    row = session.by_short_id(command.p2 >> 3)
    content = _content(session, row, FileKind.RECORDS)
    if command.p2 >> 3:
        session.current = row
    at = 0
    while at < len(content):
        record = content[at : at + 2 + content[at + 1]]
        if record[0] == command.p1:
            return Reply(Status.OK, record[: command.expected])
        at += len(record)
    raise refused(Status.RECORD_UNKNOWN)


def get_data(session: Session, command: Command) -> Reply:
    """00 CA with the tag in P1 P2, or 00 CB 3F FF with `5C` and the tag as data (SP 800-73-4 part 2 section 3.1.2)."""
    if command.ins == 0xCA:
        name, missing = f"{command.p1:02X}{command.p2:02X}", Status.REFERENCE_UNKNOWN
    else:
        if (command.p1, command.p2) != (0x3F, 0xFF):
            raise refused(Status.PARAMETERS_WRONG)
        name, missing = _asked_tag(command.data), Status.FILE_UNKNOWN
    row = next((r for r in session.application.file if r.id == name), None)
    if row is None:
        raise refused(missing)
    content = _content(session, row, FileKind.OBJECT)
    if not content:
        raise refused(missing)
    return Reply(Status.OK, content)


def _asked_tag(data: bytes) -> str:
    try:
        return tlv.value(data, 0x5C).hex().upper()
    except TlvMalformed as fault:
        raise refused(Status.DATA_WRONG) from fault


def _content(session: Session, row: object, kind: FileKind) -> bytes:
    if not isinstance(row, File) or row.kind is not kind:
        raise refused(Status.FILE_KIND_WRONG)
    session.require_any(row.read)
    return bytes.fromhex(row.content) or session.store.content(session.application.name, row.id)
