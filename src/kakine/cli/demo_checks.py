"""What a demonstration must have shown, looked up afresh in what the parties have stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from kakine.cli.demo_journal import Journal
from kakine.cli.own_history import Read, own_history
from kakine.clients.carrier import filed_of
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, CONSISTENCY, Between
from kakine.country import CONVERTERS, KEEPERS, LOGIN, LOGS, Country
from kakine.crypto.merkle import verify_consistency
from kakine.institutions.cases import Inquiry
from kakine.institutions.families import Family, Roster
from kakine.institutions.ledgers import signer_of
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, log_keys, log_of, open_logs
from kakine.runtime import codebook
from kakine.runtime.postgres import contents
from kakine.values.labels import PartyName
from kakine.values.problems import ReceiptMismatch
from kakine.wire import checkpoint as notes
from kakine.wire import filing
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import split_entries

Receipt = tuple[bytes, bytes, bytes, bytes]


async def head(country: Country, log: Log = LOGS[0]) -> Checkpoint:
    """A log's present head, its signature checked."""
    given = await country.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())
    law = country.book("portal").in_force(country.site.clock())
    return notes.open(given.checkpoint, log.origin, log.key_in(law))


async def check_receipts(country: Country) -> tuple[int, int]:
    """(requests, entries) of every receipt that any agency or the registry keeps, once all of them verify.

    Each: every record keeper's signature over these entries, their place under a signed head of the ledger, and
    that this head is a beginning of that log's present one, if the log is not dead. Raises the first thing that
    does not hold.
    """
    stores = [gateway.office.db for gateway in country.gateways.values()] + [country.registry.db]
    kept = list(chain.from_iterable(codebook.receipts(store.read()) for store in stores))
    heads = Heads()
    seen: dict[tuple[str, int], bytes] = {}
    for receipt in kept:
        at, origin = _check_receipt(country, heads, receipt)
        log = log_of(country.logs, origin)
        if seen.get((origin, at.size)) != at.root and not log.dead:
            await _check_grown(country, at, log)
            seen[origin, at.size] = at.root
    return len(kept), sum(len(split_entries(entries)) for _, _, entries, _ in kept)


def _check_receipt(country: Country, heads: Heads, receipt: Receipt) -> tuple[Checkpoint, str]:
    law = country.book("portal").in_force(country.site.clock())
    request, kept, entries, tags = receipt
    filed = filed_of(kept)
    if [each.party for each in filed.filings] != law.keeper_parties:
        raise ReceiptMismatch(what="keepers")
    for each in filed.filings:
        opened = filing.opened(each.filing, each.signature, law.signing_key(each.party))
        opened.covers(entries, tags)
        if opened.request != request:
            raise ReceiptMismatch(what="request")
    place = filed.receipt
    at = heads.verify(place.first, place.proof, place.checkpoint, entries, log_keys(law, country.logs))
    return at, notes.origin_of(place.checkpoint)


async def _check_grown(country: Country, at: Checkpoint, log: Log) -> None:
    grown = await country.peers("portal").ask(log.ledger, CONSISTENCY, Between(at.size))
    law = country.book("portal").in_force(country.site.clock())
    now = notes.open(grown.checkpoint, log.origin, log.key_in(law))
    verify_consistency(at.size, now.size, grown.proof, at.root, now.root)


@dataclass(frozen=True)
class History:
    """One resident's history, and how many of the exchanges that were made about them are missing in it."""

    read: Read
    missing: int

    @property
    def complete(self) -> bool:
        """The record keepers and their public indexes agree, and every exchange made is among the rows."""
        return self.read.complete and self.missing == 0


async def check_history(
    country: Country, journal: Journal, roster: Roster, family: Family, inquiries: Iterable[Inquiry]
) -> History:
    """The applicant's history, held against what the desks asked and were answered about them."""
    person = family.members[0]
    read = await own_history(country, roster.reference(LOGIN, person))
    shown = {(line.case, line.recipient, line.rows, line.result) for line in read.lines}
    made = [
        (each.question.case, each.question.provider, tuple(sorted(each.question.rows)), asked.result)
        for each in inquiries
        if each.member.serial == person.serial and (asked := journal.asked.get(each.name))
    ]
    return History(read, sum(each not in shown for each in made))


@dataclass(frozen=True)
class Audit:
    """What the commission's auditor found: S0+ exchanges checked window by window, enrolments sampled, faults."""

    windows: int
    exchanges: int
    samples: int
    faults: int


SAMPLES = 8


async def audit(country: Country) -> Audit:
    """Check every single exchange that has not been checked, sample enrolments once, and count all verdicts."""
    await country.auditor.check_windows()
    await country.auditor.check_indexes()
    if not country.auditor.verdicts("enrolment"):
        await country.auditor.sample_enrolments(SAMPLES)
    windows, samples = country.auditor.verdicts("window"), country.auditor.verdicts("enrolment")
    faults = sum(bool(verdict.fault) for verdict in country.auditor.verdicts())
    return Audit(len(windows), sum(verdict.requests for verdict in windows), len(samples), faults)


def leaks(country: Country, traces: Sequence[bytes]) -> list[str]:
    """Parties between the agencies in whose files a name, number or reference is found: should be none."""
    found = []
    ledgers = [party for log in open_logs(country.logs) for party in (log.ledger, signer_of(log))]
    for party in (*ledgers, *(keeper.party for keeper in KEEPERS), *CONVERTERS):
        for stored in _stored(country, party):
            if any(trace in stored for trace in traces):
                found.append(str(party))
    return sorted(set(found))


def _stored(country: Country, party: PartyName) -> Iterator[bytes]:
    path = country.path(party)
    if path.suffix == ".postgresql":
        yield contents(path)
    else:
        yield from (each.read_bytes() for each in sorted(path.parent.glob(f"{party}.sqlite*")))


def traces(country: Country, roster: Roster, family: Family, numbers: Iterable[str]) -> list[bytes]:
    """Everything by which a household could be recognised: names, readings, address, numbers, references."""
    texts = [*numbers, family.household.address or ""]
    for member in family.members:
        texts += [member.resident.name, member.resident.kana]
    references = [roster.reference(domain, m) for domain in country.domains() for m in family.members]
    return [text.encode() for text in texts if text] + references
