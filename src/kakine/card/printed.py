"""What is on the face of a card of the interop profile, as its applications hold it (spec/card.md section 7).

There is no photo: nothing here can hold one, so the object for it is empty and the works signs that it is. Pictures of
letters are empty too, as nothing here draws them; the text application has the same as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

import msgspec

from kakine.card.works import Works, key_id, public_key
from kakine.crypto.chipkeys import ChipKey
from kakine.values.identifiers import IndividualNumber, MunicipalityCode, ResidentRecordCode
from kakine.values.problems import CardDataMalformed
from kakine.wire.tlv import tlv

_ERAS = (date(2019, 5, 1), date(1989, 1, 8), date(1926, 12, 25), date(1912, 7, 30), date(1868, 1, 25))
_SHA256_OF_96 = bytes.fromhex("3071300d060960864801650304020105000460")
"""DigestInfo of SHA-256 whose digest has 96 bytes: three hashes, as the surveyed cards have it."""

_SEXES = {1, 2, 9}


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, repr_omit_defaults=True):
    """Who a card is for. Synthetic people only. `security_code` is printed on the face. `repr` shows nothing."""

    name: str
    address: str
    birth: date
    sex: int
    number: str
    record_code: str
    municipality: str
    expiry: date
    security_code: str

    def __post_init__(self) -> None:
        IndividualNumber(self.number)
        ResidentRecordCode(self.record_code)
        MunicipalityCode(self.municipality)
        code = self.security_code
        if self.sex not in _SEXES or not (len(code) == 4 and code.isascii() and code.isdigit()):
            raise CardDataMalformed(part="holder")
        if not 0 < len(self.name.encode()) <= 500 or len(self.address.encode()) > 2000:
            raise CardDataMalformed(part="holder")

    def __repr__(self) -> str:
        return "<Holder>"


def era_date(day: date) -> str:
    """YYMMDD with the year of the era (和暦). Raises `CardDataMalformed` before 1868."""
    for start in _ERAS:
        if day >= start:
            return f"{day.year - start.year + 1:02d}{day:%m%d}"
    raise CardDataMalformed(part="birth")


def printed_secrets(holder: Holder) -> dict[str, str]:
    """照合番号 A and B, and the birth date: what who holds the card in hand can read on it."""
    number_b = era_date(holder.birth) + f"{holder.expiry.year:04d}" + holder.security_code
    return {"number-a": holder.number, "number-b": number_b, "birth-date": era_date(holder.birth)}


def contents(
    holder: Holder, works: Works, keys: Mapping[tuple[str, str], ChipKey], serial: str
) -> dict[tuple[str, str], bytes]:
    """(application, file name) → content. `serial`: 15 digits drawn for this card. Certificates come later."""
    card_key = public_key(keys["common", "chip"])
    made = {("text", name): data for name, data in _text(holder, works, keys["text", "chip"]).items()}
    made |= {("visual", name): data for name, data in _visual(holder, works, card_key).items()}
    made |= {("chip", name): data for name, data in _chip(holder, works, serial).items()}
    place = holder.municipality[:5]
    made["common", "card-data"] = tlv(0x01, (serial + place + f"{holder.expiry:%Y%m%d}").encode())
    made["resident", "record-code"] = tlv(0x01, holder.record_code.encode())
    made["common", "key-reference"] = made["resident", "key-reference"] = tlv(0x01, key_id("visual"))
    made["jpki", "token-info"] = _token_info()
    made["jpki", "which-certificates"] = bytes(
        [0x8F * (("jpki", name) in keys) for name in ("authentication", "signature")] + [0]
    )
    return made


def table(outer: int, first: int, parts: list[bytes]) -> bytes:
    """`outer{first{offsets}, parts...}`: 16-bit offsets from the start of the file to the tag of each part."""
    size = len(tlv(first, bytes(2 * len(parts))))
    whole = size + sum(map(len, parts))
    at = len(tlv(outer, bytes(whole))) - whole + size
    offsets = []
    for part in parts:
        offsets.append(at.to_bytes(2, "big"))
        at += len(part)
    return tlv(outer, tlv(first, *offsets), *parts)


def _text(holder: Holder, works: Works, chip: ChipKey) -> dict[str, bytes]:
    signer = works.keys["text"]
    number = tlv(0xFF10, holder.number.encode()) + b"\xff\xff"
    parts = [
        tlv(0xDF22, holder.name.encode()),
        tlv(0xDF23, holder.address.encode()),
        tlv(0xDF24, f"{holder.birth:%Y%m%d}".encode()),
        tlv(0xDF25, str(holder.sex).encode()),
    ]
    hashes = tlv(0xDF31, _sha256(number)) + tlv(0xDF32, _sha256(b"".join(parts)))
    own = tlv(0xDF51, public_key(chip))
    basic = tlv(
        0xFF40, tlv(0xDF41, bytes.fromhex("4b01030e01")), tlv(0xDF42, key_id("text")), tlv(0xDF43, bytes(128))
    )
    return {
        "number": number,
        "attributes": table(0xFF20, 0xDF21, parts),
        "signature": tlv(0xFF30, hashes, tlv(0xDF33, signer.sign_pkcs1(hashes, hashed=False))),
        "signer-certificate": works.certificate("text"),
        "basic-information": basic.ljust(256, b"\xff"),
        "card-key": tlv(0xFF50, own, tlv(0xDF52, signer.sign_pkcs1(own, hashed=False))),
    }


def _visual(holder: Holder, works: Works, card_key: bytes) -> dict[str, bytes]:
    signer = works.keys["visual"]
    birth = f"{holder.birth:%Y%m%d}".encode()
    facts = [tlv(0xDF22, birth), tlv(0xDF23, str(holder.sex).encode()), tlv(0xDF24, card_key)]
    pictures, photo = [tlv(0xDF25), tlv(0xDF26)], tlv(0xDF27)
    hashes = _sha256(b"".join(facts)) + _sha256(b"".join(pictures)) + _sha256(photo)
    signature = tlv(0xDF28, signer.sign_padded(_SHA256_OF_96 + hashes))
    rest = [signature, tlv(0xDF29, f"{holder.expiry:%Y%m%d}".encode()), tlv(0xDF2A)]
    short = tlv(0xDF11, birth) + tlv(0xDF12, card_key)
    number = tlv(0xDF41) + tlv(0xDF42, card_key)
    basic = tlv(0xDF31, bytes.fromhex("06030e01")) + tlv(0xDF32, key_id("visual")) + tlv(0xDF33, b"\x01")
    basic += tlv(0xDF34, holder.municipality[:5].encode()) + tlv(0xDF35, bytes(272))
    return {
        "birth": tlv(0xFF10, short, tlv(0xDF13, signer.sign_pkcs1(short, hashed=False))),
        "front": table(0xFF20, 0xDF21, [*facts, *pictures, photo, *rest]),
        "basic-information": tlv(0xFF30, basic),
        "signer-certificate": works.certificate("visual"),
        "number-picture": tlv(0xFF40, number, tlv(0xDF43, signer.sign_pkcs1(number, hashed=False))),
    }


def _chip(holder: Holder, works: Works, serial: str) -> dict[str, bytes]:
    return {
        "issuer-id": tlv(0x42, b"KAKINE"),
        "card-number": tlv(0x45, serial.encode()),
        "card-recognition": tlv(0x66, tlv(0x73)),
        "municipality": tlv(0xF0, holder.municipality[:5].encode()),
        "expiry": tlv(0xF2, f"{holder.expiry:%Y%m%d}".encode()),
        "intermediate-key-id": tlv(0xF7, key_id("visual")),
        "card-verifiable-certificate": works.certificate("visual"),
    }


def _token_info() -> bytes:
    """160 bytes laid out as PKCS#11's CK_TOKEN_INFO, the same on every card."""
    texts = [("KAKINEAPICCTOKEN", 32), ("Kakine", 32), ("software card", 16), ("0" * 16, 16)]
    words = [0x0000040D, 0, 0, 0, 0, 16, 6, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF]
    head = b"".join(text.encode().ljust(width) for text, width in texts)
    return head + b"".join(word.to_bytes(4, "big") for word in words) + bytes([1, 0, 1, 0]) + b"0" * 16


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
