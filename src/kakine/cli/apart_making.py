"""Makes a country whose parties run apart: founded here in one process, then each party's own in a folder of its own.

For development: whoever founds has had all keys. Every seed that is made here says in its first bytes what it is good
for, and a process in production refuses it (`process.checks`).
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from kakine.cli.apart_server import Engine, serve
from kakine.cli.apart_sites import of_party, origin, site_names
from kakine.cli.demo_journal import Journal
from kakine.cli.demo_steps import Stage
from kakine.cli.postgres import provide
from kakine.cli.visiting import site
from kakine.contracts.authority import CERTIFY_PARTY, CertifyParty
from kakine.contracts.call import Role
from kakine.country import (
    AUTHORITY,
    COMMISSION,
    CONVERTERS,
    DOMAIN,
    KEEPERS,
    LOGIN,
    LOGS,
    POLICY,
    REGISTRY,
    Country,
)
from kakine.crypto import files, x509_issue
from kakine.crypto.keys import generate
from kakine.institutions.cases import applications
from kakine.institutions.families import Roster
from kakine.institutions.postgres import Cluster
from kakine.institutions.postgres_programs import install
from kakine.institutions.watchers import WATCHERS
from kakine.process.checks import DEVELOPMENT, SEED
from kakine.process.settings import Kind
from kakine.runtime.postgres import Address
from kakine.values.certificates import Algorithm
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import FolderInUse, PortTaken, StoreInUse

SETTINGS, OPERATOR = "party.toml", "operator"
"""In each party's folder; and the folder of whoever starts and stops them all."""
PAGES = "pages"
"""Among the ports: where residents reach the portal's pages."""
ROSTER = 7
"""From which the made-up residents are drawn."""
_SITE = "site:"
_LOWEST, _GIVEN, _TRIES = 10_000, 32_768, 1000
"""Ports are drawn from here on, below those that Linux gives out (ip_local_port_range), in at most so many tries."""


@dataclass(frozen=True)
class Ports:
    """Of one party: for the others, and for its operator."""

    port: int
    admin: int


def marked(entropy: int = SEED) -> bytes:
    """A seed for development."""
    return DEVELOPMENT + secrets.token_bytes(entropy - len(DEVELOPMENT))


async def make(
    folder: Path,
    residents: int,
    base: int,
    engine: Engine = Engine.SQLITE,
    replicas: int = 1,
    waiting_days: int | None = None,
) -> None:
    """Found a country of this many made-up residents in an empty folder and part it. Ports count up from `base`; 0 for
    any that are free. Gateways and converters stand so often as `replicas` says, each in a folder of its own. Changes
    that allow something wait `waiting_days`, where it is given, instead of those of the legal pack. A server that is
    made for it is stopped in the end. Raises `FolderInUse`, `ServerMissing`, `ServerFailed`, `StoreInUse` for
    replicas on SQLite, and what refuses."""
    if replicas > 1 and engine is Engine.SQLITE:
        raise StoreInUse()
    if folder.exists() and any(folder.iterdir()):
        raise FolderInUse()
    if engine is Engine.POSTGRESQL:
        install(typer.echo)
    folder.mkdir(parents=True, exist_ok=True)
    if engine is Engine.SQLITE:
        folder.chmod(0o700)
        await _found(folder, residents, base, None, 1, waiting_days)
        return
    # The server's own account goes through to its folder; each party's is closed to it.
    folder.chmod(0o711)
    cluster = serve(folder)
    try:
        await _found(folder, residents, base, cluster, replicas, waiting_days)
    finally:
        cluster.stop()


async def _found(
    folder: Path, residents: int, base: int, cluster: Cluster | None, replicas: int, waiting_days: int | None
) -> None:
    whole = folder / "founding"
    whole.mkdir(mode=0o700)
    keys = whole / "keys"
    keys.mkdir(mode=0o700)
    ground = site(whole)
    if waiting_days is not None:
        ground = replace(ground, pack=replace(ground.pack, waiting_days=waiting_days))
    if cluster is not None:
        provide(cluster, whole, ground.pack, secrets.token_bytes)
    names = [PartyName(entry.name) for entry in ground.pack.parties]
    for name in names:
        files.replace(keys / f"{name}.seed", marked())
    with closing(Journal(whole / "demo.sqlite")) as journal:
        await journal.about(residents, ROSTER)
        async with await Country.open(ground) as country:
            stage = Stage(country, journal, Roster(residents, ROSTER), True)
            await stage.settle()
            await country.have_witnessed()
            shared = {str(name) for name in (*CONVERTERS, *country.gateways)}
            places = [each for name in names for each in _places(name, replicas if name in shared else 1)]
            certificates = {each: await _certified(country, party_of(each)) for each in places}
            await country.publish_status()
            sites = site_names(ground.pack.parties)
            ports = _ports(
                [*places, *(w.name for w in WATCHERS), PAGES, *(f"{_SITE}{each}" for each in sites)], base
            )
            parting = _Parting(folder, whole, country, ports, cluster)
            questions = list(_questions(stage))
    parting.part(certificates, questions, residents)
    shutil.rmtree(whole)


