"""What an operator decides about the commission."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.protocols.logs import LogBook


class CommissionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file, in a folder that exists; each version is logged in one of `logs`."""

    database: Path
    logs: LogBook
