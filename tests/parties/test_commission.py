"""The commission publishes what was rightly made, after it stands in the ledger, and stops what must stop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp

import log_signer
from gazette_country import NOW, WAIT, altered, anchors, first, identity
from kakine.clients.gazette import Sources, refresh, take
from kakine.contracts.call import Body, Call, Nothing, Role
from kakine.contracts.commission import (
    APPROVE,
    CURRENT,
    PROPOSALS,
    PUBLISH,
    REFUSE,
    SUSPEND,
    Approve,
    Narrow,
    Propose,
    Refuse,
    Since,
    Stop,
)
from kakine.contracts.ledger import ENTRIES, ByIndex
from kakine.contracts.ministry import NARROW, PROPOSE, Draft
from kakine.parties.commission.app import Commission
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ministry.app import Ministry
from kakine.parties.ministry.settings import MinistrySettings
from kakine.parties.signer.app import Signer
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import Log, LogBook
from kakine.protocols.published import NEVER
from kakine.runtime.http import InProcess, Peers
from kakine.values import problems
from kakine.values.labels import PartyName
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.gazette import Gazette, decode, encode, gazette_digest
from log_signer import SIGNER

ORIGIN = "ledger.example/2026/a"
COMMISSION, MINISTRY, LEDGER = PartyName("commission"), PartyName("ministry"), PartyName("ledger-a")
LOGS = LogBook((Log(LEDGER, ORIGIN),))
SOURCES = Sources(COMMISSION, LOGS)
ASK = ("yokohama/children", "sapporo/tax", "JO106", ["JO106.2"])
STOP = Narrow([Stop("party", "sapporo")], [], "漏えい", "leak")
ROLES = {COMMISSION: Role.COMMISSION, MINISTRY: Role.MINISTRY}


@dataclass
class Country:
    """Ledger, commission and ministry in one process; `now_ms` is everybody's clock."""

    folder: Path
    now_ms: int = NOW
    apps: dict[PartyName, ASGIApp] = field(default_factory=dict)
    open: list[Signer | Ledger | Commission | Ministry] = field(default_factory=list)

    def clock(self) -> int:
        return self.now_ms

    def peers(self, name: str) -> Peers:
        return Peers(InProcess(PartyName(name), self.apps))

    async def open_ledger(self) -> None:
        key = identity(SIGNER).signing
        signer = log_signer.opened(self.folder, ORIGIN, key)
        self.open.append(signer)
        ledger = await Ledger.open(
            LedgerSettings(ORIGIN, self.folder / "ledger.sqlite", SIGNER, key.public),
            lambda name: identity(name).signing.public,
            lambda role: [name for name, own in ROLES.items() if own is role],
            lambda name: frozenset({ROLES.get(name, Role.GATEWAY)}),
            log_signer.road(signer),
            self.clock,
        )
        self.apps[LEDGER] = ledger.app
        self.open.append(ledger)

    def open_commission(self) -> Commission:
        settings = CommissionSettings(self.folder / "commission.sqlite", LOGS)
        commission = Commission.open(
            settings, identity("commission"), anchors(), self.peers("commission"), self.clock
        )
        self.apps[COMMISSION] = commission.app
        self.open.append(commission)
        return commission

    def open_ministry(self) -> Ministry:
        settings = MinistrySettings(self.folder / "ministry.sqlite", COMMISSION, LOGS)
        ministry = Ministry.open(
            settings, identity("ministry"), LawBook(anchors()), self.peers("ministry"), self.clock
        )
        self.apps[MINISTRY] = ministry.app
        self.open.append(ministry)
        return ministry

    async def ask(self, caller: str, to: PartyName, call: Call, message: Body):  # type: ignore[type-arg,no-untyped-def]
        return await self.peers(caller).ask(to, call, message)

    async def book(self) -> LawBook:
        """What a party that knows only the founders' keys makes of all that is handed out."""
        laws = LawBook(anchors())
        await refresh(laws, self.peers("yokohama"), SOURCES, self.clock)
        return laws


@asynccontextmanager
async def founded(folder: Path) -> AsyncIterator[Country]:
    country = Country(folder)
    try:
        await country.open_ledger()
        commission, ministry = country.open_commission(), country.open_ministry()
        encoded = encode(first())
        await commission.found(encoded, await ministry.found(encoded))
        yield country
    finally:
        for party in country.open:
            party.close()


def in_a_country(folder: Path, test: Callable[[Country], Awaitable[None]]) -> None:
    async def run() -> None:
        async with founded(folder) as country:
            await test(country)

    asyncio.run(run())


