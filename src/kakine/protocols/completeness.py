"""That a history is complete: every row of it, and no other, stands in a record keeper's indexes (spec/index.md 9).

Pure. It is run once for each record keeper over the rows of *all* of them, so a row that one hides is missed in its
index or in its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.protocols.index_check import Complete, Entries, Shown, check_complete
from kakine.values.problems import IndexChainBroken, IndexProofInvalid, IndexRowMissing
from kakine.wire.entry import Entry
from kakine.wire.index import Indexed, IndexRoot, ListShown, Proof, RootShown, opened


@dataclass(frozen=True)
class Indexer:
    """One record keeper, and the log that its indexes cover, as the law has them."""

    keeper: str
    key: VerifyKey
    ledger: VerifyKey
    origin: str


def check_history(shown: Indexed, rows: Entries, by: Indexer) -> Complete:
    """What the indexes of one record keeper confirm of a history whose verified rows, at any record keeper, are `rows`.

    Raises what `index_check.check_complete` raises, `SignatureInvalid`, `InclusionInvalid` and their kin where a root
    or its place in the log does not hold, `IndexRowMissing` where a row that is old enough is in no list shown.
    Not checked: that the totals are those of the log, which is for whoever reads the whole of it.
    """
    heads = Heads(by.origin)
    roots = [_root(each, by, heads) for each in shown.roots]
    entries = [Entry.decode(each.entry) for each in shown.roots]
    until = roots[-1].end if roots else 0
    _check_cover(shown, rows, until)
    confirmed = 0
    for each in shown.lists:
        if len(each.proofs) != len(roots):
            raise IndexProofInvalid(part="absent")
        steps = [
            Shown(root, given.index, entry, _by_day(root, each, number))
            for number, (root, given, entry) in enumerate(zip(roots, shown.roots, entries, strict=True))
        ]
        own = {place: rows[place] for place in each.places}
        confirmed += check_complete(each.key, steps, own).confirmed
    return Complete(confirmed, until, sum(place >= until for place in rows))


def _root(given: RootShown, by: Indexer, heads: Heads) -> IndexRoot:
    root = opened(given.root, given.signature, by.key)
    if (root.keeper, root.origin) != (by.keeper, by.origin):
        raise IndexChainBroken(part="keeper", number=0)
    heads.verify(given.index, given.path, given.note, given.entry, by.ledger)
    return root


def _check_cover(shown: Indexed, rows: Entries, until: int) -> None:
    """Every row below `until` is in exactly one list, and no list has another."""
    if not shown.lists:
        raise IndexProofInvalid(part="absent")
    places = [place for each in shown.lists for place in each.places]
    if len(places) != len(set(places)) or any(place not in rows or place >= until for place in places):
        raise IndexProofInvalid(part="places")
    lacking = sorted(place for place in rows if place < until and place not in set(places))
    if lacking:
        raise IndexRowMissing(start=0, day=0, index=len(places), list=len(places) + len(lacking))


def _by_day(root: IndexRoot, given: ListShown, number: int) -> Mapping[int, Proof]:
    proofs = given.proofs[number]
    if len(proofs) != len(root.days):
        raise IndexProofInvalid(part="absent")
    return {day.day: proof for day, proof in zip(root.days, proofs, strict=True)}
