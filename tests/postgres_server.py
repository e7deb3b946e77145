"""A private PostgreSQL server for the tests of one process, and countries whose stores are in it.

Installed with the system's package manager where it is missing and may be; where it cannot be had, the tests are
skipped, and fail where `CI` is set.
"""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import MetaData

from kakine.cli.postgres import provide
from kakine.institutions.postgres import Cluster
from kakine.institutions.postgres_programs import install
from kakine.protocols.gazette_pack import Pack
from kakine.runtime.postgres import Address
from kakine.values.problems import ServerMissing
from outside_tools import lacking

_NUMBERS = itertools.count()
_shared = ExitStack()


def _install() -> None:
    with (Path(tempfile.gettempdir()) / "kakine-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            install(print)
        except ServerMissing:
            lacking("PostgreSQL is missing")


@contextmanager
def short_folder() -> Iterator[Path]:
    """Not in the test's own folder: the server's account must get there, and a socket's path is short."""
    _install()
    folder = Path(tempfile.mkdtemp(prefix="kakine-pg-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def made() -> Iterator[Cluster]:
    """A server of its own, for tests that end it."""
    with short_folder() as folder:
        cluster = Cluster(folder)
        try:
            cluster.make(secrets.token_bytes)
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@cache
def server() -> Cluster:
    """The one that the tests of this process share."""
    atexit.register(end)
    return _shared.enter_context(made())


def end() -> None:
    """Of the shared one, once no test needs it: before a worker says that it has ended, since soon after it is
    killed."""
    _shared.close()


def database(metadata: MetaData, folder: Path, name: str = "store", replica: str = "") -> Path:
    """A database of its own with these tables; the file with its address, as the party's role."""
    address = server().add(f"t{next(_NUMBERS)}-{os.getpid()}", metadata, secrets.token_bytes)
    path = folder / f"{name}.postgresql"
    path.write_text(Address(address, replica).text())
    return path


def provided(folder: Path, law: Pack) -> None:
    """The country that is founded in this folder keeps everything in the shared server."""
    provide(server(), folder, law, secrets.token_bytes, f"t{next(_NUMBERS)}-{os.getpid()}-")
