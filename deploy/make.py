"""Writes what is generated here from the table of parties: `python deploy/make.py`. Tests hold the files against it.

`python deploy/make.py settings --dir separate` gives the settings of a country made by `kakine apart up` the addresses
that the containers have, and each party the list of those that may call it. The seeds go to `separate/keys`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import table
import yaml
from table import Party

HERE = Path(__file__).parent
IMAGE = "kakine:0.1.0"
UID = 10001
COMPOSE_SEED, KUBERNETES_SEED = "/run/secrets/{}-seed", "/run/kakine/key.seed"
READY = "import urllib.request as u; u.urlopen('http://127.0.0.1:{admin}/ready', timeout=3)"
STOP_S = 60
_TWINS = ("ledger", "signer")
_WARNING = "# Written by deploy/make.py from the table of parties; change that, not this.\n"


def compose() -> dict[str, Any]:
    """One service a party and a witness. The parties' folders are mounted, nothing else can be written."""
    services: dict[str, Any] = {each.name: _service(each) for each in table.parties()}
    for name, port in table.witnesses().items():
        services[f"witness-{name}"] = {
            **_common(f"witness-{name}"),
            "command": ["serve", "witness", "/party/party.toml"],
            "expose": [str(port)],
        }
    secrets = {
        f"{each.name}-seed": {"file": f"${{KAKINE_COUNTRY:-../separate}}/keys/{each.name}.seed"}
        for each in table.parties()
    }
    return {"name": "kakine", "services": services, "networks": {"parties": {}}, "secrets": secrets}


def _service(of: Party) -> dict[str, Any]:
    return {
        **_common(of.name),
        "command": ["serve", "party", "--config", "/party/party.toml"],
        "expose": [str(of.port)],
        "secrets": [f"{of.name}-seed"],
        "healthcheck": {
            "test": ["CMD", "python", "-c", READY.format(admin=of.admin)],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "60s",
        },
    }


def _common(name: str) -> dict[str, Any]:
    return {
        "image": IMAGE,
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile"},
        "user": "${KAKINE_USER:-10001:10001}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp"],  # noqa: S108 - inside a container
        "volumes": [
            {"type": "bind", "source": f"${{KAKINE_COUNTRY:-../separate}}/{name}", "target": "/party"}
        ],
        "networks": ["parties"],
        "restart": "on-failure",
        "stop_grace_period": f"{STOP_S}s",
    }


def manifests(of: Party) -> list[dict[str, Any]]:
    """A party: its address, its process, who may reach it, and what maintenance may take away."""
    found = [_address(of), _process(of), _policy(of)]
    first = next(each for each in table.parties() if each.role == of.role)
    return found if of.role in _TWINS and of != first else [*found, _budget(of)]


def _address(of: Party) -> dict[str, Any]:
    return {
        **_head("v1", "Service", of),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,  # commission and authority are called before they are ready
            "selector": _labels(of),
            "ports": [{"name": "parties", "port": of.port}],
        },
    }


def _process(of: Party) -> dict[str, Any]:
    folder, seed = f"/state/{of.name}", KUBERNETES_SEED
    settle = (
        f"set -eu; umask 077; mkdir -p {folder}; cp /config/* {folder}/; install -m 600 /seed/key.seed {seed}; "
        f"test -e {folder}/own.pem || install -m 600 /seed/own.pem {folder}/own.pem"
    )
    probe = {"exec": {"command": ["python", "-c", READY.format(admin=of.admin)]}, "timeoutSeconds": 5}
    alive = {"exec": {"command": ["python", "-c", READY.format(admin=of.admin).replace("/ready", "/health")]}}
    inside = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    own = [{"name": "state", "mountPath": "/state"}, {"name": "run", "mountPath": "/run/kakine"}]
    given = [
        {"name": "config", "mountPath": "/config", "readOnly": True},
        {"name": "seed", "mountPath": "/seed", "readOnly": True},
    ]
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [
            {
                "name": "settle",
                "image": IMAGE,
                "command": ["sh", "-c", settle],
                "securityContext": inside,
                "volumeMounts": [*own, *given],
            }
        ],
        "containers": [
            {
                "name": "party",
                "image": IMAGE,
                "args": ["serve", "party", "--config", f"{folder}/party.toml"],
                "ports": [{"name": "parties", "containerPort": of.port}],
                "readinessProbe": {**probe, "periodSeconds": 5},
                "livenessProbe": {**alive, "timeoutSeconds": 10, "periodSeconds": 30, "failureThreshold": 4},
                "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
                "securityContext": inside,
                "volumeMounts": [*own, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
            }
        ],
        "volumes": [
            {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
            {"name": "config", "configMap": {"name": of.name}},
            {"name": "seed", "secret": {"secretName": f"{of.name}-keys", "defaultMode": 0o440}},
        ],
    }
    claim = {
        "metadata": {"name": "state"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }
    return {
        **_head("apps/v1", "StatefulSet", of),
        "spec": {
            "replicas": 1,
            "serviceName": of.name,
            "selector": {"matchLabels": _labels(of)},
            "template": {"metadata": {"labels": {**_labels(of), "kakine/role": of.role}}, "spec": pod},
            "volumeClaimTemplates": [claim],
        },
    }


def _policy(of: Party) -> dict[str, Any]:
    """Exactly the arrows of the contracts, and names to look up. A ledger asks outside witnesses over TLS."""
    reached = [each for each in table.parties() if of.name in table.callers(each)]
    names = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    out: list[dict[str, Any]] = [{"to": [{"namespaceSelector": {}}], "ports": names}]
    out += [{"to": [_pod(each.name)], "ports": [{"port": each.port}]} for each in reached]
    if of.role == "ledger":
        out.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]})
    names_of = {"key": "kakine/party", "operator": "In", "values": list(callers := table.callers(of))}
    allowed = [{"podSelector": {"matchExpressions": [names_of]}}]
    return {
        **_head("networking.k8s.io/v1", "NetworkPolicy", of),
        "spec": {
            "podSelector": {"matchLabels": _labels(of)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": allowed, "ports": [{"port": of.port}]}] if callers else [],
            "egress": out,
        },
    }


def _budget(of: Party) -> dict[str, Any]:
    """Either ledger counts, so one of each kind stays up; every other party is needed and may be moved alone."""
    twin = of.role in _TWINS
    selector = {"kakine/role": of.role} if twin else _labels(of)
    limit = {"minAvailable": 1} if twin else {"maxUnavailable": 1}
    head = _head("policy/v1", "PodDisruptionBudget", of)
    if twin:
        head["metadata"] = {"name": f"{of.role}s", "namespace": "kakine"}
    return {**head, "spec": {**limit, "selector": {"matchLabels": selector}}}


def _head(version: str, kind: str, of: Party) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": of.name, "namespace": "kakine", "labels": _labels(of)},
    }


