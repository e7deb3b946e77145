"""Every refusal the system can give, on one page.

A problem has a permanent `code` (never reused, never renamed), an HTTP `status`, a `title` for people, and
`facts`: a few fields that name what is missing. Facts hold rule names, counts and identifiers of organisations;
never a person, a code, a point or a key (`tests/attacks` greps for them).

`runtime.http` turns a problem into an RFC 9457 document at the border and back into the same class at the caller.
"""

from __future__ import annotations

from typing import ClassVar

Fact = str | int | list[str] | list[int]

BY_CODE: dict[str, type[Problem]] = {}


class Problem(Exception):
    """Root of all refusals. Raise a subclass; catch the narrowest one you can act on."""

    code: ClassVar[str]
    status: ClassVar[int] = 422
    title: ClassVar[str]

    def __init__(self, **facts: Fact) -> None:
        self.facts = facts
        super().__init__(self.code)

    def __init_subclass__(cls) -> None:
        if cls.code in BY_CODE:
            raise TypeError(f"problem code {cls.code} is taken")
        BY_CODE[cls.code] = cls

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code}: {self.title}" + (f" ({named})" if named else "")


# --- values ---------------------------------------------------------------------------------------------------


class IdentifierMalformed(Problem):
    code = "identifier-malformed"
    title = "an identifier has the wrong length or characters"


class CheckDigitWrong(Problem):
    code = "check-digit-wrong"
    title = "the check digit does not fit the other digits"


class LabelMalformed(Problem):
    code = "label-malformed"
    title = "a label is not of the form it must have"


# --- crypto ---------------------------------------------------------------------------------------------------


class PointInvalid(Problem):
    code = "point-invalid"
    title = "not a canonical group element, or the identity"


class ScalarInvalid(Problem):
    code = "scalar-invalid"
    title = "not a scalar strictly between zero and the group order"


class ProofInvalid(Problem):
    code = "proof-invalid"
    title = "a proof does not hold"


class SignatureInvalid(Problem):
    code = "signature-invalid"
    title = "a signature does not verify"


class SealInvalid(Problem):
    code = "seal-invalid"
    title = "a sealed message cannot be opened with this key and context"


class WrappedCodeInvalid(Problem):
    code = "wrapped-code-invalid"
    title = "a code at rest cannot be unwrapped with this key and domain"


class InclusionInvalid(Problem):
    code = "inclusion-invalid"
    title = "an entry is not proved to be in the tree"


# --- wire -----------------------------------------------------------------------------------------------------


class NotCanonical(Problem):
    code = "not-canonical"
    status = 400
    title = "the bytes are not the one canonical form of a message"


class MessageMalformed(Problem):
    code = "message-malformed"
    status = 400
    title = "the request body does not decode to the message this call takes"


class MessageTooLarge(Problem):
    code = "message-too-large"
    status = 413
    title = "the request body is larger than this call takes"


# --- border ---------------------------------------------------------------------------------------------------


class CallerUnknown(Problem):
    code = "caller-unknown"
    status = 401
    title = "the call carries no verified identity"


class CallerNotAllowed(Problem):
    code = "caller-not-allowed"
    status = 403
    title = "this party may not make this call"


class RouteUnknown(Problem):
    code = "route-unknown"
    status = 404
    title = "this party offers no such call"


class PartyUnavailable(Problem):
    code = "party-unavailable"
    status = 503
    title = "a party did not answer; nothing was concluded, the same request may be sent again"


class StoreFailed(Problem):
    code = "store-failed"
    status = 503
    title = "the store could not take the write; nothing was changed"


class InternalFault(Problem):
    code = "internal-fault"
    status = 500
    title = "an unexpected fault; nothing was concluded, the operator has been told"


# --- store ----------------------------------------------------------------------------------------------------


class StoreInUse(Problem):
    code = "store-in-use"
    status = 503
    title = "another process has this store open"


# --- gazette --------------------------------------------------------------------------------------------------


class PackMalformed(Problem):
    code = "pack-malformed"
    title = "a file of the legal pack is missing, not readable, or lacks a field"


