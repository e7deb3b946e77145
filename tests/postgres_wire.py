"""What stands between a store and its PostgreSQL server in tests: it can hold words back, fall silent, and cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Wire:
    """Between a store and its server: holds back what the server says, or cuts inside what the store says. Over a
    socket at this path, or over TCP, where its `port` is."""

    def __init__(self, at: Path | None, server: Path) -> None:
        self.heard = threading.Event()
        self.heard.set()
        self.passes: Callable[[int], int] | None = None
        """Of the bytes the store sends next, how many reach the server before the connection is cut."""
        self._server = server
        self._ends: list[socket.socket] = []
        self._silent: set[socket.socket] = set()
        if at is None:
            self._door = socket.create_server(("127.0.0.1", 0))
        else:
            self._door = socket.socket(socket.AF_UNIX)
            self._door.bind(str(at))
            self._door.listen()
        self._works = [threading.Thread(target=self._serve, daemon=True)]
        self._works[0].start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self.cut()
        for work in self._works:
            work.join()
        for end in (self._door, *self._ends):
            end.close()

    def cut(self) -> None:
        """End every connection, for both sides."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    def fall_silent(self) -> None:
        """Nothing of what the server says over the connections there are arrives any more, nor that it is there."""
        self._silent.update(self._ends)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._server))
                self._ends += [near, far]
                for work in (self._up, self._down):
                    self._works.append(threading.Thread(target=work, args=(near, far), daemon=True))
                    self._works[-1].start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(1 << 20):
                if self.passes is not None:
                    passing, self.passes = data[: self.passes(len(data))], None
                    far.sendall(passing)
                    far.shutdown(socket.SHUT_WR)
                    self._until_gone(far)
                    near.shutdown(socket.SHUT_RDWR)
                    return
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def _until_gone(self, far: socket.socket) -> None:
        while far.recv(1 << 16):
            pass

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 16):
                self.heard.wait()
                if far not in self._silent:
                    near.sendall(data)
            near.shutdown(socket.SHUT_RDWR)
