"""Write vectors/verify/cases.json: files with the verdict they must get, from fixed seeds. What is expected is written
here by hand and not asked of a verifier.

.venv/bin/python vectors/verify/make.py           # write
.venv/bin/python vectors/verify/make.py --check   # exit 1 if the file is old

Each case has `policy`, `receipt` and `record` (base64; record may be null), `good`, the `steps` of the verdict in order
as [name, state, why], and `shown`: what a reader is told, null unless good. Files that are too long stand in the tests
instead, for their size. All people, parties and keys are invented.
"""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.sealing import OpenKey
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.protocols.receipt_files import audit_path
from kakine.wire import checkpoint
from kakine.wire.canonical import encode
from kakine.wire.cosignature import cosigned_text
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.envelope import Envelopes
from kakine.wire.opening import RecordFile
from kakine.wire.policy import LOG, WITNESS, one_log, vkey
from kakine.wire.proof import Proof
from kakine.wire.record import (
    OutcomeCommon,
    OutcomePersonal,
    OutcomeRecord,
    RequestCommon,
    RequestPersonal,
    RequestRecord,
    batch_seeds,
    person_secrets,
)

FILE = Path(__file__).resolve().parent / "cases.json"
ORIGIN = "log.vectors.example/2026/a"
STEPS = (
    "policy",
    "receipt",
    "log",
    "checkpoint",
    "witnesses",
    "entry",
    "inclusion",
    "record",
    "commitment",
    "envelope",
)
MINUTES = 29_500_000
MONTH = 313
TIME_MS = MINUTES * 60_000
ORDER = 2**252 + 27742317777372353535851937790883648493


def seed(name: str) -> bytes:
    """32 bytes that are the same every time."""
    return hashlib.sha256(b"vectors/verify/" + name.encode()).digest()


def text(data: bytes) -> str:
    """Base64."""
    return b64encode(data).decode()


LEDGER, OTHER = SigningKey(seed("ledger")), SigningKey(seed("other ledger"))
WITNESSES = [SigningKey(seed(f"witness {j}")) for j in range(3)]
ROOT = seed("batch root")
DISCLOSED, WITHHELD = batch_seeds(ROOT)
PERSON, KEY = person_secrets(ROOT, 0)


def request_record(seal: int = 0) -> RequestRecord:
    """A record with a value of every kind and length class, withheld until a day or not."""
    common = RequestCommon(
        "vectors/asking",
        "vectors/answering",
        "JO106",
        ("JO106.2",),
        seed("ask"),
        TIME_MS,
        MONTH,
        seal,
        "児童手当係",
        2,
        ("TK-0002", "TK-0003"),
        seed("query"),
    )
    return RequestRecord(
        common,
        RequestPersonal(seed("xid")[:16], "official-7", seed("case"), b""),
        DISCLOSED,
        WITHHELD,
        PERSON,
    )


def outcome_record() -> OutcomeRecord:
    """The outcome of the same."""
    common = OutcomeCommon(seed("request"), "vectors/answering", TIME_MS, MONTH)
    personal = OutcomePersonal(seed("xid")[:16], 3, ("delivered", "TK-0002"), seed("response"))
    return OutcomeRecord(common, personal, DISCLOSED, PERSON)


def envelope(record: RequestRecord | OutcomeRecord) -> bytes:
    """As the asking side seals it."""
    readers = [OpenKey(seed(f"converter {j}")).public for j in range(3)]
    made = Envelopes(ROOT, seed("ask"), MONTH, readers)
    return made.make(0, KEY, record.committed(), encode(record))


REQUEST, OUTCOME = request_record(), outcome_record()
REQUEST_SEAL, OUTCOME_SEAL = envelope(REQUEST), envelope(OUTCOME)
UNTIL = MINUTES // 1440 + 30
SEALED = request_record(UNTIL)
SEALED_SEAL = envelope(SEALED)
SEALED_FILE = RecordFile.of(SEALED, SEALED_SEAL)
REQUEST_FILE = RecordFile.of(REQUEST, REQUEST_SEAL).encode()
OUTCOME_FILE = RecordFile.of(OUTCOME, OUTCOME_SEAL).encode()


def entry(kind: EntryKind, committed: bytes, sealed: bytes, until: int = 0) -> bytes:
    """80 bytes; withheld until a day or not."""
    digest, flags = hashlib.sha256(sealed).digest(), EntryFlags.SEALED if until else EntryFlags(0)
    return Entry(kind, 7, MONTH + 84, flags, MINUTES, committed, digest, until).encode()


