"""Cards in one table: what a login costs, certificates a second, a status list of a million, a verifier's downloads.

    python bench/card.py [certificates a profile] [certificates in the list] [rounds of a login]

Logins are those of `bench/card_login.py`. Issuing goes the whole way, as a counter has it: voucher opened, request
checked, intent stored, signed, stored, answered; 64 callers at once, keys and requests made beforehand. The floor
beside it is the root's signature. All times but those called wall are processor time of this process, all threads:
figures of one core, which neighbours on the machine enter only by the caches they share, and waiting for the disk not
at all.
"""

from __future__ import annotations

import asyncio
import math
import os
import platform
import random
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import insert

import card_login
from kakine.contracts.authority import CERTIFY, LIST, STEPS, Certify, ListName, Since
from kakine.country import AUTHORITY, REGISTRY, Country, Site, system_clock
from kakine.crypto import keys, x509_issue
from kakine.crypto.sealing import SealKey
from kakine.crypto.x509_issue import Leaf
from kakine.crypto.x509_status import Revoked, ocsp_answer, ocsp_question, revocation_list
from kakine.parties.authority import store
from kakine.parties.authority.store import Row, State
from kakine.protocols.gazette_pack import read_pack
from kakine.protocols.status import Held, check_stapled, check_status, open_list, staple, uri_of
from kakine.runtime.database import sql
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.certificates import PERSONAL, Algorithm, Profile, Reason, Use
from kakine.values.labels import PartyName
from kakine.wire.canonical import encode
from kakine.wire.voucher import Voucher, sealed

TOWN = PartyName("yokohama")
CALLERS = 64
YEAR_S = 365 * 86_400
_LOGINS = (100, 1_000, 10_000)
T = TypeVar("T")

_COLUMNS = tuple(column.name for column in store.certificate.columns)
_ADD = sql(insert(store.certificate))
_FILL = sql(insert(store.status_fill))
_PARTITION = sql(insert(store.known_partition))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """(seconds, what came of it)."""
    begun = time.process_time()
    done = work()
    return time.process_time() - begun, done


def line(what: str, figure: str) -> None:
    print(f"| {what.strip()} | {figure} |", flush=True)


def logins(folder: Path, rounds: int, together: int = 16) -> None:
    """A row a part, with how often one core does it in a second; `together` people side by side."""
    folder.mkdir()
    for what, cpu, wall in card_login.measure(folder, rounds, together):
        line(what, f"{cpu:.3g} ms; wall {wall:.3g} ms; {1000 / cpu if cpu else math.inf:,.0f}/s")


def voucher(country: Country, profile: Profile) -> bytes:
    """As the registry makes it, of a person who has nothing yet."""
    now_ms = country.site.clock()
    items = ("試験　垣根", "00000", "9", "419900203", "試験町1番地", "000000")
    said = Voucher(
        secrets.token_bytes(16),
        secrets.token_bytes(16),
        profile.use.value,
        1,
        "141003",
        now_ms,
        now_ms // 1000 + 4 * YEAR_S,
        items if profile.use is Use.SIGNATURE else (),
    )
    to = SealKey(country.identities[AUTHORITY].opening.public)
    return sealed(said, country.identities[REGISTRY.party].signing, to)


async def issued(country: Country, profile: Profile, count: int) -> float:
    """Certificates a second, 64 callers at once."""
    requests = [x509_issue.request(keys.generate(profile.algorithm), "card") for _ in range(count)]
    asked = [Certify(profile.value, each, voucher(country, profile)) for each in requests]
    peers, waiting = country.peers(TOWN), iter(asked)

    async def caller() -> None:
        for each in waiting:
            await peers.ask(AUTHORITY, CERTIFY, each)

    begun = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return count / (time.process_time() - begun)