def _labels(of: Party) -> dict[str, str]:
    return {"kakine/party": of.name}


def _pod(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"kakine/party": name}}}


def files() -> Mapping[str, str]:
    """Every generated file by its path below this folder."""
    names = [each.name for each in table.parties()]
    users = [f'u kakine-{each} - "Kakine {each}" /var/lib/kakine/{each}\n' for each in names]
    users += [f'u kakine-witness-{each} - "Kakine witness {each}"\n' for each in table.witnesses()]
    backups = [f"d /var/backups/kakine/{each} 0700 kakine-{each} kakine-{each}\n" for each in names]
    found = {
        "systemd/kakine.sysusers.conf": _WARNING + "".join(users),
        "systemd/kakine.tmpfiles.conf": _WARNING + "".join(backups),
        "compose.yaml": _WARNING + _text(compose()),
        "kubernetes/namespace.yaml": _WARNING + _text(_NAMESPACE) + "---\n" + _text(_NOTHING_ELSE),
    }
    for each in table.parties():
        text = "---\n".join(_text(one) for one in manifests(each))
        found[f"kubernetes/{each.name}.yaml"] = _WARNING + text
    return found


_NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "kakine", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}
_NOTHING_ELSE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nothing-else", "namespace": "kakine"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


class _Plain(yaml.SafeDumper):
    """No anchors: what is said twice stands there twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(value: Any) -> str:
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, width=110)


def settings(folder: Path, seed: str = COMPOSE_SEED, host: str = "0.0.0.0") -> Iterator[Path]:  # noqa: S104
    """Give each party's settings the addresses of the containers and the list of its callers, and put its seed where
    only the secret comes from; the files changed. `seed` is its path in the container. Can be done again."""
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    seats = {each.name: f"https://{each.name}:{each.port}" for each in table.parties()}
    seats |= {f"{name}": f"http://witness-{name}:{port}" for name, port in table.witnesses().items()}
    for each in table.parties():
        path = folder / each.name / "party.toml"
        if (own := path.with_name("key.seed")).exists():
            own.rename(keys / f"{each.name}.seed")
        kept = [
            line for line in path.read_text().splitlines() if not line.startswith(("callers = ", "host = "))
        ]
        kept.insert(0, f"callers = {json.dumps([*table.callers(each), each.name])}")
        kept.insert(kept.index("[listen]") + 1, f'host = "{host}"')
        text = "\n".join(kept) + "\n"
        text = re.sub(r'^seed = ".*"$', f'seed = "{seed.format(each.name)}"', text, flags=re.M)
        for name, seat in seats.items():
            text = re.sub(rf'^{name} = "https?://[^"]*"$', f'{name} = "{seat}"', text, flags=re.M)
        path.write_text(text)
        yield path
    for name in table.witnesses():
        path = folder / f"witness-{name}" / "party.toml"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("host = ")]
        path.write_text("\n".join([f'host = "{host}"', *kept]) + "\n")
        yield path


def main() -> None:
    """See the module."""
    own = argparse.ArgumentParser(description=__doc__)
    own.add_argument("what", nargs="?", choices=["files", "settings"], default="files")
    own.add_argument("--dir", type=Path, default=Path("separate"))
    own.add_argument(
        "--seed", default=COMPOSE_SEED, help="Path of the seed in the container; {} is the party."
    )
    asked = own.parse_args()
    if asked.what == "settings":
        print(f"{len(list(settings(asked.dir, asked.seed)))} settings")
        return
    for name, text in files().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
