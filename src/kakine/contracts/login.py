"""What the login asks of others that do not exist inside the portal: of the authority whether a card stands, of a card
to sign. Both are objects that are handed in, so that the login knows no authority and no reader."""

from __future__ import annotations

from typing import Protocol


class Standing(Protocol):
    """Whoever knows the authority's roots and its published status, and asks nobody about a single card."""

    def check(self, certificate: bytes, now_ms: int) -> None:
        """Raise a problem (`CardNotTrusted` or one of the authority's own) unless this certificate (DER) chains to the
        root for authentication, may be used to log in, and is neither expired, revoked nor held at `now_ms`."""
        ...


class Signer(Protocol):
    """A card in a reader, as the holder's own helper sees it."""

    @property
    def certificate(self) -> bytes:
        """The certificate for authentication, DER. A card may show it only once it has signed."""
        ...

    def sign(self, hashed: bytes, pin: str) -> bytes:
        """The authentication key's signature over a SHA-256 value (32 bytes).

        Raises `PinRefused`, or what the card says of its PIN: `CardSecretWrong` with the tries that are left,
        `CardBlocked`, `CardSecretMalformed`.
        """
        ...
