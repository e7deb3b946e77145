"""What must hold before a process opens its first socket, each by a permanent id (spec/transport.md section 6)."""

from __future__ import annotations

import importlib
import ipaddress
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kakine.process.restoring import mark
from kakine.process.settings import Environment, Kind, Settings, named
from kakine.protocols.joining import https
from kakine.runtime.identity import Clock
from kakine.runtime.tls import Credentials
from kakine.values.problems import SettingsRefused, StoreFailed, TlsUnusable

DEVELOPMENT = b"development:"
"""With these bytes begins every seed that was made for development: it cannot lose its mark."""
SEED = 32


@dataclass(frozen=True)
class Verdict:
    """`fault` is empty where the check holds."""

    id: str
    fault: str = ""


def own_of(settings: Settings) -> tuple[Any, Any]:
    """The start of this kind of party (`parties.<kind>.start`), and its own settings. Nothing of another party is
    imported. Raises `msgspec.ValidationError`."""
    start = importlib.import_module(f"kakine.parties.{settings.kind.value}.start")
    return start, msgspec.convert(settings.own, start.Own, dec_hook=named)


def check(settings: Settings, clock: Clock) -> list[Verdict]:
    """Every check with its verdict."""
    return [Verdict(name, "; ".join(of(settings, clock))) for name, of in _CHECKS.items()]


def require(settings: Settings, clock: Clock) -> None:
    """Raises `SettingsRefused` with the ids of the checks that fail."""
    failed = [each.id for each in check(settings, clock) if each.fault]
    if failed:
        raise SettingsRefused(party=settings.party, checks=failed)


def require_addresses(settings: Settings, clock: Clock) -> None:
    """Raises `SettingsRefused` where a party that must be reached has no address, or one has none that is one."""
    if list(_addresses(settings, clock)):
        raise SettingsRefused(party=settings.party, checks=["addresses"])


def _own(settings: Settings, clock: Clock) -> Iterator[str]:
    try:
        own_of(settings)
    except msgspec.ValidationError as fault:
        yield str(fault)


def _folder(settings: Settings, clock: Clock) -> Iterator[str]:
    if settings.folder.stat().st_mode & 0o077:
        yield "others may look into the party's folder"


def _database(settings: Settings, clock: Clock) -> Iterator[str]:
    path = settings.folder / settings.database
    if not path.parent.is_dir():
        yield "no such folder"
    elif path.suffix == ".postgresql" and not path.is_file():
        yield "no file with the server's address"


def _seed(settings: Settings, clock: Clock) -> Iterator[str]:
    path = settings.folder / settings.keys.seed
    if not path.is_file():
        yield "no such file"
    elif path.stat().st_mode & _others(path):
        yield "others may read it"
    elif path.stat().st_size != SEED:
        yield "not 32 bytes"


def _others(path: Path) -> int:
    """What systemd hands over (LoadCredential=) lies in a folder of this service's own; where it names the reader by an
    access list, the list's mask shows as rights of the group."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    return 0o007 if given and path.parent == Path(given) else 0o077


def _owner(settings: Settings, clock: Clock) -> Iterator[str]:
    """Root may own them: a service that is started by it hands them over so."""
    for each in (settings.keys.seed, settings.keys.own, settings.keys.roots):
        path = settings.folder / each
        if path.exists() and path.stat().st_uid not in (os.geteuid(), 0):
            yield f"{path.name} belongs to another account"


def _store_password(settings: Settings, clock: Clock) -> Iterator[str]:
    path = settings.folder / settings.database
    if path.suffix != ".postgresql" or not path.is_file():
        return
    if "PGPASSWORD" in os.environ:
        yield "a password in the environment"
    # Only who uses PostgreSQL loads its driver.
    from kakine.runtime.postgres_open import address, passfile

    try:
        kept = passfile(address(path))
    except StoreFailed as fault:
        yield str(fault.facts["reason"])
        return
    if kept is not None and not kept.is_file():
        yield "no such passfile"
    elif kept is not None and kept.stat().st_mode & 0o077:
        yield "others may read the passfile"


def _for_production(settings: Settings, clock: Clock) -> Iterator[str]:
    if settings.environment is not Environment.PRODUCTION:
        return
    path = settings.folder / settings.keys.seed
    if path.is_file() and path.read_bytes().startswith(DEVELOPMENT):
        yield "the seed was made for development"


def _clock(settings: Settings, clock: Clock) -> Iterator[str]:
    if settings.environment is not Environment.PRODUCTION:
        return
    told = [name for name in os.environ if name.startswith("FAKETIME")]
    if told or "faketime" in os.environ.get("LD_PRELOAD", ""):
        yield "the clock of this process is not the machine's"


def _authority(settings: Settings, clock: Clock) -> Iterator[str]:
    if settings.environment is Environment.PRODUCTION and settings.kind is Kind.AUTHORITY:
        yield "the keys of an authority may not lie in files"


def _tls(settings: Settings, clock: Clock) -> Iterator[str]:
    try:
        Credentials(settings.name, settings.files, clock)
    except TlsUnusable as fault:
        yield str(fault.facts.get("fault", ""))


def _addresses(settings: Settings, clock: Clock) -> Iterator[str]:
    country, known = settings.country, settings.addresses
    needed = [country.commission, country.authority, *country.converters]
    needed += [each.ledger for each in country.logs]
    for name in needed:
        if name not in known:
            yield f"none for {name}"
    for name, processes in settings.roads().items():
        if not all(https(address) for address in processes):
            yield f"not https://host:port for {name}"


def _put_back(settings: Settings, clock: Clock) -> Iterator[str]:
    told = mark(settings.folder)
    if told is not None and not told.loss:
        yield "its store was put back from a backup: kakine restore --accept"


def _ports(settings: Settings, clock: Clock) -> Iterator[str]:
    own = settings.listen
    fixed = [each for each in (own.port, own.admin, *own.doors) if each]
    if len(set(fixed)) != len(fixed):
        yield "one port twice"


def _host(settings: Settings, clock: Clock) -> Iterator[str]:
    try:
        ipaddress.ip_address(settings.listen.host)
    except ValueError:
        yield "not an IP address"


def _logs(settings: Settings, clock: Clock) -> Iterator[str]:
    origins = [each.origin for each in settings.country.logs]
    if len(set(origins)) != len(origins):
        yield "one log twice"


def _place(settings: Settings, clock: Clock) -> Iterator[str]:
    if settings.kind is Kind.CONVERTER and settings.party not in settings.country.converters:
        yield "not in the chain"


Check = Callable[[Settings, Clock], Iterator[str]]

_CHECKS: dict[str, Check] = {
    "own-settings": _own,
    "folder-private": _folder,
    "database-folder": _database,
    "seed-file": _seed,
    "key-owner": _owner,
    "store-password": _store_password,
    "development-keys": _for_production,
    "authority-keys": _authority,
    "machine-clock": _clock,
    "tls-files": _tls,
    "addresses": _addresses,
    "ports": _ports,
    "listen-host": _host,
    "logs": _logs,
    "chain": _place,
    "put-back": _put_back,
}
