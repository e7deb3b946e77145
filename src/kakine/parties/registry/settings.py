"""The registry's settings: one frozen object, unknown keys refused, read before anything is opened."""

from __future__ import annotations

from pathlib import Path

import msgspec


class RegistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file; its folder must exist."""

    database: Path
