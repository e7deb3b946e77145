"""A9, A10: one refusal is enough. No output at all without every converter, the commission's among them, and none for
a person who has been retired."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pytest

from attacks.insider import MAILBOXES, filings, log_size, mask_keys, office_of
from kakine.clients.exchange import request_of
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.contracts.mailbox import FILE, File
from kakine.contracts.registry import (
    ACQUIRE,
    BIRTH,
    CARD,
    ENTER,
    LOSS_CODE,
    LOST_BY_CODE,
    REPORT,
    VOUCH,
    Acquire,
    Born,
    ByNumber,
    CardNews,
    CardReport,
    Died,
    Enter,
    Entry,
    LossCode,
    LostByCode,
    Report,
    Subject,
    Vouch,
    Wanted,
)
from kakine.country import COMMISSION, CONVERTERS, REGISTRY
from kakine.crypto.sealing import OpenKey
from kakine.parties.converter.keys import withhold
from kakine.protocols.chain import recipient_mask, release_value, unmask
from kakine.protocols.matching import Sex
from kakine.values.codes import MaskedVector
from kakine.values.labels import PartyName
from kakine.values.problems import LinkWithheld, PartyUnavailable, Problem, RecordRefused, Suspended
from kakine.wire.canonical import decode
from kakine.wire.request import Mode, Payload

from land import CHILDREN, TAX, Land, person, ref


def suspend(land: Land, subject: str, name: str) -> None:
    """The commission's operator stops something; nobody else has heard of it yet."""
    stop = Narrow([Stop(subject, name)], [], "停止", "stopped")
    land.run(land.country.peers("commission").ask(COMMISSION, SUSPEND, stop))


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("mode", [Mode.S0, Mode.S1])
def test_a_withheld_link_gives_no_output(land: Land, position: int, mode: Mode) -> None:
    """A9: whichever converter's operator withholds its link, nothing is filed, logged or given out."""
    land.run(withhold(office_of(land, position), CHILDREN, TAX))
    before = filings(land), log_size(land)
    with pytest.raises(LinkWithheld):
        land.run(land.ask(0, mode=mode))
    assert (filings(land), log_size(land)) == before


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_link_withheld_after_the_hop_is_not_released(land: Land, position: int) -> None:
    """A9: filed already, and still closed: the other two values do not open the output."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
    converted = land.run(requester.convert(prepared))
    land.run(withhold(office_of(land, position), CHILDREN, TAX))
    with pytest.raises(LinkWithheld):
        land.run(requester.release(prepared, converted))
    request, keys = request_of(prepared), mask_keys(land, TAX)
    masks = [
        recipient_mask(keys[i - 1], request, release_value(office_of(land, i).release_key, request))
        for i in (1, 2, 3)
        if i != position
    ]
    seed = decode(prepared.payload, Payload).seed
    assert bytes(unmask(MaskedVector(converted.recipient_leg), seed, masks)) != bytes(land.code(TAX, 0))


def test_a_withheld_link_stays_withheld_after_a_restart(land: Land) -> None:
    """A9: a stop of the machine does not open it."""
    land.run(withhold(office_of(land, 2), CHILDREN, TAX))
    again = land.reopened()
    try:
        with pytest.raises(LinkWithheld):
            again.run(again.ask(0))
    finally:
        again.close()


@pytest.mark.parametrize("position", [1, 2, 3])
def test_an_absent_converter_gives_no_output(land: Land, position: int) -> None:
    """A9: there is no way around one that does not answer."""
    before = filings(land)
    del land.country.apps[CONVERTERS[position - 1]]
    with pytest.raises(PartyUnavailable):
        land.run(land.ask(0))
    assert filings(land) == before


@pytest.mark.parametrize(
    ("subject", "name"),
    [("party", "yokohama"), ("row", "JO106.2"), ("procedure", "JO106"), ("everything", "")],
)
def test_a_suspension_stops_new_requests(land: Land, subject: str, name: str) -> None:
    """A9: by party, row, procedure, or altogether."""
    suspend(land, subject, name)
    land.run(land.country.refresh())
    before = filings(land)
    with pytest.raises(Suspended):
        land.run(land.ask(0))
    assert filings(land) == before


def test_one_converter_that_has_heard_is_enough(land: Land) -> None:
    """A9: requester, provider and two converters act as if they had not heard of the suspension."""
    suspend(land, "row", "JO106.2")
    from kakine.clients.gazette import refresh

    last = land.country.book(CONVERTERS[2])
    land.run(
        refresh(last, land.country.peers(CONVERTERS[2]), land.country.sources(CONVERTERS[2]), land.clock)
    )
    before = filings(land), log_size(land)
    with pytest.raises(Suspended):
        land.run(land.ask(0))
    assert (filings(land), log_size(land)) == before


def at_the_registry(land: Land) -> dict[str, tuple[Any, Any]]:
    """What a municipality may ask of the registry, by name."""
    key, child = land.entropy(16), land.entropy(16)
    born, day, who = date(1990, 5, 17), date(2026, 6, 1), Subject("1" * 12, date(1990, 5, 17))
    entry = Entry(key, "山田 花子", "ヤマダ ハナコ", born, Sex.FEMALE, key, day, "中区本町1-1")
    return {
        "enter": (ENTER, Enter([entry])),
        "birth": (BIRTH, Born(child, who, day, Sex.FEMALE)),
        "report": (REPORT, Report(key, who, day, Died())),
        "acquire": (ACQUIRE, Acquire(CHILDREN, [Wanted(b"file-1", ByNumber(who.number, born))])),
        "vouch": (VOUCH, Vouch(who, "authentication")),
        "found": (CARD, CardReport(key, who, CardNews.FOUND)),
        "ended": (CARD, CardReport(key, who, CardNews.ENDED)),
        "loss-code": (LOSS_CODE, LossCode(who, bytes(32))),
        "lost": (CARD, CardReport(key, who, CardNews.LOST)),
        "lost-by-code": (LOST_BY_CODE, LostByCode(key, bytes(32))),
    }


def said_by_the_registry(land: Land, call: str) -> str:
    """The refusal of a call in which nobody is named rightly."""
    with pytest.raises(Problem) as refused:
        land.run(land.country.peers("yokohama").ask(REGISTRY.party, *at_the_registry(land)[call]))
    return refused.value.code


def test_a_suspended_municipality_reports_nothing_to_the_registry(land: Land) -> None:
    """A9: not even what the registry does without an exchange. What only stops a card goes on: it protects."""
    suspend(land, "party", "yokohama")
    land.run(land.country.refresh())
    protecting = {"lost": "check-digit-wrong", "lost-by-code": "loss-code-unknown"}
    for call in at_the_registry(land):
        assert said_by_the_registry(land, call) == protecting.get(call, "suspended"), call


def test_while_everything_is_suspended_lives_are_recorded_and_no_code_is_given(land: Land) -> None:
    """A9: a suspension of everything spares what protects; a death retires, a protection begins."""
    suspend(land, "everything", "")
    land.run(land.country.refresh())
    assert said_by_the_registry(land, "report") == "check-digit-wrong"
    assert said_by_the_registry(land, "acquire") == "suspended"


def test_a_suspension_between_hop_and_release_keeps_it_closed(land: Land) -> None:
    """A9: what is under way is stopped too, by every converter."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
    converted = land.run(requester.convert(prepared))
    suspend(land, "row", "JO106.2")
    land.run(land.country.refresh())
    with pytest.raises(Suspended):
        land.run(requester.release(prepared, converted))


