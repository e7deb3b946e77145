"""Ways in: a paper code from a counter, a card, a passkey; and binding a passkey after one of the other two.

Each changes the interaction of one browser. A refusal tells nothing about any account: what is unknown, used, expired
or somebody else's looks alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kakine.crypto.cards import CardCertificate
from kakine.crypto.hashing import mac
from kakine.crypto.passkeys import (
    check_creation,
    check_use,
    creation_options,
    credential_id,
    request_options,
)
from kakine.parties.portal.login import store
from kakine.parties.portal.login.office import Interaction, Office
from kakine.protocols.logins import CARD, COUNTER, PASSKEY, STRONG, challenge_digest, paper_digest
from kakine.values.problems import (
    ActingForAnother,
    AssuranceNotMet,
    CardProofInvalid,
    InteractionUnknown,
    PasskeyInvalid,
)
from kakine.wire.login import Challenge

CARD_MS = 120_000
"""How long a card has to sign."""


def handle_of(key: bytes, certificate: bytes) -> bytes:
    """Under what a card is kept, from the digest of its certificate: keyed, since serials can be tried."""
    return mac(key, "card-handle", certificate)


def _require(interaction: Interaction, way: str) -> None:
    if interaction.account is not None or way not in interaction.pushed.ways:
        raise InteractionUnknown()


def _known(office: Office, name: str, account: bytes, acr: str) -> str:
    """The person of this interaction is known. It gets a new name, so that a cookie from before opens nothing."""
    interaction = office.interactions.take(name)
    interaction.account, interaction.acr, interaction.time_ms = account, acr, office.clock()
    return office.interactions.put(interaction)


async def by_paper(office: Office, name: str, code: str) -> str:
    """The interaction's new name. Raises `LoginNotKnown`; the code is used up by a success only."""
    _require(office.interactions.get(name), COUNTER)
    hashed, now_ms = paper_digest(code), office.clock()
    account = await office.db.write(lambda db: store.use_paper(db, hashed, now_ms))
    return _known(office, name, account, COUNTER)


def card_challenge(office: Office, name: str) -> Challenge:
    """What the card is to sign; a new one takes the place of the last."""
    interaction = office.interactions.get(name)
    _require(interaction, CARD)
    client = office.client(interaction.pushed.client)
    purpose = f"{client.ja} にログインする / log in to {client.en}"
    if interaction.pushed.transaction:
        purpose = f"{client.ja} の取引を承認する / approve a transaction of {client.en}"
    interaction.card = Challenge(
        office.issuer,
        client.id,
        office.entropy(32),
        office.clock(),
        purpose,
        interaction.pushed.transaction,
    )
    return interaction.card


def by_card(office: Office, name: str, certificate: bytes, signature: bytes) -> str:
    """The interaction's new name. The challenge is used up, rightly answered or not.

    Raises `CardProofInvalid`, `CardNotTrusted`, what the authority refuses with, and `LoginNotKnown`. Not checked: that
    a person holds the card; the card wants the PIN before it signs.
    """
    interaction = office.interactions.get(name)
    _require(interaction, CARD)
    challenge, interaction.card = interaction.card, None
    now_ms = office.clock()
    if challenge is None or office.standing is None or now_ms - challenge.time_ms > CARD_MS:
        raise CardProofInvalid()
    card = CardCertificate(certificate)
    card.verify(signature, challenge_digest(challenge))
    office.standing.check(certificate, now_ms)
    account = store.account_of_card(office.db.read(), handle_of(office.handle_key, card.digest))
    return _known(office, name, account, CARD)


def passkey_options(office: Office, name: str) -> dict[str, Any]:
    """For `navigator.credentials.get`."""
    interaction = office.interactions.get(name)
    _require(interaction, PASSKEY)
    interaction.passkey = office.entropy(32)
    return request_options(office.site, interaction.passkey)


async def by_passkey(office: Office, name: str, answer: Mapping[str, Any]) -> str:
    """The interaction's new name. Raises `PasskeyInvalid`, `LoginNotKnown`."""
    interaction = office.interactions.get(name)
    _require(interaction, PASSKEY)
    challenge, interaction.passkey = interaction.passkey, None
    if challenge is None:
        raise PasskeyInvalid()
    kept, account = store.find_passkey(office.db.read(), credential_id(answer))
    count = check_use(office.site, answer, challenge, kept)
    await office.db.write(lambda db: store.count_passkey(db, kept.id, count))
    return _known(office, name, account, PASSKEY)


def _strong(interaction: Interaction) -> bytes:
    if interaction.acting:
        raise ActingForAnother()
    if interaction.account is None or interaction.acr not in STRONG:
        raise AssuranceNotMet()
    return interaction.account


def new_passkey_options(office: Office, name: str) -> dict[str, Any]:
    """For `navigator.credentials.create`. Raises `AssuranceNotMet` but after a card or counter login."""
    interaction = office.interactions.get(name)
    _strong(interaction)
    interaction.creating = office.entropy(32)
    return creation_options(office.site, office.entropy(32), interaction.creating)


async def bind_passkey(office: Office, name: str, answer: Mapping[str, Any]) -> None:
    """A new passkey opens the account of this interaction. Raises `AssuranceNotMet`, `PasskeyInvalid`."""
    interaction = office.interactions.get(name)
    account = _strong(interaction)
    challenge, interaction.creating = interaction.creating, None
    if challenge is None:
        raise PasskeyInvalid()
    made = check_creation(office.site, answer, challenge)
    await office.db.write(lambda db: store.add_passkey(db, made, account))
