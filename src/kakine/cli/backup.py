"""`kakine backup`: a sealed copy of what one party keeps, while it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kakine.crypto import age
from kakine.process import backup as making
from kakine.process.running import clock
from kakine.process.settings import read
from kakine.values.problems import BackupFailed, BackupKeyMalformed
from kakine.wire.backup import Part

ConfigOption = Annotated[Path, typer.Option(help="Settings of the party (TOML), in its own folder.")]
SeedOption = Annotated[
    Path | None, typer.Option(help="The party's seed, where it lies elsewhere than the settings say.")
]
KeyOption = Annotated[
    Path | None, typer.Option(help="File with the private key (AGE-SECRET-KEY-1…), for --check.")
]


def backup(
    config: ConfigOption,
    to: Annotated[
        Path | None, typer.Option(help="The file to write; in a folder it gets a name of party and time.")
    ] = None,
    recipient: Annotated[str, typer.Option(help="Public key (age1…) of who may put it back.")] = "",
    recipient_file: Annotated[Path | None, typer.Option(help="The same, in a file.")] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="The keys instead of the store: for another recipient.")
    ] = False,
    seed: SeedOption = None,
    check: Annotated[Path | None, typer.Option(help="Verify this backup instead of making one.")] = None,
    key: KeyOption = None,
) -> None:
    """控え: back up one party, running or not, to a public key in the format of age. Whole or not at all. Example:

      kakine backup --config converter-1/party.toml --to backups --recipient age1…

      kakine backup --config converter-1/party.toml --check backups/….age --key backup.key

      kakine backup --config converter-1/party.toml --keys --to keys.age --recipient age1…

    `age-keygen` makes such keys, or `kakine backup-key`. Keep the private one off this machine. The keys go into a file
    of their own: whoever opens both is the party. A store on PostgreSQL is in the backup as pg_dump writes it.
    """
    settings = read(config)
    own = making.identity_of(settings, seed)
    if check is not None:
        manifest = making.check(check, private(key), own)
        typer.echo(f"✓ {manifest.party}: {len(manifest.members)} files, {manifest.part.name.lower()}")
        return
    known = recipient or (recipient_file.read_text().strip() if recipient_file else "")
    age.check_recipient(known)
    part = Part.KEYS if keys else Part.STORE
    target = _target(to, making.name_of(settings, part, clock()))
    try:
        if keys:
            at = seed or settings.folder / settings.keys.seed
            making.make_keys(settings, own, at, target, known, clock)
        else:
            making.make(config, settings, own, target, known, clock)
    except FileExistsError as fault:
        raise BackupFailed(reason="there is such a file") from fault
    typer.echo(str(target))


def backup_key(
    to: Annotated[
        Path, typer.Option(help="New file for the private key, mode 600. The public one is printed.")
    ],
) -> None:
    """控えの鍵: make a key for backups, on the machine that will open them."""
    secret, public = age.key()
    with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"# public key: {public}\n{secret}\n")
    typer.echo(public)


def private(path: Path | None) -> str:
    """The private key in a file as `age-keygen` writes it. Raises `BackupKeyMalformed`."""
    lines = path.read_text().splitlines() if path is not None and path.is_file() else []
    for line in lines:
        if line and not line.startswith("#"):
            return line.strip()
    raise BackupKeyMalformed()


def _target(to: Path | None, name: str) -> Path:
    if to is None:
        raise BackupFailed(reason="--to is missing")
    return to / name if to.is_dir() else to
