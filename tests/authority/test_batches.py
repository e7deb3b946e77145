"""What was issued and revoked stands in the public log, under no name, and the holder finds what is foreign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from counter import Counter
from kakine.contracts import authority as contract
from kakine.contracts.authority import CERTIFY_PARTY, CertifyParty
from kakine.contracts.call import ANYBODY, Call
from kakine.country import AUTHORITY, COMMISSION
from kakine.crypto import keys, x509, x509_issue
from kakine.crypto.x509 import fingerprint
from kakine.protocols.issuance import check_own, require_logged
from kakine.values.certificates import Algorithm, Profile, Use
from kakine.values.problems import (
    BatchesBroken,
    CertificateForeign,
    CertificateForged,
    CertificateUnfit,
    CertificateUnlogged,
    KeyAlreadyCertified,
    PartyUnavailable,
    SignatureInvalid,
)
from kakine.wire.issuance import ISSUED, LEAF, REVOKED


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("batches")) as opened:
        yield opened


def log(counter: Counter) -> None:
    counter.land.run(counter.authority.log(now=True))


def test_the_holder_finds_all_own_certificates_and_no_others(counter: Counter) -> None:
    login = counter.certified(Profile.AUTHENTICATION)
    log(counter)
    sign = counter.certified(Profile.SIGNATURE)
    log(counter)
    batches = counter.batches()
    own = {fingerprint(login.der), fingerprint(sign.der)}
    assert check_own(batches, login.certified.account_key, own) == len(own)
    assert login.certified.account_key == sign.certified.account_key
    for each in own:
        require_logged(batches, each)


def test_a_certificate_that_was_issued_behind_the_holders_back_is_found(counter: Counter) -> None:
    """Somebody at the counter, or the authority itself, has one more made for the same person."""
    known = counter.certified(Profile.AUTHENTICATION)
    log(counter)
    before = {leaf[33:] for each in counter.batches() for leaf in each.leaves}
    counter.certified(Profile.SIGNATURE)
    log(counter)
    with pytest.raises(CertificateForeign):
        check_own(counter.batches(), known.certified.account_key, before)


def test_a_certificate_issued_beside_the_log_is_refused_by_who_looks(counter: Counter) -> None:
    unlogged = counter.certified(Profile.AUTHENTICATION)
    with pytest.raises(CertificateUnlogged):
        require_logged(counter.batches(), fingerprint(unlogged.der))


def test_batches_hold_nothing_of_a_person(counter: Counter) -> None:
    """Only kinds, tags and digests: no serial number, no handle, no common name, no number."""
    card = counter.certified(Profile.SIGNATURE)
    read = counter.read(card, Use.SIGNATURE)
    counter.land.run(counter.authority.revoke(read.serial))
    log(counter)
    row = counter.authority.office.db.read().execute("SELECT handle FROM certificate").fetchone()
    for given in counter.given():
        text = given.batch + given.leaves + given.entry
        for secret in (row[0], read.serial.to_bytes(16, "big"), read.common_name.encode()):
            assert secret not in text
        assert counter.number.encode() not in text
    leaves = [leaf for each in counter.batches() for leaf in each.leaves]
    assert {len(leaf) for leaf in leaves} == {LEAF}
    assert {leaf[0] for leaf in leaves} == {ISSUED, REVOKED}


def test_a_batch_that_is_changed_missing_or_reordered_is_refused(counter: Counter) -> None:
    for profile in (Profile.AUTHENTICATION, Profile.SIGNATURE):
        counter.certified(profile)
        log(counter)
    given = counter.given()
    shorter = replace(given[0], leaves=given[0].leaves[LEAF:])
    other = replace(given[0], leaves=given[0].leaves[:-1] + bytes([given[0].leaves[-1] ^ 1]))
    unsigned = replace(given[0], signature=bytes(64))
    elsewhere = replace(given[0], entry=given[1].entry, first=given[1].first, proof=given[1].proof)
    for wrong in ([shorter], [other], given[1:], [given[1], given[0]], [elsewhere]):
        with pytest.raises(BatchesBroken):
            counter.batches(wrong)
    with pytest.raises(SignatureInvalid):
        counter.batches([unsigned])


def test_batches_wait_for_a_commission_that_is_away(counter: Counter) -> None:
    counter.certified(Profile.AUTHENTICATION)
    before = len(counter.given())
    away = counter.land.country.apps.pop(COMMISSION)
    with pytest.raises(PartyUnavailable):
        log(counter)
    assert len(counter.given()) == before
    counter.land.country.apps[COMMISSION] = away
    counter.land.run(counter.authority.log())
    assert len(counter.given()) == before + 1
    counter.batches()


def test_the_roots_stand_in_every_batch(counter: Counter) -> None:
    from kakine.wire.issuance import Root, RootList, roots_digest

    counter.certified(Profile.AUTHENTICATION)
    log(counter)
    known = RootList(tuple(Root(profile.value, der) for profile, der in counter.roots()))
    assert counter.batches()[-1].batch.roots == roots_digest(known)


def test_no_call_takes_one_persons_serial(counter: Counter) -> None:
    """Open to everybody are calls that name a list, a partition, a version, a batch, or nothing at all."""
    calls = [each for each in vars(contract).values() if isinstance(each, Call)]
    fields = {call.path: set(call.takes.__struct_fields__) for call in calls if call.callers == ANYBODY}
    assert fields.pop(CERTIFY_PARTY.path) == {"request"}
    assert set().union(*fields.values()) == {"uri", "version", "kind", "partition", "number"}
    persons = {call.path for call in calls if call.callers != ANYBODY}
    persons.remove(contract.CERTIFY_FIRST.path)  # a party's, by its signed application
    assert persons == {contract.CERTIFY.path, contract.EVENTS.path, contract.LINK.path}
    words = ("serial", "certificate", "index", "place", "handle", "account")
    for call in calls:
        if call is not contract.EVENTS:
            assert not [name for name in call.takes.__struct_fields__ if name in words], call.path


def test_ocsp_is_off_unless_an_operator_switches_it_on(counter: Counter, tmp_path: object) -> None:
    office = counter.authority.office
    assert not office.settings.ocsp
    assert not [route.path for route in counter.authority.app.routes if "ocsp" in route.path]  # type: ignore[attr-defined]
    card = counter.certified(Profile.AUTHENTICATION)
    assert b"ocsp." not in card.der


def test_a_party_gets_a_certificate_under_its_own_name_only(counter: Counter) -> None:
    request = x509_issue.request(keys.generate(Algorithm.P_384), "ministry")
    given = counter.land.run(counter.peers("portal").ask(AUTHORITY, CERTIFY_PARTY, CertifyParty(request)))
    read = x509.verify(given.certificate, counter.roots(), Use.PARTY, counter.now_s)
    assert (read.common_name, b"ministry" in given.certificate) == ("portal", False)
    with pytest.raises(KeyAlreadyCertified):
        counter.land.run(counter.peers("registry").ask(AUTHORITY, CERTIFY_PARTY, CertifyParty(request)))
    again = counter.land.run(counter.peers("portal").ask(AUTHORITY, CERTIFY_PARTY, CertifyParty(request)))
    assert again == given


def test_a_signature_certificate_cannot_log_in(counter: Counter) -> None:
    for profile in (Profile.SIGNATURE, Profile.SIGNATURE_INTEROP):
        card = counter.certified(profile)
        for use in (Use.AUTHENTICATION, Use.PARTY):
            with pytest.raises(CertificateUnfit):
                x509.verify(card.der, counter.roots(), use, counter.now_s)


def test_a_certificate_under_a_root_that_is_not_believed_is_forged(counter: Counter) -> None:
    """Also where the false root has the same name as the true one."""
    card = counter.certified(Profile.AUTHENTICATION)
    key = keys.generate(Algorithm.P_384)
    false = x509_issue.root(Profile.AUTHENTICATION, key, 7, counter.now_s - 10, counter.now_s + 10**8)
    with pytest.raises(CertificateForged):
        x509.verify(card.der, [(Profile.AUTHENTICATION, false)], Use.AUTHENTICATION, counter.now_s)
    with pytest.raises(CertificateForged):
        x509.verify(card.der, [], Use.AUTHENTICATION, counter.now_s)
