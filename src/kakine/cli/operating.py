"""What the operator of one party calls often: without the command line of all, which takes longer to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from kakine.cli.backup import backup, backup_key
from kakine.cli.renewing import renew
from kakine.cli.restore import restore

COMMANDS: Mapping[str, Callable[..., None]] = {
    "backup": backup,
    "backup-key": backup_key,
    "restore": restore,
    "renew": renew,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
for _name, _command in COMMANDS.items():
    app.command(name=_name)(_command)
