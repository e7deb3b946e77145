"""The head of the log as others read it: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519 (type 0x01).

    <origin> \\n <size, decimal> \\n <root, base64> \\n \\n — <origin> <base64(key id ‖ signature)> \\n

The key name is the origin. Extension lines are refused: this log writes none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import CheckpointInvalid, SignatureInvalid

MOST_SIGNATURES = 16
MOST_BYTES = 1 << 17

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree of `size` leaves whose root hash (RFC 6962, 32 bytes) is `root`."""

    size: int
    root: bytes


@lru_cache(maxsize=64)
def check_name(name: str) -> None:
    """Raise `CheckpointInvalid` unless `name` can be a key name: not empty, no space, no plus, no control."""
    if not name or "+" in name or any(each.isspace() for each in name) or _CONTROL.search(name):
        raise CheckpointInvalid(part="name")


def key_id(name: str, key: VerifyKey, kind: bytes = _ED25519) -> bytes:
    """4 bytes that tell keys of one name apart; a hint, not an identification. `kind` is the signature's type."""
    return hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:4]


def make(origin: str, size: int, root: bytes, key: SigningKey) -> bytes:
    """The signed checkpoint. Ed25519 is deterministic, so the same head always gives the same bytes."""
    check_name(origin)
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return sign_note(text, origin, key)


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """A note with one signature over `text`, which must end in a newline."""
    return f"{text}\n".encode() + signature_line(name, key_id(name, key.public) + key.sign_raw(text.encode()))


def signature_line(name: str, blob: bytes) -> bytes:
    """One signature line; `blob` is key id ‖ signature."""
    return f"{_DASH}{name} {base64.b64encode(blob).decode()}\n".encode()


def text_of(note: bytes) -> str:
    """The text of a note whose form is good, with its last newline. Raises `CheckpointInvalid`; signatures are not
    verified, but their lines must be well formed."""
    text, signatures = _parts(note)
    for each in signatures:
        _signature(each)
    return text


def signers(note: bytes) -> list[tuple[str, bytes]]:
    """(name, key id) of each signature line of a note, in order. Raises `CheckpointInvalid`; nothing is verified."""
    return [(name, blob[:4]) for name, blob in map(_signature, _parts(note)[1])]


def open(note: bytes, origin: str, key: VerifyKey) -> Checkpoint:
    """The head that `key` signed for `origin`.

    Raises `CheckpointInvalid` for any other form, `SignatureInvalid` if the key's signature is missing or
    wrong. Cosignatures of others are ignored, and that the head extends an earlier one is not checked.
    """
    return parse(open_note(note, origin, key), origin)


def parse(text: str, origin: str) -> Checkpoint:
    """The head that a checkpoint's text names. Raises `CheckpointInvalid`; no signature is looked at."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != origin:
        raise CheckpointInvalid(part="lines")
    if not _SIZE.match(lines[1]) or int(lines[1]) >= 1 << 63:
        raise CheckpointInvalid(part="size")
    root = _decoded(lines[2], "root")
    if len(root) != 32:
        raise CheckpointInvalid(part="root")
    return Checkpoint(int(lines[1]), root)


def origin_of(note: bytes) -> str:
    """The log that a note says it is of: its first line. Nothing is verified."""
    try:
        return note.partition(b"\n")[0].decode()
    except UnicodeDecodeError as fault:
        raise CheckpointInvalid(part="encoding") from fault


def open_note(note: bytes, name: str, key: VerifyKey) -> str:
    """The text of a signed note. Lines of other keys or names must be well formed and are ignored."""
    text, signatures = _parts(note)
    known = key_id(name, key)
    found = False
    for line in signatures:
        signer, blob = _signature(line)
        if signer == name and blob[:4] == known:
            key.verify_raw(blob[4:], text.encode())
            found = True
    if not found:
        raise SignatureInvalid(part="missing")
    return text


def only(note: bytes, name: str, keys: Sequence[VerifyKey]) -> bytes:
    """The note with the lines of these keys of `name` alone, each once: what is kept of a note that a stranger sent,
    who may have added lines. Raises `CheckpointInvalid`. Nothing is verified."""
    text, signatures = _parts(note)
    known = {key_id(name, key) for key in keys}
    own = [each for each in dict.fromkeys(signatures) if _is_of(_signature(each), name, known)]
    return "".join(f"{each}\n" for each in (text, *own)).encode()


def _is_of(signature: tuple[str, bytes], name: str, ids: Collection[bytes]) -> bool:
    return signature[0] == name and signature[1][:4] in ids


def _parts(note: bytes) -> tuple[str, list[str]]:
    if len(note) > MOST_BYTES:
        raise CheckpointInvalid(part="length")
    try:
        whole = note.decode()
    except UnicodeDecodeError as fault:
        raise CheckpointInvalid(part="encoding") from fault
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n") or _CONTROL.search(whole):
        raise CheckpointInvalid(part="form")
    signatures = tail[:-1].split("\n")
    if len(signatures) > MOST_SIGNATURES:
        raise CheckpointInvalid(part="signatures")
    return text + "\n", signatures


def _signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise CheckpointInvalid(part="signature")
    check_name(name)
    blob = _decoded(encoded, "signature")
    if len(blob) < 5:
        raise CheckpointInvalid(part="signature")
    return name, blob


def _decoded(text: str, part: str) -> bytes:
    # Re-encoding refuses padding bits that are not zero, which the library lets pass.
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise CheckpointInvalid(part=part) from fault
    if base64.b64encode(data).decode() != text:
        raise CheckpointInvalid(part=part)
    return data
