"""A head is publicly witnessed when the policy's quorum has signed, and then only; no exchange waits for it.

S10, S11, R3 and L3 are the numbers of the claims (spec/witness.md section 4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from forked_log import Told, key_of, witness
from kakine.clients.witnessing import Gathered, Gatherer, WitnessSite
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import (
    CHECKPOINT,
    WITNESSED,
    WITNESSED_ENTRIES,
    ByIndex,
    Proved,
)
from kakine.country import LEDGER, LOGS
from kakine.crypto.signing import SigningKey
from kakine.parties.witness.app import WitnessParty
from kakine.protocols import receipts
from kakine.protocols.logs import Log
from kakine.protocols.receipt_files import receipt_of
from kakine.protocols.verification import Verdict, verify
from kakine.protocols.witnessing import cosigners
from kakine.runtime.witness_roads import InProcessRoad
from kakine.values.problems import NotWitnessed, PartyUnavailable, QuorumMissing
from kakine.wire import policy as policies
from kakine.wire.policy import WITNESS, vkey, witness_key
from road import Away, away

from land import Land

TOLD, FORK = Told(), Told(fork_at=40)


def site(party: WitnessParty) -> WitnessSite:
    key = key_of(party)
    return WitnessSite(key.name, key, InProcessRoad(party.app))


def gathered(gatherer: Gatherer, told: Told, size: int, *parties: WitnessParty) -> Gathered:
    work = gatherer.gather(
        told.note(size), size, lambda old: told.proof(old, size), [site(party) for party in parties]
    )
    return asyncio.run(work)


# --- the log's side -------------------------------------------------------------------------------


def test_a_409_is_followed_with_the_proof_from_the_size_that_it_names(tmp_path: Path) -> None:
    """By a log that has forgotten, and by one that has not seen the witness for long."""
    with witness(tmp_path) as one:
        for gatherer, size in ((mine := Gatherer(), 10), (Gatherer(), 50), (mine, 300), (mine, 300)):
            found = gathered(gatherer, TOLD, size, one)
            assert (found.cosigned, found.refused) == ((key_of(one).name,), {})


def test_r3_a_log_put_back_from_a_backup_is_told_that_its_witnesses_have_seen_more(tmp_path: Path) -> None:
    """The whole of the ledger's side restored: the next heads are another history, or an older one."""
    with witness(tmp_path) as one:
        name = key_of(one).name
        gathered(Gatherer(), TOLD, 50, one)
        assert gathered(Gatherer(), TOLD, 45, one).refused == {name: "log-behind"}
        assert gathered(Gatherer(), FORK, 45, one).refused == {name: "log-behind"}
        assert gathered(Gatherer(), FORK, 50, one).refused == {name: "head-forked"}
        assert gathered(Gatherer(), FORK, 60, one).refused == {name: "consistency-invalid"}
        assert gathered(Gatherer(), TOLD, 60, one).refused == {}


def test_s11_a_witness_that_answers_with_a_key_that_is_not_in_the_policy_does_not_count(
    tmp_path: Path,
) -> None:
    """Rotated without the policy, or another's answer passed on."""
    with witness(tmp_path) as one:
        old = witness_key(vkey("witness.example/w1", WITNESS, SigningKey(b"O" * 32).public))
        asked = WitnessSite("w1", old, InProcessRoad(one.app))
        work = Gatherer().gather(TOLD.note(50), 50, lambda have: TOLD.proof(have, 50), [asked])
        found = asyncio.run(work)
        assert (found.note, found.refused) == (TOLD.note(50), {"w1": "cosignature-missing"})


def test_of_many_witnesses_one_that_is_away_takes_nobody_with_it(tmp_path: Path) -> None:
    with witness(tmp_path, "a.example/w") as one, witness(tmp_path, "b.example/w") as other:
        sites = [site(one), WitnessSite("gone", key_of(one), InProcessRoad(Away())), site(other)]
        work = Gatherer().gather(TOLD.note(50), 50, lambda have: TOLD.proof(have, 50), sites)
        found = asyncio.run(work)
        assert found.cosigned == ("a.example/w", "b.example/w")
        assert found.refused == {"gone": PartyUnavailable.code}


def test_a_witness_that_makes_no_sense_is_left(tmp_path: Path) -> None:
    class Odd:
        """Names the size it was told, as if that were a conflict."""

        async def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
            return 409, "text/x.tlog.size", body.split(b"\n")[0].removeprefix(b"old ") + b"\n"

    with witness(tmp_path) as one:
        work = Gatherer().gather(
            TOLD.note(50), 50, lambda have: TOLD.proof(have, 50), [WitnessSite("odd", key_of(one), Odd())]
        )
        assert asyncio.run(work).refused == {"odd": PartyUnavailable.code}


# --- the country ----------------------------------------------------------------------------------


