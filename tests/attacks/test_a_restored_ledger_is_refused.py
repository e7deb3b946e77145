"""R1 to R3 in a whole country: whoever puts the log of yesterday back is refused at start by whoever has seen today's.

A restored database agrees with itself. It is held against its signer's store, against what the converters have
released under, and against what outside witnesses have cosigned; all of them would have to be put back as well.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path

import pytest

from kakine.country import CONVERTERS, LEDGER, Country, Site
from kakine.values.problems import LedgerBehind

import land as lands
from land import CHILDREN, TAX, Land, pack

LEDGERS_OWN = [LEDGER, f"{LEDGER}-signer"]


def stores(folder: Path, names: list[str]) -> list[Path]:
    return [path for name in names for path in folder.glob(f"{name}.sqlite*") if path.suffix != ".lock"]


@pytest.fixture
def yesterday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A country's stores as of yesterday; today there was one exchange more, and every witness has seen its head."""
    monkeypatch.setattr(lands, "Entropy", lambda _: secrets.token_bytes)
    folder, backup = tmp_path / "land", tmp_path / "backup"
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX)) as land:
        land.run(land.ask(0))
        land.run(land.country.have_witnessed())
        land.close()
        shutil.copytree(folder, backup)
        with Land(folder, land.clock) as again:
            again.run(again.ask(1))
            again.run(again.country.have_witnessed())
    return backup


def restored(backup: Path, names: list[str]) -> Path:
    """Today's country with these parties' stores from yesterday."""
    folder = backup.parent / "land"
    for path in stores(folder, names):
        path.unlink()
    for path in stores(backup, names):
        shutil.copy(path, folder / path.name)
    return folder


async def opened(folder: Path) -> None:
    """Every party starts, or one refuses; nobody asks anything."""
    async with await Country.open(Site(folder, pack())):
        pass


@pytest.mark.parametrize(
    ("names", "by"),
    [
        ([LEDGER], f"{LEDGER}-signer"),
        (LEDGERS_OWN, CONVERTERS[0]),
        ([*LEDGERS_OWN, CONVERTERS[0], CONVERTERS[2]], CONVERTERS[1]),
        ([*LEDGERS_OWN, *CONVERTERS], "citizens-watch"),
    ],
    ids=["the ledger's", "its signer's too", "two converters' too", "all converters' too"],
)
def test_a_store_put_back_is_refused_by_the_next_who_has_seen_more(
    yesterday: Path, names: list[str], by: str
) -> None:
    with pytest.raises(LedgerBehind) as refused:
        asyncio.run(opened(restored(yesterday, names)))
    assert refused.value.facts["known_to"] == by


def test_a_country_that_was_only_stopped_goes_on(yesterday: Path) -> None:
    with Land(yesterday.parent / "land") as land:
        assert land.run(land.ask(0)).result == "delivered"
