"""The linear check of a batch before its receipt (mode S1), with the mailbox as verifier."""

from __future__ import annotations

from kakine.contracts.converter import CHECK, Check
from kakine.contracts.mailbox import File
from kakine.crypto.hashing import mac
from kakine.parties.mailbox.office import Office
from kakine.protocols.linear_check import (
    Step,
    Transcript,
    combination,
    draw_weights,
    verify,
    weight_seed,
)
from kakine.wire.request import HopRecord, RecordPart


async def check_linear(
    office: Office, record: RecordPart, request: bytes, hops: list[HopRecord], message: File
) -> None:
    """Raise `ProofInvalid` unless one random combination of the batch comes out of the chain as the same combination
    of its outputs. Everything it is drawn over is fixed and signed before the weights can be known.

    The randomness is a function of this party's own secret and the request, so that a request sent again after a fault
    is checked with the one combination that converters answer. They see only its hash with the transcript.
    """
    transcript = Transcript(
        request,
        message.blinded,
        message.recipient_leg,
        message.keeper_leg,
        [hop.recipient_factor for hop in hops],
        [hop.keeper_factor for hop in hops],
    )
    seed = weight_seed(transcript, mac(office.identity.local_key("weights"), "weights", request))
    drawn = draw_weights(seed, record.count)
    point = combination(drawn, message.blinded)
    to_recipient, to_keeper = (point if message.recipient_leg else b""), point
    steps = []
    for name in office.settings.converters:
        asked = Check(request, to_recipient, to_keeper, seed, message.blinded)
        step = await office.peers.ask(name, CHECK, asked)
        to_recipient, to_keeper = step.recipient_point, step.keeper_point
        steps.append(Step(to_recipient, to_keeper, step.recipient_proof, step.keeper_proof))
    verify(transcript, drawn, steps)
