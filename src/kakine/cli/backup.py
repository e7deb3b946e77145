"""`kakine backup`: a sealed copy of what one party keeps, while it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kakine.crypto import age, files
from kakine.crypto.signing import VerifyKey
from kakine.process import backup as making
from kakine.process.backup import Sealing
from kakine.process.recipients import recipients
from kakine.process.running import clock
from kakine.process.settings import read
from kakine.values.problems import BackupFailed, BackupKeyMalformed, BackupUnreadable
from kakine.wire.backup import Part

KEY_BYTES = 32
ConfigOption = Annotated[
    Path | None,
    typer.Option(help="Settings of the party (TOML), in its own folder. Only a check may go without."),
]
SeedOption = Annotated[
    Path | None, typer.Option(help="The party's seed, where it lies elsewhere than the settings say.")
]
KeyOption = Annotated[
    Path | None, typer.Option(help="File with the private key (AGE-SECRET-KEY-1…), for --check.")
]


def backup(
    config: ConfigOption = None,
    to: Annotated[
        Path | None, typer.Option(help="The file to write; in a folder it gets a name of party and time.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="Public key (age1…) of who may put it back; again for each further one."),
    ] = None,
    recipient_file: Annotated[
        Path | None, typer.Option(help="The same, in a file: one a line, lines with # are left out.")
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="The keys instead of the store: for another recipient.")
    ] = False,
    seed: SeedOption = None,
    check: Annotated[Path | None, typer.Option(help="Verify this backup instead of making one.")] = None,
    key: KeyOption = None,
    signed_by: Annotated[
        str,
        typer.Option(
            help="With --check: the party's public key in hexadecimal digits, in place of --config."
        ),
    ] = "",
) -> None:
    """控え: back up one party, running or not, to public keys in the format of age. Whole or not at all. Example:

      kakine backup --config converter-1/party.toml --to backups --recipient age1…

      kakine backup --check converter-1-store-….age --key backup.key --signed-by 3b6d…

      kakine backup --config converter-1/party.toml --keys --to keys.age --recipient age1…

    `age-keygen` makes such keys, or `kakine backup-key`. Keep the private one off this machine: one that lies in the
    party's folder, or beside it, the seed, the backup or the file with the recipients, is refused (`backup-key-here`).
    The keys go into a file of their own: whoever opens both is the party. A store on PostgreSQL is in the backup as
    pg_dump writes it. A check opens the backup, writes nothing, and lists what is in it; the public key it needs is
    printed when a backup is made.
    """
    if check is not None:
        _check(check, private(key), _key(config, seed, signed_by))
        return
    settings = read(_there(config))
    own = making.identity_of(settings, seed)
    beside = [] if recipient_file is None else [recipient_file.absolute().parent]
    sealing = Sealing(recipients(recipient or (), recipient_file), seed, beside)
    part = Part.KEYS if keys else Part.STORE
    target = _target(to, making.name_of(settings, part, clock()))
    try:
        if keys:
            making.make_keys(settings, own, target, sealing, clock)
        else:
            making.make(settings, own, target, sealing, clock)
    except FileExistsError as fault:
        raise BackupFailed(reason="there is such a file") from fault
    typer.echo(str(target))
    typer.echo(f"署名 / signed by: {bytes(own.signing.public).hex()}", err=True)


def _check(file: Path, secret: str, key: VerifyKey) -> None:
    manifest = making.check(file, secret, key)
    at = datetime.fromtimestamp(manifest.taken_ms // 1000, UTC)
    what = f"{len(manifest.members)} files, {manifest.part.name.lower()}"
    typer.echo(f"✓ {manifest.party}: {what}, {at:%Y-%m-%dT%H:%M:%SZ}")
    for each in manifest.members:
        typer.echo(f"  {each.path} {each.size}")


def _key(config: Path | None, seed: Path | None, signed_by: str) -> VerifyKey:
    if not signed_by:
        return making.identity_of(read(_there(config)), seed).signing.public
    try:
        raw = bytes.fromhex(signed_by)
    except ValueError as fault:
        raise BackupUnreadable(part="--signed-by") from fault
    if len(raw) != KEY_BYTES:
        raise BackupUnreadable(part="--signed-by")
    return VerifyKey(raw)


def _there(config: Path | None) -> Path:
    if config is None:
        raise BackupFailed(reason="--config is missing")
    return config


def backup_key(
    to: Annotated[
        Path, typer.Option(help="New file for the private key, mode 600. The public one is printed.")
    ],
) -> None:
    """控えの鍵: make a key for backups, on the machine that will open them."""
    secret, public = age.key()
    files.write_private(to, f"# public key: {public}\n{secret}\n".encode())
    typer.echo(public)


def private(path: Path | None) -> str:
    """The private key in a file as `age-keygen` writes it. Raises `BackupKeyMalformed`."""
    try:
        lines = path.read_text().splitlines() if path is not None else []
    except (OSError, UnicodeDecodeError) as fault:
        raise BackupKeyMalformed() from fault
    for line in lines:
        if line and not line.startswith("#"):
            return line.strip()
    raise BackupKeyMalformed()


def _target(to: Path | None, name: str) -> Path:
    if to is None:
        raise BackupFailed(reason="--to is missing")
    return to / name if to.is_dir() else to