@contextmanager
def without(land: Land, *names: str) -> Iterator[None]:
    """These witnesses answer nobody meanwhile."""
    with ExitStack() as stack:
        for name in names:
            if name in land.country.apps:
                stack.enter_context(away(land.country, name))
            else:
                party = land.country.watchers.party(name)
                stack.callback(setattr, party, "app", party.app)
                party.app = Away()
        yield


def covered(land: Land, index: int, log: Log = LOGS[0]) -> Proved:
    return land.run(land.country.peers("yokohama").ask(log.ledger, WITNESSED_ENTRIES, ByIndex(index)))


def verdict(land: Land, index: int, log: Log = LOGS[0]) -> Verdict:
    """Of the receipt file that anybody can have of this entry."""
    given = covered(land, index, log)
    key = land.country.book("yokohama").in_force(land.clock()).log_key(log.ledger)
    place = given.receipt
    head = receipts.verify(
        first=index,
        proof=place.proof,
        checkpoint=place.checkpoint,
        entries=given.entries,
        origin=log.origin,
        key=key,
    )
    proof = receipt_of(
        index,
        first=index,
        proof=place.proof,
        note=place.checkpoint,
        entries=given.entries,
        head=head,
    )
    return verify((land.folder / "policy.txt").read_bytes(), proof.encode())


def witnessed(land: Land, log: Log = LOGS[0]) -> Gathered:
    """What came of having the heads of all logs witnessed, for one of them."""
    return land.run(land.country.have_witnessed())[LOGS.index(log)]


def size_of(land: Land, log: Log = LOGS[0]) -> int:
    head = land.run(land.country.peers("yokohama").ask(log.ledger, CHECKPOINT, Nothing()))
    return int(head.checkpoint.split(b"\n")[1])


@pytest.mark.parametrize("log", LOGS, ids=["a", "b"])
def test_all_witnesses_sign_the_head_and_every_entry_is_publicly_witnessed(land: Land, log: Log) -> None:
    with ExitStack() as gone:
        for other in LOGS:
            if other != log:
                gone.enter_context(away(land.country, other.ledger))
        land.run(land.ask(0))
    found = witnessed(land, log)
    assert (len(found.cosigned), found.refused, found.size) == (8, {}, size_of(land, log))
    for index in (0, found.size - 1):
        said = verdict(land, index, log)
        assert (said.good, len(said.shown.witnesses)) == (True, 8)


@pytest.mark.parametrize(
    ("gone", "enough"),
    [
        (("citizens-watch",), True),
        (("citizens-watch", "peer"), True),
        (("citizens-watch", "university"), False),
        (("regulator", "peer"), False),
        (("converter-2",), False),
    ],
)
def test_s10_one_short_of_the_quorum_is_not_publicly_witnessed(
    land: Land, gone: tuple[str, ...], enough: bool
) -> None:
    with without(land, *gone):
        every = land.run(land.country.have_witnessed())
    assert [set(each.refused) for each in every] == [set(gone)] * len(LOGS)
    found = every[0]
    believed = policies.decode(land.country.policy)
    if enough:
        assert verdict(land, 0).good
        return
    with pytest.raises(QuorumMissing):
        believed.check_quorum(cosigners(found.note, believed))
    with pytest.raises(NotWitnessed):
        covered(land, 0)


def test_l3_while_all_outside_witnesses_are_away_exchanges_go_on_and_one_proof_catches_up(land: Land) -> None:
    first = witnessed(land)
    outside = tuple(land.country.watchers.vkeys())
    with without(land, *outside):
        for j in range(3):
            assert land.run(land.ask(j))
        found = witnessed(land)
        assert (set(found.refused), set(found.refused.values())) == (set(outside), {"party-unavailable"})
        assert verdict(land, first.size - 1).good
        with pytest.raises(NotWitnessed):
            covered(land, first.size)
    caught_up = witnessed(land)
    assert caught_up.refused == {}
    assert verdict(land, first.size).good


def test_the_policy_is_in_the_log_once_before_a_head_is_witnessed_under_it(land: Land) -> None:
    before = size_of(land)
    sizes = [land.run(land.country.have_witnessed())[0].size for _ in range(2)]
    assert sizes == [before + 1] * 2
    with land.reopened() as again:
        assert again.run(again.country.have_witnessed())[0].size == before + 1


def test_what_was_witnessed_is_served_after_a_restart_and_watchers_keep_their_keys(land: Land) -> None:
    first = witnessed(land)
    policy = land.country.policy
    with land.reopened() as again:
        assert again.country.policy == policy
        head = again.run(again.country.peers("yokohama").ask(LEDGER, WITNESSED, Nothing()))
        assert head.checkpoint == first.note
        assert [each.refused for each in again.run(again.country.have_witnessed())] == [{}] * len(LOGS)
