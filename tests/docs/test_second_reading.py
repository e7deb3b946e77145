"""A second implementation, written from spec/lcx.md and spec/ledger.md alone, makes the same bytes.

It uses the standard library, `cryptography` and MessagePack, and nothing of the project but the group's multiplication
(itself held against official vectors) and a running country to compare with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kakine.contracts.converter import MONTH_KEY, Converted, MonthAsked
from kakine.country import CONVERTERS, ORIGIN
from kakine.crypto.group import Scalar, group
from kakine.wire.answer import Prepared

from land import CHILDREN, TAX, Land

ORDER = 2**252 + 27742317777372353535851937790883648493
pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


# --- section 2 ------------------------------------------------------------------------------------------------


def frame(label: str, *parts: bytes) -> bytes:
    out = b"LCX-v1/" + bytes([len(label)]) + label.encode()
    return out + b"".join(struct.pack(">I", len(part)) + part for part in parts)


def h(label: str, *parts: bytes) -> bytes:
    return hashlib.sha256(frame(label, *parts)).digest()


def expand(key: bytes, label: str, *parts: bytes) -> bytes:
    return hmac.digest(key, frame(label, *parts) + b"\x01", "sha256")


def stretch(key: bytes, length: int, label: str, *parts: bytes) -> bytes:
    return hashlib.shake_256(key + frame(label, *parts)).digest(length)


def prf(key: bytes, label: str, *parts: bytes) -> int:
    return int.from_bytes(hmac.digest(key, frame(label, *parts), "sha512"), "little") % ORDER


def u32(number: int) -> bytes:
    return struct.pack(">I", number)


# --- section 6 ------------------------------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_group(values: list[Any], first: int, seed: bytes) -> bytes:
    salts, fields = stretch(seed, 128, "salts", bytes([first])), []
    for k, value in enumerate(map(pack, values)):
        salted = bytes([first + k]) + salts[32 * k : 32 * k + 32] + u32(len(value)) + value
        fields.append(hashlib.sha256(b"ledger/v1/field" + salted).digest())
    return node(node(fields[0], fields[1]), node(fields[2], fields[3]))


def labelled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def labelled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    tail = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, tail + b"\x01", "sha256")[:length]


def hpke_context(reader: bytes, info: bytes, ephemeral_seed: bytes) -> tuple[bytes, bytes, bytes]:
    """(encapsulated key, key, base nonce) of RFC 9180 base mode, X25519, HKDF-SHA256, AES-256-GCM."""
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    pair = labelled_extract(kem, b"", b"dkp_prk", ephemeral_seed)
    private = X25519PrivateKey.from_private_bytes(labelled_expand(kem, pair, b"sk", b"", 32))
    enc = private.public_key().public_bytes_raw()
    agreed = private.exchange(X25519PublicKey.from_public_bytes(reader))
    shared = labelled_expand(
        kem, labelled_extract(kem, b"", b"eae_prk", agreed), b"shared_secret", enc + reader, 32
    )
    context = b"\x00" + labelled_extract(suite, b"", b"psk_id_hash", b"")
    context += labelled_extract(suite, b"", b"info_hash", info)
    secret = labelled_extract(suite, shared, b"secret", b"")
    key = labelled_expand(suite, secret, b"key", context, 32)
    return enc, key, labelled_expand(suite, secret, b"base_nonce", context, 12)


def xor(*strings: bytes) -> bytes:
    total = 0
    for each in strings:
        total ^= int.from_bytes(each, "big")
    return total.to_bytes(len(strings[0]), "big")


def envelope(
    root: bytes, ask: bytes, month: int, readers: list[bytes], j: int, committed: bytes, record: bytes
) -> bytes:
    key = stretch(root, 64, "record-person", u32(j))[32:]
    made = stretch(key, 96, "envelope-keys", committed)
    shares = [made[:32], made[32:64], xor(key, made[:32], made[32:64])]
    head = b"\x01\x01" + struct.pack(">H", month) + u32(j) + ask
    sealed, enc = b"", b""
    for i, (reader, share) in enumerate(zip(readers, shares, strict=True)):
        info = h("envelope", ask, bytes([i]), struct.pack(">H", month))
        enc, aead, base = hpke_context(reader, info, expand(root, "envelope-ephemeral", ask))
        nonce = xor(base, j.to_bytes(12, "big"))
        sealed += AESGCM(aead).encrypt(nonce, share, committed)
    size = next(n for n in (512, 1024, 2048) if len(record) + 2 <= n)
    padded = struct.pack(">H", len(record)) + record
    padded += bytes(size - len(padded))
    return head + enc + sealed + AESGCM(made[64:]).encrypt(bytes(12), padded, ask + committed)


# --- a request of the running country -------------------------------------------------------------------------


class Sample:
    """A request for two people as the project makes it, and its parts decoded without the project's classes."""

    def __init__(self, land: Land) -> None:
        self.land = land
        self.codes = [land.code(CHILDREN, 0), land.code(CHILDREN, 1)]
        self.made: Prepared = land.run(land.requester().prepare(land.wish(self.codes)))
        self.public, self.record = unpack(self.made.public), unpack(self.made.record)
        self.seed, self.root, _, self.unit, self.channel, self.items, self.people = unpack(self.made.payload)
        hidden = h("req-public", self.made.public)
        self.ask = h("ask", hidden, self.record[2], h("points", self.made.blinded))
        self.request = h("req", hidden, h("req-record", self.made.record))
        year, month = land_month(self.public[8])
        self.month = (year - 2000) * 12 + month - 1
        asked = [land.country.peers("yokohama").ask(c, MONTH_KEY, MonthAsked(self.month)) for c in CONVERTERS]
        self.readers = [land.run(each).public for each in asked]
        self.converted: Converted = land.run(land.requester().convert(self.made))
        self.released = land.run(land.requester().release(self.made, self.converted))

    def key(self, party: str) -> Ed25519PublicKey:
        """The signing key of a party."""
        identity = self.land.country.identities[party]  # type: ignore[index]
        return Ed25519PublicKey.from_public_bytes(bytes(identity.signing.public))

    def common(self) -> list[Any]:
        details = h("details", *(person[4] for person in self.people))
        requester, recipient, ground, rows, time_ms = (self.public[k] for k in (1, 3, 6, 7, 8))
        first = [requester, recipient, ground, rows, self.ask, time_ms, self.month, 0]
        return [*first, self.unit, self.channel, self.items, details]

    def commitment(self, j: int) -> bytes:
        common, batch = self.common(), stretch(self.root, 64, "record-batch")
        disclosed, withheld = batch[:32], batch[32:]
        own = root_of_group(self.people[j][:4], 1, stretch(self.root, 64, "record-person", u32(j))[:32])
        g1, g2 = root_of_group(common[:4], 5, disclosed), root_of_group(common[4:8], 9, disclosed)
        return node(node(own, g1), node(g2, root_of_group(common[8:], 13, withheld)))

    def envelope(self, j: int) -> bytes:
        batch, person = (
            stretch(self.root, 64, "record-batch"),
            stretch(self.root, 64, "record-person", u32(j)),
        )
        record = pack([1, self.common(), self.people[j][:4], batch[:32], batch[32:], person[:32]])
        return envelope(self.root, self.ask, self.month, self.readers, j, self.commitment(j), record)


