"""The wire to the reader: framing, control bytes, and a card that is taken out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cards import copied, desk
from kakine.card import vpcd
from kakine.values.problems import ReaderUnreachable


@contextmanager
def reader() -> Iterator[socket.socket]:
    """A listening socket, as vpcd's."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(120)
        yield made


def ask(road: socket.socket, payload: bytes) -> bytes:
    road.sendall(len(payload).to_bytes(2, "big"))
    road.sendall(payload)
    return told(road)


def told(road: socket.socket) -> bytes:
    head = road.recv(2, socket.MSG_WAITALL)
    return road.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)


def test_a_card_answers_until_the_reader_lets_go(tmp_path: Path) -> None:
    """Power on, ATR, a command, power off: control bytes but 4 have no answer. Then the end of the connection."""
    with desk(copied("product", tmp_path / "a.card")) as at, reader() as listening:
        port = listening.getsockname()[1]
        with vpcd.inserted("127.0.0.1", port) as ours:
            theirs, _ = listening.accept()
            theirs.settimeout(120)

            def visit() -> None:
                with theirs:
                    seen.append(ask(theirs, b"\4"))
                    theirs.sendall(b"\0\1\1")
                    seen.append(ask(theirs, bytes.fromhex("00a4040008f04b414b494e4501")))
                    theirs.sendall(b"\0\1\0\0\1\2")
                    seen.append(ask(theirs, bytes.fromhex("0084000008")))

            seen: list[bytes] = []
            thread = threading.Thread(target=visit)
            thread.start()
            vpcd.serve(at.card, ours)
            thread.join()
    assert seen[0].hex().upper() == at.shape.atr
    assert seen[1] == b"\x90\0"
    assert (len(seen[2]), seen[2][-2:]) == (10, b"\x90\0")


def test_a_reader_that_is_not_there_is_said(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else gets this port meanwhile
        with pytest.raises(ReaderUnreachable):
            vpcd.inserted("127.0.0.1", deaf.getsockname()[1])


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\5\0\xa4", b"\0\1\7\0\0"])
def test_a_connection_that_ends_in_the_middle_is_the_card_taken_out(sent: bytes, tmp_path: Path) -> None:
    """Nothing is answered to half a message or to a control byte that means nothing."""
    with (
        desk(copied("product", tmp_path / "a.card")) as at,
        reader() as listening,
        vpcd.inserted("127.0.0.1", listening.getsockname()[1]) as ours,
    ):
        theirs, _ = listening.accept()
        with theirs:
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            vpcd.serve(at.card, ours)
            ours.close()
            assert theirs.recv(10) in (b"", b"\0\2\x67\0")
