"""Delegation (代理): whoever acts for somebody else does what that person has allowed, in sight of both, and no more.

The hostile people here are a carer, an ex-partner who is legal representative of a shared child, a clerk, a phisher,
and a relying party (spec/delegation.md).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.test_a09_each_converter_can_stop_it import suspend
from card_maker import Roots
from exchange_state import snapshot
from kakine.contracts.registry import Died, Moved
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.crypto.sealing import OpenKey
from kakine.crypto.webkeys import TokenKey
from kakine.parties.portal.login.granting import choices
from kakine.parties.portal.mandates import book, store
from kakine.parties.portal.mandates.visiting import GIVEN
from kakine.protocols.decisions import decisions_in
from kakine.protocols.logins import paper_code, paper_digest
from kakine.protocols.mandates import DAY_MS, LAST_MS, uses_of
from kakine.values.problems import (
    DelegateCodeUnknown,
    LoginRequestMalformed,
    MandateNotInForce,
    MandateUnfit,
    PartyUnavailable,
    PersonNotKnown,
    Problem,
    ScopeNotAllowed,
    StepUpNeeded,
    VisitUnknown,
    VoucherUnfit,
)
from kakine.wire.canonical import encode
from kakine.wire.decision import ActAsked, MandateEnded, MandateGiven
from kakine.wire.login import Voucher
from kakine.wire.mandate import Appoint, Basis, StandBy
from kakine.wire.request import Mode
from login.test_vouchers import acquire, vouch
from login_site import CHILDCARE, INSURER, ISSUER, NAMES, PENSION, Answer
from mandates import CARER, CHILD, CHILD_NAME, FATHER, MOTHER, RESIDENT, TAKES, MandateSite
from passkey_maker import SoftPasskey
from visitor import Visitor

from land import CHILDREN, RESIDENTS, ref

NOT_IN_FORCE = MandateNotInForce.code
APPOINTS = ("mandate", "appoint", "proxy")
SESSION = OpenKey(bytes(range(32))).public


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MandateSite]:
    """For tests that leave it usable; each makes the mandates it needs."""
    with MandateSite.opened(tmp_path_factory.mktemp("delegation") / "land") as opened:
        yield opened


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[MandateSite]:
    """For a test that pushes the clock, ends a life or changes the law."""
    with MandateSite.opened(tmp_path / "land") as opened:
        yield opened


@pytest.fixture
def family(own_site: MandateSite) -> MandateSite:
    """A child in its mother's household; the father lives elsewhere."""
    own_site.born()
    return own_site


def refused(answer: Answer, code: str = NOT_IN_FORCE) -> None:
    assert (answer.status, code in answer.text, "location" in answer.headers) == (403, True, False), (
        answer.text
    )


def reads(site: MandateSite, delegate: int, number: bytes) -> Any:
    return site.run(site.mandates.read_history(ref(delegate), number, SESSION))


# --- what a carer may do, and what not ------------------------------------------------------------------------


def test_the_relying_party_hears_who_is_meant_and_who_acts(site: MandateSite) -> None:
    """Both by the names that it knows them under anyway: nothing about either is new to it."""
    told = site.acts(CARER, site.appointed(RESIDENT, CARER), scope="openid represented name over_20")
    own, carer = site.log_in(RESIDENT).id_token["sub"], site.log_in(CARER).id_token["sub"]
    for said in (told.id_token, told.claims):
        assert (said["sub"], said["act"], said["represented_by"]) == (own, {"sub": carer}, "proxy")
    assert (told.claims["name"], told.scope) == (NAMES[RESIDENT], "openid name over_20 represented")


def test_a_login_for_oneself_says_of_nobody_else(site: MandateSite) -> None:
    site.appointed(RESIDENT, CARER)
    told = site.told(site.party(), site.code(CARER, site.party(), TAKES, "openid"))
    assert {"act", "represented_by"} & (told.id_token.keys() | told.claims.keys()) == set()
    assert told.scope == "openid"


def test_a_carer_gets_to_no_other_relying_party(site: MandateSite) -> None:
    number = site.appointed(RESIDENT, CARER, clients=(INSURER,))
    browser, answer = site.choosing(CARER, number)
    refused(answer)
    assert paper_code(number) not in browser.get("/consent").text
    client = site.land.country.book("portal").in_force(site.land.clock()).client(CHILDCARE)
    with pytest.raises(MandateNotInForce):
        site.run(site.mandates.represent(ref(CARER), number, client, ()))


def test_a_carer_without_that_scope_reads_no_history(site: MandateSite) -> None:
    number = site.appointed(RESIDENT, CARER, history=False)
    with pytest.raises(MandateNotInForce):
        reads(site, CARER, number)


