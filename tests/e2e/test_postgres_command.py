"""`kakine postgres` and `kakine store`, as an operator runs them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import postgres_server
from kakine.cli.root import app
from kakine.institutions.postgres import Cluster
from kakine.values.problems import StoreInUse, StoreOutdated

from land import Land

RUN = CliRunner()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that the server's account can reach."""
    with postgres_server.short_folder() as path:
        yield path


def test_the_server_starts_serves_a_country_is_upgraded_and_stops(folder: Path) -> None:
    home = ["--dir", str(folder)]
    assert RUN.invoke(app, ["postgres", "status", *home]).exit_code == 1
    try:
        assert RUN.invoke(app, ["postgres", "start", *home], catch_exceptions=False).exit_code == 0
        assert RUN.invoke(app, ["postgres", "start", *home], catch_exceptions=False).exit_code == 0
        assert (
            str(Cluster(folder / "postgres").running) in RUN.invoke(app, ["postgres", "status", *home]).output
        )
        assert RUN.invoke(app, ["store", "upgrade", "--check", *home]).exit_code == 0
        told = RUN.invoke(app, ["store", "upgrade", *home], catch_exceptions=False)
        assert told.output.count("current") == len(list(folder.glob("*.postgresql")))
        with Land(folder) as land:
            assert land.country.commission.book.published
    finally:
        assert RUN.invoke(app, ["postgres", "stop", *home]).exit_code == 0
    assert Cluster(folder / "postgres").running is None


def test_a_country_that_was_begun_in_files_is_not_moved_out_of_sight(folder: Path) -> None:
    (folder / "registry.sqlite").touch()
    try:
        assert isinstance(RUN.invoke(app, ["postgres", "start", "--dir", str(folder)]).exception, StoreInUse)
        assert not list(folder.glob("*.postgresql"))
    finally:
        Cluster(folder / "postgres").stop()


def test_a_store_in_a_file_is_checked_and_one_without_a_version_refused(tmp_path: Path) -> None:
    with Land(tmp_path / "land"):
        pass
    home = ["--dir", str(tmp_path / "land")]
    assert RUN.invoke(app, ["store", "upgrade", "--check", *home], catch_exceptions=False).exit_code == 0
    with sqlite3.connect(tmp_path / "land" / "registry.sqlite") as store:
        store.execute("DELETE FROM alembic_version")
    store.close()
    for more in (["--check"], []):
        told = RUN.invoke(app, ["store", "upgrade", *more, *home])
        assert isinstance(told.exception, StoreOutdated)
