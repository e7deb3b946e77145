"""The portal's exchanges for a login: carried through once, in memory, and nothing is kept of them.

Every other exchange of the system is on disk before its first call. A login is not: person, relying party and time
together on a disk would be the diary that this login must not leave. A crash between filing and answer leaves an entry
"asked, not answered" in the person's history, and the person logs in again. As nothing is kept that a dispute could ask
for later, the whole chain is proved before the receipt (mode S1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kakine.clients.exchange import Requester, Wish, request_of
from kakine.contracts.portal import SealedOwnData
from kakine.crypto.sealing import SealKey
from kakine.protocols.own_data import GROUND, Holder
from kakine.values.codes import CodeVector
from kakine.values.labels import DomainName
from kakine.values.problems import PartyUnavailable
from kakine.wire.answer import Answered, Prepared, Result
from kakine.wire.canonical import decode, encode
from kakine.wire.login import Subject
from kakine.wire.own_data import Order, OwnAsked
from kakine.wire.request import AskedPerson, Kind, Mode

OWN = 1
"""Channel of the record: the person's own doing."""

_claims = msgspec.json.Decoder(dict[str, Any])


async def _once(requester: Requester, wish: Wish) -> Answered:
    return await _carried(requester, await requester.prepare(wish))


async def _carried(requester: Requester, prepared: Prepared) -> Answered:
    converted = await requester.convert(prepared)
    released = await requester.release(prepared, converted)
    delivered = await requester.deliver(prepared, converted, released)
    (answer,) = requester.open(prepared, converted, delivered)
    return answer


def _wish(
    kind: Kind, ground: str, to: DomainName, codes: CodeVector, items: tuple[str, ...], asked: AskedPerson
) -> Wish:
    return Wish(kind, Mode.S1, ground, (), to, codes, (asked,), items, channel=OWN)


async def subject(
    requester: Requester, to: DomainName, codes: CodeVector, scopes: tuple[str, ...], asked: AskedPerson
) -> str:
    """Under what name the relying party of domain `to` knows the person. `scopes` are what the person agreed to, and
    stand in the record that only the person can read. Raises the problem of whoever refused."""
    answer = await _once(requester, _wish(Kind.LOGIN, "LOGIN", to, codes, scopes, asked))
    if answer.result != Result.DELIVERED:
        raise PartyUnavailable(party=str(to.party))
    return decode(answer.data, Subject).sub


async def own_data(
    requester: Requester, holder: Holder, codes: CodeVector, session: SealKey, xid: bytes, order: Order
) -> SealedOwnData:
    """What one holder has on the person, readable with the session's key only. Request and answer look alike whether
    there is anything or not, and whether the area is shown, closed or opened."""
    asked = AskedPerson(xid, "", b"", b"", encode(OwnAsked(bytes(session), order)))
    to, items = holder.domain, holder.items
    wish = Wish(Kind.OWN_DATA, Mode.S1, GROUND, (), to, codes, (asked,), items, channel=OWN)
    prepared = await requester.prepare(wish)
    answer = await _carried(requester, prepared)
    return SealedOwnData(str(to), request_of(prepared), answer.data)


async def attributes(
    requester: Requester, registry: DomainName, codes: CodeVector, items: tuple[str, ...], asked: AskedPerson
) -> Mapping[str, Any]:
    """What the registry gives of `items`, by item. Nothing in it names the login that it is for: registry and relying
    party could else find each other's people by it. Under a consent `asked` carries a mark by which its person, who
    alone knows the grant, finds the use."""
    answer = await _once(requester, _wish(Kind.ATTRIBUTES, "LOGIN-ATTRIBUTES", registry, codes, items, asked))
    return _claims.decode(answer.data) if answer.data else {}
