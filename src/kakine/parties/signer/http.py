"""The signer's calls and the duties that serve them."""

from __future__ import annotations

from typing import Any

from kakine.contracts import signer as calls
from kakine.parties.signer.use_cases import Duties
from kakine.runtime.http import Duty


def duties(offered: Duties) -> list[Duty[Any, Any]]:
    """One duty for each call of the contract."""
    return [
        Duty(calls.SIGN, offered.sign),
        Duty(calls.SIGNED, offered.signed),
        Duty(calls.CLOSE, offered.close),
    ]
