"""A card in the virtual reader of Debian's `vsmartcard-vpcd`, which shows it to `pcscd` as a reader of its own.

TCP; each message is two bytes of length, big-endian, and a payload. One byte is control: 0 power off, 1 power on, 2
reset, 4 the ATR is wanted (the only one that is answered). Anything longer is a command APDU. The card connects; the
end of the connection is the card being taken out. There is no authentication: vpcd listens on every address, so it
belongs into a network namespace of its own (docs/howto/use-the-software-card.md).
"""

from __future__ import annotations

import socket

from kakine.card.engine import Card
from kakine.values.problems import ReaderUnreachable

_OFF, _ON, _RESET, _ATR = 0, 1, 2, 4


def inserted(host: str, port: int) -> socket.socket:
    """A connection to the reader. Raises `ReaderUnreachable`."""
    try:
        road = socket.create_connection((host, port), timeout=5)
    except OSError as fault:
        raise ReaderUnreachable(port=port) from fault
    road.settimeout(None)
    road.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return road


def serve(card: Card, road: socket.socket) -> None:
    """Answer until the reader closes the connection. The card loses power then."""
    while (payload := _message(road)) is not None:
        answer = answered(card, payload)
        if answer:
            road.sendall(len(answer).to_bytes(2, "big") + answer)
    card.reset()


def answered(card: Card, payload: bytes) -> bytes:
    """What goes back for one message, empty for nothing. Power off, power on and reset all make the card forget."""
    if len(payload) > 1:
        return card.answer(payload)
    if payload == bytes([_ATR]):
        return bytes.fromhex(card.profile.atr)
    if payload in (bytes([_OFF]), bytes([_ON]), bytes([_RESET])):
        card.reset()
    return b""


def _message(road: socket.socket) -> bytes | None:
    head = _exactly(road, 2)
    return None if head is None else _exactly(road, int.from_bytes(head, "big"))


def _exactly(road: socket.socket, count: int) -> bytes | None:
    out = b""
    while len(out) < count:
        # vpcd sends length and body apart; without this the kernel would wait 40 ms before it acknowledges the first.
        road.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        try:
            piece = road.recv(count - len(out))
        except ConnectionError:
            return None
        if not piece:
            return None
        out += piece
    return out
