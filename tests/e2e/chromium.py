"""Debian's Chromium, driven by Playwright, with the network cut off and a listener where its proxy should be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE_MS = 120_000
"""A browser that has not done it by then does not do it."""
expect.set_options(timeout=PATIENCE_MS)

PROGRAM = Path("/usr/bin/chromium")
ABSENT = "Chromium is missing (tests/e2e/install.sh): THE PAGE HAS NOT BEEN RUN IN A BROWSER"
NAMES = {
    "policy": "policy.txt", "receipt": "42.tlog-proof", "record": "42.record.json", "portal": "portal.txt",
}  # fmt: skip
QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-lcd-text",
)  # fmt: skip

WHEN_TOLD = """() => new Promise((done) => {
    const verdict = document.getElementById("verdict");
    const told = () => verdict.className && done();
    new MutationObserver(told).observe(verdict, { attributes: true, childList: true, subtree: true });
    document.getElementById("check").click();
})"""

# The page's words in the order and form in which `kakine verify` prints them.
LINES = """() => {
    const all = (selector, from = document) => [...from.querySelectorAll(selector)];
    const texts = (selector) => all(selector).map((each) => each.textContent);
    const steps = all("#details li").flatMap((item) => {
        const [ja, en] = all("span", item).map((each) => each.textContent);
        return [item.firstChild.textContent + ja, "    " + en];
    });
    const rows = all("#details dt").map((name) => {
        const indent = name.firstElementChild ? "" : "  ";
        return `${indent}${name.textContent}: ${name.nextElementSibling.textContent}`;
    });
    const said = [...texts("#verdict h2 span"), ...texts("#details > p")];
    const seen = texts("#good > p span");
    return [...steps, "", ...said, ...(rows.length ? ["", ...seen, ...rows] : [])];
}"""


@dataclass(frozen=True)
class Listener:
    """Counts who connects to the only address to which the browser may turn."""

    port: int
    heard: list[bytes]


@contextmanager
def listener() -> Iterator[Listener]:
    """It notes the first line of each connection and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Listener(server.getsockname()[1], [])

        def serve() -> None:
            while True:
                caller, _ = server.accept()
                with caller:
                    line = caller.recv(4096).partition(b"\r")[0]
                    if not line:
                        return
                    found.heard.append(line)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield found
        finally:
            # A connection without a word ends the thread.
            socket.create_connection(("127.0.0.1", found.port)).close()
            thread.join()


def require() -> None:
    """Skip loudly where there is no Chromium; with CI=true install it, or fail."""
    in_ci = os.environ.get("CI") == "true"
    if not PROGRAM.exists() and in_ci:
        subprocess.run([Path(__file__).with_name("install.sh")], check=False)
    if PROGRAM.exists() and shutil.which("chromium"):
        return
    if in_ci:
        pytest.fail(ABSENT)
    print(ABSENT, file=sys.__stderr__)
    pytest.skip(ABSENT)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser with a fresh profile. What it may want for itself (updates of its parts) goes to a closed port."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=list(QUIET),
            chromium_sandbox=False,
            timeout=PATIENCE_MS,
            proxy={"server": "http://127.0.0.1:9"},
        )
        yield browser
        browser.close()


@contextmanager
def context(proxy: Listener, browser: Browser) -> Iterator[BrowserContext]:
    """Pages with the network cut off. With the network on, their every request would go to the listener."""
    server = f"http://127.0.0.1:{proxy.port}"
    with browser.new_context(offline=True, proxy={"server": server}) as made:
        yield made


@dataclass(frozen=True)
class Reader:
    """Somebody with the page open. `asked` are all requests of the page, `faults` what its console complains of."""

    page: Page
    asked: list[str]
    faults: list[str]

    @classmethod
    def opens(cls, context: BrowserContext, page_file: Path, before: str = "") -> Reader:
        """Open the file; `before` is a script that runs ahead of the page's own."""
        page = context.new_page()
        reader = cls(page, [], [])
        page.on("request", lambda request: reader.asked.append(request.url))
        page.on("console", lambda message: reader.faults.append(message.text))
        page.on("pageerror", lambda error: reader.faults.append(error.message))
        page.on("dialog", lambda dialog: (reader.faults.append(dialog.message), dialog.dismiss()))
        page.set_default_timeout(PATIENCE_MS)
        if before:
            page.add_init_script(before)
        page.goto(page_file.as_uri())
        return reader

    def chooses(self, **files: bytes | Path | None) -> None:
        """Put files into the inputs of these names; None takes one away."""
        for name, given in files.items():
            chosen: Any = given
            if isinstance(given, bytes):
                chosen = {"name": NAMES[name], "mimeType": "application/octet-stream", "buffer": given}
            self.page.set_input_files(f"#{name}", [] if given is None else chosen)

    def verifies(self) -> list[str]:
        """Press the button, wait for the verdict: the page's lines."""
        self.page.evaluate(WHEN_TOLD)
        return self.lines()

    def lines(self) -> list[str]:
        """What is shown, as `kakine verify` would print it."""
        shown: list[str] = self.page.evaluate(LINES)
        return shown

    def mark(self) -> str:
        """ "good", "bad" or "" for none."""
        given: str = self.page.evaluate("document.getElementById('verdict').className")
        return given
