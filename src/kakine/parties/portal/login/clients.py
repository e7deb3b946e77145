"""Who calls: relying parties by `private_key_jwt` (RFC 7523), holders of keys by DPoP (RFC 9449)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kakine.crypto.base64url import base64url
from kakine.crypto.webkeys import CheckKey, embedded_claims
from kakine.parties.portal.login.office import ASSERTION_MS, PROOF_MS, Office
from kakine.values.problems import (
    AssertionReplayed,
    ClientUnauthenticated,
    DpopInvalid,
    DpopMissing,
    SignatureInvalid,
)
from kakine.wire.gazette import Client

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticated(office: Office, form: Mapping[str, str]) -> Client:
    """The relying party that a form's assertion proves, once; it may log people in at this moment.

    Raises `ClientUnauthenticated`, `AssertionReplayed`, `Suspended` and what else the law lacks. The audience is one of
    issuer, token endpoint and pushed-request endpoint (RFC 9126 section 2), alone: an assertion made for another server
    cannot be used here.
    """
    assertion, name = form.get("client_assertion", ""), form.get("client_id", "")
    if form.get("client_assertion_type") != KIND or "client_secret" in form:
        raise ClientUnauthenticated()
    client = office.law.in_force(office.clock()).client(name)
    if not client.key:
        raise ClientUnauthenticated()
    try:
        claims = CheckKey.of_point(client.key).claims(assertion, "", "jwt")
    except SignatureInvalid as fault:
        raise ClientUnauthenticated() from fault
    _check_assertion(office, client, claims)
    return office.client(name)


def _check_assertion(office: Office, client: Client, claims: Mapping[str, Any]) -> None:
    audience, now_ms = claims.get("aud"), office.clock()
    audiences = audience if isinstance(audience, list) else [audience]
    known = {office.issuer, office.url("/token"), office.url("/par")}
    jti, until_ms = claims.get("jti"), _ms(claims, "exp")
    made_ms = _ms(claims, "iat") if "iat" in claims else until_ms - ASSERTION_MS
    if (
        (claims.get("iss"), claims.get("sub")) != (client.id, client.id)
        or len(audiences) != 1
        or not isinstance(audiences[0], str)
        or audiences[0] not in known
        or not isinstance(jti, str)
        or not 0 < len(jti) <= 200
        or not now_ms < until_ms <= now_ms + ASSERTION_MS + PROOF_MS
        or made_ms > now_ms + PROOF_MS
        or ("nbf" in claims and _ms(claims, "nbf") > now_ms + PROOF_MS)
    ):
        raise ClientUnauthenticated()
    office.assertions.spend(client.id, jti, made_ms)


def _ms(claims: Mapping[str, Any], name: str) -> int:
    """A time of a token in milliseconds; -1 for what is no time, which no check passes."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        return -1
    return int(value * 1000)


def proof(office: Office, value: str | None, method: str, path: str, token: str = "") -> str:
    """The thumbprint of the key that a DPoP proof shows, for this call, made now, once.

    With `token` the proof must be over that access token. Raises `DpopMissing`, `DpopInvalid`.
    """
    if not value:
        raise DpopMissing()
    try:
        key, claims = embedded_claims(value, "dpop+jwt")
    except SignatureInvalid as fault:
        raise DpopInvalid() from fault
    jti, made_ms = claims.get("jti"), _ms(claims, "iat")
    ath = base64url(hashlib.sha256(token.encode()).digest()) if token else None
    if (
        claims.get("htm") != method
        or str(claims.get("htu", "")).partition("?")[0].partition("#")[0] != office.url(path)
        or (token and claims.get("ath") != ath)
        or abs(office.clock() - made_ms) > PROOF_MS
        or not isinstance(jti, str)
        or not 0 < len(jti) <= 200
    ):
        raise DpopInvalid()
    try:
        office.proofs.spend(key.thumbprint, jti, made_ms)
    except AssertionReplayed as replayed:
        raise DpopInvalid(what="used before") from replayed
    return key.thumbprint
