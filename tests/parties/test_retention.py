"""Erasing from the command line; what is deleted from a store is not left in its files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table
from typer.testing import CliRunner

from kakine.cli import visiting
from kakine.cli.root import app
from kakine.country import Site
from kakine.runtime.database import Database
from kakine.values.calendar import (
    RETENTION_MONTHS,
    has_expired,
    month_name,
    month_start_ms,
    months_since_2000,
)
from kakine.values.calendar import retained_from_ms as retained_from

import land as lands
from land import CHILDREN, LOGIN, TAX, Land

METADATA = MetaData()
THINGS = Table("things", METADATA, Column("id", Integer, primary_key=True), Column("data", LargeBinary))


def test_what_was_deleted_stands_in_no_file_once_the_store_has_forgotten(tmp_path: Path) -> None:
    """Other works are carried out before and after it, in order."""
    store = Database.open(tmp_path / "store.sqlite", METADATA)
    secrets = [bytes([n]) * 64 + b"secret" for n in range(1, 50)]

    async def live() -> None:
        await asyncio.gather(
            *(
                store.write(
                    lambda db, k=k, each=each: db.execute("INSERT INTO things VALUES (?, ?)", (k, each))
                )
                for k, each in enumerate(secrets)
            )
        )
        assert any(secrets[0] in path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
        drop = store.write(lambda db: db.execute("DELETE FROM things WHERE id < 40"))
        forget = store.forget()
        after = store.write(lambda db: db.execute("INSERT INTO things VALUES (100, ?)", (b"later" * 20,)))
        await asyncio.gather(drop, forget, after)
        await store.forget()

    try:
        asyncio.run(live())
        left = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
        assert [each for each in secrets[:40] if each in left] == []
        assert all(each in left for each in (*secrets[40:], b"later" * 20))
    finally:
        store.close()


@pytest.mark.parametrize("year", [2024, 2026, 2031, 2099])
def test_seven_years_are_84_months_whatever_the_month(year: int) -> None:
    for month in range((year - 2000) * 12, (year - 2000) * 12 + 12):
        start, end = month_start_ms(month), month_start_ms(month + 1) - 1
        assert months_since_2000(start) == months_since_2000(end) == month
        assert month_name(month) == f"{year}-{month % 12 + 1:02d}"
        expiry = month + RETENTION_MONTHS
        last = month_start_ms(expiry + 1) - 1
        assert not has_expired(expiry, last)
        assert has_expired(expiry, last + 1)
        assert retained_from(last) == start
        assert retained_from(last + 1) == end + 1


def test_the_commands_say_what_went_what_is_held_and_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "land"
    with Land.founded(folder, 1, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.ask(0))
        clock, entropy = land.clock, land.entropy
        index = land.country.mailboxes["mailbox-a"].office.db.read().execute("SELECT MAX(first) FROM filing")  # type: ignore[index]
        held = int(index.fetchone()[0])
    monkeypatch.setattr(visiting, "site", lambda where: Site(where, lands.pack(), clock, entropy))
    assert "no month has expired" in said("retain", "--dir", folder)
    digest = said("retain", "--dir", folder, "--hold", held, "--reason", "court-order").split()[-1]
    clock.ahead_ms += month_start_ms(months_since_2000(clock()) + RETENTION_MONTHS + 2) - clock()
    assert "not erased" in said("ledger", "erasures", "--dir", folder)
    first = said("retain", "--dir", folder)
    assert "held: 1" in first
    assert "yokohama" in first
    after = said("ledger", "erasures", "--dir", folder)
    assert "held: 1" in after
    assert "not erased" not in after
    assert "no month has expired" in said("retain", "--dir", folder)
    assert "has ended" in said("retain", "--dir", folder, "--lift", digest)
    for wrong in (digest, "no digest"):
        assert CliRunner().invoke(app, ["retain", "--dir", str(folder), "--lift", wrong]).exit_code == 1


def said(*words: object) -> str:
    ran = CliRunner().invoke(app, [str(word) for word in words])
    assert ran.exit_code == 0, ran.output
    return ran.output
