"""A card before a terminal that does anything in any order, against a model of a few lines; and any bytes at all.

The model says what must hold whatever came before: no signature without its secret, tries never rise without the right
secret or the counter, selection and reset take everything back, a power cut costs the try.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cards import CHOSEN, COUNTER_KEY, KINDS, LOGIN, Desk, copied, desk, payload, seeded
from kakine.card import secrets
from kakine.card.access import COUNTER_LABEL
from kakine.crypto.hashing import mac
from kakine.wire.apdu import Command


class PowerCut(BaseException):
    """Nothing of the chip's program runs after it."""


class CardMachine(RuleBasedStateMachine):
    """One card; `given` and `tries` are the model."""

    kind = ""
    application = ""

    @initialize()
    def insert(self) -> None:
        self.stack = ExitStack()
        folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.stack.callback(shutil.rmtree, folder)
        self.path = copied(self.kind, folder / "a.card")
        self.powered = ExitStack()
        self.at: Desk = self.powered.enter_context(desk(self.path, entropy=seeded(1)))
        names = (LOGIN[self.kind], "signature-password")
        rows = {name: self.at.shape.find_secret(name)[1] for name in names}
        self.rows = rows
        self.right = {name: rows[name].bytes_of(CHOSEN[self.kind][name]) for name in names}
        self.limit = {name: rows[name].tries for name in names}
        self.tries = dict(self.limit)
        self.given: set[str] = set()
        self.inside = False
        self.counter = False

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.powered.close()
            self.stack.close()

    def reference(self, name: str) -> str:
        row = self.rows[name]
        return row.id if self.kind == "product" else f"{0x80 | int(row.id, 16):02X}"

    NAMES = st.integers(0, 1)

    def name(self, which: int) -> str:
        return list(self.rows)[which]

    def forget(self) -> None:
        self.given, self.counter = set(), False

    @rule()
    def select(self) -> None:
        assert self.at.select(self.application).status == 0x9000
        self.inside = True
        self.forget()
        self.nothing_is_open()

    def nothing_is_open(self) -> None:
        """Chance alone would seldom try this right after a selection."""
        for which in (0, 1):
            self.sign(which)
        self.set_anew(0)

    @rule()
    def select_another(self) -> None:
        assert self.at.select("chip").status == 0x9000
        self.inside = False
        self.forget()

    @rule()
    def select_what_is_not_there(self) -> None:
        assert self.at.send("00A40400", b"\xa0\0\0\0\x99", 256).status == 0x6A82

    @rule()
    def reset(self) -> None:
        self.at.card.reset()
        self.inside = False
        self.forget()

    @rule(which=NAMES, rights=st.lists(st.booleans(), min_size=1, max_size=3), use=st.booleans())
    def try_secret(self, which: int, rights: list[bool], use: bool) -> None:
        for right in rights:
            self.try_once(which, right)
        if use:
            self.sign(which)

    def try_once(self, which: int, right: bool) -> None:
        name = self.name(which)
        data = self.right[name] if right else self.right[name][:-1] + b"\0"
        status = self.at.send(f"002000{self.reference(name)}", data).status
        if not self.inside:
            assert status == 0x6D00
            return
        self.given.discard(name)
        if self.tries[name] == 0:
            assert status in (0x6983, 0x6984)
        elif right:
            assert status == 0x9000
            self.tries[name] = self.limit[name]
            self.given.add(name)
        else:
            self.tries[name] -= 1
            assert status == 0x63C0 | self.tries[name]

    @rule(which=NAMES, right=st.booleans())
    def cut_the_power_while_it_compares(self, which: int, right: bool) -> None:
        name = self.name(which)

        def cut(state: object, data: bytes) -> bool:
            raise PowerCut

        if self.inside:
            with patch.object(secrets, "matches", cut):
                data = self.right[name] if right else b"\0" * 8
                if self.tries[name]:
                    with pytest.raises(PowerCut):
                        self.at.send(f"002000{self.reference(name)}", data)
            self.tries[name] = max(0, self.tries[name] - 1)
        self.powered.close()
        self.powered = ExitStack()
        self.at = self.powered.enter_context(desk(self.path, entropy=seeded(2)))
        self.inside = False
        self.forget()

    @rule(which=NAMES)
    def sign(self, which: int) -> None:
        key, name = (("authentication", "signature")[which], self.name(which))
        data = payload(self.kind, b"m")
        if self.kind == "product":
            asked = b"\x7c" + bytes([len(data) + 4]) + b"\x82\0\x81" + bytes([len(data)]) + data
            status = self.at.send(f"008714{'9A' if which == 0 else '9C'}", asked, 65536, extended=True).status
        else:
            self.at.send("00A4020C", bytes.fromhex("0017" if which == 0 else "001A"))
            status = self.at.send("802A0080", data, 256).status
        allowed = self.inside and name in self.given
        assert (status == 0x9000) == allowed, (key, hex(status))
        row = next(each for _, each in self.at.shape.key_rows() if each.name == key)
        if allowed and row.once:
            self.given.discard(name)
            self.sign(which)

    @rule(right=st.booleans(), at_once=st.booleans())
    def come_to_the_counter(self, right: bool, at_once: bool) -> None:
        challenge = self.at.send("00840000", b"", 16).data
        status = self.at.send(
            "00820000", mac(COUNTER_KEY if right else bytes(32), COUNTER_LABEL, challenge)
        ).status
        assert status == (0x9000 if right else 0x6300)
        self.counter = right
        if at_once:
            self.set_anew(1)

    @rule(which=NAMES)
    def set_anew(self, which: int) -> None:
        name = self.name(which)
        status = self.at.send(f"002C02{self.reference(name)}", self.right[name]).status
        assert (status == 0x9000) == (self.inside and self.counter)
        if self.inside:
            if self.counter:
                self.tries[name] = self.limit[name]
                self.given.discard(name)
                assert self.at.send(f"002C02{self.reference(name)}", self.right[name]).status == 0x6982
            self.counter = False

    @rule(which=NAMES)
    def change_without_knowing(self, which: int) -> None:
        """The right form of command for the application, with what a thief has."""
        name = self.name(which)
        if self.kind == "product":
            old = b"\0" * len(self.right[name])
            status = self.at.send(f"002400{self.reference(name)}", old + self.right[name]).status
            assert status != 0x9000
            if self.inside:
                self.tries[name] = max(0, self.tries[name] - 1)
                self.given.discard(name)
        else:
            status = self.at.send(f"002401{self.reference(name)}", self.right[name]).status
            assert (status == 0x9000) == (self.inside and name in self.given)
            if status == 0x9000:
                self.tries[name] = self.limit[name]

    @invariant()
    def the_card_counts_as_the_model(self) -> None:
        if hasattr(self, "at"):
            application = next(a for a in self.at.shape.application if a.name == self.application)
            for name, left in self.tries.items():
                assert self.at.store.secret(application.name, self.rows[name].id).tries == left


