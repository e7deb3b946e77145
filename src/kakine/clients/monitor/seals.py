"""Sealed entries whose day is over (spec/seals.md section 5): the public alarm, out of the logs alone.

Judged over all logs together: a lost answer can make the entry that opens one stand in the other log.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from kakine.clients.monitor.erasures import Whole
from kakine.clients.monitor.findings import Code, Fact, Finding
from kakine.protocols.seals import counted
from kakine.values.calendar import day

_MOST = 16


def overdue(whole: Whole) -> Iterator[Finding]:
    """Every sealed entry is opened by the end of its day, and nothing says that it opens one which does not."""
    if not whole.readings:
        return
    found = counted((reading.watched.origin, reading.seals) for reading in whole.readings)
    for each in islice(found.overdue(whole.readings[0].now_ms), _MOST):
        place = each.place
        facts: dict[str, Fact] = {"log": place.log, "index": place.index, "until": str(day(each.until))}
        yield Finding(Code.SEAL_OVERDUE, facts)
    for place in islice(found.stray, _MOST):
        yield Finding(Code.SEAL_OPENED_NOTHING, {"log": place.log, "index": place.index})
