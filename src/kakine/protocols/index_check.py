"""What an index shows, and to whom (spec/index.md sections 5 to 8).

    anybody      `check_chain`, `check_logged`, `check_totals`: indexes follow each other, stand in the log, and have as
                 many entries as the log
    the person   `check_complete`: the list shown is the list indexed
    the auditor  `audit`, `compare`: every entry stands in one list, and two record keepers have the same lists

An index of one record keeper alone cannot show whose list an entry is in: a keeper that lies may index it in a list of
nobody. Therefore the person's rows here are those of **both** keepers together, and each keeper's indexes are held
against them. Pure; that signatures and inclusion in the log hold is for the caller.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.protocols import published
from kakine.protocols.index import (
    check_listed,
    check_order,
    day_of,
    find,
    salt_of,
    stands_in_a_list,
    tag_of,
    tree_of,
)
from kakine.values.problems import (
    IndexChainBroken,
    IndexKeepersDiffer,
    IndexListDiffers,
    IndexNotLogged,
    IndexProofInvalid,
    IndexRowHidden,
    IndexRowMissing,
    IndexRowsInvalid,
    IndexTotalWrong,
)
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.index import GENESIS, IndexRoot, OpenedRow, Proof, Row, list_digest, sealed_list

Entries = Mapping[int, Entry]
"""Entries by their place in the log."""

Lists = Counter[tuple[int, int, bytes]]
"""(day, count, list digest) of every row of an index."""


# --- anybody --------------------------------------------------------------------------------------------------


def entry_of(root: IndexRoot, now_ms: int) -> bytes:
    """The 80 bytes with which a keeper logs an index."""
    return published.entry_of(EntryKind.INDEX_ROOT, root.digest, now_ms)


def log_tag(root: IndexRoot) -> bytes:
    """The tag under which it files them: a keeper cannot log two different indexes from one place on unless it lies
    about the tag as well."""
    return log_tag_at(root.keeper, root.origin, root.start)


def log_tag_at(keeper: str, origin: str, start: int) -> bytes:
    """The same for whoever knows no more of an index than where it begins."""
    return digest("index-filed", keeper.encode(), origin.encode(), start.to_bytes(8, "big"))


def check_chain(roots: Sequence[IndexRoot], before: IndexRoot | None = None) -> None:
    """Raise `IndexChainBroken` unless these are of one keeper and one log, each begins where the one before it ended
    and names it, and the first follows `before`, or begins the log."""
    end, previous = (before.end, before.digest) if before else (0, GENESIS)
    first = before or (roots[0] if roots else None)
    for number, root in enumerate(roots):
        if first and (root.keeper, root.origin) != (first.keeper, first.origin):
            raise IndexChainBroken(part="keeper", number=number)
        if root.start != end:
            raise IndexChainBroken(part="gap" if root.start > end else "overlap", number=number, at=end)
        if root.previous != previous:
            raise IndexChainBroken(part="previous", number=number)
        end, previous = root.end, root.digest


def check_logged(root: IndexRoot, index: int, entry: Entry) -> None:
    """Raise `IndexNotLogged` unless this entry, at `index` of the log, is the root's and stands behind its range."""
    if not published.is_of(entry, EntryKind.INDEX_ROOT, root.digest):
        raise IndexNotLogged(part="entry", index=index)
    if index < root.end:
        raise IndexNotLogged(part="place", index=index)


def check_all_logged(entries: Entries, roots: Iterable[IndexRoot]) -> None:
    """Raise `IndexNotLogged` unless each index root in these entries is one of `roots`, each of which is there once.

    So no keeper can log a second index to show it to one person only. `entries` must be those of the whole log, and
    `roots` those of all keepers, each a chain.
    """
    known = {root.digest: root for root in roots}
    for index, entry in entries.items():
        if entry.kind is EntryKind.INDEX_ROOT:
            root = known.pop(entry.payload_digest, None)
            if root is None:
                raise IndexNotLogged(part="unknown", index=index)
            check_logged(root, index, entry)
    if known:
        raise IndexNotLogged(part="absent", missing=len(known))


def check_totals(root: IndexRoot, entries: Entries) -> None:
    """Raise `IndexTotalWrong` unless the index has, of each day, as many entries as the log, and no other day; and says
    of as many as the log that they are sealed. So none can be left out by calling it sealed.

    `entries` must be all of root.start … root.end - 1 (`IndexRowsInvalid` else); more do no harm.
    """
    days = Counter(_days(root, entries).values())
    sealed = sum(bool(entries[index].sealed_until) for index in range(root.start, root.end))
    check_day_totals(root, days, sealed)


def check_day_totals(root: IndexRoot, counted: Counter[int], sealed: int) -> None:
    """The same where whoever reads the log has counted the stretch: by day the entries that stand in a list, and those
    that are `sealed`."""
    for day in sorted({*counted, *(each.day for each in root.days)}):
        stated = sum(each.total for each in root.days if each.day == day)
        if stated != counted[day]:
            raise IndexTotalWrong(day=day, index=stated, log=counted[day])
    if root.sealed != sealed:
        raise IndexTotalWrong(part="sealed", index=root.sealed, log=sealed)


def _days(root: IndexRoot, entries: Entries) -> dict[int, int]:
    """The day of every entry that the index must have, by its place."""
    days = {}
    for index in range(root.start, root.end):
        entry = entries.get(index)
        if entry is None:
            raise IndexRowsInvalid(part="entries")
        if stands_in_a_list(entry):
            days[index] = day_of(entry.minutes)
    return days


