"""Every call of every kind of party, over mutual TLS, with requests generated out of its OpenAPI document.

Never a fault, never a hang, never anything of a person in an answer, an event or a figure; what is refused leaves the
store as it was. `KAKINE_FUZZ=50` makes more requests of each sort (docs/howto/fuzz.md).
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from socket import create_connection

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import (
    ANSWER_S,
    FEW,
    NAMES,
    PARTY_OF,
    FuzzLand,
    calls,
    decodes,
    harmed,
    holder,
    operations,
    outsider,
    packed,
    problem_of,
)
from kakine.contracts.call import Call, Role
from kakine.runtime.http import MEDIA
from kakine.runtime.tls import host_of
from kakine.values.labels import PartyName

EVERY_KIND = pytest.mark.parametrize("kind", sorted(Role))
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzLand]:
    made = FuzzLand.founded(tmp_path_factory.mktemp("fuzz") / "country")
    try:
        made.processes.wait(NAMES)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def secrets(land: FuzzLand) -> set[bytes]:
    land.know()
    return land.secrets()


class Requests:
    """What came back from one call of one party, each answer looked at."""

    def __init__(self, land: FuzzLand, to: str, call: Call, secrets: set[bytes]) -> None:  # type: ignore[type-arg]
        self.land, self.to, self.call, self.secrets = land, to, call, secrets
        self.codes: Counter[str] = Counter()
        self.before = land.store(to)

    def look(self, answer: tuple[int, str, bytes]) -> str:
        """The problem's code, or nothing for an answer."""
        status, media, body = answer
        assert not [each for each in self.secrets if each in body], self.call.path
        code = ""
        if status == 200:
            assert media == MEDIA
            assert decodes(self.call.gives, body)
        else:
            code = problem_of(*answer)
            assert code != "internal-fault", self.call.path
        self.codes[code] += 1
        return code

    def done(self) -> None:
        """Whatever was refused left the store as it was."""
        if not self.codes[""]:
            after = self.land.store(self.to)
            changed = [name for name in after if after[name] != self.before.get(name)]
            assert not changed, (self.call.path, changed, self.codes)


@EVERY_KIND
def test_a_message_of_the_contract_is_answered_or_refused_by_name(
    land: FuzzLand, secrets: set[bytes], kind: Role
) -> None:
    to = PARTY_OF[kind]
    for call in calls(kind):
        caller, seen = holder(call, to), Requests(land, to, call, secrets)

        @FEW
        @given(operations(kind)[call.path]["POST"].as_strategy(POSITIVE))
        def attempt(case: schemathesis.Case) -> None:
            code = seen.look(land.send(caller, to, case))  # noqa: B023
            assert code not in ("message-malformed", "route-unknown"), case

        attempt()
        seen.done()


@EVERY_KIND
def test_what_is_no_message_of_the_contract_is_said_to_be_none(
    land: FuzzLand, secrets: set[bytes], kind: Role
) -> None:
    """Of another shape by its schema, and bytes with something wrong in them."""
    to = PARTY_OF[kind]
    for call in calls(kind):
        caller, seen = holder(call, to), Requests(land, to, call, secrets)
        operation = operations(kind)[call.path]["POST"]

        @FEW
        @given(operation.as_strategy(NEGATIVE))
        def misshaped(case: schemathesis.Case) -> None:
            seen.look(land.send(caller, to, case))  # noqa: B023

        @FEW
        @given(operation.as_strategy(POSITIVE), st.integers(0, 1 << 32))
        def broken(case: schemathesis.Case, seed: int) -> None:
            body = harmed(Random(seed), case.as_transport_kwargs("https://x")["data"])
            code = seen.look(land.post(caller, to, call.path, body))  # noqa: B023
            assert decodes(call.takes, body) or code in ("message-malformed", "message-too-large")  # noqa: B023

        misshaped()
        broken()
        seen.done()


def test_whoever_has_no_role_for_a_call_is_refused_and_changes_nothing(
    land: FuzzLand, secrets: set[bytes]
) -> None:
    before = {name: land.store(name) for name in PARTY_OF.values()}
    for kind, to in PARTY_OF.items():
        for call in calls(kind):
            stranger = outsider(call)
            if stranger is None:
                continue
            for body in (b"", b"\xc1", packed({}), packed({"domain": "yokohama/tax"}), bytes(1 << 16)):
                answer = land.post(stranger, to, call.path, body)
                assert problem_of(*answer) == "caller-not-allowed", (call.path, stranger)
                assert not [each for each in secrets if each in answer[2]]
    assert {name: land.store(name) for name in PARTY_OF.values()} == before


@pytest.mark.parametrize("party", NAMES)
def test_without_a_certificate_nothing_is_answered(land: FuzzLand, party: str) -> None:
    context = ssl.create_default_context(cafile=str(land.folder / party / "roots.pem"))
    answer = b""
    with (
        create_connection(("127.0.0.1", land.port(party)), timeout=ANSWER_S) as plain,
        suppress(ssl.SSLError, OSError),
        context.wrap_socket(plain, server_hostname=host_of(PartyName(party))) as far,
    ):
        far.sendall(b"POST /v1/gazette HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        answer = far.recv(1)
    assert answer == b""


def test_nothing_of_a_person_was_told_to_any_operator(land: FuzzLand, secrets: set[bytes]) -> None:
    """The last of this module: everything before has been told by now."""
    for party in NAMES:
        told = land.told(party)
        assert "kakine_ready 1.0" in told
        assert not [each for each in secrets if each in told.encode()], party
        assert '"level": "error"' not in told, party
