"""One of the commission's people alone, a stranger at its console, and whoever reads its public page for more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from console_land import STOP_ROW, People
from gazette_country import altered
from kakine.contracts.commission import APPROVE, REFUSE, SUSPEND, Approve, Narrow, Refuse, Stop
from kakine.contracts.converter import RELEASE
from kakine.contracts.ministry import PROPOSE, Draft
from kakine.country import COMMISSION, CONVERTERS, MINISTRY
from kakine.parties.commission.bureau import register, store
from kakine.parties.commission.bureau.acts import OPEN_MS, Role, What
from kakine.parties.commission.bureau.uses import suspend_unused
from kakine.protocols.assessment import Card, Checker, Step, years_after
from kakine.protocols.breach import Kind
from kakine.values import problems
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.web.staff_store import Member
from kakine.wire import gazette as wire
from kakine.wire.gazette import Assessment
from web.kit import Plain

from land import CHILDREN, TAX, TAX_ROW, Land, person, ref

DAY = 86_400


@pytest.fixture
def people(land: Land) -> Iterator[People]:
    return People.of(land)


# --- two people -------------------------------------------------------------------------------------------------


def test_nobody_signs_what_they_prepared(people: People) -> None:
    """Not the inspector the own stop, not a commissioner the own approval."""
    act = people.stop()
    with pytest.raises(problems.TwoPeopleNeeded):
        people.sign(people.inspector, act)
    proposed = people.propose(altered(people.law(), "rows", TAX_ROW, start=1))
    own = people.prepare(people.commissioner, What.APPROVE, about=proposed.digest)
    with pytest.raises(problems.TwoPeopleNeeded):
        people.sign(people.commissioner, own)
    assert len(people.land.country.commission.book.published) == 1


@pytest.mark.parametrize("what", list(What))
def test_each_role_prepares_and_signs_its_own_acts_and_no_other(people: People, what: What) -> None:
    """An officer suspends nothing, an inspector approves nothing, an observer does nothing at all."""
    for member in (people.observer, *([people.officer] if what is What.STOP else [people.inspector])):
        if what is What.DROP and member is people.inspector:
            continue
        with pytest.raises(problems.RoleNotAllowed):
            people.prepare(member, what)
    act = people.stop()
    for member in (people.officer, people.observer):
        with pytest.raises(problems.RoleNotAllowed):
            people.sign(member, act)
    assert people.act(act).what is What.STOP


def test_no_call_of_one_person_signs_once_the_commission_has_people(people: People) -> None:
    """What the operator could do alone before, over the commission's own calls."""
    proposed = people.propose(altered(people.law(), "rows", TAX_ROW, start=1))
    peers = people.land.country.peers("commission")
    calls = [
        (APPROVE, Approve(proposed.digest)),
        (REFUSE, Refuse(proposed.digest, "no")),
        (SUSPEND, Narrow([Stop("row", TAX_ROW)], [], "理由", "reason")),
    ]
    for call, message in calls:
        with pytest.raises(problems.TwoPeopleNeeded):
            people.land.run(peers.ask(COMMISSION, call, message))
    assert len(people.land.country.commission.book.published) == 1


def test_an_approval_is_of_one_act_and_happens_once(people: People) -> None:
    """A forged digest, one that was signed already, one that is too old, one that was withdrawn."""
    act = people.stop()
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, bytes(32))
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, bytes([act[0] ^ 1]) + act[1:])
    assert people.sign(people.commissioner, act) == "1"
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, act)
    old, gone = people.stop(), people.stop()
    people.land.run(people.bureau.withdraw(people.inspector, gone))
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, gone)
    people.land.clock.advance(OPEN_MS / 1000 + 1)
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, old)
    assert len(people.land.country.commission.book.published) == 2


