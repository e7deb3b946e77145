"""What the agency's own systems tell their gateway: copies of data, flags of people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kakine.parties.gateway import store
from kakine.parties.gateway.office import Office
from kakine.parties.gateway.store import Copy, Flags
from kakine.runtime.codebook import token_of
from kakine.runtime.database import Connection
from kakine.values.problems import CopyOutdated, LayoutViolated, PersonNotKnown
from kakine.wire.canonical import UNDECODABLE


class NewCopy(msgspec.Struct, frozen=True):
    """A copy to keep, by local reference. Times in milliseconds; `data` is JSON that fits the item's layout."""

    reference: bytes
    item: str
    layout: int
    source_version: int
    as_of_ms: int
    expires_ms: int
    data: bytes


async def put_copies(office: Office, domain: str, copies: Sequence[NewCopy]) -> None:
    """Keep copies, all or none; one that is kept already stays. Raises `PersonNotKnown`, `LayoutViolated`,
    `CopyOutdated` with the position."""
    office.site(domain)
    for position, new in enumerate(copies):
        try:
            decoded = msgspec.json.decode(new.data)
        except UNDECODABLE as fault:
            raise LayoutViolated(position=position, rule="json") from fault
        office.validate(new.item, new.layout, decoded)

    def work(db: Connection) -> None:
        for position, new in enumerate(copies):
            token = token_of(db, domain, new.reference)
            if token is None:
                raise PersonNotKnown(position=position)
            kept = Copy(new.item, new.layout, new.source_version, new.as_of_ms, new.expires_ms, new.data)
            present = store.copies_of(db, domain, token).get(new.item)
            if present == kept:
                continue
            if present is not None and present.source_version >= new.source_version:
                raise CopyOutdated(position=position)
            store.put_copy(db, domain, token, kept)

    await office.db.write(work)


async def set_flags(office: Office, domain: str, reference: bytes, flags: Flags) -> None:
    """Raises `PersonNotKnown`."""
    office.site(domain)

    def work(db: Connection) -> None:
        token = token_of(db, domain, reference)
        if token is None:
            raise PersonNotKnown()
        store.set_flags(db, domain, token, flags)

    await office.db.write(work)
