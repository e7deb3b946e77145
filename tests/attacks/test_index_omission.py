"""O11 to O13: a record keeper that leaves an entry out of somebody's list, and what the public index makes of it.

The keeper here signs what it likes. Who notices is said in each name: the reader (the person, with the rows of both
keepers), anybody (with the public log), or the auditor (who is shown the rows of both).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest

from index_log import MIDNIGHT, NOON, ORIGIN, TODAY, TOMORROW, Keeper, PublicLog, sha
from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey
from kakine.protocols.index import Index, Listed, opened_row, tag_of, tree_of
from kakine.protocols.index_check import (
    Shown,
    audit,
    check_all_logged,
    check_chain,
    check_complete,
    check_totals,
    compare,
)
from kakine.values.problems import (
    IndexChainBroken,
    IndexKeepersDiffer,
    IndexListDiffers,
    IndexNotLogged,
    IndexProofInvalid,
    IndexRootInvalid,
    IndexRowHidden,
    IndexRowMissing,
    IndexRowsInvalid,
    IndexTotalWrong,
    Problem,
    SignatureInvalid,
)
from kakine.wire import index as wire
from kakine.wire.canonical import encode
from kakine.wire.entry import EntryKind
from kakine.wire.index import GENESIS, IndexRoot, Proof

HANAKO, TARO, NOBODY = 0, 1, 99
KEY = SigningKey(b"K" * 32)


@pytest.fixture
def log() -> PublicLog:
    """Twelve entries of three people around midnight, and a version of the law."""
    plan = [
        (EntryKind.OUTCOME if n % 2 else EntryKind.REQUEST, n // 2 % 3, MIDNIGHT - 6 + n) for n in range(12)
    ]
    return PublicLog.of([*plan, (EntryKind.GOVERNANCE, None, MIDNIGHT)])


def keeper(log: PublicLog, name: str = "one", **moved: int) -> Keeper:
    """A keeper that believes of entries `e3=TARO` whose they are; NOBODY's list is one that no person asks for."""
    made = Keeper(name, log)
    made.owners |= {int(entry[1:]): person for entry, person in moved.items()}
    return made


def complete(of: Keeper, person: int, rows: dict[int, object] | None = None) -> object:
    log = of.log
    return check_complete(of.key(person), of.shown(person), log.rows(person) if rows is None else rows)  # type: ignore[arg-type]


# --- O11: a row that is hidden ----------------------------------------------------------------------------


def test_o11_a_row_hidden_from_the_reader_but_not_from_the_index_is_missed(log: PublicLog) -> None:
    honest = keeper(log)
    honest.index_to(13)
    for hidden in log.rows(HANAKO):
        shown = {index: entry for index, entry in log.rows(HANAKO).items() if index != hidden}
        with pytest.raises(IndexRowHidden):
            complete(honest, HANAKO, shown)
    with pytest.raises(IndexRowHidden):
        complete(honest, HANAKO, {})


def test_o11_a_row_hidden_from_list_and_index_by_one_keeper_is_shown_by_the_other(log: PublicLog) -> None:
    liar, honest = keeper(log, "one", e6=NOBODY), keeper(log, "two")
    for each in (liar, honest):
        each.index_to(13)
    assert complete(liar, HANAKO, {i: e for i, e in log.rows(HANAKO).items() if i != 6})
    with pytest.raises(IndexRowMissing):
        complete(liar, HANAKO)
    assert complete(honest, HANAKO)


def test_o11_two_keepers_that_file_an_entry_in_different_lists_differ_without_anybody_reading(
    log: PublicLog,
) -> None:
    liar, honest = keeper(log, "one", e6=NOBODY), keeper(log, "two")
    lists = []
    for each in (liar, honest):
        root = each.index_to(13)
        lists.append((root, audit(root, each.opened(), log.entries)))
    with pytest.raises(IndexKeepersDiffer) as found:
        compare(*lists)
    differing = {wire.list_digest(own).hex() for own in ((6,), (7,), (6, 7))}
    assert set(found.value.facts["lists"]) == differing  # type: ignore[arg-type]


