"""自己情報 in a browser: the portal's server sees no value, and a lie of it shows nothing.

The same bytes go before `protocols.own_data.read` and own_data.js, run by Node; both must say the same.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from browser_reading import STATIC, node, secret_of
from card_maker import PIN, Roots
from kakine.contracts.login import Signer
from kakine.crypto.cards import CardCertificate
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, SealKey, seal
from kakine.protocols.logins import challenge_digest
from kakine.protocols.own_data import SENSITIVE, Holder, areas, read
from kakine.values.labels import DomainName
from kakine.values.problems import Problem
from kakine.wire.canonical import decode, encode
from kakine.wire.login import Challenge
from kakine.wire.own_data import MEDIA, OwnData, OwnItem, PageAsked, PageGiven, Shown, sealed_to
from own_area import SESSION, known_at_tax, written
from web.kit import Plain, text_of
from web.portal_site import PortalLand

from land import TAX, TAX_ITEM

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
DRIVER = Path(__file__).parents[1] / "e2e" / "own_data_driver.mjs"
REQUEST = bytes(range(32))
HOLDERS = (Holder(DomainName("a/tax"), ("TK-1", "TK-2")), Holder(DomainName("b/tax"), ("TK-1",)))


def item(name: str = "TK-1", **changed: Any) -> OwnItem:
    plain: dict[str, Any] = {
        "item": name, "layout": 1, "source_version": 1 << 60, "as_of_ms": 1, "expires_ms": 2, "data": b'{"x":1}'
    }  # fmt: skip
    return OwnItem(**plain | changed)


def shown(told: OwnData, domain: str = "", request: bytes = REQUEST) -> Shown:
    return Shown(domain or told.domain, request, sealed_to(SESSION.public, request, told))


def given(*answers: Shown) -> bytes:
    return encode(PageGiven(answers))


FIRST = shown(OwnData("a/tax", (item("TK-1"), item("TK-2", data="収入".encode()))))
SECOND = shown(OwnData("b/tax", ()))


def ours(data: bytes, holders: Sequence[Holder] = HOLDERS) -> Any:
    try:
        told = read(data, SESSION, holders)
    except Problem as refused:
        return refused.code
    return [
        [one.domain, [_fields(each) for each in one.items]]
        for one in told
    ]  # fmt: skip


def _fields(x: OwnItem) -> list[Any]:
    return [x.item, x.layout, str(x.source_version), x.as_of_ms, x.expires_ms, x.data.hex()]


def theirs(messages: Sequence[bytes], holders: Sequence[Holder] = HOLDERS) -> list[Any]:
    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    named = [[str(each.domain), list(each.items)] for each in holders]
    asked = {
        "module": str(STATIC / "own_data.js"),
        "session": [text(secret_of(SESSION)), text(bytes(SESSION.public))],
        "cases": [{"message": text(each), "holders": named} for each in messages],
    }
    command = [node(), str(DRIVER)]
    done = subprocess.run(
        command, input=json.dumps(asked).encode(), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def framed(content: bytes, filler: bytes | None = None) -> Shown:
    """An answer of the second holder that is put together otherwise."""
    whole = len(content).to_bytes(4, "big") + content
    whole += bytes(-len(whole) % 4096) if filler is None else filler
    return raw(whole)


def raw(whole: bytes) -> Shown:
    return Shown("b/tax", REQUEST, seal(SealKey(SESSION.public), digest("own-data", REQUEST), whole))


NOTHING = encode(OwnData("b/tax", ()))
LIES: dict[str, tuple[bytes, str]] = {
    "a holder left out": (given(FIRST), "own-data-unfit"),
    "nobody": (given(), "own-data-unfit"),
    "another order": (given(SECOND, FIRST), "own-data-unfit"),
    "a holder twice": (given(FIRST, FIRST), "own-data-unfit"),
    "a stranger's": (given(FIRST, shown(OwnData("c/tax", ()), "b/tax")), "own-data-unfit"),
    "an item not asked for": (given(FIRST, shown(OwnData("b/tax", (item("TK-2"),)))), "own-data-unfit"),
    "an item twice": (given(FIRST, shown(OwnData("b/tax", (item(), item())))), "own-data-unfit"),
    "items in disorder": (given(shown(OwnData("a/tax", (item("TK-2"), item()))), SECOND), "own-data-unfit"),
    "sealed for another request": (given(FIRST, Shown("b/tax", bytes(32), SECOND.sealed)), "seal-invalid"),
    "sealed to another session": (
        given(FIRST, Shown("b/tax", REQUEST, sealed_to(OpenKey(bytes(32)).public, REQUEST, OwnData("b/tax", ())))),
        "seal-invalid",
    ),
    "a key of small order": (given(FIRST, Shown("b/tax", REQUEST, bytes(4144))), "seal-invalid"),
    "nothing sealed": (given(FIRST, Shown("b/tax", REQUEST, b"")), "seal-invalid"),
    "filler that says something": (
        given(FIRST, framed(NOTHING, b"\x01" + bytes(4091 - len(NOTHING)))), "not-canonical",
    ),
    "a block too many": (given(FIRST, framed(NOTHING, bytes(8188 - len(NOTHING)))), "not-canonical"),
    "no filler": (given(FIRST, framed(NOTHING, b"")), "not-canonical"),
    "a length beyond the end": (given(FIRST, raw(b"\xff" * 4096)), "not-canonical"),
    "less than a length": (given(FIRST, raw(b"\0")), "not-canonical"),
    "empty": (given(FIRST, raw(b"")), "not-canonical"),
    "no own data": (given(FIRST, framed(b"\x91\xa0")), "not-canonical"),
    "another encoding": (given(FIRST, framed(b"\xdc\x00\x02" + NOTHING[1:])), "not-canonical"),
    "more behind": (given(FIRST, SECOND) + b"\0", "not-canonical"),
    "a short request": (
        encode([[["a/tax", bytes(31), b""]]]), "not-canonical",
    ),
}  # fmt: skip


def test_both_readers_refuse_every_lie_of_a_portal_with_the_same_code() -> None:
    said = theirs([data for data, _ in LIES.values()])
    for (name, (data, code)), other in zip(LIES.items(), said, strict=True):
        assert (ours(data), other) == (code, code), name


def test_both_readers_open_the_same() -> None:
    data = given(FIRST, SECOND)
    (other,) = theirs([data])
    assert other == ours(data) != []
    assert other[0][1][0][2] == str(1 << 60)


def test_both_readers_say_the_same_of_changed_bytes() -> None:
    choose, data = random.Random(5), given(FIRST, SECOND)
    changed = []
    for _ in range(300):
        other = bytearray(data)
        for _ in range(choose.randint(1, 2)):
            place = choose.choice((choose.randrange(64), choose.randrange(len(data))))
            other[place] ^= choose.randint(1, 255)
        changed.append(bytes(other))
    assert [ours(each) for each in changed] == theirs(changed)


# --- the site -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    """Yokohama's tax office has a record of person 0, and writes what it likes into it."""
    roots = Roots()
    with PortalLand.opened(tmp_path_factory.mktemp("own") / "land", standing=roots) as opened:
        opened.roots = roots  # type: ignore[attr-defined]
        for j in (0, 1):
            known_at_tax(opened.site, j)
        sheet = {"fiscal_year": 2026, "municipality": EVIL, "total_income": 7_654_321}
        written(opened.site, 0, json.dumps(sheet).encode())
        yield opened


