"""Whatever is sent, the provider answers with a refusal of its own: never with a fault."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kakine.crypto.base64url import base64url
from login_site import CHILDCARE, Answer, LoginSite

NAMES = [
    "client_id",
    "client_assertion",
    "client_assertion_type",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "acr_values",
    "dpop_jkt",
    "transaction_hash",
    "request",
    "request_uri",
]
TEXT = st.text(max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FEW = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def sound(answer: Answer) -> None:
    assert answer.status in (200, 201, 303, 400, 401, 403, 413), answer.body
    assert "internal-fault" not in answer.text


@FEW
@given(changed=st.dictionaries(st.sampled_from(NAMES), TEXT, max_size=4))
def test_any_pushed_request_is_taken_or_refused(site: LoginSite, changed: dict[str, str]) -> None:
    sound(site.party().push(**changed))


@FEW
@given(changed=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "jti", "exp", "iat", "nbf"]), VALUES))
@example(changed={"aud": [{}]})
def test_any_assertion_is_taken_or_refused(site: LoginSite, changed: dict[str, Any]) -> None:
    party = site.party()
    sound(party.push(client_assertion=party.assertion(**changed)))


@FEW
@given(changed=st.dictionaries(st.sampled_from(["htm", "htu", "iat", "jti", "ath"]), VALUES, max_size=3))
def test_any_proof_is_taken_or_refused(site: LoginSite, changed: dict[str, Any]) -> None:
    party = site.party()
    sound(party.redeem("0", dpop=party.dpop("POST", "/token", **changed)))
    sound(party.userinfo("0", dpop=party.dpop("GET", "/userinfo", **changed)))


@FEW
@given(
    header=st.dictionaries(TEXT, VALUES, max_size=4) | VALUES,
    payload=VALUES,
    signature=st.binary(max_size=70),
)
def test_any_token_is_refused(site: LoginSite, header: Any, payload: Any, signature: bytes) -> None:
    parts = [base64url(json.dumps(each).encode()) for each in (header, payload)]
    token = ".".join([*parts, base64url(signature)])
    party = site.party()
    for answer in (party.push(client_assertion=token), party.redeem("0", dpop=token)):
        sound(answer)
        assert answer.status in (400, 401)


@FEW
@given(body=st.binary(max_size=200))
def test_any_body_is_refused(site: LoginSite, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/par", "/token", "/userinfo", "/login/paper", "/consent"):
        sound(site.call("POST", path, headers, body))


@FEW
@given(value=VALUES, code=TEXT)
def test_any_answer_of_a_device_is_refused(site: LoginSite, value: Any, code: str) -> None:
    browser = site.browser()
    browser.authorize(CHILDCARE, site.party().pushed())
    browser.post("/login/passkey/options")
    answer = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": value}
    for told in (value, answer, {**answer, "response": {"clientDataJSON": value, "signature": value}}):
        sound(browser.post("/login/passkey", told))
        sound(browser.post("/login/card", told))
        sound(browser.post("/passkey", told))
    sound(browser.paper(code))


@FEW
@given(query=st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=33), max_size=80))
def test_any_query_is_refused(site: LoginSite, query: str) -> None:
    sound(site.call("GET", "/authorize?" + query.replace("#", "")))
