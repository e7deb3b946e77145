"""Gate 1 and what follows it: release, outcomes relayed, shares opened for a reader (spec/lcx.md section 8)."""

from __future__ import annotations

import sqlite3

from kakine.contracts import mailbox
from kakine.contracts.converter import (
    Filed,
    OpenShares,
    Outcome,
    Release,
    Released,
    SharesOpened,
)
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import SealKey, aead_seal, seal
from kakine.parties.converter import heads, store
from kakine.parties.converter.hop import Asked, permit, requester_party
from kakine.parties.converter.keys import opening_key, share_of
from kakine.parties.converter.office import Office
from kakine.parties.converter.store import Seen
from kakine.protocols.chain import release_value
from kakine.protocols.gates import check_filing, check_window, head_parts
from kakine.protocols.records import Openings, check_openings
from kakine.protocols.witnessing import Opened
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    CallerNotAllowed,
    ExchangeUsed,
    LinkWithheld,
    ReceiptMismatch,
    RequestUnknown,
)
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import only
from kakine.wire.entry import Entry, split_entries
from kakine.wire.envelope import Envelope, expand
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.request import ONE_LEG, Kind


def _known(office: Office, request: bytes) -> Seen:
    seen = store.find_seen(office.db.read(), request)
    if seen is None:
        raise RequestUnknown()
    return seen


def _check_inclusion(office: Office, filed: Filed, entries: bytes) -> Opened:
    """The head under which the entries stand in the log, once it is known that the ledger signed it."""
    key = office.law.in_force(office.clock()).signing_key(office.settings.ledger)
    receipt, origin = filed.receipt, office.history.origin
    head = office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, entries, key)
    return Opened(origin, head, only(receipt.checkpoint, origin, [key]))


def _own_hop(seen: Seen, message: Release) -> None:
    if seen.hop not in [hop.record for hop in message.hops]:
        raise ReceiptMismatch(what="hops")


async def release(office: Office, caller: PartyName, message: Release) -> Released:
    """w_i for the recipient, against the receipt of this very request (gate 1).

    In order, all fail-closed: the ground still stands; the caller is the requester; this converter took part; the
    receipt is young; the record keeper signed for these entries and this converter's hop; every commitment fits the
    request; the entries are in the log, under a head that is one history with all heads seen before; no exchange was
    released before, other than in this place. Head and exchanges are on disk before w_i leaves. A repeat gives the
    same answer.
    """
    now_ms = office.clock()
    asked = Asked.of(message.public, message.record)
    law = office.law.in_force(now_ms)
    if caller != requester_party(asked.public) or asked.record.kind in ONE_LEG:
        raise CallerNotAllowed(call="release")
    seen = _known(office, asked.request)
    permit(law, asked, now_ms)
    if (seen.requester, seen.recipient) in office.withheld:
        raise LinkWithheld()
    check_window(asked.public.time_ms, now_ms)
    _own_hop(seen, message)
    check_filing(
        message.filed.filing,
        message.filed.signature,
        law.signing_key(DomainName(seen.keeper).party),
        asked.request,
        message.entries,
        message.tags,
        [hop.record for hop in message.hops],
    )
    shown = Openings(message.disclosed, message.withheld, message.openings)
    xids = check_openings(asked.public, asked.ask, message.entries, message.tags, shown)
    under = _check_inclusion(office, message.filed, message.entries)
    first = message.filed.receipt.first
    await heads.store(office, under, lambda db: _use(db, asked.request, xids, first))
    _, key = share_of(office, seen.recipient, seen.recipient_epoch)
    value = release_value(office.release_key, asked.request)
    sealed = aead_seal(expand(key, "release", asked.request), bytes(12), asked.request, value)
    seen_head = office.identity.signing.sign("head", *head_parts(under.origin, under.head))
    return Released(sealed, seen_head)


def _use(db: sqlite3.Connection, request: bytes, xids: list[bytes], first: int) -> None:
    try:
        store.add_used(db, request, xids, first)
    except sqlite3.IntegrityError as taken:
        places = [store.find_used(db, xid) for xid in xids]
        if places != [(first + k, request) for k in range(len(xids))]:
            raise ExchangeUsed() from taken


async def outcome(office: Office, caller: PartyName, message: Outcome) -> Filed:
    """Pass the recipient's outcome on, so that the record keeper does not see who it is.

    Only for a request that was released here, only from the party it was for, only what that party signed.
    """
    seen = _known(office, message.request)
    if DomainName(seen.recipient).party != caller:
        raise CallerNotAllowed(call="outcome")
    if not seen.released:
        raise RequestUnknown()
    covered = digest("entries", message.entries), digest("tags", message.tags)
    law = office.law.in_force(office.clock())
    law.signing_key(caller).verify(message.signature, "outcome", message.request, *covered)
    signature = office.identity.signing.sign("outcome-relay", message.request, *covered)
    onward = mailbox.FileOutcome(message.request, message.entries, message.tags, message.envelopes, signature)
    return await office.peers.ask(office.settings.keeper, mailbox.OUTCOME, onward)


async def open_shares(office: Office, caller: PartyName, message: OpenShares) -> SharesOpened:
    """This converter's shares of exactly the envelopes the record keeper listed under a reading, sealed to the session
    key that the signed request of that reading names. One statement a reading.

    Does not check who holds the session key: the login of the person does.
    """
    asked = Asked.of(message.public, message.record)
    seen = _known(office, asked.request)
    if seen.kind != Kind.READ or DomainName(seen.requester).party != caller:
        raise CallerNotAllowed(call="open-shares")
    law = office.law.in_force(office.clock())
    law.signing_key(DomainName(seen.keeper).party).verify(message.signature, "history", message.statement)
    entries = _listed(asked.request, message)
    shares = _open_listed(office, entries, message.envelopes)
    await office.db.write(lambda db: _grant(db, asked.request, digest("grant", message.statement)))
    info = digest("shares", asked.request, bytes([office.settings.position]))
    return SharesOpened(seal(SealKey(seen.session), info, b"".join(shares)))


def _listed(request: bytes, message: OpenShares) -> list[bytes]:
    """The entries of the statement, which must be for this reading and chain to its head."""
    statement = decode(message.statement, Statement)
    entries = split_entries(message.entries) if message.entries else []
    head = GENESIS
    for entry in entries:
        head = chained(head, entry)
    if (statement.request, statement.count, statement.head) != (request, len(entries), head):
        raise ReceiptMismatch(what="statement")
    if len(message.envelopes) != len(entries):
        raise BatchMalformed()
    return entries


def _open_listed(office: Office, entries: list[bytes], envelopes: list[bytes]) -> list[bytes]:
    index = office.settings.position - 1
    shares = []
    for entry, data in zip(entries, envelopes, strict=True):
        envelope, said = Envelope.parse(data), Entry.decode(entry)
        if envelope.digest != said.payload_digest:
            raise ReceiptMismatch(what="envelope")
        context = envelope.opener(index, opening_key(office, envelope.month))
        shares.append(envelope.open_share(index, context, said.commitment))
    return shares


def _grant(db: sqlite3.Connection, request: bytes, granted: bytes) -> None:
    seen = store.find_seen(db, request)
    if seen is None:
        raise RequestUnknown()
    if seen.granted is not None and seen.granted != granted:
        raise BatchReused()
    store.set_granted(db, request, granted)
