"""What everybody downloads: status lists with their heads and steps, and revocation lists for foreign tools.

A version or a list's number is stored before it is signed, so no two different texts ever have the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from kakine.contracts.authority import (
    ListName,
    Lists,
    Partition,
    Partitions,
    RevocationList,
    SignedRoots,
    Since,
    Steps,
    WholeList,
)
from kakine.contracts.call import Nothing
from kakine.crypto import jose
from kakine.crypto.hashing import digest
from kakine.crypto.x509_status import Revoked, revocation_list
from kakine.parties.authority import store
from kakine.parties.authority.office import Office
from kakine.parties.authority.settings import HOUR_S
from kakine.parties.authority.store import crl, status_version
from kakine.protocols.issuance import ROOTS_LABEL
from kakine.protocols.status import TTL_S, profile_of, tokens
from kakine.runtime.database import Connection, sql
from kakine.values.certificates import Profile, Reason
from kakine.values.labels import PartyName
from kakine.values.problems import PartitionUnknown, StatusListUnknown
from kakine.wire import status_list
from kakine.wire.canonical import encode
from kakine.wire.issuance import Root, RootList

KEPT_STEPS = 96
"""A day of quarters of an hour: who was away longer fetches the whole list."""

_v = status_version.c
_ADD_VERSION = sql(insert(status_version))
_LAST = sql(
    select(_v.version, _v.issued_s, _v.bits, _v.token, _v.head)
    .where(_v.uri == bindparam("of"))
    .order_by(_v.version.desc())
    .limit(1)
)
_SERVED = sql(
    select(_v.version, _v.issued_s, _v.bits, _v.token, _v.head).where(
        _v.uri == bindparam("of"), _v.token.is_not(None)
    )
)
_SIGNED = sql(
    update(status_version)
    .where(_v.uri == bindparam("of"), _v.version == bindparam("at"))
    .values(token=bindparam("whole"), head=bindparam("short"))
)
_STRIP = sql(
    update(status_version)
    .where(_v.uri == bindparam("of"), _v.version < bindparam("at"))
    .values(token=None, bits=bindparam("nothing"))
)
_DROP = sql(delete(status_version).where(_v.uri == bindparam("of"), _v.version < bindparam("at")))
_ALL_SERVED = sql(select(_v.uri, _v.version).where(_v.token.is_not(None)).order_by(_v.uri))
_STEPS = sql(
    select(_v.step)
    .where(_v.uri == bindparam("of"), _v.version > bindparam("after"), _v.version <= bindparam("until"))
    .order_by(_v.version)
)
_put = insert(crl)
_PUT_CRL = sql(
    _put.on_conflict_do_update(
        index_elements=["kind", "partition"],
        set_={name: _put.excluded[name] for name in ("number", "this_s", "entries")},
    )
)
_FIND_CRL = sql(
    select(crl.c.number, crl.c.this_s, crl.c.der, crl.c.entries).where(
        crl.c.kind == bindparam("of"), crl.c.partition == bindparam("part")
    )
)
_SIGNED_CRL = sql(
    update(crl)
    .where(
        crl.c.kind == bindparam("of"),
        crl.c.partition == bindparam("part"),
        crl.c.number == bindparam("at"),
    )
    .values(der=bindparam("text"), entries=bindparam("hashed"))
)


@dataclass(frozen=True, repr=False)
class Version:
    """The last version of a list; tokens are None while a crash has kept it from being signed."""

    version: int
    issued_s: int
    bits: bytes
    token: str | None
    head: str | None


def _last(db: Connection, uri: str) -> Version | None:
    row = db.execute(_LAST, {"of": uri}).fetchone()
    return Version(*row) if row else None


def _served(db: Connection, uri: str) -> Version:
    """The version that was signed last. Raises `StatusListUnknown`."""
    row = db.execute(_SERVED, {"of": uri}).fetchone()
    if row is None:
        raise StatusListUnknown()
    return Version(*row)


async def publish_lists(office: Office) -> None:
    """A new version of every list whose bits have changed, or whose present version is a quarter of an hour old."""
    for uri in store.lists(office.db.read()):
        await _publish_list(office, uri)


async def _publish_list(office: Office, uri: str) -> None:
    now_s, size = office.now_s, office.settings.list_bits

    def begin(db: Connection) -> Version | None:
        last = _last(db, uri)
        if last is not None and last.token is None:
            return last
        bits = _bits(store.places_set(db, uri), size)
        if last is not None and last.bits == bits and now_s - last.issued_s < TTL_S:
            return None
        before = last or Version(0, 0, bytes(size // 8), None, None)
        new = Version(before.version + 1, now_s, bits, None, None)
        step = status_list.step(before.bits, bits)
        values = {"uri": uri, "version": new.version, "issued_s": now_s, "bits": bits, "step": step}
        db.execute(_ADD_VERSION, values | {"token": None, "head": None})
        return new

    begun = await office.db.write(begin)
    if begun is None:
        return
    profile = profile_of(uri)
    root = await office.roots.issuing(profile)
    signer = await office.roots.delegate(profile, root, ocsp=False)

    def sign(kind: str, payload: bytes) -> str:
        return jose.sign(kind, payload, signer.key, signer.certificate)

    whole, short = tokens(uri, begun.version, begun.bits, begun.issued_s, sign)

    def finish(db: Connection) -> None:
        at = {"of": uri, "at": begun.version}
        db.execute(_SIGNED, at | {"whole": whole, "short": short})
        db.execute(_STRIP, at | {"nothing": b""})
        db.execute(_DROP, {"of": uri, "at": begun.version - KEPT_STEPS})

    await office.db.write(finish)
    if now_s - begun.issued_s >= TTL_S:
        await _publish_list(office, uri)  # that one had been left by a crash


def _bits(places: list[int], size: int) -> bytes:
    bits = bytearray(size // 8)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


async def lists(office: Office, caller: PartyName, asked: Nothing) -> Lists:
    """All lists with their versions."""
    return Lists({row[0]: row[1] for row in office.db.read().execute(_ALL_SERVED)})


async def whole_list(office: Office, caller: PartyName, asked: ListName) -> WholeList:
    """The present version. Raises `StatusListUnknown`."""
    found = _served(office.db.read(), asked.uri)
    return WholeList(found.token or "", found.head or "")


async def steps(office: Office, caller: PartyName, asked: Since) -> Steps:
    """The steps since a version, all of them or none. Raises `StatusListUnknown`."""
    db = office.db.read()
    found = _served(db, asked.uri)
    wanted = {"of": asked.uri, "after": asked.version, "until": found.version}
    given = [row[0] for row in db.execute(_STEPS, wanted)]
    whole = asked.version >= 1 and len(given) == found.version - asked.version
    return Steps(given if whole else [], found.head or "")


async def roots(office: Office, caller: PartyName, asked: Nothing) -> SignedRoots:
    """All roots, under the authority's party key."""
    encoded = encode(root_list(office))
    signature = office.identity.signing.sign(ROOTS_LABEL, digest(ROOTS_LABEL, encoded))
    return SignedRoots(encoded, signature)


