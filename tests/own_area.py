"""Own data for tests: a tax record of person j at Yokohama, and what a visit is shown of an area."""

from __future__ import annotations

from typing import Any

import msgspec

from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.crypto.sealing import OpenKey
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.parties.gateway.store import Copy, put_copy
from kakine.runtime.codebook import token_of
from kakine.values.labels import PartyName
from kakine.wire.own_data import OwnItem, opened
from login_site import BIRTHS, LoginSite
from visitor import Visitor

from land import TAX, TAX_ITEM, ref

SESSION = OpenKey(bytes(range(32)))
DAY_MS = 86_400_000


def known_at_tax(site: LoginSite, j: int) -> None:
    """Yokohama's tax office has a code of person j, and nothing else."""
    asked = Acquire(TAX, [Wanted(ref(j), ByNumber(site.numbers[j], BIRTHS[j]))])
    site.run(site.land.country.peers(TAX.party).ask(PartyName("registry"), ACQUIRE, asked))


def taxed(site: LoginSite, j: int, version: int = 1, **sheet: Any) -> None:
    """Yokohama's tax office has a record of person j, whom it knows."""
    now_ms = site.land.clock()
    data = msgspec.json.encode({"fiscal_year": 2026, "taxed": "exempt"} | sheet)
    copy = NewCopy(ref(j), TAX_ITEM, 1, version, now_ms, now_ms + 300 * DAY_MS, data)
    site.run(put_copies(site.land.yokohama.office, TAX, [copy]))


def written(site: LoginSite, j: int, data: bytes) -> None:
    """The same of an office that keeps to no layout."""
    office, now_ms = site.land.yokohama.office, site.land.clock()
    token = token_of(office.db.read(), TAX, ref(j))
    assert token is not None
    copy = Copy(TAX_ITEM, 1, 1, now_ms, now_ms + 300 * DAY_MS, data)
    site.run(office.db.write(lambda db: put_copy(db, TAX, token, copy)))


def seen(visitor: Visitor, area: str = "tax") -> dict[str, tuple[OwnItem, ...]]:
    """What this visit is shown of an area, by domain."""
    given = visitor.site.run(visitor.visits.own_data(visitor.name, area, SESSION.public))
    return {each.domain: opened(SESSION, each.request, each.sealed).items for each in given}