def test_a_carer_comes_too_early_and_too_late(own_site: MandateSite) -> None:
    site, hour = own_site, 3_600_000
    start = site.land.clock() + hour
    number = site.appointed(RESIDENT, CARER, from_ms=start, until_ms=start + hour)
    refused(site.choosing(CARER, number)[1])
    with pytest.raises(MandateNotInForce):
        reads(site, CARER, number)
    site.land.clock.advance(3_700)
    site.acts(CARER, number)
    site.land.clock.advance((hour - LAST_MS) / 1000)  # no code or token may outlive it
    refused(site.acting(CARER, number).agree())
    with pytest.raises(MandateNotInForce):
        reads(site, CARER, number)
    site.land.clock.advance(LAST_MS / 1000)
    assert site.mandates.listed(ref(CARER)) == site.mandates.listed(ref(RESIDENT)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"days": 367},
        {"basis": Basis.COURT, "days": 3661},
        {"days": -1},
        {"clients": (), "history": False},
        {"clients": ("nobody",)},
        {"clients": (CHILDCARE, CHILDCARE)},
        {"from_ms": 1 << 47, "until_ms": (1 << 47) + 1},
    ],
)
def test_what_allows_too_much_or_nothing_is_no_mandate(site: MandateSite, changed: dict[str, Any]) -> None:
    before = site.mandates.listed(ref(RESIDENT))
    with pytest.raises(MandateUnfit):
        site.appointed(RESIDENT, CARER, **changed)
    assert site.mandates.listed(ref(RESIDENT)) == before


def test_a_delegate_hands_nothing_on(site: MandateSite) -> None:
    """What a delegate gives is over the own account; the number is of no use to anybody else."""
    number = site.appointed(RESIDENT, CARER)
    handed = site.given(CARER, MOTHER)
    assert site.acts(MOTHER, handed).id_token["sub"] == site.log_in(CARER).id_token["sub"]
    refused(site.choosing(MOTHER, number)[1])
    client = site.land.country.book("portal").in_force(site.land.clock()).client(CHILDCARE)
    with pytest.raises(MandateNotInForce):
        site.run(site.mandates.represent(ref(MOTHER), number, client, ()))
    with pytest.raises(MandateNotInForce):
        reads(site, MOTHER, number)


def test_a_delegate_binds_no_way_in(site: MandateSite) -> None:
    browser = site.acting(CARER, site.appointed(RESIDENT, CARER))
    assert 'id="bind"' not in browser.get("/consent").text
    for path in ("/passkey/options", "/passkey"):
        refused(browser.post(path), "acting-for-another")


@pytest.mark.parametrize("scope", ["address", "lives_in"])
def test_a_delegate_releases_no_address(site: MandateSite, scope: str) -> None:
    browser = site.acting(CARER, site.appointed(RESIDENT, CARER), scope=f"{TAKES} name {scope}")
    assert f'value="{scope}"' not in browser.get("/consent").text
    answer = browser.agree("name", scope)
    assert (answer.status, ScopeNotAllowed.code in answer.text) == (400, True)


def test_a_delegate_signs_nothing(site: MandateSite) -> None:
    """A relying party that wants a transaction approved gets nobody by a delegate."""
    site.appointed(RESIDENT, CARER)
    browser = site.known(CARER, site.party(), TAKES)
    assert browser.cookie is not None
    interaction = site.office.interactions.get(browser.cookie)
    assert len(choices(site.office, interaction)) > 0
    interaction.pushed = replace(interaction.pushed, scopes=("represented", "sign"))
    assert choices(site.office, interaction) == ()


def test_nobody_ends_the_mandate_of_others(site: MandateSite) -> None:
    number = site.appointed(RESIDENT, CARER)
    with pytest.raises(MandateNotInForce):
        site.run(site.mandates.end(ref(MOTHER), number))
    with pytest.raises(MandateUnfit):
        site.run(site.counter.end(site.clerk(MOTHER), number))
    site.acts(CARER, number)


# --- giving one is an act that weighs --------------------------------------------------------------------------


@pytest.fixture
def found(tmp_path: Path) -> Iterator[tuple[MandateSite, KeyFile]]:
    """A country with an authority; the card of RESIDENT, with its PIN, is in somebody's hands."""
    roots = Roots()
    with MandateSite.opened(tmp_path / "land", roots) as site:
        card = roots.card(site.land.clock())
        site.give_card(RESIDENT, CardCertificate(card.certificate).digest)
        yield site, card


