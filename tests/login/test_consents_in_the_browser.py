"""The page of consents finds in a history what `kakine consents list` finds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from attacks.test_consent import granted, use
from browser_reading import STATIC
from kakine.cli.own_history import own_history
from kakine.protocols.decisions import consents_in, use_mark
from kakine.values.problems import NotCanonical
from kakine.wire.decision import LatestAllowed, LatestWithdrawn, LinkAllowed, packed, unpacked
from kakine.wire.record import RequestRecord
from login_site import CHILDCARE, LoginSite
from outside_tools import node

from land import ref

SCRIPT = """
import { text } from "node:stream/consumers";
const { consentsOf, linksOf } = await import(process.argv[1]);
const asked = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(asked.map((lines) => [consentsOf(lines), linksOf(lines)])));
"""


def told(lists: list[list[dict[str, Any]]]) -> Any:
    """What the page's module says of each list of lines."""
    command = [node(), "--input-type=module", "-e", SCRIPT, (STATIC / "consents.js").as_uri()]
    said = subprocess.run(command, input=json.dumps(lists), capture_output=True, text=True, check=True)
    return json.loads(said.stdout)


def line(case: bytes, xid: bytes = bytes(16), parent: bytes = b"", time: int = 7) -> dict[str, Any]:
    """A line as history.js makes them, as far as it matters here."""
    return {
        "ground": "OWN-DECISION",
        "case": case.hex(),
        "xid": xid.hex(),
        "parent": parent.hex(),
        "time": time,
    }


def test_both_readers_find_the_same_consents(tmp_path: Path) -> None:
    with LoginSite.opened(tmp_path / "land", people=1) as site:
        country = site.land.country
        first, second = granted(site, 0, "name"), granted(site, 0, "name", "address", days="30")
        assert use(site.party(), first).status == use(site.party(), first).status == 200
        assert use(site.party(), second).status == 200
        site.run(country.portal.decide_unkept(ref(0), LinkAllowed(CHILDCARE)))
        rows = site.run(own_history(country, ref(0))).rows
        ended = consents_in(rows)[0].allowed.grant
        site.run(country.portal.withdraw(ref(0), ended))
        rows = site.run(own_history(country, ref(0))).rows
    lines = [
        {
            "ground": row.record.common.ground,
            "case": row.record.personal.case.hex(),
            "xid": row.record.personal.xid.hex(),
            "parent": row.record.personal.parent.hex(),
            "time": row.record.common.time_ms,
        }
        for row in rows
        if isinstance(row.record, RequestRecord)
    ]
    ((consents, links),) = told([lines])
    expected = [
        {
            "grant": each.allowed.grant.hex(),
            "client": each.allowed.client,
            "items": list(each.allowed.items),
            "purpose": each.allowed.purpose,
            "until": each.allowed.until_ms,
            "time": each.time_ms,
            "withdrawn": each.withdrawn,
        }
        for each in consents_in(rows)
    ]
    assert [{name: value for name, value in each.items() if name != "uses"} for each in consents] == expected
    assert (
        [len(each["uses"]) for each in consents] == [len(each.uses) for each in consents_in(rows)] == [2, 1]
    )
    assert [each["withdrawn"] for each in consents] == [True, False]
    assert [each["client"] for each in links] == [CHILDCARE]


def test_a_use_and_an_end_are_found_by_the_grant_alone() -> None:
    allowed = LatestAllowed(b"g" * 16, "shop", ("name",), "約款", 9_000)
    other = LatestAllowed(b"h" * 16, "shop", ("name",), "約款", 9_000)
    own = [line(packed(each)) for each in (allowed, other)]
    uses = [
        {**line(b"", b"x" * 16, use_mark(allowed.grant, b"x" * 16), 8), "ground": "LOGIN-ATTRIBUTES"},
        {**line(b"", b"y" * 16, use_mark(allowed.grant, b"x" * 16), 9), "ground": "LOGIN-ATTRIBUTES"},
    ]
    ((consents, links),) = told([[*own, *uses, line(packed(LatestWithdrawn(b"h" * 16)))]])
    assert [each["uses"] for each in consents] == [[8], []]
    assert [each["withdrawn"] for each in consents] == [False, True]
    assert links == []


def test_both_readers_take_the_same_bytes_for_a_consent() -> None:
    """Each of the first bytes changed, and lengths that do not fit."""
    good = packed(LatestAllowed(b"g" * 16, "shop", ("name", "address"), "約款の送付", 1_900_000_000_000))
    cases = [good, b"", good[:-1], good + b"\0", bytes(512), b"\xff" * 512]
    cases += [good[:at] + bytes([good[at] ^ bits]) + good[at + 1 :] for at in range(80) for bits in (1, 0x80)]

    def taken(case: bytes) -> bool:
        try:
            return len(case) == 512 and isinstance(unpacked(case), LatestAllowed)
        except NotCanonical:
            return False

    assert [len(consents) for consents, _ in told([[line(case)] for case in cases])] == [*map(taken, cases)]
    assert sum(map(taken, cases)) > 20