def test_o11_keepers_of_different_stretches_are_not_taken_for_equal(log: PublicLog) -> None:
    one, two = keeper(log, "one"), keeper(log, "two")
    lists = []
    for each, end in ((one, 12), (two, 13)):
        root = each.index_to(end)
        lists.append((root, audit(root, each.opened(), log.entries)))
    assert lists[0][1] == lists[1][1]
    with pytest.raises(IndexKeepersDiffer):
        compare(*lists)


@pytest.mark.parametrize("left_out", [[6], [0, 1, 6, 7]], ids=["an entry", "a person"])
def test_o11_leaving_an_entry_or_a_person_out_of_list_and_index_changes_the_total_that_anybody_counts(
    log: PublicLog, left_out: list[int]
) -> None:
    liar = keeper(log)
    for index in left_out:
        del liar.owners[index]
    root = liar.index_to(13)
    with pytest.raises(IndexTotalWrong):
        check_totals(root, log.entries)


def test_o11_the_total_is_counted_for_each_day(log: PublicLog) -> None:
    """One entry fewer today and one more tomorrow is no way out: an entry's day stands in the entry."""
    liar = keeper(log)
    root = liar.index_to(13)
    assert [(each.day, each.total) for each in root.days] == [(TODAY, 6), (TOMORROW, 6)]
    moved = tuple(
        msgspec.structs.replace(each, total=each.total + by)
        for each, by in zip(root.days, (-1, 1), strict=True)
    )
    with pytest.raises(IndexTotalWrong):
        check_totals(msgspec.structs.replace(root, days=moved), log.entries)


def test_o11_a_day_left_out_of_the_root_is_missed_by_the_reader_and_by_anybody(log: PublicLog) -> None:
    liar = keeper(log)
    liar.owners = {i: person for i, person in liar.owners.items() if log.entries[i].minutes >= MIDNIGHT}
    root = liar.index_to(13)
    with pytest.raises(IndexRowMissing):
        complete(liar, HANAKO)
    with pytest.raises(IndexTotalWrong):
        check_totals(root, log.entries)


@pytest.mark.parametrize("by", [-1, 1])
def test_o11_a_total_that_is_off_by_one_is_seen_by_anybody(log: PublicLog, by: int) -> None:
    root = keeper(log).index_to(13)
    first = msgspec.structs.replace(root.days[0], total=root.days[0].total + by)
    with pytest.raises(IndexTotalWrong):
        check_totals(msgspec.structs.replace(root, days=(first, *root.days[1:])), log.entries)


def test_o11_a_total_made_up_with_an_entry_that_stands_in_two_lists_is_seen_by_the_auditor(
    log: PublicLog,
) -> None:
    """Entry 1 is in no list, entry 4 in two: the total is that of the log."""
    liar = keeper(log)
    lists = [
        Listed(liar.key(HANAKO), TODAY, (0,)),
        Listed(liar.key(TARO), TODAY, (2, 3, 4)),
        Listed(liar.key(2), TODAY, (4, 5)),
    ]
    rest = [each for each in liar.lists(0, 13) if each.day == TOMORROW]
    made = Index(ORIGIN, 0, 13, [*lists, *rest])
    root = made.root("one", GENESIS)
    check_totals(root, log.entries)
    rows = sorted((opened_row(each, ORIGIN, 0) for each in [*lists, *rest]), key=lambda row: row.tag)
    with pytest.raises(IndexRowsInvalid):
        audit(root, rows, log.entries)


def test_o11_an_entry_that_is_nobodys_cannot_fill_a_list(log: PublicLog) -> None:
    """The version of the law at place 12 in place of entry 7."""
    liar = keeper(log)
    del liar.owners[7]
    liar.owners[12] = NOBODY
    root = liar.index_to(13)
    check_totals(root, log.entries)
    with pytest.raises(IndexRowsInvalid):
        audit(root, liar.opened(), log.entries)


