"""People with a lawful way in and no right: a test named after each. README.md of this folder lists the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.test_web_portal import by_card
from card_maker import Roots
from desk_land import DeskLand
from kakine.cli.own_history import own_history
from kakine.parties.gateway.desk import case_store, cases
from kakine.parties.gateway.desk.case_store import State, Why
from kakine.parties.gateway.desk.office import Rules
from kakine.values.problems import CaseNotOpen
from kakine.wire.record import RequestRecord
from web.portal_site import PortalLand

from land import LOGIN, person, ref


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