def test_whoever_finds_a_card_with_its_pin_gives_no_mandate_and_may_only_end_one(
    found: tuple[MandateSite, KeyFile],
) -> None:
    site, card = found
    number = site.appointed(RESIDENT, CARER)
    thief = Visitor(site, site.visits, site.visits.begin()).by_card(card)
    code = site.standing_by(FATHER)
    with pytest.raises(StepUpNeeded):
        site.run(site.at_portal.give(thief.name, code, site.terms()))
    assert [each.shown.number for each in site.at_portal.listed(thief.name)] == [number]
    site.run(site.at_portal.end(thief.name, number))
    refused(site.choosing(CARER, number)[1])


def waiting(site: MandateSite, card: KeyFile) -> tuple[Visitor, bytes]:
    """A visit of RESIDENT by two ways in, and the mandate that is given in it."""
    passkey = SoftPasskey(ISSUER, "localhost", site.land.entropy(16))
    browser = site.known(RESIDENT, site.party())
    assert browser.post("/passkey", passkey.created(browser.post("/passkey/options").json)).status == 200
    visitor = Visitor(site, site.visits, site.visits.begin()).by_card(card).by_passkey(passkey)
    number = site.run(site.at_portal.give(visitor.name, site.standing_by(CARER), site.terms()))
    return visitor, number


def test_a_mandate_that_is_given_without_a_counter_waits_in_sight(found: tuple[MandateSite, KeyFile]) -> None:
    site, card = found
    visitor, number = waiting(site, card)
    (shown,) = [each.shown for each in site.at_portal.listed(visitor.name)]
    assert (shown.number, shown.waits) == (number, True)
    refused(site.choosing(CARER, number)[1])
    with pytest.raises(MandateNotInForce):
        reads(site, CARER, number)
    site.land.clock.advance(3 * 86_400)
    site.run(site.land.country.portal.acts.tick())
    site.acts(CARER, number)


def test_any_visit_undoes_it_while_it_waits_and_afterwards(found: tuple[MandateSite, KeyFile]) -> None:
    site, card = found
    acts = site.land.country.portal.own_acts(site.visits)
    for days in (1, 10):
        number = waiting(site, card)[1]
        site.land.clock.advance(days * 86_400)
        site.run(site.land.country.portal.acts.tick())
        if days > 3:
            site.acts(CARER, number)
        weak = Visitor(site, site.visits, site.visits.begin()).by_card(card)
        *_, act = [each for each in acts.notices(weak.name) if each.kind == GIVEN]
        assert act.detail == number
        site.run(acts.undo(weak.name, act.id))
        site.land.clock.advance(4 * 86_400)
        site.run(site.land.country.portal.acts.tick())
        refused(site.choosing(CARER, number)[1])
        assert site.mandates.listed(ref(RESIDENT)) == []


def test_one_that_waits_and_is_ended_leaves_no_act_that_waits(found: tuple[MandateSite, KeyFile]) -> None:
    site, card = found
    visitor, number = waiting(site, card)
    acts = site.land.country.portal.own_acts(site.visits)
    site.run(site.at_portal.end(visitor.name, number))
    assert [each.state.value for each in acts.notices(visitor.name) if each.kind == GIVEN] == ["undone"]
    assert site.mandates.listed(ref(RESIDENT)) == []
    site.land.clock.advance(4 * 86_400)
    site.run(site.land.country.portal.acts.tick())
    refused(site.choosing(CARER, number)[1])


def test_nobody_asks_for_the_mandate_of_another_to_begin(found: tuple[MandateSite, KeyFile]) -> None:
    """The number of a mandate that waits is no key to it."""
    site, card = found
    number = waiting(site, card)[1]
    acts = site.land.country.portal.own_acts(site.visits)
    with pytest.raises(MandateNotInForce):
        site.run(acts.ask(site.visitor(CARER), GIVEN, number))
    refused(site.choosing(CARER, number)[1])


def test_a_visit_is_over_its_own_account_only(site: MandateSite) -> None:
    number = site.given(RESIDENT, CARER)
    mother = site.visitor(MOTHER)
    with pytest.raises(MandateNotInForce):
        site.run(site.at_portal.end(mother, number))
    with pytest.raises(MandateNotInForce):
        site.run(site.at_portal.read_history(mother, number, SESSION))
    assert number not in {each.shown.number for each in site.at_portal.listed(mother)}
    site.run(site.at_portal.read_history(site.visitor(CARER), number, SESSION))
    for name in ("", mother + "0"):
        with pytest.raises(VisitUnknown):
            site.at_portal.called(name, "x")
        with pytest.raises(VisitUnknown):
            site.at_portal.listed(name)


# --- an end takes effect at once ------------------------------------------------------------------------------


def end_by_principal(site: MandateSite, number: bytes) -> None:
    site.run(site.mandates.end(ref(RESIDENT), number))


def end_by_delegate(site: MandateSite, number: bytes) -> None:
    site.run(site.mandates.end(ref(CARER), number))


