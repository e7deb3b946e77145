"""What the registry tells the authority when it vouches for a person (spec/authority.md section 3), sealed to it.

There is no number in it. `handle` is the registry's random name of the person towards the authority and nobody else.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.crypto.sealing import OpenKey, SealKey, open_sealed, seal
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import NotCanonical, SealInvalid, SignatureInvalid, VoucherInvalid
from kakine.wire.canonical import Message, decode, encode

LABEL = "voucher"
LIFETIME_MS = 600_000
"""A voucher is good for ten minutes: one visit to the counter."""
_INFO = b"kakine voucher"

Opaque = Annotated[bytes, Meta(min_length=16, max_length=16)]
Text = Annotated[str, Meta(max_length=400)]


class Voucher(Message, frozen=True):
    """One person, one certificate, for ten minutes from `issued_ms`.

    `use` names the voucher, `handle` the person; `purpose` is a `values.certificates.Use`. `version` counts the events
    of that life, so that a voucher from before an event is refused after it. `town` is the municipality code of the
    counter, `until_s` the last second (since 1970) the certificate may be valid. `items` are name, its flags, sex,
    birth, address, its flags for a signature certificate, nothing otherwise.
    """

    use: Opaque
    handle: Opaque
    purpose: str
    version: Annotated[int, Meta(ge=0)]
    town: Annotated[str, Meta(min_length=6, max_length=6)]
    issued_ms: Annotated[int, Meta(ge=0)]
    until_s: Annotated[int, Meta(ge=0)]
    items: Annotated[tuple[Text, ...], Meta(max_length=6)]


class _Sealed(Message, frozen=True):
    voucher: bytes
    signature: bytes


def sealed(voucher: Voucher, key: SigningKey, to: SealKey) -> bytes:
    """The voucher signed by the registry and sealed to the authority: the counter that carries it reads nothing."""
    encoded = encode(voucher)
    return seal(to, _INFO, encode(_Sealed(encoded, key.sign(LABEL, encoded))))


def opened(data: bytes, own: OpenKey, registry: VerifyKey, now_ms: int) -> Voucher:
    """The voucher in `data`. Raises `VoucherInvalid`, whatever is wrong with it. Not checked: whether it was used."""
    try:
        inner = decode(open_sealed(own, _INFO, data), _Sealed)
        registry.verify(inner.signature, LABEL, inner.voucher)
        voucher = decode(inner.voucher, Voucher)
    except (SealInvalid, NotCanonical, SignatureInvalid) as fault:
        raise VoucherInvalid() from fault
    # A minute of grace for two clocks that differ.
    if not -60_000 <= now_ms - voucher.issued_ms <= LIFETIME_MS:
        raise VoucherInvalid()
    return voucher
