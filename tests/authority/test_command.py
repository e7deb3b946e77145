"""`kakine authority` in a folder: what its help says works, and a verifier needs nothing but files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kakine.cli.authority import app
from kakine.crypto import keys, x509_issue
from kakine.values.certificates import Algorithm, Profile
from kakine.values.problems import CertificateForged, CertificateRevoked, RequestMalformed

from land import Land

runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country, and the files of somebody outside it."""
    made = tmp_path_factory.mktemp("command")
    Land(made / "land").close()
    (made / "card.csr").write_bytes(x509_issue.request(keys.generate(Algorithm.P_384), "x"))
    return made


def run(folder: Path, *words: str, good: bool = True) -> str:
    given = [word.replace("@", f"{folder}/") for word in words]
    done = runner.invoke(app, given, catch_exceptions=not good)
    assert (done.exit_code == 0) is good, done.output
    if done.exception is not None and not good:
        raise done.exception
    return done.output


def check(folder: Path, root: str = "@roots/authentication-product.pem") -> str:
    run(folder, "status-list", "--dir", "@land", "--profile", "authentication-product", "--out", "@list.jwt")
    return run(
        folder, "check", "--certificate", "@card.pem", "--root", root, "--list", "@list.jwt", good=False
    )


def test_a_certificate_is_issued_suspended_released_and_revoked_from_the_command_line(folder: Path) -> None:
    said = run(folder, "issue", "--dir", "@land", "--csr", "@card.csr", "--out", "@card.pem")
    assert "発行 / issued: authentication-product" in said
    assert "authentication-product.pem" in run(folder, "roots", "--dir", "@land", "--out", "@roots")
    own = ("--certificate", "@card.pem", "--dir", "@land")
    valid = ("check", "--certificate", "@card.pem", "--root", "@roots/authentication-product.pem")
    run(folder, "status-list", "--dir", "@land", "--profile", "authentication-product", "--out", "@list.jwt")
    assert "有効 / valid" in run(folder, *valid, "--list", "@list.jwt")
    run(folder, "hold", *own)
    with pytest.raises(CertificateRevoked):
        check(folder)
    run(folder, "release", *own)
    run(folder, "status-list", "--dir", "@land", "--profile", "authentication-product", "--out", "@list.jwt")
    assert "有効 / valid" in run(folder, *valid, "--list", "@list.jwt")
    run(folder, "revoke", *own)
    with pytest.raises(CertificateRevoked):
        check(folder)
    run(folder, "crl", "--dir", "@land", "--profile", "authentication-product", "--out", "@crl.der")
    assert (folder / "crl.der").stat().st_size > 200
    assert "1" in run(folder, "log", "--dir", "@land")


def test_refusals_reach_the_command_line_with_their_codes(folder: Path) -> None:
    (folder / "bad.csr").write_bytes(b"no request")
    with pytest.raises(RequestMalformed):
        run(folder, "issue", "--dir", "@land", "--csr", "@bad.csr", "--out", "@x.pem", good=False)
    (folder / "other.csr").write_bytes(x509_issue.request(keys.generate(Algorithm.P_384), "x"))
    run(folder, "issue", "--dir", "@land", "--csr", "@other.csr", "--out", "@card.pem")
    foreign = keys.generate(Algorithm.P_384)
    false = x509_issue.root(Profile.AUTHENTICATION, foreign, 5, 1_700_000_000, 2_000_000_000)
    (folder / "false.pem").write_bytes(x509_issue.pem(false))
    with pytest.raises(CertificateForged):
        check(folder, "@false.pem")


def test_the_help_says_it_in_japanese_first() -> None:
    said = runner.invoke(app, ["--help"]).output
    for word in ("認証局", "発行", "一時停止", "失効", "状態リスト"):
        assert word in said