def filler(number: int) -> bytes:
    """An entry that no case is about."""
    return entry(EntryKind.GOVERNANCE, seed(f"filler {number}"), b"")


ENTRIES = [filler(j) for j in range(11)]
ENTRIES[3] = entry(EntryKind.REQUEST, REQUEST.committed(), REQUEST_SEAL)
ENTRIES[4] = entry(EntryKind.OUTCOME, OUTCOME.committed(), OUTCOME_SEAL)
ENTRIES[5] = entry(EntryKind.VIEWED, REQUEST.committed(), REQUEST_SEAL)
ENTRIES[6] = entry(EntryKind.VIEWED, OUTCOME.committed(), OUTCOME_SEAL)
ENTRIES[7] = entry(EntryKind.REQUEST, SEALED.committed(), SEALED_SEAL, UNTIL)
ENTRIES[8] = entry(EntryKind.REQUEST, SEALED.committed(), SEALED_SEAL, UNTIL + 1)
ENTRIES[9] = entry(EntryKind.REQUEST, SEALED.committed(), SEALED_SEAL)


def tree(count: int) -> Tree:
    """The first entries as a tree."""
    grown = Tree()
    grown.append([leaf_hash(each) for each in ENTRIES[:count]])
    return grown


def note_text(size: str, root: str, origin: str = ORIGIN, tail: str = "") -> str:
    """The text of a checkpoint, right or wrong."""
    return f"{origin}\n{size}\n{root}\n{tail}"


def note(signed: str, key: SigningKey = LEDGER, origin: str = ORIGIN) -> bytes:
    """A note with this text under this key."""
    return checkpoint.sign_note(signed, origin, key)


def proof(index: int = 3, size: int = 11) -> Proof:
    """A right receipt."""
    grown = tree(size)
    path = audit_path(index, size, grown.range_proof(index, 1))
    return Proof(ENTRIES[index], index, path, checkpoint.make(ORIGIN, size, grown.root(), LEDGER))


GOOD = proof()
ROOT_TEXT = text(tree(11).root())
POLICY = one_log(ORIGIN, LEDGER.public)


def cosignature(j: int, body: str, seconds: int = 1_770_000_000, key: SigningKey | None = None) -> bytes:
    """The line of witness j."""
    name, public = f"witness.example/{j}", WITNESSES[j].public
    signed = (key or WITNESSES[j]).sign_raw(cosigned_text(body, seconds))
    blob = key_id(name, WITNESS, public) + seconds.to_bytes(8, "big") + signed
    return f"— {name} {text(blob)}\n".encode()


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """4 bytes."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def witnessed(quorum: str) -> bytes:
    """A policy with three witnesses in two groups."""
    lines = [f"log {vkey(ORIGIN, LOG, LEDGER.public)}"]
    lines += [f"witness w{j} {vkey(f'witness.example/{j}', WITNESS, WITNESSES[j].public)}" for j in range(3)]
    return "\n".join(
        [*lines, "group pair any w1 w2", "group both 2 w0 pair", f"quorum {quorum}", ""]
    ).encode()


@dataclass(frozen=True)
class Case:
    """Files and the step at which they must fail; `step` is empty for those that must pass."""

    name: str
    receipt: bytes = field(default_factory=GOOD.encode)
    record: bytes | None = None
    policy: bytes = POLICY
    step: str = ""
    why: str = ""
    absent: tuple[str, ...] = ()
    shown: dict[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As it is written."""
        told = {**SHOWN, **self.shown}
        return {
            "name": self.name,
            "policy": text(self.policy),
            "receipt": text(self.receipt),
            "record": None if self.record is None else text(self.record),
            "good": not self.step,
            "steps": [[step, *self._state(step)] for step in STEPS],
            "shown": None if self.step else told,
        }

    def _state(self, step: str) -> tuple[str, str]:
        if step == self.step:
            return "failed", self.why
        if self.step and STEPS.index(step) > STEPS.index(self.step):
            return "open", ""
        absent = set(self.absent) | (set() if b"quorum none" not in self.policy else {"witnesses"})
        absent |= {"record", "commitment", "envelope"} if self.record is None else set()
        return ("absent" if step in absent else "held"), ""