def wider(gazette: Gazette) -> Gazette:
    return altered(gazette, "rows", "JO106.2", start=1)


def draft(content: Gazette, effective_ms: int) -> Draft:
    return Draft(encode(content), effective_ms, "理由", "reason")


async def proposed(country: Country, effective_ms: int) -> bytes:
    content = wider((await country.book()).in_force(country.now_ms).gazette)
    answer = await country.ask("ministry", MINISTRY, PROPOSE, draft(content, effective_ms))
    assert not answer.published
    return answer.digest


def test_the_first_version_stands_in_the_ledger_before_anybody_gets_it(tmp_path: Path) -> None:
    """Its entry is of kind governance, never expires, and holds the version's digest and nothing else."""

    async def test(country: Country) -> None:
        (version,) = (await country.ask("yokohama", COMMISSION, CURRENT, Since(0))).versions
        logged = await country.ask("yokohama", LEDGER, ENTRIES, ByIndex(version.receipt.first))
        entry = Entry.decode(logged.entries)
        assert logged.entries == version.entry
        assert (entry.kind, entry.expiry_months) == (EntryKind.GOVERNANCE, NEVER)
        assert entry.payload_digest == gazette_digest(version.gazette)
        laws = await country.book()
        laws.in_force(NOW).permit(*ASK, NOW)

    in_a_country(tmp_path, test)


def test_a_widening_goes_from_proposal_over_review_and_waiting_into_force(tmp_path: Path) -> None:
    """The ministry proposes, the commission reads each change in words and approves, the day must come."""

    async def test(country: Country) -> None:
        digest = await proposed(country, NOW + 2 * WAIT)
        (open_,) = (await country.ask("commission", COMMISSION, PROPOSALS, Nothing())).proposals
        assert [(c.widens, c.name) for c in open_.changes] == [(True, "JO106.2")]
        assert open_.changes[0].ja.endswith("。")
        country.now_ms += WAIT
        await country.ask("commission", COMMISSION, APPROVE, Approve(digest))
        laws = await country.book()
        assert laws.in_force(NOW + 2 * WAIT - 1).gazette.number == 0
        assert laws.in_force(NOW + 2 * WAIT).gazette.number == 1
        assert (await country.ask("commission", COMMISSION, PROPOSALS, Nothing())).proposals == []
        again = await country.ask("commission", COMMISSION, APPROVE, Approve(digest))
        assert gazette_digest(again.gazette) == digest

    in_a_country(tmp_path, test)


def test_a_proposal_lies_until_it_is_approved(tmp_path: Path) -> None:
    """The ministry's signature publishes no widening."""

    async def test(country: Country) -> None:
        await proposed(country, NOW + WAIT)
        assert len((await country.book()).published) == 1

    in_a_country(tmp_path, test)


def test_approval_too_late_for_the_waiting_time_publishes_nothing(tmp_path: Path) -> None:
    """The waiting time runs from the approval; the ministry must propose again."""

    async def test(country: Country) -> None:
        digest = await proposed(country, NOW + WAIT)
        country.now_ms += 1
        with pytest.raises(problems.GazetteTooSoon):
            await country.ask("commission", COMMISSION, APPROVE, Approve(digest))
        assert len((await country.book()).published) == 1
        await country.ask("commission", COMMISSION, REFUSE, Refuse(digest, "late"))
        with pytest.raises(problems.ProposalUnknown):
            await country.ask("commission", COMMISSION, APPROVE, Approve(digest))

    in_a_country(tmp_path, test)


def test_the_commission_alone_stops_a_party_at_once(tmp_path: Path) -> None:
    """One call of its own operator, and everybody who asks for the law refuses the exchange."""

    async def test(country: Country) -> None:
        await country.ask("commission", COMMISSION, SUSPEND, STOP)
        laws = await country.book()
        with pytest.raises(problems.Suspended):
            laws.in_force(country.now_ms).permit(*ASK, country.now_ms)

    in_a_country(tmp_path, test)


def test_the_ministry_alone_stops_a_row_at_once(tmp_path: Path) -> None:
    """The commission publishes a narrowing unseen: it may not hold it back for review."""

    async def test(country: Country) -> None:
        answer = await country.ask("ministry", MINISTRY, NARROW, Narrow([], ["JO106.2"], "不要", "unused"))
        assert answer.published
        assert [change.en for change in answer.changes] == ["Strikes the row JO106.2."]
        with pytest.raises(problems.RowUnknown):
            (await country.book()).in_force(NOW).permit(*ASK, NOW)

    in_a_country(tmp_path, test)


