"""`kakine card`, as somebody types it."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner, Result

from cards import HOLDER, NUMBER, authority
from kakine.cli.root import app
from kakine.values.problems import Problem

LASTING = 120
PRODUCT = 'pin = "258036"\nsignature-password = "ABC123DE"\n'
INTEROP = (
    'authentication-pin = "2580"\nsignature-password = "ABC123DE"\ntext-pin = "3691"\nresident-pin = "1470"\n'
)
PERSON = f"""
name = "{HOLDER.name}"
address = "{HOLDER.address}"
birth = {HOLDER.birth}
sex = {HOLDER.sex}
number = "{HOLDER.number}"
record_code = "{HOLDER.record_code}"
municipality = "{HOLDER.municipality}"
expiry = {HOLDER.expiry}
security_code = "{HOLDER.security_code}"
"""


def kakine(*words: object, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["card", *map(str, words)], input=stdin)


def refusal(result: Result) -> str:
    """Code of the problem that ended a command."""
    assert isinstance(result.exception, Problem), result.output
    return result.exception.code


def made(folder: Path, kind: str = "product", *more: object) -> Path:
    """A card, made and certified by the commands."""
    words: list[object] = ["new", folder / "my.card", "--profile", kind, "--requests", folder / "requests"]
    words += ["--counter-key", folder / "my.counter", "--secrets", "-", *more]
    if kind == "interop":
        (folder / "holder.toml").write_text(PERSON, "utf-8")
        words += ["--works", folder / "works", "--holder", folder / "holder.toml"]
    result = kakine(*words, stdin=INTEROP if kind == "interop" else PRODUCT)
    assert result.exit_code == 0, result.output
    (folder / "certificates").mkdir()
    for path in (folder / "requests").glob("*.csr"):
        request = x509.load_pem_x509_csr(path.read_bytes()).public_bytes(Encoding.DER)
        own = x509.load_der_x509_certificate(authority().certify(request, "holder"))
        issuer = x509.load_der_x509_certificate(authority().own())
        below = issuer.public_bytes(Encoding.PEM) if path.stem == "signature" else b""
        (folder / "certificates" / f"{path.stem}.pem").write_bytes(own.public_bytes(Encoding.PEM) + below)
        if not below:
            (folder / "certificates" / f"{path.stem}-issuer.pem").write_bytes(authority().own())
    result = kakine("load", folder / "my.card", folder / "certificates")
    assert "有効 / active" in result.output, result.output
    return folder / "my.card"


@pytest.mark.parametrize("kind", ["interop", "product"])
def test_a_card_is_made_certified_and_shown(kind: str, tmp_path: Path) -> None:
    card = made(tmp_path, kind)
    shown = kakine("show", card).output
    assert "有効 active" in shown
    assert shown.count("証明書 / certificate") == 2
    for text in (NUMBER, HOLDER.name, "258036", "2580", "ABC123DE"):
        assert text not in shown


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    made(tmp_path, "interop")
    for path in (tmp_path / "my.card", tmp_path / "my.counter", *(tmp_path / "works").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_pin_is_changed_and_set_anew(tmp_path: Path) -> None:
    card = made(tmp_path)
    changed = kakine("change-pin", card, "pin", "--secrets", "-", stdin='old = "258036"\nnew = "445566"')
    assert changed.exit_code == 0
    wrong = kakine("change-pin", card, "pin", "--secrets", "-", stdin='old = "258036"\nnew = "112233"')
    assert refusal(wrong) == "card-secret-wrong"
    assert "残り / tries left 4/5" in kakine("show", card).output
    key = tmp_path / "my.counter"
    anew = kakine("unblock", card, "pin", "--counter-key", key, "--secrets", "-", stdin='new = "778899"')
    assert anew.exit_code == 0
    assert "残り / tries left 5/5" in kakine("show", card).output
    (tmp_path / "other").write_text("00" * 32)
    other = kakine(
        "unblock", card, "pin", "--counter-key", tmp_path / "other", "--secrets", "-", stdin='new = "1"'
    )
    assert refusal(other) == "card-secret-malformed"
    words = ["unblock", card, "pin", "--counter-key", tmp_path / "other", "--secrets", "-"]
    assert refusal(kakine(*words, stdin='new = "112233"')) == "card-refused"


def test_a_card_is_stopped_and_revoked(tmp_path: Path) -> None:
    card, key = made(tmp_path), tmp_path / "my.counter"
    assert "停止" in kakine("stop", card, "--counter-key", key).output
    assert refusal(kakine("stop", card, "--counter-key", key)) == "card-refused"
    assert "有効" in kakine("stop", card, "--counter-key", key, "--lift").output
    assert "廃止" in kakine("stop", card, "--counter-key", key, "--revoke").output
    assert "鍵なし" in kakine("show", card).output


def keys(folder: Path) -> dict[str, object]:
    requests = {path.stem: x509.load_pem_x509_csr(path.read_bytes()) for path in folder.iterdir()}
    assert all(each.is_signature_valid for each in requests.values())
    return {name: each.public_key().public_numbers() for name, each in requests.items()}  # type: ignore[union-attr]


def test_requests_are_made_again_for_the_same_keys(tmp_path: Path) -> None:
    """For a renewal; a revoked card has none."""
    card = made(tmp_path)
    assert kakine("request", card, "--requests", tmp_path / "again").exit_code == 0
    assert keys(tmp_path / "again") == keys(tmp_path / "requests")
    kakine("stop", card, "--counter-key", tmp_path / "my.counter", "--revoke")
    assert refusal(kakine("request", card, "--requests", tmp_path / "never")) == "card-state-unfit"


def test_a_card_without_pin_is_active_at_once(tmp_path: Path) -> None:
    words = [
        "--profile",
        "product",
        "--requests",
        tmp_path / "r",
        "--counter-key",
        tmp_path / "k",
        "--pinless",
    ]
    result = kakine("new", tmp_path / "my.card", *words)
    assert "有効" in result.output
    assert list((tmp_path / "r").iterdir()) == []
    assert "なし / none" in kakine("show", tmp_path / "my.card").output


@pytest.mark.parametrize("stdin", ['pin = "1"', "pin = 123456", "nonsense", 'puk = "12345678"'])
def test_bad_secrets_leave_nothing_behind(stdin: str, tmp_path: Path) -> None:
    words = [
        "--profile",
        "product",
        "--requests",
        tmp_path / "r",
        "--counter-key",
        tmp_path / "k",
        "--secrets",
        "-",
    ]
    result = kakine("new", tmp_path / "my.card", *words, stdin=stdin)
    assert refusal(result).startswith("card-")
    assert list(tmp_path.iterdir()) == []


def test_a_card_is_never_written_over(tmp_path: Path) -> None:
    card = made(tmp_path)
    before = card.read_bytes()
    words = [
        "--profile",
        "product",
        "--requests",
        tmp_path / "r",
        "--counter-key",
        tmp_path / "k",
        "--secrets",
        "-",
    ]
    assert refusal(kakine("new", card, *words, stdin=PRODUCT)) == "card-exists"
    assert card.read_bytes() == before


def test_a_secret_is_no_argument_and_is_not_read_from_a_pipe_unasked(tmp_path: Path) -> None:
    """An argument would stand in every list of processes."""
    card = made(tmp_path)
    assert kakine("change-pin", card, "pin", "258036", "445566").exit_code == 2
    assert kakine("change-pin", card, "pin", stdin="258036\n445566\n445566\n").exit_code == 2


def typed(command: list[object], answers: list[str]) -> tuple[int, str]:
    """Exit status and screen of a command at a terminal of its own, at which `answers` are typed."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "kakine", "card", *map(str, command)]
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as running:
        os.close(theirs)
        screen = b""
        while select.select([ours], [], [], LASTING)[0]:
            try:
                screen += os.read(ours, 4096)
            except OSError:
                break  # the other end of a pseudo-terminal has gone
            # The blank behind the colon comes when the echo is off and what was typed before is thrown away.
            if answers and screen.endswith(b": "):
                os.write(ours, answers.pop(0).encode() + b"\n")
        else:
            running.kill()
    os.close(ours)
    return running.returncode, screen.decode()