def end_at_a_counter(site: MandateSite, number: bytes) -> None:
    site.run(site.counter.end(site.clerk(RESIDENT), number))


def end_all_at_a_counter(site: MandateSite, number: bytes) -> None:
    site.run(site.counter.end(site.clerk(RESIDENT)))


ENDS = [end_by_principal, end_by_delegate, end_at_a_counter, end_all_at_a_counter]


@pytest.mark.parametrize("end", ENDS)
def test_a_mandate_that_has_ended_opens_nothing(site: MandateSite, end: Callable[..., None]) -> None:
    number = site.appointed(RESIDENT, CARER)
    browser = site.acting(CARER, number)
    end(site, number)
    refused(browser.agree())
    refused(site.choosing(CARER, number)[1])
    with pytest.raises(MandateNotInForce):
        reads(site, CARER, number)
    assert number not in {each.shown.number for each in site.mandates.listed(ref(CARER))}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_stops_a_login_that_has_its_code(site: MandateSite, end: Callable[..., None]) -> None:
    number = site.appointed(RESIDENT, CARER)
    code = site.acting(CARER, number).agree().said["code"]
    end(site, number)
    assert site.party().redeem(code).json["problem"] == NOT_IN_FORCE


def test_an_end_stops_a_token(site: MandateSite) -> None:
    number, party = site.appointed(RESIDENT, CARER), site.party()
    access = party.redeem(site.acting(CARER, number).agree().said["code"]).json["access_token"]
    assert party.userinfo(access).status == 200
    end_by_principal(site, number)
    assert party.userinfo(access).json["problem"] == NOT_IN_FORCE


