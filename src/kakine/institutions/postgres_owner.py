"""A party's database in the hands of the role that owns its tables, while no process of the party has it open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from kakine.runtime.postgres import Address
from kakine.values.problems import StoreFailed, StoreInUse

_SAME = "SELECT oid, pg_postmaster_start_time() FROM pg_database WHERE datname = current_database()"
_OWNED = "SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'public.kakine_writer'::regclass"
_SESSIONS = """SELECT count(*) FROM pg_stat_activity
WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND usename = %s"""
_LOCK = "LOCK TABLE public.kakine_writer IN ACCESS EXCLUSIVE MODE"


def role_of(party: Address) -> str:
    """As whom the party works."""
    return str(psycopg.conninfo.conninfo_to_dict(party.server)["user"])


def owner_of(party: Address, owners: Sequence[Address]) -> Address:
    """Which of these addresses is of the party's database, and of the role that owns its tables. Raises
    `StoreFailed`."""
    with _reached(party) as own:
        here = own.execute(_SAME).fetchone()
    for each in owners:
        with _reached(each) as other:
            if other.execute(_SAME).fetchone() != here:
                continue
            if other.execute(_OWNED).fetchone() != (True,):
                raise StoreFailed(reason="the role in the owner's address does not own the tables")
            return each
    raise StoreFailed(reason="no address of the owner of this party's database: --owner")


@contextmanager
def held(party: Address, owner: Address) -> Iterator[None]:
    """Nobody opens the party's store meanwhile: whoever does must write into `kakine_writer`, which is locked here, and
    whoever has it open has a session. Raises `StoreInUse`."""
    with _reached(owner) as gate, gate.transaction():
        gate.execute("SET LOCAL lock_timeout = '10s'")
        try:
            gate.execute(_LOCK)
        except psycopg.errors.LockNotAvailable as fault:
            raise StoreInUse() from fault
        (sessions,) = gate.execute(_SESSIONS, (role_of(party),)).fetchone() or (0,)
        if sessions:
            raise StoreInUse(sessions=sessions)
        yield


@contextmanager
def _reached(where: Address) -> Iterator[psycopg.Connection[Any]]:
    try:
        connection = psycopg.connect(where.server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as fault:
        # What the library says names hosts and roles, not passwords.
        raise StoreFailed(reason="the server does not answer, or not to this role") from fault
    try:
        yield connection
    finally:
        connection.close()
