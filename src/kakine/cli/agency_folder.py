"""The folder of an agency that joins, made by the agency itself: its secrets are drawn in it and never leave it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kakine.cli.apart_making import SETTINGS, lines, marked, pairs
from kakine.cli.apart_server import Engine
from kakine.crypto import files, x509_issue
from kakine.crypto.keys import generate
from kakine.process.checks import SEED
from kakine.process.running import clock
from kakine.process.settings import Country, Environment, Kind, Settings, read
from kakine.protocols.gazette_genesis import PartyKeys
from kakine.protocols.gazette_pack import AssessmentEntry, PartyEntry
from kakine.protocols.joining import apply
from kakine.runtime.identity import Identity
from kakine.runtime.tls import Credentials, Files
from kakine.values.certificates import Algorithm
from kakine.values.labels import PartyName
from kakine.values.problems import FolderInUse, SettingsMalformed, TlsUnusable

APPLICATION = "application"
"""In the folder: the signed application, for whoever has to see it."""
KEY = "own.key"
"""In the folder until the first certificate has come: the key for which it is asked."""
_OWN, _SEED, _ROOTS = "own.pem", "key.seed", "roots.pem"


class CountryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a party must know of the country before it can ask: names, founders' keys, logs, addresses, and the
    certificates (PEM) of the roots of parties. All of it is public."""

    country: Country
    addresses: dict[str, str | list[str]]
    roots: str


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agency as the legal pack writes one down, with the impact assessments of its files."""

    party: Annotated[list[PartyEntry], Meta(min_length=1, max_length=1)]
    assessment: list[AssessmentEntry] = []


class Listen(msgspec.Struct, frozen=True):
    """Where the agency's process listens, and where the others reach it (`https://host:port`)."""

    addresses: Sequence[str]
    port: int
    admin: int
    host: str = "127.0.0.1"


def describe(settings: Settings) -> str:
    """The country file, as the party of these settings knows the country (TOML)."""
    whole = {"roots": settings.files.roots.read_text()}
    return "".join([*pairs(whole), *_country(settings.country), *lines(settings.addresses, "addresses")])


def _country(country: Country) -> list[str]:
    told = {
        "commission": country.commission,
        "authority": country.authority,
        "converters": country.converters,
    }
    founders = {"ministry": country.founders.ministry, "commission": country.founders.commission}
    logs = [
        line
        for log in country.logs
        for line in ("\n[[country.logs]]\n", *pairs({"ledger": log.ledger, "origin": log.origin}))
    ]
    return [*lines(told, "country"), *lines(founders, "country.founders"), *logs]


def decoded(path: Path, kind: type[Any]) -> Any:
    """A TOML file. Raises `SettingsMalformed`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as fault:
        raise SettingsMalformed(file=path.name, why=str(fault)) from fault


def prepare(
    folder: Path, entry: Entry, country: CountryFile, listen: Listen, environment: Environment, engine: Engine
) -> None:
    """Draw the agency's keys and write its settings and its application, all or nothing. Raises `FolderInUse`,
    `ApplicationRefused`, `SettingsMalformed` for settings that would be none."""
    if folder.exists():
        raise FolderInUse()
    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, parents=True)
    (party,) = entry.party
    name = PartyName(party.name)
    seed = marked() if environment is Environment.DEVELOPMENT else secrets.token_bytes(SEED)
    files.replace(aside / _SEED, seed)
    key = generate(Algorithm.P_384)
    files.replace(aside / KEY, x509_issue.key_pem(key))
    files.replace(aside / _ROOTS, country.roots.encode())
    identity = Identity.from_seed(name, seed)
    keys = PartyKeys(identity.signing.public, identity.opening.public)
    request = x509_issue.request(key, name)
    asked = apply(party, entry.assessment, keys, listen.addresses, request, identity.signing)
    files.replace(aside / APPLICATION, asked)
    files.replace(aside / SETTINGS, _settings(party, country, listen, environment, engine).encode())
    read(aside / SETTINGS)
    aside.rename(folder)
    files.flush(folder.parent)


def _settings(
    party: PartyEntry, country: CountryFile, listen: Listen, environment: Environment, engine: Engine
) -> str:
    own = listen.addresses[0] if len(listen.addresses) == 1 else list(listen.addresses)
    first = {
        "party": party.name,
        "kind": Kind.GATEWAY,
        "environment": environment,
        "database": f"{party.name}.{engine}",
    }
    return "".join(
        [
            *lines(first),
            *lines({"port": listen.port, "admin": listen.admin, "host": listen.host}, "listen"),
            *lines({"seed": _SEED, "own": _OWN, "roots": _ROOTS}, "keys"),
            *_country(country.country),
            *lines({**country.addresses, party.name: own}, "addresses"),
            *lines({"domains": [each.name for each in party.domain]}, "own"),
        ]
    )


def finish(folder: Path, certificate: bytes) -> None:
    """Put the first certificate (PEM) to the key for which it was asked. Raises `TlsUnusable` where it is another
    key's, another party's or by no root of the country, and then nothing has changed; again for the same one, nothing
    happens."""
    settings = read(folder / SETTINGS)
    own, key = settings.files.own, folder / KEY
    if own.exists() and own.read_bytes().endswith(certificate):
        key.unlink(missing_ok=True)
        return
    if own.exists() or not key.is_file():
        raise TlsUnusable(party=settings.party, fault="it has a certificate already, and renews it by itself")
    fresh = own.with_name(f"{own.name}.new")
    files.replace(fresh, key.read_bytes() + certificate)
    try:
        Credentials(settings.name, Files(fresh, settings.files.roots), clock)
    except TlsUnusable:
        fresh.unlink()
        raise
    fresh.replace(own)
    files.flush(own.parent)
    key.unlink()
