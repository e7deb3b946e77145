"""Signed tokens of one fixed form: compact JWS (RFC 7515) under ES256, the signer's certificate in `x5c`."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from kakine.crypto.keys import PrivateKey, PublicKey
from kakine.values.problems import SignatureInvalid

_ALGORITHM = "ES256"


class _Sizes(jws.JWSRegistry):
    """A header has a certificate in it, and a list of 2^24 bits of which many are set has 2.8 MB of text."""

    max_header_length = 4096
    max_payload_length = 4 << 20


_RULES = _Sizes(algorithms=[_ALGORITHM])


class _Key(ECKey):
    """A key that the library does not take apart: one in a device has no numbers to show."""

    @property
    def dict_value(self) -> dict[str, Any]:
        data = self.binding.convert_raw_key_to_dict(self.public_key, False)
        return {**data, "kty": self.key_type}


@dataclass(frozen=True)
class Token:
    """A token whose signature was not looked at yet: the signer's certificate (DER) and the token."""

    signer: bytes
    text: str
    kind: str

    def verified(self, key: PublicKey) -> bytes:
        """The payload. Raises `SignatureInvalid` unless `key` has signed the token."""
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureInvalid()
        try:
            opened = jws.deserialize_compact(self.text, ECKey.import_key(key), registry=_RULES)
        except (JoseError, ValueError) as fault:
            raise SignatureInvalid() from fault
        return opened.payload


def sign(kind: str, payload: bytes, key: PrivateKey, certificate: bytes) -> str:
    """A token of media type `kind` (header `typ`)."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SignatureInvalid()
    chain = [base64.b64encode(certificate).decode()]
    header = {"alg": _ALGORITHM, "typ": kind, "x5c": chain}
    return jws.serialize_compact(header, payload, _Key(key, key), registry=_RULES)


def read(text: str, kind: str) -> Token:
    """A token of this kind, not verified. Raises `SignatureInvalid` for another type, algorithm or chain, and for
    header fields that are not part of the form."""
    try:
        header = jws.extract_compact(text.encode(), registry=_RULES).headers()
        (certificate,) = header["x5c"]
        if set(header) != {"alg", "typ", "x5c"} or (header["alg"], header["typ"]) != (_ALGORITHM, kind):
            raise SignatureInvalid()
        return Token(base64.b64decode(certificate, validate=True), text, kind)
    except (JoseError, ValueError, KeyError, TypeError, binascii.Error) as fault:
        raise SignatureInvalid() from fault
