"""A person's own history, read through the portal with a fresh session key, and verified here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from kakine.cli.receipts import export_history, is_public, witnessed_rows
from kakine.country import KEEPER, LEDGER, ORIGIN, Country
from kakine.crypto.sealing import OpenKey
from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.protocols.history import Keys, Line, SealedRow, lines, open_history
from kakine.values.problems import HistoryIncomplete
from kakine.wire.canonical import decode
from kakine.wire.history import Statement
from kakine.wire.record import OutcomeRecord, RequestRecord


@dataclass(frozen=True)
class Seen:
    """One line as a person reads it. `index` is the request's place in the ledger, `entry` its 80 bytes there.

    `result` is empty while the answering side has not confirmed.
    """

    time_ms: int
    requester: str
    recipient: str
    ground: str
    rows: tuple[str, ...]
    items: tuple[str, ...]
    case: bytes
    result: str
    index: int
    entry: bytes


@dataclass(frozen=True)
class Read:
    """What the person sees. The record keeper has signed for `signed` rows.

    Every one of the `verified` rows has opened and stands in the ledger; `witnessed` of them under a head that as many
    witnesses as the policy asks for have signed.
    """

    lines: list[Seen]
    signed: int
    verified: int
    witnessed: int


async def own_history(country: Country, account: bytes, export: Path | None = None) -> Read:
    """Raises `AccountUnknown`, what a party refuses with, and what does not verify: then nothing is shown.

    With `export`, receipts, records and the policy go into that folder, for `kakine verify` anywhere else.
    """
    session = OpenKey(secrets.token_bytes(32))
    sealed = await country.portal.read_history(account, session.public)
    law = country.book("portal").in_force(country.site.clock())
    said = sealed.history
    rows = [SealedRow(r.entry, r.envelope, r.index, r.proof, r.checkpoint) for r in said.rows]
    keys = Keys(law.signing_key(KEEPER.party), law.signing_key(LEDGER), ORIGIN)
    opened = open_history(sealed.request, said.statement, said.signature, rows, sealed.shares, session, keys)
    shown = await witnessed_rows(country, rows)
    witnessed = await _witnessed(country, shown, keys.ledger)
    if export is not None:
        export_history(
            shown, opened, keys.ledger, export, country.policy if witnessed == len(shown) else None
        )
    seen = [_seen(line) for line in lines(opened)]
    return Read(seen, decode(said.statement, Statement).count, len(opened), witnessed)


async def _witnessed(country: Country, rows: list[SealedRow], key: VerifyKey) -> int:
    """How many rows stand, proved again, under a checkpoint that meets the policy."""
    heads, count = Heads(ORIGIN), 0
    for row in rows:
        heads.verify(row.index, row.proof, row.checkpoint, row.entry, key)
        count += is_public(country, row.checkpoint)
    return count


def _seen(line: Line) -> Seen:
    request, outcome = line.request.record, line.outcome.record if line.outcome else None
    if not isinstance(request, RequestRecord) or not isinstance(outcome, OutcomeRecord | None):
        raise HistoryIncomplete(what="kind of record")
    common = request.common
    return Seen(
        common.time_ms,
        common.requester,
        common.recipient,
        common.ground,
        common.rows,
        common.items,
        request.personal.case,
        outcome.personal.result[0] if outcome else "",
        line.request.index,
        line.request.entry.encode(),
    )
