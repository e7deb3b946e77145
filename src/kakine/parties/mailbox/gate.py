"""The one gate that forged, scaled, foreign and retired codes cannot pass: open a batch, look every code up."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.ledger import MOST_ENTRIES
from kakine.contracts.mailbox import File
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import open_sealed
from kakine.parties.mailbox import sealed, store
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.store import ACTIVE, WAITING
from kakine.protocols.chain import keeper_mask, unmask
from kakine.protocols.gates import check_hops, check_lengths
from kakine.runtime.database import Connection
from kakine.values.codes import MaskedVector, WrappedCode
from kakine.values.problems import BatchMalformed, ObjectionUnfit, RecordRefused
from kakine.wire.canonical import decode, encode
from kakine.wire.request import (
    NO_RECIPIENT,
    UNKEPT,
    HopRecord,
    KeeperSeed,
    Kind,
    Place,
    RecordPart,
    Refusal,
    keeper_info,
    points_digest,
    request_digest,
)

ADDS = frozenset({Kind.ENROL, Kind.SUCCEED})
"""Kinds that bring codes nobody has yet."""

PAIRS = frozenset({Kind.MIGRATE, Kind.SWITCH})
"""Kinds that take (old, new) pairs."""

_REPEATABLE = frozenset({Kind.EXCHANGE, Kind.ISSUE, Kind.READ, Kind.OBJECT})
"""Kinds that change no code: two questions about one person may travel in one batch."""


@dataclass(frozen=True)
class Opened:
    """A batch whose hop records are signed and link up: hR, the seed of its blinding, the wrapped codes of its people,
    and the place of what is objected to."""

    record: RecordPart
    request: bytes
    hops: Sequence[HopRecord]
    seed: bytes
    tokens: Sequence[WrappedCode]
    about: Place | None


def opened(office: Office, message: File) -> Opened:
    """Take the masks off this record keeper's own leg. Raises `BatchMalformed`, `HopMismatch`, `SealInvalid`."""
    record = decode(message.record, RecordPart)
    request = request_digest(message.public, message.record)
    law = office.law.in_force(office.clock())
    place = law.keeper_place(office.settings.domain)
    if len(record.to_keepers) != len(law.keepers) or record.count > MOST_ENTRIES:
        raise BatchMalformed()
    check_lengths(record, message.entries, message.tags, message.blinded, message.legs)
    if digest("sealed", message.to_keeper) != record.to_keepers[place]:
        raise BatchMalformed()
    hops = check_hops(
        [(hop.record, hop.signature) for hop in message.hops],
        [law.signing_key(name) for name in office.settings.converters],
        request,
        record.blinded,
        [points_digest(leg) for leg in message.legs],
    )
    info = keeper_info(record.batch, record.blinded)
    told = decode(open_sealed(office.identity.opening, info, message.to_keeper), KeeperSeed)
    masks = [keeper_mask(key, request) for key in office.mask_keys]
    codes = unmask(MaskedVector(message.legs[place]), told.seed, masks)
    domain = office.settings.domain
    tokens = [office.wrap.wrap(codes.code(j), domain) for j in range(codes.size)]
    return Opened(record, request, hops, told.seed, tokens, told.about)


def _passes(kind: Kind, position: int, state: str | None) -> bool:
    if kind in ADDS:
        return state is None
    if kind in PAIRS:
        return state == (ACTIVE if position % 2 == 0 else WAITING)
    return state == ACTIVE


def gate(office: Office, db: Connection, batch: Opened) -> list[int]:
    """All-or-nothing: the list of each code (none yet for new ones), or a signed `RecordRefused` with the positions.

    Scaled, summed, foreign, retired and unknown codes look the same here and in the answer.
    """
    kind, tokens = batch.record.kind, batch.tokens
    found = [each or (0, None) for each in store.find_codes(db, tokens)]
    refused = [j for j, (_, state) in enumerate(found) if not _passes(kind, j, state)]
    if kind not in _REPEATABLE and len(set(tokens)) != len(tokens):
        refused = refused or list(range(len(tokens)))
    if kind in PAIRS and len(tokens) % 2:
        refused = refused or [len(tokens) - 1]
    if refused:
        said = encode(Refusal(office.settings.domain.party, batch.request, tuple(refused)))
        signature = office.identity.signing.sign("refusal", said)
        raise RecordRefused(
            indexes=refused,
            statement=base64.b64encode(said).decode(),
            signature=base64.b64encode(signature).decode(),
        )
    return [person for person, _ in found]


def check_about(db: Connection, batch: Opened, person: int) -> None:
    """Raise `ObjectionUnfit` unless this is no objection, or one to a request in the same list that has none yet.

    Whoever knows the xid of an exchange, and even the portal, can thereby object to nothing in anybody else's list.
    """
    if (batch.record.kind is Kind.OBJECT) != (batch.about is not None):
        raise BatchMalformed()
    if batch.about is None:
        return
    filed = store.filed_at(db, batch.about)
    # Else whoever can ask for an account finds out by objections whose a sealed entry is.
    if filed is None or filed.first is None or sealed.is_closed(db, batch.about):
        raise ObjectionUnfit(what="place")
    if store.lists_of_filing(db, filed.id)[batch.about.index - filed.first] != person:
        raise ObjectionUnfit(what="place")
    if filed.kind == 0 or filed.kind in NO_RECIPIENT | UNKEPT:
        raise ObjectionUnfit(what="kind")
    if any(each.first is not None for each in store.objections_to(db, batch.about)):
        raise ObjectionUnfit(what="stands")