def test_a_suspension_drops_what_was_waiting_and_a_stale_proposal_cannot_be_approved(tmp_path: Path) -> None:
    """A proposal made before it no longer continues the chain."""

    async def test(country: Country) -> None:
        digest = await proposed(country, NOW + WAIT)
        await country.ask("commission", COMMISSION, SUSPEND, STOP)
        with pytest.raises(problems.GazetteNotNext):
            await country.ask("commission", COMMISSION, APPROVE, Approve(digest))
        await country.ask("commission", COMMISSION, APPROVE, Approve(await proposed(country, NOW + WAIT)))
        assert [law.gazette.number for law in (await country.book()).published] == [0, 1, 2]

    in_a_country(tmp_path, test)


@pytest.mark.parametrize("caller", ["ministry", "yokohama", "portal", "stranger"])
def test_only_its_own_operator_approves_refuses_and_suspends(tmp_path: Path, caller: str) -> None:
    """The ministry cannot approve what it proposed; an agency cannot stop another."""

    async def test(country: Country) -> None:
        digest = await proposed(country, NOW + WAIT)
        for call, message in (
            (APPROVE, Approve(digest)),
            (REFUSE, Refuse(digest, "no")),
            (SUSPEND, STOP),
            (PROPOSALS, Nothing()),
        ):
            with pytest.raises(problems.CallerNotAllowed):
                await country.ask(caller, COMMISSION, call, message)

    in_a_country(tmp_path, test)


@pytest.mark.parametrize("caller", ["commission", "yokohama", "stranger"])
def test_only_the_ministry_proposes_and_only_its_operator_makes_it_sign(tmp_path: Path, caller: str) -> None:
    """Not even the commission."""

    async def test(country: Country) -> None:
        with pytest.raises(problems.CallerNotAllowed):
            await country.ask(caller, MINISTRY, PROPOSE, draft(first(), NOW))
        with pytest.raises(problems.CallerNotAllowed):
            await country.ask(caller, COMMISSION, PUBLISH, Propose(encode(first()), bytes(64)))

    in_a_country(tmp_path, test)


def test_the_ministry_signs_nothing_that_changes_nothing_contradicts_itself_or_comes_too_soon(
    tmp_path: Path,
) -> None:
    """It finds out before it signs, not from the commission's refusal."""

    async def test(country: Country) -> None:
        for content, effective_ms, problem in (
            (first(), NOW + WAIT, problems.GazetteUnchanged),
            (wider(first()), NOW + WAIT - 1, problems.GazetteTooSoon),
            (altered(first(), "rows", "JO106.2", item="TK-9999"), NOW + WAIT, problems.GazetteInconsistent),
        ):
            with pytest.raises(problem):
                await country.ask("ministry", MINISTRY, PROPOSE, draft(content, effective_ms))
        stored = sqlite3.connect(tmp_path / "ministry.sqlite")
        assert stored.execute("SELECT count(*) FROM signed").fetchone() == (1,)
        stored.close()

    in_a_country(tmp_path, test)


def test_a_proposal_somebody_else_signed_is_not_kept(tmp_path: Path) -> None:
    """The caller's identity is not enough: the bytes must carry the ministry's signature."""

    async def test(country: Country) -> None:
        encoded = encode(first())
        forged = identity("stranger").signing.sign("gazette-ministry", gazette_digest(encoded))
        with pytest.raises(problems.SignatureInvalid):
            await country.ask("ministry", COMMISSION, PUBLISH, Propose(encoded, forged))

    in_a_country(tmp_path, test)


@pytest.mark.parametrize(
    ("stop", "problem"),
    [
        (Stop("party", "atlantis"), problems.GazetteInconsistent),
        (Stop("person", "x"), problems.GazetteInconsistent),
        (Stop("ground", "OWN-HISTORY"), problems.GazetteNotNarrowing),
    ],
)
def test_what_cannot_be_suspended_is_refused(
    tmp_path: Path, stop: Stop, problem: type[problems.Problem]
) -> None:
    """Nothing of that name, no such kind of thing, or a ground that serves the person."""

    async def test(country: Country) -> None:
        with pytest.raises(problem):
            await country.ask("commission", COMMISSION, SUSPEND, Narrow([stop], [], "理由", "reason"))
        assert len((await country.book()).published) == 1

    in_a_country(tmp_path, test)


