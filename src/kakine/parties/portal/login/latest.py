"""The latest items on consent (最新の基本4情報の提供): a grant that only one relying party can use, and that its person
ends at any time. The portal keeps no list of consents.

What the relying party is given at the login is sealed under a key of the portal: the account, who may use it with which
key, the items, the end. The portal opens it when it comes back and knows then what it did not know before; on its disk
are only marks of grants that were withdrawn, each for the year that one could last. The list of consents is the
person's own history.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kakine.crypto.base64url import base64url, from_base64url
from kakine.crypto.hashing import derive, mac
from kakine.crypto.sealing import aead_open, aead_seal
from kakine.parties.portal.acts import addresses
from kakine.parties.portal.login import store
from kakine.parties.portal.login.clients import authenticated, proof
from kakine.parties.portal.login.office import Office, Pushed, Wanted
from kakine.protocols.decisions import LONGEST_DAYS
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.protocols.logins import ATTRIBUTES, LATEST, offered
from kakine.values.problems import (
    ConsentOver,
    DpopMissing,
    GrantUnknown,
    LoginRequestMalformed,
    NotCanonical,
    RecordRefused,
    ScopeNotAllowed,
    SealInvalid,
    StepUpNeeded,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.decision import LatestAllowed
from kakine.wire.gazette import Client
from kakine.wire.login import LatestGrant

ADDRESS = "address"
_NONCE = 12
_MOST_PURPOSE = 80
_MOST_GRANT = 1024
"""Characters of the longest grant that is looked at."""


@dataclass(frozen=True)
class Given:
    """What the relying party gets: the sealed grant, the items it is for, its end in milliseconds."""

    grant: str
    items: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True)
class Shown:
    """What a use answers: the registry's items of today, and until when the grant is good."""

    claims: Mapping[str, Any]
    until_ms: int


def wanted(form: Mapping[str, str], scopes: tuple[str, ...], client: Client, key: str) -> Wanted | None:
    """What a pushed request with scope `latest` wants: items that the law lets this relying party have, for what, for
    how many days. `key` is the thumbprint that the code is bound to: a grant is bound to the same.

    Raises `LoginRequestMalformed`, also for such parameters without the scope, `ScopeNotAllowed`, `DpopMissing`.
    """
    named = [name for name in ("latest_items", "latest_purpose", "latest_days") if name in form]
    if LATEST not in scopes:
        if named:
            raise LoginRequestMalformed(parameter=named[0])
        return None
    items = tuple(sorted(set(form.get("latest_items", "").split(" "))))
    if not set(items) <= set(ATTRIBUTES) & set(client.scopes):
        raise ScopeNotAllowed()
    purpose = form.get("latest_purpose", "")
    if not 1 <= len(purpose) <= _MOST_PURPOSE or not purpose.isprintable():
        raise LoginRequestMalformed(parameter="latest_purpose")
    days = form.get("latest_days", "")
    if not (days.isascii() and days.isdigit()) or len(days) > 3 or not 1 <= int(days) <= LONGEST_DAYS:
        raise LoginRequestMalformed(parameter="latest_days")
    if not key:
        raise DpopMissing()
    return Wanted(items, purpose, int(days))


def chosen(pushed: Pushed, acr: str, items: Sequence[str], days: str) -> Wanted | None:
    """What the person allows of what is wanted: fewer items, an earlier end, or nothing. Raises `ScopeNotAllowed` for
    more, `StepUpNeeded` for an address without a counter, `LoginRequestMalformed` for what is no number of days."""
    if not items:
        return None
    if pushed.latest is None or not set(items) <= set(pushed.latest.items):
        raise ScopeNotAllowed()
    if set(items) != set(offered(items, acr)):
        raise StepUpNeeded()
    if not (days.isascii() and days.isdigit()) or len(days) > 3 or not 1 <= int(days) <= pushed.latest.days:
        raise LoginRequestMalformed(parameter="latest_days")
    return Wanted(tuple(sorted(set(items))), pushed.latest.purpose, int(days))


