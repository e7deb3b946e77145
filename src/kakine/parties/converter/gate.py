"""Gate 1 and what follows it: release, outcomes relayed, shares opened for a reader (spec/lcx.md section 8)."""

from __future__ import annotations

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
from kakine.parties.converter.erasing import held_share
from kakine.parties.converter.hop import Asked, permit, requester_party
from kakine.parties.converter.keys import opening_key, share_of
from kakine.parties.converter.office import Office
from kakine.parties.converter.recording import record_outcome
from kakine.parties.converter.store import Seen
from kakine.parties.converter.uses import count_released
from kakine.protocols.chain import release_value
from kakine.protocols.erasure import ERASED
from kakine.protocols.gates import check_filings, check_window, head_parts
from kakine.protocols.logs import log_keys
from kakine.protocols.records import Openings, check_openings
from kakine.protocols.witnessing import Opened
from kakine.runtime.database import Connection, IntegrityError
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    CallerNotAllowed,
    ExchangeUsed,
    MonthDestroyed,
    ReceiptMismatch,
    RequestUnknown,
)
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import only, origin_of
from kakine.wire.entry import Entry, split_entries
from kakine.wire.envelope import Envelope, expand
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.request import NO_RECIPIENT, Kind


def known(office: Office, request: bytes) -> Seen:
    """A request that this converter has taken part in. Raises `RequestUnknown`."""
    seen = store.find_seen(office.db.read(), request)
    if seen is None:
        raise RequestUnknown()
    return seen


def _check_inclusion(office: Office, filed: Filed, entries: bytes) -> Opened:
    """The head under which the entries stand in one of the logs, once it is known that its signer signed it."""
    keys, receipt = log_keys(office.law.in_force(office.clock()), office.settings.logs), filed.receipt
    head = office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, entries, keys)
    origin = origin_of(receipt.checkpoint)
    return Opened(origin, head, only(receipt.checkpoint, origin, [keys[origin]]))


def _check_recorded(
    office: Office, asked: Asked, seen: Seen, message: Release | OpenShares
) -> tuple[list[bytes], Opened]:
    """The xids of a batch that every record keeper has filed over this converter's own hop, whose commitments fit the
    request, and the head under which it stands in the log."""
    hops = [hop.record for hop in message.hops]
    if seen.hop not in hops:
        raise ReceiptMismatch(what="hops")
    law = office.law.in_force(office.clock())
    keepers = [DomainName(keeper.name).party for keeper in seen.ends]
    entries, tags = message.entries, message.tags
    check_filings(message.filed.filings, keepers, law.signing_key, asked.request, entries, tags, hops)
    shown = Openings(message.disclosed, message.withheld, message.openings)
    xids = check_openings(asked.public, asked.record.kind, asked.ask, entries, tags, shown)
    return xids, _check_inclusion(office, message.filed, entries)


async def release(office: Office, caller: PartyName, message: Release) -> Released:
    """w_i for the recipient, against the receipt of this very request (gate 1).

    In order, all fail-closed: the ground still stands; the caller is the requester; this converter took part; the
    receipt is young; every record keeper signed for these entries and this converter's hop; every commitment fits the
    request; the entries are in the log, under a head that is one history with all heads seen before; no exchange was
    released before, other than in this place. Head and exchanges are on disk before w_i leaves. A repeat gives the
    same answer.
    """
    now_ms = office.clock()
    asked = Asked.of(message.public, message.record)
    law = office.law.in_force(now_ms)
    if caller != requester_party(asked.public) or asked.record.kind in NO_RECIPIENT:
        raise CallerNotAllowed(call="release")
    seen = known(office, asked.request)
    permit(law, asked, now_ms)
    check_window(asked.public.time_ms, now_ms)
    xids, under = _check_recorded(office, asked, seen, message)
    first = message.filed.receipt.first
    await heads.store(office, under, lambda db: _use(db, asked, xids, under.origin, first), message.growth)
    _, key = share_of(office, seen.recipient, seen.recipient_epoch)
    value = release_value(office.release_key, asked.request)
    sealed = aead_seal(expand(key, "release", asked.request), bytes(12), asked.request, value)
    seen_head = office.identity.signing.sign("head", *head_parts(under.origin, under.head))
    return Released(sealed, seen_head)


