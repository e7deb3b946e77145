"""The file of what is usual: whoever looks in it for small counts or for people, and a portal that is lied to
(spec/console.md section 8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kakine.parties.commission.bureau import store, usual
from kakine.protocols.uses import Cell
from kakine.values.calendar import day_in_japan
from kakine.values.problems import SignatureInvalid
from kakine.wire import usual as wire
from kakine.wire.usual import Share
from web.portal_site import PortalLand

from land import Land


def test_everybody_gets_the_same_file(tmp_path: Path) -> None:
    """A stranger, two residents before and after they read, in each language: the same bytes, no cookie."""
    with PortalLand.opened(tmp_path) as site:
        land = site.site.land
        _count(land, 1000)
        land.run(land.country.portal.usual.refresh())
        file = land.country.portal.usual.file
        assert wire.opened(file, _key(land)).tasks
        one, two = site.entered(0), site.entered(1, "/en")
        two.get("/en/history")
        for plain in (site.browser(), one, two):
            for prefix in ("", "/easy", "/en"):
                answer = plain.get(f"{prefix}/history/usual")
                assert (answer.status, answer.body) == (200, file)
                assert "set-cookie" not in answer.headers


def _count(land: Land, people: int, small: int = 9) -> bytes:
    """A month ago so many people were asked about; the commission makes its figures."""
    bureau = land.country.commission.bureau
    day = day_in_japan(land.clock()) - 35
    rows = [each for each in bureau.book.in_force(land.clock()).gazette.rows if each.procedure == "JO106"]
    assert len(rows) > 1
    sizes = [people, *[small] * (len(rows) - 1)]
    cells = [
        Cell(day, "JO106", row.id, "yokohama/tax", "sapporo/tax", size, size, size)
        for row, size in zip(rows, sizes, strict=True)
    ]
    land.run(bureau.db.write(lambda db: store.put_cells(db, day, cells, [])))
    land.run(usual.take(bureau))
    return land.run(land.country.portal.usual.refresh()) or land.country.portal.usual.file


def _key(land: Land) -> wire.VerifyKey:
    return land.country.commission.book.in_force(land.clock()).signing_key("commission")


def test_nothing_below_the_threshold_is_in_the_file(tmp_path: Path) -> None:
    """Few people in a task: no word of it. Counts within their bands: the same bytes."""
    with Land.founded(tmp_path / "land", 1) as land:
        assert not wire.opened(_count(land, 99), _key(land)).tasks
        said = wire.opened(_count(land, 1000, small=9), _key(land))
        (task,) = said.tasks
        assert [each.share for each in task.rows] == [Share.USUAL, *[Share.SELDOM] * (len(task.rows) - 1)]
        file = _count(land, 1000, small=9)
        assert {_count(land, people, small) for people in (1000, 1009) for small in (1, 5, 9)} == {file}


def test_a_portal_hands_on_nothing_that_the_commission_has_not_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody answers for the commission; what was right before stays."""
    with Land.founded(tmp_path / "land", 1) as land:
        file = _count(land, 1000)
        honest = wire.signed
        monkeypatch.setattr(usual.wire, "signed", lambda data, key: bytes(64) + honest(data, key)[64:])
        with pytest.raises(SignatureInvalid):
            land.run(land.country.portal.usual.refresh())
        assert land.country.portal.usual.file == file
