"""The process of one party: law, lists, party, ready; then calls and chores until it is told to stop.

It listens first and answers `party-starting`, since parties wait for each other: for the law on the commission, for the
lists on the authority. What anybody may ask, those two answer before they know whose certificate stands; so a whole
country can be started in any order.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from socket import socket as Socket
from typing import Any, TypeVar

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from kakine.clients.gazette import Sources, nothing_seen, refresh
from kakine.clients.standing import PublishedStatus
from kakine.contracts.authority import CERTIFY_PARTY, LIST, LISTS, ROOTS, STEPS, CertifyParty
from kakine.contracts.call import Role
from kakine.contracts.commission import CURRENT
from kakine.crypto import files, x509_issue
from kakine.crypto.keys import generate
from kakine.process.checks import own_of, require, require_addresses
from kakine.process.restoring import mark
from kakine.process.settings import Kind, Settings, read
from kakine.process.telling import Figures, admin
from kakine.protocols.gazette import LawBook
from kakine.runtime import gathering
from kakine.runtime.border import Border, BorderServer, Quiet
from kakine.runtime.database import Database, replica_of
from kakine.runtime.footing import HOUR, MINUTE, SECOND, Footing, Site, Working
from kakine.runtime.http import Peers, problem_response
from kakine.runtime.identity import Identity
from kakine.runtime.listening import bind, listen, port_of
from kakine.runtime.network import NetworkRoad
from kakine.runtime.openapi import encoded
from kakine.runtime.plain import config
from kakine.runtime.schedule import Chore, Done, Schedule
from kakine.runtime.tls import Credentials
from kakine.values.certificates import Algorithm, Use
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    NoLawInForce,
    PartyStarting,
    PartyUnavailable,
    Problem,
    StatusListStale,
    StatusListUnknown,
    Suspended,
)

log = logging.getLogger("kakine")

PUBLIC = frozenset(each.path for each in (CURRENT, ROOTS, LISTS, LIST, STEPS))
"""What is answered to any party before certificates can be looked up, and asked of any."""
EARLY = (Kind.COMMISSION, Kind.AUTHORITY)
"""Who answers these."""
WAITS = (
    CallerNotAllowed,
    NoLawInForce,
    PartyStarting,
    PartyUnavailable,
    StatusListStale,
    StatusListUnknown,
    Suspended,
)
"""Ends of an attempt at a start that another attempt may not have: somebody else is not there yet."""
AGAIN_S = 0.2

T = TypeVar("T")


def clock() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def steady() -> int:
    """Milliseconds by a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


