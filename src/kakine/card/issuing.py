"""How a card comes into being: blank, personalised with keys that it makes itself, active with their certificates.

Whoever issues certificates gets requests (PKCS#10) that the new keys have signed, and never a private key. A key that
needs a secret is made only if the holder has chosen that secret: a card without PIN has nothing to log in with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kakine.card import printed, secrets
from kakine.card.printed import Holder
from kakine.card.profile import Application, FileKind, Key, Profile, Secret
from kakine.card.store import METADATA, Life, SecretState, Store
from kakine.card.works import Works
from kakine.crypto.chipkeys import ChipKey, certified_key, check_issued
from kakine.runtime.sqlite import alone
from kakine.values.problems import (
    CardCertificateUnfit,
    CardDataMalformed,
    CardExists,
    CardSecretUnknown,
    CardStateUnfit,
)
from kakine.wire.tlv import tlv

Keys = dict[tuple[str, str], ChipKey]


def make_blank(path: Path, kind: Profile) -> None:
    """A blank card in a new file. Raises `CardExists`."""
    if path.exists():
        raise CardExists()
    with alone(path, METADATA) as connection:
        Store(connection).begin(kind.name)


def check_chosen(kind: Profile, chosen: Mapping[str, str]) -> None:
    """Raise `CardSecretUnknown` or `CardSecretMalformed` unless these can be the secrets of a card."""
    known = {secret.name: secret for _, secret in kind.holders_secrets()}
    if set(chosen) - set(known):
        raise CardSecretUnknown()
    for name, text in chosen.items():
        known[name].bytes_of(text)


def personalise(
    store: Store,
    kind: Profile,
    chosen: Mapping[str, str],
    counter_key: bytes,
    entropy: Callable[[int], bytes],
    holder: Holder | None = None,
    works: Works | None = None,
) -> dict[str, bytes]:
    """Make the keys, set the secrets, write the files, in one commit. Requests (DER) by name of the key.

    `chosen`: secrets by name; one that is left out does not exist on this card, nor the keys it would open. `holder`
    and `works` are for profiles that hold what is printed. Raises `CardStateUnfit` unless blank, `CardSecretUnknown`,
    `CardSecretMalformed`, `CardDataMalformed`.
    """
    _require(store, Life.BLANK)
    if len(counter_key) != 32 or (kind.key_id and (holder is None or works is None)):
        raise CardDataMalformed(part="personalisation")
    states = _secrets(kind, chosen, printed.printed_secrets(holder) if holder else {}, entropy)
    keys: Keys = {(a.name, k.name): ChipKey.generate(k.kind) for a, k in _wanted(kind, chosen)}
    with store.together():
        store.set_counter_key(counter_key)
        for (application, name), state in states.items():
            store.set_secret(application, name, state)
        for a, key in _wanted(kind, chosen):
            store.put_key(a.name, key.id, keys[a.name, key.name].stored())
        if holder is not None and works is not None and kind.key_id:
            _write_files(store, kind, printed.contents(holder, works, keys, _serial(kind, entropy)))
        asked = any(key.certificate for _, key in _wanted(kind, chosen))
        store.set_life(Life.PERSONALISED if asked else Life.ACTIVE)
    return requests(store, kind)


def requests(store: Store, kind: Profile) -> dict[str, bytes]:
    """Requests (PKCS#10, DER) of the keys that have, or want, a certificate, by name of the key; as often as wanted,
    for a renewal or because the first ones were lost. Raises `CardStateUnfit`."""
    _require(store, Life.PERSONALISED, Life.ACTIVE)
    return {
        name: ChipKey.restored(private).request(f"card {name}")
        for name, (_, _, private) in _certifiable(store, kind).items()
    }


def certify(store: Store, kind: Profile, certificates: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Write certificates (DER, each with its issuer's) by name of the key; when none is missing the card is active.

    Raises `CardCertificateUnfit` if one is not for this card's key, was not signed by the issuer's, or has a size that
    readers cannot take; then nothing is written. Not checked: dates, names and purposes.
    """
    _require(store, Life.PERSONALISED, Life.ACTIVE)
    wanted = _certifiable(store, kind)
    if set(certificates) - set(wanted):
        raise CardCertificateUnfit(part="key")
    with store.together():
        for name, (certificate, issuer) in certificates.items():
            _write_certificate(store, *wanted[name], certificate, issuer)
        if all(store.content(a.name, key.certificate) for a, key, _ in wanted.values()):
            store.set_life(Life.ACTIVE)


def _certifiable(store: Store, kind: Profile) -> dict[str, tuple[Application, Key, bytes]]:
    """(application, key, PKCS#8) of each key of this card for which there is a place for a certificate."""
    rows = [(a, key, store.key(a.name, key.id)) for a, key in kind.key_rows() if key.certificate]
    return {key.name: (a, key, private) for a, key, private in rows if private is not None}


def _require(store: Store, *lives: Life) -> None:
    life = store.card()[1]
    if life not in lives:
        raise CardStateUnfit(life=life)


def _wanted(kind: Profile, chosen: Mapping[str, str]) -> list[tuple[Application, Key]]:
    return [(a, key) for a, key in kind.key_rows() if not key.use or set(key.use) & set(chosen)]


def _secrets(
    kind: Profile, chosen: Mapping[str, str], on_face: Mapping[str, str], entropy: Callable[[int], bytes]
) -> dict[tuple[str, str], SecretState]:
    check_chosen(kind, chosen)
    states = {}
    for application, secret in kind.secret_rows():
        text = on_face.get(secret.name) if secret.printed else chosen.get(secret.same_as or secret.name)
        states[application.name, secret.id] = _state(secret, text, entropy)
    return states


def _state(secret: Secret, text: str | None, entropy: Callable[[int], bytes]) -> SecretState:
    return secrets.unusable() if text is None else secrets.sealed(secret, secret.bytes_of(text), entropy)


def _serial(kind: Profile, entropy: Callable[[int], bytes]) -> str:
    return kind.key_id + f"{int.from_bytes(entropy(16), 'big') % 10**14:014d}"


def _write_files(store: Store, kind: Profile, made: Mapping[tuple[str, str], bytes]) -> None:
    applications = {application.name: application for application in kind.application}
    for (application, name), content in made.items():
        store.put_content(application, applications[application].named_file(name).id, content)


def _write_certificate(
    store: Store, application: Application, key: Key, private: bytes, certificate: bytes, issuer: bytes
) -> None:
    if certified_key(certificate) != ChipKey.restored(private).public():
        raise CardCertificateUnfit(part="key")
    check_issued(certificate, issuer)
    for name, data in ((key.certificate, certificate), (key.issuer, issuer)):
        if not name:
            continue
        # Readers learn the length from the first four bytes, `30 82 hh ll`: a shorter certificate they cannot read.
        if not 256 <= len(data) - 4 <= 0x7FFF:
            raise CardCertificateUnfit(part="size")
        row = next(each for each in application.file if each.id == name)
        wrapped = tlv(0x53, tlv(0x70, data), tlv(0x71, b"\0"), tlv(0xFE))
        store.put_content(application.name, name, wrapped if row.kind is FileKind.OBJECT else data)
