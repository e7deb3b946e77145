"""What an operator decides about one signer."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.crypto.signing import SigningKey
from kakine.values.labels import PartyName
from kakine.wire.checkpoint import check_name


class SignerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It signs heads of the log `origin` with `key`, when `ledger` asks.

    `database` is the SQLite file; its folder must exist, and it must have no backup that anybody could put back.
    Raises `CheckpointInvalid` if the origin cannot be a key name.
    """

    origin: str
    ledger: PartyName
    database: Path
    key: SigningKey

    def __post_init__(self) -> None:
        check_name(self.origin)
