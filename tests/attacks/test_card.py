"""Whoever has the card, or a terminal that the holder trusts with it, and wants more of it than the holder gives.

Controls stand beside: what the holder may do works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cards import (
    CHOSEN,
    COUNTER_KEY,
    KINDS,
    LOGIN,
    NUMBER,
    PASSWORD,
    Authority,
    Desk,
    blank,
    certificates,
    copied,
    desk,
    personalised,
    rows,
    verify,
)
from kakine.card import issuing, secrets, vpcd
from kakine.card.access import COUNTER_LABEL
from kakine.card.engine import opened
from kakine.card.profile import FileKind, profile
from kakine.card.session import Interface
from kakine.card.store import Life, Store
from kakine.crypto.hashing import mac
from kakine.values.problems import (
    CardBlocked,
    CardCertificateUnfit,
    CardRefused,
    CardSecretWrong,
    StoreFailed,
    StoreInUse,
)

MESSAGE = b"log in here"
WRONG = {"interop": "0000", "product": "000000"}


class PowerCut(BaseException):
    """The terminal takes the power away; nothing of the chip's program runs after it."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def card(kind: str, tmp_path: Path) -> Path:
    return copied(kind, tmp_path / "a.card")


@pytest.fixture
def at(card: Path) -> Iterator[Desk]:
    with desk(card) as made:
        yield made


def pin(kind: str) -> str:
    return CHOSEN[kind][LOGIN[kind]]


def refuses(call: Callable[[], object]) -> str:
    """The status word with which the card refuses."""
    with pytest.raises(CardRefused) as refusal:
        call()
    return str(refusal.value.facts["word"])


# --- the secret -----------------------------------------------------------------------------------------------


def test_the_key_signs_after_its_secret(at: Desk, kind: str) -> None:
    """Control."""
    at.terminal.verify(LOGIN[kind], pin(kind))
    verify(at.terminal.certificate("authentication"), at.sign("authentication", MESSAGE), MESSAGE)


def test_without_its_secret_no_key_signs(at: Desk, kind: str) -> None:
    for name, application in (("authentication", "jpki"), ("signature", "jpki")):
        at.select(application if kind == "interop" else "piv")
        assert refuses(lambda name=name: at.sign(name, MESSAGE)) == "6982"  # type: ignore[misc]


def test_the_secret_of_one_key_does_not_open_the_other(at: Desk, kind: str) -> None:
    at.terminal.verify(LOGIN[kind], pin(kind))
    assert refuses(lambda: at.sign("signature", MESSAGE)) == "6982"
    at.terminal.verify("signature-password", PASSWORD)
    assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


def test_a_password_serves_one_signature(at: Desk) -> None:
    at.terminal.verify("signature-password", PASSWORD)
    at.sign("signature", MESSAGE)
    assert refuses(lambda: at.sign("signature", MESSAGE)) == "6982"


def test_a_program_that_comes_after_the_login_finds_no_open_key(tmp_path: Path) -> None:
    """OpenSC leaves the application selected and the power on. The product card's PIN serves one signature."""
    with desk(copied("product", tmp_path / "a.card")) as at:
        at.terminal.verify("pin", pin("product"))
        at.sign("authentication", MESSAGE)
        assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


def test_a_wrong_try_takes_back_what_a_right_one_gave(at: Desk, kind: str) -> None:
    at.terminal.verify(LOGIN[kind], pin(kind))
    application, secret = at.shape.find_secret(LOGIN[kind])
    reference = "80" if application.references else "98"
    assert at.send(f"002000{reference}", secret.bytes_of(WRONG[kind])).status & 0xFFF0 == 0x63C0
    assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


def test_selecting_an_application_takes_back_every_secret(at: Desk, kind: str) -> None:
    """Also the same one again."""
    at.terminal.verify(LOGIN[kind], pin(kind))
    assert at.select("jpki" if kind == "interop" else "piv").status == 0x9000
    assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


@pytest.mark.parametrize("control", [0, 1, 2])
def test_the_reader_cutting_or_giving_power_takes_back_every_secret(
    card: Path, kind: str, control: int
) -> None:
    """By the control bytes of vpcd."""
    with desk(card) as at:
        at.terminal.verify(LOGIN[kind], pin(kind))
        assert vpcd.answered(at.card, bytes([control])) == b""
        at.send("00A40400", bytes.fromhex(at.shape.application[1].aid))
        assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


