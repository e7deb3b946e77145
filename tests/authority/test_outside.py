"""Tools that are not ours look at all we sign: OpenSSL verifies, pkilint lints.

`make test-authority` prints what they say.

The one thing pkilint remarks on (NOTICE) is that a policy has a qualifier, the address of the practice statement; the
real certificates have one too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority.outside import BIN, require, verdict
from counter import Card, Counter
from kakine.contracts.authority import CERTIFY_PARTY, CertifyParty
from kakine.contracts.registry import CardNews
from kakine.country import AUTHORITY
from kakine.crypto import keys, x509_issue
from kakine.crypto.x509 import Certificate
from kakine.values.certificates import PERSONAL, Algorithm, Profile
from road import raw_call

QUALIFIER = "pkix.certificate_policies_policy_has_qualifier (NOTICE)"


class Desk:
    """A counter, a folder with what it was given, as files for the tools."""

    def __init__(self, counter: Counter, folder: Path) -> None:
        self.counter = counter
        self.folder = folder

    def issued(self, profile: Profile) -> tuple[Card, Certificate]:
        card = self.counter.certified(profile)
        read = self.counter.read(card, profile.use)
        self.write(profile, card.der)
        return card, read

    def write(self, profile: Profile, der: bytes) -> None:
        (self.folder / "ee.pem").write_bytes(x509_issue.pem(der))
        roots = [root for of, root in self.counter.roots() if of is profile]
        (self.folder / "root.pem").write_bytes(b"".join(map(x509_issue.pem, roots)))

    def fetch_crls(self, profile: Profile) -> None:
        from kakine.contracts.authority import PARTITIONS
        from kakine.contracts.call import Nothing

        self.counter.publish()
        counter = self.counter
        given = counter.land.run(counter.peers("portal").ask(AUTHORITY, PARTITIONS, Nothing())).partitions
        texts = []
        for each in given:
            if each.kind == profile.value:
                (self.folder / "crl.der").write_bytes(counter.crl(profile, each.partition))
                openssl = ["openssl", "crl", "-inform", "DER", "-in", "crl.der"]
                texts.append(subprocess.run(openssl, capture_output=True, cwd=self.folder, check=True).stdout)
        (self.folder / "crl.pem").write_bytes(b"".join(texts))

    def openssl_verifies(self, *, good: bool) -> str:
        return verdict(
            *("openssl", "verify", "-x509_strict", "-crl_check", "-policy_check"),
            *("-CAfile", "root.pem", "-CRLfile", "crl.pem", "ee.pem"),
            good=good,
            folder=self.folder,
        )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    require("openssl")
    with Counter.opened(tmp_path_factory.mktemp("outside")) as counter:
        counter.set_up(ocsp=True)
        yield Desk(counter, tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize("profile", PERSONAL)
def test_openssl_takes_a_valid_certificate_and_refuses_it_once_held_and_revoked(
    desk: Desk, profile: Profile
) -> None:
    _, read = desk.issued(profile)
    desk.fetch_crls(profile)
    assert desk.openssl_verifies(good=True) == "ee.pem: OK"
    desk.counter.card_news(CardNews.LOST)
    desk.fetch_crls(profile)
    assert "certificate revoked" in desk.openssl_verifies(good=False)
    desk.counter.card_news(CardNews.FOUND)
    desk.fetch_crls(profile)
    assert desk.openssl_verifies(good=True) == "ee.pem: OK"
    desk.counter.land.run(desk.counter.authority.revoke(read.serial))
    desk.fetch_crls(profile)
    assert "certificate revoked" in desk.openssl_verifies(good=False)


def test_openssl_refuses_an_expired_certificate_and_one_of_another_root(desk: Desk) -> None:
    _, read = desk.issued(Profile.SIGNATURE)
    desk.fetch_crls(Profile.SIGNATURE)
    late = read.not_after + 1
    said = verdict(
        *("openssl", "verify", "-attime", late, "-CAfile", "root.pem", "ee.pem"),
        good=False,
        folder=desk.folder,
    )
    assert "expired" in said
    login = desk.counter.certified(Profile.AUTHENTICATION)
    (desk.folder / "ee.pem").write_bytes(x509_issue.pem(login.der))
    said = verdict("openssl", "verify", "-CAfile", "root.pem", "ee.pem", good=False, folder=desk.folder)
    assert "unable to get local issuer certificate" in said


@pytest.mark.parametrize("profile", [Profile.AUTHENTICATION, Profile.SIGNATURE_INTEROP])
@pytest.mark.parametrize("hashed", ["-sha1", "-sha256"])
def test_openssl_ocsp_gets_its_answers_where_they_are_switched_on(
    desk: Desk, profile: Profile, hashed: str
) -> None:
    _, read = desk.issued(profile)
    ask = ("openssl", "ocsp", "-issuer", "root.pem", hashed, "-cert", "ee.pem", "-reqout", "ask.der")
    verdict(*ask, folder=desk.folder)

    def answered() -> str:
        counter = desk.counter
        asked = (desk.folder / "ask.der").read_bytes()
        told = counter.land.run(counter.authority.ocsp(profile, asked))
        (desk.folder / "answer.der").write_bytes(told)
        same = verdict(
            *("openssl", "ocsp", "-reqin", "ask.der", "-respin", "answer.der", "-CAfile", "root.pem"),
            folder=desk.folder,
        )
        assert "Response verify OK" in same
        assert "nonce" not in same.lower()
        return verdict(
            *("openssl", "ocsp", "-issuer", "root.pem", hashed, "-cert", "ee.pem", "-no_nonce"),
            *("-respin", "answer.der", "-CAfile", "root.pem"),
            folder=desk.folder,
        )

    said = answered()
    assert "Response verify OK" in said
    assert "ee.pem: good" in said
    desk.counter.land.run(desk.counter.authority.revoke(read.serial))
    said = answered()
    assert "ee.pem: revoked" in said
    assert "Reason: cessationOfOperation" in said
    lint(desk.folder, "lint_ocsp_response", "answer.der")


def test_ocsp_knows_nothing_of_others_and_refuses_rubbish(desk: Desk) -> None:
    desk.issued(Profile.AUTHENTICATION)
    ask = ("openssl", "ocsp", "-issuer", "root.pem", "-serial", "0x1234", "-reqout", "ask.der")
    verdict(*ask, folder=desk.folder)
    counter = desk.counter
    told = counter.land.run(
        counter.authority.ocsp(Profile.AUTHENTICATION, (desk.folder / "ask.der").read_bytes())
    )
    (desk.folder / "answer.der").write_bytes(told)
    shown = verdict(
        *("openssl", "ocsp", "-respin", "answer.der", "-resp_text", "-noverify"), folder=desk.folder
    )
    assert "Cert Status: unknown" in shown
    for asked, status in ((b"rubbish", "malformedrequest"), (b"", "malformedrequest")):
        (desk.folder / "answer.der").write_bytes(
            counter.land.run(counter.authority.ocsp(Profile.AUTHENTICATION, asked))
        )
        assert status in verdict("openssl", "ocsp", "-respin", "answer.der", good=False, folder=desk.folder)
    other = counter.land.run(
        counter.authority.ocsp(Profile.SIGNATURE, (desk.folder / "ask.der").read_bytes())
    )
    (desk.folder / "answer.der").write_bytes(other)
    assert "unauthorized" in verdict(
        "openssl", "ocsp", "-respin", "answer.der", good=False, folder=desk.folder
    )


def test_ocsp_over_http_takes_small_questions_by_post_and_knows_its_roots(desk: Desk) -> None:
    desk.issued(Profile.AUTHENTICATION)
    ask = ("openssl", "ocsp", "-issuer", "root.pem", "-cert", "ee.pem", "-reqout", "ask.der")
    verdict(*ask, folder=desk.folder)
    asked = (desk.folder / "ask.der").read_bytes()
    app, land = desk.counter.authority.app, desk.counter.land
    path = f"/ocsp/{Profile.AUTHENTICATION.value}"
    told = land.run(raw_call(app, None, path, asked))
    assert (told.status, told.media) == (200, "application/ocsp-response")
    (desk.folder / "answer.der").write_bytes(told.body)
    verdict("openssl", "ocsp", "-respin", "answer.der", "-CAfile", "root.pem", folder=desk.folder)
    assert land.run(raw_call(app, None, "/ocsp/root", asked)).status == 404
    assert land.run(raw_call(app, None, path, bytes(5000))).status == 413


def lint(folder: Path, tool: str, *words: str) -> None:
    """No finding but the one that is named on top."""
    require(str(BIN / tool))
    said = verdict(BIN / tool, "lint", *words, good=None, folder=folder)
    assert [line for line in said.splitlines() if "(" in line and QUALIFIER not in line] == []


@pytest.mark.parametrize("profile", PERSONAL)
def test_pkilint_finds_nothing_in_certificates_and_lists(desk: Desk, profile: Profile) -> None:
    desk.issued(profile)
    desk.counter.card_news(CardNews.LOST)
    desk.fetch_crls(profile)
    desk.counter.card_news(CardNews.FOUND)
    lint(desk.folder, "lint_pkix_cert", "-s", "NOTICE", "ee.pem")
    lint(desk.folder, "lint_pkix_cert", "-s", "NOTICE", "root.pem")
    lint(desk.folder, "lint_pkix_signer_signee_cert_chain", "-s", "NOTICE", "root.pem", "ee.pem")
    lint(desk.folder, "lint_crl", "-t", "CRL", "-p", "PKIX", "crl.der")


def test_a_party_logs_in_to_another_by_mutual_tls(desk: Desk) -> None:
    """OpenSSL serves and connects under TLS 1.3 with two parties' certificates."""
    folder, counter = desk.folder, desk.counter
    for name in ("portal", "registry"):
        key = keys.generate(Algorithm.P_384)
        request = x509_issue.request(key, name)
        given = counter.land.run(counter.peers(name).ask(AUTHORITY, CERTIFY_PARTY, CertifyParty(request)))
        (folder / f"{name}.pem").write_bytes(x509_issue.pem(given.certificate))
        (folder / f"{name}.key").write_bytes(x509_issue.key_pem(key))
        (folder / "parties.pem").write_bytes(x509_issue.pem(given.root))
    (folder / "ee.pem").write_bytes((folder / "portal.pem").read_bytes())
    lint(folder, "lint_pkix_cert", "-s", "NOTICE", "ee.pem")
    serve = [
        *("openssl", "s_server", "-accept", "0", "-tls1_3", "-Verify", "1", "-verify_return_error"),
        *("-CAfile", "parties.pem", "-cert", "registry.pem", "-key", "registry.key", "-naccept", "1", "-rev"),
    ]
    with subprocess.Popen(
        serve, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = next(line for line in server.stdout if line.startswith("ACCEPT")).split(":")[-1].strip()
        connect = [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-CAfile", "parties.pem"),
            *("-cert", "portal.pem", "-key", "portal.key", "-verify_return_error"),
            *("-verify_hostname", "registry.kakine.example"),
        ]
        said = subprocess.run(
            connect, input="Q\n", capture_output=True, text=True, cwd=folder, timeout=120, check=False
        )
        server.communicate(timeout=120)
    print(said.stdout.partition("---")[0], said.stderr)
    assert "Verification: OK" in said.stdout
    assert said.returncode == 0
