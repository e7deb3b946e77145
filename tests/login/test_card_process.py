"""The commands of the how-to page as processes: the served login, the helper with the card at a terminal, a browser."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from issued_cards import IssuedCards
from kakine.crypto.webkeys import TokenKey
from login_process import HttpBrowser
from login_site import CHILDCARE, REDIRECTS

LASTING = 120


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "kakine", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)


def line(running: subprocess.Popen[str], start: str) -> str:
    assert running.stdout is not None
    while not (said := running.stdout.readline()).startswith(start):
        assert said, f"ended before {start!r}"
    return said.strip()


def asked(port: int, origin: str, challenge: str) -> dict[str, str]:
    """What the page's script does with the helper."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=LASTING)
    headers = {"Content-Type": "application/json", "Origin": origin}
    line.request("POST", "/sign", json.dumps({"challenge": challenge}), headers)
    said: dict[str, str] = json.loads(line.getresponse().read())
    line.close()
    return said


def post(browser: HttpBrowser, path: str, value: object) -> dict[str, str]:
    line = http.client.HTTPConnection(browser.issuer.partition("//")[2], timeout=LASTING)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Content-Type": "application/json", "Origin": browser.issuer, "Cookie": cookie}
    line.request("POST", path, json.dumps(value), headers)
    answer = line.getresponse()
    for text in answer.headers.get_all("set-cookie") or ():
        browser.cookies["kakine-login"] = text.split(";")[0].partition("=")[2]
    said: dict[str, str] = json.loads(answer.read())
    line.close()
    return said


def test_a_card_in_the_helper_logs_in_at_the_served_provider(tmp_path: Path) -> None:
    with IssuedCards.opened(tmp_path, people=1) as cards:
        card = cards.issue(0)
        party = cards.site.party()
    with process("serve", "login", "--dir", str(tmp_path / "land"), "--port", "0") as provider:
        issuer = line(provider, "issuer ").split()[1]
        words = ("login", "helper", "--card", str(card.path), "--origin", issuer, "--port", "0")
        helper = AtTerminal(*words)
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", helper.shown)[0])
        try:
            browser = HttpBrowser(issuer)
            assert browser.call("GET", pushed(browser, party.key))[0] == 200
            challenge = post(browser, "/login/card/challenge", {})["challenge"]
            signed = threading.Event()
            typing = threading.Thread(target=helper.types_at, args=("PIN (empty", card.pin, signed))
            typing.start()
            try:
                proof = asked(port, issuer, challenge)
            finally:
                signed.set()
                typing.join(LASTING)
            assert post(browser, "/login/card", proof) == {"next": "/consent"}
            status, location, page = browser.call("POST", "/consent", [("decision", "yes")])
            assert status == 303, page
            assert location.startswith(REDIRECTS[CHILDCARE] + "?code=")
        finally:
            helper.close()
    assert "残り / tries left: 5" in helper.shown
    assert "横浜市 子育て申請" in helper.shown
    assert card.pin not in helper.shown


class AtTerminal:
    """The helper at a terminal of its own; what it has shown."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "kakine", *words]
        self._holder, terminal = pty.openpty()
        self._running = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
        )
        os.close(terminal)
        self.shown, self._text = "", getincrementaldecoder("utf-8")()
        self.wait("listening on")

    def wait(self, words: str) -> None:
        """Until these words are there."""
        while words not in self.shown:
            ready, _, _ = select.select([self._holder], [], [], LASTING)
            assert ready, self.shown
            self.shown += self._text.decode(os.read(self._holder, 4096))

    def types_at(self, words: str, text: str, done: threading.Event) -> None:
        """Again until it is done: a prompt that hides what is typed throws away what came just before it (getpass)."""
        self.wait(words)
        while not done.is_set():
            os.write(self._holder, text.encode() + b"\n")
            done.wait(0.5)

    def close(self) -> None:
        self._running.kill()
        self._running.wait(LASTING)
        os.close(self._holder)


def pushed(browser: HttpBrowser, key: TokenKey) -> str:
    """A pushed request of the relying party; the path to send the browser to."""
    now = int(time.time())
    claims = {"iss": CHILDCARE, "sub": CHILDCARE, "aud": browser.issuer, "iat": now, "exp": now + 60}
    form = {
        "client_id": CHILDCARE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.sign({**claims, "jti": os.urandom(16).hex()}),
        "response_type": "code",
        "redirect_uri": REDIRECTS[CHILDCARE],
        "scope": "openid",
        "state": "state-0123",
        "nonce": "nonce-0123",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }
    status, _, page = browser.call("POST", "/par", list(form.items()))
    assert status == 201, page
    return "/authorize?" + urlencode({"client_id": CHILDCARE, "request_uri": json.loads(page)["request_uri"]})
