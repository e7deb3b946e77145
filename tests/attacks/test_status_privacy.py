"""C05, A07: the authority does not learn where a certificate is used, and nothing it publishes is about one person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from counter import Counter
from kakine.crypto.x509 import Certificate
from kakine.protocols.status import check_stapled, check_status, staple
from kakine.values.certificates import Profile, Use
from kakine.values.problems import CertificateRevoked
from registry_office import HANAKO
from road import recorded

VERIFIERS = 5


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("privacy")) as opened:
        yield opened


def people(counter: Counter) -> list[Certificate]:
    """Three certificates, as good as of three people to a verifier."""
    profiles = (Profile.AUTHENTICATION, Profile.AUTHENTICATION, Profile.AUTHENTICATION)
    return [counter.read(counter.certified(profile), Use.AUTHENTICATION) for profile in profiles]


def a_day(counter: Counter, visits: list[Certificate]) -> list[tuple[str, bytes]]:
    """What crosses the road while each of some verifiers checks these certificates, one after another."""
    uri = visits[0].list_uri
    with recorded() as passages:
        for _ in range(VERIFIERS):
            held = counter.held(uri)
            for each in visits:
                try:
                    check_status(each, held, counter.now_s)
                except CertificateRevoked:
                    continue
    return [(each.path, each.body) for each in passages]


def test_what_verifiers_send_is_the_same_whoever_logs_in(counter: Counter) -> None:
    """A day of one person at every verifier, and one of three people: the authority's calls are byte for byte alike."""
    *others, last = people(counter)
    counter.publish()
    one, three = a_day(counter, [last] * 6), a_day(counter, [*others, last] * 2)
    assert one == three
    assert len(one) == 2 * VERIFIERS
    for _, body in one:
        for each in (*others, last):
            assert each.serial.to_bytes(16, "big") not in body
            assert each.fingerprint not in body
            assert str(each.index).encode() not in body


def test_checking_leaves_nothing_behind_at_the_authority(counter: Counter) -> None:
    """Its store is the same before and after a day of use."""
    visits = people(counter)
    counter.publish()
    db = counter.authority.office.db

    def everything() -> list[object]:
        tables = [row[0] for row in db.read().execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [sorted(db.read().execute(f"SELECT * FROM {name}"), key=repr) for name in tables]  # noqa: S608

    before = everything()
    a_day(counter, visits)
    assert everything() == before


def test_a_holder_staples_from_the_public_list_and_nobody_is_asked(counter: Counter) -> None:
    """The verifier sends nothing; the holder downloads what everybody downloads."""
    visited, _, _ = people(counter)
    counter.publish()
    tokens = counter.tokens(visited.list_uri)
    held, roots, now_s = counter.held(visited.list_uri), counter.roots(), counter.now_s
    with recorded() as passages:
        stapled = staple(visited, held, tokens.head)
        with pytest.raises(CertificateRevoked):  # two newer certificates of the person have superseded it
            check_stapled(visited, stapled, roots, now_s)
    assert passages == []


def test_the_authority_gets_no_number_and_the_counter_no_handle(counter: Counter) -> None:
    """In what crosses the road while a signature certificate is issued, and in what the authority then keeps."""
    with recorded() as passages:
        counter.certified(Profile.SIGNATURE)
    number = counter.number.encode()
    (handle,) = (
        counter.land.country.registry.db.read().execute("SELECT handle FROM authority_handle").fetchone()
    )
    assert any(number in each.body for each in passages if each.to == "registry")
    for each in passages:
        if "authority" in (each.to, each.caller):
            assert number not in each.body + each.answer
        assert handle not in each.body + each.answer
    stored = b"".join(path.read_bytes() for path in counter.land.folder.glob("authority.sqlite*"))
    assert number not in stored
    assert HANAKO.birth.isoformat().encode() not in stored


def test_places_in_a_list_do_not_follow_one_another(counter: Counter) -> None:
    """Issued one after another, their places tell neither order nor time."""
    places = [each.index for each in people(counter) + people(counter)]
    gaps = {abs(one - other) for one, other in pairwise(places)}
    assert min(gaps) > 1
    assert places != sorted(places)


def test_a_list_shows_no_person_and_no_reason(counter: Counter) -> None:
    """Held and revoked are one bit each, and as long as the list is, so it stays."""
    held_one, revoked_one, kept = people(counter)
    counter.publish()
    size = len(counter.held(kept.list_uri).bits)
    counter.land.run(counter.authority.hold(kept.serial))
    counter.publish()
    held = counter.held(kept.list_uri)
    assert len(held.bits) == size
    for each in (held_one, revoked_one, kept):
        with pytest.raises(CertificateRevoked) as refused:
            check_status(each, held, counter.now_s)
        assert refused.value.facts == {}
