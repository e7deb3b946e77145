"""A converter's folder with a store, as its process has it, and two people with keys for backups."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kakine.crypto import age
from kakine.parties.converter import store
from kakine.process import backup
from kakine.process.backup import Sealing
from kakine.process.settings import Settings, read
from kakine.runtime.database import Database
from kakine.runtime.identity import Identity
from party_certificates import Roots
from processes.test_settings import TEXT


def clock() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Office:
    folder: Path
    secret: str
    public: str

    @property
    def config(self) -> Path:
        return self.folder / "party.toml"

    @property
    def settings(self) -> Settings:
        return read(self.config)

    @property
    def own(self) -> Identity:
        return backup.identity_of(self.settings)

    @property
    def sealing(self) -> Sealing:
        return Sealing([self.public])

    def write(self, *domains: str) -> None:
        """Shares of domains, in the party's store."""
        with closing(self.open()) as db:
            for each in domains:
                asyncio.run(
                    db.write(
                        lambda writing, each=each: store.keep_share(writing, each, 1, bytes(32), bytes(32))
                    )
                )

    def open(self) -> Database:
        return Database.open(self.folder / "converter-1.sqlite", store.metadata)

    def back_up(self, name: str = "store.age") -> Path:
        to = self.folder.parent / name
        backup.make(self.settings, self.own, to, self.sealing, clock)
        return to


def office(tmp_path: Path) -> Office:
    own = tmp_path / "converter-1"
    own.mkdir(mode=0o700)
    Roots(own).issued("converter-1")
    (own / "key.seed").write_bytes(bytes(range(32)))
    (own / "key.seed").chmod(0o600)
    (own / "party.toml").write_text(TEXT.replace("converter-1.pem", "own.pem"))
    (own / "converter-1.pem").rename(own / "own.pem")
    made = Office(own, *age.key())
    made.write("a/one", "a/two")
    return made


def fresh(made: Office, name: str = "elsewhere") -> Path:
    """Another machine's folder, with the seed alone."""
    folder = made.folder.parent / name
    folder.mkdir(mode=0o700)
    (folder / "key.seed").write_bytes((made.folder / "key.seed").read_bytes())
    (folder / "key.seed").chmod(0o600)
    return folder
