"""The outside witnesses of the demonstration country, and the policy that says how many must have signed.

None of them is a party: no gazette names them, and what makes their word count is the published policy alone. They are
synthetic, as the agencies are. Here they run in the country's process, each with its own seed and store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kakine.crypto.signing import SigningKey
from kakine.parties.witness.app import WitnessParty
from kakine.parties.witness.settings import signing_key
from kakine.protocols.witnessing import Logs
from kakine.runtime.database import store_of
from kakine.runtime.heads import find, forks
from kakine.runtime.identity import Clock, Entropy
from kakine.wire import policy
from kakine.wire.policy import WITNESS, vkey


@dataclass(frozen=True)
class Watcher:
    """`name` is used in the policy, `key_name` in notes."""

    name: str
    key_name: str
    ja: str
    en: str


CIVIL = (
    Watcher("citizens-watch", "witness.citizens-watch.example", "市民監視の会", "Citizens' watch"),
    Watcher("consumers", "witness.consumers.example", "全国消費者の会", "National consumers' association"),
    Watcher("university", "witness.university.example", "情報学の大学研究室", "University laboratory"),
)
OVERSIGHT = (
    Watcher("regulator", "witness.regulator.example", "個人情報保護委員会(監視)", "Regulator, as oversight"),
    Watcher("peer", "witness.peer-state.example", "外国の同種機関", "Peer institution abroad"),
)
WATCHERS = (*CIVIL, *OVERSIGHT)


class Watchers:
    """Their keys, made on first use; their stores, opened when they are first asked for and then kept open."""

    def __init__(self, folder: Path, logs: Logs, clock: Clock, entropy: Entropy) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._logs = logs
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {
            each.name: signing_key(folder / f"{each.name}.seed", entropy) for each in WATCHERS
        }
        self.running: dict[str, WitnessParty] = {}

    def vkeys(self) -> dict[str, str]:
        """Verifier keys by the names in the policy."""
        return {each.name: vkey(each.key_name, WITNESS, self._keys[each.name].public) for each in WATCHERS}

    def party(self, name: str) -> WitnessParty:
        """One of them at work. Raises `StoreInUse`."""
        if name not in self.running:
            each = next(watcher for watcher in WATCHERS if watcher.name == name)
            path = store_of(self._folder, name)
            self.running[name] = WitnessParty(each.key_name, self._keys[name], self._logs, path, self._clock)
        return self.running[name]

    def heads(self, origin: str) -> dict[str, bytes]:
        """The last checkpoint of a log that each of them has cosigned, by name; of those that have cosigned any."""
        notes = {name: find(self.party(name).database.read(), origin)[1] for name in self._stores()}
        return {name: note for name, note in notes.items() if note}

    def forks(self, origin: str) -> dict[str, list[bytes]]:
        """What each of them was shown that contradicts a head it had cosigned, by name; of those that were."""
        kept = {name: forks(self.party(name).database.read(), origin) for name in self._stores()}
        return {name: notes for name, notes in kept.items() if notes}

    def _stores(self) -> list[str]:
        return [each.name for each in WATCHERS if store_of(self._folder, each.name).is_file()]

    def close(self) -> None:
        """Close the stores that are open."""
        while self.running:
            self.running.popitem()[1].close()


def country_policy(logs: Sequence[str], converters: Mapping[str, str], watchers: Mapping[str, str]) -> bytes:
    """The text: all converters, two of three civil bodies, one of two that oversee. Arguments are verifier keys."""
    groups: dict[str, tuple[int, Sequence[str]]] = {
        "converters": (len(converters), list(converters)),
        "civil": (2, [each.name for each in CIVIL]),
        "oversight": (1, [each.name for each in OVERSIGHT]),
        "public": (3, ["converters", "civil", "oversight"]),
    }
    return policy.written(list(logs), {**converters, **watchers}, groups)
