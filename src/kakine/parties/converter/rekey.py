"""A domain's move to its next epoch: its own codes, blind, one leg, no person's record (spec/lcx.md section 9).

X→X only, so as an oracle it yields nothing foreign. The gazette must hold the approval: the domain's next epoch.
"""

from __future__ import annotations

from kakine.contracts.converter import Rekey, Rekeyed
from kakine.crypto.group import group, scalar_inv, scalar_mul
from kakine.crypto.hashing import digest
from kakine.parties.converter import store
from kakine.parties.converter.keys import share_of
from kakine.parties.converter.office import Office
from kakine.protocols.chain import blind_share
from kakine.protocols.gates import check_window
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import BatchReused, CallerNotAllowed


def rekey_digest(message: Rekey) -> tuple[bytes, ...]:
    """What the domain's party signs with label "rekey"."""
    return (
        message.domain.encode(),
        message.epoch.to_bytes(2, "big"),
        message.batch,
        message.time_ms.to_bytes(8, "big"),
        digest("points", message.points),
    )


async def rekey(office: Office, caller: PartyName, message: Rekey) -> Rekeyed:
    """Codes of epoch e, blinded by the domain and by the share it has with this converter, become codes of e + 1.

    The gazette in force must name the domain with epoch e + 1 and allow ground REKEY; the domain joins the new epoch
    first. Raises what is missing. Repeating a batch gives the same points.
    """
    now_ms = office.clock()
    domain = DomainName(message.domain)
    law = office.law.in_force(now_ms)
    if domain.party != caller or law.epoch(domain) != message.epoch + 1:
        raise CallerNotAllowed(call="rekey")
    law.permit_ground("REKEY", domain, domain, now_ms)
    law.signing_key(caller).verify(message.signature, "rekey", *rekey_digest(message))
    check_window(message.time_ms, now_ms)
    old, key = share_of(office, domain, message.epoch)
    new, _ = share_of(office, domain, message.epoch + 1)
    factor = scalar_mul(new, scalar_inv(scalar_mul(old, blind_share(key, message.batch))))
    points = group.mul_each(factor, message.points)
    place = (str(domain), message.epoch, digest("rekeyed", *rekey_digest(message)))
    await office.db.write(lambda db: _write_down(db, message.batch, place))
    return Rekeyed(points)


def _write_down(db: Connection, batch: bytes, place: tuple[str, int, bytes]) -> None:
    known = store.find_rekeyed(db, batch)
    if known is not None and known != place:
        raise BatchReused()
    if known is None:
        store.add_rekeyed(db, batch, *place)
