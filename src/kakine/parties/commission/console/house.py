"""What the pages are made of: the commission's people and counts, names of the law, findings of monitors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kakine.parties.commission import audit_store
from kakine.parties.commission.bureau.acts import Act, What
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.parties.commission.bureau.figures import Figuring
from kakine.parties.commission.bureau.uses import Counting
from kakine.parties.commission.console.findings import Folder, folders
from kakine.protocols.gazette import Law
from kakine.values.problems import OrderUnknown
from kakine.web.staff_store import Member
from kakine.web.turn import Turn
from kakine.wire import policy as policies
from kakine.wire.gazette import Gazette


@dataclass(frozen=True)
class House:
    """`findings` is a folder whose folders are evidence of monitors (spec/monitor.md section 4), put there by whoever
    runs the commission."""

    bureau: Bureau
    counting: Counting
    figuring: Figuring
    findings: Path | None = None
    tickets: dict[str, int] = field(default_factory=dict)
    """Of members who have just confirmed with a code that they want a passkey; each is good once."""
    known: dict[bytes, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """What the rows and grounds of the law in force are about, by its digest: pages name hundreds of them."""

    @property
    def now_ms(self) -> int:
        """By the commission's clock."""
        return self.bureau.clock()

    @property
    def law(self) -> Law:
        """In force."""
        return self.bureau.book.in_force(self.now_ms)

    def verdicts(self) -> list[audit_store.Verdict]:
        """All of the auditor's, newest first."""
        audits = self.figuring.audits
        return list(reversed(audit_store.verdicts(audits.read()))) if audits else []

    def open_objections(self) -> list[audit_store.Objection]:
        """Those without an answer in the log, oldest first."""
        audits = self.figuring.audits
        return audit_store.open_objections(audits.read()) if audits else []

    def evidence(self) -> list[Folder]:
        """What monitors have sent, judged under the policy."""
        if self.findings is None or not self.figuring.policy:
            return []
        parties = self.law.gazette.parties
        names = {each.name for each in parties} | {each.name for one in parties for each in one.domains}
        return folders(self.findings, policies.decode(self.figuring.policy), names)

    def name(self, party: str) -> tuple[str, str]:
        """Of a party or the party of a domain, by the law in force: (日本語, English)."""
        found = next(
            (each for each in self.law.gazette.parties if each.name == party.partition("/")[0]), None
        )
        return (found.ja, found.en) if found else (party, party)

    def row(self, row_id: str) -> tuple[str, str]:
        """What a row or ground is about: (日本語, English)."""
        law = self.law
        if law.digest not in self.known:
            self.known.clear()
            self.known[law.digest] = _subjects(law.gazette)
        return self.known[law.digest].get(row_id, ("", ""))

    def member(self, number: int) -> Member | None:
        """Who works or worked here."""
        return next((each for each in self.bureau.staff.all() if each.number == number), None)


def _subjects(law: Gazette) -> dict[str, tuple[str, str]]:
    items = {each.id: (each.ja, each.en) for each in law.items}
    return {each.id: (each.ja, each.en) for each in law.grounds} | {
        each.id: items[each.item] for each in law.rows
    }


def act_of(house: House, turn: Turn[Member]) -> tuple[bytes, Act]:
    """The act that the path names. Raises `OrderUnknown`."""
    try:
        digest = bytes.fromhex(turn.param["act"])
    except ValueError as wrong:
        raise OrderUnknown() from wrong
    return digest, house.bureau.act(digest)[0]


def subject_of(act: Act) -> str:
    """What an act is about, in codes of the law and of the commission."""
    match act.what:
        case What.STOP:
            return " ".join(f"{each.subject}:{each.name}".rstrip(":") for each in act.stops)
        case What.ENROL:
            return f"{act.name} ({act.role})"
        case What.CHECK:
            return f"{act.name} / {act.role}"
        case What.LEAVE:
            return f"#{act.number}"
        case What.SUNSET:
            return f"{act.number} / {act.further}"
        case _:
            return act.about.hex()[:16]
