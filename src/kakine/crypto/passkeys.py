"""Passkeys (W3C Web Authentication, level 3) through the `webauthn` library; challenges and origins are arguments.

User verification is always demanded; attestation is not asked for, so the make of a device is not learnt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kakine.values.problems import PasskeyInvalid

_FAULTS = (WebAuthnException, ValueError, KeyError, TypeError)


@dataclass(frozen=True, repr=False)
class Passkey:
    """A credential as the provider keeps it: its id, its public key (COSE), and how often it says it was used."""

    id: bytes
    public: bytes
    count: int


@dataclass(frozen=True)
class Site:
    """Where passkeys are made and used: the origin of the provider's pages, and its host as WebAuthn's RP ID."""

    origin: str
    host: str


def creation_options(site: Site, user: bytes, challenge: bytes) -> dict[str, Any]:
    """What the page hands to `navigator.credentials.create`. `user` is a random handle; no name is given out."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Kakine",
        user_name="本人 / holder",
        user_id=user,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    made: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return made


def request_options(site: Site, challenge: bytes) -> dict[str, Any]:
    """What the page hands to `navigator.credentials.get`. It names no credential: the device offers what it has."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    made: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return made


def check_creation(site: Site, answer: Mapping[str, Any], challenge: bytes) -> Passkey:
    """The new passkey. Raises `PasskeyInvalid`."""
    try:
        made = webauthn.verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _FAULTS as fault:
        raise PasskeyInvalid() from fault
    return Passkey(made.credential_id, made.credential_public_key, made.sign_count)


def credential_id(answer: Mapping[str, Any]) -> bytes:
    """Which passkey an answer says it is of. Raises `PasskeyInvalid`."""
    try:
        return base64url_to_bytes(str(answer["id"]))
    except _FAULTS as fault:
        raise PasskeyInvalid() from fault


def challenge_of(answer: Mapping[str, Any]) -> bytes:
    """Which challenge an answer says it is to. Raises `PasskeyInvalid`. Says nothing before the answer is checked."""
    try:
        said = json.loads(base64url_to_bytes(str(answer["response"]["clientDataJSON"])))
        return base64url_to_bytes(str(said["challenge"]))
    except _FAULTS as fault:
        raise PasskeyInvalid() from fault


def check_use(site: Site, answer: Mapping[str, Any], challenge: bytes, kept: Passkey) -> int:
    """The new count of uses. Raises `PasskeyInvalid`, also for a count that did not grow (a copied device)."""
    try:
        used = webauthn.verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=kept.public,
            credential_current_sign_count=kept.count,
            require_user_verification=True,
        )
    except _FAULTS as fault:
        raise PasskeyInvalid() from fault
    return used.new_sign_count
