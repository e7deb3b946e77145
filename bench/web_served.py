"""The three sites of one country on loopback ports, and the floors beside them, for `bench/web_pages.py`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console_land import People
from desk_land import PASSPHRASE, SAPPORO, DeskLand
from kakine.cli.at_work import at_work
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.crypto.passkeys import Site as PasskeySite
from kakine.parties.gateway.desk_site import site as desk_site
from kakine.parties.portal.site.routes import ROOMS
from kakine.runtime.listening import listen, port_of
from kakine.runtime.plain import config
from kakine.values.labels import PartyName
from login_site import BIRTHS
from web.portal_site import PortalLand
from web_load import NAME, Times

from land import CHILDREN, KOSEKI, TAX, Land, ref

STAFF_ROOMS = (
    "/overview", "/gazette", "/stops", "/acts", "/assessments", "/counts", "/supervision", "/breaches", "/people",
    "/journal", "/public",
)  # fmt: skip
STATIC, JINJA = "floor: static page", "floor: Jinja page"
KNOWN = 4
"""Persons 0 to 3 are known to the agencies, have tax records, and applied for something."""
_JINJA = Environment(autoescape=True).from_string(
    "<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1><table>"
    "{% for name, value in rows %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>"
)


@dataclass
class Timed:
    """An application, and how long each call that names its room was inside it; milliseconds."""

    app: ASGIApp
    times: Times = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope.get("headers", ())).get(NAME.encode())
        if named is None:
            await self.app(scope, receive, send)
            return
        last = 0.0

        async def sending(message: Message) -> None:
            nonlocal last
            last = time.perf_counter()
            await send(message)

        began = time.perf_counter()
        await self.app(scope, receive, sending)
        self.times.setdefault(named.decode(), []).append((last - began) * 1000)


@dataclass
class Sites:
    """What a reader needs to come in, for each kind of reader, and where the time is noted."""

    land: Land
    portal: str
    size: int
    readers: list[dict[str, Any]]
    spare: list[str]
    timed: list[Timed]

    def times(self) -> Times:
        """By room since the last call."""
        found: Times = {}
        for each in self.timed:
            found |= each.times
            each.times = {}
        return found


def floors(size: int) -> ASGIApp:
    """A static page of this size; a Jinja page of about this size, rendered anew at each call."""
    text = b"<!doctype html>" + b"x" * (size - 15)

    async def static(_: Request) -> Response:
        return Response(text, media_type="text/html")

    async def jinja(_: Request) -> Response:
        rows = [(f"name {n}", "v" * 80) for n in range(size // 115)]
        return Response(_JINJA.render(title="floor", rows=rows), media_type="text/html")

    return Starlette(routes=[Route("/static", static), Route("/jinja", jinja)])


def known(portal: PortalLand) -> None:
    """Persons 0 to 3 at the agencies of the desk."""
    site = portal.site
    for domain, people in ((CHILDREN, KNOWN), (KOSEKI, KNOWN), (TAX, KNOWN), (SAPPORO, KNOWN)):
        wanted = [Wanted(ref(j), ByNumber(site.numbers[j], BIRTHS[j % 4])) for j in range(people)]
        asked = site.land.country.peers(domain.party).ask(
            PartyName("registry"), ACQUIRE, Acquire(domain, wanted)
        )
        assert set(site.run(asked).outcomes) == {"delivered"}


def desk(land: Land, origin: str) -> tuple[ASGIApp, dict[str, Any]]:
    """The children's desk, and a clerk with a case that has an answer."""
    made = DeskLand.staffed(land)
    made.desk.site = PasskeySite(origin, "localhost")
    made.shift_of(made.hana)
    case = made.open(made.hana, 0)
    answer = made.ask(made.hana, case.number)
    paths = ("/cases", f"/cases/{case.number}", f"/cases/{case.number}/answers/{answer.id.hex()}")
    names = ("desk /cases", "desk /cases/…", "desk /cases/…/answers/…")
    (code,) = made.many_codes(made.hana, 1)
    who = {
        "origin": origin,
        "enter": "/login/code",
        "fields": {"code": code, "passphrase": PASSPHRASE},
        "rooms": dict(zip(names, (origin + each for each in paths), strict=True)),
    }
    return desk_site(made.desk).app(), who


def console(land: Land, origin: str) -> tuple[ASGIApp, dict[str, Any]]:
    """The commission's console, and a member who looks into every room."""
    people = People.of(land)
    land.run(land.country.commission.count())
    return land.country.console_site(origin), {
        "origin": origin,
        "enter": "/enter",
        "fields": {"code": people.code(people.observer)},
        "rooms": {f"console {path}": origin + path for path in STAFF_ROOMS},
    }


@contextmanager
def listening(land: Land, apps: Sequence[ASGIApp], sockets: Sequence[Any]) -> Iterator[None]:
    """All applications on the country's one loop, in a thread, with what `kakine serve sites` does meanwhile."""
    servers = [uvicorn.Server(config(app, log_level="error")) for app in apps]

    async def serve() -> None:
        async with at_work(land.country):
            await asyncio.gather(
                *(server.serve(sockets=[at]) for server, at in zip(servers, sockets, strict=True))
            )

    thread = threading.Thread(target=lambda: land.run(serve()))
    thread.start()
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()


@contextmanager
def served(folder: Path, residents: int, papers: int) -> Iterator[Sites]:
    """A country of so many residents, its sites listening until the end; `papers` are further ones of person 0."""
    sockets = [listen(0) for _ in range(4)]
    at = [f"http://localhost:{port_of(each)}" for each in sockets]
    with PortalLand.opened(folder, at[0], people=residents) as portal:
        land = portal.site.land
        known(portal)
        desk_app, clerk = desk(land, at[1])
        console_app, member = console(land, at[2])
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        size = len(portal.entered(0).get("/").body)
        rooms = {f"portal {path}": at[0] + path for path, _, _ in ROOMS}
        rooms |= {STATIC: f"{at[3]}/static", JINJA: f"{at[3]}/jinja"}
        readers = [
            {
                "origin": at[0],
                "enter": "/enter/paper",
                "fields": {"code": portal.site.paper(j)},
                "rooms": rooms,
            }
            for j in range(residents)
        ]
        spare = [portal.site.paper(0) for _ in range(papers)]
        timed = [Timed(app) for app in (portal.app, desk_app, console_app, floors(size))]
        with listening(land, timed, sockets):
            yield Sites(land, at[0], size, [*readers, clerk, member], spare, timed)
