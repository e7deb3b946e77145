"""An agency's online service, and the browser of somebody who logs in to it by card: both as anybody would write them,
with nothing but HTTP (spec/login.md sections 2 and 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.types import ASGIApp

from kakine.crypto.base64url import base64url
from kakine.crypto.webkeys import CheckKey, TokenKey
from kakine.runtime.asgi import Answer, http
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import BY_CODE, InternalFault, SignatureInvalid
from kakine.wire.canonical import UNDECODABLE

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_JSON = {"content-type": "application/json"}
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_S = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Begun:
    """A login under way at the service: where it has sent the browser, and what must come back."""

    address: str
    state: str
    nonce: str
    verifier: str
    proof: TokenKey


@dataclass(frozen=True)
class Learnt:
    """All that the service has after a login: a name of its own for the person, how they logged in, and the items that
    they agreed to."""

    sub: str
    acr: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class OnlineService:
    """A relying party: one client of the law with its key."""

    app: ASGIApp
    issuer: str
    client: str
    redirect: str
    key: TokenKey
    clock: Clock
    entropy: Entropy

    async def begin(self, scope: str) -> Begun:
        """Push a request (RFC 9126) with PKCE. Raises what the provider refuses with."""
        state, nonce, verifier = (base64url(self.entropy(32)) for _ in range(3))
        form = {
            **self._own(),
            "response_type": "code",
            "redirect_uri": self.redirect,
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        pushed = _said(await self._post("/par", form), dict[str, Any])
        query = urlencode({"client_id": self.client, "request_uri": pushed["request_uri"]})
        return Begun(f"/authorize?{query}", state, nonce, verifier, TokenKey(self.entropy(48)))

    async def finish(self, begun: Begun, back: Mapping[str, str]) -> Learnt:
        """The tokens for what the browser brought back, and the items behind them (RFC 9449, OpenID Connect Core).

        Raises what the provider refuses with, `SignatureInvalid` for an answer or ID token that is not for this login.
        """
        if (back.get("state"), back.get("iss")) != (begun.state, self.issuer):
            raise SignatureInvalid()
        form = {
            **self._own(),
            "grant_type": "authorization_code",
            "code": back.get("code", ""),
            "redirect_uri": self.redirect,
            "code_verifier": begun.verifier,
        }
        given = await self._post("/token", form, self._proof(begun, "POST", "/token"))
        tokens = _said(given, dict[str, Any])
        claims = await self._id_token(str(tokens["id_token"]), begun)
        access = str(tokens["access_token"])
        headers = {"authorization": f"DPoP {access}", **self._proof(begun, "GET", "/userinfo", access)}
        info = _said(await http(self.app, "GET", f"{self.issuer}/userinfo", headers), dict[str, Any])
        if info.pop("sub", None) != claims["sub"]:
            raise SignatureInvalid()
        return Learnt(claims["sub"], claims["acr"], info)

    async def _id_token(self, token: str, begun: Begun) -> dict[str, Any]:
        jwks = _said(await http(self.app, "GET", f"{self.issuer}/jwks"), dict[str, Any])
        claims = CheckKey.of_jwk(jwks["keys"][0]).claims(token, "jwt")
        named = claims.get("iss"), claims.get("aud"), claims.get("nonce")
        if named != (self.issuer, self.client, begun.nonce) or not self._now_s < claims["exp"]:
            raise SignatureInvalid()
        return claims

    @property
    def _now_s(self) -> int:
        return self.clock() // 1000

    def _own(self) -> dict[str, str]:
        now_s = self._now_s
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": self.issuer,
            "iat": now_s,
            "exp": now_s + _LIFE_S,
        }
        assertion = self.key.sign({**claims, "jti": self.entropy(16).hex()})
        return {"client_id": self.client, "client_assertion_type": _ASSERTION, "client_assertion": assertion}

    def _proof(self, begun: Begun, method: str, path: str, access: str = "") -> dict[str, str]:
        public = {name: begun.proof.public.jwk[name] for name in ("kty", "crv", "x", "y")}
        claims: dict[str, Any] = {"jti": self.entropy(16).hex(), "htm": method, "htu": self.issuer + path}
        claims["iat"] = self._now_s
        if access:
            claims["ath"] = base64url(hashlib.sha256(access.encode()).digest())
        return {"dpop": begun.proof.sign(claims, "dpop+jwt", jwk=public)}

    async def _post(
        self, path: str, form: Mapping[str, str], more: Mapping[str, str] | None = None
    ) -> Answer:
        headers = {**_FORM, **(more or {})}
        return await http(self.app, "POST", self.issuer + path, headers, urlencode(form).encode())


@dataclass
class CardBrowser:
    """A browser on the machine where the card's helper runs. It keeps the provider's cookies and says the page's
    origin, as browsers do."""

    app: ASGIApp
    issuer: str
    helper: ASGIApp
    _cookies: dict[str, str] = field(default_factory=dict)

    async def log_in(self, address: str, agreed: Sequence[str]) -> Mapping[str, str]:
        """What comes back to the service after a login by card and consent to these scopes. Raises what the provider or
        the helper refuses with."""
        await self._kept("GET", address)
        asked = _said(await self._kept("POST", "/login/card/challenge", _JSON, b"{}"), dict[str, str])
        body = msgspec.json.encode({"challenge": asked["challenge"]})
        headers = {**_JSON, "origin": self.issuer, "host": asked["helper"].partition("//")[2]}
        proof = _said(
            await http(self.helper, "POST", f"{asked['helper']}/sign", headers, body), dict[str, str]
        )
        _said(await self._kept("POST", "/login/card", _JSON, msgspec.json.encode(proof)), dict[str, str])
        form = [("decision", "yes"), *(("scope", each) for each in agreed)]
        back = await self._kept("POST", "/consent", _FORM, urlencode(form).encode())
        if back.status != 303:
            raise InternalFault()
        return back.query

    async def _kept(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sent = {**(headers or {}), "origin": self.issuer, "cookie": cookies}
        answer = await http(self.app, method, self.issuer + path, sent, body)
        for text in answer.headers.get("set-cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(text).items()}
        return answer


def _said(answer: Answer, kind: type[T]) -> T:
    """The JSON of a good answer. Raises the problem of another."""
    try:
        if answer.status < 300:
            return msgspec.json.decode(answer.body, type=kind)
        refused = msgspec.json.decode(answer.body, type=dict[str, Any])
    except UNDECODABLE as fault:
        raise InternalFault() from fault
    raise BY_CODE.get(str(refused.get("problem")), InternalFault)()
