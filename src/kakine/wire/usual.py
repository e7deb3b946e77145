"""How usual each row of a task is, as the commission signs it for every reader alike (spec/console.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, decode
from kakine.wire.erasure import Month
from kakine.wire.request import Name

LABEL = "usual-figures"
SIGNATURE = 64
"""Bytes of a signature, which is the beginning of the file."""


class Share(StrEnum):
    """People in a row's exchanges beside those in the exchanges of the row that its task asks about most: at least nine
    for ten of them, between, at most one for ten."""

    USUAL = "usual"
    SOMETIMES = "sometimes"
    SELDOM = "seldom"


class UsualRow(Message, frozen=True):
    """A row of the order and the item that it gives."""

    row: Name
    item: Name
    share: Share


class UsualTask(Message, frozen=True):
    """A procedure with two rows or more, ascending; a row of which its bands say nothing sure is absent."""

    ground: Name
    rows: tuple[UsualRow, ...]


class Usual(Message, frozen=True):
    """Of the months `first` … `last` (since 2000-01). Tasks ascending; those with too few people are absent. No number
    of anything stands in it. Signed with label "usual-figures"."""

    first: Month
    last: Month
    tasks: tuple[UsualTask, ...]


def signed(said: bytes, key: SigningKey) -> bytes:
    """The file of an encoded `Usual`: the signature, then what is signed."""
    return key.sign(LABEL, said) + said


def opened(file: bytes, key: VerifyKey) -> Usual:
    """Raises `SignatureInvalid`, `NotCanonical`. Not checked: how old it is."""
    signature, data = file[:SIGNATURE], file[SIGNATURE:]
    key.verify(signature, LABEL, data)
    said = decode(data, Usual)
    _ascending(task.ground for task in said.tasks)
    for task in said.tasks:
        _ascending(each.row for each in task.rows)
    return said


def _ascending(names: Iterable[str]) -> None:
    if any(not left < right for left, right in pairwise(names)):
        raise NotCanonical(message="Usual")
