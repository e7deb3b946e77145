"""How the commission starts, and its auditor beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec
from starlette.types import ASGIApp

from kakine.parties.commission.app import Commission
from kakine.parties.commission.audit import Auditor, AuditSettings
from kakine.parties.commission.console import House
from kakine.parties.commission.console import site as console_site
from kakine.parties.commission.settings import CommissionSettings
from kakine.protocols.gazette import Anchors
from kakine.runtime.footing import DAY, HOUR, Footing, Site, Working
from kakine.runtime.schedule import Chore
from kakine.values.labels import PartyName
from kakine.web.site import Settings


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`auditor` is the auditor's SQLite file, `keeper` the record keeper it asks, `policy` the file with the witnesses'
    policy, which the commission has logged before it takes effect, `findings` the folder of evidence. `origin` is the
    address (scheme, host, port) at which its people reach the console; no pages without."""

    auditor: Path
    keeper: PartyName
    registry: PartyName
    policy: Path
    findings: Path = Path("findings")
    origin: str = ""


def start(place: Footing, anchors: Anchors) -> Commission:
    """Raises what `Commission.open` raises."""
    settings = CommissionSettings(place.database, place.logs)
    return Commission.open(settings, place.identity, anchors, place.peers, place.clock, place.entropy)


def start_auditor(place: Footing, own: Own, commission: Commission) -> Auditor:
    """The commission answers its calls from now on. Raises `StoreInUse`."""
    asked = own.keeper, own.registry, place.logs
    settings = AuditSettings(own.auditor, place.converters, *asked, findings=own.findings)
    _, identity, law, peers, clock, entropy = place.common
    auditor = Auditor.open(settings, identity, law, peers, clock, entropy)
    commission.figuring.audits = auditor.db
    commission.serve(auditor.duties)
    return auditor


def console(place: Footing, commission: Commission, origin: str, findings: Path) -> ASGIApp:
    """The console at an origin of its own; `findings` are folders of evidence that monitors have written."""
    house = House(commission.bureau, commission.counting, commission.figuring, findings)
    return console_site(Settings(origin, "kakine-console", place.clock, place.entropy), house).app()


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own."""
    commission = start(place, place.law.anchors)
    commission.figuring.policy = policy = (site.folder / own.policy).read_bytes()
    here = msgspec.structs.replace(
        own, auditor=site.folder / own.auditor, findings=site.folder / own.findings
    )
    auditor = start_auditor(place, here, commission)

    async def begin() -> None:
        await commission.resume()
        await commission.publish_text(policy)

    def close() -> None:
        auditor.close()
        commission.close()

    found = Found(auditor)
    chores = (
        Chore("audit", HOUR, partial(audit, auditor, found), "books"),
        Chore("counts", HOUR, partial(_count, commission), "books"),
    )
    pages = console(place, commission, own.origin, here.findings) if own.origin else None
    return Working(
        lambda: commission.app,
        close,
        begin=begin,
        chores=chores,
        pages=pages,
        store=commission.database,
        faults=lambda: found.faults,
    )


class Found:
    """Faults of the last day, as they were when it was last looked at: verdicts are many, and figures are often asked
    for."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self.faults = 0

    def look(self) -> None:
        """Count them anew."""
        self.faults = self._auditor.faults(DAY)


async def audit(auditor: Auditor, found: Found) -> str:
    """All that comes by itself. What was found is told also where a party is away and the rest has to wait."""
    try:
        left = await auditor.answer_objections()
        late = len(auditor.late(left))
        verdicts = [
            *await auditor.check_windows(),
            *await auditor.check_counts(),
            *await auditor.check_indexes(),
        ]
    finally:
        found.look()
    faults = sum(1 for each in verdicts if each.fault)
    return f"{len(verdicts)} verdicts, {faults} faults, {late} late" if verdicts or late else ""


async def _count(commission: Commission) -> str:
    faults, stopped = await commission.count()
    return f"{len(faults)} faults, {len(stopped)} suspended" if faults or stopped else ""
