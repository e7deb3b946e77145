"""A secret is named by its file: no option, setting or variable takes one itself, and none stands where others look."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import psycopg
import pytest
import typer

from kakine.cli.root import app
from kakine.parties.witness.settings import WitnessSettings
from kakine.process.checks import check
from kakine.process.settings import Kind, Settings
from kakine.runtime.postgres_open import Address, address
from kakine.values.problems import StoreFailed

SECRET = re.compile(
    r"seed|secret|pass|pin|key|private|token|credential|share|code|mask|salt|password|auth(?!ority)",
    re.IGNORECASE,
)
"""Words in the name of an option or a setting that could be a secret."""
PLAIN = (bool, int, float, datetime, Path, typer.FileText)

OPTIONS = {
    "seed": "a number from which a made-up country is drawn; keys are not made of it",
    "codes": "how many codes of staff are printed",
    "secret": "the name of a PIN on the card; the PIN itself is asked for",
    "key": "the verifier key of an outside witness (public); elsewhere a file",
    "code": "the code to act by: who has it can be given a mandate, and can do nothing with it",
}
"""Options with such a word that are none, and why."""
TEXTS = {
    "a", "area", "at", "away", "b", "basis", "birth", "client", "consent", "desk", "domain", "head", "hold", "host",
    "indices", "instance", "issuer", "language", "lift", "name", "note", "number", "official", "origin", "outcome",
    "partition", "person", "procedure", "profile", "provider", "reason", "recipient", "reference", "requester", "role",
    "row", "site", "town", "unit", "use", "without", "words", "xid", "kind", "address", "file",
    "reason_en", "reason_ja", "names", "signed_by",
}  # fmt: skip
"""Options that take a text: names, numbers, dates, words, addresses. A new one is looked at before it stands here."""

SETTINGS = {
    ("Settings", "keys"): "a table of files",
    ("AuthorityOwn", "keys"): "a folder",
}
FIELDS = {
    "party", "addresses", "callers", "own", "host", "commission", "authority", "converters", "ledger", "origin",
    "ministry", "registry", "domain", "domains", "keeper", "signer", "witnesses", "witness_name", "away", "name",
    "logs", "server", "replica", "desks", "founders", "country", "listen", "kind", "environment", "folder",
}  # fmt: skip
"""Settings that take a text: names, addresses, public keys of founders and logs."""


def commands(command: Any, words: str = "kakine") -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{words} {name}")


def kinds(annotation: Any) -> set[Any]:
    """What a type is made of: its own members, and those in it."""
    found = {annotation, *(kind for each in get_args(annotation) for kind in kinds(each))}
    return {each for each in found if isinstance(each, type)} - {type(None), list, dict, tuple}


def is_plain(annotation: Any) -> bool:
    """Whether a value of it can be no secret: a file, a number, a choice among words of ours."""
    return all(each in PLAIN or issubclass(each, Enum) for each in kinds(annotation))


def test_no_command_takes_a_secret_itself() -> None:
    """An argument of a command stands in `ps` for every account of the machine, and in the shell's history."""
    seen, texts = 0, set[str]()
    for words, command in commands(typer.main.get_command(app)):
        for each in command.params:
            if each.name == "help":
                continue
            seen += 1
            annotation = each.type_descriptor.annotation
            assert not getattr(each, "envvar", None), (
                f"{words}: {each.name} can be a variable of the environment"
            )
            if SECRET.search(each.name) and kinds(annotation) - {Path, typer.FileText, bool}:
                assert each.name in OPTIONS, f"{words}: {each.name}"
            elif not is_plain(annotation):
                texts.add(each.name)
    assert seen > 200
    assert texts <= TEXTS


