"""A passkey in software, for tests that send wrong answers (W3C Web Authentication section 6.1, ES256)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from kakine.crypto.base64url import base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftPasskey:
    """One authenticator with one credential. `origin` and `host` are the page it believes to be on. With `step` 0 it
    counts no uses, as those do that copy passkeys between devices."""

    origin: str
    host: str
    id: bytes
    count: int = 0
    step: int = 1
    flags: int = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int, more: bytes = b"") -> bytes:
        return (
            hashlib.sha256(self.host.encode()).digest()
            + bytes([flags])
            + self.count.to_bytes(4, "big")
            + more
        )

    def created(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to creation options."""
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(self.flags | ATTESTED, credential)
        said = self._client_data("webauthn.create", options["challenge"])
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"attestationObject": base64url(made), "clientDataJSON": base64url(said)})

    def used(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to request options."""
        self.count += self.step
        data, said = self._data(self.flags), self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "authenticatorData": base64url(data),
                "clientDataJSON": base64url(said),
                "signature": base64url(signature),
                "userHandle": None,
            }
        )

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = base64url(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
