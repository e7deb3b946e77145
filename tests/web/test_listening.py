"""Sockets of this machine as every server here takes them."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from kakine.runtime.listening import bind, listen, port_of
from kakine.values.problems import PortTaken


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("made", [listen, bind])
def test_no_answer_waits_for_the_other_sides_acknowledgement(
    made: Callable[[int, str], socket.socket], host: str
) -> None:
    """An answer is written in two parts; without this the second waits 40 ms. A replica binds, and listens later."""
    with made(0, host) as bound:
        bound.listen()
        with socket.create_connection((host, port_of(bound))), bound.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_nobody_is_answered_at_a_port_that_is_only_bound() -> None:
    with bind(0) as bound, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(bound)))


def test_a_port_where_somebody_listens_is_taken() -> None:
    with listen(0) as first, pytest.raises(PortTaken):
        listen(port_of(first))
