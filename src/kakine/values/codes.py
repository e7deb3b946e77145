"""One type for each state of a code, so that the type checker refuses a mix-up.

All are immutable and hide their value from `repr`, so that no log or traceback shows it. None checks that the bytes
are a group element; `crypto.group` does, at every operation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

from kakine.values.problems import PointInvalid, WrappedCodeInvalid


class _Hidden(bytes):
    """Bytes that do not show themselves."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} bytes>"

    __str__ = __repr__


class Code(_Hidden):
    """core_X(u) = s_X·H2G(u): how domain X knows one person. 32 bytes. Exists in memory only."""

    def __new__(cls, value: bytes) -> Self:
        if len(value) != 32:
            raise PointInvalid(length=len(value))
        return super().__new__(cls, value)


class WrappedCode(_Hidden):
    """A code at rest: AES-256-SIV under the domain's own key, 48 bytes, deterministic, the key of database rows."""

    def __new__(cls, value: bytes) -> Self:
        if len(value) != 48:
            raise WrappedCodeInvalid(length=len(value))
        return super().__new__(cls, value)


class _Vector(_Hidden):
    """m group elements of 32 bytes in one byte string; m may be 0 where a leg is absent."""

    width: ClassVar[int] = 32

    def __new__(cls, value: bytes) -> Self:
        if len(value) % cls.width:
            raise PointInvalid(length=len(value))
        return super().__new__(cls, value)

    @property
    def size(self) -> int:
        """Number of elements."""
        return len(self) // self.width

    def item(self, index: int) -> bytes:
        """The element at `index`, 0 <= index < size."""
        if not 0 <= index < self.size:
            raise PointInvalid(index=index)
        return self[index * 32 : index * 32 + 32]


class CodeVector(_Vector):
    """Plain codes of one domain, in memory only."""

    @staticmethod
    def of(codes: Iterable[Code]) -> CodeVector:
        """The vector of these codes, in order."""
        return CodeVector(b"".join(codes))

    def code(self, index: int) -> Code:
        """The code at `index`."""
        return Code(self.item(index))


class BlindedVector(_Vector):
    """Q: codes of the requester, each multiplied by a fresh scalar; what enters the chain."""


class MaskedVector(_Vector):
    """What a converter puts out on one leg: converted, still blinded, masked for one recipient."""