def by_card(portal: PortalLand, j: int) -> Plain:
    """A browser whose user has found the card of person j, and knows its PIN."""
    card: Signer = portal.roots.card(portal.site.land.clock())  # type: ignore[attr-defined]
    portal.site.give_card(j, CardCertificate(card.certificate).digest)
    plain = Plain(portal.app, portal.origin, portal.site.run)
    plain.get("/")
    told = plain.call("/enter/card/challenge", b"{}", plain.token).json
    challenge = decode(base64.b64decode(told["challenge"]), Challenge)
    proof = {"certificate": card.certificate, "signature": card.sign(challenge_digest(challenge), PIN)}
    answer = json.dumps({name: base64.b64encode(data).decode() for name, data in proof.items()})
    assert plain.call("/enter/card", answer.encode(), plain.token).status == 200
    return plain


def pulled(plain: Plain, area: str = "tax") -> Any:
    """What the page's script gets, and the page before it."""
    plain.get(f"/data/{area}")
    asked = encode(PageAsked(bytes(SESSION.public)))
    return plain.call(f"/data/{area}/read", asked, plain.token)


def asked_of(portal: PortalLand, area: str = "tax") -> Sequence[Holder]:
    law = portal.site.land.country.book("portal").in_force(portal.site.land.clock())
    return areas(law)[area]


def values(portal: PortalLand, plain: Plain) -> dict[str, Any]:
    """What the browser opens of the tax record, {} if there is none."""
    answer = pulled(plain)
    assert answer.headers["content-type"] == [MEDIA]
    told = {each.domain: each.items for each in read(answer.body, SESSION, asked_of(portal))}
    (first, *_) = [*told[str(TAX)], None]
    return {} if first is None else json.loads(first.data)


