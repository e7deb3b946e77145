"""What must hold before a process opens its first socket: each check by its id."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kakine.process.checks import DEVELOPMENT, check, require
from kakine.process.settings import read
from kakine.values.problems import SettingsMalformed, SettingsRefused
from party_certificates import Roots

TEXT = """party = "converter-1"
kind = "converter"
environment = "development"
database = "converter-1.sqlite"

[listen]
port = 9001
admin = 9002

[keys]
seed = "key.seed"
own = "converter-1.pem"
roots = "roots.pem"

[country]
commission = "commission"
authority = "authority"
converters = ["converter-1", "converter-2"]

[country.founders]
ministry = "{key}"
commission = "{key}"

[[country.logs]]
ledger = "ledger-a"
origin = "ledger.example/2026/a"

[addresses]
commission = "https://127.0.0.1:9003"
authority = "https://127.0.0.1:9004"
converter-1 = "https://127.0.0.1:9001"
converter-2 = "https://127.0.0.1:9005"
ledger-a = "https://127.0.0.1:9006"

[own]
witness_name = "converter-1.example"
""".format(key="3b6d9996b9fabc8572c4dfbc853cc2337593f0d72da128c45e0202003594fb38")


def clock() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "converter-1"
    own.mkdir(mode=0o700)
    Roots(own).issued("converter-1")
    (own / "key.seed").write_bytes(DEVELOPMENT + bytes(32 - len(DEVELOPMENT)))
    (own / "key.seed").chmod(0o600)
    (own / "party.toml").write_text(TEXT)
    return own


def failed(folder: Path) -> list[str]:
    return [each.id for each in check(read(folder / "party.toml"), clock) if each.fault]


def test_settings_that_are_right_pass_every_check(folder: Path) -> None:
    assert failed(folder) == []
    require(read(folder / "party.toml"), clock)


def test_keys_made_for_development_are_refused_in_production(folder: Path) -> None:
    path = folder / "party.toml"
    path.write_text(TEXT.replace('"development"', '"production"'))
    assert failed(folder) == ["development-keys"]
    with pytest.raises(SettingsRefused, match="development-keys"):
        require(read(path), clock)
    (folder / "key.seed").write_bytes(bytes(range(32)))
    assert failed(folder) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("FAKETIME_TIMESTAMP_FILE", "/tmp/x"), ("LD_PRELOAD", "/usr/lib/libfaketime.so.1")],  # noqa: S108
)
def test_a_clock_that_can_be_moved_is_refused_in_production(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert failed(folder) == []
    (folder / "party.toml").write_text(TEXT.replace('"development"', '"production"'))
    (folder / "key.seed").write_bytes(bytes(range(32)))
    assert failed(folder) == ["machine-clock"]


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        assert old in TEXT
        (folder / "party.toml").write_text(TEXT.replace(old, new))

    return work


@pytest.mark.parametrize(
    ("id_", "harm"),
    [
        ("own-settings", replaced("witness_name", "other_name")),
        ("folder-private", lambda folder: folder.chmod(0o750)),
        ("database-folder", replaced('"converter-1.sqlite"', '"no/converter-1.sqlite"')),
        ("seed-file", lambda folder: (folder / "key.seed").unlink()),
        ("seed-file", lambda folder: (folder / "key.seed").chmod(0o640)),
        ("seed-file", lambda folder: (folder / "key.seed").write_bytes(bytes(31))),
        ("tls-files", lambda folder: (folder / "converter-1.pem").write_bytes(b"")),
        ("tls-files", lambda folder: (folder / "converter-1.pem").chmod(0o644)),
        ("addresses", replaced("https://127.0.0.1:9006", "http://127.0.0.1:9006")),
        ("addresses", replaced("https://127.0.0.1:9006", "https://127.0.0.1:9006/path")),
        ("addresses", replaced("ledger-a = ", "ledger-b = ")),
        ("ports", replaced("9002", "9001")),
        ("chain", replaced('["converter-1", "converter-2"]', '["converter-2"]')),
    ],
)
def test_each_check_tells_its_own_fault(folder: Path, id_: str, harm: Callable[[Path], object]) -> None:
    harm(folder)
    assert failed(folder) == [id_]


@pytest.mark.parametrize(
    "harm",
    [
        replaced('party = "converter-1"', 'party = "../converter-1"'),
        replaced('kind = "converter"', 'kind = "dictator"'),
        replaced("admin = 9002", "admin = 9002\nmore = 1"),
        replaced("port = 9001", "port = 90010"),
        replaced('"3b6d', '"xxxx'),
        replaced("[own]", "[own"),
    ],
)
def test_a_file_that_is_no_settings_is_refused_whole(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    with pytest.raises(SettingsMalformed):
        read(folder / "party.toml")


def test_the_command_prints_verdicts_and_opens_nothing(folder: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "kakine",
        "serve",
        "party",
        "--config",
        str(folder / "party.toml"),
        "--check",
    ]
    good = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "✓ development-keys" in good.stdout
    (folder / "key.seed").unlink()
    bad = subprocess.run(words, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "× seed-file: no such file" in bad.stdout
    refused = subprocess.run(words[:-1], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("settings-refused")
    assert "listening" not in refused.stdout
    assert not (folder / "converter-1.sqlite").exists()
