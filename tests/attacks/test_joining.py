"""An agency joins (spec/joining.md): the waiting time, the keys of the law and the reviews stand before it.

Who lies here: an applicant, whoever carries an application, a ministry that proposes other keys than the applicant's.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from joining import KOBE, text
from kakine.cli.agency_folder import Entry
from kakine.contracts.agency import KEEP, KeepCopies, NewCopy
from kakine.contracts.authority import CERTIFY_FIRST, CertifyFirst
from kakine.contracts.commission import ASSESSED, Assessed
from kakine.crypto import x509_issue
from kakine.crypto.keys import generate
from kakine.parties.commission.bureau.acts import Role
from kakine.protocols.gazette_diff import describe
from kakine.protocols.gazette_genesis import PartyKeys
from kakine.protocols.joining import apply, opened, with_agency
from kakine.runtime.identity import Identity
from kakine.values.certificates import Algorithm
from kakine.values.labels import PartyName
from kakine.values.problems import (
    ApplicationRefused,
    AssessmentMalformed,
    CallerNotAllowed,
    PartyUnknown,
    SignatureInvalid,
    TwoPeopleNeeded,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.joining import LABEL, Application, SignedApplication

from land import TAX, TAX_ITEM, Land, ref

AUTHORITY, COMMISSION = PartyName("authority"), PartyName("commission")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("joining") / "land", people=1) as made:
        yield made


def application(name: str = "kobe", seed: bytes = bytes(32)) -> bytes:
    """Of a city of this name, under keys of its own."""
    entry = msgspec.toml.decode(text(KOBE | {"name": name}), type=Entry)
    own = Identity.from_seed(PartyName(name), seed)
    keys = PartyKeys(own.signing.public, own.opening.public)
    request = x509_issue.request(generate(Algorithm.P_384), name)
    where = ["https://127.0.0.1:9999"]
    return apply(entry.party[0], entry.assessment, keys, where, request, own.signing)


def certify(land: Land, signed: bytes) -> bytes:
    peers = land.country.peers(AUTHORITY)
    return land.run(peers.ask(AUTHORITY, CERTIFY_FIRST, CertifyFirst(signed))).certificate


def test_nobody_is_certified_before_the_law_has_them_in_force(land: Land) -> None:
    with pytest.raises(PartyUnknown):
        certify(land, application())


def test_another_under_an_agencys_name_gets_no_certificate(land: Land) -> None:
    with pytest.raises(ApplicationRefused):
        certify(land, application("yokohama"))


def test_an_application_is_its_applicants_to_the_last_byte(land: Land) -> None:
    """Whoever carries it puts in another key for TLS, or another address."""
    own = Identity.from_seed(PartyName("yokohama"), b"\1" * 32)
    outer = decode(application(), SignedApplication)
    inner = decode(outer.application, Application)
    request = x509_issue.request(generate(Algorithm.P_384), "kobe")
    for changed in (
        msgspec.structs.replace(inner, request=request),
        msgspec.structs.replace(inner, addresses=("https://127.0.0.1:1",)),
    ):
        encoded = encode(changed)
        for signature in (outer.signature, own.signing.sign(LABEL, encoded)):
            with pytest.raises(SignatureInvalid):
                opened(encode(SignedApplication(encoded, signature)))


@pytest.mark.parametrize("role", ["converter", "ledger", "commission"])
def test_nobody_joins_as_a_guard_of_the_country(role: str) -> None:
    own = Identity.from_seed(PartyName("kobe"), bytes(32))
    inner = decode(decode(application(), SignedApplication).application, Application)
    for roles in ((role,), tuple(sorted(("gateway", role)))):
        party = msgspec.structs.replace(inner.party, roles=roles)
        encoded = encode(msgspec.structs.replace(inner, party=party))
        with pytest.raises(ApplicationRefused):
            opened(encode(SignedApplication(encoded, own.signing.sign(LABEL, encoded))))


def test_other_keys_under_the_applicants_name_read_otherwise_at_the_review(land: Land) -> None:
    """The commission's command approves the proposal whose sentences are those of the application."""
    law = land.country.book(COMMISSION).in_force(land.clock()).gazette
    asked, swapped = opened(application()), opened(application(seed=b"\7" * 32))
    theirs = [each.en for each in describe(law, with_agency(law, asked))]
    others = [each.en for each in describe(law, with_agency(law, swapped))]
    assert theirs != others
    assert len(theirs) == len(others) == 3


def test_an_agency_that_stands_is_not_replaced_by_an_application(land: Land) -> None:
    law = land.country.book(COMMISSION).in_force(land.clock()).gazette
    with pytest.raises(ApplicationRefused):
        with_agency(law, opened(application("yokohama")))
    joined = with_agency(law, opened(application()))
    with pytest.raises(ApplicationRefused):
        with_agency(joined, opened(application()))


def test_nobody_but_the_agency_fills_its_copies(land: Land) -> None:
    copy = NewCopy(ref(0), TAX_ITEM, 1, 2, 0, 1 << 40, b"{}")
    with pytest.raises(CallerNotAllowed):
        land.run(land.country.peers("insurer").ask(PartyName("yokohama"), KEEP, KeepCopies(TAX, [copy])))


def assessed(**changed: int | str | bool) -> Assessed:
    days = {"draft": 20_400, "comment_from": 20_410, "comment_until": 20_440, "checked": 20_450}
    told = {"party": "insurer", "file": "a-file", "people": 300_000, "many_staff": False}
    return Assessed(**{**told, **days, "published": 20_500, **changed})  # type: ignore[arg-type]


def test_an_assessment_without_its_steps_does_not_come_into_the_register(land: Land) -> None:
    peers = land.country.peers(COMMISSION)
    for wrong in (
        {"checked": 0},
        {"comment_until": 20_411, "checked": 20_412},
        {"published": 90_000},
        {"party": "nobody"},
        {"people": 7},
    ):
        with pytest.raises(AssessmentMalformed):
            land.run(peers.ask(COMMISSION, ASSESSED, assessed(**wrong)))
    land.run(peers.ask(COMMISSION, ASSESSED, assessed()))


def test_nobody_enters_assessments_alone_where_the_commission_has_people(land: Land) -> None:
    land.run(land.country.commission.bureau.appoint("somebody", Role.OFFICER))
    with pytest.raises(TwoPeopleNeeded):
        land.run(land.country.peers(COMMISSION).ask(COMMISSION, ASSESSED, assessed()))
