"""A key is certified once, for whom the registry vouches for, and nothing is left half done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from counter import Counter
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.contracts.registry import Died, Renamed
from kakine.country import AUTHORITY, COMMISSION
from kakine.crypto import keys, x509, x509_issue
from kakine.parties.authority import issuing, store
from kakine.parties.authority.store import State
from kakine.protocols.matching import Items, Sex
from kakine.protocols.status import check_status
from kakine.values.certificates import Algorithm, Profile, Use
from kakine.values.problems import (
    CertificateRevoked,
    KeyAlreadyCertified,
    KeyNotAllowed,
    PossessionUnproved,
    Problem,
    ProfileUnknown,
    RequestMalformed,
    Suspended,
    VoucherInvalid,
    VoucherRefused,
    VoucherUsed,
)
from registry_office import HANAKO

PERSONAL = (
    Profile.AUTHENTICATION,
    Profile.SIGNATURE,
    Profile.AUTHENTICATION_INTEROP,
    Profile.SIGNATURE_INTEROP,
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("issuing")) as opened:
        yield opened


def request(algorithm: Algorithm = Algorithm.P_384) -> bytes:
    return x509_issue.request(keys.generate(algorithm), "card")


@pytest.mark.parametrize("profile", PERSONAL)
def test_a_certificate_says_what_its_profile_says_and_no_number(counter: Counter, profile: Profile) -> None:
    card = counter.certified(profile)
    read = counter.read(card, profile.use)
    assert (read.profile, read.serial.bit_length()) == (profile, 127)
    assert counter.number.encode() not in card.der
    if profile.use is Use.SIGNATURE:
        assert (read.items["name"], read.items["birth"]) == (HANAKO.name, "419900203")
    else:
        assert read.items == {}
        assert HANAKO.name.encode() not in card.der


def test_a_login_certificate_of_the_product_shows_no_municipality(counter: Counter) -> None:
    assert b"141003" not in counter.certified(Profile.AUTHENTICATION).der
    assert b"141003" in counter.certified(Profile.AUTHENTICATION_INTEROP).der


def test_the_same_call_again_gives_the_same_certificate(counter: Counter) -> None:
    asked, voucher = request(), counter.vouched(Use.AUTHENTICATION)
    first = counter.certify(Profile.AUTHENTICATION, asked, voucher)
    assert counter.certify(Profile.AUTHENTICATION, asked, voucher) == first


def test_a_replayed_request_is_refused(counter: Counter) -> None:
    card = counter.certified(Profile.AUTHENTICATION)
    with pytest.raises(KeyAlreadyCertified):
        counter.certify(Profile.AUTHENTICATION, card.request, counter.vouched(Use.AUTHENTICATION))


def test_a_voucher_serves_one_request(counter: Counter) -> None:
    voucher = counter.vouched(Use.AUTHENTICATION)
    counter.certify(Profile.AUTHENTICATION, request(), voucher)
    with pytest.raises(VoucherUsed):
        counter.certify(Profile.AUTHENTICATION, request(), voucher)


def test_a_voucher_for_a_login_gives_no_signature_certificate(counter: Counter) -> None:
    with pytest.raises(VoucherInvalid):
        counter.certify(Profile.SIGNATURE, request(), counter.vouched(Use.AUTHENTICATION))


def test_a_voucher_is_refused_changed_late_or_at_another_counter(counter: Counter) -> None:
    voucher = counter.vouched(Use.AUTHENTICATION)
    changed = voucher[:-1] + bytes([voucher[-1] ^ 1])
    with pytest.raises(VoucherInvalid):
        counter.certify(Profile.AUTHENTICATION, request(), changed)
    with pytest.raises(VoucherInvalid):
        counter.certify(Profile.AUTHENTICATION, request(), voucher, caller="toyonaka")
    counter.land.clock.advance(11 * 60)
    with pytest.raises(VoucherInvalid):
        counter.certify(Profile.AUTHENTICATION, request(), voucher)


def test_a_voucher_from_before_a_death_gives_no_certificate_after_it(counter: Counter) -> None:
    other = Items("試験　太郎", "シケン　タロウ", date(1980, 1, 1), Sex.MALE, "神奈川県横浜市西区1")
    number = counter.enter(other)
    voucher = counter.vouched(Use.AUTHENTICATION, number, other.birth)
    counter.report(Died(), number, other.birth)
    with pytest.raises(VoucherInvalid):
        counter.certify(Profile.AUTHENTICATION, request(), voucher)


def test_the_registry_vouches_for_no_signature_under_fifteen(counter: Counter) -> None:
    child = Items("試験　子", "シケン　コ", date(2015, 5, 5), Sex.OPEN, "神奈川県横浜市西区1")
    number = counter.enter(child)
    with pytest.raises(VoucherRefused):
        counter.vouched(Use.SIGNATURE, number, child.birth)
    assert counter.certified(Profile.AUTHENTICATION, number, child.birth)


def bad_requests() -> dict[str, tuple[bytes, type[Problem]]]:
    good = request()
    return {
        "empty": (b"", RequestMalformed),
        "text": (b"-----BEGIN CERTIFICATE REQUEST-----", RequestMalformed),
        "cut": (good[:-1], RequestMalformed),
        "more": (good + b"\0", RequestMalformed),
        "huge": (good + bytes(1 << 15), RequestMalformed),
        "signature": (good[:-1] + bytes([good[-1] ^ 1]), PossessionUnproved),
        "rsa": (request(Algorithm.RSA_2048), KeyNotAllowed),
        "p-256": (request(Algorithm.P_256), KeyNotAllowed),
    }


@pytest.mark.parametrize("name", sorted(bad_requests()))
def test_bad_requests_leave_nothing_behind(counter: Counter, name: str) -> None:
    bad, problem = bad_requests()[name]
    db = counter.authority.office.db
    before = db.read().execute("SELECT count(*) FROM certificate").fetchone()
    with pytest.raises(problem) as refused:
        counter.certify(Profile.AUTHENTICATION, bad, counter.vouched(Use.AUTHENTICATION))
    assert refused.value.facts == {}
    assert db.read().execute("SELECT count(*) FROM certificate").fetchone() == before


def test_a_request_that_asks_for_anothers_key_is_refused(counter: Counter) -> None:
    """The public key of one, signed by another: no possession, no certificate."""
    mine, theirs = keys.generate(Algorithm.P_384), keys.generate(Algorithm.P_384)
    own, foreign = x509_issue.request(mine, "card"), x509_issue.request(theirs, "card")
    point = x509_issue.public_point(theirs.public_key())
    mixed = own.replace(x509_issue.public_point(mine.public_key()), point)
    assert mixed != own
    assert point in foreign
    with pytest.raises(PossessionUnproved):
        counter.certify(Profile.AUTHENTICATION, mixed, counter.vouched(Use.AUTHENTICATION))


def test_a_counter_gets_no_party_certificate(counter: Counter) -> None:
    for wrong in (Profile.PARTY.value, "", "root"):
        with pytest.raises(ProfileUnknown):
            counter.certify(wrong, request(), counter.vouched(Use.AUTHENTICATION))


@pytest.mark.parametrize("stopped", ["yokohama", "authority", "registry"])
def test_nothing_is_certified_while_the_law_stops_one_of_the_three(tmp_path: Path, stopped: str) -> None:
    """And what ends a certificate goes on; of a municipality that is stopped the registry takes no report either
    (REG-5.1)."""
    with Counter.opened(tmp_path) as counter:
        card = counter.certified(Profile.SIGNATURE)
        voucher = counter.vouched(Use.AUTHENTICATION)
        stop = Narrow([Stop("party", stopped)], [], "停止", "stopped")
        counter.land.run(counter.peers("commission").ask(COMMISSION, SUSPEND, stop))
        counter.land.run(counter.land.country.refresh())
        with pytest.raises(Suspended):
            counter.certify(Profile.AUTHENTICATION, request(), voucher)
        if stopped == "yokohama":
            with pytest.raises(Suspended):
                counter.report(Renamed("試験　新", "シケン　シン"))
            return
        counter.report(Renamed("試験　新", "シケン　シン"))
        counter.publish()
        read = x509.read(card.der)
        with pytest.raises(CertificateRevoked):
            check_status(read, counter.held(read.list_uri), counter.now_s)


class Cut(Exception):
    """The machine stops here."""


def test_a_crash_before_the_certificate_is_stored_is_carried_on_with_the_same_serial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Counter.opened(tmp_path) as counter:
        asked, voucher = request(), counter.vouched(Use.AUTHENTICATION)

        def cut(*_: object) -> bytes:
            raise Cut

        with monkeypatch.context() as patched:
            patched.setattr(issuing.x509_issue, "certificate", cut)
            with pytest.raises(Problem):
                counter.certify(Profile.AUTHENTICATION, asked, voucher)
        counter.reopened()
        (intent,) = store.intended(counter.authority.office.db.read())
        given = counter.certify(Profile.AUTHENTICATION, asked, voucher)
        read = x509.verify(given.certificate, counter.roots(), Use.AUTHENTICATION, counter.now_s)
        assert read.serial == int.from_bytes(intent.serial, "big")
        assert store.intended(counter.authority.office.db.read()) == []


def test_an_intent_that_nobody_carries_on_counts_as_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature may have been made: the bit is set, though no certificate was ever handed out."""
    with Counter.opened(tmp_path) as counter:
        asked, voucher = request(), counter.vouched(Use.AUTHENTICATION)
        made: list[bytes] = []
        sign = issuing.x509_issue.certificate

        def lost(*given: object) -> bytes:
            made.append(sign(*given))  # type: ignore[arg-type]
            raise Cut

        with monkeypatch.context() as patched:
            patched.setattr(issuing.x509_issue, "certificate", lost)
            with pytest.raises(Problem):
                counter.certify(Profile.AUTHENTICATION, asked, voucher)
        read = x509.verify(made[0], counter.roots(), Use.AUTHENTICATION, counter.now_s)
        counter.land.clock.advance(15 * 60)
        counter.publish()
        with pytest.raises(CertificateRevoked):
            check_status(read, counter.held(read.list_uri), counter.now_s)
        row = store.by_serial(counter.authority.office.db.read(), read.serial.to_bytes(16, "big"))
        assert row is not None
        assert row.state is State.ABANDONED


def test_the_text_of_a_certificate_is_forgotten_after_an_hour(tmp_path: Path) -> None:
    with Counter.opened(tmp_path) as counter:
        card = counter.certified(Profile.SIGNATURE)
        counter.land.clock.advance(2 * 3600)
        counter.publish()
        counter.land.run(counter.authority.office.db.forget())
        stored = b"".join(path.read_bytes() for path in counter.land.folder.glob("authority.sqlite*"))
        assert HANAKO.name.encode() not in stored
        assert card.der not in stored


def test_an_event_that_the_authority_could_not_hear_waits_at_the_registry(tmp_path: Path) -> None:
    with Counter.opened(tmp_path) as counter:
        card = counter.certified(Profile.AUTHENTICATION)
        read = counter.read(card, Use.AUTHENTICATION)
        away = counter.land.country.apps.pop(AUTHORITY)
        counter.report(Died())
        counter.land.country.apps[AUTHORITY] = away
        counter.reopened()
        counter.publish()
        with pytest.raises(CertificateRevoked):
            check_status(read, counter.held(read.list_uri), counter.now_s)
