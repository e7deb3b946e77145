"""Units, compose file and manifests: the pack's parties, their ports, and the arrows of the contracts, no more.

Judged here by schemas, systemd's own checker and the arrows; `test_deploy_runs` runs what they start.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import yaml
from prometheus_client import generate_latest

from deployed import unit
from kakine.contracts.call import Call
from kakine.process import running
from kakine.process.telling import Figures
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime import border
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.labels import PartyName
from outside_tools import require_program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.32"
ENTRIES = {each.name: each for each in read_pack(pack_files(pack_folder())).parties}
NAMES = list(ENTRIES)
PORTS = {name: 8600 + 2 * at for at, name in enumerate(NAMES)}

ANSWERED = {
    "authority": ["authority"],
    "commission": ["commission", "commission_audit"],
    "converter": ["converter"],
    "gateway": ["gateway", "agency", "claims"],
    "ledger": ["ledger"],
    "mailbox": ["mailbox"],
    "ministry": ["ministry"],
    "portal": ["gateway"],
    "registry": ["registry", "registry_audit", "gateway"],
    "signer": ["signer"],
}
"""Whose contracts a party of this kind keeps. Written here by hand: the table reads it out of the code."""


def role(name: str) -> str:
    return ENTRIES[name].roles[0]


def may_call(caller: str, callee: str) -> bool:
    """By the contracts, and by whose signer it is."""
    if role(callee) == "signer":
        return ENTRIES[caller].signer == callee
    modules = [importlib.import_module(f"kakine.contracts.{each}") for each in ANSWERED[role(callee)]]
    calls = [each for module in modules for each in vars(module).values() if isinstance(each, Call)]
    return any(role(caller) in call.callers for call in calls)


ARROWS = {(a, b) for a in NAMES for b in NAMES if a != b and may_call(a, b)}


def manifests() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        found += yaml.safe_load_all(path.read_text())
    return found


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def selected(selector: dict[str, Any]) -> Iterator[str]:
    """Parties whose pods a selector takes."""
    for name in NAMES:
        labels = {"kakine/party": name, "kakine/role": role(name)}
        exact = selector.get("matchLabels", {}).items() <= labels.items()
        said = selector.get("matchExpressions", [])
        assert {each["operator"] for each in said} <= {"In"}
        if exact and all(labels.get(each["key"]) in each["values"] for each in said):
            yield name


def opened(side: str, peers: str) -> set[tuple[str, str, int]]:
    """(whose policy, whom, port) of all rules between pods; ports of others are left out."""
    found = set()
    for policy in of_kind("NetworkPolicy").values():
        for own in selected(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get(side, []):
                for peer in rule[peers]:
                    if "podSelector" in peer:
                        far = list(selected(peer["podSelector"]))
                        found |= {(own, each, port["port"]) for each in far for port in rule["ports"]}
    return found


def test_what_is_generated_is_what_the_table_gives() -> None:
    sys.path.insert(0, str(DEPLOY))
    try:
        for name, text in importlib.import_module("make").files().items():
            assert (DEPLOY / name).read_text() == text, f"{name}: run deploy/make.py"
    finally:
        sys.path.remove(str(DEPLOY))


def test_network_policies_allow_exactly_the_arrows_of_the_contracts() -> None:
    coming = {(caller, own, port) for own, caller, port in opened("ingress", "from")}
    going = opened("egress", "to")
    wanted = {(a, b, PORTS[b]) for a, b in ARROWS}
    assert coming == wanted
    assert going == wanted
    nothing = of_kind("NetworkPolicy")["nothing-else"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    "arrow",
    [("yokohama", "converter-1"), ("converter-1", "converter-2"), ("converter-3", "mailbox-a"),
     ("mailbox-b", "ledger-a"), ("ledger-a", "ledger-a-signer"), ("portal", "mailbox-b"),
     ("insurer", "commission"), ("insurer", "authority")],
)  # fmt: skip
def test_the_arrows_of_the_picture_are_there(arrow: tuple[str, str]) -> None:
    assert arrow in ARROWS


@pytest.mark.parametrize(
    "arrow",
    [("yokohama", "ledger-a-signer"), ("ledger-b", "ledger-a-signer"), ("converter-1", "yokohama"),
     ("mailbox-a", "portal"), ("ledger-a", "registry"), ("commission", "ministry")],
)  # fmt: skip
def test_what_is_no_arrow_is_closed(arrow: tuple[str, str]) -> None:
    assert (*arrow, PORTS[arrow[1]]) not in opened("egress", "to")


def test_each_party_has_its_process_address_and_policy() -> None:
    for kind in ("StatefulSet", "Service"):
        assert sorted(of_kind(kind)) == sorted(NAMES)
    assert sorted(of_kind("NetworkPolicy")) == sorted([*NAMES, "nothing-else"])
    for name, each in of_kind("StatefulSet").items():
        (party,) = each["spec"]["template"]["spec"]["containers"]
        assert party["ports"] == [{"name": "parties", "containerPort": PORTS[name]}]
        assert f":{PORTS[name] + 1}/ready" in party["readinessProbe"]["exec"]["command"][-1]
        assert party["securityContext"]["readOnlyRootFilesystem"]
        (address,) = of_kind("Service")[name]["spec"]["ports"]
        assert address["port"] == PORTS[name]
    covered = [name for each in of_kind("PodDisruptionBudget").values()
               for name in selected(each["spec"]["selector"])]  # fmt: skip
    assert sorted(covered) == sorted(NAMES)


def test_compose_has_a_service_for_each_party_and_its_secret_as_a_file() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = told["services"]
    assert [name for name in services if not name.startswith("witness-")] == NAMES
    for name in NAMES:
        one = services[name]
        assert one["expose"] == [str(PORTS[name])]
        assert f":{PORTS[name] + 1}/ready" in one["healthcheck"]["test"][-1]
        assert one["secrets"] == [f"{name}-seed"]
        assert told["secrets"][f"{name}-seed"]["file"].endswith(f"/keys/{name}.seed")
        assert one["read_only"]
        assert "environment" not in one


def test_compose_file_and_manifests_fit_their_published_schemas() -> None:
    schema = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    jsonschema.validate(told, json.loads(schema.read_text()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**told, "service": {}}, json.loads(schema.read_text()))
    for each in manifests():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_units_give_calls_under_way_their_time_and_each_party_its_user() -> None:
    own = unit("kakine@.service")["Service"]
    assert int(own["TimeoutStopSec"]) >= border.BODY_S + 20
    assert own["User"] == "kakine-%i"
    users = (DEPLOY / "systemd" / "kakine.sysusers.conf").read_text()
    given = [line.split()[1] for line in users.splitlines() if line.startswith("u ")]
    assert [each for each in given if "witness" not in each] == [f"kakine-{name}" for name in NAMES]
    grace = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["registry"]["stop_grace_period"]
    assert grace == f"{own['TimeoutStopSec']}s"


def analysed(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as a machine would have them, for one party, with a program that is there."""
    require_program("systemd-analyze")
    program = tmp_path / "kakine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in (DEPLOY / "systemd").glob("kakine*"):
        name = path.name.replace("@", "@converter-1")
        (tmp_path / name).write_text(path.read_text().replace("/opt/kakine/bin/kakine", str(program)))
    return tmp_path


