"""What a filer signs over the entries of one request (spec/ledger.md section 4).

The ledger accepts entries only under such signatures, and converters and recipients read from them that every
record keeper has stored the records of this very request.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import FilingMismatch
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.entry import LENGTH

LABEL = "filing"
TAG = 32

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Filing(Message, frozen=True):
    """Digests of all that belongs to one filing.

    `request` is hR, `points` the digest of the blinded points, `hops` that of the signed hop records; all
    three are zero for a filing without a request. `entries` and `tags` are H("entries", blob) and H("tags",
    blob) over `count` items each; `minutes` is when it was filed, minutes since 1970 UTC.
    """

    request: Digest
    points: Digest
    entries: Digest
    tags: Digest
    hops: Digest
    count: Annotated[int, Meta(ge=1, lt=1 << 32)]
    minutes: Annotated[int, Meta(ge=0, lt=1 << 32)]

    def covers(self, entries: bytes, tags: bytes) -> None:
        """Raise `FilingMismatch` unless this is over exactly these blobs (count × 80, count × 32 bytes)."""
        if len(entries) != self.count * LENGTH or len(tags) != self.count * TAG:
            raise FilingMismatch(part="count")
        if digest("entries", entries) != self.entries:
            raise FilingMismatch(part="entries")
        if digest("tags", tags) != self.tags:
            raise FilingMismatch(part="tags")


class SignedFiling(Message, frozen=True):
    """An encoded `Filing`, whose it is, and the signature (label "filing") over it."""

    party: Annotated[str, Meta(min_length=1, max_length=40)]
    filing: bytes
    signature: bytes


def filing_of(
    *, request: bytes, points: bytes, entries: bytes, tags: bytes, hops: bytes, minutes: int
) -> Filing:
    """The filing over these blobs; `request`, `points` and `hops` are digests. Lengths are not checked."""
    return Filing(
        request,
        points,
        digest("entries", entries),
        digest("tags", tags),
        hops,
        len(entries) // LENGTH,
        minutes,
    )


def sign(filing: Filing, party: str, key: SigningKey) -> SignedFiling:
    """The filing as `party` hands it out."""
    data = encode(filing)
    return SignedFiling(party, data, key.sign(LABEL, data))


def opened(data: bytes, signature: bytes, key: VerifyKey) -> Filing:
    """The filing in `data`. Raises `SignatureInvalid`, or `NotCanonical`.

    That it covers any entries is for `Filing.covers`; that it is of the expected request is for the caller.
    """
    key.verify(signature, LABEL, data)
    return decode(data, Filing)
