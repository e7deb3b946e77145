"""What an operator decides about the process of one party: a TOML file beside its keys and its store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kakine.crypto.signing import VerifyKey
from kakine.protocols.gazette import Anchors
from kakine.protocols.logs import Log, LogBook
from kakine.runtime.tls import Files
from kakine.values.labels import PartyName
from kakine.values.problems import LabelMalformed, SettingsMalformed

MOST_BYTES = 1 << 20
"""Of the file."""
Port = Annotated[int, Meta(ge=0, lt=1 << 16)]


class Kind(StrEnum):
    """What a party is, and so which code it runs."""

    AUTHORITY = "authority"
    COMMISSION = "commission"
    CONVERTER = "converter"
    GATEWAY = "gateway"
    LEDGER = "ledger"
    MAILBOX = "mailbox"
    MINISTRY = "ministry"
    PORTAL = "portal"
    REGISTRY = "registry"
    SIGNER = "signer"


class Environment(StrEnum):
    """Keys made for development are good in the first only."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Listen(_Table, frozen=True):
    """`port` is for the other parties; `admin` for the operator's own tools, on the loopback address alone, and so is
    `pages`, for people, one or several: a server that has TLS for browsers stands in front of it."""

    port: Port
    admin: Port
    pages: Port | Annotated[list[Port], Meta(min_length=1, max_length=64)] | None = None
    host: str = "127.0.0.1"

    @property
    def doors(self) -> Sequence[int]:
        """The ports for people."""
        return [self.pages] if isinstance(self.pages, int) else self.pages or []


class Keys(_Table, frozen=True):
    """Secrets by their files, never by themselves. `seed` has 32 bytes, `own` the key and the certificate for TLS,
    `roots` the certificates that those of others are believed by."""

    seed: Path
    own: Path
    roots: Path


class Founders(_Table, frozen=True):
    """The public signing keys the country was founded with, in hexadecimal digits."""

    ministry: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    commission: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class FirstLog(_Table, frozen=True):
    """A log that the country was founded with."""

    ledger: str
    origin: str


class Country(_Table, frozen=True):
    """Names that every party must know before it can ask for the law. `converters` in chain order."""

    commission: str
    authority: str
    converters: Annotated[list[str], Meta(min_length=1)]
    logs: Annotated[list[FirstLog], Meta(min_length=1)]
    founders: Founders


class Settings(_Table, frozen=True):
    """The whole file. `addresses` are those of the other parties and its own (`https://host:port`), a list where a
    party has several processes; `callers`, where it
    is given, are the only parties that may call, the roles in the law besides. `own` belongs to the kind."""

    party: str
    kind: Kind
    environment: Environment
    database: Path
    listen: Listen
    keys: Keys
    country: Country
    addresses: dict[str, str | Annotated[list[str], Meta(min_length=1)]]
    callers: list[str] | None = None
    own: dict[str, Any] = {}
    folder: Path = Path()
    file: Path = Path()

    @property
    def name(self) -> PartyName:
        """Of the party."""
        return PartyName(self.party)

    @property
    def files(self) -> Files:
        """For TLS."""
        return Files(self.folder / self.keys.own, self.folder / self.keys.roots)

    @property
    def converters(self) -> list[PartyName]:
        """In chain order."""
        return [PartyName(each) for each in self.country.converters]

    @property
    def anchors(self) -> Anchors:
        """Whose word founded the country."""
        founders = self.country.founders
        keys = (bytes.fromhex(each) for each in (founders.ministry, founders.commission))
        return Anchors(*(VerifyKey(key) for key in keys))

    def logs(self) -> LogBook:
        """A fresh list of the logs of the founding."""
        return LogBook([Log(PartyName(each.ledger), each.origin) for each in self.country.logs])

    def roads(self) -> Mapping[PartyName, Sequence[str]]:
        """Where the processes of each party are."""
        return {PartyName(name): [of] if isinstance(of, str) else of for name, of in self.addresses.items()}

    def only(self) -> frozenset[PartyName] | None:
        """Who alone may call."""
        return None if self.callers is None else frozenset(map(PartyName, self.callers))


def named(kind: Any, it: Any) -> Any:
    """For msgspec: a path, or a name of ours, out of what stands in a file."""
    if not isinstance(it, str):
        raise TypeError("not a text")
    try:
        return kind(it)
    except LabelMalformed as fault:
        raise ValueError(fault.code) from fault


def read(path: Path) -> Settings:
    """The settings in a file; paths in it are taken from its folder. Raises `SettingsMalformed` for what is no such
    file, an unknown key, a name that is none."""
    try:
        found = msgspec.toml.decode(_bytes(path), type=Settings, dec_hook=named)
        whole = path.resolve()
        found = msgspec.structs.replace(found, folder=whole.parent, file=whole)
        _ = found.name, found.converters, found.anchors, found.logs(), found.roads(), found.only()
    except OSError as fault:
        raise SettingsMalformed(why="cannot be read") from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise SettingsMalformed(why=str(fault)) from fault
    except RecursionError as fault:
        raise SettingsMalformed(why="too deep") from fault
    except LabelMalformed as fault:
        raise SettingsMalformed(field="name of a party") from fault
    return found


def _bytes(path: Path) -> bytes:
    """Of a file, which has an end: a pipe or a device may have none."""
    if not path.is_file():
        raise SettingsMalformed(why="no such file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise SettingsMalformed(why="too large")
    return data
