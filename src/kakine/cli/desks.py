"""Desks of a country in a folder, as the command line and `kakine demo` open them."""

from __future__ import annotations

from pathlib import Path

from kakine.cli.demo_journal import Journal
from kakine.country import Country
from kakine.crypto.passkeys import Site
from kakine.institutions.desk import received
from kakine.institutions.families import Roster
from kakine.parties.gateway.desk import cases
from kakine.parties.gateway.desk.case_store import Application
from kakine.parties.gateway.desk.office import CaseDesk, Names
from kakine.values.labels import DomainName
from kakine.values.problems import DomainNotRun

HOST = "localhost"
"""Of the pages: a secure context for browsers, and an RP ID for passkeys."""


def desk_at(country: Country, domain: str, port: int = 8481) -> CaseDesk:
    """The desk of a domain, with its pages on this port of this machine. Raises `DomainNotRun`, `LabelMalformed`."""
    name = DomainName(domain)
    gateway = country.gateways.get(name.party)
    if gateway is None:
        raise DomainNotRun()
    files = {each.id: Names(each.ja, each.en) for each in country.site.pack.files}
    made: CaseDesk = gateway.case_desk(name, country.layouts, files, Site(f"http://{HOST}:{port}", HOST))
    return made


async def report_applications(desk: CaseDesk, folder: Path) -> list[Application]:
    """What a demonstration's families have applied for, told to their desk; none where no demo was run."""
    if not (folder / "demo.sqlite").is_file():
        return []
    journal = Journal(folder / "demo.sqlite")
    try:
        about = journal.steps["about"]
    finally:
        journal.close()
    made = list(received(Roster(about["residents"], about["seed"]), desk.domain))
    await cases.report(desk, made)
    return made
