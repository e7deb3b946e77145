"""Issuing: the intent is stored before anything is signed, and the certificate before it is answered.

A crash between the two leaves an intent. The same request carries it on, with the same serial number and dates; if it
does not come while its voucher is good, the intent is abandoned and its bit in the status list set, in case a signature
had been made that nobody stored.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from kakine.contracts.authority import (
    Certified,
    Certify,
    CertifyFirst,
    CertifyParty,
    PartyCertified,
)
from kakine.crypto import x509_issue
from kakine.crypto.hashing import digest
from kakine.crypto.x509 import Request, fingerprint, open_request
from kakine.crypto.x509_issue import Leaf
from kakine.parties.authority import store
from kakine.parties.authority.office import Office
from kakine.parties.authority.roots import Issuer, fresh_serial
from kakine.parties.authority.settings import DAY_S
from kakine.parties.authority.store import SERIAL, Row, State
from kakine.protocols import joining
from kakine.protocols.status import uri_of
from kakine.runtime.database import Connection
from kakine.values.certificates import HOST, PERSONAL, Profile, Reason, Use
from kakine.values.labels import PartyName
from kakine.values.problems import (
    KeyAlreadyCertified,
    ProfileUnknown,
    VoucherInvalid,
    VoucherUsed,
)
from kakine.wire.voucher import Voucher, opened

_ITEMS = ("name", "name_flags", "sex", "birth", "address", "address_flags")
_LONGEST_S = (5 * 366 + 1) * DAY_S
"""No fifth birthday is further away."""
_PARTITIONS = 64
"""Of a product profile's revocation lists: by chance, since a municipality in a login would say where one lives."""


async def certify(office: Office, caller: PartyName, asked: Certify) -> Certified:
    """Certify the key of a card for the person whom the registry vouches for.

    The same call again gives the same certificate, while the voucher is good. Raises ProfileUnknown, VoucherInvalid,
    VoucherUsed, RequestMalformed, KeyNotAllowed, PossessionUnproved, KeyAlreadyCertified; Suspended.
    """
    profile = next((each for each in PERSONAL if each.value == asked.kind), None)
    if profile is None:
        raise ProfileUnknown()
    law = office.law.in_force(office.clock())
    law.require_running(office.clock(), caller, office.identity.name, office.settings.registry)
    registry = law.signing_key(office.settings.registry)
    voucher = opened(asked.voucher, office.identity.opening, registry, office.clock())
    counter = law.municipality(caller)
    _require_fit(voucher, profile, counter, office.now_s)
    request = open_request(asked.request, [profile.algorithm])
    root = await office.roots.issuing(profile)
    asked_digest = digest("certification-request", asked.request)
    place = (voucher.town[:2], voucher.town) if profile.use is Use.SIGNATURE else ("", "")

    def intend(db: Connection) -> Row:
        return _intend(db, office, profile, voucher, request, asked_digest, root)

    row = await office.db.write(intend)
    items = dict(zip(_ITEMS, voucher.items, strict=False))
    der = await _finish(office, row, lambda row: _leaf(office, row, place, items), request)
    account = store.find_account(office.db.read(), voucher.handle)
    assert account is not None  # noqa: S101 - the intent made it
    return Certified(der, office.root_of(profile, row.partition).certificate, account.key)


async def certify_party(office: Office, caller: PartyName, asked: CertifyParty) -> PartyCertified:
    """Certify the calling party's own key for mutual TLS, under its own name and no other.

    Raises RequestMalformed, KeyNotAllowed, PossessionUnproved, KeyAlreadyCertified, Suspended.
    """
    return await _certify_for(office, caller, asked.request)


async def certify_first(office: Office, caller: PartyName, asked: CertifyFirst) -> PartyCertified:
    """Certify the key for which a party has applied that cannot call yet (spec/joining.md section 3). Who carries the
    application does not matter: the party's signing key in the law in force has signed it.

    Raises PartyUnknown before the law has the party in force, ApplicationRefused, SignatureInvalid, NotCanonical, and
    what `certify_party` raises.
    """
    application = joining.opened(asked.application)
    joining.require_in_force(office.law.in_force(office.clock()), application)
    return await _certify_for(office, PartyName(application.party.name), application.request)


async def _certify_for(office: Office, name: PartyName, der: bytes) -> PartyCertified:
    now_ms = office.clock()
    office.law.in_force(now_ms).require_running(now_ms, name, office.identity.name)
    profile = Profile.PARTY
    request = open_request(der, [profile.algorithm])
    root = await office.roots.issuing(profile)
    asked_digest = digest("certification-request", der)
    handle = digest("party-account", name.encode())[:16]

    def intend(db: Connection) -> Row:
        known = [row for row in store.of_holder(db, handle) if row.request == asked_digest]
        if known:
            return known[0]
        until_s = office.now_s + office.settings.party_s
        given = (name, f"{root.generation}-parties", until_s, office.entropy(16))
        return _write(db, office, profile, handle, request, asked_digest, given)

    row = await office.db.write(intend)
    certificate = await _finish(office, row, lambda row: _leaf(office, row, ("", ""), {}), request)
    return PartyCertified(certificate, office.root_of(profile, row.partition).certificate)


