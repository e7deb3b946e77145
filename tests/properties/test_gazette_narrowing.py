"""Whatever passes as a narrowing allows nothing new, for any change of any part of the law."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gazette_country import NOW, altered, first, law_of
from kakine.protocols.gazette import Law
from kakine.protocols.gazette_diff import describe, widenings
from kakine.values.calendar import day_in_japan
from kakine.values.labels import HASH
from kakine.values.problems import Problem
from kakine.wire.gazette import Gazette, Subject, Suspension

SAYS_ITSELF = {
    "number", "previous", "changes", "kind", "published_ms", "effective_ms", "reason_ja", "reason_en"
}  # fmt: skip
Change = Callable[[Gazette], Gazette]


def small() -> Gazette:
    """The parts of the law that the demonstration country lives by, small enough to try all exchanges."""
    gazette = first()
    kept = tuple(row for row in gazette.rows if row.procedure in ("JO106", "JO81"))
    items = {row.item for row in kept} | {i for p in gazette.parties for d in p.domains for i in d.provides}
    return msgspec.structs.replace(
        gazette, rows=kept, items=tuple(item for item in gazette.items if item.id in items)
    )


SMALL = small()
DOMAINS = [HASH, *(domain.name for party in SMALL.parties for domain in party.domains)]
NAMES = {
    Subject.EVERYTHING: [""],
    Subject.PARTY: [party.name for party in SMALL.parties],
    Subject.DOMAIN: DOMAINS[1:],
    Subject.PROCEDURE: ["JO106", "JO81"],
    Subject.ROW: [row.id for row in SMALL.rows],
    Subject.GROUND: [ground.id for ground in SMALL.grounds],
}
TODAY = day_in_japan(NOW)
SUSPENSIONS = st.sampled_from(
    [
        Suspension(s, n, "why", until)
        for s, names in NAMES.items()
        for n in names
        for until in (0, TODAY - 1, TODAY)
    ]
)


def suspensions(draw: st.DrawFn) -> Change:
    chosen = draw(st.lists(SUSPENSIONS, max_size=3, unique_by=lambda s: (s.subject, s.name)))
    ordered = tuple(sorted(chosen, key=lambda s: (s.subject.value, s.name)))
    return lambda gazette: msgspec.structs.replace(gazette, suspensions=ordered)


def rows(draw: st.DrawFn) -> Change:
    row = draw(st.sampled_from(SMALL.rows))
    if draw(st.booleans()):
        return lambda g: msgspec.structs.replace(g, rows=tuple(r for r in g.rows if r.id != row.id))
    field, value = draw(
        st.sampled_from(
            [
                ("start", 0),
                ("start", 30_000),
                ("item", SMALL.items[3].id),
                ("provider_type", "municipality"),
                ("procedure", "JO81"),
                ("requester_file", "local-tax"),
            ]
        )
    )
    return lambda g: altered(g, "rows", row.id, **{field: value})


def parties(draw: st.DrawFn) -> Change:
    party = draw(st.sampled_from(SMALL.parties))
    choice = draw(st.sampled_from(["gone", "types", "roles", "domains", "asks", "provides"]))
    if choice == "gone":
        files = tuple(a for a in SMALL.assessments if a.party != party.name)
        return lambda g: msgspec.structs.replace(
            g, parties=tuple(p for p in g.parties if p.name != party.name), assessments=files
        )
    if choice == "types":
        pool = st.sampled_from(party.types or [entry.id for entry in SMALL.types])
        some = draw(st.sets(pool | st.sampled_from([entry.id for entry in SMALL.types]), max_size=6))
        return lambda g: altered(g, "parties", party.name, types=tuple(sorted(some)))
    if choice == "roles":
        some = draw(st.sets(st.sampled_from(["gateway", "portal", "registry", "mailbox"]), max_size=2))
        return lambda g: altered(g, "parties", party.name, roles=tuple(sorted(some)))
    if choice == "domains":
        return lambda g: altered(g, "parties", party.name, domains=party.domains[:-1])
    pool = ["JO106", "JO81"] if choice == "asks" else [item.id for item in SMALL.items]
    some = draw(st.sets(st.sampled_from(pool), max_size=3))
    new = tuple(msgspec.structs.replace(domain, **{choice: tuple(sorted(some))}) for domain in party.domains)
    return lambda g: altered(g, "parties", party.name, domains=new)


def assessments(draw: st.DrawFn) -> Change:
    entry = draw(st.sampled_from(SMALL.assessments))
    field, value = draw(
        st.sampled_from(
            [("withdrawn", True), ("review", 1), ("review", 40_000), ("published", 1), ("file", "pension-x")]
        )
    )
    return lambda g: altered(g, "assessments", entry.id, **{field: value})


def grounds(draw: st.DrawFn) -> Change:
    ground = draw(st.sampled_from(SMALL.grounds))
    field = draw(st.sampled_from(["requesters", "providers", "protective", "gone"]))
    if field == "gone":
        return lambda g: msgspec.structs.replace(
            g, grounds=tuple(entry for entry in g.grounds if entry.id != ground.id)
        )
    if field == "protective":
        return lambda g: altered(g, "grounds", ground.id, protective=not ground.protective)
    some = draw(st.sets(st.sampled_from(["gateway", "hash", "mailbox", "portal", "registry", "self"])))
    return lambda g: altered(g, "grounds", ground.id, **{field: tuple(sorted(some))})


@st.composite
def changed(draw: st.DrawFn) -> Gazette:
    """SMALL after one to three random changes."""
    gazette = SMALL
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([suspensions, rows, parties, assessments, grounds]))
        gazette = kind(draw)(gazette)
    return gazette


def allowed(law: Law) -> set[tuple[str, ...]]:
    """Every exchange and every use of a ground that `law` permits, by trying all."""
    found = set()
    for requester in DOMAINS:
        for provider in DOMAINS[1:]:
            for ground in SMALL.grounds:
                if permits(lambda: law.permit_ground(ground.id, requester, provider, NOW)):  # noqa: B023
                    found.add((ground.id, requester, provider))
    for requester in [name for name in DOMAINS if name.endswith(("children", "tax"))]:
        for provider in DOMAINS[1:]:
            for row in SMALL.rows:
                if permits(lambda: law.permit(requester, provider, row.procedure, [row.id], NOW)):  # noqa: B023
                    found.add((row.id, requester, provider))
    return found


def permits(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Problem:
        return False
    return True


def opened(gazette: Gazette) -> Law | None:
    """The law, unless the change made it contradict itself."""
    try:
        return law_of(gazette)
    except Problem:
        return None


SMALL_LAW = law_of(SMALL)
ALLOWED = allowed(SMALL_LAW)


def test_the_law_that_is_varied_allows_something_of_every_kind() -> None:
    """Otherwise the properties below would hold for the wrong reason."""
    assert {entry[0] for entry in ALLOWED} >= {"JO106.2", "JO81.9", "ENROL", "OWN-HISTORY", "REKEY"}


@settings(max_examples=120, deadline=None)
@given(changed())
def test_a_change_that_allows_something_new_is_widening(gazette: Gazette) -> None:
    """If any exchange or ground becomes possible, the comparison says so."""
    law = opened(gazette)
    if law is not None and allowed(law) - ALLOWED:
        assert widenings(SMALL, gazette)


def with_role(law: Law, role: str) -> list[str]:
    return [party.name for party in law.gazette.parties if role in law.roles(party.name)]


@settings(max_examples=40, deadline=None)
@given(changed(), changed())
def test_what_narrows_a_law_with_suspensions_allows_nothing_new(old: Gazette, new: Gazette) -> None:
    """Also where a suspension gets another end, or one of them is over already."""
    before, after = opened(old), opened(new)
    if before is not None and after is not None and allowed(after) - allowed(before):
        assert widenings(old, new)


@settings(max_examples=120, deadline=None)
@given(changed())
def test_no_narrowing_takes_a_guard_or_a_protective_ground_away(gazette: Gazette) -> None:
    """One signature cannot leave exchanges running while nobody can watch, veto or read them."""
    law = opened(gazette)
    if law is None or widenings(SMALL, gazette):
        return
    for role in ("converter", "ledger", "mailbox", "portal"):
        assert with_role(law, role) == with_role(SMALL_LAW, role)
    running = allowed(law)
    if any(name.startswith("JO") for name, *_ in running):
        assert ("OWN-HISTORY", "portal/login", "mailbox-a/records") in running


@settings(max_examples=150, deadline=None)
@given(changed(), changed())
def test_every_difference_has_a_sentence(old: Gazette, new: Gazette) -> None:
    """Two laws that say different things never compare as equal, and each change reads in both languages."""
    differs = any(
        getattr(old, field) != getattr(new, field)
        for field in Gazette.__struct_fields__
        if field not in SAYS_ITSELF
    )
    changes = describe(old, new)
    assert bool(changes) == differs
    assert all(change.ja.endswith("。") and change.en.endswith(".") for change in changes)


@settings(max_examples=60, deadline=None)
@given(changed())
def test_what_narrows_one_way_widens_the_other(gazette: Gazette) -> None:
    """Undoing a narrowing is a widening."""
    changes = describe(SMALL, gazette)
    if changes and not any(change.widens for change in changes):
        assert widenings(gazette, SMALL)
