"""JSON web signatures (RFC 7515, 7517 to 7519) with the one algorithm that logins use: ES256, P-256 with SHA-256.

The library is joserfc. What is not ES256, not of the expected type, or not by the expected key raises
`SignatureInvalid`; what the claims say is for the caller to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from kakine.values.problems import SignatureInvalid

ES256 = "ES256"
POINT = 65
"""Bytes of an uncompressed public key (SEC 1)."""

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MOST = 4096
"""Characters of the longest token that is looked at."""

_REGISTRY = JWSRegistry(algorithms=[ES256], strict_check_header=False)
_FAULTS = (JoseError, ValueError, TypeError, KeyError, RecursionError)
"""What joserfc and the libraries below it raise for bytes that are no token or key."""


class CheckKey:
    """A public P-256 key. `thumbprint` is that of RFC 7638."""

    __slots__ = ("_key", "thumbprint")

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self.thumbprint = key.thumbprint()

    @staticmethod
    def of_point(point: bytes) -> CheckKey:
        """From 65 bytes. Raises `SignatureInvalid` for what is no point of the curve."""
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError as fault:
            raise SignatureInvalid() from fault
        return CheckKey(ECKey.import_key(public))

    @staticmethod
    def of_jwk(jwk: object) -> CheckKey:
        """From a public JWK, of which only the four members of the key itself are taken. A private key is refused."""
        if not isinstance(jwk, Mapping) or "d" in jwk or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
            raise SignatureInvalid()
        try:
            return CheckKey(ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}))
        except _FAULTS as fault:
            raise SignatureInvalid() from fault

    @property
    def point(self) -> bytes:
        """65 bytes."""
        return self._key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def jwk(self) -> dict[str, Any]:
        """The key as others publish and read it."""
        return {**self._key.as_dict(private=False), "use": "sig", "alg": ES256, "kid": self.thumbprint}

    def claims(self, token: str, *types: str) -> dict[str, Any]:
        """What a token says that this key signed. `types` are the values of `typ` that are taken, "" for none given."""
        found, claims = _opened(token, self._key)
        if str(found.get("typ", "")).lower() not in types:
            raise SignatureInvalid()
        return claims


class TokenKey:
    """A P-256 pair that signs tokens. `repr` shows nothing of it."""

    __slots__ = ("_key", "public")

    def __init__(self, secret: bytes) -> None:
        """From 48 uniform bytes, reduced (FIPS 186-5 A.2.1: the surplus makes the bias negligible)."""
        if len(secret) != 48:
            raise SignatureInvalid(length=len(secret))
        scalar = int.from_bytes(secret, "big") % (_ORDER - 1) + 1
        self._key = ECKey.import_key(ec.derive_private_key(scalar, ec.SECP256R1()))
        self.public = CheckKey(ECKey.import_key(self._key.as_dict(private=False)))

    def __repr__(self) -> str:
        return "<TokenKey>"

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT", **header: Any) -> str:
        """The compact form."""
        said = {"alg": ES256, "kid": self.public.thumbprint, "typ": typ, **header}
        return jwt.encode(said, dict(claims), self._key, registry=_REGISTRY)

    def private_jwk(self) -> dict[str, Any]:
        """The pair as a file for the program that signs with it."""
        private = self._key.as_dict(private=True)
        return {**private, "use": "sig", "alg": ES256, "kid": self.public.thumbprint}


def embedded_claims(token: str, typ: str) -> tuple[CheckKey, dict[str, Any]]:
    """(key, claims) of a token that is signed by the key in its own header (RFC 9449 section 4.2). Says nothing of
    whose key that is."""
    keys = list[CheckKey]()

    def own(found: Any) -> ECKey:
        keys.append(CheckKey.of_jwk(found.headers().get("jwk")))
        return keys[0]._key

    header, claims = _opened(token, own)
    if header.get("typ") != typ:
        raise SignatureInvalid()
    return keys[0], claims


def _opened(token: str, key: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > _MOST:
        raise SignatureInvalid()
    try:
        found = jwt.decode(token, key, algorithms=[ES256], registry=_REGISTRY)
    except _FAULTS as fault:
        raise SignatureInvalid() from fault
    return found.header, found.claims
