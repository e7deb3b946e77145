"""The keys a domain shares with the converters, in its party's own store."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime.database import Connection, sql

_TABLE = "domain_key"


def keyring_metadata(metadata: MetaData) -> Table:
    """Add the table to a party's schema; a second call gives the same table."""
    known = metadata.tables.get(_TABLE)
    if known is not None:
        return known
    return Table(
        _TABLE,
        metadata,
        Column("domain", String, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("converter", String, nullable=False),
        Column("public", LargeBinary, nullable=False),
        Column("mask_key", LargeBinary, nullable=False),
        PrimaryKeyConstraint("domain", "epoch", "converter"),
    )


_own = keyring_metadata(MetaData())
_INSERT = sql(insert(_own).on_conflict_do_nothing())
_FIND = sql(
    select(_own.c.mask_key).where(
        _own.c.domain == bindparam("domain"),
        _own.c.epoch == bindparam("epoch"),
        _own.c.converter == bindparam("converter"),
    )
)


def find_key(db: Connection, domain: str, epoch: int, converter: str) -> bytes | None:
    """The mask key shared with one converter."""
    row = db.execute(_FIND, {"domain": domain, "epoch": epoch, "converter": converter}).fetchone()
    return row[0] if row else None


def add_key(db: Connection, domain: str, epoch: int, converter: str, public: bytes, mask_key: bytes) -> None:
    """Keep a key; the first one stays, which another process of the party may have got."""
    db.execute(
        _INSERT,
        {
            "domain": domain,
            "epoch": epoch,
            "converter": converter,
            "public": public,
            "mask_key": mask_key,
        },
    )