def test_the_portals_server_sees_no_value(portal: PortalLand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that it receives or sends, to browser or parties, and nothing in its store, has a value in it."""
    seen = list[bytes]()
    country = portal.site.land.country

    def watched(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def receiving() -> Message:
                message = await receive()
                seen.append(message.get("body", b""))
                return message

            async def sending(message: Message) -> None:
                seen.append(message.get("body", b""))
                await send(message)

            await app(scope, receiving, sending)

        return serve

    for name in list(country.apps):
        monkeypatch.setitem(country.apps, name, watched(country.apps[name]))
    plain = portal.entered(0)
    monkeypatch.setattr(plain, "app", watched(plain.app))
    assert values(portal, plain)["total_income"] == 7_654_321
    files = [path.read_bytes() for path in portal.site.land.folder.rglob("portal*.sqlite*")]
    assert files
    assert len(seen) > 20
    for value in (b"7654321", b"alert(1)", b"fiscal_year", TAX_ITEM.encode() + b"\x01"):
        assert not [1 for each in (*seen, *files) if value in each], value


def test_a_found_card_with_its_pin_is_given_no_sensitive_area(portal: PortalLand) -> None:
    thief = by_card(portal, 0)
    law = portal.site.land.country.book("portal").in_force(portal.site.land.clock())
    for area in sorted(SENSITIVE & set(areas(law))):
        page = thief.get(f"/data/{area}").text
        assert 'id="pull"' not in page
        assert 'href="/again"' in page
        refused = pulled(thief, area)
        assert (refused.status, refused.json["type"]) == (403, "urn:kakine:problem:step-up-needed")
    assert pulled(portal.entered(0), "health").status == 200


def test_another_persons_session_gets_nothing_of_it(portal: PortalLand) -> None:
    """Neither by its own visit, nor with a token of somebody else, nor without one; nor does another key open it."""
    assert values(portal, portal.entered(1)) == {}
    owner, other = portal.entered(0), portal.entered(1)
    owner.get("/data/tax")
    other.get("/data/tax")
    asked = encode(PageAsked(bytes(SESSION.public)))
    assert other.call("/data/tax/read", asked, owner.token).status == 400
    assert portal.browser().call("/data/tax/read", asked, owner.token).status == 400
    body = pulled(owner).body
    with pytest.raises(Problem):
        read(body, OpenKey(bytes(32)), asked_of(portal))


def test_one_call_gives_one_area(portal: PortalLand) -> None:
    plain = portal.entered(0)
    law = portal.site.land.country.book("portal").in_force(portal.site.land.clock())
    named = {each.id: each.area for each in law.gazette.items}
    for area in ("tax", "child"):
        answer = pulled(plain, area)
        told = read(answer.body, SESSION, asked_of(portal, area))
        assert {named[x.item] for one in told for x in one.items} <= {area}
    assert pulled(plain, "tax,child").status == 404
    assert plain.get("/data/horoscope").status == 404


@pytest.mark.parametrize(
    "body", [b"", b"\x91\xc4\x1f" + bytes(31), b"\x91\xc4\x20" + bytes(33), b"\xff" * 65]
)
def test_a_question_of_another_form_asks_nobody(portal: PortalLand, body: bytes) -> None:
    plain = portal.entered(0)
    plain.get("/data/tax")
    answer = plain.call("/data/tax/read", body, plain.token)
    assert 400 <= answer.status < 500


def test_a_closed_area_is_none_to_everybody_and_a_thief_cannot_tell(portal: PortalLand) -> None:
    """Pages and answers are, but for random bytes, those of somebody of whom nothing is held."""
    owner = portal.entered(0)
    owner.get("/data/tax")
    assert owner.send("/data/close").location == "/decisions"
    try:
        thief, nobody = by_card(portal, 0), by_card(portal, 1)
        assert values(portal, thief) == values(portal, nobody) == {}
        for path in ("/data", "/data/tax"):
            assert plain_of(thief.get(path).text) == plain_of(nobody.get(path).text)
        sizes = [[len(x.sealed) for x in decode(pulled(p).body, PageGiven).answers] for p in (thief, nobody)]
        assert sizes[0] == sizes[1]
        assert "閉じています" not in thief.get("/data").text
        assert "/data/open" not in thief.get("/data/tax").text
        assert "閉じています" in portal.entered(0).get("/data").text
        refused = thief.post("/data/open", thief.forms["/data/close"] | {"area": "tax"})
        assert (refused.status, "step-up-needed" in refused.text) == (403, True)
    finally:
        owner.get("/decisions")
        owner.send("/acts/undo")
    assert values(portal, portal.entered(0))["total_income"] == 7_654_321


def plain_of(page: str) -> str:
    """What stands on a page, without what is random in every one."""
    return text_of(page)


def test_a_stranger_reaches_no_page_and_no_call(portal: PortalLand) -> None:
    plain = portal.browser()
    for path in ("/data", "/data/tax"):
        assert plain.get(path).location == "/"
    asked = encode(PageAsked(bytes(SESSION.public)))
    assert plain.call("/data/tax/read", asked, plain.token).status in (401, 403)