def test_who_is_logged_in_signs_nothing_without_confirming(people: People) -> None:
    """A browser that was left open, a code of somebody else, a code that was used."""
    act, run = people.stop(), people.land.run

    with pytest.raises(problems.StaffUnknown):
        run(people.bureau.sign(people.commissioner, act, people.confirm(people.inspector)))
    used = people.code(people.commissioner)
    run(people.bureau.staff.by_code(used))

    async def again(member: Member, digest: bytes) -> None:
        await people.bureau.staff.confirm_by_code(member, used)

    with pytest.raises(problems.StaffUnknown):
        run(people.bureau.sign(people.commissioner, act, again))
    assert people.bureau.act(act)[1].state == store.PREPARED


def test_what_somebody_prepared_who_has_left_or_changed_is_signed_by_nobody(people: People) -> None:
    """The first of the two must be there when the second signs."""
    act = people.stop()
    people.land.run(people.bureau.staff.end(people.inspector.number))
    with pytest.raises(problems.StaffUnknown):
        people.sign(people.commissioner, act)


def test_who_lies_about_the_own_role_has_the_one_that_is_kept(people: People) -> None:
    """A session that was stolen out of another role, or is older than a change."""
    liar = replace(people.observer, role=Role.INSPECTOR.value)
    with pytest.raises(problems.RoleNotAllowed):
        people.prepare(liar, What.STOP, stops=STOP_ROW, reason_ja="x")


def test_neither_of_the_two_comes_in_as_somebody_new(people: People) -> None:
    """Each has a half of the code; and the operator appoints nobody once two people have signed something."""
    act = people.prepare(people.officer, What.ENROL, name="検査官 新", role="inspector")
    people.sign(people.commissioner, act)
    mine = people.bureau.half_code(people.commissioner, act)
    other = people.bureau.half_code(people.officer, act)
    assert people.bureau.half_code(people.officer, act) == ""
    staff, run = people.bureau.staff, people.land.run
    for half in (mine, other, mine * 2):
        with pytest.raises(problems.StaffUnknown):
            run(staff.enrol(half.replace("…", "")))
    assert run(staff.enrol(mine.replace("…", "") + other.replace("…", ""))).role == "inspector"
    with pytest.raises(problems.TwoPeopleNeeded):
        run(people.bureau.appoint("検査官 偽", Role.INSPECTOR))


def test_an_act_that_was_signed_is_done_after_a_crash(people: People) -> None:
    """Signed is on disk before the key is used; the next start does it."""
    act = people.stop()
    (ledgers := people.land.country.apps).pop(PartyName("ledger-a"))
    ledgers.pop(PartyName("ledger-b"))
    with pytest.raises(problems.PartyUnavailable):
        people.sign(people.commissioner, act)
    again = people.land.reopened()
    try:
        bureau = again.country.commission.bureau
        assert bureau.act(act)[1].state == store.DONE
        assert len(again.country.commission.book.published) == 2
    finally:
        again.close()
        people.land.loop = again.loop  # the fixture closes it a second time, which does no harm
        people.land.country = again.country


def test_a_line_of_the_journal_cannot_be_changed_or_taken_out_unseen(people: People) -> None:
    people.sign(people.commissioner, people.stop())
    path = people.land.country.path("commission")
    people.land.country.close()
    for change in (
        "UPDATE journal SET line = zeroblob(40) WHERE number = 2",
        "DELETE FROM journal WHERE number = 2",
    ):
        copy = path.with_name("copy.sqlite")
        copy.write_bytes(path.read_bytes())
        db = sqlite3.connect(copy)
        store.check_journal(db)
        db.execute(change)
        with pytest.raises((problems.JournalBroken, problems.NotCanonical)):
            store.check_journal(db)
        db.close()


# --- the law ----------------------------------------------------------------------------------------------------


