"""Markup in every field that the law, an agency, a clerk, a relying party or the commission can fill: letters on every
page of the three sites, in Chromium, whose own defence (the policy) has nothing to say.

The law of this country has the attack in every text; staff, units, applications, reasons, answers and records have it
too. The table at the end says which fields must have been seen as letters, so that no field is tested by not being
shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route

from console_land import DAY_MS, STOP_ROW, People
from desk_land import DeskLand
from desk_pages import Terminal
from e2e.chromium import require
from gazette_country import altered
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.contracts.ministry import PROPOSE, Draft
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.country import COMMISSION, MINISTRY
from kakine.parties.commission.bureau.acts import What
from kakine.parties.gateway.desk import case_store, complaints, people
from kakine.parties.gateway.desk.people_store import Role
from kakine.parties.portal.login.http import COOKIE
from kakine.protocols.gazette_pack import Pack
from kakine.values.labels import DomainName, PartyName
from kakine.web.staff_store import Member
from kakine.wire import gazette as wire
from kakine.wire.decision import LatestAllowed
from kakine.wire.objection import Outcome
from login_site import BIRTHS, ISSUER, http
from web.kit import Plain, chromium
from web.portal_site import PortalLand

import land as lands
from land import CHILDREN, KOSEKI, TAX, TAX_ROW, ref

MARKUP = "'\"><xss-mark><img src=x onerror=run()><script>run()</script>{{7*7}}"
SHORT = '"><xss-mark onclick=run()>'
CONSOLE = "http://localhost:8483"


def tagged(name: str) -> str:
    """The attack, and by which field it came."""
    return f"§{name}§{MARKUP}"


def brief(name: str) -> str:
    """The same for fields that take forty letters."""
    return f"§{name}§{SHORT}"


def evil(pack: Pack) -> Pack:
    """The law with the attack in every text that is no id."""
    replaced = msgspec.structs.replace
    names = {
        "types": ("ja", "en"),
        "items": ("ja", "en"),
        "parties": ("ja", "en"),
        "grounds": ("ja", "en", "article"),
        "sealings": ("ja", "en", "article"),
        "clients": ("ja", "en"),
    }
    changed = {
        kind: [
            replaced(each, **{name: tagged(f"{kind}-{name}") for name in texts})
            for each in getattr(pack, kind)
        ]
        for kind, texts in names.items()
    }
    texts = ("law_ja", "law_en", "article", "ja", "en")
    procedures = {
        path: replaced(each, **{name: tagged(f"procedure-{name}") for name in texts})
        for path, each in pack.procedures.items()
    }
    return replace(pack, **changed, procedures=procedures)


@dataclass
class Screen:
    """Chromium before applications in this process: every request of a page is answered by one of them, with the
    cookie of a session that is logged in already. What was seen is kept."""

    page: Page
    other: ThreadPoolExecutor
    plain: Plain | None = None
    seen: set[str] = field(default_factory=set)
    looked: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(cls, browser: Browser) -> Iterator[Screen]:
        with ThreadPoolExecutor(1) as other, browser.new_context() as context:
            page = context.new_page()
            found = cls(page, other)
            page.add_init_script(WATCH)
            page.route(re.compile(".*"), found._answer)
            page.on("console", lambda said: found.looked.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: found.looked.append(error.message))
            page.on("dialog", lambda dialog: found.looked.append(dialog.message))
            yield found
            page.unroute_all(behavior="wait")

    def run(self, work: Any, *given: Any) -> Any:
        """In another thread: Playwright has a loop in this one."""
        return self.other.submit(work, *given).result()

    def look(self, plain: Plain, paths: Sequence[str]) -> None:
        """Open each page as this browser's person, and find nothing in it but letters."""
        self.plain = plain
        for path in paths:
            self.page.goto(plain.origin + path)
            if path.endswith("/history"):
                self.page.wait_for_selector(".history-verdict")
                for each in self.page.locator(".history-lines summary").all():
                    each.click()
            told = self.page.evaluate(LOOK)
            assert told["status"], path
            assert told["made"] == [], (path, told["made"])
            assert told["foreign"] == [], (path, told["foreign"])
            assert (told["ran"], told["broken"], self.looked) == (0, [], []), path
            self.seen |= set(re.findall("§([^§<>\"']+)§", told["text"]))

    def _answer(self, route: Route) -> None:
        asked, plain = route.request, self.plain
        assert plain is not None
        at = urlsplit(asked.url)
        if f"{at.scheme}://{at.netloc}" != plain.origin:
            self.looked.append(f"asked {asked.url}")
            route.abort()
            return
        sent = {name: value for name, value in asked.all_headers().items() if not name.startswith(":")}
        headers = {**sent, "host": at.netloc, "cookie": plain.cookie}
        body = asked.post_data_buffer or b""
        answer = self.run(plain.run, http(plain.app, asked.method, asked.url, headers, body))
        told = {name: ", ".join(values) for name, values in answer.headers.items() if name != "set-cookie"}
        route.fulfill(status=answer.status, headers=told, body=answer.body)


