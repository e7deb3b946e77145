"""Records and their commitments: what the person reads, and the 32 bytes that stand for it in the public log.

A record has four *personal* fields and groups of four *common* fields that are equal for all people of one batch:

    request   P[xid official case parent]  G1[requester recipient ground rows]  G2[ask time month seal]
              G3[unit channel items query]          C = N(N(P, G1), N(G2, G3))
    outcome   P[xid index result response]  G1[request provider time month]     C = N(P, G1)

    field commitment  f_j = SHA-256("ledger/v1/field" ‖ j ‖ salt_j ‖ len32(value) ‖ value)
    N(l, r) = SHA-256(0x01 ‖ l ‖ r) as in RFC 6962

so the common groups are hashed once a batch, and a converter is shown G1, G2 and the xid, never G3 or the rest of P.
Salts come from three seeds: `disclosed` (G1, G2), `withheld` (G3) and one per person; salt_j of the group that starts
with field n is the j-th 32 bytes of SHAKE-256(seed ‖ frame("salts", n)).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from kakine.crypto.hashing import stretch
from kakine.crypto.merkle import node_hash
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, plain
from kakine.wire.request import Batch, Digest, Millis, Name

_encode = msgspec.msgpack.Encoder(enc_hook=plain).encode


class RequestCommon(Message, frozen=True):
    """Groups G1, G2 and G3, in order. `seal` is the day until which it was withheld, as in the entry; 0 for none."""

    requester: Name
    recipient: Name
    ground: Name
    rows: tuple[Name, ...]
    ask: Digest
    time_ms: Millis
    month: int
    seal: int
    unit: str
    channel: int
    items: tuple[Name, ...]
    query: Digest


class RequestPersonal(Message, frozen=True):
    """Group P of a request. `case` is a digest of the agency's own case number, or a person's own decision
    (`wire.decision`); `parent` links an onward transfer."""

    xid: Batch
    official: str
    case: bytes
    parent: bytes


class OutcomeCommon(Message, frozen=True):
    """Group G1 of an outcome. `request` is hR."""

    request: Digest
    provider: Name
    time_ms: Millis
    month: int


class OutcomePersonal(Message, frozen=True):
    """Group P of an outcome: the request's position in the log, what came of it, what really went."""

    xid: Batch
    index: int
    result: tuple[str, ...]
    response: Digest


def batch_seeds(root: bytes) -> tuple[bytes, bytes]:
    """(disclosed, withheld) of a batch."""
    both = stretch(root, "record-batch", length=64)
    return both[:32], both[32:]


def person_secrets(root: bytes, position: int) -> tuple[bytes, bytes]:
    """(seed of the salts, K) of the person at `position` of the batch: the whole envelope follows from them."""
    both = stretch(root, "record-person", position.to_bytes(4, "big"), length=64)
    return both[:32], both[32:]


def _salts(seed: bytes, first: int) -> list[bytes]:
    """Salts of the four fields of the group that starts with field number `first`."""
    salts = stretch(seed, "salts", bytes([first]), length=128)
    return [salts[:32], salts[32:64], salts[64:96], salts[96:]]


def field_commitment(number: int, salt: bytes, value: bytes) -> bytes:
    """f_j of the field with this number (1 …), given its salt (32 bytes) and its canonical bytes."""
    return hashlib.sha256(
        b"ledger/v1/field" + bytes([number]) + salt + len(value).to_bytes(4, "big") + value
    ).digest()


def _fields(values: Sequence[Any], first: int, salts: Sequence[bytes]) -> list[bytes]:
    return [field_commitment(first + k, salts[k], _encode(value)) for k, value in enumerate(values)]


def _group(values: Sequence[Any], first: int, seed: bytes) -> bytes:
    f = _fields(values, first, _salts(seed, first))
    return node_hash(node_hash(f[0], f[1]), node_hash(f[2], f[3]))