def test_a_pin_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    """At a real terminal: old, new, new once more."""
    code, screen = typed(["change-pin", made(tmp_path), "pin"], ["258036", "445566", "445566"])
    assert (code, "変更した" in screen) == (0, True), screen
    assert not {"258036", "445566"} & set(screen.split())


def test_files_that_are_no_holder_and_no_key_are_refused_without_their_values(tmp_path: Path) -> None:
    card = made(tmp_path)
    (tmp_path / "bad").write_text("not hex")
    assert refusal(kakine("stop", card, "--counter-key", tmp_path / "bad")) == "card-data-malformed"
    (tmp_path / "bad.toml").write_text(PERSON.replace("birth = 1990-02-03", 'birth = "secret"'), "utf-8")
    words = [
        "--profile",
        "interop",
        "--requests",
        tmp_path / "r",
        "--counter-key",
        tmp_path / "k",
        "--secrets",
        "-",
    ]
    words += ["--works", tmp_path / "works", "--holder", tmp_path / "bad.toml"]
    result = kakine("new", tmp_path / "b.card", *words, stdin=INTEROP)
    assert refusal(result) == "card-data-malformed"
    assert "secret" not in str(result.exception)


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    """And one without its issuer's is left out, which the command says."""
    card = made(tmp_path)
    path = tmp_path / "certificates" / "signature.pem"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"-----BEGIN", 10)])
    assert kakine("load", card, tmp_path / "certificates").output.startswith("authentication: ")
    path.write_bytes(b"no certificate")
    assert refusal(kakine("load", card, tmp_path / "certificates")) == "card-certificate-unfit"


def test_help_teaches() -> None:
    for command in ("new", "request", "load", "show", "insert", "change-pin", "unblock", "stop"):
        assert kakine(command, "--help").exit_code == 0
    assert "ソフトウェアのカード" in kakine("--help").output
