"""Pass on, at a login with consent, that the person's certificate follows the one which the relying party knows.

The portal checks that the authority has said so lately, files that the person has agreed, and can read neither which
certificate it follows nor whether it is for this relying party: who gets a link that is not for it can do nothing with
it.
"""

from __future__ import annotations

from kakine.crypto.base64url import base64url, from_base64url
from kakine.parties.portal.login.office import Office, Pushed
from kakine.protocols.continuity import LIFE_MS, opened
from kakine.values.problems import LinkInvalid
from kakine.wire.decision import LinkAllowed

_MOST = 2000
_AUTHORITY = "authority"


def shown(office: Office, text: str) -> str:
    """The link that a person passes on (base64url of `wire.continuity.LinkShown`), or nothing. Raises `LinkInvalid`
    where the authority has not signed it within ten minutes."""
    if not text:
        return ""
    if len(text) > _MOST or not text.isascii():
        raise LinkInvalid()
    try:
        data = from_base64url(text)
    except ValueError as fault:
        raise LinkInvalid() from fault
    now_ms = office.clock()
    _, link = opened(data, office.law.in_force(now_ms).signing_key(_AUTHORITY))
    if not -LIFE_MS < now_ms - link.time_ms < LIFE_MS:
        raise LinkInvalid()
    return base64url(data)


async def allow(office: Office, account: bytes, pushed: Pushed) -> None:
    """File that the person has agreed to it: nothing is passed on where that fails."""
    await office.exchanges.decide_unkept(account, LinkAllowed(pushed.client))
