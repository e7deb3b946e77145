"""What an operator decides about the ministry."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.protocols.logs import LogBook
from kakine.values.labels import PartyName


class MinistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file, in a folder that exists.

    The law comes from `commission`, and each version stands in one of `logs`.
    """

    database: Path
    commission: PartyName
    logs: LogBook