SHOWN: dict[str, Any] = {
    "key": vkey(ORIGIN, LOG, LEDGER.public),
    "index": "3",
    "size": "11",
    "kind": "request",
    "minutes": MINUTES,
    "witnesses": [],
    "fields": [],
}
REQUEST_FIELDS = [
    ["xid", seed("xid")[:16].hex()],
    ["official", "official-7"],
    ["case", seed("case").hex()],
    ["parent", ""],
    ["requester", "vectors/asking"],
    ["recipient", "vectors/answering"],
    ["ground", "JO106"],
    ["rows", ["JO106.2"]],
    ["ask", seed("ask").hex()],
    ["time_ms", TIME_MS],
    ["month", MONTH],
    ["seal", 0],
    ["unit", "児童手当係"],
    ["channel", 2],
    ["items", ["TK-0002", "TK-0003"]],
    ["query", seed("query").hex()],
]
OUTCOME_FIELDS = [
    ["xid", seed("xid")[:16].hex()],
    ["index", 3],
    ["result", ["delivered", "TK-0002"]],
    ["response", seed("response").hex()],
    ["request", seed("request").hex()],
    ["provider", "vectors/answering"],
    ["time_ms", TIME_MS],
    ["month", MONTH],
]


SEALED_FIELDS = [[name, UNTIL if name == "seal" else value] for name, value in REQUEST_FIELDS]


def hidden_fields(*names: str, of: list[list[Any]] = REQUEST_FIELDS) -> list[list[Any]]:
    """The request's fields with some blacked out."""
    return [[name, None if name in names else value] for name, value in of]


def good() -> Iterator[Case]:
    """What must verify."""
    body = note_text("11", ROOT_TEXT)
    yield Case("a request's receipt alone")
    yield Case(
        "a request with its record and envelope", record=REQUEST_FILE, shown={"fields": REQUEST_FIELDS}
    )
    yield Case(
        "a request with its record, without the envelope",
        record=RecordFile.of(REQUEST).encode(),
        absent=("envelope",),
        shown={"fields": REQUEST_FIELDS},
    )
    yield Case(
        "a request with fields blacked out",
        record=RecordFile.of(REQUEST, REQUEST_SEAL).blacked_out("official", "case", "unit").encode(),
        shown={"fields": hidden_fields("official", "case", "unit")},
    )
    yield Case(
        "an outcome with its record",
        proof(4).encode(),
        OUTCOME_FILE,
        shown={"index": "4", "kind": "outcome", "fields": OUTCOME_FIELDS},
    )
    yield Case(
        "a view with its record, which is a request's",
        proof(5).encode(),
        REQUEST_FILE,
        shown={"index": "5", "kind": "viewed", "fields": REQUEST_FIELDS},
    )
    yield Case(
        "a request that was withheld until a day, with its record",
        proof(7).encode(),
        SEALED_FILE.encode(),
        shown={"index": "7", "fields": SEALED_FIELDS},
    )
    yield Case(
        "the same with the day blacked out, under an entry of another day",
        proof(8).encode(),
        SEALED_FILE.blacked_out("seal").encode(),
        shown={"index": "8", "fields": hidden_fields("seal", of=SEALED_FIELDS)},
    )
    yield Case(
        "the only entry of a log",
        proof(0, 1).encode(),
        shown={"index": "0", "size": "1", "kind": "governance"},
    )
    yield Case(
        "the last entry of an odd tree", proof(10).encode(), shown={"index": "10", "kind": "governance"}
    )
    yield Case("entry 3 of the smallest tree that has it", proof(3, 4).encode(), shown={"size": "4"})
    signed = replace(GOOD, note=GOOD.note + cosignature(0, body) + cosignature(2, body))
    yield Case(
        "the quorum is met", signed.encode(), policy=witnessed("both"), shown={"witnesses": ["w0", "w2"]}
    )
    twice = replace(
        GOOD, note=GOOD.note + cosignature(0, body, 1) + cosignature(0, body) + cosignature(1, body)
    )
    yield Case(
        "a witness who has signed twice is told of once",
        twice.encode(),
        policy=witnessed("both"),
        shown={"witnesses": ["w0", "w1"]},
    )
    yield Case("witnesses who have not signed are no fault", policy=witnessed("none"))
    unknown = replace(GOOD, note=GOOD.note + "— someone.example/x AAAAAAA=\n".encode())
    yield Case("a well-formed line of an unknown key is ignored", unknown.encode())
    roomy = f"# 注釈\n\n \tlog\t{vkey(ORIGIN, LOG, LEDGER.public)}  https://log.vectors.example/ \n"
    roomy += f"log {vkey('other.example', LOG, OTHER.public)}\n quorum none\t\n"
    yield Case("a policy with comments, tabs, an address and another log", policy=roomy.encode())
    yield Case("a log with two keys has signed with the second", policy=_only_log(OTHER) + POLICY)


