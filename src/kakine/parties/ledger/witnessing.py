"""The ledger's heads before witnesses: gathered beside the sequencer, kept when they meet the policy."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.clients.witnessing import Gathered, Gatherer, WitnessSite
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import MOST_ENTRIES, Appended, ByIndex, Proved
from kakine.contracts.ledger import Head as Present
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import Store
from kakine.protocols.witnessing import cosigners
from kakine.values.labels import PartyName
from kakine.values.problems import NotWitnessed, QuorumMissing, RangeOutside
from kakine.wire.policy import Policy


class Witnessing:
    """One log's way to its witnesses. What it gathers is served until a larger head meets the policy."""

    def __init__(self, store: Store, sequencer: Sequencer) -> None:
        self._store = store
        self._sequencer = sequencer
        self._gatherer = Gatherer()

    async def gather(self, policy: Policy, sites: Sequence[WitnessSite]) -> Gathered:
        """Submit the present head to all; keep the note if its lines meet the policy's quorum.

        Raises what the store raises. A quorum that is not met raises nothing: the last good note stays.
        """
        gathered = await self.show(sites)
        try:
            policy.check_quorum(cosigners(gathered.note, policy))
        except QuorumMissing:
            return gathered
        await self._store.keep_cosigned(gathered.size, gathered.note)
        return gathered

    async def show(self, sites: Sequence[WitnessSite]) -> Gathered:
        """Submit the present head and keep nothing of the answers."""
        head = await self._sequencer.head()
        return await self._gatherer.gather(
            head.note, head.at.size, lambda old: head.consistency(old).proof, sites
        )

    async def checkpoint(self, caller: PartyName, asked: Nothing) -> Present:
        """The largest checkpoint that met the policy, with all its cosignatures. Raises `NotWitnessed`."""
        return Present(self._cosigned()[1])

    async def entries(self, caller: PartyName, asked: ByIndex) -> Proved:
        """Entries by index with a proof under that checkpoint. Raises `NotWitnessed` beyond it, `RangeOutside`."""
        size, note = self._cosigned()
        if not 1 <= asked.count <= MOST_ENTRIES or asked.first < 0:
            raise RangeOutside(most=MOST_ENTRIES)
        if asked.first + asked.count > size:
            raise NotWitnessed(size=size)
        proof = (await self._sequencer.head()).tree.range_proof(asked.first, asked.count, size)
        entries = b"".join(self._store.entries(asked.first, asked.count))
        return Proved(entries, Appended(asked.first, proof, note))

    def _cosigned(self) -> tuple[int, bytes]:
        found = self._store.cosigned()
        if found is None:
            raise NotWitnessed(size=0)
        return found
