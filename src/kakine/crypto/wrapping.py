"""Codes at rest: AES-256-SIV (RFC 5297), deterministic so that a wrapped code can key a database row."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from kakine.values.codes import Code, WrappedCode
from kakine.values.problems import WrappedCodeInvalid

TOKEN = 48
"""Bytes of a wrapped code."""


class WrapKey:
    """The 64-byte key of one domain: a table of wrapped codes says nothing without it, whoever holds it."""

    __slots__ = ("_siv",)

    def __init__(self, key: bytes) -> None:
        if len(key) != 64:
            raise WrappedCodeInvalid(length=len(key))
        self._siv = AESSIV(key)

    def __repr__(self) -> str:
        return "<WrapKey>"

    def wrap(self, code: Code, domain: str) -> WrappedCode:
        """The one 48-byte form of `code` at rest in `domain`. Not checked: that it is a group element."""
        return WrappedCode(self._siv.encrypt(code, [domain.encode("utf-8")]))

    def unwrap(self, wrapped: WrappedCode, domain: str) -> Code:
        """The code; `WrappedCodeInvalid` for another key, another domain or changed bytes."""
        try:
            return Code(self._siv.decrypt(wrapped, [domain.encode("utf-8")]))
        except InvalidTag as wrong:
            raise WrappedCodeInvalid() from wrong