def land_month(time_ms: int) -> tuple[int, int]:
    """(year, month) in UTC, counted by hand."""
    days, year = time_ms // 86_400_000, 1970
    while days >= (length := 366 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 365):
        days, year = days - length, year + 1
    february = 29 if length == 366 else 28
    month = 1
    for size in (31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if days < size:
            break
        days, month = days - size, month + 1
    return year, month


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("reading") / "land"
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX)) as land:
        yield Sample(land)


def test_the_requester_signs_the_digest_that_section_4_gives(sample: Sample) -> None:
    sample.key("yokohama").verify(sample.made.signature, h("request", sample.request))


def test_the_record_part_holds_the_digests_that_section_4_names(sample: Sample) -> None:
    made = sample.made
    assert sample.record[4:] == [
        h("points", made.blinded),
        h("entries", made.entries),
        h("tags", made.tags),
        [h("sealed", each) for each in made.to_keepers],
        b"",
    ]
    assert sample.public[9] == h("sealed", made.to_recipient)


def test_the_public_part_names_both_record_keepers_in_the_order_of_the_law(sample: Sample) -> None:
    assert sample.public[5] == [["mailbox-a/records", 1], ["mailbox-b/records", 1]]
    assert len(sample.made.to_keepers) == 2


def test_q_is_the_code_times_the_four_blindings_of_section_5(sample: Sample) -> None:
    office = sample.land.yokohama.office
    keys = sample.land.run(office.site(CHILDREN).domain.mask_keys(1))
    for j, code in enumerate(sample.codes):
        blinding = prf(sample.seed, "rho", u32(j))
        for key in keys:
            blinding = blinding * prf(key, "blind", sample.record[2]) % ORDER
        assert (
            group.mul(Scalar(blinding.to_bytes(32, "little")), code)
            == sample.made.blinded[32 * j : 32 * j + 32]
        )


