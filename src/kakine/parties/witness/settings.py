"""What an operator decides about one witness: a TOML file, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from kakine.crypto import files
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.protocols.witnessing import Logs
from kakine.runtime.identity import Entropy
from kakine.values.problems import CheckpointInvalid, PolicyMalformed, SettingsMalformed
from kakine.wire import policy
from kakine.wire.checkpoint import check_name

_SEED = 32


class WitnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` is the key name in notes (a domain of the operator's, without a scheme), `logs` the verifier keys of the
    logs to follow. `database` and `seed` are files; both are made on first start, in folders that must exist.

    Relative paths are taken from the folder of the settings file. Raises `SettingsMalformed`.
    """

    name: str
    logs: Annotated[list[str], Meta(min_length=1)]
    database: Path
    seed: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, lt=1 << 16)] = 8470

    def __post_init__(self) -> None:
        try:
            check_name(self.name)
        except CheckpointInvalid as fault:
            raise SettingsMalformed(field="name") from fault
        self.keys()

    def keys(self) -> Logs:
        """The known keys of each origin."""
        found: dict[str, Sequence[VerifyKey]] = {}
        for text in self.logs:
            try:
                log = policy.log_key(text)
            except PolicyMalformed as fault:
                raise SettingsMalformed(field="logs") from fault
            found[log.name] = (*found.get(log.name, ()), log.key)
        return found


def read(path: Path) -> WitnessSettings:
    """The settings in a file. Raises `SettingsMalformed`, and OSError if it cannot be read."""
    try:
        found = msgspec.toml.decode(
            path.read_bytes(), type=WitnessSettings, dec_hook=lambda kind, it: kind(it)
        )
    except msgspec.DecodeError as fault:
        raise SettingsMalformed(why=str(fault)) from fault
    folder = path.resolve().parent
    for each in (found.database, found.seed):
        if not (folder / each).parent.is_dir():
            raise SettingsMalformed(field="folder of database or seed")
    return msgspec.structs.replace(found, database=folder / found.database, seed=folder / found.seed)


def signing_key(seed: Path, entropy: Entropy) -> SigningKey:
    """The key from its seed file of 32 bytes; made with mode 600 when it is not there. Raises `SettingsMalformed` for
    a file of another length or one that others may read."""
    if not seed.exists():
        files.replace(seed, entropy(_SEED))
    if seed.stat().st_mode & 0o077:
        raise SettingsMalformed(field="seed", why="others may read it")
    data = seed.read_bytes()
    if len(data) != _SEED:
        raise SettingsMalformed(field="seed", why="not 32 bytes")
    return SigningKey(data)
