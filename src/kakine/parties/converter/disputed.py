"""To which request a disputed exchange belongs: told for an objection that stands in the log, and for nothing else."""

from __future__ import annotations

from kakine.contracts.converter import Disputed, DisputedFound
from kakine.parties.converter import store
from kakine.parties.converter.audit import shown_request
from kakine.parties.converter.gate import known
from kakine.parties.converter.office import Office
from kakine.protocols import objections
from kakine.protocols.logs import log_keys
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid, ExchangeUnknown
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry
from kakine.wire.objection import Shown


async def disputed(office: Office, caller: PartyName, asked: Disputed) -> DisputedFound:
    """Raises `ObjectionInvalid` and what does not verify of the objection; `ExchangeUnknown` for an exchange that was
    never released here. Does not check whose list it stands in: the record keepers have, and signed."""
    law = office.law.in_force(office.clock())
    shown, keys = decode(asked.shown, Shown), log_keys(law, office.settings.logs)
    for place, proved in ((shown.place, asked.disputed), (shown.objection, asked.objection)):
        receipt = proved.receipt
        if origin_of(receipt.checkpoint) != place.log:
            raise CheckpointInvalid(part="origin")
        office.heads.verify(place.index, receipt.proof, receipt.checkpoint, proved.entries, keys)
    objection = asked.objection.entries
    xid = objections.check_shown(shown, Entry.decode(asked.disputed.entries), Entry.decode(objection))
    objections.check_filed(objection, asked.tag, asked.filings, law.keeper_parties, law.signing_key)
    used = store.find_used(office.db.read(), xid)
    if used is None:
        raise ExchangeUnknown()
    _, _, request = used
    signature = office.identity.signing.sign("disputed", xid, request)
    return DisputedFound(shown_request(known(office, request)), signature)
