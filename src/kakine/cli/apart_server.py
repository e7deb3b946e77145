"""Where the stores of a country that runs apart are: in files, or in a private PostgreSQL server of its own."""

from __future__ import annotations

import os
import secrets
from enum import StrEnum
from pathlib import Path

from kakine.institutions.postgres import Cluster
from kakine.values.problems import ServerFailed


class Engine(StrEnum):
    """What keeps the stores."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


def serve(country: Path) -> Cluster:
    """Make and start a server for a country in this folder: there, or elsewhere where it could not be reached in it.
    Raises `ServerMissing`, `ServerFailed`."""
    cluster = Cluster(_room(country.absolute()))
    cluster.make(secrets.token_bytes)
    cluster.start()
    return cluster


def home() -> Path:
    """Where a server can be that cannot be with its country."""
    return Path("/var/lib/postgresql") if os.geteuid() == 0 else Path.home() / ".local/state"


def _room(country: Path) -> Path:
    """A country of root's is often in /root, where the server's own account does not get; and a path may be long."""
    rooms = (country / "postgres", home() / f"kakine-{secrets.token_hex(4)}")
    faults = [Cluster(each).fault() for each in rooms]
    if all(faults):
        raise ServerFailed(reason=faults[0], instead="a folder with a short path that others may go through")
    return next(each for each, fault in zip(rooms, faults, strict=True) if not fault)
