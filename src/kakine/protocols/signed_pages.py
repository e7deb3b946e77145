"""What somebody who trusts nothing but a key can say of a signed page (spec/verify.md section 7).

A verdict is the same list of steps every time, as for receipts (`protocols.verification`).
`web/static/history/signed_page.js` gives the same verdict, reason for reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kakine.protocols.gazette import Law
from kakine.protocols.verification import State, Step
from kakine.values.problems import PageSignerUnknown, PolicyMalformed, Problem
from kakine.wire import page as pages
from kakine.wire import policy as policies
from kakine.wire.page import Page
from kakine.wire.policy import LOG, NamedKey, vkey


@dataclass
class Shown:
    """What the files say; worth something only after every step."""

    keys: Sequence[NamedKey] = field(default_factory=tuple)
    key: NamedKey | None = None
    page: Page | None = None

    @property
    def vkey(self) -> str:
        """The signer's key in its text form; "" for none."""
        return vkey(self.key.name, LOG, self.key.key) if self.key else ""


@dataclass(frozen=True)
class PageVerdict:
    """All steps in order."""

    steps: tuple[Step, ...]
    shown: Shown

    @property
    def good(self) -> bool:
        """No step failed, so none is open."""
        return all(step.state is State.HELD for step in self.steps)


def verify_page(keys: bytes, note: bytes) -> PageVerdict:
    """The verdict on a signed page under a text of keys, one C2SP vkey a line.

    Does not check that a key is the right one (compare it with the gazette), that it was in force at the page's time,
    how old the page is, or that what it says is true. Raises nothing.
    """
    shown, steps = Shown(), list[Step]()
    for name, check in _CHECKS.items():
        failed = any(step.state is State.FAILED for step in steps)
        steps.append(Step(name, State.OPEN) if failed else _step(name, check, shown, keys, note))
    return PageVerdict(tuple(steps), shown)


def page_key(law: Law) -> NamedKey:
    """The key under which the portal signs pages: its signing key in the gazette, under its name there."""
    (name,) = law.with_role("portal")
    return policies.log_key(vkey(name, LOG, law.signing_key(name)))


def believed(*keys: NamedKey) -> bytes:
    """The text of keys."""
    return "".join(f"{vkey(each.name, LOG, each.key)}\n" for each in keys).encode()


_Check = Callable[[Shown, bytes, bytes], None]


def _step(name: str, check: _Check, shown: Shown, keys: bytes, note: bytes) -> Step:
    try:
        check(shown, keys, note)
    except Problem as refusal:  # every refusal is an answer here, and the codes are permanent
        part = refusal.facts.get("part", "")
        return Step(name, State.FAILED, f"{refusal.code}/{part}" if part else refusal.code)
    return Step(name, State.HELD)


def _keys(shown: Shown, keys: bytes, _: bytes) -> None:
    shown.keys = read_keys(keys)


def read_keys(data: bytes) -> list[NamedKey]:
    """Keys of signers of pages. Raises `PolicyMalformed`."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as fault:
        raise PolicyMalformed(part="encoding") from fault
    if len(data) > policies.MOST_BYTES or not text.endswith("\n"):
        raise PolicyMalformed(part="form")
    return [policies.log_key(line) for line in text[:-1].split("\n")]


def _page(shown: Shown, _: bytes, note: bytes) -> None:
    shown.page = pages.open_page(note)


def _signer(shown: Shown, _: bytes, note: bytes) -> None:
    signer = pages.signer_of(note)
    shown.key = next((key for key in shown.keys if (key.name, key.id) == signer), None)
    if shown.key is None:
        raise PageSignerUnknown()


def _signature(shown: Shown, _: bytes, note: bytes) -> None:
    if shown.key is None:
        raise PageSignerUnknown()
    pages.check_signature(note, shown.key.name, shown.key.key)


_CHECKS: dict[str, _Check] = {"keys": _keys, "page": _page, "signer": _signer, "signature": _signature}

STEPS = tuple(_CHECKS)
"""Names of the steps in order."""
