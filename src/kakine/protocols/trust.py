"""What a reader outside believes, made from the law: keys of record keepers, logs and commission, and the policy."""

from __future__ import annotations

import hashlib

from kakine.protocols.gazette import Law
from kakine.protocols.logs import Logs
from kakine.wire.canonical import encode
from kakine.wire.reading import Trust, TrustedCommission, TrustedKeeper, TrustedLog


def trust_of(law: Law, logs: Logs, policy: bytes) -> bytes:
    """The encoded `Trust`. Raises `PartyUnknown` for a ledger that `law` does not know."""
    keepers = tuple(TrustedKeeper(str(name), bytes(law.signing_key(name))) for name in law.keeper_parties)
    listed = tuple(TrustedLog(log.origin, bytes(log.key_in(law)), log.final or b"", log.dead) for log in logs)
    (name,) = law.with_role("commission")
    commission = TrustedCommission(bytes(law.signing_key(name)), bytes(law.seal_key(name)))
    return encode(Trust(keepers, listed, policy, commission))


def fingerprint(trust: bytes) -> str:
    """What people compare: SHA-256 in hex (spec/browser.md section 4)."""
    return hashlib.sha256(trust).hexdigest()
