"""Old and new certificates: one relying party learns that they are of one person, because that person wants it to; the
authority does not learn which, nobody else learns anything, and nothing is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import structs

from counter import REGISTRY, Card, Counter
from exchange_state import snapshot
from kakine.clients import linking
from kakine.clients.linking import Asking
from kakine.contracts.authority import LINK, AskLink
from kakine.contracts.registry import CARD, CardNews, CardReport, Moved, Subject
from kakine.country import AUTHORITY
from kakine.crypto.base64url import from_base64url
from kakine.crypto.cards import CardCertificate
from kakine.crypto.sealing import SealKey, seal
from kakine.crypto.signing import VerifyKey
from kakine.protocols.continuity import ask_digest, check_link
from kakine.protocols.matching import Items, Sex
from kakine.values.certificates import Profile
from kakine.values.problems import (
    CallerNotAllowed,
    CardNotTrusted,
    LinkInvalid,
    LinkRefused,
    NotCanonical,
    Problem,
    SealInvalid,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.continuity import LinkAsked, LinkShown, LinkWish, link_bound, link_to, to_authority
from road import recorded

SHOP, OTHER = "yokohama-childcare", "insurer-members"


@dataclass
class Holder:
    """Somebody whose signature certificate was renewed: both cards, the number, the birth date."""

    old: Card
    new: Card
    number: str
    birth: date


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with Counter.opened(tmp_path_factory.mktemp("continuity")) as opened:
        yield opened


_places = iter(range(1, 28))


def entered(counter: Counter) -> tuple[str, date]:
    place = next(_places)
    items = Items(f"試験　{place}", f"シケン　{place}", date(1980, 1, place), Sex.MALE, "横浜市西区1")
    return counter.enter(items), items.birth


@pytest.fixture(scope="module")
def holder(counter: Counter) -> Holder:
    number, birth = entered(counter)
    old = counter.certified(Profile.SIGNATURE, number, birth)
    return Holder(old, counter.certified(Profile.SIGNATURE, number, birth), number, birth)


@pytest.fixture(scope="module")
def stranger(counter: Counter) -> Holder:
    number, birth = entered(counter)
    old = counter.certified(Profile.SIGNATURE, number, birth)
    return Holder(old, counter.certified(Profile.SIGNATURE, number, birth), number, birth)


def signer(card: Card) -> linking.Sign:
    assert isinstance(card.key, ec.EllipticCurvePrivateKey)
    key = card.key
    return lambda hashed: key.sign(hashed, ec.ECDSA(Prehashed(SHA256())))


def key_of(counter: Counter) -> VerifyKey:
    return counter.land.country.identities[AUTHORITY].signing.public


def seal_key(counter: Counter) -> SealKey:
    return counter.land.country.book("portal").in_force(counter.land.clock()).seal_key(AUTHORITY)


def wished(counter: Counter, new: Card, old: bytes, client: str = SHOP, by: Card | None = None) -> Asking:
    at = counter.land.clock(), counter.land.entropy
    return linking.asking(new.der, signer(by or new), old, client, seal_key(counter), *at)


def carried(counter: Counter, sealed: bytes) -> bytes:
    return counter.land.run(counter.land.country.portal.tell_authority(sealed))


def linked(counter: Counter, new: Card, old: Card, client: str = SHOP) -> str:
    asked = wished(counter, new, old.der, client)
    return asked.shown(carried(counter, asked.sealed), key_of(counter))


def refused(counter: Counter, new: Card, old: bytes, by: Card | None = None) -> str:
    with pytest.raises(Problem) as problem:
        carried(counter, wished(counter, new, old, by=by).sealed)
    return problem.value.code


def digests(old: Card, new: Card) -> tuple[bytes, bytes]:
    return hashlib.sha256(old.der).digest(), hashlib.sha256(new.der).digest()


def changed(counter: Counter, new: Card, before: Card, **fields: Any) -> bytes:
    """A wish with other fields, signed and sealed as it should be."""
    asked = wished(counter, new, before.der)
    wish = encode(structs.replace(decode(asked.wish, LinkWish), **fields))
    told = LinkAsked(
        wish, CardCertificate(new.der).public, signer(new)(ask_digest(wish)), bytes(asked.session.public)
    )
    return seal(seal_key(counter), to_authority(), encode(told))


# --- what it is for ---------------------------------------------------------------------------------------------


def test_the_relying_party_that_is_meant_reads_it(counter: Counter, holder: Holder) -> None:
    shown = from_base64url(linked(counter, holder.new, holder.old))
    check_link(shown, SHOP, *digests(holder.old, holder.new), key_of(counter))


@pytest.mark.parametrize("profile", [Profile.SIGNATURE, Profile.AUTHENTICATION])
def test_over_more_than_one_renewal_and_after_a_move(counter: Counter, profile: Profile) -> None:
    number, birth = entered(counter)
    first = counter.certified(profile, number, birth)
    counter.report(Moved("横浜市西区2", bytes(16)), number, birth)
    counter.certified(profile, number, birth)
    third = counter.certified(profile, number, birth)
    check_link(from_base64url(linked(counter, third, first)), SHOP, *digests(first, third), key_of(counter))


# --- refused by the authority -------------------------------------------------------------------------------------


def test_nobody_is_linked_to_the_certificate_of_another_account(
    counter: Counter, holder: Holder, stranger: Holder
) -> None:
    assert refused(counter, stranger.new, holder.old.der) == "link-refused"


def test_nobody_asks_without_the_key_of_the_present_certificate(
    counter: Counter, holder: Holder, stranger: Holder
) -> None:
    assert refused(counter, holder.new, holder.old.der, by=stranger.new) == "card-proof-invalid"
    asked = wished(counter, holder.new, holder.old.der)
    other = CardCertificate(stranger.new.der).public
    told = LinkAsked(
        asked.wish, other, signer(stranger.new)(ask_digest(asked.wish)), bytes(asked.session.public)
    )
    with pytest.raises(LinkRefused):
        carried(counter, seal(seal_key(counter), to_authority(), encode(told)))


def test_a_certificate_that_was_made_up_is_followed_by_none(counter: Counter, holder: Holder) -> None:
    """A number that nobody has, and the number of the old one with other bytes."""
    for fields in ({"old_serial": b"x" * 16}, {"old": b"x" * 32}):
        with pytest.raises(LinkRefused):
            carried(counter, changed(counter, holder.new, holder.old, **fields))


def test_only_the_present_certificate_follows(counter: Counter, holder: Holder) -> None:
    """Not one that has ended, nor itself, nor one before the other, nor one of another use."""
    assert refused(counter, holder.old, holder.new.der) == "link-refused"
    assert refused(counter, holder.new, holder.new.der) == "link-refused"
    login = counter.certified(Profile.AUTHENTICATION, holder.number, holder.birth)
    assert refused(counter, login, holder.old.der) == "link-refused"


def test_a_certificate_of_a_lost_card_is_followed_by_none(counter: Counter) -> None:
    """Whether the new card came within the day of the hold or after it: somebody else may have used the old one."""
    for days in (0, 2):
        number, birth = entered(counter)
        lost = counter.certified(Profile.SIGNATURE, number, birth)
        report = CardReport(counter.land.entropy(16), Subject(number, birth), CardNews.LOST)
        counter.land.run(counter.peers().ask(REGISTRY, CARD, report))
        counter.land.clock.advance(days * 86_400)
        counter.publish()
        new = counter.certified(Profile.SIGNATURE, number, birth)
        assert refused(counter, new, lost.der) == "link-refused"


def test_a_suspended_certificate_asks_for_nothing(counter: Counter) -> None:
    number, birth = entered(counter)
    old = counter.certified(Profile.SIGNATURE, number, birth)
    new = counter.certified(Profile.SIGNATURE, number, birth)
    counter.land.run(counter.authority.hold(int.from_bytes(_serial(new), "big")))
    assert refused(counter, new, old.der) == "link-refused"


def _serial(card: Card) -> bytes:
    return CardCertificate(card.der).serial


def test_an_old_wish_is_not_answered_again(counter: Counter, holder: Holder) -> None:
    for ahead_ms in (-130_000, 130_000):
        at = counter.land.clock() + ahead_ms
        with pytest.raises(LinkRefused):
            carried(counter, changed(counter, holder.new, holder.old, time_ms=at))


def test_a_malformed_wish_is_refused(counter: Counter, holder: Holder) -> None:
    asked = wished(counter, holder.new, holder.old.der)
    told = LinkAsked(asked.wish, b"no key", b"", bytes(asked.session.public))
    cases: list[tuple[bytes, type[Problem]]] = [
        (b"", SealInvalid),
        (asked.sealed[:-1], SealInvalid),
        (seal(seal_key(counter), b"other", b""), SealInvalid),
        (seal(seal_key(counter), to_authority(), b"\xff"), NotCanonical),
        (seal(seal_key(counter), to_authority(), encode(told)), CardNotTrusted),
        (seal(seal_key(counter), to_authority(), encode(structs.replace(told, wish=b"x"))), NotCanonical),
    ]
    for sealed, problem in cases:
        with pytest.raises(problem):
            carried(counter, sealed)
    with pytest.raises(CallerNotAllowed):
        counter.land.run(counter.peers("yokohama").ask(AUTHORITY, LINK, AskLink(asked.sealed)))


# --- useless to anybody else --------------------------------------------------------------------------------------


def test_another_relying_party_can_do_nothing_with_it(counter: Counter, holder: Holder) -> None:
    shown = from_base64url(linked(counter, holder.new, holder.old))
    with pytest.raises(LinkInvalid):
        check_link(shown, OTHER, *digests(holder.old, holder.new), key_of(counter))


def test_it_is_of_these_two_certificates_and_no_other(
    counter: Counter, holder: Holder, stranger: Holder
) -> None:
    shown, key = from_base64url(linked(counter, holder.new, holder.old)), key_of(counter)
    old, new = digests(holder.old, holder.new)
    for other in digests(stranger.old, stranger.new):
        for pair in ((other, new), (old, other)):
            with pytest.raises(LinkInvalid):
                check_link(shown, SHOP, *pair, key)


def test_one_that_was_changed_is_refused(counter: Counter, holder: Holder, stranger: Holder) -> None:
    key, pair = key_of(counter), digests(holder.old, holder.new)
    shown = from_base64url(linked(counter, holder.new, holder.old))
    for at in range(0, len(shown), 7):
        data = bytearray(shown)
        data[at] ^= 1
        with pytest.raises(LinkInvalid):
            check_link(bytes(data), SHOP, *pair, key)
    with pytest.raises(LinkInvalid):
        check_link(shown, SHOP, *pair, counter.land.country.identities["portal"].signing.public)  # type: ignore[index]


def test_who_has_the_signed_link_without_its_salt_cannot_try_certificates_at_it(
    counter: Counter, holder: Holder
) -> None:
    """Nor can the authority, which sees the salted hash, try relying parties."""
    asked = wished(counter, holder.new, holder.old.der)
    shown = decode(from_base64url(asked.shown(carried(counter, asked.sealed), key_of(counter))), LinkShown)
    old, _ = digests(holder.old, holder.new)
    for salt in (b"", bytes(32), holder.new.der[:32]):
        assert link_bound(link_to(salt, SHOP), old) not in shown.link
    assert link_bound(link_to(shown.salt, SHOP), old) in shown.link
    wish = decode(asked.wish, LinkWish)
    assert shown.salt not in asked.wish
    assert wish.to not in {link_to(bytes(32), each) for each in (SHOP, OTHER)}
    again = decode(wished(counter, holder.new, holder.old.der).wish, LinkWish)
    assert again.to != wish.to  # two wishes for one relying party have nothing in common


def test_a_holder_finds_an_authority_that_signs_something_else(
    counter: Counter, holder: Holder, stranger: Holder
) -> None:
    mine, theirs = (wished(counter, each.new, each.old.der) for each in (holder, stranger))
    answer = carried(counter, mine.sealed)
    with pytest.raises(SealInvalid):
        theirs.shown(answer, key_of(counter))
    with pytest.raises(LinkInvalid):
        replace(mine, old=b"x" * 32).shown(answer, key_of(counter))


# --- and nothing is written down ----------------------------------------------------------------------------------


def test_nobody_writes_anything_down(counter: Counter, holder: Holder) -> None:
    before = {party: snapshot(counter.land.folder, party) for party in ("authority", "portal")}
    linked(counter, holder.new, holder.old)
    assert {party: snapshot(counter.land.folder, party) for party in before} == before


def test_neither_who_carries_it_nor_the_authority_sees_the_relying_party(
    counter: Counter, holder: Holder
) -> None:
    asked = wished(counter, holder.new, holder.old.der)
    with recorded() as passages:
        carried(counter, asked.sealed)
    bodies = b"".join(each.body + each.answer for each in passages)
    for word in (SHOP.encode(), _serial(holder.new), *digests(holder.old, holder.new)):
        assert word not in bodies
    assert SHOP.encode() not in asked.wish
