"""The helper beside the browser: one page's origin, loopback names only, and nothing signed that was not shown."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import pytest

from card_maker import PIN, Roots
from kakine.clients.card_helper import Helper
from kakine.crypto.cards import CardCertificate
from kakine.protocols.logins import challenge_digest
from kakine.values.problems import PinRefused
from kakine.wire.canonical import encode
from kakine.wire.login import Challenge
from login_site import ISSUER, Answer, http

NOW_MS = 1_900_000_000_000
CHALLENGE = Challenge(ISSUER, "yokohama-childcare", bytes(32), NOW_MS, "ログインする / log in", b"")
GOOD = {"origin": ISSUER, "host": "127.0.0.1:8471", "content-type": "application/json"}


class Holder:
    """Sees what is asked and types a PIN."""

    def __init__(self, pin: str = PIN) -> None:
        self.seen: list[Challenge] = []
        self.pin = pin
        self.card = Roots().card(NOW_MS)
        self.helper = Helper(ISSUER, 8471, self.card, self.ask, lambda: NOW_MS)

    def ask(self, challenge: Challenge) -> str:
        self.seen.append(challenge)
        if not self.pin:
            raise PinRefused()
        return self.pin


async def sign(holder: Holder, challenge: Any = CHALLENGE, method: str = "POST", **headers: str) -> Answer:
    raw = challenge if isinstance(challenge, bytes) else encode(challenge)
    body = json.dumps({"challenge": b64encode(raw).decode()}).encode()
    sent = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await http(holder.helper.app, method, "/sign", {k: v for k, v in sent.items() if v}, body)


def run(work: Any) -> Any:
    return asyncio.run(work)


def test_what_was_shown_is_what_is_signed() -> None:
    holder = Holder()
    answer = run(sign(holder))
    assert answer.status == 200
    assert holder.seen == [CHALLENGE]
    assert answer.headers["access-control-allow-origin"] == [ISSUER]
    card = CardCertificate(b64decode(answer.json["certificate"]))
    card.verify(b64decode(answer.json["signature"]), challenge_digest(CHALLENGE))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": ISSUER + ".evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"host": "evil.example:8471"},
        {"host": "127.0.0.1:9999"},
        {"host": "127.0.0.1"},
        {"host": ""},
    ],
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_another_page_or_another_name_is_refused_before_anybody_is_asked(
    headers: dict[str, str], method: str
) -> None:
    holder = Holder()
    answer = run(sign(holder, method=method, **headers))
    assert (answer.status, answer.json["problem"]) == (403, "origin-refused")
    assert "access-control-allow-origin" not in answer.headers
    assert holder.seen == []


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://evil.example"},
        {"time_ms": NOW_MS - 121_000},
        {"time_ms": NOW_MS + 121_000},
        {"purpose": "log in\x1b[2J"},
        {"client": "a\nb"},
    ],
)
def test_a_challenge_for_elsewhere_old_or_hiding_text_is_refused(changed: dict[str, Any]) -> None:
    holder = Holder()
    answer = run(sign(holder, msgspec.structs.replace(CHALLENGE, **changed)))
    assert (answer.status, answer.json["problem"]) == (403, "card-proof-invalid")
    assert holder.seen == []


@pytest.mark.parametrize("raw", [b"", b"\x00" * 32, encode(CHALLENGE) + b"\x00", b"x" * 5000])
def test_bytes_of_a_pages_choice_are_never_signed(raw: bytes) -> None:
    holder = Holder()
    assert run(sign(holder, raw)).status in (400, 413)
    assert holder.seen == []


def test_what_a_form_can_send_is_refused() -> None:
    holder = Holder()
    assert run(sign(holder, content_type="text/plain")).json["problem"] == "message-malformed"
    assert run(sign(holder, content_type="text/plain; application/json")).status == 400
    assert holder.seen == []


@pytest.mark.parametrize("pin", ["", "9999"])
def test_a_wrong_pin_or_a_no_signs_nothing(pin: str) -> None:
    answer = run(sign(Holder(pin)))
    assert (answer.status, answer.json["problem"]) == (403, "pin-refused")


def test_the_browser_is_told_that_this_page_may_ask() -> None:
    answer = run(sign(Holder(), method="OPTIONS"))
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == [ISSUER]
    assert answer.headers["access-control-allow-private-network"] == ["true"]