def test_an_end_while_the_exchanges_run_is_heard(site: MandateSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The principal ends it while converters are being asked: no exchange names the principal after that."""
    portal, number = site.land.country.portal, site.appointed(RESIDENT, CARER)
    honest, asked = portal.subject, list[bytes]()

    async def subject(account: bytes, *rest: Any) -> str:
        asked.append(account)
        name: str = await honest(account, *rest)
        await portal.mandates.end(ref(RESIDENT), number)
        return name

    browser = site.acting(CARER, number)
    monkeypatch.setattr(portal, "subject", subject)
    refused(browser.agree())
    assert asked == [ref(CARER)]


def test_a_suspended_relying_party_gets_nobody_by_a_delegate_either(own_site: MandateSite) -> None:
    number = own_site.appointed(RESIDENT, CARER)
    browser = own_site.acting(CARER, number)
    suspend(own_site.land, "domain", "yokohama/childcare-site")
    own_site.run(own_site.land.country.refresh())
    for answer in (browser.agree(), browser.form("/acting", ("number", paper_code(number)))):
        assert (answer.status >= 400, "location" in answer.headers) == (True, False)
        assert "suspended" in answer.text


# --- guardians, and those against whom somebody is protected --------------------------------------------------


def test_a_parent_acts_for_a_child_until_it_is_of_age(family: MandateSite) -> None:
    number = family.appointed(CHILD, MOTHER, basis=Basis.PARENT, days=3_000)
    assert family.acts(MOTHER, number).id_token["represented_by"] == "parent"
    grown = family.appointed(FATHER, MOTHER, basis=Basis.PARENT, days=3_000)  # born in 2008
    refused(family.acting(MOTHER, grown).agree())
    with pytest.raises(MandateNotInForce):
        reads(family, MOTHER, grown)


@pytest.mark.parametrize("whose", [CHILD, MOTHER])
@pytest.mark.parametrize("basis", [Basis.PARENT, Basis.PROXY])
def test_protection_of_a_child_or_its_household_stops_the_other_parent(
    family: MandateSite, whose: int, basis: Basis
) -> None:
    """Neither login nor history, though the mandate is listed as before; and it looks like one that has ended."""
    number = family.appointed(CHILD, FATHER, basis=basis, days=300)
    family.acts(FATHER, number)
    family.shield(whose)
    answer = family.acting(FATHER, number).agree()
    refused(answer)
    with pytest.raises(MandateNotInForce) as blank:
        reads(family, FATHER, number)
    assert blank.value.facts == {}
    (listed,) = family.mandates.listed(ref(FATHER))
    assert (listed.shown.number, listed.shown.called) == (number, CHILD_NAME)
    again = family.appointed(CHILD, FATHER, basis=basis, days=300)  # at a counter that does not know of it
    refused(family.acting(FATHER, again).agree())


def test_the_other_parent_cannot_tell_protection_from_an_end(family: MandateSite) -> None:
    ended, shielded = (family.appointed(CHILD, FATHER, basis=Basis.PARENT) for _ in range(2))
    browsers = [family.acting(FATHER, number) for number in (ended, shielded)]
    family.run(family.counter.end(family.clerk(CHILD), ended))
    family.shield(CHILD)
    one, other = (browser.agree() for browser in browsers)
    assert (one.status, one.body) == (other.status, other.body)


def test_a_clerk_who_knows_of_the_protection_clears_one_delegate_until_it_changes(
    family: MandateSite,
) -> None:
    family.shield(CHILD)
    number = family.appointed(CHILD, MOTHER, cleared=True, basis=Basis.PARENT)
    told = family.acts(MOTHER, number, scope=f"{TAKES} name")
    assert told.claims["name"] == CHILD_NAME
    family.shield(MOTHER)  # protection has changed: somebody must look again
    refused(family.acting(MOTHER, number).agree())


def test_who_has_stopped_the_own_view_is_represented_nowhere(family: MandateSite) -> None:
    family.shield(CHILD, own_view_stopped=True)
    refused(family.acting(MOTHER, family.appointed(CHILD, MOTHER, cleared=True)).agree())


def test_the_registry_gives_no_place_of_a_protected_household_to_a_delegate(family: MandateSite) -> None:
    """Even if the portal asked for it: the word by which it says that somebody is represented is enough."""
    portal = family.land.country.portal
    items = ("address", "lives_in", "represented")
    said = family.run(portal.attributes(ref(CHILD), items))
    assert (set(said), said["represented"]["shield_ms"]) == ({*items}, None)
    family.shield(MOTHER)
    said = family.run(portal.attributes(ref(CHILD), items))
    assert set(said) == {"represented"}
    family.report(
        CHILD, Moved("神奈川県横浜市中区本町2番", b"h" * 16)
    )  # to a household that is not protected
    assert set(family.run(portal.attributes(ref(CHILD), items))) == {*items}


@pytest.mark.parametrize("dead", [RESIDENT, CARER])
def test_a_death_ends_it(own_site: MandateSite, dead: int) -> None:
    number = own_site.appointed(RESIDENT, CARER)
    browser = own_site.acting(CARER, number)
    own_site.report(dead, Died())
    answer = browser.agree()
    assert (answer.status >= 400, "location" in answer.headers) == (True, False)
    with pytest.raises(Problem):
        reads(own_site, CARER, number) if dead == RESIDENT else own_site.code(CARER, own_site.party())


# --- relying parties ------------------------------------------------------------------------------------------


def test_a_relying_party_cannot_strip_or_forge_who_acts(site: MandateSite) -> None:
    party = site.party()
    code = site.acting(CARER, site.appointed(RESIDENT, CARER)).agree().said["code"]
    token = party.redeem(code).json["id_token"]
    header, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert said["act"]["sub"] != said["sub"]
    for changed in ({**said, "act": {"sub": said["sub"]}}, {k: v for k, v in said.items() if k != "act"}):
        other = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
        with pytest.raises(Problem):
            site.office.key.public.claims(f"{header}.{other}.{signature}", "jwt")
    own = TokenKey(bytes(48)).sign(said)
    with pytest.raises(Problem):
        site.office.key.public.claims(own, "jwt")
    assert site.office.key.public.claims(token, "jwt") == said


def test_one_that_does_not_ask_for_it_gets_nobody_by_a_delegate(site: MandateSite) -> None:
    """It would take the delegate for the person: it does not look at `act`."""
    number = site.appointed(RESIDENT, CARER, clients=(CHILDCARE, PENSION))
    browser, answer = site.choosing(CARER, number, scope="openid name")
    refused(answer)
    assert paper_code(number) not in browser.get("/consent").text
    assert site.party(PENSION).push(TAKES).json["problem"] == ScopeNotAllowed.code
    client = site.land.country.book("portal").in_force(site.land.clock()).client(PENSION)
    with pytest.raises(MandateNotInForce):
        site.run(site.mandates.represent(ref(CARER), number, client, ()))


def test_what_a_browser_adds_does_not_take_the_delegate_out(site: MandateSite) -> None:
    browser = site.acting(CARER, site.appointed(RESIDENT, CARER))
    answer = browser.agree("represented")
    assert (answer.status, ScopeNotAllowed.code in answer.text) == (400, True)
    assert browser.form("/acting", ("number", "")).status == 303  # for oneself again
    told = site.told(site.party(), browser.agree().said["code"])
    assert (told.id_token["sub"], "act" in told.id_token) == (site.log_in(CARER).id_token["sub"], False)


@pytest.mark.parametrize("number", ["x", "0000-0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ-ZZZZZ", "é" * 16])
def test_a_number_that_is_none_is_refused_alike(site: MandateSite, number: str) -> None:
    browser = site.known(CARER, site.party(), TAKES)
    answer = browser.form("/acting", ("number", number))
    assert NOT_IN_FORCE in answer.text
    assert browser.form("/acting", ("number", ""), ("number", "")).status == LoginRequestMalformed.status


def test_two_relying_parties_cannot_link_principals_or_delegates(site: MandateSite) -> None:
    number = site.appointed(RESIDENT, CARER, clients=(CHILDCARE, INSURER))
    mark = mark_of(site, number)
    one, other = site.acts(CARER, number), site.acts(CARER, number, INSURER)
    names = [name for told in (one, other) for name in (told.id_token["sub"], told.id_token["act"]["sub"])]
    assert len(set(names)) == 4
    rows = [row.record.personal for row in uses_of(site.own(RESIDENT).rows, mark)]
    assert len({row.case for row in rows}) == len({row.xid for row in rows}) == 2
    folder = site.land.folder
    for party in ("yokohama", "insurer"):
        disk = b"".join(path.read_bytes() for path in sorted(folder.glob(f"{party}.sqlite*")))
        assert mark not in disk
        mine = one if party == "insurer" else other
        assert mine.id_token["sub"].encode() not in disk


def mark_of(site: MandateSite, number: bytes) -> bytes:
    (found,) = [each.mark for each in site.mandates.listed(ref(RESIDENT)) if each.shown.number == number]
    return found


# --- codes of delegates ---------------------------------------------------------------------------------------


def test_a_delegates_code_makes_one_mandate(site: MandateSite) -> None:
    code = site.run(site.mandates.stand_by(ref(CARER)))
    site.run(site.mandates.give(ref(RESIDENT), code, site.terms()))
    with pytest.raises(DelegateCodeUnknown):
        site.run(site.mandates.give(ref(MOTHER), code, site.terms()))
    with pytest.raises(DelegateCodeUnknown):
        site.mandates.called(code)
    printed = site.standing_by(CARER)
    site.run(site.counter.appoint(site.clerk(RESIDENT), "x", printed, site.terms()))
    with pytest.raises(MandateUnfit):
        site.run(site.counter.appoint(site.clerk(MOTHER), "x", printed, site.terms()))


def test_whoever_steals_a_delegates_code_can_only_give_away_the_own(site: MandateSite) -> None:
    """It opens no login, and names its owner as delegate of the thief: the thief gains nothing."""
    code = site.run(site.mandates.stand_by(ref(CARER)))
    browser, party = site.browser(), site.party()
    browser.authorize(party.id, party.pushed())
    refused(browser.paper(code), "login-not-known")
    number = site.run(site.at_portal.give(site.visitor(MOTHER), code, site.terms()))
    assert site.acts(CARER, number).id_token["sub"] == site.log_in(MOTHER).id_token["sub"]
    assert number not in {each.shown.number for each in site.mandates.listed(ref(RESIDENT))}


def test_a_phishers_code_shows_the_phishers_registered_name(site: MandateSite) -> None:
    """Read before the mandate is given; nobody chooses under which name to stand by at the portal."""
    code = site.run(site.mandates.stand_by(ref(FATHER)))
    assert site.mandates.called(code) == NAMES[FATHER]
    number = site.run(site.mandates.give(ref(RESIDENT), code, site.terms()))
    shown = {each.shown.number: each.shown.called for each in site.mandates.listed(ref(RESIDENT))}
    assert shown[number] == NAMES[FATHER]


def test_a_delegates_code_expires(own_site: MandateSite) -> None:
    drawn, printed = own_site.run(own_site.mandates.stand_by(ref(CARER))), own_site.standing_by(CARER)
    own_site.land.clock.advance(book.STANDBY_MS / 1000)
    with pytest.raises(DelegateCodeUnknown):
        own_site.run(own_site.mandates.give(ref(RESIDENT), drawn, own_site.terms()))
    assert own_site.mandates.called(printed) == NAMES[CARER]
    own_site.land.clock.advance(7 * 86_400)
    with pytest.raises(DelegateCodeUnknown):
        own_site.mandates.called(printed)


def test_a_name_has_no_characters_that_nobody_sees(site: MandateSite) -> None:
    for called in ("市役所\u202e", "a\nb", "\u200b"):
        with pytest.raises(MandateUnfit):
            site.run(site.counter.stand_by(site.clerk(CARER), called))


def test_nobody_is_their_own_delegate_nor_gives_without_end(site: MandateSite) -> None:
    with pytest.raises(MandateUnfit):
        site.appointed(CARER, CARER)
    for _ in range(book.MOST_GIVEN):
        site.appointed(FATHER, CARER)
    with pytest.raises(MandateUnfit):
        site.appointed(FATHER, CARER)
    site.run(site.counter.end(site.clerk(FATHER)))


@pytest.mark.parametrize("basis", [Basis.PARENT, Basis.COURT])
def test_nobody_makes_somebody_a_guardian_by_the_own_will(site: MandateSite, basis: Basis) -> None:
    code = site.run(site.mandates.stand_by(ref(CARER)))
    with pytest.raises(MandateUnfit):
        site.run(site.mandates.give(ref(RESIDENT), code, site.terms(basis)))


# --- counters -------------------------------------------------------------------------------------------------


def test_a_clerk_who_vouches_for_a_stranger_is_seen_in_the_histories_of_both(own_site: MandateSite) -> None:
    """The clerk, who is person CARER, makes himself guardian of a resident who knows nothing of it."""
    site = own_site
    number = site.appointed(RESIDENT, CARER, basis=Basis.COURT)
    site.acts(CARER, number, scope=f"{TAKES} name")
    reads(site, CARER, number)
    said = site.lines(RESIDENT)
    for line in [
        ("LOGIN-VOUCHER", ("mandate", "appoint", "court"), "delivered"),
        ("LOGIN", ("name", "represented", "court"), "delivered"),
        ("OWN-HISTORY", ("represented", "court"), "viewed"),
    ]:
        assert said.count(line) == 1, said
    assert {line.requester for line in site.own(RESIDENT).lines if "appoint" in line.items} == {
        "yokohama/residents"
    }
    clerk = site.lines(CARER)
    for line in [
        ("LOGIN-VOUCHER", ("mandate", "stand-by"), "delivered"),
        ("LOGIN", ("representing",), "delivered"),
    ]:
        assert clerk.count(line) == 1, clerk


def test_the_principal_can_tell_every_use_of_each_mandate(own_site: MandateSite) -> None:
    site = own_site
    one, other = site.given(RESIDENT, CARER), site.appointed(RESIDENT, MOTHER)
    marks = {number: mark_of(site, number) for number in (one, other)}
    site.acts(CARER, one)
    site.acts(MOTHER, other)
    reads(site, CARER, one)
    site.run(site.mandates.end(ref(RESIDENT), one))
    rows = site.own(RESIDENT).rows
    used = {
        number: [row.record.common.ground for row in uses_of(rows, mark)] for number, mark in marks.items()
    }
    assert used == {one: ["LOGIN", "OWN-HISTORY"], other: ["LOGIN"]}
    given, asked, ended = [decision for _, decision in decisions_in(rows)]
    assert isinstance(given, MandateGiven)
    assert isinstance(asked, ActAsked)
    assert asked.kind == GIVEN
    assert (given.number, given.called, given.mark) == (one, NAMES[CARER], marks[one])
    assert ended == MandateEnded(one)
    assert uses_of(site.own(CARER).rows, marks[one]) == []
    assert {each.mark for each in site.mandates.listed(ref(MOTHER))} == {b""}


def test_a_person_without_card_or_phone_makes_sees_and_ends_it_at_a_counter(site: MandateSite) -> None:
    number = site.appointed(MOTHER, CARER)
    shown = site.run(site.counter.listed(site.clerk(MOTHER)))
    assert [(each.given, each.called) for each in shown if each.number == number] == [(True, NAMES[CARER])]
    held = site.run(site.counter.listed(site.clerk(CARER)))
    assert [(each.given, each.called) for each in held if each.number == number] == [(False, NAMES[MOTHER])]
    site.run(site.counter.end(site.clerk(MOTHER), number))
    assert number not in {each.number for each in site.run(site.counter.listed(site.clerk(MOTHER)))}


def test_staff_of_a_home_act_for_all_residents_by_their_own_way_in(site: MandateSite) -> None:
    """No card, PIN or paper of any resident is in the carer's hands."""
    numbers = {j: site.appointed(j, CARER) for j in (MOTHER, FATHER, RESIDENT)}
    subs = {j: site.acts(CARER, number).id_token["sub"] for j, number in numbers.items()}
    assert subs == {j: site.log_in(j).id_token["sub"] for j in numbers}


def test_a_clerk_cannot_call_it_something_harmless(site: MandateSite) -> None:
    """The person's record would say that a paper was given; the portal refuses what is not called by its name."""
    code = site.standing_by(CARER)
    what = encode(Voucher(Appoint(paper_digest(code), "x", site.terms(), cleared=False)))
    for items in (("paper",), (), ("mandate", "list"), ("mandate", "appoint", "parent")):
        with pytest.raises(VoucherUnfit):
            vouch(site, what, items=items)
    (answer,) = vouch(site, what, items=APPOINTS)
    assert answer.result == "delivered"


@pytest.mark.parametrize("mode", [Mode.S0, Mode.S0_PLUS])
def test_only_a_residents_desk_vouches_and_it_is_proved(site: MandateSite, mode: Mode) -> None:
    code = site.standing_by(CARER)
    what = encode(Voucher(Appoint(paper_digest(code), "x", site.terms(), cleared=True)))
    acquire(site, CHILDREN)
    with pytest.raises(VoucherUnfit):
        vouch(site, what, CHILDREN, items=APPOINTS)
    with pytest.raises(VoucherUnfit):
        vouch(site, what, items=APPOINTS, mode=mode)
    week = encode(Voucher(StandBy(paper_digest(code + "x"), "x", site.land.clock() + 8 * DAY_MS)))
    with pytest.raises(VoucherUnfit):
        vouch(site, week, items=("mandate", "stand-by"))
    assert site.mandates.called(code) == NAMES[CARER]


def test_whom_the_portal_does_not_know_has_no_mandates(own_site: MandateSite) -> None:
    registry = own_site.land.country.registry.codes
    own_site.run(registry.enrol([b"person-of-nowhere"]))
    own_site.run(registry.issue(RESIDENTS, [(b"person-of-nowhere", ref(9))]))
    with pytest.raises(PersonNotKnown):
        own_site.run(own_site.counter.listed(own_site.clerk(9)))


# --- what is kept ---------------------------------------------------------------------------------------------


def test_the_portal_keeps_no_trace_of_a_use(site: MandateSite) -> None:
    number = site.appointed(RESIDENT, CARER)
    papers = site.paper(CARER), site.paper(CARER)
    before = snapshot(site.land.folder, "portal")
    for paper in papers:
        browser = site.known(CARER, site.party(), TAKES, paper)
        browser.form("/acting", ("number", paper_code(number)))
        site.told(site.party(), browser.agree().said["code"])
    reads(site, CARER, number)
    after = snapshot(site.land.folder, "portal")
    assert {**after, "login_paper": []} == {**before, "login_paper": []}


def test_the_portals_files_name_no_relying_party_and_nobody(site: MandateSite) -> None:
    number = site.given(RESIDENT, CARER)
    site.acts(CARER, number)
    site.run(site.counter.listed(site.clerk(RESIDENT)))
    disk = b"".join(path.read_bytes() for path in sorted(site.land.folder.glob("portal.sqlite*")))
    traces = [*NAMES, CHILDCARE, INSURER, "childcare", "members-site"]
    assert [trace for trace in traces if trace.encode() in disk] == []


def test_memory_joins_no_login_to_a_mandate(site: MandateSite) -> None:
    """A code has one of 4096 buckets; whoever reads the memory learns that much."""
    number = site.appointed(RESIDENT, CARER)
    site.acting(CARER, number).agree()
    kept = repr(vars(site.office.codes))
    assert "Under(" in kept
    assert repr(number) not in kept
    assert repr(mark_of(site, number)) not in kept
    assert {site.mandates.ended.bucket(b"%d" % k) < 4096 for k in range(100)} == {True}


def test_a_mandate_that_cannot_be_filed_is_not_given(
    site: MandateSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, portal = site.mandates.listed(ref(RESIDENT)), site.land.country.portal

    async def away(*_: object) -> None:
        raise PartyUnavailable(party="mailbox-a")

    code = site.run(site.mandates.stand_by(ref(CARER)))
    monkeypatch.setattr(portal, "decide_unkept", away)
    monkeypatch.setattr(portal, "decide", away)
    with pytest.raises(PartyUnavailable):
        site.run(site.mandates.give(ref(RESIDENT), code, site.terms()))
    assert site.mandates.listed(ref(RESIDENT)) == before
    number = site.appointed(RESIDENT, CARER)
    with pytest.raises(PartyUnavailable):
        site.run(site.mandates.end(ref(RESIDENT), number))  # it has ended even so: that may not wait
    assert site.mandates.listed(ref(RESIDENT)) == before


def changed(site: MandateSite, text: str, value: bytes) -> Any:
    return site.land.country.portal.db.write(lambda db: db.execute(text, (value,)).rowcount)


def test_a_row_that_was_changed_in_the_store_opens_nothing(own_site: MandateSite) -> None:
    """Another delegate, or another person, under terms that were sealed for these two."""
    number = own_site.appointed(RESIDENT, CARER)
    for column, whom in (("delegate", ref(FATHER)), ("principal", ref(MOTHER))):
        own_site.run(changed(own_site, f"UPDATE mandate SET {column} = ?", whom))  # noqa: S608
        with pytest.raises(Problem):
            reads(own_site, FATHER if column == "delegate" else CARER, number)
    assert store.count_given(own_site.land.country.portal.db.read(), ref(MOTHER)) == 1