# --- O12: absence claimed for a tag that has rows -------------------------------------------------------


def lies(made: Index, tag: bytes) -> dict[str, Proof]:
    """Proofs of absence that a keeper can make up for a tag that has a row."""
    at = next(n for n, row in enumerate(made.rows) if row.startswith(tag))
    rows, tree = made.rows, made._tree
    around = tuple(tree.range_proof(at - 1, 2))
    after = (at + 1) % len(rows)
    return {
        "nothing": Proof(0, b"", ()),
        "the rows around it as if they were next to each other": Proof(
            at - 1, rows[at - 1] + rows[after], around
        ),
        "only the row before it": Proof(at - 1, rows[at - 1], tuple(tree.range_proof(at - 1, 1))),
        "the row itself as a neighbour": Proof(at - 1, rows[at - 1] + rows[at], around),
        "neighbours of another tag": made.prove(sha("somebody else")),
    }


def of_a_middle_row(made: Index, keys: list[bytes]) -> tuple[bytes, bytes]:
    """(list key, tag) of a row that is neither first nor last."""
    tags = {tag_of(key, ORIGIN, 0, TODAY): key for key in keys}
    tag = made.rows[len(made.rows) // 2][:32]
    return tags[tag], tag


@pytest.mark.parametrize(
    "lie",
    [
        "nothing",
        "the rows around it as if they were next to each other",
        "only the row before it",
        "the row itself as a neighbour",
        "neighbours of another tag",
    ],
)
def test_o12_no_proof_shows_a_reader_that_a_list_with_rows_has_none(lie: str) -> None:
    log = PublicLog.of([(EntryKind.REQUEST, n, NOON) for n in range(9)])
    liar = keeper(log)
    root = liar.index_to(9)
    key, tag = of_a_middle_row(liar.indexes[0], [liar.key(n) for n in range(9)])
    shown = Shown(root, liar.places[0], log.entries[liar.places[0]], {TODAY: lies(liar.indexes[0], tag)[lie]})
    with pytest.raises(IndexProofInvalid):
        check_complete(key, [shown], {})


def test_o12_an_index_out_of_order_would_show_a_row_as_absent_and_the_auditor_sees_it() -> None:
    """What a reader of a single proof cannot see: the index itself has its rows in a wrong order."""
    log = PublicLog.of([(EntryKind.REQUEST, n, NOON) for n in range(9)])
    liar = keeper(log)
    made = Index(ORIGIN, 0, 9, liar.lists(0, 9))
    key, tag = of_a_middle_row(made, [liar.key(n) for n in range(9)])
    moved = next(row for row in made.rows if row.startswith(tag))
    made.rows.remove(moved)
    made.rows.append(moved)
    made._tree = tree_of(made.rows)
    root = liar.take(made, made.root("one", GENESIS))
    check_totals(root, log.entries)
    around = next(n for n, row in enumerate(made.rows) if row[:32] > tag)
    absent = Proof(
        around - 1, b"".join(made.rows[around - 1 : around + 1]), tuple(made._tree.range_proof(around - 1, 2))
    )
    shown = Shown(root, liar.places[0], log.entries[liar.places[0]], {TODAY: absent})
    assert check_complete(key, [shown], {}).confirmed == 0
    in_its_order = {row.tag: row for row in liar.opened()}
    with pytest.raises(IndexRowsInvalid) as found:
        audit(root, [in_its_order[row[:32]] for row in made.rows], log.entries)
    assert found.value.facts["part"] == "order"
    with pytest.raises(IndexRowsInvalid):
        audit(root, liar.opened(), log.entries)


def test_o12_a_tag_with_two_rows_is_seen_by_the_auditor() -> None:
    log = PublicLog.of([(EntryKind.REQUEST, 0, NOON), (EntryKind.OUTCOME, 0, NOON)])
    liar = keeper(log)
    parts = [opened_row(Listed(liar.key(0), TODAY, (n,)), ORIGIN, 0) for n in (0, 1)]
    made = Index(ORIGIN, 0, 2, [Listed(liar.key(0), TODAY, (0,)), Listed(liar.key(1), TODAY, (1,))])
    made.rows = [row.row.encode() for row in parts]
    made._tree = tree_of(made.rows)
    root = liar.take(made, made.root("one", GENESIS))
    check_totals(root, log.entries)
    with pytest.raises(IndexRowsInvalid) as found:
        audit(root, parts, log.entries)
    assert found.value.facts["part"] == "order"


def test_o12_a_day_without_a_proof_is_not_taken_for_an_empty_one(log: PublicLog) -> None:
    honest = keeper(log)
    honest.index_to(13)
    shown = honest.shown(NOBODY)
    bare = [Shown(each.root, each.index, each.entry, {}) for each in shown]
    assert check_complete(honest.key(NOBODY), shown, {}).confirmed == 0
    with pytest.raises(IndexProofInvalid):
        check_complete(honest.key(NOBODY), bare, {})


# --- O13: the number is right and the list is another -----------------------------------------------------


def test_o13_a_list_of_the_right_length_with_another_entry_is_missed(log: PublicLog) -> None:
    """The keeper exchanged entries of Hanako and Taro, and shows each the right number of rows."""
    liar = keeper(log, e1=TARO, e3=HANAKO)
    liar.index_to(13)
    with pytest.raises(IndexListDiffers):
        complete(liar, HANAKO)
    honest = keeper(log, "two")
    honest.index_to(13)
    wrong = {1: log.entries[1], **{i: e for i, e in log.rows(TARO).items() if i != 3}}
    with pytest.raises(IndexListDiffers):
        complete(honest, TARO, wrong)


def test_o13_a_row_that_the_index_does_not_have_is_missed(log: PublicLog) -> None:
    honest = keeper(log)
    honest.index_to(13)
    with pytest.raises(IndexRowMissing):
        complete(honest, HANAKO, {**log.rows(HANAKO), 3: log.entries[3]})


def test_o13_an_audited_row_cannot_be_opened_to_another_list(log: PublicLog) -> None:
    liar = keeper(log)
    root = liar.index_to(13)
    rows = liar.opened()
    changed = [msgspec.structs.replace(rows[0], indexes=rows[1].indexes), *rows[1:]]
    for wrong in (changed, rows[:-1], rows[1:], [*rows, rows[-1]]):
        with pytest.raises(IndexRowsInvalid):
            audit(root, wrong, log.entries)


# --- the chain of indexes -----------------------------------------------------------------------------------


def chain(log: PublicLog) -> tuple[Keeper, list[IndexRoot]]:
    one = keeper(log)
    for end in (4, 8, 13):
        one.index_to(end)
    return one, one.roots


Change = Callable[[list[IndexRoot]], list[IndexRoot]]

BREAKS: dict[str, tuple[str, Change]] = {
    "a gap": ("gap", lambda r: [r[0], r[2]]),
    "a late beginning": ("gap", lambda r: r[1:]),
    "an overlap": ("overlap", lambda r: [r[0], msgspec.structs.replace(r[1], start=3), r[2]]),
    "one twice": ("overlap", lambda r: [r[0], r[0], r[1]]),
    "another index before": (
        "previous",
        lambda r: [msgspec.structs.replace(r[0], root=sha("other")), *r[1:]],
    ),
    "one of another keeper": ("keeper", lambda r: [r[0], msgspec.structs.replace(r[1], keeper="two"), r[2]]),
    "one of another log": ("keeper", lambda r: [r[0], msgspec.structs.replace(r[1], origin="b"), r[2]]),
}


@pytest.mark.parametrize("way", list(BREAKS))
def test_indexes_that_do_not_follow_each_other_are_refused(log: PublicLog, way: str) -> None:
    part, change = BREAKS[way]
    _, roots = chain(log)
    check_chain(roots)
    with pytest.raises(IndexChainBroken) as found:
        check_chain(change(roots))
    assert found.value.facts["part"] == part


def test_a_reader_takes_no_indexes_with_a_gap_between_them(log: PublicLog) -> None:
    """The entries in the gap would be nobody's."""
    one, _ = chain(log)
    shown = one.shown(HANAKO)
    rows = {index: entry for index, entry in log.rows(HANAKO).items() if not 4 <= index < 8}
    with pytest.raises(IndexChainBroken):
        check_complete(one.key(HANAKO), [shown[0], shown[2]], rows)


def test_an_index_that_is_not_in_the_log_shows_a_reader_nothing(log: PublicLog) -> None:
    """A keeper could sign one index for the public and one for the person."""
    honest, liar = keeper(log), keeper(log, e6=NOBODY, e7=NOBODY)
    honest.index_to(13)
    private = liar.index_to(13, file=False)
    place = honest.places[0]
    proofs = {d.day: liar.indexes[0].prove(tag_of(liar.key(HANAKO), ORIGIN, 0, d.day)) for d in private.days}
    rows = {0: log.entries[0], 1: log.entries[1]}
    with pytest.raises(IndexNotLogged):
        check_complete(liar.key(HANAKO), [Shown(private, place, log.entries[place], proofs)], rows)


def test_an_index_logged_before_what_it_covers_is_refused(log: PublicLog) -> None:
    honest = keeper(log)
    root = honest.index_to(13)
    entry = log.entries[honest.places[0]]
    shown = honest.shown(HANAKO)[0]
    with pytest.raises(IndexNotLogged):
        check_complete(honest.key(HANAKO), [Shown(root, 12, entry, shown.proofs)], log.rows(HANAKO))


def test_a_second_index_in_the_log_that_nobody_published_is_seen_by_anybody(log: PublicLog) -> None:
    honest, liar = keeper(log), keeper(log, e6=NOBODY, e7=NOBODY)
    honest.index_to(13)
    check_all_logged(log.entries, honest.roots)
    liar.index_to(13)
    with pytest.raises(IndexNotLogged):
        check_all_logged(log.entries, honest.roots)
    with pytest.raises(IndexChainBroken):
        check_chain(honest.roots + liar.roots)


def test_an_index_that_was_published_and_not_logged_is_seen_by_anybody(log: PublicLog) -> None:
    honest = keeper(log)
    honest.index_to(8)
    honest.index_to(13, file=False)
    with pytest.raises(IndexNotLogged):
        check_all_logged(log.entries, honest.roots)


# --- the signed root ----------------------------------------------------------------------------------------


def test_a_root_is_believed_only_under_the_keepers_own_signature(log: PublicLog) -> None:
    root = keeper(log).index_to(13)
    data, signature = wire.sign(root, KEY)
    assert wire.opened(data, signature, KEY.public) == root
    for wrong in (SigningKey(b"m" * 32).sign("index", data), KEY.sign("history", data), bytes(64)):
        with pytest.raises(SignatureInvalid):
            wire.opened(data, wrong, KEY.public)


IMPOSSIBLE: dict[str, Callable[[IndexRoot], IndexRoot]] = {
    "an empty range": lambda r: msgspec.structs.replace(r, start=r.end),
    "a range that runs back": lambda r: msgspec.structs.replace(r, start=r.end + 1),
    "days in another order": lambda r: msgspec.structs.replace(r, days=r.days[::-1]),
    "a day twice": lambda r: msgspec.structs.replace(r, days=(r.days[0], r.days[0])),
    "more rows than entries": lambda r: msgspec.structs.replace(
        r, days=(msgspec.structs.replace(r.days[0], rows=r.days[0].total + 1), r.days[1])
    ),
    "more entries than the range has": lambda r: msgspec.structs.replace(r, end=r.total - 1),
    "a tree without rows": lambda r: msgspec.structs.replace(r, days=()),
}


@pytest.mark.parametrize("way", list(IMPOSSIBLE))
def test_a_root_that_cannot_be_true_is_refused_even_when_it_is_signed(log: PublicLog, way: str) -> None:
    data = encode(IMPOSSIBLE[way](keeper(log).index_to(13)))
    with pytest.raises(IndexRootInvalid):
        wire.opened(data, KEY.sign("index", data), KEY.public)


# --- P2: what the rows give away ------------------------------------------------------------------------------


def bit_distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def test_p2_tags_of_one_person_on_two_days_are_as_far_apart_as_those_of_strangers() -> None:
    """Structure: no tag comes twice in a year, an index or a log. Statistics: the number of equal bits of one person's
    tags on following days has the mean of independent ones; 8,000 pairs give a standard error of 0.09."""
    keys = [sha(f"person {n}") for n in range(40)]
    days = range(TODAY, TODAY + 201)
    tags = {key: [tag_of(key, ORIGIN, 24 * day, day) for day in days] for key in keys}
    assert len({tag for own in tags.values() for tag in own}) == len(keys) * len(days)
    apart = [bit_distance(*pair) for own in tags.values() for pair in pairwise(own)]
    assert abs(sum(apart) / len(apart) - 128) < 0.7
    strangers = [
        bit_distance(*pair) for day in range(200) for pair in pairwise(own[day] for own in tags.values())
    ]
    assert abs(sum(apart) / len(apart) - sum(strangers) / len(strangers)) < 1


def test_p2_two_indexes_of_one_day_show_no_tag_twice() -> None:
    """Twenty people with an entry each hour: who sees all rows of the day cannot put them together by tag."""
    log = PublicLog.of([(EntryKind.REQUEST, n % 20, NOON) for n in range(480)])
    one = keeper(log)
    for end in range(20, 481, 20):
        one.index_to(end, file=False)
    seen = Counter(row[:32] for made in one.indexes for row in made.rows)
    assert len(seen) == 480
    other = keeper(log, "two")
    other.index_to(20, file=False)
    assert not seen.keys() & {row[:32] for row in other.indexes[0].rows}


def test_p2_a_neighbours_row_does_not_tell_which_entries_stand_in_it() -> None:
    """An agency knows the place of its own question, is shown the row of somebody else as a neighbour, and tries all
    pairs and singles of the hour. With the salt, which only an auditor gets, the pair is found at once."""
    log = PublicLog.of([(EntryKind.REQUEST, n % 8, NOON) for n in range(16)])
    one = keeper(log)
    root = one.index_to(16)
    proof = one.indexes[0].prove(tag_of(sha("nobody"), ORIGIN, 0, TODAY))
    rows = [wire.Row.decode(proof.rows[at : at + wire.ROW]) for at in range(0, len(proof.rows), wire.ROW)]
    guesses = [(i,) for i in range(16)] + [(i, j) for j in range(16) for i in range(j)]
    seen = {each for row in rows for each in (row.sealed, row.sealed[::-1])}
    public = [bytes(32), root.root, root.digest, *(row.tag for row in rows)]
    tried = {wire.sealed_list(salt, wire.list_digest(g)) for g in guesses for salt in public}
    tried |= {wire.list_digest(g) for g in guesses} | {
        digest("index-list", wire.list_digest(g)) for g in guesses
    }
    assert rows
    assert not seen & tried
    salts = {row.tag: row.salt for row in one.opened()}
    assert seen & {wire.sealed_list(salts[rows[0].tag], wire.list_digest(g)) for g in guesses}


def test_p2_what_a_problem_says_names_no_list_and_no_entry(log: PublicLog) -> None:
    liar = keeper(log, e1=TARO, e3=HANAKO)
    liar.index_to(13)
    with pytest.raises(Problem) as found:
        complete(liar, HANAKO)
    assert set(found.value.facts) == {"start", "day"}
