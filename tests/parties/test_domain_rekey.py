"""A domain re-keys: after it exchanges work as before, and the old codes are of no use to anybody."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from attacks.insider import taken_over
from kakine.contracts import converter
from kakine.contracts.commission import APPROVE, Approve
from kakine.contracts.converter import Rekey, Rekeyed
from kakine.contracts.ministry import PROPOSE, Draft
from kakine.country import COMMISSION, CONVERTERS, MINISTRY
from kakine.parties.converter import rekey as honest
from kakine.protocols.gates import WINDOW_MS
from kakine.runtime.codebook import token_of
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    DomainMoving,
    EpochNotInForce,
    PartyUnavailable,
    RecordRefused,
)
from kakine.wire.gazette import Gazette, encode

from land import CHILDREN, TAX, Land, ref


@pytest.fixture
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(
        tmp_path_factory.mktemp("rekey") / "land", people=3, domains=(CHILDREN, TAX)
    ) as founded:
        yield founded


def next_epoch(gazette: Gazette, name: str) -> Gazette:
    parties = tuple(
        msgspec.structs.replace(
            party,
            domains=tuple(
                msgspec.structs.replace(domain, epoch=domain.epoch + 1) if domain.name == name else domain
                for domain in party.domains
            ),
        )
        for party in gazette.parties
    )
    return msgspec.structs.replace(gazette, parties=parties)


def switch(land: Land, name: str) -> None:
    """Ministry and commission put the next epoch of a domain into force; the clock goes past the waiting time."""
    land.run(land.yokohama.office.move(name).join())
    law = land.country.book("yokohama").in_force(land.clock())
    effective = land.clock() + law.gazette.waiting_ms + 60_000
    draft = Draft(encode(next_epoch(law.gazette, name)), effective, "鍵の更新", "new keys")
    proposed = land.run(land.country.peers("ministry").ask(MINISTRY, PROPOSE, draft))
    if not proposed.published:
        land.run(land.country.peers("commission").ask(COMMISSION, APPROVE, Approve(proposed.digest)))
    land.clock.advance(law.gazette.waiting_ms / 1000 + 61)
    land.run(land.country.refresh())


def settle(land: Land) -> None:
    land.clock.advance(WINDOW_MS / 1000 + 1)


@pytest.mark.parametrize("domain", [CHILDREN, TAX])
def test_exchanges_work_after_a_rekey_and_data_has_followed(land: Land, domain: str) -> None:
    before = token_of(land.yokohama.office.db.read(), domain, ref(0))
    switch(land, domain)
    settle(land)
    assert land.run(land.yokohama.office.move(domain).move()) == 3
    assert token_of(land.yokohama.office.db.read(), domain, ref(0)) != before
    for j in range(3):
        answer = land.run(land.ask(j))
        assert (answer.result, b'"income":%d' % j in answer.data) == ("delivered", True)
    assert land.run(land.yokohama.office.move(domain).move()) == 0


def test_while_it_moves_a_domain_neither_asks_nor_answers(land: Land) -> None:
    for domain in (CHILDREN, TAX):
        switch(land, domain)
        with pytest.raises(DomainMoving):
            land.run(land.ask(0))
        settle(land)
        land.run(land.yokohama.office.move(domain).move())
        assert land.run(land.ask(0)).result == "delivered"


def test_an_old_code_is_of_no_use_in_either_epoch(land: Land) -> None:
    """A copy of the unwrapped codes from before: epoch 1 is not in force, and under epoch 2 they are nobody's."""
    stolen = land.code(CHILDREN, 0)
    old = land.requester()
    switch(land, CHILDREN)
    settle(land)
    land.run(land.yokohama.office.move(CHILDREN).move())
    with pytest.raises(EpochNotInForce):
        land.run(old.convert(land.run(old.prepare(land.wish([stolen])))))
    fresh = land.requester()
    with pytest.raises(RecordRefused):
        land.run(fresh.convert(land.run(fresh.prepare(land.wish([stolen])))))


def test_nothing_moves_before_the_law_does(land: Land) -> None:
    """Neither by the gateway's own software, nor by a call it writes itself."""
    assert land.run(land.yokohama.office.move(CHILDREN).move()) == 0
    asked = Rekey(CHILDREN, 1, bytes(16), land.clock(), bytes(32), bytes(64))
    with pytest.raises(CallerNotAllowed):
        land.run(land.country.peers("yokohama").ask(CONVERTERS[0], converter.REKEY, asked))
    switch(land, CHILDREN)
    with pytest.raises(DomainMoving):
        land.run(land.yokohama.office.move(CHILDREN).move())
    with pytest.raises(CallerNotAllowed):
        land.run(land.country.peers("sapporo").ask(CONVERTERS[0], converter.REKEY, asked))


def test_a_move_broken_off_goes_on_at_the_last_page(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third converter fails at the second of three pages; nothing is moved twice and nothing is left."""
    monkeypatch.setattr("kakine.clients.rekey.PAGE", 1)
    switch(land, CHILDREN)
    settle(land)
    calls = 0

    async def failing(caller: PartyName, message: Rekey) -> Rekeyed:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise PartyUnavailable()
        return await honest.rekey(land.country.converters[CONVERTERS[2]].office, caller, message)

    office = land.yokohama.office
    tokens = [token_of(office.db.read(), CHILDREN, ref(j)) for j in range(3)]
    with taken_over(land, CONVERTERS[2], converter.REKEY, failing):
        with pytest.raises(PartyUnavailable):
            land.run(office.move(CHILDREN).move())
        changed = [token_of(office.db.read(), CHILDREN, ref(j)) != tokens[j] for j in range(3)]
        assert sum(changed) == 1
        with pytest.raises(DomainMoving):
            land.run(land.ask(0))
        assert land.run(office.move(CHILDREN).move()) == 2
    assert [land.run(land.ask(j)).result for j in range(3)] == ["delivered"] * 3


def test_old_tokens_stay_until_they_are_forgotten(land: Land) -> None:
    office = land.yokohama.office
    old = token_of(office.db.read(), CHILDREN, ref(1))
    switch(land, CHILDREN)
    settle(land)
    land.run(office.move(CHILDREN).move())
    query = "SELECT token FROM former_token WHERE reference = ?"
    assert office.db.read().execute(query, (ref(1),)).fetchone()[0] == old
    land.run(office.move(CHILDREN).forget())
    assert office.db.read().execute(query, (ref(1),)).fetchone() is None