def _only_log(key: SigningKey) -> bytes:
    """The line of the log with another key."""
    return f"log {vkey(ORIGIN, LOG, key.public)}\n".encode()


def bad_policies() -> Iterator[Case]:
    """What must not be believed as a policy."""
    own = vkey(ORIGIN, LOG, LEDGER.public)

    def of(name: str, part: str, policy: str | bytes) -> Case:
        data = policy if isinstance(policy, bytes) else policy.encode()
        return Case(f"policy: {name}", policy=data, step="policy", why=f"policy-malformed/{part}")

    witness = vkey("witness.example/0", WITNESS, WITNESSES[0].public)
    wide, next_line = (vkey(f"a{space}b", LOG, LEDGER.public) for space in ("\u3000", "\u0085"))
    low = VerifyKey(b"\x01" + bytes(31))
    high = VerifyKey((2**255 - 18).to_bytes(32, "little"))
    yield of("empty", "form", b"")
    yield of("no quorum", "quorum", f"log {own}\n")
    yield of("two quorums", "quorum", f"log {own}\nquorum none\nquorum none\n")
    yield of("the quorum names nobody", "quorum", f"log {own}\nquorum w0\n")
    yield of("no last newline", "form", f"log {own}\nquorum none")
    yield of("carriage returns", "form", f"log {own}\r\nquorum none\r\n")
    yield of("an unknown keyword", "line", f"logs {own}\nquorum none\n")
    yield of("a keyword that JavaScript objects have", "line", f"constructor {own}\nquorum none\n")
    yield of("a log line with too many words", "line", f"log {own} x y\nquorum none\n")
    yield of("not UTF-8", "encoding", f"log {own}\nquorum none\n".encode() + b"# \xff\n")
    yield of("another key id", "key", f"log {own.replace('+', '+0', 1)}\nquorum none\n")
    yield of("a witness's key as a log", "key", f"log {witness}\nquorum none\n")
    yield of("a log's key as a witness", "key", f"witness w0 {own}\nquorum none\n")
    yield of("a key of small order", "key", f"log {vkey(ORIGIN, LOG, low)}\nquorum none\n")
    yield of("a key not in canonical form", "key", f"log {vkey(ORIGIN, LOG, high)}\nquorum none\n")
    yield of("a key with a letter missing", "key", f"log {own[:-1]}\nquorum none\n")
    yield of("a name with a wide space", "key", f"log {wide}\nquorum none\n")
    yield of(
        "a name with the next-line character",
        "key",
        f"log {next_line}\nquorum none\n",
    )
    yield of(
        "the same log twice", "duplicate", f"log {own}\nlog {vkey('b', LOG, LEDGER.public)}\nquorum none\n"
    )
    yield of("a witness called none", "name", f"witness none {witness}\nquorum none\n")
    yield of("a member that is not defined yet", "member", "group g any w0\nquorum none\n")
    yield of("a member twice", "member", f"witness w0 {witness}\ngroup g all w0 w0\nquorum g\n")
    yield of(
        "a member of two groups",
        "member",
        f"witness w0 {witness}\ngroup g all w0\ngroup h all w0\nquorum g\n",
    )
    yield of("a threshold of zero", "threshold", f"witness w0 {witness}\ngroup g 0 w0\nquorum g\n")
    yield of("a threshold above the members", "threshold", f"witness w0 {witness}\ngroup g 2 w0\nquorum g\n")


