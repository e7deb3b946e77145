"""All erasure notices that the commission gives, to anybody who asks."""

from __future__ import annotations

from kakine.contracts.commission import ERASURES
from kakine.contracts.retention import Erasures, NoticeLogged
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.wire.canonical import decode
from kakine.wire.erasure import Notice, Order


async def all_notices(peers: Peers, commission: PartyName) -> list[NoticeLogged]:
    """In the order of their months. Nothing in them is checked here."""
    found: list[NoticeLogged] = []
    low = 0
    while True:
        page = (await peers.ask(commission, ERASURES, Erasures(low))).notices
        if not page:
            return found
        found += page
        low = decode(decode(page[-1].notice, Notice).order.data, Order).expiry + 1
