"""A11: the requester's own gateway may skip the law; the converters and the provider do not.

Every request here is made with the requesting domain's own keys, past its gateway's own look at the gazette. The
daily limit of a link has a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from attacks.insider import filings, rewritten
from forging import signed
from kakine.clients.exchange import as_convert
from kakine.contracts.commission import SUSPEND, Narrow
from kakine.contracts.converter import CONVERT, Hop
from kakine.contracts.ministry import PROPOSE, Draft
from kakine.country import COMMISSION, CONVERTERS, KEEPERS, MINISTRY
from kakine.values import problems
from kakine.values.labels import HASH, DomainName
from kakine.values.problems import Problem
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.canonical import encode as encode_record
from kakine.wire.gazette import Gazette, encode
from kakine.wire.request import Keeper, Kind, PublicPart, RecordPart

from land import CHILDREN, KOSEKI, TAX, Land

YEAR = 366 * 86_400


def prepared(land: Land, **changed: Any) -> Prepared:
    """A request for person 0 under JO106.2, or with these things changed."""
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)], **changed)))


def refusal(land: Land, asked: Prepared) -> Problem:
    """Why the converters refuse; nothing was filed."""
    before = filings(land)
    with pytest.raises(Problem) as raised:
        land.run(land.requester().convert(asked))
    assert filings(land) == before
    return raised.value


WISHES = {
    "a row of another procedure": ({"rows": ("JO81.1",)}, problems.RowNotOfProcedure),
    "a row that does not exist": ({"rows": ("JO106.99",)}, problems.RowUnknown),
    "no row": ({"rows": ()}, problems.RowUnknown),
    "one good row and one of another procedure": (
        {"rows": ("JO106.2", "JO81.1")},
        problems.RowNotOfProcedure,
    ),
    "a row whose item the provider has not": ({"rows": ("JO106.1",)}, problems.ProviderNotEntitled),
    "a provider that has other items": ({"recipient": KOSEKI}, problems.ProviderNotEntitled),
    "a procedure the asker does not run": ({"ground": "JO1"}, problems.RequesterNotEntitled),
    "a procedure that does not exist": ({"ground": "JO999"}, problems.ProcedureUnknown),
    "an exchange under a ground for codes": ({"ground": "ISSUE", "rows": ()}, problems.ProcedureUnknown),
    "an issue by one who is not the registry": (
        {"kind": Kind.ISSUE, "ground": "ISSUE", "rows": ()},
        problems.GroundNotForParties,
    ),
    "an issue under a row": ({"kind": Kind.ISSUE}, problems.GroundUnfit),
    "a retirement by one who is not the registry": (
        {
            "kind": Kind.RETIRE,
            "ground": "RETIRE",
            "rows": (),
            "recipient": DomainName("mailbox-a/records"),
        },
        problems.GroundNotForParties,
    ),
    "an exchange with the record keeper": (
        {"recipient": DomainName("mailbox-a/records")},
        problems.GroundUnfit,
    ),
    "an exchange with the other record keeper": (
        {"recipient": DomainName("mailbox-b/records")},
        problems.ProviderNotEntitled,
    ),
    "a retirement that ends at the other record keeper": (
        {"kind": Kind.RETIRE, "ground": "RETIRE", "rows": (), "recipient": DomainName("mailbox-b/records")},
        problems.GroundUnfit,
    ),
}


@pytest.mark.parametrize(("changed", "kind"), WISHES.values(), ids=WISHES.keys())
def test_a_request_without_its_ground_is_refused(
    shared_land: Land, changed: dict[str, Any], kind: type[Problem]
) -> None:
    """A11: by the first converter, with what is missing."""
    assert type(refusal(shared_land, prepared(shared_land, **changed))) is kind


def test_the_wrong_direction_is_refused(shared_land: Land) -> None:
    """A11: the tax office, which answers under this row, may not ask under it."""
    requester = shared_land.yokohama.office.requester(TAX)
    wish = shared_land.wish([shared_land.code(TAX, 0)], recipient=CHILDREN)
    asked = shared_land.run(requester.prepare(wish))
    assert type(refusal(shared_land, asked)) is problems.RequesterNotEntitled


EPOCHS: dict[str, Callable[[int], dict[str, Any]]] = {
    "requester": lambda epoch: {"requester_epoch": epoch},
    "recipient": lambda epoch: {"recipient_epoch": epoch},
    "first keeper": lambda epoch: {"keepers": (Keeper(KEEPERS[0], epoch), Keeper(KEEPERS[1], 1))},
    "second keeper": lambda epoch: {"keepers": (Keeper(KEEPERS[0], 1), Keeper(KEEPERS[1], epoch))},
}


@pytest.mark.parametrize("which", EPOCHS)
@pytest.mark.parametrize("epoch", [2, 65_535])
def test_a_wrong_epoch_is_refused(shared_land: Land, which: str, epoch: int) -> None:
    """A11: of each of the four domains only the epoch in the gazette is converted, joined already or not."""
    asked = rewritten(shared_land, prepared(shared_land), public=EPOCHS[which](epoch))
    assert type(refusal(shared_land, asked)) is problems.EpochNotInForce


def keepers(*names: str) -> dict[str, Any]:
    """A header that names these record keepers."""
    return {"keepers": tuple(Keeper(name, 1) for name in names)}


HEADERS = {
    "suite": ({"suite": "LCX-v0"}, problems.GroundUnfit),
    "another requester": ({"requester": "sapporo/children"}, problems.CallerNotAllowed),
    "the hash domain": ({"requester": HASH}, problems.DomainUnknown),
    "own domain as record keeper": (keepers("yokohama/residents"), problems.GroundUnfit),
    "own domain beside a record keeper": (keepers(KEEPERS[0], "yokohama/residents"), problems.GroundUnfit),
    "own domain behind the record keepers": (keepers(*KEEPERS, "yokohama/residents"), problems.GroundUnfit),
    "own domain as record keeper and recipient": (keepers("yokohama/tax"), problems.GroundUnfit),
    "a record keeper that does not exist": (keepers(KEEPERS[0], "nobody/records"), problems.GroundUnfit),
    "another domain of a record keeper": (keepers(KEEPERS[0], "mailbox-b/other"), problems.GroundUnfit),
    "the first record keeper only": (keepers(KEEPERS[0]), problems.GroundUnfit),
    "the second record keeper only": (keepers(KEEPERS[1]), problems.GroundUnfit),
    "one record keeper twice": (keepers(KEEPERS[0], KEEPERS[0]), problems.GroundUnfit),
    "the record keepers in another order": (keepers(*reversed(KEEPERS)), problems.GroundUnfit),
}


@pytest.mark.parametrize(("changed", "kind"), HEADERS.values(), ids=HEADERS.keys())
def test_a_changed_header_is_refused(shared_land: Land, changed: dict[str, Any], kind: type[Problem]) -> None:
    """A11: rightly hashed and signed by the asker, and still not what it may ask."""
    asked = rewritten(shared_land, prepared(shared_land), public=changed)
    assert type(refusal(shared_land, asked)) is kind


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("named", [KEEPERS[:1], KEEPERS[1:], KEEPERS[::-1]], ids=["a", "b", "b, a"])
def test_every_converter_looks_itself_who_the_record_keepers_are(
    shared_land: Land, named: tuple[str, ...], position: int
) -> None:
    """A11: the converters before it have let a request pass with fewer record keepers, or in another order, in which
    the legs of the two would change places."""
    first = rewritten(shared_land, prepared(shared_land), public=keepers(*named))
    message = as_convert(first)
    caller = "yokohama" if position == 1 else CONVERTERS[position - 2]
    hops = [Hop(b"", bytes(64)) for _ in range(position - 1)]
    legs = [message.blinded] * (len(named) + 1) if hops else []
    message = msgspec.structs.replace(message, hops=hops, legs=legs)
    road = shared_land.country.peers(caller)
    with pytest.raises(problems.GroundUnfit):
        shared_land.run(road.ask(CONVERTERS[position - 1], CONVERT, message))


def test_a_request_without_the_seed_for_one_record_keeper_is_refused(shared_land: Land) -> None:
    """A11, A6: the header names both, and what is sealed is for one: nothing is converted."""
    plain = prepared(shared_land)
    record = decode(plain.record, RecordPart)
    part = encode_record(msgspec.structs.replace(record, to_keepers=record.to_keepers[:1]))
    asked = signed(shared_land, plain, record=part, to_keepers=plain.to_keepers[:1])
    assert type(refusal(shared_land, asked)) is problems.BatchMalformed


def test_an_agency_cannot_enrol_people_of_its_own(shared_land: Land) -> None:
    """A11: a code of the hash domain into an agency's own domain, under the ground that is the registry's."""
    asked = rewritten(
        shared_land,
        prepared(shared_land),
        public={"requester": HASH, "ground": "ENROL", "rows": ()},
        record={"kind": Kind.ENROL},
    )
    assert type(refusal(shared_land, asked)) is problems.GroundNotForParties


def test_another_signature_is_refused(shared_land: Land) -> None:
    """A11: another agency signs; the caller is right."""
    asked = rewritten(shared_land, prepared(shared_land), signer="sapporo")
    assert type(refusal(shared_land, asked)) is problems.SignatureInvalid


def test_a_struck_row_is_refused_also_for_what_is_under_way(land: Land) -> None:
    """A11: revoked before the hop, and between hop and release."""
    early, late = prepared(land), prepared(land)
    converted = land.run(land.requester().convert(early))
    strike = Narrow([], ["JO106.2"], "廃止", "struck")
    land.run(land.country.peers("commission").ask(COMMISSION, SUSPEND, strike))
    land.run(land.country.refresh())
    assert type(refusal(land, late)) is problems.RowUnknown
    with pytest.raises(problems.RowUnknown):
        land.run(land.requester().release(early, converted))


def narrow(land: Land, change: Callable[[Gazette], Gazette]) -> None:
    """The ministry publishes the law without something; it needs no second signature and no waiting time for that."""
    content = change(land.country.book("ministry").in_force(land.clock()).gazette)
    draft = Draft(encode(content), land.clock(), "見直し", "review")
    proposed = land.run(land.country.peers("ministry").ask(MINISTRY, PROPOSE, draft))
    assert proposed.published
    land.run(land.country.refresh())


@pytest.mark.parametrize(("file", "side"), [("child-allowance", "requester"), ("local-tax", "provider")])
def test_a_missing_assessment_is_refused(land: Land, file: str, side: str) -> None:
    """A11: without a published impact assessment of either side nothing is exchanged (Number Act, art. 28)."""

    def without(law: Gazette) -> Gazette:
        kept = tuple(e for e in law.assessments if (e.party, e.file) != ("yokohama", file))
        return msgspec.structs.replace(law, assessments=kept)

    asked = prepared(land)
    narrow(land, without)
    raised = refusal(land, asked)
    assert type(raised) is problems.AssessmentMissing
    assert raised.facts["side"] == side


def test_an_assessment_past_its_review_is_refused(land: Land) -> None:
    """A11: five years on, with nothing renewed, the row still stands and nobody may use it."""
    land.clock.advance(6 * YEAR)
    land.run(land.country.refresh())
    assert type(refusal(land, prepared(land))) is problems.AssessmentExpired


def test_the_provider_refuses_for_itself(land: Land) -> None:
    """A11: released by all converters, and the provider's own gazette does not allow the row any more."""
    requester, asked = land.requester(), prepared(land)
    converted = land.run(requester.convert(asked))
    released = land.run(requester.release(asked, converted))
    strike = Narrow([], ["JO106.2"], "廃止", "struck")
    land.run(land.country.peers("commission").ask(COMMISSION, SUSPEND, strike))
    land.run(land.country.refresh())
    before = filings(land)
    with pytest.raises(problems.RowUnknown):
        land.run(requester.deliver(asked, converted, released))
    assert filings(land) == before


def test_items_beyond_the_row_are_refused_by_the_provider(shared_land: Land) -> None:
    """A11: the items are closed to the converters, so the provider compares them with the row, and gives nothing."""
    requester = shared_land.requester()
    asked = prepared(shared_land, items=("TK-0002", "TK-0003"))
    converted = shared_land.run(requester.convert(asked))
    released = shared_land.run(requester.release(asked, converted))
    with pytest.raises(problems.AnswerNotAllowed):
        shared_land.run(requester.deliver(asked, converted, released))
    assert decode(asked.public, PublicPart).rows == ("JO106.2",)
