"""A portal that lies makes a resident's browser believe nothing that `kakine history` refuses (spec/browser.md).

Each answer goes before both readers: ours, and the modules that the page loads, run by Node. They must say the same,
and what is said here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from attacks.insider import MAILBOXES
from attacks.test_erasure import forward
from attacks.test_index_country import hide_last_row
from attacks.test_next_log import before_midnight, next_log
from attacks.test_reader_remembers import other_history
from attacks.test_seals import DAY_S, DAYS, with_leave
from browser_reading import Case, Served, as_ours, differing, opened_by_page, ours, served, theirs
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.country import LOGS
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.crypto.signing import SigningKey
from kakine.protocols.freshness import FRESH_MS
from kakine.values.problems import NotCanonical
from kakine.wire import policy as policies
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import make
from kakine.wire.envelope import Envelope, Envelopes
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.index import Indexed
from kakine.wire.policy import LOG, vkey
from kakine.wire.reading import HistoryGiven, Trust, TrustedKeeper, TrustedLog
from kakine.wire.record import RequestCommon, RequestPersonal, RequestRecord

from land import CHILDREN, LOGIN, TAX, Land

A, B = LOGS
FIRST, SECOND = MAILBOXES
MINE = SigningKey(b"portal's own".ljust(32))

REQUEST = RequestRecord(
    RequestCommon("a/b", "c/d", "JO1", ("JO1.1",), b"a" * 32, 1, 322, 0, "unit", 2, ("TK-1",), b"q" * 32),
    RequestPersonal(b"x" * 16, "official", b"", b""),
    b"d" * 32,
    b"w" * 32,
    b"p" * 32,
)

Change = Callable[[HistoryGiven], HistoryGiven]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """Two people; person 0 was asked about three times, all is indexed and witnessed, and once since."""
    with Land.founded(tmp_path_factory.mktemp("browser") / "land", 2, (CHILDREN, TAX, LOGIN)) as land:
        for j in (0, 1, 0, 0):
            land.run(land.ask(j))
        land.run(land.country.index())
        land.run(land.ask(0))
        land.run(land.country.have_witnessed())
        yield land


@pytest.fixture(scope="module")
def honest(country: Land) -> Served:
    """What an honest portal answers."""
    return served(country)


def trust_in(given: Served) -> bytes:
    """What the reader believes since an earlier visit."""
    return decode(given.data, HistoryGiven).trust


def changed(given: Served, change: Change) -> Served:
    """The answer of a portal that changes it."""
    return Served(encode(change(decode(given.data, HistoryGiven))), given.session, given.now_ms)


def said(case: Case) -> dict[str, Any]:
    """What both readers say, which must be the same."""
    mine, (other,) = ours(case), theirs([case])
    assert as_ours(other) == mine
    return other


def refused(given: Served, change: Change) -> str:
    """The code with which both readers refuse a changed answer; they knew the true keys before."""
    case = Case(changed(given, change), trusted=trust_in(given))
    return str(said(case).get("refused", ""))


# --- honest histories ---------------------------------------------------------------------------------------------


def test_an_honest_history_is_complete_and_public_in_the_browser(honest: Served) -> None:
    read = said(Case(honest, trusted=trust_in(honest)))
    assert read["complete"]
    assert read["public"]
    assert (read["keepers"], read["witnesses"]) == (2, 8)
    assert read["provisional"] == 3  # an exchange and this reading
    results = [line["result"] for line in read["lines"] if line["ground"] == "JO106"]
    assert results == ["delivered"] * 4
    assert read["lines"][-1]["result"] == "viewed"


def test_a_first_visit_takes_the_portals_keys_and_shows_their_fingerprint(honest: Served) -> None:
    first, again = theirs([Case(honest), Case(honest, trusted=trust_in(honest))])
    assert first["fingerprint"] == again["fingerprint"]
    assert first["complete"]


def test_a_withheld_record_is_shown_after_its_day(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", 2, (CHILDREN, TAX, LOGIN), with_leave()) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0, seal_days=DAYS))
        land.run(land.country.index())
        before = said(Case(served(land)))
        land.clock.advance(DAYS * DAY_S)
        land.run(land.country.refresh())
        land.run(land.country.unseal())
        land.run(land.country.index())
        after = said(Case(served(land)))
    assert not [line for line in before["lines"] if line["sealedUntil"]]
    assert [line["result"] for line in after["lines"] if line["sealedUntil"]] == ["delivered"]
    assert after["openings"] == 2
    assert after["complete"]


def test_what_was_erased_on_schedule_is_shown_as_erased(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0))
        land.run(land.country.index())
        forward(land)
        land.run(land.country.retain())
        land.run(land.country.index())
        read = said(Case(served(land)))
    assert len(read["erased"]) > 2
    assert [line["ground"] for line in read["lines"]] == ["OWN-HISTORY"]
    assert read["complete"]


def test_a_history_over_several_logs_is_one(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX, LOGIN), clock=before_midnight(3600)) as land:
        land.run(land.ask(0))
        land.clock.advance(3700)
        following = next_log(land, A)
        land.run(land.ask(0))
        next_log(land, B)
        land.run(land.ask(0))
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        read = said(Case(served(land)))
    assert {line["origin"] for line in read["lines"]} == {A.origin, B.origin, following.origin}
    assert read["complete"]


def test_a_row_that_one_record_keeper_hides_is_shown_and_the_hider_named(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.ask(0))
        land.run(land.country.index())
        hide_last_row(land, 0)
        read = said(Case(served(land)))
    assert list(read["hidden"]) == [SECOND]
    assert not read["complete"]
    assert [line["result"] for line in read["lines"] if line["ground"] == "JO106"] == ["delivered"]


# --- a portal that changes the answer -------------------------------------------------------------------------------


def _rows(kept: Any, change: Callable[[Any], Any]) -> Any:
    return replace(kept, rows=tuple(change(kept.rows)))


def first_list(change: Callable[[Any], Any]) -> Change:
    """The first record keeper's list with other rows."""
    return lambda given: replace(given, lists=(_rows(given.lists[0], change), *given.lists[1:]))


