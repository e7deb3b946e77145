"""Every refusal has a word of OAuth, in characters that OAuth allows, and tells nothing but a parameter's name."""

from __future__ import annotations

import json
import re

import pytest

from kakine.parties.portal.login.errors import challenge, refusal, word
from kakine.values.problems import (
    BY_CODE,
    DpopMissing,
    InternalFault,
    LoginRequestMalformed,
    PkceMissing,
    Problem,
    Suspended,
)

OURS = [kind for kind in BY_CODE.values() if kind.__module__ == "kakine.values.problems"]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.code)
def test_a_refusal_is_of_the_form_of_rfc_6749(kind: type[Problem]) -> None:
    answer = refusal(kind(person="somebody"))
    said = json.loads(bytes(answer.body))
    assert said["problem"] == kind.code
    assert set(said) == {"error", "error_description", "problem"}
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", said["error_description"])
    assert answer.headers["cache-control"] == "no-store"


def test_the_statuses_are_those_of_the_standards() -> None:
    assert refusal(Suspended(what="party:x")).status_code == 400
    assert refusal(InternalFault()).status_code == 503
    assert challenge(DpopMissing()).status_code == 401
    assert challenge(InternalFault()).status_code == 503
    assert word(PkceMissing()) == "invalid_request"
    assert word(PkceMissing(), redeeming=True) == "invalid_grant"
    assert json.loads(bytes(refusal(LoginRequestMalformed(parameter="state")).body))["parameter"] == "state"
