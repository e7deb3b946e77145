"""What ends a certificate ends the right ones, at every verifier, and says no more than that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from cryptography import x509 as foreign

from counter import TOWN, Card, Counter
from kakine.contracts.call import Nothing
from kakine.contracts.registry import CardNews, Change, Died, Moved, Renamed, ShieldSet, WentAbroad
from kakine.crypto.x509 import Certificate
from kakine.protocols.matching import Items, Sex
from kakine.protocols.status import check_status
from kakine.values.certificates import Profile, Reason, Use
from kakine.values.problems import (
    CertificateNotHeld,
    CertificateRevoked,
    CertificateUnknown,
    PartitionUnknown,
)

Flags = foreign.ReasonFlags


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("revoking")) as opened:
        yield opened


class Person:
    """Somebody with both certificates."""

    def __init__(self, counter: Counter, place: int) -> None:
        self.counter = counter
        self.items = Items(
            f"試験　{place}", f"シケン　{place}", date(1980, 1, 1 + place % 27), Sex.MALE, "横浜市西区1"
        )
        self.number = counter.enter(self.items)
        login = counter.certified(Profile.AUTHENTICATION, self.number, self.items.birth)
        sign = counter.certified(Profile.SIGNATURE, self.number, self.items.birth)
        self.login = counter.read(login, Use.AUTHENTICATION)
        self.sign = counter.read(sign, Use.SIGNATURE)
        self.cards = (login, sign)

    def happens(self, change: Change) -> None:
        self.counter.report(change, self.number, self.items.birth)


_places = iter(range(1000))


@pytest.fixture
def person(counter: Counter) -> Person:
    return Person(counter, next(_places))


def valid(counter: Counter, certificate: Certificate) -> bool:
    """By the list that a verifier downloads now."""
    try:
        check_status(certificate, counter.held(certificate.list_uri), counter.now_s)
    except CertificateRevoked:
        return False
    return True


def standing(person: Person) -> tuple[bool, bool]:
    """(login, signature) valid, after the next publication."""
    person.counter.publish()
    return valid(person.counter, person.login), valid(person.counter, person.sign)


def reason_on_crl(counter: Counter, certificate: Certificate) -> Flags | None:
    for profile, partition in counter_partitions(counter, certificate.profile):
        listed = foreign.load_der_x509_crl(counter.crl(profile, partition))
        found = listed.get_revoked_certificate_by_serial_number(certificate.serial)
        if found is not None:
            return found.extensions.get_extension_for_class(foreign.CRLReason).value.reason
    return None


def counter_partitions(counter: Counter, profile: Profile) -> list[tuple[Profile, str]]:
    from kakine.contracts.authority import PARTITIONS

    given = counter.land.run(counter.peers("portal").ask("authority", PARTITIONS, Nothing()))  # type: ignore[arg-type]
    return [(profile, each.partition) for each in given.partitions if each.kind == profile.value]


MOVED = Moved("横浜市西区2", bytes(16))
RENAMED = Renamed("試験　新", "シケン　シン")


@pytest.mark.parametrize(
    ("change", "login", "sign", "reason"),
    [
        (MOVED, True, False, Flags.affiliation_changed),
        (RENAMED, True, False, Flags.affiliation_changed),
        (Died(), False, False, Flags.cessation_of_operation),
        (WentAbroad(), False, False, Flags.cessation_of_operation),
        (ShieldSet(undisclosed=True, own_view_stopped=False), True, True, None),
    ],
)
def test_an_event_ends_what_it_must_and_nothing_else(
    person: Person, change: Change, login: bool, sign: bool, reason: Flags | None
) -> None:
    assert standing(person) == (True, True)
    person.happens(change)
    assert standing(person) == (login, sign)
    assert reason_on_crl(person.counter, person.sign) == reason


def test_a_lost_card_is_suspended_and_a_found_one_is_good_again(person: Person) -> None:
    counter = person.counter
    news(person, CardNews.LOST)
    assert standing(person) == (False, False)
    assert reason_on_crl(counter, person.login) == Flags.certificate_hold
    news(person, CardNews.FOUND)
    assert standing(person) == (True, True)
    assert reason_on_crl(counter, person.login) is None


def news(person: Person, said: CardNews) -> None:
    from kakine.contracts.registry import CARD, CardReport, Subject

    counter = person.counter
    asked = CardReport(counter.land.entropy(16), Subject(person.number, person.items.birth), said)
    counter.land.run(counter.peers(TOWN).ask("registry", CARD, asked))  # type: ignore[arg-type]


def test_a_hold_that_lasts_a_day_becomes_final(person: Person) -> None:
    counter = person.counter
    news(person, CardNews.LOST)
    counter.land.clock.advance(86_400)
    counter.publish()
    assert reason_on_crl(counter, person.login) == Flags.cessation_of_operation
    news(person, CardNews.FOUND)
    assert standing(person) == (False, False)
    with pytest.raises(CertificateNotHeld):
        counter.land.run(counter.authority.release(person.login.serial))


def test_a_death_during_a_hold_is_final(person: Person) -> None:
    news(person, CardNews.LOST)
    person.happens(Died())
    with pytest.raises(CertificateNotHeld):
        person.counter.land.run(person.counter.authority.release(person.login.serial))
    assert standing(person) == (False, False)


def test_lists_do_not_tell_death_from_loss_or_wish(counter: Counter) -> None:
    """One reason for all three, for everybody who reads the public list."""
    dead, done = Person(counter, next(_places)), Person(counter, next(_places))
    dead.happens(Died())
    news(done, CardNews.ENDED)
    counter.publish()
    assert reason_on_crl(counter, dead.login) == reason_on_crl(counter, done.login) is not None


def test_the_operator_holds_releases_and_revokes_by_serial(person: Person) -> None:
    counter, serial = person.counter, person.login.serial
    counter.land.run(counter.authority.hold(serial))
    assert standing(person) == (False, True)
    counter.land.run(counter.authority.release(serial))
    assert standing(person) == (True, True)
    counter.land.run(counter.authority.revoke(serial, Reason.SUPERSEDED))
    assert standing(person) == (False, True)
    with pytest.raises(CertificateNotHeld):
        counter.land.run(counter.authority.release(serial))
    for unknown in (1, 1 << 200):
        with pytest.raises(CertificateUnknown):
            counter.land.run(counter.authority.hold(unknown))


def test_a_new_certificate_supersedes_the_one_before(person: Person) -> None:
    counter = person.counter
    again: Card = counter.certified(Profile.AUTHENTICATION, person.number, person.items.birth)
    assert standing(person) == (False, True)
    assert reason_on_crl(counter, person.login) == Flags.superseded
    assert valid(counter, counter.read(again, Use.AUTHENTICATION))


def test_a_step_brings_a_verifier_to_the_same_list(person: Person) -> None:
    counter = person.counter
    counter.publish()
    held = counter.held(person.login.list_uri)
    person.happens(Died())
    counter.publish()
    advanced = counter.advanced(held)
    assert advanced.bits == counter.held(held.uri).bits != held.bits


def test_a_list_is_anew_every_quarter_of_an_hour_though_nothing_changed(counter: Counter) -> None:
    counter.certified(Profile.AUTHENTICATION)
    counter.publish()
    uri = "https://status.kakine.example/authentication-product/1"
    before = counter.held(uri)
    counter.publish()
    assert counter.held(uri).version == before.version
    counter.land.clock.advance(901)
    counter.publish()
    assert counter.held(uri).version == before.version + 1


def test_an_unknown_partition_is_refused(counter: Counter) -> None:
    with pytest.raises(PartitionUnknown):
        counter.crl(Profile.SIGNATURE, "1-999999")


def test_numbers_of_revocation_lists_grow(person: Person) -> None:
    counter = person.counter
    counter.publish()
    (profile, partition), *_ = counter_partitions(counter, Profile.SIGNATURE)
    first = number_of(counter.crl(profile, partition))
    counter.land.clock.advance(86_400)
    counter.publish()
    assert number_of(counter.crl(profile, partition)) > first


def number_of(crl: bytes) -> int:
    listed = foreign.load_der_x509_crl(crl)
    return listed.extensions.get_extension_for_class(foreign.CRLNumber).value.crl_number
