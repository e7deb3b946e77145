"""A card in the holder's own reader, as a login wants it (`contracts.login.Signer`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from kakine.card.engine import Card, opened
from kakine.card.profile import Profile
from kakine.card.session import Interface
from kakine.card.terminal import Terminal
from kakine.crypto.chipkeys import KeyKind
from kakine.values.problems import CardNotTrusted, CardSecretUnknown

KEY = "authentication"
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of a SHA-256 value (RFC 8017 section 9.2), which an RSA card wants in front of it."""

Reader = Callable[[], AbstractContextManager[tuple[Terminal, Profile]]]
"""Gives the card power, for one use."""


class CardSigner:
    """Signs with the card's key for logging in. Between two uses the card has no power and its file is free."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._certificate: bytes | None = None

    def __repr__(self) -> str:
        return "<CardSigner>"

    @property
    def certificate(self) -> bytes:
        """The certificate for logging in, DER, as it was read with the PIN of the last signature: over the air it opens
        to nothing else. Raises `CardNotTrusted` before the first."""
        if self._certificate is None:
            raise CardNotTrusted()
        return self._certificate

    @property
    def tries(self) -> int:
        """How many tries the PIN has left; for the holder alone."""
        with self._reader() as (terminal, shape):
            return terminal.tries(_secret(shape))

    def sign(self, hashed: bytes, pin: str) -> bytes:
        """A signature over a SHA-256 value (32 bytes): ECDSA in DER, or RSA with PKCS#1 v1.5.

        Raises `CardSecretWrong` with the tries that are left, `CardBlocked`, `CardSecretMalformed` (costs no try),
        `CardRefused` by a card that is stopped, `CardMissing`, `StoreInUse`.
        """
        with self._reader() as (terminal, shape):
            terminal.verify(_secret(shape), pin)
            self._certificate = terminal.certificate(KEY)
            return terminal.sign(KEY, _payload(shape, hashed))


def file_reader(path: Path, entropy: Callable[[int], bytes]) -> Reader:
    """A reader with the software card of this file in it, without contacts."""

    @contextmanager
    def reader() -> Iterator[tuple[Terminal, Profile]]:
        with opened(path) as (store, shape):
            yield Terminal(Card(store, shape, entropy, Interface.CONTACTLESS).answer, shape), shape

    return reader


def _secret(shape: Profile) -> str:
    """The secret that opens the key. Raises `CardSecretUnknown`."""
    for application, key in shape.key_rows():
        if key.name == KEY and key.use:
            return next(each.name for each in application.secret if each.name == key.use[0])
    raise CardSecretUnknown()


def _payload(shape: Profile, hashed: bytes) -> bytes:
    kind = next(key.kind for _, key in shape.key_rows() if key.name == KEY)
    return _SHA256 + hashed if kind is KeyKind.RSA_2048 else hashed