@pytest.mark.parametrize("kind", ["kakine@", "kakine-witness@", "kakine-backup@"])
def test_systemd_accepts_the_units_and_finds_them_closed(units: Path, kind: str) -> None:
    name = f"{kind}converter-1.service"
    said = analysed(units, "verify", "--man=no", f"./{name}")
    assert name not in said
    analysed(units, "security", "--offline=true", "--threshold=15", f"./{name}")


def test_systemd_accepts_timer_and_target(units: Path) -> None:
    assert "kakine" not in analysed(units, "verify", "--man=no", "./kakine-backup@converter-1.timer")
    assert "kakine" not in analysed(units, "verify", "--man=no", "./kakine.target")


def test_alerts_name_figures_and_chores_that_there_are() -> None:
    figures = Figures(PartyName("converter-1"))
    figures.called("", 500, None)
    figures.did("lists", "status-list-stale")
    figures.audits(lambda: 2)
    told = generate_latest(figures.registry).decode()
    assert "\nkakine_audit_faults 2.0\n" in told
    rules = yaml.safe_load((DEPLOY / "prometheus" / "kakine.rules.yaml").read_text())["groups"][0]["rules"]
    assert {"KakineAuditFault", "KakinePutBack"} <= {rule["alert"] for rule in rules}
    for rule in rules:
        named = re.findall(r"\b(?:kakine|process)_[a-z_]+", rule["expr"])
        assert named
        assert all(f"\n{each}" in f"\n{told}" for each in named), named
    assert '"lists"' in Path(str(running.__file__)).read_text()
