"""A PostgreSQL server for one measurement, in a folder that goes with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kakine.institutions.postgres import Cluster


@contextmanager
def private_server() -> Iterator[tuple[Path, Cluster]]:
    """(folder, server). Not in the measurement's own folder: the server's account must get there."""
    with tempfile.TemporaryDirectory(prefix="kakine-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        cluster = Cluster(folder)
        cluster.make(os.urandom)
        cluster.start()
        try:
            yield folder, cluster
        finally:
            cluster.stop()