def both_lists(change: Callable[[Any], Any]) -> Change:
    """Both lists with other rows."""
    return lambda given: replace(given, lists=tuple(_rows(each, change) for each in given.lists))


def _swapped(rows: Sequence[Any], name: str) -> list[Any]:
    one, other = rows[-1], rows[-2]
    swap = {name: getattr(other, name)}, {name: getattr(one, name)}
    return [*rows[:-2], replace(other, **swap[1]), replace(one, **swap[0])]


def _restated(given: HistoryGiven) -> HistoryGiven:
    """A row less, in a statement that fits, which the portal signs itself."""
    kept = given.lists[0]
    head = GENESIS
    for row in kept.rows[:-1]:
        head = chained(head, row.entry)
    before = decode(kept.statement, Statement)
    statement = encode(replace(before, count=before.count - 1, head=head))
    forged = replace(
        kept, rows=kept.rows[:-1], statement=statement, signature=MINE.sign("history", statement)
    )
    return replace(given, lists=(forged, *given.lists[1:]))


def _other_note(given: HistoryGiven) -> HistoryGiven:
    """The last row under a head that the portal has signed, of a tree of its own."""
    note = make(A.origin, 1, b"\0" * 32, MINE)
    forged = first_list(lambda rows: [*rows[:-1], replace(rows[-1], note=len(given.blobs))])
    return forged(replace(given, blobs=(*given.blobs, note)))


def _share(given: HistoryGiven) -> HistoryGiven:
    """One converter's sealed shares with a bit changed."""
    whole = bytearray(given.shares[1])
    whole[-20] ^= 4
    return replace(given, shares=(given.shares[0], bytes(whole), given.shares[2]))


def _own_shares(given: HistoryGiven, fewer: int = 0) -> HistoryGiven:
    """Anybody can seal to a session: with shares of its own the portal would choose the keys of records."""
    session = OpenKey(b"s" * 32)
    info = digest("shares", given.request, bytes([2]))
    count = len({row.entry for kept in given.lists for row in kept.rows}) - fewer
    return replace(
        given, shares=(given.shares[0], seal(session.public, info, b"\1" * 32 * count), given.shares[2])
    )


