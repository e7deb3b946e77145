"""What an operator decides about the authority."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kakine.crypto.keys import KeyStore
from kakine.values.labels import PartyName

HOUR_S = 3600
DAY_S = 24 * HOUR_S


class AuthoritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`database` is the SQLite file, `keys` where its keys lie. The registry vouches for people, the commission logs.

    `ocsp` switches answers about single certificates on, for foreign tools only: each question tells the authority who
    is being checked, so it is off. `list_bits` is the length of a status list, a multiple of 1,024; a list takes
    `list_fill` certificates, and then the next begins. Every `batch_s` what was issued and revoked is logged.
    The text of a certificate is kept for `keep_s`, so that a lost answer can be given again.
    """

    database: Path
    keys: KeyStore
    registry: PartyName
    commission: PartyName
    ocsp: bool = False
    list_bits: int = 1 << 20
    list_fill: int = 1_000_000
    batch_s: int = HOUR_S
    crl_s: int = DAY_S
    hold_s: int = DAY_S
    keep_s: int = HOUR_S
    root_years: int = 10
    delegate_s: int = 30 * DAY_S
    party_s: int = 90 * DAY_S
