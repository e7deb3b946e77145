"""Names of parties and domains.

A *party* is an organisation with keys. A *domain* is (party, sector): the unit within which a person has one code.
Two domains of one party are as unlinkable as those of two parties.
"""

from __future__ import annotations

import re

from kakine.values.problems import LabelMalformed

_PARTY = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_SECTOR = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")


class PartyName(str):
    """Lower-case ASCII letters, digits and hyphens, at most 32: `setagaya`, `converter-2`."""

    def __new__(cls, value: str) -> PartyName:
        if not _PARTY.match(value):
            raise LabelMalformed(kind="party")
        return super().__new__(cls, value)


class DomainName(str):
    """`party/sector`: `setagaya/children`."""

    def __new__(cls, value: str) -> DomainName:
        party, slash, sector = value.partition("/")
        if not slash or not _PARTY.match(party) or not _SECTOR.match(sector):
            raise LabelMalformed(kind="domain")
        return super().__new__(cls, value)

    @property
    def party(self) -> PartyName:
        """The organisation that runs the domain."""
        return PartyName(self.partition("/")[0])


HASH = DomainName("hash/genesis")
"""The domain whose code of u is H2G(u) itself (every share is 1): where enrolment starts."""
