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
