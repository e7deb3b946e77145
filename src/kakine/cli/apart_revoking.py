"""The authority's own act on its store, while its process does not run."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from kakine.cli.apart_making import SETTINGS
from kakine.country import AUTHORITY
from kakine.crypto import x509
from kakine.parties.authority.start import Own, start
from kakine.process.running import clock
from kakine.process.settings import read
from kakine.protocols.gazette import LawBook
from kakine.runtime.footing import Footing
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.identity import Identity
from kakine.values.problems import CertificateMalformed


def serial_of(folder: Path, name: str, file: Path | None = None) -> int:
    """Of the certificate in the folder of a party, or of the one in a file. Raises `SettingsMalformed`,
    `CertificateMalformed`, also where there are several, `CertificateUnfit`."""
    ders = x509.ders_of((file or read(folder / name / SETTINGS).files.own).read_bytes())
    if len(ders) != 1:
        raise CertificateMalformed()
    return x509.read(ders[0]).serial


async def revoke_party(folder: Path, serial: int) -> None:
    """Revoke a certificate for good. Raises `StoreInUse` while the authority runs, and `CertificateUnknown` for one
    that it has not issued."""
    settings = read(folder / AUTHORITY / SETTINGS)
    seed = (settings.folder / settings.keys.seed).read_bytes()
    own = msgspec.convert(settings.own, Own, dec_hook=lambda kind, it: kind(it))
    footing = Footing(
        settings.folder / settings.database,
        Identity.from_seed(settings.name, seed),
        LawBook(settings.anchors),
        settings.logs(),
        Peers(InProcess(settings.name, {})),
        clock,
        secrets.token_bytes,
        settings.converters,
    )
    authority = start(footing, msgspec.structs.replace(own, keys=settings.folder / own.keys))
    try:
        await authority.revoke(serial)
    finally:
        authority.close()