# --- the person -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One index as a person is shown it: the signed root, where it stands in the log, a proof for each of its days."""

    root: IndexRoot
    index: int
    entry: Entry
    proofs: Mapping[int, Proof]


@dataclass(frozen=True)
class Complete:
    """`confirmed` rows of the list stand in the indexes, which know of no other before place `until` of the log;
    `provisional` rows are later than the last index. `sealed` is how many entries of all people, in all logs, the
    indexes say were withheld when they were logged."""

    confirmed: int
    until: int
    provisional: int
    sealed: int = 0


def check_complete(
    key: bytes, shown: Sequence[Shown], rows: Entries, before: IndexRoot | None = None
) -> Complete:
    """That the list of a person is the list that one record keeper has indexed.

    `key` is the key of the list at that keeper, `rows` are the verified rows of the history at **both** keepers, and
    `before` is the last root of an earlier check, whose rows need not be among them again. Raises `IndexChainBroken`,
    `IndexNotLogged`, `IndexProofInvalid`; `IndexRowHidden`, `IndexRowMissing` or `IndexListDiffers` with index and day.

    Not checked: signatures; that entries stand in the log; totals (`check_totals`), so that a day which the keeper
    leaves out of the root goes unseen here; anything of rows before `before.end`.
    """
    check_chain([each.root for each in shown], before)
    since = until = before.end if before else 0
    for each in shown:
        check_logged(each.root, each.index, each.entry)
        _check_shown(key, each, rows)
        until = each.root.end
    later = sum(index >= until for index in rows)
    return Complete(sum(since <= index < until for index in rows), until, later)


def _check_shown(key: bytes, shown: Shown, rows: Entries) -> None:
    root = shown.root
    own: defaultdict[int, list[int]] = defaultdict(list)
    for index in sorted(rows):
        if root.start <= index < root.end:
            own[day_of(rows[index].minutes)].append(index)
    for day in sorted(own.keys() - {each.day for each in root.days}):
        raise IndexRowMissing(start=root.start, day=day, index=0, list=len(own[day]))
    for each in root.days:
        proof = shown.proofs.get(each.day)
        if proof is None:
            raise IndexProofInvalid(part="absent", day=each.day)
        found = find(root, tag_of(key, root.origin, root.start, each.day), proof)
        _check_row(key, root, each.day, found, own[each.day])


def _check_row(key: bytes, root: IndexRoot, day: int, found: Row | None, own: Sequence[int]) -> None:
    stated = found.count if found else 0
    if stated > len(own):
        raise IndexRowHidden(start=root.start, day=day, index=stated, list=len(own))
    if stated < len(own):
        raise IndexRowMissing(start=root.start, day=day, index=stated, list=len(own))
    salt = salt_of(key, root.origin, root.start, day)
    if found and found.sealed != sealed_list(salt, list_digest(own)):
        raise IndexListDiffers(start=root.start, day=day)


# --- the auditor ----------------------------------------------------------------------------------------------


def audit(root: IndexRoot, rows: Sequence[OpenedRow], entries: Entries) -> Lists:
    """The lists of an index, once its opened rows are exactly its tree, in order, and every entry that must stand in a
    list stands in one.

    `rows` in the order of their tags, `entries` at least root.start … root.end - 1. Raises `IndexRowsInvalid`, or
    `IndexTotalWrong` where an entry is in no list. Whose lists they are stays unknown.
    """
    for row in rows:
        check_listed(row.indexes, root.start, root.end)
    encoded = [row.row.encode() for row in rows]
    check_order(encoded)
    if len(rows) != root.size or tree_of(encoded).root() != root.root:
        raise IndexRowsInvalid(part="root")
    check_totals(root, entries)
    open_days = _days(root, entries)
    lists: Lists = Counter()
    for row in rows:
        # An entry taken out for one row is not there for a second.
        days = {open_days.pop(index, -1) for index in row.indexes}
        if len(days) != 1 or -1 in days:
            raise IndexRowsInvalid(part="days")
        lists[days.pop(), len(row.indexes), list_digest(row.indexes)] += 1
    if open_days:
        raise IndexTotalWrong(index=root.total - len(open_days), log=root.total)
    _check_days(root, lists)
    return lists


def _check_days(root: IndexRoot, lists: Lists) -> None:
    counted = Counter(day for day, _, _ in lists.elements())
    if counted != {each.day: each.rows for each in root.days}:
        raise IndexRowsInvalid(part="rows")


def compare(first: tuple[IndexRoot, Lists], second: tuple[IndexRoot, Lists]) -> None:
    """Raise `IndexKeepersDiffer`, with the digests of the lists that only one of them has, unless two record keepers
    have the same lists of the same stretch of one log."""
    (one, ours), (other, theirs) = first, second
    if (one.origin, one.start, one.end) != (other.origin, other.start, other.end):
        raise IndexKeepersDiffer(part="range", lists=[])
    if one.sealed != other.sealed:
        raise IndexKeepersDiffer(part="sealed", lists=[])
    differing = (ours - theirs) + (theirs - ours)
    if differing:
        raise IndexKeepersDiffer(part="lists", lists=sorted(listed.hex() for _, _, listed in differing))
