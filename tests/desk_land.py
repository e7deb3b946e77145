"""A country with a desk for tests: Yokohama's children's desk with people in two units, applications, and answers.

    with DeskLand.founded(tmp_path) as land:
        case = land.open(land.hana, 0)
        land.ask(land.hana, case)

Person j has reference `ref(j)`; persons 0 to 3 are in applications A-0 to A-3 of 給付係. Tax records are at Yokohama,
those of person 3 at Sapporo.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from kakine.crypto.passkeys import Site
from kakine.parties.gateway import claims_store
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.claims_store import Kept
from kakine.parties.gateway.desk import cases, inquiries, people, ways
from kakine.parties.gateway.desk.case_store import Application, Case, Inquiry
from kakine.parties.gateway.desk.journal import latest
from kakine.parties.gateway.desk.office import CaseDesk, Names, Rules, Shift
from kakine.parties.gateway.desk.people_store import Role, Staff, Use, staff
from kakine.parties.gateway.keeping import NewCopy, put_copies, set_flags
from kakine.parties.gateway.store import Flags
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest
from kakine.runtime.layouts import Layouts
from kakine.values.labels import DomainName
from kakine.wire.canonical import encode
from kakine.wire.objection import Claim, Reason, Shown
from kakine.wire.request import Place

from land import CHILDREN, KOSEKI, RESIDENTS, TAX, TAX_ITEM, Land, pack, ref

ORIGIN = "http://localhost:8481"
SITE = Site(ORIGIN, "localhost")
SAPPORO = DomainName("sapporo/tax")
UNIT, OTHER_UNIT = "給付係", "保育係"
PASSPHRASE = "雨ニモマケズ風ニモマケズ"
DAY = date(2026, 4, 1)
INCOME = 3_456_000
PEOPLE = 4
EASY = Rules(review_one_in=1 << 62)
"""Nothing is drawn for review."""


def tax_data(j: int) -> dict[str, Any]:
    return {
        "fiscal_year": 2026,
        "municipality": "141003",
        "taxed": "taxed",
        "total_income": INCOME + j,
    }


@dataclass
class DeskLand:
    """A country, and the desk with its people: two clerks of one unit, one of another, supervisors, administrator."""

    land: Land
    desk: CaseDesk
    admin: Staff
    chief: Staff
    other_chief: Staff
    hana: Staff
    taro: Staff
    other: Staff
    prefix: str = "A"

    @classmethod
    @contextmanager
    def founded(cls, folder: Path, rules: Rules = EASY) -> Iterator[DeskLand]:
        domains = (CHILDREN, TAX, KOSEKI, RESIDENTS, SAPPORO)
        with Land.founded(folder, PEOPLE, domains[:1] + domains[2:]) as land:
            issued = land.country.registry.codes.issue(TAX, [(_id(j), ref(j)) for j in range(PEOPLE - 1)])
            assert set(land.run(issued)) == {"delivered"}
            yield cls.staffed(land, rules)

    @classmethod
    def staffed(cls, land: Land, rules: Rules = EASY, prefix: str = "A") -> DeskLand:
        desk = desk_of(land, rules)

        def new(name: str, unit: str, role: Role) -> Staff:
            return land.run(people.add(desk, None, name, unit, role))[0]

        made = cls(
            land,
            desk,
            new("管理 太郎", "総務係", Role.ADMINISTRATOR),
            new("係長 花", UNIT, Role.SUPERVISOR),
            new("係長 次郎", OTHER_UNIT, Role.SUPERVISOR),
            new("担当 花子", UNIT, Role.CLERK),
            new("担当 太郎", UNIT, Role.CLERK),
            new("担当 三郎", OTHER_UNIT, Role.CLERK),
            prefix,
        )
        made.report(*range(PEOPLE))
        if prefix != "A":
            return made
        for j in range(PEOPLE - 1):
            made.tax(j, tax_data(j))
        made.tax(PEOPLE - 1, tax_data(PEOPLE - 1) | {"municipality": "011002"}, SAPPORO)
        return made

    @classmethod
    def restaffed(cls, land: Land, prefix: str, rules: Rules | None = None) -> DeskLand:
        """The same country with other people at the desk and other applications."""
        return cls.staffed(land, rules or EASY, prefix)

    def run(self, work: Any) -> Any:
        return self.land.run(work)

    def report(self, *people: int, unit: str = UNIT) -> None:
        """An application of each, for child allowance."""
        made = [
            Application(CHILDREN, f"{self.prefix}-{j}", "JO106", _days(DAY), unit, (ref(j),)) for j in people
        ]
        self.run(cases.report(self.desk, made))

    def gateway(self, domain: DomainName) -> Gateway:
        found: Gateway = self.land.country.gateways[domain.party]
        return found

    def tax(self, j: int, data: Mapping[str, Any], domain: DomainName = TAX, **changed: Any) -> None:
        """A copy of a tax record, as the provider's gateway keeps it, in whatever form."""
        office, now = self.gateway(domain).office, self.land.clock()
        plain = {
            "reference": ref(j),
            "item": TAX_ITEM,
            "layout": 1,
            "source_version": 7,
            "as_of_ms": now - 20 * 86_400_000,
            "expires_ms": now + 10**10,
            "data": msgspec.json.encode(data),
        }
        validate, office.validate = office.validate, lambda *_: None
        self.run(put_copies(office, domain, [NewCopy(**{**plain, **changed})]))
        office.validate = validate

    def protect(self, j: int, domain: DomainName = CHILDREN, on: bool = True) -> None:
        """不開示, as one agency has it."""
        office = self.gateway(domain).office
        self.run(set_flags(office, domain, ref(j), Flags(non_disclosed=on)))

    def open(self, by: Staff, j: int, **changed: Any) -> Case:
        """A case on the application of person j."""
        plain: dict[str, Any] = {
            "procedure": "JO106",
            "application": f"{self.prefix}-{j}",
            "day": DAY,
            "reference": ref(j).decode(),
        }
        case: Case = self.run(cases.open_case(self.desk, by, **{**plain, **changed}))
        return case

    def ask(self, by: Staff, number: str, place: int = 0, **changed: Any) -> Inquiry:
        """The tax office of Yokohama about somebody of a case."""
        plain: dict[str, Any] = {"rows": ("JO106.2",), "provider": TAX}
        asked = {**plain, **changed}
        found: Inquiry = self.run(
            inquiries.ask(self.desk, by, number, place, asked["rows"], asked["provider"])
        )
        return found

    def report_many(self, count: int) -> None:
        """So many applications of person 0, each of which opens a case."""
        made = [
            Application(CHILDREN, f"{self.prefix}-{j}", "JO106", _days(DAY), UNIT, (ref(0),))
            for j in range(1, count + 1)
        ]
        self.run(cases.report(self.desk, made))

    def many_codes(self, person: Staff, count: int) -> list[str]:
        """Codes for a shift that are all good at once, which the desk itself never prints: for tests that cannot reach
        it while it is served."""
        codes = [paper_code(self.land.entropy(PAPER_BYTES)) for _ in range(count)]
        until = self.land.clock() + 10**8

        def work(db: sqlite3.Connection) -> None:
            for code in codes:
                values = (paper_digest(code), person.id, "shift", until, 0)
                db.execute("INSERT INTO desk_code VALUES (?, ?, ?, ?, ?)", values)

        self.run(self.desk.office.db.write(work))
        return codes

    def claim(self, xid: bytes, request: bytes = bytes(32), days: int = 0, **changed: Any) -> str:
        """A claim about an exchange of this desk, kept as the gateway keeps one that it has verified, so many days ago;
        its id."""
        shown = Shown(
            Place("log", 1), bytes(112), (bytes(32), bytes(32)), Place("log", 2), bytes(112), (bytes(32),) * 2
        )
        plain = Claim(shown, bytes(32), Reason.NOT_ASKED, "official-0000000000", b"", (), "")
        now_ms = self.land.clock() - days * 86_400_000
        kept = Kept(xid, self.desk.domain, request, 0, encode(replace(plain, **changed)), now_ms, now_ms)
        self.run(self.desk.office.db.write(lambda db: claims_store.keep(db, kept)))
        return xid.hex()

    def paper(self, person: Staff, use: Use) -> str:
        """A code for somebody."""
        return str(self.run(people.print_code(self.desk, None, person.official, use)))

    def shift_of(self, person: Staff) -> Shift:
        """A shift by code and passphrase, enrolling first where that is to be done."""
        if not staff(self.desk.office.db.read(), person.id).passphrase:
            enrolling = self.run(ways.enrol(self.desk, self.paper(person, Use.ENROL)))
            self.run(ways.choose_passphrase(self.desk, enrolling, PASSPHRASE, PASSPHRASE))
        shift: Shift = self.run(ways.by_code(self.desk, self.paper(person, Use.SHIFT), PASSPHRASE))
        return shift

    def journal(self, what: str) -> list[Any]:
        """Lines of this kind, oldest first."""
        lines = latest(self.desk.office.db.read(), self.desk.domain, 10_000)
        return [line for line in reversed(lines) if line.what == what]


def desk_of(land: Land, rules: Rules = EASY) -> CaseDesk:
    """The children's desk of Yokohama, with the country's own layouts."""
    files = {each.id: Names(each.ja, each.en) for each in pack().files}
    desk: CaseDesk = land.yokohama.case_desk(CHILDREN, Layouts(pack().layouts), files, SITE, rules)
    return desk


def _id(j: int) -> bytes:
    return b"person-%09d" % j


def _days(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def words(values: Sequence[Any]) -> str:
    """All that a reading shows, as one text."""
    return repr(values)
