"""One call of a browser, and what answers it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kakine.values.problems import FormUnfit, InternalFault, SessionUnknown
from kakine.web import dates
from kakine.web.forms import Form
from kakine.web.headers import policy
from kakine.web.language import Language
from kakine.web.sessions import Session

if TYPE_CHECKING:
    from kakine.web.site import Site

T = TypeVar("T")

_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*\Z")
"""A path on this very site: ASCII, no second slash that would make it another host's, no backslash."""


class Turn(Generic[T]):
    """What a handler gets. `here` is the page without the language, `form` and `body` what was sent (POST only)."""

    def __init__(self, site: Site[T], request: Request, language: Language, here: str) -> None:
        self.site = site
        self.request = request
        self.language = language
        self.here = here
        self.form = Form([])
        self.body = b""
        self._name = request.cookies.get(site.cookie)
        self._session: Session[T] | None = None
        self._changed = False
        if self._name is not None:
            try:
                self._session = site.sessions.find(self._name)
            except SessionUnknown:
                self._name = None

    @property
    def param(self) -> dict[str, str]:
        """Parts of the path, and nothing else: no value of a query string decides anything."""
        return {name: str(value) for name, value in self.request.path_params.items()}

    # --- who it is ---

    @property
    def who(self) -> T:
        """Raises `SessionUnknown` while nobody has said who they are."""
        if self._session is None or self._session.value is None:
            raise SessionUnknown()
        return self._session.value

    @property
    def known(self) -> bool:
        """Whether somebody is logged in."""
        return self._session is not None and self._session.value is not None

    @property
    def note(self) -> str:
        """What the site has noted in this session; "" without one."""
        return self._session.note if self._session is not None else ""

    @note.setter
    def note(self, value: str) -> None:
        self.token()
        assert self._session is not None  # noqa: S101 - `token` has begun one
        self._session.note = value

    def admit(self, value: T) -> None:
        """The person is known now, or known better: the session gets a new name."""
        self._name, self._session = self.site.sessions.admit(self._name, value)
        self._changed = True

    def leave(self) -> T | None:
        """The session is over; whose it was."""
        gone = self.site.sessions.end(self._name) if self._name is not None else None
        self._name, self._session, self._changed = None, None, True
        return gone

    # --- forms ---

    def token(self) -> str:
        """What each form of this session carries; begins a session where there is none."""
        if self._session is None:
            self._name, self._session = self.site.sessions.begin()
            self._changed = True
        return self._session.token

    def require_token(self, shown: str) -> None:
        """Raises `SessionUnknown` where no session is, `FormUnfit` for another one's token."""
        if self._session is None:
            raise SessionUnknown()
        if not hmac.compare_digest(shown.encode(), self._session.token.encode()):
            raise FormUnfit(field="token")

    def spend(self, form: str) -> None:
        """Raises `FormSpent` for a form that was sent before, `FormUnfit` for one without its number."""
        if self._session is None:
            raise SessionUnknown()
        if not re.fullmatch(r"[0-9a-f]{32}", form):
            raise FormUnfit(field="once")
        self._session.spend(form)

    # --- answers ---

    def page(
        self,
        template: str,
        status: int = 200,
        *,
        connect: Sequence[str] = (),
        then: Sequence[str] = (),
        **values: Any,
    ) -> Response:
        """A page; `connect` and `then` as in `headers.policy`."""
        text = self.site.templates[self.language].get_template(template).render(self._context() | values)
        if not self.site.away.startswith("/"):
            parts = urlsplit(self.site.away)
            then = (*then, f"{parts.scheme}://{parts.netloc}")
        told = {"Content-Security-Policy": policy(connect, then)}
        return Response(text, status, told, "text/html; charset=utf-8")

    def go(self, path: str) -> Response:
        """See the page at a path of this site. Raises `InternalFault` for any other address."""
        if not _LOCAL.match(path):
            raise InternalFault()
        return RedirectResponse(self.language.path(path), 303)

    def json(self, value: Any, status: int = 200) -> Response:
        """For a script of ours."""
        return Response(msgspec.json.encode(value), status, media_type="application/json")

    def _context(self) -> dict[str, Any]:
        language = self.language
        return self.site.shared | {
            "turn": self,
            "language": language,
            "languages": tuple(Language),
            "here": quote(self.here) if self.request.method in ("GET", "HEAD") else "/",
            "known": self.known,
            "away": self.site.away,
            "link": language.path,
            "asset": self.site.assets.url,
            "integrity": self.site.assets.integrity,
            "modules": self.site.assets.modules,
            "token": self.token,
            "once": lambda: self.site.entropy(16).hex(),
            "either": lambda ja, en: en if language is Language.EN else ja,
            "day": partial(dates.day, language=language),
            "moment": partial(dates.moment, language=language),
            "month": partial(dates.month_text, language=language),
        }

    def finish(self, answer: Response) -> Response:
        """The cookie, where it has changed."""
        if not self._changed:
            return answer
        if self._name is None:
            answer.delete_cookie(
                self.site.cookie, path="/", secure=self.site.tls, httponly=True, samesite="strict"
            )
        else:
            answer.set_cookie(
                self.site.cookie, self._name, path="/", secure=self.site.tls, httponly=True, samesite="strict"
            )
        return answer
