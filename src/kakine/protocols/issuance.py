"""The authority's batches as anybody reads them: that they are one chain, and what they say of one account or
certificate. The reader downloads all of a span; nobody learns what is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.protocols import published
from kakine.protocols.heads import Heads
from kakine.protocols.logs import LogKeys
from kakine.values.certificates import Profile
from kakine.values.problems import (
    BatchesBroken,
    CertificateForeign,
    CertificateMalformed,
    CertificateUnlogged,
)
from kakine.wire import issuance as wire
from kakine.wire.canonical import decode
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.issuance import FIRST, ISSUED, LABEL, Batch, RootList

ROOTS_LABEL = "authority-roots"


@dataclass(frozen=True, repr=False)
class Given:
    """A batch as it is handed out: the encoded `Batch`, the authority's signature, its leaves, and its receipt."""

    batch: bytes
    signature: bytes
    leaves: bytes
    entry: bytes
    first: int
    proof: Sequence[bytes]
    checkpoint: bytes


@dataclass(frozen=True)
class Opened:
    """A verified batch."""

    batch: Batch
    digest: bytes
    leaves: Sequence[bytes]


def open_batches(
    given: Sequence[Given], authority: VerifyKey, logs: LogKeys, *, after: bytes = FIRST, start: int = 1
) -> list[Opened]:
    """Batches `start`, `start` + 1, … that follow the one with digest `after`, each signed and in a log.

    Raises BatchesBroken if one is missing, changed or not what the log has; SignatureInvalid, NotCanonical, and what
    a receipt raises that does not verify. Not checked: that the log shows everybody the same (`protocols.heads`).
    """
    opened: list[Opened] = []
    heads = Heads()
    for position, each in enumerate(given, start):
        authority.verify(each.signature, LABEL, each.batch)
        batch, told = decode(each.batch, Batch), wire.batch_digest(each.batch)
        leaves = wire.split_leaves(each.leaves)
        if (batch.number, batch.previous) != (position, after) or batch.count != len(leaves):
            raise BatchesBroken()
        if wire.leaves_root(leaves) != batch.root:
            raise BatchesBroken()
        if not published.is_of(Entry.decode(each.entry), EntryKind.GOVERNANCE, told):
            raise BatchesBroken()
        heads.verify(each.first, each.proof, each.checkpoint, each.entry, logs)
        opened.append(Opened(batch, told, leaves))
        after = told
    return opened


def check_own(batches: Sequence[Opened], account_key: bytes, own: Collection[bytes]) -> int:
    """How many certificates of one account are in the batches, if all of them are the holder's `own` (fingerprints).

    Raises CertificateForeign for one that the holder does not have. `batches` must begin with the first that can hold
    one of the account. Not found is a certificate that was issued beside the log; who relies on certificates refuses
    those by `require_logged`.
    """
    by_tag = _issued(batches)
    number = 0
    while (found := by_tag.get(wire.tag_of(account_key, number))) is not None:
        if found not in own:
            raise CertificateForeign()
        number += 1
    return number


def require_logged(batches: Sequence[Opened], fingerprint: bytes) -> None:
    """Raise `CertificateUnlogged` unless the certificate with this fingerprint is in one of the batches."""
    if fingerprint not in _issued(batches).values():
        raise CertificateUnlogged()


def open_roots(encoded: bytes, signature: bytes, authority: VerifyKey) -> list[tuple[Profile, bytes]]:
    """The roots that the authority stands by, (profile, DER). Raises SignatureInvalid, NotCanonical,
    CertificateMalformed. That a root is the same for everybody, the batches tell: each has their digest."""
    authority.verify(signature, ROOTS_LABEL, digest(ROOTS_LABEL, encoded))
    try:
        return [(Profile(each.kind), each.certificate) for each in decode(encoded, RootList).roots]
    except ValueError as fault:
        raise CertificateMalformed() from fault


def _issued(batches: Sequence[Opened]) -> Mapping[bytes, bytes]:
    """Fingerprint by tag. Raises `BatchesBroken` if a tag stands twice."""
    found: dict[bytes, bytes] = {}
    for each in batches:
        for leaf in each.leaves:
            if leaf[0] != ISSUED:
                continue
            if leaf[1:33] in found:
                raise BatchesBroken()
            found[leaf[1:33]] = leaf[33:]
    return found
