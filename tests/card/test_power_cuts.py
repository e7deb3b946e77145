"""The power goes before or after every single write of everything that a card does; then it comes back.

What must hold: no tries more than before without the right secret or the counter, a secret is the old or the new one
with its tries, a life is the one before or the one after, a revoked card has no keys, the same step can be done again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest

from cards import (
    CHOSEN,
    COUNTER_KEY,
    HOLDER,
    KINDS,
    LOGIN,
    Desk,
    blank,
    certificates,
    copied,
    desk,
    personalised,
    rows,
    seeded,
    works,
)
from kakine.card import issuing
from kakine.card.engine import opened
from kakine.card.profile import profile
from kakine.card.store import Life, Store
from kakine.values.problems import CardBlocked, CardSecretWrong

NEW = {"interop": "9753", "product": "975310"}
WRONG = {"interop": "0000", "product": "000000"}


class PowerCut(BaseException):
    """Nothing of the chip's program runs after it."""


def cut_at(place: int, after: bool) -> Callable[[Store, str, object], None]:
    """`Store._run` that ends at its `place`-th call, before or after the write."""
    calls = count()
    run = Store._run

    def cutting(self: Store, statement: str, values: dict[str, object] | None = None) -> None:
        ends = next(calls) == place
        if ends and not after:
            raise PowerCut
        run(self, statement, values)
        if ends:
            raise PowerCut

    return cutting  # type: ignore[return-value]


def everywhere(fresh: Callable[[], Path], step: Callable[[Path], None], check: Callable[[Path], None]) -> int:
    """Do a step with a cut at each place, check after each; how many places there were."""
    for place in count():
        for after in (False, True):
            path = fresh()
            with patch.object(Store, "_run", cut_at(place, after)):
                try:
                    step(path)
                except PowerCut:
                    pass
                else:
                    return place
            check(path)
    raise AssertionError


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def fresh(kind: str, tmp_path: Path) -> Callable[[], Path]:
    numbers = count()
    return lambda: copied(kind, tmp_path / f"{next(numbers)}.card")


def tries(path: Path, kind: str) -> int:
    with desk(path) as at:
        return at.terminal.tries(LOGIN[kind])


def opens(path: Path, kind: str, text: str) -> bool:
    with desk(path) as at:
        try:
            at.terminal.verify(LOGIN[kind], text)
        except (CardSecretWrong, CardBlocked):
            return False
        return True


def used(path: Path, step: Callable[[Desk], object]) -> None:
    with desk(path) as at:
        step(at)


def test_a_right_secret(fresh: Callable[[], Path], kind: str) -> None:
    right, limit = CHOSEN[kind][LOGIN[kind]], profile(kind).find_secret(LOGIN[kind])[1].tries

    def check(path: Path) -> None:
        assert tries(path, kind) in (limit - 1, limit)
        assert opens(path, kind, right)

    assert (
        everywhere(fresh, lambda path: used(path, lambda at: at.terminal.verify(LOGIN[kind], right)), check)
        == 2
    )


def test_a_wrong_secret(fresh: Callable[[], Path], kind: str) -> None:
    limit = profile(kind).find_secret(LOGIN[kind])[1].tries
    spent: list[int] = []

    def wrong(path: Path) -> None:
        with suppress(CardSecretWrong):
            used(path, lambda at: at.terminal.verify(LOGIN[kind], WRONG[kind]))

    def check(path: Path) -> None:
        spent.append(limit - tries(path, kind))

    assert everywhere(fresh, wrong, check) == 1
    assert spent == [0, 1]


def test_a_change(fresh: Callable[[], Path], kind: str) -> None:
    old = CHOSEN[kind][LOGIN[kind]]

    def check(path: Path) -> None:
        assert opens(path, kind, old) != opens(path, kind, NEW[kind])

    places = everywhere(
        fresh, lambda path: used(path, lambda at: at.terminal.change(LOGIN[kind], old, NEW[kind])), check
    )
    assert places == 3


def test_the_counter_gives_a_blocked_secret_anew(kind: str, tmp_path: Path) -> None:
    """Before the write it is blocked, after it the new one opens with all tries; nothing in between."""
    numbers = count()

    def blocked() -> Path:
        path = copied(kind, tmp_path / f"{next(numbers)}.card")
        while tries(path, kind):
            opens(path, kind, WRONG[kind])
        return path

    limit = profile(kind).find_secret(LOGIN[kind])[1].tries
    seen: list[tuple[int, bool]] = []

    def check(path: Path) -> None:
        seen.append((tries(path, kind), opens(path, kind, NEW[kind])))

    step = lambda path: used(path, lambda at: at.terminal.unblock(LOGIN[kind], NEW[kind], COUNTER_KEY))  # noqa: E731
    assert everywhere(blocked, step, check) == 1
    assert seen == [(0, False), (limit, True)]


def test_a_revocation(fresh: Callable[[], Path]) -> None:
    """Revoked and without keys, or neither; and it can be done again."""

    def check(path: Path) -> None:
        with opened(path) as (store, _):
            life = store.card()[1]
        assert (life is Life.REVOKED) == (rows(path)["card_key"] == [])
        if life is not Life.REVOKED:
            used(path, lambda at: at.terminal.set_status(0x7F, COUNTER_KEY))
            assert rows(path)["card_key"] == []

    assert (
        everywhere(
            fresh, lambda path: used(path, lambda at: at.terminal.set_status(0x7F, COUNTER_KEY)), check
        )
        >= 3
    )


def test_a_personalisation(tmp_path: Path) -> None:
    """Blank, or whole; a blank one can be personalised again."""
    numbers = count()

    def fresh() -> Path:
        path = tmp_path / f"{next(numbers)}.card"
        blank(path, "product")
        return path

    def personalise(path: Path) -> None:
        with opened(path) as (store, shape):
            issuing.personalise(store, shape, CHOSEN["product"], COUNTER_KEY, seeded(1))

    def check(path: Path) -> None:
        found = rows(path)
        with opened(path) as (store, _):
            life = store.card()[1]
        if life is Life.BLANK:
            assert (found["card_secret"], found["card_key"]) == ([], [])
            personalise(path)
        else:
            assert (len(found["card_secret"]), len(found["card_key"])) == (2, 2)

    assert everywhere(fresh, personalise, check) >= 7


def test_certificates(tmp_path: Path) -> None:
    """None of a delivery, or all of it."""
    master = tmp_path / "master.card"
    given = certificates(personalised(master, "product"))
    numbers = count()

    def fresh() -> Path:
        path = tmp_path / f"{next(numbers)}.card"
        path.write_bytes(master.read_bytes())
        return path

    def certify(path: Path) -> None:
        with opened(path) as (store, shape):
            issuing.certify(store, shape, given)

    def check(path: Path) -> None:
        with opened(path) as (store, _):
            life = store.card()[1]
        assert len(rows(path)["card_content"]) == (2 if life is Life.ACTIVE else 0)
        certify(path)

    assert everywhere(fresh, certify, check) >= 4


def test_a_cut_while_an_interop_card_is_written_leaves_it_blank(tmp_path: Path) -> None:
    """In the middle of its files; the same with every table."""
    path = tmp_path / "a.card"
    blank(path, "interop")
    with opened(path) as (store, shape):
        with patch.object(Store, "_run", cut_at(20, True)), pytest.raises(PowerCut):
            issuing.personalise(store, shape, CHOSEN["interop"], COUNTER_KEY, seeded(1), HOLDER, works())
        assert store.card()[1] is Life.BLANK
    assert [len(content) for name, content in rows(path).items() if name != "card"] == [0, 0, 0]
