"""自己情報: what a holder has on a person goes to that person's own session, live, and to nobody on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kakine.cli.own_history import own_history
from kakine.clients.exchange import Requester, Wish
from kakine.contracts.portal import SealedOwnData
from kakine.country import LOGIN
from kakine.crypto.sealing import OpenKey, SealKey
from kakine.parties.gateway.keeping import NewCopy, put_copies, set_flags
from kakine.parties.gateway.store import Flags
from kakine.parties.portal import exchanges
from kakine.protocols import own_data
from kakine.protocols.own_data import SENSITIVE, Holder, areas
from kakine.values.problems import (
    AccountUnknown,
    AnswerNotAllowed,
    AreaUnknown,
    BatchMalformed,
    GroundNotForParties,
    GroundUnfit,
    NotCanonical,
    SealInvalid,
)
from kakine.wire import own_data as wire
from kakine.wire.answer import Answered
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import split_entries
from kakine.wire.own_data import BLOCK, Order, OwnAsked, OwnData, OwnItem, opened
from kakine.wire.request import AskedPerson, Kind, Mode, RecordPart

from land import CHILDREN, TAX, TAX_ITEM, Land, ref

SESSION = OpenKey(bytes(range(32)))
STRANGER = b"ref-of-nobody"


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """Persons 0 … 3 have a login and a tax record at Yokohama. Only the login knows persons 4 and 5."""
    with Land.founded(tmp_path_factory.mktemp("own") / "land") as made:
        codes = made.country.registry.codes
        people = [b"late-%d" % j for j in (4, 5)]
        made.run(codes.enrol(people))
        issued = codes.issue(LOGIN, [(who, ref(j)) for who, j in zip(people, (4, 5), strict=True)])
        assert set(made.run(issued)) == {"delivered"}
        yield made


def pulled(land: Land, j: int, area: str = "tax", session: OpenKey = SESSION) -> dict[str, SealedOwnData]:
    """Every holder's sealed answer for person j, by domain."""
    given = land.run(land.country.portal.own_data(ref(j), area, session.public))
    return {each.domain: each for each in given}


def told(sealed: SealedOwnData, session: OpenKey = SESSION) -> OwnData:
    return opened(session, sealed.request, sealed.sealed)


def test_a_person_sees_what_a_holder_has_with_source_and_age(land: Land) -> None:
    given = pulled(land, 0)
    assert set(given) == {str(holder.domain) for holder in areas_of(land)["tax"]}
    shown = told(given[str(TAX)])
    (item,) = shown.items
    assert (shown.domain, item.item, item.layout) == (str(TAX), TAX_ITEM, 1)
    assert msgspec.json.decode(item.data) == {"income": 0}
    assert item.as_of_ms < land.clock() < item.expires_ms
    assert all(told(sealed).items == () for domain, sealed in given.items() if domain != str(TAX))


def areas_of(land: Land) -> Any:
    return areas(land.country.book("portal").in_force(land.clock()))


def test_copies_that_are_too_old_to_be_given_out_are_shown_to_the_person(land: Land) -> None:
    """What is held is held: no exchange would give these."""
    now_ms, year = land.clock(), 365 * 86_400_000
    land.run(put_copies(land.yokohama.office, TAX, [old_copy(now_ms - 3 * year, now_ms - year)]))
    (item,) = told(pulled(land, 3)[str(TAX)]).items
    assert (item.source_version, item.expires_ms) == (9, now_ms - year)


def old_copy(as_of_ms: int, expires_ms: int) -> NewCopy:
    sheet = {"fiscal_year": 2020, "taxed": "exempt"}
    return NewCopy(ref(3), TAX_ITEM, 1, 9, as_of_ms, expires_ms, msgspec.json.encode(sheet))


def test_no_holder_a_stopped_view_and_nothing_held_look_alike_on_the_way(land: Land) -> None:
    """自己情報提供不可: whoever has the card of this person sees what a stranger would see, everywhere."""
    land.run(set_flags(land.yokohama.office, TAX, ref(2), Flags(own_view_stopped=True)))
    stopped, unknown, held = pulled(land, 2)[str(TAX)], pulled(land, 4)[str(TAX)], pulled(land, 0)[str(TAX)]
    assert told(stopped) == told(unknown) == OwnData(str(TAX), ())
    assert told(held).items != ()
    assert len({len(each.sealed) for each in (stopped, unknown, held)}) == 1
    land.run(set_flags(land.yokohama.office, TAX, ref(2), Flags()))
    assert told(pulled(land, 2)[str(TAX)]).items != ()


