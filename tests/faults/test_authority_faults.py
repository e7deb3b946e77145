"""The authority under faults: each write fails before and after it is stored, and the same call again puts it right.

Afterwards there is one certificate for one voucher, one text for each version of a list, and one batch of each number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from counter import Counter
from kakine.crypto import keys, x509, x509_issue
from kakine.protocols.issuance import check_own
from kakine.protocols.status import check_status
from kakine.runtime.database import Database
from kakine.values.certificates import Algorithm, Profile, Use
from kakine.values.problems import CertificateRevoked, Problem, StoreFailed


class Strike:
    """Fails the write with this number, before it is done or just after."""

    def __init__(self, db: Database, number: int, *, after: bool) -> None:
        self._db = db
        self._number = number
        self._after = after
        self.seen = 0
        self._write = db.write

    async def __call__(self, work: Callable[..., Any]) -> Any:
        self.seen += 1
        if self.seen - 1 != self._number:
            return await self._write(work)
        if self._after:
            await self._write(work)
        raise StoreFailed(reason="struck")


@contextmanager
def struck(counter: Counter, number: int, *, after: bool) -> Iterator[Strike]:
    db = counter.authority.office.db
    strike = Strike(db, number, after=after)
    db.write = strike  # type: ignore[method-assign]
    try:
        yield strike
    finally:
        del db.write  # type: ignore[method-assign]


def rows(counter: Counter, text: str) -> list[tuple[Any, ...]]:
    return counter.authority.office.db.read().execute(text).fetchall()


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """With its roots made, so that every write that follows is of the matter at hand."""
    with Counter.opened(tmp_path_factory.mktemp("faults")) as opened:
        opened.certified(Profile.AUTHENTICATION)
        opened.publish()
        yield opened


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_an_issuance_that_a_write_broke_is_carried_on(counter: Counter, number: int, after: bool) -> None:
    asked = x509_issue.request(keys.generate(Algorithm.P_384), "card")
    voucher = counter.vouched(Use.AUTHENTICATION)
    before = len(rows(counter, "SELECT serial FROM certificate"))
    with struck(counter, number, after=after) as strike, pytest.raises(Problem):
        counter.certify(Profile.AUTHENTICATION, asked, voucher)
    assert strike.seen == number + 1
    given = counter.certify(Profile.AUTHENTICATION, asked, voucher)
    assert counter.certify(Profile.AUTHENTICATION, asked, voucher) == given
    assert len(rows(counter, "SELECT serial FROM certificate")) == before + 1
    assert rows(counter, "SELECT serial FROM certificate WHERE state = 'intended'") == []
    x509.verify(given.certificate, counter.roots(), Use.AUTHENTICATION, counter.now_s)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(5))
def test_a_publication_that_a_write_broke_is_finished_by_the_next(
    counter: Counter, number: int, after: bool
) -> None:
    """Tidying, the list begun and signed, the revocation list begun and signed."""
    card = counter.certified(Profile.AUTHENTICATION)
    read = counter.read(card, Use.AUTHENTICATION)
    counter.land.run(counter.authority.revoke(read.serial))
    served = counter.tokens(read.list_uri) if rows(counter, "SELECT 1 FROM status_version") else None
    with struck(counter, number, after=after) as strike, pytest.raises(Problem):
        counter.publish()
    assert strike.seen == number + 1
    if served is not None and number < 2:
        assert counter.tokens(read.list_uri) == served  # what was there is served on
    counter.publish()
    with pytest.raises(CertificateRevoked):
        check_status(read, counter.held(read.list_uri), counter.now_s)
    versions = rows(counter, "SELECT version FROM status_version ORDER BY version")
    assert [row[0] for row in versions] == list(range(versions[0][0], versions[0][0] + len(versions)))
    assert rows(counter, "SELECT 1 FROM crl WHERE der IS NULL OR entries IS NULL") == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_a_batch_that_a_write_broke_is_logged_once(counter: Counter, number: int, after: bool) -> None:
    card = counter.certified(Profile.AUTHENTICATION)
    with struck(counter, number, after=after), pytest.raises(Problem):
        counter.land.run(counter.authority.log(now=True))
    counter.land.run(counter.authority.log(now=True))
    batches = counter.batches()
    assert [each.batch.number for each in batches] == list(range(1, len(batches) + 1))
    own = {row[0] for row in rows(counter, "SELECT hashed FROM certificate")}
    assert check_own(batches, card.certified.account_key, own) == len(own)
