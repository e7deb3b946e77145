"""Versions follow each other only as the law of changing the law allows."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from gazette_country import NOW, WAIT, altered, anchors, book, first, identity, publish, signed
from kakine.crypto.hashing import digest
from kakine.protocols.gazette import CLOCK_MS, LawBook
from kakine.protocols.gazette_draft import narrowed, next_version
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.protocols.gazette_log import entry_of, logged_ms
from kakine.values import problems
from kakine.values.calendar import day_in_japan
from kakine.wire import canonical
from kakine.wire.gazette import Gazette, Kind, Signatures, Subject, Suspension, decode, encode, gazette_digest

ASK = ("yokohama/children", "sapporo/tax", "JO106", ["JO106.2"])


def earlier_start(gazette: Gazette) -> Gazette:
    return altered(gazette, "rows", "JO106.2", start=1)


def stop_sapporo(gazette: Gazette) -> Gazette:
    stop = Suspension(Subject.PARTY, "sapporo", "leak")
    return msgspec.structs.replace(gazette, suspensions=(stop,))


def one_body_for_both(gazette: Gazette) -> Gazette:
    merged = altered(gazette, "parties", "ministry", roles=("commission", "ministry"))
    return msgspec.structs.replace(
        merged, parties=tuple(party for party in merged.parties if party.name != "commission")
    )


def test_the_first_version_needs_both_founders() -> None:
    """One signature, or one made by somebody else, founds no country."""
    encoded = encode(first())
    for by in ("ministry", "commission", ""):
        with pytest.raises(problems.GazetteUnsigned):
            LawBook(anchors()).accept(encoded, signed(encoded, by), NOW)
    crossed = Signatures(signed(encoded).commission, signed(encoded).ministry)
    with pytest.raises(problems.SignatureInvalid):
        LawBook(anchors()).accept(encoded, crossed, NOW)


def test_before_the_first_version_nothing_is_allowed() -> None:
    """An empty book has no law in force."""
    with pytest.raises(problems.NoLawInForce):
        LawBook(anchors()).in_force(NOW)


def test_a_widening_waits_for_its_day() -> None:
    """Until effective_ms the old law stays in force and the new one is pending."""
    laws = book()
    new = publish(laws, earlier_start)
    assert new.gazette.kind is Kind.WIDENING
    assert laws.in_force(NOW + WAIT - 1).gazette.number == 0
    assert laws.pending(NOW + WAIT - 1) is new
    assert laws.in_force(NOW + WAIT) is new
    assert laws.pending(NOW + WAIT) is None


@pytest.mark.parametrize("by", ["ministry", "commission"])
def test_no_one_alone_can_widen(by: str) -> None:
    """Neither signature is enough."""
    with pytest.raises(problems.GazetteUnsigned):
        publish(book(), earlier_start, by)


def test_a_widening_cannot_shorten_its_waiting_time() -> None:
    """One millisecond less than the waiting time is refused, even if the same version sets a shorter one."""
    with pytest.raises(problems.GazetteTooSoon):
        publish(book(), earlier_start, wait_ms=WAIT - 1)
    with pytest.raises(problems.GazetteTooSoon):
        publish(book(), lambda old: msgspec.structs.replace(old, waiting_ms=0), wait_ms=0)


def test_a_version_dated_back_waits_from_its_publication() -> None:
    """The waiting time runs from the ledger entry, not from the date that the signers wrote."""
    laws = book()
    version = next_version(laws, earlier_start(first()), NOW, NOW + WAIT, "理由", "reason")
    encoded = encode(version)
    with pytest.raises(problems.GazetteTooSoon):
        laws.accept(encoded, signed(encoded), NOW + WAIT)


def test_a_party_that_asks_regularly_needs_not_believe_the_ledger_entry() -> None:
    """What was not there yesterday was not published the week before, whatever its entry says."""
    laws = book()
    version = next_version(laws, earlier_start(first()), NOW, NOW + WAIT, "理由", "reason")
    encoded = encode(version)
    laws.heard(NOW + WAIT)
    with pytest.raises(problems.GazetteTooSoon):
        laws.accept(encoded, signed(encoded), NOW)


def test_asking_right_before_the_publication_does_no_harm() -> None:
    """Clocks that differ by a minute do not make a party refuse a rightly published version."""
    laws = book()
    laws.heard(NOW + CLOCK_MS)
    publish(laws, earlier_start)


def test_a_version_from_the_future_is_refused() -> None:
    """Dated later than its ledger entry can be."""
    laws = book()
    version = next_version(laws, earlier_start(first()), NOW + 2 * CLOCK_MS, NOW + 2 * WAIT, "理由", "reason")
    encoded = encode(version)
    with pytest.raises(problems.GazetteTooSoon):
        laws.accept(encoded, signed(encoded), NOW)


@pytest.mark.parametrize("by", ["ministry", "commission"])
def test_either_alone_can_stop_a_party_at_once(by: str) -> None:
    """A narrowing needs one signature and no waiting, and holds even for a clock that is behind."""
    laws = book()
    laws.in_force(NOW).permit(*ASK, NOW)
    publish(laws, stop_sapporo, by)
    with pytest.raises(problems.Suspended):
        laws.in_force(NOW - 60_000).permit(*ASK, NOW)


def test_a_narrowing_nobody_signed_stops_nothing() -> None:
    """Stopping the country is an act of law too."""
    with pytest.raises(problems.GazetteUnsigned):
        publish(book(), stop_sapporo, by="")


def test_a_struck_row_is_gone_at_once() -> None:
    """Striking is a narrowing."""
    laws = book()
    publish(laws, lambda old: narrowed(laws.in_force(NOW), [], ["JO106.2"], "unused"), by="commission")
    with pytest.raises(problems.RowUnknown):
        laws.in_force(NOW).permit(*ASK, NOW)


def test_lifting_a_suspension_is_a_widening() -> None:
    """What one stopped, only both can start again, after the waiting time."""
    laws = book()
    publish(laws, stop_sapporo, "commission")
    with pytest.raises(problems.GazetteUnsigned):
        publish(laws, lambda old: msgspec.structs.replace(old, suspensions=()), "commission")
    publish(laws, lambda old: msgspec.structs.replace(old, suspensions=()))
    with pytest.raises(problems.Suspended):
        laws.in_force(NOW).permit(*ASK, NOW)
    laws.in_force(NOW + WAIT).permit(*ASK, NOW + WAIT)


def test_a_narrowing_does_not_bring_a_waiting_widening_forward() -> None:
    """It changes the law in force and drops what was waiting."""
    laws = book()
    publish(laws, earlier_start)
    publish(laws, stop_sapporo, "commission", now_ms=NOW + 1)
    present = laws.in_force(NOW + 2 * WAIT)
    assert present.gazette.number == 2
    assert present.row("JO106.2").start != 1
    assert laws.pending(NOW + 2) is None


def test_a_widening_in_force_is_what_the_next_version_changes() -> None:
    """After its day, a version that builds on the law before it is refused: it would undo it unseen."""
    laws = book()
    publish(laws, stop_sapporo, "commission")
    publish(laws, earlier_start, now_ms=NOW + 1)
    later = NOW + WAIT + 10
    version = next_version(laws, earlier_start(first()), later, later + WAIT, "理由", "reason")
    stale = encode(msgspec.structs.replace(version, changes=laws.published[0].digest))
    with pytest.raises(problems.GazetteNotNext):
        laws.accept(stale, signed(stale), later)


def test_the_chain_has_no_gaps_forks_or_second_beginnings() -> None:
    """Wrong number, wrong previous digest and a second genesis are refused."""
    laws = book()
    version = next_version(laws, earlier_start(first()), NOW, NOW + WAIT, "理由", "reason")
    for wrong in (
        {"number": 2},
        {"number": 0},
        {"previous": bytes(32)},
        {"changes": bytes(32)},
        {"kind": Kind.GENESIS},
    ):
        encoded = encode(msgspec.structs.replace(version, **wrong))
        with pytest.raises(problems.GazetteNotNext):
            laws.accept(encoded, signed(encoded), NOW)


def test_the_same_version_twice_is_one() -> None:
    """Accepting is idempotent."""
    laws = book()
    law = publish(laws, stop_sapporo, "commission")
    assert laws.accept(law.encoded, Signatures(), NOW) is law
    assert len(laws.published) == 2


def test_a_version_that_changes_nothing_is_refused() -> None:
    """There is nothing to say."""
    with pytest.raises(problems.GazetteUnchanged):
        publish(book(), lambda old: old, "commission")


@pytest.mark.parametrize("by", ["ministry", "commission"])
def test_a_narrowing_that_changes_nothing_drops_what_waits_once(by: str) -> None:
    """It says so and why, and stops nothing; without a widening that waits it is refused."""
    laws = book()
    publish(laws, earlier_start)
    assert laws.pending(NOW + 1) is not None
    law = publish(laws, lambda old: old, by, now_ms=NOW + 1)
    assert law.gazette.kind is Kind.NARROWING
    assert laws.pending(NOW + 1) is None
    assert laws.in_force(NOW + 2 * WAIT).row("JO106.2").start != 1
    with pytest.raises(problems.GazetteUnchanged):
        publish(laws, lambda old: old, by, now_ms=NOW + 2)


def test_what_has_taken_effect_is_dropped_by_nothing() -> None:
    """After its day a widening is the law, and one signature does not take it back."""
    laws = book()
    publish(laws, earlier_start)
    with pytest.raises(problems.GazetteUnchanged):
        publish(laws, lambda old: old, "commission", now_ms=NOW + WAIT)


def until(day: int) -> Callable[[Gazette], Gazette]:
    stop = Suspension(Subject.PARTY, "sapporo", "leak", day)
    return lambda old: msgspec.structs.replace(old, suspensions=(stop,))


def test_a_suspension_with_an_end_ends_by_itself_after_that_day() -> None:
    """The end was published with it, so nobody has to lift anything."""
    laws = book()
    day = day_in_japan(NOW) + 3
    publish(laws, until(day), "commission")
    last_ms = (day + 1) * DAY_MS - 9 * 3_600_000 - 1  # 23:59:59.999 in Japan
    with pytest.raises(problems.Suspended):
        laws.in_force(NOW).permit(*ASK, last_ms)
    laws.in_force(NOW).permit(*ASK, last_ms + 1)


def test_an_end_is_put_off_by_one_and_brought_forward_by_both() -> None:
    """Also taking the end away, which leaves the suspension standing for good."""
    day = day_in_japan(NOW) + 3
    for later in (day + 1, 0):
        laws = book()
        publish(laws, until(day), "commission")
        publish(laws, until(later), "commission")
        with pytest.raises(problems.GazetteUnsigned):
            publish(laws, until(day), "commission")


def test_what_is_stopped_again_keeps_the_later_end() -> None:
    """Whoever stops for a shorter time does not let anything go sooner."""
    laws, day = book(), day_in_japan(NOW) + 3
    publish(laws, until(day), "commission")
    law = laws.in_force(NOW)
    ends = {
        asked: narrowed(law, [(Subject.PARTY, "sapporo")], [], "why", asked).suspensions[0]
        for asked in (day - 1, day + 1, 0)
    }
    assert {asked: entry.until for asked, entry in ends.items()} == {day - 1: day, day + 1: day + 1, 0: 0}
    assert {entry.reason for entry in ends.values()} == {"leak"}


def test_new_keys_of_the_signers_hold_from_their_day() -> None:
    """A new commission key is a widening under the old one; afterwards the old key signs nothing."""
    laws = book()
    new_key = identity("commission-new").signing
    publish(laws, lambda old: altered(old, "parties", "commission", signing_key=bytes(new_key.public)))
    day = NOW + WAIT
    with pytest.raises(problems.SignatureInvalid):
        publish(laws, stop_sapporo, "commission", now_ms=day)
    version = next_version(laws, stop_sapporo(laws.in_force(day).gazette), day, day, "理由", "reason")
    encoded = encode(version)
    signature = new_key.sign("gazette-commission", gazette_digest(encoded))
    laws.accept(encoded, Signatures(commission=signature), day)


@pytest.mark.parametrize(
    "change",
    [
        lambda g: altered(g, "rows", "JO106.2", item="TK-9999"),
        lambda g: altered(g, "rows", "JO106.2", provider_type="nobody"),
        lambda g: altered(g, "rows", "JO106.2", procedure="JO999"),
        lambda g: altered(g, "parties", "sapporo", name="saporo"),
        lambda g: altered(g, "parties", "portal", signing_key=g.parties[0].signing_key),
        lambda g: altered(g, "parties", "portal", seal_key=g.parties[0].seal_key),
        lambda g: altered(g, "parties", "portal", roles=("commission", "portal")),
        lambda g: altered(g, "parties", "ministry", roles=()),
        one_body_for_both,
    ],
)
def test_a_version_that_contradicts_itself_is_refused(change: Callable[[Gazette], Gazette]) -> None:
    """Names must resolve; no key is shared; ministry and commission are two bodies."""
    encoded = encode(change(first()))
    with pytest.raises(problems.GazetteInconsistent):
        LawBook(anchors()).accept(encoded, signed(encoded), NOW)


def test_there_is_one_way_to_write_a_version() -> None:
    """Another order of a list is not the same law in other bytes: it is refused."""
    with pytest.raises(problems.GazetteInconsistent):
        encode(msgspec.structs.replace(first(), rows=first().rows[::-1]))
    with pytest.raises(problems.GazetteInconsistent):
        decode(canonical.encode(msgspec.structs.replace(first(), rows=first().rows[::-1])))
    assert encode(decode(encode(first()))) == encode(first())


def test_a_ledger_entry_stands_for_one_version() -> None:
    """The entry of another version, or of another kind, proves nothing."""
    version = gazette_digest(encode(first()))
    entry = entry_of(version, NOW)
    assert logged_ms(entry, version) == NOW // 60_000 * 60_000
    with pytest.raises(problems.GazetteNotLogged):
        logged_ms(entry, digest("gazette", b"another"))
    request = entry[:1] + b"\x01" + entry[2:]
    with pytest.raises(problems.GazetteNotLogged):
        logged_ms(request, version)
