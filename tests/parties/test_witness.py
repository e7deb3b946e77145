"""A witness as others see it: two plain HTTP calls, and what it has on disk before it answers."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forked_log import KEY, NOW_MS, ORIGIN, Told, key_of, witness, witness_named
from kakine.crypto.signing import SigningKey
from kakine.parties.witness.app import WitnessParty
from kakine.parties.witness.settings import read, signing_key
from kakine.protocols.witnessing import accepted
from kakine.runtime import heads
from kakine.values.problems import SettingsMalformed, StoreFailed, StoreInUse
from kakine.wire import checkpoint as notes
from kakine.wire.cosignature import cosigned
from road import Reply, raw_call
from tile_log import VKEY

TOLD, FORK = Told(), Told(fork_at=40)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[WitnessParty]:
    with witness(tmp_path) as made:
        yield made


def add(party: WitnessParty, body: bytes) -> Reply:
    return asyncio.run(raw_call(party.app, None, "/add-checkpoint", body))


def latest(party: WitnessParty, origin: str = ORIGIN) -> Reply:
    path = f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
    return asyncio.run(raw_call(party.app, None, path, b"", method="GET"))


def stored(party: WitnessParty) -> int:
    return heads.find(party.database.read(), ORIGIN)[0].size


def test_a_head_is_answered_with_a_cosignature_of_its_time(one: WitnessParty) -> None:
    for old, size in ((0, 5), (5, 5), (5, 64)):
        reply = add(one, TOLD.body(old, size))
        assert (reply.status, reply.media) == (200, "text/plain")
        known = key_of(one)
        line = accepted(TOLD.note(size), reply.body, known)
        times = cosigned(TOLD.note(size) + line, known.name, known.id, known.key)
        assert times == [NOW_MS // 1000]


def test_the_last_head_can_be_read_cosigned(one: WitnessParty) -> None:
    assert latest(one).status == 404
    add(one, TOLD.body(0, 5))
    reply = latest(one)
    assert notes.open(reply.body, ORIGIN, KEY.public) == TOLD.head(5)
    known = key_of(one)
    assert cosigned(reply.body, known.name, known.id, known.key) == [NOW_MS // 1000]
    assert latest(one, "ledger.example/2027/a").status == 404


def test_each_refusal_has_the_status_of_the_standard(one: WitnessParty) -> None:
    add(one, TOLD.body(0, 50))
    other = Told(origin="ledger.example/2027/a")
    stranger = Told(key=SigningKey(b"X" * 32))
    cases = [
        (b"old\n\n" + TOLD.note(5), 400),
        (b"old 6\n\n" + TOLD.note(5), 400),
        (b"old 0\n\nnot a checkpoint", 400),
        (b"x" * (1 << 18), 400),
        (other.body(0, 5), 404),
        (stranger.body(50, 60), 403),
        (TOLD.body(0, 60), 409),
        (FORK.body(50, 50), 409),
        (FORK.body(50, 60), 422),
    ]
    for body, status in cases:
        assert add(one, body).status == status
        assert stored(one) == 50


def test_a_conflict_names_the_size_in_its_own_media_type(one: WitnessParty) -> None:
    add(one, TOLD.body(0, 50))
    reply = add(one, TOLD.body(49, 60))
    assert (reply.status, reply.media, reply.body) == (409, "text/x.tlog.size", b"50\n")


def test_a_witness_keeps_its_head_over_a_restart(tmp_path: Path) -> None:
    with witness(tmp_path) as before:
        add(before, TOLD.body(0, 50))
    with witness(tmp_path) as after:
        assert stored(after) == 50
        assert add(after, TOLD.body(0, 60)).status == 409
        assert add(after, TOLD.body(50, 60)).status == 200


def test_nothing_is_signed_when_the_store_fails(one: WitnessParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Persist before answering: a head that is not on disk is not cosigned."""

    async def failing(*_: object) -> None:
        raise StoreFailed()

    monkeypatch.setattr(one.database, "write", failing)
    reply = add(one, TOLD.body(0, 5))
    assert (reply.status, b"\xe2\x80\x94" in reply.body) == (503, False)


def test_one_process_holds_a_store(tmp_path: Path) -> None:
    with witness(tmp_path), pytest.raises(StoreInUse):
        witness_named(tmp_path)


def test_a_fork_that_was_shown_is_kept_as_proof(one: WitnessParty) -> None:
    """Two notes, one size, two roots, both signed: anybody with the log's key can see that it lied."""
    add(one, TOLD.body(0, 50))
    add(one, FORK.body(50, 50))
    add(one, FORK.body(50, 50))
    [note] = heads.forks(one.database.read(), ORIGIN)
    assert notes.open(note, ORIGIN, KEY.public) == FORK.head(50)
    assert notes.open(heads.find(one.database.read(), ORIGIN)[1], ORIGIN, KEY.public) == TOLD.head(50)


def settings(folder: Path, text: str = "", **changed: str) -> Path:
    fields = {
        "name": '"witness.example/w1"',
        "logs": f'["{VKEY}"]',
        "database": '"w.sqlite"',
        "seed": '"w.seed"',
    }
    lines = [f"{name} = {value}" for name, value in {**fields, **changed}.items() if value]
    path = folder / "witness.toml"
    path.write_text("\n".join([*lines, text]))
    return path


def test_settings_are_read_with_their_files_beside_them(tmp_path: Path) -> None:
    found = read(settings(tmp_path))
    assert (found.database, found.seed, found.host) == (
        tmp_path / "w.sqlite",
        tmp_path / "w.seed",
        "127.0.0.1",
    )
    assert found.keys() == {ORIGIN: (KEY.public,)}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": '"two words"'},
        {"name": '""'},
        {"logs": "[]"},
        {"logs": '["ledger.example+00000000+AAAA"]'},
        {"port": "65536"},
        {"port": '"80"'},
        {"colour": '"red"'},
        {"database": '"nowhere/w.sqlite"'},
        {"database": "["},
    ],
)
def test_settings_that_are_not_what_they_must_be_are_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    with pytest.raises(SettingsMalformed):
        read(settings(tmp_path, **changed))


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    seed = tmp_path / "w.seed"
    first = signing_key(seed, os.urandom)
    assert signing_key(seed, os.urandom).public == first.public
    assert seed.stat().st_mode & 0o777 == 0o600


def test_a_seed_that_others_may_read_or_of_another_length_is_refused(tmp_path: Path) -> None:
    seed = tmp_path / "w.seed"
    signing_key(seed, os.urandom)
    seed.chmod(0o640)
    with pytest.raises(SettingsMalformed):
        signing_key(seed, os.urandom)
    seed.chmod(0o600)
    seed.write_bytes(bytes(31))
    with pytest.raises(SettingsMalformed):
        signing_key(seed, os.urandom)