class InteropMachine(CardMachine):
    kind, application = "interop", "jpki"


class ProductMachine(CardMachine):
    kind, application = "product", "piv"


FEW = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
InteropMachine.TestCase.settings = FEW
ProductMachine.TestCase.settings = FEW
TestInterop = InteropMachine.TestCase
TestProduct = ProductMachine.TestCase


INSTRUCTIONS = sorted(bytes.fromhex("a4b0b2cacb2024322c82f02a848788c0"))


@st.composite
def nearly_commands(draw: st.DrawFn) -> bytes:
    """Bytes that look like what the card knows, and any bytes."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    header = [
        draw(st.sampled_from([0x00, 0x80, 0x0C, 0x10, 0xFF])),
        draw(st.sampled_from(INSTRUCTIONS)),
        draw(st.sampled_from([0, 1, 2, 4, 5, 0x14, 0x3F, 0x80, 0x8A]) | st.integers(0, 255)),
        draw(st.sampled_from([0, 4, 0x0C, 0x80, 0x82, 0x98, 0x9A, 0x9B, 0x9C, 0xFF]) | st.integers(0, 255)),
    ]  # fmt: skip
    data = draw(st.binary(max_size=64))
    extended = draw(st.booleans()) and bool(data)
    return Command(*header, data, draw(st.sampled_from([0, 1, 256])), extended).encode()  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes_get_an_answer_and_no_tries_rise(kind: str, tmp_path: Path, data: st.DataObject) -> None:
    """Up to eight messages in any application: each gets two bytes at least, none an exception, nothing is gained."""
    path = tmp_path / f"{kind}.card"
    if not path.exists():
        copied(kind, path)
    with desk(path) as at:
        rows = [(application.name, secret.id) for application, secret in at.shape.secret_rows()]
        before = {row: at.store.secret(*row).tries for row in rows}
        at.select(data.draw(st.sampled_from([each.name for each in at.shape.application])))
        for raw in data.draw(st.lists(nearly_commands(), max_size=8)):
            assert len(at.card.answer(raw)) >= 2
        assert all(at.store.secret(*row).tries <= before[row] for row in rows)
