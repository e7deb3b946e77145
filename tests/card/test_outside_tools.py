"""Both cards before programs of other authors: OpenSC, its PKCS#11 module, OpenSSL. They know nothing of us.

`make test-card` installs them and shows what each said. Elsewhere the tests are skipped with a reason where they are
missing; with CI=true they are installed, or the run fails.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cards import CHOSEN, PASSWORD, authority, copied, desk, verify
from kakine.card.engine import opened
from kakine.wire.tlv import value

HERE = Path(__file__).resolve().parent
TOOLS = ("pcscd", "opensc-tool", "pkcs15-tool", "pkcs15-crypt", "pkcs11-tool", "openssl", "unshare", "ip")
FILES = ("lib/*/opensc-pkcs11.so", "lib/*/engines-3/pkcs11.so")
ABSENT = "OUTSIDE CARD TOOLS NOT RUN: install.sh here says which Debian packages are missing"
CLOSED = "OUTSIDE CARD TOOLS NOT RUN: neither an unprivileged namespace nor root"
LASTING = 240
MESSAGE = b"to be signed by a card"


def has_tools() -> bool:
    there = all(shutil.which(each, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for each in TOOLS)
    return (
        there
        and all(any(Path("/usr").glob(each)) for each in FILES)
        and Path("/etc/reader.conf.d/vpcd").exists()
    )


def namespace() -> list[str] | None:
    """The words that give a namespace of its own here: unprivileged, or as root; None for neither."""
    for words in (["unshare", "-U", "-r", "-n", "-m"], ["unshare", "-n", "-m"]):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return None


def give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which each check has left what its tool said."""
    if not has_tools() and os.environ.get("CI") == "true":
        subprocess.run([HERE / "install.sh"], check=False)
    if not has_tools():
        give_up(ABSENT)
    words = namespace()
    if words is None:
        give_up(CLOSED)
    work = tmp_path_factory.mktemp("outside")
    prepare(work)
    command = [*words, "bash", str(HERE / "outside.sh"), str(work), sys.executable]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    # A group of its own, so that on the way out exactly this script and what it started can be ended.
    running = subprocess.Popen(
        command, env={**os.environ, "PATH": path}, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    try:
        _, errors = running.communicate(timeout=LASTING)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGTERM)
        _, errors = running.communicate(timeout=60)
        pytest.fail(f"the tools hang: {errors}")
    assert running.returncode == 0, errors
    return work


def prepare(work: Path) -> None:
    """Cards that were never used, their certificates in PEM, and a message."""
    for kind in ("interop", "product"):
        copied(kind, work / f"{kind}.card")
    (work / "msg").write_bytes(MESSAGE)
    (work / "issuer.pem").write_bytes(
        x509.load_der_x509_certificate(authority().own()).public_bytes(Encoding.PEM)
    )
    (work / "piv.pem").write_bytes(
        x509.load_der_x509_certificate(certificate(work, "product", "authentication")).public_bytes(
            Encoding.PEM
        )
    )


def certificate(work: Path, kind: str, name: str) -> bytes:
    """As it stands in the card's store, DER."""
    with opened(work / f"{kind}.card") as (store, shape):
        application, key = next((a, k) for a, k in shape.key_rows() if k.name == name and k.certificate)
        content = store.content(application.name, key.certificate)
    return content if kind == "interop" else value(value(content, 0x53), 0x70)


def verdict(said: Path, name: str, *expected: str, code: int | None = 0) -> str:
    """What a tool said; shown, and held against what it must say and its exit status."""
    text = (said / f"{name}.out").read_text("utf-8", "replace")
    for line in text.splitlines():
        if any(each in line for each in expected):
            print(f"    {name}: {line.strip()}")
    for each in expected:
        assert each in text, text
    if code is not None:
        assert text.endswith(f"exit {code}\n"), text
    return text


def test_opensc_tool_knows_the_interop_card(said: Path) -> None:
    verdict(said, "jpki-name", "jpki")
    verdict(said, "jpki-atr", "3b:e0:00:ff:81:31:fe:45:14")


def test_pkcs15_tool_lists_the_interop_card(said: Path) -> None:
    listed = verdict(
        said, "jpki-certificates", "User Authentication Certificate]", "Digital Signature Certificate]"
    )
    assert listed.count("X.509 Certificate [") == 4
    pins = verdict(said, "jpki-pins", "Tries left     : 3", "Tries left     : 5")
    assert pins.count("PIN [") == 2
    assert verdict(said, "jpki-keys", "Private RSA Key").count("ModLength      : 2048") == 2


def pem(text: str) -> bytes:
    return x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.DER)


def test_pkcs15_tool_reads_the_certificates_and_the_closed_one_after_the_password(said: Path) -> None:
    assert pem(verdict(said, "jpki-read-1", "BEGIN CERTIFICATE")) == certificate(
        said, "interop", "authentication"
    )
    assert "BEGIN" not in verdict(said, "jpki-read-2-closed", code=1)
    assert pem(verdict(said, "jpki-read-2", "BEGIN CERTIFICATE")) == certificate(said, "interop", "signature")


