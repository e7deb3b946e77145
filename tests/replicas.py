"""A country on PostgreSQL in which the first converter and the gateway of Yokohama stand twice, on one store each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import postgres_server
from kakine.country import CONVERTERS
from kakine.parties.converter import start as converter_start
from kakine.parties.converter.app import Converter
from kakine.parties.gateway import start as gateway_start
from kakine.parties.gateway.app import Gateway
from kakine.runtime.postgres import Address, address
from kakine.values.labels import DomainName, PartyName

from land import CHILDREN, TAX, Land, pack

FIRST, ASKING = CONVERTERS[0], PartyName("yokohama")


def as_replica(path: Path, name: str) -> Path:
    """The store's address in a file of its own, for a replica of this name."""
    own = path.with_name(f"{path.stem}-{name}.postgresql")
    own.write_text(Address(address(path).server, name).text())
    return own


class Twice:
    """`land` has the first of each; the second ones are here."""

    def __init__(self, land: Land) -> None:
        self.land = land
        self._open: list[Converter | Gateway] = []

    @property
    def one(self) -> Converter:
        """The first process of the first converter."""
        return self.land.country.converters[FIRST]

    def converter(self, name: str = "2") -> Converter:
        """Another process of the first converter."""
        made = converter_start.start(self._place(FIRST, name), converter_start.Own(f"{FIRST}.kakine.example"))
        self._open.append(made)
        return made

    def gateway(self, name: str = "2", domains: Sequence[DomainName] = (CHILDREN, TAX)) -> Gateway:
        """Another process of the gateway, not started yet."""
        own = gateway_start.Own([str(each) for each in domains])
        made = gateway_start.start(self._place(ASKING, name), own, lambda *_: None)
        self._open.append(made)
        return made

    def _place(self, party: PartyName, name: str):  # type: ignore[no-untyped-def]
        country = self.land.country
        place = country._footing(party)
        return replace(place, database=as_replica(country.path(party), name))

    def close_second(self) -> None:
        """End what stands twice."""
        while self._open:
            self._open.pop().close()


@contextmanager
def twice(folder: Path, people: int = 4) -> Iterator[Twice]:
    """Such a country."""
    postgres_server.provided(folder, pack())
    for party in (FIRST, ASKING):
        path = folder / f"{party}.postgresql"
        path.write_text(Address(address(path).server, "1").text())
    with Land.founded(folder, people, (CHILDREN, TAX)) as land:
        made = Twice(land)
        try:
            yield made
        finally:
            made.close_second()
