"""The act of changing the account to which public money is paid (公金受取口座)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kakine.parties.portal.acts import store
from kakine.parties.portal.acts.engine import ActKind
from kakine.parties.portal.acts.store import Act, State
from kakine.runtime.database import Connection
from kakine.values.problems import ActUnderWay
from kakine.wire.canonical import decode, encode
from kakine.wire.instruction import Account, AccountBack, AccountChanged, Instruction

ACCOUNT = "public-account-changed"

Instruct = Callable[[bytes, bytes, bytes], Awaitable[None]]
"""(account, detail, context): have the register do it, through the converters; see `Portal.instruct`."""


def kind(instruct: Instruct) -> ActKind:
    """Its detail is an `Account`, which this store keeps only until it is done or undone."""

    async def send(act: Act, forth: bool) -> None:
        what = AccountChanged(act.id, decode(act.detail, Account)) if forth else AccountBack(act.id)
        await instruct(act.account, encode(Instruction(what)), act.id + bytes([forth]))

    return ActKind(
        ACCOUNT,
        "公金受取口座の変更",
        "the account for public money is changed",
        do=_clear,
        undo=_clear,
        ask=_check,
        drop=_clear,
        send=send,
    )


def label(account: Account) -> str:
    """By which its holder knows it, and nobody can use it."""
    return f"{account.bank_code}-{account.branch_code} ****{account.account_number[-3:]}"


def _check(db: Connection, act: Act) -> None:
    decode(act.detail, Account)
    others = [each for each in store.of_account(db, act.account) if each.kind == ACCOUNT]
    if any(each.state not in (State.DONE, State.UNDONE) for each in others):
        raise ActUnderWay()


def _clear(db: Connection, act: Act) -> None:
    store.clear_detail(db, act.id)
