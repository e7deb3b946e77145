"""A record as a file: each field with its salt, or only its commitment, so that C can be made again.

    {"format": "kakine-record/v1", "kind": "request", "fields": [{"salt": ..., "value": ...}, {"hidden": ...}, ...],
     "envelope": ...}

All strings are base64: salts and commitments of 32 bytes, values in canonical MessagePack, the envelope as the record
keeper has it (it may be left out). The text is JSON with an indent of two and a last newline, in this order, and has
no other form. The salts stand here instead of the seeds they come from, since browsers have no SHAKE-256, and since a
field can then be blacked out: replace it by {"hidden": its commitment}.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec

from kakine.crypto.hashing import stretch
from kakine.crypto.merkle import node_hash
from kakine.values.problems import RecordFileMalformed
from kakine.wire.canonical import plain
from kakine.wire.proof import unbase64
from kakine.wire.record import (
    OutcomeCommon,
    OutcomePersonal,
    OutcomeRecord,
    RequestCommon,
    RequestPersonal,
    RequestRecord,
    field_commitment,
)

FORMAT = "kakine-record/v1"
MOST_BYTES = 1 << 18
SUFFIX = ".record.json"
NAMES = {
    "request": (*RequestPersonal.__struct_fields__, *RequestCommon.__struct_fields__),
    "outcome": (*OutcomePersonal.__struct_fields__, *OutcomeCommon.__struct_fields__),
}
"""Names of the fields in order; field j of the commitment is the j-th of them, from 1."""

Value = str | bytes | int | tuple[str, ...] | None
"""What a field holds; None for one that is not shown."""

_encode = msgspec.msgpack.Encoder(enc_hook=plain).encode


class Field(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Either salt and value, or hidden."""

    salt: str = ""
    value: str = ""
    hidden: str = ""


class RecordFile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The file as it is written. `decode` gives only what is well formed."""

    format: str
    kind: str
    fields: list[Field]
    envelope: str = ""

    def encode(self) -> bytes:
        """The file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> RecordFile:
        """The record file in `data`; `RecordFileMalformed` for any other form.

        That it commits to any C is not checked.
        """
        try:
            file = msgspec.json.decode(data, type=cls)
            if len(data) > MOST_BYTES or file.encode() != data or file.format != FORMAT:
                raise RecordFileMalformed()
            file.values()
            unbase64(file.envelope)
        except (msgspec.DecodeError, ValueError) as fault:
            raise RecordFileMalformed() from fault
        return file

    @classmethod
    def of(cls, record: RequestRecord | OutcomeRecord, envelope: bytes = b"") -> RecordFile:
        """Everything of an opened record, with its envelope."""
        values = [*msgspec.structs.astuple(record.personal), *msgspec.structs.astuple(record.common)]
        kind = "request" if isinstance(record, RequestRecord) else "outcome"
        fields = [
            Field(_text(salt), _text(_encode(value)))
            for salt, value in zip(_salts(record), values, strict=True)
        ]
        return cls(FORMAT, kind, fields, _text(envelope))

    def blacked_out(self, *names: str) -> RecordFile:
        """The same with the fields of these names reduced to their commitments: it still fits the entry."""
        commitments = self._commitments()
        fields = [
            Field(hidden=_text(commitments[j])) if NAMES[self.kind][j] in names else each
            for j, each in enumerate(self.fields)
        ]
        return msgspec.structs.replace(self, fields=fields)

    def committed(self) -> bytes:
        """C: the root over the commitments of the fields (16 of a request, 8 of an outcome)."""
        level = self._commitments()
        while len(level) > 1:
            level = [node_hash(level[j], level[j + 1]) for j in range(0, len(level), 2)]
        return level[0]

    def values(self) -> dict[str, Value]:
        """What each field says, by name. Raises `RecordFileMalformed` for fields that are not well formed."""
        names = NAMES.get(self.kind, ())
        if not names or len(self.fields) != len(names):
            raise RecordFileMalformed()
        return {name: _value(each) for name, each in zip(names, self.fields, strict=True)}

    def sealed(self) -> bytes:
        """The envelope; nothing if the file has none."""
        return unbase64(self.envelope)

    def _commitments(self) -> list[bytes]:
        return [
            unbase64(each.hidden)
            if each.hidden
            else field_commitment(number, unbase64(each.salt), unbase64(each.value))
            for number, each in enumerate(self.fields, 1)
        ]


def _salts(record: RequestRecord | OutcomeRecord) -> Sequence[bytes]:
    seeds = [record.person, record.disclosed]
    if isinstance(record, RequestRecord):
        seeds += [record.disclosed, record.withheld]
    stretched = [stretch(seed, "salts", bytes([4 * g + 1]), length=128) for g, seed in enumerate(seeds)]
    return [salts[at : at + 32] for salts in stretched for at in range(0, 128, 32)]


def _value(each: Field) -> Value:
    if each.hidden:
        if each.salt or each.value or len(unbase64(each.hidden)) != 32:
            raise RecordFileMalformed()
        return None
    if len(unbase64(each.salt)) != 32:
        raise RecordFileMalformed()
    return _read(unbase64(each.value))


def _read(data: bytes) -> Value:
    # Typed by the first byte, so that nesting and every other kind of value is refused before it is built.
    kind = _kind(data)
    value = msgspec.msgpack.decode(data, type=kind)
    if _encode(value) != data or (isinstance(value, int) and value >= 1 << 53):
        raise RecordFileMalformed()
    return value


def _kind(data: bytes) -> type[str] | type[bytes] | type[int] | type[tuple[str, ...]]:
    first = data[:1]
    if first <= b"\x7f" or b"\xcc" <= first <= b"\xcf":
        return int
    if b"\xc4" <= first <= b"\xc6":
        return bytes
    if b"\xa0" <= first <= b"\xbf" or b"\xd9" <= first <= b"\xdb":
        return str
    return tuple[str, ...]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
