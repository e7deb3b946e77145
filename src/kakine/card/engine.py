"""The chip itself: bytes of a command in, bytes of an answer out, and nothing but a power cut in between.

One engine for every profile. A command that the selected application does not list is unknown to it (6D00).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kakine.card import access, files, signing
from kakine.card.profile import Profile, profile
from kakine.card.session import Interface, Session, refused
from kakine.card.store import METADATA, Life, Store
from kakine.runtime.sqlite import alone
from kakine.values.problems import ApduMalformed, CardMissing, CardRefused, StoreFailed
from kakine.wire.apdu import SHORT_MOST, Command, Reply, Status, more

Duty = Callable[[Session, Command], Reply]

_KNOWN: dict[tuple[int, int], dict[str, Duty]] = {
    (0x00, 0xA4): {"select-application": files.select},
    (0x00, 0xB0): {"read-binary": files.read_binary},
    (0x00, 0xB2): {"read-record": files.read_record},
    (0x00, 0xCA): {"get-data": files.get_data},
    (0x00, 0xCB): {"get-data": files.get_data},
    (0x00, 0x20): {"verify": access.verify},
    (0x00, 0x24): {"change-verified": access.change_verified, "change-with-old": access.change_with_old},
    (0x80, 0x32): {"change-proprietary": access.change_proprietary},
    (0x00, 0x2C): {"reset-secret": access.reset_secret},
    (0x00, 0x82): {"external-authenticate": access.external_authenticate},
    (0x80, 0xF0): {"set-status": access.set_status},
    (0x80, 0x2A): {"sign": signing.sign},
    (0x00, 0x84): {"get-challenge": signing.get_challenge},
    (0x00, 0x87): {"general-authenticate": signing.general_authenticate},
    (0x00, 0x88): {"internal-authenticate": signing.internal_authenticate},
}

_WHATEVER_LIFE = frozenset({"select-application", "get-challenge", "external-authenticate", "set-status"})
"""Answered also by a card that is blank, blocked or revoked; everything else then says 6985."""

_CLASSES = frozenset({0x00, 0x80})
_GET_RESPONSE = 0xC0


class Card:
    """A chip with power. Every answer is given after what it says is durable; no command raises."""

    def __init__(
        self,
        store: Store,
        kind: Profile,
        entropy: Callable[[int], bytes],
        interface: Interface = Interface.CONTACT,
        trace: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._store, self.profile = store, kind
        self._entropy, self._interface, self._trace = entropy, interface, trace
        self.reset()

    def reset(self) -> bytes:
        """Power on, or reset: forget everything but what is stored. The ATR, the same on every card of a profile."""
        self._session = Session(self._store, self.profile, self._interface, self._entropy)
        return bytes.fromhex(self.profile.atr)

    def answer(self, raw: bytes) -> bytes:
        """One command APDU to one response APDU. If the store fails, power is off and on again and 6581 is said."""
        try:
            command = Command.decode(raw)
        except ApduMalformed:
            self._trace(f"? {len(raw)} bytes")
            return Reply(Status.LENGTH_WRONG).encode()
        reply = self._answer(command)
        self._trace(_line(command, reply))
        return reply.encode()

    def _answer(self, command: Command) -> Reply:
        try:
            if command.ins == _GET_RESPONSE and command.cla == 0:
                return self._portion(self._session.rest, command)
            self._session.rest = b""
            reply = self._duty(command)(self._session, command)
            return self._portion(reply.data, command) if reply.data else reply
        except CardRefused as refusal:
            return Reply(int(str(refusal.facts["word"]), 16))
        except StoreFailed:
            self.reset()
            return Reply(Status.MEMORY_FAILURE)

    def _duty(self, command: Command) -> Duty:
        if command.cla == 0x10:
            raise refused(Status.CHAINING_UNSUPPORTED)
        if command.cla not in _CLASSES:
            raise refused(Status.CLASS_UNKNOWN)
        for name, duty in _KNOWN.get((command.cla, command.ins), {}).items():
            if name in self._session.application.commands:
                self._require_life(name, command)
                return duty
        raise refused(Status.INSTRUCTION_UNKNOWN)

    def _require_life(self, name: str, command: Command) -> None:
        asks_only = name == "verify" and not command.data
        if self._session.life in (Life.PERSONALISED, Life.ACTIVE) or name in _WHATEVER_LIFE:
            return
        if not asks_only or self._session.life is Life.BLANK:
            raise refused(Status.CONDITIONS_UNFIT)

    def _portion(self, data: bytes, command: Command) -> Reply:
        if not data:
            raise refused(Status.CONDITIONS_UNFIT)
        given, self._session.rest = data[: command.expected], data[command.expected :]
        left = len(self._session.rest)
        return Reply(more(min(left, SHORT_MOST)) if left else Status.OK, given)


_SHOWN = frozenset({0xA4, 0xCA, 0xCB})
"""Instructions whose data name a place. Of all others the log has lengths, so a PIN cannot get into it."""


def _line(command: Command, reply: Reply) -> str:
    data = command.data.hex() if command.ins in _SHOWN else "*" * len(command.data)
    return f"{command.header.hex()} [{len(command.data)}] {data} → {reply.status:04X} [{len(reply.data)}]"


@contextmanager
def opened(path: Path) -> Iterator[tuple[Store, Profile]]:
    """The memory of a card in a file, and its profile. Raises `CardMissing`, `CardDataMalformed`, `StoreInUse`."""
    if not path.is_file():
        raise CardMissing()
    with alone(path, METADATA) as connection:
        store = Store(connection)
        yield store, profile(store.card()[0])
