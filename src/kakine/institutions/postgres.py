"""A private PostgreSQL server in a folder, from the system's own packages: for a country on one machine.

Reached by a socket in that folder and by nothing else. Every party has a database of its own and two roles: the one
that owns the tables, used to make and to upgrade them, and the one the party runs as, which may do with each table
what the statements of its program do (`statements.acts_on`) and no more. So what the program never changes, the
running party cannot change: the ledger's entries and checkpoints, filings, journals.

NOT protected against: whoever holds the server's own account, or the owners' passwords.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as text
from sqlalchemy import MetaData, Table

from kakine.crypto.files import write_private
from kakine.institutions.postgres_programs import PACKAGE, programs
from kakine.runtime.identity import Entropy
from kakine.runtime.postgres import BOOKKEEPING, create_tables
from kakine.runtime.statements import acts_on
from kakine.runtime.versions import head
from kakine.values.problems import ServerFailed, ServerMissing

_PORT = "5432"  # a part of the socket's name; no port is opened
_CONNECTIONS = 300  # two for each process of a party, and replicas
_PAUSES = (0.2, 0.5, 1, 2, 4)
"""Seconds between attempts at a start."""
_SILENT = "-c log_error_verbosity=terse -c log_min_error_statement=panic"
"""Otherwise the log repeats rows and statements that were refused, and what was deleted stays in it."""
_SOCKET = 100
"""Longest path of a socket's folder: the kernel takes 108 bytes with the name."""


