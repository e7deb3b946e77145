"""What a process tells its operator: events as JSON lines, and figures for Prometheus. Neither ever names a person.

Labels are few and bounded: the path of a call that there is, the class of a status, the name of a party, the name of a
chore. An event carries only fields of a fixed list; of a fault only its class.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kakine.values.labels import PartyName

FIELDS = ("party", "call", "fault", "chore", "code", "said", "port", "admin", "step")
_MEDIA = "text/plain; version=0.0.4; charset=utf-8"

log = logging.getLogger("kakine")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        ours = record.name.startswith("kakine")
        # A message of a library could hold anything; of ours each is a constant.
        said = {"at": at, "level": record.levelname.lower(), "event": record.msg if ours else record.name}
        said |= {name: getattr(record, name) for name in FIELDS if ours and hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            said["fault"] = record.exc_info[0].__name__
        return json.dumps(said, ensure_ascii=False)


def tell_in_lines() -> None:
    """All events of this process go to its standard output, a JSON object in each line."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    # Its warnings are of requests that are none: a caller must not be able to fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


class Figures:
    """Counters of one process."""

    def __init__(self, party: PartyName) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        own, labels = self.registry, ["call", "status", "peer"]
        self._calls = Counter("kakine_calls", "Calls that were answered.", labels, registry=own)
        self._chores = Counter(
            "kakine_chores", "Chores that did something or failed.", ["chore", "code"], registry=own
        )
        self.ready = Gauge("kakine_ready", "1 while the party takes calls.", registry=own)
        self.certificate = Gauge(
            "kakine_certificate_until", "Last second of the own certificate.", registry=own
        )
        self.put_back = Gauge(
            "kakine_put_back", "1 while the store is one that was put back and lacks something.", registry=own
        )
        self.under_way = Gauge("kakine_under_way", "Calls that are being served.", registry=own)
        self.paths: Collection[str] = ()

    def audits(self, faults: Callable[[], int]) -> None:
        """This process audits others, and tells what it has found."""
        found = Gauge(
            "kakine_audit_faults", "Verdicts of the last day that name a fault.", registry=self.registry
        )
        found.set_function(faults)

    def called(self, path: str, status: int, caller: PartyName | None) -> None:
        """A call was answered; a path that there is not counts as none."""
        known = path if path in self.paths else ""
        self._calls.labels(known, f"{status // 100}xx", caller or "").inc()

    def did(self, chore: str, code: str) -> None:
        """A chore did something, or failed with this code."""
        self._chores.labels(chore, code).inc()


def admin(figures: Figures, ready: Callable[[], bool], calls: Callable[[], bytes]) -> Starlette:
    """For the operator's own tools on this machine: alive, ready, figures, and which calls there are (OpenAPI)."""

    async def health(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readiness(_: Request) -> Response:
        return PlainTextResponse("ready\n") if ready() else PlainTextResponse("not ready\n", 503)

    async def metrics(_: Request) -> Response:
        figures.ready.set(int(ready()))
        return Response(generate_latest(figures.registry), media_type=_MEDIA)

    async def openapi(_: Request) -> Response:
        return Response(calls(), media_type="application/json")

    served = {"/health": health, "/ready": readiness, "/metrics": metrics, "/openapi.json": openapi}
    return Starlette(routes=[Route(path, answer) for path, answer in served.items()])