WATCH = """window.ran = 0; window.run = () => { window.ran += 1; }; window.broken = [];
document.addEventListener("securitypolicyviolation", (each) => window.broken.push(each.violatedDirective));"""

LOOK = """() => {
    const all = [...document.querySelectorAll("*")];
    const hidden = all.flatMap((each) => [...each.attributes]).map((each) => each.value);
    return {
        status: document.querySelector("h1") !== null,
        made: all.filter((each) => ["xss-mark", "img", "iframe", "object", "embed", "base"].includes(each.localName))
            .map((each) => each.outerHTML.slice(0, 80)),
        foreign: all.filter((each) => each.getAttributeNames().some((name) => name.startsWith("on"))
            || (each.localName === "script" && (each.textContent !== "" || !each.src.startsWith(location.origin)))
            || (each.localName === "style") || /^\\s*javascript:/i.test(each.getAttribute("href") ?? ""))
            .map((each) => each.outerHTML.slice(0, 80)),
        ran: window.ran, broken: window.broken,
        text: document.documentElement.textContent + hidden.join("\\n"),
    };
}"""


# --- three sites full of it -----------------------------------------------------------------------------------------


@dataclass
class Sites:
    """Who sees which pages."""

    browser: Browser
    views: list[tuple[str, Plain, list[str]]]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    require()
    folder = tmp_path_factory.mktemp("markup")
    plain = lands.pack()
    lands._PACK[:] = [evil(plain)]
    try:
        with ExitStack() as open_:
            portal = open_.enter_context(PortalLand.opened(folder / "portal"))
            desk = Terminal(open_.enter_context(DeskLand.founded(folder / "desk")))
            views = [*_portal(portal), *_console(portal), *_desk(desk)]
            yield Sites(open_.enter_context(chromium()), views)
    finally:
        lands._PACK[:] = [plain]


def _portal(portal: PortalLand) -> list[tuple[str, Plain, list[str]]]:
    land, run = portal.site.land, portal.site.run
    for domain in (CHILDREN, TAX):
        _known(portal, domain)
    run(land.put_tax(range(1)))
    run(land.ask(0, official=brief("official")[:40], unit=tagged("unit")[:80]))
    shop = LatestAllowed(b"g" * 16, tagged("shop")[:80], ("name",), tagged("purpose")[:80], 1_900_000_000_000)
    run(land.country.portal.decide(ref(0), shop))
    stop = Narrow([Stop("domain", str(KOSEKI))], [], tagged("stop-ja"), tagged("stop-en"))
    run(land.country.peers("commission").ask(COMMISSION, SUSPEND, stop))
    run(land.country.refresh())
    run(land.country.index())
    run(land.country.have_witnessed())
    rooms = ["/", "/history", "/decisions", "/ways", "/letters", "/coverage", "/help", "/again"]
    every = [prefix + room if room != "/" else prefix or "/" for prefix in ("", "/en") for room in rooms]
    stranger = ["/", "/coverage", "/help"]
    return [("portal", portal.entered(0), every), ("portal", portal.browser(), stranger), *_login(portal)]


def _login(portal: PortalLand) -> list[tuple[str, Plain, list[str]]]:
    """The pages of a login for a relying party: choosing a way in, and saying yes."""
    site = portal.site
    party = site.party()
    choosing = {"client_id": party.id, "request_uri": party.pushed("openid name")}
    known = site.known(0, party, "openid name")
    return [
        ("login", Plain(site.app, ISSUER, site.run), ["/authorize?" + urlencode(choosing)]),
        ("login", Plain(site.app, ISSUER, site.run, f"{COOKIE}={known.cookie}"), ["/consent", "/en/consent"]),
    ]


def _known(portal: PortalLand, domain: DomainName) -> None:
    land = portal.site.land
    asked = Acquire(domain, [Wanted(ref(0), ByNumber(portal.site.numbers[0], BIRTHS[0]))])
    got = land.run(land.country.peers(domain.party).ask(PartyName("registry"), ACQUIRE, asked))
    assert got.outcomes == ["delivered"]


