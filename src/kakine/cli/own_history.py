"""A person's own history, read through the portal with a fresh session key, and verified here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kakine.country import KEEPER, LEDGER, ORIGIN, Country
from kakine.crypto.sealing import OpenKey
from kakine.protocols.history import Keys, Line, SealedRow, lines, open_history
from kakine.wire.canonical import decode
from kakine.wire.history import Statement


@dataclass(frozen=True)
class Read:
    """What the person sees. `signed` is the number of rows that the record keeper has signed for; every one of the
    `verified` rows has opened and stands in the ledger."""

    lines: list[Line]
    signed: int
    verified: int


async def own_history(country: Country, account: bytes) -> Read:
    """Raises `AccountUnknown`, what a party refuses with, and what does not verify: then nothing is shown."""
    session = OpenKey(secrets.token_bytes(32))
    sealed = await country.portal.read_history(account, session.public)
    law = country.book("portal").in_force(country.site.clock())
    said = sealed.history
    rows = [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in said.rows]
    keys = Keys(law.signing_key(KEEPER.party), law.signing_key(LEDGER), ORIGIN)
    opened = open_history(sealed.request, said.statement, said.signature, rows, sealed.shares, session, keys)
    return Read(lines(opened), decode(said.statement, Statement).count, len(opened))