def test_the_portal_and_everybody_on_the_way_carry_what_they_cannot_read(land: Land) -> None:
    given = pulled(land, 0)[str(TAX)]
    data = told(given).items[0].data
    for path in land.folder.rglob("*.sqlite*"):
        if not path.name.startswith("yokohama"):
            assert data not in path.read_bytes(), path.name
    for key in (OpenKey(bytes(32)), land.country.identities[LOGIN.party].opening):
        with pytest.raises(SealInvalid):
            opened(key, given.request, given.sealed)


def test_an_answer_of_another_request_does_not_open(land: Land) -> None:
    one, other = pulled(land, 0)[str(TAX)], pulled(land, 1)[str(TAX)]
    for mixed in (replace_sealed(one, other.sealed), replace_sealed(other, one.sealed)):
        with pytest.raises(SealInvalid):
            told(mixed)
    for at in range(0, len(one.sealed), 97):
        changed = bytearray(one.sealed)
        changed[at] ^= 1
        with pytest.raises(SealInvalid):
            told(replace_sealed(one, bytes(changed)))


def replace_sealed(of: SealedOwnData, sealed: bytes) -> SealedOwnData:
    return SealedOwnData(of.domain, of.request, sealed)


def test_every_pull_stands_in_the_persons_history_and_the_portal_keeps_nothing(land: Land) -> None:
    db = land.country.portal.db.read()
    before = [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables(land)]  # noqa: S608
    given = pulled(land, 1)
    after = [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables(land)]  # noqa: S608
    assert before == after
    lines = [x for x in land.run(own_history(land.country, ref(1))).lines if x.ground == own_data.GROUND]
    newest = {line.recipient: line for line in lines}
    assert set(newest) == set(given)
    assert (newest[str(TAX)].items, newest[str(TAX)].result) == ((TAX_ITEM,), "delivered")


def tables(land: Land) -> list[str]:
    rows = land.country.portal.db.read().execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in rows]


def detail(order: Order = Order.SHOW) -> bytes:
    return encode(OwnAsked(bytes(SESSION.public), order))


def asked_as(land: Land, requester: Requester, codes: Any, **changed: Any) -> Answered:
    """What a portal, or somebody else, sends that does as it likes."""
    plain: dict[str, Any] = {
        "kind": Kind.OWN_DATA,
        "mode": Mode.S1,
        "ground": own_data.GROUND,
        "rows": (),
        "recipient": TAX,
        "codes": codes,
        "people": (AskedPerson(land.entropy(16), "", b"", b"", detail()),),
        "items": (TAX_ITEM,),
        "channel": exchanges.OWN,
    }
    return land.run(exchanges._once(requester, Wish(**{**plain, **changed})))


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": Mode.S0},
        {"mode": Mode.S0_PLUS},
        {"items": (TAX_ITEM, "TK-0001")},
        {"items": ()},
        {"recipient": CHILDREN, "items": ("TK-0026", "TK-0059")},
        {"recipient": CHILDREN, "items": ("TK-0026", "TK-0027")},
        {"people": (AskedPerson(bytes(16), "", b"", b"", b""),)},
        {"people": (AskedPerson(b"\1" * 16, "", b"", b"", bytes(SESSION.public)),)},
        {"people": (AskedPerson(b"\2" * 16, "", b"", b"", detail()[:-1] + b"\x03"),)},
    ],
    ids=[
        "unproved", "proved later", "items of others", "no items", "two areas", "others of the area", "no detail",
        "no order", "another order",
    ],
)  # fmt: skip
def test_a_holder_refuses_what_no_honest_portal_asks(land: Land, changed: dict[str, Any]) -> None:
    portal = land.country.portal
    with pytest.raises((AnswerNotAllowed, NotCanonical)):
        asked_as(land, portal._requester, portal._codes(ref(0)), **changed)


def test_nobody_but_the_portal_asks_under_this_ground(land: Land) -> None:
    desk = land.yokohama
    codes = desk.desk.codes(CHILDREN, [land.question(0)])
    with pytest.raises(GroundNotForParties):
        asked_as(land, desk.office.requester(CHILDREN), codes)
    for ground in ("LOGIN", "OWN-HISTORY", "JO106"):
        portal = land.country.portal
        with pytest.raises((GroundUnfit, GroundNotForParties)):
            asked_as(land, portal._requester, portal._codes(ref(0)), ground=ground)


def test_one_person_at_a_time(land: Land) -> None:
    portal = land.country.portal
    two = tuple(AskedPerson(land.entropy(16), "", b"", b"", detail()) for _ in range(2))
    codes = land.wish([portal._codes(ref(j)).code(0) for j in (0, 1)]).codes
    with pytest.raises(BatchMalformed):
        asked_as(land, portal._requester, codes, people=two)


def ordered(land: Land, j: int, order: Order, area: str = "tax") -> dict[str, SealedOwnData]:
    """What a portal is answered that orders it of every holder, whatever it keeps itself."""
    asking = land.country.portal._ask_holders(ref(j), area, SESSION.public, order)
    return {each.domain: each for each in land.run(asking)}


