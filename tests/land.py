"""A small running country for tests: everything real, a clock that tests may move, people enrolled and known.

    with Land.founded(tmp_path) as land:
        answer = land.run(land.ask(0))

Person j has reference `ref(j)` in every domain of `land.domains`, and a tax record at the city of Yokohama.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kakine.clients.exchange import Requester, Wish
from kakine.country import LOGIN, Country, Site
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.protocols.gazette_pack import Pack, read_pack
from kakine.runtime.codebook import token_of
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.codes import Code, CodeVector
from kakine.values.labels import DomainName
from kakine.wire.request import AskedPerson, Kind, Mode
from postgres_server import provided

T = TypeVar("T")

CHILDREN = DomainName("yokohama/children")
TAX = DomainName("yokohama/tax")
RESIDENTS = DomainName("yokohama/residents")
KOSEKI = DomainName("koseki/register")
TAX_ROW = "JO106.2"
TAX_ITEM = "TK-0002"

_PACK: list[Pack] = []


def pack() -> Pack:
    """The project's own legal pack, read once."""
    if not _PACK:
        _PACK.append(read_pack(pack_files(pack_folder())))
    return _PACK[0]


class Clock:
    """Milliseconds; runs with the machine's clock, and ahead of it as far as a test has pushed it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def advance(self, seconds: float) -> None:
        """Push the clock."""
        self.ahead_ms += int(seconds * 1000)


class Entropy:
    """Bytes that are different at every call and every run of a test the same."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._calls = 0

    def __call__(self, length: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(self._seed + self._calls.to_bytes(8, "big")).digest(length)


class Ticking(Clock):
    """A millisecond passes whenever somebody looks, and no other time than a test has pushed it: for what must happen
    before a certain moment, however slow the machine."""

    def __init__(self, start_ms: int | None = None) -> None:
        super().__init__()
        self._now_ms = super().__call__() if start_ms is None else start_ms

    def __call__(self) -> int:
        self._now_ms += 1
        return self._now_ms + self.ahead_ms


def person(j: int) -> bytes:
    """The registry's internal id of person j."""
    return b"person-%09d" % j


def ref(j: int) -> bytes:
    """The local reference of person j in every agency."""
    return b"ref-%d" % j


class Land:
    """A country, an event loop and a few people."""

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        law: Pack | None = None,
        without: Sequence[str] = (),
    ) -> None:
        self.folder, self.law = folder, law or pack()
        self.clock = clock or Clock()
        self.entropy = Entropy(folder.name.encode())
        self.loop = asyncio.new_event_loop()
        if os.environ.get("KAKINE_STORES") == "postgresql" and not folder.exists():
            provided(folder, self.law)
        self.domains: Sequence[DomainName] = ()
        self.country = self.run(
            Country.open(Site(folder, self.law, self.clock, self.entropy, frozenset(without)))
        )

    @classmethod
    def founded(
        cls,
        folder: Path,
        people: int = 4,
        domains: Sequence[DomainName] = (CHILDREN, TAX, KOSEKI, LOGIN),
        law: Pack | None = None,
        clock: Clock | None = None,
    ) -> Land:
        """A country whose people are enrolled and known to `domains`; `law` instead of the project's own pack."""
        land = cls(folder, clock, law)
        land.run(land.country.registry.codes.enrol([person(j) for j in range(people)]))
        for domain in domains:
            issued = land.country.registry.codes.issue(domain, [(person(j), ref(j)) for j in range(people)])
            assert set(land.run(issued)) == {"delivered"}
        land.domains = domains
        if TAX in domains:
            land.run(land.put_tax(range(people)))
        return land

    def __enter__(self) -> Land:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, work: Awaitable[T]) -> T:
        """Run to the end on the country's loop."""

        async def wait() -> T:
            return await work

        return self.loop.run_until_complete(wait())

    def close(self) -> None:
        """Stop every party."""
        self.country.close()
        self.loop.close()

    def reopened(self, without: Sequence[str] = ()) -> Land:
        """The same folder after a stop: same keys, same stores, a new boot time."""
        self.close()
        again = Land(self.folder, self.clock, self.law, without)
        again.domains = self.domains
        return again

    @property
    def yokohama(self) -> Gateway:
        """The gateway that asks and answers in most tests."""
        found: Gateway = self.country.gateways["yokohama"]  # type: ignore[index]
        return found

    async def put_tax(self, people: Sequence[int]) -> None:
        """A tax record for each; the layout is not what these tests are about."""
        office, now = self.yokohama.office, self.clock()
        validate, office.validate = office.validate, lambda *_: None
        copies = [
            NewCopy(ref(j), TAX_ITEM, 1, 1, now, now + 10**10, msgspec.json.encode({"income": j}))
            for j in people
        ]
        await put_copies(office, TAX, copies)
        office.validate = validate

    def question(self, j: int = 0, **changed: Any) -> Question:
        """The child-allowance desk of Yokohama asks its tax office about person j under JO106.2."""
        plain = Question(
            CHILDREN,
            TAX,
            "JO106",
            (TAX_ROW,),
            ref(j),
            "official-7",
            hashlib.sha256(b"case").digest(),
            "children's desk",
            2,
            Mode.S0,
        )
        return replace(plain, **changed)

    def ask(self, j: int = 0, **changed: Any) -> Awaitable[Any]:
        """Ask that question."""
        return self.yokohama.desk.ask(self.question(j, **changed))

    def requester(self) -> Requester:
        """The asking side itself, for tests that take the steps one by one or in a wrong order."""
        return self.yokohama.office.requester(CHILDREN)

    def code(self, domain: DomainName, j: int) -> Code:
        """The plain code that a domain of Yokohama unwraps for person j: what an insider with its keys has."""
        token = token_of(self.yokohama.office.db.read(), domain, ref(j))
        assert token is not None
        return self.yokohama.office.site(domain).unwrapped(token)

    def wish(self, codes: Sequence[bytes], mode: Mode = Mode.S0, **changed: Any) -> Wish:
        """A request for these plain codes, whatever they are."""
        people = tuple(AskedPerson(self.entropy(16), "official-7", b"", b"", b"") for _ in codes)
        plain = Wish(
            Kind.EXCHANGE,
            mode,
            "JO106",
            (TAX_ROW,),
            TAX,
            CodeVector.of(Code(code) for code in codes),
            people,
            (TAX_ITEM,),
            "children's desk",
        )
        return replace(plain, **changed)
