"""Nothing listens before settings are valid: of every kind of party, with whatever somebody may write into them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kakine.cli.apart_making import SETTINGS, make
from kakine.process import running, settings
from kakine.process.running import run
from kakine.process.settings import Kind, read
from kakine.values.problems import SettingsMalformed, SettingsRefused

PARTY_OF = {
    Kind.AUTHORITY: "authority",
    Kind.COMMISSION: "commission",
    Kind.CONVERTER: "converter-1",
    Kind.GATEWAY: "yokohama",
    Kind.LEDGER: "ledger-a",
    Kind.MAILBOX: "mailbox-a",
    Kind.MINISTRY: "ministry",
    Kind.PORTAL: "portal",
    Kind.REGISTRY: "registry",
    Kind.SIGNER: "ledger-a-signer",
}
Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings") / "country"
    asyncio.run(make(folder, 4, 0))
    return folder


def put(old: str, new: str) -> Harm:
    """Another text in the file, where the old one stands."""

    def work(file: Path) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    return work


def added(text: str) -> Harm:
    """At the beginning: a key of no table."""
    return lambda file: file.write_text(text + file.read_text())


def own_named(value: str) -> Harm:
    """In the party's own settings, whatever kind: the first value of theirs is this."""

    def work(file: Path) -> None:
        before, mark, own = file.read_text().partition("[own]\n")
        assert mark
        if not own.strip():
            own = "nothing = 1\n"
        name = own.partition(" = ")[0]
        lines = own.splitlines(keepends=True)
        file.write_text(before + mark + f"{name} = {value}\n" + "".join(lines[1:]))

    return work


def linked(target: str) -> Harm:
    def work(file: Path) -> None:
        file.unlink()
        file.symlink_to(target)

    return work


