"""A witness's signature under a checkpoint: c2sp.org/tlog-cosignature, Ed25519 (type 0x04).

It covers a header, the witness's time and the note's text, and is u64 time ‖ signature behind the key id.
"""

from __future__ import annotations

import base64

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import SignatureInvalid
from kakine.wire.checkpoint import key_id as id_of
from kakine.wire.checkpoint import signature_line

_LENGTH = 72
_TYPE = b"\x04"


def cosigned_text(text: str, seconds: int) -> bytes:
    """What a witness signs at `seconds` since 1970 UTC; `text` is the checkpoint's, with its last newline."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosign(text: str, name: str, key: SigningKey, seconds: int) -> bytes:
    """The signature line of the witness `name` over a checkpoint's text, to stand below the note's own lines.

    It says that at `seconds` this was the largest head of the log that the witness had seen, and that it extends all
    those before: to be called only when that is so and on disk.
    """
    signature = key.sign_raw(cosigned_text(text, seconds))
    return signature_line(name, id_of(name, key.public, _TYPE) + seconds.to_bytes(8, "big") + signature)


def cosigned(note: bytes, name: str, key_id: bytes, key: VerifyKey) -> list[int]:
    """When the witness says it saw the head: one time in seconds for each of its lines, none if it has none.

    `note` must have been opened as a checkpoint before, so that its lines are known to be well formed. Raises
    `SignatureInvalid` if a line of this key does not verify. That a time is recent, or past, is not checked.
    """
    text, _, lines = note.decode().rpartition("\n\n")
    found = []
    for line in lines[:-1].split("\n"):
        _, signer, encoded = line.split(" ")
        blob = base64.b64decode(encoded)
        if signer == name and blob[:4] == key_id:
            found.append(_verified(text + "\n", blob[4:], key))
    return found


def _verified(text: str, blob: bytes, key: VerifyKey) -> int:
    seconds = int.from_bytes(blob[:8], "big")
    if len(blob) != _LENGTH or seconds >= 1 << 63:
        raise SignatureInvalid(part="witness")
    try:
        key.verify_raw(blob[8:], cosigned_text(text, seconds))
    except SignatureInvalid as fault:
        raise SignatureInvalid(part="witness") from fault
    return seconds
