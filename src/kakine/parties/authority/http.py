"""The authority's calls and the duties that serve them."""

from __future__ import annotations

from functools import partial
from typing import Any

from kakine.contracts import authority as calls
from kakine.parties.authority import batches, issuing, linking, publishing, revoking
from kakine.parties.authority.office import Office
from kakine.runtime.http import Duty


def duties(office: Office) -> list[Duty[Any, Any]]:
    """One duty for each call of the contract."""
    return [
        Duty(calls.CERTIFY, partial(issuing.certify, office)),
        Duty(calls.CERTIFY_PARTY, partial(issuing.certify_party, office)),
        Duty(calls.CERTIFY_FIRST, partial(issuing.certify_first, office)),
        Duty(calls.EVENTS, partial(revoking.events, office)),
        Duty(calls.ROOTS, partial(publishing.roots, office)),
        Duty(calls.LISTS, partial(publishing.lists, office)),
        Duty(calls.LIST, partial(publishing.whole_list, office)),
        Duty(calls.STEPS, partial(publishing.steps, office)),
        Duty(calls.PARTITIONS, partial(publishing.partitions, office)),
        Duty(calls.CRL, partial(publishing.revocations, office)),
        Duty(calls.BATCHES, partial(batches.batches, office)),
        Duty(calls.LINK, partial(linking.link, office)),
    ]
