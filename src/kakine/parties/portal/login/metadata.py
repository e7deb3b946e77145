"""What the provider says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

from __future__ import annotations

from typing import Any

from kakine.crypto.webkeys import ES256
from kakine.parties.portal.login.office import Office
from kakine.protocols.logins import ATTRIBUTES, LATEST, LINK, OPENID, REPRESENTED, SIGN


def metadata(office: Office) -> dict[str, Any]:
    """The discovery document."""
    return {
        "issuer": office.issuer,
        "authorization_endpoint": office.url("/authorize"),
        "token_endpoint": office.url("/token"),
        "userinfo_endpoint": office.url("/userinfo"),
        "latest_endpoint": office.url("/latest"),
        "jwks_uri": office.url("/jwks"),
        "pushed_authorization_request_endpoint": office.url("/par"),
        "require_pushed_authorization_requests": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [ES256],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [ES256],
        "dpop_signing_alg_values_supported": [ES256],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": [OPENID, *ATTRIBUTES, LATEST, LINK, REPRESENTED, SIGN],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "name", "address", "birthdate"),
            *("gender", "lives_in", "over_18", "over_20", "transaction_hash", "act", "represented_by"),
        ],
        "acr_values_supported": sorted(office.ways),
        "ui_locales_supported": ["ja", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def keys(office: Office) -> dict[str, Any]:
    """The JWK set by which ID tokens are checked."""
    return {"keys": [office.key.public.jwk]}
