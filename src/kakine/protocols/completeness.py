"""That a history is complete: every row of it, and no other, stands in a record keeper's indexes (spec/index.md 9).

Pure. It is run once for each record keeper over the rows of *all* of them, so a row that one hides is missed in its
index or in its list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.protocols.index_check import Complete, Entries, Shown, check_complete
from kakine.protocols.logs import LogKeys
from kakine.values.problems import IndexChainBroken, IndexProofInvalid, IndexRowMissing
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry
from kakine.wire.index import Indexed, IndexRoot, Proof, RootShown, opened

Places = Mapping[tuple[str, int], Entry]
"""Verified rows by the origin of their log and their place in it."""


@dataclass(frozen=True)
class Indexer:
    """One record keeper, and the logs that its indexes cover, as the law has them."""

    keeper: str
    key: VerifyKey
    logs: LogKeys


def check_history(shown: Indexed, rows: Places, by: Indexer) -> Complete:
    """What the indexes of one record keeper confirm of a history whose verified rows, at any record keeper, are `rows`.

    Each log by itself; `until` is the sum over all. Raises what `index_check.check_complete` raises, what a root raises
    whose signature or place in a log does not hold, and `IndexRowMissing` where a row that is old enough is in no list
    shown. Not checked: that the totals are those of the logs, which is for whoever reads the whole of them.
    """
    if not shown.lists or any(len(each.proofs) != len(shown.roots) for each in shown.lists):
        raise IndexProofInvalid(part="absent")
    heads = Heads()
    roots = [_root(each, by, heads) for each in shown.roots]
    logs = {origin for origin, _ in rows} | {root.origin for root in roots}
    logs |= {origin for each in shown.lists for origin in each.places}
    parts = [_check_log(shown, roots, rows, origin) for origin in sorted(logs)]
    return Complete(*(sum(getattr(part, name) for part in parts) for name in _SUMMED))


_SUMMED = ("confirmed", "until", "provisional")


def _root(given: RootShown, by: Indexer, heads: Heads) -> IndexRoot:
    root = opened(given.root, given.signature, by.key)
    if root.keeper != by.keeper or root.origin != origin_of(given.note):
        raise IndexChainBroken(part="keeper", number=0)
    heads.verify(given.index, given.path, given.note, given.entry, by.logs)
    return root


def _check_log(shown: Indexed, roots: Sequence[IndexRoot], rows: Places, origin: str) -> Complete:
    own = {place: entry for (log, place), entry in rows.items() if log == origin}
    numbers = [number for number, root in enumerate(roots) if root.origin == origin]
    until = roots[numbers[-1]].end if numbers else 0
    _check_cover([each.places.get(origin, ()) for each in shown.lists], own, until)
    confirmed = 0
    for each in shown.lists:
        steps = [
            Shown(
                roots[number],
                shown.roots[number].index,
                Entry.decode(shown.roots[number].entry),
                _by_day(roots[number], each.proofs[number]),
            )
            for number in numbers
        ]
        part = {place: own[place] for place in each.places.get(origin, ())}
        confirmed += check_complete(each.key, steps, part).confirmed
    return Complete(confirmed, until, sum(place >= until for place in own))


def _check_cover(lists: Sequence[Sequence[int]], rows: Entries, until: int) -> None:
    """Every row below `until` is in exactly one list, and no list has another."""
    places = [place for each in lists for place in each]
    if len(places) != len(set(places)) or any(place not in rows or place >= until for place in places):
        raise IndexProofInvalid(part="places")
    lacking = sorted(place for place in rows if place < until and place not in set(places))
    if lacking:
        raise IndexRowMissing(start=0, day=0, index=len(places), list=len(places) + len(lacking))


def _by_day(root: IndexRoot, proofs: Sequence[Proof]) -> Mapping[int, Proof]:
    if len(proofs) != len(root.days):
        raise IndexProofInvalid(part="absent")
    return {day.day: proof for day, proof in zip(root.days, proofs, strict=True)}
