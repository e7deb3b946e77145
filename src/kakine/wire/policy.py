"""Whom a verifier believes: logs, witnesses and a quorum, as the text of c2sp.org/tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

A vkey is `<key name>+<key id, 8 hex digits>+<base64(type ‖ public key)>`. Logs have type 0x01, witnesses 0x04, both
Ed25519; ML-DSA-44 (0x06) is refused. Narrower than C2SP in one thing: text must be UTF-8.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from kakine.crypto.signing import VerifyKey
from kakine.values.problems import CheckpointInvalid, PolicyMalformed, QuorumMissing, SignatureInvalid
from kakine.wire.checkpoint import check_name
from kakine.wire.proof import unbase64

MOST_BYTES = 1 << 16
NONE = "none"
LOG = 1
WITNESS = 4

_REFUSED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}\Z", re.ASCII)
_SPACE = re.compile(r"[ \t]+")
_SMALL = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
_PRIME = 2**255 - 19


@dataclass(frozen=True, slots=True)
class NamedKey:
    """An Ed25519 key with its name in notes and its key id (4 bytes)."""

    name: str
    id: bytes
    key: VerifyKey


@dataclass(frozen=True)
class Policy:
    """Parsed. `groups` maps a name to (how many, of whom)."""

    logs: list[NamedKey] = field(default_factory=list)
    witnesses: dict[str, NamedKey] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorums: list[str] = field(default_factory=list)

    @property
    def quorum(self) -> str:
        """Name of the witness or group that must have signed, or `none`."""
        return self.quorums[0]

    def check_quorum(self, cosigned: Collection[str]) -> None:
        """Raise `QuorumMissing` unless witnesses of these names are enough."""
        if self.quorum != NONE and not _counts(self.groups, self.quorum, cosigned):
            raise QuorumMissing()


def _counts(groups: Mapping[str, tuple[int, tuple[str, ...]]], name: str, cosigned: Collection[str]) -> bool:
    if name not in groups:
        return name in cosigned
    threshold, members = groups[name]
    return sum(_counts(groups, each, cosigned) for each in members) >= threshold


def vkey(name: str, kind: int, key: VerifyKey) -> str:
    """The text form of a key."""
    return f"{name}+{_key_id(name, kind, key).hex()}+{b64encode(bytes([kind]) + key).decode()}"


def log_key(text: str) -> NamedKey:
    """A log's key from its text form. Raises `PolicyMalformed`."""
    return _key(text, LOG, ())


def witness_key(text: str) -> NamedKey:
    """A witness's key from its text form. Raises `PolicyMalformed`."""
    return _key(text, WITNESS, ())


def written(
    logs: Sequence[str], witnesses: Mapping[str, str], groups: Mapping[str, tuple[int, Sequence[str]]]
) -> bytes:
    """The text of a policy whose quorum is the last of `groups`. Witnesses and groups by name: a vkey with an optional
    URL, and (how many, of whom)."""
    lines = [f"log {log}" for log in logs]
    lines += [f"witness {name} {key}" for name, key in witnesses.items()]
    lines += [f"group {name} {most} {' '.join(members)}" for name, (most, members) in groups.items()]
    return "\n".join([*lines, f"quorum {list(groups)[-1]}", ""]).encode()


def one_log(origin: str, key: VerifyKey) -> bytes:
    """The policy that believes one log and asks for no witness."""
    return of_logs({origin: key})


def of_logs(keys: Mapping[str, VerifyKey]) -> bytes:
    """The policy that believes each of these logs (origin, key) and asks for no witness."""
    lines = [f"log {vkey(origin, LOG, key)}\n" for origin, key in keys.items()]
    return f"{''.join(lines)}quorum {NONE}\n".encode()


def decode(data: bytes) -> Policy:
    """The policy in `data`; `PolicyMalformed`, with the part that is wrong, for any other form.

    That the keys are the right ones is for the reader to know; nothing in the text can show it.
    """
    policy = Policy()
    for line in _lines(data):
        words = [word for word in _SPACE.split(line) if word]
        if words and not words[0].startswith("#"):
            take = _TAKES.get(words[0])
            if take is None:
                raise PolicyMalformed(part="line")
            take(policy, words[1:])
    if len(policy.quorums) != 1:
        raise PolicyMalformed(part="quorum")
    return policy


def _lines(data: bytes) -> list[str]:
    if len(data) > MOST_BYTES:
        raise PolicyMalformed(part="length")
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise PolicyMalformed(part="encoding") from fault
    if _REFUSED.search(text) or not text.endswith("\n"):
        raise PolicyMalformed(part="form")
    return text[:-1].split("\n")


def _log(policy: Policy, words: list[str]) -> None:
    _counted(words, 1, 2)
    policy.logs.append(_key(words[0], LOG, [log.key for log in policy.logs]))


def _witness(policy: Policy, words: list[str]) -> None:
    _counted(words, 2, 3)
    _new(policy, words[0])
    policy.witnesses[words[0]] = _key(words[1], WITNESS, [each.key for each in policy.witnesses.values()])


def _group(policy: Policy, words: list[str]) -> None:
    _counted(words, 3, len(words))
    name, threshold, *members = words
    _new(policy, name)
    taken = {each for _, group in policy.groups.values() for each in group}
    for at, member in enumerate(members):
        if not _defined(policy, member) or member in taken or member in members[:at]:
            raise PolicyMalformed(part="member")
    policy.groups[name] = _threshold(threshold, len(members)), tuple(members)


def _quorum(policy: Policy, words: list[str]) -> None:
    _counted(words, 1, 1)
    if policy.quorums or not (words[0] == NONE or _defined(policy, words[0])):
        raise PolicyMalformed(part="quorum")
    policy.quorums.append(words[0])


_TAKES: dict[str, Callable[[Policy, list[str]], None]] = {
    "log": _log,
    "witness": _witness,
    "group": _group,
    "quorum": _quorum,
}


def _counted(words: list[str], least: int, most: int) -> None:
    if not least <= len(words) <= most:
        raise PolicyMalformed(part="line")


def _defined(policy: Policy, name: str) -> bool:
    return name in policy.witnesses or name in policy.groups


def _new(policy: Policy, name: str) -> None:
    if name == NONE or _defined(policy, name):
        raise PolicyMalformed(part="name")


def _threshold(word: str, members: int) -> int:
    if word in ("all", "any"):
        return members if word == "all" else 1
    if not _THRESHOLD.match(word) or int(word) > members:
        raise PolicyMalformed(part="threshold")
    return int(word)


def _key(text: str, kind: int, taken: Collection[bytes]) -> NamedKey:
    name, _, rest = text.partition("+")
    given, _, encoded = rest.partition("+")
    try:
        check_name(name)
        data = unbase64(encoded)
        key = VerifyKey(data[1:])
        check_point(key)
    except (CheckpointInvalid, SignatureInvalid, ValueError) as fault:
        raise PolicyMalformed(part="key") from fault
    if data[0] != kind or given != _key_id(name, kind, key).hex():
        raise PolicyMalformed(part="key")
    if key in taken:
        raise PolicyMalformed(part="duplicate")
    return NamedKey(name, bytes.fromhex(given), key)


def _key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def check_point(point: bytes) -> None:
    """Raise `SignatureInvalid` for 32 bytes that are a point of small order or not the canonical form of one.

    libsodium refuses such keys and WebCrypto takes them, so both verifiers look first: one file, one verdict.
    """
    unsigned = point[:31] + bytes([point[31] & 0x7F])
    if unsigned in _SMALL or int.from_bytes(unsigned, "little") >= _PRIME:
        raise SignatureInvalid(part="point")
