"""What a person has against an agency goes to that agency and to nobody else, it cannot sit it out, and its answer is
read by that person alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from attacks.insider import taken_over
from kakine.cli import own_objections
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import count_objections, disputes, object_to
from kakine.contracts.claims import CLAIM, Claimed, ClaimTaken
from kakine.country import COMMISSION
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.parties.commission import audit_store
from kakine.parties.gateway import claims, claims_store
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import claim_of, objections_in, place_of, shown_of
from kakine.values.labels import PartyName
from kakine.values.problems import (
    ClaimUnfit,
    ObjectionInvalid,
    PartyUnavailable,
    SealInvalid,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.objection import (
    Aim,
    Asked,
    Claim,
    Finding,
    Outcome,
    Reason,
    Told,
    to_agency,
    to_commission,
    to_session,
)
from kakine.wire.record import RequestRecord
from kakine.wire.request import Place

from land import CHILDREN, LOGIN, TAX, Land, ref

NOTE = "税額が二重です kakine-note-canary"
DAY = 86_400


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Land.founded(tmp_path / "land", people=3, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        yield land


def rows_of(land: Land, j: int) -> list[OpenedRow]:
    return list(land.run(own_history(land.country, ref(j))).rows)


def asked(land: Land, j: int) -> Place:
    """The newest question about person j in the own list, made now."""
    land.run(land.ask(j))
    rows = [
        row
        for row in rows_of(land, j)
        if isinstance(row.record, RequestRecord) and row.record.common.ground == "JO106"
    ]
    return place_of(rows[-1])


def objected(land: Land, j: int, place: Place, reason: Reason) -> None:
    land.run(object_to(land.country, ref(j), rows_of(land, j), place, reason))


def stands(land: Land, j: int, place: Place, note: str = "") -> own_objections.Disputed:
    return land.run(disputes(land.country, rows_of(land, j), {place: note}))[place]


def agency(land: Land, domain: str) -> claims.Office:
    """The office of the gateway that runs a domain."""
    return next(g.office for g in land.country.gateways.values() if domain in g.office.sites)


def answered(land: Land, domain: str, outcome: Outcome, words: str) -> None:
    office = agency(land, domain)
    (kept,) = claims_store.of_domain(office.db.read(), domain)
    land.run(claims.reply(office, domain, kept.xid, outcome, words))


@pytest.mark.parametrize(
    ("reason", "domain", "other"),
    [(Reason.DATA_WRONG, TAX, CHILDREN), (Reason.NOT_ASKED, CHILDREN, TAX), (Reason.OTHER, CHILDREN, TAX)],
)
def test_it_goes_to_the_agency_concerned_and_its_answer_to_the_person(
    land: Land, reason: Reason, domain: str, other: str
) -> None:
    place = asked(land, 0)
    objected(land, 0, place, reason)
    waiting = stands(land, 0, place, NOTE)
    assert waiting.answer is None
    assert waiting.passed is not None
    assert waiting.passed.delivered
    assert waiting.reply is None
    (kept,) = claims_store.of_domain(agency(land, domain).db.read(), domain)
    claim = decode(kept.claim, Claim)
    assert (claim.note, claim.reason, kept.domain) == (NOTE, reason, domain)
    assert claims_store.of_domain(agency(land, other).db.read(), other) == []
    answered(land, domain, Outcome.CORRECTED, "直しました")
    now = stands(land, 0, place)
    assert now.reply is not None
    assert (now.reply.outcome, now.reply.words) == (Outcome.CORRECTED, "直しました")
    assert now.answer is not None
    assert now.answer.finding is Finding.RIGHT


def test_a_mix_up_of_people_is_passed_to_no_agency(land: Land) -> None:
    place = asked(land, 0)
    objected(land, 0, place, Reason.NOT_ME)
    now = stands(land, 0, place)
    assert now.answer is not None
    assert now.passed is None


async def silent(caller: PartyName, message: object) -> ClaimTaken:
    raise PartyUnavailable()


async def refusing(caller: PartyName, message: object) -> ClaimTaken:
    raise ClaimUnfit()


async def nodding(caller: PartyName, message: object) -> ClaimTaken:
    """It says that it has answered, and shows nothing that it has signed."""
    return ClaimTaken(b"answered", bytes(64), b"")


@pytest.mark.parametrize(
    ("ill", "fault"), [(silent, "no-answer"), (refusing, "claim-refused"), (nodding, "claim-refused")]
)
def test_an_agency_that_does_not_answer_cannot_stop_its_clock(land: Land, ill: object, fault: str) -> None:
    """Two weeks after the objection's own minute the commission answers by itself, and names the agency. Until then
    the objection stands unanswered in the log, where anybody counts it."""
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    with taken_over(land, "yokohama", CLAIM, ill):
        assert stands(land, 0, place, NOTE).answer is None
        land.clock.advance(13 * DAY)
        (left,) = land.run(land.country.auditor.answer_objections())
        assert left.waiting == "yokohama"
        counted = land.run(count_objections(land.country))
        assert (counted.objections, counted.answers) == (1, 0)
        land.clock.advance(2 * DAY)
        assert land.run(land.country.auditor.answer_objections()) == []
    assert land.run(count_objections(land.country)).answers == 1
    answer = stands(land, 0, place).answer
    assert answer is not None
    assert (answer.finding, answer.party, answer.fault) == (Finding.FAULT, "yokohama", fault)


def test_an_agency_that_has_it_and_sleeps_is_named_too(land: Land) -> None:
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    assert stands(land, 0, place, NOTE).answer is None
    land.clock.advance(15 * DAY)
    land.run(land.country.auditor.answer_objections())
    answer = stands(land, 0, place).answer
    assert answer is not None
    assert (answer.party, answer.fault) == ("yokohama", "no-answer")
    answered(land, TAX, Outcome.KEPT, "遅れました")
    late = stands(land, 0, place)
    assert late.reply is not None
    assert late.answer == answer


def test_a_late_delivery_brings_what_was_sealed_first(land: Land) -> None:
    """The person looks again, without a note, before the agency could be reached: the first goes out."""
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    with taken_over(land, "yokohama", CLAIM, silent):
        stands(land, 0, place, NOTE)
    stands(land, 0, place)
    (kept,) = claims_store.of_domain(agency(land, TAX).db.read(), TAX)
    assert decode(kept.claim, Claim).note == NOTE


def keeps(land: Land, canary: bytes) -> set[str]:
    """The parties in whose files these bytes stand."""
    files = (path for path in land.folder.rglob("*") if path.is_file())
    return {path.name.split(".")[0] for path in files if canary in path.read_bytes()}


def test_the_note_is_read_by_the_agency_alone(land: Land) -> None:
    """In no file of any other party, in no direction; nor is the answer."""
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    stands(land, 0, place, NOTE)
    assert keeps(land, b"kakine-note-canary") == {"yokohama"}
    answered(land, TAX, Outcome.CORRECTED, "reply-canary-4711")
    assert stands(land, 0, place).reply is not None
    for canary in (NOTE.encode(), b"kakine-note-canary", b"reply-canary-4711"):
        assert keeps(land, canary) == {"yokohama"}


def pair(land: Land, j: int, place: Place) -> tuple[OpenedRow, OpenedRow]:
    """A disputed row and the objection to it."""
    rows = rows_of(land, j)
    return next(row for row in rows if place_of(row) == place), objections_in(rows)[place]


def test_an_answer_is_opened_by_whoever_has_both_rows_and_by_nobody_else(land: Land) -> None:
    """The commission has the opening of the xid, from what it was shown, and its own session key; the agency seals to
    the key that came inside the claim."""
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    stands(land, 0, place, NOTE)
    answered(land, TAX, Outcome.CORRECTED, "直しました")
    law = land.country.book("portal").in_force(land.clock())
    disputed, objection = pair(land, 0, place)
    own, thief = OpenKey(b"o" * 32), OpenKey(b"t" * 32)
    _, claim = claim_of(law, disputed, objection, own, "")
    office = agency(land, TAX)
    given = land.run(claims.take(office, COMMISSION, Claimed(TAX, bytes(32), 0, claim)))
    with pytest.raises(SealInvalid):
        open_sealed(
            thief, own_objections.from_agency(shown_of(disputed, objection).opening[:16]), given.sealed
        )
    # The other agency of the exchange knows how its xid opens, and has no objection to it.
    forged = replace(shown_of(disputed, objection), parent=bytes(112))
    made = Claim(forged, bytes(thief.public), Reason.DATA_WRONG, "", b"", (), "")
    box = seal(law.seal_key("yokohama"), to_agency(), encode(made))
    with pytest.raises(ObjectionInvalid):
        land.run(claims.take(office, COMMISSION, Claimed(TAX, bytes(32), 0, box)))


def test_nobody_else_s_objection_is_answered_to_me(land: Land) -> None:
    """Person 1 objects too, and shows the commission the place and xid of person 0's exchange."""
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    other = asked(land, 1)
    objected(land, 1, other, Reason.DATA_WRONG)
    mine, theirs = pair(land, 1, other), pair(land, 0, place)
    shown, session = shown_of(theirs[0], mine[1]), OpenKey(b"s" * 32)
    to = land.country.book("portal").in_force(land.clock()).seal_key(COMMISSION)
    sealed = seal(to, to_commission(), encode(Asked(shown, bytes(session.public), Aim.LOOK)))
    with pytest.raises(ObjectionInvalid):
        land.run(land.country.portal.tell_commission(sealed))
    assert place not in land.run(disputes(land.country, rows_of(land, 1)))


def test_looking_begins_nothing(land: Land) -> None:
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    shown, session = shown_of(*pair(land, 0, place)), OpenKey(b"s" * 32)
    to = land.country.book("portal").in_force(land.clock()).seal_key(COMMISSION)
    sealed = seal(to, to_commission(), encode(Asked(shown, bytes(session.public), Aim.LOOK)))
    given = land.run(land.country.portal.tell_commission(sealed))
    assert decode(open_sealed(session, to_session(shown.opening[:16]), given), Told) == Told(0, b"")
    assert audit_store.open_objections(land.country.auditor.db.read()) == []


def test_an_agency_answers_once(land: Land) -> None:
    place = asked(land, 0)
    objected(land, 0, place, Reason.DATA_WRONG)
    stands(land, 0, place, NOTE)
    answered(land, TAX, Outcome.KEPT, "一")
    with pytest.raises(ClaimUnfit):
        answered(land, TAX, Outcome.CORRECTED, "二")
    office = agency(land, TAX)
    (kept,) = claims_store.of_domain(office.db.read(), TAX)
    with pytest.raises(ClaimUnfit):
        land.run(claims.reply(office, CHILDREN, kept.xid, Outcome.KEPT, ""))
