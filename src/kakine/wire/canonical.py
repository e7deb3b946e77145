"""The canonical form of everything that is signed or hashed, other than the fixed binary formats.

A message is a msgpack array of its fields in the order of its class (`array_like`), so there is one encoding: decoding
encodes again and refuses what differs (longer integers, trailing fields, other string types, the keys of a map in
another order than their own or twice). The signed bytes are kept beside the decoded message; nothing is ever encoded
again in order to verify.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from kakine.crypto.group import Scalar
from kakine.values.codes import Code, CodeVector
from kakine.values.problems import NotCanonical


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of canonical messages."""


T = TypeVar("T", bound=Message)


UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What msgspec raises for bytes that are no message: text that is not UTF-8 has an exception of its own."""


def plain(value: object) -> object:
    """What msgspec may write for our own kinds of text and bytes. A plain code or a scalar never goes into a message:
    raises `TypeError`."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes) and not isinstance(value, Code | CodeVector | Scalar):
        return bytes(value)
    raise TypeError("this kind of value does not go into a message")


_encoder = msgspec.msgpack.Encoder(enc_hook=plain, order="deterministic")
_decoders: dict[type, msgspec.msgpack.Decoder[Message]] = {}


def encode(message: Message) -> bytes:
    """The one byte string that stands for `message`."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    """The message of class `kind` that `data` is the canonical form of; else `NotCanonical`.

    Checks types, lengths that the class declares, and canonical form; not the meaning of any field.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        message = decoder.decode(data)
    except UNDECODABLE as fault:
        raise NotCanonical(message=kind.__name__) from fault
    if _encoder.encode(message) != data:
        raise NotCanonical(message=kind.__name__)
    assert isinstance(message, kind)  # noqa: S101 - tells the type checker what the decoder guarantees
    return message
