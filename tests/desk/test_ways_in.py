"""Enrolment, the two ways in, and the end of a shift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desk_land import ORIGIN, PASSPHRASE, DeskLand
from kakine.parties.gateway.desk import people, ways
from kakine.parties.gateway.desk.office import Shift
from kakine.parties.gateway.desk.people_store import Staff, State, Use
from kakine.values.problems import DeskLoginUnknown, DeskPassphraseWeak, PasskeyInvalid, SessionUnknown
from passkey_maker import SoftPasskey


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded


def enrolment(land: DeskLand, person: Staff) -> Shift:
    shift: Shift = land.run(ways.enrol(land.desk, land.paper(person, Use.ENROL)))
    return shift


def test_a_code_for_a_shift_and_a_passphrase_let_somebody_in(land: DeskLand) -> None:
    person = land.desk.stands(land.shift_of(land.hana))
    assert (person.official, person.role) == (land.hana.official, land.hana.role)


def test_a_passkey_lets_somebody_in(land: DeskLand) -> None:
    key = SoftPasskey(ORIGIN, "localhost", b"taro's key")
    name = enrolment(land, land.taro)
    made = key.created(ways.new_passkey_options(land.desk, name))
    assert land.desk.stands(land.run(ways.choose_passkey(land.desk, name, made))).id == land.taro.id
    used = key.used(ways.passkey_options(land.desk, "a browser"))
    assert land.desk.stands(land.run(ways.by_passkey(land.desk, "a browser", used))).id == land.taro.id


def test_a_copied_answer_of_a_passkey_opens_nothing(land: DeskLand) -> None:
    key = SoftPasskey(ORIGIN, "localhost", b"other's key")
    name = enrolment(land, land.other)
    land.run(ways.choose_passkey(land.desk, name, key.created(ways.new_passkey_options(land.desk, name))))
    used = key.used(ways.passkey_options(land.desk, "a browser"))
    land.run(ways.by_passkey(land.desk, "a browser", used))
    for browser in ("a browser", "another"):
        ways.passkey_options(land.desk, "another")
        with pytest.raises(PasskeyInvalid):
            land.run(ways.by_passkey(land.desk, browser, used))


@pytest.mark.parametrize(("first", "second"), [("short", "short"), (PASSPHRASE, PASSPHRASE + "x")])
def test_a_passphrase_is_long_and_typed_twice(land: DeskLand, first: str, second: str) -> None:
    name = enrolment(land, land.other_chief)
    with pytest.raises(DeskPassphraseWeak):
        land.run(ways.choose_passphrase(land.desk, name, first, second))
    with pytest.raises(SessionUnknown):
        land.desk.stands(name)


def test_a_code_expires(land: DeskLand) -> None:
    code = land.run(people.print_code(land.desk, None, land.other_chief.official, Use.ENROL))
    land.land.clock.advance(3 * 86_400)
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.enrol(land.desk, code))


def test_a_challenge_is_good_for_five_minutes(land: DeskLand) -> None:
    key = SoftPasskey(ORIGIN, "localhost", b"a slow key")
    used = key.used(ways.passkey_options(land.desk, "a browser"))
    land.land.clock.advance(301)
    with pytest.raises(PasskeyInvalid):
        land.run(ways.by_passkey(land.desk, "a browser", used))


def test_logging_out_ends_the_shift(land: DeskLand) -> None:
    shift = land.shift_of(land.hana)
    land.run(ways.out(land.desk, shift))
    with pytest.raises(SessionUnknown):
        land.desk.stands(shift)


def test_somebody_unlocked_comes_in_again_by_a_new_code(land: DeskLand) -> None:
    land.shift_of(land.hana)
    land.run(people.set_state(land.desk, None, land.hana.official, State.LOCKED))
    land.run(people.set_state(land.desk, None, land.hana.official, State.ACTIVE))
    assert land.desk.stands(land.shift_of(land.hana)).id == land.hana.id


def test_no_name_and_no_code_stands_in_the_journal(land: DeskLand) -> None:
    land.shift_of(land.hana)
    told = repr([land.journal(what) for what in ("staff-added", "code-printed", "enrolled", "logged-in")])
    assert land.hana.official in told
    assert land.hana.name not in told
