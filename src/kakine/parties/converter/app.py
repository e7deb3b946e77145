"""Wiring of a converter."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from kakine.contracts import converter
from kakine.parties.converter import (
    audit,
    disputed,
    erasing,
    gate,
    heads,
    hop,
    keys,
    rekey,
    statement,
    store,
    uses,
)
from kakine.parties.converter.office import Office, Settings
from kakine.parties.converter.uses import counting_refusals
from kakine.protocols.gazette import LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.protocols.witnessing import Logs, Opened
from kakine.runtime.database import Database
from kakine.runtime.heads import Histories
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.witness import Witness
from kakine.values.problems import CountConflict, FinalHeadBehind, HeadForked


class Converter:
    """One converter, in this process: others may share its store (spec/replicas.md). The boot fence is raised to the
    time when the object was made. Raises `CountConflict` on a store whose releases are not those that it has stated,
    `FinalHeadBehind` or `HeadForked` on one that has seen a log beyond its end."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        db = Database.open(path, store.metadata)
        try:
            for log in settings.logs:
                statement.check_own(db.read(), log.origin, identity)
                heads.check_ended(db.read(), log)
        except (CountConflict, FinalHeadBehind, HeadForked):
            db.close()
            raise
        self.office = Office(
            settings,
            identity,
            db,
            law,
            peers,
            clock,
            entropy,
            clock(),
            identity.local_key("release"),
            identity.local_key("nonce"),
            Heads(),
            Histories(db),
        )
        self.witness = Witness(settings.witness_name, identity.signing, self._logs, db, clock)

    def _logs(self) -> Logs:
        office = self.office
        law = office.law.in_force(office.clock())
        return {origin: (key,) for origin, key in log_keys(law, office.settings.logs).items()}

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        office = self.office
        duties: list[Duty[Any, Any]] = [
            Duty(converter.JOIN, partial(keys.join, office)),
            Duty(converter.LINK, partial(keys.link, office)),
            Duty(converter.MONTH_KEY, partial(keys.month_key, office)),
            Duty(converter.CONVERT, partial(counting_refusals(hop.convert), office)),
            Duty(converter.READ, partial(hop.read, office)),
            Duty(converter.RELEASE, partial(counting_refusals(gate.release), office)),
            Duty(converter.HEAD, partial(heads.last_head, office)),
            Duty(converter.OUTCOME, partial(gate.outcome, office)),
            Duty(converter.OPEN_SHARES, partial(gate.open_shares, office)),
            Duty(converter.CHECK, partial(audit.check, office)),
            Duty(converter.SEEN, partial(audit.seen_since, office)),
            Duty(converter.RATIOS, partial(audit.ratios, office)),
            Duty(converter.WINDOW, partial(audit.window, office)),
            Duty(converter.WITNESS, partial(audit.witness, office)),
            Duty(converter.DISPUTED, partial(disputed.disputed, office)),
            Duty(converter.DISPUTE, partial(audit.explain, office)),
            Duty(converter.STATEMENT, partial(statement.state, office)),
            Duty(converter.STATEMENTS, partial(statement.shown, office)),
            Duty(converter.USES, partial(uses.told, office)),
            Duty(converter.REKEY, partial(rekey.rekey, office)),
            Duty(converter.DESTROY, partial(erasing.destroy, office)),
            Duty(converter.LIFT, partial(erasing.lift, office)),
        ]
        roles_of = lambda name: office.law.in_force(office.clock()).roles(name)  # noqa: E731
        return application(duties, roles_of, self.witness.routes())

    async def believe(self, final: Opened, dead: bool) -> None:
        """Hold the last head of a log that has ended against what was seen here (see `heads.believe`)."""
        await heads.believe(self.office, final, dead=dead)

    def close(self) -> None:
        """Close the store."""
        self.office.db.close()
