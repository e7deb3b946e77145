"""The authority's keys in a PKCS#11 device (SoftHSM2): they sign, and they do not come out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority.outside import require
from counter import Counter
from kakine.crypto import keys, x509, x509_issue
from kakine.crypto.keys import FileKeys
from kakine.crypto.pkcs11 import Pkcs11Keys
from kakine.protocols.status import check_status
from kakine.values.certificates import Algorithm, Profile, Use
from kakine.values.problems import CertificateRevoked, KeyStoreFailed

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "1234"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pkcs11Keys]:
    require(MODULE)
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "authority", "--pin", PIN, "--so-pin", PIN],
        check=True,
        capture_output=True,
    )
    opened = Pkcs11Keys(MODULE, "authority", PIN)
    yield opened
    opened.close()
    if before is None:
        del os.environ["SOFTHSM2_CONF"]


@pytest.mark.parametrize("profile", [Profile.AUTHENTICATION, Profile.AUTHENTICATION_INTEROP])
def test_a_whole_authority_runs_on_keys_that_it_cannot_read(
    device: Pkcs11Keys, profile: Profile, tmp_path: Path
) -> None:
    """Root, certificate, status list and revocation list, all signed in the device."""
    with Counter.opened(tmp_path) as counter:
        counter.set_up(keys=device)
        card = counter.certified(profile)
        read = counter.read(card, Use.AUTHENTICATION)
        counter.publish()
        check_status(read, counter.held(read.list_uri), counter.now_s)
        counter.land.run(counter.authority.revoke(read.serial))
        counter.publish()
        with pytest.raises(CertificateRevoked):
            check_status(read, counter.held(read.list_uri), counter.now_s)
        assert counter.crl(profile)
        assert not list((counter.land.folder / "keys").rglob("*root*"))


def test_a_key_is_found_again_by_name(device: Pkcs11Keys) -> None:
    made = device.key("again", Algorithm.P_256)
    other = Pkcs11Keys.__new__(Pkcs11Keys)
    other.__dict__.update(device.__dict__ | {"_known": {}})
    found = other.key("again", Algorithm.P_256)
    assert found.public_key().public_numbers() == made.public_key().public_numbers()
    with pytest.raises(KeyStoreFailed):
        other.key("again", Algorithm.P_384)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_does_not_come_out(device: Pkcs11Keys, algorithm: Algorithm) -> None:
    key = device.key(f"inside-{algorithm.value}", algorithm)
    assert x509.open_request(x509_issue.request(key, "x"), [algorithm])
    for way in (key.private_numbers, lambda: key.private_bytes(None, None, None)):  # type: ignore[arg-type]
        with pytest.raises(KeyStoreFailed):
            way()
    import pkcs11

    with pytest.raises(pkcs11.exceptions.PKCS11Error):
        key._handle[pkcs11.Attribute.VALUE]  # type: ignore[union-attr]


def test_a_wrong_pin_or_token_is_refused(device: Pkcs11Keys) -> None:
    for token, pin in (("authority", "0000"), ("nobody", PIN)):
        with pytest.raises(KeyStoreFailed):
            Pkcs11Keys(MODULE, token, pin)


def test_key_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    store = FileKeys(tmp_path / "keys")
    made = store.key("root", Algorithm.P_384)
    path = tmp_path / "keys" / "root.pem"
    assert (path.stat().st_mode & 0o777, (tmp_path / "keys").stat().st_mode & 0o777) == (0o600, 0o700)
    found = FileKeys(tmp_path / "keys").key("root", Algorithm.P_384)
    assert found.public_key().public_numbers() == made.public_key().public_numbers()
    path.chmod(0o644)
    with pytest.raises(KeyStoreFailed):
        FileKeys(tmp_path / "keys").key("root", Algorithm.P_384)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(KeyStoreFailed):
        FileKeys(tmp_path / "keys").key("root", Algorithm.P_384)


def test_the_store_makes_the_kinds_that_profiles_need() -> None:
    for algorithm in Algorithm:
        assert keys.algorithm_of(keys.generate(algorithm).public_key()) is algorithm