def _places(name: str, replicas: int) -> list[str]:
    """The folders of a party: its own name, and with a number behind it for each further process."""
    return [name, *(f"{name}.{number}" for number in range(2, replicas + 1))]


def party_of(place: str) -> PartyName:
    """Whose folder that is."""
    return PartyName(place.partition(".")[0])


async def _certified(country: Country, name: PartyName) -> bytes:
    """Key and certificate as PEM, and the root below."""
    key = generate(Algorithm.P_384)
    asked = CertifyParty(x509_issue.request(key, name))
    given = await country.peers(name).ask(AUTHORITY, CERTIFY_PARTY, asked)
    return x509_issue.key_pem(key) + x509_issue.pem(given.certificate) + x509_issue.pem(given.root)


def _questions(stage: Stage) -> Iterator[dict[str, Any]]:
    """Questions that the agencies of this country have reason to ask, by made-up references. `person` is that of the
    residents' desk of Yokohama, for its own residents with an account at the portal."""
    desk = DomainName("yokohama/residents")
    for inquiry in applications(stage.roster):
        question, member = inquiry.question, inquiry.member
        known = member is member.family.applicant and member.family.town == desk.party
        yield {
            "domain": question.domain,
            "provider": question.provider,
            "procedure": question.procedure,
            "rows": list(question.rows),
            "reference": question.reference.decode(),
            "official": question.official,
            "case": question.case.hex(),
            "unit": question.unit,
            "channel": question.channel,
            "person": stage.roster.reference(desk, member).decode() if known else "",
        }


def _ports(names: Sequence[str], base: int) -> dict[str, Ports]:
    first = base or free(2 * len(names))
    return {name: Ports(first + 2 * at, first + 2 * at + 1) for at, name in enumerate(names)}


def free(count: int) -> int:
    """The first of so many ports in a row at which nobody listens. None is one that the system gives to whoever asks
    for any: until the parties begin, others would be given it. Raises `PortTaken`."""
    for _ in range(_TRIES):
        first = _LOWEST + secrets.randbelow(_GIVEN - _LOWEST - count)
        with ExitStack() as held, suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise PortTaken(port=0)


