"""How a log follows another: what its opening must say, and who must have signed it (spec/ledger.md section 8).

Entry 0 of the new log is of kind governance, its payload digest that of the old log's last checkpoint; entry 1 has the
digest of the opening. So the list of logs is public, signed, and logged before it takes effect.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.protocols import published
from kakine.protocols.gazette import Law
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, LogBook, log_keys, log_of
from kakine.values.calendar import year_in_japan
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CheckpointInvalid,
    FinalHeadBehind,
    HeadForked,
    LogClosed,
    LogListBroken,
    LogNotOver,
)
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import EntryKind
from kakine.wire.log_list import LABEL, Opening, Reason

_ORIGIN = re.compile(r"(?P<at>.+)/(?P<year>[0-9]{4})/(?P<instance>[a-z])(?P<again>[0-9]*)\Z")


class Shown(NamedTuple):
    """An opening as the commission hands it out: encoded, signed by the operator and the commission (64 bytes each),
    and where the new log has its first two entries."""

    opening: bytes
    operator: bytes
    commission: bytes
    first: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True)
class _Parts:
    at: str
    year: int
    instance: str
    again: int


def _parts(origin: str) -> _Parts:
    found = _ORIGIN.match(origin)
    if found is None:
        raise LogListBroken(part="origin")
    return _Parts(found["at"], int(found["year"]), found["instance"], int(found["again"] or 1))


def year_of(origin: str) -> int:
    """The calendar year that a log is for. Raises `LogListBroken` for an origin that names none."""
    return _parts(origin).year


def next_origin(log: Log, reason: Reason, now_ms: int) -> str:
    """`…/2026/a` is followed by `…/2027/a` when the year in Japan is over (`LogNotOver` before), and by `…/2026/a2`
    when it is dead."""
    parts, present = _parts(log.origin), year_in_japan(now_ms)
    if reason is Reason.YEAR:
        if present <= parts.year:
            raise LogNotOver(log=log.origin)
        return f"{parts.at}/{present}/{parts.instance}"
    return f"{parts.at}/{parts.year}/{parts.instance}{parts.again + 1}"


def opening_of(logs: LogBook, log: Log, final: bytes, reason: Reason, key: VerifyKey, now_ms: int) -> Opening:
    """What opens the log after `log`, whose last checkpoint is `final`. Raises `LogNotOver`."""
    number = logs.number + 1
    origin = next_origin(log, reason, now_ms)
    ledger = f"{log.by}-{number}"
    return Opening(number, logs.last, reason, log.by, ledger, origin, bytes(key), log.origin, final, now_ms)


def final_digest(final: bytes) -> bytes:
    """32 bytes: what entry 0 says."""
    return hashlib.sha256(final).digest()


def first_entries(opening: Opening) -> tuple[bytes, bytes]:
    """(entries, tags) with which the new log begins."""
    said = final_digest(opening.final), opening.digest
    entries = [published.entry_of(EntryKind.GOVERNANCE, each, opening.time_ms) for each in said]
    return b"".join(entries), b"".join(digest("xid", each) for each in said)


def check(opening: Opening, logs: LogBook, law: Law) -> Checkpoint:
    """The last head of the log that is followed, if the opening is the next of the list and says what it must.

    Raises `LogListBroken`, `LogNotOver`, `CheckpointInvalid` or `SignatureInvalid` for a final head that its log has
    not signed, `LogClosed` for a log that has ended before. Not checked: both signatures, that the new log holds it
    (`take`), and that the final head goes with what was seen of the log (`check_seen`).
    """
    if (opening.number, opening.previous) != (logs.number + 1, logs.last):
        raise LogListBroken(part="number")
    old = log_of(logs, opening.follows)
    if old.final is not None:
        raise LogClosed(log=old.origin)
    try:
        reason = Reason(opening.reason)
    except ValueError as fault:
        raise LogListBroken(part="reason") from fault
    origin = next_origin(old, reason, opening.time_ms)
    if opening.origin != origin or origin in {log.origin for log in logs}:
        raise LogListBroken(part="origin")
    if (opening.operator, opening.ledger) != (old.by, f"{old.by}-{opening.number}"):
        raise LogListBroken(part="ledger")
    if opening.key in log_keys(law, logs).values():
        raise LogListBroken(part="key")
    key = old.key_in(law)
    if notes.only(opening.final, old.origin, [key]) != opening.final:
        raise CheckpointInvalid(part="signatures")
    return notes.open(opening.final, old.origin, key)


def check_seen(origin: str, final: Checkpoint, seen: Checkpoint) -> None:
    """Raise `FinalHeadBehind` or `HeadForked` where a log is said to have ended before or beside a head seen of it."""
    if seen.size > final.size:
        raise FinalHeadBehind(log=origin, size=final.size, seen=seen.size)
    if seen.size == final.size and seen.root != final.root:
        raise HeadForked(size=final.size)


def check_signed(data: bytes, operator: bytes, commission: bytes, law: Law) -> Opening:
    """The opening, once both have signed it. Raises `NotCanonical`, `PartyUnknown`, `SignatureInvalid`."""
    opening = decode(data, Opening)
    law.signing_key(opening.operator).verify(operator, LABEL, opening.digest)
    law.anchors.commission.verify(commission, LABEL, opening.digest)
    return opening


def take(shown: Shown, logs: LogBook, law: Law) -> Log:
    """Put an opening into a party's list: from here on the old log has ended, and the new one counts.

    Raises what `check_signed`, `check` and `Heads.verify` raise: the new log must begin with the old one's last head
    and with this opening.
    """
    opening = check_signed(shown.opening, shown.operator, shown.commission, law)
    final, key = check(opening, logs, law), VerifyKey(opening.key)
    if shown.first != 0:
        raise LogListBroken(part="first")
    entries, _ = first_entries(opening)
    Heads().verify(0, shown.proof, shown.checkpoint, entries, {opening.origin: key})
    old = log_of(logs, opening.follows)
    made = Log(
        PartyName(opening.ledger),
        opening.origin,
        PartyName(opening.operator),
        key,
        follows=old.origin,
        since_ms=opening.time_ms,
    )
    dead = opening.reason != Reason.YEAR
    logs.turn(old.ended(old.key_in(law), opening.final, final, dead=dead), made, opening.digest)
    return made
