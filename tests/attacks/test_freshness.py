"""S4: whoever shows a reader the log of some time ago is noticed: by its age, or by somebody who has seen a later one.

A receipt is not: it proves for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from attacks.insider import taken_over
from forked_log import KEY, ORIGIN, Told
from kakine.cli.own_history import Read, own_history
from kakine.contracts.call import Nothing
from kakine.contracts.converter import HEAD, HeadSeen, LastHead
from kakine.contracts.ledger import CHECKPOINT, WITNESSED, Head
from kakine.country import CONVERTERS, LOGS
from kakine.crypto.merkle import EMPTY
from kakine.crypto.signing import SigningKey
from kakine.protocols.freshness import check_fresh, check_latest, young
from kakine.protocols.verification import verify
from kakine.values.problems import HeadForked, HeadStale, LogBehind, PartyUnavailable
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint, text_of
from kakine.wire.cosignature import cosign

from land import Land, ref

A, B = LOGS
NOW_MS = 1_800_000_000_000
WITNESS = SigningKey(b"w" * 32)
TOLD = Told()


def read(land: Land, export: Path | None = None) -> Read:
    return land.run(own_history(land.country, ref(0), export))


@pytest.fixture
def witnessed(land: Land) -> Land:
    """An exchange, an index, and a round of the witnesses."""
    land.run(land.ask(0))
    land.run(land.country.index())
    land.run(land.country.have_witnessed())
    return land


def test_a_view_is_public_while_the_witnesses_have_signed_lately(witnessed: Land) -> None:
    assert read(witnessed).public
    witnessed.clock.advance(290)
    assert read(witnessed).public


def test_s4_after_five_minutes_the_same_view_is_not_of_now_and_its_rows_stay_witnessed(
    witnessed: Land,
) -> None:
    before = read(witnessed)
    witnessed.clock.advance(301)
    late = read(witnessed)
    assert not late.public
    assert {each.code for each in late.stale.values()} == {"head-stale"}
    assert late.stale.keys() == {A.origin, B.origin}
    assert late.witnessed == before.witnessed
    assert late.complete


def test_the_head_of_before_signed_again_is_of_now(witnessed: Land) -> None:
    """A log may be silent: what counts is that nobody has seen a later head."""
    witnessed.clock.advance(3600)
    assert not read(witnessed).public
    witnessed.run(witnessed.country.have_witnessed())
    assert read(witnessed).public


def test_s4_one_log_of_which_nobody_has_heard_lately_is_enough(witnessed: Land) -> None:
    """The newer rows could be in that one."""
    witnessed.clock.advance(301)
    own = witnessed.country.ledgers.pop(B.ledger)
    witnessed.run(witnessed.country.have_witnessed())
    witnessed.country.ledgers[B.ledger] = own
    assert read(witnessed).stale.keys() == {B.origin}
    assert not read(witnessed).public


@contextmanager
def frozen(land: Land) -> Iterator[None]:
    """The ledger shows everybody who reads the heads of just now, whatever comes."""
    peers = land.country.peers("portal")
    kept = {call: land.run(peers.ask(A.ledger, call, Nothing())) for call in (CHECKPOINT, WITNESSED)}

    async def present(caller: str, asked: Nothing) -> Head:
        return kept[CHECKPOINT]

    async def cosigned(caller: str, asked: Nothing) -> Head:
        return kept[WITNESSED]

    with ExitStack() as stack:
        stack.enter_context(taken_over(land, A.ledger, CHECKPOINT, present))
        stack.enter_context(taken_over(land, A.ledger, WITNESSED, cosigned))
        yield


def test_s4_a_stale_head_is_noticed_by_whom_the_converters_tell_of_a_later_one(witnessed: Land) -> None:
    """At once, and the person is told that this is not all."""
    with frozen(witnessed):
        witnessed.run(witnessed.ask(0))
        seen = read(witnessed)
    assert [each.code for each in seen.accused.values()] == ["log-behind"]
    assert not seen.complete


def test_s4_a_stale_head_is_noticed_by_its_age_where_converters_keep_silent(witnessed: Land) -> None:
    """All three say that they have seen nothing. The witnesses' signatures grow old all the same."""

    async def nothing(caller: str, asked: LastHead) -> HeadSeen:
        return HeadSeen(0, EMPTY, b"")

    with frozen(witnessed), ExitStack() as stack:
        for name in CONVERTERS:
            stack.enter_context(taken_over(witnessed, name, HEAD, nothing))
        assert not read(witnessed).stale
        witnessed.clock.advance(301)
        witnessed.run(witnessed.country.ledgers[B.ledger].beat())
        late = read(witnessed)
    assert late.stale[A.origin].code == "head-stale"
    assert not late.accused


def test_a_receipt_of_long_ago_verifies_as_before(witnessed: Land, tmp_path: Path) -> None:
    read(witnessed, tmp_path / "mine")
    text = (tmp_path / "mine" / "policy.txt").read_bytes()
    receipts = sorted((tmp_path / "mine").glob("*.tlog-proof"))
    witnessed.clock.advance(10 * 365 * 86_400)
    assert receipts
    assert all(verify(text, each.read_bytes()).good for each in receipts)


# --- the rules --------------------------------------------------------------------------------------------------


def signed_at(seconds: int) -> bytes:
    note = TOLD.note(5)
    return note + cosign(text_of(note), "witness.example/w", WITNESS, seconds)


POLICY = policy.decode(
    policy.written(
        [policy.vkey(ORIGIN, policy.LOG, KEY.public)],
        {"w": policy.vkey("witness.example/w", policy.WITNESS, WITNESS.public)},
        {"all": (1, ["w"])},
    )
)


@pytest.mark.parametrize(("age", "good"), [(0, True), (300, True), (301, False), (-60, True), (-61, False)])
def test_a_signature_counts_for_five_minutes_and_not_before_its_time(age: int, *, good: bool) -> None:
    note = signed_at(NOW_MS // 1000 - age)
    if good:
        check_fresh(note, POLICY, NOW_MS)
        return
    with pytest.raises(HeadStale) as found:
        check_fresh(note, POLICY, NOW_MS)
    assert found.value.facts["seconds"] == age


def test_the_limit_is_a_setting() -> None:
    assert young({"w": NOW_MS // 1000 - 400}, NOW_MS, 400_000) == ["w"]
    assert young({"w": NOW_MS // 1000 - 401}, NOW_MS, 400_000) == []


def test_a_head_is_the_latest_unless_somebody_has_seen_a_larger_or_another_one() -> None:
    served = TOLD.head(5)
    check_latest(ORIGIN, served, [TOLD.head(4), served])
    with pytest.raises(LogBehind):
        check_latest(ORIGIN, served, [TOLD.head(6)])
    with pytest.raises(HeadForked):
        check_latest(ORIGIN, served, [Checkpoint(5, bytes(32))])


def test_who_cannot_ask_a_converter_does_not_say_that_the_view_is_of_now(witnessed: Land) -> None:
    async def silent(caller: str, asked: LastHead) -> HeadSeen:
        raise PartyUnavailable()

    with taken_over(witnessed, CONVERTERS[0], HEAD, silent):
        late = read(witnessed)
    assert {each.code for each in late.stale.values()} == {"party-unavailable"}
    assert not late.accused
