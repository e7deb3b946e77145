"""Runs modules of the history page in Node over one reading, and gives what they make of it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from browser_reading import STATIC, Served, node, secret_of
from kakine.cli.own_history import Read, read_of
from kakine.protocols.freshness import FRESH_MS
from kakine.protocols.reading import read
from kakine.wire.canonical import decode
from kakine.wire.reading import HistoryGiven

DRIVER = """
import { text } from "node:stream/consumers";
const asked = JSON.parse(await text(process.stdin));
const at = (name) => import(`${asked.modules}/${name}`);
const { readHistory } = await at("history.js");
const bytes = (given) => new Uint8Array(Buffer.from(given, "base64"));
const base64 = (data) => Buffer.from(data).toString("base64");
const { subtle } = globalThis.crypto;
const session = {
  private: await subtle.importKey("pkcs8", bytes(asked.secret), { name: "X25519" }, false, ["deriveBits"]),
  public: bytes(asked.open),
};
const reading = await readHistory(bytes(asked.message), session, { nowMs: asked.now, freshMs: asked.fresh });
Object.assign(reading, asked.change);
const given = asked.given;
console.log(JSON.stringify(await (async () => { BODY })()));
"""


def made_in_node(
    served: Served, body: str, given: Any = None, change: Mapping[str, Any] | None = None
) -> Any:
    """What `body` returns, as JSON: `reading` is the verified reading, `at(name)` gives a module, `given` is `given`,
    `base64` writes bytes. `change` replaces members of the reading."""
    asked = {
        "modules": STATIC.as_uri(),
        "message": base64.b64encode(served.data).decode(),
        "secret": base64.b64encode(secret_of(served.session)).decode(),
        "open": base64.b64encode(bytes(served.session.public)).decode(),
        "now": served.now_ms,
        "fresh": FRESH_MS,
        "given": given,
        "change": dict(change or {}),
    }
    done = subprocess.run(
        [node(), "--input-type=module", "--eval", DRIVER.replace("BODY", body)],
        input=json.dumps(asked).encode(),
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def ours(served: Served) -> Read:
    """The same message, read here."""
    trusted = decode(served.data, HistoryGiven).trust
    return read_of(read(served.data, served.session, served.now_ms), trusted)