def floor(profile: Profile, seconds: float = 1.0) -> tuple[float, float]:
    """(keys made a second, certificates signed a second) by this thread alone, nothing stored."""
    key = keys.generate(profile.algorithm)
    now_s = system_clock() // 1000
    root = x509_issue.root(profile, key, 1 << 100, now_s, now_s + 10 * YEAR_S)
    leaf = Leaf(profile, 1 << 90, "X" * 24, now_s, now_s + YEAR_S, "1-00", uri_of(profile, 1), 1)
    public = key.public_key()
    return (
        rate(lambda: keys.generate(profile.algorithm), seconds),
        rate(lambda: x509_issue.certificate(leaf, public, root, key), seconds),
    )


def rate(work: Callable[[], object], seconds: float) -> float:
    begun, done = time.process_time(), 0
    while time.process_time() - begun < seconds:
        work()
        done += 1
    return done / (time.process_time() - begun)


async def filled(country: Country, count: int, revoked: int) -> list[int]:
    """A list with so many certificates, of which some are revoked; gives the places of the others."""
    office, rng, profile = country.authority.office, random.Random(1), Profile.AUTHENTICATION
    places = rng.sample(range(office.settings.list_bits), count)
    uri, now_s = uri_of(profile, 1), office.now_s

    def row(number: int, place: int) -> dict[str, object]:
        mark = number.to_bytes(16, "big")
        held = Row(
            *(mark, profile, mark, 0, "1-00", uri, place, "X", now_s, now_s + YEAR_S, mark, mark, mark),
            state=State.ISSUED,
            hashed=mark + mark,
        )
        return {name: getattr(held, name) for name in _COLUMNS} | {"kind": profile.value, "state": "issued"}

    def work(db: sqlite3.Connection) -> None:
        db.executemany(_ADD, (row(number, place) for number, place in enumerate(places, 1)))
        db.execute(_FILL, {"uri": uri, "used": count})
        db.execute(_PARTITION, {"kind": profile.value, "partition": "1-00"})
        for number in range(1, revoked + 1):
            found = store.by_serial(db, number.to_bytes(16, "big"))
            assert found is not None
            store.revoke(db, found, Reason.AFFILIATION_CHANGED, now_s)

    await office.db.write(work)
    return places