def bad_receipts() -> Iterator[Case]:
    """What is not a receipt file."""
    lines = GOOD.encode().split(b"\n")

    def of(name: str, part: str, data: bytes) -> Case:
        return Case(f"receipt: {name}", data, step="receipt", why=f"receipt-malformed/{part}")

    def line(at: int, new: bytes) -> bytes:
        return b"\n".join([*lines[:at], new, *lines[at + 1 :]])

    yield of("empty", "form", b"")
    yield of("another version", "header", line(0, b"c2sp.org/tlog-proof@v2"))
    yield of("a space behind the header", "header", line(0, lines[0] + b" "))
    yield of("a byte order mark", "header", b"\xef\xbb\xbf" + GOOD.encode())
    yield of("carriage returns", "form", GOOD.encode().replace(b"\n", b"\r\n"))
    yield of("no entry", "extra", b"\n".join([lines[0], *lines[2:]]))
    yield of("two entries", "index", b"\n".join([*lines[:2], *lines[1:]]))
    yield of("entry with padding bits set", "extra", line(1, _padded(lines[1])))
    yield of("entry with a space in its base64", "extra", line(1, lines[1][:20] + b" " + lines[1][20:]))
    yield of("index with a leading zero", "index", line(2, b"index 03"))
    yield of("index with a sign", "index", line(2, b"index +3"))
    yield of("index in wide digits", "index", line(2, "index ３".encode()))
    yield of("index above 63 bits", "index", line(2, b"index 9223372036854775808"))
    yield of("a hash with padding bits set", "hash", line(3, _padded(lines[3])))
    yield of("a hash without padding", "hash", line(3, lines[3].rstrip(b"=")))
    yield of("a hash in the alphabet of addresses", "hash", line(3, b"-_" * 21 + b"A="))
    yield of("a hash of 31 bytes", "hash", line(3, text(bytes(31)).encode()))
    yield of("not UTF-8", "encoding", GOOD.encode() + b"\xff")
    yield of("a surrogate in UTF-8", "encoding", GOOD.encode() + b"\xed\xa0\x80")


