"""Fixtures that several folders use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from land import Land

# How long an example takes says how busy the machine is, not whether the claim holds.
settings.register_profile("unhurried", deadline=None)
# What `attacks/prove.py` makes fail has failed; to find the shortest case of it takes minutes.
settings.register_profile("prove", deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("unhurried")


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    """A fresh country with four people."""
    with Land.founded(tmp_path / "land") as founded:
        yield founded


@pytest.fixture(scope="module")
def shared_land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """One country for all tests of a module that leave it as they find it."""
    with Land.founded(tmp_path_factory.mktemp("shared") / "land") as founded:
        yield founded
