"""The login over HTTP: OAuth's endpoints for relying parties, pages for the browser of one person."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kakine.parties.portal.login import granting, latest, requests, ways
from kakine.parties.portal.login.errors import NO_STORE, challenge, refusal
from kakine.parties.portal.login.metadata import keys, metadata
from kakine.parties.portal.login.office import INTERACTION_MS, REQUEST_MS, TOKEN_MS, Office
from kakine.parties.portal.login.pages import Pages
from kakine.protocols.logins import paper_bytes
from kakine.values.problems import (
    BY_CODE,
    InteractionUnknown,
    InternalFault,
    LoginRequestMalformed,
    MessageTooLarge,
    OriginRefused,
    Problem,
    RouteUnknown,
)
from kakine.web.language import Language, language_of
from kakine.wire.canonical import UNDECODABLE, encode

log = logging.getLogger("kakine")

MOST = 16_384
"""Bytes of the longest body that is taken."""
COOKIE = "kakine-login"
_FORM = "application/x-www-form-urlencoded"

Serve = Callable[[Office, Request], Awaitable[Response]]
Refuse = Callable[[Problem], Response]


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise MessageTooLarge(limit=MOST)
    return body


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Parameters, none of them twice (RFC 6749 section 3.1)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LoginRequestMalformed(parameter="repeated")
    return found


def _parsed(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text.decode("ascii"), keep_blank_values=True, strict_parsing=bool(text), errors="strict"
        )
    except ValueError as fault:
        raise LoginRequestMalformed(parameter="form") from fault


async def _form(request: Request) -> list[tuple[str, str]]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise LoginRequestMalformed(parameter="content-type")
    return _parsed(await _body(request))


def _dpop(request: Request) -> str | None:
    values = request.headers.getlist("dpop")
    return values[0] if len(values) == 1 else ",".join(values) or None


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, NO_STORE, "application/json")


# --- for relying parties --------------------------------------------------------------------------------------


async def _discover(office: Office, request: Request) -> Response:
    return _json(metadata(office))


async def _jwks(office: Office, request: Request) -> Response:
    return _json(keys(office))


async def _par(office: Office, request: Request) -> Response:
    uri = requests.push(office, _once(await _form(request)), _dpop(request))
    return _json({"request_uri": uri, "expires_in": REQUEST_MS // 1000}, 201)


async def _token(office: Office, request: Request) -> Response:
    issued = granting.redeem(office, _once(await _form(request)), _dpop(request))
    return _json(
        {
            "access_token": issued.access,
            "token_type": "DPoP",
            "expires_in": TOKEN_MS // 1000,
            "id_token": issued.id_token,
            "scope": issued.scope,
            **issued.more,
        }
    )


async def _userinfo(office: Office, request: Request) -> Response:
    authorization = request.headers.get("authorization")
    return _json(granting.opened(office, authorization, _dpop(request), request.method))


async def _latest(office: Office, request: Request) -> Response:
    shown = await latest.show(office, _once(await _form(request)), _dpop(request))
    claims = granting.claims_of(shown.claims)
    return _json({"claims": claims, "latest_until": shown.until_ms // 1000})


# --- for the browser ------------------------------------------------------------------------------------------


def _language(request: Request) -> Language:
    """In which the page is: it stands in the path and nowhere else (spec/web.md section 4)."""
    return language_of(request.url.path)[0]


def _next(request: Request, path: str) -> str:
    """A page of ours in the same language."""
    return _language(request).path(path)


def _name(request: Request) -> str:
    """The interaction of this browser. What changes anything must come from our own page (Fetch: `Origin`)."""
    office: Office = request.app.state.office
    if request.method == "POST" and request.headers.get("origin") != office.issuer:
        raise OriginRefused()
    name = request.cookies.get(COOKIE)
    if name is None:
        raise InteractionUnknown()
    return name


def _remember(office: Office, response: Response, name: str) -> Response:
    response.set_cookie(
        COOKIE,
        name,
        max_age=INTERACTION_MS // 1000,
        path="/",
        secure=office.issuer.startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    return response


async def _authorize(office: Office, request: Request) -> Response:
    query = _once(_parsed(request.scope["query_string"]))
    name, client = requests.begin(office, query)
    page = request.app.state.pages.ways(client, office.interactions.get(name).pushed, _language(request))
    return _remember(office, page, name)


async def _ways(office: Office, request: Request) -> Response:
    """The same of a login under way, in another language."""
    interaction = office.interactions.get(_name(request))
    if interaction.account is not None:
        return RedirectResponse(_next(request, "/consent"), 303, NO_STORE)
    client = office.client(interaction.pushed.client)
    page: Response = request.app.state.pages.ways(client, interaction.pushed, _language(request))
    return page


async def _refused(office: Office, request: Request) -> Response:
    """A refusal in another language: nothing is known of what was refused but its code."""
    kind = BY_CODE.get(request.path_params["code"])
    if kind is None:
        raise RouteUnknown()
    page: Response = request.app.state.pages.refusal(kind(), _language(request))
    return page


async def _paper(office: Office, request: Request) -> Response:
    name, form = _name(request), _once(await _form(request))
    known = await ways.by_paper(office, office.interactions, name, form.get("code", ""))
    return _remember(office, RedirectResponse(_next(request, "/consent"), 303, NO_STORE), known)


async def _card_challenge(office: Office, request: Request) -> Response:
    made = ways.card_challenge(office, office.interactions, _name(request))
    return _json({"challenge": b64encode(encode(made)).decode(), "helper": office.helper})


class _CardAnswer(msgspec.Struct, forbid_unknown_fields=True):
    certificate: str
    signature: str


async def _card(office: Office, request: Request) -> Response:
    name = _name(request)
    try:
        told = msgspec.json.decode(await _body(request), type=_CardAnswer)
        certificate, signature = (
            b64decode(told.certificate, validate=True),
            b64decode(told.signature, validate=True),
        )
    except (msgspec.DecodeError, ValueError) as fault:
        raise LoginRequestMalformed(parameter="card") from fault
    known = ways.by_card(office, office.interactions, name, certificate, signature)
    return _remember(office, _json({"next": _next(request, "/consent")}), known)


async def _answer(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await _body(request), type=dict[str, Any])
    except UNDECODABLE as fault:
        raise LoginRequestMalformed(parameter="passkey") from fault


async def _passkey_options(office: Office, request: Request) -> Response:
    return _json(ways.passkey_options(office, office.interactions, _name(request)))


async def _passkey(office: Office, request: Request) -> Response:
    name = _name(request)
    known = await ways.by_passkey(office, office.interactions, name, await _answer(request))
    return _remember(office, _json({"next": _next(request, "/consent")}), known)


async def _new_passkey_options(office: Office, request: Request) -> Response:
    return _json(ways.new_passkey_options(office, _name(request)))


async def _new_passkey(office: Office, request: Request) -> Response:
    name = _name(request)
    await ways.bind_passkey(office, name, await _answer(request))
    return _json({"next": _next(request, "/consent")})


async def _consent_page(office: Office, request: Request) -> Response:
    interaction = granting.known(office, _name(request))
    client = office.client(interaction.pushed.client)
    page: Response = request.app.state.pages.consent(client, interaction, _language(request))
    return page


async def _acting(office: Office, request: Request) -> Response:
    name, form = _name(request), _once(await _form(request))
    written = form.get("number", "")
    granting.act_for(office, name, paper_bytes(written) if written else b"")
    return RedirectResponse(_next(request, "/consent"), 303, NO_STORE)


async def _consent(office: Office, request: Request) -> Response:
    name, form = _name(request), await _form(request)
    if dict(form).get("decision") == "yes":
        agreed = [value for key, value in form if key == "scope"]
        items = [value for key, value in form if key == "latest_item"]
        more = (dict(form).get(field, "") for field in ("latest_days", "link"))
        target = await granting.agree(office, name, agreed, items, *more)
    else:
        target = granting.decline(office, name)
    answer = RedirectResponse(target, 303, NO_STORE | {"Referrer-Policy": "no-referrer"})
    answer.delete_cookie(COOKIE, path="/")
    return answer


async def _asset(office: Office, request: Request) -> Response:
    page: Response = request.app.state.pages.asset(request.url.path)
    return page


# --- wiring ---------------------------------------------------------------------------------------------------


def _guarded(serve: Serve, refuse: Refuse) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await serve(request.app.state.office, request)
        except Problem as problem:
            return refuse(problem)
        except Exception as fault:  # noqa: BLE001 - the border: a fault must not show its text to the caller
            log.error("fault", extra={"call": request.url.path, "fault": type(fault).__name__})
            return refuse(InternalFault())

    return answer


def application(office: Office) -> ASGIApp:
    """The ASGI application of the provider."""
    pages = Pages(office)

    def route(path: str, serve: Serve, refuse: Refuse, *methods: str) -> Route:
        return Route(path, _guarded(serve, refuse), methods=methods)

    def page(path: str, serve: Serve, method: str, refuse: Refuse | None = None) -> list[Route]:
        """For browsers: in each language."""
        return [
            route(each.path(path), serve, refuse or partial(pages.refusal, language=each), method)
            for each in Language
        ]

    redeeming = partial(refusal, redeeming=True)
    app = Starlette(
        routes=[
            route("/.well-known/openid-configuration", _discover, refusal, "GET"),
            route("/.well-known/oauth-authorization-server", _discover, refusal, "GET"),
            route("/jwks", _jwks, refusal, "GET"),
            route("/par", _par, refusal, "POST"),
            route("/token", _token, redeeming, "POST"),
            route("/latest", _latest, redeeming, "POST"),
            route("/userinfo", _userinfo, challenge, "GET", "POST"),
            route("/authorize", _authorize, pages.refusal, "GET"),
            *page("/login", _ways, "GET"),
            *page("/login/refused/{code}", _refused, "GET"),
            *page("/login/paper", _paper, "POST"),
            *page("/login/card/challenge", _card_challenge, "POST", pages.said),
            *page("/login/card", _card, "POST", pages.said),
            *page("/login/passkey/options", _passkey_options, "POST", pages.said),
            *page("/login/passkey", _passkey, "POST", pages.said),
            *page("/passkey/options", _new_passkey_options, "POST", pages.said),
            *page("/passkey", _new_passkey, "POST", pages.said),
            *page("/consent", _consent_page, "GET"),
            *page("/consent", _consent, "POST"),
            *page("/acting", _acting, "POST"),
            route("/login.js", _asset, refusal, "GET"),
            route("/login.css", _asset, refusal, "GET"),
        ]
    )
    app.router.redirect_slashes = False
    app.state.office, app.state.pages = office, pages
    return app
