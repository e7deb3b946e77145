"""Enrolment, the two ways in, and the end of a shift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desk_land import ORIGIN, PASSPHRASE, DeskLand
from kakine.parties.gateway.desk import people, ways
from kakine.parties.gateway.desk.people_store import State, Use
from kakine.values.problems import DeskLoginUnknown, DeskPassphraseWeak, DeskSessionEnded, PasskeyInvalid
from passkey_maker import SoftPasskey


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded


def enrolment(land: DeskLand, person: object) -> str:
    code = land.run(people.print_code(land.desk, None, person.official, Use.ENROL))  # type: ignore[attr-defined]
    return str(land.run(ways.enrol(land.desk, land.desk.shifts.begin(), code)))


def test_a_code_for_a_shift_and_a_passphrase_let_somebody_in(land: DeskLand) -> None:
    shift, person = land.desk.shift(land.shift_of(land.hana))
    assert (person.official, person.role, shift.enrolling) == (land.hana.official, land.hana.role, False)


def test_a_passkey_lets_somebody_in(land: DeskLand) -> None:
    key = SoftPasskey(ORIGIN, "localhost", b"taro's key")
    name = enrolment(land, land.taro)
    made = key.created(ways.new_passkey_options(land.desk, name))
    assert land.desk.shift(land.run(ways.choose_passkey(land.desk, name, made)))[1].id == land.taro.id
    anonymous = land.desk.shifts.begin()
    used = key.used(ways.passkey_options(land.desk, anonymous))
    assert land.desk.shift(land.run(ways.by_passkey(land.desk, anonymous, used)))[1].id == land.taro.id


def test_a_copied_answer_of_a_passkey_opens_nothing(land: DeskLand) -> None:
    key = SoftPasskey(ORIGIN, "localhost", b"other's key")
    name = enrolment(land, land.other)
    land.run(ways.choose_passkey(land.desk, name, key.created(ways.new_passkey_options(land.desk, name))))
    anonymous = land.desk.shifts.begin()
    used = key.used(ways.passkey_options(land.desk, anonymous))
    land.run(ways.by_passkey(land.desk, anonymous, used))
    again = land.desk.shifts.begin()
    ways.passkey_options(land.desk, again)
    with pytest.raises(PasskeyInvalid):
        land.run(ways.by_passkey(land.desk, again, used))


@pytest.mark.parametrize(("first", "second"), [("short", "short"), (PASSPHRASE, PASSPHRASE + "x")])
def test_a_passphrase_is_long_and_typed_twice(land: DeskLand, first: str, second: str) -> None:
    name = enrolment(land, land.other_chief)
    with pytest.raises(DeskPassphraseWeak):
        land.run(ways.choose_passphrase(land.desk, name, first, second))
    with pytest.raises(DeskSessionEnded):
        land.desk.shift(name)


def test_a_code_expires(land: DeskLand) -> None:
    code = land.run(people.print_code(land.desk, None, land.other_chief.official, Use.ENROL))
    land.land.clock.advance(3 * 86_400)
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.enrol(land.desk, land.desk.shifts.begin(), code))


def test_a_shift_ends_after_a_pause_and_after_a_long_day(land: DeskLand) -> None:
    name = land.shift_of(land.hana)
    land.land.clock.advance(14 * 60)
    land.desk.shift(name)
    land.land.clock.advance(16 * 60)
    with pytest.raises(DeskSessionEnded):
        land.desk.shift(name)
    name = land.shift_of(land.hana)
    for _ in range(10 * 60 // 14):
        land.land.clock.advance(14 * 60)
        land.desk.shift(name)
    land.land.clock.advance(14 * 60)
    with pytest.raises(DeskSessionEnded):
        land.desk.shift(name)


def test_logging_out_ends_the_shift(land: DeskLand) -> None:
    name = land.shift_of(land.hana)
    land.run(ways.out(land.desk, name))
    with pytest.raises(DeskSessionEnded):
        land.desk.shift(name)


def test_somebody_unlocked_comes_in_again_by_a_new_code(land: DeskLand) -> None:
    land.shift_of(land.hana)
    land.run(people.set_state(land.desk, None, land.hana.official, State.LOCKED))
    land.run(people.set_state(land.desk, None, land.hana.official, State.ACTIVE))
    assert land.desk.shift(land.shift_of(land.hana))[1].id == land.hana.id


def test_no_name_and_no_code_stands_in_the_journal(land: DeskLand) -> None:
    land.shift_of(land.hana)
    told = repr([land.journal(what) for what in ("staff-added", "code-printed", "enrolled", "logged-in")])
    assert land.hana.official in told
    assert land.hana.name not in told
