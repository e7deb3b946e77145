"""Record keepers apart, each with a clock of its own, index the same stretches: else nobody could compare them."""

from __future__ import annotations

from kakine.parties.mailbox import store
from kakine.parties.mailbox.app import Mailbox
from kakine.parties.mailbox.start import follow, index
from kakine.values.labels import PartyName

from land import Land

FIRST, SECOND = PartyName("mailbox-a"), PartyName("mailbox-b")


def stretches(keeper: Mailbox, origin: str) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in store.indexes(keeper.office.db.read(), origin)]


def test_keepers_that_index_at_times_of_their_own_index_the_same_stretches(land: Land) -> None:
    country = land.country
    made = {name: (country.mailboxes[name], country._footing(name)) for name in (FIRST, SECOND)}

    def tick(name: PartyName) -> None:
        keeper, place = made[name]
        for chore in (index, follow):
            land.run(chore(keeper, place))

    origin = country.logs[0].origin
    tick(SECOND)
    assert stretches(made[SECOND][0], origin) == []
    tick(FIRST)
    for j in range(3):
        land.run(land.ask(j))
        tick(SECOND)
        land.run(land.ask(j))
        tick(FIRST)
    tick(SECOND)
    first = stretches(made[FIRST][0], origin)
    assert len(first) == 4
    assert stretches(made[SECOND][0], origin) == first
    verdicts = land.run(country.auditor.check_indexes())
    assert verdicts
    assert not [each.fault for each in verdicts if each.fault]
