"""A verifier decides alone, by what everybody downloads or what the holder brings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kakine.crypto import jose, keys, x509_issue
from kakine.crypto.base64url import base64url, unbase64url
from kakine.crypto.keys import PrivateKey
from kakine.protocols.status import (
    LIFETIME_S,
    Head,
    Held,
    advance,
    check_stapled,
    check_status,
    open_head,
    open_list,
    staple,
    tokens,
    uri_of,
)
from kakine.values.certificates import Algorithm, Profile
from kakine.values.problems import (
    CertificateRevoked,
    StatusIndexOutside,
    StatusListInvalid,
    StatusListStale,
    StatusListUnknown,
)
from kakine.wire import status_list as wire
from kakine.wire.canonical import decode, encode

NOW = 1_790_000_000
PROFILE = Profile.AUTHENTICATION
URI = uri_of(PROFILE, 1)
BYTES = 4096
UNHURRIED = settings(deadline=None)


@dataclass(frozen=True)
class Placed:
    index: int
    list_uri: str = URI


class Signer:
    """A root, and a status signer it certified."""

    def __init__(self, profile: Profile = PROFILE, *, ocsp: bool = False) -> None:
        self.profile = profile
        key = keys.generate(profile.algorithm)
        self.root = x509_issue.root(profile, key, 5, NOW - 10, NOW + 10**8)
        self.key: PrivateKey = keys.generate(Algorithm.P_256)
        self.certificate = x509_issue.delegate(
            profile,
            ocsp=ocsp,
            public=self.key.public_key(),
            issuer=self.root,
            key=key,
            serial=6,
            not_before=NOW - 1000,
            not_after=NOW + 10**7,
        )

    @property
    def roots(self) -> list[tuple[Profile, bytes]]:
        return [(self.profile, self.root)]

    def sign(self, kind: str, payload: bytes) -> str:
        return jose.sign(kind, payload, self.key, self.certificate)

    def tokens(self, bits: bytes, version: int = 1, now: int = NOW, uri: str = URI) -> tuple[str, str]:
        return tokens(uri, version, bits, now, self.sign)


SIGNER = Signer()


def bits_with(*places: int) -> bytes:
    bits = bytearray(BYTES)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def held(*places: int) -> Held:
    return open_list(SIGNER.tokens(bits_with(*places))[0], URI, SIGNER.roots, NOW)


@UNHURRIED
@given(st.sets(st.integers(0, BYTES * 8 - 1), max_size=40), st.integers(0, BYTES * 8 - 1))
def test_exactly_the_bits_that_are_set_refuse(places: set[int], other: int) -> None:
    known = Held(URI, 1, NOW + 10, bits_with(*places))
    for place in places:
        with pytest.raises(CertificateRevoked):
            check_status(Placed(place), known, NOW)
    if other not in places:
        check_status(Placed(other), known, NOW)


def test_the_list_has_the_form_of_the_ietf_draft() -> None:
    """Read without our code: header, claims, zlib, least significant bit first."""
    token = SIGNER.tokens(bits_with(0, 9))[0]
    header, payload, _ = (unbase64url(part) for part in token.split("."))
    assert msgspec.json.decode(header)["typ"] == "statuslist+jwt"
    claims = msgspec.json.decode(payload)
    assert (claims["sub"], claims["ttl"], claims["exp"] - claims["iat"]) == (URI, 900, 3600)
    raw = zlib.decompress(unbase64url(claims["status_list"]["lst"]))
    assert (claims["status_list"]["bits"], raw[:3]) == (1, b"\x01\x02\x00")


def test_a_stale_list_says_nothing() -> None:
    known = held()
    check_status(Placed(1), known, NOW + LIFETIME_S)
    with pytest.raises(StatusListStale):
        check_status(Placed(1), known, NOW + LIFETIME_S + 1)


def test_a_list_is_not_opened_before_or_after_its_time() -> None:
    token = SIGNER.tokens(bits_with())[0]
    for when in (NOW - 61, NOW + LIFETIME_S + 1):
        with pytest.raises(StatusListStale):
            open_list(token, URI, SIGNER.roots, when)


def test_a_list_that_claims_to_be_good_for_longer_is_refused() -> None:
    long = wire.list_claims(URI, NOW, NOW + LIFETIME_S + 1, 900, 1, bits_with())
    with pytest.raises(StatusListInvalid):
        open_list(SIGNER.sign(wire.LIST, long), URI, SIGNER.roots, NOW)


def test_an_older_version_does_not_replace_a_newer() -> None:
    newer = open_list(SIGNER.tokens(bits_with(), 7)[0], URI, SIGNER.roots, NOW)
    with pytest.raises(StatusListStale):
        open_list(SIGNER.tokens(bits_with(), 6)[0], URI, SIGNER.roots, NOW, newer)
    head = open_head(SIGNER.tokens(bits_with(), 6)[1], URI, SIGNER.roots, NOW)
    with pytest.raises(StatusListStale):
        advance(newer, [], head)


def test_a_list_of_another_root_or_signer_is_refused() -> None:
    other = Signer()
    token = other.tokens(bits_with())[0]
    with pytest.raises(StatusListInvalid):
        open_list(token, URI, SIGNER.roots, NOW)
    mixed = jose.sign(wire.LIST, b"{}", other.key, SIGNER.certificate)
    with pytest.raises(StatusListInvalid):
        open_list(mixed, URI, SIGNER.roots, NOW)


def test_a_list_under_the_signature_root_says_nothing_of_logins() -> None:
    """The root of another profile cannot speak for this list, though the verifier believes both."""
    other = Signer(Profile.SIGNATURE)
    token = other.tokens(bits_with())[0]
    with pytest.raises(StatusListInvalid):
        open_list(token, URI, [*SIGNER.roots, *other.roots], NOW)


def test_an_ocsp_signer_signs_no_lists() -> None:
    other = Signer(ocsp=True)
    with pytest.raises(StatusListInvalid):
        open_list(other.tokens(bits_with())[0], URI, other.roots, NOW)


def test_a_changed_token_is_refused() -> None:
    token = SIGNER.tokens(bits_with(3))[0]
    for at in (5, len(token) // 2, len(token) - 3):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(StatusListInvalid):
            open_list(changed, URI, SIGNER.roots, NOW)


def test_a_head_is_no_list_and_a_list_no_head() -> None:
    whole, head = SIGNER.tokens(bits_with())
    with pytest.raises(StatusListInvalid):
        open_list(head, URI, SIGNER.roots, NOW)
    with pytest.raises(StatusListInvalid):
        open_head(whole, URI, SIGNER.roots, NOW)


def test_a_certificate_of_another_list_or_outside_is_not_judged() -> None:
    with pytest.raises(StatusListUnknown):
        check_status(Placed(1, uri_of(PROFILE, 2)), held(), NOW)
    for outside in (-1, BYTES * 8):
        with pytest.raises(StatusIndexOutside):
            check_status(Placed(outside), held(), NOW)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64url(zlib.compress(bytes(1 << 26)))
    claims = msgspec.json.decode(wire.list_claims(URI, NOW, NOW + 10, 900, 1, bits_with()))
    claims["status_list"]["lst"] = bomb
    with pytest.raises(StatusListInvalid):
        open_list(SIGNER.sign(wire.LIST, msgspec.json.encode(claims)), URI, SIGNER.roots, NOW)


@UNHURRIED
@given(st.lists(st.sets(st.integers(0, BYTES * 8 - 1), max_size=20), min_size=1, max_size=4))
def test_steps_lead_to_the_list_of_the_head(versions: list[set[int]]) -> None:
    texts = [bits_with(*places) for places in versions]
    start = Held(URI, 1, NOW + 10, texts[0])
    steps = [wire.step(old, new) for old, new in pairwise(texts)]
    claims = wire.decode_claims(
        wire.head_claims(URI, NOW, NOW + 10, 900, len(texts), texts[-1]), wire.HeadClaims
    )
    head = Head(claims, unbase64url(claims.digest), unbase64url(claims.root))
    assert advance(start, steps, head).bits == texts[-1]


def test_a_false_step_is_refused() -> None:
    """Steps are not signed: the head's digest is what they must lead to."""
    start = held(5)
    head = open_head(SIGNER.tokens(bits_with(5, 6), 2)[1], URI, SIGNER.roots, NOW)
    for false in (wire.step(bits_with(5), bits_with(5)), wire.step(bytes(128), bytes(128)), b"x"):
        with pytest.raises(StatusListInvalid):
            advance(start, [false], head)
    assert advance(start, [wire.step(bits_with(5), bits_with(5, 6))], head).version == 2