def test_entries_and_tags_are_those_of_section_6_and_the_ledger(sample: Sample) -> None:
    entries, tags = b"", b""
    for j, person in enumerate(sample.people):
        head = struct.pack(">BBHHHII", 1, 1, 7, sample.month + 84, 0, sample.public[8] // 60_000, 0)
        entries += head + sample.commitment(j) + hashlib.sha256(sample.envelope(j)).digest()
        tags += h("xid", person[0])
    assert (entries, tags) == (sample.made.entries, sample.made.tags)


def test_envelopes_are_those_of_section_6_byte_for_byte(sample: Sample) -> None:
    assert [sample.envelope(j) for j in range(2)] == list(sample.made.envelopes)


def test_what_converters_are_shown_opens_the_xid_alone(sample: Sample) -> None:
    for j, person in enumerate(sample.people):
        shown = sample.made.openings[112 * j : 112 * j + 112]
        value = pack(person[0])
        salted = b"\x01" + shown[16:48] + u32(len(value)) + value
        field = hashlib.sha256(b"ledger/v1/field" + salted).digest()
        own = root_of_group(person[:4], 1, stretch(sample.root, 64, "record-person", u32(j))[:32])
        assert shown[:16] == person[0]
        assert node(node(field, shown[48:80]), shown[80:]) == own


# --- what came back: sections 5 and 8, and the ledger ---------------------------------------------------------


def test_hop_records_are_signed_and_link_up_from_q(sample: Sample) -> None:
    before = h("points", sample.made.blinded)
    legs = [before] * 3
    for position, (name, hop) in enumerate(zip(CONVERTERS, sample.converted.hops, strict=True), 1):
        sample.key(name).verify(hop.signature, h("hop", hop.record))
        request, at, ins, outs, factors = unpack(hop.record)
        assert (request, at, ins, factors) == (sample.request, position, legs, [b""] * 3)
        legs = outs
    assert legs[-1] == h("points", sample.converted.recipient_leg)


def test_the_recipient_finds_its_own_codes_with_what_gate_1_released(sample: Sample) -> None:
    office = sample.land.yokohama.office
    masks = 1
    for key, given in zip(
        sample.land.run(office.site(TAX).domain.mask_keys(1)), sample.released, strict=True
    ):
        carrier = AESGCM(expand(key, "release", sample.request))
        released = carrier.decrypt(bytes(12), given.sealed, sample.request)
        masks = masks * prf(key, "mask", sample.request, released) % ORDER
    for j in range(2):
        inverse = pow(prf(sample.seed, "rho", u32(j)) * masks, -1, ORDER)
        point = sample.converted.recipient_leg[32 * j : 32 * j + 32]
        assert group.mul(Scalar(inverse.to_bytes(32, "little")), point) == sample.land.code(TAX, j)


def test_every_converter_signs_the_head_of_the_receipt(sample: Sample) -> None:
    origin, size, root = sample.converted.filed.receipt.checkpoint.decode().split("\n")[:3]
    said = h("head", origin.encode(), int(size).to_bytes(8, "big"), base64.b64decode(root))
    for name, given in zip(CONVERTERS, sample.released, strict=True):
        sample.key(name).verify(given.head, said)


def test_the_filing_covers_what_section_4_of_the_ledger_says(sample: Sample) -> None:
    hops, last = sample.converted.hops, unpack(sample.converted.hops[-1].record)
    assert [each.party for each in sample.converted.filed.filings] == ["mailbox-a", "mailbox-b"]
    for each in sample.converted.filed.filings:
        sample.key(each.party).verify(each.signature, h("filing", each.filing))
        request, points, entries, tags, of_hops, count, _ = unpack(each.filing)
        assert request == sample.request
        assert points == h("filed-legs", *last[3])
        assert (entries, tags, count) == (h("entries", sample.made.entries), h("tags", sample.made.tags), 2)
        assert of_hops == h("hops", *(hop.record for hop in hops))


def rebuilt(low: int, high: int, first: int, leaves: list[bytes], rest: Iterator[bytes]) -> bytes:
    """The root over low … high from leaves that stand at `first`, and the hashes of what lies outside."""
    if high <= first or first + len(leaves) <= low:
        return next(rest)
    if high - low == 1:
        return leaves[low - first]
    middle = low + (1 << (high - low - 1).bit_length() - 1)
    left = rebuilt(low, middle, first, leaves, rest)
    return node(left, rebuilt(middle, high, first, leaves, rest))


def test_the_receipt_proves_both_entries_under_a_signed_note(sample: Sample) -> None:
    receipt = sample.converted.filed.receipt
    text, _, line = receipt.checkpoint.decode().partition("\n\n")
    origin, size, root = text.split("\n")
    dash, name, blob = line.rstrip("\n").split(" ")
    raw = base64.b64decode(blob)
    public = bytes(sample.land.country.identities["ledger-a-signer"].signing.public)  # type: ignore[index]
    assert (origin, name, dash) == (ORIGIN, ORIGIN, "\N{EM DASH}")
    assert raw[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    sample.key("ledger-a-signer").verify(raw[4:], text.encode() + b"\n")
    entries = sample.made.entries
    leaves = [hashlib.sha256(b"\x00" + entries[at : at + 80]).digest() for at in (0, 80)]
    rest = iter(receipt.proof)
    assert rebuilt(0, int(size), receipt.first, leaves, rest) == base64.b64decode(root)
    assert list(rest) == []
