"""How the signer of a log starts."""

from __future__ import annotations

import msgspec

from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.footing import Footing, Site, Working
from kakine.values.labels import PartyName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It signs heads of the log `origin` for `ledger`."""

    origin: str
    ledger: str


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own, for a log that the country was founded with: its key is the party's. Raises
    `StoreInUse`."""
    signing = place.identity.signing
    made = Signer.open(SignerSettings(own.origin, PartyName(own.ledger), place.database, signing))
    return Working(lambda: made.app, made.close, store=made.database)
