"""One country with visits for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from login_site import LoginSite
from visitor import Doorstep

from land import Ticking


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorstep]:
    """Its time is the tests' own: what must happen before a visit ends does, however slow the machine."""
    with Doorstep.opened(tmp_path_factory.mktemp("visits") / "land", clock=Ticking()) as opened:
        yield opened


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[LoginSite]:
    with LoginSite.opened(tmp_path / "land", people=1) as opened:
        yield opened
