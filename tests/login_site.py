"""A running login for tests: a country with people from the registry, browsers, and relying parties of our own.

    with LoginSite.opened(tmp_path) as site:
        told = site.log_in(0, CHILDCARE, "openid name")
        told.id_token["sub"]

Person j is entered at Yokohama, whose residents' desk and the portal have their codes under `ref(j)`. Relying parties
here build every message by hand, so that a test can leave anything out or change it; a foreign one is in
tests/login/foreign.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from kakine.contracts.login import Standing
from kakine.contracts.registry import ACQUIRE, ENTER, Acquire, ByNumber, Enter, Entry, Numbered, Wanted
from kakine.country import LOGIN
from kakine.crypto.base64url import base64url
from kakine.crypto.webkeys import TokenKey
from kakine.parties.gateway.vouching import bind_card, print_paper
from kakine.parties.portal.login.clients import KIND
from kakine.parties.portal.login.http import COOKIE, application
from kakine.parties.portal.login.office import Office
from kakine.protocols.matching import Sex
from kakine.runtime import asgi
from kakine.values.labels import PartyName

from land import RESIDENTS, Clock, Land, ref

ISSUER = "http://localhost:8480"
CHILDCARE, INSURER, PENSION = "yokohama-childcare", "insurer-members", "pension-net"
REDIRECTS = {
    CHILDCARE: "http://127.0.0.1:8490/callback",
    INSURER: "http://127.0.0.1:8491/callback",
    PENSION: "http://127.0.0.1:8492/callback",
}
BIRTHS = (date(1990, 2, 3), date(2008, 6, 1), date(1950, 12, 31), date(2000, 2, 29))
NAMES = ("渡邉　花子", "渡邉　一郎", "山田　太郎", "佐藤　実")
KANA = ("ワタナベ　ハナコ", "ワタナベ　イチロウ", "ヤマダ　タロウ", "サトウ　ミノル")
ADDRESS = "神奈川県横浜市西区老松町1番地2"


@dataclass(frozen=True)
class Answer(asgi.Answer):
    """One HTTP answer, with what a test reads of it."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        (found,) = self.headers["location"]
        return found

    @property
    def said(self) -> dict[str, str]:
        """What a redirect carries."""
        return self.query

    @property
    def text(self) -> str:
        return self.body.decode()


