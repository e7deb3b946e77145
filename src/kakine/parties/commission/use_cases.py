"""The commission's duties, one method each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kakine.contracts.call import Nothing
from kakine.contracts.commission import (
    MOST_VERSIONS,
    Approve,
    Assessed,
    BatchLogged,
    IssuanceBatch,
    Narrow,
    PlainChange,
    Proposal,
    Proposals,
    Propose,
    Received,
    Refuse,
    Since,
    Stop,
    Version,
    Versions,
)
from kakine.parties.commission.openings import Openings
from kakine.parties.commission.publisher import Publisher, version_of
from kakine.parties.commission.store import Store, StoredProposal
from kakine.protocols.assessment import Card, Step, check_widening, stepped
from kakine.protocols.gazette import MINISTRY, sign_as_commission
from kakine.protocols.gazette_diff import describe
from kakine.protocols.gazette_draft import narrowing_version
from kakine.protocols.gazette_sound import require_sound
from kakine.runtime.identity import Clock, Identity
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.values.problems import AssessmentMalformed, GazetteInconsistent, ProposalUnknown, TwoPeopleNeeded
from kakine.wire.canonical import decode as decode_message
from kakine.wire.gazette import Kind, Signatures, Subject, decode, encode, gazette_digest
from kakine.wire.issuance import LABEL, Batch, batch_digest

_STEPS = (Step.DRAFT, Step.COMMENT, Step.COMMENT_END, Step.CHECK, Step.PUBLISH)
Cards = dict[tuple[str, str], Card]


class Duties:
    """What the commission does for others and for its own people. `staffed` says whether it has any; `cards` is its
    register of assessments."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        publisher: Publisher,
        openings: Openings,
        clock: Clock,
        staffed: Callable[[], bool],
        cards: Callable[[], Cards],
        enter: Callable[[Card], Awaitable[None]],
    ) -> None:
        self._staffed = staffed
        self._cards = cards
        self._enter = enter
        self._openings = openings
        self._identity = identity
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def found(self, encoded: bytes, ministry: bytes) -> Version:
        """Countersign and publish the first version. Called by the founding, not over the network."""
        commission = sign_as_commission(self._identity.signing, encoded)
        return await self._publisher.publish(encoded, Signatures(ministry, commission))

    async def current(self, caller: PartyName, asked: Since) -> Versions:
        """Published versions from a number on, at most `MOST_VERSIONS`, and logs that were opened since."""
        found = self._store.published_from(asked.number, MOST_VERSIONS)
        return Versions([version_of(stored) for stored in found], self._openings.after(asked.openings))

    async def propose(self, caller: PartyName, asked: Propose) -> Received:
        """Keep a widening for review; publish a narrowing, for which the ministry's signature is enough.

        Raises SignatureInvalid, NotCanonical, GazetteInconsistent; for a narrowing what publishing raises.
        """
        digest = gazette_digest(asked.gazette)
        present = self._publisher.book.in_force(self._clock())
        present.anchors.ministry.verify(asked.signature, MINISTRY, digest)
        gazette = decode(asked.gazette)
        require_sound(gazette)
        if gazette.kind is Kind.NARROWING:
            await self._publisher.publish(asked.gazette, Signatures(ministry=asked.signature))
            return Received(digest, published=True)
        await self._store.receive(StoredProposal(digest, asked.gazette, asked.signature), self._clock())
        return Received(digest, published=False)

    async def proposals(self, caller: PartyName, asked: Nothing) -> Proposals:
        """What is open, each with everything it would change in the law now in force."""
        return Proposals(self.shown_proposals())

    def shown_proposals(self) -> list[Proposal]:
        """The same, for the commission's own people."""
        return [self._shown(proposal) for proposal in self._store.open_proposals()]

    def _shown(self, proposal: StoredProposal) -> Proposal:
        gazette = decode(proposal.gazette)
        present = self._publisher.book.in_force(self._clock())
        changes = [
            PlainChange(change.widens, change.what, change.name, change.ja, change.en)
            for change in describe(present.gazette, gazette)
        ]
        return Proposal(
            proposal.digest,
            gazette.number,
            gazette.effective_ms,
            gazette.reason_ja,
            gazette.reason_en,
            changes,
        )

    def known_parties(self) -> frozenset[str]:
        """Those in force, and those that an open proposal would bring: a file is assessed before it is kept."""
        versions = [self._publisher.book.in_force(self._clock()).gazette]
        versions += [decode(each.gazette) for each in self._store.open_proposals()]
        return frozenset(party.name for version in versions for party in version.parties)

    async def assessed(self, caller: PartyName, asked: Assessed) -> Nothing:
        """An assessment comes into the register as its party has published it, while nobody is enrolled. Raises
        TwoPeopleNeeded, AssessmentMalformed for a party that nobody has proposed, a day to come, and steps that are
        lacking, out of order or too early."""
        self._nobody_alone()
        if asked.party not in self.known_parties() or not 1 <= len(asked.file) <= 80:
            raise AssessmentMalformed(what="facts")
        if asked.published > day_in_japan(self._clock()):
            raise AssessmentMalformed(what="day")
        card = Card(asked.party, asked.file, asked.people, asked.many_staff)
        taken = (asked.draft, asked.comment_from, asked.comment_until, asked.checked, asked.published)
        for step, day in zip(_STEPS, taken, strict=True):
            card = stepped(card, step, day) if day else card
        await self._enter(card)
        return Nothing()

    def _nobody_alone(self) -> None:
        """A call is one person's: from the day on that the commission has people, only two of them sign."""
        if self._staffed():
            raise TwoPeopleNeeded()

    async def approve(self, caller: PartyName, asked: Approve) -> Version:
        """As `publish_approved`, while nobody is enrolled. Raises TwoPeopleNeeded and what that raises."""
        self._nobody_alone()
        return await self.publish_approved(asked.digest)

    async def refuse(self, caller: PartyName, asked: Refuse) -> Nothing:
        """As `close_proposal`, while nobody is enrolled. Raises TwoPeopleNeeded and what that raises."""
        self._nobody_alone()
        await self.close_proposal(asked.digest, asked.reason)
        return Nothing()

    async def suspend(self, caller: PartyName, asked: Narrow) -> Version:
        """As `publish_narrowing`, while nobody is enrolled. Raises TwoPeopleNeeded and what that raises."""
        self._nobody_alone()
        return await self.publish_narrowing(asked)

    # --- what two people have signed; not reached by any call

    def proposal(self, digest: bytes) -> StoredProposal:
        """An open one. Raises ProposalUnknown."""
        found = self._store.open_proposal(digest)
        if found is None:
            raise ProposalUnknown()
        return found

    def check_assessed(self, proposal: StoredProposal) -> None:
        """Raise AssessmentIncomplete where a proposal would allow something on a file that is not assessed."""
        asked, now_ms = decode(proposal.gazette), self._clock()
        present = self._publisher.book.in_force(now_ms).gazette
        check_widening(present, asked, self._cards(), day_in_japan(max(now_ms, asked.effective_ms)))

    async def publish_approved(self, digest: bytes) -> Version:
        """Countersign and publish. The waiting time runs from now. Raises ProposalUnknown, AssessmentIncomplete and
        what publishing raises."""
        published = self._store.find_published(digest)
        if published is not None:
            return version_of(published)
        proposal = self.proposal(digest)
        self.check_assessed(proposal)
        commission = sign_as_commission(self._identity.signing, proposal.gazette)
        return await self._publisher.publish(proposal.gazette, Signatures(proposal.ministry, commission))

    async def close_proposal(self, digest: bytes, reason: str) -> None:
        """Close a proposal without publishing it. Raises ProposalUnknown."""
        self.proposal(digest)
        await self._store.refuse(digest, reason)

    async def publish_narrowing(self, asked: Narrow) -> Version:
        """Stop things at once, with the commission's signature alone. What was still waiting is dropped, which may be
        all that is asked.

        Raises RowUnknown, GazetteInconsistent (nothing of that name), GazetteNotNarrowing (a protective
        ground), GazetteUnchanged.
        """
        stops = [(_subject(stop), stop.name) for stop in asked.suspend]
        gazette = narrowing_version(
            self._publisher.book,
            stops,
            asked.strike,
            self._clock(),
            asked.reason_ja,
            asked.reason_en,
            asked.until,
        )
        encoded = encode(gazette)
        commission = sign_as_commission(self._identity.signing, encoded)
        return await self._publisher.publish(encoded, Signatures(commission=commission))

    async def log_batch(self, caller: PartyName, asked: IssuanceBatch) -> BatchLogged:
        """Log the digest of what the authority says it issued and revoked; nothing of it is kept here.

        Raises SignatureInvalid, NotCanonical, PartyUnavailable. Not checked: that batches follow one another; who reads
        them does (`protocols.issuance`).
        """
        law = self._publisher.book.in_force(self._clock())
        law.signing_key(caller).verify(asked.signature, LABEL, asked.batch)
        decode_message(asked.batch, Batch)
        return BatchLogged(*await self._publisher.log_digest(batch_digest(asked.batch)))


def _subject(stop: Stop) -> Subject:
    """The subject of a suspension. Raises GazetteInconsistent for a word that is none."""
    try:
        return Subject(stop.subject)
    except ValueError as fault:
        raise GazetteInconsistent(what="suspensions", fault="no such subject") from fault