def structs() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Every table that an operator writes, with those in it."""
    waiting: list[tuple[str, Any]] = [(each.__name__, each) for each in (Settings, WitnessSettings, Address)]
    for kind in Kind:
        waiting.append(
            (f"{kind.value.capitalize()}Own", import_module(f"kakine.parties.{kind.value}.start").Own)
        )
    while waiting:
        name, kind = waiting.pop()
        yield name, kind
        for annotation in get_type_hints(kind).values():
            waiting += [
                (each.__name__, each) for each in kinds(annotation) if issubclass(each, msgspec.Struct)
            ]


def test_no_setting_takes_a_secret_itself() -> None:
    found = list(structs())
    assert len(found) >= 3 + len(Kind)
    for name, kind in found:
        for field, annotation in get_type_hints(kind).items():
            if SECRET.search(field) and kinds(annotation) - {Path}:
                assert (name, field) in SETTINGS, f"{name}: {field}"
            elif not is_plain(annotation):
                assert field in FIELDS, f"{name}: {field}"


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "converter-1.postgresql"


@pytest.mark.parametrize("word", ["password", "sslpassword"])
@pytest.mark.parametrize("form", ["words", "uri"])
def test_an_address_of_a_store_with_a_password_in_it_is_refused(where: Path, word: str, form: str) -> None:
    """And what is said of it does not quote it."""
    secret = "correct-horse"
    told = psycopg.conninfo.make_conninfo(host="/run", dbname="c", user="c", **{word: secret})
    if form == "uri":
        told = f"postgresql://c@/c?host=/run&{word}={secret}"
    where.write_text(Address(told).text())
    with pytest.raises(StoreFailed, match="passfile") as refused:
        address(where)
    assert secret not in str(refused.value)


def test_a_broken_address_is_not_quoted(where: Path) -> None:
    where.write_text(Address("host=/run password='correct-horse").text())
    with pytest.raises(StoreFailed) as refused:
        address(where)
    assert refused.value.__cause__ is None
    assert "correct-horse" not in str(refused.value)


def settings_of(where: Path) -> Settings:
    """Of a party whose store has its address in this file."""
    told = msgspec.convert(
        {
            "party": "converter-1",
            "kind": "converter",
            "environment": "development",
            "database": str(where),
            "listen": {"port": 1, "admin": 2},
            "keys": {"seed": "s", "own": "o", "roots": "r"},
            "country": {
                "commission": "c",
                "authority": "a",
                "converters": ["converter-1"],
                "logs": [{"ledger": "l", "origin": "o"}],
                "founders": {"ministry": "0" * 64, "commission": "0" * 64},
            },
            "addresses": {},
        },
        Settings,
        dec_hook=lambda kind, it: kind(it),
    )
    return msgspec.structs.replace(told, folder=where.parent)


def failed(settings: Settings, id_: str) -> list[str]:
    """This check, if it fails."""
    return [each.id for each in check(settings, lambda: 0) if each.fault and each.id == id_]


def on_postgresql(where: Path, server: str) -> list[str]:
    """The check of the store's password, if it fails with this address."""
    where.write_text(Address(server).text())
    return failed(settings_of(where), "store-password")


def test_a_process_is_refused_a_password_anywhere_but_in_a_file_of_its_own(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = where.with_name("kept")
    kept.write_text("*:*:*:c:correct-horse\n")
    kept.chmod(0o600)
    good = f"host=/run dbname=c user=c passfile={kept}"
    assert on_postgresql(where, good) == []
    kept.chmod(0o640)
    assert on_postgresql(where, good) == ["store-password"]
    kept.unlink()
    assert on_postgresql(where, good) == ["store-password"]
    assert on_postgresql(where, "host=/run password=x") == ["store-password"]
    assert on_postgresql(where, "host=/run") == []
    monkeypatch.setenv("PGPASSWORD", "x")
    assert on_postgresql(where, "host=/run") == ["store-password"]


def test_keys_that_another_account_owns_are_named(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns a key can change it, and who may read it."""
    settings = settings_of(where)
    (where.parent / "s").write_bytes(bytes(32))
    assert failed(settings, "key-owner") == []
    if os.geteuid() == 0:
        os.chown(where.parent / "s", 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert failed(settings, "key-owner") == ["key-owner"]


HARDENED = """
import ctypes, os, resource, sys
from kakine.process.hardening import harden
harden()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)), flush=True)
sys.stdin.read()
"""


def test_a_hardened_process_leaves_no_core_and_nobody_of_its_account_looks_into_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HARDENED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        assert ran.stdout.readline().split() == ["0", "0", "0", "0o77"]
        inside = Path(f"/proc/{ran.pid}/environ")
        # Of any account but root this shows it; where tests run as root, the kernel's own word above does.
        assert inside.stat().st_uid == 0
        ran.stdin.close()


READING = """
import importlib, sys
from pathlib import Path
from kakine.__main__ import main
served = importlib.import_module(sys.argv.pop(1))
def read(path):
    print(Path("/proc/self/limits").read_text(), Path("/proc/self/status").read_text())
    raise SystemExit
served.read = read
main()
"""


@pytest.mark.parametrize("command", ["party", "witness"])
def test_a_served_party_is_hardened_before_it_reads_its_settings(tmp_path: Path, command: str) -> None:
    """What reads the settings tells here how the process stands at that moment."""
    settings = str(tmp_path / "party.toml")
    Path(settings).touch()
    words = ["party", "--config", settings] if command == "party" else ["witness", settings]
    module = "kakine.cli.serve_party" if command == "party" else "kakine.cli.serve"
    ran = subprocess.run(
        [sys.executable, "-c", READING, module, "serve", *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert re.search(r"^ *Max core file size +0 +0 ", ran.stdout, re.MULTILINE)
    assert "Umask:\t0077" in ran.stdout