async def allow(office: Office, account: bytes, pushed: Pushed, agreed: Wanted) -> Given:
    """A grant, once the consent stands in the person's own history: nothing is given where that fails."""
    grant, until_ms = office.entropy(16), office.clock() + agreed.days * DAY_MS
    said = LatestAllowed(grant, pushed.client, agreed.items, agreed.purpose, until_ms)
    await office.exchanges.decide_unkept(account, said)
    if ADDRESS in agreed.items:
        await office.exchanges.release_address(account, release_of(office.latest_key, account, grant))
    body = LatestGrant(grant, account, pushed.client, pushed.thumbprint, agreed.items, until_ms)
    nonce = office.entropy(_NONCE)
    sealed = nonce + aead_seal(_sealing_key(office), nonce, office.issuer.encode(), encode(body))
    return Given(base64url(sealed), agreed.items, until_ms)


async def show(office: Office, form: Mapping[str, str], dpop: str | None) -> Shown:
    """What a relying party may see under a grant, as it is today; `items` of the form may name fewer.

    The exchange stands in the person's history before anything is answered. Raises what `authenticated` and `proof`
    raise, `GrantUnknown` for a grant that is changed or another's, `ConsentOver` for one that has ended for whatever
    reason, `ScopeNotAllowed` for more than was allowed by the person or is by the law.
    """
    client = authenticated(office, form)
    thumbprint = proof(office, dpop, "POST", "/latest")
    grant = _opened(office, form.get("grant", ""))
    if grant.client != client.id or not hmac.compare_digest(grant.thumbprint, thumbprint):
        raise GrantUnknown()
    items = tuple(sorted(set(form["items"].split(" ")))) if "items" in form else grant.items
    if not set(items) <= set(grant.items) & set(client.scopes) or LATEST not in client.scopes:
        raise ScopeNotAllowed()
    _require_standing(office, grant)
    asked = tuple(item for item in items if item != ADDRESS or _released(office, grant))
    try:
        found = await office.exchanges.attributes(grant.account, asked, grant.id) if asked else {}
    except RecordRefused as refused:
        raise ConsentOver() from refused  # the person's code has ended, of which nobody hears more than this
    _require_standing(office, grant)
    return Shown(found, grant.until_ms)


def _released(office: Office, grant: LatestGrant) -> bool:
    """Whether the act of letting somebody have the address stands; where it does not it looks as if there were none."""
    number = release_of(office.latest_key, grant.account, grant.id)
    return addresses.released(office.db.read(), grant.account, number)


def _opened(office: Office, text: str) -> LatestGrant:
    if not 0 < len(text) <= _MOST_GRANT or not text.isascii():
        raise GrantUnknown()
    try:
        sealed = from_base64url(text)
        if base64url(sealed) != text:
            raise GrantUnknown()
        body = aead_open(_sealing_key(office), sealed[:_NONCE], office.issuer.encode(), sealed[_NONCE:])
        return decode(body, LatestGrant)
    except (ValueError, SealInvalid, NotCanonical) as fault:
        raise GrantUnknown() from fault


def _require_standing(office: Office, grant: LatestGrant) -> None:
    withdrawn = store.is_withdrawn(office.db.read(), mark_of(office.latest_key, grant.account, grant.id))
    if withdrawn or grant.until_ms <= office.clock():
        raise ConsentOver()


def mark_of(key: bytes, account: bytes, grant: bytes) -> bytes:
    """What stands for a grant that an account has withdrawn. With the account in it, nobody ends another's."""
    return mac(derive(key, "latest-marks"), "latest-withdrawn", account, grant)


def release_of(key: bytes, account: bytes, grant: bytes) -> bytes:
    """The 16 bytes under which the act of letting a relying party have the address is known (`acts.addresses`)."""
    return mac(derive(key, "latest-marks"), "latest-address", account, grant)[: addresses.NUMBER]


def _sealing_key(office: Office) -> bytes:
    return derive(office.latest_key, "latest-sealing")
