"""`kakine`: all commands."""

from __future__ import annotations

import typer

from kakine.cli import agency, apart, authority, card, gazette, monitor, page, paper, postgres, store
from kakine.cli.asking import ask
from kakine.cli.audit import audit
from kakine.cli.consents import app as consents
from kakine.cli.demo import demo
from kakine.cli.desk import app as desk
from kakine.cli.history import history
from kakine.cli.ledger import app as ledger
from kakine.cli.login import app as login
from kakine.cli.mandate import app as mandate
from kakine.cli.objecting import object_
from kakine.cli.openapi import openapi
from kakine.cli.operating import COMMANDS
from kakine.cli.own_data import data
from kakine.cli.retain import retain
from kakine.cli.run import run
from kakine.cli.serve import app as serve
from kakine.cli.unsealing import unseal
from kakine.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="垣根 Kakine: a national number system. Start with `kakine demo`; then look around in what it left.",
)
app.command()(demo)
app.command()(ask)
app.command()(history)
app.command()(data)
app.command(name="object")(object_)
app.command()(verify)
app.command()(audit)
app.command()(openapi)
app.command()(retain)
app.command()(unseal)
app.command()(run)
for _name, _command in COMMANDS.items():
    app.command(name=_name)(_command)
app.add_typer(agency.app, name="agency")
app.add_typer(apart.app, name="apart")
app.add_typer(card.app, name="card")
app.add_typer(authority.app, name="authority")
app.add_typer(consents, name="consents")
app.add_typer(desk, name="desk")
app.add_typer(gazette.app, name="gazette")
app.add_typer(ledger, name="ledger")
app.add_typer(login, name="login")
app.add_typer(mandate, name="mandate")
app.add_typer(monitor.app, name="monitor")
app.add_typer(page.app, name="page")
app.add_typer(paper.app, name="paper")
app.add_typer(postgres.app, name="postgres")
app.add_typer(store.app, name="store")
app.add_typer(serve, name="serve")