LIES: dict[str, tuple[Change, str]] = {
    "one list is shorter": (first_list(lambda rows: rows[:-1]), "history-incomplete"),
    "both lists are shorter": (both_lists(lambda rows: rows[:-1]), "history-incomplete"),
    "both lists lack a row in the middle": (both_lists(lambda rows: [*rows[:4], *rows[5:]]), "history-incomplete"),
    "both lists are empty": (both_lists(lambda rows: []), "history-incomplete"),
    "one list is not there": (lambda given: replace(given, lists=given.lists[:1]), "history-incomplete"),
    "one list comes twice": (lambda given: replace(given, lists=given.lists[:1] * 2), "history-incomplete"),
    "no list is there": (lambda given: replace(given, lists=()), "history-incomplete"),
    "a shorter list with a statement of the portal's own": (_restated, "signature-invalid"),
    "two rows change places": (both_lists(lambda rows: [*rows[:-2], rows[-1], rows[-2]]), "history-incomplete"),
    "two records change places": (both_lists(lambda rows: _swapped(rows, "envelope")), "history-incomplete"),
    "two proofs change places": (both_lists(lambda rows: _swapped(rows, "proof")), "inclusion-invalid"),
    "a hash of a proof is another one": (
        both_lists(lambda rows: [*rows[:-1], replace(rows[-1], proof=(b"\1" * 32, *rows[-1].proof[1:]))]),
        "inclusion-invalid",
    ),
    "two places are exchanged": (both_lists(lambda rows: _swapped(rows, "index")), "inclusion-invalid"),
    "a record is missing before its time": (
        lambda given: both_lists(
            lambda rows: [*rows[:-1], replace(rows[-1], envelope=len(given.blobs))]
        )(replace(given, blobs=(*given.blobs, b""))),
        "history-incomplete",
    ),
    "a blob is named that is not there": (
        first_list(lambda rows: [replace(rows[0], note=9999), *rows[1:]]),
        "not-canonical",
    ),
    "a head of the portal's own": (_other_note, "signature-invalid"),
    "a share is changed": (_share, "seal-invalid"),
    "a share is the portal's own": (_own_shares, "seal-invalid"),
    "shares are of fewer rows": (lambda given: _own_shares(given, 1), "history-incomplete"),
    "two shares change places": (lambda given: replace(given, shares=given.shares[::-1]), "seal-invalid"),
    "a share is missing": (lambda given: replace(given, shares=given.shares[:2]), "seal-invalid"),
    "the second proofs are missing": (lambda given: replace(given, proved=()), "history-incomplete"),
    "the second proofs are of others": (lambda given: replace(given, proved=given.proved[::-1]), "inclusion-invalid"),
    "the reading is named otherwise": (lambda given: replace(given, request=b"\1" * 32), "history-incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_changed_answer_shows_nothing(honest: Served, lie: str) -> None:
    change, code = LIES[lie]
    assert refused(honest, change) == code


def _everything_own(given: HistoryGiven) -> HistoryGiven:
    trust = decode(given.trust, Trust)
    keepers = tuple(TrustedKeeper(each.keeper, bytes(MINE.public)) for each in trust.keepers)
    return replace(given, trust=encode(replace(trust, keepers=keepers)))


def _own_policy(given: HistoryGiven) -> HistoryGiven:
    trust = decode(given.trust, Trust)
    keys = [vkey(log.origin, LOG, policies.VerifyKey(log.key)) for log in trust.logs]
    text = "".join(f"log {each}\n" for each in keys) + "quorum none\n"
    return replace(given, trust=encode(replace(trust, policy=text.encode())))


def _own_log(given: HistoryGiven) -> HistoryGiven:
    trust = decode(given.trust, Trust)
    logs = (*trust.logs, TrustedLog("ledger.kakine.example/2026/z", bytes(MINE.public), b"", False))
    return replace(given, trust=encode(replace(trust, logs=logs)))


@pytest.mark.parametrize("change", [_everything_own, _own_policy, _own_log])
def test_keys_or_a_policy_other_than_at_the_last_visit_show_nothing(honest: Served, change: Change) -> None:
    assert refused(honest, change) == "trust-changed"


def test_at_a_first_visit_another_policy_has_another_fingerprint_and_makes_nothing_public(
    honest: Served,
) -> None:
    """The reader who compares it with the published one sees it; who does not is told that no witness was asked for."""
    lied = said(Case(changed(honest, _own_policy)))
    assert lied["fingerprint"] != said(Case(honest))["fingerprint"]
    assert not lied["public"]
    assert lied["witnesses"] == 0


def test_an_answer_for_another_session_is_not_opened(country: Land, honest: Served) -> None:
    """Nor one of an earlier reading, which a portal could keep in order to hide what came since."""
    later = Served(honest.data, OpenKey(b"t" * 32), honest.now_ms)
    assert said(Case(later))["refused"] == "seal-invalid"


def test_an_answer_about_somebody_else_is_whole_and_only_its_content_tells(country: Land) -> None:
    """A limit: which account a portal reads for is not in any proof; the lines are not those of the reader's life."""
    assert said(Case(served(country, 1)))["complete"]


# --- indexes, heads, what is of now --------------------------------------------------------------------------------


def test_an_index_that_is_kept_back_makes_the_list_incomplete(honest: Served) -> None:
    def change(given: HistoryGiven) -> HistoryGiven:
        return replace(given, lists=(replace(given.lists[0], indexed=b""), given.lists[1]))

    read = said(Case(changed(honest, change)))
    assert read["doubts"] == {FIRST: "seal-invalid"}
    assert not read["complete"]


def test_the_index_of_one_keeper_does_not_stand_for_that_of_the_other(honest: Served) -> None:
    def change(given: HistoryGiven) -> HistoryGiven:
        return replace(given, lists=(replace(given.lists[0], indexed=given.lists[1].indexed), given.lists[1]))

    assert list(said(Case(changed(honest, change)))["doubts"]) == [FIRST]


def index_told(given: HistoryGiven, session: OpenKey) -> bytes:
    """What the first record keeper has sealed about its indexes."""
    return open_sealed(session, _about_index(given), given.lists[0].indexed)


def _about_index(given: HistoryGiven) -> bytes:
    return digest("indexed", given.request, FIRST.encode())


def resealed(told: bytes, session: OpenKey) -> Change:
    """Anybody can seal to a session, so the portal can put an index of its own there."""

    def change(given: HistoryGiven) -> HistoryGiven:
        indexed = seal(session.public, _about_index(given), told)
        return replace(given, lists=(replace(given.lists[0], indexed=indexed), *given.lists[1:]))

    return change


def _with_list(told: Indexed, **changed: Any) -> Indexed:
    return replace(told, lists=(replace(told.lists[0], **changed),))


def _root(told: Indexed, **changed: Any) -> Indexed:
    return replace(told, roots=(replace(told.roots[0], **changed), *told.roots[1:]))


def _proofs(told: Indexed, **changed: Any) -> Indexed:
    first, *rest = told.lists[0].proofs
    return _with_list(told, proofs=((replace(first[0], **changed), *first[1:]), *rest))


INDEX_LIES: dict[str, tuple[Callable[[Indexed], Indexed], str]] = {
    "no list": (lambda told: replace(told, lists=()), "index-proof-invalid"),
    "no root": (lambda told: Indexed((), (replace(told.lists[0], proofs=()),)), "index-proof-invalid"),
    "a place less": (
        lambda told: _with_list(told, places={A.origin: told.lists[0].places[A.origin][1:]}),
        "index-row-missing",
    ),
    "a place more": (
        lambda told: _with_list(told, places={A.origin: (*told.lists[0].places[A.origin], 10_000)}),
        "index-proof-invalid",
    ),
    "another list's key": (lambda told: _with_list(told, key=b"\1" * 32), "index-proof-invalid"),
    "a root that the portal signs": (
        lambda told: _root(told, signature=MINE.sign("index", told.roots[0].root)),
        "signature-invalid",
    ),
    "a root at another place": (lambda told: _root(told, index=told.roots[0].index - 1), "inclusion-invalid"),
    "rows of nobody": (lambda told: _proofs(told, rows=b"\1" * 68), "index-proof-invalid"),
    "no rows": (lambda told: _proofs(told, rows=b"", path=()), "index-proof-invalid"),
    "no path": (lambda told: _proofs(told, path=(b"\1" * 32,)), "index-proof-invalid"),
}


# Under another key the rows that are looked for may happen to lie between the very neighbours that the proof shows.
OR_BY_CHANCE = {"another list's key": "index-row-missing"}


@pytest.mark.parametrize("lie", INDEX_LIES)
def test_an_index_of_the_portals_own_makes_the_list_incomplete(honest: Served, lie: str) -> None:
    change, code = INDEX_LIES[lie]
    told = decode(index_told(decode(honest.data, HistoryGiven), honest.session), Indexed)
    read = said(Case(changed(honest, resealed(encode(change(told)), honest.session))))
    assert read["doubts"] in ({FIRST: code}, {FIRST: OR_BY_CHANCE.get(lie, code)})
    assert not read["complete"]


def test_a_flipped_byte_in_an_index_is_refused_or_harmless_and_both_readers_say_the_same(
    honest: Served,
) -> None:
    told = index_told(decode(honest.data, HistoryGiven), honest.session)
    draw = random.Random(7)
    cases = []
    for at in sorted(draw.sample(range(len(told)), 90)):
        flipped = bytearray(told)
        flipped[at] ^= 1 << draw.randrange(8)
        cases.append(
            Case(changed(honest, resealed(bytes(flipped), honest.session)), trusted=trust_in(honest))
        )
    assert differing(cases) == []
    whole, *found = theirs([Case(honest), *cases])
    taken = [each for each in found if FIRST in each["confirmed"]]
    assert [each for each in taken if each["confirmed"] != whole["confirmed"]] == []
    assert len(taken) < 3


def logs(change: Callable[[Any], Any], origin: str = A.origin) -> Change:
    """The answer with one log shown otherwise."""
    return lambda given: replace(
        given, logs=tuple(change(each) if each.origin == origin else each for each in given.logs)
    )


def test_a_stale_head_is_noticed_by_what_converters_have_seen(country: Land, honest: Served) -> None:
    country.run(country.ask(0))
    later = served(country)
    old = next(each for each in decode(honest.data, HistoryGiven).logs if each.origin == A.origin)
    read = said(Case(changed(later, logs(lambda now: replace(now, served=old.served)))))
    assert read["accused"] == {A.origin: "log-behind"}
    assert not read["complete"]


def test_a_stale_head_without_the_converters_is_noticed_by_its_age(honest: Served) -> None:
    silent = changed(honest, logs(lambda now: replace(now, seen=())))
    at_once, late = said(Case(silent)), said(Case(silent, later_ms=FRESH_MS + 60_000))
    assert at_once["stale"] == {}
    assert late["stale"][A.origin] == "head-stale"
    assert not late["public"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (logs(lambda now: replace(now, witnessed=b"")), "not-witnessed"),
        (logs(lambda now: replace(now, served=b"")), "party-unavailable"),
        (logs(lambda now: replace(now, unasked=True)), "party-unavailable"),
        (lambda given: replace(given, logs=()), "party-unavailable"),
    ],
)
def test_a_log_of_which_nothing_is_said_is_not_called_of_now(
    honest: Served, change: Change, code: str
) -> None:
    read = said(Case(changed(honest, change)))
    assert read["stale"][A.origin] == code
    assert not read["public"]


def test_a_head_that_no_log_has_signed_accuses(honest: Served) -> None:
    forged = changed(honest, logs(lambda now: replace(now, served=make(A.origin, 3, b"\2" * 32, MINE))))
    assert said(Case(forged))["accused"][A.origin] in {"signature-invalid", "log-behind"}


def test_since_the_last_visit_the_log_only_grew(country: Land) -> None:
    before = {log.origin: _head(country, log.ledger) for log in LOGS}
    sizes = {origin: int(note.split(b"\n")[1]) for origin, note in before.items()}
    country.run(country.ask(1))
    later = served(country, since=sizes)
    read = said(Case(later, before=before))
    assert read["grown"] == {origin: str(size) for origin, size in sizes.items()}
    without = changed(later, logs(lambda now: replace(now, since=())))
    assert said(Case(without, before=before))["accused"] == {A.origin: "head-forked"}
    hidden = changed(later, lambda given: replace(given, logs=()))
    assert said(Case(hidden, before=before))["stale"] == dict.fromkeys(before, "party-unavailable")


def test_s5_a_fork_shown_to_one_browser_is_caught_at_the_next_visit(country: Land, honest: Served) -> None:
    size = int(_head(country, A.ledger).split(b"\n")[1])
    _, note = other_history(country, size - 2)
    read = said(Case(served(country, since={A.origin: size - 2}), before={A.origin: note}))
    assert read["accused"] == {A.origin: "head-forked"}
    assert not read["complete"]


def _head(land: Land, ledger: Any) -> bytes:
    return land.run(land.country.peers("portal").ask(ledger, CHECKPOINT, Nothing())).checkpoint


# --- an agency that lies ---------------------------------------------------------------------------------------------


def test_a_record_that_its_entry_does_not_stand_for_is_refused() -> None:
    """Sealed well, under the commitment of another record: what no honest provider confirms, and no reader takes."""
    batch = Envelopes(b"r" * 32, b"a" * 32, 322, [OpenKey(bytes([i]) * 32).public for i in range(3)])
    own, other = REQUEST.committed(), replace(REQUEST, person=b"o" * 32).committed()
    cases = [(batch.make(0, b"k" * 32, committed, encode(REQUEST)), committed) for committed in (own, other)]
    found = [
        opened_by_page(envelope, shares_of(envelope, committed), committed) for envelope, committed in cases
    ]
    assert found == ["", "not-canonical"]
    with pytest.raises(NotCanonical):
        Envelope.parse(cases[1][0]).open(shares_of(*cases[1]), other)


def shares_of(envelope: bytes, committed: bytes) -> list[bytes]:
    """What the three converters open."""
    parsed = Envelope.parse(envelope)
    keys = [OpenKey(bytes([i]) * 32) for i in range(3)]
    return [parsed.open_share(i, parsed.opener(i, key), committed) for i, key in enumerate(keys)]


# --- every byte ----------------------------------------------------------------------------------------------------


def worse(found: dict[str, Any], honest: dict[str, Any]) -> bool:
    """Whether a reader was told something that is not so: another line, or that more is confirmed than is."""
    if "refused" in found:
        return False
    more = any(found[name] > honest[name] for name in ("signed", "verified", "witnessed", "witnesses"))
    return more or any(found[name] != honest[name] for name in ("lines", "erased", "openings", "hidden"))


def _longer(data: bytes) -> bytes:
    """The array of seven parts with its length in two bytes."""
    assert data[0] == 0x97
    return b"\xdc\x00\x07" + data[1:]


@pytest.mark.parametrize(
    "again", [lambda data: data + b"\xc0", _longer, lambda data: b""], ids=["behind", "longer", "empty"]
)
def test_a_second_encoding_of_the_same_message_is_refused(
    honest: Served, again: Callable[[bytes], bytes]
) -> None:
    other = Served(again(honest.data), honest.session, honest.now_ms)
    assert said(Case(other)) == {"refused": "not-canonical"}


@pytest.mark.parametrize("part", range(4))
def test_a_flipped_byte_is_refused_or_harmless_and_both_readers_say_the_same(
    honest: Served, part: int
) -> None:
    """A draw of places over the whole message, and each place in its first and last bytes."""
    draw = random.Random(part)
    places = sorted(draw.sample(range(len(honest.data)), 70))
    edges = range(part * 20, part * 20 + 20)
    cases = [
        Case(honest, [(at, draw.randrange(1, 256))], trust_in(honest))
        for at in [*places, *edges, *(len(honest.data) - 1 - at for at in edges)]
    ]
    assert differing(cases) == []
    whole, *found = theirs([Case(honest), *cases])
    assert [(case.flips, each) for case, each in zip(cases, found, strict=True) if worse(each, whole)] == []