@dataclass(frozen=True)
class Cluster:
    """A server in a folder: `data`, `run` (its socket), `keys` (passwords, as libpq reads them)."""

    folder: Path

    @property
    def running(self) -> int | None:
        """Process id of the server, or None. A number that another process has by now is none."""
        data = self.folder / "data"
        try:
            number = int((data / "postmaster.pid").read_text().split("\n")[0])
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return number if bytes(data) in words else None

    def fault(self) -> str:
        """Why no server can be in this folder, or nothing."""
        if len(bytes(self.folder / "run")) > _SOCKET:
            return "the folder's path is too long for a socket"
        if "'" in str(self.folder):
            return "the folder's path has an apostrophe"
        above = [each for each in self.folder.parents if each.is_dir()]
        if _account() is not None and not all(each.stat().st_mode & 0o001 for each in above):
            return "the server's own account may not go through the folders above"
        return ""

    def make(self, entropy: Entropy) -> None:
        """Make the server's files, unless they are there. Raises `ServerMissing`, `ServerFailed`."""
        if (self.folder / "data" / "PG_VERSION").exists():
            return
        if fault := self.fault():
            raise ServerFailed(reason=fault)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        (self.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        secret, account = entropy(24).hex(), _account()
        self._keep("postgres", secret)
        told = self.folder / "run" / "password"
        for name, mode in (("data", 0o700), ("run", 0o711)):
            (self.folder / name).mkdir(mode=mode, exist_ok=True)
        told.unlink(missing_ok=True)
        write_private(told, secret.encode())
        if account is not None:
            for path in (self.folder / "data", self.folder / "run", told):
                shutil.chown(path, account)
        try:
            made = ["initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C"]
            _run([*made, "--auth=scram-sha-256", f"--pwfile={told}"])
        finally:
            told.unlink()

    def start(self) -> None:
        """Start it, unless it runs; returns when it answers. Raises `ServerMissing`, `ServerFailed`."""
        if self.running is None:
            options = (
                f"-c listen_addresses='' -c unix_socket_directories='{self.folder / 'run'}' -c port={_PORT} "
                f"-c max_connections={_CONNECTIONS} {_SILENT}"
            )
            log = str(self.folder / "data" / "server.log")
            command = ["pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start"]
            for pause in _PAUSES:
                # What a server that was killed has left ends by itself, and is in the way until then.
                with suppress(ServerFailed):
                    _run(command)
                    return
                time.sleep(pause)
            _run(command)

    def stop(self) -> None:
        """Stop it, by its own process id; nothing happens if it does not run."""
        if self.running is not None:
            _run(["pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "fast", "stop"])

    def server(self, party: str, role: str, key: Path | None = None) -> str:
        """The connection string of a role to a party's database, with the password in the file `key`, if not here."""
        keys = key or self.folder / "keys" / role
        return psycopg.conninfo.make_conninfo(
            host=str(self.folder / "run"), port=_PORT, dbname=party, user=role, passfile=str(keys)
        )

    def add(self, party: str, metadata: MetaData, entropy: Entropy, *, own_tables: bool = False) -> str:
        """Make a party's database with its tables and roles, unless it is there; the connection string for the party.

        `own_tables` for a party that makes and drops tables of its own (a record keeper's months): they are in a
        schema of its name.
        """
        owner = f"{party}-owner"
        with self._connected("postgres", "postgres") as server:
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (party,)).fetchone() is None:
                for role in (owner, party):
                    self._role(server, role, entropy)
                server.execute(_named(_DATABASE, party))
            for line in _DOORS:
                server.execute(_named(line, party))
        with self._connected(party, owner) as database:
            create_tables(database, metadata)
            grant(database, party, metadata)
        if own_tables:
            with self._connected(party, "postgres") as database:
                database.execute(_named("CREATE SCHEMA IF NOT EXISTS {party} AUTHORIZATION {party}", party))
        return self.server(party, party)

    @contextmanager
    def _connected(self, name: str, role: str) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.server(name, role), autocommit=True) as connection:
            yield connection

    def _role(self, server: psycopg.Connection[Any], role: str, entropy: Entropy) -> None:
        secret = entropy(24).hex()
        self._keep(role, secret)
        server.execute(_named("DROP ROLE IF EXISTS {party}", role))
        line = text.SQL("CREATE ROLE {role} LOGIN PASSWORD {secret}")
        server.execute(line.format(role=text.Identifier(role), secret=text.Literal(secret)))

    def _keep(self, role: str, secret: str) -> None:
        (self.folder / "keys" / role).unlink(missing_ok=True)
        write_private(self.folder / "keys" / role, f"*:*:*:{role}:{secret}\n".encode())


def grant(database: psycopg.Connection[Any], party: str, metadata: MetaData) -> None:
    """Let a party's role do what its statements do, and take away what it had beyond that. For the tables' owner."""
    with database.transaction():
        database.execute(_named("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {party}", party))
        for table in (*BOOKKEEPING.sorted_tables, *metadata.sorted_tables):
            for right in _rights(table):
                line = text.SQL("GRANT {right} ON {table} TO {party}").format(
                    right=right, table=text.Identifier(table.name), party=text.Identifier(party)
                )
                database.execute(line)
        if head(metadata) is not None:
            database.execute(_named("GRANT SELECT ON alembic_version TO {party}", party))


_DATABASE = "CREATE DATABASE {party} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
_DOORS = (
    "REVOKE ALL ON DATABASE {party} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {party} TO {party}",
)


def _named(line: str, party: str) -> text.Composed:
    names = {"party": text.Identifier(party), "owner": text.Identifier(f"{party}-owner")}
    return text.SQL(line).format(**names)


def _rights(table: Table) -> Iterator[text.Composable]:
    yield text.SQL("SELECT")
    for verb, columns in acts_on(table).items():
        if verb == "UPDATE":
            yield text.SQL("UPDATE ({})").format(text.SQL(", ").join(map(text.Identifier, sorted(columns))))
        else:
            yield text.SQL(verb)


def _account() -> str | None:
    """Whose the server is: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _run(command: Sequence[str]) -> None:
    found = programs()
    if found is None:
        raise ServerMissing(package=PACKAGE)
    full = [str(found / command[0]), *command[1:]]
    if (account := _account()) is not None:
        try:
            pwd.getpwnam(account)
        except KeyError as fault:
            raise ServerMissing(package=PACKAGE) from fault
        full = ["runuser", "-u", account, "--", *full]
    try:
        # The server inherits what is open: its output goes to its own file, not into a pipe that is waited for.
        subprocess.run(
            full,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
    except subprocess.CalledProcessError as fault:
        raise ServerFailed(reason=command[0]) from fault
