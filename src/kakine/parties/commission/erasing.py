"""The erasure of a month, step by step: counted, ordered, dropped, destroyed, told to everybody (spec/retention.md).

Every step is kept before the next begins, and every party answers the same order twice with the same statement, so
that an erasure broken off at any point goes on from there. A count that does not agree stops it before anything goes.
"""

from __future__ import annotations

from functools import partial

import msgspec

from kakine.clients.log import pages_between
from kakine.contracts import converter, mailbox
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, Appended
from kakine.contracts.retention import Destroy, Drop, Erasures, ErasuresGiven, ExpiringAsked, NoticeLogged
from kakine.parties.commission import erasure_store as store
from kakine.parties.commission import holds
from kakine.parties.commission.erasure_store import Erasure
from kakine.parties.commission.retention_office import Office
from kakine.protocols.erasure import (
    Counted,
    check_destroyed,
    check_dropped,
    check_notice,
    due,
    notice_entry,
    notice_tag,
    of_month,
    places_of,
    tallied,
)
from kakine.values.labels import PartyName
from kakine.values.problems import ErasureMismatch
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode, encode
from kakine.wire.erasure import ORDER, Hold, Notice, Order, Signed, Tallies, Tally, notice_digest, signed
from kakine.wire.request import Place

_MOST = 64
_receipt = msgspec.msgpack.Decoder(Appended)


async def run(office: Office) -> list[Order]:
    """Erase every month that is over and not erased yet, oldest first; the orders that are done now.

    Raises the problem of the first step that fails: nothing later is begun, and the next run goes on from there.
    """
    await holds.finish(office)
    sizes, counted = await _counted(office)
    finished = []
    for expiry in due(counted, office.clock()):
        found = store.find(office.db.read(), expiry)
        if found is None or found.receipt is None:
            finished.append(await _erase(office, expiry, counted, sizes))
    return finished


async def _counted(office: Office) -> tuple[tuple[int, ...], Counted]:
    """The size of each log, and how many of its entries go with each month. Counted anew: no store is asked."""
    sizes, counted = list[int](), dict[str, dict[int, Tally]]()
    for log in office.logs:
        given = await office.peers.ask(log.ledger, CHECKPOINT, Nothing())
        size = notes.open(given.checkpoint, log.origin, office.log_keys[log.origin]).size
        tallies: dict[int, Tally] = {}
        async for page in pages_between(office.peers, log, office.heads, office.log_keys, 0, size):
            tallies = tallied(log.origin, sorted(page.items()), tallies)
        sizes.append(size)
        counted[log.origin] = tallies
    return tuple(sizes), counted


async def _erase(office: Office, expiry: int, counted: Counted, sizes: tuple[int, ...]) -> Order:
    found = store.find(office.db.read(), expiry)
    if found is None:
        found = await _order(office, expiry, of_month(counted, expiry), sizes)
    order = decode(found.order, Signed)
    for name in office.keepers:
        await _dropped(office, expiry, order, name)
    for name in office.converters:
        await _destroyed(office, expiry, order, name)
    return await _published(office, expiry, counted)


async def _order(office: Office, expiry: int, counts: Tallies, sizes: tuple[int, ...]) -> Erasure:
    """Made once every record keeper counts what the logs have, and kept before anybody is given it."""
    digests = [each.digest for each in store.holds(office.db.read(), expiry)]
    for name in office.keepers:
        has = await office.peers.ask(name, mailbox.EXPIRING, ExpiringAsked(expiry))
        if has.counts != counts:
            stated = [tally.count for tally in has.counts]
            raise ErasureMismatch(
                part="count", party=name, stated=stated, log=[tally.count for tally in counts]
            )
        if has.holds != digests:
            raise ErasureMismatch(part="holds", party=name)
    places = {place for each in store.holds(office.db.read(), expiry) for place in _places(each.hold)}
    said = Order(expiry, sizes, counts, tuple(digests), len(places), office.clock())
    order = encode(signed(said, ORDER, office.identity.signing))
    await office.db.write(lambda db: store.add(db, expiry, order))
    return Erasure(expiry, order, None, None, None)


def _places(hold: bytes) -> list[Place]:
    return places_of(decode(decode(hold, Signed).data, Hold))


async def _dropped(office: Office, expiry: int, order: Signed, name: PartyName) -> None:
    if name not in store.statements(office.db.read(), expiry):
        given = await office.peers.ask(name, mailbox.DROP, Drop(encode(order)))
        check_dropped(order, [decode(given.statement, Signed)], [name], office.law.signing_key)
        await office.db.write(
            partial(store.add_statement, expiry=expiry, party=name, statement=given.statement)
        )


async def _destroyed(office: Office, expiry: int, order: Signed, name: PartyName) -> None:
    known = store.statements(office.db.read(), expiry)
    if name not in known:
        dropped = [known[keeper] for keeper in office.keepers]
        kept = [each.hold for each in store.holds(office.db.read(), expiry)]
        message = Destroy(encode(order), dropped, kept)
        given = await office.peers.ask(name, converter.DESTROY, message)
        check_destroyed(order, [decode(given.statement, Signed)], [name], office.law.signing_key)
        await office.db.write(
            partial(store.add_statement, expiry=expiry, party=name, statement=given.statement)
        )


async def _published(office: Office, expiry: int, counted: Counted) -> Order:
    """The notice, held against the logs before it is logged."""
    found = store.find(office.db.read(), expiry)
    assert found is not None  # noqa: S101 - the order was kept first
    if found.notice is None:
        said = {
            name: decode(each, Signed) for name, each in store.statements(office.db.read(), expiry).items()
        }
        keepers = tuple(said[name] for name in office.keepers)
        converters = tuple(said[name] for name in office.converters)
        made = encode(Notice(decode(found.order, Signed), keepers, converters))
        entry = notice_entry(notice_digest(made), office.clock())
        await office.db.write(lambda db: store.set_notice(db, expiry, made, entry))
        found = store.find(office.db.read(), expiry) or found
    notice, entry = found.notice or b"", found.entry or b""
    parties = office.identity.name, office.keepers, office.converters
    order = check_notice(decode(notice, Notice), *parties, office.law.signing_key, counted, office.logs)
    receipt = await office.log(entry, notice_tag(expiry))
    await office.db.write(lambda db: store.set_receipt(db, expiry, msgspec.msgpack.encode(receipt)))
    return order


async def erasures(office: Office, caller: PartyName, asked: Erasures) -> ErasuresGiven:
    """What anybody may see of erased months."""
    return ErasuresGiven(
        [
            NoticeLogged(each.notice or b"", each.entry or b"", _receipt.decode(each.receipt or b""))
            for each in store.done(office.db.read(), asked.expiry, _MOST)
        ]
    )
