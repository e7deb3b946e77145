"""The linear check of a batch before its receipt (mode S1), with the mailbox as verifier."""

from __future__ import annotations

from kakine.contracts.converter import CHECK, Check
from kakine.contracts.mailbox import File
from kakine.crypto.hashing import mac
from kakine.parties.mailbox.gate import Opened
from kakine.parties.mailbox.office import Office
from kakine.protocols.linear_check import (
    Step,
    Transcript,
    combination,
    draw_weights,
    verify,
    weight_seed,
)


async def check_linear(office: Office, batch: Opened, message: File) -> None:
    """Raise `ProofInvalid` unless one random combination of the batch comes out of the chain as the same combination
    of its outputs. Everything it is drawn over is fixed and signed before the weights can be known.

    The randomness is a function of this party's own secret and the request, so that a request sent again after a fault
    is checked with the one combination that converters answer. They see only its hash with the transcript.
    """
    request = batch.request
    factors = [hop.factors for hop in batch.hops]
    transcript = Transcript(request, message.blinded, message.legs, factors)
    seed = weight_seed(transcript, mac(office.identity.local_key("weights"), "weights", request))
    drawn = draw_weights(seed, batch.record.count)
    points = [combination(drawn, message.blinded)] * len(message.legs)
    steps = []
    for name in office.settings.converters:
        step = await office.peers.ask(name, CHECK, Check(request, points, seed, message.blinded))
        points = step.points
        steps.append(Step(step.points, step.proofs))
    verify(transcript, drawn, steps)
