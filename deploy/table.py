"""The one table behind all that stands here: parties, ports, and who may call whom.

Parties come from the legal pack, ports count up as `kakine apart up` gives them, arrows from the calls that the code of
each party serves and the callers their contracts name. Nothing is written by hand a second time.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kakine.contracts.call import Call, Role
from kakine.institutions.watchers import WATCHERS
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.pack import pack_files, pack_folder

BASE = 8600
_DUTY = re.compile(r"\bDuty\(\s*((?:\w+\.)?[A-Z][A-Z_]+)\b")


@dataclass(frozen=True)
class Party:
    """`port` is for the other parties, `admin` for its operator, on the loopback address alone. `pages` is 0 but at the
    portal."""

    name: str
    role: str
    port: int
    admin: int
    signer: str = ""
    pages: int = 0


def parties() -> Sequence[Party]:
    """In the order of the pack."""
    entries = read_pack(pack_files(pack_folder())).parties
    pages = BASE + 2 * (len(entries) + len(WATCHERS))
    return [
        Party(each.name, (role := each.roles[0]), BASE + 2 * at, BASE + 2 * at + 1, each.signer,
              pages if role == Role.PORTAL else 0)
        for at, each in enumerate(entries)
    ]  # fmt: skip


def witnesses() -> Mapping[str, int]:
    """Port by the name of each."""
    first = BASE + 2 * len(parties())
    return {each.name: first + 2 * at for at, each in enumerate(WATCHERS)}


@cache
def served(role: str) -> frozenset[str]:
    """The roles that may make at least one of the calls that a party of this role answers."""
    return frozenset(str(caller) for call in _calls(role) for caller in call.callers)


def _calls(role: str) -> Iterator[Call]:
    package = importlib.import_module(f"kakine.parties.{role}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for expression in _DUTY.findall(Path(str(module.__file__)).read_text()):
            value: object = module
            for part in expression.split("."):
                value = getattr(value, part)
            assert isinstance(value, Call)  # noqa: S101
            yield value


def callers(of: Party) -> Sequence[str]:
    """The parties that may reach it. A signer's own ledger alone; nobody has to reach itself over a network."""
    if of.role == Role.SIGNER:
        return [each.name for each in parties() if each.signer == of.name]
    return [each.name for each in parties() if each.role in served(of.role) and each != of]