@pytest.mark.parametrize(
    ("name", "file", "key"),
    [
        ("jpki-sign-1", "jpki1.sig", "authentication"),
        ("jpki-sign-2", "jpki2.sig", "signature"),
        ("jpki-pkcs11-sign", "jpki3.sig", "authentication"),
    ],
)
def test_openssl_verifies_what_opensc_had_the_interop_card_sign(
    said: Path, name: str, file: str, key: str
) -> None:
    verdict(said, name)
    assert openssl_verifies(said, "interop", key, file, "sha256")


def openssl_verifies(said: Path, kind: str, key: str, file: str, digest: str) -> bool:
    """By the command line tool, with the key from the certificate in the card."""
    public = x509.load_der_x509_certificate(certificate(said, kind, key)).public_key()
    (said / "public.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = ["openssl", "dgst", f"-{digest}", "-verify", "public.pem", "-signature", file, "msg"]
    ran = subprocess.run(command, cwd=said, capture_output=True, text=True, check=False)
    print(f"    openssl dgst -verify {file}: {ran.stdout.strip()}")
    return ran.stdout == "Verified OK\n"


def test_pkcs11_tool_finds_no_errors_in_the_interop_card(said: Path) -> None:
    verdict(
        said, "jpki-pkcs11-test", "all 4 signature functions seem to work", "SHA256-RSA-PKCS: OK", "No errors"
    )


def test_a_wrong_pin_costs_a_try_that_opensc_sees(said: Path) -> None:
    verdict(said, "jpki-wrong-pin", "PIN code or key incorrect", code=None)
    verdict(said, "jpki-pins-after", "Tries left     : 2", "Tries left     : 5")


def test_opensc_takes_the_product_card_for_a_piv_card(said: Path) -> None:
    verdict(said, "piv-name", "Personal Identity Verification Card")
    assert (
        verdict(said, "piv-certificates", "Certificate for PIV Authentication").count("X.509 Certificate [")
        == 1
    )
    verdict(said, "piv-keys", "PIV AUTH key", "FieldLength    : 384")
    assert pem(verdict(said, "piv-read", "BEGIN CERTIFICATE")) == certificate(
        said, "product", "authentication"
    )


def test_pkcs11_tool_finds_no_errors_in_the_product_card(said: Path) -> None:
    verdict(said, "piv-pkcs11-test", "No errors")


def test_openssl_verifies_what_the_product_card_signed(said: Path) -> None:
    verdict(said, "piv-pkcs11-sign")
    assert openssl_verifies(said, "product", "authentication", "piv.sig", "sha384")
    verdict(said, "piv-wrong-pin", "CKR_PIN_INCORRECT", code=1)


def test_the_signature_of_the_product_card_opens_to_its_password_alone(said: Path) -> None:
    """Stock software has no place for a second secret, so `opensc-tool` sends the commands as they are."""
    text = verdict(said, "piv-password-sign", "Received (SW1=0x90, SW2=0x00)")
    rows = re.findall(r"^((?:[0-9A-F]{2} )+)", text[text.rindex("Received") :], re.MULTILINE)
    signature = value(value(bytes.fromhex("".join(rows)), 0x7C), 0x82)
    verify(certificate(said, "product", "signature"), signature, MESSAGE)


def test_tls_1_3_logs_in_with_the_key_in_the_product_card(said: Path) -> None:
    """`s_client` with the key behind PKCS#11, `s_server` that insists on a certificate of the issuer."""
    verdict(said, "tls-client", "New, TLSv1.3", "Verify return code: 0 (ok)", "HTTP/1.0 200 ok")
    server = (said / "tls-server.out").read_text()
    print("    " + "\n    ".join(line for line in server.splitlines() if line.startswith("verify return")))
    assert "verify return:1" in server


def test_opensc_gives_the_pin_again_for_a_second_signature(said: Path) -> None:
    """A PIN serves one signature; within one program the module repeats it from its own cache."""
    for n in (1, 2):
        verdict(said, f"tls-twice-{n}", "Peer signature type: ECDSA", "New, TLSv1.3")
    signatures = [
        line[-11:] for line in (said / "product.log").read_text().splitlines() if line.startswith("0087149a")
    ]
    assert any("6982" in line for line in signatures)


def test_tls_1_3_does_not_log_in_with_a_wrong_pin(said: Path) -> None:
    text = verdict(said, "tls-wrong-pin", code=None)
    assert "HTTP/1.0 200" not in text
    with desk(said / "product.card") as at:
        # One wrong try by pkcs11-tool before was given back by the right PINs after it; these come last.
        assert at.terminal.tries("pin") < 5


def test_a_card_that_is_taken_out_is_gone(said: Path) -> None:
    assert verdict(said, "card-out", "Virtual PCD").count(" Yes ") == 1


def test_over_the_air_opensc_sees_no_certificate(said: Path) -> None:
    assert "X.509 Certificate [" not in verdict(said, "air-certificates", code=None)


def test_the_logs_of_both_cards_show_no_secret(said: Path) -> None:
    for kind in ("interop", "product"):
        log = (said / f"{kind}.log").read_text()
        assert len(log.splitlines()) > 40
        for text in [*CHOSEN[kind].values(), PASSWORD]:
            assert text.encode().hex() not in log
