"""Sockets of this machine as every server here takes them."""

from __future__ import annotations

from socket import IPPROTO_TCP, TCP_NODELAY, create_connection

import pytest

from kakine.cli.listening import listen, port_of


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_no_answer_waits_for_the_other_sides_acknowledgement(host: str) -> None:
    """An answer is written in two parts; without this the second waits 40 ms."""
    with listen(0, host) as bound, create_connection((host, port_of(bound))), bound.accept()[0] as taken:
        assert taken.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0
