"""What a chip has in mind while power is on: selected application and file, which secrets were given right.

All of it is gone at reset; selecting an application, also the same one, takes back every condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from kakine.card.profile import CONTACT, Application, File, Key, Profile, Secret
from kakine.card.store import Life, Store
from kakine.crypto.chipkeys import ChipKey
from kakine.values.problems import CardRefused
from kakine.wire.apdu import Status

Row = File | Secret | Key


class Interface(StrEnum):
    """How the chip is reached. It knows that itself; a terminal cannot tell it otherwise."""

    CONTACT = "contact"
    CONTACTLESS = "contactless"


def refused(status: int) -> CardRefused:
    """The refusal that the terminal sees as this status word."""
    return CardRefused(word=f"{status:04X}")


@dataclass
class Session:
    """From one power-on or reset to the next."""

    store: Store
    profile: Profile
    interface: Interface
    entropy: Callable[[int], bytes]
    application: Application = field(init=False)
    current: Row | None = field(init=False, default=None)
    challenge: bytes = field(init=False, default=b"", repr=False)
    rest: bytes = field(init=False, default=b"", repr=False)
    _given: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.select(self.profile.first)

    @property
    def life(self) -> Life:
        """As it is stored now."""
        return self.store.card()[1]

    def select(self, application: Application) -> None:
        """Go into an application. Whatever was proved before counts no more."""
        self.application, self.current = application, None
        self.challenge = self.rest = b""
        self._given = set()

    def row(self, name: str) -> Row:
        """The file, secret or key with this id in the selected application; 6A82 if there is none."""
        rows: tuple[Row, ...] = (*self.application.file, *self.application.secret, *self.application.key)
        for row in rows:
            if row.id == name:
                return row
        raise refused(Status.FILE_UNKNOWN)

    def by_short_id(self, number: int) -> Row:
        """By short file id: file 00nn for 1 to 30; 0 is the current one, 6986 if there is none."""
        if number:
            return self.row(f"{number:04X}")
        if self.current is None:
            raise refused(Status.NO_CURRENT_FILE)
        return self.current

    def give(self, condition: str) -> None:
        """A secret was right, or the counter's key was proved."""
        self._given.add(condition)

    def take(self, conditions: Iterable[str]) -> None:
        """These count no more."""
        self._given -= set(conditions)

    def holds(self, condition: str) -> bool:
        """Whether a condition is met now."""
        return condition in self._given or (condition == CONTACT and self.interface is Interface.CONTACT)

    def require_any(self, conditions: tuple[str, ...]) -> None:
        """6982 unless one of them is met; none asked for, none needed."""
        if conditions and not any(self.holds(each) for each in conditions):
            raise refused(Status.NOT_SATISFIED)

    def chip_key(self, row: Key) -> ChipKey:
        """The private key of a row; 6985 if it was never made or is destroyed."""
        stored = self.store.key(self.application.name, row.id)
        if stored is None:
            raise refused(Status.CONDITIONS_UNFIT)
        return ChipKey.restored(stored)
