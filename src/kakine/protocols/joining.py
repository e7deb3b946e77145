"""How an agency becomes a party of a country that runs (spec/joining.md): its application, and the law with it.

Each step is somebody else's. The application is the only thing that is handed on, and its signature holds the steps
together: the key that proposes itself to the law is the key that asks for the certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.protocols.gazette import Law
from kakine.protocols.gazette_genesis import PartyKeys, assessment, party
from kakine.protocols.gazette_pack import AssessmentEntry, PartyEntry
from kakine.values.problems import ApplicationRefused, NotCanonical
from kakine.wire.canonical import decode, encode
from kakine.wire.gazette import Assessment, Gazette, Party
from kakine.wire.joining import LABEL, MOST_BYTES, Application, SignedApplication

AGENCY = "gateway"
"""The role of whoever joins."""


def https(address: str) -> bool:
    """`https://host:port` and nothing besides."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return address == f"https://{host}:{port}" and address.isascii()


def apply(
    entry: PartyEntry,
    assessments: Sequence[AssessmentEntry],
    keys: PartyKeys,
    addresses: Sequence[str],
    request: bytes,
    signing: SigningKey,
) -> bytes:
    """The signed application of the agency that holds `signing`. Raises `ApplicationRefused` for what nobody may apply
    for."""
    made = Application(*drafted(entry, assessments, keys), tuple(addresses), request)
    _require_agency(made)
    encoded = encode(made)
    return encode(SignedApplication(encoded, signing.sign(LABEL, encoded)))


def drafted(
    entry: PartyEntry, assessments: Sequence[AssessmentEntry], keys: PartyKeys
) -> tuple[Party, tuple[Assessment, ...]]:
    """What an entry of the pack becomes in the gazette."""
    return party(entry, keys), tuple(sorted(map(assessment, assessments), key=lambda each: each.id))


def opened(signed: bytes) -> Application:
    """What an application says, if who holds the keys in it has signed it.

    Raises `NotCanonical`, `SignatureInvalid`, `ApplicationRefused`. Not checked: whether the law knows the agency, the
    request for the certificate, and whether anybody wants the agency.
    """
    if len(signed) > MOST_BYTES:
        raise NotCanonical()
    outer = decode(signed, SignedApplication)
    found = decode(outer.application, Application)
    VerifyKey(found.party.signing_key).verify(outer.signature, LABEL, outer.application)
    _require_agency(found)
    return found


def _require_agency(asked: Application) -> None:
    """Agencies join; a converter, a log or another guard of the country does not."""
    name = asked.party.name
    if asked.party.roles != (AGENCY,) or asked.party.signer:
        raise ApplicationRefused(party=name, fault="an agency has the role gateway and no other")
    if not asked.party.domains:
        raise ApplicationRefused(party=name, fault="no domain")
    if any(each.party != name for each in asked.assessments):
        raise ApplicationRefused(party=name, fault="an assessment of another party")
    if not all(https(each) for each in asked.addresses):
        raise ApplicationRefused(party=name, fault="not https://host:port")


def named(gazette: Gazette, asked: Application) -> bool:
    """Whether this version has the agency as it applied. Raises `ApplicationRefused` where the name is another's."""
    found = next((each for each in gazette.parties if each.name == asked.party.name), None)
    if found is None:
        return False
    if (found.signing_key, found.seal_key) != (asked.party.signing_key, asked.party.seal_key):
        raise ApplicationRefused(
            party=asked.party.name, fault="the law has a party of this name with other keys"
        )
    return True


def with_agency(gazette: Gazette, asked: Application) -> Gazette:
    """The law as it stands, and this agency. Raises `ApplicationRefused` where it has the agency already."""
    if named(gazette, asked):
        raise ApplicationRefused(party=asked.party.name, fault="the law has it already")
    parties = sorted((*gazette.parties, asked.party), key=lambda each: each.name)
    assessments = sorted((*gazette.assessments, *asked.assessments), key=lambda each: each.id)
    return msgspec.structs.replace(gazette, parties=tuple(parties), assessments=tuple(assessments))


def require_in_force(law: Law, asked: Application) -> None:
    """Raises `PartyUnknown` before the law has the agency in force, `ApplicationRefused` where it has other keys."""
    law.party(asked.party.name)
    named(law.gazette, asked)
