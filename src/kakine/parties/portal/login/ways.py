"""Ways in: a paper code from a counter, a card, a passkey; and binding a passkey after the first.

They are the same for a login to a relying party and for a visit at the portal itself: what differs is the `Room` that
the arrival is in. A refusal tells nothing about any account: what is unknown, used, expired or somebody else's looks
alike.
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
from kakine.parties.portal.login.office import Arrival, Interaction, Office, Room, Shown
from kakine.protocols.logins import CARD, COUNTER, PASSKEY, challenge_digest, paper_digest
from kakine.values.problems import (
    ActingForAnother,
    CardProofInvalid,
    LoginNotKnown,
    PasskeyInvalid,
    StepUpNeeded,
)
from kakine.wire.login import Challenge

CARD_MS = 120_000
"""How long a card has to sign."""


def handle_of(key: bytes, certificate: bytes) -> bytes:
    """Under what a card is kept, from the digest of its certificate: keyed, since serials can be tried."""
    return mac(key, "card-handle", certificate)


async def by_paper(office: Office, room: Room[Arrival], name: str, code: str) -> str:
    """The arrival's new name. Raises `LoginNotKnown`; the code is used up by a success only."""
    arrival = room.arrival(name)
    arrival.expect(COUNTER)
    hashed, now_ms, known = paper_digest(code), office.clock(), arrival.account
    account = await office.db.write(lambda db: store.use_paper(db, hashed, now_ms, known))
    return room.enter(name, Shown(account, COUNTER, now_ms))


def card_challenge(office: Office, room: Room[Arrival], name: str) -> Challenge:
    """What the card is to sign; a new one takes the place of the last."""
    arrival = room.arrival(name)
    arrival.expect(CARD)
    asking = arrival.asking(office)
    arrival.card = Challenge(
        office.issuer,
        asking.client,
        office.entropy(32),
        office.clock(),
        asking.purpose,
        asking.transaction,
    )
    return arrival.card


def by_card(office: Office, room: Room[Arrival], name: str, certificate: bytes, signature: bytes) -> str:
    """The arrival's new name. The challenge is used up, rightly answered or not.

    Raises `CardProofInvalid`, `CardNotTrusted`, what the authority refuses with, and `LoginNotKnown`. Not checked: that
    a person holds the card; the card wants the PIN before it signs.
    """
    arrival = room.arrival(name)
    arrival.expect(CARD)
    challenge, arrival.card = arrival.card, None
    now_ms = office.clock()
    if challenge is None or office.standing is None or now_ms - challenge.time_ms > CARD_MS:
        raise CardProofInvalid()
    card = CardCertificate(certificate)
    card.verify(signature, challenge_digest(challenge))
    office.standing.check(certificate, now_ms)
    handle = handle_of(office.handle_key, card.digest)
    account = store.account_of_card(office.db.read(), handle)
    return _known(room, name, arrival, Shown(account, CARD, now_ms, handle, certificate))


def passkey_options(office: Office, room: Room[Arrival], name: str) -> dict[str, Any]:
    """For `navigator.credentials.get`."""
    arrival = room.arrival(name)
    arrival.expect(PASSKEY)
    arrival.passkey = office.entropy(32)
    return request_options(office.site, arrival.passkey)


async def by_passkey(office: Office, room: Room[Arrival], name: str, answer: Mapping[str, Any]) -> str:
    """The arrival's new name. Raises `PasskeyInvalid`, `LoginNotKnown`."""
    arrival = room.arrival(name)
    arrival.expect(PASSKEY)
    challenge, arrival.passkey = arrival.passkey, None
    if challenge is None:
        raise PasskeyInvalid()
    kept, account = store.find_passkey(office.db.read(), credential_id(answer))
    count = check_use(office.site, answer, challenge, kept)
    await office.db.write(lambda db: store.count_passkey(db, kept.id, count))
    return _known(room, name, arrival, Shown(account, PASSKEY, office.clock(), kept.id))


def _known(room: Room[Arrival], name: str, arrival: Arrival, shown: Shown) -> str:
    """Who is known already shows a further way of the same account, or nothing."""
    if arrival.account not in (None, shown.account):
        raise LoginNotKnown()
    return room.enter(name, shown)


def _seen_at_a_counter(interaction: Interaction) -> bytes:
    if interaction.acting:
        raise ActingForAnother()
    if interaction.account is None or interaction.acr != COUNTER:
        raise StepUpNeeded()
    return interaction.account


def new_passkey_options(office: Office, name: str) -> dict[str, Any]:
    """For `navigator.credentials.create`. Raises `StepUpNeeded` but after a paper from a counter: a card that was
    found must not lead to a passkey, which would be the second way of a step-up."""
    interaction = office.interactions.get(name)
    _seen_at_a_counter(interaction)
    interaction.creating = office.entropy(32)
    return creation_options(office.site, office.entropy(32), interaction.creating)


async def bind_passkey(office: Office, name: str, answer: Mapping[str, Any]) -> None:
    """A new passkey opens the account of this interaction, which the person's history says.

    Raises `StepUpNeeded`, `PasskeyInvalid`, what filing it there raises.
    """
    interaction = office.interactions.get(name)
    account = _seen_at_a_counter(interaction)
    challenge, interaction.creating = interaction.creating, None
    if challenge is None:
        raise PasskeyInvalid()
    made = check_creation(office.site, answer, challenge)
    await office.exchanges.bind_passkey(account, made)
