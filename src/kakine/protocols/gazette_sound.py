"""Whether a version agrees with itself: every name resolves, every key is somebody's alone."""

from __future__ import annotations

from collections.abc import Iterable

from kakine.crypto.webkeys import CheckKey
from kakine.protocols.logins import SCOPES, may_return_to
from kakine.values.identifiers import CorporateNumber
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import GazetteInconsistent
from kakine.wire.gazette import Gazette, Party, Subject


def signer(gazette: Gazette, role: str) -> Party:
    """The one party with role `ministry` or `commission`. Raises GazetteInconsistent."""
    found = [party for party in gazette.parties if role in party.roles]
    if len(found) != 1:
        raise GazetteInconsistent(what=role, fault="not exactly one party has this role")
    return found[0]


def require_sound(gazette: Gazette) -> None:
    """Raise GazetteInconsistent at the first name that does not resolve or key that stands twice.

    Order and uniqueness of names are checked on decoding. Raises LabelMalformed, IdentifierMalformed and
    CheckDigitWrong for names and numbers of parties.
    """
    _require_known("types", _types_used(gazette), (entry.id for entry in gazette.types))
    _require_known("items", _items_used(gazette), (entry.id for entry in gazette.items))
    _require_known("procedures", _procedures_used(gazette), (entry.id for entry in gazette.procedures))
    parties = [party.name for party in gazette.parties]
    _require_known("parties", (entry.party for entry in gazette.assessments), parties)
    _require_once("assessments", (f"{entry.party}/{entry.file}" for entry in gazette.assessments))
    _require_once("domains", (domain.name for party in gazette.parties for domain in party.domains))
    _require_parties(gazette)
    _require_signers(gazette)
    _require_suspensions(gazette)
    _require_known("sealings", (entry.id for entry in gazette.sealings), (row.id for row in gazette.rows))
    _require_clients(gazette)


def _types_used(gazette: Gazette) -> Iterable[str]:
    yield from (entry.requester_type for entry in gazette.procedures)
    yield from (row.provider_type for row in gazette.rows)
    yield from (name for party in gazette.parties for name in party.types)


def _items_used(gazette: Gazette) -> Iterable[str]:
    yield from (row.item for row in gazette.rows)
    yield from (name for party in gazette.parties for domain in party.domains for name in domain.provides)


def _procedures_used(gazette: Gazette) -> Iterable[str]:
    yield from (row.procedure for row in gazette.rows)
    yield from (name for party in gazette.parties for domain in party.domains for name in domain.asks)


def _require_known(what: str, used: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(used) - set(known))
    if unknown:
        raise GazetteInconsistent(what=what, fault="not defined", names=unknown[:10])


def _require_once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise GazetteInconsistent(what=what, fault="stands twice", names=[name])
        seen.add(name)


def _require_parties(gazette: Gazette) -> None:
    for party in gazette.parties:
        PartyName(party.name)
        CorporateNumber(party.number)
        for domain in party.domains:
            if DomainName(domain.name).party != party.name:
                raise GazetteInconsistent(what=party.name, fault="a domain of another party")
    # One key for two parties would let either sign as the other: the ministry as the commission, above all.
    _require_once("signing keys", (party.signing_key.hex() for party in gazette.parties))
    _require_once("seal keys", (party.seal_key.hex() for party in gazette.parties))
    if signer(gazette, "ministry") is signer(gazette, "commission"):
        raise GazetteInconsistent(what="commission", fault="is the ministry")


def _require_signers(gazette: Gazette) -> None:
    """Every ledger has a signer of its own, and nothing else has one."""
    roles = {party.name: party.roles for party in gazette.parties}
    for party in gazette.parties:
        signs = "signer" in roles.get(party.signer, ())
        if not signs if "ledger" in party.roles else party.signer:
            raise GazetteInconsistent(what=party.name, fault="a ledger and no other party has a signer")
    _require_once("signers", (party.signer for party in gazette.parties if party.signer))


def _require_clients(gazette: Gazette) -> None:
    """A relying party knows people under an agency's domain that asks and gives nothing: what logs people in can then
    not be the code under which their files are kept."""
    domains = {
        domain.name: domain
        for party in gazette.parties
        if "gateway" in party.roles
        for domain in party.domains
    }
    _require_known("domains", (client.domain for client in gazette.clients), domains)
    for client in gazette.clients:
        domain = domains[client.domain]
        if domain.provides or domain.asks:
            raise GazetteInconsistent(what=client.id, fault="its domain asks for or gives items")
        if not set(client.scopes) <= SCOPES:
            raise GazetteInconsistent(what=client.id, fault="a scope that does not exist")
        if client.key:
            CheckKey.of_point(client.key)
        for address in client.redirects:
            if not may_return_to(address):
                raise GazetteInconsistent(
                    what=client.id, fault="an address to come back to is not https or loopback"
                )
    _require_once("client keys", (client.key.hex() for client in gazette.clients if client.key))


def _require_suspensions(gazette: Gazette) -> None:
    known = suspendable(gazette)
    for entry in gazette.suspensions:
        if entry.name not in known[entry.subject]:
            raise GazetteInconsistent(what="suspensions", fault="not defined", names=[entry.name])


def suspendable(gazette: Gazette) -> dict[Subject, set[str]]:
    """The names that a suspension of each kind can have in this version."""
    return {
        Subject.EVERYTHING: {""},
        Subject.PARTY: {party.name for party in gazette.parties},
        Subject.DOMAIN: {domain.name for party in gazette.parties for domain in party.domains},
        Subject.PROCEDURE: {entry.id for entry in gazette.procedures},
        Subject.ROW: {row.id for row in gazette.rows},
        Subject.GROUND: {ground.id for ground in gazette.grounds},
    }
