"""The ledger's calls and the duties that serve them."""

from __future__ import annotations

from typing import Any

from kakine.contracts import ledger as calls
from kakine.parties.ledger.use_cases import Duties
from kakine.parties.ledger.witnessing import Witnessing
from kakine.runtime.http import Duty


def duties(offered: Duties, witnessing: Witnessing) -> list[Duty[Any, Any]]:
    """One duty for each call of the contract."""
    return [
        Duty(calls.APPEND, offered.append),
        Duty(calls.RECEIPT, offered.receipt),
        Duty(calls.ENTRIES, offered.entries),
        Duty(calls.CONSISTENCY, offered.consistency),
        Duty(calls.CHECKPOINT, offered.checkpoint),
        Duty(calls.WITNESSED, witnessing.checkpoint),
        Duty(calls.WITNESSED_ENTRIES, witnessing.entries),
    ]