def _use(db: Connection, asked: Asked, xids: list[bytes], log: str, first: int) -> None:
    store.require_link(db, asked.public.requester, asked.public.recipient)
    try:
        store.add_used(db, asked.request, xids, log, first)
    except IntegrityError as taken:
        places = [store.find_used(db, xid) for xid in xids]
        if places != [(log, first + k, asked.request) for k in range(len(xids))]:
            raise ExchangeUsed() from taken
    else:
        count_released(db, asked.public, len(xids))


async def outcome(office: Office, caller: PartyName, message: Outcome) -> Filed:
    """Pass the recipient's outcome on, so that the record keeper does not see who it is.

    Only for a request that was released here, only from the party it was for, only what that party signed.
    """
    seen = known(office, message.request)
    if DomainName(seen.recipient).party != caller:
        raise CallerNotAllowed(call="outcome")
    if not seen.released:
        raise RequestUnknown()
    covered = digest("entries", message.entries), digest("tags", message.tags)
    law = office.law.in_force(office.clock())
    law.signing_key(caller).verify(message.signature, "outcome", message.request, *covered)
    return await record_outcome(office, seen.ends, message)


async def open_shares(office: Office, caller: PartyName, message: OpenShares) -> SharesOpened:
    """This converter's shares of exactly the envelopes that the record keepers listed under a reading, sealed to the
    session key that the signed request of that reading names. One set of lists a reading, and none before the view
    itself stands in the log.

    Does not check who holds the session key: the login of the person does.
    """
    asked = Asked.of(message.public, message.record)
    seen = known(office, asked.request)
    if seen.kind != Kind.READ or DomainName(seen.requester).party != caller:
        raise CallerNotAllowed(call="open-shares")
    _, under = _check_recorded(office, asked, seen, message)
    entries = _listed(office, seen, message)
    shares = _open_listed(office, entries, message.envelopes)
    granted = digest("grant", *(each.statement for each in message.lists))
    await heads.store(office, under, lambda db: _grant(db, asked.request, granted))
    info = digest("shares", asked.request, bytes([office.settings.position]))
    return SharesOpened(seal(SealKey(seen.session), info, b"".join(shares)))


def _listed(office: Office, seen: Seen, message: OpenShares) -> list[bytes]:
    """The entries of all lists, each once. There is one list of each record keeper, for this reading, signed, and
    chaining to its head."""
    law, union = office.law.in_force(office.clock()), dict[bytes, None]()
    if len(message.lists) != len(seen.ends):
        raise BatchMalformed()
    for keeper, listed in zip(seen.ends, message.lists, strict=True):
        key = law.signing_key(DomainName(keeper.name).party)
        key.verify(listed.signature, "history", listed.statement)
        statement = decode(listed.statement, Statement)
        entries = split_entries(listed.entries) if listed.entries else []
        head = GENESIS
        for entry in entries:
            head = chained(head, entry)
        if (statement.request, statement.count, statement.head) != (seen.request, len(entries), head):
            raise ReceiptMismatch(what="statement")
        union |= dict.fromkeys(entries)
    if len(message.envelopes) != len(union):
        raise BatchMalformed()
    return list(union)


def _open_listed(office: Office, entries: list[bytes], envelopes: list[bytes]) -> list[bytes]:
    index = office.settings.position - 1
    shares = []
    for entry, data in zip(entries, envelopes, strict=True):
        if not data:
            shares.append(ERASED)
            continue
        envelope, said = Envelope.parse(data), Entry.decode(entry)
        if envelope.digest != said.payload_digest:
            raise ReceiptMismatch(what="envelope")
        try:
            context = envelope.opener(index, opening_key(office, envelope.month))
        except MonthDestroyed:
            shares.append(held_share(office, entry) or ERASED)
            continue
        shares.append(envelope.open_share(index, context, said.commitment))
    return shares


def _grant(db: Connection, request: bytes, granted: bytes) -> None:
    seen = store.find_seen(db, request)
    if seen is None:
        raise RequestUnknown()
    if seen.granted is not None and seen.granted != granted:
        raise BatchReused()
    store.set_granted(db, request, granted)