async def http(
    app: ASGIApp, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """One request to an ASGI application."""
    given = await asgi.http(app, method, url, headers, body)
    return Answer(given.status, given.headers, given.body)


@dataclass
class Browser:
    """One person's browser: keeps the cookie, says where a form comes from."""

    site: LoginSite
    cookie: str | None = None
    origin: str = ISSUER

    def _headers(self, **more: str) -> dict[str, str]:
        cookie = {"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        return {**cookie, **more}

    def _kept(self, answer: Answer) -> Answer:
        for line in answer.headers.get("set-cookie", ()):
            value = SimpleCookie(line)[COOKIE].value
            self.cookie = value or None
        return answer

    def get(self, path: str) -> Answer:
        return self._kept(self.site.call("GET", path, self._headers()))

    def form(self, path: str, *pairs: tuple[str, str]) -> Answer:
        headers = self._headers(
            **{"content-type": "application/x-www-form-urlencoded", "origin": self.origin}
        )
        return self._kept(self.site.call("POST", path, headers, urlencode(pairs).encode()))

    def post(self, path: str, value: Any = None) -> Answer:
        headers = self._headers(**{"content-type": "application/json", "origin": self.origin})
        return self._kept(self.site.call("POST", path, headers, json.dumps(value or {}).encode()))

    def authorize(self, client: str, request_uri: str) -> Answer:
        return self.get("/authorize?" + urlencode({"client_id": client, "request_uri": request_uri}))

    def paper(self, code: str) -> Answer:
        return self.form("/login/paper", ("code", code))

    def agree(self, *scopes: str) -> Answer:
        return self.form("/consent", ("decision", "yes"), *(("scope", scope) for scope in scopes))


@dataclass
class RelyingParty:
    """A relying party that keeps to the rules unless told otherwise."""

    site: LoginSite
    id: str
    key: TokenKey
    proof_key: TokenKey
    verifier: str = "v" * 43
    state: str = "state-0123"
    nonce: str = "nonce-0123"

    def assertion(self, **changed: Any) -> str:
        now = self.site.now
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": ISSUER,
            "jti": self.site.land.entropy(16).hex(),
            "iat": now,
            "exp": now + 60,
            **changed,
        }
        return self.key.sign({name: value for name, value in claims.items() if value is not None})

    def dpop(self, method: str, path: str, token: str = "", **changed: Any) -> str:
        public = {name: self.proof_key.public.jwk[name] for name in ("kty", "crv", "x", "y")}
        ath = {"ath": base64url(hashlib.sha256(token.encode()).digest())} if token else {}
        jti = self.site.land.entropy(16).hex()
        claims = {"jti": jti, "htm": method, "htu": ISSUER + path, "iat": self.site.now, **ath, **changed}
        return self.proof_key.sign(claims, "dpop+jwt", jwk=public)

    def form(self, path: str, fields: Mapping[str, str | None], dpop: str | None = None) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"} | ({"dpop": dpop} if dpop else {})
        body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
        return self.site.call("POST", path, headers, body)

    def own(self) -> dict[str, str]:
        return {
            "client_id": self.id,
            "client_assertion_type": KIND,
            "client_assertion": self.assertion(),
        }

    def request(self, scope: str = "openid") -> dict[str, str]:
        challenge = base64url(hashlib.sha256(self.verifier.encode()).digest())
        return {
            **self.own(),
            "response_type": "code",
            "redirect_uri": REDIRECTS[self.id],
            "scope": scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }

    def push(self, scope: str = "openid", dpop: str | None = None, **changed: str | None) -> Answer:
        return self.form("/par", {**self.request(scope), **changed}, dpop)

    def pushed(self, scope: str = "openid", **changed: str | None) -> str:
        answer = self.push(scope, **changed)
        assert answer.status == 201, answer.body
        return str(answer.json["request_uri"])

    def redeem(self, code: str, dpop: str | None = "", **changed: str | None) -> Answer:
        fields = {
            **self.own(),
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECTS[self.id],
            "code_verifier": self.verifier,
            **changed,
        }
        return self.form("/token", fields, self.dpop("POST", "/token") if dpop == "" else dpop)

    def userinfo(self, token: str, dpop: str | None = "", scheme: str = "DPoP") -> Answer:
        shown = self.dpop("GET", "/userinfo", token) if dpop == "" else dpop
        headers = {"authorization": f"{scheme} {token}"} | ({"dpop": shown} if shown else {})
        return self.site.call("GET", "/userinfo", headers)


@dataclass(frozen=True)
class Told:
    """What a relying party has after a login."""

    id_token: dict[str, Any]
    claims: dict[str, Any]
    scope: str
    access: str


@dataclass
class LoginSite:
    """A country, its login, its relying parties."""

    land: Land
    office: Office
    app: ASGIApp
    numbers: list[str] = field(default_factory=list)
    households: int = 0

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, standing: Standing | None = None, people: int = 4, clock: Clock | None = None
    ) -> Iterator[LoginSite]:
        with Land(folder, clock) as land:
            office = land.country.portal.login(ISSUER, standing)
            site = cls(land, office, application(office))
            for j in range(people):
                site.enter(j)
            yield site

    def enter(self, j: int) -> None:
        """Person j at the registry, at the residents' desk, and at the portal."""
        country, registry = self.land.country, PartyName("registry")
        birth, day = BIRTHS[j % 4], date(2020, 1, 1)
        key = hashlib.sha256(b"%d" % j).digest()[:16]
        entry = Entry(
            key, NAMES[j % 4] + "甲" * (j // 4), KANA[j % 4], birth, Sex.FEMALE, key, max(day, birth), ADDRESS
        )
        given = self.run(country.peers("yokohama").ask(registry, ENTER, Enter([entry]))).outcomes[0]
        assert isinstance(given, Numbered), given
        self.numbers.append(given.number)
        for domain in (LOGIN, RESIDENTS):
            asked = Acquire(domain, [Wanted(ref(j), ByNumber(given.number, birth))])
            got = self.run(country.peers(domain.party).ask(registry, ACQUIRE, asked))
            assert got.outcomes == ["delivered"]

    def run(self, work: Any) -> Any:
        return self.land.run(work)

    def call(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        answer: Answer = self.run(http(self.app, method, url, headers, body))
        return answer

    @property
    def now(self) -> int:
        """Seconds."""
        return self.land.clock() // 1000

    def party(self, client: str = CHILDCARE) -> RelyingParty:
        proof = TokenKey(hashlib.sha384(client.encode()).digest())
        return RelyingParty(self, client, self.land.country.client_key(client), proof)

    def browser(self) -> Browser:
        return Browser(self)

    def clerk(self, j: int, **changed: Any) -> Any:
        """The clerk's note of whom she has in front of her."""
        return replace(self.land.question(j, domain=RESIDENTS, unit="residents' desk"), **changed)

    def paper(self, j: int, **changed: Any) -> str:
        """A paper code for person j."""
        gateway = self.land.yokohama
        code: str = self.run(print_paper(gateway.office, gateway.desk, self.clerk(j, **changed), LOGIN))
        return code

    def give_card(self, j: int, certificate: bytes) -> None:
        gateway = self.land.yokohama
        self.run(bind_card(gateway.office, gateway.desk, self.clerk(j), LOGIN, certificate))

    def known(
        self, j: int, party: RelyingParty, scope: str = "openid", paper: str = "", **changed: str | None
    ) -> Browser:
        """A browser in which person j is known, before consent; by this paper code or a new one."""
        browser = self.browser()
        assert browser.authorize(party.id, party.pushed(scope, **changed)).status == 200
        answer = browser.paper(paper or self.paper(j))
        assert (answer.status, answer.location) == (303, "/consent"), answer.body
        return browser

    def code(
        self, j: int, party: RelyingParty, scope: str = "openid", agreed: str | None = None, paper: str = ""
    ) -> str:
        """The authorization code after consent."""
        scopes = (scope if agreed is None else agreed).split()
        back = self.known(j, party, scope, paper).agree(*(each for each in scopes if each != "openid"))
        assert back.status == 303, back.body
        assert (back.said["state"], back.said["iss"]) == (party.state, ISSUER)
        return back.said["code"]

    def log_in(
        self,
        j: int,
        client: str = CHILDCARE,
        scope: str = "openid",
        agreed: str | None = None,
        paper: str = "",
    ) -> Told:
        """A whole login by paper."""
        return self.told(self.party(client), self.code(j, self.party(client), scope, agreed, paper))

    def told(self, party: RelyingParty, code: str) -> Told:
        """What a code gives the relying party."""
        tokens = party.redeem(code)
        assert tokens.status == 200, tokens.body
        said, access = tokens.json, tokens.json["access_token"]
        claims = self.office.key.public.claims(said["id_token"], "jwt")
        info = party.userinfo(access)
        assert info.status == 200, info.body
        return Told(claims, info.json, said["scope"], access)
