"""A signer in this process, and the road of its ledger to it."""

from __future__ import annotations

from pathlib import Path

from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Attestor
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.http import InProcess, Peers
from kakine.values.labels import PartyName

LEDGER = PartyName("ledger-a")
SIGNER = PartyName("ledger-a-signer")


def opened(folder: Path, origin: str, key: SigningKey) -> Signer:
    """The signer whose store lies in this folder."""
    return Signer.open(SignerSettings(origin, LEDGER, folder / f"{SIGNER}.sqlite", key))


def road(signer: Signer) -> Peers:
    """How the ledger reaches it."""
    return Peers(InProcess(LEDGER, {SIGNER: signer.app}))


def attestor(signer: Signer, origin: str, key: SigningKey) -> Attestor:
    """What a sequencer needs to have its heads signed."""
    return Attestor(road(signer), SIGNER, origin, key.public)
