"""Fixtures that several folders use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

import postgres_server

from land import Land

# How long an example takes, or is drawn, says how busy the machine is, not whether the claim holds. Each run tries the
# same examples, so that it fails by what was changed; `--hypothesis-profile searching` looks for others.
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("unhurried", derandomize=True, **UNHURRIED)
settings.register_profile("searching", **UNHURRIED)
# What `attacks/prove.py` makes fail has failed; to find the shortest case of it takes minutes.
settings.register_profile("prove", phases=(Phase.explicit, Phase.generate), database=None, **UNHURRIED)
settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """After the last fixture."""
    postgres_server.end()


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