def _require_fit(voucher: Voucher, profile: Profile, counter: str, now_s: int) -> None:
    """The voucher is for this use and this counter, and for no longer than a certificate may be."""
    lacking = len(voucher.items) != (len(_ITEMS) if profile.use is Use.SIGNATURE else 0)
    if voucher.purpose != profile.use.value or voucher.town != counter or lacking:
        raise VoucherInvalid()
    if not now_s < voucher.until_s <= now_s + _LONGEST_S:
        raise VoucherInvalid()


def _intend(
    db: Connection,
    office: Office,
    profile: Profile,
    voucher: Voucher,
    request: Request,
    asked_digest: bytes,
    root: Issuer,
) -> Row:
    found = store.by_voucher(db, voucher.use)
    if found is not None:
        if found.request != asked_digest or found.kind is not profile:
            raise VoucherUsed()
        if found.state is State.ABANDONED:
            raise VoucherInvalid()
        return found
    account = store.open_account(db, voucher.handle, office.entropy(32))
    if voucher.version < account.version:
        raise VoucherInvalid()
    named = (
        _common_name(office, profile, voucher.town),
        f"{root.generation}-{_partition(office, profile, voucher.town)}",
        voucher.until_s,
        voucher.use,
    )
    return _write(db, office, profile, voucher.handle, request, asked_digest, named)


def _write(
    db: Connection,
    office: Office,
    profile: Profile,
    handle: bytes,
    request: Request,
    asked_digest: bytes,
    named: tuple[str, str, int, bytes],
) -> Row:
    common_name, partition, until_s, voucher = named
    account = store.open_account(db, handle, office.entropy(32))
    uri, place = _draw_place(db, office, profile)
    row = Row(
        serial=fresh_serial(office.entropy).to_bytes(SERIAL, "big"),
        kind=profile,
        handle=handle,
        number=account.count,
        partition=partition,
        list_uri=uri,
        place=place,
        common_name=str(common_name),
        not_before_s=office.now_s,
        not_after_s=until_s,
        voucher=voucher,
        request=asked_digest,
        spki=request.spki,
        state=State.INTENDED,
    )
    store.add(db, row)
    store.count_up(db, handle)
    return row


def _draw_place(db: Connection, office: Office, profile: Profile) -> tuple[str, int]:
    """A free place, drawn: neighbours in a list have nothing to do with each other."""
    number = 1
    while store.count_in(db, uri_of(profile, number)) >= office.settings.list_fill:
        number += 1
    uri = uri_of(profile, number)
    while True:
        place = int.from_bytes(office.entropy(8), "big") % office.settings.list_bits
        if not store.place_taken(db, uri, place):
            return uri, place


def _common_name(office: Office, profile: Profile, town: str) -> str:
    """24 characters: moment, municipality and five random digits in the interop shape, 120 random bits otherwise."""
    if not profile.interop:
        return base64.b32encode(office.entropy(15)).decode()
    moment = datetime.fromtimestamp(office.now_s, UTC).strftime("%Y%m%d%H%M%S")
    return f"{moment}{town[:5]}{int.from_bytes(office.entropy(8), 'big') % 100_000:05}"


def _partition(office: Office, profile: Profile, town: str) -> str:
    return town if profile.interop else f"{office.entropy(1)[0] % _PARTITIONS:02}"


def _leaf(office: Office, row: Row, place: tuple[str, str], items: dict[str, str]) -> Leaf:
    return Leaf(
        profile=row.kind,
        serial=int.from_bytes(row.serial, "big"),
        common_name=row.common_name,
        not_before=row.not_before_s,
        not_after=row.not_after_s,
        partition=row.partition,
        list_uri=row.list_uri,
        index=row.place,
        place=place,
        items=items,
        host=f"{row.common_name}.{HOST}" if row.kind is Profile.PARTY else "",
        ocsp=office.settings.ocsp,
    )


async def _finish(office: Office, row: Row, leaf: Callable[[Row], Leaf], request: Request) -> bytes:
    """Sign what was intended and store it; what is issued already is given again as long as its text is kept."""
    if row.state is State.ISSUED:
        if row.der is None:
            raise KeyAlreadyCertified()
        return row.der
    root = office.root_of(row.kind, row.partition)
    der = x509_issue.certificate(leaf(row), request.public, root.certificate, root.key)

    def settle(db: Connection) -> bytes:
        if not store.settle(db, row.serial, State.ISSUED, fingerprint(der), der):
            # Two answers were under way for one request, or it was abandoned meanwhile.
            now = store.by_serial(db, row.serial)
            if now is None or now.der is None:
                raise VoucherInvalid()
            return now.der
        _supersede(db, row, office.now_s)
        return der

    return await office.db.write(settle)


def _supersede(db: Connection, row: Row, now_s: int) -> None:
    """A person has one certificate of a profile: the new one ends the one before. Parties may overlap theirs. One that
    is on hold was lost and ends as such: it may have been used by somebody else, and nothing is linked to it."""
    if row.kind is Profile.PARTY:
        return
    for each in store.of_holder(db, row.handle):
        if each.kind is row.kind and each.serial != row.serial and each.state is State.ISSUED:
            lost = store.standing(db, each.serial) is not None
            store.revoke(db, each, Reason.CESSATION_OF_OPERATION if lost else Reason.SUPERSEDED, now_s)