def test_a_suspension_after_the_release_still_stops_the_answer(land: Land) -> None:
    """A9: the provider looks at its own copy of the gazette last."""
    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
    converted = land.run(requester.convert(prepared))
    released = land.run(requester.release(prepared, converted))
    suspend(land, "row", "JO106.2")
    land.run(land.country.refresh())
    with pytest.raises(Suspended):
        land.run(requester.deliver(prepared, converted, released))


def test_a_retired_person_is_refused(land: Land) -> None:
    """A10: the record keeper refuses the code for exchanges, for issues, and in a batch with others."""
    registry = land.country.registry.codes
    land.run(registry.retire([person(0)]))
    before = filings(land), log_size(land)
    with pytest.raises(RecordRefused):
        land.run(land.ask(0))
    requester = land.requester()
    codes = [land.code(CHILDREN, j) for j in (1, 0, 2)]
    with pytest.raises(RecordRefused) as refusal:
        land.run(requester.convert(land.run(requester.prepare(land.wish(codes)))))
    assert refusal.value.facts["indexes"] == [1]
    with pytest.raises(RecordRefused):
        land.run(registry.issue(CHILDREN, [(person(0), b"another reference")]))
    assert (filings(land), log_size(land)) == before
    assert land.run(land.ask(1)).result == "delivered"


def test_a_retired_person_cannot_be_retired_or_read_again(land: Land) -> None:
    """A10: the retired state has no way out, and a list under it is not opened by its code."""
    registry = land.country.registry.codes
    land.run(registry.retire([person(0)]))
    with pytest.raises(RecordRefused):
        land.run(registry.retire([person(0)]))
    with pytest.raises(RecordRefused):
        land.run(land.country.portal.read_history(ref(0), OpenKey(land.entropy(32)).public))


def test_a_person_with_a_new_code_is_refused_under_the_old_one(land: Land) -> None:
    """A10: after a re-keying a domain that was left out keeps a code that nobody accepts."""
    registry = land.country.registry.codes
    others = [domain for domain in land.domains if domain != CHILDREN]
    land.run(registry.rekey_person(person(0), others))
    with pytest.raises(RecordRefused):
        land.run(land.ask(0))


def test_a_converters_own_key_cannot_speak_for_the_record_keeper(land: Land) -> None:
    """A10: only converters may file, and of them only the last; so there are no tables but the record keepers'."""
    message = File(bytes(32), b"", b"", b"", [], b"", b"", [], [])
    for caller, name in product(
        (*MAILBOXES, "yokohama", "commission", "registry", *CONVERTERS[:2]), MAILBOXES
    ):
        with pytest.raises(Problem) as refusal:
            land.run(land.country.peers(caller).ask(PartyName(name), FILE, message))
        assert refusal.value.code == "caller-not-allowed"
