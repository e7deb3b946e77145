"""What a person has an agency do, through the portal: the detail of a request of kind INSTRUCT (spec/visits.md)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.request import Batch


class Account(Message, frozen=True):
    """An account for public money (公金受取口座), in the values of item TK-0014."""

    bank_code: Annotated[str, Meta(pattern="^[0-9]{4}\\Z")]
    branch_code: Annotated[str, Meta(pattern="^[0-9]{3}\\Z")]
    account_kind: Annotated[str, Meta(pattern="^(ordinary|current|savings)\\Z")]
    account_number: Annotated[str, Meta(pattern="^[0-9]{7}\\Z")]
    holder_kana: Annotated[str, Meta(min_length=1, max_length=60)]


class AccountChanged(Message, frozen=True, tag=1):
    """From now on public money goes to this account. `act` makes it happen once."""

    act: Batch
    account: Account


class AccountBack(Message, frozen=True, tag=2):
    """What this act changed is as it was before."""

    act: Batch


class Instruction(Message, frozen=True):
    """The detail."""

    what: AccountChanged | AccountBack
