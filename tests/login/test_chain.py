"""The exchanges of a login as converters, gateways and registry see them, sent by a portal that breaks the rules."""

from __future__ import annotations

from typing import Any

import pytest

from kakine.clients.exchange import Wish
from kakine.country import REGISTRY
from kakine.parties.portal import exchanges
from kakine.values.labels import DomainName
from kakine.values.problems import (
    AnswerNotAllowed,
    BatchMalformed,
    ClientUnauthenticated,
    GroundNotForParties,
    GroundUnfit,
    InternalFault,
    Problem,
    ProcedureUnknown,
)
from kakine.wire.request import AskedPerson, Kind, Mode
from login_site import LoginSite

from land import TAX, ref

SITE = DomainName("yokohama/childcare-site")


def ask(site: LoginSite, to: DomainName, kind: Kind = Kind.LOGIN, people: int = 1, **changed: Any) -> Any:
    """What a portal sends that does as it likes."""
    portal = site.land.country.portal
    grounds = {Kind.LOGIN: "LOGIN", Kind.ATTRIBUTES: "LOGIN-ATTRIBUTES"}
    code = portal._codes(ref(0)).code(0)
    plain = site.land.wish([code] * people)
    told: dict[str, Any] = {
        "kind": kind,
        "mode": Mode.S1,
        "ground": grounds.get(kind, "LOGIN"),
        "rows": (),
        "recipient": to,
        "codes": plain.codes,
        "people": tuple(AskedPerson(site.land.entropy(16), "", b"", b"", b"") for _ in range(people)),
        "items": (),
        "channel": exchanges.OWN,
    }
    return site.run(exchanges._once(portal._requester, Wish(**{**told, **changed})))


def test_a_login_goes_to_the_domain_of_a_relying_party_only(site: LoginSite) -> None:
    """Not to a domain under which an agency keeps files, though the ground covers gateways."""
    with pytest.raises(ClientUnauthenticated):
        ask(site, TAX)
    assert ask(site, SITE).result == "delivered"


def test_a_login_has_its_own_ground_and_kind(site: LoginSite) -> None:
    for changed in ({"ground": "ISSUE"}, {"ground": "LOGIN-ATTRIBUTES"}, {"ground": "OWN-HISTORY"}):
        with pytest.raises(GroundUnfit):
            ask(site, SITE, **changed)
    with pytest.raises(GroundNotForParties):
        ask(site, SITE, Kind.ATTRIBUTES)
    with pytest.raises(Problem):
        ask(site, REGISTRY, Kind.LOGIN)
    with pytest.raises(ProcedureUnknown):
        ask(site, SITE, Kind.EXCHANGE, ground="LOGIN", rows=("JO106.2",))


def test_a_login_and_items_are_proved_before_they_are_filed(site: LoginSite) -> None:
    """Nothing is kept of them by which they could be checked afterwards."""
    for mode in (Mode.S0, Mode.S0_PLUS):
        with pytest.raises(AnswerNotAllowed):
            ask(site, SITE, mode=mode)
        with pytest.raises(AnswerNotAllowed):
            ask(site, REGISTRY, Kind.ATTRIBUTES, items=("name",), mode=mode)


def test_one_person_logs_in_at_a_time(site: LoginSite) -> None:
    with pytest.raises((BatchMalformed, InternalFault)):
        ask(site, SITE, people=2)


def test_the_registry_gives_items_of_a_login_to_the_portal_only(site: LoginSite) -> None:
    assert ask(site, REGISTRY, Kind.ATTRIBUTES, items=("name",)).items == ("name",)
    for items in (("number",), ("household",), ("name", "TK-0003")):
        with pytest.raises(AnswerNotAllowed):
            ask(site, REGISTRY, Kind.ATTRIBUTES, items=items)
    desk = site.land.yokohama
    requester = desk.office.requester("yokohama/residents")
    codes = desk.desk.codes(DomainName("yokohama/residents"), [site.clerk(0)])
    wish = Wish(
        Kind.ATTRIBUTES,
        Mode.S1,
        "LOGIN-ATTRIBUTES",
        (),
        REGISTRY,
        codes,
        (AskedPerson(bytes(16), "", b"", b"", b""),),
        ("address",),
    )
    with pytest.raises(GroundNotForParties):
        site.run(exchanges._once(requester, wish))