def test_a_closed_area_looks_like_nothing_held_to_whoever_asks(land: Land) -> None:
    """Also to the portal itself: the holder keeps it closed."""
    assert told(ordered(land, 0, Order.SHOW)[str(TAX)]).items != ()
    ordered(land, 0, Order.CLOSE)
    closed, unknown = ordered(land, 0, Order.SHOW), ordered(land, 4, Order.SHOW)
    for domain in closed:
        assert told(closed[domain]) == told(unknown[domain]) == OwnData(domain, ())
        assert len(closed[domain].sealed) == len(unknown[domain].sealed)
    assert told(ordered(land, 1, Order.SHOW)[str(TAX)]).items != ()
    ordered(land, 0, Order.OPEN)
    assert told(ordered(land, 0, Order.SHOW)[str(TAX)]).items != ()


def test_closing_opening_and_looking_are_alike_on_the_way_and_in_the_history(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever carries, converts or keeps the records, and whoever reads the history with a card that was found, cannot
    tell from any byte what was asked for; nor from the answer's length whether anything was there."""
    sent = list[Any]()
    prepare = Requester.prepare

    async def noted(self: Requester, wish: Wish) -> Any:
        sent.append(await prepare(self, wish))
        return sent[-1]

    monkeypatch.setattr(Requester, "prepare", noted)
    shapes = []
    for order in (Order.SHOW, Order.CLOSE, Order.SHOW, Order.OPEN):
        sent.clear()
        answers = ordered(land, 0, order)
        lines = [x for x in land.run(own_history(land.country, ref(0))).lines if x.ground == own_data.GROUND]
        newest = [(x.recipient, x.items, x.result, x.case) for x in lines[-len(answers) :]]
        asked = [each for each in sent if decode(each.record, RecordPart).kind is Kind.OWN_DATA]
        shapes.append((
            newest,
            [len(each.sealed) for each in answers.values()],
            [len(encode(each)) for each in asked],
            [[entry[:8] for entry in split_entries(each.entries)] for each in asked],
        ))  # fmt: skip
    assert len(asked) == len(answers) == 3
    assert all(shape == shapes[0] for shape in shapes)


def test_closing_names_a_person_to_nobody_but_the_holder(land: Land) -> None:
    """The holder keeps a wrapped code, of somebody it does not know as of others, and no name or reference."""
    db = land.yokohama.office.db
    ordered(land, 0, Order.CLOSE)
    ordered(land, 4, Order.CLOSE)
    rows = db.read().execute("SELECT domain, token, area FROM closed_area").fetchall()
    assert [(domain, area) for domain, _, area in rows] == [(str(TAX), "tax")] * 2
    assert all(ref(j) not in bytes(token) for _, token, _ in rows for j in (0, 4))
    for j in (0, 4):
        ordered(land, j, Order.OPEN)
    assert db.read().execute("SELECT count(*) FROM closed_area").fetchone() == (0,)


def test_unknown_areas_and_accounts_are_refused_before_anybody_is_asked(land: Land) -> None:
    with pytest.raises(AreaUnknown):
        pulled(land, 0, "horoscope")
    with pytest.raises(AccountUnknown):
        land.run(land.country.portal.own_data(STRANGER, "tax", SESSION.public))


def test_areas_are_the_same_for_everybody_and_the_sensitive_ones_are_areas_of_the_law(land: Land) -> None:
    found = areas_of(land)
    assert {
        item.area for item in land.country.book("portal").in_force(land.clock()).gazette.items
    } >= SENSITIVE
    for area, given in found.items():
        for holder in given:
            assert isinstance(holder, Holder)
            law = land.country.book("portal").in_force(land.clock())
            assert set(holder.items) <= set(law.domain(holder.domain).provides), area


def test_a_form_that_is_not_the_one_written_is_refused() -> None:
    request = bytes(32)
    good = wire.sealed_to(SESSION.public, request, OwnData("a/b", (OwnItem("TK-1", 1, 1, 1, 2, b"{}"),)))
    assert opened(SESSION, request, good).items[0].item == "TK-1"
    assert len(good) == BLOCK + 48
    info = wire.digest("own-data", request)
    content = wire.encode(OwnData("a/b", ()))
    framed = len(content).to_bytes(4, "big") + content
    for wrong in (
        framed,
        framed + bytes(BLOCK - len(framed) - 1) + b"\x01",
        framed + bytes(2 * BLOCK - len(framed)),
        (BLOCK).to_bytes(4, "big") + content + bytes(BLOCK - len(framed)),
        b"",
    ):
        with pytest.raises(NotCanonical):
            opened(SESSION, request, wire.seal(SealKey(SESSION.public), info, wrong))
