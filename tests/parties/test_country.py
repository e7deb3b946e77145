"""A country that cannot start leaves nothing open behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from kakine.country import Country, Site
from kakine.runtime.database import Database
from kakine.values.problems import StoreInUse

from land import pack


def test_a_country_that_one_party_keeps_from_starting_can_be_opened_when_that_is_mended(
    tmp_path: Path,
) -> None:
    """A record keeper's file is in use; ledger, commission, ministry, converters and the other record keeper run by
    then and are stopped."""

    async def scene() -> None:
        site = Site(tmp_path, pack())
        held = Database.open(tmp_path / "mailbox-b.sqlite", MetaData())
        with pytest.raises(StoreInUse):
            await Country.open(site)
        held.close()
        async with await Country.open(site) as country:
            assert country.commission.book.published

    asyncio.run(scene())
