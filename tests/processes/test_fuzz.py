"""Every call of every kind of party, over mutual TLS, with requests generated out of its OpenAPI document.

Never a fault, never a hang, never anything of a person in an answer, an event or a figure; what is refused leaves the
store as it was. `KAKINE_FUZZ=50` makes more requests of each sort (docs/howto/fuzz.md).
"""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from random import Random
from socket import create_connection

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from apart_country import running
from fuzzing import (
    AGENCY,
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
    together,
)
from kakine.contracts.call import Call, Role
from kakine.contracts.served import served_by
from kakine.runtime import gathering
from kakine.runtime.http import MEDIA, PROBLEM_MEDIA
from kakine.runtime.tls import host_of
from kakine.values.labels import PartyName

EVERY_KIND = pytest.mark.parametrize("kind", sorted(Role))
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzLand]:
    folder = tmp_path_factory.mktemp("fuzz") / "country"
    with running(folder, names=NAMES) as processes, closing(FuzzLand(processes)) as made:
        yield made


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


@EVERY_KIND
def test_calls_that_go_together_are_answered_each_by_itself(
    land: FuzzLand, secrets: set[bytes], kind: Role
) -> None:
    """Of the contracts, by one who may make some of them; and whatever else the document of `/v1/calls` allows."""
    to = PARTY_OF[kind]
    caller = next((each for each in NAMES if each != to and _may_some(kind, each)), to)

    def sent(body: bytes) -> list[tuple[int, str, bytes]]:
        status, media, answer = land.post(caller, to, gathering.PATH, body)
        assert not [each for each in secrets if each in answer]
        if status != 200:
            assert problem_of(status, media, answer) in ("message-malformed", "message-too-large")
            return []
        assert media == gathering.MEDIA
        told = sorted(gathering.frames(bytearray(answer)), key=lambda given: given.index)
        assert [each.index for each in told] == [*range(len(told))]
        return [(each.status, PROBLEM_MEDIA if each.status != 200 else MEDIA, each.body) for each in told]

    @FEW
    @given(together(kind))
    def of_the_contract(calls: list[tuple[Call, bytes]]) -> None:  # type: ignore[type-arg]
        told = sent(gathering.packed([(call.path, body) for call, body in calls]))
        assert len(told) == len(calls)
        for (call, _), answer in zip(calls, told, strict=True):
            if answer[0] == 200:
                assert decodes(call.gives, answer[2])
            else:
                assert problem_of(*answer) not in ("internal-fault", "message-malformed", "route-unknown")

    @FEW
    @given(operations(kind)[gathering.PATH]["POST"].as_strategy(POSITIVE), st.integers(0, 1 << 32))
    def of_any_path(case: schemathesis.Case, seed: int) -> None:
        body = case.as_transport_kwargs("https://x")["data"]
        told = sent(body)
        assert {problem_of(*each) for each in told} == {"route-unknown"}
        for answer in sent(harmed(Random(seed), body)):
            assert answer[0] == 200 or problem_of(*answer) != "internal-fault"

    @FEW
    @given(operations(kind)[gathering.PATH]["POST"].as_strategy(NEGATIVE))
    def misshaped(case: schemathesis.Case) -> None:
        for answer in sent(case.as_transport_kwargs("https://x")["data"]):
            assert problem_of(*answer) != "internal-fault"

    before = land.store(to)
    of_any_path()
    misshaped()
    assert land.store(to) == before
    of_the_contract()


@pytest.mark.parametrize(("to", "path"), [("converter-1", "/add-checkpoint"), ("authority", "/ocsp/card")])
def test_what_a_party_serves_beside_calls_harms_none_that_goes_with_it(
    land: FuzzLand, to: str, path: str
) -> None:
    bodies = [b"", b"\xff" * 40, b"old 0\n\n", bytes(1 << 16), packed({})]
    calls = [each for body in bodies for each in ((path, body), (f"{path}/../x", body), ("/v1/none", b""))]
    status, _, answer = land.post(AGENCY, to, gathering.PATH, gathering.packed(calls))
    told = {each.index: each.status for each in gathering.frames(bytearray(answer))}
    assert (status, sorted(told)) == (200, [*range(len(calls))])
    assert max(told.values()) < 500


def _may_some(kind: Role, name: str) -> bool:
    return any(holder(call, PARTY_OF[kind]) == name for call in calls(kind))


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
        context.wrap_socket(plain, server_hostname=host_of(PartyName(party))) as far,
        suppress(ssl.SSLError, ConnectionError),  # the far end refuses once this one has ended its part
    ):
        far.sendall(b"POST /v1/gazette HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        answer = far.recv(1)
    assert answer == b""


def test_nothing_of_a_person_was_told_to_any_operator(land: FuzzLand, secrets: set[bytes]) -> None:
    """The last of this module: everything before has been told by now."""
    land.processes.wait(NAMES)
    for party in NAMES:
        told = land.told(party)
        assert "kakine_ready 1.0" in told
        assert not [each for each in secrets if each in told.encode()], party
        assert '"level": "error"' not in told, party


def test_figures_have_no_more_labels_than_there_are_calls_and_parties(land: FuzzLand) -> None:
    """After all that was sent above; calls that go together are counted under a name of their own."""
    for kind, party in PARTY_OF.items():
        land.post(AGENCY, party, gathering.PATH, gathering.packed([("/v1/none", b"")]))
        told = re.findall(
            r'^kakine_calls_total{call="(.*)",peer="(.*)",status="(.*)"} ', land.told(party), re.M
        )
        assert told
        assert {each[0] for each in told} <= {"", "/add-checkpoint", gathering.PATH, *served_by(kind)}
        assert gathering.PATH in {each[0] for each in told}
        assert {each[1] for each in told} <= {"", *NAMES, "auditor"}
        assert {each[2] for each in told} <= {f"{each}xx" for each in range(1, 6)}
