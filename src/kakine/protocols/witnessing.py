"""The witness rule (spec/witness.md): what a witness must see before it cosigns a head, and what a log may believe of
the answer. Pure; whoever stores heads calls `check_growth` inside the transaction that replaces the stored one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.merkle import EMPTY, verify_consistency
from kakine.crypto.signing import VerifyKey
from kakine.protocols.logs import LogKey
from kakine.values.problems import (
    CheckpointInvalid,
    CosignatureMissing,
    HeadForked,
    LogClosed,
    LogKeyUnknown,
    OldSizeMismatch,
    OriginUnknown,
    SignatureInvalid,
    SubmissionMalformed,
)
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.cosignature import cosigned
from kakine.wire.policy import NamedKey, Policy
from kakine.wire.submission import Submission

Logs = Mapping[str, Sequence[VerifyKey]]
"""The keys that a witness knows of each origin it follows."""

UNSEEN = Checkpoint(0, EMPTY)
"""What counts as the last head of a log of which none has been cosigned."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A head that a known key of its log has signed. `note` is the checkpoint without lines of others."""

    origin: str
    head: Checkpoint
    note: bytes


def opened(submission: Submission, logs: Logs) -> Opened:
    """What was submitted, once it is known that the log signed it.

    In the order of C2SP: `SubmissionMalformed` (400), `OriginUnknown` (404), `LogKeyUnknown` (403), and
    `SubmissionMalformed` again for an old size beyond the checkpoint's; of our own, `LogClosed` (410) for a head beyond
    the end of a log that has ended. Does not check that the head extends
    anything. Narrower than C2SP in one thing: extension lines are refused, for our logs write none.
    """
    try:
        text = notes.text_of(submission.note)
        origin = text.partition("\n")[0]
        keys = logs.get(origin)
        if keys is None:
            raise OriginUnknown()
        head = notes.parse(text, origin)
    except CheckpointInvalid as fault:
        raise SubmissionMalformed(part="checkpoint") from fault
    _check_signed(submission.note, origin, keys)
    for key in keys:
        if isinstance(key, LogKey) and head.size > key.final.size:
            raise LogClosed(log=origin, size=key.final.size)
    if submission.old > head.size:
        raise SubmissionMalformed(part="old")
    return Opened(origin, head, notes.only(submission.note, origin, keys))


def _check_signed(note: bytes, origin: str, keys: Sequence[VerifyKey]) -> None:
    """A log that changes its key has two for a while: one must have signed, and no signature of either be wrong."""
    signed = False
    for key in keys:
        try:
            notes.open_note(note, origin, key)
        except SignatureInvalid as fault:
            if fault.facts.get("part") != "missing":
                raise LogKeyUnknown() from fault
        else:
            signed = True
    if not signed:
        raise LogKeyUnknown()


def check_growth(last: Checkpoint, submission: Submission, head: Checkpoint) -> None:
    """Raise unless `head`, of a submission that was `opened`, extends `last`, the head cosigned before it.

    `OldSizeMismatch` (409, with the right size) unless the old size is exactly that of `last`; `HeadForked` (409) for
    another root of the same size; `ConsistencyInvalid` (422) for a proof that does not hold.
    """
    if submission.old != last.size:
        raise OldSizeMismatch(size=last.size)
    if head.size == last.size and head.root != last.root:
        raise HeadForked(size=last.size)
    verify_consistency(last.size, head.size, submission.proof, last.root, head.root)


def cosigners(note: bytes, policy: Policy) -> dict[str, int]:
    """Names of the policy's witnesses whose lines the note has, with the latest time of each in seconds.

    Raises `SignatureInvalid` for a wrong line of one of them. `note` must be a good note. That they are enough is for
    `Policy.check_quorum`, that the times are recent for the reader.
    """
    found = {}
    for name, witness in policy.witnesses.items():
        times = cosigned(note, witness.name, witness.id, witness.key)
        if times:
            found[name] = max(times)
    return found


def accepted(note: bytes, answered: bytes, witness: NamedKey) -> bytes:
    """The first signature line in a witness's answer that is its good cosignature of `note`.

    One line and no more: a note has room for 16, which one witness could fill. Raises `CosignatureMissing` if there is
    none, or for an answer that is not made of signature lines; `SignatureInvalid` if a line of the known key does not
    verify. `note` must be a good note without a line of this witness. That the time is recent is not checked.
    """
    for line in answered.splitlines(keepends=True):
        with_line = note + line
        try:
            notes.text_of(with_line)
        except CheckpointInvalid as fault:
            raise CosignatureMissing() from fault
        if cosigned(with_line, witness.name, witness.id, witness.key):
            return line
    raise CosignatureMissing()
