"""One country with a login for all tests of a module that leave it usable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from login_site import LoginSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginSite]:
    """Without an authority: nobody can say whether a card stands, so no card logs in."""
    with LoginSite.opened(tmp_path_factory.mktemp("login") / "land") as opened:
        yield opened


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[LoginSite]:
    """For a test that changes the law or stops the country."""
    with LoginSite.opened(tmp_path / "land", people=1) as opened:
        yield opened