def test_without_the_ledger_nothing_is_published_and_afterwards_the_intent_is_carried_out(
    tmp_path: Path,
) -> None:
    """No version is handed out without a receipt; the same call later gives the same version."""

    async def test(country: Country) -> None:
        ledger = country.apps[LEDGER]
        country.apps[LEDGER] = Response(status_code=503)
        with pytest.raises(problems.PartyUnavailable):
            await country.ask("commission", COMMISSION, SUSPEND, STOP)
        assert len((await country.book()).published) == 1
        country.apps[LEDGER] = ledger
        commission = next(party for party in country.open if isinstance(party, Commission))
        await commission.resume()
        laws = await country.book()
        assert len(laws.published) == 2
        with pytest.raises(problems.Suspended):
            laws.in_force(NOW).permit(*ASK, NOW)

    in_a_country(tmp_path, test)


def test_an_intent_whose_waiting_time_has_run_short_is_abandoned(tmp_path: Path) -> None:
    """An hour without ledger must not shorten what the public has to look at a widening."""

    async def test(country: Country) -> None:
        digest = await proposed(country, NOW + WAIT)
        ledger = country.apps[LEDGER]
        country.apps[LEDGER] = Response(status_code=503)
        with pytest.raises(problems.PartyUnavailable):
            await country.ask("commission", COMMISSION, APPROVE, Approve(digest))
        country.apps[LEDGER] = ledger
        country.now_ms += 3_600_000
        await country.ask("commission", COMMISSION, SUSPEND, STOP)
        laws = await country.book()
        assert [law.gazette.kind.value for law in laws.published] == ["genesis", "narrowing"]

    in_a_country(tmp_path, test)


def test_a_restart_gives_the_same_law(tmp_path: Path) -> None:
    """Every stored version is verified anew, receipts and all."""

    async def test(country: Country) -> None:
        await country.ask("commission", COMMISSION, SUSPEND, STOP)
        before = await country.ask("yokohama", COMMISSION, CURRENT, Since(0))
        commission = next(party for party in country.open if isinstance(party, Commission))
        commission.close()
        reopened = country.open_commission()
        assert await country.ask("yokohama", COMMISSION, CURRENT, Since(0)) == before
        assert reopened.book.in_force(NOW).gazette.number == 1

    in_a_country(tmp_path, test)


def test_a_version_altered_in_the_store_is_found_at_the_start(tmp_path: Path) -> None:
    """Whoever can write the file cannot change the law."""

    async def test(country: Country) -> None:
        commission = next(party for party in country.open if isinstance(party, Commission))
        commission.close()
        store = sqlite3.connect(tmp_path / "commission.sqlite")
        (encoded,) = store.execute("SELECT gazette FROM version").fetchone()
        forged = encode(wider(decode(encoded)))
        store.execute("UPDATE version SET gazette = ?", (forged,))
        store.commit()
        store.close()
        for _ in range(2):  # the refused start has let go of the file
            with pytest.raises(problems.SignatureInvalid):
                country.open_commission()

    in_a_country(tmp_path, test)


def test_whoever_asks_believes_neither_a_foreign_receipt_nor_a_foreign_entry(tmp_path: Path) -> None:
    """A version without its own inclusion proof is not taken, and the book stays as it was."""

    async def test(country: Country) -> None:
        await country.ask("commission", COMMISSION, SUSPEND, STOP)
        first_, second = (await country.ask("yokohama", COMMISSION, CURRENT, Since(0))).versions
        laws = LawBook(anchors())
        take(laws, first_, SOURCES)
        for wrong, problem in (
            ({"receipt": first_.receipt}, problems.InclusionInvalid),
            ({"entry": first_.entry}, problems.GazetteNotLogged),
            ({"commission": b""}, problems.GazetteUnsigned),
            ({"commission": first_.commission}, problems.SignatureInvalid),
        ):
            with pytest.raises(problem):
                take(laws, msgspec.structs.replace(second, **wrong), SOURCES)
        assert len(laws.published) == 1
        take(laws, second, SOURCES)
        assert len(laws.published) == 2

    in_a_country(tmp_path, test)


def test_many_versions_are_fetched_in_several_answers(tmp_path: Path) -> None:
    """One answer holds at most eight."""

    async def test(country: Country) -> None:
        towns = first().rows[:10]
        for row in towns:
            await country.ask("commission", COMMISSION, SUSPEND, Narrow([], [row.id], "不要", "unused"))
        assert len((await country.ask("yokohama", COMMISSION, CURRENT, Since(0))).versions) == 8
        assert len((await country.book()).published) == 11

    in_a_country(tmp_path, test)
