"""Certificates that a verifier must refuse, each made with the root's own key where that makes it harder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography import x509 as foreign
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counter import Card, Counter
from kakine.crypto import keys, x509
from kakine.crypto.x509_issue import Leaf, certificate
from kakine.values.certificates import Algorithm, Profile, Use
from kakine.values.problems import (
    CertificateExpired,
    CertificateForged,
    CertificateMalformed,
    CertificateUnfit,
    Problem,
)

Builder = foreign.CertificateBuilder
LOGIN = Profile.AUTHENTICATION


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("forged")) as opened:
        yield opened


@pytest.fixture(scope="module")
def card(counter: Counter) -> Card:
    return counter.certified(LOGIN)


def verify(counter: Counter, der: bytes, use: Use = Use.AUTHENTICATION, later_s: int = 0) -> None:
    x509.verify(der, counter.roots(), use, counter.now_s + later_s)


def remade(counter: Counter, card: Card, replace: foreign.Extension[foreign.ExtensionType]) -> bytes:
    """The card's certificate with one extension in place of that of its kind, signed by the true root."""
    old = foreign.load_der_x509_certificate(card.der)
    builder = (
        Builder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .serial_number(old.serial_number)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .public_key(old.public_key())
    )
    for each in old.extensions:
        if each.oid != replace.oid:
            builder = builder.add_extension(each.value, critical=each.critical)
    builder = builder.add_extension(replace.value, critical=replace.critical)
    root = counter.authority.office.roots.of_generation(LOGIN, 1)
    return builder.sign(root.key, hashes.SHA384()).public_bytes(Encoding.DER)


def usage(**changed: bool) -> foreign.Extension[foreign.ExtensionType]:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    said = {name: changed.get(name, name == "digital_signature") for name in names}
    return foreign.Extension(foreign.KeyUsage.oid, True, foreign.KeyUsage(**said))


WRONG: dict[str, foreign.Extension[foreign.ExtensionType]] = {
    "signs certificates": usage(key_cert_sign=True),
    "signs lists": usage(crl_sign=True),
    "agrees": usage(key_agreement=True),
    "commits": usage(content_commitment=True),
    "signs nothing": usage(digital_signature=False, key_encipherment=True),
    "usage not critical": foreign.Extension(foreign.KeyUsage.oid, False, usage().value),
    "issuer": foreign.Extension(
        foreign.BasicConstraints.oid, True, foreign.BasicConstraints(ca=True, path_length=None)
    ),
    "unknown and critical": foreign.Extension(
        foreign.ObjectIdentifier("1.3.6.1.4.1.32473.99"),
        True,
        foreign.UnrecognizedExtension(foreign.ObjectIdentifier("1.3.6.1.4.1.32473.99"), b"\x05\x00"),
    ),
    "two policies": foreign.Extension(
        foreign.CertificatePolicies.oid,
        True,
        foreign.CertificatePolicies(
            [
                foreign.PolicyInformation(foreign.ObjectIdentifier(each.policy), None)
                for each in (Profile.AUTHENTICATION, Profile.SIGNATURE)
            ]
        ),
    ),
    "another policy": foreign.Extension(
        foreign.CertificatePolicies.oid,
        True,
        foreign.CertificatePolicies(
            [foreign.PolicyInformation(foreign.ObjectIdentifier(Profile.SIGNATURE.policy), None)]
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_is_not_exactly_the_profile_is_refused(counter: Counter, card: Card, name: str) -> None:
    verify(counter, card.der)
    with pytest.raises((CertificateUnfit, CertificateForged)) as refused:
        verify(counter, remade(counter, card, WRONG[name]))
    assert refused.value.facts == {}


def test_a_certificate_is_refused_before_and_after_its_time(counter: Counter, card: Card) -> None:
    for later_s in (-86_400, 7 * 366 * 86_400):
        with pytest.raises((CertificateExpired, CertificateForged)):
            verify(counter, card.der, later_s=later_s)
    read = x509.read(card.der)
    verify(counter, card.der, later_s=read.not_after - counter.now_s)
    with pytest.raises(CertificateExpired):
        verify(counter, card.der, later_s=read.not_after - counter.now_s + 5)


def test_a_login_certificate_that_another_root_of_ours_issued_is_forged(counter: Counter) -> None:
    """The signature root, or that of parties, signs something that calls itself a login."""
    for profile in (Profile.SIGNATURE, Profile.PARTY):
        root = counter.land.run(counter.authority.office.roots.issuing(profile))
        key = keys.generate(Algorithm.P_384).public_key()
        now_s = counter.now_s
        leaf = Leaf(LOGIN, 1 << 100, "X" * 24, now_s - 5, now_s + 500, "1-00", "https://x/1", 1)
        with pytest.raises(CertificateForged):
            verify(counter, certificate(leaf, key, root.certificate, root.key))


def test_a_certificate_for_a_key_of_another_kind_is_refused(counter: Counter) -> None:
    root = counter.land.run(counter.authority.office.roots.issuing(LOGIN))
    now_s = counter.now_s
    leaf = Leaf(LOGIN, 1 << 100, "X" * 24, now_s - 5, now_s + 500, "1-00", "https://x/1", 1)
    for algorithm in (Algorithm.RSA_2048, Algorithm.P_256):
        key = keys.generate(algorithm).public_key()
        with pytest.raises(CertificateUnfit):
            verify(counter, certificate(leaf, key, root.certificate, root.key))


def test_a_root_is_no_login(counter: Counter, card: Card) -> None:
    for _, root in counter.roots():
        with pytest.raises(Problem):
            verify(counter, root)


FORGED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=80, deadline=None, suppress_health_check=FORGED)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_refused(counter: Counter, card: Card, at: int, flip: int) -> None:
    at %= len(card.der)
    changed = card.der[:at] + bytes([card.der[at] ^ flip]) + card.der[at + 1 :]
    with pytest.raises((CertificateMalformed, CertificateForged, CertificateUnfit, CertificateExpired)):
        verify(counter, changed)


@pytest.mark.parametrize("bad", [b"", b"\0", b"-----BEGIN CERTIFICATE-----", bytes(1 << 15)])
def test_what_is_no_certificate_is_named_so(counter: Counter, bad: bytes) -> None:
    with pytest.raises(CertificateMalformed):
        verify(counter, bad)
    with pytest.raises(CertificateMalformed):
        x509.ders_of(bad)


def test_no_problem_says_anything_about_the_certificate(counter: Counter, card: Card) -> None:
    changed = card.der[:-1] + bytes([card.der[-1] ^ 1])
    with pytest.raises(CertificateForged) as refused:
        verify(counter, changed)
    said = str(refused.value)
    for secret in (x509.read(card.der).common_name, str(x509.read(card.der).serial)):
        assert secret not in said
