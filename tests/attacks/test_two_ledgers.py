"""One ledger may be away; both may not, and neither's word counts for the other (O16, T11)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from kakine.cli.demo_checks import head
from kakine.clients.carrier import filed_of
from kakine.contracts.ledger import Appended
from kakine.country import LOGS, signer_of
from kakine.crypto.merkle import leaf_hash
from kakine.parties.gateway.asking import Answered
from kakine.protocols.logs import Log
from kakine.runtime import codebook
from kakine.values.problems import CheckpointInvalid, PartyUnavailable, SignatureInvalid
from kakine.wire import checkpoint
from kakine.wire.checkpoint import origin_of
from road import away

from land import Land

A, B = LOGS


def size(land: Land, log: Log) -> int:
    return land.run(head(land.country, log)).size


@contextmanager
def both_away(land: Land) -> Iterator[None]:
    with ExitStack() as gone:
        for log in LOGS:
            gone.enter_context(away(land.country, log.ledger))
        yield


def logs_of_receipts(land: Land) -> list[str]:
    kept = codebook.receipts(land.yokohama.office.db.read())
    return [origin_of(filed_of(filed).receipt.checkpoint) for _, filed, _, _ in kept]


@pytest.mark.parametrize(("gone", "used"), [(A, B), (B, A)], ids=["a", "b"])
def test_o16_while_one_ledger_is_away_exchanges_go_on_with_receipts_of_the_other(
    land: Land, gone: Log, used: Log
) -> None:
    before, kept = size(land, used), len(logs_of_receipts(land))
    with away(land.country, gone.ledger):
        given = land.run(land.ask(0))
    assert isinstance(given, Answered)
    assert given.result == "delivered"
    assert size(land, used) == before + 2
    assert logs_of_receipts(land)[kept:] == [used.origin]


def test_o16_while_both_are_away_nothing_is_released(land: Land) -> None:
    before = [size(land, log) for log in LOGS], len(logs_of_receipts(land))
    with both_away(land):
        for j in range(3):
            with pytest.raises(PartyUnavailable):
                land.run(land.ask(j))
    assert ([size(land, log) for log in LOGS], len(logs_of_receipts(land))) == before
    for _, result in land.run(land.yokohama.desk.carrier.resume(lambda _: land.requester())):
        assert isinstance(result, tuple)
        assert result[0].result == "delivered"


class LosesAnswers:
    """A ledger that appends, and whose answer then gets lost."""

    def __init__(self, app: object) -> None:
        self.app = app

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        async def nowhere(message: object) -> None:
            pass

        if scope["path"] == "/v1/append":  # type: ignore[index]
            await self.app(scope, receive, nowhere)  # type: ignore[operator]
            raise PartyUnavailable()
        await self.app(scope, receive, send)  # type: ignore[operator]


def test_o16_entries_whose_receipt_was_lost_are_asked_for_where_they_stand(land: Land) -> None:
    """A is away and B's answer is lost; when A is back, the entries are not logged there too."""
    apps, before = land.country.apps, [size(land, log) for log in LOGS]
    asked = land.run(land.requester().prepare(land.wish([land.code(land.domains[0], 0)])))
    own = apps[B.ledger]
    apps[B.ledger] = LosesAnswers(own)  # type: ignore[assignment]
    with away(land.country, A.ledger), pytest.raises(PartyUnavailable):
        land.run(land.requester().convert(asked))
    apps[B.ledger] = own
    converted = land.run(land.requester().convert(asked))
    assert [size(land, log) for log in LOGS] == [before[0], before[1] + 1]
    assert origin_of(converted.filed.receipt.checkpoint) == B.origin
    assert land.run(land.requester().release(asked, converted))


def test_o16_the_first_receipt_stays_the_one_of_its_request(land: Land) -> None:
    """Were there two, one exchange would have two places, and no converter could say which it released."""
    asked = land.run(land.requester().prepare(land.wish([land.code(land.domains[0], 0)])))
    with away(land.country, A.ledger):
        converted = land.run(land.requester().convert(asked))
    kept = [size(land, log) for log in LOGS]
    again = land.run(land.requester().convert(asked))
    assert again.filed.receipt == converted.filed.receipt
    assert [size(land, log) for log in LOGS] == kept
    assert land.run(land.requester().release(asked, again))


@pytest.mark.parametrize(("origin", "signs"), [(A.origin, B), (B.origin, A)], ids=["b as a", "a as b"])
def test_t11_a_head_of_one_ledger_is_none_of_the_other(land: Land, origin: str, signs: Log) -> None:
    asked = land.run(land.requester().prepare(land.wish([land.code(land.domains[0], 0)])))
    converted = land.run(land.requester().convert(asked))
    key = land.country.identities[signer_of(signs)].signing
    note = checkpoint.make(origin, 1, leaf_hash(asked.entries), key)
    filed = msgspec.structs.replace(converted.filed, receipt=Appended(0, [], note))
    with pytest.raises(SignatureInvalid):
        land.run(land.requester().release(asked, msgspec.structs.replace(converted, filed=filed)))


@pytest.mark.parametrize("origin", ["ledger.kakine.example/2025/a", "ledger.kakine.example/2026/c"])
def test_t11_a_head_of_another_year_or_instance_is_none(land: Land, origin: str) -> None:
    asked = land.run(land.requester().prepare(land.wish([land.code(land.domains[0], 0)])))
    converted = land.run(land.requester().convert(asked))
    note = checkpoint.make(origin, 1, leaf_hash(asked.entries), land.country.identities[signer_of(A)].signing)
    filed = msgspec.structs.replace(converted.filed, receipt=Appended(0, [], note))
    with pytest.raises(CheckpointInvalid):
        land.run(land.requester().release(asked, msgspec.structs.replace(converted, filed=filed)))