async def run(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Calls under way are finished, the store is closed. Raises `SettingsRefused` before any
    socket is opened, `PortTaken`, what the party refuses to start with, and `StoreFailed` where a store was given up
    that must be opened anew."""
    require(settings, clock)
    await Process(settings).run()


class Process:
    """One party at work."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._start, self._own = own_of(settings)
        self._name = settings.name
        self._authority, self._commission = (
            PartyName(settings.country.authority),
            PartyName(settings.country.commission),
        )
        self._credentials = Credentials(self._name, settings.files, clock)
        self._road = NetworkRoad(self._credentials, settings.roads(), clock, PUBLIC)
        self._peers = Peers(self._road)
        self._book = LawBook(settings.anchors)
        self._logs = settings.logs()
        self._figures = Figures(self._name)
        self._border = Border(clock, None, None, settings.only(), PUBLIC, self._figures.called)
        self._figures.under_way.set_function(lambda: self._border.under_way)
        self._standing = PublishedStatus(self._peers, self._authority, self._book, clock, Use.PARTY)
        self._working: Working | None = None
        self._ready = False
        self._stop, self._over = asyncio.Event(), asyncio.Event()
        self._stamp = 0, 0, 0
        self._alone = not replica_of(settings.folder / settings.database)
        self._calls = BorderServer(self._border, self._credentials.server)
        self._end_of_store: Problem | None = None
        self._serving: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """See `run`."""
        own, loop = self._settings.listen, asyncio.get_running_loop()
        # Parties wait for each other, so that each is heard early; a replica is called when it can answer.
        bound = (listen if self._alone else bind)(own.port, own.host)
        sockets = [listen(own.admin)]
        calls = partial(encoded, Role(self._settings.kind))
        servers: list[uvicorn.Server] = [_plain(admin(self._figures, self._is_ready, calls))]
        for door in own.doors:
            sockets.append(listen(door))
            servers.append(_plain(self._pages))
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(told, self._end)
        for server, at in zip(servers, sockets, strict=True):
            self._serve(server, at)
        if self._alone:
            self._serve(self._calls, bound)
        self._tell("listening", port=port_of(bound), admin=port_of(sockets[0]))
        if mark(self._settings.folder) is not None:
            self._figures.put_back.set(1)
            self._tell("put-back")
        try:
            await self._until_stopped(self._begin())
            if not self._alone and self._ready:
                self._serve(self._calls, bound)
            await self._schedule().run(self._over)
            await self._stop.wait()
        finally:
            self._ready = False
            for server in (self._calls, *servers):
                server.should_exit = True
            await asyncio.gather(*self._serving)
            bound.close()
            if self._working is not None:
                self._working.close()
            await self._road.close()
            self._tell("stopped")
        if self._end_of_store is not None:
            raise self._end_of_store

    def _serve(self, server: uvicorn.Server, at: Socket) -> None:
        self._serving.append(asyncio.create_task(server.serve(sockets=[at])))

    def _end(self) -> None:
        self._stop.set()
        self._over.set()

    def _is_ready(self) -> bool:
        store = self._working.store if self._working is not None else None
        return self._ready and (store is None or store.refusal is None)

    async def _look(self, store: Database) -> str:
        """Whether the store is still this process's to write into. Where it is not, every call is answered so, and a
        replica listens no more: callers have the others. What opening it anew cures ends the process as soon as the
        store can be reached, so that whoever watches over it starts it again. Otherwise nothing is done here any more:
        where another process has opened it, whoever started both decides which one ends."""
        try:
            await store.look()
        finally:
            if store.refusal is not None:
                self._border.app = problem_response(store.refusal)
                self._calls.should_exit |= not self._alone
                if not store.curable:
                    self._over.set()
        if store.curable:
            self._end_of_store = store.refusal
            self._end()
        return ""

    async def _pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The party's pages for people, while it is ready."""
        pages = self._working.pages if self._working is not None and self._is_ready() else None
        await (pages or problem_response(PartyStarting()))(scope, receive, send)

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        """A start is broken off when the process is told to stop."""
        started, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((started, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not started.done():
            started.cancel()
        try:
            await started
        except asyncio.CancelledError:
            return

    async def _begin(self) -> None:
        early = self._settings.kind in EARLY
        if early:
            await self._work()
        await self._patiently("law", self._law)
        if self._working is not None:
            await self._patiently("prepare", self._working.prepare)
        await self._patiently("status", self._status)
        # From here on callers and called alike must have a certificate that stands.
        self._border.standing = self._road.standing = self._standing
        if not early:
            await self._patiently("start", self._work)
        assert self._working is not None  # noqa: S101 - made above
        await self._patiently("begin", self._working.begin)
        gc.collect()
        gc.freeze()
        self._ready = True
        self._tell("ready")

    async def _patiently(self, step: str, work: Callable[[], Awaitable[Any]]) -> None:
        said = ""
        while True:
            try:
                await work()
                return
            except WAITS as problem:
                if problem.code != said:
                    self._tell("waiting", step=step, code=(said := problem.code))
                await asyncio.sleep(AGAIN_S)

    async def _work(self) -> None:
        settings = self._settings
        seed = (settings.folder / settings.keys.seed).read_bytes()
        footing = Footing(
            settings.folder / settings.database,
            Identity.from_seed(self._name, seed),
            self._book,
            self._logs,
            self._peers,
            clock,
            secrets.token_bytes,
            settings.converters,
        )
        working: Working = await self._start.work(footing, self._own, Site(settings.folder, self._road.send))
        self._working, self._border.app = working, working.app()
        if working.faults is not None:
            self._figures.audits(working.faults)
        routes = getattr(self._border.app, "routes", ())
        self._figures.paths = {gathering.PATH, *(getattr(each, "path", "") for each in routes)}

    async def _law(self) -> None:
        believe = self._working.believe if self._working is not None else None
        sources = Sources(self._commission, self._logs, believe or nothing_seen)
        await refresh(self._book, self._peers, sources, clock)

    async def _status(self) -> None:
        """The lists, and that the own certificate stands."""
        await self._standing.refresh()
        self._standing.still(self._credentials.certificate, clock())

    async def _renew(self) -> str:
        """A certificate of the second half of its life is replaced, by one for a fresh key."""
        own = self._credentials.certificate
        if clock() // 1000 < (own.not_before + own.not_after) // 2:
            return ""
        await renew(self._settings, self._peers)
        self._credentials.renew()
        return "certificate"

    async def _reload(self) -> str:
        self._figures.certificate.set(self._credentials.certificate.not_after)
        return "certificate" if self._credentials.renew() else ""

    async def _reread(self) -> str:
        """Addresses and callers that have changed in the settings file are those of the next call; everything else
        waits for a restart. What the checks refuse changes nothing."""
        if (stamp := stamp_of(self._settings.file)) == self._stamp:
            return ""
        self._stamp = stamp
        fresh, before = read(self._settings.file), self._settings
        if fresh == before:
            return ""
        require_addresses(fresh, clock)
        after = msgspec.structs.replace(before, addresses=fresh.addresses, callers=fresh.callers)
        self._road.readdress(after.roads())
        self._border.callers, self._settings = after.only(), after
        return "addresses" if fresh == after else "addresses; restart for the rest"

    def _schedule(self) -> Schedule:
        chores = [
            Chore("law", 5 * SECOND, partial(_silently, self._law), "law"),
            Chore("lists", MINUTE, partial(_silently, self._status), "lists"),
            Chore("certificate", SECOND, self._reload, "certificate"),
            Chore("settings", SECOND, self._reread, "settings"),
            Chore("renewal", HOUR, self._renew, "renewal"),
        ]
        own = self._working.chores if self._working is not None else ()
        store = self._working.store if self._working is not None else None
        if store is not None:
            chores.append(Chore("store", 3 * SECOND, partial(self._look, store), "store"))
        return Schedule([*chores, *own], steady, asyncio.sleep, self._done)

    def _done(self, done: Done) -> None:
        code = done.fault.code if done.fault else ""
        self._figures.did(done.name, code)
        self._tell("chore", chore=done.name, code=code, said=done.said)

    def _tell(self, event: str, **fields: str | int) -> None:
        log.info(event, extra={"party": str(self._name), **fields})


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Changes with the file; nothing of a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


async def _silently(work: Callable[[], Awaitable[None]]) -> str:
    await work()
    return ""


async def renew(settings: Settings, peers: Peers) -> None:
    """Another certificate, for a fresh key, in place of the one there is. Raises what the authority refuses."""
    key = generate(Algorithm.P_384)
    request = x509_issue.request(key, settings.name)
    authority = PartyName(settings.country.authority)
    given = await peers.ask(authority, CERTIFY_PARTY, CertifyParty(request))
    write_own(settings, x509_issue.key_pem(key), given.certificate)


def write_own(settings: Settings, key: bytes, certificate: bytes) -> None:
    """Key and certificate (DER) as one file of mode 600, in place of the one there is."""
    files.replace(settings.files.own, key + x509_issue.pem(certificate))


def _plain(app: ASGIApp) -> uvicorn.Server:
    """For this machine alone, without TLS."""
    return Quiet(config(app, log_config=None))
