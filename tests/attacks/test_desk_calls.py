"""The desk of an agency in the gateway's own process: who may say who works there, and what a process shows."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from desk_land import ORIGIN, PASSPHRASE, UNIT, DeskLand
from desk_pages import Terminal
from kakine.contracts import desk as calls
from kakine.parties.gateway.desk.journal import OPERATOR, latest
from kakine.parties.gateway.desk_site import site
from kakine.parties.gateway.start import Own
from kakine.process.running import Process
from kakine.process.settings import named
from kakine.runtime import asgi
from kakine.runtime.footing import Working
from kakine.runtime.http import problem_response
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    DomainNotRun,
    FormUnfit,
    PersonNotKnown,
    RouteUnknown,
    StoreInUse,
)
from kakine.web.hosts import by_host
from web.kit import Plain

from land import CHILDREN, TAX, ref

GATEWAY = PartyName("yokohama")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk-calls") / "land") as founded:
        founded.land.country.gateways[GATEWAY].desks[CHILDREN] = founded.desk
        yield founded


def told(land: DeskLand, call: Any, message: Any, caller: str = GATEWAY) -> Any:
    return land.run(land.land.country.peers(caller).ask(GATEWAY, call, message))


def messages(domain: str, official: str) -> list[tuple[Any, Any]]:
    return [
        (calls.DESK_STAFF_ADD, calls.Added(domain, "新人", UNIT, "clerk")),
        (calls.DESK_STAFF, calls.OfDesk(domain)),
        (calls.DESK_STAFF_CODE, calls.CodeFor(domain, official, "shift")),
        (calls.DESK_STAFF_STATE, calls.StateOf(domain, official, "locked")),
        (calls.DESK_STAFF_KIN, calls.KinOf(domain, official, [ref(0)])),
        (
            calls.DESK_APPLICATIONS,
            calls.Applications(domain, [calls.Application("Z-1", "JO106", 20_000, UNIT, [ref(0)])]),
        ),
    ]


def lines(land: DeskLand) -> int:
    return len(latest(land.desk.office.db.read(), CHILDREN, 1000))


def test_only_the_agency_itself_says_who_works_at_its_desk(land: DeskLand) -> None:
    before = lines(land)
    for call, message in messages(CHILDREN, land.hana.official):
        with pytest.raises(CallerNotAllowed):
            told(land, call, message, "sapporo")
    assert lines(land) == before
    assert "新人" not in {each.name for each in told(land, calls.DESK_STAFF, calls.OfDesk(CHILDREN)).people}


def test_a_desk_that_is_elsewhere_is_not_kept_from_here(land: DeskLand) -> None:
    """A process without the pages could not end a shift."""
    for call, message in messages(TAX, land.hana.official):
        with pytest.raises(DomainNotRun):
            told(land, call, message)


def test_whom_the_agency_adds_comes_in_and_stands_in_the_journal_as_added_by_the_operator(
    land: DeskLand,
) -> None:
    made = told(land, calls.DESK_STAFF_ADD, calls.Added(CHILDREN, "新人 花", UNIT, "clerk"))
    assert latest(land.desk.office.db.read(), CHILDREN, 1)[0].official == OPERATOR
    browser = Terminal(land).browser()
    browser.get("/enrol")
    assert browser.send("/enrol", code=made.code).location == "/enrol/way"
    browser.get("/enrol/way")
    browser.send("/enrol/passphrase", first=PASSPHRASE, second=PASSPHRASE)
    assert browser.get("/cases").status == 200
    told(land, calls.DESK_STAFF_STATE, calls.StateOf(CHILDREN, made.official, "locked"))
    assert browser.get("/cases").location == "/"
    with pytest.raises(FormUnfit):
        told(land, calls.DESK_STAFF_STATE, calls.StateOf(CHILDREN, made.official, "asleep"))


def test_applications_are_taken_all_or_none_and_of_known_people_alone(land: DeskLand) -> None:
    good = calls.Application("N-1", "JO106", 20_000, UNIT, [ref(1)])
    strange = msgspec.structs.replace(good, number="N-2", people=[b"nobody"])
    with pytest.raises(PersonNotKnown):
        told(land, calls.DESK_APPLICATIONS, calls.Applications(CHILDREN, [good, strange]))
    assert reported(land) == 0
    told(land, calls.DESK_APPLICATIONS, calls.Applications(CHILDREN, [good]))
    assert reported(land) == 1


def reported(land: DeskLand) -> int:
    asked = "SELECT count(*) FROM desk_application WHERE number LIKE 'N-%'"
    return int(land.desk.office.db.read().execute(asked).fetchone()[0])


def test_a_host_that_no_desk_has_is_shown_none(land: DeskLand) -> None:
    other = "http://localhost:8482"
    app = by_host({ORIGIN: site(land.desk).app(), other: problem_response(RouteUnknown())})
    assert Plain(app, ORIGIN, land.run).get("/").status == 200
    assert Plain(app, other, land.run).get("/").status == 404
    for host in ("evil.example", "localhost", "127.0.0.1:8481", ""):
        refused = Plain(app, ORIGIN, land.run).get("/", host=host)
        assert (refused.status, b"host-refused" in refused.body) == (421, True)
        assert "default-src 'none'" in refused.headers["content-security-policy"][0]


def test_a_process_whose_store_another_has_opened_shows_no_page(land: DeskLand) -> None:
    process: Any = object.__new__(Process)
    for refusal, status in ((None, 200), (StoreInUse(), 503)):
        store: Any = SimpleNamespace(refusal=refusal)
        process._ready = True
        process._working = Working(lambda: process, lambda: None, pages=site(land.desk).app(), store=store)
        answer = land.run(asgi.http(process._pages, "GET", "/", {"host": ORIGIN.partition("://")[2]}))
        assert answer.status == status


@pytest.mark.parametrize(
    "desks",
    [
        {"sapporo/tax": ORIGIN},
        {CHILDREN: "localhost:8481"},
        {CHILDREN: f"{ORIGIN}/"},
        {CHILDREN: "file://localhost"},
        {CHILDREN: ORIGIN, TAX: ORIGIN},
    ],
)
def test_a_desk_is_of_a_domain_that_is_run_here_and_at_an_address_of_its_own(desks: dict[str, str]) -> None:
    own = {"domains": [CHILDREN, TAX]}
    assert msgspec.convert(own | {"desks": {CHILDREN: ORIGIN}}, Own, dec_hook=named).domains[0] == DomainName(
        CHILDREN
    )
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(own | {"desks": desks}, Own, dec_hook=named)
