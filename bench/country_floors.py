"""What no country on this stack can do without: a bare application behind the border of a party, in a process of its
own, and the group work of an exchange.

    python bench/country_floors.py FOLDER PARTY      serves as that party on a free port, which it prints

Same TLS, same parser, same look at the caller's certificate and its status; then 256 bytes in and 256 bytes out.
Part of bench/country.py.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from pathlib import Path

from starlette.types import Receive, Scope, Send

from exchange import floor, multiplication
from kakine.cli.acting import agency
from kakine.process.running import PUBLIC, clock
from kakine.runtime.border import Border, BorderServer
from kakine.runtime.listening import listen, port_of
from kakine.runtime.tls import Credentials

FLOOR = "/v1/floor"
GATHERED_MS, ALONE_MS = 0.4 + 0.2, 2.5 + 0.2
"""What a model made from measured parts adds to the group work of one exchange: signatures and hops, and stores; where
sixteen and more travel together, and where one travels alone."""

_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/msgpack"), (b"content-length", b"256")],
}
_BODY = {"type": "http.response.body", "body": bytes(256)}


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the request and answers it."""
    while (await receive()).get("more_body"):
        pass
    await send(_HEAD)
    await send(_BODY)


def group_ms() -> dict[str, float]:
    """Milliseconds of processor time of the group work in an exchange of each mode, which it takes no less than. A busy
    neighbour must not raise it."""
    least = floor([multiplication(time.process_time) for _ in range(3)])
    return {mode: us / 1000 for mode, us in least.items() if mode.startswith("S")}


async def serve(folder: Path, name: str) -> None:
    """Until SIGTERM."""
    async with agency(folder, name) as own:
        border = Border(clock, bare, own.road.standing, None, PUBLIC)
        credentials = Credentials(own.settings.name, own.settings.files, clock)
        server, socket = BorderServer(border, credentials.server), listen(0)

        def stop() -> None:
            server.should_exit = True

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        gc.collect()
        gc.freeze()
        print(port_of(socket), flush=True)
        await server.serve(sockets=[socket])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
