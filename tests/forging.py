"""Requests that an insider with the requester's own keys changes and signs anew."""

from __future__ import annotations

from typing import Any

import msgspec

from kakine.clients.exchange import request_of
from kakine.wire.answer import Kept, Prepared

from land import Land


def altered(asked: Prepared, **parts: Any) -> Prepared:
    """The request with these parts changed, wherever it keeps them; nothing else is made to fit."""
    names = Kept.__struct_fields__
    kept = msgspec.structs.replace(asked.kept, **{k: v for k, v in parts.items() if k in names})
    rest = {k: v for k, v in parts.items() if k not in names}
    return msgspec.structs.replace(asked, kept=kept, **rest)


def signed(land: Land, asked: Prepared, **parts: Any) -> Prepared:
    """The same, signed with the requester's own key."""
    other = altered(asked, **parts)
    signature = land.yokohama.office.identity.signing.sign("request", request_of(other))
    return altered(other, signature=signature)