def piped(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


HARMS: dict[str, tuple[Harm, str]] = {
    "an unknown key": (added("more = 1\n"), "settings-malformed"),
    "an unknown key of the kind's own": (put("[own]\n", "[own]\nmore = 1\n"), "own-settings"),
    "a value of another type": (put("port = ", "port = 'x'\nother = "), "settings-malformed"),
    "a value of the kind's own of another type": (own_named("3"), "own-settings"),
    "a name that climbs": (put('party = "', 'party = "../'), "settings-malformed"),
    "a name of other letters": (put('party = "', 'party = "ａ'), "settings-malformed"),
    "another kind": (put("kind = ", 'kind = "dictator"\nwas = '), "settings-malformed"),
    "no such environment": (put('"development"', '"test"'), "settings-malformed"),
    "a key twice": (added('party = "x"\n'), "settings-malformed"),
    "a NUL": (added("\0"), "settings-malformed"),
    "no UTF-8": (lambda file: file.write_bytes(b"\xff" + file.read_bytes()), "settings-malformed"),
    "nothing": (lambda file: file.write_bytes(b""), "settings-malformed"),
    "too deep": (added("deep = " + "[" * 50_000), "settings-malformed"),
    "too large": (added("#" * settings.MOST_BYTES + "\n"), "settings-malformed"),
    "a link to nothing": (linked("nowhere.toml"), "settings-malformed"),
    "a link to itself": (linked(SETTINGS), "settings-malformed"),
    "a pipe": (piped, "settings-malformed"),
    "a device without end": (linked("/dev/zero"), "settings-malformed"),
    "an address with somebody in it": (put("https://", "https://user@"), "addresses"),
    "an address with a path": (
        put("[addresses]\n", '[addresses]\nx = "https://127.0.0.1:1/x"\n'),
        "addresses",
    ),
    "an address that is none": (put("https://127", "https://[127"), "addresses"),
    "a port beyond ports": (put("https://127.0.0.1:", "https://127.0.0.1:9"), "addresses"),
    "a host by name": (put("[listen]\n", '[listen]\nhost = "localhost"\n'), "listen-host"),
    "a folder that others may read": (lambda file: file.parent.chmod(0o755), "folder-private"),
    "a folder that others may write": (lambda file: file.parent.chmod(0o770), "folder-private"),
    "a seed that others may read": (lambda file: (file.parent / "key.seed").chmod(0o604), "seed-file"),
    "a key that others may read": (lambda file: (file.parent / "own.pem").chmod(0o640), "tls-files"),
    "the certificate of another": (put('"own.pem"', '"other.pem"'), "tls-files"),
    "keys made for development": (put('"development"', '"production"'), "development-keys"),
}


@pytest.mark.parametrize("kind", sorted(Kind))
def test_nothing_listens_before_settings_are_valid(
    country: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    for name in ("listen", "bind"):
        monkeypatch.setattr(running, name, lambda port, *_: heard.append(port))
    own = country / PARTY_OF[kind]
    file = own / SETTINGS
    good, modes = file.read_bytes(), {each: each.stat().st_mode for each in (own, *own.iterdir())}
    other = next(each for each in PARTY_OF.values() if each != PARTY_OF[kind])
    (own / "other.pem").write_bytes((country / other / "own.pem").read_bytes())
    (own / "other.pem").chmod(0o600)
    running.require(read(file), running.clock)  # the control: unharmed it would start
    for what, (harm, refused) in HARMS.items():
        harm(file)
        if refused == "settings-malformed":
            with pytest.raises(SettingsMalformed):
                read(file)
        else:
            with pytest.raises(SettingsRefused) as told:
                asyncio.run(run(read(file)))
            assert refused in told.value.facts["checks"], what  # type: ignore[operator]
        file.unlink()
        file.write_bytes(good)
        for path, mode in modes.items():
            path.chmod(mode & 0o777)
    assert heard == []
    assert not (own / f"{PARTY_OF[kind]}.sqlite-wal").exists()


NAMED = {
    Kind.AUTHORITY: ("registry", '"../registry"'),
    Kind.COMMISSION: ("keeper", '"mailbox%2fa"'),
    Kind.GATEWAY: ("domains", '["yokohama/../tax"]'),
    Kind.LEDGER: ("signer", '"ledger-a-signer/"'),
    Kind.MAILBOX: ("domain", '"mailbox-a/records/.."'),
    Kind.MINISTRY: ("commission", '"Commission"'),
    Kind.PORTAL: ("domain", '"ｐortal/login"'),
    Kind.REGISTRY: ("domain", '"registry"'),
    Kind.SIGNER: ("ledger", '""'),
}


@pytest.mark.parametrize("kind", sorted(NAMED))
def test_a_name_that_is_none_in_a_partys_own_settings_is_found_before_anything_listens(
    country: Path, kind: Kind
) -> None:
    file = country / PARTY_OF[kind] / SETTINGS
    good = file.read_text()
    name, value = NAMED[kind]
    before, _, own = good.partition("[own]\n")
    lines = [f"{name} = {value}" if each.startswith(f"{name} = ") else each for each in own.splitlines()]
    file.write_text(before + "[own]\n" + "\n".join(lines) + "\n")
    try:
        with pytest.raises(SettingsRefused, match="own-settings"):
            running.require(read(file), running.clock)
    finally:
        file.write_text(good)


def test_an_authority_with_its_keys_in_files_does_not_start_in_production(country: Path) -> None:
    file = country / "authority" / SETTINGS
    good = file.read_text()
    file.write_text(good.replace('"development"', '"production"'))
    try:
        with pytest.raises(SettingsRefused, match="authority-keys"):
            asyncio.run(run(read(file)))
    finally:
        file.write_text(good)


def test_a_link_to_settings_is_that_very_party_in_its_own_folder(country: Path, tmp_path: Path) -> None:
    """A link names another place for the same file: nothing of the folder in which the link stands is looked at."""
    (tmp_path / SETTINGS).symlink_to(country / "registry" / SETTINGS)
    (tmp_path / "key.seed").write_bytes(bytes(32))
    assert read(tmp_path / SETTINGS).folder == country / "registry"
