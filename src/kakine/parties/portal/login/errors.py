"""Refusals in the words of OAuth (RFC 6749, 9126, 9449, OpenID Connect), with our permanent codes beside them."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from kakine.values.problems import (
    AssertionReplayed,
    AssuranceNotMet,
    ClientUnauthenticated,
    CodeUnknown,
    ConsentOver,
    DomainUnknown,
    DpopInvalid,
    DpopMissing,
    GrantUnknown,
    GroundNotForParties,
    GroundUnknown,
    LoginRequestMalformed,
    MessageTooLarge,
    PkceMissing,
    Problem,
    RedirectMismatch,
    RequestUriUnknown,
    ScopeNotAllowed,
    Suspended,
    TokenUnknown,
)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_WORDS: dict[type[Problem], str] = {
    LoginRequestMalformed: "invalid_request",
    MessageTooLarge: "invalid_request",
    RedirectMismatch: "invalid_request",
    PkceMissing: "invalid_request",
    ClientUnauthenticated: "invalid_client",
    AssertionReplayed: "invalid_client",
    Suspended: "unauthorized_client",
    DomainUnknown: "unauthorized_client",
    GroundUnknown: "unauthorized_client",
    GroundNotForParties: "unauthorized_client",
    ScopeNotAllowed: "invalid_scope",
    RequestUriUnknown: "invalid_request_uri",
    CodeUnknown: "invalid_grant",
    GrantUnknown: "invalid_grant",
    ConsentOver: "invalid_grant",
    TokenUnknown: "invalid_token",
    DpopMissing: "invalid_dpop_proof",
    DpopInvalid: "invalid_dpop_proof",
    AssuranceNotMet: "unmet_authentication_requirements",
}
_OF_THE_CODE = (PkceMissing, RedirectMismatch)
"""At the token endpoint these are faults of the grant (RFC 6749 section 5.2)."""


def word(problem: Problem, *, redeeming: bool = False) -> str:
    """OAuth's name for it; what is no fault of the caller is `temporarily_unavailable`."""
    if redeeming and isinstance(problem, _OF_THE_CODE):
        return "invalid_grant"
    return _WORDS.get(type(problem), "temporarily_unavailable")


def refusal(problem: Problem, *, redeeming: bool = False) -> Response:
    """RFC 6749 section 5.2. `problem` is our code; no fact of it is shown but the name of a parameter."""
    named = word(problem, redeeming=redeeming)
    status = {"invalid_client": 401, "temporarily_unavailable": 503}.get(named, 400)
    said = {"error": named, "error_description": problem.title, "problem": problem.code}
    if "parameter" in problem.facts:
        said["parameter"] = str(problem.facts["parameter"])
    return Response(msgspec.json.encode(said), status, NO_STORE, "application/json")


def challenge(problem: Problem) -> Response:
    """RFC 6750 section 3 and RFC 9449 section 7.1, for a token that opens nothing."""
    answer = refusal(problem)
    if answer.status_code < 500:
        answer.status_code = 401
        answer.headers["WWW-Authenticate"] = f'DPoP error="{word(problem)}", algs="ES256"'
    return answer
