"""`kakine openapi`: the calls of a kind of party, for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from kakine.contracts.call import Role
from kakine.runtime.openapi import encoded


def openapi(kind: Annotated[Role, typer.Argument(help="Kind of party.")]) -> None:
    """機関の呼出しをOpenAPIで出す: print every call of a kind of party as an OpenAPI 3.1 document. Example:

      kakine openapi registry

    The same is at `/openapi.json` of the admin port of each party that runs as a process of its own.
    """
    typer.echo(encoded(kind).decode(), nl=False)
