"""A person of a country that runs apart comes in at the portal with a paper, as a browser does, and reads the own
history: what comes back is opened with this session's key alone, and verified here."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import aiohttp

from kakine.cli.acting import Agency
from kakine.cli.apart_making import OPERATOR
from kakine.cli.apart_processes import about
from kakine.contracts.agency import PAPER, AskPaper
from kakine.country import POLICY
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey
from kakine.process.running import clock
from kakine.protocols import reading
from kakine.protocols.reading import Reading
from kakine.protocols.trust import trust_of
from kakine.values.problems import PromiseBroken
from kakine.wire.canonical import encode
from kakine.wire.reading import HistoryAsked

DESK = "yokohama/residents"
_HIDDEN = re.compile(r'name="(token|once)" value="([^"]+)"')
_TOKEN = re.compile(r'data-token="([^"]+)"')


async def read_history(own: Agency, folder: Path, reference: str) -> Reading:
    """The history of whoever has this reference at the residents' desk of Yokohama. Raises `PromiseBroken` where the
    portal does not let in or show, and what does not verify."""
    case = digest("case-number", b"smoke")
    asked = AskPaper(DESK, reference.encode(), "smoke", case, "residents' desk")
    code = (await own.peers.ask(own.settings.name, PAPER, asked)).code
    session = OpenKey(secrets.token_bytes(32))
    body = encode(HistoryAsked(bytes(session.public)))
    given = await _read(f"http://127.0.0.1:{about(folder).pages}", code, body)
    trusted = trust_of(own.law, own.logs, (folder / OPERATOR / POLICY).read_bytes())
    return reading.read(given, session, clock(), trusted)


async def _read(origin: str, code: str, body: bytes) -> bytes:
    jar, ours = aiohttp.CookieJar(unsafe=True), {"origin": origin}
    async with aiohttp.ClientSession(cookie_jar=jar, trust_env=False) as browser:
        fields = dict(_HIDDEN.findall(await _page(browser, f"{origin}/")))
        form = {**fields, "code": code}
        async with browser.post(f"{origin}/enter/paper", data=form, headers=ours) as inside:
            await inside.read()
        shown = _TOKEN.search(await _page(browser, f"{origin}/history"))
        if shown is None:
            raise PromiseBroken(promise="history", status=inside.status)
        told = {**ours, "x-kakine-token": shown[1]}
        async with browser.post(f"{origin}/history/read", data=body, headers=told) as answer:
            if answer.status != 200:
                raise PromiseBroken(promise="history", status=answer.status)
            return await answer.read()


async def _page(browser: aiohttp.ClientSession, address: str) -> str:
    async with browser.get(address) as answer:
        return await answer.text()
