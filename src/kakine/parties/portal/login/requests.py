"""Pushed authorization requests (RFC 9126), the only way in: nothing that a browser carries decides anything."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kakine.crypto.base64url import from_base64url
from kakine.parties.portal.login import latest
from kakine.parties.portal.login.clients import authenticated, proof
from kakine.parties.portal.login.office import Interaction, Office, Pushed
from kakine.protocols.logins import CARD, SIGN, STRONG, scopes_of
from kakine.values.problems import (
    AssuranceNotMet,
    DpopInvalid,
    LoginRequestMalformed,
    PkceMissing,
    RedirectMismatch,
    RequestUriUnknown,
)
from kakine.wire.gazette import Client

URN = "urn:ietf:params:oauth:request_uri:"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_THUMBPRINT = _CHALLENGE
_NEVER = ("request", "request_uri", "id_token_hint")


def push(office: Office, form: Mapping[str, str], dpop: str | None) -> str:
    """The `request_uri` of an accepted request; it is good for one minute and one use.

    Raises what `authenticated` raises, `LoginRequestMalformed`, `RedirectMismatch`, `PkceMissing`, `ScopeNotAllowed`,
    `AssuranceNotMet`, `DpopInvalid`.
    """
    client = authenticated(office, form)
    if any(name in form for name in _NEVER):
        raise LoginRequestMalformed(parameter=next(name for name in _NEVER if name in form))
    _exactly(form, "response_type", "code")
    _exactly(form, "response_mode", "query", "")
    _exactly(form, "prompt", "login", "consent", "")
    if form.get("redirect_uri") not in client.redirects:
        raise RedirectMismatch()
    challenge = form.get("code_challenge", "")
    if form.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge):
        raise PkceMissing()
    scopes = scopes_of(form.get("scope", ""), client.scopes)
    transaction, key = _transaction(form, scopes), _thumbprint(office, form, dpop)
    pushed = Pushed(
        client.id,
        form["redirect_uri"],
        _text(form, "state"),
        _text(form, "nonce"),
        challenge,
        scopes,
        _ways(office, form, transaction),
        key,
        transaction,
        latest.wanted(form, scopes, client, key),
    )
    return URN + office.requests.put(pushed)


def begin(office: Office, query: Mapping[str, str]) -> tuple[str, Client]:
    """A pushed request comes in a browser: (name of the interaction, for that browser's cookie; the relying party).

    Raises `RequestUriUnknown` for one that is used, expired or of another relying party, and what the law lacks now.
    """
    name = query.get("request_uri", "")
    if not name.startswith(URN):
        raise RequestUriUnknown()
    pushed = office.requests.take(name.removeprefix(URN))
    if pushed.client != query.get("client_id"):
        raise RequestUriUnknown()
    return office.interactions.put(Interaction(pushed)), office.client(pushed.client)


def _exactly(form: Mapping[str, str], name: str, *allowed: str) -> None:
    if form.get(name, "") not in allowed:
        raise LoginRequestMalformed(parameter=name)


def _text(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not 8 <= len(value) <= 512 or not value.isascii() or not value.isprintable():
        raise LoginRequestMalformed(parameter=name)
    return value


def _transaction(form: Mapping[str, str], scopes: tuple[str, ...]) -> bytes:
    """The digest that scope `sign` is about: 32 bytes, and none without it."""
    text = form.get("transaction_hash", "")
    if (SIGN in scopes) != bool(text):
        raise LoginRequestMalformed(parameter="transaction_hash")
    if not text:
        return b""
    if not _CHALLENGE.match(text):
        raise LoginRequestMalformed(parameter="transaction_hash")
    return from_base64url(text)


def _ways(office: Office, form: Mapping[str, str], transaction: bytes) -> frozenset[str]:
    """Ways that satisfy `acr_values`, which are alternatives; without it, any. Card and counter are of one assurance:
    who asks for one takes the other. A transaction is approved by card only."""
    asked = form.get("acr_values", "").split()
    wanted = set(asked) | (STRONG if STRONG & set(asked) else set()) if asked else set(office.ways)
    if transaction:
        wanted &= {CARD}
    ways = frozenset(wanted & office.ways)
    if not ways:
        raise AssuranceNotMet()
    return ways


def _thumbprint(office: Office, form: Mapping[str, str], dpop: str | None) -> str:
    """The key to which the code will be bound (RFC 9449 section 10): named, or proved, or both alike; or none."""
    named = form.get("dpop_jkt", "")
    if named and not _THUMBPRINT.match(named):
        raise DpopInvalid()
    shown = proof(office, dpop, "POST", "/par") if dpop else ""
    if named and shown and named != shown:
        raise DpopInvalid()
    return named or shown