def test_a_stapled_page_is_enough_for_a_verifier_that_downloads_nothing() -> None:
    whole, head = SIGNER.tokens(bits_with(2000))
    known = open_list(whole, URI, SIGNER.roots, NOW)
    stapled = staple(Placed(3000), known, head)
    sent = encode(stapled)
    check_stapled(Placed(3000), decode(sent, wire.Stapled), SIGNER.roots, NOW)
    with pytest.raises(CertificateRevoked):
        check_stapled(Placed(2000), staple(Placed(2000), known, head), SIGNER.roots, NOW)


def test_a_false_staple_is_refused() -> None:
    whole, head = SIGNER.tokens(bits_with(2000))
    known = open_list(whole, URI, SIGNER.roots, NOW)
    true = staple(Placed(2000), known, head)
    clean = replace_bits(true, bytes(128))
    with pytest.raises(StatusListInvalid):
        check_stapled(Placed(2000), clean, SIGNER.roots, NOW)
    other = staple(Placed(30_000), known, head)
    with pytest.raises(StatusIndexOutside):
        check_stapled(Placed(2000), other, SIGNER.roots, NOW)
    with pytest.raises(StatusListStale):
        check_stapled(Placed(2000), true, SIGNER.roots, NOW + LIFETIME_S + 1)
    pretending = msgspec.structs.replace(other, page=true.page)
    with pytest.raises(StatusListInvalid):
        check_stapled(Placed(2000), pretending, SIGNER.roots, NOW)


def replace_bits(stapled: wire.Stapled, bits: bytes) -> wire.Stapled:
    return msgspec.structs.replace(stapled, bits=bits)


def test_names_of_lists_are_exact() -> None:
    for wrong in ("", "x", uri_of(PROFILE, 1) + "0x", f"{URI}/", URI.replace("/1", "/01"), "https://evil/1"):
        with pytest.raises((StatusListUnknown, StatusListInvalid)):
            open_list(SIGNER.tokens(bits_with(), uri=wrong)[0], wrong, SIGNER.roots, NOW)
