"""Who reads a whole log holds a piece of it at a time, keeps how far it has come, and goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kakine.parties.commission import counts
from kakine.parties.commission.bureau import reading
from kakine.parties.commission.bureau.figures import Figures
from kakine.parties.converter import statement
from kakine.parties.mailbox import start as mailbox_start
from kakine.parties.mailbox import store as mailbox_store
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable
from kakine.wire.entry import Entry

from land import CHILDREN, TAX, Land

Span = tuple[str, int, int]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", people=4, domains=(CHILDREN, TAX)) as founded:
        for j in range(4):
            founded.run(founded.ask(j))
        yield founded


class Reader:
    """What the commission reads for its figures; nobody answers when so many pieces have been read."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.spans: list[Span] = []
        self.most = 1000
        self._really = reading.entries_between
        patch.setattr(reading, "entries_between", self._read)

    async def _read(
        self, peers: Any, log: Any, heads: Any, keys: Any, start: int, end: int
    ) -> dict[int, Entry]:
        if len(self.spans) >= self.most:
            raise PartyUnavailable(party=str(log.ledger))
        self.spans.append((log.origin, start, end))
        return await self._really(peers, log, heads, keys, start, end)

    def take(self, land: Land) -> Figures:
        self.spans.clear()
        return land.run(land.country.commission.figuring.take())


def requests(figures: Figures) -> int:
    return sum(each.requests for each in figures.days)


def told(figures: Figures) -> dict[str, Any]:
    """What follows from the logs."""
    names = "days", "objections", "answers", "sealed", "erasure_due"
    return {name: msgspec.to_builtins(getattr(figures, name)) for name in names}


def test_a_commission_that_starts_again_reads_only_what_is_new(
    fresh: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(monkeypatch)
    before = reader.take(fresh)
    assert requests(before) >= 4
    assert {start for _, start, _ in reader.spans} == {0}
    ends = {origin: end for origin, _, end in reader.spans}
    again = fresh.reopened()
    try:
        assert told(reader.take(again)) == told(before)
        assert all(start >= ends[origin] for origin, start, _ in reader.spans if origin in ends)
        again.run(again.ask(0))
        later = reader.take(again)
        assert reader.spans
        assert all(start >= ends[origin] for origin, start, _ in reader.spans if origin in ends)
        assert requests(later) > requests(before)
    finally:
        again.close()


def test_a_reading_that_breaks_off_says_so_and_goes_on_from_the_last_piece(
    fresh: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(monkeypatch)
    monkeypatch.setattr(reading, "_STEP", 2)
    reader.most = 2
    broken = reader.take(fresh)
    assert [each for each in broken.missing if each.endswith(PartyUnavailable.code)]
    ends = {origin: end for origin, _, end in reader.spans}
    reader.most = 1000
    whole = reader.take(fresh)
    assert all(end - start <= 2 for _, start, end in reader.spans)
    for origin, end in ends.items():
        assert min(start for at, start, _ in reader.spans if at == origin) == end
    assert requests(whole) > requests(broken)


def test_a_long_log_is_counted_stretch_after_stretch_in_one_run(
    fresh: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MOST", 3)
    fresh.clock.advance(60 * (statement.SETTLED_MINUTES + 4))
    verdicts = fresh.run(fresh.country.auditor.check_counts())
    spans = [(int.from_bytes(each.subject[:8]), int.from_bytes(each.subject[8:])) for each in verdicts]
    assert [each.fault for each in verdicts] == [""] * len(verdicts)
    assert len(verdicts) > 2
    assert all(0 < end - start <= 3 for start, end in spans)


def test_a_record_keeper_far_behind_makes_one_index_after_the_other(
    fresh: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_start, "MOST", 3)
    country, origin = fresh.country, fresh.country.logs[0].origin
    for name, chore in (("mailbox-a", mailbox_start.index), ("mailbox-b", mailbox_start.follow)):
        fresh.run(chore(country.mailboxes[PartyName(name)], country._footing(PartyName(name))))
    made = [
        [(each.start, each.end) for each in mailbox_store.indexes(keeper.office.db.read(), origin)]
        for keeper in country.mailboxes.values()
    ]
    assert made[0] == made[1]
    assert len(made[0]) > 1
    assert [start for start, _ in made[0][1:]] == [end for _, end in made[0][:-1]]
    assert all(end - start <= 3 for start, end in made[0])
    verdicts = fresh.run(country.auditor.check_indexes())
    assert [each.fault for each in verdicts] == [""] * len(verdicts)
