"""A site: routes, and the guard before each of them.

Every route is closed unless it says that it is open: who has not said who they are gets no further. What changes
anything is a POST, comes from our own page, carries the session's token, and counts once.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kakine.runtime.http import problem_response
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import HostRefused, InternalFault, Problem, RouteUnknown, SessionUnknown
from kakine.web.forms import body_of, form_of, require_own_page
from kakine.web.headers import secure
from kakine.web.language import Language, language_of
from kakine.web.pages import Assets, environments
from kakine.web.refusals import Words, refusal
from kakine.web.sessions import Sessions
from kakine.web.turn import Turn

log = logging.getLogger("kakine")

T = TypeVar("T")
Handler = Callable[[Turn[T]], Awaitable[Response]]

MOST = 65_536
"""Bytes of a body where a route names no other limit."""


@dataclass(frozen=True)
class Settings:
    """`origin` is the one address of the site (scheme, host, port); `cookie` the name of its only cookie, which differs
    between sites, since ports do not keep cookies apart. `away` is where a quick exit leads; "" for an empty page."""

    origin: str
    cookie: str
    clock: Clock
    entropy: Entropy
    away: str = ""


class Site(Generic[T]):
    """One site with an origin of its own. `package` holds `templates/`, `words/` and, where wanted, `static/`;
    `layout` is the template that pages of refusals extend. `stands` raises `SessionUnknown` when somebody logged in
    no longer counts; `left` hears who has logged out; `shared` is what every template gets."""

    layout = "layout.html"

    def __init__(
        self,
        package: str,
        settings: Settings,
        sessions: Sessions[T],
        *,
        assets: Mapping[str, bytes] | None = None,
        words: Mapping[str, Words] | None = None,
        shared: Mapping[str, object] | None = None,
        stands: Callable[[T], None] = lambda _: None,
        left: Callable[[T], None] = lambda _: None,
    ) -> None:
        self.origin = settings.origin
        self.clock, self.entropy = settings.clock, settings.entropy
        self.tls = settings.origin.startswith("https:")
        self.cookie = f"__Host-{settings.cookie}" if self.tls else settings.cookie
        self.away = settings.away or "/memo"
        self.sessions = sessions
        self.templates = environments(package)
        self.assets = Assets(package, assets or {})
        self._host = urlsplit(settings.origin).netloc
        self.shared = dict(shared or {})
        self._words = dict(words or {})
        self._stands, self.left = stands, left
        self._routes: list[BaseRoute] = []
        self.post("/leave", _leave, open=True, once=False)
        self._add("/away", self._from_here(_away), "POST")
        self.get("/memo", _memo, open=True)

    # --- routes ---

    def get(self, path: str, handler: Handler[T], *, open: bool = False) -> None:
        """A page. A closed one sends whoever is not logged in to the first page."""

        async def serve(turn: Turn[T]) -> Response:
            if not open:
                try:
                    self._stands(turn.who)
                except SessionUnknown:
                    return turn.go("/")
            return await handler(turn)

        self._add(path, serve, "GET")

    def post(
        self,
        path: str,
        handler: Handler[T],
        *,
        open: bool = False,
        once: bool = True,
        limit: int = MOST,
    ) -> None:
        """A form of `ui.form`. `once=False` is for what may happen twice without harm."""

        async def serve(turn: Turn[T]) -> Response:
            require_own_page(turn.request, self.origin)
            turn.form = form_of(turn.request, await body_of(turn.request, limit))
            turn.require_token(turn.form.one("token"))
            if not open:
                self._stands(turn.who)
            if once:
                turn.spend(turn.form.one("once"))
            return await handler(turn)

        self._add(path, serve, "POST")

    def call(
        self,
        path: str,
        handler: Handler[T],
        *,
        open: bool = False,
        limit: int = MOST,
    ) -> None:
        """A POST of a script of ours: token in the header `X-Kakine-Token`, any body, refusals as RFC 9457."""

        async def serve(turn: Turn[T]) -> Response:
            turn.request.scope["kakine.script"] = True
            require_own_page(turn.request, self.origin)
            turn.body = await body_of(turn.request, limit)
            turn.require_token(turn.request.headers.get("x-kakine-token", ""))
            if not open:
                self._stands(turn.who)
            return await handler(turn)

        self._add(path, serve, "POST")

    def _from_here(self, handler: Handler[T]) -> Handler[T]:
        async def serve(turn: Turn[T]) -> Response:
            # No token: whose session is over must get away too. Another site's form is stopped by its origin.
            require_own_page(turn.request, self.origin)
            return await handler(turn)

        return serve

    def _add(self, path: str, serve: Handler[T], method: str) -> None:
        for language in Language:
            self._routes.append(Route(language.path(path), self._guarded(serve), methods=[method]))

    def _guarded(self, serve: Handler[T]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            turn = Turn(self, request, *language_of(request.scope["path"]))
            try:
                return turn.finish(await serve(turn))
            except Problem as problem:
                return turn.finish(refusal(turn, problem, self._words))
            except Exception as fault:  # noqa: BLE001 - the border: a fault must not show its text to the caller
                # Only class and route: an address could hold a value of somebody.
                log.error("fault", extra={"site": self.cookie, "fault": type(fault).__name__})
                return turn.finish(refusal(turn, InternalFault(), self._words))

        return answer

    # --- serving ---

    def app(self, others: Sequence[BaseRoute] = ()) -> ASGIApp:
        """The ASGI application. `others` are routes of another protocol at the same origin, which look after their own
        answers; all get the headers that they do not set."""

        async def files(turn: Turn[T]) -> Response:
            return self.assets.answer(turn.request.scope["path"])

        async def unknown(turn: Turn[T]) -> Response:
            raise RouteUnknown()

        rest = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        routes = [
            *self._routes,
            *others,
            Route("/static/{rest:path}", self._guarded(files)),
            Route("/{rest:path}", self._guarded(unknown), methods=rest),
        ]
        inner = Starlette(routes=routes)
        inner.router.redirect_slashes = False
        return Guard(inner, self._host, tls=self.tls)


class Guard:
    """Before the routes: the host (against rebinding of names, and links made of another host's name); behind them: the
    headers."""

    def __init__(self, app: ASGIApp, host: str, *, tls: bool) -> None:
        self._app, self._host, self._tls = app, host.encode(), tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(MutableHeaders(scope=message), tls=self._tls)
            await send(message)

        if scope["type"] != "http":
            return
        named = [value for name, value in scope["headers"] if name == b"host"]
        if named != [self._host]:
            await problem_response(HostRefused())(scope, receive, sending)
            return
        await self._app(scope, receive, sending)


async def _leave(turn: Turn[T]) -> Response:
    _gone(turn)
    return _emptied(turn.go("/"))


async def _away(turn: Turn[T]) -> Response:
    _gone(turn)
    answer = turn.go("/memo")
    if not turn.site.away.startswith("/"):
        answer.headers["location"] = turn.site.away
    return _emptied(answer)


def _gone(turn: Turn[T]) -> None:
    gone = turn.leave()
    if gone is not None:
        turn.site.left(gone)


def _emptied(answer: Response) -> Response:
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


async def _memo(turn: Turn[T]) -> Response:
    return turn.page("web/away.html")
