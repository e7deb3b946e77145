"""What an operator decides about the commission."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.values.labels import PartyName


class CommissionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file, in a folder that exists; `ledger` the log's party, `origin` its name."""

    database: Path
    ledger: PartyName
    origin: str
