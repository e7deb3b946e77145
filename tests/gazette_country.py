"""A country on the true legal pack, with made-up keys, for tests of the gazette."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from kakine.crypto.sealing import OpenKey
from kakine.crypto.signing import SigningKey
from kakine.protocols.gazette import Anchors, Law, LawBook, sign_as_commission, sign_as_ministry
from kakine.protocols.gazette_draft import next_version
from kakine.protocols.gazette_genesis import DAY_MS, PartyKeys, genesis
from kakine.protocols.gazette_pack import Pack, read_pack
from kakine.runtime.identity import Identity
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.labels import PartyName
from kakine.wire.gazette import Gazette, Signatures, encode

NOW = 1_790_000_000_000  # 2026-09-21
WAIT = 14 * DAY_MS


@cache
def pack() -> Pack:
    return read_pack(pack_files(pack_folder()))


@cache
def identity(name: str) -> Identity:
    seed = name.encode().ljust(32, b"\0")
    return Identity(PartyName(name), SigningKey(seed), OpenKey(seed), seed)


def anchors() -> Anchors:
    return Anchors(identity("ministry").signing.public, identity("commission").signing.public)


@cache
def first() -> Gazette:
    keys = {
        entry.name: PartyKeys(identity(entry.name).signing.public, identity(entry.name).opening.public)
        for entry in pack().parties
    }
    return genesis(pack(), keys, NOW)


def signed(encoded: bytes, by: str = "ministry commission") -> Signatures:
    return Signatures(
        ministry=sign_as_ministry(identity("ministry").signing, encoded) if "ministry" in by else b"",
        commission=sign_as_commission(identity("commission").signing, encoded) if "commission" in by else b"",
    )


def book() -> LawBook:
    founded = LawBook(anchors())
    encoded = encode(first())
    founded.accept(encoded, signed(encoded), NOW)
    return founded


def law_of(content: Gazette) -> Law:
    """`content` as the first law of a country, rightly signed: for asking it questions."""
    encoded = encode(content)
    return Law.open(encoded, signed(encoded), anchors(), None, NOW)


def publish(
    to: LawBook,
    change: Callable[[Gazette], Gazette],
    by: str = "ministry commission",
    now_ms: int = NOW,
    wait_ms: int = WAIT,
) -> Law:
    """Change the law in force and publish the result at `now_ms`, signed by these."""
    content = change(to.in_force(now_ms).gazette)
    version = next_version(to, content, now_ms, now_ms + wait_ms, "理由", "reason")
    encoded = encode(version)
    return to.accept(encoded, signed(encoded, by), now_ms)


def altered(gazette: Gazette, field: str, name: str, /, **values: object) -> Gazette:
    """`gazette` with these fields of the entry `name` of the list `field` replaced."""
    key = "name" if field == "parties" else "id"
    entries = tuple(
        msgspec.structs.replace(entry, **values) if getattr(entry, key) == name else entry
        for entry in getattr(gazette, field)
    )
    return msgspec.structs.replace(gazette, **{field: entries})