def test_a_stop_reaches_an_exchange_under_way_at_the_next_share(people: People) -> None:
    """Asked, filed and logged before; signed in between; the converter that is asked next gives no value."""
    land = people.land
    kept: list[bytes] = []
    road = land.country.apps[CONVERTERS[0]]

    async def stopping(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["path"] == RELEASE.path and not kept:
            kept.append(
                act := await people.bureau.prepare(
                    people.inspector, What.STOP, stops=STOP_ROW, reason_ja="疑い"
                )
            )
            await people.bureau.sign(people.commissioner, act, people.confirm(people.commissioner))
            await land.country.refresh()
        await road(scope, receive, send)

    def released() -> int:
        db = land.country.converters[CONVERTERS[0]].office.db.read()
        return int(db.execute("SELECT count(*) FROM used_exchange").fetchone()[0])

    land.country.apps[CONVERTERS[0]] = stopping
    before = released()
    with pytest.raises(problems.Suspended):
        land.run(land.ask(0))
    assert kept
    with pytest.raises(problems.Suspended):
        land.run(land.ask(1))
    assert released() == before


def test_nothing_is_widened_without_its_assessment(people: People) -> None:
    """A longer life for an assessment that the register does not have; a new use on one that was withdrawn."""
    law, country = people.law(), people.land.country
    longer = people.propose(altered(law, "assessments", "PIA-sapporo-local-tax", review=30_000))
    act = people.prepare(people.officer, What.APPROVE, about=longer.digest)
    with pytest.raises(problems.AssessmentIncomplete):
        people.sign(people.commissioner, act)
    assert people.bureau.act(act)[1].result == "assessment-incomplete"
    assert len(country.commission.book.published) == 1
    with pytest.raises(problems.OrderUnknown):
        people.sign(people.commissioner, act)  # it has failed


def test_an_assessment_of_the_state_is_checked_by_two_people_of_the_commission(people: People) -> None:
    """No officer alone takes that step, and no step comes before its time."""
    run, clock, bureau = people.land.run, people.land.clock, people.bureau
    card = Card("pension", "pension", 300_000, checker=Checker.COMMISSION)
    run(register.enter(bureau, people.officer, card))

    def step(taken: Step) -> None:
        run(register.step(bureau, people.officer, "pension", "pension", taken))

    step(Step.DRAFT)
    step(Step.COMMENT)
    with pytest.raises(problems.AssessmentMalformed):
        step(Step.COMMENT_END)
    clock.advance(30 * DAY)
    step(Step.COMMENT_END)
    for early in (Step.CHECK, Step.PUBLISH):
        with pytest.raises(problems.AssessmentMalformed):
            step(early)
    act = people.prepare(people.officer, What.CHECK, name="pension", role="pension")
    codes = {m.number: run(bureau.staff.sheet(m.number, 3)) for m in (people.commissioner,)}
    people.codes |= codes
    people.sign(people.commissioner, act)
    step(Step.PUBLISH)
    found = store.find_card(bureau.db.read(), "pension", "pension")
    assert found is not None
    assert found.published == day_in_japan(clock())
    with pytest.raises(problems.RoleNotAllowed):
        run(register.step(bureau, people.inspector, "pension", "pension", Step.REVIEW))
    entry = next(each for each in people.law().assessments if each.id == "PIA-pension-pension")
    good = msgspec.structs.replace(entry, published=found.published, review=years_after(found.published, 5))
    assert isinstance(good, Assessment)
    widened = people.propose(
        altered(people.law(), "assessments", entry.id, published=good.published, review=good.review)
    )
    assert (
        people.sign(people.commissioner, people.prepare(people.officer, What.APPROVE, about=widened.digest))
        == "1"
    )


def test_a_widening_waits_in_public_and_is_dropped_by_two(people: People) -> None:
    """It holds not before its clock, and never once it was dropped; the drop stops nothing."""
    proposed = people.propose(altered(people.law(), "rows", TAX_ROW, start=1))
    act = people.prepare(people.officer, What.APPROVE, about=proposed.digest)
    assert people.sign(people.commissioner, act) == "1"
    book = people.land.country.commission.book
    pending = book.pending(people.land.clock())
    assert pending is not None
    assert book.in_force(people.land.clock()).gazette.number == 0
    with pytest.raises(problems.OrderMalformed):
        people.prepare(people.officer, What.DROP, about=bytes(32), reason_ja="取りやめ")
    drop = people.prepare(people.officer, What.DROP, about=pending.digest, reason_ja="取りやめ")
    assert people.sign(people.commissioner, drop) == "2"
    later = pending.starts_ms + 1
    assert book.in_force(later).gazette.number == 2
    assert book.in_force(later).row(TAX_ROW).start != 1
    people.refresh()
    people.land.run(people.land.ask(0))


def test_a_stop_with_an_end_needs_nobody_to_lift_it(people: People) -> None:
    today = day_in_japan(people.land.clock())
    people.sign(people.commissioner, people.stop(until=today + 1))
    people.refresh()
    with pytest.raises(problems.Suspended):
        people.land.run(people.land.ask(0))
    with pytest.raises(problems.OrderMalformed):
        people.stop(until=today - 1)
    people.land.clock.advance(2 * DAY)
    people.land.run(people.land.ask(0))


def test_a_row_that_nobody_uses_is_suspended_by_the_clock_under_a_rule_of_two(people: People) -> None:
    """Not without the rule, not while anything waits, not while a converter's counts are missing."""
    land, commission = people.land, people.land.country.commission

    def count() -> list[str]:
        return land.run(commission.count())[1]

    land.run(land.ask(0))
    assert count() == []
    rule = people.prepare(people.officer, What.SUNSET, number=6, further=60)
    people.sign(people.commissioner, rule)
    for _ in range(5):
        land.clock.advance(36 * DAY)
        land.run(land.country.refresh())
        if _ < 4:
            land.run(land.ask(0))
            assert count() == []
    away = land.country.apps.pop(CONVERTERS[2])
    land.clock.advance(6 * DAY)
    assert commission.counting is not None
    assert land.run(suspend_unused(commission.counting)) == []
    land.country.apps[CONVERTERS[2]] = away
    stopped = count()
    assert TAX_ROW not in stopped
    assert len(stopped) == len(people.law().rows) - 1
    law = people.law()
    assert {each.reason for each in law.suspensions} == {
        "not used for 6 months: suspended by the clock under the commission's rule"
    }
    assert count() == []


# --- what it never shows ----------------------------------------------------------------------------------------


def test_no_store_of_the_commission_holds_a_value_of_a_person(people: People) -> None:
    """After exchanges, counts, a case and acts: no reference, no internal id, no code of anybody in its files."""
    land, run = people.land, people.land.run
    for j in range(4):
        run(land.ask(j))
    run(land.country.commission.count())
    people.sign(people.commissioner, people.stop())
    found_ms = land.clock() - 1000
    run(register.open_case(people.bureau, people.officer, "yokohama", found_ms, (Kind.NETWORK,), 3))
    canaries = {ref(j) for j in range(4)} | {person(j) for j in range(4)} | {b"official-7"}
    canaries |= {bytes(land.code(domain, j)) for domain in (CHILDREN, TAX) for j in range(4)}
    stores = list(land.folder.glob("commission.sqlite*"))
    assert stores
    land.country.close()
    for path in filter(Path.exists, stores):
        data = path.read_bytes()
        assert [canary for canary in canaries if canary in data] == []


def test_a_case_of_a_breach_is_opened_by_officers_and_inspectors_alone(people: People) -> None:
    for member in (people.observer, people.commissioner):
        with pytest.raises(problems.RoleNotAllowed):
            people.land.run(register.open_case(people.bureau, member, "yokohama", 1, (), 1))
    with pytest.raises(problems.BreachMalformed):
        people.land.run(register.open_case(people.bureau, people.officer, "山田花子", 1, (), 1))


# --- the site ---------------------------------------------------------------------------------------------------

ORIGIN = "http://localhost:8483"


def browser(people: People) -> Plain:
    return Plain(people.land.country.console_site(ORIGIN), ORIGIN, people.land.run)


def entered(people: People, member: Member, plain: Plain | None = None) -> Plain:
    found = plain or browser(people)
    found.get("/")
    assert found.send("/enter", code=people.code(member)).location == "/overview"
    return found


def test_no_page_of_another_site_and_no_old_cookie_signs(people: People) -> None:
    """Another origin, no token, a token of somebody else, the same form twice; a cookie from before coming in."""
    act = people.stop()
    plain, path = browser(people), f"/acts/{act.hex()}/sign"
    plain.get("/")
    before = plain.cookie
    entered(people, people.commissioner, plain)
    assert plain.cookie != before
    plain.get(path.removesuffix("/sign"))
    fields = plain.forms[path] | {"code": people.code(people.commissioner)}
    app, run = plain.app, people.land.run
    other = Plain(app, ORIGIN, run, cookie=before)
    assert other.post(path, fields).status in (303, 403)
    for headers in ({"origin": "http://evil.example"}, {"origin": ""}, {"sec-fetch-site": "cross-site"}):
        assert plain.post(path, fields, **headers).status == 403
    stranger = entered(people, people.observer, Plain(app, ORIGIN, run))
    assert plain.post(path, fields | {"token": stranger.token}).status == 400
    assert people.bureau.act(act)[1].state == store.PREPARED
    assert plain.post(path, fields).status == 303
    assert plain.post(path, fields).status >= 400
    assert people.bureau.act(act)[1].state == store.DONE


def test_words_of_ministries_and_staff_are_words_on_every_page(people: People) -> None:
    """Reasons of the ministry, names of staff: escaped wherever they are shown, also on the public page."""
    evil = "<img src=x onerror=alert(1)>"
    country, run = people.land.country, people.land.run
    draft = Draft(
        wire.encode(altered(people.law(), "rows", TAX_ROW, start=1)),
        people.land.clock() + 20 * DAY * 1000,
        evil,
        evil,
    )
    run(country.peers("ministry").ask(MINISTRY, PROPOSE, draft))
    act = people.prepare(people.inspector, What.STOP, stops=STOP_ROW, reason_ja=evil, reason_en=evil)
    people.sign(people.commissioner, act)
    people.prepare(people.officer, What.ENROL, name=evil, role="inspector")
    run(country.commission.count())
    plain = entered(people, people.officer)
    shown = 0
    for path in (
        "/gazette",
        "/gazette/1",
        "/stops",
        "/acts",
        f"/acts/{act.hex()}",
        "/people",
        "/journal",
        "/public",
    ):
        page = plain.get(path).text
        assert evil not in page
        shown += "&lt;img src=x" in page
    assert shown >= 5


def test_no_page_shows_a_value_of_a_person_or_a_small_count(people: People) -> None:
    """Everything a commissioner can open, and what everybody can, after exchanges about four people."""
    land, run = people.land, people.land.run
    for j in range(4):
        run(land.ask(j))
    run(land.country.commission.count())
    plain = entered(people, people.commissioner)
    pages = [
        "overview",
        "gazette",
        "stops",
        "acts",
        "assessments",
        "counts",
        "supervision",
        "breaches",
        "people",
    ]
    texts = [plain.get(f"/{each}").text for each in [*pages, "journal", "public", "public.json"]]
    canaries = [f"ref-{j}" for j in range(4)] + [f"person-{j:09d}" for j in range(4)] + ["official-7"]
    assert [canary for canary in canaries if any(canary in text for text in texts)] == []
    told = msgspec.json.decode(plain.get("/public.json").body)
    assert (told["months"], told["grounds"], told["pairs"]) == ([], [], [])  # the month is not over
    land.clock.advance(32 * DAY)
    run(land.country.refresh())
    run(land.country.commission.count())
    later = msgspec.json.decode(browser(people).get("/public.json").body)
    assert [(each["least"], each["few"]) for each in later["grounds"] if each["name"] == TAX_ROW] == [
        (0, True)
    ]
    assert all(each["least"] % 10 == 0 for name in ("months", "grounds", "pairs") for each in later[name])


def test_who_has_left_is_out_at_the_next_page(people: People) -> None:
    plain = entered(people, people.inspector)
    people.land.run(people.bureau.staff.end(people.inspector.number))
    assert plain.get("/overview").location == "/"
