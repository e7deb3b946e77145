"""People with a lawful way in and no right: a test named after each. README.md of this folder lists the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from attacks.test_web_portal import by_card
from card_maker import Roots
from desk_land import SAPPORO, DeskLand
from kakine.cli.own_history import own_history
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.country import COMMISSION
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.parties.gateway import claims_store
from kakine.parties.gateway.desk import case_store, cases
from kakine.parties.gateway.desk.case_store import State, Why
from kakine.parties.gateway.desk.office import Rules
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import claim_of, objections_in, place_of, shown_of
from kakine.values.labels import PartyName
from kakine.values.problems import CaseNotOpen
from kakine.wire.canonical import decode, encode
from kakine.wire.objection import Asked, Claim, Told, to_commission, to_session
from kakine.wire.record import RequestRecord
from login_site import BIRTHS
from web.kit import Plain
from web.portal_site import PortalLand

from land import CHILDREN, KOSEKI, LOGIN, TAX, person, ref


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("people") / "land", Rules(review_one_in=1)) as desk:
        issued = desk.land.country.registry.codes.issue(LOGIN, [(person(1), ref(1))])
        assert set(desk.run(issued)) == {"delivered"}
        yield desk


def test_a_clerk_who_looks_up_a_neighbour_is_stopped_seen_and_drawn(desk: DeskLand) -> None:
    """A case made up for it asks nothing until a second person lets it; then the neighbour's own history has the
    clerk's reference and the case, the journal has the clerk, and the case waits for review."""
    case = desk.open(desk.hana, 1, application="invented-1")
    assert (case.state, case.why) == (State.WAITING, Why.NO_APPLICATION)
    with pytest.raises(CaseNotOpen):
        desk.ask(desk.hana, case.number)
    desk.run(cases.decide(desk.desk, desk.chief, case.number, let=True))
    assert desk.ask(desk.hana, case.number).result == "delivered"
    records = [row.record for row in desk.run(own_history(desk.land.country, ref(1))).rows]
    seen = [each.personal for each in records if isinstance(each, RequestRecord)]
    (asked,) = [each for each in seen if each.official == desk.hana.official]
    assert asked.case == desk.desk.mark("case", case.number.encode())
    told = [line for line in desk.journal("asked") if line.case == case.number]
    assert [line.official for line in told] == [desk.hana.official]
    due = case_store.due_for_review(desk.desk.office.db.read(), desk.desk.domain, desk.chief.unit)
    assert case.number in [each.number for each in due]


def test_asking_every_town_past_the_desk_does_not_find_the_one_that_protects_somebody(desk: DeskLand) -> None:
    """Machines ask without the desk's pages: it is the provider that must not tell. Person 3 is Sapporo's."""
    for domain in (SAPPORO, KOSEKI):
        desk.protect(3, domain)
    told = [desk.run(desk.land.ask(3, provider=each)) for each in (TAX, SAPPORO)]
    assert [(each.result, each.items, each.data) for each in told] == [("not-known-here", (), b"")] * 2
    only = desk.run(desk.land.ask(3, provider=KOSEKI, rows=("JO106.1",)))
    assert only.result == "non-disclosed"


def test_the_former_partner_with_card_and_pin_gets_a_page_that_leaves_the_sensitive_out(
    tmp_path: Path,
) -> None:
    """The portal says so to the page by the way in, before anything of the history is asked for; what the page makes of
    it is in tests/web/test_history_features_in_chromium.py."""
    roots = Roots()
    with PortalLand.opened(tmp_path / "land", standing=roots) as portal:
        portal.roots = roots  # type: ignore[attr-defined]
        partner, owner = by_card(portal, 0), portal.entered(0)
        assert 'data-again="/again"' in partner.get("/history").text
        assert "data-again" not in owner.get("/history").text
        partner.get("/again")
        assert partner.send("/enter/paper", code="0000-0000-0000-0000").status == 403
        assert 'data-again="/again"' in partner.get("/history").text
        partner.get("/again")
        assert partner.send("/enter/paper", code=portal.site.paper(0)).location == "/history"
        assert "data-again" not in partner.get("/history").text


NOTE, DAY_MS = "note-canary", 86_400_000


def told(portal: PortalLand, browser: Plain, pair: Sequence[OpenedRow], note: str) -> Told:
    """What the commission tells a browser that shows it a disputed row and the objection, with a claim."""
    law = portal.site.land.country.book("portal").in_force(portal.site.land.clock())
    shown, session = shown_of(*pair), OpenKey(b"s" * 32)
    aim, claim = claim_of(law, *pair, OpenKey(b"o" * 32), note)
    asked = encode(Asked(shown, bytes(session.public), aim, claim))
    browser.get("/objections")
    sealed = seal(law.seal_key(COMMISSION), to_commission(), asked)
    given = browser.call("/objections/told", sealed, browser.token)
    return decode(open_sealed(session, to_session(shown.opening[:16]), given.body), Told)


def test_a_found_card_with_its_pin_objects_sees_the_clock_and_lifts_nothing(tmp_path: Path) -> None:
    """An objection harms nobody whose card it is, so any visit files one. What the owner has begun, the finder does not
    end: no second objection, no other reason, no other note; and from the room no way leads to anything that weighs."""
    roots = Roots()
    with PortalLand.opened(tmp_path / "land", standing=roots) as portal:
        portal.roots = roots  # type: ignore[attr-defined]
        land = portal.site.land
        for domain in (CHILDREN, TAX):
            wanted = Acquire(domain, [Wanted(ref(0), ByNumber(portal.site.numbers[0], BIRTHS[0]))])
            peers = land.country.peers(domain.party)
            land.run(peers.ask(PartyName("registry"), ACQUIRE, wanted))
        land.run(land.put_tax([0]))
        for _ in range(2):
            land.run(land.ask(0))

        def rows() -> list[OpenedRow]:
            return list(land.run(own_history(land.country, ref(0))).rows)

        def files(browser: Plain, row: OpenedRow, reason: str) -> int:
            assert isinstance(row.record, RequestRecord)
            browser.get("/history")
            at = {"log": row.origin, "index": str(row.index), "xid": row.record.personal.xid.hex()}
            return browser.send("/decisions/objections", reason=reason, **at).status

        mine, other = [
            row
            for row in rows()
            if isinstance(row.record, RequestRecord) and row.record.common.ground == "JO106"
        ][-2:]
        owner, thief = portal.entered(0), by_card(portal, 0)
        assert files(owner, mine, "data-wrong") == 200
        pair = mine, objections_in(rows())[place_of(mine)]
        begun = told(portal, owner, pair, NOTE)
        assert files(thief, other, "not-asked") == 200
        assert 'data-again="/again"' in thief.get("/objections").text
        assert "data-again" not in owner.get("/objections").text
        assert files(thief, mine, "not-me") == 409
        seen = told(portal, thief, pair, "I take it back")
        assert seen == begun
        assert seen.passed[0].due_ms == pair[1].entry.minutes * 60_000 + 14 * DAY_MS
        kept = claims_store.of_domain(land.yokohama.office.db.read(), TAX)
        assert [decode(each.claim, Claim).note for each in kept] == [NOTE]
        assert objections_in(rows()).keys() == {place_of(mine), place_of(other)}
        thief.get("/objections")
        assert [each for each in thief.forms if each.startswith("/objections")] == []
        for path in ("/ways/remove", "/account", "/mandates/code", "/mandates/whom"):
            thief.get("/ways")
            refused = thief.post(path, thief.forms["/ways/lost"])
            assert (refused.status, "step-up-needed" in refused.text) == (403, True), path
