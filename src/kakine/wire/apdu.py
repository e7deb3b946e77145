"""Commands and replies of a chip (ISO/IEC 7816-3 section 12.1 and 7816-4 section 5): all cases, short and extended.

A command is `CLA INS P1 P2`, then a body: nothing (case 1), Le (2), Lc and data (3), or both (4). In the extended form
Lc and Le have two bytes behind one zero byte. Not checked: whether the chip knows the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kakine.values.problems import ApduMalformed

SHORT_MOST = 256
EXTENDED_MOST = 65_536


class Status(IntEnum):
    """Status words SW1‖SW2. `63Cx` and `61xx` carry a number and are made by `tries_left` and `more`."""

    OK = 0x9000
    WRONG = 0x6300
    MEMORY_FAILURE = 0x6581
    LENGTH_WRONG = 0x6700
    CHAINING_UNSUPPORTED = 0x6884
    FILE_KIND_WRONG = 0x6981
    NOT_SATISFIED = 0x6982
    METHOD_BLOCKED = 0x6983
    REFERENCE_UNUSABLE = 0x6984
    CONDITIONS_UNFIT = 0x6985
    NO_CURRENT_FILE = 0x6986
    DATA_WRONG = 0x6A80
    FILE_UNKNOWN = 0x6A82
    RECORD_UNKNOWN = 0x6A83
    PARAMETERS_WRONG = 0x6A86
    REFERENCE_UNKNOWN = 0x6A88
    OFFSET_WRONG = 0x6B00
    INSTRUCTION_UNKNOWN = 0x6D00
    CLASS_UNKNOWN = 0x6E00


def tries_left(count: int) -> int:
    """`63Cx`; a count above 15 shows as 15."""
    return 0x63C0 | min(count, 15)


def more(count: int) -> int:
    """`61xx`: so many bytes wait for GET RESPONSE; 256 and more show as 00."""
    return 0x6100 | (count if count < SHORT_MOST else 0)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `expected` is Ne: how many bytes the terminal takes at most, 0 for none.

    `repr` shows the header and lengths, never data: they may be a PIN.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int = 0
    extended: bool = False

    def __repr__(self) -> str:
        return f"<Command {self.header.hex(' ')} Lc={len(self.data)} Ne={self.expected}>"

    @property
    def header(self) -> bytes:
        """The four bytes CLA INS P1 P2."""
        return bytes([self.cla, self.ins, self.p1, self.p2])

    def encode(self) -> bytes:
        """The bytes that `decode` reads as this command. Raises `ApduMalformed` for lengths its form cannot hold."""
        most = EXTENDED_MOST if self.extended else SHORT_MOST
        if len(self.data) >= most or self.expected > most:
            raise ApduMalformed()
        width, lead = (2, b"\0") if self.extended else (1, b"")
        out = self.header
        if self.data:
            out += lead + len(self.data).to_bytes(width, "big") + self.data
        if self.expected:
            out += (b"" if self.data else lead) + (self.expected % most).to_bytes(width, "big")
        return out

    @classmethod
    def decode(cls, raw: bytes) -> Command:
        """Read one command; raises `ApduMalformed` for bytes that are none of the seven forms."""
        if len(raw) < 4:
            raise ApduMalformed()
        body = raw[4:]
        extended = len(body) >= 3 and body[0] == 0
        data, expected = _extended(body[1:]) if extended else _short(body)
        cla, ins, p1, p2 = raw[:4]
        return cls(cla, ins, p1, p2, data, expected, extended)


def _short(body: bytes) -> tuple[bytes, int]:
    if len(body) <= 1:
        return b"", (body[0] or SHORT_MOST) if body else 0
    count, rest = body[0], body[1:]
    if not count or len(rest) - count not in (0, 1):
        raise ApduMalformed()
    return rest[:count], (rest[count] or SHORT_MOST) if len(rest) > count else 0


def _extended(body: bytes) -> tuple[bytes, int]:
    count, rest = int.from_bytes(body[:2], "big"), body[2:]
    if not rest:
        return b"", count or EXTENDED_MOST
    if not count or len(rest) - count not in (0, 2):
        raise ApduMalformed()
    return rest[:count], (int.from_bytes(rest[count:], "big") or EXTENDED_MOST) if len(rest) > count else 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a chip answers: data, then the status word. `repr` shows no data."""

    status: int
    data: bytes = b""

    def __repr__(self) -> str:
        return f"<Reply {self.status:04X} {len(self.data)} bytes>"

    def encode(self) -> bytes:
        """Data ‖ SW1 ‖ SW2."""
        return self.data + self.status.to_bytes(2, "big")

    @classmethod
    def decode(cls, raw: bytes) -> Reply:
        """Raises `ApduMalformed` for fewer than two bytes."""
        if len(raw) < 2:
            raise ApduMalformed()
        return cls(int.from_bytes(raw[-2:], "big"), raw[:-2])
