"""Which kind of party keeps which tables."""

from __future__ import annotations

from sqlalchemy import MetaData

from kakine.parties.authority.store import METADATA as AUTHORITY
from kakine.parties.commission.audit_store import METADATA as AUDITOR
from kakine.parties.commission.store import METADATA as COMMISSION
from kakine.parties.converter import store as converter
from kakine.parties.gateway import store as gateway
from kakine.parties.ledger.store import METADATA as LEDGER
from kakine.parties.mailbox.app import METADATA as MAILBOX
from kakine.parties.ministry.store import METADATA as MINISTRY
from kakine.parties.portal.app import METADATA as PORTAL
from kakine.parties.registry.app import METADATA as REGISTRY
from kakine.parties.signer.store import METADATA as SIGNER
from kakine.parties.witness.app import METADATA as WITNESS

TABLES: dict[str, MetaData] = {
    "auditor": AUDITOR,
    "authority": AUTHORITY,
    "commission": COMMISSION,
    "converter": converter.metadata,
    "gateway": gateway.metadata,
    "ledger": LEDGER,
    "mailbox": MAILBOX,
    "ministry": MINISTRY,
    "portal": PORTAL,
    "registry": REGISTRY,
    "signer": SIGNER,
    "witness": WITNESS,
}
"""Tables by the kind of party."""

OWN_TABLES = frozenset({"mailbox"})
"""Kinds of party that make tables as they run: a record keeper's months."""
