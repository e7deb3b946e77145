"""The authority's own certificates: roots in generations, and the keys that roots delegate answers to.

Made when first needed. A root issues for the first half of its life, so that nothing outlives it; then comes the next
generation, under the same name and another key.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from kakine.crypto import x509_issue
from kakine.crypto.keys import PrivateKey
from kakine.parties.authority.settings import DAY_S, AuthoritySettings
from kakine.parties.authority.store import own
from kakine.runtime.database import Database, sql
from kakine.runtime.identity import Clock, Entropy
from kakine.values.certificates import Algorithm, Profile
from kakine.values.problems import CertificateUnknown

_YEAR_S = 366 * DAY_S
_SKEW_S = 300

_FIND = sql(select(own.c.der, own.c.not_after_s).where(own.c.name == bindparam("wanted")))
_put = insert(own)
_PUT = sql(
    _put.on_conflict_do_update(
        index_elements=["name"], set_={name: _put.excluded[name] for name in ("der", "not_after_s")}
    )
)


@dataclass(frozen=True, repr=False)
class Issuer:
    """A certificate of the authority's own and its key. `generation` counts roots of one profile from 1."""

    generation: int
    certificate: bytes
    not_after_s: int
    key: PrivateKey


def fresh_serial(entropy: Entropy) -> int:
    """A serial number with 126 random bits (RFC 5280 section 4.1.2.2; at least 64 are asked for), 16 bytes long."""
    return int.from_bytes(entropy(16), "big") & (1 << 126) - 1 | 1 << 126


class Roots:
    """Certificates in the store, keys in the key store."""

    def __init__(self, settings: AuthoritySettings, db: Database, clock: Clock, entropy: Entropy) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._entropy = entropy

    async def issuing(self, profile: Profile) -> Issuer:
        """The root that certifies now, made if there is none. Raises `KeyStoreFailed`."""
        half = self._settings.root_years * _YEAR_S // 2
        generation, now_s = 1, self._clock() // 1000
        while (found := self._find(_root_name(profile, generation))) is not None:
            if found[1] >= now_s + half:
                return Issuer(generation, *found, self._root_key(profile, generation))
            generation += 1
        until_s = now_s + 2 * half
        key, serial = self._root_key(profile, generation), fresh_serial(self._entropy)
        der = x509_issue.root(profile, key, serial, now_s - _SKEW_S, until_s)
        await self._put(_root_name(profile, generation), der, until_s)
        return Issuer(generation, der, until_s, key)

    def of_generation(self, profile: Profile, generation: int) -> Issuer:
        """A root that there is. Raises `CertificateUnknown`."""
        found = self._find(_root_name(profile, generation))
        if found is None:
            raise CertificateUnknown()
        return Issuer(generation, *found, self._root_key(profile, generation))

    def known(self) -> list[tuple[Profile, int, bytes]]:
        """(profile, generation, certificate) of all roots."""
        roots = []
        for profile in Profile:
            generation = 1
            while (found := self._find(_root_name(profile, generation))) is not None:
                roots.append((profile, generation, found[0]))
                generation += 1
        return roots

    async def delegate(self, profile: Profile, root: Issuer, *, ocsp: bool) -> Issuer:
        """The P-256 key that signs status lists, or OCSP answers, for a root; its certificate anew before it ends."""
        what = "ocsp" if ocsp else "status"
        name = f"{profile.value}-{what}-{root.generation}"
        key = self._settings.keys.key(name, Algorithm.P_256)
        found, now_s = self._find(name), self._clock() // 1000
        if found is None or found[1] < now_s + self._settings.delegate_s // 2:
            until_s = now_s + self._settings.delegate_s
            der = x509_issue.delegate(
                profile,
                ocsp=ocsp,
                public=key.public_key(),
                issuer=root.certificate,
                key=root.key,
                serial=fresh_serial(self._entropy),
                not_before=now_s - _SKEW_S,
                not_after=until_s,
            )
            await self._put(name, der, until_s)
            found = der, until_s
        return Issuer(root.generation, *found, key)

    def _root_key(self, profile: Profile, generation: int) -> PrivateKey:
        return self._settings.keys.key(_root_name(profile, generation), profile.algorithm)

    def _find(self, name: str) -> tuple[bytes, int] | None:
        row = self._db.read().execute(_FIND, {"wanted": name}).fetchone()
        return (row[0], row[1]) if row else None

    async def _put(self, name: str, der: bytes, until_s: int) -> None:
        values = {"name": name, "der": der, "not_after_s": until_s}
        await self._db.write(lambda db: db.execute(_PUT, values))


def _root_name(profile: Profile, generation: int) -> str:
    return f"{profile.value}-root-{generation}"
