"""The figures of what is usual for a task: made with the others by the clock, signed when somebody asks."""

from __future__ import annotations

from functools import partial

from kakine.contracts.call import Nothing
from kakine.contracts.commission import UsualGiven
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.protocols.usual import usual_of
from kakine.runtime.identity import Identity
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.wire import usual as wire
from kakine.wire.canonical import encode

_NAME = "usual"


async def take(bureau: Bureau) -> None:
    """Make and keep them; empty where no month that is over was counted."""
    now_ms = bureau.clock()
    cells, law = store.cells_since(bureau.db.read(), 0), bureau.book.in_force(now_ms)
    found = usual_of(cells, law.gazette.rows, day_in_japan(now_ms))
    data = b"" if found is None else encode(found)
    await bureau.db.write(partial(store.put_snapshot, name=_NAME, now_ms=now_ms, data=data))


async def given(bureau: Bureau, identity: Identity, caller: PartyName, asked: Nothing) -> UsualGiven:
    """The file as it was made last, the same for whoever asks; empty where there is none."""
    found = store.snapshot(bureau.db.read(), _NAME)
    return UsualGiven(wire.signed(found[1], identity.signing) if found and found[1] else b"")
