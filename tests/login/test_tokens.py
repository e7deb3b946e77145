"""From code to tokens to claims: everything is bound to one relying party, one verifier, one key, one use."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from kakine.crypto.base64url import base64url
from kakine.crypto.webkeys import TokenKey
from login_site import CHILDCARE, INSURER, ISSUER, REDIRECTS, Answer, LoginSite


def refused(answer: Answer, error: str, problem: str) -> None:
    assert (answer.json["error"], answer.json["problem"]) == (error, problem), answer.body
    assert answer.status in (400, 401)


def test_a_login_gives_an_id_token_and_the_claims_agreed_to(site: LoginSite) -> None:
    told = site.log_in(0, CHILDCARE, "openid name over_20")
    said = told.id_token
    assert (said["iss"], said["aud"], said["nonce"]) == (ISSUER, CHILDCARE, "nonce-0123")
    assert said["acr"] == "urn:kakine:acr:counter"
    assert said["exp"] - said["iat"] == 300
    assert said["at_hash"] == base64url(hashlib.sha256(told.access.encode()).digest()[:16])
    assert told.claims == {
        "sub": said["sub"],
        "name": "渡邉　花子",
        "name#ja-Kana-JP": "ワタナベ　ハナコ",
        "over_20": True,
    }
    assert told.scope == "openid name over_20"
    assert "name" not in said


def test_the_name_of_a_person_stays_at_one_relying_party_and_differs_between_two(site: LoginSite) -> None:
    here, there = site.log_in(0, CHILDCARE), site.log_in(0, INSURER)
    assert here.id_token["sub"] == site.log_in(0, CHILDCARE).id_token["sub"]
    assert here.id_token["sub"] != there.id_token["sub"]
    assert here.id_token["sub"] != site.log_in(1, CHILDCARE).id_token["sub"]


def test_a_code_serves_once_and_a_second_use_voids_the_token(site: LoginSite) -> None:
    party = site.party()
    code = site.code(0, party)
    access = party.redeem(code).json["access_token"]
    assert party.userinfo(access).status == 200
    refused(party.redeem(code), "invalid_grant", "code-unknown")
    refused(party.userinfo(access), "invalid_token", "token-unknown")


def test_a_code_ends_after_a_minute_and_a_token_after_five(site: LoginSite) -> None:
    party = site.party()
    code = site.code(0, party)
    site.land.clock.advance(61)
    refused(party.redeem(code), "invalid_grant", "code-unknown")
    access = party.redeem(site.code(0, party)).json["access_token"]
    site.land.clock.advance(301)
    refused(party.userinfo(access), "invalid_token", "token-unknown")


@pytest.mark.parametrize(
    ("changed", "error", "problem"),
    [
        ({"code_verifier": None}, "invalid_grant", "pkce-missing"),
        ({"code_verifier": "w" * 43}, "invalid_grant", "pkce-missing"),
        ({"code_verifier": "v" * 42}, "invalid_grant", "pkce-missing"),
        ({"redirect_uri": None}, "invalid_grant", "redirect-mismatch"),
        ({"redirect_uri": REDIRECTS[CHILDCARE] + "/"}, "invalid_grant", "redirect-mismatch"),
        ({"redirect_uri": "http://localhost:8490/callback"}, "invalid_grant", "redirect-mismatch"),
    ],
)
def test_a_code_that_is_shown_wrongly_is_void(
    site: LoginSite, changed: dict[str, str | None], error: str, problem: str
) -> None:
    party = site.party()
    code = site.code(0, party)
    refused(party.redeem(code, **changed), error, problem)
    refused(party.redeem(code), "invalid_grant", "code-unknown")


def test_a_code_of_one_relying_party_is_of_no_use_to_another(site: LoginSite) -> None:
    victim, thief = site.party(CHILDCARE), site.party(INSURER)
    code = site.code(0, victim)
    refused(
        thief.redeem(code, redirect_uri=REDIRECTS[CHILDCARE], code_verifier=victim.verifier),
        "invalid_grant",
        "code-unknown",
    )


def test_another_grant_is_no_grant(site: LoginSite) -> None:
    for kind in ("refresh_token", "client_credentials", "password", None):
        refused(site.party().redeem("0", grant_type=kind), "invalid_request", "login-request-malformed")


def test_a_token_is_not_given_without_a_proof_of_possession(site: LoginSite) -> None:
    party = site.party()
    code = site.code(0, party)
    refused(party.redeem(code, dpop=None), "invalid_dpop_proof", "dpop-missing")
    assert party.redeem(code).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "GET"},
        {"htu": ISSUER + "/par"},
        {"htu": "https://another.example/token"},
        {"iat": 0},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
    ],
)
def test_a_proof_is_for_one_call_and_of_now(site: LoginSite, changed: dict[str, Any]) -> None:
    party = site.party()
    shown = party.dpop("POST", "/token", **changed)
    refused(party.redeem("0", dpop=shown), "invalid_dpop_proof", "dpop-invalid")


def test_a_proof_serves_once(site: LoginSite) -> None:
    party = site.party()
    shown = party.dpop("POST", "/token")
    assert party.redeem(site.code(0, party), dpop=shown).status == 200
    refused(party.redeem(site.code(0, party), dpop=shown), "invalid_dpop_proof", "dpop-invalid")


def test_a_proof_must_be_signed_by_the_key_in_it_and_carry_no_private_one(site: LoginSite) -> None:
    party = site.party()
    other = TokenKey(bytes(48))
    public = {name: other.public.jwk[name] for name in ("kty", "crv", "x", "y")}
    claims = {"jti": "j-1", "htm": "POST", "htu": ISSUER + "/token", "iat": site.now}
    for key, typ, jwk in (
        (party.proof_key, "dpop+jwt", public),
        (other, "JWT", public),
        (other, "dpop+jwt", other.private_jwk()),
        (other, "dpop+jwt", None),
        (other, "dpop+jwt", {"kty": "oct", "k": "AAAA"}),
    ):
        shown = key.sign(claims, typ, **({"jwk": jwk} if jwk else {}))
        refused(party.redeem("0", dpop=shown), "invalid_dpop_proof", "dpop-invalid")
    refused(party.redeem("0", dpop="a.b.c"), "invalid_dpop_proof", "dpop-invalid")


def test_a_code_that_was_bound_to_a_key_is_redeemed_by_that_key_alone(site: LoginSite) -> None:
    party = site.party()
    for bound in ({"dpop_jkt": TokenKey(bytes(48)).public.thumbprint},):
        browser = site.known(0, party, **bound)
        code = browser.agree().said["code"]
        refused(party.redeem(code), "invalid_dpop_proof", "dpop-invalid")
    browser = site.known(0, party, dpop_jkt=party.proof_key.public.thumbprint)
    assert party.redeem(browser.agree().said["code"]).status == 200


def test_a_token_opens_nothing_without_the_key_it_is_bound_to(site: LoginSite) -> None:
    party = site.party()
    access = party.redeem(site.code(0, party)).json["access_token"]
    refused(party.userinfo(access, scheme="Bearer"), "invalid_token", "token-unknown")
    refused(party.userinfo(access, dpop=None), "invalid_dpop_proof", "dpop-missing")
    refused(party.userinfo(access, dpop=party.dpop("GET", "/userinfo")), "invalid_dpop_proof", "dpop-invalid")
    thief = site.party(INSURER)
    answer = thief.userinfo(access)
    refused(answer, "invalid_dpop_proof", "dpop-invalid")
    assert answer.headers["www-authenticate"] == ['DPoP error="invalid_dpop_proof", algs="ES256"']
    assert party.userinfo(access).status == 200
    refused(party.userinfo("0" * 64), "invalid_token", "token-unknown")


def test_userinfo_is_for_one_token_only(site: LoginSite) -> None:
    party = site.party()
    first = party.redeem(site.code(0, party)).json["access_token"]
    second = party.redeem(site.code(1, party)).json["access_token"]
    shown = party.dpop("GET", "/userinfo", first)
    refused(party.userinfo(second, dpop=shown), "invalid_dpop_proof", "dpop-invalid")
