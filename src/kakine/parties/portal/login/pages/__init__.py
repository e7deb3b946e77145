"""Pages of the login: choose a way in, agree or not, see why something was refused; in three languages (spec/web.md
section 4). No script but our own file, nothing from anywhere else."""

from __future__ import annotations

from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from kakine.parties.portal.login import granting
from kakine.parties.portal.login.errors import NO_STORE
from kakine.parties.portal.login.office import Interaction, Office, Pushed
from kakine.protocols.logins import CARD, COUNTER, LINK, PASSKEY, SIGN, offered, paper_code
from kakine.protocols.mandates import NEVER
from kakine.values.problems import Problem, RouteUnknown
from kakine.web.headers import policy, secure
from kakine.web.language import Language, mark
from kakine.web.pages import HERE, environments
from kakine.wire.gazette import Client

_MEDIA = {"/login.js": "text/javascript", "/login.css": "text/css"}
SCOPES = {
    "name": (mark("氏名とふりがな"), "your name"),
    "address": (mark("住所"), "your address"),
    "birthdate": (mark("生年月日"), "your date of birth"),
    "gender": (mark("性別"), "your gender as registered"),
    "lives_in": (mark("住んでいる市区町村"), "the municipality you live in"),
    "over_18": (mark("18歳以上かどうか"), "whether you are 18 or older"),
    "over_20": (mark("20歳以上かどうか"), "whether you are 20 or older"),
    SIGN: (mark("取引の承認"), "that you approve this transaction"),
}
"""What is shown of each scope."""


class Pages:
    """The pages of one provider."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._templates = environments(__package__ or "")
        own = {path: files(__package__ or "").joinpath(path[1:]).read_bytes() for path in _MEDIA}
        look = [files(HERE).joinpath("static", name).read_bytes() for name in ("tokens.css", "site.css")]
        self._assets = own | {"/login.css": b"".join([*look, own["/login.css"]])}

    def _page(
        self, name: str, language: Language, here: str, status: int = 200, then: str = "", **values: Any
    ) -> Response:
        context = values | {
            "language": language,
            "languages": tuple(Language),
            "here": here,
            "either": lambda ja, en: en if language is Language.EN else ja,
        }
        text = self._templates[language].get_template(name).render(context)
        told = NO_STORE | {"Content-Security-Policy": policy([self._office.helper], [then] if then else [])}
        page = Response(text, status, told, "text/html")
        secure(page.headers, tls=self._office.issuer.startswith("https:"))
        return page

    def ways(self, client: Client, pushed: Pushed, language: Language) -> Response:
        """Choose a way in."""
        offered = {"card": CARD, "passkey": PASSKEY, "paper": COUNTER}
        shown = [name for name, acr in offered.items() if acr in pushed.ways]
        then = _origin(pushed.redirect)
        return self._page("ways.html", language, "/login", then=then, client=client, ways=shown)

    def consent(self, client: Client, interaction: Interaction, language: Language) -> Response:
        """See who asks for what, and say yes or no. Every optional item can be left out."""
        pushed = interaction.pushed
        never = NEVER if interaction.acting else frozenset[str]()
        later = None if interaction.acting else pushed.latest
        wanted = later.items if later else ()
        shown = offered(wanted, interaction.acr)
        once = offered(pushed.scopes, interaction.acr)
        asked = [(scope, SCOPES[scope][0], scope == SIGN) for scope in once if scope in SCOPES.keys() - never]
        choices = [
            (paper_code(each.number), each.called) for each in granting.choices(self._office, interaction)
        ]
        acting = paper_code(interaction.acting) if interaction.acting else ""
        return self._page(
            "consent.html",
            language,
            "/consent",
            then=_origin(pushed.redirect),
            client=client,
            scopes=asked,
            binds=interaction.acr == COUNTER and not interaction.acting,
            transaction=pushed.transaction.hex(),
            latest=later,
            later=[(item, SCOPES[item][0]) for item in shown],
            counter=(once, shown) != (pushed.scopes, wanted),
            link=LINK in pushed.scopes and not interaction.acting,
            spans=_spans(later.days) if later else [],
            choices=choices,
            acting=acting,
            called=dict(choices).get(acting, ""),
        )

    def refusal(self, problem: Problem, language: Language = Language.JA) -> Response:
        """Why it did not go on, by its code; in another language under an address that holds nothing but the code."""
        here = f"/login/refused/{problem.code}"
        return self._page("refused.html", language, here, problem.status, problem=problem)

    def said(self, problem: Problem) -> Response:
        """The same for our own script."""
        said = {"problem": problem.code, "title": problem.title}
        return Response(msgspec.json.encode(said), problem.status, NO_STORE, "application/json")

    def asset(self, path: str) -> Response:
        """Script or style."""
        if path not in _MEDIA:
            raise RouteUnknown()
        return Response(self._assets[path], media_type=_MEDIA[path])


def _spans(most: int) -> list[int]:
    """Numbers of days to choose from, the shortest first."""
    return [*(days for days in (30, 90, 180) if days < most), most]


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
