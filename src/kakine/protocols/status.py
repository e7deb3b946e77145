"""Whether a certificate is valid now, without asking anybody about it (spec/authority.md section 5).

A verifier downloads the same list as every other verifier, or believes a page of it that the holder brings, and decides
alone. Nothing here opens a connection; times are seconds since 1970 and always an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kakine.crypto import jose
from kakine.crypto.base64url import unbase64url
from kakine.crypto.keys import PublicKey
from kakine.crypto.merkle import leaf_hash, verify_inclusion
from kakine.crypto.x509 import verify_status_signer
from kakine.values.certificates import Profile
from kakine.values.problems import (
    CertificateRevoked,
    InclusionInvalid,
    Problem,
    SignatureInvalid,
    StatusIndexOutside,
    StatusListInvalid,
    StatusListStale,
    StatusListUnknown,
)
from kakine.wire import status_list as wire
from kakine.wire.status_list import HEAD, LIST, PAGE, HeadClaims, ListClaims, Stapled

BASE = "https://status.kakine.example/"
TTL_S = 900
"""How often a verifier fetches: every quarter of an hour."""
LIFETIME_S = 3600
"""How long a list may be believed; so long a suspension may take to reach a verifier that cannot fetch."""
_SKEW_S = 60

Roots = Sequence[tuple[Profile, bytes]]
"""Roots with the profiles that they issue, as the verifier believes them."""

Sign = Callable[[str, bytes], str]
"""A token of a media type over a payload."""


class Placed(Protocol):
    """Something that names its bit: a certificate that was read."""

    @property
    def list_uri(self) -> str:
        """Which list."""

    @property
    def index(self) -> int:
        """Which bit of it."""


@dataclass(frozen=True, repr=False)
class Held:
    """A list that a verifier has verified: its bits in one version, and until when they say anything."""

    uri: str
    version: int
    expires_s: int
    bits: bytes


@dataclass(frozen=True)
class Head:
    """A verified head."""

    claims: HeadClaims
    digest: bytes
    root: bytes


def uri_of(profile: Profile, number: int) -> str:
    """The name of a list."""
    return f"{BASE}{profile.value}/{number}"


def profile_of(uri: str) -> Profile:
    """The profile that a list is of. Raises `StatusListUnknown`."""
    name, _, number = uri.removeprefix(BASE).partition("/")
    try:
        profile = Profile(name)
    except ValueError as fault:
        raise StatusListUnknown() from fault
    if not number.isdecimal() or uri != uri_of(profile, int(number)):
        raise StatusListUnknown()
    return profile


def tokens(uri: str, version: int, bits: bytes, now_s: int, sign: Sign) -> tuple[str, str]:
    """The list token and the head token of one version, signed by `sign`."""
    until = now_s + LIFETIME_S
    whole = sign(LIST, wire.list_claims(uri, now_s, until, TTL_S, version, bits))
    return whole, sign(HEAD, wire.head_claims(uri, now_s, until, TTL_S, version, bits))


def open_list(token: str, uri: str, roots: Roots, now_s: int, held: Held | None = None) -> Held:
    """The list in a token, if its signer is certified for status lists by a root of the list's profile.

    `held` is what the verifier has of the list already: an older version is refused. Raises StatusListInvalid,
    StatusListStale, StatusListUnknown.
    """
    claims = wire.decode_claims(_verified(token, LIST, uri, roots, now_s), ListClaims)
    _require_fresh(claims, uri, now_s)
    if held is not None and (held.uri != uri or claims.version < held.version):
        raise StatusListStale()
    return Held(uri, claims.version, claims.exp, wire.bits_of(claims))


def open_head(token: str, uri: str, roots: Roots, now_s: int) -> Head:
    """The head in a token. Raises as `open_list`."""
    claims = wire.decode_claims(_verified(token, HEAD, uri, roots, now_s), HeadClaims)
    _require_fresh(claims, uri, now_s)
    try:
        digest, root = unbase64url(claims.digest), unbase64url(claims.root)
    except SignatureInvalid as fault:
        raise StatusListInvalid() from fault
    return Head(claims, digest, root)


def advance(held: Held, steps: Sequence[bytes], head: Head) -> Held:
    """The list of `head`, made from the one held and the steps since. Raises StatusListInvalid if they do not lead to
    it, StatusListStale if the head is older than what is held."""
    claims = head.claims
    if claims.sub != held.uri or claims.version < held.version:
        raise StatusListStale()
    bits = held.bits
    for each in steps:
        bits = wire.after(bits, each)
    if claims.version != held.version + len(steps) or wire.digest_of(bits) != head.digest:
        raise StatusListInvalid()
    return Held(held.uri, claims.version, claims.exp, bits)


def check_status(certificate: Placed, held: Held, now_s: int) -> None:
    """Raise unless the certificate is valid by this list, now.

    CertificateRevoked if its bit is set (revoked and on hold look alike), StatusListStale if the list is too old,
    StatusListUnknown if the certificate stands in another, StatusIndexOutside. The certificate itself is not verified
    here (`crypto.x509.verify`).
    """
    if certificate.list_uri != held.uri:
        raise StatusListUnknown()
    if now_s > held.expires_s:
        raise StatusListStale()
    if not 0 <= certificate.index < len(held.bits) * 8:
        raise StatusIndexOutside()
    if wire.bit(held.bits, certificate.index):
        raise CertificateRevoked()


def staple(certificate: Placed, held: Held, head: str) -> Stapled:
    """The page of a list that says a certificate's status, to be brought along. Made by the holder, from the list that
    everybody downloads and the head token of the same version."""
    page = certificate.index // (PAGE * 8)
    at = page * PAGE
    if certificate.list_uri != held.uri or at >= len(held.bits):
        raise StatusIndexOutside()
    path = wire.tree_of(held.bits).inclusion_path(page)
    return Stapled(head, page, held.bits[at : at + PAGE], tuple(path))


def check_stapled(certificate: Placed, stapled: Stapled, roots: Roots, now_s: int) -> None:
    """As `check_status`, by what the holder brought: a verifier that downloads nothing at all.

    The page shows the bits of 1,023 others, as does the list.
    """
    head = open_head(stapled.head, certificate.list_uri, roots, now_s)
    page, within = divmod(certificate.index, PAGE * 8)
    if certificate.index < 0 or certificate.index >= head.claims.size or page != stapled.page:
        raise StatusIndexOutside()
    pages = head.claims.size // (PAGE * 8)
    try:
        verify_inclusion(leaf_hash(stapled.bits), page, pages, stapled.path, head.root)
    except InclusionInvalid as fault:
        raise StatusListInvalid() from fault
    if wire.bit(stapled.bits, within):
        raise CertificateRevoked()


def _verified(text: str, kind: str, uri: str, roots: Roots, now_s: int) -> bytes:
    profile = profile_of(uri)
    try:
        token = jose.read(text, kind)
        return token.verified(_signer(token.signer, [der for of, der in roots if of is profile], now_s))
    except SignatureInvalid as fault:
        raise StatusListInvalid() from fault


def _signer(certificate: bytes, roots: Sequence[bytes], now_s: int) -> PublicKey:
    """Roots of one profile may be several, in generations."""
    fault: Problem | None = None
    for root in roots:
        try:
            return verify_status_signer(certificate, root, now_s)
        except Problem as problem:
            fault = problem
    raise StatusListInvalid() from fault


def _require_fresh(claims: ListClaims | HeadClaims, uri: str, now_s: int) -> None:
    if claims.sub != uri or not 0 < claims.exp - claims.iat <= LIFETIME_S:
        raise StatusListInvalid()
    if not claims.iat - _SKEW_S <= now_s <= claims.exp:
        raise StatusListStale()
