"""What an operator decides about the ministry."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.values.labels import PartyName


class MinistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file, in a folder that exists; the law comes from `commission`, `ledger`."""

    database: Path
    commission: PartyName
    ledger: PartyName
    origin: str
