"""Kinds of acts about ways in: a passkey is bound, a way is removed, a card is lost; and an address may be released."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

from kakine.crypto.passkeys import Passkey
from kakine.parties.portal.acts.engine import DAY_MS, ActKind
from kakine.parties.portal.acts.store import Act
from kakine.parties.portal.login import store
from kakine.parties.portal.login.store import WayIn
from kakine.protocols.logins import CARD
from kakine.runtime.database import Connection
from kakine.runtime.identity import Clock
from kakine.values.problems import LastWayIn, PasskeyInvalid, WayInUnknown
from kakine.wire.canonical import Message, decode

BIND, REMOVE, LOST = "passkey-bound", "way-in-removed", "card-lost"


class NewPasskey(Message, frozen=True):
    """Detail of `BIND`."""

    id: Annotated[bytes, Meta(min_length=1, max_length=1023)]
    public: Annotated[bytes, Meta(max_length=2048)]
    count: Annotated[int, Meta(ge=0, lt=1 << 32)]


class Which(Message, frozen=True):
    """Detail of `REMOVE` and `LOST`: one of the account's ways in."""

    acr: Annotated[str, Meta(max_length=40)]
    way: Annotated[bytes, Meta(max_length=1023)]


def kinds(clock: Clock) -> list[ActKind]:
    """The three of them. A way that is to be removed, or is lost, opens nothing from the first moment on."""
    return [
        ActKind(
            BIND,
            "パスキーの登録",
            "a passkey is bound",
            do=lambda db, act: store.add_passkey(db, _passkey(act), act.account, clock()),
            undo=_unbind,
            ask=_check_new,
            at_counter=True,
        ),
        ActKind(
            REMOVE,
            "入り方の削除",
            "a way in is removed",
            do=lambda db, act: store.drop_way(db, act.account, *_named(act)),
            undo=lambda db, act: None,  # not reached: there is no time to take it back
            ask=_leave,
            drop=lambda db, act: store.set_leaving(db, *_named(act), leaving=False),
            wait_ms=7 * DAY_MS,
            back_ms=0,
            at_counter=True,
        ),
        ActKind(
            LOST,
            "カードの紛失",
            "a card is reported lost",
            do=lambda db, act: None,  # it holds since it was asked for
            undo=_found,
            ask=_lose(clock),
            drop=_found,
            wait_ms=0,
            protects=True,
        ),
    ]


def _passkey(act: Act) -> Passkey:
    new = decode(act.detail, NewPasskey)
    return Passkey(new.id, new.public, new.count)


def _check_new(db: Connection, act: Act) -> None:
    if store.has_passkey(db, decode(act.detail, NewPasskey).id):
        raise PasskeyInvalid()


def _unbind(db: Connection, act: Act) -> None:
    store.drop_way(db, act.account, "", decode(act.detail, NewPasskey).id)


def _named(act: Act) -> tuple[str, bytes]:
    which = decode(act.detail, Which)
    return which.acr, which.way


def _find(db: Connection, act: Act) -> tuple[WayIn, list[WayIn]]:
    """(the way that is meant, the others of the account that stand). Raises `WayInUnknown`."""
    ways, named = store.ways_of(db, act.account), _named(act)
    meant = [each for each in ways if (each.acr, each.way) == named and not each.leaving]
    if not meant:
        raise WayInUnknown()
    return meant[0], [each for each in ways if each != meant[0] and not each.leaving and not each.lost_ms]


def _leave(db: Connection, act: Act) -> None:
    meant, others = _find(db, act)
    last_card = meant.acr == CARD and not any(each.acr == CARD for each in others)
    if (last_card or not others) and not act.seen:
        raise LastWayIn()
    store.set_leaving(db, meant.acr, meant.way, leaving=True)


def _lose(clock: Clock) -> Callable[[Connection, Act], None]:
    def lose(db: Connection, act: Act) -> None:
        meant, _ = _find(db, act)
        if meant.acr != CARD or meant.lost_ms:
            raise WayInUnknown()
        store.set_lost(db, meant.way, clock())

    return lose


def _found(db: Connection, act: Act) -> None:
    store.set_lost(db, _named(act)[1], 0)