# --- tries ----------------------------------------------------------------------------------------------------


def test_after_the_last_try_the_right_secret_is_refused_too(at: Desk, kind: str) -> None:
    _, secret = at.shape.find_secret(LOGIN[kind])
    for left in reversed(range(secret.tries)):
        with pytest.raises(CardSecretWrong) as wrong:
            at.terminal.verify(LOGIN[kind], WRONG[kind])
        assert wrong.value.facts["left"] == left
    with pytest.raises(CardBlocked):
        at.terminal.verify(LOGIN[kind], pin(kind))
    assert at.terminal.tries(LOGIN[kind]) == 0


def test_the_right_secret_gives_all_tries_back(at: Desk, kind: str) -> None:
    """Control."""
    _, secret = at.shape.find_secret(LOGIN[kind])
    with pytest.raises(CardSecretWrong):
        at.terminal.verify(LOGIN[kind], WRONG[kind])
    at.terminal.verify(LOGIN[kind], pin(kind))
    at.card.reset()
    assert at.terminal.tries(LOGIN[kind]) == secret.tries


def test_a_try_is_lost_before_anything_is_compared(
    card: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cuts the power before the answer has tried all the same: so many cuts as tries block the secret."""

    def cut(state: object, data: bytes) -> bool:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(secrets, "matches", cut)
        for spent in range(profile(kind).find_secret(LOGIN[kind])[1].tries):
            with desk(card) as at:
                assert (
                    at.terminal.tries(LOGIN[kind]) == profile(kind).find_secret(LOGIN[kind])[1].tries - spent
                )
                with pytest.raises(PowerCut):
                    at.terminal.verify(LOGIN[kind], WRONG[kind])
    with desk(card) as at, pytest.raises(CardBlocked):
        at.terminal.verify(LOGIN[kind], pin(kind))


KILLED = """
import os, signal, sys
from pathlib import Path
from kakine.card import secrets
from cards import desk
secrets.matches = lambda state, data: os.kill(os.getpid(), signal.SIGKILL)
with desk(Path(sys.argv[1])) as at:
    at.terminal.verify(sys.argv[2], sys.argv[3])
"""


def test_a_try_is_lost_when_the_card_is_killed_while_it_compares(card: Path, kind: str) -> None:
    """SIGKILL in a process of its own."""
    _, secret = profile(kind).find_secret(LOGIN[kind])
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(Path(__file__).parents[1])])
    run = subprocess.run(
        [sys.executable, "-c", KILLED, card, LOGIN[kind], WRONG[kind]],
        check=False,
        timeout=240,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.returncode == -signal.SIGKILL
    with desk(card) as at:
        assert at.terminal.tries(LOGIN[kind]) == secret.tries - 1


def test_a_store_that_cannot_take_the_try_compares_nothing(
    at: Desk, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: 6581, and nothing is open afterwards."""

    def full(self: Store, statement: str, values: object = None) -> None:
        raise StoreFailed(reason="card")

    application, secret = at.shape.find_secret(LOGIN[kind])
    at.terminal.select(application)
    monkeypatch.setattr(Store, "_run", full)
    monkeypatch.setattr(secrets, "matches", lambda state, data: pytest.fail("compared"))
    reference = "80" if application.references else "98"
    assert at.send(f"002000{reference}", secret.bytes_of(pin(kind))).status == 0x6581
    monkeypatch.undo()
    at.terminal.select(application)
    assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6982"


def test_changing_a_pin_with_a_wrong_old_one_costs_a_try_and_changes_nothing(at: Desk, kind: str) -> None:
    tries = at.terminal.tries(LOGIN[kind])
    with pytest.raises(CardSecretWrong):
        at.terminal.change(LOGIN[kind], WRONG[kind], pin(kind))
    assert at.terminal.tries(LOGIN[kind]) == tries - 1
    at.terminal.verify(LOGIN[kind], pin(kind))


def test_a_secret_is_not_changed_without_the_old_one(at: Desk, kind: str) -> None:
    new = bytes.fromhex("39393939") if kind == "interop" else b"99999999"
    at.select("jpki" if kind == "interop" else "piv")
    header = "00240198" if kind == "interop" else "00240180"
    assert at.send(header, new).status in (0x6982, 0x6A86)
    at.terminal.verify(LOGIN[kind], pin(kind))


# --- the counter ----------------------------------------------------------------------------------------------


def challenged(at: Desk) -> bytes:
    return at.send("00840000", b"", 16).data


def exhaust(at: Desk, kind: str) -> None:
    for _ in range(at.terminal.tries(LOGIN[kind])):
        with pytest.raises(CardSecretWrong):
            at.terminal.verify(LOGIN[kind], WRONG[kind])


def test_the_counter_gives_a_blocked_secret_anew(at: Desk, kind: str) -> None:
    """Control."""
    exhaust(at, kind)
    at.terminal.unblock(LOGIN[kind], pin(kind), COUNTER_KEY)
    at.terminal.verify(LOGIN[kind], pin(kind))


def test_without_the_counters_key_nothing_is_unblocked(at: Desk, kind: str) -> None:
    exhaust(at, kind)
    assert refuses(lambda: at.terminal.unblock(LOGIN[kind], pin(kind), bytes(32))) == "6300"
    application, secret = at.shape.find_secret(LOGIN[kind])
    reference = "80" if application.references else "98"
    assert at.send(f"002C02{reference}", secret.bytes_of(pin(kind))).status == 0x6982


def test_an_answer_of_the_counter_serves_once(at: Desk, kind: str) -> None:
    """Seen on the wire, it is worth nothing: the challenge is gone with the first attempt."""
    application, secret = at.shape.find_secret(LOGIN[kind])
    at.terminal.select(application)
    answer = mac(COUNTER_KEY, COUNTER_LABEL, challenged(at))
    assert at.send("00820000", answer).status == 0x9000
    reference = "80" if application.references else "98"
    assert at.send(f"002C02{reference}", secret.bytes_of(pin(kind))).status == 0x9000
    assert at.send("00820000", answer).status == 0x6985


def test_a_proof_of_the_counter_serves_one_command(at: Desk, kind: str) -> None:
    application, secret = at.shape.find_secret(LOGIN[kind])
    at.terminal.select(application)
    assert at.send("00820000", mac(COUNTER_KEY, COUNTER_LABEL, challenged(at))).status == 0x9000
    reference = "80" if application.references else "98"
    new = secret.bytes_of(pin(kind))
    assert [at.send(f"002C02{reference}", new).status for _ in range(2)] == [0x9000, 0x6982]


def test_a_short_challenge_proves_nothing(at: Desk, kind: str) -> None:
    """A terminal that asks for one byte could wait until an answer that it has seen fits again."""
    at.terminal.select(at.shape.find_secret(LOGIN[kind])[0])
    challenge = at.send("00840000", b"", 1).data
    assert at.send("00820000", mac(COUNTER_KEY, COUNTER_LABEL, challenge)).status == 0x6985


def test_a_card_without_pin_cannot_be_given_one(kind: str, tmp_path: Path) -> None:
    """It has no key to log in with, and the counter's key does not change that."""
    path = tmp_path / "a.card"
    assert personalised(path, kind, {}) == {}
    with desk(path) as at:
        assert refuses(lambda: at.terminal.unblock(LOGIN[kind], pin(kind), COUNTER_KEY)) == "6985"
        with pytest.raises(CardBlocked):
            at.terminal.verify(LOGIN[kind], pin(kind))
        assert at.store.card()[1] is Life.ACTIVE
    keys = rows(path)["card_key"]
    assert [key[0] for key in keys if key[0] in ("jpki", "piv")] == []


def test_a_stopped_card_signs_nothing_until_the_counter_lifts_it(at: Desk, kind: str) -> None:
    at.terminal.set_status(1, COUNTER_KEY)
    assert refuses(lambda: at.terminal.verify(LOGIN[kind], pin(kind))) == "6985"
    at.card.reset()
    assert at.terminal.tries(LOGIN[kind]) > 0
    at.terminal.set_status(0, COUNTER_KEY)
    at.terminal.verify(LOGIN[kind], pin(kind))
    at.sign("authentication", MESSAGE)


def test_a_stop_takes_effect_on_a_session_that_is_open(at: Desk, kind: str) -> None:
    """Another session of the counter stopped it in between."""
    at.terminal.verify(LOGIN[kind], pin(kind))
    at.store.set_life(Life.BLOCKED)
    assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6985"


def test_a_revoked_card_has_no_keys_any_more(card: Path, kind: str) -> None:
    with desk(card) as at:
        at.terminal.set_status(0x7F, COUNTER_KEY)
        assert refuses(lambda: at.terminal.verify(LOGIN[kind], pin(kind))) == "6985"
        assert refuses(lambda: at.terminal.set_status(0, COUNTER_KEY)) == "6985"
    assert rows(card)["card_key"] == []


# --- what the card shows --------------------------------------------------------------------------------------


def readable(at: Desk) -> dict[tuple[str, str], bytes]:
    """Everything that a terminal without any secret gets out of a card: answers to selection, files, objects."""
    found = {("", "atr"): at.card.reset()}
    for application in at.shape.application:
        found[application.name, "selection"] = at.select(application.name).encode()
        for row in application.file:
            found[application.name, row.id] = read(at, row.id, row.kind)
        for secret in application.secret:
            found[application.name, secret.id] = at.send(f"002000{secret.id[-2:]}").encode()
    return found


def read(at: Desk, name: str, kind: FileKind) -> bytes:
    if kind is FileKind.OBJECT and len(name) != 4:
        return at.send(
            "00CB3FFF", bytes([0x5C, len(name) // 2]) + bytes.fromhex(name), 65536, extended=True
        ).encode()
    if kind is FileKind.OBJECT:
        return at.send("00CA" + name, b"", 65536, extended=True).encode()
    at.send("00A4020C", bytes.fromhex(name))
    if kind is FileKind.RECORDS:
        return at.send("00B20104", b"", 256).encode()
    return at.send("00B00000", b"", 65536, extended=True).encode()


def two(tmp_path: Path, kind: str, interface: Interface) -> list[dict[tuple[str, str], bytes]]:
    found = []
    for number in (0, 1):
        with desk(copied(kind, tmp_path / f"{number}.card", number), interface) as at:
            found.append(readable(at))
    return found


def test_nothing_read_over_the_air_tells_two_product_cards_apart(tmp_path: Path) -> None:
    """A stranger's reader in a crowd: every byte that any card gives without a secret is the same on every card."""
    first, second = two(tmp_path, "product", Interface.CONTACTLESS)
    assert first == second


def test_contacts_show_the_certificate_of_a_product_card_and_nothing_else(tmp_path: Path) -> None:
    """The limit that unmodified OpenSC sets: it reads certificates before it can ask for a PIN."""
    first, second = two(tmp_path, "product", Interface.CONTACT)
    assert [place for place in first if first[place] != second[place]] == [("piv", "5FC105")]


def test_an_interop_card_is_told_apart_by_anybody(tmp_path: Path) -> None:
    """As today's card is. It states why the product card is another."""
    first, second = two(tmp_path, "interop", Interface.CONTACTLESS)
    assert ("jpki", "000A") in [place for place in first if first[place] != second[place]]


def test_the_pin_does_not_open_the_certificate_with_the_name(at: Desk, kind: str) -> None:
    """The certificate for signatures may hold the four attributes; it opens to the password."""
    at.terminal.verify(LOGIN[kind], pin(kind))
    assert refuses(lambda: at.terminal.certificate("signature")) == "6982"
    at.terminal.verify("signature-password", PASSWORD)
    assert at.terminal.certificate("signature")


def test_the_individual_number_opens_no_name_and_address(tmp_path: Path) -> None:
    """照合番号A is the number: whoever knows it from paper reads no more with it than the number."""
    with desk(copied("interop", tmp_path / "a.card")) as at:
        at.select("text")
        assert at.send("00200094", NUMBER.encode()).status == 0x9000
        assert read(at, "0001", FileKind.TRANSPARENT)[-2:] == b"\x90\x00"
        assert read(at, "0002", FileKind.TRANSPARENT) == b"\x69\x82"


def test_the_log_of_a_terminal_has_no_secret_and_no_content(tmp_path: Path) -> None:
    """Right and wrong PINs, a change, an unblocking, the name and the number: none is in the log."""
    wrong = "9572"
    planted = [*CHOSEN["interop"].values(), wrong, NUMBER, "垣根", "7913"]
    with desk(copied("interop", tmp_path / "a.card")) as at:
        with pytest.raises(CardSecretWrong):
            at.terminal.verify("text-pin", wrong)
        for name, text in CHOSEN["interop"].items():
            at.terminal.verify(name, text)
        at.terminal.verify("text-pin", CHOSEN["interop"]["text-pin"])
        read(at, "0001", FileKind.TRANSPARENT)
        read(at, "0002", FileKind.TRANSPARENT)
        at.terminal.change("resident-pin", CHOSEN["interop"]["resident-pin"], "7913")
        at.terminal.unblock("text-pin", "7913", COUNTER_KEY)
        at.send("00840000", b"7913" * 8, 8)
        log = "\n".join(at.log)
    assert len(at.log) > 20
    for text in planted:
        assert text not in log
        assert text.encode().hex() not in log


def test_the_cards_file_holds_no_secret_as_it_is_typed(kind: str, tmp_path: Path) -> None:
    path = copied(kind, tmp_path / "a.card")
    cells = [cell for row in rows(path)["card_secret"] for cell in row if isinstance(cell, bytes)]
    assert cells
    for text in CHOSEN[kind].values():
        assert [cell for cell in cells if cell.startswith(text.encode())] == []
        assert len(text) < 6 or text.encode() not in path.read_bytes()


def test_using_a_card_leaves_no_trace_on_it(card: Path, kind: str) -> None:
    """Whoever finds it cannot tell where, when or how often it was used."""
    before = rows(card)
    with desk(card) as at:
        for message in (b"here", b"there"):
            at.terminal.verify(LOGIN[kind], pin(kind))
            at.sign("authentication", message)
    assert rows(card) == before


# --- what is written on it ------------------------------------------------------------------------------------


def test_a_certificate_of_another_card_is_not_taken(kind: str, tmp_path: Path) -> None:
    requests = personalised(tmp_path / "a.card", kind)
    others = certificates(personalised(tmp_path / "b.card", kind))
    with opened(tmp_path / "a.card") as (store, shape):
        with pytest.raises(CardCertificateUnfit):
            issuing.certify(store, shape, others)
        assert store.card()[1] is Life.PERSONALISED
        issuing.certify(store, shape, certificates(requests))


def test_a_certificate_that_its_issuer_has_not_signed_is_not_taken(kind: str, tmp_path: Path) -> None:
    """The same name, another key."""
    requests = personalised(tmp_path / "a.card", kind)
    other = Authority().own()
    with opened(tmp_path / "a.card") as (store, shape), pytest.raises(CardCertificateUnfit):
        issuing.certify(
            store, shape, {name: (own, other) for name, (own, _) in certificates(requests).items()}
        )


def test_a_bad_certificate_leaves_the_good_one_beside_it_unwritten(kind: str, tmp_path: Path) -> None:
    given = certificates(personalised(tmp_path / "a.card", kind))
    given["signature"] = given["authentication"]
    before = rows(tmp_path / "a.card")
    with opened(tmp_path / "a.card") as (store, shape), pytest.raises(CardCertificateUnfit):
        issuing.certify(store, shape, given)
    assert rows(tmp_path / "a.card") == before


def test_no_key_of_a_card_that_waits_for_certificates_signs(kind: str, tmp_path: Path) -> None:
    personalised(tmp_path / "a.card", kind)
    with desk(tmp_path / "a.card") as at:
        at.terminal.verify(LOGIN[kind], pin(kind))
        assert refuses(lambda: at.sign("authentication", MESSAGE)) == "6985"


def test_a_blank_card_gives_and_takes_nothing(kind: str, tmp_path: Path) -> None:
    blank(tmp_path / "a.card", kind)
    with desk(tmp_path / "a.card") as at:
        assert refuses(lambda: at.terminal.unblock(LOGIN[kind], pin(kind), b"")) == "6985"
        assert refuses(lambda: at.terminal.verify(LOGIN[kind], pin(kind))) == "6985"


def test_two_programs_cannot_hold_one_card(card: Path) -> None:
    """Otherwise each would count tries of its own."""
    with desk(card), pytest.raises(StoreInUse), desk(card):
        pass