def disclosed_root(common: RequestCommon, seed: bytes) -> tuple[bytes, bytes]:
    """(G1, G2), from the fields that converters may see and the seed that opens them."""
    values = msgspec.structs.astuple(common)
    return _group(values[0:4], 5, seed), _group(values[4:8], 9, seed)


def withheld_root(common: RequestCommon, seed: bytes) -> bytes:
    """G3."""
    return _group(msgspec.structs.astuple(common)[8:12], 13, seed)


def request_siblings(common: RequestCommon, disclosed: bytes, withheld: bytes) -> tuple[bytes, bytes]:
    """What P is hashed with on its way to C: (G1, N(G2, G3))."""
    first, second = disclosed_root(common, disclosed)
    return first, node_hash(second, withheld_root(common, withheld))


def outcome_siblings(common: OutcomeCommon, disclosed: bytes) -> tuple[bytes]:
    """(G1,) of an outcome."""
    return (_group(msgspec.structs.astuple(common), 5, disclosed),)


def personal_root(personal: RequestPersonal | OutcomePersonal, seed: bytes) -> bytes:
    """P."""
    return _group(msgspec.structs.astuple(personal), 1, seed)


def commitment(personal: bytes, siblings: Sequence[bytes]) -> bytes:
    """C from P and the batch's siblings."""
    value = personal
    for sibling in siblings:
        value = node_hash(value, sibling)
    return value


XID_OPENING = 112


def personal_opened(personal: RequestPersonal, seed: bytes) -> tuple[bytes, bytes]:
    """(P, opening): 112 bytes that open field 1 alone, xid ‖ salt ‖ f2 ‖ N(f3, f4)."""
    salts = _salts(seed, 1)
    f = _fields(msgspec.structs.astuple(personal), 1, salts)
    pair = node_hash(f[2], f[3])
    return node_hash(node_hash(f[0], f[1]), pair), personal.xid + salts[0] + f[1] + pair


def xid_opened(opening: bytes) -> tuple[bytes, bytes]:
    """(xid, P) from an opening. Says nothing of the hidden fields; the caller compares C."""
    if len(opening) != XID_OPENING:
        raise NotCanonical(message="xid opening")
    xid, salt, second, pair = opening[:16], opening[16:48], opening[48:80], opening[80:]
    return xid, node_hash(node_hash(field_commitment(1, salt, _encode(xid)), second), pair)


def parent_shown(personal: RequestPersonal, seed: bytes) -> bytes:
    """112 bytes that open field 4 alone: parent ‖ salt ‖ f3 ‖ N(f1, f2). Raises `NotCanonical` where there is none."""
    if len(personal.parent) != 16:
        raise NotCanonical(message="parent opening")
    salts = _salts(seed, 1)
    f = _fields(msgspec.structs.astuple(personal), 1, salts)
    return personal.parent + salts[3] + f[2] + node_hash(f[0], f[1])


def parent_opened(opening: bytes) -> tuple[bytes, bytes]:
    """(parent, P) from such an opening, as `xid_opened`."""
    if len(opening) != XID_OPENING:
        raise NotCanonical(message="parent opening")
    parent, salt, third, pair = opening[:16], opening[16:48], opening[48:80], opening[80:]
    return parent, node_hash(pair, node_hash(third, field_commitment(4, salt, _encode(parent))))


class RequestRecord(Message, frozen=True, tag=1):
    """What is encrypted to the person for a request, with the seeds that let the person recompute C."""

    common: RequestCommon
    personal: RequestPersonal
    disclosed: Digest
    withheld: Digest
    person: Digest

    def committed(self) -> bytes:
        """C."""
        return commitment(
            personal_root(self.personal, self.person),
            request_siblings(self.common, self.disclosed, self.withheld),
        )


class OutcomeRecord(Message, frozen=True, tag=2):
    """The same for an outcome."""

    common: OutcomeCommon
    personal: OutcomePersonal
    disclosed: Digest
    person: Digest

    def committed(self) -> bytes:
        """C."""
        return commitment(
            personal_root(self.personal, self.person), outcome_siblings(self.common, self.disclosed)
        )
