"""How the certificate authority starts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.crypto.keys import FileKeys
from kakine.parties.authority.app import Authority
from kakine.parties.authority.settings import AuthoritySettings
from kakine.runtime.footing import HOUR, MINUTE, Footing, Site, Working
from kakine.runtime.schedule import Chore
from kakine.values.labels import PartyName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`keys` is the folder of the authority's key files. The registry vouches for people, the commission logs."""

    keys: Path
    registry: PartyName
    commission: PartyName


def start(place: Footing, own: Own) -> Authority:
    """Keys and roots are made when they are first needed. Raises `StoreInUse`."""
    keys = FileKeys(own.keys)
    settings = AuthoritySettings(place.database, keys, own.registry, own.commission)
    _, identity, law, peers, clock, entropy = place.common
    return Authority.open(settings, place.logs, identity, law, peers, clock, entropy)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own. The lists come first: without them nobody knows whose certificate stands."""
    made = start(place, msgspec.structs.replace(own, keys=site.folder / own.keys))

    async def publish() -> str:
        await made.publish()
        return ""

    async def log() -> str:
        await made.log()
        return ""

    chores = (Chore("status", 5 * MINUTE, publish, "status"), Chore("issuance", HOUR, log, "books"))
    return Working(lambda: made.app, made.close, prepare=made.publish, chores=chores, store=made.office.db)
