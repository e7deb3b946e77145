"""The commission's calls and the duties that serve them."""

from __future__ import annotations

from typing import Any

from kakine.contracts import commission as calls
from kakine.parties.commission.use_cases import Duties
from kakine.runtime.http import Duty


def duties(offered: Duties) -> list[Duty[Any, Any]]:
    """One duty for each call of the contract."""
    return [
        Duty(calls.CURRENT, offered.current),
        Duty(calls.PUBLISH, offered.propose),
        Duty(calls.PROPOSALS, offered.proposals),
        Duty(calls.APPROVE, offered.approve),
        Duty(calls.REFUSE, offered.refuse),
        Duty(calls.SUSPEND, offered.suspend),
        Duty(calls.ASSESSED, offered.assessed),
        Duty(calls.LOG_BATCH, offered.log_batch),
    ]
