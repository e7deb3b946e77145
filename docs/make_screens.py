"""Take the screens of the documentation: docs/screens.toml out of a running demonstration, into docs/pictures.

.venv/bin/python docs/make_screens.py [name ...]

A demonstration of 60 residents is run in a temporary folder, its three sites are served, and Chromium does what
screens.toml says, one site after the other in the order of the file. Times and keys differ from run to run, so the
pictures do; their names and sizes do not, and `tests/docs/test_screens.py` holds them to that.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from web.kit import chromium  # noqa: E402

SCREENS = ROOT / "docs" / "screens.toml"
PICTURES = ROOT / "docs" / "pictures"
SIZE = (960, 720)
COLOURS = 48
MOST = 60_000
"""Bytes of a picture."""


def screens() -> list[dict[str, Any]]:
    """The list, in its order."""
    found: list[dict[str, Any]] = tomllib.loads(SCREENS.read_text("utf-8"))["screen"]
    return found


@dataclass(frozen=True)
class Said:
    """What `kakine serve sites` prints: addresses, and how invented people come in."""

    text: str

    def _one(self, pattern: str) -> tuple[str, ...]:
        found = re.search(pattern, self.text)
        assert found, pattern
        return found.groups()

    def origin(self, site: str) -> str:
        words = {"portal": "resident's portal", "desk": "desk of", "console": "the commission's console"}
        (address,) = self._one(rf"{words[site]}.*?(http://localhost:\d+)")
        return address

    def login(self, site: str) -> Mapping[str, str]:
        """Fields of the form of the first page, by selector."""
        if site == "portal":
            return {"#code": self._one(r"paper code: (\S+)")[0]}
        if site == "console":
            return {"#code": self._one(r"commissioner .*?\)  (\S+)")[0]}
        code, passphrase = self._one(r"clerk）  code (\S+)  passphrase (\S+)")
        return {"#code": code, "#passphrase": passphrase}

    @property
    def values(self) -> dict[str, str]:
        """Of an application at the desk, as steps name it: the third, since the first two are answered without data."""
        _, _, found, *_ = re.findall(r"application (JO106\S+)  (\S+)  JO106  (\S+)", self.text)
        return dict(zip(("application", "day", "reference"), found, strict=True))


@contextmanager
def demonstration(folder: Path) -> Iterator[Said]:
    """Run it, serve its sites, end them."""
    kakine = [sys.executable, "-m", "kakine"]
    at = ["--dir", str(folder)]
    command = [*kakine, "demo", "--residents", "60", "--seed", "1", *at, "--no-serve"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ports = [word for site in ("portal", "desk", "console") for word in (f"--{site}", "0")]
    with subprocess.Popen(
        [*kakine, "serve", "sites", *at, *ports], stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            line = served.stdout.readline()
            assert line, text
            text += line
        try:
            yield Said(text)
        finally:
            served.send_signal(signal.SIGTERM)
            served.stdout.read()


def do(page: Any, steps: Sequence[Sequence[str]], values: Mapping[str, str]) -> None:
    """What a person does."""
    for what, selector, *more in steps:
        text = more[0].format(**values) if more else ""
        match what:
            case "click":
                page.click(selector)
            case "fill":
                page.fill(selector, text)
            case "choose":
                page.select_option(selector, text)
            case "wait":
                page.wait_for_selector(selector)
            case "top":
                page.locator(selector).first.evaluate("each => each.scrollIntoView()")
            case _:
                raise ValueError(what)


def picture(page: Any) -> bytes:
    """What is seen, with few colours: text stays readable, and the file small."""
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    few = shot.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


class Browsers:
    """One profile for each site, come in; and one that has not."""

    def __init__(self, browser: Any, said: Said) -> None:
        self._browser, self._said = browser, said
        self._pages: dict[str, Any] = {}

    def _new(self) -> Any:
        context = self._browser.new_context(
            viewport={"width": SIZE[0], "height": SIZE[1]}, locale="ja-JP", timezone_id="Asia/Tokyo"
        )
        context.set_default_timeout(20_000)
        return context.new_page()

    def page(self, site: str, *, login: bool) -> Any:
        """Of a site."""
        if not login:
            return self._new()
        if site not in self._pages:
            page = self._new()
            page.goto(self._said.origin(site) + "/")
            for selector, text in self._said.login(site).items():
                page.fill(selector, text)
            page.locator("main form button").first.click()
            page.wait_for_selector("header form button")
            self._pages[site] = page
        return self._pages[site]


def main() -> None:
    """All, or those that are named (with all of their site before them, since a screen may begin where one ended)."""
    wanted = set(sys.argv[1:]) or {each["name"] for each in screens()}
    with (
        tempfile.TemporaryDirectory() as folder,
        demonstration(Path(folder) / "land") as said,
        chromium() as browser,
    ):
        browsers = Browsers(browser, said)
        for each in screens():
            page = browsers.page(each["site"], login=each.get("login", True))
            if each["path"]:
                page.goto(said.origin(each["site"]) + each["path"])
            do(page, each.get("steps", ()), said.values)
            shot = picture(page)
            assert len(shot) < MOST, (each["name"], len(shot))
            if each["name"] in wanted:
                (PICTURES / f"{each['name']}.png").write_bytes(shot)
                print(f"docs/pictures/{each['name']}.png {len(shot):,}", flush=True)


if __name__ == "__main__":
    main()
