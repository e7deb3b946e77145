"""Secrets and their retry counters (spec/card.md section 4).

A try is written off before anything is compared and is given back only by what is right. So a terminal that cuts the
power the moment it sees an answer coming has lost the try all the same.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from kakine.card.profile import Application, Secret
from kakine.card.session import refused
from kakine.card.store import SecretState, Store
from kakine.crypto.hashing import mac
from kakine.wire.apdu import tries_left


def sealed(secret: Secret, data: bytes, entropy: Callable[[int], bytes]) -> SecretState:
    """The stored state of a new secret with all its tries. Its form is not checked here."""
    salt = entropy(16)
    return SecretState(salt, _tag(salt, data), secret.tries, True)


def unusable() -> SecretState:
    """The state of a secret that does not exist on this card."""
    return SecretState(bytes(16), bytes(32), 0, False)


def matches(state: SecretState, data: bytes) -> bool:
    """In constant time, also for another length."""
    return hmac.compare_digest(state.tag, _tag(state.salt, data))


def check(store: Store, application: Application, secret: Secret, data: bytes) -> None:
    """Raise unless `data` is right: 63Cx with the tries left, or the application's word for a blocked secret.

    Every byte string counts as a try, so a form that cannot be right tells nobody anything.
    """
    state = store.secret(application.name, secret.id)
    if not state.usable or state.tries == 0:
        raise refused(int(application.blocked, 16))
    store.set_tries(application.name, secret.id, state.tries - 1)
    if not matches(state, data):
        raise refused(tries_left(state.tries - 1))
    store.set_tries(application.name, secret.id, secret.tries)


def _tag(salt: bytes, data: bytes) -> bytes:
    return mac(salt, "card-secret", data)