class _Parting:
    """What goes where. The country has stopped when `part` is called."""

    def __init__(
        self, folder: Path, whole: Path, country: Country, ports: Mapping[str, Ports], cluster: Cluster | None
    ) -> None:
        self._folder, self._whole, self._cluster = folder, whole, cluster
        self._ports = {name: each for name, each in ports.items() if not name.startswith((PAGES, _SITE))}
        self._pages = ports[PAGES].port
        self._sites = {
            name.removeprefix(_SITE): each.port for name, each in ports.items() if name.startswith(_SITE)
        }
        self._entries = {entry.name: entry for entry in country.site.pack.parties}
        self._anchors = country.anchors
        self._policy = country.policy
        self._logs = {str(log.ledger): log.origin for log in LOGS}
        self._vkeys = [
            line.split()[1] for line in country.policy.decode().splitlines() if line.startswith("log ")
        ]

    def part(
        self, certificates: Mapping[str, bytes], questions: list[dict[str, Any]], residents: int
    ) -> None:
        """Each party's own into a folder of its own, the operator's own into one more. Further processes of a party
        have the same seed and store, and a key of their own for TLS."""
        for place, pem in certificates.items():
            name, own = party_of(place), self._folder / place
            own.mkdir(mode=0o700)
            end = pem.index(b"-----END CERTIFICATE-----") + len(b"-----END CERTIFICATE-----\n")
            files.replace(own / "own.pem", pem[:end])
            files.replace(own / "roots.pem", pem[end:])
            files.replace(own / "policy.txt", self._policy)
            files.replace(own / "key.seed", (self._whole / "keys" / f"{name}.seed").read_bytes())
            self._give_store(name, own, self._replica(place))
            if name == AUTHORITY:
                (self._whole / "keys" / AUTHORITY).rename(own / "keys")
            if name == COMMISSION:
                self._give_store("auditor", own)
            (own / SETTINGS).write_text(self._settings(name, place))
        for each in WATCHERS:
            self._watcher(each.name, each.key_name)
        told = self._folder / OPERATOR
        told.mkdir(mode=0o700)
        ports = {name: [each.port, each.admin] for name, each in self._ports.items()}
        watchers = [each.name for each in WATCHERS]
        about = {
            "ports": ports,
            "pages": self._pages,
            "sites": self._sites,
            "residents": residents,
            "witnesses": watchers,
            "server": str(self._cluster.folder) if self._cluster else "",
            "questions": questions,
        }
        (told / "country.json").write_text(json.dumps(about, ensure_ascii=False, indent=1))
        files.replace(told / POLICY, self._policy)

    def _processes(self, name: str) -> list[str]:
        return [place for place in self._ports if party_of(place) == name]

    def _replica(self, place: str) -> str:
        """The name under which a process shares its party's store; nothing for the only one."""
        alone = len(self._processes(party_of(place))) < 2
        return "" if alone else place.partition(".")[2] or "1"

    def _give_store(self, name: str, own: Path, replica: str = "") -> None:
        if self._cluster is None:
            for path in self._whole.glob(f"{name}.sqlite*"):
                path.rename(own / path.name)
            return
        key = own.absolute() / f"{name}.password"
        files.replace(key, (self._cluster.folder / "keys" / name).read_bytes())
        address = Address(self._cluster.server(name, name, key), replica)
        files.replace(own / f"{name}.postgresql", address.text().encode())

    def _watcher(self, name: str, key_name: str) -> None:
        own = self._folder / f"witness-{name}"
        own.mkdir(mode=0o700)
        (self._whole / "witnesses" / f"{name}.seed").rename(own / "witness.seed")
        for path in (self._whole / "witnesses").glob(f"{name}.sqlite*"):
            path.rename(own / path.name.replace(name, "witness", 1))
        settings = {
            "name": key_name,
            "logs": self._vkeys,
            "database": "witness.sqlite",
            "seed": "witness.seed",
            "port": self._ports[name].port,
        }
        (own / SETTINGS).write_text("".join(lines(settings)))

    def _addresses(self, name: str) -> str | list[str]:
        found = [f"https://127.0.0.1:{self._ports[each].port}" for each in self._processes(name)]
        return found if len(found) > 1 else found[0]

    def _settings(self, name: PartyName, place: str) -> str:
        ports = self._ports[place]
        founders = {
            "ministry": bytes(self._anchors.ministry).hex(),
            "commission": bytes(self._anchors.commission).hex(),
        }
        known = {each: self._addresses(each) for each in self._entries}
        kind = _kind(self._entries[name].roles)
        # A desk's shifts are one process's: that of the party's own name.
        sites = of_party(self._sites, place)
        doors = self._pages if kind is Kind.PORTAL else list(sites.values())
        listen = {"port": ports.port, "admin": ports.admin} | ({"pages": doors} if doors else {})
        return "".join(
            [
                *lines(
                    {"party": name, "kind": kind, "environment": "development", "database": self._store(name)}
                ),
                *lines(listen, "listen"),
                *lines({"seed": "key.seed", "own": "own.pem", "roots": "roots.pem"}, "keys"),
                *lines(
                    {"commission": COMMISSION, "authority": AUTHORITY, "converters": list(CONVERTERS)},
                    "country",
                ),
                *lines(founders, "country.founders"),
                *(
                    line
                    for log in LOGS
                    for line in (
                        "\n[[country.logs]]\n",
                        *pairs({"ledger": log.ledger, "origin": log.origin}),
                    )
                ),
                *lines(known, "addresses"),
                *lines(self._own(name, kind), "own"),
                *(lines(_desks(sites), "own.desks") if kind is Kind.GATEWAY and sites else ()),
                *(lines(self._witnesses(), "own.witnesses") if kind is Kind.LEDGER else ()),
            ]
        )

    def _store(self, name: str) -> str:
        return f"{name}.{Engine.POSTGRESQL if self._cluster else Engine.SQLITE}"

    def _witnesses(self) -> dict[str, Any]:
        return {each.name: f"http://127.0.0.1:{self._ports[each.name].port}" for each in WATCHERS}

    def _own(self, name: PartyName, kind: Kind) -> dict[str, Any]:
        ledger = name.removesuffix("-signer")
        of_kind: dict[Kind, dict[str, Any]] = {
            Kind.CONVERTER: {"witness_name": f"{name}.{DOMAIN}"},
            Kind.MAILBOX: {"domain": next((each for each in KEEPERS if each.party == name), "")},
            Kind.REGISTRY: {"domain": REGISTRY},
            Kind.GATEWAY: {"domains": [each.name for each in self._entries[name].domain]},
            Kind.PORTAL: {
                "domain": LOGIN,
                "policy": POLICY,
                "authority": AUTHORITY,
                "origin": f"http://127.0.0.1:{self._pages}",
            },
            Kind.AUTHORITY: {"keys": "keys", "registry": REGISTRY.party, "commission": COMMISSION},
            Kind.MINISTRY: {"commission": COMMISSION},
            Kind.SIGNER: {"origin": self._logs.get(ledger, ""), "ledger": ledger},
            Kind.LEDGER: {
                "origin": self._logs.get(name, ""),
                "signer": f"{name}-signer",
                "commission": COMMISSION,
                "policy": POLICY,
            },
            Kind.COMMISSION: {
                "auditor": self._store("auditor"),
                "keeper": KEEPERS[0].party,
                "registry": REGISTRY.party,
                "policy": POLICY,
                "origin": origin(self._sites[COMMISSION]),
            },
        }
        return of_kind[kind]


def _desks(sites: Mapping[str, int]) -> dict[str, str]:
    return {json.dumps(name): origin(port) for name, port in sites.items()}


def _kind(roles: Sequence[str]) -> Kind:
    (role,) = [Role(each) for each in roles]
    return Kind(role.value)


def lines(values: Mapping[str, Any], table: str = "") -> list[str]:
    """A table of a settings file."""
    return [f"\n[{table}]\n" if table else "", *pairs(values)]


def pairs(values: Mapping[str, Any]) -> list[str]:
    """Texts, numbers and lists of texts: of these JSON and TOML write the same."""
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