async def listed(country: Country, count: int) -> None:
    share = count // 100
    begun = time.process_time()
    places = await filled(country, count, share)
    took = time.process_time() - begun
    line(f"{count:,} certificates written, {share:,} revoked (no measure of issuing)", f"{took:.1f} s")
    authority, uri = country.authority, uri_of(Profile.AUTHENTICATION, 1)
    await authority.office.roots.issuing(Profile.AUTHENTICATION)
    begun = time.process_time()
    await authority.publish()
    line("first publication: list and revocation list", f"{time.process_time() - begun:.2f} s")
    peers = country.peers("portal")
    given = await peers.ask(AUTHORITY, LIST, ListName(uri))
    roots = [(of, der) for of, _, der in authority.office.roots.known()]
    now_s = country.site.clock() // 1000
    took, held = timed(lambda: open_list(given.token, uri, roots, now_s))
    line("list token, 1 % revoked", f"{len(given.token):,} bytes")
    line("head token", f"{len(given.head):,} bytes")
    line("a verifier opens and verifies the list", f"{took * 1000:.1f} ms")
    checking(held, places[-1], given.head, roots, now_s)
    quarter = max(1, share // 4 // 96)
    for place in range(quarter):
        row = store.by_serial(authority.office.db.read(), (count - place).to_bytes(16, "big"))
        assert row is not None
        await authority.revoke(int.from_bytes(row.serial, "big"))
    took = await timed_async(authority.publish)
    line(f"publication of a quarter of an hour with {quarter} revocations", f"{took:.2f} s")
    steps = await peers.ask(AUTHORITY, STEPS, Since(uri, held.version))
    step = sum(map(len, steps.steps))
    line("its step", f"{step:,} bytes")
    a_day(len(given.token), step + len(steps.head), share, country)


async def timed_async(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.process_time()
    await work()
    return time.process_time() - begun


class Placed:
    """A place in the list."""

    def __init__(self, uri: str, index: int) -> None:
        self.list_uri = uri
        self.index = index


def checking(held: Held, place: int, head: str, roots: list[tuple[Profile, bytes]], now_s: int) -> None:
    placed = Placed(held.uri, place)
    line("check_status", f"{1e6 / rate(lambda: check_status(placed, held, now_s), 0.3):.2f} µs")
    took, stapled = timed(lambda: staple(placed, held, head))
    line("a holder cuts out a staple", f"{took * 1000:.1f} ms")
    line("the staple", f"{len(encode(stapled)):,} bytes")
    each = 1000 / rate(lambda: check_stapled(placed, stapled, roots, now_s), 0.5)
    line("check_stapled, signature and signer included", f"{each:.2f} ms")


def a_day(whole: int, quarter: int, revoked: int, country: Country) -> None:
    """What one verifier downloads a day to know the status of a million certificates at any quarter of an hour."""
    root = country.authority.office.roots.of_generation(Profile.AUTHENTICATION, 1)
    now_s = country.site.clock() // 1000
    entries = [Revoked((1 << 126) + n, now_s, Reason.AFFILIATION_CHANGED) for n in range(revoked)]
    crl = len(
        revocation_list(
            Profile.AUTHENTICATION,
            "1-00",
            entries,
            number=1,
            this_s=now_s,
            next_s=now_s + 10,
            issuer=root.certificate,
            key=root.key,
        )
    )
    line(
        "a day: the list once, a step and a head every quarter of an hour", f"{whole + 95 * quarter:,} bytes"
    )
    line("a day: the whole list every quarter of an hour", f"{96 * whole:,} bytes")
    line("a day: revocation lists, once (a day late)", f"{crl:,} bytes")
    line("a day: revocation lists, every quarter of an hour", f"{96 * crl:,} bytes")
    told = ocsp_bytes(country)
    for number in _LOGINS:
        line(f"a day: OCSP for {number:,} logins, each told to the authority", f"{number * told:,} bytes")


def ocsp_bytes(country: Country) -> int:
    """Request and answer of one question, without HTTP."""
    root = country.authority.office.roots.of_generation(Profile.AUTHENTICATION, 1)
    key = keys.generate(Algorithm.P_256)
    now_s = country.site.clock() // 1000
    signer = x509_issue.delegate(
        Profile.AUTHENTICATION,
        ocsp=True,
        public=key.public_key(),
        issuer=root.certificate,
        key=root.key,
        serial=1 << 100,
        not_before=now_s,
        not_after=now_s + 100,
    )
    asked = ocsp_question(root.certificate, (1 << 126) + 5)
    told = ocsp_answer(
        asked,
        issuer=root.certificate,
        signer=signer,
        key=key,
        status=lambda _: None,
        this_s=now_s,
        next_s=now_s + 900,
    )
    return len(asked) + len(told)


async def certificates(folder: Path, count: int, members: int) -> None:
    """Issuing by profile, then the list."""
    pack = read_pack(pack_files(pack_folder()))
    async with await Country.open(Site(folder / "issuing", pack)) as country:
        for profile in PERSONAL:
            made, signed = floor(profile)
            told = await issued(country, profile, min(count, 200) if profile.interop else count)
            line(f"{profile.value}: issued, 64 callers", f"{told:,.0f}/s")
            line("floor: the root's signature alone; keys made", f"{signed:,.0f}/s; {made:,.0f}/s")
    async with await Country.open(Site(folder / "listing", pack)) as country:
        await listed(country, members)


def main(count: int = 2000, members: int = 1_000_000, rounds: int = 200) -> None:
    """Measure and print, row by row."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(
        f"{machine}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {rounds} rounds\n\n| | |\n|---|---|", flush=True
    )
    with tempfile.TemporaryDirectory() as place:
        logins(Path(place) / "logins", rounds)
        asyncio.run(certificates(Path(place), count, members))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
