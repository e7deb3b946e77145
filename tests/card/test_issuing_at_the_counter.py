"""A card is issued at the counter: broken off anywhere, the same call goes on; nothing is issued twice or half."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from issued_cards import IssuedCards
from kakine.card import issuing
from kakine.card.engine import opened
from kakine.card.holder import CardSigner, file_reader
from kakine.card.profile import profile
from kakine.card.store import Life
from kakine.institutions import card_desk
from kakine.institutions.card_desk import Order
from kakine.institutions.counter import CardCounter
from kakine.values.problems import (
    CardCertificateUnfit,
    CardDataMalformed,
    CardExists,
    CardNotTrusted,
    KeyAlreadyCertified,
    PersonNotKnown,
)


class Cut(BaseException):
    """The power goes."""


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuedCards]:
    with IssuedCards.opened(tmp_path_factory.mktemp("counter"), people=1) as made:
        yield made


@pytest.fixture
def cards(country: IssuedCards, tmp_path: Path) -> IssuedCards:
    """The same country, a desk with no cards on it."""
    return replace(country, folder=tmp_path)


def cut(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool, nth: int = 1) -> None:
    """The n-th call of this does its work, or not, and the caller never hears of it."""
    plain: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted() -> bool:
        nonlocal calls
        calls += 1
        return calls == nth

    async def waits(*given: Any, **more: Any) -> Any:
        last = counted()
        if last and not after:
            raise Cut()
        done = await plain(*given, **more)
        if last:
            raise Cut()
        return done

    def works(*given: Any, **more: Any) -> Any:
        last = counted()
        if last and not after:
            raise Cut()
        done = plain(*given, **more)
        if last:
            raise Cut()
        return done

    asynchronous = name in ("vouched", "submit", "bind_card")
    monkeypatch.setattr(owner, name, waits if asynchronous else works)


def issued(cards: IssuedCards) -> int:
    """How many certificates there are by now; none may be given up half way."""
    rows = cards.site.land.country.authority.office.db.read().execute("SELECT state FROM certificate")
    states = [row[0] for row in rows]
    assert set(states) <= {"issued", "revoked"}
    return len(states)


PLACES = [
    (issuing, "make_blank", True, 1),
    (card_desk, "write_private", True, 1),
    (issuing, "personalise", False, 1),
    (issuing, "personalise", True, 1),
    (card_desk, "_keep", False, 1),
    (card_desk, "_keep", True, 1),
    (CardCounter, "vouched", True, 1),
    (CardCounter, "submit", False, 1),
    (CardCounter, "submit", True, 1),
    (card_desk, "_keep", True, 3),
    (CardCounter, "submit", True, 2),
    (issuing, "certify", False, 1),
    (issuing, "certify", True, 1),
    (card_desk, "bind_card", False, 1),
    (card_desk, "bind_card", True, 1),
]


@pytest.mark.parametrize(("owner", "name", "after", "nth"), PLACES)
def test_cut_off_anywhere_the_same_call_finishes_the_same_card(
    cards: IssuedCards, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool, nth: int
) -> None:
    order, before = cards.order("cut"), issued(cards)
    with monkeypatch.context() as broken, suppress(Cut):
        cut(broken, owner, name, after=after, nth=nth)
        cards.handed(cards.visitor(0), order)
        raise AssertionError("nothing was cut off")
    cards.handed(cards.visitor(0), order)
    with opened(order.card) as (store, _):
        assert store.card()[1] is Life.ACTIVE
    assert issued(cards) == before + 2
    assert not order.notes.exists()
    signer = CardSigner(file_reader(order.card, cards.site.land.entropy))
    browser = cards.browser()
    assert cards.show(browser, signer, "258036").status == 200


def test_a_voucher_that_grew_too_old_before_the_authority_was_asked_is_got_anew(
    cards: IssuedCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, before = cards.order("late"), issued(cards)
    with monkeypatch.context() as broken, suppress(Cut):
        cut(broken, CardCounter, "submit", after=False)
        cards.handed(cards.visitor(0), order)
    cards.site.land.clock.advance(601)
    cards.handed(cards.visitor(0), order)
    assert issued(cards) == before + 2


def test_a_key_whose_answer_was_lost_for_too_long_is_named_and_never_certified_twice(
    cards: IssuedCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, before = cards.order("lost"), issued(cards)
    with monkeypatch.context() as broken, suppress(Cut):
        cut(broken, CardCounter, "submit", after=True)
        cards.handed(cards.visitor(0), order)
    cards.site.land.clock.advance(601)
    with pytest.raises(KeyAlreadyCertified):
        cards.handed(cards.visitor(0), order)
    assert issued(cards) == before + 1


def test_a_finished_card_and_the_counters_key_of_another_are_not_touched(cards: IssuedCards) -> None:
    made = cards.issue(0)
    with pytest.raises(CardExists):
        cards.handed(cards.visitor(0), cards.order("0-product"))
    before = made.path.read_bytes()
    other = cards.order("other")
    again = Order(other.card, cards.order("0-product").counter_key, other.kind, other.secrets)
    with pytest.raises(CardExists):
        cards.handed(cards.visitor(0), again)
    assert not other.card.exists()
    assert made.path.read_bytes() == before


def test_what_is_left_beside_the_card_is_for_its_holder_alone(cards: IssuedCards) -> None:
    order = cards.order("mine")
    cards.handed(cards.visitor(0), order)
    assert sorted(path.name for path in order.card.parent.iterdir()) == [
        "mine.card",
        "mine.card.account-key",
        "mine.card.lock",
        "mine.counter",
    ]
    for path in order.card.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(bytes.fromhex(order.account_key.read_text())) == 32


def test_without_an_account_the_card_is_made_and_bound_later(cards: IssuedCards) -> None:
    order, visitor = cards.order("stranger"), cards.visitor(0)
    clerk = cards.site.clerk(0)
    unknown = card_desk.Visitor(visitor.subject, replace(clerk, reference=b"ref-9"))
    with pytest.raises(PersonNotKnown):
        cards.handed(unknown, order)
    assert order.notes.exists()
    cards.handed(visitor, order)
    assert not order.notes.exists()


def test_notes_that_are_not_ours_are_refused(cards: IssuedCards) -> None:
    order = cards.order("bad")
    issuing.make_blank(order.card, profile("product"))
    order.notes.write_bytes(b"{")
    with pytest.raises(CardDataMalformed):
        cards.handed(cards.visitor(0), order)


def test_a_certificate_of_another_key_is_not_loaded(
    cards: IssuedCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, first = CardCounter.submit, list[Any]()

    async def swapped(self: CardCounter, *given: Any) -> Any:
        first.append(await plain(self, *given))
        return first[0]

    monkeypatch.setattr(CardCounter, "submit", swapped)
    order = cards.order("swapped")
    with pytest.raises(CardCertificateUnfit):
        cards.handed(cards.visitor(0), order)
    with opened(order.card) as (store, _):
        assert store.card()[1] is Life.PERSONALISED


def test_a_card_that_has_not_signed_shows_nothing(cards: IssuedCards) -> None:
    card = cards.issue(0)
    with pytest.raises(CardNotTrusted):
        _ = card.signer.certificate
