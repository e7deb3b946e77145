"""How to use a card: what a terminal sends, over any road that carries APDUs (in process, or a reader).

A road takes command bytes and gives response bytes. Refusals become problems; none has a PIN or a name in it.
"""

from __future__ import annotations

from collections.abc import Callable

from kakine.card.access import CHALLENGE_LEAST, COUNTER_LABEL
from kakine.card.profile import Application, FileKind, Key, Profile, Secret
from kakine.crypto.hashing import mac
from kakine.values.problems import CardBlocked, CardRefused, CardSecretUnknown, CardSecretWrong
from kakine.wire.apdu import SHORT_MOST, Command, Reply, Status
from kakine.wire.tlv import tlv, value

Road = Callable[[bytes], bytes]

_PIECE = 256
_BLOCKED = (Status.METHOD_BLOCKED, Status.REFERENCE_UNUSABLE)


class Terminal:
    """One card in one reader, whose profile is known."""

    def __init__(self, road: Road, kind: Profile) -> None:
        self._road, self._kind = road, kind

    def send(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", expected: int = 0) -> Reply:
        """One command and, where the answer is longer than asked for, the rest of it. Any status is returned."""
        reply = Reply.decode(self._road(Command(cla, ins, p1, p2, data, expected).encode()))
        out = reply.data
        while reply.status >> 8 == 0x61:
            reply = Reply.decode(self._road(Command(0, 0xC0, 0, 0, b"", SHORT_MOST).encode()))
            out += reply.data
        return Reply(reply.status, out)

    def do(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", expected: int = 0) -> bytes:
        """As `send`, but raises `CardSecretWrong`, `CardBlocked` or `CardRefused` for all but 9000."""
        reply = self.send(cla, ins, p1, p2, data, expected)
        if reply.status == Status.OK:
            return reply.data
        if reply.status & 0xFFF0 == 0x63C0:
            raise CardSecretWrong(left=reply.status & 0xF)
        if reply.status in _BLOCKED:
            raise CardBlocked()
        raise CardRefused(word=f"{reply.status:04X}")

    def select(self, application: Application) -> None:
        """Go into an application."""
        self.do(0x00, 0xA4, 0x04, 0x00 if application.answer else 0x0C, bytes.fromhex(application.aid), 256)

    def tries(self, name: str) -> int:
        """How many tries a secret has left."""
        application, secret = self._kind.find_secret(name)
        self.select(application)
        status = self.send(0x00, 0x20, 0x00, self._reference(application, secret)).status
        return status & 0xF if status & 0xFFF0 == 0x63C0 else 0

    def verify(self, name: str, text: str) -> None:
        """Give a secret to the card. Its application stays selected."""
        application, secret = self._kind.find_secret(name)
        self.select(application)
        self.do(0x00, 0x20, 0x00, self._reference(application, secret), secret.bytes_of(text))

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a secret by another, knowing the old one. Its form is looked at before a try is spent."""
        application, secret = self._kind.find_secret(name)
        before, after = secret.bytes_of(old), secret.bytes_of(new)
        if "change-with-old" in application.commands:
            self.select(application)
            self.do(0x00, 0x24, 0x00, self._reference(application, secret), before + after)
            return
        self.verify(name, old)
        reference = self._reference(application, secret)
        if "change-verified" in application.commands:
            self.do(0x00, 0x24, 0x01, reference, after)
        else:
            self.do(0x80, 0x32, 0x00, reference, after)

    def unblock(self, name: str, new: str, counter_key: bytes) -> None:
        """At the counter: a new secret with all tries, whatever the old one was."""
        application, secret = self._kind.find_secret(name)
        data = secret.bytes_of(new)
        self._prove(application, counter_key)
        self.do(0x00, 0x2C, 0x02, self._reference(application, secret), data)

    def set_status(self, code: int, counter_key: bytes) -> None:
        """At the counter: 1 blocks the card, 0 lifts that, 0x7F revokes it for ever."""
        self._prove(self._kind.first, counter_key)
        self.do(0x80, 0xF0, 0x80, code)

    def certificate(self, name: str) -> bytes:
        """Certificate (DER) of a key, of the application that is selected or opened by `verify`."""
        application, key = self._key(name)
        row = next(each for each in application.file if each.id == key.certificate)
        if row.kind is FileKind.OBJECT:
            whole = self.do(0x00, 0xCB, 0x3F, 0xFF, tlv(0x5C, bytes.fromhex(row.id)), 256)
            return value(value(whole, 0x53), 0x70)
        self.do(0x00, 0xA4, 0x02, 0x0C, bytes.fromhex(row.id))
        head = self.do(0x00, 0xB0, 0, 0, b"", 4)
        length = 4 + int.from_bytes(head[2:], "big")
        pieces = [
            self.do(0x00, 0xB0, at >> 8, at & 0xFF, b"", min(_PIECE, length - at))
            for at in range(0, length, _PIECE)
        ]
        return b"".join(pieces)

    def sign(self, name: str, payload: bytes) -> bytes:
        """RSA: a signature over a payload (DigestInfo) as it is; P-384: ECDSA in DER over a hash. The secret must have
        been given by `verify`."""
        application, key = self._key(name)
        if "general-authenticate" in application.commands:
            asked = tlv(0x7C, tlv(0x82), tlv(0x81, payload))
            answer = self.do(0x00, 0x87, 0x14, int(key.id, 16), asked, 256)
            return value(value(answer, 0x7C), 0x82)
        self.do(0x00, 0xA4, 0x02, 0x0C, bytes.fromhex(key.id))
        return self.do(0x80, 0x2A, 0x00, 0x80, payload, 256)

    def _key(self, name: str) -> tuple[Application, Key]:
        for application, key in self._kind.key_rows():
            if key.name == name:
                return application, key
        raise CardSecretUnknown()

    def _reference(self, application: Application, secret: Secret) -> int:
        return int(secret.id, 16) if application.references else 0x80 | int(secret.id, 16)

    def _prove(self, application: Application, counter_key: bytes) -> None:
        self.select(application)
        challenge = self.do(0x00, 0x84, 0x00, 0x00, b"", CHALLENGE_LEAST)
        self.do(0x00, 0x82, 0x00, 0x00, mac(counter_key, COUNTER_LABEL, challenge))