def root_list(office: Office) -> RootList:
    """All roots, in order."""
    return RootList(tuple(Root(profile.value, der) for profile, _, der in office.roots.known()))


async def publish_crls(office: Office) -> None:
    """A new revocation list for every partition that has changed, or whose list is as old as it may be."""
    for profile, partition in store.partitions(office.db.read()):
        await _publish_crl(office, profile, partition)


async def _publish_crl(office: Office, profile: Profile, partition: str) -> None:
    now_s, wanted = office.now_s, {"of": profile.value, "part": partition}
    found = store.on_list(office.db.read(), profile, partition, now_s)
    entries = [Revoked(int.from_bytes(serial, "big"), since, Reason(why)) for serial, since, why in found]
    said = digest("crl", *(serial + bytes([why]) for serial, _, why in sorted(found)))

    def begin(db: Connection) -> int | None:
        last = db.execute(_FIND_CRL, wanted).fetchone()
        if last and last[2] and last[3] == said and now_s - last[1] < office.settings.crl_s:
            return None
        number = last[0] + 1 if last else 1
        values = {"kind": profile.value, "partition": partition, "number": number, "this_s": now_s}
        db.execute(_PUT_CRL, values | {"der": None, "entries": None})
        return number

    number = await office.db.write(begin)
    if number is None:
        return
    root = office.root_of(profile, partition)
    der = revocation_list(
        profile,
        partition,
        entries,
        number=number,
        this_s=now_s,
        next_s=now_s + office.settings.crl_s + HOUR_S,
        issuer=root.certificate,
        key=root.key,
    )
    signed = wanted | {"at": number, "text": der, "hashed": said}
    await office.db.write(lambda db: db.execute(_SIGNED_CRL, signed))


async def partitions(office: Office, caller: PartyName, asked: Nothing) -> Partitions:
    """All revocation lists that have been published."""
    known = store.partitions(office.db.read())
    return Partitions([Partition(profile.value, name) for profile, name in known])


async def revocations(office: Office, caller: PartyName, asked: Partition) -> RevocationList:
    """One revocation list. Raises `PartitionUnknown`."""
    wanted = {"of": asked.kind, "part": asked.partition}
    found = office.db.read().execute(_FIND_CRL, wanted).fetchone()
    if not found or not found[2]:
        raise PartitionUnknown()
    return RevocationList(found[2])
