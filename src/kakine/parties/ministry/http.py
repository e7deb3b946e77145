"""The ministry's calls and the duties that serve them."""

from __future__ import annotations

from typing import Any

from kakine.contracts import ministry as calls
from kakine.parties.ministry.use_cases import Duties
from kakine.runtime.http import Duty


def duties(offered: Duties) -> list[Duty[Any, Any]]:
    """One duty for each call of the contract."""
    return [Duty(calls.PROPOSE, offered.propose), Duty(calls.NARROW, offered.narrow)]
