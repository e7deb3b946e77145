"""The tree is the threat model: a party knows the contracts of the others and nothing of their code."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kakine.contracts
import kakine.parties
from kakine.contracts.call import Role
from kakine.contracts.served import CONTRACTS, calls_of, served_by
from kakine.runtime.http import Application

from land import CHILDREN, TAX, Land

ROOT = Path(__file__).resolve().parents[2]
PARTIES = sorted(module.name for module in pkgutil.iter_modules(kakine.parties.__path__))
LOADED = """
import importlib, json, sys
for each in sys.argv[1:]:
    importlib.import_module(each)
print(json.dumps(sorted(name for name in sys.modules if name.startswith("kakine"))))
"""
WITNESSING = {"/add-checkpoint", "/{origin}/checkpoint"}
"""What a converter serves besides its contract: it is a C2SP witness too."""


def loaded_by(*modules: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", LOADED, *modules], capture_output=True, check=True)
    names: list[str] = json.loads(run.stdout)
    return names


@pytest.mark.parametrize("party", PARTIES)
def test_a_party_started_alone_loads_no_other_party(party: str) -> None:
    loaded = loaded_by(f"kakine.parties.{party}.app")
    others = [f"kakine.parties.{other}" for other in PARTIES if other != party]
    not_its_own = {*others, "kakine.country", "kakine.institutions", "kakine.cli", "kakine.__main__"}
    assert f"kakine.parties.{party}.app" in loaded
    assert not_its_own & set(loaded) == set()


@pytest.mark.parametrize("party", PARTIES)
def test_the_process_of_a_party_loads_no_other_party(party: str) -> None:
    if party == "witness":
        return  # `kakine serve witness`: it is no party of the law and has no road to them
    loaded = loaded_by("kakine.process.running", f"kakine.parties.{party}.start")
    others = [f"kakine.parties.{other}" for other in PARTIES if other != party]
    not_its_own = {*others, "kakine.country", "kakine.institutions", "kakine.cli", "kakine.__main__"}
    assert {"kakine.process.running", f"kakine.parties.{party}.start"} <= set(loaded)
    assert not_its_own & set(loaded) == set()


def test_imports_point_down_and_only_crypto_touches_crypto_libraries() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


def paths(app: object) -> set[str]:
    assert isinstance(app, Application)
    return {route.path for route in app.routes}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Land.founded(tmp_path_factory.mktemp("running") / "land", 2, (CHILDREN, TAX)) as land:
        yield land


def kind_of(party: str) -> Role:
    """By the names that parties of this country have; the others are agencies."""
    if party.endswith("-signer"):
        return Role.SIGNER
    first = party.partition("-")[0]
    return Role(first) if first in set(Role) else Role.GATEWAY


def test_every_call_of_a_contract_is_served_and_nothing_else_is(running: Land) -> None:
    apps = running.country.apps
    assert {kind_of(party) for party in apps} == set(CONTRACTS) == set(Role)
    for party, app in apps.items():
        expected = set(served_by(kind_of(party)))
        if kind_of(party) is Role.CONVERTER:
            expected |= WITNESSING
        assert paths(app) == expected, party


def test_every_call_names_its_callers_and_a_limit() -> None:
    modules = pkgutil.iter_modules(kakine.contracts.__path__)
    contracts = [importlib.import_module(f"kakine.contracts.{each.name}") for each in modules]
    served = {each for several in CONTRACTS.values() for each in several}
    assert served == {each for each in contracts if calls_of(each)}
    for contract in contracts:
        for call in calls_of(contract).values():
            assert call.callers
            assert 0 < call.limit <= 64 << 20
            assert call.path.startswith("/v1/")
