"""How the signer of a log starts."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec

from kakine.contracts.converter import HEAD, LastHead
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.footing import Footing, Site, Working
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid, SignatureInvalid
from kakine.wire import checkpoint as notes


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It signs heads of the log `origin` for `ledger`."""

    origin: str
    ledger: PartyName


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own, for a log that the country was founded with: its key is the party's. Before it signs it
    asks every converter for the last head it has seen. Raises `StoreInUse`, `SignerBehind`, what a call raises."""
    signing = place.identity.signing
    made = Signer.open(SignerSettings(own.origin, own.ledger, place.database, signing))
    with ExitStack() as undo:
        undo.callback(made.close)
        for name in place.converters:
            seen = await place.peers.ask(name, HEAD, LastHead(own.origin))
            try:
                if seen.size:
                    made.compare(name, notes.open(seen.checkpoint, own.origin, signing.public))
            except (CheckpointInvalid, SignatureInvalid):
                continue  # what was never signed here is no head of this log
        undo.pop_all()
    return Working(lambda: made.app, made.close, store=made.database)
