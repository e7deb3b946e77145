"""Where people reach the pages of a country that runs apart: residents the portal, case workers each desk, the
commission's people the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kakine.contracts.call import Role
from kakine.country import COMMISSION
from kakine.protocols.gazette_pack import PartyEntry

CONSOLE = str(COMMISSION)
"""The console among the sites, which go by domain otherwise."""


def site_names(parties: Sequence[PartyEntry]) -> list[str]:
    """The console, and the desk of each domain that asks or answers under rows."""
    found = [CONSOLE]
    for party in parties:
        if Role.GATEWAY in party.roles:
            found += [domain.name for domain in party.domain if domain.asks or domain.provides]
    return found


def origin(port: int) -> str:
    """A secure context for browsers, and an RP ID for passkeys."""
    return f"http://localhost:{port}"


def of_party(sites: Mapping[str, int], party: str) -> dict[str, int]:
    """The sites that a party's process has, with their ports."""
    return {name: port for name, port in sites.items() if name.partition("/")[0] == party}


def shown(pages: int, sites: Mapping[str, int]) -> Iterator[str]:
    """A line for each address."""
    yield f"  本人の窓口 / portal{'':16} http://127.0.0.1:{pages}"
    for name, port in sites.items():
        what = "委員会の画面 / console" if name == CONSOLE else "職員の窓口 / desk"
        yield f"  {what}  {name:20} {origin(port)}"