class GazetteInconsistent(Problem):
    code = "gazette-inconsistent"
    title = "a gazette contradicts itself"


class GazetteNotNext(Problem):
    code = "gazette-not-next"
    status = 409
    title = "a gazette does not continue the chain of those published before"


class GazetteUnsigned(Problem):
    code = "gazette-unsigned"
    status = 403
    title = "a gazette lacks a signature that this kind of change needs"


class GazetteTooSoon(Problem):
    code = "gazette-too-soon"
    title = "a widening would take effect before its waiting time is over"


class GazetteNotNarrowing(Problem):
    code = "gazette-not-narrowing"
    status = 403
    title = "a change published as narrowing would allow something new"


class GazetteUnchanged(Problem):
    code = "gazette-unchanged"
    title = "a gazette changes nothing"


class GazetteNotLogged(Problem):
    code = "gazette-not-logged"
    title = "a ledger entry does not stand for this gazette"


class NoLawInForce(Problem):
    code = "no-law-in-force"
    status = 503
    title = "no gazette is in force at this time, so nothing is allowed"


class ProposalUnknown(Problem):
    code = "proposal-unknown"
    status = 404
    title = "no such proposal is open"


class PartyUnknown(Problem):
    code = "party-unknown"
    status = 403
    title = "the gazette in force names no such party"


class DomainUnknown(Problem):
    code = "domain-unknown"
    status = 403
    title = "the gazette in force names no such domain"


class ProcedureUnknown(Problem):
    code = "procedure-unknown"
    status = 403
    title = "the gazette in force names no such procedure"


class RowUnknown(Problem):
    code = "row-unknown"
    status = 403
    title = "the gazette in force has no such row"


class RowNotOfProcedure(Problem):
    code = "row-not-of-procedure"
    status = 403
    title = "a row belongs to another procedure than the one asked under"


class RowNotInForce(Problem):
    code = "row-not-in-force"
    status = 403
    title = "a row has not started yet"


class RequesterNotEntitled(Problem):
    code = "requester-not-entitled"
    status = 403
    title = "the requester may not ask under this procedure"


class ProviderNotEntitled(Problem):
    code = "provider-not-entitled"
    status = 403
    title = "the provider may not give this item under this row"


class AssessmentMissing(Problem):
    code = "assessment-missing"
    status = 403
    title = "no published impact assessment covers the file (Number Act, art. 28)"


class AssessmentExpired(Problem):
    code = "assessment-expired"
    status = 403
    title = "the impact assessment of the file is past its review date"


class Suspended(Problem):
    code = "suspended"
    status = 403
    title = "suspended by the gazette in force"


class GroundUnknown(Problem):
    code = "ground-unknown"
    status = 403
    title = "the gazette in force knows no such ground"


class GroundNotForParties(Problem):
    code = "ground-not-for-parties"
    status = 403
    title = "this ground does not cover this requester and provider"


# --- ledger ---------------------------------------------------------------------------------------------------


class ConsistencyInvalid(Problem):
    code = "consistency-invalid"
    title = "one tree is not proved to be the beginning of the other"


class CheckpointInvalid(Problem):
    code = "checkpoint-invalid"
    title = "the bytes are not a checkpoint of this log"


class RangeOutside(Problem):
    code = "range-outside"
    status = 404
    title = "the tree has no such range or size"


class FilingMismatch(Problem):
    code = "filing-mismatch"
    title = "a filing does not cover what it came with"


class EntryKindNotAllowed(Problem):
    code = "entry-kind-not-allowed"
    status = 403
    title = "this party may not file entries of this kind"


class TagConflict(Problem):
    code = "tag-conflict"
    status = 409
    title = "a tag is taken by another entry, or only some of the tags are known"


class TagUnknown(Problem):
    code = "tag-unknown"
    status = 404
    title = "no entry was filed under this tag"


class LedgerDiverged(Problem):
    code = "ledger-diverged"
    status = 503
    title = "entries, tree and checkpoint of the ledger do not agree; it serves nothing until a human has looked"