def _console(portal: PortalLand) -> list[tuple[str, Plain, list[str]]]:
    land, run = portal.site.land, portal.site.run
    team = People.of(land)
    texts = {"reason_ja": tagged("act-ja"), "reason_en": tagged("act-en")}
    act = team.prepare(team.inspector, What.STOP, stops=STOP_ROW, **texts)
    draft = Draft(
        wire.encode(altered(team.law(), "rows", TAX_ROW, start=1)),
        land.clock() + 20 * DAY_MS,
        tagged("draft-ja"),
        tagged("draft-en"),
    )
    proposed = run(land.country.peers("ministry").ask(MINISTRY, PROPOSE, draft))
    team.sign(team.commissioner, team.prepare(team.officer, What.APPROVE, about=proposed.digest))
    run(land.country.refresh())
    enrol = team.prepare(team.officer, What.ENROL, name=brief("member"), role="inspector")
    team.sign(team.commissioner, enrol)
    run(land.country.commission.count())
    app = land.country.console_site(CONSOLE)

    def entered(member: Member) -> Plain:
        found = Plain(app, CONSOLE, run)
        found.get("/")
        assert found.send("/enter", code=team.code(member)).location == "/overview"
        return found

    rooms = ["overview", "gazette", "gazette/0", "gazette/1", "stops", "acts", f"acts/{act.hex()}"]
    rooms += ["assessments", "assessments/sapporo/local-tax", "counts", "supervision", "breaches"]
    rooms += ["people", "journal", "public"]
    every = [f"{prefix}/{room}" for prefix in ("", "/en") for room in rooms]
    return [
        ("console", entered(team.commissioner), every),
        ("console", Plain(app, CONSOLE, run), ["/", "/public"]),
    ]


def _desk(desk: Terminal) -> list[tuple[str, Plain, list[str]]]:
    land = desk.land
    land.run(people.add(land.desk, None, brief("clerk")[:40], brief("its-unit")[:40], Role.CLERK))
    hana = desk.logged_in(land.hana)
    number = desk.open(hana, 0, application=brief("application")[:40])
    chief = desk.logged_in(land.chief)
    chief.get("/room")
    assert chief.send(f"/room/{number}/decide", decision="let").status == 303
    desk.ask(hana, number)
    (inquiry,) = case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number)
    household = {"municipality": "141003", "state": "resident", "address": tagged("address")}
    given = {
        "layout": 1,
        "source": "yokohama/residents",
        "source_version": 1,
        "as_of_ms": 0,
        "expires_ms": 1 << 46,
    }
    data = msgspec.json.encode({"TK-0003": {**given, "data": household}})
    values = ("JO106.3", "yokohama/residents", data, inquiry.id)
    statement = "UPDATE desk_inquiry SET rows = ?, provider = ?, data = ? WHERE id = ?"
    land.run(land.desk.office.db.write(lambda db: db.execute(statement, values) and None))
    own = ["/cases", f"/cases/{number}", f"/cases/{number}/answers/{inquiry.id.hex()}", f"/cases/{number}/print",
           "/journal"]  # fmt: skip
    texts = {"note": tagged("claim-note"), "official": tagged("claim-official")}
    id_ = land.claim(b"m" * 16, **texts, items=(brief("item")[:40],))
    land.claim(b"n" * 16, **texts)
    land.run(complaints.answer(land.desk, land.chief, (b"n" * 16).hex(), Outcome.KEPT, tagged("reply")))
    claims = [
        f"{prefix}/claims{each}"
        for prefix in ("", "/en")
        for each in ("", f"/{id_}", f"/{(b'n' * 16).hex()}")
    ]
    admin = desk.logged_in(land.admin)
    return [
        ("desk", hana, [prefix + path for prefix in ("", "/en") for path in own]),
        ("desk", chief, ["/room", "/journal", *claims]),
        ("desk", admin, ["/people", "/journal"]),
        ("desk", desk.browser(), ["/", "/enrol"]),
    ]


MUST_BE_SEEN = {
    "portal": {
        "parties-ja", "parties-en", "items-ja", "items-en", "grounds-ja", "grounds-en", "grounds-article", "types-ja",
        "types-en", "procedure-ja", "procedure-en", "procedure-law_ja", "procedure-law_en", "procedure-article",
        "official", "unit", "shop", "purpose", "stop-en", "draft-ja", "draft-en",
    },
    "login": {"clients-ja", "clients-en"},
    "console": {"stop-en", "draft-ja", "draft-en", "act-ja", "act-en", "member", "parties-ja"},
    "desk": {
        "claim-note", "claim-official", "item", "reply", "clerk", "its-unit", "application", "address",
        "procedure-ja", "procedure-en", "parties-ja", "items-ja",
    },
}  # fmt: skip


@pytest.mark.parametrize("site", MUST_BE_SEEN)
def test_markup_in_every_field_is_letters_on_every_page(sites: Sites, site: str) -> None:
    with Screen.of(sites.browser) as screen:
        for name, plain, paths in sites.views:
            if name == site:
                screen.look(plain, paths)
        assert MUST_BE_SEEN[site] - screen.seen == set()
