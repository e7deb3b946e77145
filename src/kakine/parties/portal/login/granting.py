"""From consent to code, from code to tokens, from token to claims (RFC 6749, 7636, 9207, 9449; OpenID Connect Core)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kakine.crypto.base64url import base64url
from kakine.parties.portal.acts.shield import PLACES
from kakine.parties.portal.login import latest, linking
from kakine.parties.portal.login.clients import authenticated, proof
from kakine.parties.portal.login.office import TOKEN_MS, Grant, Interaction, Office, Token, Under, Wanted
from kakine.protocols.logins import ATTRIBUTES, LATEST, LINK, OPENID, REPRESENTED, SIGN, offered
from kakine.values.labels import DomainName
from kakine.values.problems import (
    CodeUnknown,
    DpopInvalid,
    InteractionUnknown,
    LoginRequestMalformed,
    MandateNotInForce,
    PkceMissing,
    Problem,
    RedirectMismatch,
    ScopeNotAllowed,
    StepUpNeeded,
    TokenUnknown,
)
from kakine.wire.gazette import Client
from kakine.wire.mandate import Shown


def known(office: Office, name: str) -> Interaction:
    """The interaction, once the person is known in it. Raises `InteractionUnknown`."""
    interaction = office.interactions.get(name)
    if interaction.account is None:
        raise InteractionUnknown()
    return interaction


async def agree(
    office: Office,
    name: str,
    agreed: Sequence[str],
    items: Sequence[str] = (),
    days: str = "",
    link: str = "",
) -> str:
    """Where to send the browser: back to the relying party with a code, after the person has agreed to these scopes
    and, with `latest`, to these items for so many days, with `link`, to show this link of certificates.

    The exchanges are made here, so they stand in the person's history before the relying party hears anything. Ends the
    interaction, and with it all that joined account and relying party. Raises `ScopeNotAllowed` for more than was
    asked, `StepUpNeeded`, what the law lacks now, and the problem of whoever refused.
    """
    interaction = known(office, name)
    pushed = interaction.pushed
    allowed = latest.chosen(pushed, interaction.acr, items, days)
    shown = linking.shown(office, link)
    later = ({LATEST} if allowed else set()) | ({LINK} if shown else set())
    scopes = tuple(sorted(set(agreed) - {LATEST, LINK} | later))
    if not set(scopes) <= set(pushed.scopes) - {REPRESENTED} or (
        SIGN in pushed.scopes and SIGN not in scopes
    ):
        raise ScopeNotAllowed()
    if interaction.acting and later:
        raise ScopeNotAllowed()  # nobody consents, or shows a certificate, under somebody else's name
    if set(scopes) != set(offered(scopes, interaction.acr)):
        raise StepUpNeeded()
    client = office.client(pushed.client)
    office.interactions.take(name)
    if interaction.acting:
        grant = await _represented(office, interaction, client, scopes)
    else:
        grant = await _granted(office, interaction, client, scopes, allowed, shown)
    return _back(office, pushed.redirect, pushed.state, code=office.codes.put(grant))


async def _granted(
    office: Office,
    of: Interaction,
    client: Client,
    scopes: tuple[str, ...],
    allowed: Wanted | None,
    shown: str,
) -> Grant:
    assert of.account is not None  # noqa: S101 - `known` has looked
    sub = await office.exchanges.subject(of.account, DomainName(client.domain), scopes)
    once = tuple(scope for scope in scopes if scope in ATTRIBUTES)
    claims = await office.exchanges.attributes(of.account, once) if once else {}
    beside = _later(await latest.allow(office, of.account, of.pushed, allowed)) if allowed else {}
    if shown:
        await linking.allow(office, of.account, of.pushed)
        beside["certificate_link"] = shown
    given = tuple(scope for scope in scopes if scope not in ATTRIBUTES or scope in claims)
    bucket = office.mandates.ended.bucket(of.account)
    under = Under(bucket, of.time_ms, {}) if PLACES & claims.keys() else None
    return Grant(of.pushed, sub, of.acr, of.time_ms, given, claims, beside, under)


def _later(given: latest.Given) -> dict[str, Any]:
    return {
        "latest_grant": given.grant,
        "latest_items": " ".join(given.items),
        "latest_until": given.until_ms // 1000,
    }


async def _represented(office: Office, of: Interaction, client: Client, scopes: tuple[str, ...]) -> Grant:
    """The relying party hears who is meant, that somebody else acts, and who (`act`, RFC 8693 section 4.1)."""
    assert of.account is not None  # noqa: S101 - `known` has looked
    told = await office.mandates.represent(of.account, of.acting, client, scopes)
    given = (*(scope for scope in scopes if scope in told.claims), REPRESENTED)
    said = {"act": {"sub": told.act}, "represented_by": told.basis.value}
    under = Under(told.bucket, of.time_ms, said)
    return Grant(of.pushed, told.sub, of.acr, of.time_ms, given, told.claims, under=under)


def act_for(office: Office, name: str, number: bytes) -> None:
    """From here on this login is for whoever has given the mandate of this number, or (empty) for oneself again.

    Raises `InteractionUnknown`, what the law lacks now, and `MandateNotInForce` for a mandate that is not this person's
    to use here, or where a transaction is to be signed. The same is asked again at consent.
    """
    interaction = known(office, name)
    office.client(interaction.pushed.client)
    if number and number not in {each.number for each in choices(office, interaction)}:
        raise MandateNotInForce()
    interaction.acting = number


def choices(office: Office, interaction: Interaction) -> Sequence[Shown]:
    """For whom the person may act in this login; nobody at a relying party that does not ask for `represented`."""
    pushed, account = interaction.pushed, interaction.account
    if account is None or REPRESENTED not in pushed.scopes or SIGN in pushed.scopes:
        return ()
    return office.mandates.usable(account, pushed.client)


def decline(office: Office, name: str) -> str:
    """Where to send the browser when the person says no. The relying party does not hear whether anybody was known."""
    pushed = office.interactions.take(name).pushed
    office.client(pushed.client)
    return _back(office, pushed.redirect, pushed.state, error="access_denied")


def _back(office: Office, redirect: str, state: str, **said: str) -> str:
    joined = "&" if "?" in redirect else "?"
    return redirect + joined + urlencode({**said, "state": state, "iss": office.issuer})


@dataclass(frozen=True)
class Issued:
    """The answer of the token endpoint."""

    access: str
    id_token: str
    scope: str
    more: Mapping[str, Any]


def redeem(office: Office, form: Mapping[str, str], dpop: str | None) -> Issued:
    """Tokens for a code, once, to the relying party that asked, with its verifier, by the holder of one key.

    Raises what `authenticated` and `proof` raise, `LoginRequestMalformed`, `CodeUnknown`, `RedirectMismatch`,
    `PkceMissing`, `DpopInvalid`. A code that was shown wrongly is void; one shown twice voids the token it gave.
    """
    client = authenticated(office, form)
    if form.get("grant_type") != "authorization_code":
        raise LoginRequestMalformed(parameter="grant_type")
    thumbprint = proof(office, dpop, "POST", "/token")
    code = form.get("code", "")
    grant = office.codes.get(code)
    if grant.token:
        _void(office, grant.token)
        raise CodeUnknown()
    try:
        _check_grant(grant, client.id, form, thumbprint)
        _still(office, grant.under)
    except Problem:
        office.codes.take(code)
        raise
    return _issue(office, grant, thumbprint)


def _still(office: Office, under: Under | None) -> None:
    """Raises `MandateNotInForce` once a mandate of the bucket has ended since the login began."""
    if under is not None and under.said:
        office.mandates.ended.require(under.bucket, under.since_ms)


def _void(office: Office, token: str) -> None:
    try:
        office.tokens.take(token)
    except TokenUnknown:
        return  # it has expired


def _check_grant(grant: Grant, client: str, form: Mapping[str, str], thumbprint: str) -> None:
    pushed = grant.pushed
    if pushed.client != client:
        raise CodeUnknown()
    if form.get("redirect_uri") != pushed.redirect:
        raise RedirectMismatch()
    verifier = form.get("code_verifier", "")
    shown = base64url(hashlib.sha256(verifier.encode()).digest())
    if not 43 <= len(verifier) <= 128 or not hmac.compare_digest(shown, pushed.challenge):
        raise PkceMissing()
    if pushed.thumbprint not in ("", thumbprint):
        raise DpopInvalid(what="key")


def _issue(office: Office, grant: Grant, thumbprint: str) -> Issued:
    pushed, now = grant.pushed, office.clock() // 1000
    acts = grant.under.said if grant.under else {}
    claims = {"sub": grant.sub, **claims_of(grant.claims), **acts}
    grant.token = office.tokens.put(Token(pushed.client, thumbprint, claims, grant.under))
    access = hashlib.sha256(grant.token.encode("ascii")).digest()
    said: dict[str, Any] = {
        "iss": office.issuer,
        "sub": grant.sub,
        "aud": pushed.client,
        "iat": now,
        "exp": now + TOKEN_MS // 1000,
        "auth_time": grant.time_ms // 1000,
        "nonce": pushed.nonce,
        "acr": grant.acr,
        "at_hash": base64url(access[:16]),
        **acts,
    }
    if pushed.transaction:
        said["transaction_hash"] = base64url(pushed.transaction)
    return Issued(grant.token, office.key.sign(said), " ".join((OPENID, *grant.scopes)), grant.latest)


def claims_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The registry's items as OpenID Connect Core section 5.1 calls them; what it has no name for under our own."""
    said: dict[str, Any] = {}
    for item, value in given.items():
        if item == "name":
            said |= {"name": value["name"], "name#ja-Kana-JP": value["kana"]}
        elif item == "address":
            said["address"] = {"formatted": value, "country": "JP"}
        elif item == "gender":
            # An entry that leaves it open says nothing, rather than a word for it.
            said |= {} if value == "open" else {"gender": value}
        else:
            said[item] = value
    return said


def opened(office: Office, authorization: str | None, dpop: str | None, method: str) -> Mapping[str, Any]:
    """The claims that an access token opens to the holder of its key.

    Raises `TokenUnknown`, `DpopMissing`, `DpopInvalid`, and what the law lacks now.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "dpop" or not token:
        raise TokenUnknown()
    thumbprint = proof(office, dpop, method, "/userinfo", token)
    found = office.tokens.get(token)
    if not hmac.compare_digest(thumbprint, found.thumbprint):
        raise DpopInvalid(what="key")
    office.client(found.client)
    _still(office, found.under)
    return _shielded(office, found)


def _shielded(office: Office, token: Token) -> Mapping[str, Any]:
    """The claims without a place, once somebody of the bucket has raised the shield since the login began."""
    under = token.under
    if under is None or not office.mandates.ended.since(under.bucket, under.since_ms):
        return token.claims
    return {name: value for name, value in token.claims.items() if name not in PLACES}
