"""The account for public money: changed from a visit with step-up, in sight, at the register, through the converters
(spec/visits.md section 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kakine.cli.own_history import own_history
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.parties.gateway import store as gateway_store
from kakine.parties.gateway.keeping import NewCopy, put_copies, set_flags
from kakine.protocols.instructions import ACCOUNT_ITEM
from kakine.runtime.codebook import token_of
from kakine.values.codes import CodeVector
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    ActUnderWay,
    AnswerNotAllowed,
    GroundNotForParties,
    NotCanonical,
    PartyUnavailable,
    StepUpNeeded,
)
from kakine.wire.canonical import encode
from kakine.wire.instruction import Account, AccountBack, AccountChanged, Instruction
from kakine.wire.request import AskedPerson, Kind, Mode
from login_site import BIRTHS
from visitor import Doorstep, Visitor

from land import CHILDREN, ref

ACCOUNTS = DomainName("accounts/benefits")
OLD = {"registered": True, "bank_code": "0001", "branch_code": "001", "account_number": "1234567"}
NEW = Account("0005", "123", "ordinary", "7654321", "ワタナベ ハナコ")
OTHER = Account("0009", "321", "savings", "1111111", "ワタナベ ハナコ")
YEAR_MS = 365 * 86_400_000


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Doorstep]:
    """Person 0 has an account in the register, person 1 is known there and has none."""
    with Doorstep.opened(tmp_path / "land", people=3) as opened:
        site, country = opened.site, opened.site.land.country
        for j in (0, 1):
            asked = Acquire(ACCOUNTS, [Wanted(ref(j), ByNumber(site.numbers[j], BIRTHS[j]))])
            site.run(country.peers(ACCOUNTS.party).ask(PartyName("registry"), ACQUIRE, asked))
        now = site.land.clock()
        copy = NewCopy(ref(0), ACCOUNT_ITEM, 1, 7, now, now + YEAR_MS, json.dumps(OLD).encode())
        site.run(put_copies(gateway(opened).office, ACCOUNTS, [copy]))
        yield opened


def gateway(at: Doorstep) -> Any:
    return at.site.land.country.gateways[ACCOUNTS.party]


def registered(at: Doorstep, j: int = 0) -> dict[str, Any] | None:
    """What the register would pay to."""
    db = gateway(at).office.db.read()
    token = token_of(db, ACCOUNTS, ref(j))
    assert token is not None
    copy = gateway_store.copies_of(db, ACCOUNTS, token).get(ACCOUNT_ITEM)
    return json.loads(copy.data) if copy else None


def change(visitor: Visitor, account: Account = NEW) -> bytes:
    act: bytes = visitor.site.run(visitor.acts.change_account(visitor.name, account))
    return act


def number(at: Doorstep, j: int = 0) -> str | None:
    found = registered(at, j)
    return found["account_number"] if found else None


def test_an_account_is_changed_after_its_wait_and_stands_in_the_history(at: Doorstep) -> None:
    visitor = at.two_ways()
    act = change(visitor)
    assert visitor.states()[act] == "waiting"
    assert visitor.acts.notices(visitor.name)[-1].label == "0005-123 ****321"
    at.wait(2.9)
    assert number(at) == OLD["account_number"]
    at.wait(0.2)
    assert registered(at) == {
        "registered": True,
        "bank_code": "0005",
        "branch_code": "123",
        "account_kind": "ordinary",
        "account_number": "7654321",
        "holder_kana": "ワタナベ ハナコ",
    }
    read = at.site.run(own_history(at.site.land.country, ref(0)))
    (line,) = [line for line in read.lines if line.ground == "OWN-ACCOUNT"]
    assert (line.requester, line.recipient, line.result) == ("portal/login", ACCOUNTS, "delivered")


def test_it_is_undone_before_and_after(at: Doorstep) -> None:
    key = at.passkey(0)
    before = change(at.two_ways(key))
    at.visitor().by_passkey(key).undo(before)
    at.wait(3.1)
    assert number(at) == OLD["account_number"]
    after = change(at.two_ways(key))
    at.wait(3.1)
    assert number(at) == NEW.account_number
    at.visitor().by_card(at.card).undo(after)
    assert registered(at) == OLD


def test_who_had_none_has_none_again(at: Doorstep) -> None:
    act = change(at.by_paper(1))
    at.wait(3.1)
    assert number(at, 1) == NEW.account_number
    at.by_paper(1).undo(act)
    assert registered(at, 1) is None


def test_an_undo_does_not_turn_what_the_agency_has_changed_since(at: Doorstep) -> None:
    act = change(at.two_ways())
    at.wait(3.1)
    now = at.site.land.clock()
    data = json.dumps({**OLD, "account_number": "0000001"}).encode()
    copy = NewCopy(ref(0), ACCOUNT_ITEM, 1, 99, now, now + YEAR_MS, data)
    at.site.run(put_copies(gateway(at).office, ACCOUNTS, [copy]))
    at.by_paper().undo(act)
    assert number(at) == "0000001"


def test_a_card_alone_changes_no_account(at: Doorstep) -> None:
    thief = at.visitor().by_card(at.card)
    with pytest.raises(StepUpNeeded):
        change(thief)
    at.wait(5)
    assert registered(at) == OLD


def test_one_change_waits_at_a_time(at: Doorstep) -> None:
    visitor = at.two_ways()
    change(visitor)
    with pytest.raises(ActUnderWay):
        change(visitor, OTHER)


def test_what_is_no_account_is_refused_at_once(at: Doorstep) -> None:
    visitor = at.two_ways()
    for wrong in ({"bank_code": "00005"}, {"account_number": "7654321\n"}, {"account_kind": "gold"}):
        fields = {name: getattr(NEW, name) for name in Account.__struct_fields__} | wrong
        with pytest.raises(NotCanonical):
            change(visitor, Account(**fields))
    assert visitor.acts.notices(visitor.name)[1:] == []


@pytest.mark.parametrize("why", ["unknown", "needs a human"])
def test_what_the_register_cannot_do_ends_undone_and_told(at: Doorstep, why: str) -> None:
    j = 2 if why == "unknown" else 0
    if j == 0:
        office = gateway(at).office
        at.site.run(set_flags(office, ACCOUNTS, ref(0), non_disclosed=False, needs_human=True))
    act = change(at.by_paper(j))
    at.wait(3.1)
    assert at.by_paper(j).states()[act] == "undone"
    assert j == 2 or registered(at) == OLD


def test_the_portal_forgets_the_account_once_it_is_done(at: Doorstep) -> None:
    act = change(at.two_ways())
    at.wait(3.1)
    (row,) = at.site.office.db.read().execute("SELECT detail, state FROM act WHERE id = ?", (act,))
    assert row == (b"", "done")


@pytest.mark.parametrize("away_s", [0, 600])
def test_while_the_register_is_away_it_waits_and_is_done_once(at: Doorstep, away_s: int) -> None:
    """The same request again while it is young, later another; the register does the act once."""
    act, country = change(at.two_ways()), at.site.land.country
    app = country.apps.pop(ACCOUNTS.party)
    at.site.land.clock.advance(3.1 * 86_400)
    assert [type(each) for each in at.site.run(country.portal.acts.tick())] == [PartyUnavailable]
    assert at.by_paper().states()[act] == "doing"
    country.apps[ACCOUNTS.party] = app
    at.wait(away_s / 86_400)
    assert at.by_paper().states()[act] == "done"
    rows = gateway(at).office.db.read().execute("SELECT count(*) FROM account_change").fetchone()
    assert rows[0] == 1


def instructed(at: Doorstep, detail: bytes, context: bytes) -> None:
    at.site.run(at.site.land.country.portal._instruct(ref(0), detail, context))


def test_the_register_does_an_act_once_in_each_direction(at: Doorstep) -> None:
    """However often, and in whatever order, it is told."""
    forth = encode(Instruction(AccountChanged(b"a" * 16, NEW)))
    back = encode(Instruction(AccountBack(b"a" * 16)))
    instructed(at, back, b"1")
    assert registered(at) == OLD
    instructed(at, forth, b"2")
    instructed(at, encode(Instruction(AccountChanged(b"a" * 16, OTHER))), b"3")
    assert number(at) == NEW.account_number
    instructed(at, back, b"4")
    instructed(at, back, b"5")
    instructed(at, forth, b"6")
    assert registered(at) == OLD


def test_no_agency_can_change_an_account(at: Doorstep) -> None:
    """Nor the portal at another agency."""
    detail = encode(Instruction(AccountChanged(b"a" * 16, NEW)))
    person = AskedPerson(at.site.land.entropy(16), "", b"", b"", detail)
    yokohama, portal = at.site.land.yokohama, at.site.land.country.portal
    residents = DomainName("yokohama/residents")
    codes = yokohama.desk.codes(residents, [at.site.clerk(0)])
    plain = at.site.land.wish([codes.code(0)], Mode.S1)
    wish = replace(
        plain, kind=Kind.INSTRUCT, ground="OWN-ACCOUNT", rows=(), recipient=ACCOUNTS, people=(person,)
    )

    async def sent(requester: Any, carrier: Any, what: Any) -> None:
        await carrier.send(requester, await requester.prepare(what), b"")

    with pytest.raises(GroundNotForParties):
        at.site.run(sent(yokohama.office.requester(residents), yokohama.desk.carrier, wish))
    own = replace(wish, codes=CodeVector.of([portal._codes(ref(0)).code(0)]), recipient=CHILDREN)
    with pytest.raises(AnswerNotAllowed):
        at.site.run(sent(portal._requester, portal._carrier, own))
    assert registered(at) == OLD
