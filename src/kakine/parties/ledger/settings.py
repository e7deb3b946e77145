"""What an operator decides about one ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.crypto.signing import VerifyKey
from kakine.values.labels import PartyName
from kakine.wire.checkpoint import check_name


class LedgerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`origin` names the log for good (`ledger.example/2026/a`) and is the name of `key` in signed notes.

    `key` is the public key of the party `signer`, which alone can sign heads of this log. `database` is the SQLite
    file; its folder must exist. `silent_ms` is how long nothing may be added before a heartbeat is.
    `begins` are the two entries with which a log begins that follows another; nothing for a first log. `final` is the
    last checkpoint of a log that has ended.
    Raises `CheckpointInvalid` if the origin cannot be a key name.
    """

    origin: str
    database: Path
    signer: PartyName
    key: VerifyKey
    silent_ms: int = 10_000
    begins: bytes = b""
    final: bytes = b""

    def __post_init__(self) -> None:
        check_name(self.origin)
