"""The pushed authorization request (RFC 9126): everything that must be there, must be right, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from kakine.crypto.base64url import base64url
from kakine.crypto.webkeys import TokenKey
from login_site import CHILDCARE, INSURER, ISSUER, REDIRECTS, Answer, LoginSite

TRANSACTION = base64url(bytes(32))


def refused(answer: Answer, error: str, problem: str) -> None:
    assert (answer.json["error"], answer.json["problem"]) == (error, problem), answer.body
    assert answer.status == (401 if error == "invalid_client" else 400)
    assert answer.headers["cache-control"] == ["no-store"]


def test_a_request_is_accepted_for_a_minute(site: LoginSite) -> None:
    answer = site.party().push()
    assert answer.status == 201
    assert answer.json["expires_in"] == 60
    assert answer.json["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")


@pytest.mark.parametrize(
    ("changed", "error", "problem"),
    [
        ({"code_challenge": None}, "invalid_request", "pkce-missing"),
        ({"code_challenge_method": None}, "invalid_request", "pkce-missing"),
        ({"code_challenge_method": "plain"}, "invalid_request", "pkce-missing"),
        ({"code_challenge": "short"}, "invalid_request", "pkce-missing"),
        ({"redirect_uri": None}, "invalid_request", "redirect-mismatch"),
        ({"redirect_uri": REDIRECTS[CHILDCARE] + "/"}, "invalid_request", "redirect-mismatch"),
        ({"redirect_uri": REDIRECTS[CHILDCARE] + "?a=b"}, "invalid_request", "redirect-mismatch"),
        ({"redirect_uri": REDIRECTS[CHILDCARE].upper()}, "invalid_request", "redirect-mismatch"),
        ({"redirect_uri": REDIRECTS[INSURER]}, "invalid_request", "redirect-mismatch"),
        ({"response_type": "token"}, "invalid_request", "login-request-malformed"),
        ({"response_type": "code id_token"}, "invalid_request", "login-request-malformed"),
        ({"response_mode": "fragment"}, "invalid_request", "login-request-malformed"),
        ({"prompt": "none"}, "invalid_request", "login-request-malformed"),
        ({"state": None}, "invalid_request", "login-request-malformed"),
        ({"nonce": None}, "invalid_request", "login-request-malformed"),
        ({"nonce": "short"}, "invalid_request", "login-request-malformed"),
        ({"request": "e30.e30."}, "invalid_request", "login-request-malformed"),
        ({"request_uri": "https://elsewhere.example/"}, "invalid_request", "login-request-malformed"),
        ({"scope": "name"}, "invalid_scope", "scope-not-allowed"),
        ({"scope": "openid email"}, "invalid_scope", "scope-not-allowed"),
        ({"scope": "openid sign"}, "invalid_request", "login-request-malformed"),
        ({"transaction_hash": TRANSACTION}, "invalid_request", "login-request-malformed"),
        (
            {"scope": "openid sign", "transaction_hash": TRANSACTION},
            "unmet_authentication_requirements",
            "assurance-not-met",
        ),
        ({"acr_values": "urn:else"}, "unmet_authentication_requirements", "assurance-not-met"),
        ({"dpop_jkt": "short"}, "invalid_dpop_proof", "dpop-invalid"),
        ({"client_secret": "x"}, "invalid_client", "client-unauthenticated"),
        ({"client_assertion_type": "urn:else"}, "invalid_client", "client-unauthenticated"),
        ({"client_assertion": None}, "invalid_client", "client-unauthenticated"),
        ({"client_assertion": "a.b.c"}, "invalid_client", "client-unauthenticated"),
        ({"client_id": "nobody"}, "invalid_client", "client-unauthenticated"),
        ({"client_id": INSURER}, "invalid_client", "client-unauthenticated"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    site: LoginSite, changed: dict[str, str | None], error: str, problem: str
) -> None:
    refused(site.party().push(**changed), error, problem)


def test_a_relying_party_may_not_ask_for_more_than_the_law_allows_it(site: LoginSite) -> None:
    refused(site.party(INSURER).push("openid address"), "invalid_scope", "scope-not-allowed")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": INSURER},
        {"sub": INSURER},
        {"aud": "https://another.example"},
        {"aud": [ISSUER, "https://another.example"]},
        {"aud": None},
        {"jti": None},
        {"jti": 7},
        {"exp": None},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": float("nan")},
        {"exp": True},
    ],
)
def test_an_assertion_that_says_something_else_proves_nothing(
    site: LoginSite, changed: dict[str, Any]
) -> None:
    party = site.party()
    refused(
        party.push(client_assertion=party.assertion(**changed)), "invalid_client", "client-unauthenticated"
    )


def test_an_assertion_is_short_lived_and_of_now(site: LoginSite) -> None:
    party = site.party()
    for changed in (
        {"exp": site.now + 3600},
        {"exp": site.now - 1},
        {"iat": site.now + 600},
        {"nbf": site.now + 600},
    ):
        shown = party.assertion(**changed)
        refused(party.push(client_assertion=shown), "invalid_client", "client-unauthenticated")


@pytest.mark.parametrize("audience", [ISSUER, ISSUER + "/token", ISSUER + "/par", [ISSUER]])
def test_the_audiences_of_rfc_9126_are_taken(site: LoginSite, audience: Any) -> None:
    party = site.party()
    assert party.push(client_assertion=party.assertion(aud=audience)).status == 201


def test_an_assertion_serves_once(site: LoginSite) -> None:
    party = site.party()
    shown = party.assertion()
    assert party.push(client_assertion=shown).status == 201
    refused(party.push(client_assertion=shown), "invalid_client", "assertion-replayed")


def test_an_assertion_of_before_a_restart_is_refused(site: LoginSite) -> None:
    party = site.party()
    shown = party.assertion(iat=site.now - 3600)
    refused(party.push(client_assertion=shown), "invalid_client", "assertion-replayed")


def test_another_key_or_algorithm_is_refused(site: LoginSite) -> None:
    party = site.party()
    right, party.key = party.key, TokenKey(bytes(48))
    refused(party.push(), "invalid_client", "client-unauthenticated")
    party.key = right
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"typ": "at+jwt"}):
        said = base64url(str(header).replace("'", '"').encode())
        _, body, signature = party.assertion().split(".")
        shown = f"{said}.{body}.{'' if header.get('alg') == 'none' else signature}"
        refused(party.push(client_assertion=shown), "invalid_client", "client-unauthenticated")


def test_a_parameter_twice_is_refused(site: LoginSite) -> None:
    party = site.party()
    body = "&".join(f"{name}={value}" for name, value in party.request().items()) + "&scope=openid"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    refused(site.call("POST", "/par", headers, body.encode()), "invalid_request", "login-request-malformed")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a", b"%ff=1", b"x" * 20_000])
def test_rubbish_is_a_malformed_request(site: LoginSite, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = site.call("POST", "/par", headers, body)
    assert answer.json["error"] in ("invalid_request", "invalid_client")
    assert site.call("POST", "/par", {"content-type": "application/json"}, b"{}").status == 400


def test_a_proof_at_the_pushed_request_must_be_a_proof(site: LoginSite) -> None:
    party = site.party()
    assert party.push(dpop=party.dpop("POST", "/par")).status == 201
    refused(party.push(dpop=party.dpop("POST", "/token")), "invalid_dpop_proof", "dpop-invalid")
    shown = party.dpop("POST", "/par")
    refused(party.push(dpop=shown, dpop_jkt="A" * 43), "invalid_dpop_proof", "dpop-invalid")


def test_the_metadata_says_what_is_demanded(site: LoginSite) -> None:
    said = site.call("GET", "/.well-known/openid-configuration").json
    assert said == site.call("GET", "/.well-known/oauth-authorization-server").json
    assert said["issuer"] == ISSUER
    assert said["require_pushed_authorization_requests"] is True
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["subject_types_supported"] == ["pairwise"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["acr_values_supported"] == ["urn:kakine:acr:counter", "urn:kakine:acr:passkey"]
    (key,) = site.call("GET", "/jwks").json["keys"]
    assert (key["kty"], key["crv"], key["alg"], "d" in key) == ("EC", "P-256", "ES256", False)