def _padded(line: bytes) -> bytes:
    """The last letter before the padding one further: the same bytes for a careless decoder."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = line.rstrip(b"=")
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1 :][:1] + line[len(body) :]


def bad_checkpoints() -> Iterator[Case]:
    """Heads that the log has not signed, or that are no heads."""

    def of(name: str, why: str, made: bytes, step: str = "checkpoint", policy: bytes = POLICY) -> Case:
        return Case(
            f"checkpoint: {name}", replace(GOOD, note=made).encode(), policy=policy, step=step, why=why
        )

    body, plain = note_text("11", ROOT_TEXT), GOOD.note
    tail = plain[plain.rindex(b"\n\n") + 2 :]
    blob = checkpoint.key_id(ORIGIN, LEDGER.public)
    dash = "— ".encode()
    yield of(
        "of another log",
        "log-not-in-policy",
        note(body.replace(ORIGIN, "x.example"), origin="x.example"),
        "log",
    )
    yield of("nothing", "log-not-in-policy", b"", "log")
    yield of("signed by another key", "signature-invalid/missing", note(body, OTHER))
    yield of(
        "another key's signature under the right key id",
        "signature-invalid",
        body.encode() + b"\n" + dash + f"{ORIGIN} {text(blob + OTHER.sign_raw(body.encode()))}\n".encode(),
    )
    yield of("size changed", "signature-invalid", plain.replace(b"\n11\n", b"\n12\n"))
    yield of("size with a leading zero", "checkpoint-invalid/size", note(note_text("011", ROOT_TEXT)))
    yield of(
        "size above 63 bits", "checkpoint-invalid/size", note(note_text("9223372036854775808", ROOT_TEXT))
    )
    yield of("root of 31 bytes", "checkpoint-invalid/root", note(note_text("11", text(bytes(31)))))
    yield of(
        "root with padding bits set",
        "checkpoint-invalid/root",
        note(note_text("11", _padded(ROOT_TEXT.encode()).decode())),
    )
    yield of("an extension line", "checkpoint-invalid/lines", note(note_text("11", ROOT_TEXT, tail="more\n")))
    yield of("a tab in the text", "checkpoint-invalid/form", note(note_text("11", ROOT_TEXT, tail="\tx\n")))
    yield of("no last newline", "checkpoint-invalid/form", plain[:-1])
    yield of("no signatures", "checkpoint-invalid/form", body.encode() + b"\n")
    yield of("17 signatures", "checkpoint-invalid/signatures", plain + tail * 16)
    yield of("a hyphen for the dash", "checkpoint-invalid/signature", plain.replace(dash, b"- "))
    yield of("a name with a plus", "checkpoint-invalid/name", plain + dash + b"a+b AAAAAAA=\n")
    yield of(
        "a name with a no-break space",
        "checkpoint-invalid/name",
        plain + dash + "a\u00a0b AAAAAAA=\n".encode(),
    )
    yield of("a signature of four bytes", "checkpoint-invalid/signature", plain + dash + b"a AAAAAA==\n")
    for order, policy in (("first", POLICY + _only_log(OTHER)), ("last", _only_log(OTHER) + POLICY)):
        forged = plain + forged_line(body)
        yield of(
            f"a right and a forged signature of a log with two keys, the right one {order}",
            "signature-invalid",
            forged,
            policy=policy,
        )
    yield of("a wrong signature before a malformed line", "signature-invalid", _flipped(plain) + b"x\n")
    yield of(
        "a malformed line before a wrong signature",
        "checkpoint-invalid/signature",
        _inserted(_flipped(plain)),
    )
    yield of("a scalar of the signature not reduced", "signature-invalid", _unreduced(plain))
    yield of("a signature with R of small order", "signature-invalid", _small_r(body))
    yield of(
        "a signature of 63 bytes",
        "signature-invalid",
        body.encode() + b"\n" + dash + f"{ORIGIN} {text(blob + bytes(63))}\n".encode(),
    )


def forged_line(body: str) -> bytes:
    """A line under the name and id of the other key that it has not signed."""
    blob = checkpoint.key_id(ORIGIN, OTHER.public) + LEDGER.sign_raw(body.encode())
    return f"— {ORIGIN} {text(blob)}\n".encode()


def _flipped(made: bytes) -> bytes:
    """A checkpoint whose size is not the signed one."""
    return made.replace(b"\n11\n", b"\n12\n")


def _inserted(made: bytes) -> bytes:
    at = made.rindex(b"\n\n") + 2
    return made[:at] + b"x\n" + made[at:]


def _resigned(made: bytes, change: Callable[[bytes], bytes]) -> bytes:
    head, _, line = made.rpartition(b" ")
    blob = b64decode(line)
    return head + b" " + text(blob[:4] + change(blob[4:])).encode() + b"\n"


def _unreduced(made: bytes) -> bytes:
    """S + L: the same equation, another encoding."""
    return _resigned(
        made, lambda s: s[:32] + (int.from_bytes(s[32:], "little") + ORDER).to_bytes(32, "little")
    )


def _small_r(body: str) -> bytes:
    """What only the log's own key can make: R is the identity, S = k·a, and the equation of RFC 8032 holds."""
    half = bytearray(hashlib.sha512(seed("ledger")).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    r = b"\x01" + bytes(31)
    k = hashlib.sha512(r + LEDGER.public + body.encode()).digest()
    s = int.from_bytes(k, "little") * int.from_bytes(half, "little") % ORDER
    return _resigned(note(body), lambda _: r + s.to_bytes(32, "little"))


def bad_quorums() -> Iterator[Case]:
    """Too few witnesses, or witnesses who have not signed what is shown."""
    body = note_text("11", ROOT_TEXT)
    stale = note_text("11", text(seed("another root")))

    def of(name: str, why: str, lines: bytes, quorum: str = "both") -> Case:
        data = replace(GOOD, note=GOOD.note + lines).encode()
        return Case(f"witnesses: {name}", data, policy=witnessed(quorum), step="witnesses", why=why)

    wrong = "signature-invalid/witness"
    yield of("none of those that are needed", "quorum-missing", b"")
    yield of("one short", "quorum-missing", cosignature(0, body))
    yield of("two of the same group", "quorum-missing", cosignature(1, body) + cosignature(2, body))
    yield of("the same one twice", "quorum-missing", cosignature(0, body) * 2)
    yield of("a signature over another root", wrong, cosignature(0, body) + cosignature(1, stale))
    yield of("another key's signature", wrong, cosignature(0, body) + cosignature(1, body, key=WITNESSES[2]))
    yield of("a wrong signature where none is needed", wrong, cosignature(0, stale), "none")
    yield of("a time above 63 bits", wrong, cosignature(0, body, 1 << 63), "w0")


def bad_inclusions() -> Iterator[Case]:
    """Receipts of things that are not in the log where they say."""

    def of(name: str, part: str, **changed: Any) -> Case:
        return Case(
            f"inclusion: {name}",
            replace(GOOD, **changed).encode(),
            step="inclusion",
            why=f"inclusion-invalid/{part}",
        )

    path = list(GOOD.path)
    yield of("index outside the log", "range", index=11)
    yield of("index far outside the log", "range", index=(1 << 63) - 1)
    yield of("another index", "root", index=2)
    yield of("a hash missing at the top", "too short", path=path[:-1])
    yield of("no hashes", "too short", path=())
    yield of("a hash too many", "too long", path=[*path, bytes(32)])
    yield of("two hashes in the other order", "root", path=[path[1], path[0], *path[2:]])
    yield of("a hash changed", "root", path=[*path[:-1], bytes(32)])
    yield of("an entry of another place", "root", entry=ENTRIES[4])
    yield of("an entry of another time", "root", entry=ENTRIES[3][:11] + b"\0" + ENTRIES[3][12:])


def bad_entries() -> Iterator[Case]:
    """What is not an entry."""
    right = ENTRIES[3]

    def of(name: str, data: bytes) -> Case:
        return Case(f"entry: {name}", replace(GOOD, entry=data).encode(), step="entry", why="not-canonical")

    yield of("empty", b"")
    yield of("a byte short", right[:-1])
    yield of("a byte too long", right + b"\0")
    yield of("an inner node's input in its place", b"\1" + tree(2).root() + tree(1).root() + bytes(15))
    yield of("another version", b"\2" + right[1:])
    yield of("kind 0", right[:1] + b"\0" + right[2:])
    yield of("kind 11", right[:1] + b"\x0b" + right[2:])
    yield of("an unknown flag", right[:7] + b"\x10" + right[8:])
    yield of("a day without the flag of a seal", right[:15] + b"\1" + right[16:])
    yield of("a day beyond all, without the flag of a seal", right[:12] + b"\xff\xff\xff\xff" + right[16:])
    sealed = ENTRIES[7]
    yield of("the flag of a seal without a day", sealed[:12] + bytes(4) + sealed[16:])
    yield of("a seal without its flag", sealed[:7] + b"\0" + sealed[8:])
    yield of("a seal with another flag in place of its own", sealed[:7] + b"\2" + sealed[8:])
    for kind in sorted(set(EntryKind) - {EntryKind.REQUEST, EntryKind.OUTCOME}):
        yield of(f"a sealed entry of kind {kind}", sealed[:1] + bytes([kind]) + sealed[2:])


def bad_seals() -> Iterator[Case]:
    """Records that say of the seal what their entry does not."""
    for index, name in ((8, "another day"), (9, "none")):
        yield Case(
            f"record: a seal, and {name} in the entry",
            proof(index).encode(),
            SEALED_FILE.encode(),
            step="commitment",
            why="opening-mismatch/seal",
        )


def bad_records() -> Iterator[Case]:
    """Records that do not fit the entry, or have another form."""
    bare = RecordFile.of(REQUEST).encode()
    whole = json.loads(bare)

    def of(name: str, step: str, why: str, data: Any) -> Case:
        made = data if isinstance(data, bytes) else (json.dumps(data, indent=2) + "\n").encode()
        return Case(f"record: {name}", record=made, step=step, why=why)

    def form(name: str, data: Any) -> Case:
        return of(name, "record", "record-file-malformed", data)

    def with_field(at: int, **changed: Any) -> dict[str, Any]:
        fields = [dict(each) for each in whole["fields"]]
        fields[at] = {name: value for name, value in {**fields[at], **changed}.items() if value is not None}
        return {**whole, "fields": fields}

    def with_value(data: bytes, at: int = 1) -> dict[str, Any]:
        return with_field(at, value=text(data))

    mismatch = "opening-mismatch/commitment"
    yield of("another salt", "commitment", mismatch, with_field(1, salt=text(bytes(32))))
    yield of("another value", "commitment", mismatch, with_value(b"\xaaofficial-8"))
    yield of(
        "another commitment for a blacked-out field",
        "commitment",
        mismatch,
        with_field(1, salt=None, value=None, hidden=text(bytes(32))),
    )
    yield of(
        "two fields exchanged",
        "commitment",
        mismatch,
        {**whole, "fields": [whole["fields"][j] for j in (0, 2, 1, *range(3, 16))]},
    )
    yield of("the record of the outcome", "commitment", "opening-mismatch/kind", OUTCOME_FILE)
    yield Case(
        "record: of an outcome under a view",
        proof(6).encode(),
        OUTCOME_FILE,
        step="commitment",
        why="opening-mismatch/kind",
    )
    yield of(
        "the envelope of the outcome",
        "envelope",
        "opening-mismatch/envelope",
        RecordFile.of(REQUEST, OUTCOME_SEAL).encode(),
    )
    yield of(
        "an envelope with a changed byte",
        "envelope",
        "opening-mismatch/envelope",
        RecordFile.of(REQUEST, REQUEST_SEAL[:-1] + b"\0").encode(),
    )
    yield form("empty", b"")
    yield form("null", b"null\n")
    yield form("not JSON", b"{\n")
    yield form("another indent", json.dumps(whole).encode())
    yield form("no last newline", bare[:-1])
    yield form("a byte order mark", b"\xef\xbb\xbf" + bare)
    yield form("a member twice", bare.replace(b'  "kind": "request",\n', b'  "kind": "request",\n' * 2))
    yield form("a member too many", {**whole, "more": "x"})
    yield form("members in another order", {name: whole[name] for name in ("kind", "format", "fields")})
    yield form("another format", {**whole, "format": "kakine-record/v2"})
    yield form("an unknown kind", {**whole, "kind": "viewed"})
    yield form("a kind that JavaScript objects have", {**whole, "kind": "constructor"})
    yield form("a kind in an array", {**whole, "kind": ["request"]})
    yield form("fields that are no array", {**whole, "fields": {"length": 16}})
    yield form("a field missing", {**whole, "fields": whole["fields"][:-1]})
    yield form("a field that is a text", {**whole, "fields": ["x", *whole["fields"][1:]]})
    yield form("a field both shown and hidden", with_field(1, hidden=text(bytes(32))))
    yield form("a field neither shown nor hidden", with_field(1, salt=None, value=None))
    yield form("a salt that is a number", with_field(1, salt=1))
    yield form("a salt of 31 bytes", with_field(1, salt=text(bytes(31))))
    yield form("a commitment of 33 bytes", with_field(1, salt=None, value=None, hidden=text(bytes(33))))
    yield form(
        "a salt with padding bits set",
        with_field(1, salt=_padded(whole["fields"][1]["salt"].encode()).decode()),
    )
    yield form("an empty envelope", {**whole, "envelope": ""})
    yield form("an envelope that is not base64", {**whole, "envelope": "?"})
    yield form("an escape where none is needed", bare.replace(b'"request"', b'"\\u0072equest"'))
    values = {
        "nothing": b"",
        "nil": b"\xc0",
        "a truth value": b"\xc3",
        "a fraction": b"\xcb" + bytes(8),
        "a negative number": b"\xff",
        "a map": b"\x80",
        "an extension": b"\xd4\x01\x00",
        "a number in more bytes than it needs": b"\xcc\x7f",
        "a number of 2^53": b"\xcf\x00\x20" + bytes(6),
        "a number cut off": b"\xcd\x01",
        "a text in more bytes than it needs": b"\xd9\x01a",
        "a text cut off": b"\xa2a",
        "a text that is not UTF-8": b"\xa1\xff",
        "bytes in more bytes than they need": b"\xc5\x00\x01a",
        "something behind the value": b"\xa1ab",
        "an array of numbers": b"\x91\x01",
        "an array in an array": b"\x91\x90",
        "an array cut off": b"\x92\xa1a",
        "an array in more bytes than it needs": b"\xdc\x00\x01\xa1a",
        "arrays without end": b"\x91" * 2000,
    }
    for name, data in values.items():
        yield form(f"a value that is {name}", with_value(data))


def cases() -> list[Case]:
    """All of them."""
    groups = (
        good,
        bad_policies,
        bad_receipts,
        bad_checkpoints,
        bad_quorums,
        bad_entries,
        bad_inclusions,
        bad_seals,
        bad_records,
    )
    return [case for group in groups for case in group()]


def written() -> str:
    """The file."""
    return (
        json.dumps(
            {"steps": STEPS, "cases": [case.as_data() for case in cases()]}, indent=1, ensure_ascii=False
        )
        + "\n"
    )


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. The exit code."""
    made = written()
    if "--check" in arguments:
        return int(not FILE.is_file() or FILE.read_text("utf-8") != made)
    FILE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
