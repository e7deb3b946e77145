"""`kakine serve login` as a process of its own, and a browser that is no more than an HTTP client with a cookie."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from login_site import CHILDCARE, LoginSite


@dataclass(frozen=True)
class Served:
    """A running provider: its address, paper codes of person 0, and the keys of its relying parties (JWK)."""

    issuer: str
    papers: list[str]
    keys: dict[str, dict[str, Any]]


@contextmanager
def served(folder: Path, clients: Sequence[str] = (CHILDCARE,), papers: int = 8) -> Iterator[Served]:
    """A country with one person, served by the command line until the block ends."""
    with LoginSite.opened(folder, people=1) as site:
        printed = [site.paper(0) for _ in range(papers)]
        keys = {client: site.land.country.client_key(client).private_jwk() for client in clients}
    command = [sys.executable, "-m", "kakine", "serve", "login", "--dir", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("issuer "), process.stderr.read()
            yield Served(line.split()[1], printed, keys)
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.stderr.read()
    assert said == ""


@dataclass
class HttpBrowser:
    """Goes where it is sent, keeps the provider's cookie, and fills in forms."""

    issuer: str
    cookies: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, pairs: Sequence[tuple[str, str]] = ()) -> tuple[int, str, str]:
        """(status, where one is sent, page)."""
        port = urlsplit(self.issuer).port
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Host": urlsplit(self.issuer).netloc, "Origin": self.issuer}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request(method, path, urlencode(pairs) if pairs else None, headers)
        answer = line.getresponse()
        for text in answer.headers.get_all("set-cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(text).items()}
        page = answer.read().decode()
        line.close()
        return answer.status, answer.headers.get("location") or "", page

    def logs_in(self, address: str, paper: str, *scopes: str, pairs: Sequence[tuple[str, str]] = ()) -> str:
        """Where the browser is sent back to after a login by paper and consent."""
        parts = urlsplit(address)
        assert self.call("GET", f"{parts.path}?{parts.query}")[0] == 200
        assert self.call("POST", "/login/paper", [("code", paper)])[:2] == (303, "/consent")
        agreed = [("decision", "yes"), *(("scope", scope) for scope in scopes), *pairs]
        status, location, page = self.call("POST", "/consent", agreed)
        assert status == 303, page
        return location


class Foreign:
    """A relying party in a process of its own, spoken to in lines of JSON."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, value: Any) -> Any:
        """One line each way."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        return json.loads(line)
